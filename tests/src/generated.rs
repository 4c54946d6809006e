//! An inventory of as many devices as are asked for, made up while they are sent: for what follows the fleet and is to be measured by itself.
//!
//! It answers what the authority asks of an inventory, and nothing else. Device `n` is the same whenever it is asked for. Of ten devices seven
//! are co-managed; each is in 15 of [`COLLECTIONS`] collections, and every fifth in [`UNUSED`], which no policy names.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::BoxStream;
use tandem_contracts::convert;
use tandem_contracts::inventory::v1 as proto;
use tandem_contracts::inventory::v1::device_service_server::DeviceService;
use tandem_contracts::inventory::v1::hierarchy_service_server::HierarchyService;
use tandem_contracts::inventory::v1::tenant_service_server::TenantService;
use tandem_contracts::r#type::v1::SiteFacts;
use tandem_domain::facts::{DeviceFacts, Fact, JoinType, SectionStamp};
use tandem_domain::id::{CollectionId, HierarchyId, SiteCode};
use tandem_domain::section::{SectionKind, Source};
use tandem_server::ConsistencyToken;
use tandem_server::consistency::Service;
use tonic::{Request, Response, Status, Streaming};

/// The hierarchy of every device.
pub const HIERARCHY: &str = "PS1";

/// A collection of a fifth of the devices, which overlaps all others.
pub const UNUSED: &str = "PS109999";

/// Collections, beside that one.
pub const COLLECTIONS: u64 = 300;

/// Collections that a device is in, beside that one.
const MEMBERSHIPS: u64 = 15;

/// Devices sent at once: as many as the inventory's watch sends.
const BATCH: u64 = 250;

const INCARNATION: u64 = 7;
const NOT_ASKED: &str = "a generated inventory answers what an authority asks";

/// Devices numbered from 0.
#[derive(Debug, Clone, Copy)]
pub struct Generated {
    /// How many.
    pub devices: u64,
}

/// A collection's id.
///
/// # Panics
/// Never: the id is one.
#[must_use]
pub fn collection(number: u64) -> CollectionId {
    CollectionId::parse(&format!("PS1{:05}", number % COLLECTIONS)).expect("an id")
}

fn said<T>(value: T) -> Option<Fact<T>> {
    Some(Fact::new(value, 0))
}

/// The number's place in a sequence that looks random (SplitMix64).
const fn scattered(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// What is known of a device.
///
/// # Panics
/// Never: its ids are ids.
#[must_use]
pub fn facts(number: u64) -> DeviceFacts {
    let hierarchy = HierarchyId::parse(HIERARCHY).expect("an id");
    let drawn = scattered(number);
    let mut collections: Vec<CollectionId> =
        (0..MEMBERSHIPS).map(|n| collection(scattered(drawn ^ n))).collect();
    if drawn % 5 == 0 {
        collections.push(CollectionId::parse(UNUSED).expect("an id"));
    }
    collections.sort();
    collections.dedup();
    let stamp = SectionStamp {
        source: Source::ConfigMgr(hierarchy.clone()),
        kind: SectionKind::CoManagementState,
        key: "1".into(),
        observed_at: jiff::Timestamp::UNIX_EPOCH,
    };
    let ordinary = DeviceFacts {
        sections: vec![stamp],
        hierarchy: Some(hierarchy),
        site: said(SiteCode::parse(HIERARCHY).expect("a code")),
        collections,
        client_installed: said(true),
        mdm_enrolled: said(true),
        mdm_provisioned: said(true),
        policy_present: said(true),
        join_type: said(JoinType::HybridJoined),
        ..DeviceFacts::default()
    };
    match drawn >> 8 & 0xff {
        0..180 => ordinary,
        180..210 => DeviceFacts { mdm_enrolled: said(false), ..ordinary },
        210..225 => DeviceFacts { policy_present: said(false), ..ordinary },
        225..235 => DeviceFacts { mdm_provisioned: said(false), ..ordinary },
        235..245 => DeviceFacts { join_type: said(JoinType::None), mdm_enrolled: None, ..ordinary },
        245..250 => DeviceFacts { autopilot_override: said(true), ..ordinary },
        _ => DeviceFacts { client_installed: None, mdm_provisioned: None, ..ordinary },
    }
}

impl Generated {
    fn token(self) -> String {
        ConsistencyToken::default().with(Service::Inventory, INCARNATION, self.devices).to_string()
    }

    /// What surrounds its devices: every collection's members are known.
    fn surroundings(self) -> proto::GetSurroundingsResponse {
        let site = SiteFacts { version: Some("2503".into()), ..SiteFacts::default() };
        let complete = (0..COLLECTIONS).map(|number| collection(number).to_string()).chain([UNUSED.into()]);
        let hierarchy = proto::HierarchySurroundings {
            hierarchy: HIERARCHY.into(),
            sites: [(HIERARCHY.to_owned(), site)].into(),
            complete_collections: complete.collect(),
        };
        proto::GetSurroundingsResponse {
            revision: 1,
            unchanged: false,
            tenant: Some(tandem_contracts::r#type::v1::TenantFacts::default()),
            hierarchies: vec![hierarchy],
            consistency_token: self.token(),
        }
    }

    fn batch(self, tenant: &str, from: u64) -> proto::WatchDevicesResponse {
        let until = (from + BATCH).min(self.devices);
        let devices = (from..until).map(|number| proto::Device {
            name: format!("{tenant}/devices/{number:08x}-0000-4000-8000-000000000000"),
            revision: number + 1,
            facts: Some(convert::facts::to_proto(&facts(number), |_| false)),
            ..proto::Device::default()
        });
        let is_last = until == self.devices;
        let bookmark = proto::Bookmark {
            snapshot_complete: true,
            revision: self.devices,
            resume_token: self.devices.to_string(),
            consistency_token: self.token(),
        };
        proto::WatchDevicesResponse {
            changed: devices.collect(),
            left: Vec::new(),
            bookmark: is_last.then_some(bookmark),
        }
    }
}

#[tonic::async_trait]
impl TenantService for Generated {
    async fn get_surroundings(
        &self,
        _: Request<proto::GetSurroundingsRequest>,
    ) -> Result<Response<proto::GetSurroundingsResponse>, Status> {
        Ok(Response::new(self.surroundings()))
    }

    async fn create_tenant(
        &self,
        _: Request<proto::CreateTenantRequest>,
    ) -> Result<Response<proto::CreateTenantResponse>, Status> {
        Err(Status::unimplemented(NOT_ASKED))
    }

    async fn get_tenant(
        &self,
        _: Request<proto::GetTenantRequest>,
    ) -> Result<Response<proto::GetTenantResponse>, Status> {
        Err(Status::unimplemented(NOT_ASKED))
    }

    async fn list_tenants(
        &self,
        _: Request<proto::ListTenantsRequest>,
    ) -> Result<Response<proto::ListTenantsResponse>, Status> {
        Err(Status::unimplemented(NOT_ASKED))
    }

    async fn update_tenant(
        &self,
        _: Request<proto::UpdateTenantRequest>,
    ) -> Result<Response<proto::UpdateTenantResponse>, Status> {
        Err(Status::unimplemented(NOT_ASKED))
    }
}

#[tonic::async_trait]
impl HierarchyService for Generated {
    async fn get_hierarchy(
        &self,
        request: Request<proto::GetHierarchyRequest>,
    ) -> Result<Response<proto::GetHierarchyResponse>, Status> {
        let hierarchy = proto::Hierarchy { name: request.into_inner().name, ..proto::Hierarchy::default() };
        Ok(Response::new(proto::GetHierarchyResponse { hierarchy: Some(hierarchy), ..Default::default() }))
    }

    async fn list_hierarchies(
        &self,
        _: Request<proto::ListHierarchiesRequest>,
    ) -> Result<Response<proto::ListHierarchiesResponse>, Status> {
        Err(Status::unimplemented(NOT_ASKED))
    }

    async fn update_hierarchy(
        &self,
        _: Request<proto::UpdateHierarchyRequest>,
    ) -> Result<Response<proto::UpdateHierarchyResponse>, Status> {
        Err(Status::unimplemented(NOT_ASKED))
    }

    async fn get_site(
        &self,
        _: Request<proto::GetSiteRequest>,
    ) -> Result<Response<proto::GetSiteResponse>, Status> {
        Err(Status::unimplemented(NOT_ASKED))
    }

    async fn list_sites(
        &self,
        _: Request<proto::ListSitesRequest>,
    ) -> Result<Response<proto::ListSitesResponse>, Status> {
        Err(Status::unimplemented(NOT_ASKED))
    }

    async fn update_site(
        &self,
        _: Request<proto::UpdateSiteRequest>,
    ) -> Result<Response<proto::UpdateSiteResponse>, Status> {
        Err(Status::unimplemented(NOT_ASKED))
    }
}

#[tonic::async_trait]
impl DeviceService for Generated {
    type ReportDevicesStream = BoxStream<'static, Result<proto::ReportDevicesResponse, Status>>;
    type WatchDevicesStream = BoxStream<'static, Result<proto::WatchDevicesResponse, Status>>;

    /// The snapshot, and then nothing, for ever.
    async fn watch_devices(
        &self,
        request: Request<proto::WatchDevicesRequest>,
    ) -> Result<Response<Self::WatchDevicesStream>, Status> {
        let (all, tenant) = (*self, Arc::<str>::from(request.into_inner().parent));
        let batches = (0..all.devices.div_ceil(BATCH)).map(move |n| Ok(all.batch(&tenant, n * BATCH)));
        Ok(Response::new(futures::stream::iter(batches).chain(futures::stream::pending()).boxed()))
    }

    async fn list_devices(
        &self,
        _: Request<proto::ListDevicesRequest>,
    ) -> Result<Response<proto::ListDevicesResponse>, Status> {
        Err(Status::unimplemented(NOT_ASKED))
    }

    async fn batch_get_devices(
        &self,
        _: Request<proto::BatchGetDevicesRequest>,
    ) -> Result<Response<proto::BatchGetDevicesResponse>, Status> {
        Ok(Response::new(proto::BatchGetDevicesResponse {
            consistency_token: self.token(),
            ..Default::default()
        }))
    }

    async fn report_devices(
        &self,
        _: Request<Streaming<proto::ReportDevicesRequest>>,
    ) -> Result<Response<Self::ReportDevicesStream>, Status> {
        Err(Status::unimplemented(NOT_ASKED))
    }

    async fn get_device(
        &self,
        _: Request<proto::GetDeviceRequest>,
    ) -> Result<Response<proto::GetDeviceResponse>, Status> {
        Err(Status::unimplemented(NOT_ASKED))
    }

    async fn lookup_device(
        &self,
        _: Request<proto::LookupDeviceRequest>,
    ) -> Result<Response<proto::LookupDeviceResponse>, Status> {
        Err(Status::unimplemented(NOT_ASKED))
    }

    async fn list_identity_conflicts(
        &self,
        _: Request<proto::ListIdentityConflictsRequest>,
    ) -> Result<Response<proto::ListIdentityConflictsResponse>, Status> {
        Err(Status::unimplemented(NOT_ASKED))
    }
}
