//! What the site and its client say: automatic enrolment, installation, health, what the policy does on the device.

use jiff::{SignedDuration, Timestamp};

use super::super::judged::Judged;
use super::super::moment::{is_within, outgrows};
use super::super::report::Answer;
use super::super::text::Text;
use crate::facts::{DeviceFacts, OsKind, copied};
use crate::policy::{AutoEnrollment, Membership, Surroundings};
use crate::workload::ManagementAuthority;

/// The flag sum of a healthy client: installed, registered, evaluation sent.
const HEALTHY: u32 = 7;
/// How long the flag sum 7 stays fresh (states.md 9).
const FRESH_WHEN_HEALTHY: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long any other flag sum stays fresh (states.md 9).
const FRESH_OTHERWISE: SignedDuration = SignedDuration::from_hours(48);

pub(super) fn installed<O: Judged>(facts: &DeviceFacts) -> O {
    O::of_bool(
        &["device.client_installed"],
        copied(&facts.client_installed),
        true,
        "Configuration Manager client installed",
        "no client",
    )
}

pub(super) fn cmg_certificate_trusted<O: Judged>(facts: &DeviceFacts) -> O {
    O::of_bool(
        &["device.trusts_cmg_certificate"],
        copied(&facts.trusts_cmg_certificate),
        true,
        "gateway certificate trusted",
        "gateway certificate not trusted",
    )
}

pub(super) fn auto_enroll_in_scope<O: Judged>(facts: &DeviceFacts, surroundings: &Surroundings<'_>) -> O {
    let said = surroundings
        .policy
        .and_then(|policy| Some((policy.auto_enrollment?, policy.auto_enrollment_collection.as_ref())));
    let Some(said) = said else {
        return O::unknown(&["site.auto_enroll_mode"]);
    };
    match said {
        (AutoEnrollment::All, _) => O::satisfied(),
        (AutoEnrollment::None, _) => O::unsatisfied("automatic enrolment all, or pilot", "none"),
        (AutoEnrollment::Pilot, None) => O::unknown(&["site.auto_enroll_collection"]),
        (AutoEnrollment::Pilot, Some(collection)) => match surroundings.membership(facts, collection) {
            Membership::Member => O::satisfied(),
            Membership::Unknown => O::unknown(&["device.collections"]),
            Membership::NotMember => {
                O::unsatisfied_by(|| (Text::member_of(collection.clone()), "not a member".into()))
            }
        },
    }
}

/// How long a report of health stays fresh. Without the flags only an age that is too great for any of them decides.
pub(in super::super) fn fresh_for(facts: &DeviceFacts) -> SignedDuration {
    match copied(&facts.client_health_flags) {
        None | Some(HEALTHY) => FRESH_WHEN_HEALTHY,
        Some(_) => FRESH_OTHERWISE,
    }
}

/// Up to 48 hours any report is fresh, after 30 days none is; between the two the flags decide. Without the flags nothing
/// passes: a report that is fresh whatever they say is still one that nobody read.
pub(super) fn healthy<O: Judged>(facts: &DeviceFacts, as_of: Timestamp) -> Answer<O> {
    let flags = copied(&facts.client_health_flags);
    let Some(sync) = copied(&facts.client_health_sync) else {
        return O::unknown_of([
            ("device.client_health_flags", flags.is_none()),
            ("device.client_health_sync", true),
        ])
        .into();
    };
    let limit = fresh_for(facts);
    let fresh = is_within(sync, limit, as_of);
    let changes_at = if fresh { outgrows(sync, limit) } else { None };
    let outcome = match (fresh, flags) {
        (true, None) => O::unknown(&["device.client_health_flags"]),
        (true, _) => O::satisfied(),
        (false, flags) => O::unsatisfied(
            "health flags 7 synced within 30 days, or other flags synced within 48 hours",
            Text::health(flags, sync),
        ),
    };
    Answer::until(outcome, changes_at)
}

pub(super) fn policy_applies_to_os<O: Judged>(facts: &DeviceFacts) -> O {
    const EXPECTED: &str = "a client of Windows 10 or later";
    let (kind, version) = (copied(&facts.os_kind), copied(&facts.os_version));
    match (kind, version) {
        (Some(OsKind::Server), _) => O::unsatisfied(EXPECTED, "server"),
        (Some(OsKind::Other), _) => O::unsatisfied(EXPECTED, "other"),
        (_, Some(version)) if version.major < 10 => O::unsatisfied(EXPECTED, Text::version(version)),
        (Some(OsKind::Client), Some(_)) => O::satisfied(),
        (kind, version) => {
            O::unknown_of([("device.os_kind", kind.is_none()), ("device.os_build", version.is_none())])
        }
    }
}

/// Speaks of devices whose Windows Update policies are effectively at Intune.
pub(super) fn update_setting_off<O: Judged>(
    authority: ManagementAuthority,
    surroundings: &Surroundings<'_>,
) -> O {
    let setting = surroundings.site.and_then(|site| site.client_setting_software_updates);
    match (authority, setting) {
        (
            ManagementAuthority::ConfigurationManager
            | ManagementAuthority::ThirdPartyMdm
            | ManagementAuthority::None,
            _,
        ) => O::not_applicable("windows_update_policies is not with Intune on this device"),
        (ManagementAuthority::Intune, Some(false)) => O::satisfied(),
        (ManagementAuthority::Intune, Some(true)) => {
            O::unsatisfied("software updates client setting off", "on")
        }
        (authority, setting) => O::unknown_of([
            ("device.effective_authority", authority == ManagementAuthority::Unknown),
            ("site.client_setting_software_updates", setting.is_none()),
        ]),
    }
}
