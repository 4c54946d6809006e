//! Domain to message, over the wire, and back: nothing is lost.

use jiff::Timestamp;
use proptest::prelude::*;
use prost::Message;
use tandem_domain::facts::DeviceFacts;
use tandem_domain::identity::{IdentityKey, KeyKind};
use tandem_domain::policy::CoManagementPolicy;
use tandem_domain::site::SiteFacts;
use tandem_domain::tenant::TenantFacts;

use super::draw::any_value;
use crate::convert::section::Report;
use crate::convert::{facts, key, policy, section, site, tenant, time};

fn over_the_wire<M: Message + Default>(message: &M) -> M {
    M::decode(message.encode_to_vec().as_slice()).unwrap()
}

proptest! {
    #[test]
    fn device_facts_come_back_whole(device in any_value::<DeviceFacts>()) {
        let message = over_the_wire(&facts::to_proto(&device, |_| false));
        prop_assert_eq!(facts::from_proto(message), Ok(device));
    }

    #[test]
    fn report_comes_back_whole(report in any_value::<Report>()) {
        let source = match &report {
            Report::Said { section, .. } => section.source.clone(),
            Report::Removed(removal) => removal.source.clone(),
        };
        let message = over_the_wire(&section::to_proto(&report));
        prop_assert_eq!(section::from_proto(message, &source), Ok(report));
    }

    #[test]
    fn tenant_facts_come_back_whole(facts in any_value::<TenantFacts>()) {
        let message = over_the_wire(&tenant::to_proto(&facts));
        prop_assert_eq!(tenant::from_proto(message), Ok(facts));
    }

    #[test]
    fn site_facts_come_back_whole(facts in any_value::<SiteFacts>()) {
        let message = over_the_wire(&site::to_proto(&facts));
        prop_assert_eq!(site::from_proto(message, facts.site.clone()), Ok(facts));
    }

    #[test]
    fn policy_comes_back_whole(policy in any_value::<CoManagementPolicy>()) {
        let message = over_the_wire(&policy::to_proto(&policy));
        prop_assert_eq!(message.workloads.len(), 7);
        prop_assert_eq!(policy::from_proto(message), Ok(policy));
    }

    #[test]
    fn time_comes_back_to_the_nanosecond(time in any_value::<Timestamp>()) {
        let message = time::to_proto(time);
        prop_assert!((0..1_000_000_000).contains(&message.nanos));
        prop_assert_eq!(time::from_proto("at", message), Ok(time));
    }
}

#[test]
fn time_before_1970_counts_its_nanoseconds_forward() {
    let time: Timestamp = "1969-12-31T23:59:58.25Z".parse().unwrap();
    assert_eq!(time::to_proto(time), prost_types::Timestamp { seconds: -2, nanos: 250_000_000 });
}

#[test]
fn key_of_every_kind_comes_back_in_its_one_spelling() {
    let guid = "8C2A1B3D-0000-4000-8000-00000000ABCD";
    for kind in KeyKind::ALL {
        let key = IdentityKey::new(kind, guid).unwrap();
        assert_eq!(key::from_proto(&key::to_proto(&key)), Ok(key));
    }
}

#[test]
fn stamp_says_whether_its_time_was_clamped() {
    let stamp = tandem_domain::facts::SectionStamp {
        source: "configmgr/PS1".parse().unwrap(),
        kind: tandem_domain::section::SectionKind::Discovery,
        key: "PS1/16777220".into(),
        observed_at: Timestamp::UNIX_EPOCH,
    };
    let device = DeviceFacts { sections: vec![stamp.clone(), stamp], ..DeviceFacts::default() };
    let message = facts::to_proto(&device, |index| index == 1);
    assert_eq!(message.sections.iter().map(|s| s.clamped).collect::<Vec<_>>(), [false, true]);
}
