//! Which record speaks, and that the order of the arguments never matters.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::facts::{DeviceFacts, Fact};
use crate::id::CollectionId;
use crate::merge::{RecordMemberships, hierarchy_conflict, merge};
use crate::section::Memberships;

fn installed_since(hierarchy: &str, client: Option<bool>, last_policy: &str) -> Vec<Section> {
    let key = format!("{hierarchy}/1");
    vec![
        section(
            site(hierarchy),
            &key,
            SectionBody::Discovery(Discovery {
                name: text(hierarchy),
                client,
                // Active Directory discovery of every forest ran tonight: no sign of the client.
                last_discovered: Some(at("2026-11-20T23:00:00Z")),
                ..Discovery::default()
            }),
        ),
        section(
            site(hierarchy),
            &key,
            SectionBody::Device(ConsoleDevice {
                last_policy_request: Some(at(last_policy)),
                last_ddr: Some(at("2026-01-01T00:00:00Z")),
                ..ConsoleDevice::default()
            }),
        ),
    ]
}

fn hierarchies(facts: &DeviceFacts) -> (String, Vec<String>, String) {
    (
        facts.hierarchy.as_ref().unwrap().to_string(),
        facts.other_hierarchies.iter().map(ToString::to_string).collect(),
        facts.name.as_ref().unwrap().value.clone(),
    )
}

fn owned(managing: &str, others: &[&str]) -> (String, Vec<String>, String) {
    (managing.to_owned(), others.iter().map(|&h| h.to_owned()).collect(), managing.to_owned())
}

#[test]
fn managing_hierarchy_of_two_clients_is_the_one_in_contact_last() {
    let sections = [
        installed_since("AAA", Some(true), "2026-10-01T00:00:00Z"),
        installed_since("BBB", Some(true), "2026-11-20T00:00:00Z"),
        installed_since("CCC", Some(true), "2026-11-01T00:00:00Z"),
    ]
    .concat();
    assert_eq!(hierarchies(&merge(&sections, &[])), owned("BBB", &["AAA", "CCC"]));
}

#[test]
fn managing_hierarchy_without_the_client_yields_to_an_older_contact_with_it() {
    let sections = [
        installed_since("AAA", Some(true), "2026-10-01T00:00:00Z"),
        installed_since("BBB", None, "2026-11-20T00:00:00Z"),
    ]
    .concat();
    assert_eq!(hierarchies(&merge(&sections, &[])), owned("AAA", &["BBB"]));
}

#[test]
fn managing_hierarchy_of_equal_contacts_is_the_first_by_id() {
    let sections = [
        installed_since("BBB", Some(true), "2026-11-20T00:00:00Z"),
        installed_since("AAA", Some(true), "2026-11-20T00:00:00Z"),
    ]
    .concat();
    assert_eq!(hierarchies(&merge(&sections, &[])), owned("AAA", &["BBB"]));
}

#[test]
fn managing_hierarchy_of_discovery_only_is_the_one_discovered_last() {
    let found = |hierarchy: &str, when: &str| {
        section(
            site(hierarchy),
            "PS1/1",
            SectionBody::Discovery(Discovery {
                name: text(hierarchy),
                client: Some(true),
                last_discovered: Some(at(when)),
                ..Discovery::default()
            }),
        )
    };
    let sections = [found("AAA", "2026-11-01T00:00:00Z"), found("BBB", "2026-11-02T00:00:00Z")];
    let facts = merge(&sections, &[]);
    assert_eq!(hierarchies(&facts), owned("BBB", &["AAA"]));
    assert_eq!(facts.last_site_contact, Some(Fact::new(at("2026-11-02T00:00:00Z"), 1)));
}

#[test]
fn site_facts_of_another_hierarchy_are_not_mixed_in() {
    let mut sections = installed_since("AAA", Some(true), "2026-11-20T00:00:00Z");
    sections.push(section(
        site("BBB"),
        "BBB/1",
        SectionBody::CoManagementState(CoManagementState {
            mdm_enrolled: Some(true),
            policy_present: Some(true),
            ..CoManagementState::default()
        }),
    ));
    let (aaa, bbb) = (hierarchy("AAA"), hierarchy("BBB"));
    let [ours, theirs] =
        ["AAA00001", "BBB00001"].map(|id| Memberships(vec![CollectionId::parse(id).unwrap()]));
    let memberships = [
        RecordMemberships { hierarchy: &bbb, key: "BBB/1", collections: &theirs },
        RecordMemberships { hierarchy: &aaa, key: "AAA/2", collections: &theirs },
        RecordMemberships { hierarchy: &aaa, key: "AAA/1", collections: &ours },
    ];
    let facts = merge(&sections, &memberships);
    assert_eq!((facts.mdm_enrolled, facts.policy_present), (None, None));
    assert_eq!(facts.collections, ours.0);
}

#[test]
fn several_records_of_one_source_let_the_newest_observed_speak_then_the_first_key() {
    let named = |key: &str, when: &str| Section {
        observed_at: at(when),
        ..section(
            Source::Intune,
            key,
            SectionBody::ManagedDeviceBeta(ManagedDevice {
                device_name: text(key),
                ..ManagedDevice::default()
            }),
        )
    };
    let (old, new) = ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
    let name = |sections: &[Section]| merge(sections, &[]).name.unwrap().value;
    assert_eq!(name(&[named("a", old), named("b", new)]), "b");
    assert_eq!(name(&[named("b", new), named("a", new)]), "a");
    // The same record read twice: only the newer reading takes part.
    let facts = merge(&[named("a", old), named("a", new)], &[]);
    assert_eq!(facts.sections.iter().map(|s| s.observed_at).collect::<Vec<_>>(), [at(new)]);
}

#[test]
fn sections_beyond_the_index_range_are_cut_and_clouds_stay() {
    let mut sections: Vec<_> = (0..400)
        .map(|n| section(site(&format!("H{n:03}")), "PS1/1", SectionBody::Discovery(Discovery::default())))
        .collect();
    sections.push(beta(ManagedDevice { model: text("Latitude 5450"), ..ManagedDevice::default() }));
    let facts = merge(&sections, &[]);
    assert_eq!(facts.sections.len(), 256);
    assert_eq!(facts.model, Some(Fact::new("Latitude 5450".to_owned(), 0)));
}

fn any_body() -> impl Strategy<Value = (Source, SectionBody)> {
    let stamp = || select(vec![None, Some(at("2026-11-01T00:00:00Z")), Some(at("2026-11-02T00:00:00Z"))]);
    let name = || select(vec![None, text("A"), text("B")]);
    let flag = || select(vec![None, Some(false), Some(true)]);
    let hierarchy = || select(vec![site("AAA"), site("BBB")]);
    let agent = select(vec![None, text("mdm"), text("configurationManagerClientMdm"), text("unknown")]);
    prop_oneof![
        (hierarchy(), name(), flag(), stamp()).prop_map(|(source, name, client, last_discovered)| {
            (
                source,
                SectionBody::Discovery(Discovery { name, client, last_discovered, ..Discovery::default() }),
            )
        }),
        (hierarchy(), name(), flag(), stamp(), any::<bool>()).prop_map(
            |(source, name, is_client, seen, new)| {
                let device = ConsoleDevice { name, is_client, last_active: seen, ..ConsoleDevice::default() };
                let body =
                    if new { SectionBody::Device(device) } else { SectionBody::CombinedDevice(device) };
                (source, body)
            }
        ),
        (hierarchy(), flag(), flag()).prop_map(|(source, mdm_enrolled, hybrid_joined)| {
            let row = CoManagementState { mdm_enrolled, hybrid_joined, ..CoManagementState::default() };
            (source, SectionBody::CoManagementState(row))
        }),
        (name(), agent, any::<bool>()).prop_map(|(device_name, management_agent, is_beta)| {
            let device = ManagedDevice { device_name, management_agent, ..ManagedDevice::default() };
            let body = if is_beta {
                SectionBody::ManagedDeviceBeta(device)
            } else {
                SectionBody::ManagedDeviceV1(device)
            };
            (Source::Intune, body)
        }),
        name().prop_map(|display_name| {
            let device = DirectoryDevice { display_name, ..DirectoryDevice::default() };
            (Source::Entra, SectionBody::DirectoryDevice(device))
        }),
        name().prop_map(|os_edition| {
            (Source::Probe, SectionBody::Probe(Probe { os_edition, ..Probe::default() }))
        }),
    ]
}

fn any_sections() -> impl Strategy<Value = Vec<Section>> {
    let when = select(vec![at("2026-11-03T00:00:00Z"), at("2026-11-04T00:00:00Z")]);
    let any_section =
        (any_body(), select(vec!["k1", "k2"]), when).prop_map(|((source, body), key, observed_at)| Section {
            source,
            key: key.to_owned(),
            observed_at,
            body,
        });
    proptest::collection::vec(any_section, 0..12)
}

proptest! {
    #[test]
    fn merge_does_not_depend_on_the_order_of_sections(
        (sections, shuffled) in any_sections().prop_flat_map(|sections| {
            (Just(sections.clone()), Just(sections).prop_shuffle())
        })
    ) {
        prop_assert_eq!(merge(&sections, &[]), merge(&shuffled, &[]));
    }

    #[test]
    fn conflict_of_hierarchies_names_those_that_the_merge_found(sections in any_sections()) {
        let facts = merge(&sections, &[]);
        match hierarchy_conflict(&sections) {
            None => prop_assert!(facts.other_hierarchies.is_empty()),
            Some(conflict) => {
                let others: Vec<_> = conflict.others.into_iter().map(|claim| claim.hierarchy).collect();
                prop_assert_eq!(facts.hierarchy, Some(conflict.decides.hierarchy));
                prop_assert_eq!(facts.other_hierarchies, others);
                prop_assert_eq!(facts.last_site_contact.map(|fact| fact.value), conflict.decides.last_contact);
            }
        }
    }

    #[test]
    fn merge_of_its_input_twice_changes_nothing(sections in any_sections()) {
        prop_assert_eq!(merge(&sections, &[]), merge(&[sections.clone(), sections].concat(), &[]));
    }
}
