//! Rules by hand; requests by hand and by random answers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::id::{PlanHash, PrincipalId};
use crate::workload::Workload::{self, *};

fn person(name: &str) -> PrincipalId {
    PrincipalId::parse(name).unwrap()
}

fn hash(text: &str) -> PlanHash {
    PlanHash::parse(text).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Ada asks about plan `p`; it expires at 100.
fn asked(required: u8) -> ApprovalRequest {
    ApprovalRequest::ask(hash("p"), person("ada"), required, at(100))
}

fn plan(workload: Workload, devices_affected: Option<u64>, full_switch: bool) -> PlanSummary {
    PlanSummary { workloads: BTreeSet::from([workload]), devices_affected, full_switch }
}

#[test]
fn small_plan_of_an_ordinary_workload_needs_nobody() {
    let rules = ApprovalRules::default();
    assert_eq!(rules.required(&plan(ClientApps, Some(99), false)), ApprovalsRequired::default());
}

#[test]
fn every_rule_that_asks_is_named_and_the_strictest_decides() {
    let devices = |at_least, found| ApprovalReason::Devices { at_least, found };
    let rules = ApprovalRules::default();
    for (summary, count, reasons) in [
        (plan(ClientApps, Some(100), false), 1, vec![(devices(100, 100), 1)]),
        (plan(ClientApps, Some(10_000), false), 2, vec![(devices(10_000, 10_000), 2)]),
        (plan(ClientApps, Some(0), true), 2, vec![(ApprovalReason::FullSwitch, 2)]),
        (plan(ClientApps, None, false), 2, vec![(ApprovalReason::DevicesUnknown, 2)]),
        (
            plan(DeviceConfiguration, Some(500), true),
            2,
            vec![
                (devices(100, 500), 1),
                (ApprovalReason::Workload(DeviceConfiguration), 1),
                (ApprovalReason::FullSwitch, 2),
            ],
        ),
    ] {
        assert_eq!(rules.required(&summary), ApprovalsRequired { count, reasons }, "{summary:?}");
    }
}

#[test]
fn rule_that_asks_for_nobody_is_no_reason() {
    let rules =
        ApprovalRules { devices: Vec::new(), workloads: BTreeMap::from([(ClientApps, 0)]), full_switch: 0 };
    assert_eq!(rules.required(&plan(ClientApps, None, true)), ApprovalsRequired::default());
}

#[test]
fn rules_that_cannot_be_meant_are_refused() {
    let threshold = |at_least, approvals| DeviceThreshold { at_least, approvals };
    let rules = |devices| ApprovalRules { devices, ..ApprovalRules::default() };
    assert_eq!(ApprovalRules::default().validate(), Ok(()));
    for found in [threshold(10, 2), threshold(20, 1)] {
        let before = threshold(10, 1);
        assert_eq!(
            rules(vec![before, found]).validate(),
            Err(InvalidRules::ThresholdsDoNotRise { before, found })
        );
    }
    let greedy = ApprovalRules { full_switch: 6, ..ApprovalRules::default() };
    assert_eq!(greedy.validate(), Err(InvalidRules::TooManyApprovals { found: 6 }));
}

#[test]
fn two_people_other_than_the_requester_grant_the_plan() {
    let one = asked(2).approve(&person("bo"), &hash("p"), at(1)).unwrap();
    assert_eq!(one.granted(at(2)), Err(NotGranted::ApprovalsMissing { expected: 2, found: 1 }));
    let granted = one.approve(&person("cy"), &hash("p"), at(2)).unwrap().granted(at(99)).unwrap();
    assert_eq!(
        (granted.plan(), granted.approvers(), granted.break_glass()),
        (&hash("p"), [person("bo"), person("cy")].as_slice(), None)
    );
}

#[test]
fn plan_that_needs_nobody_is_granted_at_once_and_cannot_be_approved() {
    assert_eq!(asked(0).granted(at(0)).unwrap().approvers(), []);
    let refused = asked(0).approve(&person("bo"), &hash("p"), at(0)).unwrap_err();
    assert_eq!(refused, ApprovalRefused::NoApprovalNeeded { required: 0, found: 0 });
}

#[test]
fn approval_that_does_not_count_says_what_was_expected() {
    let once = asked(2).approve(&person("bo"), &hash("p"), at(1)).unwrap();
    let full = asked(1).approve(&person("bo"), &hash("p"), at(1)).unwrap();
    for (request, by, seen, when, refused, reason) in [
        (&once, "ada", "p", 2, ApprovalRefused::SelfApproval { by: person("ada") }, "SELF_APPROVAL"),
        (
            &once,
            "cy",
            "p",
            100,
            ApprovalRefused::Expired { expires_at: at(100), at: at(100) },
            "APPROVAL_EXPIRED",
        ),
        (
            &once,
            "cy",
            "q",
            2,
            ApprovalRefused::PlanChanged { expected: hash("p"), found: hash("q") },
            "APPROVAL_PLAN_CHANGED",
        ),
        (
            &once,
            "bo",
            "p",
            2,
            ApprovalRefused::AlreadyApproved { by: person("bo"), at: at(1) },
            "ALREADY_APPROVED",
        ),
        (
            &full,
            "cy",
            "p",
            2,
            ApprovalRefused::NoApprovalNeeded { required: 1, found: 1 },
            "NO_APPROVAL_NEEDED",
        ),
    ] {
        let found = request.approve(&person(by), &hash(seen), at(when)).unwrap_err();
        assert_eq!((found.reason(), found), (reason, refused));
    }
}

#[test]
fn broken_glass_needs_a_reason_and_stays_visible() {
    let refused = asked(2).break_the_glass(&person("ada"), &hash("p"), " \n", at(1)).unwrap_err();
    assert_eq!((refused.reason(), refused), ("APPROVAL_REASON_MISSING", ApprovalRefused::ReasonMissing));
    let broken = asked(2).break_the_glass(&person("ada"), &hash("p"), " mail is down ", at(1)).unwrap();
    let expected = BreakGlass { by: person("ada"), why: "mail is down".into(), at: at(1) };
    assert_eq!(broken.granted(at(2)).unwrap().break_glass(), Some(&expected));
}

#[test]
fn request_that_was_rejected_grants_nothing_and_takes_no_answer() {
    let once = asked(2).approve(&person("bo"), &hash("p"), at(1)).unwrap();
    let refused = once.reject(&person("cy"), &hash("p"), " ", at(2)).unwrap_err();
    assert_eq!(refused, ApprovalRefused::ReasonMissing);
    let rejected = once.reject(&person("cy"), &hash("p"), " freeze until Monday ", at(2)).unwrap();
    let expected = Rejection { by: person("cy"), why: "freeze until Monday".into(), at: at(2) };
    assert_eq!(rejected.rejection(), Some(&expected));
    assert_eq!(rejected.granted(at(3)), Err(NotGranted::Rejected { at: at(2) }));
    let refused = ApprovalRefused::Rejected { by: person("cy"), at: at(2) };
    assert_eq!(rejected.approve(&person("di"), &hash("p"), at(3)), Err(refused.clone()));
    assert_eq!(rejected.break_the_glass(&person("ada"), &hash("p"), "now", at(3)), Err(refused));
}

#[test]
fn grant_that_is_not_used_in_time_is_gone() {
    let full = asked(1).approve(&person("bo"), &hash("p"), at(1)).unwrap();
    assert_eq!(full.granted(at(100)), Err(NotGranted::Expired { expires_at: at(100), at: at(100) }));
}

proptest! {
    /// Whoever answers whatever and whenever.
    #[test]
    fn what_is_granted_was_approved_by_enough_different_people_in_time(
        required in 0..4_u8,
        answers in proptest::collection::vec((0..5_usize, 0..3_u8, 0..120_i64), 0..12),
        used in 0..120_i64,
    ) {
        let people = ["ada", "bo", "cy", "di", "eve"];
        let mut request = asked(required);
        for (who, content, when) in answers {
            let seen = if content == 0 { hash("q") } else { hash("p") };
            request = request.approve(&person(people[who]), &seen, at(when)).unwrap_or(request);
        }
        if let Ok(granted) = request.granted(at(used)) {
            let different: BTreeSet<_> = granted.approvers().iter().collect();
            prop_assert!(used < 100);
            prop_assert_eq!(different.len(), usize::from(required));
            prop_assert!(!different.contains(&person("ada")));
            prop_assert!(request.approvals().iter().all(|approval| approval.at < at(100)));
        }
    }

    /// More devices, another workload or a full switch never need fewer people.
    #[test]
    fn larger_plan_never_needs_fewer_people(few in 0..20_000_u64, more in 0..20_000_u64, full in any::<bool>()) {
        let rules = ApprovalRules::default();
        let needed = |devices, full| rules.required(&plan(ClientApps, Some(devices), full)).count;
        prop_assert!(needed(few, full) <= needed(few + more, true));
        prop_assert!(needed(few, full) <= rules.required(&plan(ClientApps, None, full)).count);
    }
}
