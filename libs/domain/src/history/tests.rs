//! Periods by hand, and against asking each moment by itself.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::authority::strategies::{
    World, co_managed_client, collection, device_facts, setting, workload_setting, world,
};
use crate::authority::{Reason, Standing, effective_authority};
use crate::id::{CollectionId, HierarchyId};
use crate::policy::CoManagementPolicy;
use crate::state::ManagementState;
use crate::workload::{ManagementAuthority, PerWorkload, SliderPosition, Workload};

fn hour(hour: i64) -> Timestamp {
    let midnight: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
    midnight + SignedDuration::from_hours(hour)
}

fn ps1() -> HierarchyId {
    HierarchyId::parse("PS1").unwrap()
}

fn policy(slider: SliderPosition, pilot: Option<&str>) -> CoManagementPolicy {
    let mut policy = CoManagementPolicy { enabled: Some(true), ..CoManagementPolicy::default() };
    policy.workloads[Workload::ClientApps] = setting(slider, pilot);
    policy
}

fn ids(ids: &[&str]) -> BTreeSet<CollectionId> {
    ids.iter().map(|id| collection(id)).collect()
}

/// A co-managed device that is in those collections.
fn co_managed(collections: &[&str]) -> MaterialState {
    let facts = co_managed_client();
    let world = World::with_site_version(Some("2309"));
    let state = MaterialState::of(&facts, &world.surroundings(), &BTreeSet::new());
    MaterialState { collections: ids(collections), ..state }
}

fn version(from: i64, to: Option<i64>, revision: u64, state: MaterialState) -> Version {
    Version { from: hour(from), to: to.map(hour), is_first_look: false, device_revision: revision, state }
}

/// From, to, revisions of device and policy, and who held client apps by which rule.
type Line = (i64, Option<i64>, (u64, u64), Reason);

fn lines(past: &Past) -> Vec<Line> {
    let hours = |at: Timestamp| at.duration_since(hour(0)).as_hours();
    let line = |period: &Period| {
        let revisions = (period.device_revision, period.policy_revision);
        let reason = period.answer.reasons[Workload::ClientApps];
        (hours(period.from), period.to.map(hours), revisions, reason)
    };
    past.periods().iter().map(line).collect()
}

/// Configuration Manager at first; at 4 its pilot begins, whose members are known from 6 on; the device joins it at 8, and at 12 the slider
/// stands at Intune. At 20 the device was deleted.
fn moved() -> Past {
    let policies = [
        (hour(2), (1, policy(SliderPosition::ConfigurationManager, None))),
        (hour(4), (2, policy(SliderPosition::PilotIntune, Some("PS100040")))),
        (hour(12), (3, policy(SliderPosition::Intune, Some("PS100040")))),
    ];
    Past {
        versions: vec![
            Version { is_first_look: true, ..version(0, Some(8), 5, co_managed(&[])) },
            version(8, Some(20), 9, co_managed(&["PS100040"])),
        ],
        policies: [(ps1(), policies.into())].into(),
        complete: [(ps1(), [(hour(0), ids(&[])), (hour(6), ids(&["PS100040"]))].into())].into(),
    }
}

#[test]
fn each_change_of_device_policy_and_members_begins_a_period() {
    let expected = [
        (0, Some(2), (5, 0), Reason::PolicyUnknown),
        (2, Some(4), (5, 1), Reason::SliderConfigurationManager),
        (4, Some(6), (5, 2), Reason::MembershipUnknown),
        (6, Some(8), (5, 2), Reason::PilotNotMember),
        (8, Some(12), (9, 2), Reason::PilotMember),
        (12, Some(20), (9, 3), Reason::SliderIntune),
    ];
    assert_eq!(lines(&moved()), expected);
    let first: Vec<bool> = moved().periods().iter().map(|period| period.is_first_look).collect();
    assert_eq!(first, [true, false, false, false, false, false]);
}

#[test]
fn policy_that_changes_nothing_for_the_device_begins_no_period() {
    let mut past = moved();
    let same = (9, policy(SliderPosition::Intune, Some("PS100041")));
    past.policies.get_mut(&ps1()).unwrap().insert(hour(15), same);
    assert_eq!(lines(&past), lines(&moved()));
}

#[test]
fn moment_is_in_the_period_that_begins_with_it() {
    let past = moved();
    let reason = |at| past.at(hour(at)).map(|period| period.answer.reasons[Workload::ClientApps]);
    assert_eq!(reason(-1), None);
    assert_eq!(reason(8), Some(Reason::PilotMember));
    assert_eq!(reason(11), Some(Reason::PilotMember));
    assert_eq!(reason(12), Some(Reason::SliderIntune));
    assert_eq!(reason(20), None);
}

#[test]
fn holder_is_the_same_since_the_first_period_without_a_break() {
    let mut past = moved();
    // The pilot and then the slider gave it to Intune.
    past.versions[1].to = None;
    assert_eq!(since(&past.periods(), Workload::ClientApps), Some((hour(8), false)));
    // Configuration Manager's since it is known at all: before, nobody had said where the sliders stand.
    assert_eq!(since(&past.periods(), Workload::CompliancePolicies), Some((hour(2), false)));
    // The same holder after a gap holds it anew.
    past.versions.push(version(30, None, 40, co_managed(&["PS100040"])));
    past.versions[1].to = Some(hour(20));
    assert_eq!(since(&past.periods(), Workload::ClientApps), Some((hour(30), false)));
    past.versions.pop();
    assert_eq!(since(&past.periods(), Workload::ClientApps), None);
    past.versions.clear();
    assert_eq!(since(&past.periods(), Workload::ClientApps), None);
}

#[test]
fn what_was_not_kept_yet_begins_when_it_is_seen() {
    let present = |revision, within: &[&str], complete: &[&str]| Present {
        device_revision: revision,
        state: co_managed(within),
        complete: ids(complete),
    };
    let named = ids(&["PS100040"]);
    let mut past = moved();
    past.versions[1].to = None;
    let kept = past.clone();
    // As it was kept: nothing begins.
    past.see(hour(15), present(9, &["PS100040"], &["PS100040"]), &named);
    assert_eq!(past, kept);
    // A collection that nothing named before is said of what was kept.
    past.see(hour(15), present(9, &["PS100040", "PS100077"], &["PS100040", "PS100077"]), &named);
    assert_eq!(past.versions.len(), 2);
    assert_eq!(past.versions[1].state, co_managed(&["PS100040", "PS100077"]));
    assert_eq!(past.complete[&ps1()].last_key_value(), Some((&hour(6), &ids(&["PS100040", "PS100077"]))));
    // It left the pilot, of which nobody knows the members any more.
    past.see(hour(15), present(11, &[], &[]), &named);
    assert_eq!(past.versions[1].to, Some(hour(15)));
    assert_eq!(past.versions[2..], [version(15, None, 11, co_managed(&[]))]);
    assert_eq!(past.complete[&ps1()].last_key_value(), Some((&hour(15), &ids(&[]))));
    // A moment that is not after what was kept is put after it.
    past.see(hour(9), present(12, &["PS100040"], &[]), &named);
    assert_eq!(past.versions[3].from, hour(15) + SignedDuration::from_micros(1));
    // Nobody had looked.
    let mut nobody = Past::default();
    nobody.see(hour(3), present(1, &[], &[]), &named);
    assert_eq!(nobody.versions, [Version { is_first_look: true, ..version(3, None, 1, co_managed(&[])) }]);
}

#[test]
fn periods_of_a_workload_are_joined_over_what_changed_of_others() {
    let hours = |at: Timestamp| at.duration_since(hour(0)).as_hours();
    let spans = |workload| {
        let periods = of_workload(moved().periods(), workload);
        periods.iter().map(|period| (hours(period.from), period.to.map(hours))).collect::<Vec<_>>()
    };
    assert_eq!(spans(Workload::CompliancePolicies), [(0, Some(2)), (2, Some(20))]);
    assert_eq!(spans(Workload::ClientApps).len(), moved().periods().len());
}

#[test]
fn state_is_read_back_as_it_was_written() {
    let state = MaterialState {
        hierarchy: Some(ps1()),
        state: ManagementState::CoManaged,
        standing: Standing { whole_device: Some(Reason::AutopilotOverride), resource_access_fixed: None },
        reported: PerWorkload::from_fn(|workload| {
            (workload == Workload::ClientApps).then_some(ManagementAuthority::Intune)
        }),
        collections: ids(&["PS100040"]),
    };
    let text = r#"{"hierarchy":"PS1","state":"co_managed","standing":{"whole_device":"autopilot_override","resource_access_fixed":null},"reported":[null,null,null,null,null,null,"intune"],"collections":["PS100040"]}"#;
    assert_eq!(serde_json::to_string(&state).unwrap(), text);
    assert_eq!(serde_json::from_str::<MaterialState>(text).unwrap(), state);
}

/// What is kept for years is spelled as outputs spell it.
#[test]
fn words_that_are_kept_are_those_of_outputs() {
    for reason in Reason::ALL {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.id());
    }
    for state in ManagementState::ALL {
        assert_eq!(serde_json::to_value(state).unwrap(), state.id());
    }
}

fn any_policy() -> impl Strategy<Value = CoManagementPolicy> {
    vec(workload_setting(), 7).prop_map(|settings| CoManagementPolicy {
        enabled: Some(true),
        workloads: PerWorkload::from_fn(|workload| settings[workload.index()].clone()),
        ..CoManagementPolicy::default()
    })
}

fn any_state() -> impl Strategy<Value = MaterialState> {
    let named = btree_set(select(["C1", "C2", "C3"].as_slice()), 0..=3);
    (device_facts(), world(), named).prop_map(|(facts, world, named)| {
        let named = named.into_iter().map(collection).collect();
        MaterialState::of(&facts, &world.surroundings(), &named)
    })
}

fn any_past() -> impl Strategy<Value = Past> {
    let states = vec((any_state(), 1..6_i64, any::<bool>()), 0..5);
    let policies = btree_map(0..20_i64, any_policy(), 0..5);
    let complete = btree_map(0..20_i64, btree_set(select(["C1", "C2", "C3"].as_slice()), 0..=3), 0..5);
    (states, policies, complete, any::<bool>()).prop_map(|(states, policies, complete, still)| {
        let mut versions = Vec::new();
        let mut at = 0;
        for (state, lasts, gone) in states {
            versions.push(version(at, Some(at + lasts), u64::try_from(at).unwrap(), state));
            at += lasts + i64::from(gone);
        }
        if let Some(last) = versions.last_mut().filter(|_| still) {
            last.to = None;
        }
        let numbered = policies.into_iter().enumerate();
        let policies = numbered.map(|(n, (at, policy))| (hour(at), (n as u64 + 1, policy))).collect();
        let complete = complete.into_iter();
        let complete = complete.map(|(at, ids)| (hour(at), ids.into_iter().map(collection).collect()));
        Past {
            versions,
            policies: [(ps1(), policies)].into(),
            complete: [(ps1(), complete.collect::<BTreeMap<_, _>>())].into(),
        }
    })
}

/// What was known at a moment, looked for from the beginning; and the answer that follows.
fn asked(past: &Past, moment: Timestamp) -> Option<(ManagementState, PerWorkload<Reason>)> {
    let holds = |version: &&Version| version.from <= moment && version.to.is_none_or(|to| to > moment);
    let version = past.versions.iter().find(holds)?;
    let (mut policy, mut complete) = (None, BTreeSet::new());
    if version.state.hierarchy == Some(ps1()) {
        for (at, (_, known)) in &past.policies[&ps1()] {
            if *at <= moment {
                policy = Some(known);
            }
        }
        for (at, known) in &past.complete[&ps1()] {
            if *at <= moment {
                complete.clone_from(known);
            }
        }
    }
    Some((version.state.state, version.state.decide(policy, &complete)))
}

proptest! {
    #[test]
    fn every_moment_is_answered_from_what_was_known_then(past in any_past()) {
        for quarter in -4..100_i64 {
            let moment = hour(0) + SignedDuration::from_mins(15 * quarter);
            let found = past.at(moment).map(|period| (period.answer.state, period.answer.reasons));
            prop_assert_eq!(found, asked(&past, moment));
        }
    }

    #[test]
    fn periods_follow_one_another_and_differ(past in any_past()) {
        let periods = past.periods();
        for pair in periods.windows(2) {
            let [one, next] = pair else { unreachable!() };
            prop_assert!(one.to.is_some_and(|to| to <= next.from), "{:?} {:?}", one, next);
            prop_assert!(one.to != Some(next.from) || one.answer != next.answer);
        }
        prop_assert!(periods.iter().all(|period| period.to.is_none_or(|to| period.from < to)));
    }

    /// What is kept decides as the whole device does, if its policy names no other collections.
    #[test]
    fn state_decides_as_the_device_does(facts in device_facts(), world in world()) {
        let surroundings = world.surroundings();
        let named = world.policy.iter().flat_map(CoManagementPolicy::collections).cloned().collect();
        let kept = MaterialState::of(&facts, &surroundings, &named);
        let decided = kept.decide(world.policy.as_ref(), &world.complete_collections);
        let effective = effective_authority(&facts, &surroundings);
        prop_assert_eq!(decided, PerWorkload::from_fn(|workload| effective.workloads[workload].reason));
    }
}
