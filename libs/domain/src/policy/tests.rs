//! What no hierarchy can hold, by hand from workloads.toml; and that it is so on every device.

use proptest::prelude::*;

use super::*;
use crate::authority::effective_authority;
use crate::authority::strategies::{World, collection, setting, slider_decided_device, world};
use crate::citation::tests::assert_exists;
use crate::id::SiteCode;
use crate::site::SiteFacts;
use crate::workload::ManagementAuthority;
use crate::workload::SliderPosition::{ConfigurationManager, Intune, PilotIntune};
use crate::workload::Workload::*;

use PolicyViolation::{
    AutoEnrollmentWithoutCollection, LeftBehindDeviceConfiguration, PilotWithoutCollection,
    ResourceAccessFixed,
};

fn site(version: Option<&str>) -> SiteFacts {
    SiteFacts { version: version.map(str::to_owned), ..SiteFacts::unknown(SiteCode::parse("PS1").unwrap()) }
}

fn sites(versions: &[Option<&str>]) -> Vec<SiteFacts> {
    versions.iter().map(|version| site(*version)).collect()
}

/// Sliders of some workloads, with their collections; the others stand at Configuration Manager.
fn policy(settings: &[(Workload, SliderPosition, Option<&str>)]) -> CoManagementPolicy {
    let mut policy = CoManagementPolicy { enabled: Some(true), ..CoManagementPolicy::default() };
    for (workload, slider, pilot) in settings {
        policy.workloads[*workload] = setting(*slider, *pilot);
    }
    policy
}

#[test]
fn newest_site_says_where_resource_access_stands() {
    let fixed = |version: &str| ResourceAccessSlider::FixedAtIntune { version: version.to_owned() };
    let table: [(&[Option<&str>], ResourceAccessSlider); 10] = [
        (&[], ResourceAccessSlider::Unknown),
        (&[None], ResourceAccessSlider::Unknown),
        (&[Some("next")], ResourceAccessSlider::Unknown),
        (&[Some("2309")], ResourceAccessSlider::Movable),
        (&[Some("2309"), None], ResourceAccessSlider::Unknown),
        (&[Some("2309"), Some("2303")], ResourceAccessSlider::Movable),
        (&[Some("2403")], fixed("2403")),
        (&[Some("2309"), Some("2403")], fixed("2403")),
        (&[None, Some("2509"), Some("2403")], fixed("2509")),
        (&[Some("5.00.9141.1000")], fixed("5.00.9141.1000")),
    ];
    for (versions, expected) in table {
        assert_eq!(ResourceAccessSlider::of(&sites(versions)), expected, "{versions:?}");
    }
}

#[test]
fn position_that_no_hierarchy_holds_is_named_by_its_rule() {
    let fixed = |found| ResourceAccessFixed { found, version: "2509".to_owned() };
    let left = |workload, found| LeftBehindDeviceConfiguration { workload, found };
    let (ra, ep, dc) = (ResourceAccessPolicies, EndpointProtection, DeviceConfiguration);
    let (old, new, unknown) = (Some("2309"), Some("2509"), None);
    let table = [
        // site version, positions, what is wrong
        (old, policy(&[]), vec![]),
        (unknown, policy(&[]), vec![]),
        (new, policy(&[]), vec![fixed(ConfigurationManager)]),
        (new, policy(&[(ra, PilotIntune, Some("C1"))]), vec![fixed(PilotIntune)]),
        (new, policy(&[(ra, PilotIntune, None)]), vec![fixed(PilotIntune)]),
        (new, policy(&[(ra, Intune, None)]), vec![]),
        (old, policy(&[(ra, PilotIntune, Some("C1"))]), vec![]),
        (old, policy(&[(ra, PilotIntune, None)]), vec![PilotWithoutCollection { workload: ra }]),
        (
            old,
            policy(&[(dc, Intune, None)]),
            vec![left(ra, ConfigurationManager), left(ep, ConfigurationManager)],
        ),
        (
            new,
            policy(&[(dc, Intune, None), (ep, PilotIntune, Some("C1"))]),
            vec![fixed(ConfigurationManager), left(ep, PilotIntune)],
        ),
        (old, policy(&[(dc, Intune, None), (ra, Intune, None), (ep, Intune, None)]), vec![]),
        // Devices outside the pilot of device configuration have the position.
        (old, policy(&[(dc, PilotIntune, Some("C1"))]), vec![]),
        // A workload of the bundle may go ahead of device configuration.
        (old, policy(&[(ep, Intune, None)]), vec![]),
        (
            old,
            policy(&[(ClientApps, PilotIntune, None), (CompliancePolicies, PilotIntune, None)]),
            vec![
                PilotWithoutCollection { workload: CompliancePolicies },
                PilotWithoutCollection { workload: ClientApps },
            ],
        ),
        (
            old,
            policy(&[(ClientApps, Intune, None), (CompliancePolicies, ConfigurationManager, None)]),
            vec![],
        ),
    ];
    for (version, policy, expected) in table {
        assert_eq!(policy.violations(&sites(&[version])), expected, "{version:?}, {policy:?}");
    }
}

#[test]
fn automatic_enrolment_of_a_pilot_needs_its_collection() {
    let ra = (ResourceAccessPolicies, Intune, None);
    let of = |mode, id: Option<&str>| CoManagementPolicy {
        auto_enrollment: mode,
        auto_enrollment_collection: id.map(collection),
        ..policy(&[ra])
    };
    let pilot = Some(AutoEnrollment::Pilot);
    assert_eq!(of(pilot, None).violations(&sites(&[None])), [AutoEnrollmentWithoutCollection]);
    for fine in [of(pilot, Some("C1")), of(Some(AutoEnrollment::All), None), of(None, None)] {
        assert_eq!(fine.violations(&sites(&[None])), []);
    }
}

#[test]
fn hierarchy_without_co_management_has_no_sliders_to_be_forced() {
    let mut off = policy(&[(DeviceConfiguration, Intune, None)]);
    off.enabled = Some(false);
    assert_eq!(off.violations(&sites(&[Some("2509")])), []);
    off.workloads[ClientApps] = setting(PilotIntune, None);
    let expected = [PilotWithoutCollection { workload: ClientApps }];
    assert_eq!(off.violations(&sites(&[Some("2509")])), expected);
}

#[test]
fn violation_says_its_rule_what_is_expected_and_what_was_found() {
    let left = LeftBehindDeviceConfiguration { workload: EndpointProtection, found: ConfigurationManager };
    let fixed = ResourceAccessFixed { found: PilotIntune, version: "2509".to_owned() };
    let texts = [
        (
            AutoEnrollmentWithoutCollection,
            "auto_enrollment_needs_collection: expected the Intune Auto Enrollment collection, with automatic \
             enrolment at pilot, found none",
            "handover.md 4",
        ),
        (
            PilotWithoutCollection { workload: ClientApps },
            "pilot_needs_collection: client_apps: expected a pilot collection of its own, with the slider at \
             pilot_intune, found none",
            "workloads.toml switching.scope_of_pilot_intune",
        ),
        (
            fixed,
            "resource_access_fixed: resource_access_policies: expected intune, where the slider is fixed on \
             site version 2509, found pilot_intune",
            "workloads.toml resource_access_policies.forced_to_intune_since_site_version",
        ),
        (
            left,
            "bundled_with_device_configuration: endpoint_protection: expected intune, where \
             device_configuration stands and carries it along, found configuration_manager",
            "workloads.toml device_configuration.on_switch_to_intune",
        ),
    ];
    for (violation, text, rule) in texts {
        assert_eq!((violation.to_string(), violation.rule().to_string()), (text.to_owned(), rule.to_owned()));
        assert_exists(violation.rule());
        assert!(!violation.remediation().is_empty());
    }
}

/// The policy after what the violation asks for was done.
fn mended(mut policy: CoManagementPolicy, violation: &PolicyViolation) -> CoManagementPolicy {
    match violation {
        AutoEnrollmentWithoutCollection => policy.auto_enrollment_collection = Some(collection("C9")),
        PilotWithoutCollection { workload } => {
            policy.workloads[*workload].pilot_collection = Some(collection("C9"));
        }
        ResourceAccessFixed { .. } => policy.workloads[ResourceAccessPolicies].slider = Intune,
        LeftBehindDeviceConfiguration { workload, .. } => policy.workloads[*workload].slider = Intune,
    }
    policy
}

fn enrolling(world: &World, mode: Option<AutoEnrollment>) -> CoManagementPolicy {
    CoManagementPolicy { auto_enrollment: mode, ..world.policy.clone().unwrap_or_default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_the_console_refuses_is_a_violation(world in world(), pilot in any::<bool>()) {
        let policy = enrolling(&world, pilot.then_some(AutoEnrollment::Pilot));
        let violations = policy.violations(&world.site);
        prop_assert!(policy.validate().is_ok() || !violations.is_empty());
        // Where nothing is forced and carried, both say the same.
        let own = CoManagementPolicy { enabled: Some(false), ..policy };
        let first = own.validate().err().map(PolicyViolation::from);
        prop_assert_eq!(own.violations(&world.site).into_iter().next(), first);
    }

    #[test]
    fn what_a_violation_asks_for_ends_it_and_makes_no_other(world in world(), pilot in any::<bool>()) {
        let mut policy = enrolling(&world, pilot.then_some(AutoEnrollment::Pilot));
        let mut violations = policy.violations(&world.site);
        while let Some(violation) = violations.first().cloned() {
            policy = mended(policy, &violation);
            violations.remove(0);
            prop_assert_eq!(&policy.violations(&world.site), &violations);
        }
    }

    /// The rule behind the errors: no device would have the position.
    #[test]
    fn forced_and_carried_positions_are_held_on_no_device(facts in slider_decided_device(), world in world()) {
        let policy = CoManagementPolicy { enabled: Some(true), ..enrolling(&world, None) };
        let world = World { policy: Some(policy.clone()), ..world };
        let effective = effective_authority(&facts, &world.surroundings());
        for violation in policy.violations(&world.site) {
            if let ResourceAccessFixed { .. } | LeftBehindDeviceConfiguration { .. } = violation {
                let decided = effective.workloads[violation.workload().unwrap()].authority;
                prop_assert_eq!(decided, ManagementAuthority::Intune);
            }
        }
    }
}
