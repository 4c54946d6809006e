use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const FACTS: &str = include_str!("../../data/workloads.toml");

fn moved(workloads: &[Workload]) -> PerWorkload<bool> {
    PerWorkload::from_fn(|w| workloads.contains(&w))
}

/// Numbers found under `key` in every table of the array `array` of the fact file.
fn fact_numbers(array: &str, key: &str) -> BTreeSet<u32> {
    let facts: toml::Table = toml::from_str(FACTS).unwrap();
    facts[array]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t[key].as_integer().unwrap().try_into().unwrap())
        .collect()
}

#[test]
fn text_in_decimal_or_hex_reads_as_the_number() {
    for (text, expected) in
        [("8193", 8193), (" 67 \n", 67), ("0", 0), ("0x20FF", 8447), ("0X1", 1), ("4294967295", u32::MAX)]
    {
        assert_eq!(CapabilityValue::parse(text), Ok(CapabilityValue(expected)), "{text:?}");
    }
}

#[test]
fn text_that_is_no_number_is_an_error_that_carries_it() {
    for text in ["", "  ", "NULL", "-1", "+1", "0x", "0x+1", "12.5", "0xZZ", "4294967296"] {
        let error = CapabilityValue::parse(text).unwrap_err();
        assert_eq!(error, InvalidCapability { text: text.to_owned() });
    }
}

#[test]
fn bits_are_those_of_the_fact_pack() {
    let facts: toml::Table = toml::from_str(FACTS).unwrap();
    let by_workload: Vec<(String, i64)> = facts["capability_bit"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| (t["workload"].as_str().unwrap().to_owned(), t["value"].as_integer().unwrap()))
        .filter(|(workload, value)| !workload.is_empty() && *value != 4096)
        .collect();
    let mut ours: Vec<(String, i64)> =
        Workload::ALL.into_iter().map(|w| (w.id().to_owned(), i64::from(bit(w)))).collect();
    ours.sort_by_key(|(_, value)| *value);
    assert_eq!(ours, by_workload);
    let all = fact_numbers("capability_bit", "value").into_iter().fold(0, |sum, value| sum | value);
    assert_eq!(known_bits(), all);
}

/// Every combination of the ten known bits: workloads by their bit alone, encryption by the three bits that speak of it.
#[test]
fn every_combination_of_known_bits_decodes_by_bits_and_encodes_back() {
    let masks: Vec<u32> = fact_numbers("capability_bit", "value").into_iter().collect();
    assert_eq!(masks.len(), 10);
    for combination in 0_u32..1 << masks.len() {
        let value = masks
            .iter()
            .enumerate()
            .fold(0, |v, (i, mask)| if combination >> i & 1 == 1 { v | mask } else { v });
        let encryption = match (value & 8192 != 0, value & 4096 != 0, value & 32 != 0) {
            (_, true, _) | (false, false, true) => Encryption::Moved,
            (true, false, true) => Encryption::Unknown,
            (_, false, false) => Encryption::NotMoved,
        };
        let expected = Capabilities {
            layout: if value < 256 { Layout::Legacy } else { Layout::Current },
            policy_present: value % 2 == 1,
            moved: PerWorkload::from_fn(|w| value & bit(w) != 0),
            encryption,
            split_marker: value >= 8192,
            unknown_bits: 0,
        };
        let decoded = CapabilityValue(value).decode();
        assert_eq!(decoded, expected, "{value}");
        assert_eq!(decoded.encode(), CapabilityValue(value));
    }
}

/// The known values with what each means, worked out by hand from the fact pack's sentences.
fn known_values() -> Vec<(u32, Capabilities)> {
    use Workload::{
        ClientApps, CompliancePolicies, EndpointProtection, OfficeClickToRunApps, WindowsUpdatePolicies,
    };
    let none = moved(&[]);
    let all = moved(&Workload::ALL);
    let legacy = |moved| Capabilities::of(Layout::Legacy, moved);
    vec![
        (1, legacy(none)),
        (67, legacy(moved(&[CompliancePolicies, ClientApps]))),
        (49, legacy(moved(&[WindowsUpdatePolicies, EndpointProtection]))),
        (145, legacy(moved(&[WindowsUpdatePolicies, OfficeClickToRunApps]))),
        (255, legacy(all)),
        // A mask in a log line: 255 and four bits of which nothing is known.
        (4095, Capabilities { unknown_bits: 0xF00, ..legacy(all) }),
        (8193, Capabilities::of(Layout::Current, none)),
        (12543, Capabilities::of(Layout::Current, all)),
        (
            4128,
            Capabilities {
                layout: Layout::Current,
                policy_present: false,
                moved: moved(&[EndpointProtection]),
                encryption: Encryption::Moved,
                split_marker: false,
                unknown_bits: 0,
            },
        ),
    ]
}

#[test]
fn known_values_mean_what_the_fact_pack_says() {
    let known = known_values();
    for (value, expected) in &known {
        assert_eq!(CapabilityValue(*value).decode(), *expected, "{value}");
        assert_eq!(expected.encode(), CapabilityValue(*value));
    }
    let covered: BTreeSet<u32> = known.into_iter().map(|(value, _)| value).collect();
    assert_eq!(covered, fact_numbers("capability_known_value", "value"));
}

#[test]
fn encryption_bit_alone_says_nothing_about_endpoint_protection() {
    let capabilities = CapabilityValue(8192 + 4096 + 1).decode();
    let expected = PerWorkload::from_fn(|w| (w != Workload::EndpointProtection).then_some(false));
    assert_eq!(capabilities.reported(), expected);
}

#[test]
fn endpoint_protection_without_encryption_bit_on_newer_value_leaves_encryption_unknown() {
    let capabilities = CapabilityValue(8192 + 32 + 1).decode();
    assert_eq!(capabilities.encryption, Encryption::Unknown);
    assert_eq!(capabilities.reported()[Workload::EndpointProtection], Some(true));
}

#[test]
fn split_marker_alone_moves_nothing() {
    let expected = PerWorkload::from_fn(|_| Some(false));
    assert_eq!(CapabilityValue(8192).decode().reported(), expected);
}

#[test]
fn graph_v1_flags_leave_endpoint_protection_and_office_open() {
    let features = ClientFeatures {
        inventory: Some(true),
        compliance_policy: Some(true),
        device_configuration: Some(false),
        modern_apps: Some(true),
        resource_access: Some(false),
        windows_update_for_business: Some(false),
        endpoint_protection: None,
        office_apps: None,
    };
    let expected = PerWorkload::from_fn(|w| match w {
        Workload::CompliancePolicies | Workload::ClientApps => Some(true),
        Workload::EndpointProtection | Workload::OfficeClickToRunApps => None,
        _ => Some(false),
    });
    assert_eq!(reported_by_features(&features), expected);
}

#[test]
fn graph_beta_flags_reach_the_two_that_v1_lacks() {
    let features =
        ClientFeatures { endpoint_protection: Some(true), office_apps: Some(false), ..Default::default() };
    let expected = PerWorkload::from_fn(|w| match w {
        Workload::EndpointProtection => Some(true),
        Workload::OfficeClickToRunApps => Some(false),
        _ => None,
    });
    assert_eq!(reported_by_features(&features), expected);
}

proptest! {
    #[test]
    fn any_value_survives_decode_and_encode(value: u32) {
        prop_assert_eq!(CapabilityValue(value).decode().encode(), CapabilityValue(value));
    }

    #[test]
    fn any_value_survives_text(value: u32) {
        prop_assert_eq!(CapabilityValue::parse(&CapabilityValue(value).to_string()), Ok(CapabilityValue(value)));
        prop_assert_eq!(CapabilityValue::parse(&format!("{value:#X}").replace("0X", "0x")), Ok(CapabilityValue(value)));
    }
}
