//! What decided a rule is named, with who said it.

use super::cases::{World, good_policy, good_site, good_tenant, said, word};
use crate::facts::JoinType;
use crate::prerequisites::{
    DeviceRule, Evidence, SiteRule, TenantRule, Witness, device_evidence, rule, surroundings_evidence,
};

/// Facts that nobody tells as one value: they follow from many, or are told of people.
const NOT_ONE_VALUE: [&str; 2] = ["device.collections", "user.intune_license"];

/// Facts that a good world has no use for.
const NOT_IN_A_GOOD_WORLD: [&str; 2] = ["site.auto_enroll_collection", "device.client_version"];

fn unsaid(evidence: Vec<Evidence>) -> Vec<&'static str> {
    let unsaid = evidence.into_iter().filter(|evidence| evidence.said.is_none());
    unsaid
        .map(|evidence| evidence.fact)
        .filter(|fact| !NOT_ONE_VALUE.contains(fact) && !NOT_IN_A_GOOD_WORLD.contains(fact))
        .collect()
}

#[test]
fn every_fact_that_is_said_in_a_good_world_is_evidence() {
    let world = World::good();
    for rule in DeviceRule::ALL {
        let evidence = device_evidence(rule.rule(), &world.device, &world.surroundings());
        assert_eq!(unsaid(evidence), [""; 0], "{}", rule.id());
    }
    let (tenant, site, policy) = (good_tenant(), good_site(), good_policy());
    let rules = TenantRule::ALL.iter().map(|rule| rule.rule());
    for rule in rules.chain(SiteRule::ALL.iter().map(|rule| rule.rule())) {
        let evidence = surroundings_evidence(rule, &tenant, Some(&site), Some(&policy));
        assert_eq!(unsaid(evidence), [""; 0], "{}", rule.id);
    }
}

#[test]
fn evidence_names_value_source_and_age() {
    let mut world = World::good();
    world.device.join_type = said(JoinType::HybridJoined);
    world.device.client_health_flags = None;
    let of = |id| device_evidence(rule(id).unwrap(), &world.device, &world.surroundings());
    let evidence = |fact, said: Option<(&str, Witness)>, days: Option<i64>| Evidence {
        fact,
        said: said.map(|(text, witness)| (text.to_owned(), witness)),
        maximum_age: days.map(|days| jiff::SignedDuration::from_hours(24 * days)),
    };
    assert_eq!(
        of("entra.joined"),
        [evidence("device.join_type", Some(("hybridAzureADJoined", Witness::Section(0))), None)]
    );
    assert_eq!(
        of("cm.client_healthy"),
        [
            evidence("device.client_health_flags", None, None),
            evidence(
                "device.client_health_sync",
                Some(("2026-11-19T12:00:00Z", Witness::Section(0))),
                Some(30)
            ),
        ]
    );
    let site = surroundings_evidence(rule("cm.azure_cloud_limits").unwrap(), &world.tenant, None, None);
    assert_eq!(site.len(), 3, "nobody attested it");
    assert_eq!(
        of("autopilot.single_policy_provider"),
        [evidence(
            "attestation",
            Some((
                "attested by erin@example.com at 2026-10-01T09:00:00Z, counts until 2027-10-01T00:00:00Z",
                Witness::Operator
            )),
            None
        )]
    );
    world.device.client_health_flags = said(19);
    let health = device_evidence(rule("cm.client_healthy").unwrap(), &world.device, &world.surroundings());
    assert_eq!(health[1].maximum_age, Some(jiff::SignedDuration::from_hours(48)));
    world.device.model = word("");
    assert_eq!(
        device_evidence(rule("autopatch.device_facts").unwrap(), &world.device, &world.surroundings())[1],
        evidence(
            "device.serial_model_manufacturer_present",
            Some((r#"serial number "5CG1234ABC", model "", manufacturer "HP""#, Witness::Derived)),
            None
        )
    );
}
