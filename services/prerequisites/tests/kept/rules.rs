//! Rules as callers make, read, change and delete them.

use futures::future::join_all;
use tandem_contracts::convert::time;
use tandem_contracts::prerequisites::v1::custom_rule_service_client::CustomRuleServiceClient;
use tandem_contracts::prerequisites::v1::{
    CreateCustomRuleRequest, CustomRule, DeleteCustomRuleRequest, GetCustomRuleRequest,
    ListCustomRulesRequest, Severity, UpdateCustomRuleRequest,
};
use tandem_server::ConsistencyToken;
use tandem_server::consistency::Service;
use tandem_testkit::database::Place;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::fakes::Inventory;
use crate::fixture::{TENANT, as_of};
use crate::sandbox::{Refusal, channel_at, custom_client, invalid, not_found, refusal, refused};

const TYPE: &str = "tandem.prerequisites.v1.CustomRule";

type Rules = CustomRuleServiceClient<Channel>;

async fn rules() -> Rules {
    custom_client(Inventory::new()).await
}

pub(crate) fn name(id: &str) -> String {
    format!("{TENANT}/customRules/{id}")
}

/// A rule as a caller sends it.
pub(crate) fn rule(id: &str, expression: &str) -> CustomRule {
    CustomRule { name: name(id), expression: expression.into(), ..CustomRule::default() }
}

pub(crate) async fn create(rules: &mut Rules, rule: CustomRule) -> Result<(CustomRule, String), Status> {
    let request = CreateCustomRuleRequest { custom_rule: Some(rule), request_id: String::new() };
    let answer = rules.create_custom_rule(request).await?.into_inner();
    Ok((answer.custom_rule.unwrap(), answer.consistency_token))
}

pub(crate) async fn update(rules: &mut Rules, rule: CustomRule) -> Result<(CustomRule, String), Status> {
    let request = UpdateCustomRuleRequest { custom_rule: Some(rule), request_id: String::new() };
    let answer = rules.update_custom_rule(request).await?.into_inner();
    Ok((answer.custom_rule.unwrap(), answer.consistency_token))
}

async fn get(rules: &mut Rules, id: &str) -> Result<CustomRule, Status> {
    let request = GetCustomRuleRequest { name: name(id), ..GetCustomRuleRequest::default() };
    Ok(rules.get_custom_rule(request).await?.into_inner().custom_rule.unwrap())
}

async fn listed(rules: &mut Rules) -> Vec<CustomRule> {
    let request = ListCustomRulesRequest { parent: TENANT.into(), ..ListCustomRulesRequest::default() };
    rules.list_custom_rules(request).await.unwrap().into_inner().custom_rules
}

fn refused_status<T: std::fmt::Debug>(answer: Result<T, Status>) -> Refusal {
    refused(Err::<tonic::Response<()>, _>(answer.unwrap_err()))
}

/// The revision of a token of this service.
fn revision(token: &str) -> u64 {
    ConsistencyToken::parse(token).unwrap().get(Service::Prerequisites).unwrap().revision
}

pub(crate) async fn rule_is_read_back_as_it_was_made() {
    let mut rules = rules().await;
    let new = CustomRule {
        display_name: "Windows 11 24H2".into(),
        severity: Severity::Blocking.into(),
        remediation: "update Windows".into(),
        enabled: true,
        ..rule("build-24h2", "device.os_build >= 26100")
    };
    let (made, token) = create(&mut rules, new.clone()).await.unwrap();
    let at = Some(time::to_proto(as_of()));
    let expected = CustomRule {
        etag: "1".into(),
        create_time: at,
        created_by: "local".into(),
        update_time: at,
        updated_by: "local".into(),
        ..new
    };
    assert_eq!((&made, revision(&token)), (&expected, 1));
    assert_eq!(get(&mut rules, "build-24h2").await.unwrap(), expected);
    // Of what is left out: its id, and a warning that nobody is judged by.
    let (made, _) = create(&mut rules, rule("named", "device.client_installed")).await.unwrap();
    assert_eq!(
        (made.display_name.as_str(), made.severity(), made.enabled),
        ("named", Severity::Warning, false)
    );
}

pub(crate) async fn rules_are_listed_by_id_in_pages() {
    let mut rules = rules().await;
    for id in ["b", "a_1", "c", "B"] {
        create(&mut rules, rule(id, "true")).await.unwrap();
    }
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let parent = TENANT.into();
        let request = ListCustomRulesRequest { parent, page_size: 3, page_token, ..Default::default() };
        let page = rules.list_custom_rules(request).await.unwrap().into_inner();
        assert_eq!(revision(&page.consistency_token), 4);
        found.push(page.custom_rules.into_iter().map(|rule| rule.name).collect::<Vec<_>>());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    // In the order of bytes, on both engines.
    assert_eq!(found, [vec![name("B"), name("a_1"), name("b")], vec![name("c")]]);
    let nobody = ListCustomRulesRequest { parent: "tenants/fabrikam".into(), ..Default::default() };
    assert_eq!(
        refused(rules.list_custom_rules(nobody).await),
        not_found("tandem.inventory.v1.Tenant", "tenants/fabrikam")
    );
}

pub(crate) async fn rule_that_is_there_is_not_made_again() {
    let mut rules = rules().await;
    let (first, _) = create(&mut rules, rule("one", "true")).await.unwrap();
    let again = create(&mut rules, rule("one", "false")).await;
    let about = format!("{TYPE} {}", name("one"));
    assert_eq!(refused_status(again), refusal(Code::AlreadyExists, "RESOURCE_ALREADY_EXISTS", Some(&about)));
    assert_eq!(listed(&mut rules).await, [first]);
}

pub(crate) async fn update_replaces_everything_and_keeps_who_made_it() {
    let mut rules = rules().await;
    let new = CustomRule { remediation: "mend it".into(), enabled: true, ..rule("one", "true") };
    let (made, _) = create(&mut rules, new).await.unwrap();
    let changed = CustomRule { severity: Severity::Blocking.into(), ..rule("one", "device.mdm_enrolled") };
    let (changed, token) = update(&mut rules, changed).await.unwrap();
    let expected = CustomRule {
        expression: "device.mdm_enrolled".into(),
        severity: Severity::Blocking.into(),
        remediation: String::new(),
        enabled: false,
        etag: "2".into(),
        ..made
    };
    assert_eq!((&changed, revision(&token)), (&expected, 2));
    assert_eq!(listed(&mut rules).await, [expected]);
    let missing = update(&mut rules, rule("two", "true")).await;
    assert_eq!(refused_status(missing), not_found(TYPE, &name("two")));
}

pub(crate) async fn etag_that_is_not_current_changes_nothing() {
    let mut rules = rules().await;
    let (made, _) = create(&mut rules, rule("one", "true")).await.unwrap();
    let (current, _) =
        update(&mut rules, CustomRule { etag: made.etag.clone(), ..rule("one", "false") }).await.unwrap();
    let stale = update(&mut rules, CustomRule { etag: made.etag.clone(), ..rule("one", "1 == 1") }).await;
    assert_eq!(refused_status(stale), refusal(Code::Aborted, "ETAG_MISMATCH", None));
    let delete = DeleteCustomRuleRequest { name: name("one"), etag: made.etag, ..Default::default() };
    assert_eq!(rules.delete_custom_rule(delete).await.unwrap_err().code(), Code::Aborted);
    assert_eq!(listed(&mut rules).await, [current]);
}

pub(crate) async fn rule_that_is_deleted_is_gone() {
    let mut rules = rules().await;
    create(&mut rules, rule("one", "true")).await.unwrap();
    let request = DeleteCustomRuleRequest { name: name("one"), ..Default::default() };
    let answer = rules.delete_custom_rule(request.clone()).await.unwrap().into_inner();
    assert_eq!(revision(&answer.consistency_token), 2);
    assert_eq!(refused_status(get(&mut rules, "one").await), not_found(TYPE, &name("one")));
    assert_eq!(refused(rules.delete_custom_rule(request).await), not_found(TYPE, &name("one")));
    // Its id is free again, and its etag another one than any before. What was refused took no revision.
    let (made, _) = create(&mut rules, rule("one", "true")).await.unwrap();
    assert_eq!(made.etag, "3");
}

fn with_id(rule: CustomRule) -> CreateCustomRuleRequest {
    CreateCustomRuleRequest { custom_rule: Some(rule), request_id: "7c3f".into() }
}

pub(crate) async fn repeated_request_answers_as_the_first_did() {
    let mut rules = rules().await;
    let first = rules.create_custom_rule(with_id(rule("one", "true"))).await.unwrap().into_inner();
    update(&mut rules, rule("one", "false")).await.unwrap();
    let again = rules.create_custom_rule(with_id(rule("one", "true"))).await.unwrap().into_inner();
    assert_eq!(again, first);
    let other = rules.create_custom_rule(with_id(rule("two", "true"))).await;
    assert_eq!(refused(other), refusal(Code::FailedPrecondition, "REQUEST_ID_REUSED", None));
    assert_eq!(listed(&mut rules).await.len(), 1);
}

pub(crate) async fn copies_of_a_request_that_arrive_together_have_one_effect() {
    let rules = rules().await;
    let copies = (0..8).map(|_| {
        let mut rules = rules.clone();
        async move { rules.create_custom_rule(with_id(rule("one", "true"))).await.unwrap().into_inner() }
    });
    let answers = join_all(copies).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

pub(crate) async fn tenant_has_fifty_rules_at_most() {
    let mut rules = rules().await;
    for number in 0..50 {
        create(&mut rules, rule(&format!("r{number}"), "true")).await.unwrap();
    }
    let one_more = create(&mut rules, rule("r50", "true")).await.unwrap_err();
    assert_eq!(one_more.code(), Code::ResourceExhausted);
    assert_eq!(one_more.message(), "the limit custom_rules is 50, found 51");
    assert_eq!(listed(&mut rules).await.len(), 50);
}

pub(crate) async fn what_is_no_rule_is_refused_with_its_position() {
    let mut rules = rules().await;
    let wrong = create(&mut rules, rule("one", "device.os_build > 'old'")).await;
    let expected = "line 1, column 17: expected operands that `>` takes, found int and string";
    assert_eq!(refused_status(wrong), invalid("custom_rule.expression", expected));
    let long = CustomRule { display_name: "x".repeat(201), ..rule("one", "true") };
    assert_eq!(
        refused_status(create(&mut rules, long).await),
        invalid("custom_rule.display_name", "must have at most 200 characters; found 201")
    );
    let nul = CustomRule { remediation: "a\0b".into(), ..rule("one", "true") };
    assert_eq!(
        refused_status(create(&mut rules, nul).await),
        invalid(
            "custom_rule.remediation",
            "must have no character U+0000, which databases cannot keep; found one"
        )
    );
    let odd = rule("one.two", "true");
    assert_eq!(
        refused_status(create(&mut rules, odd).await),
        invalid("custom_rule.name", "must end with 1 to 63 letters, digits, `-` and `_`; found `one.two`")
    );
    let nobody = CustomRule { name: "tenants/fabrikam/customRules/one".into(), ..rule("one", "true") };
    assert_eq!(
        refused_status(create(&mut rules, nobody).await),
        not_found("tandem.inventory.v1.Tenant", "tenants/fabrikam")
    );
    assert_eq!(listed(&mut rules).await, []);
}

pub(crate) async fn rules_are_of_one_tenant() {
    let mut rules = rules().await;
    create(&mut rules, rule("one", "true")).await.unwrap();
    let request =
        GetCustomRuleRequest { name: "tenants/fabrikam/customRules/one".into(), ..Default::default() };
    assert_eq!(
        refused(rules.get_custom_rule(request).await),
        not_found(TYPE, "tenants/fabrikam/customRules/one")
    );
}

pub(crate) async fn rules_outlive_the_process() {
    let place = Place::new().await;
    let mut first = CustomRuleServiceClient::new(channel_at(&place, Inventory::new()).await);
    let (made, token) = create(&mut first, rule("one", "true")).await.unwrap();
    let mut second = CustomRuleServiceClient::new(channel_at(&place, Inventory::new()).await);
    let request = GetCustomRuleRequest { name: name("one"), consistency_token: token };
    assert_eq!(second.get_custom_rule(request).await.unwrap().into_inner().custom_rule, Some(made));
}
