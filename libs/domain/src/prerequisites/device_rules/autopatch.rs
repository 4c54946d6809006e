//! The optional Autopatch profile.

use jiff::{SignedDuration, Timestamp};

use super::super::judged::Judged;
use super::super::moment::{is_within, outgrows};
use super::super::report::Answer;
use crate::facts::{DeviceFacts, Fact, Owner, copied, value};
use crate::workload::{ManagementAuthority, Workload};

/// The workloads that Autopatch needs at Intune.
const NEEDED: [Workload; 3] =
    [Workload::WindowsUpdatePolicies, Workload::DeviceConfiguration, Workload::OfficeClickToRunApps];

/// How recently the device must have checked in with Intune.
pub(in super::super) const CHECKED_IN_WITHIN: SignedDuration = SignedDuration::from_hours(28 * 24);

/// A workload that is known to be elsewhere decides, whatever is unknown of the others.
pub(super) fn workloads<O: Judged>(authority: impl Fn(Workload) -> ManagementAuthority) -> O {
    let decided = NEEDED.map(|workload| (workload, authority(workload)));
    let is_elsewhere =
        |at: ManagementAuthority| !matches!(at, ManagementAuthority::Intune | ManagementAuthority::Unknown);
    if decided.iter().any(|(_, at)| is_elsewhere(*at)) {
        O::unsatisfied_by(|| {
            let elsewhere = decided.iter().filter(|(_, at)| is_elsewhere(*at));
            let found: Vec<String> = elsewhere.map(|(workload, at)| format!("{workload} at {at}")).collect();
            let expected =
                "windows_update_policies, device_configuration and office_click_to_run_apps at intune";
            (expected.into(), found.join(", ").into())
        })
    } else if decided.iter().any(|(_, at)| *at == ManagementAuthority::Unknown) {
        O::unknown(&["device.effective_authority"])
    } else {
        O::satisfied()
    }
}

const DEVICE_FACTS: &str = "owner company; serial number, model and manufacturer present; Intune sync within 28 days; enrolled in Intune";

/// Four conditions at once: one that is known to fail decides, and all that fail are named.
pub(super) fn device_facts<O: Judged>(facts: &DeviceFacts, as_of: Timestamp) -> Answer<O> {
    let owner = copied(&facts.owner);
    let hardware = hardware_present(facts);
    let sync = copied(&facts.last_intune_sync);
    let fresh = sync.map(|sync| is_within(sync, CHECKED_IN_WITHIN, as_of));
    let enrolled = copied(&facts.mdm_enrolled);
    let changes_at = match (fresh, sync) {
        (Some(true), Some(sync)) => outgrows(sync, CHECKED_IN_WITHIN),
        _ => None,
    };

    let personal = owner == Some(Owner::Personal);
    let fails = personal || [hardware, fresh, enrolled].contains(&Some(false));
    let outcome = if fails {
        O::unsatisfied_by(|| {
            let failures = [
                personal.then(|| "owner personal".to_owned()),
                (hardware == Some(false)).then(|| "serial number, model or manufacturer empty".to_owned()),
                sync.filter(|_| fresh == Some(false)).map(|sync| format!("last Intune sync at {sync}")),
                (enrolled == Some(false)).then(|| "not enrolled in Intune".to_owned()),
            ];
            let found: Vec<String> = failures.into_iter().flatten().collect();
            (DEVICE_FACTS.into(), found.join("; ").into())
        })
    } else if owner.is_none() || hardware.is_none() || fresh.is_none() || enrolled.is_none() {
        O::unknown_of([
            ("device.owner", owner.is_none()),
            ("device.serial_model_manufacturer_present", hardware.is_none()),
            ("device.last_intune_sync", sync.is_none()),
            ("device.mdm_enrolled", enrolled.is_none()),
        ])
    } else {
        O::satisfied()
    };
    Answer::until(outcome, changes_at)
}

/// All three have text. A text that no source says is missing, not empty.
fn hardware_present(facts: &DeviceFacts) -> Option<bool> {
    let has_text = |fact: &Option<Fact<String>>| value(fact).map(|text| !text.trim().is_empty());
    let parts = [&facts.serial_number, &facts.model, &facts.manufacturer].map(has_text);
    if parts.contains(&Some(false)) {
        Some(false)
    } else if parts.contains(&None) {
        None
    } else {
        Some(true)
    }
}
