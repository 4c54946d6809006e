//! Every reason against both claimants, by hand from states.md 8 and workloads.toml; and that a way taken ends its reason.

use proptest::prelude::*;

use super::reasons;
use crate::authority::strategies::{World, collection, device_facts, said, setting, world};
use crate::authority::{Claimant, Pilot, Reason, WayOut, ways_out};
use crate::facts::DeviceFacts;
use crate::id::HierarchyId;
use crate::policy::CoManagementPolicy;
use crate::state::in_coexistence;
use crate::workload::{SliderPosition, Workload};

use SliderPosition::{ConfigurationManager, Intune, PilotIntune};
use WayOut::{JoinPilot, LeavePilot, MoveSlider};

const CM: Claimant = Claimant::ConfigurationManager;
const APPS: Workload = Workload::ClientApps;
const ENDPOINT: Workload = Workload::EndpointProtection;
const DEVICE: Workload = Workload::DeviceConfiguration;

/// Sliders of some workloads; the others stand at Configuration Manager.
fn sliders(settings: &[(Workload, SliderPosition, Option<&str>)]) -> World {
    settings.iter().fold(World::with_site_version(Some("2309")), |world, (workload, slider, pilot)| {
        world.slider(*workload, setting(*slider, *pilot))
    })
}

/// The ways of Configuration Manager, then those of Intune.
fn both(workload: Workload, reason: Reason, world: &World) -> [Vec<WayOut>; 2] {
    Claimant::ALL.map(|claimant| {
        ways_out(workload, claimant, reason, world.policy.as_ref(), &world.complete_collections)
    })
}

fn pilot(workload: Workload, id: Option<&str>, begins: bool) -> Pilot {
    Pilot { workload, collection: id.map(collection), begins }
}

fn moved(workload: Workload, to: SliderPosition) -> WayOut {
    MoveSlider { workload, to }
}

#[test]
fn reasons_of_the_device_have_ways_that_no_slider_changes() {
    let world = sliders(&[]);
    let none = Vec::new;
    let table = [
        (Reason::ClientUnknown, [vec![WayOut::ReportClient], vec![WayOut::ReportClient]]),
        (Reason::Unmanaged, [vec![WayOut::InstallClient], vec![WayOut::Enroll]]),
        (Reason::Coexistence, [none(), none()]),
        (Reason::MdmOnly, [vec![WayOut::InstallClient], none()]),
        (Reason::NotEnrolled, [none(), vec![WayOut::Enroll]]),
        (Reason::NoSiteRecord, [vec![WayOut::ImportSiteRecord], vec![WayOut::ImportSiteRecord]]),
        (Reason::PolicyAbsent, [none(), vec![WayOut::DeliverPolicy]]),
        (Reason::NotProvisioned, [none(), vec![WayOut::ProvisionMdm]]),
        (Reason::AutopilotOverride, [vec![WayOut::LiftAutopilotOverride], none()]),
        (Reason::PolicyUnknown, [vec![WayOut::RecordPolicy], vec![WayOut::RecordPolicy]]),
    ];
    for (reason, expected) in table {
        for workload in Workload::ALL {
            assert_eq!(both(workload, reason, &world), expected, "{reason} of {workload}");
        }
    }
}

#[test]
fn slider_has_a_way_back_and_one_over() {
    let (stands, begins) = (false, true);
    let back = moved(APPS, ConfigurationManager);
    let over = moved(APPS, Intune);
    let table = [
        (
            Reason::SliderIntune,
            sliders(&[(APPS, Intune, None)]),
            [vec![LeavePilot(pilot(APPS, None, begins)), back.clone()], vec![]],
        ),
        (
            // The console keeps the collection of a pilot that has ended.
            Reason::SliderIntune,
            sliders(&[(APPS, Intune, Some("C1"))]),
            [vec![LeavePilot(pilot(APPS, Some("C1"), begins)), back.clone()], vec![]],
        ),
        (
            Reason::PilotMember,
            sliders(&[(APPS, PilotIntune, Some("C1"))]),
            [vec![LeavePilot(pilot(APPS, Some("C1"), stands)), back], vec![]],
        ),
        (
            Reason::PilotNotMember,
            sliders(&[(APPS, PilotIntune, Some("C1"))]),
            [vec![], vec![JoinPilot(pilot(APPS, Some("C1"), stands)), over.clone()]],
        ),
        (
            Reason::SliderConfigurationManager,
            sliders(&[]),
            [vec![], vec![JoinPilot(pilot(APPS, None, begins)), over.clone()]],
        ),
        (
            Reason::SliderConfigurationManager,
            sliders(&[(APPS, ConfigurationManager, Some("C1"))]),
            [vec![], vec![JoinPilot(pilot(APPS, Some("C1"), begins)), over]],
        ),
    ];
    for (reason, world, expected) in table {
        assert_eq!(both(APPS, reason, &world), expected, "{reason}");
    }
}

#[test]
fn hierarchy_without_co_management_has_to_set_it_up_first() {
    let mut world = sliders(&[(APPS, Intune, None)]);
    world.policy.as_mut().unwrap().enabled = Some(false);
    let expected = [vec![], vec![WayOut::SetUpCoManagement]];
    assert_eq!(both(APPS, Reason::SliderConfigurationManager, &world), expected);
}

#[test]
fn workload_that_device_configuration_carries_goes_back_with_it() {
    let (stands, begins) = (false, true);
    let back = moved(DEVICE, ConfigurationManager);
    for (slider, id, expected) in [
        (Intune, None, pilot(DEVICE, None, begins)),
        (PilotIntune, Some("C1"), pilot(DEVICE, Some("C1"), stands)),
    ] {
        let world = sliders(&[(DEVICE, slider, id), (ENDPOINT, PilotIntune, Some("C2"))]);
        let expected = [vec![LeavePilot(expected), back.clone()], vec![]];
        assert_eq!(both(ENDPOINT, Reason::BundledWithDeviceConfiguration, &world), expected);
    }
}

#[test]
fn resource_access_that_is_fixed_at_intune_never_goes_back() {
    let resource_access = Workload::ResourceAccessPolicies;
    assert_eq!(both(resource_access, Reason::ResourceAccessFixed, &sliders(&[])), [vec![], vec![]]);
    let said = || vec![WayOut::ReportSiteVersion];
    assert_eq!(both(resource_access, Reason::SiteVersionUnknown, &sliders(&[])), [said(), said()]);
}

#[test]
fn pilots_whose_members_nobody_said_are_to_be_imported() {
    let import = |workload, id| WayOut::ImportMembers { workload, collection: collection(id) };
    let table = [
        (vec![(APPS, PilotIntune, Some("C1"))], APPS, vec![import(APPS, "C1")]),
        (vec![(APPS, PilotIntune, None)], APPS, vec![WayOut::RecordPolicy]),
        (vec![(DEVICE, PilotIntune, Some("C1"))], ENDPOINT, vec![import(DEVICE, "C1")]),
        (
            vec![(DEVICE, PilotIntune, Some("C1")), (ENDPOINT, PilotIntune, Some("C2"))],
            ENDPOINT,
            vec![import(DEVICE, "C1"), import(ENDPOINT, "C2")],
        ),
        // The members of C3 are known.
        (
            vec![(DEVICE, PilotIntune, Some("C3")), (ENDPOINT, PilotIntune, Some("C2"))],
            ENDPOINT,
            vec![import(ENDPOINT, "C2")],
        ),
        // What stands elsewhere keeps its collection, which decides nothing.
        (
            vec![(DEVICE, ConfigurationManager, Some("C1")), (ENDPOINT, PilotIntune, Some("C2"))],
            ENDPOINT,
            vec![import(ENDPOINT, "C2")],
        ),
    ];
    for (settings, workload, expected) in table {
        let mut world = sliders(&settings);
        world.complete_collections = [collection("C3")].into();
        let found = both(workload, Reason::MembershipUnknown, &world);
        assert_eq!(found, [expected.clone(), expected], "{settings:?}");
    }
}

/// The world after a way was taken.
fn taken(way: &WayOut, facts: &mut DeviceFacts, world: &mut World) {
    let ordinary = World::with_site_version(Some("2309"));
    match way {
        WayOut::ReportClient | WayOut::InstallClient => facts.client_installed = said(true),
        WayOut::Enroll => {
            facts.mdm_enrolled = said(true);
            facts.authority_text = said("Microsoft Intune".to_owned());
        }
        WayOut::ImportSiteRecord => facts.hierarchy = Some(HierarchyId::parse("PS1").unwrap()),
        WayOut::DeliverPolicy => facts.policy_present = said(true),
        WayOut::ProvisionMdm => facts.mdm_provisioned = said(true),
        WayOut::LiftAutopilotOverride => facts.autopilot_override = said(false),
        WayOut::SetUpCoManagement => set_up(world.policy.as_mut().unwrap()),
        WayOut::MoveSlider { workload, to } => {
            world.policy.as_mut().unwrap().workloads[*workload].slider = *to
        }
        WayOut::JoinPilot(pilot) => {
            let id = piloted(pilot, world);
            if facts.collections.binary_search(&id).is_err() {
                facts.collections.push(id);
                facts.collections.sort();
            }
        }
        WayOut::LeavePilot(pilot) => {
            let id = piloted(pilot, world);
            facts.collections.retain(|other| *other != id);
        }
        WayOut::RecordPolicy => world.policy = ordinary.policy,
        WayOut::ReportSiteVersion => world.site = ordinary.site,
        WayOut::ImportMembers { collection, .. } => {
            world.complete_collections.insert(collection.clone());
        }
    }
}

/// The sliders decide, and stand where it is seen that they do.
fn set_up(policy: &mut CoManagementPolicy) {
    policy.enabled = Some(true);
    for workload in Workload::ALL {
        policy.workloads[workload] = setting(Intune, None);
    }
}

/// The pilot's collection, whose members are known; one of its own where the policy names none.
fn piloted(pilot: &Pilot, world: &mut World) -> crate::id::CollectionId {
    let id = pilot.collection.clone().unwrap_or_else(|| collection("C9"));
    let settings = &mut world.policy.as_mut().unwrap().workloads[pilot.workload];
    assert_eq!(settings.slider != PilotIntune, pilot.begins);
    (settings.slider, settings.pilot_collection) = (PilotIntune, Some(id.clone()));
    world.complete_collections.insert(id.clone());
    id
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whoever_does_not_hold_a_workload_has_a_way_but_where_none_leads_back(
        facts in device_facts(), world in world(),
    ) {
        for (workload, reason) in reasons(&facts, &world).iter() {
            for claimant in Claimant::ALL {
                let is_stuck = *reason == Reason::Coexistence
                    || (*reason == Reason::ResourceAccessFixed && claimant == CM);
                let ways = ways_out(
                    workload, claimant, *reason, world.policy.as_ref(), &world.complete_collections,
                );
                prop_assert_eq!(ways.is_empty(), is_stuck || claimant.holds(*reason), "{} of {}", reason, workload);
            }
        }
    }

    /// An alternative ends the reason by itself, what is to be said ends it together.
    #[test]
    fn way_that_is_taken_ends_the_reason(facts in device_facts(), world in world()) {
        // A third-party MDM goes before whatever else is done to the device.
        prop_assume!(!in_coexistence(&facts, &world.tenant));
        for (workload, reason) in reasons(&facts, &world).iter() {
            for claimant in Claimant::ALL {
                let ways = ways_out(
                    workload, claimant, *reason, world.policy.as_ref(), &world.complete_collections,
                );
                let together = *reason == Reason::MembershipUnknown;
                let at_once = if together { ways.len().max(1) } else { 1 };
                for ways in ways.chunks(at_once) {
                    let (mut facts, mut world) = (facts.clone(), world.clone());
                    for way in ways {
                        taken(way, &mut facts, &mut world);
                    }
                    let after = reasons(&facts, &world)[workload];
                    prop_assert_ne!(after, *reason, "{:?} for {:?} of {}", ways, claimant, workload);
                }
            }
        }
    }
}
