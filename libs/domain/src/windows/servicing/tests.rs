use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::windows::releases;

const EDITIONS: [Option<&str>; 6] = [
    None,
    Some("Home"),
    Some("Enterprise"),
    Some("Enterprise LTSC"),
    Some("IoT Enterprise LTSC"),
    Some("mystery"),
];

fn build(number: u32) -> OsVersion {
    OsVersion { major: 10, minor: 0, build: Some(number), revision: None }
}

fn ended(on: Date) -> Servicing {
    Servicing::Ended { on, extended_security_updates_until: None }
}

fn edition_of(group: EditionGroup) -> &'static str {
    match group {
        EditionGroup::HomePro => "Pro",
        EditionGroup::EnterpriseEducation => "Education",
        EditionGroup::EnterpriseLtsc => "Enterprise LTSC",
        EditionGroup::IotEnterpriseLtsc => "IoT Enterprise LTSC",
    }
}

#[test]
fn last_supported_day_is_serviced_and_the_next_is_not() {
    for (number, edition, end) in [
        (22631, "Enterprise", date(2026, 11, 10)),
        (22631, "Pro", date(2025, 11, 11)),
        (26100, "Home", date(2026, 10, 13)),
        (26100, "Enterprise LTSC 2024", date(2029, 10, 9)),
        (26100, "IoT Enterprise LTSC", date(2034, 10, 10)),
        (17763, "EnterpriseS", date(2029, 1, 9)),
        (26300, "Pro", date(2028, 10, 10)),
    ] {
        let on = |day| servicing(build(number), Some(edition), day);
        assert_eq!(on(end), Servicing::Serviced { until: end }, "{number} {edition}");
        assert_eq!(on(end.tomorrow().unwrap()), ended(end), "{number} {edition}");
    }
}

#[test]
fn every_row_with_an_end_is_serviced_to_it_and_changes_the_day_after() {
    for row in releases() {
        let Some(end) = row.end_of_servicing else { continue };
        let edition = Some(edition_of(row.edition_group));
        let os = build(row.build);
        let day_after = end.tomorrow().unwrap();
        assert_eq!(servicing(os, edition, end), Servicing::Serviced { until: end });
        let expected = Servicing::Ended {
            on: end,
            extended_security_updates_until: row.extended_security_updates_until,
        };
        assert_eq!(servicing(os, edition, day_after), expected);
        assert_eq!(next_change(os, edition, end), Some(day_after));
        assert_eq!(next_change(os, edition, day_after), None);
    }
}

#[test]
fn windows_10_22h2_with_extended_updates_is_ended_and_names_them() {
    let expected = Servicing::Ended {
        on: date(2025, 10, 14),
        extended_security_updates_until: Some(date(2028, 10, 10)),
    };
    for edition in [None, Some("Pro"), Some("Enterprise")] {
        assert_eq!(servicing(build(19045), edition, date(2026, 11, 20)), expected);
    }
}

#[test]
fn without_edition_the_answer_holds_for_every_edition_or_is_open() {
    let os = build(26100);
    let needed =
        ServicingUnknown::EditionNeeded { first_end: date(2026, 10, 13), last_end: Some(date(2034, 10, 10)) };
    for edition in [None, Some("mystery"), Some("")] {
        let on = |day| servicing(os, edition, day);
        assert_eq!(on(date(2026, 10, 13)), Servicing::Serviced { until: date(2026, 10, 13) });
        assert_eq!(on(date(2026, 10, 14)), Servicing::Unknown(needed));
        assert_eq!(on(date(2034, 10, 10)), Servicing::Unknown(needed));
        assert_eq!(on(date(2034, 10, 11)), ended(date(2034, 10, 10)));
    }
}

#[test]
fn without_edition_time_changes_the_answer_at_the_first_and_last_end_only() {
    let os = build(26100);
    assert_eq!(next_change(os, None, date(2026, 1, 1)), Some(date(2026, 10, 14)));
    assert_eq!(next_change(os, None, date(2026, 10, 13)), Some(date(2026, 10, 14)));
    assert_eq!(next_change(os, None, date(2026, 10, 14)), Some(date(2034, 10, 11)));
    assert_eq!(next_change(os, None, date(2034, 10, 11)), None);
}

#[test]
fn end_that_nobody_published_stays_unknown() {
    let os = build(26300);
    let later = date(2035, 1, 1);
    let unpublished = Servicing::Unknown(ServicingUnknown::EndNotPublished);
    assert_eq!(servicing(os, Some("Enterprise"), date(2026, 11, 20)), unpublished);
    assert_eq!(servicing(os, Some("Enterprise"), later), unpublished);
    let needed = ServicingUnknown::EditionNeeded { first_end: date(2028, 10, 10), last_end: None };
    assert_eq!(servicing(os, None, date(2026, 11, 20)), Servicing::Unknown(needed));
    assert_eq!(servicing(os, None, later), Servicing::Unknown(needed));
    assert_eq!(next_change(os, None, date(2026, 11, 20)), None);
}

#[test]
fn long_term_edition_of_a_build_without_one_is_unknown() {
    let expected = ServicingUnknown::EditionNotListed(EditionGroup::EnterpriseLtsc);
    let found = servicing(build(22631), Some("Enterprise LTSC"), date(2026, 1, 1));
    assert_eq!(found, Servicing::Unknown(expected));
}

#[test]
fn missing_or_unlisted_build_is_unknown() {
    let day = date(2026, 11, 20);
    let no_build = OsVersion::parse("10.0").unwrap();
    let expected = Servicing::Unknown(ServicingUnknown::BuildNotReported);
    assert_eq!(servicing(no_build, Some("Pro"), day), expected);
    let expected = Servicing::Unknown(ServicingUnknown::UnknownBuild(27999));
    assert_eq!(servicing(build(27999), Some("Pro"), day), expected);
    assert_eq!(next_change(build(27999), Some("Pro"), day), None);
}

#[test]
fn windows_7_and_8_are_older_than_windows_10() {
    for text in ["6.1.7601", "6.2", "6.3.9600"] {
        let os = OsVersion::parse(text).unwrap();
        let found = servicing(os, Some("Enterprise"), date(2026, 11, 20));
        assert_eq!(found, Servicing::OlderThanWindows10, "{text}");
    }
}

proptest! {
    /// Between a day and the next change the answer stands, and on the day of the change it is another.
    #[test]
    fn answer_stands_until_the_next_change(
        row in 0..releases().len(),
        edition in prop::sample::select(EDITIONS.to_vec()),
        days in 0_i32..8_000,
        within in 0_i32..8_000,
    ) {
        let os = build(releases()[row].build);
        let after = date(2015, 7, 1).saturating_add(days.days());
        let answer = servicing(os, edition, after);
        let later = after.saturating_add(within.days());
        match next_change(os, edition, after) {
            Some(change) => {
                prop_assert!(change > after);
                prop_assert_ne!(servicing(os, edition, change), answer);
                let last = change.yesterday().unwrap();
                prop_assert_eq!(servicing(os, edition, last.min(later)), answer);
                prop_assert_eq!(servicing(os, edition, last), answer);
            }
            None => prop_assert_eq!(servicing(os, edition, later), answer),
        }
    }
}
