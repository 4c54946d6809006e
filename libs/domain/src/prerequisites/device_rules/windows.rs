//! Windows: servicing, minimum builds, edition, the site's support of it, and what on the device lets MDM in.

use jiff::Timestamp;

use super::super::moment::{after_day, day_of};
use super::super::report::{Answer, Outcome};
use super::super::text::Text;
use crate::configmgr;
use crate::facts::{DeviceFacts, OsVersion, copied, value};
use crate::policy::Surroundings;
use crate::windows::{self, Edition, Servicing, ServicingUnknown};

/// Windows 10 1709: minimum for MDM auto-enrolment and coexistence.
const WINDOWS_10_1709: u32 = 16299;
/// Windows 10 1803: minimum for enrolment by device token.
const WINDOWS_10_1803: u32 = 17134;
/// The first build of Windows 11.
pub(super) const FIRST_WINDOWS_11: u32 = 22000;

pub(super) const OS_BUILD: &str = "device.os_build";
pub(super) const OS_EDITION: &str = "device.os_edition";

/// Extended Security Updates do not bring a version back into servicing, but are named: dispute 9 of the fact pack, decided
/// for the Intune list of supported systems.
pub(super) fn serviced_version(facts: &DeviceFacts, as_of: Timestamp) -> Answer {
    const EXPECTED: &str = "a Windows version in servicing";
    let Some(version) = copied(&facts.os_version) else {
        return Outcome::unknown_of([(OS_BUILD, true), (OS_EDITION, facts.os_edition.is_none())]).into();
    };
    let edition = value(&facts.os_edition).map(String::as_str);
    let today = day_of(as_of);
    let (outcome, last_day) = match windows::servicing(version, edition, today) {
        Servicing::Serviced { until } => (Outcome::Satisfied, Some(until)),
        Servicing::OlderThanWindows10 => (Outcome::unsatisfied(EXPECTED, Text::version(version)), None),
        Servicing::Ended { on, extended_security_updates_until } => {
            let patched_until = extended_security_updates_until.filter(|until| today <= *until);
            let found = Text::servicing_ended(version, on, patched_until);
            (Outcome::unsatisfied(EXPECTED, found), patched_until)
        }
        Servicing::Unknown(why) => match why {
            ServicingUnknown::EditionNeeded { last_end, .. } => (Outcome::unknown(&[OS_EDITION]), last_end),
            // The release exists, but not for this edition: one of the two is read wrongly.
            ServicingUnknown::EditionNotListed(_) => {
                (Outcome::unknown_of([(OS_BUILD, true), (OS_EDITION, true)]), None)
            }
            // The table has no end for it: nothing but another version would decide.
            ServicingUnknown::BuildNotReported
            | ServicingUnknown::UnknownBuild(_)
            | ServicingUnknown::EndNotPublished => (Outcome::unknown(&[OS_BUILD]), None),
        },
    };
    Answer::until(outcome, last_day.and_then(after_day))
}

fn name_of(version: OsVersion) -> String {
    windows::os_version_name(version).map_or_else(|| version.to_string(), Into::into)
}

pub(super) fn minimum_1709(facts: &DeviceFacts) -> Outcome {
    minimum(facts, WINDOWS_10_1709, "Windows 10 1709 or later")
}

pub(super) fn device_token_1803(facts: &DeviceFacts) -> Outcome {
    minimum(facts, WINDOWS_10_1803, "Windows 10 1803 or later")
}

fn minimum(facts: &DeviceFacts, least: u32, expected: &'static str) -> Outcome {
    match copied(&facts.os_version) {
        Some(version) if version.major < 10 => Outcome::unsatisfied(expected, Text::version(version)),
        Some(version @ OsVersion { build: Some(build), .. }) => {
            if build >= least {
                Outcome::Satisfied
            } else {
                Outcome::unsatisfied(expected, Text::version(version))
            }
        }
        _ => Outcome::unknown(&[OS_BUILD]),
    }
}

pub(super) fn site_supports(facts: &DeviceFacts, surroundings: &Surroundings<'_>) -> Outcome {
    let site_version = surroundings.site.and_then(|site| site.version.as_deref());
    let (Some(site_version), Some(version)) = (site_version, copied(&facts.os_version)) else {
        return Outcome::unknown_of([
            ("site.version", site_version.is_none()),
            (OS_BUILD, facts.os_version.is_none()),
        ]);
    };
    let edition = value(&facts.os_edition).map(String::as_str);
    match configmgr::supports_windows(site_version, version, edition) {
        Some(true) => Outcome::Satisfied,
        Some(false) => Outcome::unsatisfied(
            "a Windows version that the site's version supports",
            format!("{} on site version {site_version}", name_of(version)),
        ),
        // The table lacks the pair: neither fact alone is at fault.
        None => Outcome::unknown_of([("site.version", true), (OS_BUILD, true)]),
    }
}

pub(super) fn edition(facts: &DeviceFacts) -> Outcome {
    let Some(text) = value(&facts.os_edition) else {
        return Outcome::unknown(&[OS_EDITION]);
    };
    match windows::edition(text) {
        Edition::Supported { .. } => Outcome::Satisfied,
        Edition::Home => Outcome::unsatisfied("an edition that can be managed", text.clone()),
        Edition::Unknown => Outcome::unknown(&[OS_EDITION]),
    }
}

pub(super) fn push_service_present(facts: &DeviceFacts) -> Outcome {
    Outcome::of_bool(
        &["device.dmwappushservice_present"],
        copied(&facts.dmwappushservice_present),
        true,
        "push service dmwappushservice",
        "no push service",
    )
}

pub(super) fn mdm_not_blocked(facts: &DeviceFacts) -> Outcome {
    Outcome::of_bool(
        &["device.mdm_blocked_by_policy"],
        copied(&facts.mdm_blocked_by_policy),
        false,
        "MDM not blocked",
        "MDM blocked by group policy or managed-externally flag",
    )
}
