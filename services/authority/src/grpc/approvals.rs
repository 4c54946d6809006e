//! Who must agree to a plan, and who has.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use metrics::counter;
use prost::Message;
use tandem_contracts::authority::v1 as proto;
use tandem_contracts::convert::enum_required;
use tandem_contracts::r#type::v1::Justification;
use tandem_domain::approval::{ApprovalRules, DeviceThreshold, InvalidRules};
use tandem_domain::id::PrincipalId;
use tandem_server::Failure;
use tandem_server::names::{self, page_size};
use tandem_server::once::Once;
use tandem_storage::fingerprint;
use tandem_storage::page::PageToken;

use super::plans::{HIERARCHY, hierarchy_of, plan_key};
use super::policies::{justification, one_more, paged};
use super::{Handlers, Tenant, convert};
use crate::store::approvals::{
    Deed, NewAnswer, NewRequest, NewRules, REQUEST_TYPE, Told, request_answer, request_fetch, request_list,
    request_make, request_message, request_place, rules_fetch, rules_message, rules_update,
};
use crate::store::plans::{Place, PlanKey};

const RULES: &str = "tenants/{t}/approvalRules";
const REQUEST: &str = "tenants/{t}/hierarchies/{h}/plans/{p}/approvalRequest";

const UPDATE: &str = "tandem.authority.v1.ApprovalService/UpdateApprovalRules";
const ASK: &str = "tandem.authority.v1.ApprovalService/RequestApproval";
const APPROVE: &str = "tandem.authority.v1.ApprovalService/ApprovePlan";
const REJECT: &str = "tandem.authority.v1.ApprovalService/RejectPlan";
const BREAK: &str = "tandem.authority.v1.ApprovalService/BreakGlass";

/// The kind of page tokens.
const REQUESTS: &str = "approval_requests";

/// Most thresholds of a tenant's rules.
const MAX_THRESHOLDS: usize = 10;

/// For how long a request may be answered and used.
const VALID_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
const SHORTEST: SignedDuration = SignedDuration::from_hours(1);
const LONGEST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Somebody's answer to a request, whichever it is.
pub(super) struct Answering {
    pub(super) deed: Deed,
    pub(super) plan: String,
    pub(super) hash: String,
    pub(super) request_id: String,
    pub(super) justification: Option<Justification>,
}

impl Handlers {
    pub(super) async fn approval_rules_get(
        &self,
        request: proto::GetApprovalRulesRequest,
    ) -> Result<proto::GetApprovalRulesResponse, Failure> {
        let tenant = rules_of("name", &request.name)?;
        let (rules, row) = rules_fetch(&self.store, &tenant.id).await?;
        let rules = rules_message(tenant.id.as_str(), &rules, row.as_ref())?;
        Ok(proto::GetApprovalRulesResponse { rules: Some(rules) })
    }

    pub(super) async fn approval_rules_update(
        &self,
        request: proto::UpdateApprovalRulesRequest,
        updated_by: String,
    ) -> Result<proto::UpdateApprovalRulesResponse, Failure> {
        let at = self.clock.now();
        let content = proto::UpdateApprovalRulesRequest { request_id: String::new(), ..request.clone() };
        let once = Once::new(&request.request_id, UPDATE, &content, at)?;
        let why = justification(request.justification)?;
        let rules = request.rules.ok_or_else(|| Failure::field("rules", "must be set; found nothing"))?;
        let tenant = rules_of("rules.name", &rules.name)?;
        let etag = rules.etag.clone();
        let new = NewRules { tenant: tenant.id, rules: rules_from(rules)?, etag, updated_by, why, at };
        rules_update(&self.store, new, once).await
    }

    pub(super) async fn approval_request(
        &self,
        request: proto::RequestApprovalRequest,
        requested_by: &str,
    ) -> Result<proto::RequestApprovalResponse, Failure> {
        let at = self.clock.now();
        let content = proto::RequestApprovalRequest { request_id: String::new(), ..request.clone() };
        let once = Once::new(&request.request_id, ASK, &content, at)?;
        let why = justification(request.justification)?;
        let key = plan_key("plan", &request.plan)?;
        let valid_for = request.valid_for.map_or(Ok(VALID_FOR), valid_for)?;
        let new = NewRequest {
            key,
            hash: required_hash(request.hash)?,
            requested_by: principal(requested_by)?,
            expires_at: at.checked_add(valid_for).map_err(Failure::internal)?,
            apply_when_approved: request.apply_when_approved,
            why,
            at,
        };
        request_make(&self.store, new, once).await
    }

    pub(super) async fn approval_get(
        &self,
        request: proto::GetApprovalRequestRequest,
    ) -> Result<proto::GetApprovalRequestResponse, Failure> {
        let [tenant, hierarchy, plan] = names::parse("name", REQUEST, &request.name)?;
        let (tenant, hierarchy) = hierarchy_of("name", tenant, hierarchy)?;
        let key = PlanKey { tenant: tenant.id, hierarchy, plan: plan.to_owned() };
        match request_fetch(&self.store, &key).await? {
            Some(row) => Ok(proto::GetApprovalRequestResponse {
                approval_request: Some(request_message(&row, self.clock.now())?),
            }),
            None => Err(Failure::NotFound { resource_type: REQUEST_TYPE, name: request.name }),
        }
    }

    pub(super) async fn approvals_list(
        &self,
        request: proto::ListApprovalRequestsRequest,
    ) -> Result<proto::ListApprovalRequestsResponse, Failure> {
        let [tenant, hierarchy] = names::parse("parent", HIERARCHY, &request.parent)?;
        let (tenant, hierarchy) = hierarchy_of("parent", tenant, hierarchy)?;
        let size = page_size(request.page_size)?;
        let filter = fingerprint(&[request.parent.as_bytes()]);
        let after = PageToken::decode::<Place>(&request.page_token, REQUESTS, filter)?;
        let found = request_list(&self.store, &tenant.id, &hierarchy, after, one_more(size)).await?;
        let next = |last: &_| PageToken::encode(REQUESTS, filter, &request_place(last));
        let (rows, next_page_token) = paged(found, size, next);
        let at = self.clock.now();
        let requests = rows.iter().map(|row| request_message(row, at)).collect::<Result<_, _>>()?;
        Ok(proto::ListApprovalRequestsResponse { approval_requests: requests, next_page_token })
    }

    /// `content`: what makes the call the same one, without its id.
    pub(super) async fn approval_answer<A: Message + Default + From<Told>>(
        &self,
        answering: Answering,
        content: &impl Message,
        by: &str,
    ) -> Result<A, Failure> {
        let at = self.clock.now();
        let Answering { deed, plan, hash, request_id, justification: why } = answering;
        let method = match deed {
            Deed::Approve => APPROVE,
            Deed::Reject => REJECT,
            Deed::BreakGlass => BREAK,
        };
        let once = Once::new(&request_id, method, content, at)?;
        let (why, key) = (justification(why)?, plan_key("plan", &plan)?);
        let new = NewAnswer { key, deed, hash: required_hash(hash)?, by: principal(by)?, why, at };
        let told = request_answer(&self.store, new, once).await?;
        if deed == Deed::BreakGlass {
            tracing::warn!(plan, by, "a plan goes ahead without the approvals that it needs");
            counter!("tandem_authority_glass_broken_total").increment(1);
        }
        Ok(told)
    }
}

fn rules_of(field: &str, name: &str) -> Result<Tenant, Failure> {
    let [tenant] = names::parse(field, RULES, name)?;
    Tenant::parse(field, &format!("tenants/{tenant}"))
}

fn principal(id: &str) -> Result<PrincipalId, Failure> {
    PrincipalId::parse(id).map_err(Failure::internal)
}

fn required_hash(hash: String) -> Result<String, Failure> {
    if hash.is_empty() {
        return Err(Failure::field("hash", "must be set to that of the plan as it was read; found nothing"));
    }
    Ok(hash)
}

fn valid_for(said: prost_types::Duration) -> Result<SignedDuration, Failure> {
    let found = SignedDuration::new(said.seconds, said.nanos);
    if (SHORTEST..=LONGEST).contains(&found) {
        return Ok(found);
    }
    let description = format!("expected 1 hour to 30 days, found {} s", found.as_secs());
    Err(Failure::field("valid_for", description))
}

fn rules_from(message: proto::ApprovalRules) -> Result<ApprovalRules, Failure> {
    if message.devices.len() > MAX_THRESHOLDS {
        let description = format!("expected at most {MAX_THRESHOLDS}, found {}", message.devices.len());
        return Err(Failure::field("rules.devices", description));
    }
    let devices = message.devices.iter().enumerate().map(|(index, threshold)| {
        let approvals = approvals(&format!("rules.devices[{index}].approvals"), threshold.approvals)?;
        Ok(DeviceThreshold { at_least: threshold.at_least, approvals })
    });
    let mut workloads = BTreeMap::new();
    for (index, entry) in message.workloads.iter().enumerate() {
        let field = format!("rules.workloads[{index}]");
        let workload =
            enum_required(&format!("{field}.workload"), entry.workload).map_err(convert::invalid)?;
        let approvals = approvals(&format!("{field}.approvals"), entry.approvals)?;
        if workloads.insert(workload, approvals).is_some() {
            let description = format!("must name each workload once; found {workload} again");
            return Err(Failure::field(format!("{field}.workload"), description));
        }
    }
    let rules = ApprovalRules {
        devices: devices.collect::<Result<_, Failure>>()?,
        workloads,
        full_switch: approvals("rules.full_switch", message.full_switch)?,
    };
    rules.validate().map_err(|invalid| {
        let field = match invalid {
            InvalidRules::ThresholdsDoNotRise { .. } => "rules.devices",
            InvalidRules::TooManyApprovals { .. } => "rules",
        };
        Failure::field(field, invalid.to_string())
    })?;
    Ok(rules)
}

fn approvals(field: &str, found: u32) -> Result<u8, Failure> {
    u8::try_from(found)
        .map_err(|_| Failure::field(field, format!("expected at most 5 approvals, found {found}")))
}
