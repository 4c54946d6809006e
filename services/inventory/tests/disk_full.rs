//! An embedded database that may not grow any more: what was acknowledged is there and is read, and the rest can be sent again later.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

use std::path::Path;

use tandem_contracts::inventory::v1::device_service_client::DeviceServiceClient;
use tandem_contracts::inventory::v1::hierarchy_service_client::HierarchyServiceClient;
use tandem_contracts::inventory::v1::tenant_service_client::TenantServiceClient;
use tandem_contracts::inventory::v1::{
    CreateTenantRequest, Hierarchy, ListDevicesRequest, ReportDevicesRequest, ReportDevicesResponse, Tenant,
    UpdateHierarchyRequest,
};
use tandem_contracts::r#type::v1::section::Body;
use tandem_contracts::r#type::v1::{Discovery, Section};
use tandem_inventory::{Inventory, Parts};
use tandem_server::{ApiServer, Clock, LocalAuthenticator, Supervisor};
use tandem_storage::{Durability, Location};
use tonic::transport::Channel;
use tonic::{Code, Status};

/// What the file may have: a few hundred devices.
const MOST_BYTES: u64 = 1024 * 1024;

/// Devices of one batch.
const BATCH: u64 = 50;

struct Sandbox {
    inventory: Inventory,
    channel: Channel,
    _supervisor: Supervisor,
}

impl Sandbox {
    async fn open(file: &Path, most_bytes: Option<u64>) -> Self {
        let database = Location::Sqlite { file: file.to_owned(), durability: Durability::Full, most_bytes };
        let clock = Clock::fixed("2026-11-20T12:00:00Z".parse().unwrap());
        let inventory = Inventory::open(Parts { database, clock, cache: None, hints: None }).await.unwrap();
        let supervisor = Supervisor::new();
        let server = inventory.serve_on(ApiServer::new(LocalAuthenticator::default()));
        let channel = tandem_testkit::serve(&supervisor, "inventory", server);
        Self { inventory, channel, _supervisor: supervisor }
    }

    async fn make_tenant(&self) {
        let tenant = Some(Tenant { name: "tenants/contoso".into(), ..Tenant::default() });
        let request = CreateTenantRequest { tenant, request_id: String::new() };
        TenantServiceClient::new(self.channel.clone()).create_tenant(request).await.unwrap();
        let hierarchy = Hierarchy { name: "tenants/contoso/hierarchies/PS1".into(), ..Hierarchy::default() };
        let request = UpdateHierarchyRequest {
            hierarchy: Some(hierarchy),
            allow_missing: true,
            request_id: String::new(),
        };
        HierarchyServiceClient::new(self.channel.clone()).update_hierarchy(request).await.unwrap();
    }

    /// Reports the batch of that number.
    async fn report(&self, batch: u64) -> Result<ReportDevicesResponse, Status> {
        let observed_at = "2026-11-20T11:00:00Z".parse().unwrap();
        let section = |number: u64| Section {
            key: format!("PS1/{number}"),
            observed_at: Some(tandem_contracts::convert::time::to_proto(observed_at)),
            sequence: 0,
            body: Some(Body::Discovery(Discovery {
                name: Some(format!("OSL-{number}")),
                sms_unique_identifier: Some(format!("GUID:00000000-0000-4000-8000-{number:012}")),
                client: Some(true),
                ..Discovery::default()
            })),
        };
        let request = ReportDevicesRequest {
            parent: "tenants/contoso".into(),
            source: "configmgr/PS1".into(),
            sequence: 1,
            sections: (batch * BATCH..(batch + 1) * BATCH).map(section).collect(),
        };
        let mut client = DeviceServiceClient::new(self.channel.clone());
        let mut answers = client.report_devices(tokio_stream::iter([request])).await?.into_inner();
        Ok(answers.message().await?.unwrap())
    }

    async fn devices(&self) -> u64 {
        let request = ListDevicesRequest {
            parent: "tenants/contoso".into(),
            page_size: 1000,
            ..ListDevicesRequest::default()
        };
        let page = DeviceServiceClient::new(self.channel.clone()).list_devices(request).await.unwrap();
        page.into_inner().devices.len() as u64
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_database_keeps_what_it_acknowledged_and_refuses_the_rest_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inventory.db");
    let full = Sandbox::open(&file, Some(MOST_BYTES)).await;
    full.make_tenant().await;
    let mut acknowledged = 0;
    let refused = loop {
        match full.report(acknowledged).await {
            Ok(answer) => assert_eq!(u64::from(answer.applied), BATCH),
            Err(status) => break status,
        }
        acknowledged += 1;
        assert!(acknowledged < 100, "the file grows without an end");
    };
    assert!(acknowledged > 0);
    let (code, reason) = tandem_testkit::reason(&refused);
    assert_eq!((code, reason.as_str()), (Code::Unavailable, "DEPENDENCY_UNAVAILABLE"));
    assert_eq!(full.devices().await, acknowledged * BATCH);
    full.inventory.close().await.unwrap();

    let with_room = Sandbox::open(&file, None).await;
    assert_eq!(with_room.devices().await, acknowledged * BATCH);
    let answer = with_room.report(acknowledged).await.unwrap();
    assert_eq!((u64::from(answer.applied), answer.superseded), (BATCH, 0));
    assert_eq!(with_room.devices().await, (acknowledged + 1) * BATCH);
}
