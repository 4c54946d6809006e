//! Merging the devices that changed, and what follows from the merge.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use prost::Message;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Statement,
};
use tandem_contracts::convert::{facts, key, number};
use tandem_contracts::inventory::v1::Device;
use tandem_contracts::r#type::v1::{DeviceFacts as FactsMessage, DeviceKey, TenantFacts as TenantMessage};
use tandem_domain::filter::folded;
use tandem_domain::id::DeviceId;
use tandem_domain::merge::{RecordMemberships, merge};
use tandem_domain::state::management_state;
use tandem_domain::tenant::TenantFacts;
use tandem_server::failure::Failure;
use tandem_storage::bulk::{List, from_listed};

use super::working::Working;
use super::{load, write};
use crate::grpc::convert;
use crate::store::entity::device;
use crate::store::filter::client_column;
use crate::store::lock::LockedTenant;
use crate::store::tenants;

/// How many devices are derived between two writes: bounds memory, not meaning.
const AT_ONCE: u64 = 2_000;

/// Everything that merging the touched devices needs beside the working set, read from the database.
#[derive(Debug)]
pub(crate) struct Merge {
    tenant: String,
    revision: i64,
    facts: TenantFacts,
    /// What is stored of the devices that are only refreshed.
    stored: HashMap<DeviceId, Stored>,
}

/// A device as it is stored.
#[derive(Debug)]
struct Stored {
    revision: i64,
    body: Vec<u8>,
}

impl Merge {
    /// Reads what merging the working set's touched devices needs.
    pub(crate) async fn prepare(
        tx: &DatabaseTransaction,
        locked: &LockedTenant,
        working: &mut Working,
    ) -> Result<Self, Failure> {
        let facts = convert::tenant_facts(&tenants::facts(tx, &locked.tenant).await?)?;
        let touched = working.touched.iter().chain(refreshed(working));
        let touched = touched.filter_map(|id| working.devices.get(id));
        let records = touched.flat_map(|device| device.records.iter().copied()).collect();
        load::memberships(tx, &locked.tenant, records, working).await?;
        let stored = stored(tx, &locked.tenant, refreshed(working)).await?;
        Ok(Self { tenant: locked.tenant.clone(), revision: locked.revision, facts, stored })
    }

    /// Merges every device whose row changes, on a thread of its own: meanwhile the caller has the database write.
    pub(crate) async fn rows(self, working: Arc<Working>) -> Result<Vec<device::Model>, Failure> {
        let merging = tokio::task::spawn_blocking(move || {
            let touched = working.touched.iter().map(|id| self.merged_row(&working, id));
            let refreshed = refreshed(&working).map(|id| self.refreshed_row(&working, id));
            touched.chain(refreshed.filter_map(Result::transpose)).collect()
        });
        merging.await.map_err(Failure::internal)?
    }
}

/// Devices of which nothing changed but when they were seen, as far as the records tell.
fn refreshed(working: &Working) -> impl Iterator<Item = &DeviceId> {
    working.refreshed.difference(&working.touched)
}

/// Reads devices as they are stored.
async fn stored(
    tx: &DatabaseTransaction,
    tenant: &str,
    ids: impl Iterator<Item = &DeviceId>,
) -> Result<HashMap<DeviceId, Stored>, Failure> {
    let list = List::Text(ids.map(ToString::to_string).collect());
    if list.is_empty() {
        return Ok(HashMap::new());
    }
    let engine = tx.get_database_backend();
    let sql = format!(
        "SELECT device, revision, body {}",
        from_listed(engine, ("devices", "device, revision, body"), "tenant = $1", "device", 2)
    );
    let values = [tenant.into(), list.into_value(engine)];
    let rows = tx.query_all_raw(Statement::from_sql_and_values(engine, sql, values)).await?;
    let read = |row: &sea_orm::QueryResult| {
        let id: String = row.try_get_by_index(0)?;
        let id = DeviceId::parse(&id).map_err(Failure::internal)?;
        Ok((id, Stored { revision: row.try_get_by_index(1)?, body: row.try_get_by_index(2)? }))
    };
    rows.iter().map(read).collect()
}

/// Whether two devices are the same, apart from when they were last seen. Facts name the section that said them, so that only the
/// sections themselves carry times.
fn same_but_for_last_seen(mut a: Device, mut b: Device) -> bool {
    for device in [&mut a, &mut b] {
        if let Some(facts) = &mut device.facts {
            facts::clear_last_seen(facts);
        }
    }
    a == b
}

/// Merges every touched device, and writes it with the revision of this commit.
pub(crate) async fn merge_touched(
    tx: &DatabaseTransaction,
    locked: &LockedTenant,
    mut working: Working,
) -> Result<(), Failure> {
    let merge = Merge::prepare(tx, locked, &mut working).await?;
    write::devices(tx, &locked.tenant, merge.rows(Arc::new(working)).await?).await
}

impl Merge {
    /// The row of a device of which the same was said again: with a new revision only if more than times came of it after all, as
    /// when another of two sections is the newer one now. `None`: nothing came of it.
    fn refreshed_row(&self, working: &Working, id: &DeviceId) -> Result<Option<device::Model>, Failure> {
        let row = self.merged_row(working, id)?;
        let Some(stored) = self.stored.get(id).filter(|stored| stored.body != row.body) else {
            return Ok((!self.stored.contains_key(id)).then_some(row));
        };
        let decode = |body: &[u8]| Device::decode(body).map_err(Failure::internal);
        let same = same_but_for_last_seen(decode(&stored.body)?, decode(&row.body)?);
        Ok(Some(if same { device::Model { revision: stored.revision, ..row } } else { row }))
    }

    /// The row of a device after merging; a tombstone where no record describes it any more.
    fn merged_row(&self, working: &Working, id: &DeviceId) -> Result<device::Model, Failure> {
        let Some(work) = working.devices.get(id).filter(|device| !device.records.is_empty()) else {
            return Ok(self.tombstone(id));
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
                sections.push(&*stored.section);
            }
            if let (Some(hierarchy), Some(collections)) =
                (identity.source().hierarchy(), working.memberships.get(no))
            {
                of_records.push(RecordMemberships { hierarchy, key: identity.key(), collections });
            }
        }
        let facts = merge(sections, &of_records);
        let state = number(management_state(&facts, &self.facts));
        let message = facts::to_proto(&facts, |index| {
            // Hardly ever is any time clamped.
            !clamped.is_empty() && {
                let stamp = &facts.sections[index];
                clamped.contains(&(stamp.source.to_string(), stamp.key.clone(), number(stamp.kind)))
            }
        });
        let keys = work.keys.keys().map(key::to_proto).collect();
        Ok(self.row_of(id, message, state, keys))
    }

    fn row_of(&self, id: &DeviceId, facts: FactsMessage, state: i32, keys: Vec<DeviceKey>) -> device::Model {
        let message = Device {
            name: format!("tenants/{}/devices/{id}", self.tenant),
            // The column has it: a device may take a new one without anything else of it changing.
            revision: 0,
            state,
            keys,
            facts: Some(facts),
        };
        let body = message.encode_to_vec();
        let facts = message.facts.unwrap_or_default();
        device::Model {
            tenant: self.tenant.clone(),
            device: id.to_string(),
            revision: self.revision,
            removed: false,
            folded_name: folded(facts.display_name.as_deref().unwrap_or_default()),
            state,
            hierarchy: facts.hierarchy,
            site: facts.site.unwrap_or_default(),
            join_type: facts.join_type,
            os_kind: facts.os_kind,
            client: client_column(facts.client_installed),
            body,
        }
    }

    fn tombstone(&self, id: &DeviceId) -> device::Model {
        device::Model {
            tenant: self.tenant.clone(),
            device: id.to_string(),
            revision: self.revision,
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
                message.revision = 0;
                changed.push(device::Model {
                    state,
                    revision: locked.revision,
                    body: message.encode_to_vec(),
                    ..row
                });
            }
        }
        write::devices(tx, &locked.tenant, changed).await?;
    }
}
