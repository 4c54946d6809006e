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
        ("b.json", "graph.comanaged_devices_summary"),
        ("c.json", "graph.comanagement_eligible_devices"),
        ("d.json", "graph.comanagement_settings_policies"),
        ("e.json", "graph.comanagement_eligible_devices_summary"),
        ("f.json", "adminservice.device_collections"),
    ];
    assert_eq!((items, unused), (vec![], expected.to_vec()));
    assert_eq!(summary.refused.total(), 0);
}

#[test]
fn error_that_the_api_answered_is_refused_by_its_code() {
    let (items, summary) = read(&[
        ("a.json", r#"{"error":{"code":"TooManyRequests","message":"Please retry again later."}}"#),
        ("b.json", r#"{"error":{}}"#),
    ]);
    let found: Vec<(&str, &str, &str)> = summary
        .refused
        .lines()
        .iter()
        .map(|line| (line.file.as_str(), line.place.as_str(), line.reason.as_str()))
        .collect();
    let coded =
        "expected a page of records, found an error that the API answered (TooManyRequests); export it again";
    let plain = "expected a page of records, found an error that the API answered; export it again";
    assert_eq!((items, found), (vec![], vec![("a.json", "error", coded), ("b.json", "error", plain)]));
}

#[test]
fn answer_whose_last_page_is_not_there_is_told() {
    let page = |next: &str| {
        let page = graph(
            "beta",
            "deviceManagement/managedDevices",
            r#"{"id":"00000000-0000-4000-8000-000000000001"}"#,
        );
        format!("{}{next}}}", page.trim_end().strip_suffix('}').unwrap())
    };
    let next = r#","@odata.nextLink":"https://example.com/next""#;
    let warned = |files: &[(&str, &str)]| {
        let (_, summary) = read(files);
        summary
            .warnings
            .lines()
            .iter()
            .map(|line| (line.file.clone(), line.place.clone()))
            .collect::<Vec<_>>()
    };
    let (goes_on, ends) = (page(next), page(""));
    let missing = ("b.json".to_owned(), "@odata.nextLink".to_owned());
    assert_eq!(warned(&[("a.json", &goes_on), ("b.json", &goes_on)]), [missing]);
    assert_eq!(warned(&[("a.json", &goes_on), ("b.json", &ends)]), []);
}
