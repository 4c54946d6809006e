//! What holds for every plan and all readings.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::{collection::vec, option};

use super::*;
use crate::authority::strategies::{World, device_facts, world};

fn scope() -> impl Strategy<Value = Scope> {
    let workloads = Workload::ALL.map(Scope::Workload);
    let others = [Scope::Hierarchy, named(&["d-1"])];
    select(workloads.into_iter().chain(others).collect::<Vec<_>>())
}

fn any_policy() -> impl Strategy<Value = Option<CoManagementPolicy>> {
    let mode = select(vec![
        None,
        Some(AutoEnrollment::None),
        Some(AutoEnrollment::Pilot),
        Some(AutoEnrollment::All),
    ]);
    // Sliders at Configuration Manager are wanted often, or nothing would ever be done.
    (world(), mode, vec(any::<bool>(), 7)).prop_map(|(world, auto_enrollment, back)| {
        let mut policy = CoManagementPolicy { auto_enrollment, ..world.policy? };
        for (workload, _) in Workload::ALL.into_iter().zip(back).filter(|(_, back)| *back) {
            policy.workloads[workload] = setting(ConfigurationManager, None);
        }
        Some(policy)
    })
}

fn any_tenant() -> impl Strategy<Value = PlanFacts> {
    let said = prop_oneof![1 => Just(None), 1 => Just(Some(true)), 4 => Just(Some(false))];
    (vec(said, 3), option::weighted(0.8, prop::bool::weighted(0.8))).prop_map(|(said, deployed)| PlanFacts {
        deployed_at_configuration_manager: PerWorkload::from_fn(|_| deployed),
        conditional_access: said[0],
        autopatch: said[1],
        autopilot_override: said[2],
        ..PlanFacts::default()
    })
}

fn any_counts() -> impl Strategy<Value = Option<DeviceCounts>> {
    let number = || prop_oneof![2 => Just(0_u64), 1 => 0_u64..4];
    option::of(vec(number(), 12).prop_map(|n| DeviceCounts {
        devices: 3,
        in_intune: n[0],
        staying: n[1],
        failed: n[2],
        out: n[3],
        members: n[4],
        membership_unknown: n[5],
        overridden: n[6],
        override_unknown: n[7],
        entra_joined: n[8],
        join_unknown: n[9],
        at_intune: PerWorkload::from_fn(|_| n[10]),
        unreported: PerWorkload::from_fn(|_| n[11]),
    }))
}

fn any_site() -> impl Strategy<Value = SiteFacts> {
    (select(vec![None, Some("2309"), Some("2509")]), option::of(any::<bool>())).prop_map(
        |(version, setting)| SiteFacts { client_setting_software_updates: setting, ..site(version) },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn only_one_step_has_its_turn_and_only_when_everything_before_it_holds(
        scope in scope(), planned in any_policy(), desired in any_policy(), configured in any_policy(),
        sites in vec(any_site(), 0..3), counts in any_counts(), tenant in any_tenant(),
        keys_saved in option::of(any::<bool>()),
    ) {
        let plan = decommission(scope, planned.as_ref(), &sites);
        let seen = Observations {
            desired: desired.as_ref(),
            configured: configured.as_ref(),
            sites: &sites,
            devices: counts.as_ref(),
            tenant: &tenant,
            keys_saved,
        };
        let standing = observe(&plan, &seen);
        prop_assert_eq!(&observe(&plan, &seen), &standing);
        prop_assert_eq!(standing.steps.len(), plan.steps.len());
        let turn = standing.steps.iter().position(|step| *step != StepState::Done);
        prop_assert_eq!(standing.state == DecommissionState::Done, turn.is_none());
        for (place, (step, state)) in plan.steps.iter().zip(&standing.steps).enumerate() {
            let met = plan.before.iter().chain(&step.before).all(|it| it.check(&seen) == Check::Met);
            match state {
                StepState::Done => {}
                StepState::Pending => prop_assert!(turn < Some(place)),
                StepState::InProgress(progress) => {
                    prop_assert!(turn == Some(place) && met);
                    prop_assert!(progress.is_none_or(|progress| progress.done < progress.of));
                }
                StepState::Blocked(blocks) => {
                    prop_assert!(turn == Some(place) && !blocks.is_empty());
                    let failed = |block: &Block| matches!(block, Block::RetireFailed { .. });
                    prop_assert_eq!(met, blocks.iter().all(failed));
                    prop_assert_eq!(standing.state, DecommissionState::Blocked);
                }
            }
        }
    }

    #[test]
    fn silence_is_never_done(scope in scope(), planned in any_policy()) {
        let plan = decommission(scope, planned.as_ref(), []);
        let tenant = PlanFacts::default();
        let seen = Observations {
            desired: None, configured: None, sites: &[], devices: None, tenant: &tenant, keys_saved: None,
        };
        let standing = observe(&plan, &seen);
        prop_assert_eq!(standing.state, DecommissionState::Blocked);
        prop_assert!(standing.steps.iter().all(|step| *step != StepState::Done));
    }

    #[test]
    fn order_of_counting_does_not_matter(
        mut devices in vec(device_facts(), 0..6), world in world(),
    ) {
        let count = |devices: &[crate::facts::DeviceFacts], world: &World| {
            let mut counts = DeviceCounts::default();
            devices.iter().for_each(|facts| counts.add(facts, &world.surroundings()));
            counts
        };
        let forwards = count(&devices, &world);
        devices.reverse();
        prop_assert_eq!(count(&devices, &world), forwards);
        prop_assert_eq!(forwards.devices, devices.len() as u64);
        prop_assert!(forwards.failed <= forwards.staying && forwards.staying <= forwards.in_intune);
        prop_assert!(forwards.in_intune + forwards.out <= forwards.devices);
    }
}
