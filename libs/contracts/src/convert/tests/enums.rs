//! Every word of every table, both ways, against the contract's own names.

use std::collections::BTreeSet;
use std::fmt::Debug;

use prost_reflect::DescriptorPool;
use tandem_domain::{authority, facts, identity, policy, section, site, state, tenant, workload};

use crate::DESCRIPTOR_SET;
use crate::convert::{Enumerated, Violation, enum_optional, enum_required, number, number_or_unspecified};

fn pool() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTOR_SET).unwrap()
}

/// Walks the numbers that the contract lists: each is a word of the domain, of the same name, that gives the number back.
fn check<E: Enumerated + Debug + Eq>(name: &str, count: usize) {
    let descriptor = pool().get_enum_by_name(&format!("tandem.type.v1.{name}")).unwrap();
    let mut words = BTreeSet::new();
    for value in descriptor.values() {
        let word: Option<E> = enum_optional("word", value.number()).unwrap();
        if value.number() == 0 {
            assert!(value.name().ends_with("_UNSPECIFIED"), "{}", value.name());
            assert_eq!((word, number_or_unspecified::<E>(None)), (None, 0));
            continue;
        }
        let word = word.unwrap();
        assert_eq!(number(word), value.number());
        let spelled = format!("{word:?}").to_uppercase();
        let suffix = value.name().replace('_', "");
        assert!(suffix.ends_with(&spelled), "{suffix} should end with {spelled}");
        words.insert(spelled);
    }
    assert_eq!(words.len(), count, "{name}");
}

#[test]
fn every_number_of_every_enumeration_is_a_word_of_the_domain_and_back() {
    check::<workload::Workload>("Workload", workload::Workload::ALL.len());
    check::<workload::ManagementAuthority>("ManagementAuthority", 5);
    check::<workload::SliderPosition>("SliderPosition", 3);
    check::<authority::Reason>("AuthorityReason", authority::Reason::ALL.len());
    check::<state::ManagementState>("ManagementState", state::ManagementState::ALL.len());
    check::<facts::JoinType>("JoinType", 4);
    check::<facts::OsKind>("OsKind", 3);
    check::<facts::Owner>("Owner", 2);
    check::<facts::MdmProvider>("MdmProvider", 3);
    check::<section::SectionKind>("SectionKind", 8);
    check::<identity::KeyKind>("KeyKind", identity::KeyKind::ALL.len());
    check::<tenant::EntraPlan>("EntraPlan", 3);
    check::<tenant::MdmAuthority>("MdmAuthority", 3);
    check::<tenant::SubscriptionState>("SubscriptionState", 7);
    check::<tenant::UserScope>("UserScope", 3);
    check::<tenant::Cloud>("Cloud", 3);
    check::<tenant::HybridIdentityMethod>("HybridIdentityMethod", 4);
    check::<site::ClientAuth>("ClientAuth", 3);
    check::<policy::AutoEnrollment>("AutoEnrollmentMode", 3);
}

#[test]
fn unspecified_and_unknown_numbers_are_violations_where_a_word_is_needed() {
    assert_eq!(
        enum_required::<workload::Workload>("workload", 0),
        Err(Violation::new("workload", "must be a value of the enumeration; found unspecified"))
    );
    assert_eq!(
        enum_optional::<workload::Workload>("workload", 8),
        Err(Violation::new("workload", "must be a value of the enumeration; found the unknown number 8"))
    );
}

#[test]
fn every_field_of_device_facts_is_converted_under_its_number() {
    // What has no origin: sections, origins, hierarchy, other hierarchies, collections; and the cloud's half of a conflict.
    const APART: [u32; 6] = [1, 2, 4, 5, 7, 20];
    let descriptor = pool().get_message_by_name("tandem.type.v1.DeviceFacts").unwrap();
    let contract: BTreeSet<(u32, String)> = descriptor
        .fields()
        .filter(|field| !APART.contains(&field.number()))
        .map(|field| (field.number(), field.name().to_owned()))
        .collect();
    let converted: BTreeSet<(u32, String)> =
        crate::convert::facts::FIELDS.iter().map(|(number, name)| (*number, (*name).to_owned())).collect();
    assert_eq!(converted, contract);
    assert_eq!(descriptor.get_field(20).unwrap().name(), "mdm_enrolled_cloud");
}
