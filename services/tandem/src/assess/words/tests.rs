use std::collections::BTreeSet;

use tandem_domain::authority::Reason;
use tandem_domain::prerequisites::Verdict;
use tandem_domain::state::{Eligibility, EnrollmentCategory, ManagementState};

use super::*;

fn listed(vocabulary: Vocabulary) -> BTreeSet<&'static str> {
    vocabulary.0.iter().map(|entry| entry.word).collect()
}

#[test]
fn vocabularies_hold_exactly_the_words_of_the_domain() {
    assert_eq!(listed(STATES), ManagementState::ALL.map(ManagementState::id).into());
    assert_eq!(listed(ELIGIBILITY), Eligibility::ALL.map(Eligibility::id).into());
    assert_eq!(listed(ENROLLMENT_STATUS), EnrollmentCategory::ALL.map(EnrollmentCategory::id).into());
    assert_eq!(listed(REASONS), Reason::ALL.map(Reason::id).into());
    assert_eq!(listed(VERDICTS), Verdict::ALL.map(Verdict::id).into());
}

#[test]
fn number_groups_thousands() {
    let found = [0, 999, 1_000, 12_345, 1_000_000].map(number);
    assert_eq!(found, ["0", "999", "1,000", "12,345", "1,000,000"]);
}

#[test]
fn share_rounds_and_never_hides_a_rest() {
    let found =
        [(0, 0), (0, 7), (1, 3), (1, 8), (7, 7), (1, 1_000_000), (999_999, 1_000_000), (u64::MAX, u64::MAX)]
            .map(|(part, whole)| share(part, whole));
    assert_eq!(found, ["–", "0.0 %", "33.3 %", "12.5 %", "100.0 %", "< 0.1 %", "> 99.9 %", "100.0 %"]);
}

#[test]
fn counted_keeps_order_skips_zero_and_shows_unlisted_words_last() {
    let counts = Counts::from([
        ("a_new_word".into(), 3),
        ("unknown".into(), 2),
        ("ready".into(), 5),
        ("blocked".into(), 0),
    ]);
    let counted =
        |label: &str, meaning, tone, devices| Counted { label: label.to_owned(), meaning, tone, devices };
    assert_eq!(
        VERDICTS.counted(&counts),
        [
            counted("Ready", "no blocking rule is unsatisfied or unknown", Tone::Done, 5),
            counted("Unknown", "a blocking rule is unknown", Tone::Unknown, 2),
            counted("a new word", "", Tone::Unknown, 3),
        ]
    );
}

#[test]
fn most_frequent_orders_equals_by_word() {
    let counts = Counts::from([("b".into(), 2), ("a".into(), 2), ("c".into(), 9)]);
    assert_eq!(most_frequent(&counts), [("c", 9), ("a", 2), ("b", 2)]);
}

#[test]
fn windows_versions_are_ordered_by_product_and_release() {
    let versions = [
        "build 10.0.99999",
        "Windows 11 26H2",
        "Windows 11 24H2",
        "Windows 10 22H2",
        "Windows 10 20H2",
        "Windows 10 2004",
        "Windows 10 1909",
        "Windows 10 1607",
        "Windows 8.1",
        "Windows 8",
        "Windows 7",
    ];
    let counts: Counts = versions.iter().map(|version| ((*version).into(), 1)).collect();
    let sorted: Vec<&str> = newest_first(&counts).into_iter().map(|(version, _)| version).collect();
    assert_eq!(sorted, versions);
}
