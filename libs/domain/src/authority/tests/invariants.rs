//! What holds for every device in every surroundings.

use proptest::prelude::*;

use super::reasons;
use crate::authority::strategies::{World, device_facts, slider_decided_device, workload_setting, world};
use crate::authority::{Reason, authority_of, drift, effective_authority};
use crate::facts::{DeviceFacts, copied};
use crate::policy::{Membership, WorkloadSetting};
use crate::state::{co_managed, in_coexistence};
use crate::workload::{ManagementAuthority, SliderPosition, Workload};

/// What the workload's pilot collection says, where its slider stands at Pilot Intune.
fn pilot_membership(facts: &DeviceFacts, world: &World, workload: Workload) -> Option<Membership> {
    let WorkloadSetting { slider, pilot_collection } = &world.policy.as_ref()?.workloads[workload];
    let collection = pilot_collection.as_ref().filter(|_| *slider == SliderPosition::PilotIntune)?;
    Some(world.surroundings().membership(facts, collection))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// states.md 8 read from its end: whom a device may answer to at all.
    #[test]
    fn client_and_enrolment_alone_decide_everything_outside_co_management(
        facts in device_facts(), world in world(),
    ) {
        use ManagementAuthority::{ConfigurationManager, Intune, None as Nobody, ThirdPartyMdm, Unknown};
        let is = |fact| copied(&fact) == Some(true);
        let third_party = facts.authority_text.as_ref().is_some_and(|text| text.value == "VMware AirWatch");
        let (enrolled, provisioned) = (is(facts.mdm_enrolled), is(facts.mdm_provisioned));
        let by_query = enrolled && is(facts.policy_present) && provisioned;
        let allowed: &[ManagementAuthority] = match copied(&facts.client_installed) {
            Some(true) if third_party => &[ThirdPartyMdm],
            Some(false) if enrolled && !third_party => &[Intune],
            Some(false) => &[Nobody],
            Some(true) if !enrolled => &[ConfigurationManager],
            None if !by_query || third_party => &[Unknown],
            Some(true) | None if facts.hierarchy.is_none() => &[Unknown],
            Some(true) if !by_query => &[ConfigurationManager],
            Some(true) | None if is(facts.autopilot_override) => &[Intune],
            Some(true) | None => &[ConfigurationManager, Intune, Unknown],
        };
        for (workload, decision) in effective_authority(&facts, &world.surroundings()).workloads.iter() {
            prop_assert!(allowed.contains(&decision.authority), "{workload}: {}", decision.reason);
        }
    }

    /// Whoever asks of one workload is told what whoever asks of all is told.
    #[test]
    fn one_workload_is_decided_as_among_all(
        facts in prop_oneof![device_facts(), slider_decided_device()], world in world(),
    ) {
        let effective = effective_authority(&facts, &world.surroundings()).workloads;
        for workload in Workload::ALL {
            prop_assert_eq!(
                authority_of(&facts, &world.surroundings(), workload),
                effective[workload].authority
            );
        }
    }

    /// On devices whose sliders decide: on others all workloads are where device configuration is.
    #[test]
    fn sub_workload_is_never_held_back_from_device_configuration(
        facts in slider_decided_device(), world in world(),
    ) {
        let effective = effective_authority(&facts, &world.surroundings()).workloads;
        let of = |workload: Workload| effective[workload].authority;
        for sub in [Workload::ResourceAccessPolicies, Workload::EndpointProtection] {
            match of(Workload::DeviceConfiguration) {
                ManagementAuthority::Intune => prop_assert_eq!(of(sub), ManagementAuthority::Intune),
                ManagementAuthority::Unknown =>
                    prop_assert_ne!(of(sub), ManagementAuthority::ConfigurationManager),
                _ => {}
            }
        }
    }

    #[test]
    fn third_party_decides_in_coexistence_and_nowhere_else(facts in device_facts(), world in world()) {
        let coexistence = in_coexistence(&facts, &world.tenant);
        for (_, decision) in effective_authority(&facts, &world.surroundings()).workloads.iter() {
            prop_assert_eq!(decision.authority == ManagementAuthority::ThirdPartyMdm, coexistence);
        }
    }

    #[test]
    fn without_co_management_no_slider_matters(facts in device_facts(), world in world(), other in world()) {
        prop_assume!(!co_managed(&facts).query || copied(&facts.client_installed) == Some(false));
        let elsewhere = World { tenant: world.tenant.clone(), ..other };
        prop_assert_eq!(reasons(&facts, &world), reasons(&facts, &elsewhere));
    }

    #[test]
    fn pilot_gives_intune_to_its_members_alone(facts in slider_decided_device(), world in world()) {
        for (workload, reason) in reasons(&facts, &world).iter() {
            match pilot_membership(&facts, &world, workload) {
                Some(Membership::Member) => {}
                Some(Membership::NotMember) => {
                    prop_assert!(!matches!(reason, Reason::PilotMember | Reason::SliderIntune));
                }
                Some(Membership::Unknown) => {
                    prop_assert!(!matches!(reason, Reason::PilotMember | Reason::PilotNotMember));
                    if world.policy.as_ref().is_some_and(|policy| policy.enabled != Some(false)) {
                        prop_assert_ne!(reason.authority(), ManagementAuthority::ConfigurationManager);
                    }
                }
                None => prop_assert!(!matches!(reason, Reason::PilotMember | Reason::PilotNotMember)),
            }
        }
    }

    #[test]
    fn moving_a_slider_changes_that_workload_and_what_it_carries(
        facts in device_facts(), world in world(), moved in 0_usize..7, to in workload_setting(),
    ) {
        prop_assume!(world.policy.is_some());
        let moved = Workload::ALL[moved];
        let before = reasons(&facts, &world);
        let after = reasons(&facts, &world.clone().slider(moved, to));
        for workload in Workload::ALL {
            if workload != moved && workload.included_in() != Some(moved) {
                prop_assert_eq!(before[workload], after[workload]);
            }
        }
    }

    #[test]
    fn drift_names_two_different_definite_authorities_of_a_co_managed_device(
        facts in device_facts(), world in world(),
    ) {
        let effective = effective_authority(&facts, &world.surroundings());
        let drifts = drift(&facts, &world.surroundings(), &effective);
        for drift in &drifts {
            let decision = effective.workloads[drift.workload];
            prop_assert_eq!(drift.effective, decision.authority);
            prop_assert_ne!(decision.reason, Reason::BundledWithDeviceConfiguration);
            prop_assert_ne!(drift.effective, drift.reported);
            for authority in [drift.effective, drift.reported] {
                prop_assert!(matches!(
                    authority,
                    ManagementAuthority::Intune | ManagementAuthority::ConfigurationManager
                ));
            }
        }
        prop_assert!(
            drifts.is_empty() || (co_managed(&facts).query && !in_coexistence(&facts, &world.tenant))
        );
    }
}
