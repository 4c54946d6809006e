use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::windows::edition_group;

/// By the text of an edition, as devices report it.
fn supports_windows(site: &str, os: OsVersion, edition: Option<&str>) -> Option<bool> {
    super::supports_windows(site, os, edition.and_then(edition_group))
}

fn windows(build: u32) -> OsVersion {
    OsVersion { major: 10, minor: 0, build: Some(build), revision: None }
}

fn name(text: &str) -> Option<&'static str> {
    site_version(text).map(SiteVersion::name)
}

#[test]
fn every_row_of_both_tables_parses() {
    assert_eq!((VERSIONS.len(), MATRIX.len()), (31, 71));
}

#[test]
fn every_version_is_found_by_its_name_and_its_build() {
    let mut reader = csv::Reader::from_reader(include_str!("../../data/configmgr_versions.csv").as_bytes());
    let mut without_build = Vec::new();
    for record in reader.records() {
        let record = record.unwrap();
        let version = site_version(&record[0]).unwrap();
        assert_eq!(version.name(), &record[0]);
        match &record[1] {
            "" => without_build.push(version.name()),
            build => assert_eq!(site_version(build), Some(version), "{build}"),
        }
    }
    assert_eq!(without_build, ["2609"]);
}

#[test]
fn version_is_found_by_build_in_every_spelling() {
    for (text, expected) in [
        ("2509", Some("2509")),
        (" 2509 ", Some("2509")),
        ("5.00.9141.1000", Some("2509")),
        ("5.00.9141", Some("2509")),
        ("5.0.9141", Some("2509")),
        ("5.00.9141.1011", Some("2509")),
        // One page calls this the first 2303 build; the table says 2309.
        ("5.0.9122.1000", Some("2309")),
        ("2609", Some("2609")),
        ("2703", None),
        ("5.00.9999.1000", None),
        ("5.01.9141", None),
        ("4.00.9141", None),
        ("9141", None),
        ("", None),
    ] {
        assert_eq!(name(text), expected, "{text:?}");
    }
}

#[test]
fn the_two_releases_of_1606_are_told_apart_by_the_fourth_number() {
    for (text, expected) in [
        ("5.00.8412.1000", "1606"),
        ("5.00.8412.1205", "1606"),
        ("5.00.8412.1307", "1606 with KB3186654"),
        ("5.00.8412.1500", "1606 with KB3186654"),
        ("5.00.8412", "1606"),
        ("5.00.8412.7", "1606"),
    ] {
        assert_eq!(name(text), Some(expected), "{text}");
    }
}

#[test]
fn versions_are_ordered_by_release() {
    let names: Vec<_> = SiteVersion::all().map(SiteVersion::name).collect();
    assert_eq!(names[..4], ["1511", "1602", "1606", "1606 with KB3186654"]);
    assert_eq!(names[28..], ["2509", "2603", "2609"]);
    for (older, newer) in SiteVersion::all().zip(SiteVersion::all().skip(1)) {
        assert!(older < newer);
        if let (Some(before), Some(after)) = (older.available(), newer.available()) {
            assert!(before < after, "{older} {newer}");
        }
    }
}

#[test]
fn at_least_compares_by_release() {
    let version = site_version("2403").unwrap();
    assert!(version.at_least("2403"));
    assert!(version.at_least("2309"));
    assert!(!version.at_least("2409"));
    assert!(!version.at_least("soon"));
}

#[test]
fn era_is_known_for_versions_that_the_table_lacks() {
    for (text, expected) in [
        ("2403", Some(2403)),
        ("2609", Some(2609)),
        ("2703", Some(2703)),
        ("1606 with KB3186654", Some(1606)),
        ("5.00.9128.1000", Some(2403)),
        ("5.00.9122", Some(2309)),
        ("5.00.9060.1000", Some(2107)),
        ("5.00.9127", Some(2309)),
        ("5.00.9129", Some(2403)),
        ("5.00.9999.1000", Some(2603)),
        ("5.00.7958.1000", None),
        ("2413", None),
        ("2400", None),
        ("24031", None),
        ("", None),
        ("current branch", None),
    ] {
        assert_eq!(era(text), expected, "{text:?}");
    }
}

#[test]
fn last_supported_day_is_supported_and_the_next_is_not() {
    for (text, end) in [
        ("2509", date(2027, 5, 12)),
        ("2503", date(2026, 9, 30)),
        ("2403", date(2025, 10, 22)),
        ("5.00.9146.1000", date(2027, 11, 5)),
    ] {
        assert_eq!(support(text, end), Support::Supported { until: end }, "{text}");
        assert_eq!(support(text, end.tomorrow().unwrap()), Support::Ended { on: end }, "{text}");
    }
}

#[test]
fn support_of_versions_without_a_published_end_is_unknown() {
    for text in ["2609", "2703", "5.00.9999", ""] {
        assert_eq!(support(text, date(2026, 11, 20)), Support::Unknown, "{text:?}");
    }
}

#[test]
fn every_row_of_the_matrix_is_answered_as_written() {
    for row in MATRIX.iter() {
        let edition = match row.edition_group {
            MatrixGroup::General => "Enterprise",
            MatrixGroup::EnterpriseLtsc => "Enterprise LTSC",
        };
        let found = supports_windows(row.site.name(), windows(row.build), Some(edition));
        assert_eq!(found, Some(row.supported == Mark::Yes), "{row:?}");
    }
}

#[test]
fn windows_11_24h2_needs_site_version_2409() {
    for (site, expected) in [("2309", false), ("2403", false), ("2409", true), ("5.00.9141.1000", true)] {
        for edition in [None, Some("Pro"), Some("Home"), Some("mystery")] {
            assert_eq!(supports_windows(site, windows(26100), edition), Some(expected), "{site} {edition:?}");
        }
    }
}

#[test]
fn pair_that_the_matrix_lacks_is_open() {
    for (site, build) in
        [("2409", 26300), ("2509", 28000), ("2703", 26100), ("5.00.9999", 26100), ("", 26100)]
    {
        assert_eq!(supports_windows(site, windows(build), Some("Pro")), None, "{site} {build}");
    }
    assert_eq!(supports_windows("2509", OsVersion::parse("10.0").unwrap(), None), None);
    assert_eq!(supports_windows("2509", OsVersion::parse("6.1.7601").unwrap(), None), None);
}

#[test]
fn long_term_rows_speak_for_long_term_editions_only() {
    let on_1809 = |edition| supports_windows("2509", windows(17763), edition);
    assert_eq!(on_1809(Some("Enterprise LTSC 2019")), Some(true));
    assert_eq!(on_1809(Some("Enterprise")), None);
    assert_eq!(on_1809(None), None);
    // Both rows say no, so the edition is not needed.
    assert_eq!(supports_windows("2103", windows(19044), None), Some(false));
    // The matrix has no long-term row for 24H2.
    assert_eq!(supports_windows("2509", windows(26100), Some("Enterprise LTSC")), None);
}

proptest! {
    #[test]
    fn version_text_of_any_kind_is_read_without_failing(text in ".{0,20}") {
        prop_assert!(site_version(&text).is_none() || era(&text).is_some());
    }

    /// Updates raise the fourth number only: the release stays, and so does its support.
    #[test]
    fn updates_of_a_release_share_its_support(revision in 1000_u32..9999, day in 0_i32..4000) {
        let on = date(2020, 1, 1).saturating_add(day.days());
        prop_assert_eq!(support(&format!("5.00.9141.{revision}"), on), support("2509", on));
    }
}
