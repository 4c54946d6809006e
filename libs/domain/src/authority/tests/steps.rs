//! Every step of states.md 8, by hand.

use super::reasons;
use crate::authority::strategies::{World, co_managed_client, collection, said, setting};
use crate::authority::{Decision, Reason, effective_authority};
use crate::facts::DeviceFacts;
use crate::workload::{ManagementAuthority, PerWorkload, SliderPosition, Workload};

use SliderPosition::{ConfigurationManager, Intune, PilotIntune};

fn reason(facts: &DeviceFacts, world: &World, workload: Workload) -> Reason {
    reasons(facts, world)[workload]
}

/// Every slider at Intune: whatever answer is not Intune does not come from a slider.
fn everything_moved() -> World {
    let mut world = World::with_site_version(Some("2509"));
    world.policy.as_mut().unwrap().workloads = PerWorkload::from_fn(|_| setting(Intune, None));
    world
}

#[test]
fn reason_words_are_those_of_the_assessment_in_its_order() {
    let words = Reason::ALL.map(|reason| (reason.id(), reason.authority().id()));
    assert_eq!(
        words,
        [
            ("client_unknown", "unknown"),
            ("unmanaged", "none"),
            ("coexistence", "third_party_mdm"),
            ("mdm_only", "intune"),
            ("not_enrolled", "configuration_manager"),
            ("no_site_record", "unknown"),
            ("policy_absent", "configuration_manager"),
            ("not_provisioned", "configuration_manager"),
            ("autopilot_override", "intune"),
            ("resource_access_fixed", "intune"),
            ("bundled_with_device_configuration", "intune"),
            ("slider_intune", "intune"),
            ("pilot_member", "intune"),
            ("pilot_not_member", "configuration_manager"),
            ("slider_configuration_manager", "configuration_manager"),
            ("policy_unknown", "unknown"),
            ("site_version_unknown", "unknown"),
            ("membership_unknown", "unknown"),
        ]
    );
}

#[test]
fn device_outside_co_management_has_one_reason_for_all_workloads() {
    type Change = fn(&mut DeviceFacts);
    let third_party: Change = |f| f.authority_text = said("VMware AirWatch".to_owned());
    let table: [(&str, &[Change], Reason); 15] = [
        (
            "client not said, enrolled and not provisioned",
            &[|f| f.client_installed = None, |f| f.mdm_provisioned = None],
            Reason::ClientUnknown,
        ),
        (
            "client not said, third-party MDM",
            &[third_party, |f| f.client_installed = None],
            Reason::ClientUnknown,
        ),
        (
            "client not said, not enrolled",
            &[|f| f.client_installed = None, |f| f.mdm_enrolled = said(false)],
            Reason::ClientUnknown,
        ),
        (
            "neither client nor enrolment",
            &[|f| f.client_installed = said(false), |f| f.mdm_enrolled = said(false)],
            Reason::Unmanaged,
        ),
        (
            "no client, enrolment not said",
            &[|f| f.client_installed = said(false), |f| f.mdm_enrolled = None],
            Reason::Unmanaged,
        ),
        ("third-party MDM", &[third_party], Reason::Coexistence),
        (
            "third-party MDM, enrolment not said",
            &[third_party, |f| f.mdm_enrolled = None],
            Reason::Coexistence,
        ),
        (
            "third-party MDM without the client",
            &[third_party, |f| f.client_installed = said(false)],
            Reason::Unmanaged,
        ),
        ("no client", &[|f| f.client_installed = said(false)], Reason::MdmOnly),
        ("enrolled: 0/1/1", &[|f| f.mdm_enrolled = said(false)], Reason::NotEnrolled),
        ("enrolment not said", &[|f| f.mdm_enrolled = None], Reason::NotEnrolled),
        ("known to the cloud only", &[|f| f.hierarchy = None], Reason::NoSiteRecord),
        ("1/0/1", &[|f| f.policy_present = said(false)], Reason::PolicyAbsent),
        (
            "policy and provisioning not said",
            &[|f| f.policy_present = None, |f| f.mdm_provisioned = None],
            Reason::PolicyAbsent,
        ),
        ("1/1/0", &[|f| f.mdm_provisioned = said(false)], Reason::NotProvisioned),
    ];
    for (case, changes, expected) in table {
        let mut facts = co_managed_client();
        for change in changes {
            change(&mut facts);
        }
        // Nothing of this may look at the sliders, the site's version or the override.
        facts.autopilot_override = said(true);
        assert_eq!(reasons(&facts, &everything_moved()), PerWorkload::from_fn(|_| expected), "{case}");
    }
}

#[test]
fn autopilot_override_gives_all_workloads_to_intune_before_any_slider() {
    let facts = DeviceFacts { autopilot_override: said(true), ..co_managed_client() };
    let world = World { policy: None, site: None, ..World::with_site_version(None) };
    let effective = effective_authority(&facts, &world.surroundings());
    assert_eq!(
        effective.workloads,
        PerWorkload::from_fn(|_| Decision {
            authority: ManagementAuthority::Intune,
            reason: Reason::AutopilotOverride
        })
    );
    assert!(!effective.autopilot_override_unknown);
}

#[test]
fn co_managed_device_follows_the_sliders_whoever_says_that_the_client_is_there() {
    let facts = DeviceFacts { client_installed: None, ..co_managed_client() };
    let world = everything_moved();
    assert_eq!(reasons(&facts, &world), reasons(&co_managed_client(), &world));
}

#[test]
fn unknown_override_is_named_only_where_the_sliders_decided() {
    let world = everything_moved();
    let unknown =
        |facts: &DeviceFacts| effective_authority(facts, &world.surroundings()).autopilot_override_unknown;
    assert!(unknown(&co_managed_client()));
    assert!(!unknown(&DeviceFacts { autopilot_override: said(false), ..co_managed_client() }));
    assert!(!unknown(&DeviceFacts { mdm_enrolled: said(false), ..co_managed_client() }));
}

#[test]
fn leaving_device_is_judged_like_any_other_and_flagged() {
    let staying = effective_authority(&co_managed_client(), &everything_moved().surroundings());
    let facts =
        DeviceFacts { intune_management_state: said("wipePending".to_owned()), ..co_managed_client() };
    let leaving = effective_authority(&facts, &everything_moved().surroundings());
    assert_eq!((staying.leaving, leaving.leaving), (false, true));
    assert_eq!(staying.workloads, leaving.workloads);
}

#[test]
fn default_sliders_leave_everything_at_configuration_manager() {
    assert_eq!(
        reasons(&co_managed_client(), &World::with_site_version(Some("2309"))),
        PerWorkload::from_fn(|_| Reason::SliderConfigurationManager)
    );
}

#[test]
fn policy_that_does_not_say_whether_it_is_enabled_moves_nothing_for_sure() {
    let mut world = everything_moved().slider(Workload::ClientApps, setting(ConfigurationManager, None));
    world.policy.as_mut().unwrap().enabled = None;
    assert_eq!(
        reasons(&co_managed_client(), &world),
        PerWorkload::from_fn(|workload| match workload {
            Workload::ResourceAccessPolicies => Reason::ResourceAccessFixed,
            Workload::ClientApps => Reason::SliderConfigurationManager,
            _ => Reason::PolicyUnknown,
        })
    );
}

#[test]
fn policy_that_is_not_enabled_has_no_sliders() {
    let mut world = everything_moved();
    world.policy.as_mut().unwrap().enabled = Some(false);
    assert_eq!(
        reasons(&co_managed_client(), &world),
        PerWorkload::from_fn(|workload| match workload {
            Workload::ResourceAccessPolicies => Reason::ResourceAccessFixed,
            _ => Reason::SliderConfigurationManager,
        })
    );
}

#[test]
fn unknown_policy_leaves_only_resource_access_decided() {
    for (version, resource_access) in [
        (Some("2403"), Reason::ResourceAccessFixed),
        (Some("2309"), Reason::PolicyUnknown),
        (None, Reason::PolicyUnknown),
    ] {
        let world = World { policy: None, ..World::with_site_version(version) };
        assert_eq!(
            reasons(&co_managed_client(), &world),
            PerWorkload::from_fn(|workload| match workload {
                Workload::ResourceAccessPolicies => resource_access,
                _ => Reason::PolicyUnknown,
            })
        );
    }
}

/// A device in `IN`, known not to be in `OUT`; nobody read the members of `UNREAD`.
fn pilots(version: Option<&str>) -> (DeviceFacts, World) {
    let facts = DeviceFacts { collections: vec![collection("IN")], ..co_managed_client() };
    let mut world = World::with_site_version(version);
    world.complete_collections = [collection("OUT")].into();
    (facts, world)
}

#[test]
fn plain_workload_follows_its_own_slider_and_collection() {
    let table = [
        (setting(ConfigurationManager, Some("IN")), Reason::SliderConfigurationManager),
        (setting(Intune, Some("OUT")), Reason::SliderIntune),
        (setting(PilotIntune, Some("IN")), Reason::PilotMember),
        (setting(PilotIntune, Some("OUT")), Reason::PilotNotMember),
        (setting(PilotIntune, Some("UNREAD")), Reason::MembershipUnknown),
        (setting(PilotIntune, None), Reason::MembershipUnknown),
    ];
    for workload in [
        Workload::CompliancePolicies,
        Workload::WindowsUpdatePolicies,
        Workload::DeviceConfiguration,
        Workload::OfficeClickToRunApps,
        Workload::ClientApps,
    ] {
        for (own, expected) in table.clone() {
            let (facts, world) = pilots(Some("2509"));
            let world = world.slider(workload, own.clone());
            assert_eq!(reason(&facts, &world, workload), expected, "{workload} at {own:?}");
        }
    }
}

#[test]
fn sub_workload_follows_device_configuration_before_its_own_slider() {
    let (cm, intune) = (setting(ConfigurationManager, None), setting(Intune, None));
    let pilot = |collection| setting(PilotIntune, Some(collection));
    let bundled = Reason::BundledWithDeviceConfiguration;
    let table = [
        // device configuration, the sub-workload's own slider, its reason
        (intune.clone(), cm.clone(), bundled),
        (intune.clone(), pilot("OUT"), bundled),
        (intune.clone(), intune.clone(), bundled),
        (pilot("IN"), cm.clone(), bundled),
        (pilot("OUT"), cm.clone(), Reason::SliderConfigurationManager),
        (pilot("OUT"), intune.clone(), Reason::SliderIntune),
        (pilot("UNREAD"), cm.clone(), Reason::MembershipUnknown),
        (pilot("UNREAD"), pilot("OUT"), Reason::MembershipUnknown),
        (pilot("UNREAD"), pilot("IN"), Reason::PilotMember),
        (pilot("UNREAD"), intune.clone(), Reason::SliderIntune),
        (cm.clone(), cm.clone(), Reason::SliderConfigurationManager),
        (cm.clone(), pilot("IN"), Reason::PilotMember),
        (cm.clone(), pilot("OUT"), Reason::PilotNotMember),
        (cm.clone(), pilot("UNREAD"), Reason::MembershipUnknown),
        (cm, intune, Reason::SliderIntune),
    ];
    for workload in [Workload::EndpointProtection, Workload::ResourceAccessPolicies] {
        for (carrier, own, expected) in table.clone() {
            let (facts, world) = pilots(Some("2309"));
            let world =
                world.slider(Workload::DeviceConfiguration, carrier.clone()).slider(workload, own.clone());
            assert_eq!(reason(&facts, &world, workload), expected, "{workload}: {carrier:?}, {own:?}");
        }
    }
}

#[test]
fn resource_access_depends_on_the_site_version_unless_it_is_at_intune_anyway() {
    let (cm, intune) = (setting(ConfigurationManager, None), setting(Intune, None));
    let pilot = |collection| setting(PilotIntune, Some(collection));
    let table = [
        // site version, device configuration, resource access, its reason
        (Some("2403"), cm.clone(), cm.clone(), Reason::ResourceAccessFixed),
        (Some("2503"), intune.clone(), cm.clone(), Reason::ResourceAccessFixed),
        (Some("5.00.9141.1000"), cm.clone(), cm.clone(), Reason::ResourceAccessFixed),
        (Some("2309"), cm.clone(), cm.clone(), Reason::SliderConfigurationManager),
        (None, cm.clone(), cm.clone(), Reason::SiteVersionUnknown),
        (Some("next"), cm.clone(), cm.clone(), Reason::SiteVersionUnknown),
        (None, cm.clone(), pilot("OUT"), Reason::SiteVersionUnknown),
        (None, cm.clone(), pilot("UNREAD"), Reason::SiteVersionUnknown),
        (None, pilot("UNREAD"), cm.clone(), Reason::SiteVersionUnknown),
        (None, cm.clone(), pilot("IN"), Reason::PilotMember),
        (None, cm.clone(), intune.clone(), Reason::SliderIntune),
        (None, intune, cm, Reason::BundledWithDeviceConfiguration),
    ];
    for (version, carrier, own, expected) in table {
        let (facts, world) = pilots(version);
        let world = world
            .slider(Workload::DeviceConfiguration, carrier.clone())
            .slider(Workload::ResourceAccessPolicies, own.clone());
        let found = reason(&facts, &world, Workload::ResourceAccessPolicies);
        assert_eq!(found, expected, "{version:?}, {carrier:?}, {own:?}");
    }
}
