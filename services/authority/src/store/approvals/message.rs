//! Rules and requests as messages.

use jiff::Timestamp;
use tandem_contracts::authority::v1 as proto;
use tandem_contracts::convert::{number, time};
use tandem_contracts::r#type::v1::Justification;
use tandem_domain::approval::{ApprovalRequest, ApprovalRules, NotGranted};
use tandem_storage::StoreError;

use super::read;
use crate::store::entity::{approval_request, approval_rules};
use crate::store::plans::{moment, plan_name};

/// What a change of a request is answered with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub(crate) request: proto::ApprovalRequest,
    /// Where the change applied the plan.
    pub(crate) desired: Option<proto::DesiredPolicy>,
}

impl From<Told> for proto::RequestApprovalResponse {
    fn from(told: Told) -> Self {
        Self { approval_request: Some(told.request) }
    }
}

impl From<Told> for proto::ApprovePlanResponse {
    fn from(told: Told) -> Self {
        Self { approval_request: Some(told.request), desired_policy: told.desired }
    }
}

impl From<Told> for proto::RejectPlanResponse {
    fn from(told: Told) -> Self {
        Self { approval_request: Some(told.request) }
    }
}

impl From<Told> for proto::BreakGlassResponse {
    fn from(told: Told) -> Self {
        Self { approval_request: Some(told.request) }
    }
}

/// The name of a tenant's rules.
pub(crate) fn rules_name(tenant: &str) -> String {
    format!("tenants/{tenant}/approvalRules")
}

/// The name of the request for a plan.
pub(super) fn request_name(tenant: &str, hierarchy: &str, plan: &str) -> String {
    format!("{}/approvalRequest", plan_name(tenant, hierarchy, plan))
}

/// A tenant's rules; without a row the defaults.
pub(crate) fn rules_message(
    tenant: &str,
    rules: &ApprovalRules,
    row: Option<&approval_rules::Model>,
) -> Result<proto::ApprovalRules, StoreError> {
    let devices = rules.devices.iter().map(|threshold| proto::DeviceThreshold {
        at_least: threshold.at_least,
        approvals: threshold.approvals.into(),
    });
    let workloads = rules.workloads.iter().map(|(workload, approvals)| proto::WorkloadApprovals {
        workload: number(*workload),
        approvals: (*approvals).into(),
    });
    Ok(proto::ApprovalRules {
        name: rules_name(tenant),
        devices: devices.collect(),
        workloads: workloads.collect(),
        full_switch: rules.full_switch.into(),
        etag: row.map(|row| row.etag.to_string()).unwrap_or_default(),
        update_time: row.map(|row| moment(row.update_time)).transpose()?,
        updated_by: row.map(|row| row.updated_by.clone()).unwrap_or_default(),
    })
}

/// What became of a request at a moment.
pub(crate) fn request_message(
    row: &approval_request::Model,
    at: Timestamp,
) -> Result<proto::ApprovalRequest, StoreError> {
    let request: ApprovalRequest = read("approval request", &row.body)?;
    let why = Justification { reason: row.why.clone(), ticket: row.ticket.clone() };
    let answer = |by: &dyn ToString, at: Timestamp, why: &str| proto::ApprovalAnswer {
        by: by.to_string(),
        time: Some(time::to_proto(at)),
        reason: why.to_owned(),
    };
    let approvals = request.approvals().iter().map(|approval| proto::Approval {
        by: approval.by.to_string(),
        time: Some(time::to_proto(approval.at)),
    });
    Ok(proto::ApprovalRequest {
        name: request_name(&row.tenant, &row.hierarchy, &row.plan),
        plan: plan_name(&row.tenant, &row.hierarchy, &row.plan),
        hash: request.plan().to_string(),
        state: state(row, &request, at).into(),
        required: request.required().into(),
        reasons: read("reasons of an approval request", &row.reasons)?,
        approvals: approvals.collect(),
        rejection: request.rejection().map(|no| answer(&no.by, no.at, &no.why)),
        break_glass: request.break_glass().map(|broken| answer(&broken.by, broken.at, &broken.why)),
        requested_by: request.requester().to_string(),
        create_time: Some(moment(row.create_time)?),
        expire_time: Some(time::to_proto(request.expires_at())),
        justification: (why != Justification::default()).then_some(why),
        apply_when_approved: row.apply_when_approved,
        apply_problem: row.apply_problem.clone(),
    })
}

fn state(row: &approval_request::Model, request: &ApprovalRequest, at: Timestamp) -> proto::ApprovalState {
    if row.applied {
        return proto::ApprovalState::Applied;
    }
    match request.granted(at) {
        Ok(granted) if granted.break_glass().is_some() => proto::ApprovalState::GlassBroken,
        Ok(_) => proto::ApprovalState::Approved,
        Err(NotGranted::ApprovalsMissing { .. }) => proto::ApprovalState::Pending,
        Err(NotGranted::Rejected { .. }) => proto::ApprovalState::Rejected,
        Err(NotGranted::Expired { .. }) => proto::ApprovalState::Expired,
    }
}
