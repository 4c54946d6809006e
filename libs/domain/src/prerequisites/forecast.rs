//! The same question asked of many moments: what time alone changes, and which versions leave support.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{DeviceCheck, Path, Report};
use crate::configmgr::{self, Support};
use crate::facts::{DeviceFacts, OsKind, copied, value};
use crate::policy::Surroundings;
use crate::windows::{self, EditionGroup, Servicing, ServicingUnknown};

/// Reports of a device at rising moments, as if no fact changed: each moment's index, and its report. A report is made anew only where
/// the one before it no longer holds.
pub fn forecast(
    facts: &DeviceFacts,
    surroundings: &Surroundings<'_>,
    path: Path,
    moments: &[Timestamp],
    mut see: impl FnMut(usize, &Report),
) {
    let mut report: Option<Report> = None;
    for (index, moment) in moments.iter().enumerate() {
        let holds =
            report.as_ref().is_some_and(|report| report.valid_until.is_none_or(|until| *moment < until));
        if !holds {
            report = Some(DeviceCheck::new(facts, surroundings, *moment).report(path));
        }
        if let Some(report) = &report {
            see(index, report);
        }
    }
}

/// A version that leaves support on a day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SupportEnd {
    /// The last supported day.
    pub last_day: Date,
    /// Such as `Windows 11 23H2` or `2503`.
    pub version: String,
    /// Windows: the editions meant, such as `enterprise_education`. `None`: of a site; or the edition is not known, and the first of its
    /// build ends then, or the last once the first has ended.
    pub edition_group: Option<&'static str>,
}

/// When the Windows of a device leaves servicing, or has left it; `None`: no table says so.
#[must_use]
pub fn windows_support_end(facts: &DeviceFacts, on: Date) -> Option<SupportEnd> {
    if !matches!(copied(&facts.os_kind), None | Some(OsKind::Client)) {
        return None;
    }
    let os = copied(&facts.os_version)?;
    let edition = value(&facts.os_edition).map(String::as_str);
    let last_day = match windows::servicing(os, edition, on) {
        Servicing::Serviced { until } => until,
        Servicing::Ended { on, .. } => on,
        // Without the edition: the first that ends, and once that has, the last.
        Servicing::Unknown(ServicingUnknown::EditionNeeded { first_end, .. }) if on <= first_end => first_end,
        Servicing::Unknown(ServicingUnknown::EditionNeeded { last_end, .. }) => last_end?,
        Servicing::OlderThanWindows10 | Servicing::Unknown(_) => return None,
    };
    let group = edition.and_then(windows::edition_group).map(EditionGroup::id);
    Some(SupportEnd { last_day, version: windows::os_version_name(os)?, edition_group: group })
}

/// When a site's version leaves support, or has left it; `None`: no table says so.
#[must_use]
pub fn site_support_end(version: &str, on: Date) -> Option<SupportEnd> {
    let last_day = match configmgr::support(version, on) {
        Support::Supported { until } => until,
        Support::Ended { on } => on,
        Support::Unknown => return None,
    };
    let name = configmgr::site_version(version)?.name();
    Some(SupportEnd { last_day, version: name.to_owned(), edition_group: None })
}
