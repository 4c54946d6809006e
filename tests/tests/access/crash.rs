//! A service that panics when it is asked to: this test program itself, started once more.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tandem_contracts::inventory::v1::tenant_service_server::{TenantService, TenantServiceServer};
use tandem_contracts::inventory::v1::{
    CreateTenantRequest, CreateTenantResponse, GetSurroundingsRequest, GetSurroundingsResponse,
    GetTenantRequest, GetTenantResponse, ListTenantsRequest, ListTenantsResponse, UpdateTenantRequest,
    UpdateTenantResponse,
};
use tandem_monitoring::config::{Arguments, NAME};
use tandem_server::failure::BoxError;
use tandem_server::process::{self, Process};
use tokio::sync::Notify;
use tonic::{Request, Response, Status};

/// The environment variable that makes this program that service.
pub(crate) const CRASHING: &str = "TANDEM_TEST_CRASHING";

/// A tenant whose handler panics, with all that it knows of its request.
pub(crate) const PANICS: &str = "panics";

/// A tenant whose handler makes a task panic.
pub(crate) const ENDS: &str = "ends";

/// What it answers to whoever started it; `None`: it was started for its tests.
pub(crate) fn as_service() -> Option<ExitCode> {
    std::env::var_os(CRASHING)?;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    Some(process::exit(NAME, runtime.block_on(serve())))
}

async fn serve() -> Result<(), BoxError> {
    let config = Arguments::parse_from([NAME]).configuration()?;
    let process = Process::start(&config.settings()).await?;
    let ending = Arc::new(Notify::new());
    let asked = Arc::clone(&ending);
    process.supervisor().spawn_endless("crashing", async move {
        asked.notified().await;
        panic!("a task that panics");
    });
    let server = process.server().add_service(TenantServiceServer::new(Crashing { ending }));
    process.serve(server).await
}

struct Crashing {
    ending: Arc<Notify>,
}

#[tonic::async_trait]
impl TenantService for Crashing {
    async fn get_tenant(
        &self,
        request: Request<GetTenantRequest>,
    ) -> Result<Response<GetTenantResponse>, Status> {
        match request.get_ref().name.strip_prefix("tenants/") {
            Some(PANICS) => panic!("a handler that panics: {request:?}"),
            Some(ENDS) => self.ending.notify_one(),
            _ => {}
        }
        Ok(Response::new(GetTenantResponse::default()))
    }

    async fn create_tenant(
        &self,
        _: Request<CreateTenantRequest>,
    ) -> Result<Response<CreateTenantResponse>, Status> {
        Ok(Response::new(CreateTenantResponse::default()))
    }

    async fn list_tenants(
        &self,
        _: Request<ListTenantsRequest>,
    ) -> Result<Response<ListTenantsResponse>, Status> {
        Ok(Response::new(ListTenantsResponse::default()))
    }

    async fn update_tenant(
        &self,
        _: Request<UpdateTenantRequest>,
    ) -> Result<Response<UpdateTenantResponse>, Status> {
        Ok(Response::new(UpdateTenantResponse::default()))
    }

    async fn get_surroundings(
        &self,
        _: Request<GetSurroundingsRequest>,
    ) -> Result<Response<GetSurroundingsResponse>, Status> {
        Ok(Response::new(GetSurroundingsResponse::default()))
    }
}
