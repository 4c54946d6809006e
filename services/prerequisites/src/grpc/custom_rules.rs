//! A tenant's own rules, as callers make and change them.

use prost::Message;
use tandem_contracts::prerequisites::v1;
use tandem_server::ConsistencyToken;
use tandem_server::failure::Failure;
use tandem_server::names::{self, page_size};
use tandem_server::once::Once;
use tandem_storage::fingerprint;
use tandem_storage::page::PageToken;

use super::{Handlers, convert, request};
use crate::store::custom_rules::{
    Change, Order, RuleBody, RuleKey, messages, rule_change, rule_fetch, rule_list,
};
use crate::store::entity::custom_rule::Model;
use crate::store::world;

/// The pattern of a rule's name.
const RULE: &str = "tenants/{t}/customRules/{r}";

/// The list that page tokens belong to.
const LIST: &str = "custom_rules";

/// Longest id of a rule, in characters.
const LONGEST_ID: usize = 63;

const CREATE: &str = "tandem.prerequisites.v1.CustomRuleService/CreateCustomRule";
const UPDATE: &str = "tandem.prerequisites.v1.CustomRuleService/UpdateCustomRule";
const DELETE: &str = "tandem.prerequisites.v1.CustomRuleService/DeleteCustomRule";

/// The rule of a name.
fn key(field: &str, name: &str) -> Result<RuleKey, Failure> {
    let [tenant, rule] = names::parse(field, RULE, name)?;
    request::tenant(field, &format!("tenants/{tenant}"))?;
    let is_id = |text: &str| {
        text.len() <= LONGEST_ID && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if is_id(rule) {
        return Ok(RuleKey { tenant: tenant.to_owned(), rule: rule.to_owned() });
    }
    let found: String = rule.chars().take(LONGEST_ID + 1).collect();
    let expected = format!("must end with 1 to {LONGEST_ID} letters, digits, `-` and `_`; found `{found}`");
    Err(Failure::field(field, expected))
}

/// The rule of a request: its key, and what is set of it.
fn asked(rule: Option<&v1::CustomRule>) -> Result<(RuleKey, RuleBody), Failure> {
    let rule = rule.ok_or_else(|| Failure::field("custom_rule", "must be set"))?;
    Ok((key("custom_rule.name", &rule.name)?, convert::custom::body(rule)?))
}

impl Handlers {
    pub(super) async fn rule_create(
        &self,
        request: v1::CreateCustomRuleRequest,
        by: String,
    ) -> Result<v1::CreateCustomRuleResponse, Failure> {
        let content = v1::CreateCustomRuleRequest { request_id: String::new(), ..request.clone() };
        let (key, body) = asked(request.custom_rule.as_ref())?;
        convert::custom::expression("custom_rule.expression", &body.expression)?;
        let changed = self.change(key, Change::Create(body), (CREATE, &request.request_id, &content), by);
        let v1::UpdateCustomRuleResponse { custom_rule, consistency_token } = changed.await?;
        Ok(v1::CreateCustomRuleResponse { custom_rule, consistency_token })
    }

    pub(super) async fn rule_update(
        &self,
        request: v1::UpdateCustomRuleRequest,
        by: String,
    ) -> Result<v1::UpdateCustomRuleResponse, Failure> {
        let content = v1::UpdateCustomRuleRequest { request_id: String::new(), ..request.clone() };
        let (key, body) = asked(request.custom_rule.as_ref())?;
        let mut problem = String::new();
        if let Err(wrong) = convert::custom::expression("custom_rule.expression", &body.expression) {
            // One that an earlier release took can be turned off all the same.
            let is_kept = rule_fetch(&self.store, &key).await?.expression == body.expression;
            if body.enabled || !is_kept {
                return Err(wrong);
            }
            problem = crate::custom::problem_of(&body.expression).unwrap_or_default();
        }
        let etag = request.custom_rule.map(|rule| rule.etag).unwrap_or_default();
        let change = Change::Update { body, etag, problem };
        self.change(key, change, (UPDATE, &request.request_id, &content), by).await
    }

    pub(super) async fn rule_delete(
        &self,
        request: v1::DeleteCustomRuleRequest,
        by: String,
    ) -> Result<v1::DeleteCustomRuleResponse, Failure> {
        let content = v1::DeleteCustomRuleRequest { request_id: String::new(), ..request.clone() };
        let key = key("name", &request.name)?;
        let change = Change::Delete { etag: request.etag };
        let changed = self.change(key, change, (DELETE, &request.request_id, &content), by).await?;
        Ok(v1::DeleteCustomRuleResponse { consistency_token: changed.consistency_token })
    }

    async fn change(
        &self,
        key: RuleKey,
        change: Change,
        (method, request_id, content): (&'static str, &str, &impl Message),
        by: String,
    ) -> Result<v1::UpdateCustomRuleResponse, Failure> {
        let at = self.clock.now();
        let once = Once::new(request_id, method, content, at)?;
        self.check_tenant_exists(&key.tenant).await?;
        rule_change(&self.store, Order { key, change, by, at }, once).await
    }

    pub(super) async fn rule_get(
        &self,
        request: v1::GetCustomRuleRequest,
    ) -> Result<v1::GetCustomRuleResponse, Failure> {
        let key = key("name", &request.name)?;
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        let seen = self.store.at_least(&key.tenant, &token).await?;
        let rule = told(vec![rule_fetch(&self.store, &key).await?]).await?.pop();
        let consistency_token = world(seen).to_string();
        Ok(v1::GetCustomRuleResponse { custom_rule: rule, consistency_token })
    }

    pub(super) async fn rules_list(
        &self,
        request: v1::ListCustomRulesRequest,
    ) -> Result<v1::ListCustomRulesResponse, Failure> {
        let tenant = request::tenant("parent", &request.parent)?;
        let size = page_size(request.page_size)?;
        let bound = fingerprint(&[request.parent.as_bytes()]);
        let after: Option<String> = PageToken::decode(&request.page_token, LIST, bound)?;
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        self.check_tenant_exists(tenant.as_str()).await?;
        let seen = self.store.at_least(tenant.as_str(), &token).await?;
        let one_more = size as u64 + 1;
        let mut rows = rule_list(&self.store, tenant.as_str(), after.as_deref(), one_more).await?;
        let is_last = rows.len() <= size;
        rows.truncate(size);
        let last = rows.last().filter(|_| !is_last);
        let next_page_token = last.map(|last| PageToken::encode(LIST, bound, &last.rule)).unwrap_or_default();
        let custom_rules = told(rows).await?;
        let consistency_token = world(seen).to_string();
        Ok(v1::ListCustomRulesResponse { custom_rules, next_page_token, consistency_token })
    }

    /// What is kept of a tenant that nobody has would never be asked of anything.
    pub(super) async fn check_tenant_exists(&self, tenant: &str) -> Result<(), Failure> {
        let id = request::tenant("parent", &format!("tenants/{tenant}"))?;
        self.sources.check_tenant_exists(&id).await
    }
}

/// Rules as their messages.
async fn told(rows: Vec<Model>) -> Result<Vec<v1::CustomRule>, Failure> {
    let telling = tokio::task::spawn_blocking(move || messages(rows));
    Ok(telling.await.map_err(Failure::internal)??)
}
