//! Reading what a batch touches.

use std::collections::{BTreeSet, HashSet};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use tandem_domain::id::DeviceId;
use tandem_domain::identity::{IdentityKey, RecordIdentity};
use tandem_domain::section::Source;
use tandem_server::failure::Failure;

use super::working::{StoredSection, WorkRecord, Working};
use crate::grpc::convert;
use crate::store::entity::{device_key, identity_conflict, record, section};

/// How many values one statement names: well below what either database binds (SQLite 32,766).
const NAMED: usize = 5_000;

/// Loads the records of a source with those keys, and all their sections.
pub(crate) async fn records_by_key(
    tx: &impl ConnectionTrait,
    tenant: &str,
    source: &Source,
    keys: &[&str],
    working: &mut Working,
) -> Result<(), Failure> {
    let source_text = source.to_string();
    for keys in keys.chunks(NAMED) {
        let rows = record::Entity::find()
            .filter(record::Column::Tenant.eq(tenant))
            .filter(record::Column::Source.eq(source_text.as_str()))
            .filter(record::Column::RecordKey.is_in(keys.iter().copied()))
            .all(tx)
            .await?;
        for row in rows {
            add_record(working, row)?;
        }
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
    let new: Vec<&DeviceId> = ids.iter().filter(|id| !working.devices.contains_key(*id)).collect();
    for ids in new.chunks(NAMED) {
        for id in ids {
            working.devices.entry((*id).clone()).or_default();
        }
        let rows = device_key::Entity::find()
            .filter(device_key::Column::Tenant.eq(tenant))
            .filter(device_key::Column::Device.is_in(ids.iter().map(|id| id.as_str())))
            .all(tx)
            .await?;
        for row in rows {
            add_key(working, row)?;
        }
        let rows = record::Entity::find()
            .filter(record::Column::Tenant.eq(tenant))
            .filter(record::Column::Device.is_in(ids.iter().map(|id| id.as_str())))
            .all(tx)
            .await?;
        for row in rows {
            add_record(working, row)?;
        }
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
    let mut ids = BTreeSet::new();
    for kind in tandem_domain::identity::KeyKind::ALL {
        let values: Vec<&str> =
            keys.iter().filter(|key| key.kind() == kind).map(IdentityKey::value).collect();
        for values in values.chunks(NAMED) {
            let rows = device_key::Entity::find()
                .filter(device_key::Column::Tenant.eq(tenant))
                .filter(device_key::Column::Kind.eq(i32::from(convert::key_kind(kind))))
                .filter(device_key::Column::Value.is_in(values.iter().copied()))
                .all(tx)
                .await?;
            for row in rows {
                ids.insert(DeviceId::parse(&row.device).map_err(Failure::internal)?);
            }
        }
    }
    devices(tx, tenant, &ids, working).await
}

/// Loads the sections of those records that were not loaded yet.
pub(crate) async fn sections(
    tx: &impl ConnectionTrait,
    tenant: &str,
    records: impl IntoIterator<Item = i64>,
    working: &mut Working,
) -> Result<(), Failure> {
    let missing: Vec<i64> = records
        .into_iter()
        .filter(|no| working.records.get(no).is_some_and(|r| !r.sections_loaded))
        .collect();
    for numbers in missing.chunks(NAMED) {
        let rows = section::Entity::find()
            .filter(section::Column::Tenant.eq(tenant))
            .filter(section::Column::RecordNo.is_in(numbers.iter().copied()))
            .all(tx)
            .await?;
        for row in rows {
            if let Some(record) = working.records.get_mut(&row.record_no) {
                let body = convert::stored_body(record.identity.source(), &row.body)?;
                record.sections.entry(row.kind).or_insert(StoredSection {
                    observed_at: row.observed_at,
                    sequence: row.sequence,
                    clamped: row.clamped,
                    bytes: row.body,
                    body,
                    dirty: false,
                });
            }
        }
        for no in numbers {
            if let Some(record) = working.records.get_mut(no) {
                record.sections_loaded = true;
            }
        }
    }
    Ok(())
}

/// Loads which of a source's records have conflicts open.
pub(crate) async fn conflicts(
    tx: &impl ConnectionTrait,
    tenant: &str,
    source: &Source,
    keys: &[&str],
    working: &mut Working,
) -> Result<(), Failure> {
    for keys in keys.chunks(NAMED) {
        let rows = identity_conflict::Entity::find()
            .filter(identity_conflict::Column::Tenant.eq(tenant))
            .filter(identity_conflict::Column::Source.eq(source.to_string()))
            .filter(identity_conflict::Column::RecordKey.is_in(keys.iter().copied()))
            .all(tx)
            .await?;
        for row in rows {
            if let Some(no) = working.by_key.get(&(source.clone(), row.record_key)) {
                working.in_conflict.insert(*no);
            }
        }
    }
    Ok(())
}

/// Loads the records that were refused those keys, and their devices.
pub(crate) async fn claimants(
    tx: &impl ConnectionTrait,
    tenant: &str,
    keys: &HashSet<IdentityKey>,
    working: &mut Working,
) -> Result<BTreeSet<i64>, Failure> {
    let mut numbers = BTreeSet::new();
    for key in keys {
        let rows = identity_conflict::Entity::find()
            .filter(identity_conflict::Column::Tenant.eq(tenant))
            .filter(identity_conflict::Column::Kind.eq(i32::from(convert::key_kind(key.kind()))))
            .filter(identity_conflict::Column::Value.eq(key.value()))
            .all(tx)
            .await?;
        for row in rows {
            let source: Source = row.source.parse().map_err(Failure::internal)?;
            records_by_key(tx, tenant, &source, &[row.record_key.as_str()], working).await?;
            if let Some(no) = working.by_key.get(&(source, row.record_key)) {
                numbers.insert(*no);
                working.in_conflict.insert(*no);
            }
        }
    }
    let ids = numbers.iter().filter_map(|no| working.records[no].device.clone()).collect();
    devices(tx, tenant, &ids, working).await?;
    Ok(numbers)
}

fn add_key(working: &mut Working, row: device_key::Model) -> Result<(), Failure> {
    let key = convert::stored_key(row.kind, &row.value)?;
    let device = DeviceId::parse(&row.device).map_err(Failure::internal)?;
    working.holders.insert(key.clone(), device.clone());
    working.devices.entry(device).or_default().keys.insert(key, row.ambiguous);
    Ok(())
}

fn add_record(working: &mut Working, row: record::Model) -> Result<(), Failure> {
    let device = row.device.as_deref().map(DeviceId::parse).transpose().map_err(Failure::internal)?;
    if let Some(device) = &device {
        // A device that was not loaded as a whole must not look as if this were its only record.
        if let Some(work) = working.devices.get_mut(device) {
            work.records.insert(row.record_no);
        }
    }
    if working.records.contains_key(&row.record_no) {
        return Ok(());
    }
    let source: Source = row.source.parse().map_err(Failure::internal)?;
    let keys: Vec<(i32, String)> = serde_json::from_str(&row.keys).map_err(Failure::internal)?;
    let keys: Vec<IdentityKey> =
        keys.iter().map(|(kind, value)| convert::stored_key(*kind, value)).collect::<Result<_, _>>()?;
    let placed_before = device.is_some() || !keys.is_empty();
    working.by_key.insert((source.clone(), row.record_key.clone()), row.record_no);
    working.records.insert(
        row.record_no,
        WorkRecord {
            identity: RecordIdentity::new(source, row.record_key, keys),
            device,
            sections: std::collections::BTreeMap::new(),
            sections_loaded: false,
            placed_before,
            dirty: false,
        },
    );
    Ok(())
}
