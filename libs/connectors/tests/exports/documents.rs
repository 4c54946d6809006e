//! What an operator writes.

use tandem_connectors::AsOf;
use tandem_domain::policy::CoManagementPolicy;
use tandem_domain::site::SiteFacts;
use tandem_domain::tenant::{EntraPlan, TenantFacts};

use super::*;

#[test]
fn tenant_facts_and_policy_are_handed_on_whole() {
    let tenant =
        "as_of = 2026-11-20\n[tenant]\nentra_plan = \"p2\"\n[[sites]]\nhierarchy = \"H1\"\nsite = \"PS1\"\n";
    let policy = r#"{"name":"tenants/x/hierarchies/H1/coManagementPolicy","enabled":true}"#;
    let (items, _) = read(&[("policy.json", policy), ("deep/er/tenant.toml", tenant)]);
    let expected = [
        Item::TenantFile {
            facts: TenantFacts { entra_plan: Some(EntraPlan::P2), ..TenantFacts::default() },
            as_of: Some(AsOf::Day("2026-11-20".parse().unwrap())),
            sites: vec![(hierarchy("H1"), SiteFacts::unknown(site("PS1")))],
        },
        Item::Policy {
            hierarchy: hierarchy("H1"),
            policy: CoManagementPolicy { enabled: Some(true), ..CoManagementPolicy::default() },
        },
    ];
    assert_eq!(items, expected);
}

#[test]
fn known_documents_of_no_use_are_named() {
    let files = [
        ("a.json", r#"{"error":{"code":"TooManyRequests"}}"#.to_owned()),
        ("b.json", r#"{"value":{"inventoryCount":1,"totalComanagedCount":1}}"#.to_owned()),
        ("c.json", graph("beta", "deviceManagement/comanagementEligibleDevices", r#"{"id":"a"}"#)),
        ("d.json", graph("beta", "deviceManagement/deviceEnrollmentConfigurations", "")),
        ("e.json", r#"{"value":{"eligibleCount":1,"scheduledForEnrollmentCount":1}}"#.to_owned()),
        ("f.json", wmi("ResourceCollectionMembership(Collection,Collection())", r#"{"Collection":null}"#)),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let (items, summary) = read(&files);
    let unused: Vec<(&str, &str)> = summary.unused.iter().map(|u| (u.file.as_str(), u.kind.id())).collect();
    let expected = [
        ("a.json", "error"),
        ("b.json", "graph.comanaged_devices_summary"),
        ("c.json", "graph.comanagement_eligible_devices"),
        ("d.json", "graph.comanagement_settings_policies"),
        ("e.json", "graph.comanagement_eligible_devices_summary"),
        ("f.json", "adminservice.device_collections"),
    ];
    assert_eq!((items, unused), (vec![], expected.to_vec()));
    assert_eq!(summary.refused.total(), 0);
}
