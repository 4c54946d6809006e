//! What holds for every plan.

use proptest::prelude::*;
use proptest::{option, sample::select};

use super::*;
use crate::authority::strategies::{workload_setting, world};

fn any_policy() -> impl Strategy<Value = CoManagementPolicy> {
    let mode = select(vec![None, Some(AutoEnrollment::None), Some(AutoEnrollment::Pilot)]);
    (world(), mode).prop_map(|(world, auto_enrollment)| CoManagementPolicy {
        auto_enrollment,
        ..world.policy.unwrap_or_default()
    })
}

fn any_facts() -> impl Strategy<Value = PlanFacts> {
    proptest::collection::vec(option::of(any::<bool>()), 7).prop_map(|said| PlanFacts {
        deployed_at_intune: PerWorkload::from_fn(|_| said[0]),
        deployed_at_configuration_manager: PerWorkload::from_fn(|_| said[1]),
        conditional_access: said[2],
        autopatch: said[3],
        store_apps: said[4],
        autopilot: said[5],
        autopilot_override: said[6],
    })
}

fn any_site() -> impl Strategy<Value = SiteFacts> {
    (option::of(select(vec!["2111", "2309", "2509"])), option::of(any::<bool>())).prop_map(
        |(version, setting)| SiteFacts { client_setting_software_updates: setting, ..site(version) },
    )
}

/// The warnings that are about a move.
fn of_moves(warnings: &[PlanWarning]) -> Vec<WarningKind> {
    let of_positions = [WarningKind::BasePolicyUnknown, WarningKind::ResourceAccessMayBeFixed];
    warnings.iter().map(|warning| warning.kind).filter(|kind| !of_positions.contains(kind)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn plan_that_changes_nothing_warns_of_no_move(mut policy in any_policy(), site in any_site(), facts in any_facts()) {
        policy.enabled = policy.enabled.or(Some(true));
        prop_assert_eq!(of_moves(&warnings(Some(&policy), &policy, [&site], &facts)), []);
    }

    #[test]
    fn knowing_more_adds_no_warning(
        base in option::of(any_policy()), proposed in any_policy(), site in any_site(), facts in any_facts(),
    ) {
        let about = |warnings: Vec<PlanWarning>| {
            let each = |warning: PlanWarning| {
                let kind = warning.kind;
                warning.workloads.into_iter().map(move |workload| (kind, Some(workload))).chain([(kind, None)])
            };
            warnings.into_iter().flat_map(each).collect::<Set<_>>()
        };
        let unknown = SiteFacts { client_setting_software_updates: None, ..site.clone() };
        let less = about(warnings(base.as_ref(), &proposed, [&unknown], &PlanFacts::default()));
        let more = about(warnings(base.as_ref(), &proposed, [&site], &facts));
        prop_assert!(more.is_subset(&less), "{:?}", more.difference(&less));
    }

    #[test]
    fn warnings_come_in_their_order_and_name_each_workload_once(
        base in option::of(any_policy()), proposed in any_policy(), site in any_site(), facts in any_facts(),
    ) {
        let found = warnings(base.as_ref(), &proposed, [&site], &facts);
        prop_assert!(found.is_sorted_by_key(|warning| warning.kind));
        for warning in &found {
            prop_assert!(warning.workloads.is_sorted(), "{warning}");
        }
    }

    /// There and back: what moved to Intune by a plan is what goes back by its reverse.
    #[test]
    fn reverse_of_a_plan_moves_the_same_workloads(
        policy in any_policy(), moved in 0_usize..7, to in workload_setting(), site in any_site(),
    ) {
        let base = CoManagementPolicy { enabled: Some(true), ..policy };
        let mut proposed = base.clone();
        proposed.workloads[Workload::ALL[moved]] = to;
        let polls = |from: &CoManagementPolicy, to: &CoManagementPolicy| {
            let found = warnings(Some(from), to, [&site], &quiet());
            found.into_iter().find(|warning| warning.kind == WarningKind::ClientsPoll).map(|w| w.workloads)
        };
        prop_assert_eq!(polls(&base, &proposed), polls(&proposed, &base));
    }
}
