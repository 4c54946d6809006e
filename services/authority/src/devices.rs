//! Where devices and collections come from: the inventory, and the device-state cache beside it.

use std::fmt;
use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use tandem_cache::DeviceStateCache;
use tandem_client::fleet::{self, DeviceReader, HeldDevice, NamedDevices};
use tandem_client::{Connection, Stack};
use tandem_contracts::authority::v1::ListDriftRequest;
use tandem_contracts::convert::time;
use tandem_contracts::inventory::v1::collection_service_client::CollectionServiceClient;
use tandem_contracts::inventory::v1::device_service_client::DeviceServiceClient;
use tandem_contracts::inventory::v1::{
    Bookmark, Device, GetCollectionRequest, GetCollectionResponse, ListDevicesRequest, WatchDevicesRequest,
    WatchDevicesResponse,
};
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_domain::id::{CollectionId, HierarchyId, TenantId};
use tandem_server::consistency::Service;
use tandem_server::names::{MAX_PAGE_SIZE, TenantName};
use tandem_server::{ConsistencyToken, Failure};
use tonic::Streaming;

/// What the inventory is called in errors and logs.
pub(crate) const INVENTORY: &str = "inventory";

/// A page of a tenant's devices.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct DevicePage {
    /// Devices by name.
    pub(crate) devices: Vec<Device>,
    /// For the next page. Empty: this was the last.
    pub(crate) next_page_token: String,
}

/// A part of a snapshot.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct DeviceBatch {
    /// At most 1000.
    pub(crate) devices: Vec<Device>,
    /// The world up to which everything has been sent; empty until that is said, with the last batch.
    pub(crate) consistency_token: String,
}

/// The devices of the inventory, those asked for by name through the device-state cache.
///
/// Every failure is one that a caller of this service may see.
#[derive(Clone)]
pub(crate) struct Devices {
    client: DeviceServiceClient<Stack>,
    named: DeviceReader,
}

impl fmt::Debug for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Devices").field("named", &self.named).finish_non_exhaustive()
    }
}

fn failed(status: tonic::Status) -> Failure {
    Failure::from_dependency(INVENTORY, status)
}

impl Devices {
    /// The devices of the inventory at the other end.
    pub(crate) fn new(inventory: &Connection, cache: Option<Arc<dyn DeviceStateCache>>) -> Self {
        let named = DeviceReader::new(inventory, cache, inventory_world, inventory_token);
        Self { client: inventory.devices(), named }
    }

    /// Devices by name, at most 1000, at least of the world of the token.
    pub(crate) async fn named(
        &self,
        tenant: &TenantName,
        names: Vec<String>,
        consistency_token: &str,
    ) -> Result<NamedDevices, Failure> {
        self.named.batch(tenant.as_str(), names, consistency_token).await.map_err(failed)
    }

    /// A device by its ids, if the cache may be trusted to hold it as of the world asked for. For callers who reach the whole tenant.
    pub(crate) async fn held(
        &self,
        tenant: &str,
        device: &str,
        asked: Option<fleet::World>,
    ) -> Option<HeldDevice> {
        self.named.held_one(tenant, device, asked).await
    }

    /// A full page of the devices that are wanted, by name, from that token of an earlier page. Empty: the first.
    pub(crate) async fn page(
        &self,
        tenant: &TenantName,
        wanted: &ListDriftRequest,
        page_token: &str,
    ) -> Result<DevicePage, Failure> {
        let request = ListDevicesRequest {
            parent: tenant.to_string(),
            page_size: i32::try_from(MAX_PAGE_SIZE).unwrap_or(i32::MAX),
            page_token: page_token.to_owned(),
            filter: wanted.filter.clone(),
            consistency_token: wanted.consistency_token.clone(),
        };
        let answer = self.client.clone().list_devices(request).await.map_err(failed)?.into_inner();
        Ok(DevicePage { devices: answer.devices, next_page_token: answer.next_page_token })
    }

    /// Every device of a tenant, and then every change, from that resume token on. Empty: from the beginning.
    pub(crate) async fn watch(
        &self,
        tenant: &TenantName,
        resume_token: String,
    ) -> Result<Streaming<WatchDevicesResponse>, Failure> {
        let request = WatchDevicesRequest {
            parent: tenant.to_string(),
            resume_token,
            ..WatchDevicesRequest::default()
        };
        Ok(self.client.clone().watch_devices(request).await.map_err(failed)?.into_inner())
    }

    /// Every device that the filter takes, once.
    pub(crate) async fn snapshot(
        &self,
        tenant: &TenantName,
        filter: Option<DeviceFilter>,
        consistency_token: String,
    ) -> Result<BoxStream<'static, Result<DeviceBatch, Failure>>, Failure> {
        let parent = tenant.to_string();
        let request = WatchDevicesRequest {
            parent,
            filter,
            snapshot_only: true,
            consistency_token,
            ..WatchDevicesRequest::default()
        };
        let changes = self.client.clone().watch_devices(request).await.map_err(failed)?.into_inner();
        Ok(changes.map_err(failed).map_ok(batch).boxed())
    }
}

/// The collections of hierarchies.
#[derive(Clone)]
pub(crate) struct Collections(Arc<CollectionServiceClient<Stack>>);

impl fmt::Debug for Collections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collections").finish_non_exhaustive()
    }
}

/// How far the members of a pilot collection are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PilotReading {
    /// When they were read. `None`: never, or not all of them.
    pub(crate) members_read_at: Option<Timestamp>,
    /// The world in which that was so.
    pub(crate) world: fleet::World,
}

impl Collections {
    /// The collections of the inventory at the other end.
    pub(crate) fn new(inventory: &Connection) -> Self {
        Self(Arc::new(inventory.collections()))
    }

    async fn get(
        &self,
        tenant: &TenantId,
        hierarchy: &HierarchyId,
        id: &CollectionId,
    ) -> Result<GetCollectionResponse, Failure> {
        let name = format!("tenants/{tenant}/hierarchies/{hierarchy}/collections/{id}");
        let request = GetCollectionRequest { name, ..GetCollectionRequest::default() };
        Ok((*self.0).clone().get_collection(request).await.map_err(failed)?.into_inner())
    }

    /// The name of a collection that people know it by; empty where the inventory has it no longer.
    pub(crate) async fn display_name(&self, request: GetCollectionRequest) -> Result<String, Failure> {
        match (*self.0).clone().get_collection(request).await.map_err(failed) {
            Ok(answer) => Ok(answer.into_inner().collection.unwrap_or_default().display_name),
            Err(Failure::NotFound { .. }) => Ok(String::new()),
            Err(failure) => Err(failure),
        }
    }

    /// Whether the hierarchy has such a collection.
    pub(crate) async fn has(
        &self,
        tenant: &TenantId,
        hierarchy: &HierarchyId,
        id: &CollectionId,
    ) -> Result<bool, Failure> {
        match self.get(tenant, hierarchy, id).await {
            Ok(_) => Ok(true),
            Err(Failure::NotFound { .. }) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// How far the members of a pilot collection are known.
    pub(crate) async fn pilot(
        &self,
        tenant: &TenantId,
        hierarchy: &HierarchyId,
        id: &CollectionId,
    ) -> Result<PilotReading, Failure> {
        let answer = self.get(tenant, hierarchy, id).await?;
        let broken = |what: &str| Failure::internal(format!("GetCollection breaks the contract: {what}"));
        let world = inventory_world(&answer.consistency_token);
        let world = world.ok_or_else(|| broken("its consistency token says no world"))?;
        let collection = answer.collection.unwrap_or_default();
        let read_at = collection.observed_at.filter(|_| collection.members_complete);
        let read_at = read_at.map(|at| time::from_proto("observed_at", at)).transpose();
        let members_read_at = read_at.map_err(|violation| broken(&violation.to_string()))?;
        Ok(PilotReading { members_read_at, world })
    }
}

/// How far the inventory was, by a consistency token. A damaged token is refused before it comes here.
pub(crate) fn inventory_world(token: &str) -> Option<fleet::World> {
    inventory_world_of(&ConsistencyToken::parse(token).ok()?)
}

/// How far the inventory was, by a consistency token.
pub(crate) fn inventory_world_of(token: &ConsistencyToken) -> Option<fleet::World> {
    let mark = token.get(Service::Inventory)?;
    Some(fleet::World { incarnation: mark.incarnation, revision: mark.revision })
}

/// The consistency token of a world of the inventory.
fn inventory_token(world: fleet::World) -> String {
    ConsistencyToken::default().with(Service::Inventory, world.incarnation, world.revision).to_string()
}

/// Within a snapshot nothing has left yet.
fn batch(response: WatchDevicesResponse) -> DeviceBatch {
    let world = |bookmark: Bookmark| bookmark.consistency_token;
    DeviceBatch {
        devices: response.changed,
        consistency_token: response.bookmark.map(world).unwrap_or_default(),
    }
}
