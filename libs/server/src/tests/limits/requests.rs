//! How many requests at once, and how often.

use futures::StreamExt;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1;

use super::*;
use crate::access::ClientCertificate;
use crate::limits::{Admitted, Connections};
use crate::tests::get;
use crate::tests::status::Sent;

const SECOND: Duration = Duration::from_secs(1);

fn watch() -> inventory::WatchDevicesRequest {
    inventory::WatchDevicesRequest::default()
}

#[tokio::test(start_paused = true)]
async fn request_over_the_bound_is_refused_at_once_and_streams_are_counted_apart() {
    let limits = Limits { requests: count(1), streams: count(1), ..Limits::default() };
    let running = start(LocalAuthenticator::default(), limits);
    let mut waiting = running.tenants();
    let mut slow = Box::pin(waiting.get_tenant(get("tenants/slow")));
    tokio::select! {
        answer = &mut slow => panic!("{answer:?}"),
        () = settled() => {}
    }
    let refused = running.tenants().get_tenant(get("tenants/contoso")).await.unwrap_err();
    assert_eq!(Sent::traced(&refused), Sent::refused("requests", "1", SECOND));

    let watching = devices(&running).watch_devices(watch()).await.unwrap();
    let refused = devices(&running).watch_devices(watch()).await.unwrap_err();
    assert_eq!(Sent::traced(&refused), Sent::refused("streams", "1", SECOND));
    // Whether it is well is answered whatever the load.
    HealthClient::new(running.channel.clone()).check(HealthCheckRequest::default()).await.unwrap();

    drop(slow);
    drop((waiting, watching));
    settled().await;
    running.tenants().get_tenant(get("tenants/contoso")).await.unwrap();
    drop(devices(&running).watch_devices(watch()).await.unwrap());
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn principal_has_its_share_of_the_streams_and_services_are_not_counted() {
    let limits = Limits { streams_per_principal: count(1), ..Limits::default() };
    let running = start(ByName::default(), limits);
    let mut devices = devices(&running);
    let of_ada = devices.watch_devices(from("ada", watch())).await.unwrap();
    let refused = devices.watch_devices(from("ada", watch())).await.unwrap_err();
    assert_eq!(Sent::traced(&refused), Sent::refused("streams_per_principal", "1", SECOND));
    let of_grace = devices.watch_devices(from("grace", watch())).await.unwrap();
    for name in ["service:tandem-monitoring", "local"] {
        let first = devices.watch_devices(from(name, watch())).await.unwrap();
        let second = devices.watch_devices(from(name, watch())).await.unwrap();
        drop((first, second));
    }
    drop(of_ada);
    settled().await;
    drop(devices.watch_devices(from("ada", watch())).await.unwrap());
    drop((of_grace, devices));
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn principal_has_its_share_of_the_requests_and_others_have_the_rest() {
    let limits = Limits { requests_per_principal: count(1), ..Limits::default() };
    let running = start(ByName::default(), limits);
    let mut tenants = running.tenants();
    let slow = {
        let mut tenants = tenants.clone();
        async move { tenants.get_tenant(from("ada", get("tenants/slow"))).await }
    };
    let asking = async {
        settled().await;
        let refused = tenants.get_tenant(from("ada", get("tenants/contoso"))).await.unwrap_err();
        assert_eq!(Sent::traced(&refused), Sent::refused("requests_per_principal", "1", SECOND));
        tenants.get_tenant(from("grace", get("tenants/contoso"))).await.unwrap();
    };
    tokio::select! {
        answer = slow => panic!("{answer:?}"),
        () = asking => {}
    }
    settled().await;
    tenants.get_tenant(from("ada", get("tenants/contoso"))).await.unwrap();
    drop(tenants);
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn streams_without_credentials_are_counted_by_themselves() {
    let limits = Limits { open_streams: count(1), ..Limits::default() };
    let running = start(ByName::default(), limits);
    let mut reflection = v1::server_reflection_client::ServerReflectionClient::new(running.channel.clone());
    let ask = || v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    // Whoever asks says more until it is over.
    let asking = || {
        let (saying, said) = tokio::sync::mpsc::channel(1);
        saying.try_send(ask()).unwrap();
        let said = futures::stream::unfold(said, |mut said| async move { Some((said.recv().await?, said)) });
        (saying, said)
    };
    let (first, said) = asking();
    let mut asked = reflection.server_reflection_info(said).await.unwrap().into_inner();
    asked.next().await.unwrap().unwrap();
    let refused = reflection.server_reflection_info(asking().1).await.unwrap_err();
    assert_eq!(Sent::traced(&refused), Sent::refused("open_streams", "1", SECOND));
    let mut health = HealthClient::new(running.channel.clone());
    let refused = health.watch(HealthCheckRequest::default()).await.unwrap_err();
    assert_eq!(Sent::traced(&refused), Sent::refused("open_streams", "1", SECOND));
    health.check(HealthCheckRequest::default()).await.unwrap();
    devices(&running).watch_devices(from("ada", watch())).await.unwrap();
    drop((first, asked, reflection, health));
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn principal_that_asks_too_often_is_told_when_to_ask_again() {
    let limits = Limits { requests_per_second: count(10), requests_burst: count(2), ..Limits::default() };
    let running = start(ByName::default(), limits);
    let mut tenants = running.tenants();
    let mut asks = async |name: &str| {
        let asked = tenants.get_tenant(from(name, get("tenants/contoso"))).await;
        asked.map(|_| ()).map_err(|status| Sent::traced(&status))
    };
    let refused = |milliseconds| {
        let retry = Duration::from_millis(milliseconds);
        Sent::refused("requests_per_second", "10", retry)
    };
    assert_eq!(
        [asks("ada").await, asks("ada").await, asks("ada").await],
        [Ok(()), Ok(()), Err(refused(100))]
    );
    tokio::time::advance(Duration::from_millis(30)).await;
    assert_eq!([asks("ada").await, asks("grace").await], [Err(refused(70)), Ok(())]);
    tokio::time::advance(Duration::from_millis(70)).await;
    assert_eq!([asks("ada").await, asks("ada").await], [Ok(()), Err(refused(100))]);
    for _ in 0..10 {
        assert_eq!([asks("service:tandem-monitoring").await, asks("local").await], [Ok(()), Ok(())]);
    }
    drop(tenants);
    running.stopped().await;
}

/// A server whose connections come from addresses, where nobody is.
struct Addressed {
    connections: Arc<Connections>,
    accepted: UnboundedSender<Admitted<DuplexStream>>,
    _tasks: Supervisor,
}

type Tenants = inventory::tenant_service_client::TenantServiceClient<Channel>;

impl Addressed {
    fn start(authenticator: impl Authenticator, limits: &Limits) -> Self {
        let (accepted, connections) = unbounded_channel();
        let incoming = futures::stream::unfold(connections, |mut connections| async move {
            let connection: Admitted<DuplexStream> = connections.recv().await?;
            Some((Ok::<_, std::io::Error>(connection), connections))
        });
        let server = ApiServer::new(authenticator).limited(limits);
        let tenants = inventory::tenant_service_server::TenantServiceServer::new(crate::tests::Tenants);
        let server = server.add_service(tenants);
        let tasks = Supervisor::new();
        tasks.spawn_short("server", async move {
            server.serve(Box::pin(incoming), std::future::pending()).await.map_err(crate::tests::boxed)
        });
        Self { connections: Arc::new(Connections::new(limits)), accepted, _tasks: tasks }
    }

    /// Tenants over a connection from that address, whose certificate proves those names.
    fn tenants(&self, address: &str, names: &[&str]) -> Tenants {
        let address = address.parse().unwrap();
        let certificate = (!names.is_empty()).then(|| Arc::new(ClientCertificate::of_names(names)));
        let (connections, accepted) = (Arc::clone(&self.connections), self.accepted.clone());
        let connector = tower::service_fn(move |_: http::Uri| {
            let (near, far) = tokio::io::duplex(256 * 1024);
            let entry = connections.entry(address).unwrap();
            accepted.send(Admitted::new(far, entry, certificate.clone())).unwrap();
            std::future::ready(Ok::<_, std::io::Error>(TokioIo::new(near)))
        });
        Tenants::new(Endpoint::from_static("http://nobody").connect_with_connector_lazy(connector))
    }
}

#[tokio::test(start_paused = true)]
async fn address_of_many_refused_logins_has_to_wait_but_for_callers_who_are_known() {
    let limits =
        Limits { refused_logins_per_minute: count(60), refused_logins_burst: count(2), ..Limits::default() };
    let authenticator = ByName::default();
    let server = Addressed::start(authenticator.clone(), &limits);
    let asks = async |tenants: &mut Tenants, name: &str| {
        let asked = tenants.get_tenant(from(name, get("tenants/contoso"))).await;
        asked.map(|_| ()).map_err(|status| Sent::traced(&status))
    };
    let (mut known, mut guessing) = (server.tenants("192.0.2.1:1", &[]), server.tenants("192.0.2.1:2", &[]));
    assert_eq!(asks(&mut known, "ada").await, Ok(()));
    let unknown = Err(crate::tests::status::plain(
        tonic::Code::Unauthenticated,
        "UNAUTHENTICATED",
        "the call carries no credentials that this server accepts: no such name",
        &[],
    ));
    let refused = Err(Sent::refused("refused_logins_per_minute", "60", SECOND));
    assert_eq!(
        [asks(&mut guessing, "wrong").await, asks(&mut guessing, "wrong").await],
        [unknown.clone(), unknown.clone()]
    );
    let asked = authenticator.0.load(Ordering::Relaxed);
    assert_eq!(asks(&mut guessing, "wrong").await, refused);
    assert_eq!(asks(&mut server.tenants("192.0.2.1:3", &[]), "grace").await, refused);
    assert_eq!(authenticator.0.load(Ordering::Relaxed), asked, "nobody looks at their words");
    assert_eq!(asks(&mut known, "ada").await, Ok(()));
    assert_eq!(asks(&mut server.tenants("192.0.2.2:1", &[]), "grace").await, Ok(()));
    // A service is known by its certificate, also on a new connection.
    let mut service = server.tenants("192.0.2.1:4", &["tandem-monitoring"]);
    let asked = service.get_tenant(get("tenants/contoso")).await;
    assert_eq!(asked.unwrap().into_inner().tenant.unwrap().display_name, "service:tandem-monitoring");
    // Whoever is known and guesses is known no longer.
    assert_eq!(asks(&mut known, "wrong").await, unknown);
    assert!(asks(&mut known, "ada").await.is_err());
    tokio::time::advance(2 * SECOND).await;
    assert_eq!(asks(&mut known, "ada").await, Ok(()));
    assert_eq!(asks(&mut guessing, "grace").await, Ok(()));
}
