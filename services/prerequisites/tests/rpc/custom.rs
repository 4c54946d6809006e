//! Rules of a tenant's own.

use tandem_contracts::prerequisites::v1::{
    CheckCustomRuleRequest, CheckCustomRuleResponse, ListRuleFactsRequest, RuleDevice, RuleDevices, RuleFact,
    RuleReason,
};
use tandem_contracts::r#type::v1::DeviceFilter;

use crate::fakes::{Inventory, world_token};
use crate::fixture::{TENANT, name_of};
use crate::sandbox::{custom_client, invalid, not_found, refused};

fn request(expression: &str) -> CheckCustomRuleRequest {
    CheckCustomRuleRequest {
        parent: TENANT.into(),
        expression: expression.into(),
        ..CheckCustomRuleRequest::default()
    }
}

fn devices<const N: usize>(named: [(&str, &str); N]) -> Option<RuleDevices> {
    let named = named.map(|(id, name)| RuleDevice { device: name_of(id), display_name: name.to_owned() });
    Some(RuleDevices { devices: N as u64, named: named.into() })
}

#[tokio::test]
async fn rule_is_asked_of_every_device_and_its_outcomes_are_counted() {
    let expression = "has(device.client_health_sync) && !device.mdm_blocked_by_policy
        && 1 / (device.owner == 'personal' ? 0 : 1) == 1";
    let answer = custom_client(Inventory::new()).await.check_custom_rule(request(expression)).await.unwrap();
    let expected = CheckCustomRuleResponse {
        facts: ["client_health_sync", "mdm_blocked_by_policy", "owner"].map(String::from).into(),
        nodes: 18,
        satisfied: devices([]),
        unsatisfied: devices([("d-outdated", "OSL-LT-0099")]),
        unknown: devices([("d-eligible", "OSL-LT-0417"), ("d-unverified", "TOS-LT-0042")]),
        failed: devices([("d-coexisting", "BER-LT-0001")]),
        missing_facts: vec![RuleReason { reason: "device.owner".into(), devices: 2 }],
        failures: vec![RuleReason { reason: "Division by zero of Int(1)".into(), devices: 1 }],
        consistency_token: world_token(),
    };
    assert_eq!(answer.into_inner(), expected);
}

#[tokio::test]
async fn expression_alone_is_checked_where_that_is_asked_for() {
    let asked = CheckCustomRuleRequest { validate_only: true, ..request("device.os_build >= 26100") };
    let answer =
        custom_client(Inventory::breaking_off()).await.check_custom_rule(asked).await.unwrap().into_inner();
    let expected = CheckCustomRuleResponse {
        facts: vec!["os_build".into()],
        nodes: 4,
        ..CheckCustomRuleResponse::default()
    };
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn what_is_no_rule_or_no_fleet_is_refused() {
    let mut client = custom_client(Inventory::new()).await;
    let wrong = request("device.os_build > 'old'");
    assert_eq!(
        refused(client.check_custom_rule(wrong).await),
        invalid("expression", "line 1, column 17: expected operands that `>` takes, found int and string")
    );
    let nobody = CheckCustomRuleRequest { parent: "tenants/fabrikam".into(), ..request("true") };
    assert_eq!(
        refused(client.check_custom_rule(nobody).await),
        not_found("tandem.inventory.v1.Tenant", "tenants/fabrikam")
    );
    let filter = Some(DeviceFilter { hierarchies: vec!["PS2".into()], ..DeviceFilter::default() });
    assert_eq!(
        refused(client.check_custom_rule(CheckCustomRuleRequest { filter, ..request("true") }).await),
        not_found("tandem.inventory.v1.Hierarchy", "tenants/contoso/hierarchies/PS2")
    );
}

#[tokio::test]
async fn facts_are_listed_by_name_with_their_types() {
    let mut client = custom_client(Inventory::new()).await;
    let (mut facts, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListRuleFactsRequest { page_size: 20, page_token };
        let page = client.list_rule_facts(request).await.unwrap().into_inner();
        facts.extend(page.facts);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert!(facts.len() > 40 && facts.is_sorted_by_key(|fact| fact.name.clone()), "{}", facts.len());
    let joined = facts.iter().find(|fact| fact.name == "ad_joined").unwrap();
    let expected = RuleFact {
        name: "ad_joined".into(),
        r#type: "bool".into(),
        meaning: "joined to Active Directory".into(),
    };
    assert_eq!(*joined, expected);
}
