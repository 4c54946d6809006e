//! The table against `data/workloads.toml`.

use std::collections::BTreeSet;

use super::kind;
use crate::citation::{Citation, tests::assert_exists};
use crate::setting::{GovernedBy, SettingException, SettingKind, resolve_setting, setting_kinds};
use crate::workload::Workload::*;

#[test]
fn every_kind_is_governed_as_the_fact_pack_says() {
    let ids = |governed_by: GovernedBy| -> Vec<&str> {
        setting_kinds().iter().filter(|kind| kind.governed_by == governed_by).map(|kind| kind.id).collect()
    };
    let of = |workload| ids(GovernedBy::Workload(workload));
    assert_eq!(of(CompliancePolicies), ["compliance_policy", "device_compliance_state"]);
    assert_eq!(of(WindowsUpdatePolicies), ["feature_update_deferral", "quality_update_deferral"]);
    assert_eq!(
        of(ResourceAccessPolicies),
        ["vpn_profile", "wifi_profile", "email_profile", "certificate_profile"]
    );
    let endpoint_protection = [
        "endpoint_protection_policy_removal",
        "defender_antivirus",
        "endpoint_security_antivirus_policy",
        "application_guard",
        "smartscreen",
        "defender_for_endpoint",
        "firewall",
        "windows_encryption",
        "exploit_guard",
        "application_control",
        "security_center",
    ];
    assert_eq!(of(EndpointProtection), endpoint_protection);
    let device_configuration = [
        "configuration_baseline",
        "configuration_baseline_always_applied",
        "settings_catalog_policy",
        "device_restrictions_profile",
        "device_setting",
        "windows_information_protection",
        "policy_removal",
    ];
    assert_eq!(of(DeviceConfiguration), device_configuration);
    let office = [
        "microsoft_365_apps_installation",
        "microsoft_365_apps_updates",
        "configmgr_microsoft_365_apps_deployment",
    ];
    assert_eq!(of(OfficeClickToRunApps), office);
    let client_apps =
        ["intune_app", "configmgr_application", "intune_powershell_script", "microsoft_store_winget_app"];
    assert_eq!(of(ClientApps), client_apps);
    let outside = [
        "software_update_client_setting",
        "hardware_inventory",
        "software_inventory",
        "asset_intelligence",
        "software_metering",
        "power_management_reports",
        "other_feature",
    ];
    assert_eq!(ids(GovernedBy::ConfigurationManager), outside);
    assert_eq!(ids(GovernedBy::NotDocumented), ["antivirus_in_device_restrictions"]);
    assert_eq!(setting_kinds().len(), 41);
}

#[test]
fn row_of_the_table_reads_whole() {
    let expected = SettingKind {
        id: "settings_catalog_policy",
        display_name: "Intune settings catalog policy",
        governed_by: GovernedBy::Workload(DeviceConfiguration),
        exceptions: vec![
            SettingException::SettingsCatalogWhateverItContains,
            SettingException::RemovalNeedsFullIntune,
        ],
        source: Citation::new("workloads.toml", "device_configuration.what_it_governs"),
        note: None,
    };
    assert_eq!(kind("settings_catalog_policy"), &expected);
}

#[test]
fn ids_are_unique_snake_case_and_exceptions_all_used() {
    let ids: BTreeSet<&str> = setting_kinds().iter().map(|kind| kind.id).collect();
    assert_eq!(ids.len(), setting_kinds().len());
    let snake = |id: &str| id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    assert!(ids.into_iter().all(snake));
    let used: BTreeSet<_> = setting_kinds().iter().flat_map(|kind| kind.exceptions.clone()).collect();
    assert_eq!(used, BTreeSet::from(SettingException::ALL));
}

#[test]
fn every_citation_is_in_the_fact_pack() {
    setting_kinds().iter().map(|kind| kind.source).for_each(assert_exists);
    SettingException::ALL.map(SettingException::source).into_iter().for_each(assert_exists);
}

#[test]
fn unknown_kind_is_refused_with_what_exists() {
    let error = resolve_setting("bitlocker").unwrap_err().to_string();
    assert!(error.starts_with("unknown kind of setting: expected one of compliance_policy, "), "{error}");
    assert!(error.ends_with("other_feature, found \"bitlocker\""), "{error}");
}
