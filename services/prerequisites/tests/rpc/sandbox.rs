//! The three servers and a client, in one process.

use tandem_client::{ApiError, Connection};
use tandem_contracts::authority::v1::authority_service_server::AuthorityServiceServer;
use tandem_contracts::inventory::v1::device_service_server::DeviceServiceServer;
use tandem_contracts::inventory::v1::tenant_service_server::TenantServiceServer;
use tandem_contracts::prerequisites::v1::custom_rule_service_client::CustomRuleServiceClient;
use tandem_contracts::prerequisites::v1::fleet_evaluation_service_client::FleetEvaluationServiceClient;
use tandem_contracts::prerequisites::v1::prerequisites_service_client::PrerequisitesServiceClient;
use tandem_prerequisites::{FollowMode, Parts, Prerequisites};
use tandem_server::{ApiServer, Clock, LocalAuthenticator, Supervisor};
use tandem_testkit::database::Place;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};

use crate::fakes::{Authority, Inventory};
use crate::fixture::as_of;

/// A client of the service. Without the retries of a [`Connection`]: errors are what is looked at.
pub(crate) type Client = PrerequisitesServiceClient<Channel>;

fn api() -> ApiServer {
    ApiServer::new(LocalAuthenticator::default())
}

/// Serves until the test's supervisor, which nobody drains, is dropped with its runtime.
fn served(server: ApiServer) -> Channel {
    tandem_testkit::serve(&Supervisor::new(), "server", server)
}

/// A client of what it keeps of fleets.
pub(crate) type FleetClient = FleetEvaluationServiceClient<Channel>;

/// The service between these two, and clients of it.
pub(crate) async fn clients_over(inventory: Inventory) -> (Client, FleetClient) {
    let channel = channel_over(inventory).await;
    (PrerequisitesServiceClient::new(channel.clone()), FleetEvaluationServiceClient::new(channel))
}

/// The service between these two, and a client of a tenant's own rules.
pub(crate) async fn custom_client(inventory: Inventory) -> CustomRuleServiceClient<Channel> {
    CustomRuleServiceClient::new(channel_over(inventory).await)
}

/// The service between these two, over an empty database that lasts as long as the test.
pub(crate) async fn channel_over(inventory: Inventory) -> Channel {
    let place = Place::new().await;
    let channel = channel_at(&place, inventory).await;
    tokio::spawn(async move {
        let _place = place;
        std::future::pending::<()>().await;
    });
    channel
}

/// The service between these two, over that database.
pub(crate) async fn channel_at(place: &Place, inventory: Inventory) -> Channel {
    let inventory = api()
        .add_service(DeviceServiceServer::new(inventory.clone()))
        .add_service(TenantServiceServer::new(inventory));
    let authority = api().add_service(AuthorityServiceServer::new(Authority));
    let service = Prerequisites::open(Parts {
        database: place.of("prerequisites"),
        inventory: Connection::from_channel(served(inventory)),
        authority: Connection::from_channel(served(authority)),
        cache: None,
        clock: Clock::fixed(as_of()),
        supervisor: Supervisor::new(),
        mode: FollowMode::OnDemand,
    });
    let service = service.await.unwrap();
    served(service.serve_on(api()))
}

/// The service between these two, and a client of its checks.
pub(crate) async fn client_over(inventory: Inventory) -> Client {
    clients_over(inventory).await.0
}

/// A client of the service over the world of the fixture.
pub(crate) async fn client() -> Client {
    client_over(Inventory::new()).await
}

/// What a caller looks at in an error: the code, the reason, and the resource or the first field that it is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    code: Code,
    reason: String,
    about: Option<String>,
}

pub(crate) fn refusal(code: Code, reason: &str, about: Option<&str>) -> Refusal {
    Refusal { code, reason: reason.to_owned(), about: about.map(ToOwned::to_owned) }
}

pub(crate) fn not_found(resource_type: &str, name: &str) -> Refusal {
    refusal(Code::NotFound, "RESOURCE_NOT_FOUND", Some(&format!("{resource_type} {name}")))
}

pub(crate) fn invalid(field: &str, description: &str) -> Refusal {
    refusal(Code::InvalidArgument, "INVALID_FIELD", Some(&format!("{field}: {description}")))
}

pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> Refusal {
    let error = ApiError::from(answer.unwrap_err());
    let resource = error.resource.map(|resource| format!("{} {}", resource.resource_type, resource.name));
    let violation = error.violations.first().map(|found| format!("{}: {}", found.field, found.description));
    Refusal { code: error.code, reason: error.reason, about: resource.or(violation) }
}
