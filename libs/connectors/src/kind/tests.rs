use std::io::Write;

use super::*;

fn told(json: &str) -> Result<(Kind, Shape, Option<String>), String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(json.as_bytes()).unwrap();
    let head = crate::head::read(file.path()).map_err(|fault| format!("{}: {}", fault.path, fault.reason))?;
    tell(&head).map(|told| (told.kind, told.shape, told.host))
}

fn by_context(context: &str) -> Option<Kind> {
    told(&format!(r#"{{"@odata.context":"{context}","value":[]}}"#)).ok().map(|(kind, _, _)| kind)
}

fn by_record(record: &str) -> Option<Kind> {
    told(&format!(r#"{{"value":[{record}]}}"#)).ok().map(|(kind, _, _)| kind)
}

#[test]
fn context_tells_every_kind() {
    let wmi =
        |class: &str| by_context(&format!("https://cm01.example.com/AdminService/wmi/$metadata#{class}"));
    let graph = |rest: &str| by_context(&format!("https://graph.microsoft.com/{rest}"));
    let found = [
        wmi("SMS_R_System"),
        wmi("sms_r_system"),
        wmi("SMS_CombinedDeviceResources"),
        wmi("SMS_Client_ComanagementState"),
        wmi("SMS_Collection"),
        wmi("SMS_FullCollectionMembership(CollectionID,ResourceID)"),
        wmi("SMS_Site/$entity"),
        by_context("https://cm01.example.com/AdminService/v1.0/$metadata#Device"),
        by_context(
            "https://cm01.example.com/AdminService/v1.0/$metadata#ResourceCollectionMembership(Collection,Collection())",
        ),
        graph("v1.0/$metadata#deviceManagement/managedDevices"),
        graph("beta/$metadata#deviceManagement/managedDevices(id,deviceName)"),
        graph("beta/$metadata#users('mari')/managedDevices"),
        graph("v1.0/$metadata#devices(id,deviceId)"),
        graph("beta/$metadata#deviceManagement/comanagementEligibleDevices"),
        graph("beta/$metadata#deviceManagement/deviceEnrollmentConfigurations"),
        graph("beta/$metadata#microsoft.graph.comanagedDevicesSummary"),
        graph("beta/$metadata#microsoft.graph.comanagementEligibleDevicesSummary"),
    ];
    let expected = [
        Kind::Discovery,
        Kind::Discovery,
        Kind::CombinedDevice,
        Kind::CoManagementState,
        Kind::Collections,
        Kind::CollectionMembers,
        Kind::Sites,
        Kind::Device,
        Kind::DeviceCollections,
        Kind::ManagedDevicesV1,
        Kind::ManagedDevicesBeta,
        Kind::ManagedDevicesBeta,
        Kind::DirectoryDevices,
        Kind::EligibleDevices,
        Kind::SettingsPolicies,
        Kind::CoManagedSummary,
        Kind::EligibleSummary,
    ];
    assert_eq!(found, expected.map(Some));
}

#[test]
fn other_contexts_tell_nothing() {
    for context in [
        "https://graph.microsoft.com/v1.0/$metadata#users",
        "https://cm01.example.com/AdminService/wmi/$metadata#SMS_Advertisement",
        "https://cm01.example.com/AdminService/wmi/$metadata#devices",
        "no address",
        "#",
    ] {
        assert_eq!(by_context(context), None, "{context}");
    }
}

#[test]
fn first_record_tells_the_kind_where_no_context_does() {
    let found = [
        by_record(r#"{"id":"a","managementAgent":"mdm"}"#),
        by_record(r#"{"id":"a","managementAgent":"mdm","joinType":"azureADJoined"}"#),
        by_record(r#"{"id":"a","deviceId":"b","trustType":"AzureAd"}"#),
        by_record(r#"{"ResourceID":1,"SMSUniqueIdentifier":null}"#),
        by_record(r#"{"MachineId":1,"IsClient":true}"#),
        by_record(r#"{"ResourceID":1,"SMSID":null}"#),
        by_record(r#"{"MachineId":1,"MDMEnrolled":0}"#),
        by_record(r#"{"CollectionID":"PS100042","MemberCount":3}"#),
        by_record(r#"{"CollectionID":"PS100042","ResourceID":1,"SMSID":null}"#),
        by_record(r#"{"SiteCode":"PS1","Version":"5.00.9141.1000"}"#),
        by_record(r#"{"__CLASS":"SMS_R_System"}"#),
        by_record(r#"{"Collection":{"CollectionID":"SMS00001"}}"#),
        by_record(r#"{"id":"a","clientRegistrationStatus":"registered","managementState":"managed"}"#),
        by_record(r#"{"id":"a","installConfigurationManagerAgent":true}"#),
        by_record(r#"{"__CLASS":"SMS_Advertisement","ResourceID":1,"SMSID":null}"#),
        by_record(r#"{"id":"a"}"#),
        by_record("5"),
    ];
    let expected = [
        Some(Kind::ManagedDevicesV1),
        Some(Kind::ManagedDevicesBeta),
        Some(Kind::DirectoryDevices),
        Some(Kind::Discovery),
        Some(Kind::Device),
        Some(Kind::CombinedDevice),
        Some(Kind::CoManagementState),
        Some(Kind::Collections),
        Some(Kind::CollectionMembers),
        Some(Kind::Sites),
        Some(Kind::Discovery),
        Some(Kind::DeviceCollections),
        Some(Kind::EligibleDevices),
        Some(Kind::SettingsPolicies),
        None,
        None,
        None,
    ];
    assert_eq!(found, expected);
}

#[test]
fn context_after_the_records_counts_as_before_them() {
    let page = r#"{"value":[{"SiteCode":"PS1"},{"SiteCode":"PS2"}],
                   "@odata.context":"https://CM01.example.com:443/AdminService/wmi/$metadata#SMS_Site"}"#;
    assert_eq!(told(page), Ok((Kind::Sites, Shape::Page, Some("cm01.example.com".to_owned()))));
}

#[test]
fn host_is_the_provider_whatever_the_route() {
    let hosts = [
        "https://gw.example.com/CCM_Proxy_MutualAuth/72057594037927990/AdminService/wmi/$metadata#SMS_Site",
        "https://CM01/AdminService_TokenAuth/wmi/$metadata#SMS_Site",
        "$metadata#SMS_Site",
    ]
    .map(|context| told(&format!(r#"{{"@odata.context":"{context}","value":[]}}"#)).unwrap().2);
    assert_eq!(hosts, [Some("gw.example.com".to_owned()), Some("cm01".to_owned()), None]);
}

#[test]
fn records_lie_in_a_page_an_array_or_alone() {
    let shapes = [
        r#"{"value":[{"ResourceID":1,"Obsolete":0}]}"#,
        r#"[{"ResourceID":1,"Obsolete":0}]"#,
        r#"{"@odata.context":"https://c/AdminService/wmi/$metadata#SMS_R_System/$entity","ResourceID":1}"#,
    ]
    .map(|json| told(json).map(|(kind, shape, _)| (kind, shape)));
    assert_eq!(shapes, [Shape::Page, Shape::Array, Shape::Single].map(|shape| Ok((Kind::Discovery, shape))));
}

#[test]
fn documents_are_told_by_their_members() {
    let kinds = [
        r#"{"as_of":"2026-11-20"}"#,
        r#"{"name":"tenants/t/hierarchies/PS1/coManagementPolicy","enabled":true}"#,
        r#"{"workloads":[]}"#,
        r#"{"error":{"code":"TooManyRequests"}}"#,
        r#"{"value":{"totalComanagedCount":1}}"#,
        r#"{"value":{"scheduledForEnrollmentCount":1}}"#,
    ]
    .map(|json| told(json).map(|(kind, _, _)| kind));
    let expected = [
        Kind::TenantFacts,
        Kind::CoManagementPolicy,
        Kind::CoManagementPolicy,
        Kind::ErrorBody,
        Kind::CoManagedSummary,
        Kind::EligibleSummary,
    ];
    assert_eq!(kinds, expected.map(Ok));
}

#[test]
fn unknown_documents_are_refused_with_what_was_found() {
    const EXPECTED: &str = "expected a page of Graph or AdminService, a co-management policy or tenant facts";
    let found = [
        r#"{"a":1,"b":2}"#,
        "{}",
        r#"{"value":[]}"#,
        r#"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users","value":[{"id":"a"}]}"#,
        "[[[[]]]]",
        "5",
        "{\"value\":[{\"id\":",
    ]
    .map(|json| told(json).unwrap_err());
    let expected = [
        format!("{EXPECTED}; found members `a`, `b`"),
        format!("{EXPECTED}; found no member"),
        format!("{EXPECTED}; found neither `@odata.context` nor a record"),
        format!("{EXPECTED}; found `@odata.context` \"https://graph.microsoft.com/v1.0/$metadata#users\""),
        format!("{EXPECTED}; found no member"),
        "1:1: invalid type: integer `5`, expected an object or an array of records".to_owned(),
        "1:16: the file is cut off: it ends within a value".to_owned(),
    ];
    assert_eq!(found, expected);
}
