//! Autopilot: registration, profile, and Windows for Autopilot into co-management.

use super::super::judged::Judged;
use super::super::report::Answer;
use super::windows::FIRST_WINDOWS_11;
use crate::facts::{DeviceFacts, copied, value};

/// Speaks of devices that are registered with Autopilot. No source tells about a user's licences: it is never decided.
pub(super) fn reset_needs_intune<O: Judged>(facts: &DeviceFacts) -> O {
    match copied(&facts.autopilot_registered) {
        Some(false) => O::not_applicable("the device is not registered with Autopilot"),
        registered => O::unknown_of([
            ("user.intune_license", true),
            ("device.autopilot_registered", registered.is_none()),
        ]),
    }
}

/// Any Windows 11, else a Windows 10 in servicing: dispute 10 of the fact pack, decided for the newer text.
pub(super) fn windows_version<O: Judged>(
    facts: &DeviceFacts,
    serviced: impl FnOnce(&'static str) -> Answer<O>,
) -> Answer<O> {
    match copied(&facts.os_version) {
        None => O::unknown(&["device.os_build"]).into(),
        Some(version) if version.major >= 10 && version.build.is_some_and(|b| b >= FIRST_WINDOWS_11) => {
            O::satisfied().into()
        }
        Some(_) => serviced("Windows 11, or Windows 10 in servicing"),
    }
}

pub(super) fn registered<O: Judged>(facts: &DeviceFacts) -> O {
    O::of_bool(
        &["device.autopilot_registered"],
        copied(&facts.autopilot_registered),
        true,
        "registered with Autopilot",
        "not registered",
    )
}

pub(super) fn settings_policy_assigned<O: Judged>(facts: &DeviceFacts) -> O {
    O::of_bool(
        &["device.assigned_comgmt_settings_policy"],
        copied(&facts.assigned_comgmt_settings_policy),
        true,
        "co-management settings policy assigned through a device group",
        "no such policy assigned",
    )
}

pub(super) fn esp_with_progress<O: Judged>(facts: &DeviceFacts) -> O {
    O::of_bool(
        &["device.assigned_esp_profile_with_progress"],
        copied(&facts.assigned_esp_profile_with_progress),
        true,
        "enrolment status page profile with progress assigned",
        "no such profile assigned",
    )
}

/// One part that is known to be wrong decides; a word that is no member of the fact's list says nothing.
pub(super) fn entra_join_user_driven<O: Judged>(facts: &DeviceFacts) -> O {
    const EXPECTED: &str = "user_driven and entra_join";
    let mode = value(&facts.autopilot_profile_mode).and_then(|text| {
        member(text, &["user_driven", "self_deploying", "pre_provisioning", "device_preparation", "none"])
    });
    let join =
        value(&facts.autopilot_profile_join).and_then(|text| member(text, &["entra_join", "hybrid_join"]));
    match (mode, join) {
        (Some("user_driven"), Some("entra_join")) => O::satisfied(),
        (Some(mode), Some(join)) => {
            O::unsatisfied_by(|| (EXPECTED.into(), format!("{mode} and {join}").into()))
        }
        (Some(mode), None) if mode != "user_driven" => O::unsatisfied(EXPECTED, mode),
        (None, Some(join)) if join != "entra_join" => O::unsatisfied(EXPECTED, join),
        (mode, join) => O::unknown_of([
            ("device.autopilot_profile_mode", mode.is_none()),
            ("device.autopilot_profile_join", join.is_none()),
        ]),
    }
}

fn member(text: &str, members: &[&'static str]) -> Option<&'static str> {
    members.iter().copied().find(|member| member.eq_ignore_ascii_case(text))
}
