//! Windows releases: their names, their editions, and until when each is serviced.
//!
//! Table: `data/windows_releases.csv` (each row names its source). Builds are looked up as for Windows client: Windows Server
//! shares some build numbers with it, so the caller asks about servers elsewhere.

mod edition;
mod servicing;

use crate::table;
use std::sync::LazyLock;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer};

use crate::facts::{OsKind, OsVersion};

pub use edition::{Edition, EditionGroup, edition, edition_group};
pub use servicing::{Servicing, ServicingUnknown, next_change, servicing, servicing_of};

/// First build of Windows 10 1709, the line in the dashboard's operating-system groups.
const WINDOWS_10_1709: u32 = 16299;

static RELEASES: LazyLock<Vec<Release>> =
    LazyLock::new(|| table::rows(include_str!("../data/windows_releases.csv")));

/// One release for one group of editions: a row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Release {
    /// `Windows 10` or `Windows 11`.
    pub product: &'static str,
    /// Such as `24H2`; unique only within the product.
    pub version: &'static str,
    /// The build, unique to product and version.
    pub build: u32,
    /// The editions that this row speaks of.
    pub edition_group: EditionGroup,
    /// First day of availability.
    pub release_date: Date,
    /// Last supported day; `None`: printed nowhere.
    pub end_of_servicing: Option<Date>,
    /// Last day of Extended Security Updates, where they are sold. They patch a release; they do not make it serviced.
    #[serde(rename = "notes", deserialize_with = "extended_security_updates")]
    pub extended_security_updates_until: Option<Date>,
}

/// The table keeps this date in the words of its notes column.
fn extended_security_updates<'de, D: Deserializer<'de>>(notes: D) -> Result<Option<Date>, D::Error> {
    let notes = String::deserialize(notes)?;
    let Some((_, date)) = notes.split_once("Extended Security Updates until ") else { return Ok(None) };
    let date: String = date.chars().take("2028-10-10".len()).collect();
    date.parse().map(Some).map_err(serde::de::Error::custom)
}

/// Every release, in the order of the table.
#[must_use]
pub fn releases() -> &'static [Release] {
    &RELEASES
}

/// The rows of a version's build, one per group of editions; empty when no table knows it.
fn releases_of(os: OsVersion) -> impl Iterator<Item = &'static Release> + Clone {
    let build = if (os.major, os.minor) == (10, 0) { os.build } else { None };
    // The table is in the order of builds: tested.
    let rows = build.map(|build| {
        let first = RELEASES.partition_point(|release| release.build < build);
        let after = RELEASES.partition_point(|release| release.build <= build);
        &RELEASES[first..after]
    });
    rows.unwrap_or_default().iter()
}

/// The name of a release without its editions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReleaseName {
    /// `Windows 10` or `Windows 11`.
    pub product: &'static str,
    /// Such as `24H2`.
    pub version: &'static str,
}

/// The release of a build; `None` when the table lacks it.
#[must_use]
pub fn release_of(build: u32) -> Option<ReleaseName> {
    let release = releases().iter().find(|release| release.build == build)?;
    Some(ReleaseName { product: release.product, version: release.version })
}

/// A name for people and for counting: `Windows 11 24H2`, or `build 10.0.27999` where no table knows the build.
///
/// `None` when the version is too short to tell: `10.0` alone is Windows 10 or 11.
#[must_use]
pub fn os_version_name(os: OsVersion) -> Option<String> {
    match (os.major, os.minor) {
        (6, 1) => return Some("Windows 7".to_owned()),
        (6, 2) => return Some("Windows 8".to_owned()),
        (6, 3) => return Some("Windows 8.1".to_owned()),
        _ => {}
    }
    let build = os.build?;
    Some(match releases_of(os).next() {
        Some(release) => format!("{} {}", release.product, release.version),
        None => format!("build {}.{}.{build}", os.major, os.minor),
    })
}

/// The dashboard's groups of client systems (states.md 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OsGroup {
    /// Version 6.1, 6.2 or 6.3.
    Windows7And8,
    /// Windows 10 whose build is below 16299.
    Windows10LowerThan1709,
    /// Build 16299 and up: Windows 11 falls in here.
    Windows10From1709,
}

impl OsGroup {
    /// The id that reports use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Windows7And8 => "windows_7_and_8",
            Self::Windows10LowerThan1709 => "windows_10_lower_than_1709",
            Self::Windows10From1709 => "windows_10_1709_and_later",
        }
    }
}

/// The dashboard group; `None` for servers, other systems and Windows 10 without a readable build. A build that no table
/// knows is grouped by its number \[derived\]. Windows 7 and 8.x are told by the version alone.
#[must_use]
pub fn os_group(os: OsVersion, kind: OsKind) -> Option<OsGroup> {
    if kind != OsKind::Client {
        return None;
    }
    match (os.major, os.minor) {
        (6, 1..=3) => Some(OsGroup::Windows7And8),
        (10, 0) if os.build? < WINDOWS_10_1709 => Some(OsGroup::Windows10LowerThan1709),
        (10, 0) => Some(OsGroup::Windows10From1709),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn os(text: &str) -> OsVersion {
        OsVersion::parse(text).unwrap()
    }

    #[test]
    fn every_row_of_the_table_parses() {
        assert!(releases().is_sorted_by_key(|release| release.build));
        assert_eq!(releases().len(), 49);
    }

    #[test]
    fn builds_and_release_names_match_one_to_one() {
        for a in releases() {
            for b in releases() {
                assert_eq!(a.build == b.build, (a.product, a.version) == (b.product, b.version));
                let same_row = std::ptr::eq(a, b);
                assert_eq!((a.build, a.edition_group) == (b.build, b.edition_group), same_row);
            }
        }
    }

    #[test]
    fn last_row_with_extended_updates_reads_whole() {
        let row = releases().iter().rfind(|r| r.build == 19045).unwrap();
        let expected = Release {
            product: "Windows 10",
            version: "22H2",
            build: 19045,
            edition_group: EditionGroup::EnterpriseEducation,
            release_date: date(2022, 10, 18),
            end_of_servicing: Some(date(2025, 10, 14)),
            extended_security_updates_until: Some(date(2028, 10, 10)),
        };
        assert_eq!(*row, expected);
    }

    #[test]
    fn extended_updates_are_known_for_windows_10_22h2_only() {
        let builds: Vec<u32> = releases()
            .iter()
            .filter(|r| r.extended_security_updates_until.is_some())
            .map(|r| r.build)
            .collect();
        assert_eq!(builds, [19045, 19045]);
    }

    #[test]
    fn build_of_windows_11_21h2_is_the_line_to_windows_10() {
        assert_eq!(release_of(22000), Some(ReleaseName { product: "Windows 11", version: "21H2" }));
        assert_eq!(release_of(21999), None);
        for release in releases() {
            assert_eq!(release.product == "Windows 11", release.build >= 22000, "{release:?}");
        }
    }

    #[test]
    fn version_name_follows_the_build() {
        for (text, expected) in [
            ("10.0.26100.7019", Some("Windows 11 24H2")),
            ("10.0.19045", Some("Windows 10 22H2")),
            ("10.0.19044", Some("Windows 10 21H2")),
            ("10.0.28000", Some("Windows 11 26H1")),
            ("10.0.27999", Some("build 10.0.27999")),
            ("10.0.27999.12", Some("build 10.0.27999")),
            ("6.1.7601", Some("Windows 7")),
            ("6.1", Some("Windows 7")),
            ("6.2.9200", Some("Windows 8")),
            ("6.3.9600", Some("Windows 8.1")),
            ("10.0", None),
            ("6.0", None),
        ] {
            assert_eq!(os_version_name(os(text)).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn client_groups_follow_the_build_number() {
        for (text, expected) in [
            ("6.1.7601", Some("windows_7_and_8")),
            ("6.2.9200", Some("windows_7_and_8")),
            ("6.3.9600", Some("windows_7_and_8")),
            ("6.0.6002", None),
            ("10.0.10240", Some("windows_10_lower_than_1709")),
            ("10.0.16298", Some("windows_10_lower_than_1709")),
            ("10.0.16299", Some("windows_10_1709_and_later")),
            ("10.0.26100", Some("windows_10_1709_and_later")),
            ("10.0.27999", Some("windows_10_1709_and_later")),
            ("10.0", None),
        ] {
            assert_eq!(os_group(os(text), OsKind::Client).map(OsGroup::id), expected, "{text}");
        }
    }

    #[test]
    fn servers_and_other_systems_are_in_no_group() {
        for kind in [OsKind::Server, OsKind::Other] {
            assert_eq!(os_group(os("10.0.20348.4297"), kind), None);
        }
    }
}
