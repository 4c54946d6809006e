//! One test per rule of placement.

use std::collections::BTreeSet;

use super::registry::Registry;
use super::*;
use crate::id::DeviceId;
use crate::identity::{Conflict, ConflictReason, Decision, Placement};

fn device(name: &str) -> DeviceId {
    DeviceId::parse(name).unwrap()
}

fn made(claims: &[IdentityKey]) -> Placement {
    Placement {
        decision: Decision::New,
        merge: vec![],
        claims: claims.to_vec(),
        releases: vec![],
        ambiguous: vec![],
        conflicts: vec![],
    }
}

fn joined(name: &str, because: IdentityKey, claims: &[IdentityKey]) -> Placement {
    Placement { decision: Decision::Join { device: device(name), because }, ..made(claims) }
}

fn kept(name: &str, claims: &[IdentityKey]) -> Placement {
    Placement { decision: Decision::Existing(device(name)), ..made(claims) }
}

fn intune_id(number: u8) -> IdentityKey {
    key(KeyKind::IntuneDeviceId, number)
}

#[test]
fn record_whose_keys_nobody_holds_is_a_new_device() {
    let mut registry = Registry::default();
    assert_eq!(registry.put(&ps1(1, &[sms(1), serial(1)])), made(&[sms(1), serial(1)]));
    assert_eq!(registry.put(&ps1(2, &[])), made(&[]));
}

#[test]
fn new_record_joins_the_holder_of_its_strongest_key_and_merges_the_others() {
    let mut registry = Registry::with(&[ps1(1, &[sms(1)]), directory(1)]);
    let expected = Placement {
        merge: vec![device("d001")],
        ..joined("d002", entra(1), &[entra(1), sms(1), intune_id(1)])
    };
    assert_eq!(registry.put(&intune(1, &[entra(1), sms(1)])), expected);
    assert_eq!(registry.groups().len(), 1);
    registry.assert_invariants();
}

#[test]
fn second_record_of_one_source_stays_apart_and_says_why() {
    let mut registry = Registry::with(&[intune(1, &[entra(1)])]);
    let placement = registry.put(&intune(2, &[entra(1)]));
    let conflict = Conflict {
        key: entra(1),
        holder: device("d001"),
        why: ConflictReason::SameSource {
            source: Source::Intune,
            held: intune_id(1).value().to_owned(),
            found: intune_id(2).value().to_owned(),
        },
    };
    assert_eq!(placement, Placement { conflicts: vec![conflict], ..made(&[intune_id(2)]) });
    assert_eq!(
        placement.conflicts[0].to_string(),
        "entra_device_id 0d7b6c51-4a3f-4b18-8f2d-000000000001 stays with device d001: \
         expected one record of intune, 0d7b6c51-4a3f-4b18-8f2d-000000000001; \
         found another, 0d7b6c51-4a3f-4b18-8f2d-000000000002"
    );
}

#[test]
fn records_of_two_hierarchies_share_a_device() {
    let elsewhere = RecordIdentity::new(site("XYZ"), "XYZ/1", [sms(1)]);
    let mut registry = Registry::with(&[ps1(1, &[sms(1)])]);
    assert_eq!(registry.put(&elsewhere), joined("d001", sms(1), &[sms(1)]));
}

#[test]
fn holder_with_another_value_of_a_strong_kind_is_no_match() {
    let mut registry = Registry::with(&[ps1(1, &[entra(1), sms(1)])]);
    let conflict = Conflict {
        key: sms(1),
        holder: device("d001"),
        why: ConflictReason::Contradiction { held: entra(1), found: entra(2) },
    };
    let expected = Placement { conflicts: vec![conflict], ..made(&[entra(2), intune_id(1)]) };
    assert_eq!(registry.put(&intune(1, &[entra(2), sms(1)])), expected);
}

#[test]
fn record_between_two_holders_joins_the_compatible_one() {
    let mut registry = Registry::with(&[intune(1, &[entra(1)]), ps1(1, &[sms(1)])]);
    let placement = registry.put(&intune(2, &[entra(1), sms(1)]));
    assert_eq!(placement.decision, Decision::Join { device: device("d002"), because: sms(1) });
    assert_eq!(placement.claims, [sms(1), intune_id(2)]);
    assert_eq!(placement.conflicts.iter().map(|c| &c.key).collect::<Vec<_>>(), [&entra(1)]);
    registry.assert_invariants();
}

#[test]
fn placed_record_that_brings_a_late_key_draws_its_holder_in() {
    let mut registry = Registry::with(&[directory(1), ps1(1, &[sms(1)])]);
    let expected = Placement { merge: vec![device("d001")], ..kept("d002", &[entra(1), sms(1)]) };
    let late = ps1(1, &[entra(1), sms(1)]);
    assert_eq!(registry.put(&late), expected);
    assert_eq!(registry.put(&late), kept("d002", &[entra(1), sms(1)]));
}

#[test]
fn late_key_that_another_record_of_the_device_contradicts_is_not_taken() {
    let mut registry = Registry::with(&[intune(1, &[entra(1), sms(1)]), ps1(1, &[sms(1)])]);
    let conflict = Conflict {
        key: entra(2),
        holder: device("d001"),
        why: ConflictReason::Contradiction { held: entra(1), found: entra(2) },
    };
    let expected = Placement { conflicts: vec![conflict], ..kept("d001", &[sms(1)]) };
    assert_eq!(registry.put(&ps1(1, &[entra(2), sms(1)])), expected);
    registry.assert_invariants();
}

#[test]
fn key_that_its_only_bringer_replaces_is_released() {
    let mut registry = Registry::with(&[ps1(1, &[entra(1), sms(1)])]);
    let expected = Placement { releases: vec![entra(1)], ..kept("d001", &[entra(2), sms(1)]) };
    assert_eq!(registry.put(&ps1(1, &[entra(2), sms(1)])), expected);
    // The freed id is free for the device that really has it.
    assert_eq!(registry.put(&directory(1)), made(&[entra(1)]));
    assert_eq!(registry.put(&directory(2)), joined("d001", entra(2), &[entra(2)]));
}

#[test]
fn reenrolled_device_is_one_again_after_its_former_record_goes() {
    let former = intune(1, &[entra(1)]);
    let mut registry = Registry::with(&[former.clone(), ps1(1, &[entra(1), sms(1)])]);
    let _ = registry.put(&intune(2, &[entra(1)]));
    assert_eq!((registry.groups().len(), registry.conflicts().len()), (2, 1));
    registry.remove(&former);
    assert_eq!((registry.groups().len(), registry.conflicts().len()), (1, 0));
    registry.assert_invariants();
}

#[test]
fn serial_number_joins_records_of_two_sources_that_no_strong_key_ties() {
    let mut registry = Registry::with(&[ps1(1, &[sms(1), serial(1)])]);
    let expected = joined("d001", serial(1), &[entra(1), intune_id(1), serial(1)]);
    assert_eq!(registry.put(&intune(1, &[entra(1), serial(1)])), expected);
}

#[test]
fn serial_number_that_comes_after_the_first_section_joins_as_well() {
    // Discovery carries no serial number, the console's list does.
    let mut registry = Registry::with(&[intune(1, &[entra(1), serial(1)]), ps1(1, &[sms(1)])]);
    let expected = Placement { merge: vec![device("d001")], ..kept("d002", &[sms(1), serial(1)]) };
    assert_eq!(registry.put(&ps1(1, &[sms(1), serial(1)])), expected);
}

#[test]
fn serial_number_ties_two_devices_that_a_record_with_a_strong_key_stands_between() {
    // As if the directory came first: the same device as when the Intune record had come before it.
    let mut registry = Registry::with(&[ps1(1, &[sms(1), serial(1)]), directory(1)]);
    let expected = Placement {
        merge: vec![device("d001")],
        ..joined("d002", entra(1), &[entra(1), intune_id(1), serial(1)])
    };
    assert_eq!(registry.put(&intune(1, &[entra(1), serial(1)])), expected);
}

#[test]
fn serial_number_of_devices_that_contradict_each_other_joins_nothing() {
    let mut registry = Registry::with(&[ps1(1, &[entra(1), serial(1)])]);
    let conflict = Conflict {
        key: serial(1),
        holder: device("d001"),
        why: ConflictReason::Contradiction { held: entra(1), found: entra(2) },
    };
    let expected = Placement {
        ambiguous: vec![serial(1)],
        conflicts: vec![conflict],
        ..made(&[entra(2), intune_id(1)])
    };
    assert_eq!(registry.put(&intune(1, &[entra(2), serial(1)])), expected);
}

#[test]
fn serial_number_of_two_records_of_one_source_is_ambiguous_from_then_on() {
    let mut registry = Registry::with(&[intune(1, &[entra(1), serial(1)])]);
    let placement = registry.put(&intune(2, &[entra(2), serial(1)]));
    assert_eq!((placement.decision, placement.ambiguous), (Decision::New, vec![serial(1)]));

    let conflict = Conflict { key: serial(1), holder: device("d001"), why: ConflictReason::Ambiguous };
    let expected = Placement { conflicts: vec![conflict], ..made(&[sms(1)]) };
    assert_eq!(registry.put(&ps1(1, &[sms(1), serial(1)])), expected);
    // Strong keys still decide.
    let tied = Placement { merge: vec![device("d001")], ..kept("d003", &[entra(1), sms(1), serial(1)]) };
    assert_eq!(registry.put(&ps1(1, &[entra(1), sms(1), serial(1)])), tied);
    registry.assert_invariants();
}

#[test]
fn serial_number_does_not_outweigh_a_strong_key_in_conflict() {
    let mut registry =
        Registry::with(&[intune(1, &[entra(1)]), RecordIdentity::new(site("PS1"), "PS1/1", [serial(1)])]);
    let placement = registry.put(&intune(2, &[entra(1), serial(1)]));
    assert_eq!(placement.decision, Decision::New);
    let reasons: Vec<_> = placement.conflicts.iter().map(|c| (c.key.kind(), c.why.id())).collect();
    let expected =
        [(KeyKind::EntraDeviceId, "same_source"), (KeyKind::SerialNumber, "strong_key_in_conflict")];
    assert_eq!(reasons, expected);
}

/// The samples: three Intune records and one site record carry serial number 7QX4M13, two of them the name OSL-LT-0417.
#[test]
fn samples_with_one_serial_number_on_three_intune_records_are_three_devices() {
    let serial = IdentityKey::new(KeyKind::SerialNumber, "7QX4M13").unwrap();
    let record = |id: &str, entra: &str, client: Option<&str>| {
        let keys = [(KeyKind::IntuneDeviceId, Some(id)), (KeyKind::EntraDeviceId, Some(entra))];
        let keys = keys.into_iter().chain([(KeyKind::SmsClientId, client)]);
        let keys = keys.filter_map(|(kind, text)| Some(IdentityKey::new(kind, text?).unwrap()));
        RecordIdentity::new(Source::Intune, id, keys.chain([serial.clone()]))
    };
    let client = "GUID:6D1E0F9A-1B2C-4D3E-8F90-A1B2C3D4E5F6";
    let directory_id = "0d7b6c51-4a3f-4b18-8f2d-6f5e4d3c2b10";
    let laptop = record("5f0c9a31-7d3e-4c0f-9a54-2b1d7e6c0a11", directory_id, Some(client));
    let desktop =
        record("91b7c0de-6a25-4c13-8e70-0d9b4f3a7733", "2f9d8e73-6c51-4d3a-8b4f-8b7a6f5e4d32", None);
    let twin = record("e51f3c79-80a2-4b63-8d4e-7f6a5b4c3d55", "3a0e9f84-7d62-4e4b-9c50-9c8b7a6f5e43", None);
    let site = RecordIdentity::new(
        site("PS1"),
        "PS1/16777301",
        [
            IdentityKey::new(KeyKind::SmsClientId, client).unwrap(),
            IdentityKey::new(KeyKind::EntraDeviceId, directory_id).unwrap(),
            serial.clone(),
        ],
    );
    let name = |record: &RecordIdentity| (record.source().clone(), record.key().to_owned());
    let expected = BTreeSet::from([
        BTreeSet::from([name(&laptop), name(&site)]),
        BTreeSet::from([name(&desktop)]),
        BTreeSet::from([name(&twin)]),
    ]);
    for order in [[&laptop, &desktop, &twin, &site], [&site, &twin, &laptop, &desktop]] {
        let registry = Registry::with(&order.map(Clone::clone));
        assert_eq!((registry.groups(), registry.conflicts().len()), (expected.clone(), 2));
        assert_eq!(registry.device_of(&laptop), registry.device_of(&site));
    }
}
