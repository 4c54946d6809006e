//! Counting by classes against deciding device by device.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use roaring::RoaringBitmap;

use crate::authority::strategies::{World, collection, device_facts, setting, slider_decided_device, world};
use crate::authority::{Reason, Standing, effective_authority};
use crate::facts::DeviceFacts;
use crate::id::CollectionId;
use crate::plan::{Cohort, DeviceClass, Impact, ImpactRow, Members, SortedFleet, impact};
use crate::policy::{CoManagementPolicy, Surroundings};
use crate::prerequisites::Verdict;
use crate::state::{ManagementState, management_state};
use crate::workload::{ManagementAuthority, SliderPosition, Workload};

/// Devices with the verdict that prerequisites gave each; how it comes about is not this module's business.
type Fleet = Vec<(DeviceFacts, Verdict)>;

/// Counts by cohorts, as a reader of the fleet keeps them that sorts it by these collections.
fn counted(
    fleet: &Fleet,
    world: &World,
    proposed: &CoManagementPolicy,
    by: &BTreeSet<CollectionId>,
) -> Impact {
    let mut cohorts: BTreeMap<(DeviceClass, BTreeSet<CollectionId>), RoaringBitmap> = BTreeMap::new();
    let mut collections: BTreeMap<CollectionId, RoaringBitmap> = BTreeMap::new();
    for (ordinal, (facts, verdict)) in (0..).zip(fleet) {
        let class = DeviceClass {
            state: management_state(facts, &world.tenant),
            standing: Standing::of(facts, &world.tenant, world.site.as_ref()),
            verdict: *verdict,
        };
        let within = facts.collections.iter().filter(|id| by.contains(*id)).cloned().collect();
        cohorts.entry((class, within)).or_default().insert(ordinal);
        for collection in &facts.collections {
            collections.entry(collection.clone()).or_default().insert(ordinal);
        }
    }
    let nobody = RoaringBitmap::new();
    let members = |id: &CollectionId| Members {
        devices: collections.get(id).unwrap_or(&nobody),
        complete: world.complete_collections.contains(id),
    };
    let cohorts = cohorts.iter();
    let cohorts: Vec<_> =
        cohorts.map(|((class, within), devices)| Cohort { class: *class, within, devices }).collect();
    impact(SortedFleet { cohorts: &cohorts, by }, &members, world.policy.as_ref(), proposed)
}

/// How devices fare by a workload, device by device; and which of them change holder.
fn one_by_one(
    fleet: &Fleet,
    world: &World,
    proposed: &CoManagementPolicy,
    workload: Workload,
) -> (BTreeMap<ImpactRow, u64>, BTreeSet<usize>) {
    let now = world.surroundings();
    let then = Surroundings { policy: Some(proposed), ..now };
    let mut rows = BTreeMap::new();
    let mut changing = BTreeSet::new();
    for (index, (facts, verdict)) in fleet.iter().enumerate() {
        let state = management_state(facts, &world.tenant);
        let before = effective_authority(facts, &now).workloads[workload].reason;
        let after = effective_authority(facts, &then).workloads[workload].reason;
        // The same device, co-managed: what the sliders would say of it.
        let co_managed = DeviceFacts {
            collections: facts.collections.clone(),
            ..crate::authority::strategies::co_managed_client()
        };
        let wanted = effective_authority(&co_managed, &then).workloads[workload].reason;
        let blocked = state != ManagementState::CoManaged && *verdict == Verdict::Blocked;
        *rows.entry(ImpactRow { state, before, after, wanted, blocked }).or_insert(0) += 1;
        if before.authority() != after.authority() {
            changing.insert(index);
        }
    }
    (rows, changing)
}

fn fleet() -> impl Strategy<Value = Fleet> {
    let device = prop_oneof![device_facts(), slider_decided_device()];
    vec((device, proptest::sample::select(Verdict::ALL.to_vec())), 0..40)
}

/// A policy to propose: another world's, or this one's with a workload moved.
fn proposed() -> impl Strategy<Value = CoManagementPolicy> {
    world().prop_filter_map("a proposal says something", |world| world.policy)
}

/// Any of the collections that devices are in; also those that neither policy names.
fn sorted_by() -> impl Strategy<Value = BTreeSet<CollectionId>> {
    let ids = btree_set(proptest::sample::select(["C1", "C2", "C3"].as_slice()), 0..=3);
    ids.prop_map(|ids| ids.into_iter().map(collection).collect())
}

proptest! {
    #[test]
    fn cohorts_count_what_deciding_each_device_counts(
        fleet in fleet(), world in world(), proposed in proposed(), by in sorted_by(),
    ) {
        let found = counted(&fleet, &world, &proposed, &by);
        let mut affected = BTreeSet::new();
        for workload in Workload::ALL {
            let (rows, changing) = one_by_one(&fleet, &world, &proposed, workload);
            // A workload whose positions stay has no rows, and nobody changes holder.
            if found.workloads[workload].is_empty() {
                prop_assert!(changing.is_empty() && (fleet.is_empty() || world.policy.is_some()));
            } else {
                prop_assert_eq!(&found.workloads[workload], &rows);
            }
            prop_assert_eq!(found.changing(workload), changing.len() as u64);
            for impact in &found.collections {
                let within = changing.iter().filter(|index| fleet[**index].0.collections.contains(&impact.collection));
                prop_assert_eq!(impact.changing[workload], within.count() as u64);
            }
            affected.extend(changing);
        }
        for impact in &found.collections {
            let members = fleet.iter().filter(|(facts, _)| facts.collections.contains(&impact.collection));
            prop_assert_eq!(impact.members, members.count() as u64);
        }
        prop_assert_eq!(found.devices, fleet.len() as u64);
        prop_assert_eq!(found.affected, affected.len() as u64);
        prop_assert_eq!(found.torn, 0);
    }
}

/// Three co-managed devices, two of them in the pilot; one that is not enrolled, in the pilot too, and blocked.
#[test]
fn pilot_moves_its_members_that_are_co_managed_and_holds_the_others_back() {
    let member = |facts: DeviceFacts| DeviceFacts { collections: vec![collection("PS100042")], ..facts };
    let co_managed = crate::authority::strategies::co_managed_client;
    let not_enrolled = DeviceFacts { mdm_enrolled: None, ..member(co_managed()) };
    let fleet = vec![
        (member(co_managed()), Verdict::NotApplicable),
        (member(co_managed()), Verdict::Unknown),
        (co_managed(), Verdict::Ready),
        (not_enrolled, Verdict::Blocked),
    ];
    let mut world = World::with_site_version(Some("2503"));
    world.complete_collections.insert(collection("PS100042"));
    let mut proposed = world.policy.clone().unwrap();
    proposed.workloads[Workload::CompliancePolicies] = setting(SliderPosition::PilotIntune, Some("PS100042"));

    let found = counted(&fleet, &world, &proposed, &BTreeSet::new());
    let workload = Workload::CompliancePolicies;
    let row = |before, after, wanted| ImpactRow {
        state: ManagementState::CoManaged,
        before,
        after,
        wanted,
        blocked: false,
    };
    let slider = Reason::SliderConfigurationManager;
    let held_back = ImpactRow {
        state: management_state(&fleet[3].0, &world.tenant),
        before: Reason::NotEnrolled,
        after: Reason::NotEnrolled,
        wanted: Reason::PilotMember,
        blocked: true,
    };
    // The fourth is held by Configuration Manager, as it is not enrolled (states.md 8), and the pilot means it.
    assert_eq!(Reason::NotEnrolled.authority(), ManagementAuthority::ConfigurationManager);
    let expected = [
        (row(slider, Reason::PilotMember, Reason::PilotMember), 2),
        (row(slider, Reason::PilotNotMember, Reason::PilotNotMember), 1),
        (held_back, 1),
    ];
    assert_eq!(found.workloads[workload], BTreeMap::from(expected));
    assert_eq!((found.changing(workload), found.held_back(workload)), (2, 1));
    assert_eq!((found.devices, found.affected), (4, 2));
    let pilot = &found.collections[0];
    assert_eq!((pilot.members, pilot.complete, pilot.changing[workload]), (3, true, 2));
}
