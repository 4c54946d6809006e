//! Calls against a server within the process.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use prost::Message;
use tandem_contracts::inventory::v1 as inventory;
use tandem_contracts::inventory::v1::tenant_service_server::{TenantService, TenantServiceServer};
use tandem_server::in_process::in_process;
use tandem_server::{
    ApiServer, Authenticator, Credentials, Failure, Limits, LocalAuthenticator, Principal, Supervisor,
    listen, trace,
};
use tokio::time::Instant;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::{ApiError, Connection, TlsFiles, endpoint, with_trace_id};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Answers that are given out one after the other; then the tenant, with what the server knows of the call.
#[derive(Debug, Clone, Default)]
struct Tenants(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    /// Calls that find a dependency away before one is answered.
    failures: usize,
    calls: usize,
}

impl Tenants {
    fn failing(failures: usize) -> Self {
        Self(Arc::new(Mutex::new(Script { failures, calls: 0 })))
    }

    fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    fn next(&self) -> Result<(), Status> {
        let mut script = self.0.lock().unwrap();
        script.calls += 1;
        if script.calls > script.failures {
            return Ok(());
        }
        Err(Failure::unavailable("database", "restarting").into())
    }
}

#[tonic::async_trait]
impl TenantService for Tenants {
    async fn get_tenant(
        &self,
        request: Request<inventory::GetTenantRequest>,
    ) -> Result<Response<inventory::GetTenantResponse>, Status> {
        let name = request.into_inner().name;
        if name == "tenants/slow" {
            std::future::pending::<()>().await;
        }
        self.next()?;
        let etag = trace::current_id().unwrap_or_default();
        let tenant = inventory::Tenant { name, etag, ..Default::default() };
        Ok(Response::new(inventory::GetTenantResponse { tenant: Some(tenant), ..Default::default() }))
    }

    async fn create_tenant(
        &self,
        request: Request<inventory::CreateTenantRequest>,
    ) -> Result<Response<inventory::CreateTenantResponse>, Status> {
        self.next()?;
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
        request: Request<inventory::UpdateTenantRequest>,
    ) -> Result<Response<inventory::UpdateTenantResponse>, Status> {
        match request.into_inner().tenant.unwrap_or_default().etag.as_str() {
            "slow" => std::future::pending().await,
            "panics" => panic!("as the test wants it"),
            "lost" => return Err(Failure::unavailable("database", "gone at the commit").into()),
            "wrong" => return Err(Failure::field("tenant", "expected another").into()),
            "too many" => {
                return Err(Failure::LimitExceeded { limit: "requests", allowed: 1, found: 2 }.into());
            }
            _ => {}
        }
        Ok(Response::new(Default::default()))
    }

    async fn get_surroundings(
        &self,
        _: Request<inventory::GetSurroundingsRequest>,
    ) -> Result<Response<inventory::GetSurroundingsResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}

/// Accepts one token.
struct ByToken;

impl Authenticator for ByToken {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Principal>, Failure>> {
        let known = credentials.bearer().is_ok_and(|word| word == Some("open-sesame"));
        Box::pin(async move {
            if known { Ok(Arc::new(Principal::local())) } else { Err(Failure::Unauthenticated("no word")) }
        })
    }
}

/// A server with these tenants for as long as the test's runtime lasts.
fn serve(tenants: &Tenants, authenticator: impl Authenticator) -> Connection {
    let (connector, incoming) = in_process();
    let server = ApiServer::new(authenticator).add_service(TenantServiceServer::new(tenants.clone()));
    Supervisor::new()
        .spawn_short("server", async move { server.serve(incoming, std::future::pending()).await });
    let channel = endpoint("http://in-process").unwrap().connect_with_connector_lazy(connector);
    Connection::from_channel(channel)
}

fn local(tenants: &Tenants) -> Connection {
    serve(tenants, LocalAuthenticator::default())
}

fn get(name: &str) -> inventory::GetTenantRequest {
    inventory::GetTenantRequest { name: name.into(), ..Default::default() }
}

#[tokio::test(start_paused = true)]
async fn read_that_finds_the_server_unavailable_is_sent_again_after_the_time_it_asks_for() {
    let tenants = Tenants::failing(2);
    let before = Instant::now();
    let answer = local(&tenants).tenants().get_tenant(get("tenants/contoso")).await.unwrap().into_inner();
    assert_eq!((answer.tenant.unwrap().name.as_str(), tenants.calls()), ("tenants/contoso", 3));
    // The server asks for a second before each attempt.
    assert_eq!(before.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn read_is_given_up_after_two_retries() {
    let tenants = Tenants::failing(100);
    let status = local(&tenants).tenants().get_tenant(get("tenants/contoso")).await.unwrap_err();
    let error = ApiError::from(status);
    assert_eq!((error.reason.as_str(), tenants.calls()), ("DEPENDENCY_UNAVAILABLE", 3));
}

#[tokio::test(start_paused = true)]
async fn write_is_never_sent_again() {
    let tenants = Tenants::failing(1);
    let request = inventory::CreateTenantRequest::default();
    let status = local(&tenants).tenants().create_tenant(request).await.unwrap_err();
    assert_eq!((status.code(), tenants.calls()), (Code::Unavailable, 1));
}

fn update(etag: &str) -> inventory::UpdateTenantRequest {
    let tenant = inventory::Tenant { etag: etag.into(), ..Default::default() };
    inventory::UpdateTenantRequest { tenant: Some(tenant), ..Default::default() }
}

#[tokio::test(start_paused = true)]
async fn change_that_failed_says_whether_it_may_have_been_made() {
    let connection = local(&Tenants::default());
    for (how, code, is_unknown) in [
        ("slow", Code::DeadlineExceeded, true),
        ("panics", Code::Internal, true),
        ("lost", Code::Unavailable, true),
        ("wrong", Code::InvalidArgument, false),
        ("too many", Code::ResourceExhausted, false),
    ] {
        let error = ApiError::from(connection.tenants().update_tenant(update(how)).await.unwrap_err());
        assert_eq!((error.code, error.is_effect_unknown), (code, is_unknown), "{how}");
        let is_told = error.to_string().contains("; whether the change was made is not known (");
        assert_eq!(is_told, is_unknown, "{error}");
    }
    // A read changes nothing.
    let status = connection.tenants().get_tenant(get("tenants/slow")).await.unwrap_err();
    assert!(!ApiError::from(status).is_effect_unknown);
}

#[tokio::test]
async fn change_whose_connection_breaks_is_unknown_and_one_that_was_never_sent_was_not_made() {
    // The other end takes the request, and is gone before it answers.
    let (connector, mut incoming) = in_process();
    let channel = endpoint("http://in-process").unwrap().connect_with_connector_lazy(connector);
    let connection = Connection::from_channel(channel);
    let breaks = async {
        let mut server = h2::server::handshake(incoming.next().await.unwrap().unwrap()).await.unwrap();
        let (request, _answer) = server.accept().await.unwrap().unwrap();
        let mut body = request.into_body();
        // The connection is driven meanwhile.
        tokio::select! {
            data = body.data() => drop(data.unwrap().unwrap()),
            other = server.accept() => panic!("it asks once: {}", other.is_some()),
        }
    };
    let mut tenants = connection.tenants();
    let (answer, ()) = tokio::join!(tenants.update_tenant(update("")), breaks);
    let error = ApiError::from(answer.unwrap_err());
    assert!(error.is_effect_unknown, "{error}");
    assert!(error.to_string().contains("; whether the change was made is not known ("), "{error}");
    // Now nobody is there any more.
    drop(incoming);
    let error = ApiError::from(tenants.update_tenant(update("")).await.unwrap_err());
    assert_eq!((error.code, error.is_effect_unknown), (Code::Unavailable, false), "{error}");
}

/// The first connection breaks within an answer, the second one gives it.
#[tokio::test]
async fn read_whose_connection_breaks_within_the_answer_is_sent_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        for is_last in [false, true] {
            let (socket, _) = listener.accept().await.unwrap();
            let mut connection = h2::server::handshake(socket).await.unwrap();
            let (_, mut respond) = connection.accept().await.unwrap().unwrap();
            let head = http::Response::builder().header("content-type", "application/grpc");
            let mut answer = respond.send_response(head.body(()).unwrap(), false).unwrap();
            let message = inventory::GetTenantResponse::default().encode_to_vec();
            let mut frame = vec![0, 0, 0, 0, u8::try_from(message.len()).unwrap()];
            frame.extend(message);
            answer.send_data(frame.into(), false).unwrap();
            if is_last {
                let trailers = [("grpc-status".parse().unwrap(), "0".parse().unwrap())].into_iter();
                answer.send_trailers(trailers.collect()).unwrap();
                // Until the caller has it and goes.
                while connection.accept().await.is_some() {}
            } else {
                // What was sent goes out; the end never comes.
                std::future::poll_fn(|cx| std::task::Poll::Ready(_ = connection.poll_closed(cx))).await;
            }
        }
    });
    let connection = Connection::connect_lazy(&format!("http://{address}"), &TlsFiles::default()).unwrap();
    let answer = connection.tenants().get_tenant(get("tenants/contoso")).await.unwrap();
    assert_eq!(answer.into_inner(), inventory::GetTenantResponse::default());
    drop(connection);
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn retry_that_would_pass_the_deadline_is_not_made() {
    let tenants = Tenants::failing(100);
    let mut request = Request::new(get("tenants/contoso"));
    request.set_timeout(Duration::from_millis(900));
    let status = local(&tenants).tenants().get_tenant(request).await.unwrap_err();
    assert_eq!((status.code(), tenants.calls()), (Code::Unavailable, 1));
}

#[tokio::test(start_paused = true)]
async fn retries_beyond_the_budget_are_not_made() {
    let tenants = Tenants::failing(usize::MAX);
    let mut clients = vec![local(&tenants).tenants(); 20];
    let calls = clients.iter_mut().map(|client| client.get_tenant(get("tenants/contoso")));
    let answers = futures::future::join_all(calls).await;
    assert!(answers.iter().all(Result::is_err));
    // Ten for quiet times, and a tenth of the twenty calls.
    assert_eq!(tenants.calls(), 20 + 12);
}

#[tokio::test(start_paused = true)]
async fn call_without_a_deadline_has_the_default_one() {
    let connection = local(&Tenants::default());
    let before = Instant::now();
    let status = connection.tenants().get_tenant(get("tenants/slow")).await.unwrap_err();
    assert_eq!((status.code(), before.elapsed().as_secs()), (Code::DeadlineExceeded, 30));
    let before = Instant::now();
    let hasty = connection.with_default_deadline(Duration::from_secs(3));
    let status = hasty.tenants().get_tenant(get("tenants/slow")).await.unwrap_err();
    assert_eq!((status.code(), before.elapsed().as_secs()), (Code::DeadlineExceeded, 3));
}

#[tokio::test(start_paused = true)]
async fn deadline_of_the_caller_holds() {
    let connection = local(&Tenants::default());
    let before = Instant::now();
    let mut request = Request::new(get("tenants/slow"));
    request.set_timeout(Duration::from_secs(7));
    let status = connection.tenants().get_tenant(request).await.unwrap_err();
    assert_eq!((status.code(), before.elapsed().as_secs()), (Code::DeadlineExceeded, 7));
}

#[tokio::test]
async fn trace_in_scope_reaches_the_server() {
    let connection = local(&Tenants::default());
    let call = async { connection.tenants().get_tenant(get("tenants/contoso")).await };
    let answer = with_trace_id(TRACE, call).await.unwrap().into_inner();
    assert_eq!(answer.tenant.unwrap().etag, TRACE);
    let mut sourced = connection.with_trace_source(|| Some(TRACE.into())).tenants();
    let answer = sourced.get_tenant(get("tenants/contoso")).await.unwrap().into_inner();
    assert_eq!(answer.tenant.unwrap().etag, TRACE);
}

#[tokio::test]
async fn error_names_the_trace_that_the_server_logs() {
    let connection = serve(&Tenants::default(), ByToken);
    let call = async { connection.tenants().get_tenant(get("tenants/contoso")).await };
    let error = ApiError::from(with_trace_id(TRACE, call).await.unwrap_err());
    assert_eq!(
        error.to_string(),
        format!(
            "the call carries no credentials that this server accepts: no word (UNAUTHENTICATED, trace {TRACE})"
        )
    );
}

#[tokio::test]
async fn token_of_the_connection_is_sent_with_every_call() {
    let connection = serve(&Tenants::default(), ByToken).with_token("open-sesame").unwrap();
    assert!(connection.tenants().get_tenant(get("tenants/contoso")).await.is_ok());
    assert!(connection.tenants().list_tenants(inventory::ListTenantsRequest::default()).await.is_ok());
}

#[tokio::test]
async fn answer_above_four_mebibytes_is_taken() {
    let name = "x".repeat(8 << 20);
    let tenant = inventory::Tenant { display_name: name.clone(), ..Default::default() };
    let request = inventory::CreateTenantRequest { tenant: Some(tenant), ..Default::default() };
    let answer = local(&Tenants::default()).tenants().create_tenant(request).await.unwrap().into_inner();
    assert!(answer.tenant.unwrap().display_name == name);
}

#[tokio::test(start_paused = true)]
async fn server_that_is_gone_is_unavailable_in_one_clear_line() {
    let (connector, incoming) = in_process();
    drop(incoming);
    let channel = endpoint("http://in-process").unwrap().connect_with_connector_lazy(connector);
    let status =
        Connection::from_channel(channel).tenants().get_tenant(get("tenants/contoso")).await.unwrap_err();
    let error = ApiError::from(status);
    assert_eq!(error.code, Code::Unavailable);
    assert_eq!(error.to_string(), "the in-process server has stopped (Unavailable)");
}

/// More streams than one connection carries: Tandem's servers allow 1,024 on each.
#[tokio::test]
async fn streams_beyond_what_a_connection_carries_are_opened_on_others() {
    const STREAMS: usize = 1100;
    let (connector, incoming) = in_process();
    let limits = Limits { open_streams: 2000.try_into().unwrap(), ..Limits::default() };
    let server = ApiServer::new(LocalAuthenticator::default())
        .limited(&limits)
        .add_service(TenantServiceServer::new(Tenants::default()));
    Supervisor::new()
        .spawn_short("server", async move { server.serve(incoming, std::future::pending()).await });
    let endpoint = endpoint("http://in-process").unwrap();
    let connection =
        Connection::from_channels(move || endpoint.connect_with_connector_lazy(connector.clone()));
    let health = HealthClient::new(connection.to_service("tandem.inventory.v1.TenantService").unwrap());
    let watches = (0..STREAMS).map(|_| {
        let mut health = health.clone();
        async move {
            let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
            assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
            watch
        }
    });
    let all = futures::future::join_all(watches);
    let watches = tokio::time::timeout(Duration::from_secs(60), all).await.expect("every stream is opened");
    // Calls with one answer have room beside all of them.
    assert!(connection.tenants().get_tenant(get("tenants/contoso")).await.is_ok());
    drop(watches);
}

#[tokio::test(start_paused = true)]
async fn stream_that_the_server_does_not_open_fails_at_the_deadline() {
    // Nobody serves the other end, which stays open.
    let (connector, _incoming) = in_process();
    let channel = endpoint("http://in-process").unwrap().connect_with_connector_lazy(connector);
    let before = Instant::now();
    let request = inventory::WatchDevicesRequest::default();
    let status = Connection::from_channel(channel).devices().watch_devices(request).await.unwrap_err();
    assert_eq!((status.code(), before.elapsed().as_secs()), (Code::Unavailable, 30));
    assert_eq!(status.message(), "the server did not open the stream within 30 s");
}

#[tokio::test]
async fn server_on_a_port_answers_until_it_stops() {
    let listener = listen::bind_loopback("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = ApiServer::new(LocalAuthenticator::default())
        .add_service(TenantServiceServer::new(Tenants::default()));
    let tasks = Supervisor::new();
    let stopped = tasks.draining().cancelled_owned();
    tasks.spawn("server", async move {
        server.serve(listen::incoming(listener, &tandem_server::Limits::default()), stopped).await
    });
    let connection = Connection::connect(&address, &TlsFiles::default()).await.unwrap();
    assert!(connection.tenants().get_tenant(get("tenants/contoso")).await.is_ok());
    tasks.run(async {}).await.unwrap();
    let error = Connection::connect(&address, &TlsFiles::default()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot connect to {address}"));
    let request = inventory::CreateTenantRequest::default();
    let error = ApiError::from(connection.tenants().create_tenant(request).await.unwrap_err());
    assert_eq!(error.code, Code::Unavailable);
    assert!(error.to_string().starts_with("tcp connect error: "), "{error}");
}
