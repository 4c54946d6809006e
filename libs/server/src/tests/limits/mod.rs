//! Every limit, over real HTTP/2.

mod connections;
mod http2;
mod messages;
mod requests;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use hyper_util::rt::TokioIo;
use tandem_contracts::inventory::v1 as inventory;
use tandem_contracts::r#type::v1::Permission;
use tokio::io::DuplexStream;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tower::Service;

use super::Running;
use super::devices::Devices;
use crate::access::roles::service_principal;
use crate::failure::Failure;
use crate::in_process::in_process;
use crate::limits::Limits;
use crate::principal::{Authenticator, Credentials, Principal};
use crate::{ApiServer, LocalAuthenticator, Supervisor};

type DeviceClient = inventory::device_service_client::DeviceServiceClient<Channel>;

const fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// Whoever sends a word is the reader of that name, but `wrong` is nobody's; services show certificates. Counts how often it was asked.
#[derive(Clone, Default)]
struct ByName(Arc<AtomicU64>);

impl Authenticator for ByName {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Principal>, Failure>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let permissions = [Permission::TenantsRead, Permission::DevicesRead, Permission::DevicesReport];
        let known = match credentials.bearer() {
            Ok(None) if !credentials.names.is_empty() => {
                service_principal(&credentials.names[0]).ok_or(Failure::Unauthenticated("no such service"))
            }
            Ok(Some(name)) if name != "wrong" => Ok(Arc::new(Principal::with_permissions(name, permissions))),
            _ => Err(Failure::Unauthenticated("no such name")),
        };
        Box::pin(std::future::ready(known))
    }
}

/// A message from the caller of that name.
fn from<T>(name: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {name}").parse().unwrap());
    request
}

fn start(authenticator: impl Authenticator, limits: Limits) -> Running {
    let server = ApiServer::new(authenticator).limited(&limits);
    let devices = inventory::device_service_server::DeviceServiceServer::new(Devices::default());
    Running::serving(server.add_service(devices))
}

fn devices(running: &Running) -> DeviceClient {
    DeviceClient::new(running.channel.clone())
}

/// Until nothing is left to do: the paused clock moves only then.
async fn settled() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// A server that the local principal reaches over one bare HTTP/2 connection.
struct Bare {
    requests: SendRequest<bytes::Bytes>,
    _tasks: Supervisor,
}

impl Bare {
    async fn start(limits: Limits) -> Self {
        let (mut connector, incoming) = in_process();
        let devices = inventory::device_service_server::DeviceServiceServer::new(Devices::default());
        let tenants = inventory::tenant_service_server::TenantServiceServer::new(super::Tenants);
        let server = ApiServer::new(LocalAuthenticator::default()).limited(&limits);
        let server = server.add_service(devices).add_service(tenants);
        let tasks = Supervisor::new();
        tasks.spawn_short("server", async move {
            server.serve(incoming, std::future::pending()).await.map_err(super::boxed)
        });
        let stream: TokioIo<DuplexStream> =
            connector.call(http::Uri::from_static("http://in-process")).await.unwrap();
        let (requests, connection) = h2::client::handshake(stream.into_inner()).await.unwrap();
        tasks.spawn_short("client", async move {
            // How it ends is what tests look at.
            let _ = connection.await;
            // The connector's end is the server's too.
            drop(connector);
            Ok::<(), std::io::Error>(())
        });
        Self { requests, _tasks: tasks }
    }

    /// Begins a request, whose body is not sent yet.
    async fn begin(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (ResponseFuture, SendStream<bytes::Bytes>) {
        let mut request = http::Request::post(format!("http://in-process{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut requests = self.requests.clone().ready().await.unwrap();
        requests.send_request(request.body(()).unwrap(), false).unwrap()
    }
}

/// The status of an answer without messages.
async fn status_of(answer: ResponseFuture) -> Status {
    let (head, mut body) = answer.await.unwrap().into_parts();
    if let Some(status) = Status::from_header_map(&head.headers) {
        return status;
    }
    assert!(body.data().await.is_none());
    trailers(&mut body).await
}

async fn trailers(body: &mut RecvStream) -> Status {
    Status::from_header_map(&body.trailers().await.unwrap().unwrap()).unwrap()
}

/// A message as gRPC frames it.
fn framed(message: &[u8]) -> bytes::Bytes {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat().into()
}
