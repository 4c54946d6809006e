//! Who asked for approval of which plan, and who answered what.

use jiff::Timestamp;
use prost::Message;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use tandem_contracts::r#type::v1::{AuditEvent, ErrorReason, Justification};
use tandem_domain::approval::{ApprovalRefused, ApprovalRequest, NotGranted};
use tandem_domain::id::{HierarchyId, PlanHash, PrincipalId, TenantId};
use tandem_server::once::Once;
use tandem_server::{Failure, audit};
use tandem_storage::{Rows, StoreError};

use super::message::{Told, request_message, request_name};
use super::rules::rules_of;
use super::{REQUEST_TYPE, read, unmet, written};
use crate::store::audit::audit_append;
use crate::store::entity::{approval_request, approval_rules, plan};
use crate::store::plans::{Application, Place, PlanKey, carry_out, content, plan_name, plan_row, summary};
use crate::store::{Store, lock_tenant};

/// A request for approval to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewRequest {
    pub(crate) key: PlanKey,
    pub(crate) hash: String,
    pub(crate) requested_by: PrincipalId,
    pub(crate) expires_at: Timestamp,
    pub(crate) apply_when_approved: bool,
    pub(crate) why: Option<Justification>,
    pub(crate) at: Timestamp,
}

/// What somebody does about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Approve,
    Reject,
    BreakGlass,
}

/// The same, with who and when.
#[derive(Debug, Clone)]
pub(crate) struct NewAnswer {
    pub(crate) key: PlanKey,
    pub(crate) deed: Deed,
    /// The hash of what they have read.
    pub(crate) hash: String,
    pub(crate) by: PrincipalId,
    pub(crate) why: Option<Justification>,
    pub(crate) at: Timestamp,
}

/// Asks for approval of a plan, unless the request was served already.
pub(crate) async fn request_make<A: Message + Default + From<Told>>(
    store: &Store,
    new: NewRequest,
    once: Once,
) -> Result<A, Failure> {
    let tenant = new.key.tenant.clone();
    let commit = store.database.write(Rows::Of(tenant.as_str()), |tx| {
        let (new, once) = (new.clone(), once.clone());
        Box::pin(async move { asked(tx, new, &once).await })
    });
    commit.await
}

async fn asked<A: Message + Default + From<Told>>(
    tx: &DatabaseTransaction,
    new: NewRequest,
    once: &Once,
) -> Result<A, Failure> {
    let tenant = new.key.tenant.as_str();
    if let Some(answer) = once.answered(tx, tenant).await? {
        audit::recorded();
        return Ok(answer);
    }
    lock_tenant(tx, tenant).await?;
    let plan = plan_row(tx, &new.key).await?;
    same_plan(&plan, &new.hash)?;
    let name = request_name(&plan.tenant, &plan.hierarchy, &plan.plan);
    let unmet = |reason, description: String| unmet(reason, name.clone(), description);
    if plan.apply_time.is_some() {
        let what = "the plan was applied already: nothing is left to approve".to_owned();
        return Err(unmet(ErrorReason::PlanAlreadyApplied, what));
    }
    let rules = approval_rules::Entity::find_by_id(tenant.to_owned()).one(tx).await?;
    let required = rules_of(rules.as_ref())?.required(&summary(&content(&plan)?)?);
    if required.count == 0 {
        let what = "no rule asks for an approval of this plan: apply it".to_owned();
        return Err(unmet(ErrorReason::NoApprovalNeeded, what));
    }
    let earlier = request_row(tx, &new.key).await?;
    if let Some(open) = &earlier {
        let request: ApprovalRequest = read("approval request", &open.body)?;
        let is_over = match request.granted(new.at) {
            // What was approved before the rules became stricter is asked about anew.
            Ok(granted) => {
                granted.break_glass().is_none() && granted.approvers().len() < usize::from(required.count)
            }
            Err(NotGranted::Expired { .. } | NotGranted::Rejected { .. }) => true,
            Err(NotGranted::ApprovalsMissing { .. }) => false,
        };
        if !is_over && request.granted(new.at).is_ok() {
            let what = "the plan has all approvals that it needs: apply it".to_owned();
            return Err(unmet(ErrorReason::NoApprovalNeeded, what));
        }
        if !is_over {
            let what = format!(
                "{} has asked for approval already, until {}: wait for it, or have it rejected",
                request.requester(),
                request.expires_at()
            );
            return Err(unmet(ErrorReason::ApprovalPending, what));
        }
    }
    let hash = PlanHash::parse(&plan.hash).map_err(|e| StoreError::corrupt(e.to_string()))?;
    let request = ApprovalRequest::ask(hash, new.requested_by.clone(), required.count, new.expires_at);
    let reasons: Vec<String> =
        required.reasons.iter().map(|(reason, count)| format!("{reason}: {count}")).collect();
    let Justification { reason: why, ticket } = new.why.clone().unwrap_or_default();
    let row = approval_request::Model {
        tenant: plan.tenant,
        hierarchy: plan.hierarchy,
        plan: plan.plan,
        body: written(&request)?,
        reasons: written(&reasons)?,
        why,
        ticket,
        create_time: new.at.as_microsecond(),
        apply_when_approved: new.apply_when_approved,
        apply_problem: String::new(),
        applied: false,
    };
    request_put(tx, &row).await?;
    let answer = A::from(Told { request: request_message(&row, new.at)?, desired: None });
    let event = AuditEvent {
        before: earlier.map(|row| row.body).unwrap_or_default(),
        after: row.body,
        justification: new.why,
        ..audit::event(tenant, &name)
    };
    audit_append(tx, tenant, &[event]).await?;
    audit::recorded();
    once.remember(tx, tenant, &answer).await?;
    Ok(answer)
}

/// Answers a request for approval, unless the answer was served already.
pub(crate) async fn request_answer<A: Message + Default + From<Told>>(
    store: &Store,
    new: NewAnswer,
    once: Once,
) -> Result<A, Failure> {
    let tenant = new.key.tenant.clone();
    let commit = store.database.write(Rows::Of(tenant.as_str()), |tx| {
        let (new, once) = (new.clone(), once.clone());
        Box::pin(async move { answered(tx, new, &once).await })
    });
    commit.await
}

async fn answered<A: Message + Default + From<Told>>(
    tx: &DatabaseTransaction,
    new: NewAnswer,
    once: &Once,
) -> Result<A, Failure> {
    let NewAnswer { key, deed, hash, by, why, at } = new;
    let tenant = key.tenant.as_str();
    if let Some(answer) = once.answered(tx, tenant).await? {
        audit::recorded();
        return Ok(answer);
    }
    let revision = lock_tenant(tx, tenant).await?;
    let name = request_name(tenant, key.hierarchy.as_str(), &key.plan);
    let row = request_row(tx, &key).await?;
    let mut row = row.ok_or_else(|| Failure::NotFound { resource_type: REQUEST_TYPE, name: name.clone() })?;
    let request: ApprovalRequest = read("approval request", &row.body)?;
    let seen = PlanHash::parse(&hash).map_err(|e| Failure::field("hash", e.to_string()))?;
    let reason = why.as_ref().map(|why| why.reason.clone()).unwrap_or_default();
    let request = match deed {
        Deed::Approve => request.approve(&by, &seen, at),
        Deed::Reject => request.reject(&by, &seen, &reason, at),
        Deed::BreakGlass => request.break_the_glass(&by, &seen, &reason, at),
    };
    let request = request.map_err(|refused| refusal(name.clone(), &refused))?;
    let before = std::mem::replace(&mut row.body, written(&request)?);
    let event =
        AuditEvent { before, after: row.body.clone(), justification: why, ..audit::event(tenant, &name) };
    let mut events = vec![event];
    // Before the plan is applied, which asks for the approvals.
    request_put(tx, &row).await?;
    let mut desired = None;
    if deed == Deed::Approve && row.apply_when_approved && request.granted(at).is_ok() {
        match carry_out(tx, &application(tx, &key, &row, &request, at).await?, revision).await {
            Ok(adopted) => {
                row.applied = true;
                events.push(adopted.event);
                desired = Some(adopted.desired);
            }
            Err(Failure::Unmet { description, .. }) => {
                row.apply_problem = description;
                request_put(tx, &row).await?;
            }
            Err(failure) => return Err(failure),
        }
    }
    audit_append(tx, tenant, &events).await?;
    audit::recorded();
    let answer = A::from(Told { request: request_message(&row, at)?, desired });
    once.remember(tx, tenant, &answer).await?;
    Ok(answer)
}

/// The application of a plan on behalf of who asked for its approval.
async fn application(
    tx: &DatabaseTransaction,
    key: &PlanKey,
    row: &approval_request::Model,
    request: &ApprovalRequest,
    at: Timestamp,
) -> Result<Application, Failure> {
    let plan = plan_row(tx, key).await?;
    let why = Justification { reason: row.why.clone(), ticket: row.ticket.clone() };
    Ok(Application {
        key: key.clone(),
        hash: plan.hash.clone(),
        configured_revision: content(&plan)?.configured_revision,
        applied_by: request.requester().to_string(),
        why: (why != Justification::default()).then_some(why),
        at,
    })
}

/// What became of the request for a plan, if anybody asked.
pub(crate) async fn request_fetch(
    store: &Store,
    key: &PlanKey,
) -> Result<Option<approval_request::Model>, StoreError> {
    let id = (key.tenant.to_string(), key.hierarchy.to_string(), key.plan.clone());
    Ok(approval_request::Entity::find_by_id(id).one(&store.reader(key.tenant.as_str())).await?)
}

/// Up to `limit` requests of a hierarchy after that place, newest first.
pub(crate) async fn request_list(
    store: &Store,
    tenant: &TenantId,
    hierarchy: &HierarchyId,
    after: Option<Place>,
    limit: u64,
) -> Result<Vec<approval_request::Model>, StoreError> {
    use approval_request::Column;
    let mut query = approval_request::Entity::find()
        .filter(Column::Tenant.eq(tenant.as_str()))
        .filter(Column::Hierarchy.eq(hierarchy.as_str()));
    if let Some(Place { time, plan }) = after {
        let same_time =
            Condition::all().add(Column::CreateTime.eq(time)).add(Expr::col(Column::Plan).lt(plan));
        query = query.filter(Condition::any().add(Column::CreateTime.lt(time)).add(same_time));
    }
    let newest_first = query.order_by_desc(Column::CreateTime).order_by_desc(Column::Plan).limit(limit);
    Ok(newest_first.all(&store.reader(tenant.as_str())).await?)
}

async fn request_row(
    tx: &DatabaseTransaction,
    key: &PlanKey,
) -> Result<Option<approval_request::Model>, StoreError> {
    let id = (key.tenant.to_string(), key.hierarchy.to_string(), key.plan.clone());
    Ok(approval_request::Entity::find_by_id(id).one(tx).await?)
}

async fn request_put(tx: &DatabaseTransaction, row: &approval_request::Model) -> Result<(), StoreError> {
    use approval_request::Column;
    let replace = OnConflict::columns([Column::Tenant, Column::Hierarchy, Column::Plan])
        .update_columns([
            Column::Body,
            Column::Reasons,
            Column::Why,
            Column::Ticket,
            Column::CreateTime,
            Column::ApplyWhenApproved,
            Column::ApplyProblem,
            Column::Applied,
        ])
        .to_owned();
    let upsert = approval_request::Entity::insert(approval_request::ActiveModel::from(row.clone()));
    upsert.on_conflict(replace).exec_without_returning(tx).await?;
    Ok(())
}

fn same_plan(plan: &plan::Model, hash: &str) -> Result<(), Failure> {
    if plan.hash == hash {
        return Ok(());
    }
    let name = plan_name(&plan.tenant, &plan.hierarchy, &plan.plan);
    let (expected, found) = (plan.hash.clone(), hash.to_owned());
    let description = format!(
        "expected the hash {expected} of `{name}`, found `{found}`: read the plan, and ask about what you have read"
    );
    Err(Failure::Unmet { reason: ErrorReason::PlanHashMismatch, name, description, expected, found })
}

/// Why an answer does not count, with what to do.
fn refusal(name: String, refused: &ApprovalRefused) -> Failure {
    let (reason, remedy) = match refused {
        ApprovalRefused::SelfApproval { .. } => (ErrorReason::SelfApproval, "somebody else must approve it"),
        ApprovalRefused::Expired { .. } => (ErrorReason::ApprovalExpired, "ask for approval again"),
        ApprovalRefused::PlanChanged { .. } => {
            (ErrorReason::ApprovalPlanChanged, "read the plan, and answer about what you have read")
        }
        ApprovalRefused::AlreadyApproved { .. } => {
            (ErrorReason::AlreadyApproved, "somebody else must approve it")
        }
        ApprovalRefused::Rejected { .. } => {
            (ErrorReason::ApprovalRejected, "once that is settled, it is to be asked for again")
        }
        ApprovalRefused::NoApprovalNeeded { .. } => (ErrorReason::NoApprovalNeeded, "apply the plan"),
        ApprovalRefused::ReasonMissing => {
            (ErrorReason::ApprovalReasonMissing, "send one in `justification.reason`")
        }
    };
    unmet(reason, name, format!("{refused}: {remedy}"))
}

/// Where a list that ended with this request goes on.
pub(crate) fn request_place(last: &approval_request::Model) -> Place {
    Place { time: last.create_time, plan: last.plan.clone() }
}
