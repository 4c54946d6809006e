//! The change feed: the devices in the order of their revisions. Compacted by construction, since a device has one row.

use prost::Message;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use tandem_contracts::inventory::v1::{Device, DeviceLeft};
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_server::failure::Failure;
use tandem_server::names::TenantName;

use super::entity::device;
use super::{Store, devices, filter};

/// Reads up to `limit` devices that the filter takes, after a device, by id: a part of a snapshot. What changes while the snapshot is
/// read may be in it already; the feed from the revision at which it began has it again.
pub(crate) async fn snapshot(
    store: &Store,
    tenant: &TenantName,
    wanted: &DeviceFilter,
    after: &str,
    limit: u64,
) -> Result<Vec<Device>, Failure> {
    devices::device_list(store, tenant, wanted, Some(after.to_owned()), limit).await
}

/// Behind every device of that revision: device ids are ASCII.
pub(crate) fn behind(revision: u64) -> (i64, String) {
    (i64::try_from(revision).unwrap_or(i64::MAX), "\u{10ffff}".to_owned())
}

/// A device as it is stored: what a copy that is kept elsewhere needs of its row.
#[derive(Debug, sea_orm::FromQueryResult)]
pub(crate) struct Stored {
    pub(crate) device: String,
    pub(crate) revision: i64,
    pub(crate) removed: bool,
    /// The device's message, encoded; empty for one that was removed.
    pub(crate) body: Vec<u8>,
}

/// Reads up to `limit` devices after a position as they are stored, removed ones too. One statement sees one state of the
/// database, so a page that is not full holds everything after the position.
pub(crate) async fn stored(
    store: &Store,
    tenant: &str,
    after: &(i64, String),
    limit: u64,
) -> Result<Vec<Stored>, Failure> {
    use device::Column as C;
    let rows =
        later(tenant, after, limit).select_only().columns([C::Device, C::Revision, C::Removed, C::Body]);
    let mut rows: Vec<Stored> = rows.into_model().all(&store.reader(tenant)).await?;
    for row in rows.iter_mut().filter(|row| !row.removed) {
        // Encoded messages one after the other are one message that has the fields of both.
        let revision = Device { revision: row.revision.unsigned_abs(), ..Device::default() };
        row.body.extend(revision.encode_to_vec());
    }
    Ok(rows)
}

/// The first devices after a position, in the order of the feed.
fn later(tenant: &str, after: &(i64, String), limit: u64) -> Select<device::Entity> {
    let later = Condition::any().add(device::Column::Revision.gt(after.0)).add(
        Condition::all()
            .add(device::Column::Revision.eq(after.0))
            .add(device::Column::Device.gt(after.1.as_str())),
    );
    device::Entity::find()
        .filter(device::Column::Tenant.eq(tenant))
        .filter(device::Column::Revision.gte(after.0))
        .filter(later)
        .order_by_asc(device::Column::Revision)
        .order_by_asc(device::Column::Device)
        .limit(limit)
}

/// A part of the feed.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Devices that the filter takes, as they are now.
    pub(crate) changed: Vec<Device>,
    /// Devices that are gone, that the filter does not take, or that are not reached.
    pub(crate) left: Vec<DeviceLeft>,
    /// Where the next page starts: after this revision and device.
    pub(crate) next: Option<(i64, String)>,
}

/// Reads up to `limit` changes after a position, up to and including revision `until`.
///
/// Several devices share a revision (one batch is one commit), so a position is a revision and a device.
pub(crate) async fn changes(
    store: &Store,
    tenant: &TenantName,
    wanted: &DeviceFilter,
    after: &(i64, String),
    until: u64,
    limit: u64,
) -> Result<Page, Failure> {
    let reader = &store.reader(tenant.id());
    let takes = filter::condition(reader, tenant.id(), wanted).await?;
    let takes = takes.add(filter::reached(reader, tenant).await?);
    let rows = later(tenant.id(), after, limit)
        .filter(device::Column::Revision.lte(i64::try_from(until).unwrap_or(i64::MAX)))
        .expr_as(Expr::expr(takes), "takes")
        .into_model::<Change>()
        .all(reader)
        .await?;
    let mut page = Page::default();
    if rows.len() as u64 == limit {
        page.next = rows.last().map(|row| (row.device.revision, row.device.device.clone()));
    }
    for row in rows {
        if row.takes && !row.device.removed {
            page.changed.push(devices::message(&row.device)?);
        } else {
            page.left.push(DeviceLeft {
                name: format!("{tenant}/devices/{}", row.device.device),
                revision: row.device.revision.unsigned_abs(),
            });
        }
    }
    Ok(page)
}

#[derive(Debug, sea_orm::FromQueryResult)]
struct Change {
    #[sea_orm(nested)]
    device: device::Model,
    takes: bool,
}
