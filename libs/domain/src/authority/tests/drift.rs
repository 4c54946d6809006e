//! Reports against decisions, by hand. Capability bits: 1 baseline, 2 compliance, 4 resource access, 8 device
//! configuration, 16 Windows Update, 32 endpoint protection, 64 client apps, 128 Office, 4096 encryption, 8192 marker.

use crate::authority::strategies::{World, co_managed_client, observed_at, said, setting};
use crate::authority::{Drift, dated_reports, drift, effective_authority, latest_reports, reported};
use crate::facts::{DeviceFacts, Fact};
use crate::section::{ClientFeatures, Source};
use crate::workload::SliderPosition::Intune;
use crate::workload::Workload::*;
use crate::workload::{ManagementAuthority, Workload};

const AT_SITE: ManagementAuthority = ManagementAuthority::ConfigurationManager;
const AT_INTUNE: ManagementAuthority = ManagementAuthority::Intune;

/// A co-managed device whose site read that capability value.
fn reporting(capability: &str) -> DeviceFacts {
    DeviceFacts { capability_text: said(capability.to_owned()), ..co_managed_client() }
}

/// A co-managed device whose flags Intune read, in the second section.
fn reporting_to_intune(features: ClientFeatures) -> DeviceFacts {
    DeviceFacts { client_features: Some(Fact::new(features, 1)), ..co_managed_client() }
}

/// A site of that version whose hierarchy moved those workloads.
fn moved(version: Option<&str>, workloads: &[Workload]) -> World {
    workloads.iter().fold(World::with_site_version(version), |world, &workload| {
        world.slider(workload, setting(Intune, None))
    })
}

fn drift_of(facts: &DeviceFacts, world: &World) -> Vec<Drift> {
    drift(facts, &world.surroundings(), &effective_authority(facts, &world.surroundings()))
}

/// Workload and reported authority of each drift.
fn short(drifts: Vec<Drift>) -> Vec<(Workload, ManagementAuthority)> {
    drifts.into_iter().map(|drift| (drift.workload, drift.reported)).collect()
}

#[test]
fn report_that_agrees_is_no_drift() {
    // 8192 + 64 + 2 + 1
    let world = moved(Some("2509"), &[CompliancePolicies, ClientApps]);
    assert_eq!(drift_of(&reporting("8259"), &world), []);
}

#[test]
fn both_reports_are_compared_and_each_drift_names_its_source_and_time() {
    let features = ClientFeatures {
        compliance_policy: Some(false),
        modern_apps: Some(true),
        ..ClientFeatures::default()
    };
    let facts = DeviceFacts { capability_text: said("8193".to_owned()), ..reporting_to_intune(features) };
    let site = |workload, effective, reported| Drift {
        workload,
        effective,
        reported,
        source: "configmgr/PS1".parse().unwrap(),
        observed_at: observed_at(&facts, 0),
    };
    let cloud = |workload, effective, reported| Drift {
        source: Source::Intune,
        observed_at: observed_at(&facts, 1),
        ..site(workload, effective, reported)
    };
    assert_eq!(
        drift_of(&facts, &moved(Some("2509"), &[CompliancePolicies])),
        [
            site(CompliancePolicies, AT_INTUNE, AT_SITE),
            cloud(CompliancePolicies, AT_INTUNE, AT_SITE),
            cloud(ClientApps, AT_SITE, AT_INTUNE),
        ]
    );
}

#[test]
fn flag_that_a_source_does_not_carry_is_no_contradiction() {
    // Graph v1.0 has neither endpoint protection nor Office.
    let features = ClientFeatures {
        inventory: Some(true),
        compliance_policy: Some(false),
        device_configuration: Some(false),
        modern_apps: Some(false),
        resource_access: Some(false),
        windows_update_for_business: Some(false),
        endpoint_protection: None,
        office_apps: None,
    };
    let world = moved(Some("2509"), &[EndpointProtection, OfficeClickToRunApps]);
    assert_eq!(drift_of(&reporting_to_intune(features), &world), []);
}

#[test]
fn resource_access_is_compared_only_where_its_slider_is_known_to_exist() {
    let facts = reporting("8197"); // 8192 + 4 + 1
    let nothing = reporting("8193");
    assert_eq!(short(drift_of(&facts, &moved(Some("2309"), &[]))), [(ResourceAccessPolicies, AT_INTUNE)]);
    for version in [Some("2403"), Some("2509"), None, Some("next")] {
        assert_eq!(drift_of(&facts, &moved(version, &[])), [], "{version:?}");
        let world = moved(version, &[ResourceAccessPolicies]);
        assert_eq!(drift_of(&nothing, &world), [], "{version:?}");
    }
}

#[test]
fn encryption_without_endpoint_protection_says_nothing() {
    let encryption = reporting("12289"); // 8192 + 4096 + 1
    assert_eq!(drift_of(&encryption, &moved(Some("2509"), &[EndpointProtection])), []);
    assert_eq!(drift_of(&encryption, &moved(Some("2509"), &[])), []);
    let both = reporting("12321"); // 8192 + 4096 + 32 + 1
    assert_eq!(short(drift_of(&both, &moved(Some("2509"), &[]))), [(EndpointProtection, AT_INTUNE)]);
    let alone = reporting("8225"); // 8192 + 32 + 1
    assert_eq!(drift_of(&alone, &moved(Some("2509"), &[EndpointProtection])), []);
}

#[test]
fn bundled_workloads_are_not_compared_by_their_own_bits() {
    let bundled = moved(Some("2309"), &[DeviceConfiguration]);
    assert_eq!(drift_of(&reporting("8201"), &bundled), []); // 8192 + 8 + 1
    assert_eq!(drift_of(&reporting("8237"), &bundled), []); // 8192 + 32 + 8 + 4 + 1
    assert_eq!(short(drift_of(&reporting("8193"), &bundled)), [(DeviceConfiguration, AT_SITE)]);
}

#[test]
fn clear_bit_beside_that_of_device_configuration_says_nothing() {
    let nothing_moved = moved(Some("2309"), &[]);
    assert_eq!(short(drift_of(&reporting("8201"), &nothing_moved)), [(DeviceConfiguration, AT_INTUNE)]);
    assert_eq!(
        short(drift_of(&reporting("8233"), &nothing_moved)), // 8192 + 32 + 8 + 1
        [(EndpointProtection, AT_INTUNE), (DeviceConfiguration, AT_INTUNE)]
    );
    let own = moved(Some("2309"), &[EndpointProtection]);
    assert_eq!(short(drift_of(&reporting("8201"), &own)), [(DeviceConfiguration, AT_INTUNE)]);
}

#[test]
fn unknown_effective_authority_is_not_compared() {
    let world = World { policy: None, ..moved(Some("2509"), &[]) };
    assert_eq!(drift_of(&reporting("12543"), &world), []);
}

#[test]
fn only_co_managed_devices_are_judged() {
    let world = moved(Some("2309"), &[]);
    let facts = reporting("12543");
    assert_eq!(drift_of(&facts, &world).len(), 7);
    for outside in [
        DeviceFacts { mdm_enrolled: said(false), ..facts.clone() },
        DeviceFacts { policy_present: None, ..facts.clone() },
        DeviceFacts { mdm_provisioned: said(false), ..facts.clone() },
        DeviceFacts { authority_text: said("VMware AirWatch".to_owned()), ..facts },
    ] {
        assert_eq!(drift_of(&outside, &world), []);
    }
}

#[test]
fn text_that_is_no_capability_value_is_kept_and_not_compared() {
    let facts = reporting("NULL");
    assert_eq!(reported(&facts).site.unwrap().value, Err("NULL".to_owned()));
    assert_eq!(drift_of(&facts, &moved(Some("2509"), &[CompliancePolicies])), []);
}

#[test]
fn device_without_any_report_reported_nothing() {
    let facts = co_managed_client();
    let nothing = reported(&facts);
    assert_eq!((nothing.site, nothing.cloud), (None, None));
    let world = moved(Some("2309"), &Workload::ALL);
    assert_eq!(drift_of(&facts, &world), []);
}

#[test]
fn newest_report_that_says_anything_counts_and_of_two_alike_the_sites() {
    // The site read client apps at Intune at six, Intune read it at Configuration Manager at half past nine.
    let features = ClientFeatures { modern_apps: Some(false), ..ClientFeatures::default() };
    let facts = DeviceFacts { capability_text: said("8257".to_owned()), ..reporting_to_intune(features) };
    let of = |facts: &DeviceFacts, workload| latest_reports(facts)[workload];
    assert_eq!(of(&facts, ClientApps), Some(AT_SITE));
    assert_eq!(of(&facts, OfficeClickToRunApps), Some(AT_SITE));
    let dated = dated_reports(&facts);
    assert_eq!(dated[ClientApps], Some((AT_SITE, facts.sections[1].observed_at)));
    assert_eq!(dated[OfficeClickToRunApps], Some((AT_SITE, facts.sections[0].observed_at)));
    let mut alike = facts.clone();
    alike.sections[1].observed_at = alike.sections[0].observed_at;
    assert_eq!(of(&alike, ClientApps), Some(AT_INTUNE));
    assert_eq!(of(&DeviceFacts { client_features: None, ..facts.clone() }, ClientApps), Some(AT_INTUNE));
    assert_eq!(of(&DeviceFacts { capability_text: None, ..facts }, OfficeClickToRunApps), None);
}
