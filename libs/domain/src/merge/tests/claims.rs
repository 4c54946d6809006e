//! Two hierarchies with one device: which is believed, why, and what to do.

use super::*;
use crate::merge::{ClaimRule, HierarchyClaim, HierarchyConflict, hierarchy_conflict};

/// A hierarchy's record: what it says of the client, and when it heard of it.
fn record(name: &str, client: Option<bool>, contact: Option<&str>) -> Vec<Section> {
    let key = format!("{name}/1");
    let found = Discovery { client, ..Discovery::default() };
    let listed = ConsoleDevice { last_policy_request: contact.map(at), ..ConsoleDevice::default() };
    vec![
        section(site(name), &key, SectionBody::Discovery(found)),
        section(site(name), &key, SectionBody::Device(listed)),
    ]
}

fn claim(name: &str, client: Option<bool>, contact: Option<&str>) -> HierarchyClaim {
    HierarchyClaim { hierarchy: hierarchy(name), client_installed: client, last_contact: contact.map(at) }
}

#[test]
fn device_of_one_hierarchy_or_none_is_in_no_conflict() {
    let intune = beta(ManagedDevice::default());
    assert_eq!(hierarchy_conflict([&intune]), None);
    let mut sections = record("AAA", Some(true), None);
    sections.push(intune);
    assert_eq!(hierarchy_conflict(&sections), None);
}

#[test]
fn conflict_says_who_decides_and_by_what() {
    let (old, new) = (Some("2026-10-01T00:00:00Z"), Some("2026-11-20T00:00:00Z"));
    let yes = Some(true);
    let table = [
        // what AAA and BBB say of the client, who decides, by what, and whether the client is contested
        ((yes, old), (yes, new), "BBB", ClaimRule::LastContact, true),
        ((yes, old), (yes, None), "AAA", ClaimRule::LastContact, true),
        ((yes, new), (yes, new), "AAA", ClaimRule::FirstById, true),
        ((yes, None), (yes, None), "AAA", ClaimRule::FirstById, true),
        ((yes, old), (None, new), "AAA", ClaimRule::OnlyClient, false),
        ((Some(false), new), (yes, old), "BBB", ClaimRule::OnlyClient, false),
        ((Some(false), old), (None, new), "BBB", ClaimRule::LastContact, false),
        ((None, None), (Some(false), None), "AAA", ClaimRule::FirstById, false),
    ];
    for (first, second, decides, rule, contested) in table {
        let sections = [record("BBB", second.0, second.1), record("AAA", first.0, first.1)].concat();
        let mut others = vec![claim("AAA", first.0, first.1), claim("BBB", second.0, second.1)];
        let place = others.iter().position(|claim| claim.hierarchy.as_str() == decides).unwrap();
        let expected = HierarchyConflict { decides: others.remove(place), others, rule };
        let found = hierarchy_conflict(&sections).unwrap();
        assert_eq!((&found, found.is_contested()), (&expected, contested), "{first:?}, {second:?}");
    }
}

#[test]
fn conflict_of_three_is_judged_against_the_next_best() {
    let sections = [
        record("AAA", Some(true), Some("2026-10-01T00:00:00Z")),
        record("BBB", None, Some("2026-11-20T00:00:00Z")),
        record("CCC", Some(true), Some("2026-11-01T00:00:00Z")),
    ]
    .concat();
    let found = hierarchy_conflict(&sections).unwrap();
    let expected = HierarchyConflict {
        decides: claim("CCC", Some(true), Some("2026-11-01T00:00:00Z")),
        others: vec![
            claim("AAA", Some(true), Some("2026-10-01T00:00:00Z")),
            claim("BBB", None, Some("2026-11-20T00:00:00Z")),
        ],
        rule: ClaimRule::LastContact,
    };
    assert_eq!(found, expected);
}

#[test]
fn what_to_do_depends_on_whether_the_client_is_contested() {
    let told = |first: (Option<bool>, Option<&str>), second: (Option<bool>, Option<&str>)| {
        let sections = [record("AAA", first.0, first.1), record("BBB", second.0, second.1)].concat();
        hierarchy_conflict(&sections).unwrap().remediation()
    };
    let (yes, when) = (Some(true), Some("2026-10-01T00:00:00Z"));
    assert!(told((yes, when), (yes, None)).contains("have the record deleted"));
    assert!(told((yes, when), (yes, when)).contains("the order of their ids"));
    assert!(told((yes, when), (None, when)).starts_with("nothing, where"));
}
