//! Changes of members, by hand.

use super::*;

fn refused(changes: &[MembershipChange]) -> InvalidMembership {
    match handover(Some(&policy()), &policy(), changes, None).unwrap_err() {
        HandoverError::Membership(error) => error,
        other @ HandoverError::Policy(_) => panic!("expected a refused membership, found {other}"),
    }
}

#[test]
fn built_in_collection_is_refused_whatever_its_case() {
    for id in ["SMS00001", "sms00002"] {
        let error = refused(&[change(id, vec![member(1, "PC")], vec![])]);
        assert_eq!(error, InvalidMembership::BuiltInCollection { collection: collection(id) });
    }
    let expected = "expected a collection of your own, found the built-in collection SMS00001: its id starts \
                    with SMS";
    assert_eq!(refused(&[change("SMS00001", vec![], vec![])]).to_string(), expected);
}

#[test]
fn resource_id_that_the_cmdlet_cannot_take_is_refused() {
    for resource_id in [0, 2_147_483_648, u32::MAX] {
        let error = refused(&[change("PS100042", vec![], vec![member(resource_id, "PC")])]);
        let collection = collection("PS100042");
        assert_eq!(error, InvalidMembership::ResourceIdOutOfRange { collection, resource_id });
    }
    let greatest = work_on(None, change("PS100042", vec![member(2_147_483_647, "PC")], vec![]));
    assert_eq!(greatest.members(MembershipAction::Add).len(), 1);
}

#[test]
fn device_that_comes_and_goes_is_refused() {
    let error = refused(&[change("PS100042", vec![member(7, "A")], vec![member(8, "B"), member(7, "A")])]);
    let collection = collection("PS100042");
    assert_eq!(error, InvalidMembership::AddedAndRemoved { collection, resource_id: 7 });
}

#[test]
fn collection_that_is_changed_twice_is_refused() {
    let once = change("PS100042", vec![member(7, "A")], vec![]);
    let error = refused(&[once.clone(), once]);
    assert_eq!(error, InvalidMembership::CollectionTwice { collection: collection("PS100042") });
}

#[test]
fn device_that_is_named_twice_is_taken_once() {
    let twice = vec![member(9, "B"), member(7, "A"), member(9, "again")];
    let work = work_on(Some("2509"), change("PS100042", twice, vec![]));
    assert_eq!(work.members(MembershipAction::Add), [member(7, "A"), member(9, "B")]);
}

#[test]
fn site_with_defective_cmdlets_gets_no_script() {
    let one = change("PS100042", vec![member(7, "A")], vec![]);
    let error = work_on(Some("2103"), one.clone()).script().unwrap_err();
    assert_eq!(error, CmdletsUnsafe { found: "2103".to_owned() });
    for version in [Some("2107"), Some("5.00.9058.1000"), Some("2509"), None, Some("next")] {
        assert!(work_on(version, one.clone()).script().is_ok(), "{version:?}");
    }
    let warned = |version| {
        let done = handover(Some(&policy()), &policy(), std::slice::from_ref(&one), Some(&site(version)));
        warning_ids(&done.unwrap())
    };
    let rest =
        ["collection_not_in_policy", "limiting_collection_decides", "evaluation_delay", "client_policy_poll"];
    assert_eq!(warned(Some("2509")), rest);
    assert_eq!(
        warned(Some("2103")),
        ["site_too_old_for_cmdlets"].into_iter().chain(rest).collect::<Vec<_>>()
    );
    assert_eq!(warned(None), ["site_version_unknown"].into_iter().chain(rest).collect::<Vec<_>>());
}

#[test]
fn removal_warns_of_other_rules_and_is_verified() {
    let done = current(Some(&policy()), &policy(), &[change("PS100042", vec![], vec![member(7, "A")])]);
    let expected =
        ["collection_not_in_policy", "other_rules_keep_members", "evaluation_delay", "client_policy_poll"];
    assert_eq!(warning_ids(&done), expected);
    assert_eq!(
        check_ids(&done),
        ["member_changed", "client_took_policy", "workload_moved", "nobody_else_moved"]
    );
}

#[test]
fn pilot_that_grows_asks_for_intune_policies_first() {
    let pilot = at(SliderPosition::PilotIntune, Some("PS100042"));
    let piloted = with(policy(), Workload::ClientApps, pilot);
    let first = Warning::IntunePolicyFirst { workloads: vec![Workload::ClientApps] };
    let warned = |change| current(Some(&piloted), &piloted, &[change]).warnings.contains(&first);
    assert!(warned(change("PS100042", vec![member(7, "A")], vec![])));
    assert!(!warned(change("PS100042", vec![], vec![member(7, "A")])));
    assert!(!warned(change("PS100043", vec![member(7, "A")], vec![])));
}
