//! Configuration Manager site versions: which exist, until when each is supported, and which Windows each supports.
//!
//! Tables: `data/configmgr_versions.csv` and `data/configmgr_windows_matrix.csv` (each row names its source). Where two pages
//! print different dates or builds for a version (2103, 2203, 2207, 2303), the table's newer page holds.

use std::fmt;
use std::sync::LazyLock;

use jiff::civil::Date;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::facts::OsVersion;
use crate::table;
use crate::windows::EditionGroup;

/// Oldest first.
static VERSIONS: LazyLock<Vec<VersionRow>> = LazyLock::new(|| {
    let mut rows: Vec<VersionRow> = table::rows(include_str!("../data/configmgr_versions.csv"));
    rows.sort_by_key(|row| (row.era(), row.build));
    rows
});

static MATRIX: LazyLock<Vec<MatrixRow>> = LazyLock::new(|| {
    let mut rows: Vec<MatrixRow> = table::rows(include_str!("../data/configmgr_windows_matrix.csv"));
    rows.sort_by_key(|row| (row.build, row.site));
    rows
});

#[derive(Debug, Deserialize)]
struct VersionRow {
    version: &'static str,
    #[serde(deserialize_with = "build_number")]
    build: Option<BuildNumber>,
    availability_date: Option<Date>,
    end_of_support: Option<Date>,
}

impl VersionRow {
    /// A name is four digits, sometimes with words behind them.
    fn era(&self) -> Option<u32> {
        year_and_month(self.version.split(' ').next()?)
    }
}

/// An empty cell is an unpublished build; anything else has to read as one.
fn build_number<'de, D: Deserializer<'de>>(cell: D) -> Result<Option<BuildNumber>, D::Error> {
    let Some(text) = Option::<String>::deserialize(cell)? else { return Ok(None) };
    let build = BuildNumber::parse(&text);
    build
        .map(Some)
        .ok_or_else(|| D::Error::custom(format!("expected a build such as 5.00.9141, found {text:?}")))
}

/// The telling part of a build such as `5.00.9141.1000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct BuildNumber {
    /// Third number: the release.
    number: u32,
    /// Fourth number: tells apart what was released under the same third, and counts updates.
    revision: Option<u32>,
}

impl BuildNumber {
    /// Reads `5.00.N`, `5.0.N` and either with a fourth number.
    fn parse(text: &str) -> Option<Self> {
        let numbers: Vec<u32> = text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        match *numbers.as_slice() {
            [5, 0, number] => Some(Self { number, revision: None }),
            [5, 0, number, revision] => Some(Self { number, revision: Some(revision) }),
            _ => None,
        }
    }
}

/// A site version that the table knows. Ordered by release.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SiteVersion(usize);

impl SiteVersion {
    fn all() -> impl DoubleEndedIterator<Item = Self> {
        (0..VERSIONS.len()).map(Self)
    }

    fn row(self) -> &'static VersionRow {
        &VERSIONS[self.0]
    }

    /// Its name, such as `2509`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().version
    }

    /// First day on which it could be had; `None`: not published.
    #[must_use]
    pub fn available(self) -> Option<Date> {
        self.row().availability_date
    }

    /// Last supported day; `None`: not published.
    #[must_use]
    pub fn end_of_support(self) -> Option<Date> {
        self.row().end_of_support
    }

    /// This version or a later one than `version` (a text such as `2403`). False when that text is no version.
    #[must_use]
    pub fn at_least(self, version: &str) -> bool {
        era(version).is_some_and(|least| self.row().era() >= Some(least))
    }
}

impl fmt::Display for SiteVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for SiteVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SiteVersion").field(&self.name()).finish()
    }
}

/// Every version, by name.
static BY_NAME: LazyLock<Vec<SiteVersion>> = LazyLock::new(|| {
    let mut versions: Vec<SiteVersion> = SiteVersion::all().collect();
    versions.sort_unstable_by_key(|version| version.name());
    versions
});

/// The known version that a text names: a name such as `2509`, or a build such as `5.00.9141.1000`.
///
/// A build is matched by its third number; where two releases share it (1606), the fourth decides: the newest release that
/// does not exceed it, and without one the older release \[derived\].
#[must_use]
pub fn site_version(text: &str) -> Option<SiteVersion> {
    let text = text.trim();
    if let Ok(place) = BY_NAME.binary_search_by_key(&text, |version| version.name()) {
        return BY_NAME.get(place).copied();
    }
    let build = BuildNumber::parse(text)?;
    let same_number =
        || SiteVersion::all().filter(move |v| v.row().build.is_some_and(|row| row.number == build.number));
    let not_newer =
        |version: &SiteVersion| version.row().build.and_then(|row| row.revision) <= build.revision;
    same_number().rfind(not_newer).or_else(|| same_number().next())
}

/// Year and month of the version that a text names, as one number: `2403`. Answers "2403 or later" also for versions that the
/// table lacks: `2703` is 2703, and an unlisted build counts as the listed release before it \[derived: build numbers rise with
/// the releases, so it is that release or a later one\]. `None` for anything else.
#[must_use]
pub fn era(text: &str) -> Option<u32> {
    let text = text.trim();
    if let Some(version) = site_version(text) {
        return version.row().era();
    }
    if let Some(era) = year_and_month(text) {
        return Some(era);
    }
    let build = BuildNumber::parse(text)?;
    SiteVersion::all().rfind(|v| v.row().build.is_some_and(|row| row.number < build.number))?.row().era()
}

/// Four digits, the last two a month.
fn year_and_month(text: &str) -> Option<u32> {
    let digits = text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
    let number: u32 = digits.then(|| text.parse().ok()).flatten()?;
    (1..=12).contains(&(number % 100)).then_some(number)
}

/// Whether a site version is supported on a day (rule `cm.supported_version`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// Supported.
    Supported {
        /// Last supported day.
        until: Date,
    },
    /// No longer supported.
    Ended {
        /// Last supported day.
        on: Date,
    },
    /// The table lacks the version or its end. Never to be read as supported.
    Unknown,
}

/// Is the site version that this text names supported on that day? The last supported day still is.
#[must_use]
pub fn support(version_text: &str, on: Date) -> Support {
    match site_version(version_text).and_then(SiteVersion::end_of_support) {
        Some(until) if on <= until => Support::Supported { until },
        Some(end) => Support::Ended { on: end },
        None => Support::Unknown,
    }
}

/// The matrix splits editions more coarsely than the servicing table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MatrixGroup {
    General,
    EnterpriseLtsc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mark {
    Yes,
    No,
}

fn known_version<'de, D: Deserializer<'de>>(cell: D) -> Result<SiteVersion, D::Error> {
    let name = <&str>::deserialize(cell)?;
    site_version(name).ok_or_else(|| D::Error::custom(format!("expected a site version, found {name:?}")))
}

#[derive(Debug, Deserialize)]
struct MatrixRow {
    build: u32,
    edition_group: MatrixGroup,
    #[serde(rename = "configmgr_version", deserialize_with = "known_version")]
    site: SiteVersion,
    supported: Mark,
}

/// Does the site version support that Windows (rule `win.site_supports_windows_version`)? `None`: the table lacks the pair.
///
/// Long-term editions look up their own rows, every other edition the general ones. Without a readable edition the general
/// row answers too, unless a long-term row of the same pair contradicts it \[derived\]; a long-term row alone does not
/// speak for a device that may be of any edition.
///
/// `group`: of the edition; `None` where none was reported or its text names no known one.
#[must_use]
pub fn supports_windows(site_version_text: &str, os: OsVersion, group: Option<EditionGroup>) -> Option<bool> {
    let site = site_version(site_version_text)?;
    let build = os.build.filter(|_| (os.major, os.minor) == (10, 0))?;
    let rows = || {
        let first = MATRIX.partition_point(|row| (row.build, row.site) < (build, site));
        MATRIX[first..].iter().take_while(|row| (row.build, row.site) == (build, site))
    };
    let marked = |group| rows().find(|row| row.edition_group == group).map(|row| row.supported == Mark::Yes);
    let general = marked(MatrixGroup::General);
    let ltsc = marked(MatrixGroup::EnterpriseLtsc);
    match group {
        Some(group) if group.is_ltsc() => ltsc,
        Some(_) => general,
        None => general.filter(|answer| ltsc.is_none_or(|other| other == *answer)),
    }
}

#[cfg(test)]
mod tests;
