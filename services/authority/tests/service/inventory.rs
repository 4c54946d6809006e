//! An inventory that answers what a test tells it, and refuses what the contract refuses.

use std::sync::{Arc, Mutex, MutexGuard};

use futures::StreamExt;
use futures::stream::BoxStream;
use tandem_contracts::inventory::v1 as proto;
use tandem_contracts::inventory::v1::collection_service_server::CollectionService;
use tandem_contracts::inventory::v1::device_service_server::DeviceService;
use tandem_contracts::inventory::v1::hierarchy_service_server::HierarchyService;
use tandem_contracts::inventory::v1::tenant_service_server::TenantService;
use tandem_contracts::r#type::v1::TenantFacts;
use tandem_server::consistency::{ConsistencyToken, Mark, Service};
use tandem_server::failure::Failure;
use tokio::sync::mpsc;
use tonic::{Request, Response, Status, Streaming};

use crate::{TENANT, fleet};

/// Devices of a page or batch: few, so that tests see several.
const PAGE: usize = 2;

#[derive(Debug, Clone)]
pub(crate) struct Inventory(Arc<Mutex<World>>);

/// What the inventory knows, and how often it was asked.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) incarnation: u64,
    pub(crate) revision: u64,
    /// What is said of the tenant.
    pub(crate) tenant: TenantFacts,
    pub(crate) devices: Vec<proto::Device>,
    pub(crate) hierarchies: Vec<proto::HierarchySurroundings>,
    pub(crate) surroundings_revision: u64,
    pub(crate) collections: Vec<proto::Collection>,
    /// Does not answer.
    pub(crate) away: bool,
    pub(crate) pages_read: usize,
    /// Calls for devices by name.
    pub(crate) devices_read: usize,
    /// Watches that go on after their snapshot.
    feeds: Vec<mpsc::UnboundedSender<Result<proto::WatchDevicesResponse, Status>>>,
    /// Watches that ask for a snapshot so far.
    pub(crate) snapshots: usize,
}

impl World {
    pub(crate) fn token(&self) -> String {
        self.world().to_string()
    }

    /// How far the inventory is.
    pub(crate) fn world(&self) -> ConsistencyToken {
        ConsistencyToken::default().with(Service::Inventory, self.incarnation, self.revision)
    }

    fn bookmark(&self) -> proto::Bookmark {
        proto::Bookmark {
            snapshot_complete: true,
            revision: self.revision,
            resume_token: self.revision.to_string(),
            consistency_token: self.token(),
        }
    }

    fn tell(&mut self, changed: Vec<proto::Device>, left: Vec<proto::DeviceLeft>) {
        let change = proto::WatchDevicesResponse { changed, left, bookmark: Some(self.bookmark()) };
        self.feeds.retain(|feed| feed.send(Ok(change.clone())).is_ok());
    }

    fn check(&self, token: &str) -> Result<(), Failure> {
        let seen = Mark { incarnation: self.incarnation, revision: self.revision };
        ConsistencyToken::parse(token)?.check(Service::Inventory, seen)
    }
}

impl Inventory {
    pub(crate) fn of_sample_fleet() -> Self {
        Self(Arc::new(Mutex::new(World {
            incarnation: 7,
            revision: 14,
            tenant: TenantFacts::default(),
            devices: fleet::devices(),
            hierarchies: fleet::hierarchies(),
            surroundings_revision: 3,
            collections: Vec::new(),
            away: false,
            pages_read: 0,
            devices_read: 0,
            feeds: Vec::new(),
            snapshots: 0,
        })))
    }

    /// A device is as said from the next revision on, and every watch says so.
    pub(crate) fn change(&self, mut device: proto::Device) {
        let mut world = self.world();
        world.revision += 1;
        device.revision = world.revision;
        world.devices.retain(|known| known.name != device.name);
        world.devices.push(device.clone());
        world.tell(vec![device], Vec::new());
    }

    /// A device is gone from the next revision on.
    pub(crate) fn remove(&self, name: &str) {
        let mut world = self.world();
        world.revision += 1;
        world.devices.retain(|known| known.name != name);
        let left = proto::DeviceLeft { name: name.to_owned(), revision: world.revision };
        world.tell(Vec::new(), vec![left]);
    }

    /// A collection is as said from the next revision on. Who its members are, devices say.
    pub(crate) fn describe(&self, collection: proto::Collection) {
        let mut world = self.world();
        world.revision += 1;
        world.collections.retain(|known| known.name != collection.name);
        world.collections.push(collection);
        world.tell(Vec::new(), Vec::new());
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    fn asked(&self) -> Result<MutexGuard<'_, World>, Status> {
        let world = self.world();
        if world.away { Err(Status::unavailable("restarting")) } else { Ok(world) }
    }
}

fn not_found(resource_type: &'static str, name: String) -> Failure {
    Failure::NotFound { resource_type, name }
}

#[tonic::async_trait]
impl TenantService for Inventory {
    async fn get_surroundings(
        &self,
        request: Request<proto::GetSurroundingsRequest>,
    ) -> Result<Response<proto::GetSurroundingsResponse>, Status> {
        let world = self.asked()?;
        let request = request.into_inner();
        if request.parent != TENANT {
            return Err(not_found("tandem.inventory.v1.Tenant", request.parent).into());
        }
        let revision = world.surroundings_revision;
        let unchanged = request.known_revision != 0 && request.known_revision >= revision;
        Ok(Response::new(proto::GetSurroundingsResponse {
            revision,
            unchanged,
            tenant: (!unchanged).then(|| world.tenant.clone()),
            hierarchies: if unchanged { Vec::new() } else { world.hierarchies.clone() },
            consistency_token: world.token(),
        }))
    }

    async fn create_tenant(
        &self,
        _: Request<proto::CreateTenantRequest>,
    ) -> Result<Response<proto::CreateTenantResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_tenant(
        &self,
        _: Request<proto::GetTenantRequest>,
    ) -> Result<Response<proto::GetTenantResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_tenants(
        &self,
        _: Request<proto::ListTenantsRequest>,
    ) -> Result<Response<proto::ListTenantsResponse>, Status> {
        let _world = self.asked()?;
        let tenant = proto::Tenant { name: TENANT.to_owned(), ..proto::Tenant::default() };
        Ok(Response::new(proto::ListTenantsResponse { tenants: vec![tenant], ..Default::default() }))
    }

    async fn update_tenant(
        &self,
        _: Request<proto::UpdateTenantRequest>,
    ) -> Result<Response<proto::UpdateTenantResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tonic::async_trait]
impl HierarchyService for Inventory {
    async fn get_hierarchy(
        &self,
        request: Request<proto::GetHierarchyRequest>,
    ) -> Result<Response<proto::GetHierarchyResponse>, Status> {
        let world = self.asked()?;
        let name = request.into_inner().name;
        if !world.hierarchies.iter().any(|known| name == format!("{TENANT}/hierarchies/{}", known.hierarchy))
        {
            return Err(not_found("tandem.inventory.v1.Hierarchy", name).into());
        }
        let hierarchy = proto::Hierarchy { name, ..proto::Hierarchy::default() };
        Ok(Response::new(proto::GetHierarchyResponse { hierarchy: Some(hierarchy), ..Default::default() }))
    }

    async fn list_hierarchies(
        &self,
        _: Request<proto::ListHierarchiesRequest>,
    ) -> Result<Response<proto::ListHierarchiesResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn update_hierarchy(
        &self,
        _: Request<proto::UpdateHierarchyRequest>,
    ) -> Result<Response<proto::UpdateHierarchyResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_site(
        &self,
        _: Request<proto::GetSiteRequest>,
    ) -> Result<Response<proto::GetSiteResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_sites(
        &self,
        _: Request<proto::ListSitesRequest>,
    ) -> Result<Response<proto::ListSitesResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn update_site(
        &self,
        _: Request<proto::UpdateSiteRequest>,
    ) -> Result<Response<proto::UpdateSiteResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tonic::async_trait]
impl DeviceService for Inventory {
    type ReportDevicesStream = BoxStream<'static, Result<proto::ReportDevicesResponse, Status>>;
    type WatchDevicesStream = BoxStream<'static, Result<proto::WatchDevicesResponse, Status>>;

    async fn list_devices(
        &self,
        request: Request<proto::ListDevicesRequest>,
    ) -> Result<Response<proto::ListDevicesResponse>, Status> {
        let mut world = self.asked()?;
        world.pages_read += 1;
        let after = request.into_inner().page_token;
        let later = world.devices.iter().filter(|device| device.name > after);
        let mut devices: Vec<_> = later.take(PAGE + 1).cloned().collect();
        let more = devices.len() > PAGE;
        devices.truncate(PAGE);
        let next = devices.last().filter(|_| more).map(|device| device.name.clone());
        Ok(Response::new(proto::ListDevicesResponse {
            devices,
            next_page_token: next.unwrap_or_default(),
            consistency_token: world.token(),
        }))
    }

    async fn batch_get_devices(
        &self,
        request: Request<proto::BatchGetDevicesRequest>,
    ) -> Result<Response<proto::BatchGetDevicesResponse>, Status> {
        let mut world = self.asked()?;
        world.devices_read += 1;
        let request = request.into_inner();
        world.check(&request.consistency_token)?;
        let mut answer =
            proto::BatchGetDevicesResponse { consistency_token: world.token(), ..Default::default() };
        for name in request.names {
            match world.devices.iter().find(|device| device.name == name) {
                Some(device) => answer.devices.push(device.clone()),
                None => answer.not_found.push(name),
            }
        }
        Ok(Response::new(answer))
    }

    /// The last batch of a snapshot is a bookmark alone. A watch that goes on is told of changes from then on, and never resumed.
    async fn watch_devices(
        &self,
        request: Request<proto::WatchDevicesRequest>,
    ) -> Result<Response<Self::WatchDevicesStream>, Status> {
        let mut world = self.asked()?;
        let request = request.into_inner();
        if !request.resume_token.is_empty() {
            return Err(Failure::RevisionTooOld { asked: 0, oldest: world.revision }.into());
        }
        world.snapshots += 1;
        let asked = request.filter.unwrap_or_default();
        let taken = |device: &&proto::Device| {
            let facts = device.facts.clone().unwrap_or_default();
            let names = |id: &String| format!("{TENANT}/hierarchies/{}/collections/{id}", facts.hierarchy);
            let is_member = facts.collections.iter().any(|id| asked.collections.contains(&names(id)));
            (asked.hierarchies.is_empty() || asked.hierarchies.contains(&facts.hierarchy))
                && (asked.collections.is_empty() || is_member)
        };
        let devices: Vec<_> = world.devices.iter().filter(taken).cloned().collect();
        let batches = devices.chunks(PAGE).map(|changed| {
            Ok(proto::WatchDevicesResponse { changed: changed.to_vec(), ..Default::default() })
        });
        let end = Ok(proto::WatchDevicesResponse { bookmark: Some(world.bookmark()), ..Default::default() });
        let all: Vec<_> = batches.chain([end]).collect();
        let snapshot = futures::stream::iter(all);
        if request.snapshot_only {
            return Ok(Response::new(snapshot.boxed()));
        }
        let (feed, changes) = mpsc::unbounded_channel();
        world.feeds.push(feed);
        let changes =
            futures::stream::unfold(changes, async |mut changes| Some((changes.recv().await?, changes)));
        Ok(Response::new(snapshot.chain(changes).boxed()))
    }

    async fn report_devices(
        &self,
        _: Request<Streaming<proto::ReportDevicesRequest>>,
    ) -> Result<Response<Self::ReportDevicesStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_device(
        &self,
        _: Request<proto::GetDeviceRequest>,
    ) -> Result<Response<proto::GetDeviceResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn lookup_device(
        &self,
        _: Request<proto::LookupDeviceRequest>,
    ) -> Result<Response<proto::LookupDeviceResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_identity_conflicts(
        &self,
        _: Request<proto::ListIdentityConflictsRequest>,
    ) -> Result<Response<proto::ListIdentityConflictsResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tonic::async_trait]
impl CollectionService for Inventory {
    type ImportCollectionsStream = BoxStream<'static, Result<proto::ImportCollectionsResponse, Status>>;

    async fn get_collection(
        &self,
        request: Request<proto::GetCollectionRequest>,
    ) -> Result<Response<proto::GetCollectionResponse>, Status> {
        let world = self.asked()?;
        let name = request.into_inner().name;
        let Some(collection) = world.collections.iter().find(|known| known.name == name) else {
            return Err(not_found("tandem.inventory.v1.Collection", name).into());
        };
        Ok(Response::new(proto::GetCollectionResponse {
            collection: Some(collection.clone()),
            consistency_token: world.token(),
        }))
    }

    async fn import_collections(
        &self,
        _: Request<Streaming<proto::ImportCollectionsRequest>>,
    ) -> Result<Response<Self::ImportCollectionsStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn create_collection(
        &self,
        _: Request<proto::CreateCollectionRequest>,
    ) -> Result<Response<proto::CreateCollectionResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_collections(
        &self,
        _: Request<proto::ListCollectionsRequest>,
    ) -> Result<Response<proto::ListCollectionsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn update_collection(
        &self,
        _: Request<proto::UpdateCollectionRequest>,
    ) -> Result<Response<proto::UpdateCollectionResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn delete_collection(
        &self,
        _: Request<proto::DeleteCollectionRequest>,
    ) -> Result<Response<proto::DeleteCollectionResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_collection_members(
        &self,
        _: Request<proto::ListCollectionMembersRequest>,
    ) -> Result<Response<proto::ListCollectionMembersResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn update_collection_members(
        &self,
        _: Request<proto::UpdateCollectionMembersRequest>,
    ) -> Result<Response<proto::UpdateCollectionMembersResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}
