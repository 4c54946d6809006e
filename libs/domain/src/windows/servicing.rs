//! Is this Windows still serviced, and when does that answer change?

use jiff::civil::Date;

use super::{EditionGroup, Release, edition_group, releases_of};
use crate::facts::OsVersion;

/// Whether a Windows version is serviced on a day (rule `win.serviced_version`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Servicing {
    /// In service.
    Serviced {
        /// Last supported day; without an edition the earliest that any edition of the build has.
        until: Date,
    },
    /// Out of service. Extended Security Updates do not change that: of the two vendor readings we follow Intune's
    /// (dispute 9 of the fact pack).
    Ended {
        /// Last supported day; without an edition the latest that any edition of the build had.
        on: Date,
        /// Last day of Extended Security Updates, where they are sold.
        extended_security_updates_until: Option<Date>,
    },
    /// Windows 7 or 8.x: out of service, but the table prints no date for it, and none is made up.
    OlderThanWindows10,
    /// The facts at hand do not decide. Never to be read as serviced.
    Unknown(ServicingUnknown),
}

/// What is missing to decide [`Servicing`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServicingUnknown {
    /// The version has no build.
    BuildNotReported,
    /// The release table lacks the build.
    UnknownBuild(u32),
    /// The editions of this build end on different days, and the edition is unreported or unreadable.
    EditionNeeded {
        /// The earliest published end among the build's editions.
        first_end: Date,
        /// The latest end among them; `None` when the table lacks the end of one of them.
        last_end: Option<Date>,
    },
    /// The build is known, but was not released for editions of this kind.
    EditionNotListed(EditionGroup),
    /// The table prints no end for this release and edition.
    EndNotPublished,
}

/// Is the version serviced on that day? The last supported day still is.
///
/// `edition` is the edition text as reported. An unreadable one counts as none; then the answer holds for every edition of
/// the build, or is [`ServicingUnknown::EditionNeeded`].
#[must_use]
pub fn servicing(os: OsVersion, edition: Option<&str>, on: Date) -> Servicing {
    servicing_of(os, edition.and_then(edition_group), on)
}

/// [`servicing`], of an edition that is read already; `None`: none was reported, or its text names no known one.
#[must_use]
pub fn servicing_of(os: OsVersion, group: Option<EditionGroup>, on: Date) -> Servicing {
    if os.major < 10 {
        return Servicing::OlderThanWindows10;
    }
    let Some(build) = os.build else {
        return Servicing::Unknown(ServicingUnknown::BuildNotReported);
    };
    let mut rows = releases_of(os);
    if rows.clone().next().is_none() {
        return Servicing::Unknown(ServicingUnknown::UnknownBuild(build));
    }
    let Some(group) = group else {
        return servicing_of_every_edition(rows, on);
    };
    match rows.find(|row| row.edition_group == group) {
        Some(row) => servicing_of_release(row, on),
        None => Servicing::Unknown(ServicingUnknown::EditionNotListed(group)),
    }
}

fn servicing_of_release(release: &Release, on: Date) -> Servicing {
    match release.end_of_servicing {
        Some(until) if on <= until => Servicing::Serviced { until },
        Some(end) => Servicing::Ended {
            on: end,
            extended_security_updates_until: release.extended_security_updates_until,
        },
        None => Servicing::Unknown(ServicingUnknown::EndNotPublished),
    }
}

/// `rows` are those of one build, at least one.
fn servicing_of_every_edition(rows: impl Iterator<Item = &'static Release> + Clone, on: Date) -> Servicing {
    let Some(first_end) = rows.clone().filter_map(|row| row.end_of_servicing).min() else {
        return Servicing::Unknown(ServicingUnknown::EndNotPublished);
    };
    // The latest end is known only when every end is.
    let last_end = rows.clone().map(|row| row.end_of_servicing).collect::<Option<Vec<Date>>>();
    let last_end = last_end.and_then(|ends| ends.into_iter().max());
    match last_end {
        Some(last_end) if last_end < on => Servicing::Ended {
            on: last_end,
            extended_security_updates_until: rows.filter_map(|row| row.extended_security_updates_until).max(),
        },
        Some(_) if on <= first_end => Servicing::Serviced { until: first_end },
        _ => Servicing::Unknown(ServicingUnknown::EditionNeeded { first_end, last_end }),
    }
}

/// The first day after `after` on which [`servicing`] answers differently although no fact changed; `None`: never.
#[must_use]
pub fn next_change(os: OsVersion, edition: Option<&str>, after: Date) -> Option<Date> {
    let mut ends: Vec<Date> =
        releases_of(os).filter_map(|row| row.end_of_servicing).filter(|end| *end >= after).collect();
    ends.sort_unstable();
    // An end of an edition that does not matter here, or one of several in the middle, changes nothing.
    ends.into_iter().find_map(|end| {
        let day_after = end.tomorrow().ok()?;
        (servicing(os, edition, day_after) != servicing(os, edition, end)).then_some(day_after)
    })
}

#[cfg(test)]
mod tests;
