//! Rollouts, what they gave out to be done, freezes, and who steps them.
//!
//! Invariants: whoever changes anything here locks the tenant's row of `leases` first, so that commands, steps, confirmations and freezes
//! follow one another; a rollout's new state, the actions that it gives out and the record of it in the audit log commit together; what a
//! step was decided by is compared with what is there before it is kept.
//!
//! - `draft`: makes one. `command`: what people say to it. `step`: what became of it by itself.
//! - `action`: what is to be done, and that it was. `devices`: a row for each. `freeze`, `lease`: of the tenant.

pub(crate) mod action;
pub(crate) mod command;
pub(crate) mod devices;
pub(crate) mod draft;
pub(crate) mod freeze;
pub(crate) mod lease;
mod row;
pub(crate) mod step;

use std::sync::Arc;

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Select,
};
use serde::{Deserialize, Serialize};
use tandem_contracts::authority::v1 as proto;
use tandem_domain::approval::ApprovalRequest;
use tandem_domain::id::{HierarchyId, RolloutId, TenantId};
use tandem_domain::rollout::{Rollout, RolloutPhase, RolloutSpec};
use tandem_domain::workload::Workload;
use tandem_storage::{Rows, StoreError};

use super::Store;
use super::entity::rollout;

/// What errors call the resources.
pub(crate) const ROLLOUT_TYPE: &str = "tandem.authority.v1.Rollout";
pub(crate) const ACTION_TYPE: &str = "tandem.authority.v1.RolloutAction";

/// Whose rollout, and which.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RolloutKey {
    pub(crate) tenant: TenantId,
    pub(crate) hierarchy: HierarchyId,
    pub(crate) rollout: RolloutId,
}

impl RolloutKey {
    /// The name of the rollout.
    pub(crate) fn name(&self) -> String {
        let Self { tenant, hierarchy, rollout } = self;
        format!("tenants/{tenant}/hierarchies/{hierarchy}/rollouts/{rollout}")
    }

    fn id(&self) -> (String, String, String) {
        (self.tenant.to_string(), self.hierarchy.to_string(), self.rollout.to_string())
    }
}

/// The approvals that were asked for, and why so many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Approving {
    pub(crate) request: ApprovalRequest,
    pub(crate) reasons: Vec<String>,
}

/// A rollout as it was read, with the revision to compare with. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct KnownRollout {
    pub(crate) key: RolloutKey,
    pub(crate) revision: i64,
    pub(crate) rollout: Arc<Rollout>,
}

/// What is shown of a rollout.
#[derive(Debug, FromQueryResult)]
struct Shown {
    tenant: String,
    hierarchy: String,
    rollout: String,
    etag: i64,
    shown: Vec<u8>,
    create_time: i64,
    created_by: String,
    update_time: i64,
}

/// Where a list goes on: after the rollout of that time and id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Place {
    time: i64,
    rollout: String,
}

/// Which of a hierarchy's rollouts are listed. `None`: any.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    pub(crate) workload: Option<Workload>,
    pub(crate) phase: Option<RolloutPhase>,
}

fn shown(query: Select<rollout::Entity>) -> sea_orm::Selector<sea_orm::SelectModel<Shown>> {
    use rollout::Column as C;
    let columns =
        [C::Tenant, C::Hierarchy, C::Rollout, C::Etag, C::Shown, C::CreateTime, C::CreatedBy, C::UpdateTime];
    query.select_only().columns(columns).into_model()
}

/// A rollout, if there is one of that name.
pub(crate) async fn rollout_fetch(
    store: &Store,
    key: &RolloutKey,
) -> Result<Option<proto::Rollout>, StoreError> {
    let found = shown(rollout::Entity::find_by_id(key.id())).one(&store.reader(key.tenant.as_str())).await?;
    found.map(row::message).transpose()
}

/// A rollout with its devices, if there is one of that name.
pub(crate) async fn rollout_load(
    store: &Store,
    key: &RolloutKey,
) -> Result<Option<KnownRollout>, StoreError> {
    let reader = store.reader(key.tenant.as_str());
    loop {
        let Some(row) = rollout::Entity::find_by_id(key.id()).one(&reader).await? else { return Ok(None) };
        let rows = devices::devices_read(&reader, key).await?;
        // What was kept between the two is read anew.
        if revision_of_rollout(store, key).await? == Some(row.revision) {
            let (key, frame) = row::known(&row)?;
            let rollout = Arc::new(frame.assembled(rows));
            return Ok(Some(KnownRollout { key, revision: row.revision, rollout }));
        }
    }
}

async fn revision_of_rollout(store: &Store, key: &RolloutKey) -> Result<Option<i64>, StoreError> {
    let query = rollout::Entity::find_by_id(key.id()).select_only().column(rollout::Column::Revision);
    Ok(query.into_tuple().one(&store.reader(key.tenant.as_str())).await?)
}

/// What a rollout is to do, if there is one of that name.
pub(crate) async fn rollout_spec(store: &Store, key: &RolloutKey) -> Result<Option<RolloutSpec>, StoreError> {
    let found = rollout::Entity::find_by_id(key.id()).one(&store.reader(key.tenant.as_str())).await?;
    found.map(|row| Ok(row::known(&row)?.1.spec().clone())).transpose()
}

/// Up to `limit` rollouts of a hierarchy after that place, newest first.
pub(crate) async fn rollout_list(
    store: &Store,
    (tenant, hierarchy): (&TenantId, &HierarchyId),
    wanted: Wanted,
    after: Option<Place>,
    limit: u64,
) -> Result<Vec<proto::Rollout>, StoreError> {
    use rollout::Column as C;
    let mut query = rollout::Entity::find()
        .filter(C::Tenant.eq(tenant.as_str()))
        .filter(C::Hierarchy.eq(hierarchy.as_str()));
    if let Some(workload) = wanted.workload {
        query = query.filter(C::Workload.eq(workload.id()));
    }
    if let Some(phase) = wanted.phase {
        query = query.filter(C::Phase.eq(phase.id()));
    }
    if let Some(Place { time, rollout }) = after {
        let same_time = Condition::all().add(C::CreateTime.eq(time)).add(Expr::col(C::Rollout).lt(rollout));
        query = query.filter(Condition::any().add(C::CreateTime.lt(time)).add(same_time));
    }
    let newest_first = query.order_by_desc(C::CreateTime).order_by_desc(C::Rollout).limit(limit);
    let rows = shown(newest_first).all(&store.reader(tenant.as_str())).await?;
    rows.into_iter().map(row::message).collect()
}

/// Where a list that ended with this rollout goes on.
pub(crate) fn place_after(last: &proto::Rollout) -> Place {
    use tandem_contracts::convert::time;
    let at = last.create_time.and_then(|at| time::from_proto("create_time", at).ok());
    let rollout = last.name.rsplit('/').next().unwrap_or_default().to_owned();
    Place { time: at.map_or(0, |at| at.as_microsecond()), rollout }
}

/// The tenants of which any rollout moves.
pub(crate) async fn tenants_moving(store: &Store) -> Result<Vec<TenantId>, StoreError> {
    let query = rollout::Entity::find()
        .select_only()
        .column(rollout::Column::Tenant)
        .filter(rollout::Column::Moving.eq(true))
        .distinct();
    let tenants: Vec<String> = query.into_tuple().all(&store.database.reader(Rows::OfEveryTenant)).await?;
    let parsed = tenants.iter().map(|tenant| TenantId::parse(tenant));
    parsed.collect::<Result<_, _>>().map_err(|error| StoreError::corrupt(error.to_string()))
}

/// A tenant's rollouts that move, with their revisions.
pub(crate) async fn rollouts_moving(
    store: &Store,
    tenant: &TenantId,
) -> Result<Vec<(RolloutKey, i64)>, StoreError> {
    use rollout::Column as C;
    let query = rollout::Entity::find()
        .select_only()
        .columns([C::Hierarchy, C::Rollout, C::Revision])
        .filter(C::Tenant.eq(tenant.as_str()))
        .filter(C::Moving.eq(true));
    let rows: Vec<(String, String, i64)> = query.into_tuple().all(&store.reader(tenant.as_str())).await?;
    let known = rows.into_iter().map(|(hierarchy, rollout, revision)| {
        let damaged = |error: tandem_domain::id::InvalidId| StoreError::corrupt(error.to_string());
        let hierarchy = HierarchyId::parse(&hierarchy).map_err(damaged)?;
        let rollout = RolloutId::parse(&rollout).map_err(damaged)?;
        Ok((RolloutKey { tenant: tenant.clone(), hierarchy, rollout }, revision))
    });
    known.collect()
}

/// Whether a rollout in that phase moves its workload: it was started, and is not over.
pub(crate) const fn is_moving(phase: RolloutPhase) -> bool {
    matches!(phase, RolloutPhase::Running | RolloutPhase::Paused | RolloutPhase::RollingBack)
}
