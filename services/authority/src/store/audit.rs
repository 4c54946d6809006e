//! The audit log: one hash chain per tenant, and the heads of it that were given out.
//!
//! Invariants: records are only ever added; whoever adds holds the chain's row, so sequences have no gaps and follow the order of commits; an event
//! is on record once, by its id.

use std::collections::HashSet;

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Statement,
};
use tandem_contracts::authority::v1::ListAuditRecordsRequest;
use tandem_contracts::r#type::v1::{AuditEvent, AuditKind};
use tandem_domain::audit::{GENESIS, Head, Link};
use tandem_storage::bulk::{Column, Insert, List, one_of};
use tandem_storage::{Rows, StoreError};

use super::entity::{audit_head, audit_record};
use super::{Store, revision_of};
use crate::audit::entry;

/// The id of the tenant of what is of none. No tenant has such an id.
pub(crate) const NO_TENANT: &str = "-";

/// Adds events to a tenant's chain, in their order, in the transaction that this is called in. Those that are on record change nothing.
pub(crate) async fn audit_append(
    tx: &DatabaseTransaction,
    tenant: &str,
    events: &[AuditEvent],
) -> Result<(), StoreError> {
    let mut head = lock_chain(tx, tenant).await?;
    let mut known = known_events(tx, tenant, events).await?;
    let mut links = Vec::with_capacity(events.len());
    let mut new = Vec::with_capacity(events.len());
    for event in events {
        // The same one may come twice in a batch.
        if known.insert(event.id.clone()) {
            let link = Link::after(&head, entry::write(event)?);
            head = link.head();
            links.push(link);
            new.push(event);
        }
    }
    if links.is_empty() {
        return Ok(());
    }
    insert(tx, tenant, &new, links).await?;
    let update = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "UPDATE audit_chains SET sequence = $2, hash = $3 WHERE tenant = $1",
        [tenant.into(), stored(head.sequence).into(), head.hash.into()],
    );
    tx.execute_raw(update).await?;
    Ok(())
}

/// Locks the tenant's chain for this transaction, beginning it with its first record. Answers its head.
async fn lock_chain(tx: &DatabaseTransaction, tenant: &str) -> Result<Head, StoreError> {
    let upsert = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "INSERT INTO audit_chains (tenant, sequence, hash) VALUES ($1, 0, $2)
         ON CONFLICT (tenant) DO UPDATE SET sequence = audit_chains.sequence RETURNING sequence, hash",
        [tenant.into(), GENESIS.into()],
    );
    let row = tx.query_one_raw(upsert).await?;
    let row = row.ok_or_else(|| StoreError::corrupt("the chain's row was neither made nor locked"))?;
    Ok(Head { sequence: revision_of(row.try_get_by_index(0)?)?, hash: row.try_get_by_index(1)? })
}

/// The ids of those events that are on record.
async fn known_events(
    tx: &DatabaseTransaction,
    tenant: &str,
    events: &[AuditEvent],
) -> Result<HashSet<String>, StoreError> {
    let engine = tx.get_database_backend();
    let ids = List::Text(events.iter().map(|event| event.id.clone()).collect());
    let sql =
        format!("SELECT event_id FROM audit_records WHERE tenant = $1 AND event_id {}", one_of(engine, 2));
    let values = [tenant.into(), ids.into_value(engine)];
    let rows = tx.query_all_raw(Statement::from_sql_and_values(engine, sql, values)).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}

async fn insert(
    tx: &DatabaseTransaction,
    tenant: &str,
    events: &[&AuditEvent],
    links: Vec<Link>,
) -> Result<(), StoreError> {
    let texts = |text: fn(&AuditEvent) -> &str| {
        Column::Text(events.iter().map(|event| text(event).to_owned()).collect())
    };
    let time = |event: &&AuditEvent| event.time.map_or(0, microseconds);
    let insert = Insert::into("audit_records")
        .shared("tenant", tenant)
        .column("sequence", Column::BigInt(links.iter().map(|link| stored(link.sequence)).collect()))
        .column("event_id", texts(|event| &event.id))
        .column("time", Column::BigInt(events.iter().map(time).collect()))
        .column("kind", Column::Int(events.iter().map(|event| event.kind).collect()))
        .column("method", texts(|event| &event.method))
        .column("principal", texts(|event| &event.principal))
        .column("resource", texts(|event| &event.resource))
        .column("previous", Column::Text(links.iter().map(|link| link.previous.clone()).collect()))
        .column("hash", Column::Text(links.iter().map(|link| link.hash.clone()).collect()))
        .column("entry", Column::Text(links.into_iter().map(|link| link.entry).collect()));
    insert.execute(tx).await
}

/// Adds events of a tenant in a transaction of their own.
pub(crate) async fn audit_record(
    store: &Store,
    tenant: &str,
    events: Vec<AuditEvent>,
) -> Result<(), StoreError> {
    let events = std::sync::Arc::new(events);
    let commit = store.database.write(Rows::Of(tenant), |tx| {
        let (tenant, events) = (tenant.to_owned(), std::sync::Arc::clone(&events));
        Box::pin(async move { audit_append(tx, &tenant, &events).await })
    });
    commit.await
}

/// Up to `limit` records of a tenant that the filter takes, before that one, newest first.
pub(crate) async fn audit_list(
    store: &Store,
    tenant: &str,
    filter: &ListAuditRecordsRequest,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<Link>, StoreError> {
    use audit_record::Column as C;
    let mut query = audit_record::Entity::find().filter(C::Tenant.eq(tenant));
    for (column, wanted) in
        [(C::Principal, &filter.principal), (C::Method, &filter.method), (C::Resource, &filter.resource)]
    {
        if !wanted.is_empty() {
            query = query.filter(column.eq(wanted.as_str()));
        }
    }
    if filter.kind != AuditKind::Unspecified as i32 {
        query = query.filter(C::Kind.eq(filter.kind));
    }
    if let Some(from) = filter.from {
        query = query.filter(C::Time.gte(microseconds(from)));
    }
    if let Some(to) = filter.to {
        query = query.filter(C::Time.lt(microseconds(to)));
    }
    if let Some(before) = before {
        query = query.filter(C::Sequence.lt(before));
    }
    let rows = query.order_by_desc(C::Sequence).limit(limit).all(&store.reader(tenant)).await?;
    rows.into_iter().map(link).collect()
}

/// Up to `limit` records of a tenant after that one, oldest first.
pub(crate) async fn audit_page(
    store: &Store,
    tenant: &str,
    after: u64,
    limit: u64,
) -> Result<Vec<Link>, StoreError> {
    let query = audit_record::Entity::find()
        .filter(audit_record::Column::Tenant.eq(tenant))
        .filter(audit_record::Column::Sequence.gt(stored(after)))
        .order_by_asc(audit_record::Column::Sequence)
        .limit(limit);
    query.all(&store.reader(tenant)).await?.into_iter().map(link).collect()
}

/// Where a tenant's chain ends by its own row; `None`: it never began.
pub(crate) async fn audit_end(store: &Store, tenant: &str) -> Result<Option<Head>, StoreError> {
    let reader = store.reader(tenant);
    let select = Statement::from_sql_and_values(
        reader.get_database_backend(),
        "SELECT sequence, hash FROM audit_chains WHERE tenant = $1 AND sequence > 0",
        [tenant.into()],
    );
    let row = reader.query_one_raw(select).await?;
    let end = |row: sea_orm::QueryResult| {
        Ok(Head { sequence: revision_of(row.try_get_by_index(0)?)?, hash: row.try_get_by_index(1)? })
    };
    row.map(end).transpose()
}

/// The heads of a tenant that were given out.
pub(crate) async fn audit_heads_given(
    store: &Store,
    tenant: &str,
) -> Result<Vec<audit_head::Model>, StoreError> {
    let query = audit_head::Entity::find().filter(audit_head::Column::Tenant.eq(tenant));
    Ok(query.all(&store.reader(tenant)).await?)
}

/// Tenants whose chain went on since a head of it was given out last, with where it ends now. At most `limit`.
pub(crate) async fn audit_heads_due(store: &Store, limit: u32) -> Result<Vec<(String, Head)>, StoreError> {
    let reader = store.database.reader(Rows::OfEveryTenant);
    let select = Statement::from_sql_and_values(
        reader.get_database_backend(),
        "SELECT c.tenant, c.sequence, c.hash FROM audit_chains c WHERE c.sequence > COALESCE((
            SELECT MAX(h.sequence) FROM audit_heads h WHERE h.tenant = c.tenant), 0)
         ORDER BY c.tenant LIMIT $1",
        [i64::from(limit).into()],
    );
    let rows = reader.query_all_raw(select).await?;
    let due = |row: &sea_orm::QueryResult| {
        let head = Head { sequence: revision_of(row.try_get_by_index(1)?)?, hash: row.try_get_by_index(2)? };
        Ok((row.try_get_by_index(0)?, head))
    };
    rows.iter().map(due).collect()
}

/// Keeps a head that is given out.
pub(crate) async fn audit_head_keep(store: &Store, head: audit_head::Model) -> Result<(), StoreError> {
    let tenant = head.tenant.clone();
    let commit = store.database.write(Rows::Of(&tenant), |tx| {
        let head = audit_head::ActiveModel::from(head.clone());
        Box::pin(async move {
            let key = [audit_head::Column::Tenant, audit_head::Column::Sequence];
            let keep = OnConflict::columns(key).do_nothing().to_owned();
            // Another replica may have given it out.
            let insert = audit_head::Entity::insert(head).on_conflict(keep);
            insert.exec_without_returning(tx).await?;
            Ok::<(), StoreError>(())
        })
    });
    commit.await
}

fn link(row: audit_record::Model) -> Result<Link, StoreError> {
    let audit_record::Model { sequence, previous, entry, hash, .. } = row;
    Ok(Link { sequence: revision_of(sequence)?, previous, entry, hash })
}

/// Microseconds since 1970.
fn microseconds(at: prost_types::Timestamp) -> i64 {
    at.seconds.saturating_mul(1_000_000).saturating_add(i64::from(at.nanos / 1000))
}

/// A chain is never as long as the largest signed number.
fn stored(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}
