//! The handlers: parse, call, map. What they share is how a world is gathered and how a device message is judged.

mod approvals;
mod audit;
mod capability;
mod check;
mod convert;
mod decommission;
mod desired;
mod drift;
mod effective;
mod history;
mod plans;
mod policies;
mod rollouts;
mod settings;
mod stream;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::BoxStream;
use tandem_client::Stack;
use tandem_client::fleet::{self, Dated, SurroundingsReader, TenantSurroundings};
use tandem_contracts::authority::v1 as proto;
use tandem_contracts::authority::v1::approval_service_server::ApprovalService;
use tandem_contracts::authority::v1::audit_service_server::AuditService;
use tandem_contracts::authority::v1::authority_service_server::AuthorityService;
use tandem_contracts::authority::v1::plan_service_server::PlanService;
use tandem_contracts::inventory::v1::hierarchy_service_client::HierarchyServiceClient;
use tandem_domain::id::TenantId;
use tandem_server::consistency::Service;
use tandem_server::names::TenantName;
use tandem_server::waiting::waiting_time;
use tandem_server::{Clock, ConsistencyToken, Failure, principal_of};
use tonic::{Request, Response, Status};

use approvals::Answering;

use crate::audit::signing::SigningKey;
use crate::decisions::Decisions;
use crate::devices::{Collections, Devices, INVENTORY};
use crate::fleet::Fleets;
use crate::ground::Grounds;
use crate::judge::World;
use crate::rollouts::Controller;
use crate::store::Store;
use crate::store::approvals::Deed;
use crate::store::policy_set::{PolicySet, policy_set};

pub(crate) use convert::device as device_facts;
pub(crate) use convert::rollout::{
    approval_refused, command_refused, freeze_refused, rollout_message, shown_standing, standing_of,
    with_counts_of,
};

/// Answers the calls of the services of `tandem.authority.v1`.
#[derive(Clone)]
pub struct Handlers {
    pub(crate) store: Store,
    pub(crate) devices: Devices,
    pub(crate) surroundings: SurroundingsReader,
    pub(crate) fleets: Arc<Fleets>,
    pub(crate) hierarchies: HierarchyServiceClient<Stack>,
    pub(crate) collections: Collections,
    pub(crate) rollouts: Arc<Controller>,
    pub(crate) clock: Clock,
    /// Signs heads of the audit log. `None`: nobody does.
    pub(crate) signing_key: Option<SigningKey>,
    /// What devices were is kept, so it may be asked since when something is so.
    pub(crate) keeps_history: bool,
    pub(crate) grounds: Arc<Grounds>,
    pub(crate) decisions: Arc<Decisions>,
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers").field("devices", &self.devices).finish_non_exhaustive()
    }
}

/// The tenant of a request, by name and by id.
struct Tenant {
    name: TenantName,
    id: TenantId,
}

impl Tenant {
    fn parse(field: &str, name: &str) -> Result<Self, Failure> {
        let name = TenantName::parse(field, name)?;
        let id = TenantId::parse(name.id()).map_err(|e| Failure::field(field, e.to_string()))?;
        Ok(Self { name, id })
    }
}

impl Handlers {
    /// The tenant's policies, at least of the world of the token.
    async fn policies(&self, tenant: &Tenant, token: &str) -> Result<Arc<PolicySet>, Failure> {
        let asked = ConsistencyToken::parse(token)?;
        let policies = policy_set(&self.store, &tenant.id).await?;
        asked.check(Service::Authority, self.store.mark(policies.revision))?;
        Ok(policies)
    }

    /// What surrounds the tenant's devices, at least of the world of the token.
    async fn surroundings(&self, tenant: &Tenant, token: &str) -> Result<Arc<TenantSurroundings>, Failure> {
        let read = self.surroundings.get(tenant.name.as_str(), token).await;
        read.map_err(|status| Failure::from_dependency(INVENTORY, status))
    }

    /// The same with its world and age, at least of the world asked for and younger than `within`.
    async fn surroundings_dated(
        &self,
        tenant: &Tenant,
        asked: Option<fleet::World>,
        within: Duration,
    ) -> Result<Dated<TenantSurroundings>, Failure> {
        let read = self.surroundings.dated(tenant.name.as_str(), asked, within).await;
        read.map_err(|status| Failure::from_dependency(INVENTORY, status))
    }

    /// What the tenant's devices are judged by now, at least of the world of the token.
    async fn world(&self, tenant: &Tenant, token: &str) -> Result<World, Failure> {
        let policies = self.policies(tenant, token).await?;
        let surroundings = self.surroundings(tenant, token).await?;
        Ok(World { policies, surroundings, as_of: self.clock.now() })
    }

    /// The world of an answer: the inventory's, and ours.
    fn token(&self, inventory: &str, world: &World) -> Result<String, Failure> {
        let inventory = ConsistencyToken::parse(inventory).map_err(Failure::internal)?;
        Ok(inventory.merge(&self.store.world(world.policies.revision)).to_string())
    }
}

#[tonic::async_trait]
impl AuthorityService for Handlers {
    type StreamEffectiveAuthorityStream =
        BoxStream<'static, Result<proto::StreamEffectiveAuthorityResponse, Status>>;

    async fn get_co_management_policy(
        &self,
        request: Request<proto::GetCoManagementPolicyRequest>,
    ) -> Result<Response<proto::GetCoManagementPolicyResponse>, Status> {
        Ok(Response::new(self.policy_get(request.into_inner()).await?))
    }

    async fn list_co_management_policies(
        &self,
        request: Request<proto::ListCoManagementPoliciesRequest>,
    ) -> Result<Response<proto::ListCoManagementPoliciesResponse>, Status> {
        Ok(Response::new(self.policies_list(request.into_inner()).await?))
    }

    async fn update_co_management_policy(
        &self,
        request: Request<proto::UpdateCoManagementPolicyRequest>,
    ) -> Result<Response<proto::UpdateCoManagementPolicyResponse>, Status> {
        let updated_by = principal_of(&request).id.clone();
        Ok(Response::new(self.policy_update(request.into_inner(), updated_by).await?))
    }

    async fn list_co_management_policy_revisions(
        &self,
        request: Request<proto::ListCoManagementPolicyRevisionsRequest>,
    ) -> Result<Response<proto::ListCoManagementPolicyRevisionsResponse>, Status> {
        Ok(Response::new(self.policy_revisions_list(request.into_inner()).await?))
    }

    async fn get_effective_authority(
        &self,
        request: Request<proto::GetEffectiveAuthorityRequest>,
    ) -> Result<Response<proto::GetEffectiveAuthorityResponse>, Status> {
        Ok(Response::new(self.effective_get(request.into_inner()).await?))
    }

    async fn check_authority(
        &self,
        request: Request<proto::CheckAuthorityRequest>,
    ) -> Result<Response<proto::CheckAuthorityResponse>, Status> {
        Ok(Response::new(self.authority_check(request.into_inner()).await?))
    }

    async fn batch_get_effective_authority(
        &self,
        request: Request<proto::BatchGetEffectiveAuthorityRequest>,
    ) -> Result<Response<proto::BatchGetEffectiveAuthorityResponse>, Status> {
        Ok(Response::new(self.effective_batch_get(request.into_inner()).await?))
    }

    async fn stream_effective_authority(
        &self,
        request: Request<proto::StreamEffectiveAuthorityRequest>,
    ) -> Result<Response<Self::StreamEffectiveAuthorityStream>, Status> {
        Ok(Response::new(self.effective_stream(request.into_inner()).await?))
    }

    async fn list_authority_periods(
        &self,
        request: Request<proto::ListAuthorityPeriodsRequest>,
    ) -> Result<Response<proto::ListAuthorityPeriodsResponse>, Status> {
        Ok(Response::new(self.periods_list(request.into_inner()).await?))
    }

    async fn get_authority_at(
        &self,
        request: Request<proto::GetAuthorityAtRequest>,
    ) -> Result<Response<proto::GetAuthorityAtResponse>, Status> {
        Ok(Response::new(self.authority_at(request.into_inner()).await?))
    }

    async fn list_drift(
        &self,
        request: Request<proto::ListDriftRequest>,
    ) -> Result<Response<proto::ListDriftResponse>, Status> {
        Ok(Response::new(self.drift_list(request.into_inner()).await?))
    }

    async fn list_setting_kinds(
        &self,
        request: Request<proto::ListSettingKindsRequest>,
    ) -> Result<Response<proto::ListSettingKindsResponse>, Status> {
        Ok(Response::new(settings::kinds(request.get_ref())?))
    }

    async fn resolve_setting(
        &self,
        request: Request<proto::ResolveSettingRequest>,
    ) -> Result<Response<proto::ResolveSettingResponse>, Status> {
        Ok(Response::new(self.setting_resolve(request.into_inner()).await?))
    }

    async fn decode_capability_value(
        &self,
        request: Request<proto::DecodeCapabilityValueRequest>,
    ) -> Result<Response<proto::DecodeCapabilityValueResponse>, Status> {
        Ok(Response::new(capability::decoded(&request.into_inner())?))
    }
}

#[tonic::async_trait]
impl PlanService for Handlers {
    async fn create_plan(
        &self,
        request: Request<proto::CreatePlanRequest>,
    ) -> Result<Response<proto::CreatePlanResponse>, Status> {
        let (created_by, limit) = (principal_of(&request).id.clone(), waiting_time(request.metadata()));
        Ok(Response::new(self.plan_create(request.into_inner(), created_by, limit).await?))
    }

    async fn get_plan(
        &self,
        request: Request<proto::GetPlanRequest>,
    ) -> Result<Response<proto::GetPlanResponse>, Status> {
        Ok(Response::new(self.plan_get(request.into_inner()).await?))
    }

    async fn list_plans(
        &self,
        request: Request<proto::ListPlansRequest>,
    ) -> Result<Response<proto::ListPlansResponse>, Status> {
        Ok(Response::new(self.plans_list(request.into_inner()).await?))
    }

    async fn apply_plan(
        &self,
        request: Request<proto::ApplyPlanRequest>,
    ) -> Result<Response<proto::ApplyPlanResponse>, Status> {
        let applied_by = principal_of(&request).id.clone();
        Ok(Response::new(self.plan_apply(request.into_inner(), applied_by).await?))
    }

    async fn get_desired_policy(
        &self,
        request: Request<proto::GetDesiredPolicyRequest>,
    ) -> Result<Response<proto::GetDesiredPolicyResponse>, Status> {
        Ok(Response::new(self.desired_get(request.into_inner()).await?))
    }

    async fn get_handover(
        &self,
        request: Request<proto::GetHandoverRequest>,
    ) -> Result<Response<proto::GetHandoverResponse>, Status> {
        Ok(Response::new(self.handover_get(request.into_inner()).await?))
    }

    async fn get_decommission(
        &self,
        request: Request<proto::GetDecommissionRequest>,
    ) -> Result<Response<proto::GetDecommissionResponse>, Status> {
        Ok(Response::new(self.decommission_get(request.into_inner()).await?))
    }
}

#[tonic::async_trait]
impl ApprovalService for Handlers {
    async fn get_approval_rules(
        &self,
        request: Request<proto::GetApprovalRulesRequest>,
    ) -> Result<Response<proto::GetApprovalRulesResponse>, Status> {
        Ok(Response::new(self.approval_rules_get(request.into_inner()).await?))
    }

    async fn get_approval_request(
        &self,
        request: Request<proto::GetApprovalRequestRequest>,
    ) -> Result<Response<proto::GetApprovalRequestResponse>, Status> {
        Ok(Response::new(self.approval_get(request.into_inner()).await?))
    }

    async fn list_approval_requests(
        &self,
        request: Request<proto::ListApprovalRequestsRequest>,
    ) -> Result<Response<proto::ListApprovalRequestsResponse>, Status> {
        Ok(Response::new(self.approvals_list(request.into_inner()).await?))
    }

    async fn update_approval_rules(
        &self,
        request: Request<proto::UpdateApprovalRulesRequest>,
    ) -> Result<Response<proto::UpdateApprovalRulesResponse>, Status> {
        let updated_by = principal_of(&request).id.clone();
        Ok(Response::new(self.approval_rules_update(request.into_inner(), updated_by).await?))
    }

    async fn request_approval(
        &self,
        request: Request<proto::RequestApprovalRequest>,
    ) -> Result<Response<proto::RequestApprovalResponse>, Status> {
        let requested_by = principal_of(&request).id.clone();
        Ok(Response::new(self.approval_request(request.into_inner(), &requested_by).await?))
    }

    async fn approve_plan(
        &self,
        request: Request<proto::ApprovePlanRequest>,
    ) -> Result<Response<proto::ApprovePlanResponse>, Status> {
        let by = principal_of(&request).id.clone();
        let request = request.into_inner();
        let content = proto::ApprovePlanRequest { request_id: String::new(), ..request.clone() };
        let proto::ApprovePlanRequest { plan, hash, request_id, justification } = request;
        let answering = Answering { deed: Deed::Approve, plan, hash, request_id, justification };
        Ok(Response::new(self.approval_answer(answering, &content, &by).await?))
    }

    async fn reject_plan(
        &self,
        request: Request<proto::RejectPlanRequest>,
    ) -> Result<Response<proto::RejectPlanResponse>, Status> {
        let by = principal_of(&request).id.clone();
        let request = request.into_inner();
        let content = proto::RejectPlanRequest { request_id: String::new(), ..request.clone() };
        let proto::RejectPlanRequest { plan, hash, request_id, justification } = request;
        let answering = Answering { deed: Deed::Reject, plan, hash, request_id, justification };
        Ok(Response::new(self.approval_answer(answering, &content, &by).await?))
    }

    async fn break_glass(
        &self,
        request: Request<proto::BreakGlassRequest>,
    ) -> Result<Response<proto::BreakGlassResponse>, Status> {
        let by = principal_of(&request).id.clone();
        let request = request.into_inner();
        let content = proto::BreakGlassRequest { request_id: String::new(), ..request.clone() };
        let proto::BreakGlassRequest { plan, hash, request_id, justification } = request;
        let answering = Answering { deed: Deed::BreakGlass, plan, hash, request_id, justification };
        Ok(Response::new(self.approval_answer(answering, &content, &by).await?))
    }
}

#[tonic::async_trait]
impl AuditService for Handlers {
    type ExportAuditRecordsStream = BoxStream<'static, Result<proto::ExportAuditRecordsResponse, Status>>;

    async fn record_audit_events(
        &self,
        request: Request<proto::RecordAuditEventsRequest>,
    ) -> Result<Response<proto::RecordAuditEventsResponse>, Status> {
        Ok(Response::new(self.audit_record(request.into_inner()).await?))
    }

    async fn list_audit_records(
        &self,
        request: Request<proto::ListAuditRecordsRequest>,
    ) -> Result<Response<proto::ListAuditRecordsResponse>, Status> {
        Ok(Response::new(self.audit_list(request.into_inner()).await?))
    }

    async fn export_audit_records(
        &self,
        request: Request<proto::ExportAuditRecordsRequest>,
    ) -> Result<Response<Self::ExportAuditRecordsStream>, Status> {
        Ok(Response::new(self.audit_export(request.get_ref())?))
    }

    async fn get_audit_head(
        &self,
        request: Request<proto::GetAuditHeadRequest>,
    ) -> Result<Response<proto::GetAuditHeadResponse>, Status> {
        Ok(Response::new(self.audit_head(request.into_inner()).await?))
    }

    async fn verify_audit(
        &self,
        request: Request<proto::VerifyAuditRequest>,
    ) -> Result<Response<proto::VerifyAuditResponse>, Status> {
        Ok(Response::new(self.audit_verify(request.into_inner()).await?))
    }
}
