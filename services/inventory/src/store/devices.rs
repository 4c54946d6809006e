//! Devices, as merged. Whoever reads them for a caller passes the tenant as the caller named it: what of it the caller does not reach is
//! as if it were not there.

use std::collections::HashMap;

use prost::Message;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter};
use tandem_contracts::inventory::v1::Device;
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_domain::identity::IdentityKey;
use tandem_server::failure::Failure;
use tandem_server::names::TenantName;

use super::entity::{device, device_key};
use super::lock::LockedTenant;
use super::{Store, filter};
use crate::grpc::convert;

/// The name under which errors speak of devices.
const TYPE: &str = "tandem.inventory.v1.Device";

/// The device of a row. The body is the message itself but for the revision, so that reading costs one decode.
pub(crate) fn message(row: &device::Model) -> Result<Device, Failure> {
    let device = Device::decode(row.body.as_slice()).map_err(Failure::internal)?;
    Ok(Device { revision: row.revision.unsigned_abs(), ..device })
}

/// Gives the commit's revision to the devices that meet a condition: nothing of them changed, but watchers need to look again.
pub(crate) async fn devices_touch(
    tx: &DatabaseTransaction,
    locked: &LockedTenant,
    condition: Condition,
) -> Result<(), Failure> {
    device::Entity::update_many()
        .col_expr(device::Column::Revision, Expr::val(locked.revision))
        .filter(device::Column::Tenant.eq(locked.tenant.as_str()))
        .filter(device::Column::Removed.eq(false))
        .filter(condition)
        .exec(tx)
        .await?;
    Ok(())
}

fn not_found(tenant: &TenantName, id: &str) -> Failure {
    Failure::NotFound { resource_type: TYPE, name: format!("{tenant}/devices/{id}") }
}

/// Reads a device.
pub(crate) async fn device_fetch(store: &Store, tenant: &TenantName, id: &str) -> Result<Device, Failure> {
    let reader = &store.reader(tenant.id());
    let row = device::Entity::find_by_id((tenant.id().to_owned(), id.to_owned()))
        .filter(device::Column::Removed.eq(false))
        .filter(filter::reached(reader, tenant).await?)
        .one(reader)
        .await?;
    message(&row.ok_or_else(|| not_found(tenant, id))?)
}

/// Reads the device that holds a key.
pub(crate) async fn device_lookup(
    store: &Store,
    tenant: &TenantName,
    key: &IdentityKey,
) -> Result<Device, Failure> {
    let kind = i32::from(convert::key_kind(key.kind()));
    let none = || Failure::NotFound {
        resource_type: TYPE,
        name: format!("{tenant}/devices with {} {}", key.kind().id(), key.value()),
    };
    let row = device_key::Entity::find_by_id((tenant.id().to_owned(), kind, key.value().to_owned()))
        .one(&store.reader(tenant.id()))
        .await?;
    match row {
        // A hardware key that several records share says of none of them which is meant.
        Some(row) if !row.ambiguous => match device_fetch(store, tenant, &row.device).await {
            // The id of a device that is not reached is told to nobody.
            Err(Failure::NotFound { .. }) => Err(none()),
            found => found,
        },
        _ => Err(none()),
    }
}

/// Lists up to `limit` devices after one, by id.
pub(crate) async fn device_list(
    store: &Store,
    tenant: &TenantName,
    wanted: &DeviceFilter,
    after: Option<String>,
    limit: u64,
) -> Result<Vec<Device>, Failure> {
    let reader = &store.reader(tenant.id());
    let mut cursor = device::Entity::find()
        .filter(device::Column::Tenant.eq(tenant.id()))
        .filter(device::Column::Removed.eq(false))
        .filter(filter::condition(reader, tenant.id(), wanted).await?)
        .filter(filter::reached(reader, tenant).await?)
        .cursor_by(device::Column::Device);
    if let Some(after) = after {
        cursor.after(after);
    }
    cursor.first(limit).all(reader).await?.iter().map(message).collect()
}

/// Reads devices by id, in the order asked for; ids that nothing has are left out.
pub(crate) async fn device_batch(
    store: &Store,
    tenant: &TenantName,
    ids: &[String],
) -> Result<Vec<Device>, Failure> {
    let reader = &store.reader(tenant.id());
    let rows = device::Entity::find()
        .filter(device::Column::Tenant.eq(tenant.id()))
        .filter(device::Column::Removed.eq(false))
        .filter(device::Column::Device.is_in(ids.iter().map(String::as_str)))
        .filter(filter::reached(reader, tenant).await?)
        .all(reader)
        .await?;
    let mut found: HashMap<&str, &device::Model> =
        rows.iter().map(|row| (row.device.as_str(), row)).collect();
    ids.iter().filter_map(|id| found.remove(id.as_str())).map(message).collect()
}
