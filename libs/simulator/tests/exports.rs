//! The files of a generated fleet: the same every time, well formed, and consistent with each other.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::Path;

use serde_json::Value;
use tandem_simulator::{Fleet, FleetSpec, SimulateError, SimulatedDevice, Written, write_exports};

fn spec(devices: u64) -> FleetSpec {
    FleetSpec { devices, seed: 42, ..FleetSpec::default() }
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().replace('\\', "/");
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn exported(spec: &FleetSpec) -> (BTreeMap<String, Vec<u8>>, Written) {
    let dir = tempfile::tempdir().unwrap();
    let written = write_exports(spec, dir.path(), |_| {}).unwrap();
    (files(dir.path()), written)
}

/// The records of a class, over all its files.
fn rows(files: &BTreeMap<String, Vec<u8>>, prefix: &str) -> Vec<Value> {
    let pages = files.iter().filter(|(name, _)| name.starts_with(prefix));
    pages
        .flat_map(|(name, bytes)| {
            let page: Value = serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            page["value"].as_array().unwrap().clone()
        })
        .collect()
}

#[test]
fn same_specification_gives_same_bytes() {
    assert_eq!(exported(&spec(1_500)), exported(&spec(1_500)));
    assert_ne!(exported(&spec(50)).0, exported(&FleetSpec { seed: 43, ..spec(50) }).0);
}

#[test]
fn files_of_a_small_fleet_are_these() {
    let (found, written) = exported(&spec(1_500));
    let site = |code: &str| {
        [
            "Device-001.json",
            "SMS_Client_ComanagementState-001.json",
            "SMS_Collection-001.json",
            "SMS_FullCollectionMembership-001.json",
            "SMS_R_System-001.json",
            "SMS_Site-001.json",
            "co-management-policy.toml",
        ]
        .map(|file| format!("configmgr-{code}/{file}"))
    };
    let mut expected: Vec<String> = site("EU1").into_iter().chain(site("PS1")).collect();
    expected
        .extend(["intune/managedDevices-00001.json", "intune/managedDevices-00002.json"].map(str::to_owned));
    expected.push("tenant-facts.toml".to_owned());
    assert_eq!(found.keys().cloned().collect::<Vec<_>>(), expected);
    assert_eq!(written.files, expected.len() as u64);
    assert_eq!(written.bytes, found.values().map(|bytes| bytes.len() as u64).sum::<u64>());
}

#[test]
fn every_file_names_its_content_and_parses() {
    let contexts = [
        ("intune/", "https://graph.microsoft.com/beta/$metadata#deviceManagement/managedDevices"),
        ("configmgr-EU1/Device-", "https://cm-eu1.example.com/AdminService/v1.0/$metadata#Device"),
        ("configmgr-PS1/SMS_R_System-", "https://cm-ps1.example.com/AdminService/wmi/$metadata#SMS_R_System"),
        ("configmgr-PS1/SMS_Site-", "https://cm-ps1.example.com/AdminService/wmi/$metadata#SMS_Site"),
        (
            "configmgr-PS1/SMS_Full",
            "https://cm-ps1.example.com/AdminService/wmi/$metadata#SMS_FullCollectionMembership",
        ),
    ];
    let (found, _) = exported(&spec(300));
    for (name, bytes) in &found {
        if name.ends_with(".toml") {
            toml::from_str::<toml::Table>(std::str::from_utf8(bytes).unwrap()).unwrap();
            continue;
        }
        let page: Value = serde_json::from_slice(bytes).unwrap();
        for (_, context) in contexts.iter().filter(|(prefix, _)| name.starts_with(prefix)) {
            assert_eq!(page["@odata.context"], *context, "{name}");
        }
    }
}

#[test]
fn graph_pages_hold_a_thousand_records_and_link_until_the_last() {
    let (found, written) = exported(&spec(3_000));
    let pages: Vec<Value> = found
        .iter()
        .filter(|(name, _)| name.starts_with("intune/"))
        .map(|(_, bytes)| serde_json::from_slice(bytes).unwrap())
        .collect();
    let sizes: Vec<usize> = pages.iter().map(|page| page["value"].as_array().unwrap().len()).collect();
    let rest = written.intune_records as usize - 2_000;
    assert_eq!(sizes, [1_000, 1_000, rest]);
    let linked: Vec<bool> = pages.iter().map(|page| page.get("@odata.nextLink").is_some()).collect();
    assert_eq!(linked, [true, true, false]);
    let last_id = pages[0]["value"][999]["id"].as_str().unwrap();
    assert!(pages[0]["@odata.nextLink"].as_str().unwrap().contains(last_id));
}

#[test]
fn graph_record_is_about_one_and_a_half_kilobytes() {
    let (found, written) = exported(&spec(1_000));
    let bytes: usize = found.iter().filter(|(n, _)| n.starts_with("intune/")).map(|(_, b)| b.len()).sum();
    let each = bytes as u64 / written.intune_records;
    assert!((1_400..1_650).contains(&each), "{each} bytes");
}

#[test]
fn records_are_those_of_the_devices() {
    let spec = spec(1_200);
    let (found, written) = exported(&spec);
    let fleet = Fleet::new(spec.clone()).unwrap();
    let devices: Vec<SimulatedDevice> = (0..spec.devices).map(|index| fleet.device(index)).collect();

    let ids: Vec<String> =
        rows(&found, "intune/").iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect();
    let expected: Vec<String> =
        devices.iter().filter_map(|d| d.intune.as_ref().map(|r| r.id.to_string())).collect();
    assert_eq!(ids, expected);

    for (position, hierarchy) in fleet.hierarchies().iter().enumerate() {
        let folder = format!("configmgr-{}", hierarchy.code());
        let here =
            || devices.iter().flat_map(SimulatedDevice::site_records).filter(|r| r.hierarchy == position);
        let keys = |class: &str, key: &str| -> Vec<u64> {
            rows(&found, &format!("{folder}/{class}-")).iter().map(|row| row[key].as_u64().unwrap()).collect()
        };
        let expected: Vec<u64> = here().map(|r| u64::from(r.resource_id)).collect();
        assert_eq!(keys("SMS_R_System", "ResourceID"), expected);
        assert_eq!(keys("Device", "MachineId"), expected);
        let with_row: Vec<u64> =
            here().filter(|r| r.co_management.is_some()).map(|r| u64::from(r.resource_id)).collect();
        assert_eq!(keys("SMS_Client_ComanagementState", "ResourceID"), with_row);
    }
    assert_eq!(written.site_records, devices.iter().flat_map(SimulatedDevice::site_records).count() as u64);
}

#[test]
fn member_counts_are_those_of_the_rows() {
    let (found, written) = exported(&spec(1_500));
    let mut total = 0;
    for folder in ["configmgr-PS1", "configmgr-EU1"] {
        let mut members: HashMap<String, HashSet<u64>> = HashMap::new();
        for row in rows(&found, &format!("{folder}/SMS_FullCollectionMembership-")) {
            let fields: Vec<&String> = row.as_object().unwrap().keys().collect();
            assert_eq!(fields, ["CollectionID", "ResourceID", "ResourceType"]);
            let id = row["CollectionID"].as_str().unwrap().to_owned();
            assert!(members.entry(id).or_default().insert(row["ResourceID"].as_u64().unwrap()), "{row}");
            total += 1;
        }
        let collections = rows(&found, &format!("{folder}/SMS_Collection-"));
        let counted: HashMap<String, u64> = collections
            .iter()
            .map(|c| (c["CollectionID"].as_str().unwrap().to_owned(), c["MemberCount"].as_u64().unwrap()))
            .collect();
        assert_eq!(counted.len(), collections.len());
        for (id, count) in &counted {
            assert_eq!(*count, members.remove(id).map_or(0, |m| m.len() as u64), "{folder} {id}");
        }
        assert!(members.is_empty(), "{folder}: members of collections that are not listed: {members:?}");
        let records = rows(&found, &format!("{folder}/SMS_R_System-")).len() as u64;
        assert_eq!(counted["SMS00001"], records);
    }
    assert_eq!(written.memberships, total);
}

#[test]
fn policy_names_collections_that_are_exported() {
    let (found, _) = exported(&spec(100));
    for (folder, collections) in [
        ("configmgr-PS1", vec!["PS100010", "PS100020", "PS100023", "PS100026"]),
        ("configmgr-EU1", vec!["EU100024", "EU100025"]),
    ] {
        let bytes = &found[&format!("{folder}/co-management-policy.toml")];
        let policy: toml::Table = toml::from_str(std::str::from_utf8(bytes).unwrap()).unwrap();
        let workloads = policy["workloads"].as_array().unwrap();
        let pilots = workloads.iter().filter_map(|w| w.get("pilotCollection"));
        let named: Vec<&str> = policy["autoEnrollment"]
            .get("collection")
            .into_iter()
            .chain(pilots)
            .filter_map(|c| c.as_str())
            .collect();
        assert_eq!(named, collections);
        let exported: Vec<Value> = rows(&found, &format!("{folder}/SMS_Collection-"));
        for id in named {
            assert!(exported.iter().any(|c| c["CollectionID"] == id), "{folder} {id}");
        }
    }
}

#[test]
fn progress_is_told_every_thousand_devices_and_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    write_exports(&spec(2_500), dir.path(), |devices| told.push(devices)).unwrap();
    assert_eq!(told, [1_000, 2_000, 2_500]);
}

#[test]
fn folder_with_files_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine.txt"), "mine").unwrap();
    let error = write_exports(&spec(10), dir.path(), |_| {}).unwrap_err();
    assert!(matches!(error, SimulateError::NotEmpty(_)), "{error}");
    assert_eq!(files(dir.path()).into_keys().collect::<Vec<_>>(), ["mine.txt"]);
}

#[test]
fn refused_specification_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("fleet");
    let error = write_exports(&spec(0), &target, |_| {}).unwrap_err();
    assert_eq!(error.to_string(), "expected 1 to 10000000 devices, found 0");
    assert!(!target.exists());
}
