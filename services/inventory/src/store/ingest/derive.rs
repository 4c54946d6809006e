//! Merging the devices that changed, and what follows from the merge.

use std::collections::{BTreeSet, HashMap};

use prost::Message;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Statement,
};
use tandem_contracts::convert::{facts, key, number};
use tandem_contracts::inventory::v1::Device;
use tandem_contracts::r#type::v1::{DeviceFacts as FactsMessage, TenantFacts as TenantMessage};
use tandem_domain::id::{CollectionId, DeviceId};
use tandem_domain::merge::{RecordMemberships, merge};
use tandem_domain::section::{Memberships, Section};
use tandem_domain::state::management_state;
use tandem_domain::tenant::TenantFacts;
use tandem_server::failure::Failure;

use super::apply::timestamp;
use super::working::Working;
use super::{load, write};
use crate::grpc::convert;
use crate::store::entity::{collection, device};
use crate::store::filter::client_column;
use crate::store::lock::LockedTenant;
use crate::store::tenants;

/// How many devices are derived between two writes: bounds memory, not meaning.
const AT_ONCE: u64 = 2_000;

/// Merges every device that the batch touched, and writes them with the revision of this commit.
pub(crate) async fn merge_touched(
    tx: &DatabaseTransaction,
    locked: &LockedTenant,
    working: &mut Working,
) -> Result<(), Failure> {
    let tenant = convert::tenant_facts(&tenants::facts(tx, &locked.tenant).await?)?;
    let records: Vec<i64> = working
        .touched
        .iter()
        .filter_map(|id| working.devices.get(id))
        .flat_map(|device| device.records.iter().copied())
        .collect();
    load::sections(tx, &locked.tenant, records.iter().copied(), working).await?;
    let memberships = memberships(tx, &locked.tenant, &records).await?;
    let rows: Vec<device::Model> = working
        .touched
        .iter()
        .map(|id| merged_row(locked, working, &memberships, &tenant, id))
        .collect::<Result<_, _>>()?;
    write::devices(tx, rows).await
}

/// The collections of records, by record.
async fn memberships(
    tx: &DatabaseTransaction,
    tenant: &str,
    records: &[i64],
) -> Result<HashMap<i64, Memberships>, Failure> {
    let collections = collection::Entity::find()
        .filter(collection::Column::Tenant.eq(tenant))
        .filter(collection::Column::Hierarchy.ne(""))
        .all(tx)
        .await?;
    let ids: HashMap<i64, CollectionId> = collections
        .into_iter()
        .map(|row| Ok((row.collection_no, CollectionId::parse(&row.collection).map_err(Failure::internal)?)))
        .collect::<Result<_, Failure>>()?;
    let mut found: HashMap<i64, Memberships> = HashMap::new();
    for records in records.chunks(5_000) {
        // One row a record: a device is in some fifteen collections, and a row costs more than what is in it.
        let statement = Statement::from_sql_and_values(
            tx.get_database_backend(),
            "SELECT record_no, json_group_array(collection_no) FROM members
             WHERE tenant = $1 AND record_no IN (SELECT value FROM json_each($2)) GROUP BY record_no",
            [tenant.into(), serde_json::to_string(records).map_err(Failure::internal)?.into()],
        );
        for row in tx.query_all_raw(statement).await? {
            let (record, numbers): (i64, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let numbers: Vec<i64> = serde_json::from_str(&numbers).map_err(Failure::internal)?;
            found.insert(record, Memberships(numbers.iter().filter_map(|no| ids.get(no)).cloned().collect()));
        }
    }
    Ok(found)
}

/// The row of a device after merging; a tombstone where no record describes it any more.
fn merged_row(
    locked: &LockedTenant,
    working: &Working,
    memberships: &HashMap<i64, Memberships>,
    tenant: &TenantFacts,
    id: &DeviceId,
) -> Result<device::Model, Failure> {
    let Some(work) = working.devices.get(id).filter(|device| !device.records.is_empty()) else {
        return Ok(tombstone(locked, id));
    };
    let mut sections = Vec::new();
    let mut clamped = BTreeSet::new();
    let mut of_records = Vec::new();
    for no in &work.records {
        let Some(record) = working.records.get(no) else { continue };
        let identity = &record.identity;
        for (kind, stored) in &record.sections {
            if stored.clamped {
                clamped.insert((identity.source().to_string(), identity.key().to_owned(), *kind));
            }
            sections.push(Section {
                source: identity.source().clone(),
                key: identity.key().to_owned(),
                observed_at: timestamp(stored.observed_at),
                body: stored.body.clone(),
            });
        }
        if let (Some(hierarchy), Some(collections)) = (identity.source().hierarchy(), memberships.get(no)) {
            of_records.push(RecordMemberships { hierarchy, key: identity.key(), collections });
        }
    }
    let facts = merge(&sections, &of_records);
    let state = number(management_state(&facts, tenant));
    let message = facts::to_proto(&facts, |index| {
        let stamp = &facts.sections[index];
        clamped.contains(&(stamp.source.to_string(), stamp.key.clone(), number(stamp.kind)))
    });
    let keys = work.keys.keys().map(key::to_proto).collect();
    Ok(row_of(locked, id, message, state, keys))
}

fn row_of(
    locked: &LockedTenant,
    id: &DeviceId,
    facts: FactsMessage,
    state: i32,
    keys: Vec<tandem_contracts::r#type::v1::DeviceKey>,
) -> device::Model {
    let message = Device {
        name: format!("tenants/{}/devices/{id}", locked.tenant),
        revision: locked.revision.unsigned_abs(),
        state,
        keys,
        facts: Some(facts),
    };
    let body = message.encode_to_vec();
    let facts = message.facts.unwrap_or_default();
    device::Model {
        tenant: locked.tenant.clone(),
        device: id.to_string(),
        revision: locked.revision,
        removed: false,
        folded_name: facts.display_name.as_deref().unwrap_or_default().to_lowercase(),
        state,
        hierarchy: facts.hierarchy,
        site: facts.site.unwrap_or_default(),
        join_type: facts.join_type,
        os_kind: facts.os_kind,
        client: client_column(facts.client_installed),
        body,
    }
}

fn tombstone(locked: &LockedTenant, id: &DeviceId) -> device::Model {
    device::Model {
        tenant: locked.tenant.clone(),
        device: id.to_string(),
        revision: locked.revision,
        removed: true,
        folded_name: String::new(),
        state: 0,
        hierarchy: String::new(),
        site: String::new(),
        join_type: 0,
        os_kind: 0,
        client: 0,
        body: Vec::new(),
    }
}

/// Judges every device's state anew, because the tenant's facts changed. Devices whose state stays keep their revision.
pub(crate) async fn rederive_states(
    tx: &DatabaseTransaction,
    locked: &LockedTenant,
    tenant: &TenantMessage,
) -> Result<(), Failure> {
    let tenant = convert::tenant_facts(tenant)?;
    let mut after = String::new();
    loop {
        let rows = device::Entity::find()
            .filter(device::Column::Tenant.eq(locked.tenant.as_str()))
            .filter(device::Column::Removed.eq(false))
            .filter(device::Column::Device.gt(after.as_str()))
            .order_by_asc(device::Column::Device)
            .limit(AT_ONCE)
            .all(tx)
            .await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after.clone_from(&last.device);
        let mut changed = Vec::new();
        for row in rows {
            let mut message = crate::store::devices::message(&row)?;
            let facts = convert::device_facts(message.facts.as_ref())?;
            let state = number(management_state(&facts, &tenant));
            if state != row.state {
                message.state = state;
                message.revision = locked.revision.unsigned_abs();
                changed.push(device::Model {
                    state,
                    revision: locked.revision,
                    body: message.encode_to_vec(),
                    ..row
                });
            }
        }
        write::devices(tx, changed).await?;
    }
}
