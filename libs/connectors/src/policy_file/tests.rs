use tandem_domain::id::CollectionId;
use tandem_domain::policy::{AutoEnrollment, WorkloadSetting};
use tandem_domain::workload::{PerWorkload, SliderPosition, Workload};

use super::*;

const TOML: &str = r#"
name = "tenants/default/hierarchies/PS1/coManagementPolicy"
enabled = true

[autoEnrollment]
mode = "AUTO_ENROLLMENT_MODE_PILOT"
collection = "PS10003F"

[[workloads]]
workload = "WORKLOAD_COMPLIANCE_POLICIES"
slider = "SLIDER_POSITION_PILOT_INTUNE"
pilotCollection = "PS100042"

[[workloads]]
workload = "WORKLOAD_CLIENT_APPS"
slider = "SLIDER_POSITION_INTUNE"
"#;

fn expected() -> PolicyFile {
    let id = |text: &str| Some(CollectionId::parse(text).unwrap());
    let mut workloads = PerWorkload::<WorkloadSetting>::default();
    workloads[Workload::CompliancePolicies] =
        WorkloadSetting { slider: SliderPosition::PilotIntune, pilot_collection: id("PS100042") };
    workloads[Workload::ClientApps] =
        WorkloadSetting { slider: SliderPosition::Intune, pilot_collection: None };
    PolicyFile {
        hierarchy: HierarchyId::parse("PS1").unwrap(),
        policy: CoManagementPolicy {
            enabled: Some(true),
            auto_enrollment: Some(AutoEnrollment::Pilot),
            auto_enrollment_collection: id("PS10003F"),
            workloads,
        },
    }
}

#[test]
fn policy_reads_alike_in_toml_and_json() {
    assert_eq!(from_toml(TOML), Ok(expected()));
    let json = r#"{
        "name": "tenants/default/hierarchies/PS1/coManagementPolicy", "enabled": true, "revision": "7",
        "updateTime": "2026-11-20T05:12:09Z",
        "autoEnrollment": {"mode": "AUTO_ENROLLMENT_MODE_PILOT", "collection": "PS10003F"},
        "workloads": [
            {"workload": "WORKLOAD_COMPLIANCE_POLICIES", "slider": "SLIDER_POSITION_PILOT_INTUNE",
             "pilotCollection": "PS100042"},
            {"workload": "WORKLOAD_CLIENT_APPS", "slider": "SLIDER_POSITION_INTUNE"}
        ]
    }"#;
    assert_eq!(from_json(json), Ok(expected()));
}

#[test]
fn wrong_value_in_toml_is_refused_with_its_line() {
    let places = [
        TOML.replace("enabled = true", "enabled = \"yes\""),
        TOML.replace("SLIDER_POSITION_INTUNE", "SLIDER_POSITION_MIDDLE"),
    ]
    .map(|text| from_toml(&text).unwrap_err().path);
    assert_eq!(places, ["3:11", "16:10"]);
}

#[test]
fn unknown_key_in_toml_is_refused_with_its_name_at_its_table() {
    let text = TOML.replace("collection = ", "colection = ");
    assert_eq!(from_toml(&text), Err(Fault::new("5:1", "unrecognized field name 'colection'")));
}

#[test]
fn wrong_json_is_refused_with_its_path() {
    let fault = |rest: &str| {
        let name = "tenants/t/hierarchies/PS1/coManagementPolicy";
        from_json(&format!(r#"{{"name":"{name}",{rest}}}"#)).unwrap_err()
    };
    let places = [
        fault(r#""workloads":[{"workload":"WORKLOAD_MIDDLE"}]"#),
        fault(r#""workloads":[{"slider":"SLIDER_POSITION_INTUNE"}]"#),
        fault(r#""workloads":[{"workload":7},{"workload":7}]"#),
        fault(r#""workloads":[{"workload":7,"pilotCollection":"a b"}]"#),
        fault(r#""autoEnrollment":{"mode":9}"#),
        fault(r#""mode":9"#),
        fault(r#""autoEnrollment":{"mode":"AUTO_ENROLLMENT_MODE_PILOT"}"#),
        from_json(r#"{"name":"PS1"}"#).unwrap_err(),
    ]
    .map(|fault| fault.path);
    let expected = [
        "workloads[0].workload",
        "workloads[0].workload",
        "workloads[1].workload",
        "workloads[0].pilotCollection",
        "autoEnrollment.mode",
        ".",
        "",
        "name",
    ];
    assert_eq!(places, expected);
}

#[test]
fn policy_that_the_console_could_not_hold_is_refused() {
    let text = TOML.replace("pilotCollection = \"PS100042\"\n", "");
    let reason = "compliance_policies is at pilot_intune and needs a pilot collection of its own; found none";
    assert_eq!(from_toml(&text), Err(Fault::new("", reason)));
}
