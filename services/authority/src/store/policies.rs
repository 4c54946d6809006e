//! Co-management policies as recorded: the current one of each hierarchy, and every one before.

use std::collections::BTreeMap;

use jiff::Timestamp;
use prost::Message;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tandem_contracts::authority::v1::UpdateCoManagementPolicyResponse;
use tandem_contracts::convert::{self, time};
use tandem_contracts::json;
use tandem_contracts::r#type::v1::{AuditEvent, CoManagementPolicy, Justification};
use tandem_domain::id::{HierarchyId, TenantId};
use tandem_domain::workload::{PerWorkload, Workload};
use tandem_server::once::Once;
use tandem_server::{Failure, Reach, audit};
use tandem_storage::{Rows, StoreError};

use super::audit::audit_append;
use super::entity::{policy, policy_revision};
use super::{Store, lock_tenant, revision_of};

/// What errors call the resource.
pub(crate) const RESOURCE_TYPE: &str = "tandem.type.v1.CoManagementPolicy";

/// The name of a hierarchy's policy.
pub(crate) fn policy_name(tenant: &str, hierarchy: &str) -> String {
    format!("tenants/{tenant}/hierarchies/{hierarchy}/coManagementPolicy")
}

/// A policy to be recorded.
#[derive(Debug, Clone)]
pub(crate) struct NewPolicy {
    pub(crate) tenant: TenantId,
    pub(crate) hierarchy: HierarchyId,
    /// What the hierarchy says, without anything that the store adds.
    pub(crate) body: CoManagementPolicy,
    /// The etag that the caller has seen; empty: whichever.
    pub(crate) etag: String,
    /// Who records it.
    pub(crate) updated_by: String,
    /// Why, as far as it was said.
    pub(crate) why: Option<Justification>,
    /// When.
    pub(crate) at: Timestamp,
}

/// Records a policy in place of the one before, unless the request was served already.
pub(crate) async fn policy_record(
    store: &Store,
    new: NewPolicy,
    once: Once,
) -> Result<UpdateCoManagementPolicyResponse, Failure> {
    let tenant = new.tenant.clone();
    let commit = store.database.write(Rows::Of(tenant.as_str()), |tx| {
        let (store, new, once) = (store.clone(), new.clone(), once.clone());
        Box::pin(async move { recorded(tx, &store, &new, &once).await })
    });
    commit.await
}

/// The answer that the request got before, or the one that it gets now.
async fn recorded(
    tx: &DatabaseTransaction,
    store: &Store,
    new: &NewPolicy,
    once: &Once,
) -> Result<UpdateCoManagementPolicyResponse, Failure> {
    let tenant = new.tenant.as_str();
    if let Some(answer) = once.answered(tx, tenant).await? {
        // On record since it was served.
        audit::recorded();
        return Ok(answer);
    }
    let revision = lock_tenant(tx, tenant).await?;
    let (before, row) = replaced(tx, new, revision).await?;
    let policy = message(row)?;
    let event = AuditEvent {
        before: before.map(message).transpose()?.as_ref().map(json).transpose()?.unwrap_or_default(),
        after: json(&policy)?,
        justification: new.why.clone(),
        ..audit::event(tenant, &policy.name)
    };
    audit_append(tx, tenant, &[event]).await?;
    audit::recorded();
    let answer = UpdateCoManagementPolicyResponse {
        policy: Some(policy),
        consistency_token: store.world(revision_of(revision)?).to_string(),
    };
    once.remember(tx, tenant, &answer).await?;
    Ok(answer)
}

/// A policy for the audit log.
fn json(policy: &CoManagementPolicy) -> Result<String, StoreError> {
    json::line(RESOURCE_TYPE, policy).map_err(|error| StoreError::corrupt(error.to_string()))
}

/// Compares the etag and writes the row and its history. Answers the row that was there, and the new one.
async fn replaced(
    tx: &DatabaseTransaction,
    new: &NewPolicy,
    revision: i64,
) -> Result<(Option<policy::Model>, policy::Model), Failure> {
    let (tenant, hierarchy) = (new.tenant.to_string(), new.hierarchy.to_string());
    let old = policy::Entity::find_by_id((tenant.clone(), hierarchy.clone())).one(tx).await?;
    let current = old.as_ref().map(|row| row.etag.to_string()).unwrap_or_default();
    Failure::check_etag(policy_name(&tenant, &hierarchy), &new.etag, &current)?;
    let row = policy::Model {
        changes: changes(old.as_ref(), &new.body, new.at)?,
        tenant,
        hierarchy,
        body: new.body.encode_to_vec(),
        etag: old.as_ref().map_or(0, |row| row.etag) + 1,
        revision,
        update_time: new.at.as_microsecond(),
        updated_by: new.updated_by.clone(),
    };
    let replace = OnConflict::columns([policy::Column::Tenant, policy::Column::Hierarchy])
        .update_columns([
            policy::Column::Body,
            policy::Column::Etag,
            policy::Column::Revision,
            policy::Column::UpdateTime,
            policy::Column::UpdatedBy,
            policy::Column::Changes,
        ])
        .to_owned();
    let upsert = policy::Entity::insert(policy::ActiveModel::from(row.clone())).on_conflict(replace);
    upsert.exec_without_returning(tx).await?;
    let history = policy_revision::ActiveModel::from(policy_revision::Model::from(row.clone()));
    policy_revision::Entity::insert(history).exec_without_returning(tx).await?;
    Ok((old, row))
}

/// When what decides each workload last changed: whether co-management is set up, its position, and that of what carries it.
fn changes(
    old: Option<&policy::Model>,
    new: &CoManagementPolicy,
    at: Timestamp,
) -> Result<String, StoreError> {
    // How long the first one stood in the hierarchy before anybody recorded it, nobody said.
    let Some(old) = old else {
        return written(&PerWorkload::from_fn(|_| None));
    };
    let known = read_changes(&old.changes)?;
    let damaged = |what: String| StoreError::corrupt(format!("policy of {}: {what}", old.hierarchy));
    let body = CoManagementPolicy::decode(old.body.as_slice()).map_err(|e| damaged(e.to_string()))?;
    let parse = |message| convert::policy::from_proto(message).map_err(|e| damaged(format!("{e:?}")));
    let (before, after) = (parse(body)?, parse(new.clone())?);
    written(&PerWorkload::from_fn(|workload| {
        let deciding = [Some(workload), workload.included_in()];
        let same = before.enabled == after.enabled
            && deciding.into_iter().flatten().all(|w| before.workloads[w] == after.workloads[w]);
        if same { known[workload] } else { Some(at) }
    }))
}

fn written(changes: &PerWorkload<Option<Timestamp>>) -> Result<String, StoreError> {
    let changes = changes.iter().filter_map(|(workload, at)| Some((workload.id(), (*at)?.as_microsecond())));
    let changes: BTreeMap<&str, i64> = changes.collect();
    serde_json::to_string(&changes).map_err(|error| StoreError::corrupt(error.to_string()))
}

/// Reads what [`changes`] wrote.
pub(super) fn read_changes(text: &str) -> Result<PerWorkload<Option<Timestamp>>, StoreError> {
    let damaged = |what: String| StoreError::corrupt(format!("changes of a policy: {what}"));
    let changes: BTreeMap<String, i64> = serde_json::from_str(text).map_err(|e| damaged(e.to_string()))?;
    let mut known = PerWorkload::from_fn(|_| None);
    for workload in Workload::ALL {
        if let Some(at) = changes.get(workload.id()) {
            known[workload] = Some(Timestamp::from_microsecond(*at).map_err(|e| damaged(e.to_string()))?);
        }
    }
    Ok(known)
}

/// A hierarchy's policy, if anybody said what it is.
pub(crate) async fn policy_fetch(
    store: &Store,
    tenant: &TenantId,
    hierarchy: &HierarchyId,
) -> Result<Option<CoManagementPolicy>, StoreError> {
    let key = (tenant.to_string(), hierarchy.to_string());
    policy::Entity::find_by_id(key).one(&store.reader(tenant.as_str())).await?.map(message).transpose()
}

/// Up to `limit` policies of what is reached of a tenant, after that hierarchy's, by name, each with its hierarchy.
pub(crate) async fn policy_list(
    store: &Store,
    tenant: &TenantId,
    reach: &Reach,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<(String, CoManagementPolicy)>, StoreError> {
    let mut query = policy::Entity::find().filter(policy::Column::Tenant.eq(tenant.as_str()));
    if let Some(hierarchies) = reach.hierarchies() {
        query = query.filter(policy::Column::Hierarchy.is_in(hierarchies));
    }
    if let Some(after) = after {
        query = query.filter(policy::Column::Hierarchy.gt(after));
    }
    let rows = query
        .order_by_asc(policy::Column::Hierarchy)
        .limit(limit)
        .all(&store.reader(tenant.as_str()))
        .await?;
    rows.into_iter().map(|row| Ok((row.hierarchy.clone(), message(row)?))).collect()
}

/// Up to `limit` of what was recorded of a hierarchy's policy before that revision, newest first.
pub(crate) async fn policy_revision_list(
    store: &Store,
    tenant: &TenantId,
    hierarchy: &HierarchyId,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<CoManagementPolicy>, StoreError> {
    let mut query = policy_revision::Entity::find()
        .filter(policy_revision::Column::Tenant.eq(tenant.as_str()))
        .filter(policy_revision::Column::Hierarchy.eq(hierarchy.as_str()));
    if let Some(before) = before {
        query = query.filter(policy_revision::Column::Revision.lt(before));
    }
    let newest_first = query.order_by_desc(policy_revision::Column::Revision).limit(limit);
    let rows = newest_first.all(&store.reader(tenant.as_str())).await?;
    rows.into_iter().map(|row| message(row.into())).collect()
}

/// A row as its message.
fn message(row: policy::Model) -> Result<CoManagementPolicy, StoreError> {
    let name = policy_name(&row.tenant, &row.hierarchy);
    let damaged = |what: String| StoreError::corrupt(format!("{name}: {what}"));
    let body = CoManagementPolicy::decode(row.body.as_slice()).map_err(|e| damaged(e.to_string()))?;
    let at = Timestamp::from_microsecond(row.update_time).map_err(|e| damaged(e.to_string()))?;
    Ok(CoManagementPolicy {
        etag: row.etag.to_string(),
        revision: revision_of(row.revision)?,
        update_time: Some(time::to_proto(at)),
        updated_by: row.updated_by,
        name,
        ..body
    })
}
