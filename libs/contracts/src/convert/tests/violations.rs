//! Broken messages: every violation is reported, with the path of its field.

use tandem_domain::facts::{DeviceFacts, Fact};
use tandem_domain::id::SiteCode;
use tandem_domain::policy::CoManagementPolicy;
use tandem_domain::section::{Discovery, ManagedDevice, Section, SectionBody, Source};
use tandem_domain::tenant::TenantFacts;
use tandem_domain::workload::{SliderPosition, Workload};

use crate::convert::section::Report;
use crate::convert::{Violation, facts, key, number, policy, section, site, tenant};
use crate::r#type::v1;

fn paths<T: std::fmt::Debug>(outcome: Result<T, Vec<Violation>>) -> Vec<String> {
    outcome.unwrap_err().into_iter().map(|violation| violation.field).collect()
}

fn at(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

#[test]
fn section_without_anything_names_all_that_is_missing() {
    assert_eq!(
        section::from_proto(v1::Section::default(), &Source::Intune),
        Err(vec![
            Violation::new("key", "must be the source's key of the record; found nothing"),
            Violation::new("observed_at", "must be set; found nothing"),
            Violation::new("body", "must be set; found nothing, or a body that this release does not know"),
        ])
    );
}

#[test]
fn fields_inside_a_body_are_named_with_their_path() {
    let message = v1::Section {
        key: "k".repeat(257),
        observed_at: at(i64::MAX),
        sequence: 0,
        body: Some(v1::section::Body::CombinedDevice(v1::ConsoleDevice {
            site_code: Some("PS10".into()),
            last_ddr: Some(prost_types::Timestamp { seconds: 0, nanos: -1 }),
            ..v1::ConsoleDevice::default()
        })),
    };
    assert_eq!(
        paths(section::from_proto(message, &Source::Intune)),
        ["key", "observed_at", "combined_device.site_code", "combined_device.last_ddr"]
    );
}

#[test]
fn empty_text_and_the_years_of_never_are_not_said() {
    let message = v1::Section {
        key: "id".into(),
        observed_at: at(0),
        sequence: 3,
        body: Some(v1::section::Body::ManagedDeviceBeta(v1::ManagedDevice {
            device_name: Some(String::new()),
            last_sync: at(-62_135_596_800),
            // 1900-02-01T00:00:00Z.
            client_health_sync: at(-2_206_310_400),
            ..v1::ManagedDevice::default()
        })),
    };
    let Ok(Report::Said { section, sequence }) = section::from_proto(message, &Source::Intune) else {
        unreachable!("the message is whole");
    };
    assert_eq!((section.body, sequence), (SectionBody::ManagedDeviceBeta(ManagedDevice::default()), 3));
}

#[test]
fn empty_text_that_answers_a_question_is_kept() {
    let body = |distinguished_name: Option<&str>| {
        let discovery =
            Discovery { distinguished_name: distinguished_name.map(str::to_owned), ..Discovery::default() };
        SectionBody::Discovery(discovery)
    };
    for said in [body(None), body(Some("")), body(Some("CN=A"))] {
        let section = Section {
            source: Source::ConfigMgr("PS1".parse().unwrap()),
            key: "PS1/1".into(),
            observed_at: jiff::Timestamp::UNIX_EPOCH,
            body: said,
        };
        let report = Report::Said { section, sequence: 1 };
        let source = Source::ConfigMgr("PS1".parse().unwrap());
        assert_eq!(section::from_proto(section::to_proto(&report), &source), Ok(report));
    }
}

#[test]
fn removal_without_a_reason_has_none() {
    let message = v1::Section {
        key: "id".into(),
        observed_at: at(0),
        sequence: 0,
        body: Some(v1::section::Body::Removed(v1::RecordRemoved::default())),
    };
    let Ok(Report::Removed(removal)) = section::from_proto(message, &Source::Entra) else {
        unreachable!("the message is whole");
    };
    assert_eq!((removal.source, removal.reason), (Source::Entra, None));
}

fn stamp() -> v1::SectionStamp {
    v1::SectionStamp {
        source: "intune".into(),
        kind: 5,
        key: "id".into(),
        observed_at: at(0),
        clamped: false,
    }
}

#[test]
fn fact_without_a_section_of_its_own_is_refused() {
    let message = v1::DeviceFacts {
        sections: vec![stamp()],
        origins: vec![v1::FactOrigin { field: 9, section: 1 }],
        client_installed: Some(true),
        client_version: Some("5.00.9141.1011".into()),
        ..v1::DeviceFacts::default()
    };
    assert_eq!(
        facts::from_proto(message),
        Err(vec![
            Violation::new("origins", "must name the section of field 8, client_installed; found none"),
            Violation::new(
                "origins",
                "must name one of 1 sections for field 9, client_version; found index 1"
            ),
        ])
    );
}

#[test]
fn empty_texts_of_the_hardware_are_facts_and_others_are_not_said() {
    let origin = |field| v1::FactOrigin { field, section: 0 };
    let message = v1::DeviceFacts {
        sections: vec![stamp()],
        origins: [16, 34, 35, 36].map(origin).into(),
        os_edition: Some(String::new()),
        serial_number: Some(String::new()),
        manufacturer: Some("Dell Inc.".into()),
        model: Some(String::new()),
        ..v1::DeviceFacts::default()
    };
    let fact = |text: &str| Some(Fact::new(text.to_owned(), 0));
    let expected = DeviceFacts {
        sections: vec![facts::stamp_from_proto(stamp()).unwrap()],
        serial_number: fact(""),
        manufacturer: fact("Dell Inc."),
        model: fact(""),
        ..DeviceFacts::default()
    };
    assert_eq!(facts::from_proto(message), Ok(expected.clone()));
    assert_eq!(facts::from_proto(facts::to_proto(&expected, |_| false)), Ok(expected));
}

#[test]
fn broken_parts_of_device_facts_are_named_with_their_index() {
    let message = v1::DeviceFacts {
        sections: vec![stamp(), v1::SectionStamp { source: "sccm".into(), kind: 99, ..stamp() }],
        hierarchy: "a/b".into(),
        other_hierarchies: vec!["PS1".into(), String::new()],
        collections: vec!["SMS00001".into(), "no id".into()],
        ..v1::DeviceFacts::default()
    };
    assert_eq!(
        paths(facts::from_proto(message)),
        ["sections[1].source", "sections[1].kind", "hierarchy", "other_hierarchies[1]", "collections[1]"]
    );
}

#[test]
fn cloud_half_of_a_conflict_without_the_other_is_refused() {
    let message = v1::DeviceFacts {
        sections: vec![stamp()],
        origins: vec![v1::FactOrigin { field: 20, section: 0 }],
        mdm_enrolled_cloud: Some(true),
        ..v1::DeviceFacts::default()
    };
    assert_eq!(paths(facts::from_proto(message)), ["mdm_enrolled_cloud"]);
}

#[test]
fn origin_of_a_field_of_a_later_release_is_skipped() {
    let message = v1::DeviceFacts {
        sections: vec![stamp()],
        origins: vec![v1::FactOrigin { field: 1000, section: 7 }],
        ..v1::DeviceFacts::default()
    };
    let facts = facts::from_proto(message).unwrap();
    assert_eq!(facts, DeviceFacts { sections: facts.sections.clone(), ..DeviceFacts::default() });
}

#[test]
fn policy_that_says_nothing_is_unknown_with_every_slider_at_its_default() {
    let message = v1::CoManagementPolicy {
        workloads: vec![v1::WorkloadSetting {
            workload: number(Workload::ClientApps),
            ..v1::WorkloadSetting::default()
        }],
        ..v1::CoManagementPolicy::default()
    };
    let policy = policy::from_proto(message).unwrap();
    assert_eq!(policy, CoManagementPolicy::default());
    assert_eq!(policy.workloads[Workload::ClientApps].slider, SliderPosition::ConfigurationManager);
    assert_eq!((policy.enabled, policy.auto_enrollment), (None, None));
}

#[test]
fn second_entry_of_a_workload_is_refused() {
    let entry = |workload: i32| v1::WorkloadSetting { workload, ..v1::WorkloadSetting::default() };
    let message = v1::CoManagementPolicy {
        auto_enrollment: Some(v1::AutoEnrollment { mode: 9, collection: "no id".into() }),
        workloads: vec![entry(1), entry(0), entry(1)],
        ..v1::CoManagementPolicy::default()
    };
    let found = policy::from_proto(message).unwrap_err();
    assert_eq!(
        found.iter().map(|v| v.field.as_str()).collect::<Vec<_>>(),
        [
            "auto_enrollment.mode",
            "auto_enrollment.collection",
            "workloads[1].workload",
            "workloads[2].workload"
        ]
    );
    assert_eq!(
        found[3].description,
        "must name each workload once; found compliance_policies already in workloads[0]"
    );
}

#[test]
fn tenant_entries_are_named_by_their_key() {
    let message = v1::TenantFacts {
        entra_plan: 9,
        authority_texts: [("Intune".into(), 2), ("old".into(), 9), ("odd".into(), 0)].into(),
        attestations: [(
            "t_rule".into(),
            v1::Attestation { by: "b".repeat(257), ..v1::Attestation::default() },
        )]
        .into(),
        ..v1::TenantFacts::default()
    };
    assert_eq!(
        paths(tenant::from_proto(message)),
        [
            "entra_plan",
            "authority_texts[\"old\"]",
            "attestations[\"t_rule\"].by",
            "attestations[\"t_rule\"].at"
        ]
    );
}

#[test]
fn authority_text_listed_as_unknown_is_as_one_not_listed() {
    let message =
        v1::TenantFacts { authority_texts: [("odd".into(), 0)].into(), ..v1::TenantFacts::default() };
    assert_eq!(tenant::from_proto(message), Ok(TenantFacts::default()));
}

#[test]
fn site_fields_are_checked() {
    let message = v1::SiteFacts {
        parent: Some("CAS1".into()),
        ccmsetup_command_line: Some("x".repeat(4097)),
        client_auth: 4,
        ..v1::SiteFacts::default()
    };
    assert_eq!(
        paths(site::from_proto(message, SiteCode::parse("PS1").unwrap())),
        ["parent", "ccmsetup_command_line", "client_auth"]
    );
}

#[test]
fn placeholder_is_no_key() {
    let nil = v1::DeviceKey { kind: 1, value: "00000000-0000-0000-0000-000000000000".into() };
    assert_eq!(paths(key::from_proto(&nil)), ["value"]);
    assert_eq!(paths(key::from_proto(&v1::DeviceKey::default())), ["kind"]);
}

#[test]
fn violation_moves_under_its_parent() {
    assert_eq!(Violation::new("kind", "x").under("keys[1]"), Violation::new("keys[1].kind", "x"));
    assert_eq!(Violation::new("", "x").under("keys[1]"), Violation::new("keys[1]", "x"));
}
