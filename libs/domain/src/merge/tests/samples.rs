//! OSL-LT-0417, an invented device that every source knows, in the shapes of both systems (the fact pack's
//! graph_managed_device.md and admin_service.md).

use super::*;
use crate::facts::{DeviceFacts, Fact, JoinType, OsKind, OsVersion, Owner, SectionStamp};
use crate::id::{CollectionId, SiteCode};
use crate::merge::{RecordMemberships, merge};
use crate::section::{ClientFeatures, Memberships, SectionKind};

const INTUNE_ID: &str = "5f0c9a31-7d3e-4c0f-9a54-2b1d7e6c0a11";
const SITE_KEY: &str = "PS1/16777301";
const ENTRA_ID: &str = "0d7b6c51-4a3f-4b18-8f2d-6f5e4d3c2b10";
const SMS_ID: &str = "GUID:6D1E0F9A-1B2C-4D3E-8F90-A1B2C3D4E5F6";

fn features() -> ClientFeatures {
    ClientFeatures {
        inventory: Some(false),
        compliance_policy: Some(true),
        device_configuration: Some(false),
        modern_apps: Some(true),
        resource_access: Some(false),
        windows_update_for_business: Some(false),
        endpoint_protection: None,
        office_apps: None,
    }
}

fn managed_device_v1() -> ManagedDevice {
    ManagedDevice {
        entra_device_id: text(ENTRA_ID),
        device_name: text("OSL-LT-0417"),
        owner_type: text("company"),
        operating_system: text("Windows"),
        os_version: text("10.0.26100.7019"),
        serial_number: text("7QX4M13"),
        manufacturer: text("Dell Inc."),
        model: text("Latitude 5450"),
        management_agent: text("configurationManagerClientMdm"),
        management_state: text("managed"),
        registration_state: text("registered"),
        enrollment_type: text("windowsCoManagement"),
        compliance_state: text("compliant"),
        last_sync: Some(at("2026-11-20T05:12:09Z")),
        user_principal_name: text("mari.lund@example.com"),
        client_features: Some(features()),
        ..ManagedDevice::default()
    }
}

fn managed_device_beta() -> ManagedDevice {
    ManagedDevice {
        join_type: text("hybridAzureADJoined"),
        autopilot_enrolled: Some(false),
        sku_family: text("Enterprise"),
        client_features: Some(ClientFeatures {
            endpoint_protection: Some(false),
            office_apps: Some(false),
            ..features()
        }),
        client_health_state: text("healthy"),
        client_health_error: Some(0),
        client_health_sync: Some(at("2026-11-20T04:58:31Z")),
        client_identifier: text(SMS_ID),
        client_version: text("5.00.9141.1011"),
        ..managed_device_v1()
    }
}

fn sections() -> Vec<Section> {
    let ps1 = SiteCode::parse("PS1").unwrap();
    vec![
        section(
            site("PS1"),
            SITE_KEY,
            SectionBody::CoManagementState(CoManagementState {
                name: text("OSL-LT-0417"),
                site_code: Some(ps1.clone()),
                mdm_enrolled: Some(true),
                mdm_provisioned: Some(true),
                policy_present: Some(true),
                mdm_workloads: text("8259"),
                entra_device_id: text(ENTRA_ID),
                hybrid_joined: Some(true),
                entra_joined: Some(false),
                enrollment_scheduled: Some(false),
                enrollment_failed: Some(false),
                pending_logon: Some(false),
                enrollment_status_code: Some(0),
                ..CoManagementState::default()
            }),
        ),
        section(
            site("PS1"),
            SITE_KEY,
            SectionBody::Device(ConsoleDevice {
                name: text("OSL-LT-0417"),
                sms_id: text(SMS_ID),
                site_code: Some(ps1.clone()),
                client_version: text("5.00.9141.1011"),
                is_client: Some(true),
                is_active: Some(true),
                device_os: text("Microsoft Windows NT Workstation 10.0"),
                device_os_build: text("10.0.26100.7019"),
                device_owner: Some(1),
                serial_number: text("7QX4M13"),
                primary_user: text("example\\mari.lund"),
                last_active: Some(at("2026-11-20T05:40:00Z")),
                last_policy_request: Some(at("2026-11-20T05:10:42.077Z")),
                last_ddr: Some(at("2026-11-19T22:00:00Z")),
                ..ConsoleDevice::default()
            }),
        ),
        section(
            site("PS1"),
            SITE_KEY,
            SectionBody::Discovery(Discovery {
                name: text("OSL-LT-0417"),
                sms_unique_identifier: text(SMS_ID),
                smbios_guid: text("4C4C4544-0051-5810-8034-B7C04F4D3133"),
                client: Some(true),
                active: Some(true),
                client_version: text("5.00.9141.1011"),
                operating_system: text("Microsoft Windows NT Workstation 10.0"),
                distinguished_name: text("CN=OSL-LT-0417,OU=Laptops,DC=example,DC=com"),
                domain_or_workgroup: text("EXAMPLE"),
                assigned_site: Some(ps1),
                last_logon_user: text("EXAMPLE\\mari.lund"),
                last_discovered: Some(at("2026-11-19T22:00:00Z")),
            }),
        ),
        section(Source::Intune, INTUNE_ID, SectionBody::ManagedDeviceBeta(managed_device_beta())),
        section(Source::Intune, INTUNE_ID, SectionBody::ManagedDeviceV1(managed_device_v1())),
    ]
}

#[test]
fn merge_of_a_device_known_to_every_source_names_the_origin_of_each_fact() {
    const V1: (Source, SectionKind, &str) = (Source::Intune, SectionKind::ManagedDeviceV1, INTUNE_ID);
    const BETA: (Source, SectionKind, &str) = (Source::Intune, SectionKind::ManagedDeviceBeta, INTUNE_ID);
    let stamps = [
        V1,
        BETA,
        (site("PS1"), SectionKind::Discovery, SITE_KEY),
        (site("PS1"), SectionKind::Device, SITE_KEY),
        (site("PS1"), SectionKind::CoManagementState, SITE_KEY),
    ];
    let (beta, discovery, device, state) = (1, 2, 3, 4);
    let fact = |value: &str, section| Some(Fact::new(value.to_owned(), section));
    let pilot = CollectionId::parse("PS100042").unwrap();
    let all_systems = CollectionId::parse("SMS00001").unwrap();

    let expected = DeviceFacts {
        sections: stamps
            .into_iter()
            .map(|(source, kind, key)| SectionStamp {
                source,
                kind,
                key: key.to_owned(),
                observed_at: at(READ),
            })
            .collect(),
        name: fact("OSL-LT-0417", discovery),
        hierarchy: Some(hierarchy("PS1")),
        site: Some(Fact::new(SiteCode::parse("PS1").unwrap(), device)),
        collections: vec![pilot.clone(), all_systems.clone()],
        client_installed: Some(Fact::new(true, discovery)),
        client_version: fact("5.00.9141.1011", discovery),
        client_active: Some(Fact::new(true, discovery)),
        client_health_flags: Some(Fact::new(7, beta)),
        client_health_sync: Some(Fact::new(at("2026-11-20T04:58:31Z"), beta)),
        last_site_contact: Some(Fact::new(at("2026-11-20T05:40:00Z"), device)),
        os_version: Some(Fact::new(
            OsVersion { major: 10, minor: 0, build: Some(26100), revision: Some(7019) },
            beta,
        )),
        os_kind: Some(Fact::new(OsKind::Client, discovery)),
        os_edition: fact("Enterprise", beta),
        join_type: Some(Fact::new(JoinType::HybridJoined, beta)),
        ad_joined: Some(Fact::new(true, discovery)),
        mdm_enrolled: Some(Fact::new(true, state)),
        mdm_provisioned: Some(Fact::new(true, state)),
        policy_present: Some(Fact::new(true, state)),
        intune_mdm_record: Some(Fact::new(true, beta)),
        cloud_co_managed: Some(Fact::new(true, beta)),
        enrollment_scheduled: Some(Fact::new(false, state)),
        enrollment_failed: Some(Fact::new(false, state)),
        pending_logon: Some(Fact::new(false, state)),
        enrollment_status_code: Some(Fact::new(0, state)),
        capability_text: fact("8259", state),
        client_features: managed_device_beta().client_features.map(|set| Fact::new(set, beta)),
        owner: Some(Fact::new(Owner::Company, beta)),
        serial_number: fact("7QX4M13", beta),
        manufacturer: fact("Dell Inc.", beta),
        model: fact("Latitude 5450", beta),
        user: fact("mari.lund@example.com", beta),
        last_intune_sync: Some(Fact::new(at("2026-11-20T05:12:09Z"), beta)),
        intune_management_state: fact("managed", beta),
        registration_state: fact("registered", beta),
        compliance_state: fact("compliant", beta),
        autopilot_registered: Some(Fact::new(false, beta)),
        ..DeviceFacts::default()
    };
    let members = Memberships(vec![all_systems, pilot.clone(), pilot]);
    let ps1 = hierarchy("PS1");
    let memberships = [RecordMemberships { hierarchy: &ps1, key: SITE_KEY, collections: &members }];
    assert_eq!(merge(&sections(), &memberships), expected);
}

#[test]
fn merge_of_v1_alone_leaves_two_flags_and_the_join_type_unknown() {
    let only_v1: Vec<_> =
        sections().into_iter().filter(|s| s.body.kind() == SectionKind::ManagedDeviceV1).collect();
    let facts = merge(&only_v1, &[]);
    assert_eq!(facts.client_features, Some(Fact::new(features(), 0)));
    assert_eq!(facts.join_type, None);
    assert_eq!(facts.client_health_flags, None);
    assert_eq!(facts.os_kind, Some(Fact::new(OsKind::Client, 0)));
    assert_eq!((facts.hierarchy, facts.collections), (None, vec![]));
}
