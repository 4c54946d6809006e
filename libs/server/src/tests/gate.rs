//! What every request passes before its handler.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::HeaderMap;
use tandem_contracts::inventory::v1 as inventory;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;
use tower::{Layer, ServiceExt};

use super::{ByWord, Running, get};
use crate::gate::Gate;
use crate::limits::{Bounds, Limits};
use crate::permission::Permissions;
use crate::principal::{Authenticator, Credentials, LocalAuthenticator, Principal};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn with<T>(message: T, key: &'static str, value: &'static str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert(key, value.parse().unwrap());
    request
}

fn reason(status: &tonic::Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

#[tokio::test]
async fn handler_knows_principal_and_trace_of_its_request() {
    let running = Running::start(LocalAuthenticator::default());
    let request = with(get("tenants/contoso"), "traceparent", TRACEPARENT);
    let tenant = running.tenants().get_tenant(request).await.unwrap().into_inner().tenant.unwrap();
    assert_eq!((tenant.display_name.as_str(), tenant.etag.as_str()), ("local", TRACE));
    running.stopped().await;
}

#[tokio::test]
async fn request_without_trace_gets_one_of_its_own() {
    let running = Running::start(LocalAuthenticator::default());
    let mut traces = Vec::new();
    for _ in 0..2 {
        let answer = running.tenants().get_tenant(get("tenants/contoso")).await.unwrap();
        traces.push(answer.into_inner().tenant.unwrap().etag);
    }
    assert!(traces.iter().all(|trace| trace.len() == 32) && traces[0] != traces[1], "{traces:?}");
    running.stopped().await;
}

#[tokio::test]
async fn error_of_a_handler_carries_the_trace_of_its_request() {
    let running = Running::start(LocalAuthenticator::default());
    let request = with(get("tenants/missing"), "traceparent", TRACEPARENT);
    let status = running.tenants().get_tenant(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.metadata.get("trace_id").map(String::as_str), Some(TRACE));
    running.stopped().await;
}

#[tokio::test]
async fn caller_without_credentials_is_refused_with_the_trace() {
    let running = Running::start(ByWord);
    let status = running.tenants().get_tenant(get("tenants/contoso")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "UNAUTHENTICATED"));
    assert!(status.get_details_error_info().unwrap().metadata.contains_key("trace_id"));
    running.stopped().await;
}

#[tokio::test]
async fn caller_may_do_what_its_permissions_say_and_no_more() {
    let running = Running::start(ByWord);
    let mut tenants = running.tenants();
    let word = "Bearer open sesame";
    let read = with(get("tenants/contoso"), "authorization", word);
    let answer = tenants.get_tenant(read).await.unwrap().into_inner();
    assert_eq!(answer.tenant.unwrap().display_name, "reader");
    let create = with(inventory::CreateTenantRequest::default(), "authorization", word);
    let status = tenants.create_tenant(create).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.metadata.get("permission").map(String::as_str), Some("PERMISSION_TENANTS_WRITE"));
    drop(tenants);
    running.stopped().await;
}

/// Without a client: its own timer fires at the same time, and answers without details.
#[tokio::test(start_paused = true)]
async fn handler_past_the_callers_deadline_is_given_up_with_details() {
    let gate = Gate {
        permissions: Permissions::of_contracts().unwrap(),
        authenticator: Arc::new(LocalAuthenticator::default()),
        limits: Bounds::new(Limits::default()),
        auditor: None,
        ending: CancellationToken::new(),
    };
    let handler = |_: http::Request<Body>| pending::<Result<http::Response<Body>, Infallible>>();
    let request = http::Request::post("/tandem.inventory.v1.TenantService/GetTenant")
        .header("grpc-timeout", "1S")
        .body(Body::empty())
        .unwrap();
    let before = tokio::time::Instant::now();
    let response = gate.layer(tower::service_fn(handler)).oneshot(request).await.unwrap();
    assert_eq!(before.elapsed().as_secs(), 1);
    let status = Status::from_header_map(response.headers()).unwrap();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
}

/// A gate before one handler, asked as `GetTenant`.
async fn gated<F, R>(handler: F) -> Status
where
    F: Fn(http::Request<Body>) -> R + Clone + Send + 'static,
    R: Future<Output = Result<http::Response<Body>, Infallible>> + Send + 'static,
{
    let gate = Gate {
        permissions: Permissions::of_contracts().unwrap(),
        authenticator: Arc::new(LocalAuthenticator::default()),
        limits: Bounds::new(Limits::default()),
        auditor: None,
        ending: CancellationToken::new(),
    };
    let request =
        http::Request::post("/tandem.inventory.v1.TenantService/GetTenant").body(Body::empty()).unwrap();
    let response = gate.layer(tower::service_fn(handler)).oneshot(request).await.unwrap();
    Status::from_header_map(response.headers()).unwrap()
}

/// A stream of answers without an end: it says something all the time, or nothing.
#[derive(Debug, Clone, Copy)]
struct Endless {
    is_silent: bool,
}

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Status>>> {
        match self.is_silent {
            true => Poll::Pending,
            false => Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"said"))))),
        }
    }
}

/// Everybody's credentials end a minute after this was made.
struct ForAMinute(Principal);

impl ForAMinute {
    fn new() -> Self {
        let mut principal = Principal::local();
        principal.expires = Some(SystemTime::now() + Duration::from_secs(60));
        Self(principal)
    }
}

impl Authenticator for ForAMinute {
    fn authenticate<'a>(
        &'a self,
        _: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Principal>, crate::failure::Failure>> {
        Box::pin(std::future::ready(Ok(Arc::new(self.0.clone()))))
    }
}

#[tokio::test(start_paused = true)]
async fn stream_ends_with_its_callers_credentials() {
    for is_silent in [true, false] {
        let gate = Gate {
            permissions: Permissions::of_contracts().unwrap(),
            authenticator: Arc::new(ForAMinute::new()),
            limits: Bounds::new(Limits::default()),
            auditor: None,
            ending: CancellationToken::new(),
        };
        let handler = move |_: http::Request<Body>| async move {
            Ok::<_, Infallible>(http::Response::new(Body::new(Endless { is_silent })))
        };
        let request = http::Request::post("/tandem.inventory.v1.DeviceService/WatchDevices")
            .body(Body::empty())
            .unwrap();
        let before = tokio::time::Instant::now();
        let mut body = gate.layer(tower::service_fn(handler)).oneshot(request).await.unwrap().into_body();
        let trailers = loop {
            let frame = poll_fn(|cx| http_body::Body::poll_frame(Pin::new(&mut body), cx)).await;
            match frame.unwrap().unwrap().into_trailers() {
                Ok(trailers) => break trailers,
                Err(_) => tokio::time::advance(Duration::from_secs(1)).await,
            }
        };
        // The end is told by the system's clock, of which this test takes some time.
        assert!((30..=62).contains(&before.elapsed().as_secs()), "{:?}", before.elapsed());
        let status = Status::from_header_map(&trailers).unwrap();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "UNAUTHENTICATED"));
        let next = poll_fn(|cx| http_body::Body::poll_frame(Pin::new(&mut body), cx)).await;
        assert!(next.is_none(), "{next:?}");
    }
}

/// An answer: what it is made of, frame by frame.
struct Frames(VecDeque<http_body::Frame<Bytes>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Status>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

/// What was done is told, however long it took.
#[tokio::test(start_paused = true)]
async fn answer_that_is_ready_after_its_callers_credentials_ended_is_given() {
    let gate = Gate {
        permissions: Permissions::of_contracts().unwrap(),
        authenticator: Arc::new(ForAMinute::new()),
        limits: Bounds::new(Limits::default()),
        auditor: None,
        ending: CancellationToken::new(),
    };
    let handler = |_: http::Request<Body>| async {
        let message = http_body::Frame::data(Bytes::from_static(b"done"));
        let frames = Frames([message, ok()].into());
        Ok::<_, Infallible>(http::Response::new(Body::new(frames)))
    };
    let request =
        http::Request::post("/tandem.inventory.v1.TenantService/GetTenant").body(Body::empty()).unwrap();
    let mut body = gate.layer(tower::service_fn(handler)).oneshot(request).await.unwrap().into_body();
    tokio::time::advance(Duration::from_secs(120)).await;
    let mut next = async || poll_fn(|cx| http_body::Body::poll_frame(Pin::new(&mut body), cx)).await;
    assert_eq!(next().await.unwrap().unwrap().into_data().unwrap(), "done");
    assert_eq!(next().await.unwrap().unwrap().trailers_ref(), ok().trailers_ref());
    assert!(next().await.is_none());
}

fn ok() -> http_body::Frame<Bytes> {
    http_body::Frame::trailers(HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        http::HeaderValue::from_static("0"),
    )]))
}

#[tokio::test]
async fn messages_are_measured_in_both_directions() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let rendered = recorder.handle();
    let _measured = metrics::set_default_local_recorder(&recorder);
    let handler = |mut request: http::Request<Body>| async move {
        while poll_fn(|cx| http_body::Body::poll_frame(Pin::new(request.body_mut()), cx)).await.is_some() {}
        let message = http_body::Frame::data(Bytes::from_static(b"\0\0\0\0\x03you"));
        let frames = Frames([message, ok()].into());
        Ok::<_, Infallible>(http::Response::new(Body::new(frames)))
    };
    let gate = Gate {
        permissions: Permissions::of_contracts().unwrap(),
        authenticator: Arc::new(LocalAuthenticator::default()),
        limits: Bounds::new(Limits::default()),
        auditor: None,
        ending: CancellationToken::new(),
    };
    let said = "\0\0\0\0\u{5}hello\0\0\0\0\u{2}hi".to_owned();
    let method = "tandem.inventory.v1.TenantService/GetTenant";
    let request = http::Request::post(format!("/{method}")).body(Body::new(said)).unwrap();
    let mut body = gate.layer(tower::service_fn(handler)).oneshot(request).await.unwrap().into_body();
    while poll_fn(|cx| http_body::Body::poll_frame(Pin::new(&mut body), cx)).await.is_some() {}
    let text = rendered.render();
    for (direction, bytes) in [("rcvd", 7), ("sent", 3)] {
        let line = format!(
            "grpc_server_call_{direction}_total_compressed_message_size_bytes_sum{{grpc_method=\"{method}\",grpc_status=\"OK\"}} {bytes}"
        );
        assert!(text.lines().any(|found| found == line), "no {line:?} in\n{text}");
    }
}

#[tokio::test]
async fn what_the_framework_refuses_gets_a_reason() {
    for (code, text, expected) in [
        (
            Code::Internal,
            "failed to decode Protobuf message: x",
            (Code::InvalidArgument, "MALFORMED_MESSAGE"),
        ),
        (Code::Internal, "bare", (Code::Internal, "INTERNAL")),
        (Code::OutOfRange, "bare", (Code::ResourceExhausted, "LIMIT_EXCEEDED")),
        (Code::Unimplemented, "", (Code::Unimplemented, "UNKNOWN_METHOD")),
    ] {
        let status = gated(move |_| async move { Ok(Status::new(code, text).into_http()) }).await;
        assert_eq!((status.code(), reason(&status).as_str()), expected);
    }
}

#[tokio::test]
async fn handler_that_panics_is_an_internal_error() {
    let status = gated(|_| async { panic!("a defect") }).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "INTERNAL"));
    assert_eq!(status.message(), "internal error");
}

#[tokio::test]
async fn message_larger_than_the_limit_is_refused_with_it() {
    let running = Running::start(LocalAuthenticator::default());
    let huge = get(&"x".repeat(crate::MAX_MESSAGE_BYTES));
    let status = running.tenants().get_tenant(huge).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "LIMIT_EXCEEDED"));
    let metadata = status.get_details_error_info().unwrap().metadata;
    assert_eq!(metadata.get("allowed").map(String::as_str), Some("16777216"));
    running.stopped().await;
}

/// Bytes in the place of a request's message.
#[derive(Debug, Clone, Default)]
struct Raw;

impl tonic::codec::Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl tonic::codec::Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut tonic::codec::EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(buffer, &item);
        Ok(())
    }
}

impl tonic::codec::Decoder for Raw {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, _: &mut tonic::codec::DecodeBuf<'_>) -> Result<Option<()>, Status> {
        Ok(Some(()))
    }
}

#[tokio::test]
async fn bytes_that_are_no_message_are_named_so() {
    let running = Running::start(LocalAuthenticator::default());
    let mut client = tonic::client::Grpc::new(running.channel.clone());
    client.ready().await.unwrap();
    let path = "/tandem.inventory.v1.TenantService/GetTenant".parse().unwrap();
    let status = client.unary(Request::new(vec![0x0A, 0xFF]), path, Raw).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "MALFORMED_MESSAGE"));
    drop(client);
    running.stopped().await;
}

#[tokio::test]
async fn method_that_nobody_serves_is_unimplemented() {
    let running = Running::start(LocalAuthenticator::default());
    let mut sites = inventory::hierarchy_service_client::HierarchyServiceClient::new(running.channel.clone());
    let status = sites.get_site(inventory::GetSiteRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unimplemented, "UNKNOWN_METHOD"));
    drop(sites);
    running.stopped().await;
}

#[tokio::test]
async fn message_above_four_mebibytes_is_taken_and_above_sixteen_refused() {
    let running = Running::start(LocalAuthenticator::default());
    let mut tenants = running.tenants().max_decoding_message_size(usize::MAX);
    let create = |bytes: usize| inventory::CreateTenantRequest {
        tenant: Some(inventory::Tenant { display_name: "x".repeat(bytes), ..Default::default() }),
        ..Default::default()
    };
    let answer = tenants.create_tenant(create(8 << 20)).await.unwrap().into_inner();
    assert_eq!(answer.tenant.unwrap().display_name.len(), 8 << 20);
    let status = tenants.create_tenant(create(17 << 20)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "LIMIT_EXCEEDED"));
    drop(tenants);
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn request_that_the_caller_gives_up_does_not_hold_the_drain() {
    let running = Running::start(LocalAuthenticator::default());
    let mut tenants = running.tenants();
    let waiting = tenants.get_tenant(get("tenants/slow"));
    assert!(tokio::time::timeout(Duration::from_secs(1), waiting).await.is_err());
    drop(tenants);
    let before = tokio::time::Instant::now();
    running.stopped().await;
    assert!(before.elapsed() < Duration::from_secs(1));
}
