//! Writing back what a batch changed: a few statements per table, whatever the size of the batch.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait, Statement};
use tandem_domain::id::DeviceId;
use tandem_server::failure::Failure;
use tandem_storage::bulk::{Column, Insert, List, from_listed, one_of};

use super::apply::nanoseconds;
use super::record_body;
use super::working::{OpenConflict, WorkRecord, Working};
use crate::grpc::convert;
use crate::store::entity::{device, own_member};
use crate::store::lock::LockedTenant;

/// Writes devices of one tenant.
pub(crate) async fn devices(
    tx: &DatabaseTransaction,
    tenant: &str,
    rows: Vec<device::Model>,
) -> Result<(), Failure> {
    const REPLACED: [&str; 10] = [
        "revision",
        "removed",
        "folded_name",
        "state",
        "hierarchy",
        "site",
        "join_type",
        "os_kind",
        "client",
        "body",
    ];
    let mut texts: [Vec<String>; 4] = Default::default();
    let mut numbers: [Vec<i32>; 4] = Default::default();
    let (mut revisions, mut removed, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        revisions.push(row.revision);
        removed.push(row.removed);
        bodies.push(row.body);
        let of_row = [row.device, row.folded_name, row.hierarchy, row.site];
        texts.iter_mut().zip(of_row).for_each(|(column, text)| column.push(text));
        let of_row = [row.state, row.join_type, row.os_kind, row.client];
        numbers.iter_mut().zip(of_row).for_each(|(column, number)| column.push(number));
    }
    let [ids, names, hierarchies, sites] = texts;
    let [states, join_types, os_kinds, clients] = numbers;
    let insert = Insert::into("devices")
        .shared("tenant", tenant)
        .column("device", Column::Text(ids))
        .column("revision", Column::BigInt(revisions))
        .column("removed", Column::Bool(removed))
        .column("folded_name", Column::Text(names))
        .column("state", Column::Int(states))
        .column("hierarchy", Column::Text(hierarchies))
        .column("site", Column::Text(sites))
        .column("join_type", Column::Int(join_types))
        .column("os_kind", Column::Int(os_kinds))
        .column("client", Column::Int(clients))
        .column("body", Column::Bytes(bodies))
        .or_replace(&["tenant", "device"], &REPLACED);
    Ok(insert.execute(tx).await?)
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
    conflicts(tx, locked, working, now).await?;
    own_members(tx, locked, working).await
}

/// Deletes the tenant's rows that have one of the listed values in a column.
async fn delete(
    tx: &DatabaseTransaction,
    locked: &LockedTenant,
    table: &str,
    column: &str,
    list: List,
) -> Result<(), Failure> {
    if list.is_empty() {
        return Ok(());
    }
    let engine = tx.get_database_backend();
    let sql = format!("DELETE FROM {table} WHERE tenant = $1 AND {column} {}", one_of(engine, 2));
    let values = [locked.tenant.as_str().into(), list.into_value(engine)];
    tx.execute_raw(Statement::from_sql_and_values(engine, sql, values)).await?;
    Ok(())
}

/// Static members of Tandem's own collections follow their device to the one that it turned out to be, and go with one that is gone.
async fn own_members(
    tx: &DatabaseTransaction,
    locked: &LockedTenant,
    working: &Working,
) -> Result<(), Failure> {
    let is_gone = |id: &&DeviceId| working.devices.get(*id).is_none_or(|device| device.records.is_empty());
    let gone: Vec<String> = working.touched.iter().filter(is_gone).map(ToString::to_string).collect();
    if gone.is_empty() {
        return Ok(());
    }
    let engine = tx.get_database_backend();
    let from = from_listed(engine, ("own_members", "*"), "tenant = $1", "device", 2);
    let sql = format!("SELECT found.* {from}");
    let values = [locked.tenant.as_str().into(), List::Text(gone.clone()).into_value(engine)];
    let statement = Statement::from_sql_and_values(engine, sql, values);
    let mut moved = BTreeSet::new();
    for row in own_member::Entity::find().from_raw_sql(statement).all(tx).await? {
        let device = DeviceId::parse(&row.device).map_err(Failure::internal)?;
        let survivor = working.survivor(&device);
        if *survivor != device {
            moved.insert((row.collection_no, survivor.to_string()));
        }
    }
    delete(tx, locked, "own_members", "device", List::Text(gone)).await?;
    let (collections, devices) = moved.into_iter().unzip();
    let insert = Insert::into("own_members")
        .shared("tenant", locked.tenant.as_str())
        .column("collection_no", Column::BigInt(collections))
        .column("device", Column::Text(devices))
        .or_keep();
    Ok(insert.execute(tx).await?)
}

async fn keys(tx: &DatabaseTransaction, locked: &LockedTenant, working: &Working) -> Result<(), Failure> {
    let tenant = locked.tenant.as_str();
    let mut dropped: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    let (mut new, mut stored) = (KeyRows::default(), KeyRows::default());
    for (key, row) in &working.key_rows {
        let (kind, value) = (i32::from(convert::key_kind(key.kind())), key.value().to_owned());
        match row {
            Some((device, ambiguous)) => {
                let rows = if working.stored_keys.contains(key) { &mut stored } else { &mut new };
                rows.kinds.push(kind);
                rows.values.push(value);
                rows.devices.push(device.to_string());
                rows.ambiguous.push(*ambiguous);
            }
            None => dropped.entry(kind).or_default().push(value),
        }
    }
    let engine = tx.get_database_backend();
    for (kind, values) in dropped {
        let sql = format!(
            "DELETE FROM device_keys WHERE tenant = $1 AND kind = $2 AND value {}",
            one_of(engine, 3)
        );
        let values = [tenant.into(), kind.into(), List::Text(values).into_value(engine)];
        tx.execute_raw(Statement::from_sql_and_values(engine, sql, values)).await?;
    }
    // Whoever looks for a row that is not there pays for it twice.
    new.insert(tenant).execute(tx).await?;
    let replaced = stored.insert(tenant).or_replace(&["tenant", "kind", "value"], &["device", "ambiguous"]);
    Ok(replaced.execute(tx).await?)
}

/// Rows of keys, column by column.
#[derive(Default)]
struct KeyRows {
    kinds: Vec<i32>,
    values: Vec<String>,
    devices: Vec<String>,
    ambiguous: Vec<bool>,
}

impl KeyRows {
    fn insert(self, tenant: &str) -> Insert<'static> {
        Insert::into("device_keys")
            .shared("tenant", tenant)
            .column("kind", Column::Int(self.kinds))
            .column("value", Column::Text(self.values))
            .column("device", Column::Text(self.devices))
            .column("ambiguous", Column::Bool(self.ambiguous))
    }
}

async fn records(tx: &DatabaseTransaction, locked: &LockedTenant, working: &Working) -> Result<(), Failure> {
    let mut dirty: Vec<_> = working.records.iter().filter(|(_, work)| work.dirty).collect();
    // In key order: neighbours share pages.
    dirty.sort_unstable_by_key(|(no, _)| **no);
    let (stored, new) = dirty.into_iter().partition(|(_, work)| work.stored);
    record_rows(locked, new).execute(tx).await?;
    let replaced = record_rows(locked, stored).or_replace(&["tenant", "record_no"], &["device", "body"]);
    Ok(replaced.execute(tx).await?)
}

fn record_rows(locked: &LockedTenant, records: Vec<(&i64, &WorkRecord)>) -> Insert<'static> {
    let (mut numbers, mut bodies) = (Vec::new(), Vec::new());
    let (mut sources, mut keys, mut devices) = (Vec::new(), Vec::new(), Vec::new());
    for (no, work) in records {
        numbers.push(*no);
        sources.push(work.identity.source().to_string());
        keys.push(work.identity.key().to_owned());
        devices.push(work.device.as_ref().map(ToString::to_string).unwrap_or_default());
        bodies.push(record_body::encode(work));
    }
    Insert::into("records")
        .shared("tenant", locked.tenant.as_str())
        .column("record_no", Column::BigInt(numbers))
        .column("source", Column::Text(sources))
        .column("record_key", Column::Text(keys))
        .column("device", Column::Text(devices))
        .column("body", Column::Bytes(bodies))
}

async fn conflicts(
    tx: &DatabaseTransaction,
    locked: &mut LockedTenant,
    working: &Working,
    now: Timestamp,
) -> Result<(), Failure> {
    let (mut numbers, mut kinds, mut seen, mut settled) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut texts: [Vec<String>; 6] = Default::default();
    for (no, conflicts) in &working.conflicts {
        let Some(work) = working.records.get(no) else { continue };
        let (source, record_key) = (work.identity.source().to_string(), work.identity.key().to_owned());
        let claimant = work.device.as_ref().map(ToString::to_string).unwrap_or_default();
        // What is still open keeps its number and the time at which it was first seen.
        let open = working.open.get(no).into_iter().flatten();
        let is_settled = |open: &&OpenConflict| conflicts.iter().all(|conflict| conflict.key != open.key);
        settled.extend(open.filter(is_settled).map(|open| open.number));
        for conflict in conflicts {
            numbers.push(locked.take_number());
            kinds.push(i32::from(convert::key_kind(conflict.key.kind())));
            seen.push(nanoseconds(now));
            let of_row = [
                conflict.key.value().to_owned(),
                conflict.holder.to_string(),
                claimant.clone(),
                source.clone(),
                record_key.clone(),
                conflict.to_string(),
            ];
            texts.iter_mut().zip(of_row).for_each(|(column, text)| column.push(text));
        }
    }
    delete(tx, locked, "identity_conflicts", "conflict_no", List::BigInt(settled)).await?;
    let [values, holders, claimants, sources, record_keys, explanations] = texts;
    let insert = Insert::into("identity_conflicts")
        .shared("tenant", locked.tenant.as_str())
        .column("conflict_no", Column::BigInt(numbers))
        .column("kind", Column::Int(kinds))
        .column("value", Column::Text(values))
        .column("holder", Column::Text(holders))
        .column("claimant", Column::Text(claimants))
        .column("source", Column::Text(sources))
        .column("record_key", Column::Text(record_keys))
        .column("explanation", Column::Text(explanations))
        .column("first_seen", Column::BigInt(seen))
        .or_replace(
            &["tenant", "kind", "value", "source", "record_key"],
            &["holder", "claimant", "explanation"],
        );
    Ok(insert.execute(tx).await?)
}
