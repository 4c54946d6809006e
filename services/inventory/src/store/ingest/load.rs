//! Reading what a batch touches: a statement per question, whatever the number of values asked for.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sea_orm::{ConnectionTrait, EntityTrait, Statement, Value};
use tandem_domain::id::{CollectionId, DeviceId};
use tandem_domain::identity::{IdentityKey, KeyKind};
use tandem_domain::section::{Memberships, Source};
use tandem_server::failure::Failure;
use tandem_storage::bulk::{List, from_listed, gathered, gathered_values};

use super::batch::Batch;
use super::record_body;
use super::working::{OpenConflict, Working};
use crate::grpc::convert;
use crate::store::entity::{identity_conflict, record};

/// The rows of a table that are the tenant's, meet `conditions`, and have one of the listed values in `column`.
async fn rows<E: EntityTrait>(
    tx: &impl ConnectionTrait,
    (table, conditions, column): (&str, &str, &str),
    values: impl IntoIterator<Item = Value>,
    list: List,
) -> Result<Vec<E::Model>, Failure> {
    if list.is_empty() {
        return Ok(Vec::new());
    }
    let engine = tx.get_database_backend();
    let mut values: Vec<Value> = values.into_iter().collect();
    values.push(list.into_value(engine));
    let conditions = format!("tenant = $1{conditions}");
    let listed = from_listed(engine, (table, "*"), &conditions, column, values.len());
    let sql = format!("SELECT found.* {listed}");
    let statement = Statement::from_sql_and_values(engine, sql, values);
    Ok(E::find().from_raw_sql(statement).all(tx).await?)
}

/// Loads the records that batches speak of, with their open conflicts.
pub(crate) async fn batch_records(
    tx: &impl ConnectionTrait,
    tenant: &str,
    batches: &[Batch],
    working: &mut Working,
) -> Result<(), Failure> {
    let mut by_source: BTreeMap<&Source, BTreeSet<&str>> = BTreeMap::new();
    for batch in batches {
        let keys = batch.sections.iter().map(|section| section.key.as_str());
        by_source.entry(&batch.source).or_default().extend(keys);
    }
    for (source, keys) in by_source {
        records(tx, tenant, source, keys, working).await?;
    }
    Ok(())
}

/// Loads records of a source, with their open conflicts.
pub(crate) async fn records(
    tx: &impl ConnectionTrait,
    tenant: &str,
    source: &Source,
    keys: BTreeSet<&str>,
    working: &mut Working,
) -> Result<(), Failure> {
    let keys: Vec<&str> = keys.into_iter().collect();
    records_by_key(tx, tenant, source, &keys, working).await?;
    let record = |key: &str| working.records.get(working.by_key.get(&(source.clone(), key.to_owned()))?);
    let is_conflicted = |key: &&str| record(key).is_some_and(|record| record.conflicted);
    let conflicted: Vec<&str> = keys.into_iter().filter(is_conflicted).collect();
    conflicts(tx, tenant, source, &conflicted, working).await
}

/// Loads the records of a source with those keys.
pub(crate) async fn records_by_key(
    tx: &impl ConnectionTrait,
    tenant: &str,
    source: &Source,
    keys: &[&str],
    working: &mut Working,
) -> Result<(), Failure> {
    let asked = ("records", " AND source = $2", "record_key");
    let values = [tenant.into(), source.to_string().into()];
    for row in rows::<record::Entity>(tx, asked, values, texts(keys)).await? {
        add_record(working, row)?;
    }
    Ok(())
}

/// Loads devices with the keys that they hold and their records.
pub(crate) async fn devices(
    tx: &impl ConnectionTrait,
    tenant: &str,
    ids: &BTreeSet<DeviceId>,
    working: &mut Working,
) -> Result<(), Failure> {
    let new: Vec<&str> =
        ids.iter().filter(|id| !working.devices.contains_key(*id)).map(DeviceId::as_str).collect();
    if new.is_empty() {
        return Ok(());
    }
    let listed = texts(&new);
    for id in ids {
        working.devices.entry(id.clone()).or_default();
    }
    // One row whatever the number of keys: a device has some five, and rows cost more than what is in them.
    let engine = tx.get_database_backend();
    let columns = ["kind", "value", "device", "CASE WHEN ambiguous THEN 1 ELSE 0 END"];
    let sql = format!(
        "SELECT {} {}",
        columns.map(|column| gathered(engine, column)).join(", "),
        from_listed(engine, ("device_keys", "*"), "tenant = $1", "device", 2)
    );
    let values = [tenant.into(), listed.clone().into_value(engine)];
    let row = tx.query_one_raw(Statement::from_sql_and_values(engine, sql, values)).await?;
    let kinds: Vec<i32> = gathered_values(engine, row.as_ref(), 0)?;
    let values: Vec<String> = gathered_values(engine, row.as_ref(), 1)?;
    let devices: Vec<String> = gathered_values(engine, row.as_ref(), 2)?;
    let ambiguous: Vec<i32> = gathered_values(engine, row.as_ref(), 3)?;
    for (((kind, value), device), ambiguous) in kinds.into_iter().zip(values).zip(devices).zip(ambiguous) {
        let key = convert::stored_key(kind, &value)?;
        let device = DeviceId::parse(&device).map_err(Failure::internal)?;
        working.stored_keys.insert(key.clone());
        working.holders.insert(key.clone(), device.clone());
        working.devices.entry(device).or_default().keys.insert(key, ambiguous != 0);
    }
    for row in rows::<record::Entity>(tx, ("records", "", "device"), [tenant.into()], listed).await? {
        add_record(working, row)?;
    }
    Ok(())
}

/// Loads who holds those keys, and these devices.
pub(crate) async fn holders(
    tx: &impl ConnectionTrait,
    tenant: &str,
    keys: &HashSet<IdentityKey>,
    working: &mut Working,
) -> Result<(), Failure> {
    let engine = tx.get_database_backend();
    let sql = format!(
        "SELECT {} {}",
        gathered(engine, "DISTINCT device"),
        from_listed(engine, ("device_keys", "device"), "tenant = $1 AND kind = $2", "value", 3)
    );
    let mut ids = BTreeSet::new();
    let new: Vec<&IdentityKey> = keys.iter().filter(|key| !working.asked.contains(*key)).collect();
    for kind in KeyKind::ALL {
        let of_kind = new.iter().filter(|key| key.kind() == kind).map(|key| key.value());
        let of_kind: Vec<&str> = of_kind.collect();
        if of_kind.is_empty() {
            continue;
        }
        let kind = i32::from(convert::key_kind(kind));
        let values = [tenant.into(), kind.into(), texts(&of_kind).into_value(engine)];
        let row = tx.query_one_raw(Statement::from_sql_and_values(engine, sql.as_str(), values)).await?;
        for device in gathered_values::<String>(engine, row.as_ref(), 0)? {
            ids.insert(DeviceId::parse(&device).map_err(Failure::internal)?);
        }
    }
    working.asked.extend(new.into_iter().cloned());
    devices(tx, tenant, &ids, working).await
}

/// Loads the open conflicts of a source's records.
pub(crate) async fn conflicts(
    tx: &impl ConnectionTrait,
    tenant: &str,
    source: &Source,
    keys: &[&str],
    working: &mut Working,
) -> Result<(), Failure> {
    let asked = ("identity_conflicts", " AND source = $2", "record_key");
    let values = [tenant.into(), source.to_string().into()];
    let mut open: HashMap<i64, Vec<OpenConflict>> = HashMap::new();
    for row in rows::<identity_conflict::Entity>(tx, asked, values, texts(keys)).await? {
        if let Some(no) = working.by_key.get(&(source.clone(), row.record_key)) {
            let key = convert::stored_key(row.kind, &row.value)?;
            open.entry(*no).or_default().push(OpenConflict { number: row.conflict_no, key });
        }
    }
    working.open.extend(open);
    Ok(())
}

/// Loads the records that were refused keys of those devices, or that are on them and were refused keys of others; and their devices.
pub(crate) async fn claimants(
    tx: &impl ConnectionTrait,
    tenant: &str,
    devices_shifted: &BTreeSet<DeviceId>,
    working: &mut Working,
) -> Result<BTreeSet<i64>, Failure> {
    let ids: Vec<&str> = devices_shifted.iter().map(DeviceId::as_str).collect();
    let mut records: BTreeMap<Source, BTreeSet<String>> = BTreeMap::new();
    for column in ["holder", "claimant"] {
        let asked = ("identity_conflicts", "", column);
        for row in rows::<identity_conflict::Entity>(tx, asked, [tenant.into()], texts(&ids)).await? {
            let source: Source = row.source.parse().map_err(Failure::internal)?;
            records.entry(source).or_default().insert(row.record_key);
        }
    }
    let mut numbers = BTreeSet::new();
    for (source, keys) in records {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        records_by_key(tx, tenant, &source, &keys, working).await?;
        conflicts(tx, tenant, &source, &keys, working).await?;
        let places = keys.iter().map(|key| (source.clone(), (*key).to_owned()));
        numbers.extend(places.filter_map(|place| working.by_key.get(&place).copied()));
    }
    let ids = numbers.iter().filter_map(|no| working.records[no].device.clone()).collect();
    devices(tx, tenant, &ids, working).await?;
    Ok(numbers)
}

/// Loads the collections of records.
pub(crate) async fn memberships(
    tx: &impl ConnectionTrait,
    tenant: &str,
    records: Vec<i64>,
    working: &mut Working,
) -> Result<(), Failure> {
    // A site lists members; a record that has no row yet is in no list.
    let listed = |no: &i64| {
        let record = working.records.get(no);
        record.is_some_and(|record| record.stored && record.identity.source().hierarchy().is_some())
            && !working.memberships.contains_key(no)
    };
    let records: Vec<i64> = records.into_iter().filter(listed).collect();
    if records.is_empty() {
        return Ok(());
    }
    let engine = tx.get_database_backend();
    let sql = format!(
        "SELECT {}, {} {}",
        gathered(engine, "record_no"),
        gathered(engine, "collection_no"),
        from_listed(engine, ("members", "record_no, collection_no"), "tenant = $1", "record_no", 2)
    );
    let values = [tenant.into(), List::BigInt(records.clone()).into_value(engine)];
    let row = tx.query_one_raw(Statement::from_sql_and_values(engine, sql, values)).await?;
    let members: Vec<i64> = gathered_values(engine, row.as_ref(), 0)?;
    let collections: Vec<i64> = gathered_values(engine, row.as_ref(), 1)?;
    let ids = collection_ids(tx, tenant, collections.iter().copied().collect()).await?;
    working.memberships.extend(records.into_iter().map(|record| (record, Memberships::default())));
    for (record, collection) in members.iter().zip(&collections) {
        if let (Some(memberships), Some(id)) = (working.memberships.get_mut(record), ids.get(collection)) {
            memberships.0.push(id.clone());
        }
    }
    Ok(())
}

/// The ids of imported collections, by number.
async fn collection_ids(
    tx: &impl ConnectionTrait,
    tenant: &str,
    numbers: BTreeSet<i64>,
) -> Result<HashMap<i64, CollectionId>, Failure> {
    if numbers.is_empty() {
        return Ok(HashMap::new());
    }
    let engine = tx.get_database_backend();
    let sql = format!(
        "SELECT collection_no, collection {}",
        from_listed(engine, ("collections", "collection_no, collection"), "tenant = $1", "collection_no", 2)
    );
    let values = [tenant.into(), List::BigInt(numbers.into_iter().collect()).into_value(engine)];
    let rows = tx.query_all_raw(Statement::from_sql_and_values(engine, sql, values)).await?;
    let read = |row: &sea_orm::QueryResult| {
        let id: String = row.try_get_by_index(1)?;
        Ok((row.try_get_by_index(0)?, CollectionId::parse(&id).map_err(Failure::internal)?))
    };
    rows.iter().map(read).collect()
}

fn texts(values: &[&str]) -> List {
    List::Text(values.iter().map(ToString::to_string).collect())
}

fn add_record(working: &mut Working, row: record::Model) -> Result<(), Failure> {
    let no = row.record_no;
    if let Ok(device) = DeviceId::parse(&row.device)
        // A device that was not loaded as a whole must not look as if this were its only record.
        && let Some(work) = working.devices.get_mut(&device)
    {
        work.records.insert(no);
    }
    if working.records.contains_key(&no) {
        return Ok(());
    }
    let record = record_body::decode(row)?;
    let place = (record.identity.source().clone(), record.identity.key().to_owned());
    working.by_key.insert(place, no);
    working.records.insert(no, record);
    Ok(())
}
