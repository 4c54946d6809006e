//! Records that are no devices, and the order in which items come.

use tandem_domain::section::{CoManagementState, ConsoleDevice, Discovery};

use super::*;

fn device(records: &str) -> String {
    wmi("SMS_CombinedDeviceResources", records)
}

fn removed(resource: u32, reason: &'static str) -> Item {
    Item::RecordRemoved {
        source: Source::ConfigMgr(hierarchy("PS1")),
        key: format!("PS1/{resource}"),
        reason,
    }
}

#[test]
fn obsolete_and_decommissioned_records_are_skipped_in_every_later_class() {
    let discovery =
        wmi("SMS_R_System", r#"{"ResourceID":1,"Obsolete":1},{"ResourceID":2,"Decommissioned":"1"}"#);
    let console =
        device(r#"{"ResourceID":1,"IsObsolete":true},{"ResourceID":2},{"ResourceID":3,"Unknown":1}"#);
    let rows = wmi("SMS_Client_ComanagementState", r#"{"MachineId":1},{"MachineId":2},{"MachineId":3}"#);
    let (items, summary) =
        read(&[("a.json", &console), ("b.json", &discovery), ("c.json", &rows), ("s.json", &sites())]);
    assert_eq!(records(items), []);
    let skipped = summary.skipped;
    assert_eq!((skipped.obsolete, skipped.decommissioned, skipped.unknown_computer), (1, 1, 1));
}

#[test]
fn record_that_a_later_class_calls_obsolete_is_taken_back() {
    let discovery = wmi("SMS_R_System", r#"{"ResourceID":1},{"ResourceID":2}"#);
    let console = device(r#"{"ResourceID":1,"IsObsolete":true},{"ResourceID":2,"IsObsolete":false}"#);
    let rows = wmi("SMS_Client_ComanagementState", r#"{"MachineId":1},{"MachineId":2}"#);
    let (items, _) =
        read(&[("a.json", &console), ("b.json", &discovery), ("c.json", &rows), ("s.json", &sites())]);
    let expected = [
        site_section(1, SectionBody::Discovery(Discovery::default())),
        site_section(2, SectionBody::Discovery(Discovery::default())),
        removed(1, "obsolete"),
        site_section(2, SectionBody::CombinedDevice(ConsoleDevice::default())),
        site_section(2, SectionBody::CoManagementState(CoManagementState::default())),
    ];
    assert_eq!(records(items), expected);
}

#[test]
fn member_that_discovery_calls_decommissioned_is_taken_back() {
    let members = wmi("SMS_FullCollectionMembership", r#"{"CollectionID":"PS100042","ResourceID":1}"#);
    let discovery = wmi("SMS_R_System", r#"{"ResourceID":1,"Decommissioned":true}"#);
    let (items, _) = read(&[("a.json", &discovery), ("m.json", &members), ("s.json", &sites())]);
    assert_eq!(records(items), [removed(1, "decommissioned")]);
}

#[test]
fn items_come_in_their_order_whatever_the_files_are_called() {
    let files = [
        ("01.json", graph("beta", "deviceManagement/managedDevices", r#"{"id":"a"}"#)),
        ("02.json", graph("v1.0", "deviceManagement/managedDevices", r#"{"id":"a"}"#)),
        ("03.json", graph("v1.0", "devices", r#"{"id":"b"}"#)),
        ("04.json", wmi("SMS_Client_ComanagementState", r#"{"MachineId":1}"#)),
        ("05.json", device(r#"{"ResourceID":1}"#)),
        ("06.json", wmi("SMS_R_System", r#"{"ResourceID":1}"#)),
        ("07.json", wmi("SMS_FullCollectionMembership", r#"{"CollectionID":"PS100042","ResourceID":1}"#)),
        ("08.json", wmi("SMS_Collection", r#"{"CollectionID":"PS100042"}"#)),
        ("09.toml", "name = \"tenants/t/hierarchies/PS1/coManagementPolicy\"\nenabled = true".to_owned()),
        ("10.json", sites()),
        ("11.toml", "[tenant]\nentra_plan = \"p1\"".to_owned()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let (items, summary) = read(&files);
    let found: Vec<String> = items
        .iter()
        .map(|item| match item {
            Item::TenantFile { .. } => "tenant".to_owned(),
            Item::Site { .. } => "site".to_owned(),
            Item::Policy { .. } => "policy".to_owned(),
            Item::Collection { .. } => "collection".to_owned(),
            Item::Members { .. } => "members".to_owned(),
            Item::Section(section) => section.body.kind().id().to_owned(),
            Item::RecordRemoved { .. } => "removed".to_owned(),
        })
        .collect();
    let expected = [
        "tenant",
        "site",
        "policy",
        "collection",
        "members",
        "SMS_R_System",
        "SMS_CombinedDeviceResources",
        "SMS_Client_ComanagementState",
        "devices",
        "v1.0/managedDevices",
        "beta/managedDevices",
    ];
    assert_eq!(found, expected);
    let names: Vec<&str> = summary.files.iter().map(|file| file.file.as_str()).collect();
    assert_eq!(names, files.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}

#[test]
fn callback_that_breaks_ends_the_reading() {
    let page = wmi("SMS_R_System", r#"{"ResourceID":1},{"ResourceID":2},{"ResourceID":3}"#);
    let folder = folder(&[("a.json", page.as_bytes()), ("s.json", sites().as_bytes())]);
    let mut items = 0;
    let summary = Exports::open(folder.path()).unwrap().read(observed_at(), &mut |_| {
        items += 1;
        if items == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((items, summary.files[0].records, summary.refused.total()), (3, 2, 0));
}
