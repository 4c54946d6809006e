//! What rollouts gave out to be done, and the word that it was.

use jiff::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use tandem_contracts::authority::v1 as proto;
use tandem_contracts::convert::time;
use tandem_contracts::json;
use tandem_contracts::r#type::v1::{AuditEvent, ErrorReason, Justification};
use tandem_domain::id::DeviceId;
use tandem_domain::rollout::RolloutPhase;
use tandem_server::once::Once;
use tandem_server::{Failure, audit};
use tandem_storage::{Rows, StoreError};

use super::row::{damaged, find, moment, of_rollout};
use super::{ACTION_TYPE, RolloutKey, freeze, lease};
use crate::store::Store;
use crate::store::audit::audit_append;
use crate::store::entity::rollout_action;

/// An action with its devices.
#[derive(Debug, Clone)]
pub(crate) struct KnownAction {
    /// Without members, sheet and script.
    pub(crate) message: proto::RolloutAction,
    pub(crate) devices: Vec<DeviceId>,
}

/// Where a list goes on: after that sequence.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct After(pub(crate) i64);

/// The word that an action was carried out.
#[derive(Debug, Clone)]
pub(crate) struct Confirmation {
    pub(crate) key: RolloutKey,
    /// Its id, the last part of its name.
    pub(crate) action: String,
    pub(crate) by: String,
    pub(crate) why: Option<Justification>,
    pub(crate) at: Timestamp,
}

fn message(
    key: &RolloutKey,
    row: &rollout_action::Model,
    frozen: bool,
) -> Result<proto::RolloutAction, StoreError> {
    let change = if row.adds { proto::MembershipChange::Add } else { proto::MembershipChange::Remove };
    let number = |number: i64| u32::try_from(number).map_err(|error| damaged("number of an action", error));
    let at = |at: i64| moment(at).map(time::to_proto);
    Ok(proto::RolloutAction {
        name: action_name(key, &row.action),
        sequence: number(row.sequence)?,
        wave: number(row.wave.into())?,
        collection: row.collection.clone(),
        change: change.into(),
        takes_back: row.takes_back,
        open: row.open && !frozen,
        give_time: Some(at(row.give_time)?),
        confirm_time: row.confirm_time.map(at).transpose()?,
        confirmed_by: row.confirmed_by.clone().unwrap_or_default(),
        ..proto::RolloutAction::default()
    })
}

/// The name of an action.
fn action_name(key: &RolloutKey, action: &str) -> String {
    format!("{}/actions/{action}", key.name())
}

/// Up to `limit` actions of a rollout after that one: those that are to be done, or all. While the tenant is frozen nothing is to be done.
pub(crate) async fn action_list(
    store: &Store,
    key: &RolloutKey,
    all: bool,
    after: Option<After>,
    limit: u64,
) -> Result<Vec<KnownAction>, StoreError> {
    use rollout_action::Column as C;
    let reader = store.reader(key.tenant.as_str());
    let mut query = rollout_action::Entity::find()
        .filter(C::Tenant.eq(key.tenant.as_str()))
        .filter(C::Hierarchy.eq(key.hierarchy.as_str()))
        .filter(C::Rollout.eq(key.rollout.as_str()));
    if !all {
        query = query.filter(C::Open.eq(true));
    }
    if let Some(After(sequence)) = after {
        query = query.filter(Expr::col(C::Sequence).gt(sequence));
    }
    let rows = query.order_by_asc(C::Sequence).limit(limit).all(&reader).await?;
    // Read last: what was open when the tenant was frozen is not given out.
    let frozen = freeze::find(&reader, key.tenant.as_str()).await?.is_some();
    let rows = rows.iter().filter(|_| all || !frozen);
    rows.map(|row| Ok(KnownAction { message: message(key, row, frozen)?, devices: devices(row)? })).collect()
}

fn devices(row: &rollout_action::Model) -> Result<Vec<DeviceId>, StoreError> {
    serde_json::from_str(&row.devices).map_err(|error| damaged("devices of an action", error))
}

/// Notes that an action was carried out, unless the request was served already.
pub(crate) async fn action_confirm(
    store: &Store,
    confirmation: Confirmation,
    once: Once,
) -> Result<proto::RolloutAction, Failure> {
    let tenant = confirmation.key.tenant.clone();
    let commit = store.database.write(Rows::Of(tenant.as_str()), |tx| {
        let (confirmation, once) = (confirmation.clone(), once.clone());
        Box::pin(async move { confirmed(tx, &confirmation, &once).await })
    });
    commit.await
}

async fn confirmed(
    tx: &DatabaseTransaction,
    confirmation: &Confirmation,
    once: &Once,
) -> Result<proto::RolloutAction, Failure> {
    let Confirmation { key, action, by, why, at } = confirmation;
    let tenant = key.tenant.as_str();
    if let Some(answer) = once.answered::<proto::ConfirmRolloutActionResponse>(tx, tenant).await? {
        // On record since it was served.
        audit::recorded();
        return Ok(answer.action.unwrap_or_default());
    }
    lease::lock(tx, tenant).await?;
    let (rollout, _) = find(tx, key).await?;
    let frozen = freeze::find(tx, tenant).await?.is_some();
    let row = find_action(tx, key, action).await?;
    if row.confirm_time.is_some() {
        // Already so is success; the call is on record as any other.
        return Ok(message(key, &row, frozen)?);
    }
    let taken_back = [RolloutPhase::RollingBack, RolloutPhase::RolledBack];
    if !row.takes_back && taken_back.iter().any(|phase| phase.id() == rollout.phase) {
        return Err(superseded(key, &row));
    }
    if let Some(first) = first_open(tx, key).await?.filter(|first| *first < row.sequence) {
        return Err(out_of_order(key, &row, first));
    }
    let after = rollout_action::Model {
        open: false,
        confirm_time: Some(at.as_microsecond()),
        confirmed_by: Some(by.clone()),
        ..row.clone()
    };
    let change = of_rollout(key)
        .col_expr(rollout_action::Column::Open, Expr::value(after.open))
        .col_expr(rollout_action::Column::ConfirmTime, Expr::value(after.confirm_time))
        .col_expr(rollout_action::Column::ConfirmedBy, Expr::value(after.confirmed_by.clone()));
    change.filter(rollout_action::Column::Sequence.eq(row.sequence)).exec(tx).await?;
    let (before, after) = (message(key, &row, frozen)?, message(key, &after, frozen)?);
    let told = |message: &proto::RolloutAction| {
        json::line(ACTION_TYPE, message).map_err(|error| StoreError::corrupt(error.to_string()))
    };
    let event = AuditEvent {
        before: told(&before)?,
        after: told(&after)?,
        justification: why.clone(),
        ..audit::event(tenant, &after.name)
    };
    audit_append(tx, tenant, &[event]).await?;
    audit::recorded();
    once.remember(tx, tenant, &proto::ConfirmRolloutActionResponse { action: Some(after.clone()) }).await?;
    Ok(after)
}

async fn find_action(
    tx: &DatabaseTransaction,
    key: &RolloutKey,
    action: &str,
) -> Result<rollout_action::Model, Failure> {
    use rollout_action::Column as C;
    let query = rollout_action::Entity::find()
        .filter(C::Tenant.eq(key.tenant.as_str()))
        .filter(C::Hierarchy.eq(key.hierarchy.as_str()))
        .filter(C::Rollout.eq(key.rollout.as_str()))
        .filter(C::Action.eq(action));
    let name = || action_name(key, action);
    query.one(tx).await?.ok_or_else(|| Failure::NotFound { resource_type: ACTION_TYPE, name: name() })
}

/// The least sequence that is to be done.
async fn first_open(tx: &DatabaseTransaction, key: &RolloutKey) -> Result<Option<i64>, StoreError> {
    use rollout_action::Column as C;
    let query = rollout_action::Entity::find()
        .select_only()
        .column(C::Sequence)
        .filter(C::Tenant.eq(key.tenant.as_str()))
        .filter(C::Hierarchy.eq(key.hierarchy.as_str()))
        .filter(C::Rollout.eq(key.rollout.as_str()))
        .filter(C::Open.eq(true));
    Ok(query.order_by_asc(C::Sequence).limit(1).into_tuple().one(tx).await?)
}

fn superseded(key: &RolloutKey, row: &rollout_action::Model) -> Failure {
    let name = action_name(key, &row.action);
    Failure::Unmet {
        reason: ErrorReason::RolloutActionSuperseded,
        description: format!(
            "expected an action that takes back, found `{name}`, which hands over, of a rollout that is rolled back: do not \
             carry it out, and carry out what takes it back"
        ),
        name,
        expected: String::new(),
        found: String::new(),
    }
}

fn out_of_order(key: &RolloutKey, row: &rollout_action::Model, first: i64) -> Failure {
    let found = row.sequence;
    Failure::Unmet {
        reason: ErrorReason::RolloutActionOutOfOrder,
        name: action_name(key, &row.action),
        description: format!(
            "expected the action of sequence {first} to be confirmed first, found the one of sequence {found}: carry out \
             what comes before, and confirm it"
        ),
        expected: first.to_string(),
        found: found.to_string(),
    }
}
