//! Plans, which never change but for being applied, and the desired policies that applying them leaves.

use std::collections::BTreeSet;

use jiff::Timestamp;
use prost::Message;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use tandem_contracts::authority::v1::policy_change::Kind;
use tandem_contracts::authority::v1::{ApplyPlanResponse, DesiredPolicy, Plan, PlanContent};
use tandem_contracts::convert::{enum_required, time};
use tandem_contracts::json;
use tandem_contracts::r#type::v1::{
    AuditEvent, AuthorityReason, CoManagementPolicy, ErrorReason, Justification, SliderPosition,
    WorkloadSetting,
};
use tandem_domain::approval::PlanSummary;
use tandem_domain::id::{HierarchyId, TenantId};
use tandem_server::once::Once;
use tandem_server::{Failure, audit};
use tandem_storage::{Rows, StoreError};

use super::approvals::{applied_to_request, approved};
use super::audit::audit_append;
use super::entity::{desired_policy, plan, policy};
use super::policies::policy_name;
use super::rollouts::{freeze, lease};
use super::{Store, lock_tenant, revision_of};

/// What errors call the resources.
pub(crate) const PLAN_TYPE: &str = "tandem.authority.v1.Plan";
pub(crate) const DESIRED_TYPE: &str = "tandem.authority.v1.DesiredPolicy";

/// Digits of a plan's hash that are its id: none of a hierarchy's plans meet in so many.
const ID_DIGITS: usize = 32;

/// A plan to be kept.
#[derive(Debug, Clone)]
pub(crate) struct NewPlan {
    pub(crate) tenant: TenantId,
    pub(crate) hierarchy: HierarchyId,
    pub(crate) content: Vec<u8>,
    /// Of the content, in lower-case hex.
    pub(crate) hash: String,
    pub(crate) created_by: String,
    pub(crate) at: Timestamp,
}

/// Whose plan, and which.
#[derive(Debug, Clone)]
pub(crate) struct PlanKey {
    pub(crate) tenant: TenantId,
    pub(crate) hierarchy: HierarchyId,
    pub(crate) plan: String,
}

/// A plan to be applied.
#[derive(Debug, Clone)]
pub(crate) struct Application {
    pub(crate) key: PlanKey,
    /// The hash of what the caller has read.
    pub(crate) hash: String,
    /// The configured revision that the caller has read.
    pub(crate) configured_revision: u64,
    pub(crate) applied_by: String,
    pub(crate) why: Option<Justification>,
    pub(crate) at: Timestamp,
}

/// Where a list goes on: after the plan of that time and id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(super) time: i64,
    pub(super) plan: String,
}

/// The name of a plan.
pub(super) fn plan_name(tenant: &str, hierarchy: &str, plan: &str) -> String {
    format!("tenants/{tenant}/hierarchies/{hierarchy}/plans/{plan}")
}

/// The name of a hierarchy's desired policy.
pub(crate) fn desired_name(tenant: &str, hierarchy: &str) -> String {
    format!("tenants/{tenant}/hierarchies/{hierarchy}/desiredPolicy")
}

/// Keeps a plan, unless it is kept already; answers what is kept.
pub(crate) async fn plan_keep(store: &Store, new: NewPlan) -> Result<Plan, Failure> {
    let tenant = new.tenant.clone();
    let commit = store.database.write(Rows::Of(tenant.as_str()), |tx| {
        let new = new.clone();
        Box::pin(async move { kept(tx, new).await })
    });
    commit.await
}

async fn kept(tx: &DatabaseTransaction, new: NewPlan) -> Result<Plan, Failure> {
    let (tenant, hierarchy) = (new.tenant.to_string(), new.hierarchy.to_string());
    let row = plan::Model {
        plan: new.hash.chars().take(ID_DIGITS).collect(),
        hash: new.hash,
        content: new.content,
        create_time: new.at.as_microsecond(),
        created_by: new.created_by,
        apply_time: None,
        applied_by: None,
        tenant,
        hierarchy,
    };
    let known = plan::Entity::find_by_id((row.tenant.clone(), row.hierarchy.clone(), row.plan.clone()));
    if let Some(known) = known.one(tx).await? {
        return Ok(message(known)?);
    }
    // Two callers may keep the same plan at the same time.
    let insert = plan::Entity::insert(plan::ActiveModel::from(row.clone()))
        .on_conflict(OnConflict::new().do_nothing().to_owned());
    insert.exec_without_returning(tx).await?;
    Ok(message(row)?)
}

/// A plan, if there is one of that name.
pub(crate) async fn plan_fetch(store: &Store, key: &PlanKey) -> Result<Option<Plan>, StoreError> {
    let PlanKey { tenant, hierarchy, plan } = key;
    let id = (tenant.to_string(), hierarchy.to_string(), plan.clone());
    plan::Entity::find_by_id(id).one(&store.reader(tenant.as_str())).await?.map(message).transpose()
}

/// Up to `limit` plans of a hierarchy after that place, newest first.
pub(crate) async fn plan_list(
    store: &Store,
    tenant: &TenantId,
    hierarchy: &HierarchyId,
    after: Option<Place>,
    limit: u64,
) -> Result<Vec<Plan>, StoreError> {
    let mut query = plan::Entity::find()
        .filter(plan::Column::Tenant.eq(tenant.as_str()))
        .filter(plan::Column::Hierarchy.eq(hierarchy.as_str()));
    if let Some(Place { time, plan }) = after {
        let same_time = Condition::all()
            .add(plan::Column::CreateTime.eq(time))
            .add(Expr::col(plan::Column::Plan).lt(plan));
        query = query.filter(Condition::any().add(plan::Column::CreateTime.lt(time)).add(same_time));
    }
    let newest_first =
        query.order_by_desc(plan::Column::CreateTime).order_by_desc(plan::Column::Plan).limit(limit);
    let rows = newest_first.all(&store.reader(tenant.as_str())).await?;
    rows.into_iter().map(message).collect()
}

/// Where a list that ended with this plan goes on.
pub(crate) fn place_after(last: &Plan) -> Place {
    let time = last.create_time.and_then(|at| time::from_proto("create_time", at).ok());
    let plan = last.name.rsplit('/').next().unwrap_or_default().to_owned();
    Place { time: time.map_or(0, |at| at.as_microsecond()), plan }
}

/// What is desired of a hierarchy, if a plan was ever applied.
pub(crate) async fn desired_fetch(
    store: &Store,
    tenant: &TenantId,
    hierarchy: &HierarchyId,
) -> Result<Option<DesiredPolicy>, StoreError> {
    let key = (tenant.to_string(), hierarchy.to_string());
    let row = desired_policy::Entity::find_by_id(key).one(&store.reader(tenant.as_str())).await?;
    row.map(desired).transpose()
}

/// Makes a plan's policy the desired one, unless the request was served already.
pub(crate) async fn plan_apply(
    store: &Store,
    application: Application,
    once: Once,
) -> Result<ApplyPlanResponse, Failure> {
    let tenant = application.key.tenant.clone();
    let commit = store.database.write(Rows::Of(tenant.as_str()), |tx| {
        let (store, application, once) = (store.clone(), application.clone(), once.clone());
        Box::pin(async move { applied(tx, &store, &application, &once).await })
    });
    commit.await
}

async fn applied(
    tx: &DatabaseTransaction,
    store: &Store,
    application: &Application,
    once: &Once,
) -> Result<ApplyPlanResponse, Failure> {
    let tenant = application.key.tenant.as_str();
    if let Some(answer) = once.answered(tx, tenant).await? {
        // On record since it was served.
        audit::recorded();
        return Ok(answer);
    }
    let revision = lock_tenant(tx, tenant).await?;
    let Adopted { desired, event } = carry_out(tx, application, revision).await?;
    audit_append(tx, tenant, &[event]).await?;
    audit::recorded();
    let answer = ApplyPlanResponse {
        desired_policy: Some(desired),
        consistency_token: store.world(revision_of(revision)?).to_string(),
    };
    once.remember(tx, tenant, &answer).await?;
    Ok(answer)
}

/// What applying a plan left.
pub(super) struct Adopted {
    pub(super) desired: DesiredPolicy,
    /// For the audit log, in the same transaction.
    pub(super) event: AuditEvent,
}

/// Whether a workload's own slider says where it goes for any device: not where a site's version fixes it, nor where device configuration
/// carries it along, which counts by itself. Of a hierarchy without devices nobody knows.
fn is_up_to_its_slider(content: &PlanContent, workload: i32) -> bool {
    let impact = content.workloads.iter().find(|impact| impact.workload == workload);
    let rows = impact.map(|impact| impact.rows.as_slice()).unwrap_or_default();
    rows.is_empty() || rows.iter().any(|row| row.slider_reason() == AuthorityReason::SliderIntune)
}

/// Makes a plan's policy the desired one, if nothing speaks against it. The tenant's row is locked, and gave that revision.
pub(super) async fn carry_out(
    tx: &DatabaseTransaction,
    application: &Application,
    revision: i64,
) -> Result<Adopted, Failure> {
    let key = &application.key;
    let (tenant, hierarchy) = (key.tenant.as_str(), key.hierarchy.as_str());
    let row = plan_row(tx, key).await?;
    let before =
        desired_policy::Entity::find_by_id((tenant.to_owned(), hierarchy.to_owned())).one(tx).await?;
    let content = content(&row)?;
    thawed(tx, tenant, &row).await?;
    check(tx, application, &row, &content, before.as_ref()).await?;
    let summary = summary(&content)?;
    approved(tx, &row, &summary, application.at).await?;

    let after = desired_policy::Model {
        tenant: tenant.to_owned(),
        hierarchy: hierarchy.to_owned(),
        body: content.proposed.unwrap_or_default().encode_to_vec(),
        plan: key.plan.clone(),
        revision,
        update_time: application.at.as_microsecond(),
        updated_by: application.applied_by.clone(),
    };
    adopt(tx, &row, &after).await?;
    let (before, desired) = (before.map(desired).transpose()?, desired(after)?);
    let event = AuditEvent {
        before: before.as_ref().map(told).transpose()?.unwrap_or_default(),
        after: told(&desired)?,
        justification: application.why.clone(),
        ..audit::event(tenant, &desired.name)
    };
    Ok(Adopted { desired, event })
}

/// The plan of that key.
pub(super) async fn plan_row(tx: &DatabaseTransaction, key: &PlanKey) -> Result<plan::Model, Failure> {
    let PlanKey { tenant, hierarchy, plan } = key;
    let id = (tenant.to_string(), hierarchy.to_string(), plan.clone());
    let row = plan::Entity::find_by_id(id).one(tx).await?;
    let name = || plan_name(tenant.as_str(), hierarchy.as_str(), plan);
    row.ok_or_else(|| Failure::NotFound { resource_type: PLAN_TYPE, name: name() })
}

/// What approval looks at of a plan.
pub(super) fn summary(content: &PlanContent) -> Result<PlanSummary, StoreError> {
    let moves = content.changes.iter().filter_map(|change| match &change.kind {
        Some(Kind::Workload(change)) => Some(change),
        _ => None,
    });
    let mut summary = PlanSummary {
        workloads: BTreeSet::new(),
        devices_affected: Some(content.devices_affected),
        full_switch: false,
    };
    for change in moves {
        let after = change.after.clone().unwrap_or_default();
        let workload = enum_required("workload", after.workload);
        summary.workloads.insert(workload.map_err(|v| StoreError::corrupt(v.to_string()))?);
        let slider = |setting: &Option<WorkloadSetting>| setting.as_ref().map(WorkloadSetting::slider);
        summary.full_switch |= slider(&change.after) == Some(SliderPosition::Intune)
            && slider(&change.before) != Some(SliderPosition::Intune)
            && is_up_to_its_slider(content, after.workload);
    }
    // With co-management set up, every position that the policy keeps begins to decide.
    let set_up = content
        .changes
        .iter()
        .any(|change| matches!(&change.kind, Some(Kind::Enabled(enabled)) if enabled.after == Some(true)));
    let kept = content.proposed.iter().flat_map(|policy| &policy.workloads).filter(|_| set_up);
    for setting in kept.filter(|setting| setting.slider() != SliderPosition::ConfigurationManager) {
        let workload = enum_required("workload", setting.workload);
        summary.workloads.insert(workload.map_err(|v| StoreError::corrupt(v.to_string()))?);
        summary.full_switch |=
            setting.slider() == SliderPosition::Intune && is_up_to_its_slider(content, setting.workload);
    }
    Ok(summary)
}

/// While the tenant is frozen nothing is adopted that would have to be handed over.
async fn thawed(tx: &DatabaseTransaction, tenant: &str, row: &plan::Model) -> Result<(), Failure> {
    lease::lock(tx, tenant).await?;
    let Some(freeze) = freeze::find(tx, tenant).await? else { return Ok(()) };
    Err(Failure::Unmet {
        reason: ErrorReason::TenantFrozen,
        name: plan_name(&row.tenant, &row.hierarchy, &row.plan),
        description: format!(
            "expected a tenant that is not frozen; found it frozen by {} since {}: unfreeze it first",
            freeze.by, freeze.since
        ),
        expected: String::new(),
        found: freeze.since.to_string(),
    })
}

/// Whether the plan is the one that the caller has read, and everything that it was made from is as it was.
async fn check(
    tx: &DatabaseTransaction,
    application: &Application,
    row: &plan::Model,
    content: &PlanContent,
    desired: Option<&desired_policy::Model>,
) -> Result<(), Failure> {
    let name = plan_name(&row.tenant, &row.hierarchy, &row.plan);
    if application.hash != row.hash {
        let (expected, found) = (row.hash.clone(), application.hash.clone());
        let description = format!(
            "expected the hash {expected} of `{name}`, found `{found}`: read the plan, and apply what you have read"
        );
        return Err(Failure::Unmet {
            reason: ErrorReason::PlanHashMismatch,
            name,
            description,
            expected,
            found,
        });
    }
    if let Some(at) = row.apply_time {
        let at = Timestamp::from_microsecond(at).map_err(Failure::internal)?;
        let by = row.applied_by.clone().unwrap_or_default();
        let description =
            format!("`{name}` was applied at {at} by {by}: to change anything, make a new plan");
        let (expected, found) = (String::new(), at.to_string());
        return Err(Failure::Unmet {
            reason: ErrorReason::PlanAlreadyApplied,
            name,
            description,
            expected,
            found,
        });
    }
    let configured = policy::Entity::find_by_id((row.tenant.clone(), row.hierarchy.clone())).one(tx).await?;
    let configured = configured.map_or(Ok(0), |row| revision_of(row.revision))?;
    let desired = desired.map_or(Ok(0), |row| revision_of(row.revision))?;
    let bases = [
        (
            policy_name(&row.tenant, &row.hierarchy),
            application.configured_revision,
            content.configured_revision,
        ),
        (policy_name(&row.tenant, &row.hierarchy), content.configured_revision, configured),
        (desired_name(&row.tenant, &row.hierarchy), content.desired_revision, desired),
    ];
    match bases.into_iter().find(|(_, expected, found)| expected != found) {
        Some((name, expected, found)) => {
            let description = format!(
                "the plan was made from revision {expected} of `{name}`, and it is {found} (0: there is none): make a new plan"
            );
            let (expected, found) = (expected.to_string(), found.to_string());
            Err(Failure::Unmet { reason: ErrorReason::PlanBaseChanged, name, description, expected, found })
        }
        None => Ok(()),
    }
}

async fn adopt(
    tx: &DatabaseTransaction,
    row: &plan::Model,
    after: &desired_policy::Model,
) -> Result<(), StoreError> {
    let replace = OnConflict::columns([desired_policy::Column::Tenant, desired_policy::Column::Hierarchy])
        .update_columns([
            desired_policy::Column::Body,
            desired_policy::Column::Plan,
            desired_policy::Column::Revision,
            desired_policy::Column::UpdateTime,
            desired_policy::Column::UpdatedBy,
        ])
        .to_owned();
    let upsert = desired_policy::Entity::insert(desired_policy::ActiveModel::from(after.clone()));
    upsert.on_conflict(replace).exec_without_returning(tx).await?;
    applied_to_request(tx, row).await?;
    let mark = plan::Entity::update_many()
        .col_expr(plan::Column::ApplyTime, Expr::value(after.update_time))
        .col_expr(plan::Column::AppliedBy, Expr::value(after.updated_by.clone()))
        .filter(plan::Column::Tenant.eq(&row.tenant))
        .filter(plan::Column::Hierarchy.eq(&row.hierarchy))
        .filter(plan::Column::Plan.eq(&row.plan));
    mark.exec(tx).await?;
    Ok(())
}

/// A desired policy for the audit log.
fn told(desired: &DesiredPolicy) -> Result<String, StoreError> {
    json::line(DESIRED_TYPE, desired).map_err(|error| StoreError::corrupt(error.to_string()))
}

pub(super) fn content(row: &plan::Model) -> Result<PlanContent, StoreError> {
    PlanContent::decode(row.content.as_slice())
        .map_err(|error| StoreError::corrupt(format!("content of plan {}: {error}", row.plan)))
}

pub(super) fn moment(microseconds: i64) -> Result<prost_types::Timestamp, StoreError> {
    let at = Timestamp::from_microsecond(microseconds).map_err(|e| StoreError::corrupt(e.to_string()))?;
    Ok(time::to_proto(at))
}

/// A row as its message.
fn message(row: plan::Model) -> Result<Plan, StoreError> {
    Ok(Plan {
        name: plan_name(&row.tenant, &row.hierarchy, &row.plan),
        content: Some(content(&row)?),
        hash: row.hash,
        created_by: row.created_by,
        create_time: Some(moment(row.create_time)?),
        applied_by: row.applied_by.unwrap_or_default(),
        apply_time: row.apply_time.map(moment).transpose()?,
    })
}

/// A row as its message.
fn desired(row: desired_policy::Model) -> Result<DesiredPolicy, StoreError> {
    let name = desired_name(&row.tenant, &row.hierarchy);
    let damaged = |error: prost::DecodeError| StoreError::corrupt(format!("{name}: {error}"));
    let policy = CoManagementPolicy::decode(row.body.as_slice()).map_err(damaged)?;
    Ok(DesiredPolicy {
        policy: Some(policy),
        plan: plan_name(&row.tenant, &row.hierarchy, &row.plan),
        revision: revision_of(row.revision)?,
        update_time: Some(moment(row.update_time)?),
        updated_by: row.updated_by,
        name,
    })
}
