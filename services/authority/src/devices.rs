//! Where devices come from: a port, and the inventory behind it.

use std::fmt;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use tandem_client::{Connection, Stack};
use tandem_contracts::inventory::v1::device_service_client::DeviceServiceClient;
use tandem_contracts::inventory::v1::{
    BatchGetDevicesRequest, Bookmark, Device, ListDevicesRequest, WatchDevicesRequest, WatchDevicesResponse,
};
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_server::Failure;
use tandem_server::names::{MAX_PAGE_SIZE, TenantName};

/// What the inventory is called in errors and logs.
pub(crate) const INVENTORY: &str = "inventory";

/// Devices asked for by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NamedDevices {
    /// Those that are there, in the order asked for.
    pub devices: Vec<Device>,
    /// The names that nothing has.
    pub not_found: Vec<String>,
    /// The world of the answer.
    pub consistency_token: String,
}

/// A page of a tenant's devices.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DevicePage {
    /// Devices by name.
    pub devices: Vec<Device>,
    /// For the next page. Empty: this was the last.
    pub next_page_token: String,
}

/// A part of a snapshot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeviceBatch {
    /// At most 1000.
    pub devices: Vec<Device>,
    /// The world up to which everything has been sent; empty until that is said, with the last batch.
    pub consistency_token: String,
}

/// Gives devices with their facts. A cache in front of the inventory is another implementation.
///
/// Every failure is one that a caller of this service may see.
pub trait DeviceSource: fmt::Debug + Send + Sync + 'static {
    /// Devices by name, at most 1000, at least of the world of the token.
    fn named<'a>(
        &'a self,
        tenant: &'a TenantName,
        names: Vec<String>,
        consistency_token: &'a str,
    ) -> BoxFuture<'a, Result<NamedDevices, Failure>>;

    /// A full page of devices by name, from that token of an earlier page. Empty: the first.
    fn page<'a>(
        &'a self,
        tenant: &'a TenantName,
        page_token: &'a str,
    ) -> BoxFuture<'a, Result<DevicePage, Failure>>;

    /// Every device that the filter takes, once.
    fn snapshot<'a>(
        &'a self,
        tenant: &'a TenantName,
        filter: Option<DeviceFilter>,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<DeviceBatch, Failure>>, Failure>>;
}

/// The inventory itself.
#[derive(Clone)]
pub struct InventoryDevices(DeviceServiceClient<Stack>);

impl fmt::Debug for InventoryDevices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InventoryDevices")
    }
}

impl InventoryDevices {
    /// The devices of the inventory at the other end.
    #[must_use]
    pub fn new(inventory: &Connection) -> Self {
        Self(inventory.devices())
    }
}

fn failed(status: tonic::Status) -> Failure {
    Failure::from_dependency(INVENTORY, status)
}

impl DeviceSource for InventoryDevices {
    fn named<'a>(
        &'a self,
        tenant: &'a TenantName,
        names: Vec<String>,
        consistency_token: &'a str,
    ) -> BoxFuture<'a, Result<NamedDevices, Failure>> {
        let mut client = self.0.clone();
        Box::pin(async move {
            let (parent, consistency_token) = (tenant.to_string(), consistency_token.to_owned());
            let request = BatchGetDevicesRequest { parent, names, consistency_token };
            let answer = client.batch_get_devices(request).await.map_err(failed)?.into_inner();
            Ok(NamedDevices {
                devices: answer.devices,
                not_found: answer.not_found,
                consistency_token: answer.consistency_token,
            })
        })
    }

    fn page<'a>(
        &'a self,
        tenant: &'a TenantName,
        page_token: &'a str,
    ) -> BoxFuture<'a, Result<DevicePage, Failure>> {
        let mut client = self.0.clone();
        Box::pin(async move {
            let request = ListDevicesRequest {
                parent: tenant.to_string(),
                page_size: i32::try_from(MAX_PAGE_SIZE).unwrap_or(i32::MAX),
                page_token: page_token.to_owned(),
                ..ListDevicesRequest::default()
            };
            let answer = client.list_devices(request).await.map_err(failed)?.into_inner();
            Ok(DevicePage { devices: answer.devices, next_page_token: answer.next_page_token })
        })
    }

    fn snapshot<'a>(
        &'a self,
        tenant: &'a TenantName,
        filter: Option<DeviceFilter>,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<DeviceBatch, Failure>>, Failure>> {
        let mut client = self.0.clone();
        Box::pin(async move {
            let parent = tenant.to_string();
            let request = WatchDevicesRequest { parent, filter, snapshot_only: true, ..Default::default() };
            let changes = client.watch_devices(request).await.map_err(failed)?.into_inner();
            Ok(changes.map_err(failed).map_ok(batch).boxed())
        })
    }
}

/// Within a snapshot nothing has left yet.
fn batch(response: WatchDevicesResponse) -> DeviceBatch {
    let world = |bookmark: Bookmark| bookmark.consistency_token;
    DeviceBatch {
        devices: response.changed,
        consistency_token: response.bookmark.map(world).unwrap_or_default(),
    }
}
