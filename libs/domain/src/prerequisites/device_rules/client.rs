//! What the site and its client say: automatic enrolment, installation, health, what the policy does on the device.

use jiff::{SignedDuration, Timestamp};

use super::super::moment::{is_within, outgrows};
use super::super::report::{Answer, Outcome};
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

pub(super) fn installed(facts: &DeviceFacts) -> Outcome {
    Outcome::of_bool(
        &["device.client_installed"],
        copied(&facts.client_installed),
        true,
        "Configuration Manager client installed",
        "no client",
    )
}

pub(super) fn cmg_certificate_trusted(facts: &DeviceFacts) -> Outcome {
    Outcome::of_bool(
        &["device.trusts_cmg_certificate"],
        copied(&facts.trusts_cmg_certificate),
        true,
        "gateway certificate trusted",
        "gateway certificate not trusted",
    )
}

pub(super) fn auto_enroll_in_scope(facts: &DeviceFacts, surroundings: &Surroundings<'_>) -> Outcome {
    let said = surroundings
        .policy
        .and_then(|policy| Some((policy.auto_enrollment?, policy.auto_enrollment_collection.as_ref())));
    let Some(said) = said else {
        return Outcome::unknown(&["site.auto_enroll_mode"]);
    };
    match said {
        (AutoEnrollment::All, _) => Outcome::Satisfied,
        (AutoEnrollment::None, _) => Outcome::unsatisfied("automatic enrolment all, or pilot", "none"),
        (AutoEnrollment::Pilot, None) => Outcome::unknown(&["site.auto_enroll_collection"]),
        (AutoEnrollment::Pilot, Some(collection)) => match surroundings.membership(facts, collection) {
            Membership::Member => Outcome::Satisfied,
            Membership::Unknown => Outcome::unknown(&["device.collections"]),
            Membership::NotMember => {
                Outcome::unsatisfied(Text::member_of(collection.clone()), "not a member")
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
pub(super) fn healthy(facts: &DeviceFacts, as_of: Timestamp) -> Answer {
    let flags = copied(&facts.client_health_flags);
    let Some(sync) = copied(&facts.client_health_sync) else {
        return Outcome::unknown_of([
            ("device.client_health_flags", flags.is_none()),
            ("device.client_health_sync", true),
        ])
        .into();
    };
    let limit = fresh_for(facts);
    let fresh = is_within(sync, limit, as_of);
    let changes_at = if fresh { outgrows(sync, limit) } else { None };
    let outcome = match (fresh, flags) {
        (true, None) => Outcome::unknown(&["device.client_health_flags"]),
        (true, _) => Outcome::Satisfied,
        (false, flags) => Outcome::unsatisfied(
            "health flags 7 synced within 30 days, or other flags synced within 48 hours",
            Text::health(flags, sync),
        ),
    };
    Answer::until(outcome, changes_at)
}

pub(super) fn policy_applies_to_os(facts: &DeviceFacts) -> Outcome {
    const EXPECTED: &str = "a client of Windows 10 or later";
    let (kind, version) = (copied(&facts.os_kind), copied(&facts.os_version));
    match (kind, version) {
        (Some(OsKind::Server), _) => Outcome::unsatisfied(EXPECTED, "server"),
        (Some(OsKind::Other), _) => Outcome::unsatisfied(EXPECTED, "other"),
        (_, Some(version)) if version.major < 10 => Outcome::unsatisfied(EXPECTED, Text::version(version)),
        (Some(OsKind::Client), Some(_)) => Outcome::Satisfied,
        (kind, version) => {
            Outcome::unknown_of([("device.os_kind", kind.is_none()), ("device.os_build", version.is_none())])
        }
    }
}

/// Speaks of devices whose Windows Update policies are effectively at Intune.
pub(super) fn update_setting_off(authority: ManagementAuthority, surroundings: &Surroundings<'_>) -> Outcome {
    let setting = surroundings.site.and_then(|site| site.client_setting_software_updates);
    match (authority, setting) {
        (
            ManagementAuthority::ConfigurationManager
            | ManagementAuthority::ThirdPartyMdm
            | ManagementAuthority::None,
            _,
        ) => Outcome::not_applicable("windows_update_policies is not with Intune on this device"),
        (ManagementAuthority::Intune, Some(false)) => Outcome::Satisfied,
        (ManagementAuthority::Intune, Some(true)) => {
            Outcome::unsatisfied("software updates client setting off", "on")
        }
        (authority, setting) => Outcome::unknown_of([
            ("device.effective_authority", authority == ManagementAuthority::Unknown),
            ("site.client_setting_software_updates", setting.is_none()),
        ]),
    }
}
