//! The service over real gRPC within the process, against an inventory that answers what a test tells it.
#![allow(clippy::unwrap_used, reason = "tests")]

mod drift;
mod effective;
mod fleet;
mod inventory;
mod policies;
mod tokens;

use jiff::Timestamp;
use tandem_authority::{Authority, Parts};
use tandem_client::{ApiError, Connection};
use tandem_contracts::authority::v1::authority_service_client::AuthorityServiceClient;
use tandem_contracts::authority::v1::{UpdateCoManagementPolicyRequest, UpdateCoManagementPolicyResponse};
use tandem_contracts::inventory::v1::device_service_server::DeviceServiceServer;
use tandem_contracts::inventory::v1::hierarchy_service_server::HierarchyServiceServer;
use tandem_contracts::inventory::v1::tenant_service_server::TenantServiceServer;
use tandem_contracts::r#type::v1::{CoManagementPolicy, ErrorReason};
use tandem_server::{ApiServer, Clock, LocalAuthenticator, Supervisor};
use tandem_storage::Location;
use tempfile::TempDir;
use tonic::Status;
use tonic::transport::Channel;

use inventory::Inventory;

const TENANT: &str = "tenants/contoso";

/// Everything runs until this is dropped.
struct Sandbox {
    inventory: Inventory,
    /// Without retries: a refusal is seen as it is.
    client: AuthorityServiceClient<Channel>,
    authority: Authority,
    _supervisor: Supervisor,
    _folder: TempDir,
}

fn now() -> Timestamp {
    "2026-11-20T08:00:00Z".parse().unwrap()
}

/// The service before the sample fleet, with no policy recorded.
async fn sandbox() -> Sandbox {
    let inventory = Inventory::of_sample_fleet();
    let supervisor = Supervisor::new();
    let inventory_server = ApiServer::new(LocalAuthenticator::default())
        .add_service(TenantServiceServer::new(inventory.clone()))
        .add_service(HierarchyServiceServer::new(inventory.clone()))
        .add_service(DeviceServiceServer::new(inventory.clone()));
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::open(Parts {
        database: Location::scratch(folder.path().join("authority.db")),
        inventory: Connection::from_channel(tandem_testkit::serve(
            &supervisor,
            "inventory",
            inventory_server,
        )),
        cache: None,
        clock: Clock::fixed(now()),
    })
    .await
    .unwrap();
    authority.start_tasks(&supervisor);
    let server = ApiServer::new(LocalAuthenticator::default()).add_service(authority.service());
    let client = AuthorityServiceClient::new(tandem_testkit::serve(&supervisor, "authority", server));
    Sandbox { inventory, client, authority, _supervisor: supervisor, _folder: folder }
}

/// The service before the sample fleet, with the sample policy recorded as revision 1.
async fn sandbox_with_policy() -> Sandbox {
    let mut sandbox = sandbox().await;
    sandbox.record(fleet::policy()).await.unwrap();
    sandbox
}

impl Sandbox {
    async fn record(
        &mut self,
        policy: CoManagementPolicy,
    ) -> Result<UpdateCoManagementPolicyResponse, Status> {
        let request = UpdateCoManagementPolicyRequest { policy: Some(policy), request_id: String::new() };
        Ok(self.client.update_co_management_policy(request).await?.into_inner())
    }
}

/// The published reason of a refusal.
fn reason(status: Status) -> ErrorReason {
    let error = ApiError::from(status);
    error.known_reason().unwrap_or_else(|| panic!("no published reason: {error}"))
}

#[tokio::test]
async fn service_that_is_open_answers_a_ping_until_it_is_closed() {
    let sandbox = sandbox().await;
    sandbox.authority.ping().await.unwrap();
    sandbox.authority.close().await.unwrap();
    assert!(sandbox.authority.ping().await.is_err());
}
