//! An invented estate: the inventory, authority and prerequisites services as one server whose answers a test sets, and monitoring
//! over it, all through the in-process transport.

mod answers;
mod samples;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tandem_client::Connection;
use tandem_contracts::authority::v1::authority_service_server::AuthorityServiceServer;
use tandem_contracts::inventory::v1::HierarchySurroundings;
use tandem_contracts::inventory::v1::collection_service_server::CollectionServiceServer;
use tandem_contracts::inventory::v1::device_service_server::DeviceServiceServer;
use tandem_contracts::inventory::v1::tenant_service_server::TenantServiceServer;
use tandem_contracts::monitoring::v1::monitoring_service_client::MonitoringServiceClient;
use tandem_contracts::monitoring::v1::{
    Figure, GetDashboardRequest, GetDashboardResponse, ListFigureDevicesRequest, ListFigureDevicesResponse,
    Tile, WatchDashboardRequest, WatchDashboardResponse,
};
use tandem_contracts::prerequisites::v1::fleet_evaluation_service_server::FleetEvaluationServiceServer;
use tandem_contracts::prerequisites::v1::prerequisites_service_server::PrerequisitesServiceServer;
use tandem_contracts::r#type::v1::{DeviceFilter, TenantFacts};
use tandem_monitoring::{FollowMode, Monitoring, Parts, Upstream};
use tandem_server::consistency::Service;
use tandem_server::in_process::{InProcessIncoming, in_process};
use tandem_server::{ApiServer, Clock, ConsistencyToken, LocalAuthenticator, Supervisor};
use tokio::sync::watch;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

pub(crate) use samples::Sample;

pub(crate) const TENANT: &str = "tenants/contoso";

/// What the invented services hold.
pub(crate) struct Estate {
    pub(crate) incarnation: u64,
    /// The inventory's revision.
    pub(crate) revision: u64,
    pub(crate) surroundings_revision: u64,
    pub(crate) tenant: TenantFacts,
    pub(crate) hierarchies: Vec<HierarchySurroundings>,
    pub(crate) authority_revision: u64,
    pub(crate) policies: BTreeMap<String, u64>,
    /// Of the evaluation settings at prerequisites. Empty: nothing was ever set.
    pub(crate) settings_etag: String,
    /// By device id; `None`: left.
    pub(crate) devices: BTreeMap<String, (u64, Option<Sample>)>,
    /// Ids of members by the collection's name.
    pub(crate) collections: BTreeMap<String, Vec<&'static str>>,
    /// How often a page of members was asked for.
    pub(crate) member_pages: usize,
    /// Names of tenants beside [`TENANT`], which have no devices.
    pub(crate) others: Vec<String>,
    /// Names of tenants whose devices are watched.
    pub(crate) watched: BTreeSet<String>,
}

/// The invented services. Clones share them.
#[derive(Clone)]
pub(crate) struct Services {
    estate: Arc<Mutex<Estate>>,
    changes: watch::Sender<u64>,
}

impl Services {
    pub(crate) fn new() -> Self {
        let estate = Estate {
            incarnation: 7,
            revision: 1,
            surroundings_revision: 1,
            tenant: samples::tenant(),
            hierarchies: Vec::new(),
            authority_revision: 1,
            policies: BTreeMap::from([("PS1".into(), 1), ("EU1".into(), 1)]),
            settings_etag: String::new(),
            devices: BTreeMap::new(),
            collections: BTreeMap::new(),
            member_pages: 0,
            others: Vec::new(),
            watched: BTreeSet::new(),
        };
        Self { estate: Arc::new(Mutex::new(estate)), changes: watch::Sender::new(0) }
    }

    fn read(&self) -> MutexGuard<'_, Estate> {
        self.estate.lock().unwrap()
    }

    /// Changes the evaluation settings, and what prerequisites answers.
    pub(crate) fn set(&self, etag: &str, change: impl FnOnce(&mut Estate)) {
        let mut estate = self.read();
        estate.settings_etag = etag.to_owned();
        change(&mut estate);
    }

    /// Changes the estate in one commit of the inventory, which is answered with its token.
    pub(crate) fn commit(&self, change: impl FnOnce(&mut Estate, u64)) -> String {
        let mut estate = self.read();
        estate.revision += 1;
        let revision = estate.revision;
        change(&mut estate, revision);
        let token = estate.inventory_token();
        drop(estate);
        self.changes.send_modify(|changes| *changes += 1);
        token
    }

    pub(crate) fn put(&self, sample: Sample) -> String {
        self.commit(|estate, revision| {
            estate.devices.insert(sample.id.to_owned(), (revision, Some(sample)));
        })
    }

    pub(crate) fn remove(&self, id: &str) -> String {
        self.commit(|estate, revision| {
            estate.devices.insert(id.to_owned(), (revision, None));
        })
    }

    /// Puts devices into a collection and others out of it. Those that join or leave take a revision each, and nothing else.
    pub(crate) fn collect(&self, collection: &str, members: &[&'static str]) -> String {
        self.commit(|estate, _| {
            let before =
                estate.collections.insert(collection.to_owned(), members.to_vec()).unwrap_or_default();
            let left = before.iter().filter(|id| !members.contains(id));
            for id in left.chain(members.iter().filter(|id| !before.contains(id))) {
                estate.revision += 1;
                estate.devices.get_mut(*id).unwrap().0 = estate.revision;
            }
        })
    }

    pub(crate) fn member_pages(&self) -> usize {
        self.read().member_pages
    }

    pub(crate) fn watched(&self) -> usize {
        self.read().watched.len()
    }

    /// Records a policy and what follows from it, which is answered with the authority's token. No device changes.
    pub(crate) fn configure(&self, hierarchy: &str, change: impl FnOnce(&mut Estate)) -> String {
        let mut estate = self.read();
        estate.authority_revision += 1;
        let revision = estate.authority_revision;
        estate.policies.insert(hierarchy.into(), revision);
        change(&mut estate);
        ConsistencyToken::default().with(Service::Authority, 1, revision).to_string()
    }
}

impl Estate {
    fn inventory_token(&self) -> String {
        ConsistencyToken::default().with(Service::Inventory, self.incarnation, self.revision).to_string()
    }

    pub(crate) fn sample(&mut self, id: &str) -> &mut Sample {
        self.devices.get_mut(id).unwrap().1.as_mut().unwrap()
    }
}

/// Monitoring over the invented services.
pub(crate) struct Sandbox {
    pub(crate) services: Services,
    pub(crate) monitoring: Monitoring,
    /// Without retries: what monitoring answers is what a test sees.
    client: MonitoringServiceClient<Channel>,
    supervisor: Supervisor,
}

/// Serves within the process. Answers what makes connections to the server.
fn connecting(supervisor: &Supervisor, name: &str, server: ApiServer) -> impl Fn() -> Channel + use<> {
    let (connector, incoming): (_, InProcessIncoming) = in_process();
    let served = server.serve(incoming, supervisor.draining().cancelled_owned());
    supervisor.spawn(name, async move { served.await.map_err(Box::new) });
    move || Endpoint::from_static("http://in-process").connect_with_connector_lazy(connector.clone())
}

impl Sandbox {
    pub(crate) fn start(services: Services, mode: FollowMode) -> Self {
        let supervisor = Supervisor::new();
        let estate = ApiServer::new(LocalAuthenticator::default())
            .add_service(TenantServiceServer::new(services.clone()))
            .add_service(DeviceServiceServer::new(services.clone()))
            .add_service(CollectionServiceServer::new(services.clone()))
            .add_service(AuthorityServiceServer::new(services.clone()))
            .add_service(FleetEvaluationServiceServer::new(services.clone()))
            .add_service(PrerequisitesServiceServer::new(services.clone()));
        let estate = Connection::from_channels(connecting(&supervisor, "estate", estate));
        let upstream =
            Upstream { inventory: estate.clone(), authority: estate.clone(), prerequisites: estate };
        let clock = Clock::fixed("2026-11-20T23:59:59Z".parse().unwrap());
        let parts = Parts { upstream, clock, supervisor: supervisor.clone(), mode, readiness: None };
        let monitoring = Monitoring::new(parts);
        let server = ApiServer::new(LocalAuthenticator::default()).add_service(monitoring.service());
        let client = MonitoringServiceClient::new(connecting(&supervisor, "monitoring", server)());
        Self { services, monitoring, client, supervisor }
    }

    pub(crate) async fn stop(self) {
        drop(self.client);
        self.supervisor.drain();
        self.supervisor.join().await.unwrap();
    }

    pub(crate) async fn dashboard(
        &self,
        filter: &DeviceFilter,
        token: &str,
    ) -> Result<GetDashboardResponse, Status> {
        let request = GetDashboardRequest {
            parent: TENANT.into(),
            filter: Some(filter.clone()),
            consistency_token: token.into(),
        };
        let mut request = Request::new(request);
        request.set_timeout(Duration::from_secs(20));
        Ok(self.client.clone().get_dashboard(request).await?.into_inner())
    }

    /// What changes from now on; the first answer is of the world of the token.
    pub(crate) async fn watch(
        &self,
        filter: &DeviceFilter,
        token: &str,
    ) -> Streaming<WatchDashboardResponse> {
        let request = WatchDashboardRequest {
            parent: TENANT.into(),
            filter: Some(filter.clone()),
            consistency_token: token.into(),
            snapshot_only: false,
        };
        self.client.clone().watch_dashboard(request).await.unwrap().into_inner()
    }

    /// The figures with their devices, each read in pages of two; `numbers` of the dashboard and lists agree, or this panics.
    pub(crate) async fn figures(
        &self,
        filter: &DeviceFilter,
        token: &str,
    ) -> Vec<(Tile, String, Vec<String>)> {
        let mut found = Vec::new();
        for figure in self.dashboard(filter, token).await.unwrap().figures {
            let devices = self.devices_of(&figure, filter).await;
            assert_eq!(figure.devices, devices.len() as u64, "{figure:?}");
            found.push((figure.tile(), figure.key, devices));
        }
        found
    }

    async fn devices_of(&self, figure: &Figure, filter: &DeviceFilter) -> Vec<String> {
        let mut devices = Vec::new();
        let mut page_token = String::new();
        loop {
            let page = self.list(figure.tile(), &figure.key, filter, &page_token).await.unwrap();
            assert_eq!(page.total, figure.devices, "{figure:?}");
            devices.extend(page.devices.into_iter().map(|listed| {
                let id = listed.device.strip_prefix("tenants/contoso/devices/").unwrap().to_owned();
                assert_eq!(listed.display_name, format!("PC-{id}"));
                id
            }));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return devices;
            }
        }
    }

    pub(crate) async fn list(
        &self,
        tile: Tile,
        key: &str,
        filter: &DeviceFilter,
        page_token: &str,
    ) -> Result<ListFigureDevicesResponse, Status> {
        let request = ListFigureDevicesRequest {
            parent: TENANT.into(),
            tile: tile.into(),
            key: key.into(),
            filter: Some(filter.clone()),
            page_size: 2,
            page_token: page_token.into(),
            cursor: String::new(),
            ..Default::default()
        };
        Ok(self.client.clone().list_figure_devices(request).await?.into_inner())
    }
}
