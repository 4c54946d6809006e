//! Windows: servicing, minimum builds, edition, the site's support of it, and what on the device lets MDM in.

use jiff::Timestamp;
use jiff::civil::Date;

use super::super::judged::Judged;
use super::super::moment::{after_day, day_of};
use super::super::report::Answer;
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

/// What the release table says of a device's Windows on a day; `None`: nobody said which it has.
pub(super) fn servicing(facts: &DeviceFacts, edition: Option<Edition>, today: Date) -> Option<Servicing> {
    let version = copied(&facts.os_version)?;
    Some(windows::servicing_of(version, edition.and_then(Edition::group), today))
}

/// Extended Security Updates do not bring a version back into servicing, but are named: dispute 9 of the fact pack, decided
/// for the Intune list of supported systems.
pub(super) fn serviced_version<O: Judged>(
    facts: &DeviceFacts,
    servicing: Option<Servicing>,
    expected: &'static str,
    as_of: Timestamp,
) -> Answer<O> {
    let (Some(servicing), Some(version)) = (servicing, copied(&facts.os_version)) else {
        return O::unknown_of([(OS_BUILD, true), (OS_EDITION, facts.os_edition.is_none())]).into();
    };
    let (outcome, last_day) = match servicing {
        Servicing::Serviced { until } => (O::satisfied(), Some(until)),
        Servicing::OlderThanWindows10 => (O::unsatisfied(expected, Text::version(version)), None),
        Servicing::Ended { on, extended_security_updates_until } => {
            let patched_until = extended_security_updates_until.filter(|until| day_of(as_of) <= *until);
            let found = Text::servicing_ended(version, on, patched_until);
            (O::unsatisfied(expected, found), patched_until)
        }
        Servicing::Unknown(why) => match why {
            ServicingUnknown::EditionNeeded { last_end, .. } => (O::unknown(&[OS_EDITION]), last_end),
            // The release exists, but not for this edition: one of the two is read wrongly.
            ServicingUnknown::EditionNotListed(_) => {
                (O::unknown_of([(OS_BUILD, true), (OS_EDITION, true)]), None)
            }
            // The table has no end for it: nothing but another version would decide.
            ServicingUnknown::BuildNotReported
            | ServicingUnknown::UnknownBuild(_)
            | ServicingUnknown::EndNotPublished => (O::unknown(&[OS_BUILD]), None),
        },
    };
    Answer::until(outcome, last_day.and_then(after_day))
}

fn name_of(version: OsVersion) -> String {
    windows::os_version_name(version).map_or_else(|| version.to_string(), Into::into)
}

pub(super) fn minimum_1709<O: Judged>(facts: &DeviceFacts) -> O {
    minimum(facts, WINDOWS_10_1709, "Windows 10 1709 or later")
}

pub(super) fn device_token_1803<O: Judged>(facts: &DeviceFacts) -> O {
    minimum(facts, WINDOWS_10_1803, "Windows 10 1803 or later")
}

fn minimum<O: Judged>(facts: &DeviceFacts, least: u32, expected: &'static str) -> O {
    match copied(&facts.os_version) {
        Some(version) if version.major < 10 => O::unsatisfied(expected, Text::version(version)),
        Some(version @ OsVersion { build: Some(build), .. }) => {
            if build >= least {
                O::satisfied()
            } else {
                O::unsatisfied(expected, Text::version(version))
            }
        }
        _ => O::unknown(&[OS_BUILD]),
    }
}

pub(super) fn site_supports<O: Judged>(
    facts: &DeviceFacts,
    edition: Option<Edition>,
    surroundings: &Surroundings<'_>,
) -> O {
    let site_version = surroundings.site.and_then(|site| site.version.as_deref());
    let (Some(site_version), Some(version)) = (site_version, copied(&facts.os_version)) else {
        return O::unknown_of([
            ("site.version", site_version.is_none()),
            (OS_BUILD, facts.os_version.is_none()),
        ]);
    };
    match configmgr::supports_windows(site_version, version, edition.and_then(Edition::group)) {
        Some(true) => O::satisfied(),
        Some(false) => O::unsatisfied_by(|| {
            let found = format!("{} on site version {site_version}", name_of(version));
            ("a Windows version that the site's version supports".into(), found.into())
        }),
        // The table lacks the pair: neither fact alone is at fault.
        None => O::unknown_of([("site.version", true), (OS_BUILD, true)]),
    }
}

pub(super) fn manageable_edition<O: Judged>(facts: &DeviceFacts, edition: Option<Edition>) -> O {
    match edition {
        Some(Edition::Supported { .. }) => O::satisfied(),
        Some(Edition::Home) => O::unsatisfied_by(|| {
            let found = value(&facts.os_edition).cloned().unwrap_or_default();
            ("an edition that can be managed".into(), found.into())
        }),
        Some(Edition::Unknown) | None => O::unknown(&[OS_EDITION]),
    }
}

pub(super) fn push_service_present<O: Judged>(facts: &DeviceFacts) -> O {
    O::of_bool(
        &["device.dmwappushservice_present"],
        copied(&facts.dmwappushservice_present),
        true,
        "push service dmwappushservice",
        "no push service",
    )
}

pub(super) fn mdm_not_blocked<O: Judged>(facts: &DeviceFacts) -> O {
    O::of_bool(
        &["device.mdm_blocked_by_policy"],
        copied(&facts.mdm_blocked_by_policy),
        false,
        "MDM not blocked",
        "MDM blocked by group policy or managed-externally flag",
    )
}
