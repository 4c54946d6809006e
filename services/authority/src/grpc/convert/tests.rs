//! Values come from the fact pack's tables of capability bits and from the contract's comments.

use std::collections::HashMap;

use tandem_client::fleet::TenantSurroundings;
use tandem_contracts::authority::v1 as proto;
use tandem_contracts::r#type::v1::{
    AutoEnrollment, AutoEnrollmentMode, CoManagementPolicy, DeviceFacts, FactOrigin, ManagementAuthority,
    ManagementState, SliderPosition, Workload, WorkloadSetting,
};
use tandem_domain::capability::CapabilityValue;
use tandem_server::Failure;

use super::*;

fn setting(workload: Workload, slider: SliderPosition, collection: &str) -> WorkloadSetting {
    WorkloadSetting { workload: workload.into(), slider: slider.into(), pilot_collection: collection.into() }
}

fn violations(message: CoManagementPolicy) -> Vec<String> {
    match recordable(message) {
        Err(Failure::InvalidFields(found)) => found.iter().map(ToString::to_string).collect(),
        other => panic!("expected violations, found {other:?}"),
    }
}

#[test]
fn policy_is_recorded_with_all_workloads_and_without_what_the_store_adds() {
    let given = CoManagementPolicy {
        name: "tenants/contoso/hierarchies/PS1/coManagementPolicy".into(),
        enabled: Some(true),
        workloads: vec![setting(Workload::ClientApps, SliderPosition::PilotIntune, "PS100014")],
        etag: "3".into(),
        revision: 7,
        updated_by: "somebody".into(),
        ..CoManagementPolicy::default()
    };
    let at_configuration_manager = |workload| setting(workload, SliderPosition::ConfigurationManager, "");
    let expected = CoManagementPolicy {
        enabled: Some(true),
        workloads: vec![
            at_configuration_manager(Workload::CompliancePolicies),
            at_configuration_manager(Workload::WindowsUpdatePolicies),
            at_configuration_manager(Workload::ResourceAccessPolicies),
            at_configuration_manager(Workload::EndpointProtection),
            at_configuration_manager(Workload::DeviceConfiguration),
            at_configuration_manager(Workload::OfficeClickToRunApps),
            setting(Workload::ClientApps, SliderPosition::PilotIntune, "PS100014"),
        ],
        ..CoManagementPolicy::default()
    };
    assert_eq!(recordable(given).unwrap(), expected);
}

#[test]
fn pilot_without_a_collection_names_its_entry() {
    let workloads = vec![
        setting(Workload::ClientApps, SliderPosition::Intune, ""),
        setting(Workload::CompliancePolicies, SliderPosition::PilotIntune, ""),
    ];
    let found = violations(CoManagementPolicy { workloads, ..CoManagementPolicy::default() });
    let rule = "compliance_policies is at pilot_intune and needs a pilot collection of its own; found none";
    assert_eq!(found, [format!("policy.workloads[1].pilot_collection: {rule}")]);
}

#[test]
fn automatic_enrolment_of_a_pilot_without_a_collection_names_its_field() {
    let auto_enrollment =
        Some(AutoEnrollment { mode: AutoEnrollmentMode::Pilot.into(), ..AutoEnrollment::default() });
    let found = violations(CoManagementPolicy { auto_enrollment, ..CoManagementPolicy::default() });
    let rule = "automatic enrolment is at pilot and needs the Intune Auto Enrollment collection; found none";
    assert_eq!(found, [format!("policy.auto_enrollment.collection: {rule}")]);
}

#[test]
fn every_field_of_the_wrong_shape_is_named() {
    let workloads = vec![
        setting(Workload::Unspecified, SliderPosition::Intune, ""),
        WorkloadSetting { slider: 99, ..setting(Workload::ClientApps, SliderPosition::Intune, "") },
    ];
    let found = violations(CoManagementPolicy { workloads, ..CoManagementPolicy::default() });
    let fields: Vec<_> = found.iter().filter_map(|violation| violation.split(':').next()).collect();
    assert_eq!(fields, ["policy.workloads[0].workload", "policy.workloads[1].slider"]);
}

#[test]
fn capability_value_is_decoded_bit_by_bit() {
    use proto::{CapabilityLayout, Encryption};
    let all = [
        Workload::CompliancePolicies,
        Workload::WindowsUpdatePolicies,
        Workload::ResourceAccessPolicies,
        Workload::EndpointProtection,
        Workload::DeviceConfiguration,
        Workload::OfficeClickToRunApps,
        Workload::ClientApps,
    ];
    let answer = |value, moved: &[Workload], encryption: Encryption, layout: CapabilityLayout| {
        proto::DecodeCapabilityValueResponse {
            value,
            policy_present: true,
            moved: moved.iter().map(|workload| i32::from(*workload)).collect(),
            encryption: encryption.into(),
            unknown_bits: 0,
            layout: layout.into(),
        }
    };
    let decoded = |value| capability(CapabilityValue(value));
    assert_eq!(decoded(8193), answer(8193, &[], Encryption::NotMoved, CapabilityLayout::Current));
    assert_eq!(decoded(12543), answer(12543, &all, Encryption::Moved, CapabilityLayout::Current));
    assert_eq!(decoded(255), answer(255, &all, Encryption::Moved, CapabilityLayout::Legacy));
    let endpoint_protection = [Workload::EndpointProtection];
    assert_eq!(
        decoded(8192 + 32 + 1),
        answer(8225, &endpoint_protection, Encryption::Unknown, CapabilityLayout::Current)
    );
    let unknown = proto::DecodeCapabilityValueResponse {
        unknown_bits: 256,
        ..answer(257, &[], Encryption::NotMoved, CapabilityLayout::Legacy)
    };
    assert_eq!(decoded(257), unknown);
}

#[test]
fn device_of_which_nothing_is_known_is_unknown_throughout() {
    let world = World {
        surroundings: TenantSurroundings { hierarchies: HashMap::new(), ..Default::default() }.into(),
        policies: Default::default(),
        as_of: jiff::Timestamp::UNIX_EPOCH,
    };
    let name = "tenants/contoso/devices/d1".to_owned();
    let message = Device { name: name.clone(), revision: 4, facts: None, ..Device::default() };
    let workloads = tandem_domain::workload::Workload::ALL.map(|workload| proto::WorkloadAuthority {
        workload: number(workload),
        authority: ManagementAuthority::Unknown.into(),
        reason: tandem_contracts::r#type::v1::AuthorityReason::ClientUnknown.into(),
        ..proto::WorkloadAuthority::default()
    });
    let expected = proto::EffectiveAuthority {
        device: name,
        device_revision: 4,
        state: ManagementState::Unknown.into(),
        workloads: workloads.into(),
        ..proto::EffectiveAuthority::default()
    };
    assert_eq!(judged_all(&world, vec![message]).unwrap(), [expected]);
}

#[test]
fn device_that_breaks_the_contract_is_a_defect_and_never_judged() {
    let origins = vec![FactOrigin { field: 8, section: 3 }];
    let facts = DeviceFacts { client_installed: Some(true), origins, ..DeviceFacts::default() };
    let message =
        Device { name: "tenants/contoso/devices/d1".into(), facts: Some(facts), ..Device::default() };
    let failure = device(message).unwrap_err();
    assert!(matches!(failure, Failure::Internal { .. }), "{failure:?}");
}
