//! What one device adds to the counts.

use super::*;
use crate::authority::strategies::{World, co_managed_client, said};
use crate::facts::{DeviceFacts, JoinType};

/// Client apps in a pilot that was read.
fn world() -> World {
    let mut world =
        World::with_site_version(Some("2509")).slider(ClientApps, setting(PilotIntune, Some("PS100042")));
    world.complete_collections = [collection("PS100042")].into();
    world
}

fn counted(facts: &DeviceFacts, world: &World) -> DeviceCounts {
    let mut counts = DeviceCounts::default();
    counts.add(facts, &world.surroundings());
    counts
}

/// Enrolled, hybrid joined, without override; its site read client apps (64) and compliance (2) at Intune.
fn ordinary() -> DeviceFacts {
    DeviceFacts {
        intune_mdm_record: said(true),
        autopilot_override: said(false),
        join_type: said(JoinType::HybridJoined),
        capability_text: said("8259".to_owned()),
        ..co_managed_client()
    }
}

fn of_ordinary() -> DeviceCounts {
    let moved = |workload| u64::from(matches!(workload, ClientApps | CompliancePolicies));
    DeviceCounts {
        devices: 1,
        in_intune: 1,
        staying: 1,
        at_intune: PerWorkload::from_fn(moved),
        ..DeviceCounts::default()
    }
}

#[test]
fn ordinary_device_stays_and_reports() {
    assert_eq!(counted(&ordinary(), &world()), of_ordinary());
}

#[test]
fn device_on_its_way_out_does_not_stay_and_one_that_failed_does() {
    for (state, staying, failed) in [
        ("managed", 1, 0),
        ("retirePending", 0, 0),
        ("retireIssued", 0, 0),
        ("retireFailed", 1, 1),
        ("retireCanceled", 1, 1),
        ("wipeFailed", 1, 1),
        ("wipeCanceled", 1, 1),
    ] {
        let facts = DeviceFacts { intune_management_state: said(state.to_owned()), ..ordinary() };
        let expected = DeviceCounts { staying, failed, ..of_ordinary() };
        assert_eq!(counted(&facts, &world()), expected, "{state}");
    }
}

#[test]
fn device_is_out_only_when_both_managers_say_so() {
    let table = [
        // enrolled by the site, record at Intune, counted as there, counted as out
        (Some(true), Some(true), 1, 0),
        (Some(false), Some(true), 1, 0),
        (Some(true), None, 0, 0),
        (None, None, 0, 0),
        (Some(false), None, 0, 1),
        (Some(false), Some(false), 0, 1),
    ];
    for (site, cloud, in_intune, out) in table {
        let facts = DeviceFacts {
            mdm_enrolled: site.and_then(said),
            intune_mdm_record: cloud.and_then(said),
            ..ordinary()
        };
        let found = counted(&facts, &world());
        assert_eq!(
            (found.in_intune, found.staying, found.out),
            (in_intune, in_intune, out),
            "{site:?} {cloud:?}"
        );
    }
}

#[test]
fn device_of_another_mdm_is_out_of_intune() {
    let elsewhere = DeviceFacts {
        authority_text: said("VMware AirWatch".to_owned()),
        intune_mdm_record: None,
        ..ordinary()
    };
    assert_eq!(counted(&elsewhere, &world()), DeviceCounts { devices: 1, out: 1, ..DeviceCounts::default() });
}

#[test]
fn membership_counts_only_where_the_policy_decides_by_it() {
    let pilot = |id| World {
        complete_collections: [].into(),
        ..world().slider(ClientApps, setting(PilotIntune, Some(id)))
    };
    let inside = DeviceFacts { collections: vec![collection("PS100042")], ..ordinary() };
    let of = |facts: &DeviceFacts, world: &World| {
        let found = counted(facts, world);
        (found.members, found.membership_unknown)
    };
    assert_eq!(of(&inside, &world()), (1, 0));
    assert_eq!(of(&ordinary(), &world()), (0, 0));
    assert_eq!(of(&ordinary(), &pilot("PS100042")), (0, 1));
    assert_eq!(of(&inside, &pilot("PS100042")), (1, 0));
    // A collection that is kept from a former pilot decides nothing.
    let kept = world().slider(ClientApps, setting(Intune, Some("PS100042")));
    assert_eq!(of(&inside, &kept), (0, 0));
    assert_eq!(of(&inside, &World { policy: None, ..world() }), (0, 1));
}

#[test]
fn device_with_the_override_is_not_waited_for() {
    let facts = DeviceFacts { autopilot_override: said(true), ..ordinary() };
    let expected = DeviceCounts { overridden: 1, at_intune: PerWorkload::default(), ..of_ordinary() };
    assert_eq!(counted(&facts, &world()), expected);
    let unsaid = DeviceFacts { autopilot_override: None, ..ordinary() };
    assert_eq!(counted(&unsaid, &world()), DeviceCounts { override_unknown: 1, ..of_ordinary() });
}

#[test]
fn silence_is_counted_apart() {
    let silent = DeviceFacts { capability_text: None, ..ordinary() };
    let expected = DeviceCounts {
        at_intune: PerWorkload::default(),
        unreported: PerWorkload::from_fn(|_| 1),
        ..of_ordinary()
    };
    assert_eq!(counted(&silent, &world()), expected);
    // A client alone has nothing to give back.
    let alone = DeviceFacts { mdm_enrolled: said(false), intune_mdm_record: None, ..silent };
    assert_eq!(counted(&alone, &world()), DeviceCounts { devices: 1, out: 1, ..DeviceCounts::default() });
    let joined = |join_type| counted(&DeviceFacts { join_type, ..ordinary() }, &world());
    assert_eq!(joined(None), DeviceCounts { join_unknown: 1, ..of_ordinary() });
    assert_eq!(joined(said(JoinType::EntraJoined)), DeviceCounts { entra_joined: 1, ..of_ordinary() });
}
