//! Tests of the error path and of a whole server over the in-process transport.

mod audit;
mod devices;
mod gate;
mod limits;
mod server;
mod standing;
mod status;

use std::sync::Arc;

use futures::future::BoxFuture;
use tandem_contracts::inventory::v1 as inventory;
use tandem_contracts::r#type::v1::Permission;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use crate::builder::ServeError;
use crate::failure::Failure;
use crate::in_process::in_process;
use crate::principal::{Authenticator, Credentials, Principal, principal_of};
use crate::tasks::Supervisor;
use crate::{ApiServer, trace};

/// Tenants as the tests need them: `GetTenant` tells what the handler knows of its request.
#[derive(Debug, Clone, Copy)]
struct Tenants;

#[tonic::async_trait]
impl inventory::tenant_service_server::TenantService for Tenants {
    async fn get_tenant(
        &self,
        request: Request<inventory::GetTenantRequest>,
    ) -> Result<Response<inventory::GetTenantResponse>, Status> {
        let principal = principal_of(&request).id.clone();
        match request.get_ref().name.as_str() {
            "tenants/slow" => std::future::pending().await,
            "tenants/missing" => Err(Failure::NotFound {
                resource_type: "tandem.inventory.v1.Tenant",
                name: request.into_inner().name,
            }
            .into()),
            name => {
                let tenant = inventory::Tenant {
                    name: name.to_owned(),
                    display_name: principal,
                    etag: trace::current_id().unwrap_or_default(),
                    ..Default::default()
                };
                Ok(Response::new(inventory::GetTenantResponse { tenant: Some(tenant), ..Default::default() }))
            }
        }
    }

    async fn create_tenant(
        &self,
        request: Request<inventory::CreateTenantRequest>,
    ) -> Result<Response<inventory::CreateTenantResponse>, Status> {
        let tenant = request.into_inner().tenant;
        Ok(Response::new(inventory::CreateTenantResponse { tenant, ..Default::default() }))
    }

    async fn list_tenants(
        &self,
        _: Request<inventory::ListTenantsRequest>,
    ) -> Result<Response<inventory::ListTenantsResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn update_tenant(
        &self,
        _: Request<inventory::UpdateTenantRequest>,
    ) -> Result<Response<inventory::UpdateTenantResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn get_surroundings(
        &self,
        _: Request<inventory::GetSurroundingsRequest>,
    ) -> Result<Response<inventory::GetSurroundingsResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}

/// Whoever sends the word is a reader of tenants; nobody else is anybody.
struct ByWord;

impl Authenticator for ByWord {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Principal>, Failure>> {
        let known = credentials.bearer().is_ok_and(|word| word == Some("open sesame"));
        let reader = || Arc::new(Principal::with_permissions("reader", [Permission::TenantsRead]));
        Box::pin(std::future::ready(if known {
            Ok(reader())
        } else {
            Err(Failure::Unauthenticated("no word"))
        }))
    }
}

/// A running server with the tenants above.
struct Running {
    channel: Channel,
    stop: CancellationToken,
    tasks: Supervisor,
}

impl Running {
    fn start(authenticator: impl Authenticator) -> Self {
        Self::serving(ApiServer::new(authenticator))
    }

    /// Adds the tenants to a server, and starts it.
    fn serving(server: ApiServer) -> Self {
        let (connector, incoming) = in_process();
        let stop = CancellationToken::new();
        let server = server.add_service(inventory::tenant_service_server::TenantServiceServer::new(Tenants));
        let tasks = Supervisor::new();
        let shutdown = stop.clone().cancelled_owned();
        tasks.spawn_short("server", async move { server.serve(incoming, shutdown).await.map_err(boxed) });
        let channel = Endpoint::from_static("http://in-process").connect_with_connector_lazy(connector);
        Self { channel, stop, tasks }
    }

    fn tenants(&self) -> inventory::tenant_service_client::TenantServiceClient<Channel> {
        inventory::tenant_service_client::TenantServiceClient::new(self.channel.clone())
    }

    async fn stopped(self) {
        drop(self.channel);
        self.stop.cancel();
        self.tasks.run(async {}).await.unwrap();
    }
}

fn boxed(error: ServeError) -> crate::failure::BoxError {
    error.into()
}

fn get(name: &str) -> inventory::GetTenantRequest {
    inventory::GetTenantRequest { name: name.into(), ..Default::default() }
}
