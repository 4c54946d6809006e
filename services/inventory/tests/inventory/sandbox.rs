//! An inventory in process: in-memory transport, an empty database, a clock that stands still.

use std::sync::Arc;

use jiff::Timestamp;
use tandem_contracts::inventory::v1::collection_service_client::CollectionServiceClient;
use tandem_contracts::inventory::v1::device_service_client::DeviceServiceClient;
use tandem_contracts::inventory::v1::hierarchy_service_client::HierarchyServiceClient;
use tandem_contracts::inventory::v1::tenant_service_client::TenantServiceClient;
use tandem_contracts::inventory::v1::{
    CreateTenantRequest, Device, Hierarchy, ListDevicesRequest, ReportDevicesRequest, ReportDevicesResponse,
    Tenant, UpdateHierarchyRequest,
};
use tandem_contracts::r#type::v1::section::Body;
use tandem_contracts::r#type::v1::{
    CoManagementState, ConsoleDevice, Discovery, ManagedDevice, RecordRemoved, Section,
};
use tandem_inventory::{Inventory, Parts};
use tandem_server::{ApiServer, Clock, LocalAuthenticator, Supervisor};
use tandem_testkit::database::Place;
use tonic::Status;
use tonic::transport::Channel;

pub(crate) use tandem_testkit::reason;

/// The instant at which the sandbox's clock stands.
pub(crate) const NOW: &str = "2026-11-20T12:00:00Z";

pub(crate) struct Sandbox {
    pub(crate) tenants: TenantServiceClient<Channel>,
    pub(crate) hierarchies: HierarchyServiceClient<Channel>,
    pub(crate) devices: DeviceServiceClient<Channel>,
    pub(crate) collections: CollectionServiceClient<Channel>,
    _supervisor: Supervisor,
    place: Arc<Place>,
}

impl Sandbox {
    /// An inventory with the tenant `contoso` and its hierarchies PS1 and EU1.
    pub(crate) async fn start() -> Self {
        Self::start_at(Clock::fixed(NOW.parse().unwrap())).await
    }

    /// The same, with another clock.
    pub(crate) async fn start_at(clock: Clock) -> Self {
        let mut sandbox = Self::empty_at(clock).await;
        let tenant = Tenant { name: "tenants/contoso".into(), ..Tenant::default() };
        let request = CreateTenantRequest { tenant: Some(tenant), request_id: String::new() };
        sandbox.tenants.create_tenant(request).await.unwrap();
        for id in ["PS1", "EU1"] {
            let hierarchy =
                Hierarchy { name: format!("tenants/contoso/hierarchies/{id}"), ..Hierarchy::default() };
            let request = UpdateHierarchyRequest {
                hierarchy: Some(hierarchy),
                allow_missing: true,
                request_id: String::new(),
            };
            sandbox.hierarchies.update_hierarchy(request).await.unwrap();
        }
        sandbox
    }

    /// An inventory without tenants.
    pub(crate) async fn empty() -> Self {
        Self::empty_at(Clock::fixed(NOW.parse().unwrap())).await
    }

    async fn empty_at(clock: Clock) -> Self {
        Self::open(Arc::new(Place::new().await), clock).await
    }

    /// Another inventory on the same database.
    pub(crate) async fn replica(&self) -> Self {
        Self::open(Arc::clone(&self.place), Clock::fixed(NOW.parse().unwrap())).await
    }

    async fn open(place: Arc<Place>, clock: Clock) -> Self {
        let parts = Parts { database: place.of("inventory"), clock, cache: None, hints: None };
        let inventory = Inventory::open(parts).await.unwrap();
        let supervisor = Supervisor::new();
        let server = inventory.serve_on(ApiServer::new(LocalAuthenticator::default()));
        let channel = tandem_testkit::serve(&supervisor, "inventory", server);
        Self {
            tenants: TenantServiceClient::new(channel.clone()),
            hierarchies: HierarchyServiceClient::new(channel.clone()),
            devices: DeviceServiceClient::new(channel.clone()),
            collections: CollectionServiceClient::new(channel),
            _supervisor: supervisor,
            place,
        }
    }

    /// Reports one batch and waits for its acknowledgement.
    pub(crate) async fn report(&mut self, source: &str, sections: Vec<Section>) -> ReportDevicesResponse {
        self.try_report(source, sections).await.unwrap()
    }

    pub(crate) async fn try_report(
        &mut self,
        source: &str,
        sections: Vec<Section>,
    ) -> Result<ReportDevicesResponse, Status> {
        let request = ReportDevicesRequest {
            parent: "tenants/contoso".into(),
            source: source.into(),
            sequence: 1,
            sections,
        };
        let mut answers = self.devices.report_devices(tokio_stream::iter([request])).await?.into_inner();
        Ok(answers.message().await?.unwrap())
    }

    /// Every device of the tenant, by the key of its first record.
    pub(crate) async fn all(&mut self) -> Vec<Device> {
        let request =
            ListDevicesRequest { parent: "tenants/contoso".into(), ..ListDevicesRequest::default() };
        let mut devices = self.devices.list_devices(request).await.unwrap().into_inner().devices;
        devices.sort_by_key(records);
        devices
    }

    /// The records of each device, as `source key`.
    pub(crate) async fn groups(&mut self) -> Vec<Vec<String>> {
        self.all().await.iter().map(records).collect()
    }
}

/// A device's records as `source key`, sorted.
pub(crate) fn records(device: &Device) -> Vec<String> {
    let stamps = &device.facts.as_ref().unwrap().sections;
    let mut records: Vec<String> = stamps.iter().map(|s| format!("{} {}", s.source, s.key)).collect();
    records.sort();
    records.dedup();
    records
}

pub(crate) fn section(key: &str, at: &str, body: Body) -> Section {
    let at: Timestamp = at.parse().unwrap();
    let observed_at = Some(tandem_contracts::convert::time::to_proto(at));
    Section { key: key.into(), observed_at, sequence: 0, body: Some(body) }
}

pub(crate) fn discovery(key: &str, name: &str, sms_id: &str) -> Section {
    let body = Discovery {
        name: Some(name.into()),
        sms_unique_identifier: Some(sms_id.into()),
        client: Some(true),
        operating_system: Some("Microsoft Windows NT Workstation 10.0".into()),
        ..Discovery::default()
    };
    section(key, NOW, Body::Discovery(body))
}

pub(crate) fn console(key: &str, serial: &str) -> Section {
    let body = ConsoleDevice { serial_number: Some(serial.into()), ..ConsoleDevice::default() };
    section(key, NOW, Body::Device(body))
}

pub(crate) fn co_management(key: &str, entra_device_id: &str) -> Section {
    let body = CoManagementState {
        entra_device_id: Some(entra_device_id.into()),
        mdm_enrolled: Some(true),
        mdm_provisioned: Some(true),
        policy_present: Some(true),
        ..CoManagementState::default()
    };
    section(key, NOW, Body::CoManagementState(body))
}

pub(crate) fn managed(id: &str, entra_device_id: &str, serial: &str) -> Section {
    let body = ManagedDevice {
        entra_device_id: Some(entra_device_id.into()),
        serial_number: Some(serial.into()),
        management_agent: Some("mdm".into()),
        operating_system: Some("Windows".into()),
        ..ManagedDevice::default()
    };
    section(id, NOW, Body::ManagedDeviceBeta(body))
}

pub(crate) fn removed(key: &str) -> Section {
    section(key, NOW, Body::Removed(RecordRemoved { reason: "obsolete".into() }))
}

/// A GUID whose last digits are the number.
pub(crate) fn guid(number: u32) -> String {
    format!("0d7b6c51-4a3f-4b18-8f2d-{number:012}")
}

/// A client id likewise.
pub(crate) fn sms(number: u32) -> String {
    format!("GUID:6D1E0F9A-1B2C-4D3E-8F90-{number:012}")
}
