//! Findings beside the rules, one at a time.

use super::*;
use crate::facts::EnrollmentConflict;
use crate::prerequisites::test_worlds::{at, good_device, good_tenant, said, word};

fn found(spoil: impl FnOnce(&mut DeviceFacts)) -> Vec<Concern> {
    let mut facts = good_device();
    spoil(&mut facts);
    concerns(&facts, &good_tenant())
}

fn concern(kind: ConcernKind, seen: &str, sections: &[u8]) -> Vec<Concern> {
    vec![Concern { kind, seen: seen.to_owned(), sections: sections.to_vec() }]
}

#[test]
fn good_device_gives_no_cause() {
    assert_eq!(found(|_| ()), []);
    assert_eq!(concerns(&DeviceFacts::default(), &TenantFacts::default()), []);
}

#[test]
fn registered_only_join_is_found() {
    assert_eq!(
        found(|facts| facts.join_type = said(JoinType::EntraRegistered)),
        concern(ConcernKind::RegisteredOnly, "join type azureADRegistered", &[0])
    );
}

#[test]
fn two_of_the_registration_states_are_found_and_no_other() {
    let state = |text: &str| found(|facts| facts.registration_state = word(text));
    assert_eq!(
        state("keyConflict"),
        concern(ConcernKind::RegistrationKeyConflict, "registration state keyConflict", &[0])
    );
    assert_eq!(
        state("approvalPending"),
        concern(ConcernKind::RegistrationApprovalPending, "registration state approvalPending", &[0])
    );
    for fine in ["registered", "notRegistered", "revoked", "certificateReset", "unknown", "somethingNew"] {
        assert_eq!(state(fine), [], "{fine}");
    }
}

#[test]
fn retire_wipe_or_delete_under_way_is_found() {
    for state in ["retirePending", "retireIssued", "wipePending", "wipeIssued", "deletePending"] {
        assert_eq!(
            found(|facts| facts.intune_management_state = word(state)),
            concern(ConcernKind::Leaving, &format!("management state {state}"), &[0])
        );
    }
    assert_eq!(found(|facts| facts.intune_management_state = word("wipeFailed")), []);
}

#[test]
fn policy_that_blocks_mdm_is_found() {
    assert_eq!(
        found(|facts| facts.mdm_blocked_by_policy = said(true)),
        concern(ConcernKind::MdmBlocked, "MDM blocked by group policy or managed-externally flag", &[0])
    );
}

#[test]
fn other_hierarchies_are_named() {
    assert_eq!(
        found(|facts| facts.other_hierarchies = vec!["PS2".parse().unwrap(), "PS3".parse().unwrap()]),
        concern(ConcernKind::SeveralHierarchies, "managed by PS1, also known to PS2, PS3", &[])
    );
}

fn stamp(source: Source, kind: SectionKind, key: &str, observed_at: &str) -> SectionStamp {
    SectionStamp { source, kind, key: key.to_owned(), observed_at: at(observed_at) }
}

#[test]
fn records_that_one_source_keeps_twice_are_found_and_two_classes_of_one_record_are_not() {
    let site = || Source::ConfigMgr("PS1".parse().unwrap());
    let sections = vec![
        stamp(Source::Intune, SectionKind::ManagedDeviceBeta, "a", "2026-11-20T05:00:00Z"),
        stamp(Source::Intune, SectionKind::ManagedDeviceV1, "a", "2026-11-20T05:00:00Z"),
        stamp(site(), SectionKind::Discovery, "16777220", "2026-11-19T00:00:00Z"),
        stamp(Source::Intune, SectionKind::ManagedDeviceBeta, "b", "2026-03-01T00:00:00Z"),
    ];
    assert_eq!(
        found(|facts| facts.sections = sections.clone()),
        concern(
            ConcernKind::Twins,
            "intune keeps 2 records in beta/managedDevices: a of 2026-11-20T05:00:00Z, b of 2026-03-01T00:00:00Z",
            &[0, 3]
        )
    );
    assert_eq!(found(|facts| facts.sections = sections[..3].to_vec()), []);
}

#[test]
fn device_of_very_many_sections_is_looked_at_as_far_as_sections_are_counted() {
    let sections = (0..300).map(|_| stamp(Source::Probe, SectionKind::Probe, "p", "2026-11-20T05:00:00Z"));
    let sections: Vec<SectionStamp> = sections.collect();
    assert_eq!(found(|facts| facts.sections = sections), []);
}

#[test]
fn site_and_cloud_that_differ_are_both_named() {
    assert_eq!(
        found(|facts| {
            facts.enrollment_conflict =
                Some(EnrollmentConflict { site: Fact::new(false, 1), cloud: Fact::new(true, 4) });
        }),
        concern(ConcernKind::EnrollmentConflict, "the site says not enrolled, Intune enrolled", &[1, 4])
    );
}

#[test]
fn every_kind_has_a_word_of_its_own() {
    let words: std::collections::BTreeSet<&str> = ConcernKind::ALL.iter().map(|kind| kind.id()).collect();
    assert_eq!(words.len(), ConcernKind::ALL.len());
    assert!(ConcernKind::ALL.iter().enumerate().all(|(at, kind)| kind.index() == at));
}
