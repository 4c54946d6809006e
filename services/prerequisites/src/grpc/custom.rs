//! The contract of a tenant's own rules.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use tandem_contracts::prerequisites::v1;
use tandem_contracts::prerequisites::v1::custom_rule_service_server::CustomRuleService;
use tandem_server::ConsistencyToken;
use tandem_server::failure::Failure;
use tandem_server::names::page_size;
use tandem_server::principal_of;
use tandem_storage::page::PageToken;
use tonic::{Request, Response, Status};

use super::{Handlers, convert, request};
use crate::custom::dry_run::{Counted, DryRun, dry_run};
use crate::custom::facts::FACTS;

/// The list that page tokens belong to.
const LIST: &str = "rule_facts";

#[tonic::async_trait]
impl CustomRuleService for Handlers {
    async fn list_rule_facts(
        &self,
        request: Request<v1::ListRuleFactsRequest>,
    ) -> Result<Response<v1::ListRuleFactsResponse>, Status> {
        Ok(Response::new(facts(request.get_ref())?))
    }

    async fn check_custom_rule(
        &self,
        request: Request<v1::CheckCustomRuleRequest>,
    ) -> Result<Response<v1::CheckCustomRuleResponse>, Status> {
        Ok(Response::new(self.check_rule(request.into_inner()).await?))
    }

    async fn create_custom_rule(
        &self,
        request: Request<v1::CreateCustomRuleRequest>,
    ) -> Result<Response<v1::CreateCustomRuleResponse>, Status> {
        let by = principal_of(&request).id.clone();
        Ok(Response::new(self.rule_create(request.into_inner(), by).await?))
    }

    async fn get_custom_rule(
        &self,
        request: Request<v1::GetCustomRuleRequest>,
    ) -> Result<Response<v1::GetCustomRuleResponse>, Status> {
        Ok(Response::new(self.rule_get(request.into_inner()).await?))
    }

    async fn list_custom_rules(
        &self,
        request: Request<v1::ListCustomRulesRequest>,
    ) -> Result<Response<v1::ListCustomRulesResponse>, Status> {
        Ok(Response::new(self.rules_list(request.into_inner()).await?))
    }

    async fn update_custom_rule(
        &self,
        request: Request<v1::UpdateCustomRuleRequest>,
    ) -> Result<Response<v1::UpdateCustomRuleResponse>, Status> {
        let by = principal_of(&request).id.clone();
        Ok(Response::new(self.rule_update(request.into_inner(), by).await?))
    }

    async fn delete_custom_rule(
        &self,
        request: Request<v1::DeleteCustomRuleRequest>,
    ) -> Result<Response<v1::DeleteCustomRuleResponse>, Status> {
        let by = principal_of(&request).id.clone();
        Ok(Response::new(self.rule_delete(request.into_inner(), by).await?))
    }
}

impl Handlers {
    async fn check_rule(
        &self,
        request: v1::CheckCustomRuleRequest,
    ) -> Result<v1::CheckCustomRuleResponse, Failure> {
        let tenant = request::tenant("parent", &request.parent)?;
        let rule = convert::custom::expression("expression", &request.expression)?;
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        let world = self.world_of_fleet(&tenant, request.filter.as_ref(), &token).await?;
        let mut answer = v1::CheckCustomRuleResponse {
            facts: rule.facts().iter().map(|fact| fact.name.to_owned()).collect(),
            // At most 200.
            nodes: u32::try_from(rule.nodes()).unwrap_or(u32::MAX),
            ..v1::CheckCustomRuleResponse::default()
        };
        if request.validate_only {
            return Ok(answer);
        }
        let snapshot = self.sources.snapshot(request.parent, request.filter, &token).await?;
        let (run, seen) = dry_run(snapshot, &world, &rule, self.clock.now()).await?;
        let DryRun { satisfied, unsatisfied, unknown, failed, missing, reasons } = run;
        [answer.satisfied, answer.unsatisfied, answer.unknown, answer.failed] =
            [satisfied, unsatisfied, unknown, failed].map(|counted| Some(devices(counted)));
        answer.missing_facts = by_devices(missing, |fact| format!("device.{fact}"));
        answer.failures = by_devices(reasons, |reason| reason);
        answer.consistency_token = world.token().merge(&seen).to_string();
        Ok(answer)
    }
}

fn devices(Counted { devices, named }: Counted) -> v1::RuleDevices {
    let named = named.into_iter().map(|(device, display_name)| v1::RuleDevice { device, display_name });
    v1::RuleDevices { devices, named: named.collect() }
}

/// Most devices first, then by reason.
fn by_devices(counts: BTreeMap<String, u64>, word: impl Fn(String) -> String) -> Vec<v1::RuleReason> {
    let reasons =
        counts.into_iter().map(|(reason, devices)| v1::RuleReason { reason: word(reason), devices });
    let mut reasons: Vec<_> = reasons.collect();
    reasons.sort_by_key(|reason| Reverse(reason.devices));
    reasons
}

/// A page of the facts.
fn facts(request: &v1::ListRuleFactsRequest) -> Result<v1::ListRuleFactsResponse, Failure> {
    let size = page_size(request.page_size)?;
    let after: Option<String> = PageToken::decode(&request.page_token, LIST, 0)?;
    let from = after.map_or(0, |after| FACTS.partition_point(|fact| fact.name <= after.as_str()));
    let page = &FACTS[from..FACTS.len().min(from + size)];
    let last = page.last().filter(|_| from + page.len() < FACTS.len());
    let next_page_token = last.map(|last| PageToken::encode(LIST, 0, &last.name)).unwrap_or_default();
    let fact = |fact: &crate::custom::facts::FactDeclaration| v1::RuleFact {
        name: fact.name.to_owned(),
        r#type: fact.of_type.name().to_owned(),
        meaning: fact.meaning.to_owned(),
    };
    Ok(v1::ListRuleFactsResponse { facts: page.iter().map(fact).collect(), next_page_token })
}
