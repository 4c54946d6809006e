//! Rows of rollouts, to and from the domain, and how they are written.

use jiff::Timestamp;
use prost::Message;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};
use tandem_contracts::authority::v1 as proto;
use tandem_contracts::convert::time;
use tandem_contracts::json;
use tandem_contracts::r#type::v1::{AuditEvent, ErrorReason, Justification};
use tandem_domain::id::{HierarchyId, RolloutId, TenantId};
use tandem_domain::rollout::Rollout;
use tandem_domain::workload::Workload;
use tandem_server::{Failure, audit};
use tandem_storage::StoreError;

use super::{Approving, ROLLOUT_TYPE, RolloutKey, Shown, is_moving};
use crate::grpc::{rollout_message, with_counts_of};
use crate::store::audit::audit_append;
use crate::store::entity::{rollout, rollout_action};

pub(super) fn damaged(what: &str, error: impl std::fmt::Display) -> StoreError {
    StoreError::corrupt(format!("{what}: {error}"))
}

pub(super) fn moment(microseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(microseconds).map_err(|error| damaged("time", error))
}

/// What is shown of a row.
pub(super) fn message(row: Shown) -> Result<proto::Rollout, StoreError> {
    let Shown { tenant, hierarchy, rollout, .. } = &row;
    let name = format!("tenants/{tenant}/hierarchies/{hierarchy}/rollouts/{rollout}");
    let shown = proto::Rollout::decode(row.shown.as_slice()).map_err(|error| damaged(&name, error))?;
    Ok(proto::Rollout {
        name,
        etag: row.etag.to_string(),
        created_by: row.created_by,
        create_time: Some(time::to_proto(moment(row.create_time)?)),
        update_time: Some(time::to_proto(moment(row.update_time)?)),
        ..shown
    })
}

fn shown_of(row: rollout::Model) -> Shown {
    let rollout::Model {
        tenant, hierarchy, rollout, etag, shown, create_time, created_by, update_time, ..
    } = row;
    Shown { tenant, hierarchy, rollout, etag, shown, create_time, created_by, update_time }
}

/// The message of a row.
pub(super) fn message_of(row: &rollout::Model) -> Result<proto::Rollout, StoreError> {
    message(shown_of(row.clone()))
}

/// The frame of a row's rollout, with its key. Of one that was kept by an earlier release, which kept them together, with devices.
pub(super) fn known(row: &rollout::Model) -> Result<(RolloutKey, Rollout), StoreError> {
    let key = (|| {
        Ok::<_, tandem_domain::id::InvalidId>(RolloutKey {
            tenant: TenantId::parse(&row.tenant)?,
            hierarchy: HierarchyId::parse(&row.hierarchy)?,
            rollout: RolloutId::parse(&row.rollout)?,
        })
    })();
    let key = key.map_err(|error| damaged("name of a rollout", error))?;
    let rollout = serde_json::from_str(&row.state).map_err(|error| damaged(&key.name(), error))?;
    Ok((key, rollout))
}

/// The approvals of a row that were asked for.
pub(super) fn approving(row: &rollout::Model) -> Result<Option<Approving>, StoreError> {
    let read = row.approval.as_deref().map(serde_json::from_str).transpose();
    read.map_err(|error| damaged("approvals of a rollout", error))
}

/// How many devices each wave would have taken when the rollout was drafted.
pub(super) fn sizes(row: &rollout::Model) -> Result<Vec<Option<u64>>, StoreError> {
    Ok(message_of(row)?.waves.iter().map(|wave| wave.devices).collect())
}

/// A rollout locked for this transaction by [`super::lease::lock`], with its frame.
pub(super) async fn find(
    tx: &DatabaseTransaction,
    key: &RolloutKey,
) -> Result<(rollout::Model, Rollout), Failure> {
    let row = rollout::Entity::find_by_id(key.id()).one(tx).await?;
    let row = row.ok_or_else(|| Failure::NotFound { resource_type: ROLLOUT_TYPE, name: key.name() })?;
    let (_, frame) = known(&row)?;
    Ok((row, frame))
}

/// Which part of a rollout a row is filled with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    /// With its devices, which are kept in rows of their own.
    Whole(&'a Rollout),
    /// Its frame, of a rollout whose devices stay as they are.
    Frame(&'a Rollout),
}

/// The row with that state in it.
pub(super) fn filled(
    row: rollout::Model,
    next: Part<'_>,
    approving: Option<&Approving>,
    sizes: &[Option<u64>],
    at: Timestamp,
) -> Result<rollout::Model, StoreError> {
    let json = |error: serde_json::Error| damaged("state of a rollout", error);
    let (next, state, shown) = match next {
        Part::Whole(next) => {
            (next, serde_json::to_string(&next.frame()), rollout_message(next, approving, sizes))
        }
        Part::Frame(next) => {
            let shown = rollout_message(next, approving, sizes);
            // Of a draft there is no message yet, and no device either.
            let shown = match row.shown.is_empty() {
                true => shown,
                false => with_counts_of(shown, &message_of(&row)?),
            };
            (next, serde_json::to_string(next), shown)
        }
    };
    Ok(rollout::Model {
        workload: next.spec().workload.id().to_owned(),
        phase: next.phase().id().to_owned(),
        moving: is_moving(next.phase()),
        state: state.map_err(json)?,
        approval: approving.map(serde_json::to_string).transpose().map_err(json)?,
        shown: shown.encode_to_vec(),
        update_time: at.as_microsecond(),
        ..row
    })
}

/// Replaces a row, if it is still of the revision that it was read in. False: it is not, and nothing changed.
pub(super) async fn replace(
    tx: &DatabaseTransaction,
    read: i64,
    next: &rollout::Model,
) -> Result<bool, StoreError> {
    use rollout::Column as C;
    let next = next.clone();
    let update = rollout::Entity::update_many()
        .col_expr(C::Phase, Expr::value(next.phase))
        .col_expr(C::Moving, Expr::value(next.moving))
        .col_expr(C::Revision, Expr::value(next.revision))
        .col_expr(C::Etag, Expr::value(next.etag))
        .col_expr(C::State, Expr::value(next.state))
        .col_expr(C::Approval, Expr::value(next.approval))
        .col_expr(C::Shown, Expr::value(next.shown))
        .col_expr(C::UpdateTime, Expr::value(next.update_time))
        .filter(C::Tenant.eq(next.tenant))
        .filter(C::Hierarchy.eq(next.hierarchy))
        .filter(C::Rollout.eq(next.rollout))
        .filter(C::Revision.eq(read));
    Ok(update.exec(tx).await?.rows_affected == 1)
}

/// The rollout that moves a workload of a hierarchy, by its id.
pub(super) async fn moving(
    db: &impl ConnectionTrait,
    (tenant, hierarchy): (&str, &str),
    workload: Workload,
) -> Result<Option<String>, StoreError> {
    let query = rollout::Entity::find()
        .select_only()
        .column(rollout::Column::Rollout)
        .filter(rollout::Column::Tenant.eq(tenant))
        .filter(rollout::Column::Hierarchy.eq(hierarchy))
        .filter(rollout::Column::Workload.eq(workload.id()))
        .filter(rollout::Column::Moving.eq(true));
    Ok(query.into_tuple().one(db).await?)
}

/// A second rollout of a workload that another moves.
pub(crate) fn workload_moving(key: &RolloutKey, workload: Workload, found: &str) -> Failure {
    let description = format!(
        "expected {workload} of `{}` to be moved by no other rollout, found `{found}`: wait until that ends, or cancel it",
        key.hierarchy
    );
    Failure::Unmet {
        reason: ErrorReason::RolloutWorkloadMoving,
        name: key.name(),
        description,
        expected: String::new(),
        found: found.to_owned(),
    }
}

/// Nothing that a rollout gave out is to be done any more, until a step says so.
pub(super) async fn close_actions(tx: &DatabaseTransaction, key: &RolloutKey) -> Result<(), StoreError> {
    let close = of_rollout(key).col_expr(rollout_action::Column::Open, Expr::value(false));
    close.filter(rollout_action::Column::Open.eq(true)).exec(tx).await?;
    Ok(())
}

/// A change of a rollout's actions.
pub(super) fn of_rollout(key: &RolloutKey) -> sea_orm::UpdateMany<rollout_action::Entity> {
    rollout_action::Entity::update_many()
        .filter(rollout_action::Column::Tenant.eq(key.tenant.as_str()))
        .filter(rollout_action::Column::Hierarchy.eq(key.hierarchy.as_str()))
        .filter(rollout_action::Column::Rollout.eq(key.rollout.as_str()))
}

/// Puts a change of a rollout on record. The spec never changes, and is in the record of its draft.
pub(super) async fn record(
    tx: &DatabaseTransaction,
    (before, after): (&rollout::Model, &rollout::Model),
    why: Option<Justification>,
    by_itself: Option<&str>,
) -> Result<(), StoreError> {
    let told = |row: &rollout::Model| line(&proto::Rollout { spec: None, ..message_of(row)? });
    let name = message_of(after)?.name;
    let mut event = AuditEvent {
        before: told(before)?,
        after: told(after)?,
        justification: why,
        ..audit::event(&after.tenant, &name)
    };
    if let Some(who) = by_itself {
        // Whoever's call brought the step about did not decide it.
        event =
            AuditEvent { principal: who.to_owned(), method: String::new(), origin: String::new(), ..event };
    }
    audit_append(tx, &after.tenant, &[event]).await
}

/// A rollout for the audit log.
pub(super) fn line(message: &proto::Rollout) -> Result<String, StoreError> {
    json::line(ROLLOUT_TYPE, message).map_err(|error| StoreError::corrupt(error.to_string()))
}
