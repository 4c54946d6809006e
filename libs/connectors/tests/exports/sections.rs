//! Every class and entity, as sections: whole values, odd ones among them.

use jiff::Timestamp;
use tandem_domain::section::{
    ClientFeatures, CoManagementState, ConsoleDevice, DirectoryDevice, Discovery, ManagedDevice,
};

use super::*;

fn sections(files: &[(&str, &str)]) -> Vec<Item> {
    let (items, summary) = read(files);
    assert_eq!(lines(&summary.refused), []);
    records(items)
}

#[test]
fn discovery_reads_every_member_and_nothing_said_stays_none() {
    let page = wmi(
        "SMS_R_System",
        r#"{"@odata.etag":"16777301","__GENUS":2,"__DERIVATION":["SMS_Resource"],"Active":1,"Client":1,
            "AgentTime":["2026-11-18T00:00:04Z",null,"2026-11-19T22:00:00.1Z","2026-03-01T09:14:55Z"],
            "ClientVersion":"5.00.9141.1011","Decommissioned":0,"Obsolete":0,"Unknown":null,
            "DistinguishedName":"CN=OSL-LT-0417,DC=example,DC=com","LastLogonUserDomain":"EXAMPLE",
            "LastLogonUserName":"mari.lund","Name":"OSL-LT-0417","NetbiosName":"OSL-LT-0417",
            "OperatingSystemNameandVersion":"Microsoft Windows NT Workstation 10.0",
            "ResourceDomainORWorkgroup":"EXAMPLE","ResourceID":16777301,
            "SMBIOSGUID":"4C4C4544-0051-5810-8034-B7C04F4D3133","SMSAssignedSites":["PS1"],
            "SMSUniqueIdentifier":"GUID:6D1E0F9A-1B2C-4D3E-8F90-A1B2C3D4E5F6"},
           {"ResourceID":16777555,"DistinguishedName":null,"NetbiosName":"LAB-VM-07","Name":"","Active":null,"Client":null,"AgentTime":null,
            "ClientVersion":null,"LastLogonUserDomain":"EXAMPLE","LastLogonUserName":null,"SMSAssignedSites":[],
            "SMSUniqueIdentifier":null,"MACAddresses":null},
           {"ResourceID":16777556,"Name":"LAB-VM-08"}"#,
    );
    let expected = [
        site_section(
            16_777_301,
            SectionBody::Discovery(Discovery {
                name: some("OSL-LT-0417"),
                sms_unique_identifier: some("GUID:6D1E0F9A-1B2C-4D3E-8F90-A1B2C3D4E5F6"),
                smbios_guid: some("4C4C4544-0051-5810-8034-B7C04F4D3133"),
                client: Some(true),
                active: Some(true),
                client_version: some("5.00.9141.1011"),
                operating_system: some("Microsoft Windows NT Workstation 10.0"),
                distinguished_name: some("CN=OSL-LT-0417,DC=example,DC=com"),
                domain_or_workgroup: some("EXAMPLE"),
                assigned_site: Some(site("PS1")),
                last_logon_user: some("EXAMPLE\\mari.lund"),
                last_discovered: Some(at("2026-11-19T22:00:00.1Z")),
            }),
        ),
        site_section(
            16_777_555,
            SectionBody::Discovery(Discovery {
                name: some("LAB-VM-07"),
                distinguished_name: some(""),
                ..Discovery::default()
            }),
        ),
        // Neither empty nor anything else: the member is not there.
        site_section(
            16_777_556,
            SectionBody::Discovery(Discovery { name: some("LAB-VM-08"), ..Discovery::default() }),
        ),
    ];
    assert_eq!(sections(&[("d.json", &page), ("s.json", &sites())]), expected);
}

#[test]
fn console_devices_of_both_routes_read_alike() {
    let record = |key: &str| {
        format!(
            r#"{{"{key}":16777301,"Name":"OSL-LT-0417","SMSID":"GUID:6D1E0F9A","SiteCode":"PS1","Domain":"EXAMPLE",
                "ClientVersion":"5.00.9141.1011","IsClient":true,"ClientActiveStatus":0,"IsObsolete":false,
                "IsApproved":1,"DeviceOS":"Microsoft Windows NT Workstation 10.0","DeviceOSBuild":"10.0.26100.7019",
                "DeviceOwner":1,"SerialNumber":"7QX4M13","SMBIOSGUID":"4C4C4544","AADDeviceID":"0d7b6c51",
                "PrimaryUser":"example\\mari.lund","LastActiveTime":"2026-11-20T05:40:00Z",
                "LastPolicyRequest":"2026-11-20T05:10:42.077Z","LastDDR":"2026-11-19T22:00:00"}}"#
        )
    };
    let context = "https://cm01.example.com/AdminService/v1.0/$metadata#Device";
    let device = format!(r#"{{"@odata.context":"{context}","value":[{}]}}"#, record("MachineId"));
    let combined =
        [record("ResourceID"), record("MachineID")].map(|r| wmi("SMS_CombinedDeviceResources", &r));
    let body = ConsoleDevice {
        name: some("OSL-LT-0417"),
        sms_id: some("GUID:6D1E0F9A"),
        site_code: Some(site("PS1")),
        domain: some("EXAMPLE"),
        client_version: some("5.00.9141.1011"),
        is_client: Some(true),
        is_active: Some(false),
        device_os: some("Microsoft Windows NT Workstation 10.0"),
        device_os_build: some("10.0.26100.7019"),
        device_owner: Some(1),
        serial_number: some("7QX4M13"),
        smbios_guid: some("4C4C4544"),
        entra_device_id: some("0d7b6c51"),
        primary_user: some("example\\mari.lund"),
        last_active: Some(at("2026-11-20T05:40:00Z")),
        last_policy_request: Some(at("2026-11-20T05:10:42.077Z")),
        last_ddr: Some(at("2026-11-19T22:00:00Z")),
    };
    let expected = [
        site_section(16_777_301, SectionBody::Device(body.clone())),
        site_section(16_777_301, SectionBody::CombinedDevice(body.clone())),
        site_section(16_777_301, SectionBody::CombinedDevice(body)),
    ];
    let files = [("a.json", combined[0].as_str()), ("b.json", &combined[1]), ("c.json", &device)];
    assert_eq!(sections(&files), expected);
}

#[test]
fn co_management_row_keeps_odd_values_as_written() {
    let page = wmi(
        "SMS_Client_ComanagementState",
        r#"{"ResourceID":16777301,"Name":"OSL-LT-0417","SiteCode":"PS1","MDMEnrolled":1,"MDMProvisioned":true,
            "Authority":null,"ComgmtPolicyPresent":"1","MDMWorkloads":"8259","AADDeviceID":"0d7b6c51",
            "HybridAADJoined":1,"AADJoined":0,"EnrollmentScheduled":0,"EnrollmentFailed":false,"PendingLogon":"0",
            "EnrollmentStatusCode":0,"EnrollmentErrorDetail":null},
           {"MachineId":16777304,"Authority":2,"MDMWorkloads":1,"EnrollmentStatusCode":-2145910760,
            "EnrollmentErrorDetail":"0x80180018"},
           {"MachineID":16777305,"Authority":"VMware AirWatch","MDMWorkloads":"many",
            "EnrollmentStatusCode":3399548929}"#,
    );
    let expected = [
        site_section(
            16_777_301,
            SectionBody::CoManagementState(CoManagementState {
                name: some("OSL-LT-0417"),
                site_code: Some(site("PS1")),
                mdm_enrolled: Some(true),
                mdm_provisioned: Some(true),
                authority: None,
                policy_present: Some(true),
                mdm_workloads: some("8259"),
                entra_device_id: some("0d7b6c51"),
                hybrid_joined: Some(true),
                entra_joined: Some(false),
                enrollment_scheduled: Some(false),
                enrollment_failed: Some(false),
                pending_logon: Some(false),
                enrollment_status_code: Some(0),
                enrollment_error_detail: None,
            }),
        ),
        site_section(
            16_777_304,
            SectionBody::CoManagementState(CoManagementState {
                authority: some("2"),
                mdm_workloads: some("1"),
                enrollment_status_code: Some(0x8018_0018),
                enrollment_error_detail: some("0x80180018"),
                ..CoManagementState::default()
            }),
        ),
        site_section(
            16_777_305,
            SectionBody::CoManagementState(CoManagementState {
                authority: some("VMware AirWatch"),
                mdm_workloads: some("many"),
                enrollment_status_code: Some(0xCAA1_0001),
                ..CoManagementState::default()
            }),
        ),
    ];
    assert_eq!(sections(&[("c.json", &page), ("s.json", &sites())]), expected);
}

const MANAGED: &str = r#"{"id":"5f0c9a31","deviceName":"OSL-LT-0417","managedDeviceOwnerType":"company",
    "enrolledDateTime":"2026-03-02T08:11:47Z","lastSyncDateTime":"2026-11-20T05:12:09Z","operatingSystem":"Windows",
    "osVersion":"10.0.26100.7019","complianceState":"compliant","managementAgent":"configurationManagerClientMdm",
    "managementState":"managed","deviceRegistrationState":"registered","deviceEnrollmentType":"windowsCoManagement",
    "easActivationDateTime":"0001-01-01T00:00:00Z","azureADDeviceId":"0d7b6c51","userPrincipalName":"mari@example.com",
    "model":"Latitude 5450","manufacturer":"Dell Inc.","serialNumber":"7QX4M13","imei":"",
    "configurationManagerClientEnabledFeatures":{"inventory":false,"modernApps":true,"resourceAccess":false,
        "deviceConfiguration":false,"compliancePolicy":true,"windowsUpdateForBusiness":false}}"#;

fn managed() -> ManagedDevice {
    ManagedDevice {
        entra_device_id: some("0d7b6c51"),
        device_name: some("OSL-LT-0417"),
        owner_type: some("company"),
        operating_system: some("Windows"),
        os_version: some("10.0.26100.7019"),
        serial_number: some("7QX4M13"),
        manufacturer: some("Dell Inc."),
        model: some("Latitude 5450"),
        management_agent: some("configurationManagerClientMdm"),
        management_state: some("managed"),
        registration_state: some("registered"),
        enrollment_type: some("windowsCoManagement"),
        compliance_state: some("compliant"),
        enrolled_at: Some(at("2026-03-02T08:11:47Z")),
        last_sync: Some(at("2026-11-20T05:12:09Z")),
        user_principal_name: some("mari@example.com"),
        client_features: Some(ClientFeatures {
            inventory: Some(false),
            compliance_policy: Some(true),
            device_configuration: Some(false),
            modern_apps: Some(true),
            resource_access: Some(false),
            windows_update_for_business: Some(false),
            endpoint_protection: None,
            office_apps: None,
        }),
        ..ManagedDevice::default()
    }
}

#[test]
fn managed_device_of_v1_leaves_beta_members_unknown() {
    let page = graph("v1.0", "deviceManagement/managedDevices", MANAGED);
    let expected = [cloud_section(Source::Intune, "5f0c9a31", SectionBody::ManagedDeviceV1(managed()))];
    assert_eq!(sections(&[("g.json", &page)]), expected);
}

#[test]
fn managed_device_without_a_context_is_beta_when_a_record_is() {
    let page = format!(r#"{{"value":[{MANAGED}]}}"#);
    let expected = [cloud_section(Source::Intune, "5f0c9a31", SectionBody::ManagedDeviceV1(managed()))];
    assert_eq!(sections(&[("g.json", &page)]), expected);
    let page =
        page.replacen('{', r#"{"@odata.count":1,"#, 1).replace(r#""imei""#, r#""joinType":"unknown","imei""#);
    let beta = ManagedDevice { join_type: some("unknown"), ..managed() };
    let expected = [cloud_section(Source::Intune, "5f0c9a31", SectionBody::ManagedDeviceBeta(beta))];
    assert_eq!(sections(&[("g.json", &page)]), expected);
}

#[test]
fn hardware_texts_that_are_empty_are_told_and_absent_ones_are_not() {
    let page = graph(
        "v1.0",
        "deviceManagement/managedDevices",
        r#"{"id":"a","serialNumber":null,"manufacturer":""},{"id":"b"}"#,
    );
    let section =
        |key: &str, device| cloud_section(Source::Intune, key, SectionBody::ManagedDeviceV1(device));
    let empty = ManagedDevice { serial_number: some(""), manufacturer: some(""), ..ManagedDevice::default() };
    let expected = [section("a", empty), section("b", ManagedDevice::default())];
    assert_eq!(sections(&[("g.json", &page)]), expected);
}

#[test]
fn managed_device_of_beta_keeps_sentinels_and_unknown_members() {
    let page = graph(
        "beta",
        "deviceManagement/managedDevices",
        r#"{"id":"e51f3c79","managementAgent":"unknownFutureValue","managementState":"someNewState",
            "azureADDeviceId":"00000000-0000-0000-0000-000000000000","serialNumber":"0","imei":null,
            "enrolledDateTime":"0001-01-01T00:00:00Z","lastSyncDateTime":"9999-12-31T23:59:59.9999999Z",
            "joinType":"azureADRegistered","autopilotEnrolled":true,"skuFamily":"Enterprise",
            "hardwareInformation":{"operatingSystemEdition":"Enterprise","wiredIPv4Addresses":[]},
            "configurationManagerClientEnabledFeatures":null,"usersLoggedOn":[],
            "configurationManagerClientHealthState":{"state":"communicationError","errorCode":-2147012867,
                "lastSyncDateTime":"1900-02-01T00:00:00Z"},
            "configurationManagerClientInformation":{"clientIdentifier":"GUID:6D1E","isBlocked":false,
                "clientVersion":"5.00.9141.1011"}}"#,
    );
    let body = ManagedDevice {
        entra_device_id: some("00000000-0000-0000-0000-000000000000"),
        serial_number: some("0"),
        management_agent: some("unknownFutureValue"),
        management_state: some("someNewState"),
        last_sync: Some(Timestamp::MAX),
        join_type: some("azureADRegistered"),
        autopilot_enrolled: Some(true),
        sku_family: some("Enterprise"),
        operating_system_edition: some("Enterprise"),
        client_health_state: some("communicationError"),
        // -2147012867 as unsigned 32 bits: 2^32 - 2147012867.
        client_health_error: Some(2_147_954_429),
        // 1900-02-01: Intune heard nothing of the agent.
        client_health_sync: None,
        client_identifier: some("GUID:6D1E"),
        client_version: some("5.00.9141.1011"),
        ..ManagedDevice::default()
    };
    let expected = [cloud_section(Source::Intune, "e51f3c79", SectionBody::ManagedDeviceBeta(body))];
    assert_eq!(sections(&[("g.json", &page)]), expected);
}

#[test]
fn directory_device_is_known_by_its_object_id() {
    let page = graph(
        "v1.0",
        "devices(id,deviceId,displayName,trustType,deviceOwnership)",
        r#"{"id":"1c2d","deviceId":"0d7b6c51","displayName":"OSL-LT-0417","trustType":"ServerAd",
            "deviceOwnership":"Company","physicalIds":[]}"#,
    );
    let body = DirectoryDevice {
        device_id: some("0d7b6c51"),
        display_name: some("OSL-LT-0417"),
        trust_type: some("ServerAd"),
        device_ownership: some("Company"),
    };
    let expected = [cloud_section(Source::Entra, "1c2d", SectionBody::DirectoryDevice(body))];
    assert_eq!(sections(&[("e.json", &page)]), expected);
}

#[test]
fn record_read_by_key_is_a_page_of_one() {
    let context = "https://cm01.example.com/AdminService/wmi/$metadata#SMS_R_System/$entity";
    let record = format!(r#"{{"@odata.context":"{context}","ResourceID":5,"Name":"A"}}"#);
    let body = SectionBody::Discovery(Discovery { name: some("A"), ..Discovery::default() });
    assert_eq!(sections(&[("r.json", &record), ("s.json", &sites())]), [site_section(5, body)]);
}

#[test]
fn duplicates_are_handed_on_in_order_and_counted() {
    let page = |name: &str| wmi("SMS_R_System", &format!(r#"{{"ResourceID":5,"Name":"{name}"}}"#));
    let graph = graph("v1.0", "devices", r#"{"id":"a"},{"id":"a"}"#);
    let files = [("1.json", page("A")), ("2.json", page("B")), ("3.json", graph), ("s.json", sites())];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let (items, summary) = read(&files);
    let named = |name| SectionBody::Discovery(Discovery { name: some(name), ..Discovery::default() });
    let entra = || SectionBody::DirectoryDevice(DirectoryDevice::default());
    let expected = [
        site_section(5, named("A")),
        site_section(5, named("B")),
        cloud_section(Source::Entra, "a", entra()),
        cloud_section(Source::Entra, "a", entra()),
    ];
    assert_eq!((records(items), summary.duplicates), (expected.to_vec(), 2));
}
