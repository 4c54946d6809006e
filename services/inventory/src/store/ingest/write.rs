//! Writing back what a batch changed: a few statements per table, whatever the size of the batch.

use jiff::Timestamp;
use sea_orm::sea_query::{ExprTrait, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
};
use tandem_server::failure::Failure;

use super::apply::nanoseconds;
use super::working::Working;
use crate::grpc::convert;
use crate::store::entity::{device, device_key, identity_conflict, record, section};
use crate::store::lock::LockedTenant;

/// How many values one statement binds at most; SQLite takes 32,766 and PostgreSQL 65,535.
const BOUND_VALUES: usize = 30_000;

/// Inserts rows, or replaces those that are there.
async fn upsert<E, A>(
    tx: &DatabaseTransaction,
    rows: Vec<E::Model>,
    columns: usize,
    on_conflict: &OnConflict,
) -> Result<(), Failure>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<A>,
    A: ActiveModelTrait<Entity = E>,
{
    let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model).peekable();
    while rows.peek().is_some() {
        let chunk: Vec<A> = rows.by_ref().take(BOUND_VALUES / columns).collect();
        E::insert_many(chunk).on_conflict(on_conflict.clone()).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Writes devices.
pub(crate) async fn devices(tx: &DatabaseTransaction, rows: Vec<device::Model>) -> Result<(), Failure> {
    use device::Column as C;
    let replace = OnConflict::columns([C::Tenant, C::Device])
        .update_columns([
            C::Revision,
            C::Removed,
            C::FoldedName,
            C::State,
            C::Hierarchy,
            C::Site,
            C::JoinType,
            C::OsKind,
            C::Client,
            C::Body,
        ])
        .to_owned();
    upsert::<device::Entity, device::ActiveModel>(tx, rows, 12, &replace).await
}

/// Writes everything else that the batch changed.
pub(crate) async fn working(
    tx: &DatabaseTransaction,
    locked: &mut LockedTenant,
    working: &Working,
    now: Timestamp,
) -> Result<(), Failure> {
    keys(tx, locked, working).await?;
    records(tx, locked, working).await?;
    sections(tx, locked, working).await?;
    conflicts(tx, locked, working, now).await
}

async fn keys(tx: &DatabaseTransaction, locked: &LockedTenant, working: &Working) -> Result<(), Failure> {
    use device_key::Column as C;
    let mut rows = Vec::new();
    for (key, row) in &working.key_rows {
        let kind = i32::from(convert::key_kind(key.kind()));
        match row {
            Some((device, ambiguous)) => rows.push(device_key::Model {
                tenant: locked.tenant.clone(),
                kind,
                value: key.value().to_owned(),
                device: device.to_string(),
                ambiguous: *ambiguous,
            }),
            None => {
                let id = (locked.tenant.clone(), kind, key.value().to_owned());
                device_key::Entity::delete_by_id(id).exec(tx).await?;
            }
        }
    }
    let replace = OnConflict::columns([C::Tenant, C::Kind, C::Value])
        .update_columns([C::Device, C::Ambiguous])
        .to_owned();
    upsert::<device_key::Entity, device_key::ActiveModel>(tx, rows, 5, &replace).await
}

async fn records(tx: &DatabaseTransaction, locked: &LockedTenant, working: &Working) -> Result<(), Failure> {
    use record::Column as C;
    let mut rows = Vec::new();
    for (no, work) in working.records.iter().filter(|(_, work)| work.dirty) {
        let keys: Vec<(i32, &str)> = work
            .identity
            .keys()
            .iter()
            .map(|key| (i32::from(convert::key_kind(key.kind())), key.value()))
            .collect();
        rows.push(record::Model {
            tenant: locked.tenant.clone(),
            record_no: *no,
            source: work.identity.source().to_string(),
            record_key: work.identity.key().to_owned(),
            device: work.device.as_ref().map(ToString::to_string),
            keys: serde_json::to_string(&keys).map_err(Failure::internal)?,
        });
    }
    rows.sort_unstable_by_key(|row| row.record_no);
    let replace =
        OnConflict::columns([C::Tenant, C::RecordNo]).update_columns([C::Device, C::Keys]).to_owned();
    upsert::<record::Entity, record::ActiveModel>(tx, rows, 6, &replace).await
}

async fn sections(tx: &DatabaseTransaction, locked: &LockedTenant, working: &Working) -> Result<(), Failure> {
    use section::Column as C;
    let removed: Vec<i64> = working.removed_records.iter().copied().collect();
    for numbers in removed.chunks(5_000) {
        section::Entity::delete_many()
            .filter(C::Tenant.eq(locked.tenant.as_str()))
            .filter(C::RecordNo.is_in(numbers.iter().copied()))
            .exec(tx)
            .await?;
    }
    let mut rows = Vec::new();
    for (no, work) in &working.records {
        for (kind, stored) in work.sections.iter().filter(|(_, stored)| stored.dirty) {
            rows.push(section::Model {
                tenant: locked.tenant.clone(),
                record_no: *no,
                kind: *kind,
                observed_at: stored.observed_at,
                sequence: stored.sequence,
                clamped: stored.clamped,
                body: stored.bytes.clone(),
            });
        }
    }
    rows.sort_unstable_by_key(|row| (row.record_no, row.kind));
    let replace = OnConflict::columns([C::Tenant, C::RecordNo, C::Kind])
        .update_columns([C::ObservedAt, C::Sequence, C::Clamped, C::Body])
        .to_owned();
    upsert::<section::Entity, section::ActiveModel>(tx, rows, 7, &replace).await
}

async fn conflicts(
    tx: &DatabaseTransaction,
    locked: &mut LockedTenant,
    working: &Working,
    now: Timestamp,
) -> Result<(), Failure> {
    use identity_conflict::Column as C;
    let mut rows = Vec::new();
    for (no, conflicts) in &working.conflicts {
        let Some(work) = working.records.get(no) else { continue };
        let (source, record_key) = (work.identity.source().to_string(), work.identity.key().to_owned());
        // What is still open keeps its number and the time at which it was first seen.
        let mut settled = identity_conflict::Entity::delete_many()
            .filter(C::Tenant.eq(locked.tenant.as_str()))
            .filter(C::Source.eq(source.as_str()))
            .filter(C::RecordKey.eq(record_key.as_str()));
        for conflict in conflicts {
            let kind = i32::from(convert::key_kind(conflict.key.kind()));
            settled = settled.filter(C::Kind.ne(kind).or(C::Value.ne(conflict.key.value())));
            rows.push(identity_conflict::Model {
                tenant: locked.tenant.clone(),
                conflict_no: locked.take_number(),
                kind,
                value: conflict.key.value().to_owned(),
                holder: conflict.holder.to_string(),
                claimant: work.device.as_ref().map(ToString::to_string).unwrap_or_default(),
                source: source.clone(),
                record_key: record_key.clone(),
                explanation: conflict.to_string(),
                first_seen: nanoseconds(now),
            });
        }
        settled.exec(tx).await?;
    }
    let keep = OnConflict::columns([C::Tenant, C::Kind, C::Value, C::Source, C::RecordKey])
        .update_columns([C::Holder, C::Claimant, C::Explanation])
        .to_owned();
    upsert::<identity_conflict::Entity, identity_conflict::ActiveModel>(tx, rows, 10, &keep).await
}
