//! Benefits of a co-managed device, spoilt one fact at a time.

use super::*;
use crate::facts::JoinType;
use crate::prerequisites::test_worlds::{World, as_of, said};
use crate::tenant::{EntraPlan, SubscriptionState};
use crate::workload::SliderPosition;

fn reaches(spoil: impl FnOnce(&mut World)) -> [(Benefit, Reach); 7] {
    let mut world = World::good();
    spoil(&mut world);
    benefits(&world.device, &world.surroundings(), as_of()).map(|report| (report.benefit, report.reach()))
}

fn reach_of(benefit: Benefit, spoil: impl FnOnce(&mut World)) -> Reach {
    reaches(spoil)[benefit.index()].1
}

#[test]
fn co_managed_device_whose_workloads_are_with_intune_has_every_benefit() {
    assert_eq!(reaches(|_| ()), Benefit::ALL.map(|benefit| (benefit, Reach::Unlocked)));
}

#[test]
fn compliance_at_intune_is_the_one_step_to_conditional_access() {
    let compliance_back = |world: &mut World| {
        let policy = world.policy.as_mut().unwrap();
        policy.workloads[Workload::CompliancePolicies].slider = SliderPosition::ConfigurationManager;
    };
    assert_eq!(reach_of(Benefit::ConditionalAccess, compliance_back), Reach::OneStepAway);
    let without_plan = |world: &mut World| {
        compliance_back(world);
        world.tenant.entra_plan = Some(EntraPlan::Free);
    };
    assert_eq!(reach_of(Benefit::ConditionalAccess, without_plan), Reach::Locked);
}

#[test]
fn device_that_is_not_enrolled_has_no_benefit_that_needs_intune() {
    let found = reaches(|world| {
        world.device.mdm_enrolled = said(false);
        world.device.intune_mdm_record = said(false);
    });
    let expected = [
        // The workloads are with the site while the device is not enrolled.
        (Benefit::ConditionalAccess, Reach::Locked),
        (Benefit::RemoteActions, Reach::OneStepAway),
        (Benefit::ClientHealth, Reach::OneStepAway),
        (Benefit::EntraLink, Reach::OneStepAway),
        (Benefit::Autopilot, Reach::Unlocked),
        (Benefit::EndpointAnalytics, Reach::OneStepAway),
        (Benefit::Autopatch, Reach::Locked),
    ];
    assert_eq!(found, expected);
}

#[test]
fn third_partys_mdm_unlocks_nothing_of_intune() {
    let elsewhere = |world: &mut World| {
        world.device.authority_text = said("1".to_owned());
        world.tenant.authority_texts = [("1".to_owned(), MdmProvider::ThirdParty)].into();
    };
    assert_eq!(reach_of(Benefit::RemoteActions, elsewhere), Reach::OneStepAway);
    let mut world = World::good();
    elsewhere(&mut world);
    let reports = benefits(&world.device, &world.surroundings(), as_of());
    assert_eq!(
        reports[Benefit::RemoteActions.index()].needs[0].outcome,
        Outcome::unsatisfied("enrolled in Intune", "enrolled with a third party")
    );
}

#[test]
fn what_nobody_said_is_unknown_and_never_unlocked() {
    assert_eq!(reach_of(Benefit::EntraLink, |w| w.device.join_type = None), Reach::Unknown);
    assert_eq!(reach_of(Benefit::EndpointAnalytics, |w| w.tenant.cloud = None), Reach::Unknown);
    assert_eq!(reach_of(Benefit::Autopatch, |w| w.site = None), Reach::Unknown);
    let registered_and_unsaid = |world: &mut World| {
        world.device.join_type = said(JoinType::EntraRegistered);
        world.device.mdm_enrolled = None;
    };
    assert_eq!(reach_of(Benefit::EntraLink, registered_and_unsaid), Reach::Locked);
}

#[test]
fn clouds_without_endpoint_analytics_are_no_step_away() {
    for cloud in [Cloud::UsGovernment, Cloud::China] {
        assert_eq!(reach_of(Benefit::EndpointAnalytics, |w| w.tenant.cloud = Some(cloud)), Reach::Locked);
    }
}

#[test]
fn subscription_that_is_not_active_takes_remote_actions() {
    assert_eq!(
        reach_of(Benefit::RemoteActions, |w| {
            w.tenant.intune_subscription_state = Some(SubscriptionState::Disabled);
        }),
        Reach::OneStepAway
    );
}

#[test]
fn benefit_changes_when_the_site_leaves_support() {
    let world = World::good();
    let surroundings = world.surroundings();
    // Its 2509 is supported up to 2027-05-12.
    let changes_at = changes_at(&surroundings, as_of()).unwrap();
    let is_supported = |at| {
        let needs = &benefits(&world.device, &surroundings, at)[Benefit::Autopatch.index()].needs;
        let need = needs.iter().find(|need| need.what == "the site's version is in support");
        need.unwrap().outcome.is_satisfied()
    };
    let before = changes_at - jiff::SignedDuration::from_nanos(1);
    assert_eq!([as_of(), before, changes_at].map(is_supported), [true, true, false]);
    assert_eq!(changes_at.to_string(), "2027-05-13T00:00:00Z");
}
