//! Streams whose callers lose what allowed them.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use tandem_contracts::r#type::v1::{AuditEvent, AuditKind, Permission};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::{Layer, ServiceExt};

use crate::audit::{AuditSink, Auditor};
use crate::failure::{BoxError, Failure};
use crate::gate::Gate;
use crate::grant::{Grant, Scope, Tenants};
use crate::limits::{Bounds, Limits};
use crate::names::TenantName;
use crate::permission::Permissions;
use crate::principal::{Authenticator, Credentials, Principal};
use crate::standing::LOOK;

/// What an authenticator would answer.
type Answer = fn() -> Result<Principal, Failure>;

/// How a stream ended: code, reason, and the facts of it.
type End = (Code, String, Vec<(String, String)>);

/// What is known of the caller, until it is changed.
#[derive(Clone)]
struct Known(Arc<Mutex<Answer>>);

impl Known {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(|| Ok(reader(&["PS1", "PS2"])))))
    }

    fn change(&self, to: Answer) {
        *self.0.lock().unwrap() = to;
    }
}

impl Authenticator for Known {
    fn authenticate<'a>(&'a self, _: Credentials<'a>) -> BoxFuture<'a, Result<Arc<Principal>, Failure>> {
        let known = *self.0.lock().unwrap();
        Box::pin(std::future::ready(known().map(Arc::new)))
    }
}

fn reader(hierarchies: &[&str]) -> Principal {
    of_tenant("contoso", Permission::DevicesRead, hierarchies)
}

fn of_tenant(tenant: &str, permission: Permission, hierarchies: &[&str]) -> Principal {
    let hierarchies = hierarchies.iter().map(ToString::to_string).collect();
    let scope = Scope { hierarchies, ..Scope::default() };
    let tenants = Tenants::Only([tenant.to_owned()].into());
    Principal::of_grants("ada", vec![Grant::new([permission], tenants, scope)])
}

/// A watch that says something all the time, or nothing.
#[derive(Clone, Copy)]
struct Watch {
    is_silent: bool,
}

impl http_body::Body for Watch {
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

/// A watch of contoso that was just opened.
async fn opened(known: &Known, watch: Watch, auditor: Option<Auditor>) -> Body {
    let gate = Gate {
        permissions: Permissions::of_contracts().unwrap(),
        authenticator: Arc::new(known.clone()),
        limits: Bounds::new(Limits::default()),
        auditor,
        ending: CancellationToken::new(),
    };
    let handler = move |_: http::Request<Body>| async move {
        TenantName::parse("parent", "tenants/contoso").unwrap();
        Ok::<_, Infallible>(http::Response::new(Body::new(watch)))
    };
    let request =
        http::Request::post("/tandem.inventory.v1.DeviceService/WatchDevices").body(Body::empty()).unwrap();
    gate.layer(tower::service_fn(handler)).oneshot(request).await.unwrap().into_body()
}

/// Reads a stream until it ends, or so long. Answers how it ended.
async fn read(body: &mut Body, longest: Duration) -> Option<Status> {
    let until = Instant::now() + longest;
    while Instant::now() < until {
        let frame = poll_fn(|cx| http_body::Body::poll_frame(Pin::new(&mut *body), cx));
        match tokio::time::timeout_at(until, frame).await.ok()?.unwrap().unwrap().into_trailers() {
            Ok(trailers) => return Some(Status::from_header_map(&trailers).unwrap()),
            Err(_) => tokio::time::advance(Duration::from_millis(100)).await,
        }
    }
    None
}

/// How a stream ends whose caller is known as that from some time on.
async fn ends(to: Answer) -> Option<End> {
    let mut found = Vec::new();
    for is_silent in [true, false] {
        let known = Known::new();
        let mut body = opened(&known, Watch { is_silent }, None).await;
        assert!(read(&mut body, LOOK * 3).await.is_none(), "it goes on while nothing changes");
        known.change(to);
        found.push(read(&mut body, LOOK + Duration::from_millis(200)).await.map(|status| {
            let info = status.get_details_error_info().unwrap();
            let facts = info.metadata.into_iter().filter(|(key, _)| key != "trace_id");
            (status.code(), info.reason, facts.collect())
        }));
    }
    let [silent, talking] = found.try_into().unwrap();
    assert_eq!(silent, talking, "it ends alike whether it says something or not");
    silent
}

fn denied(fact: &str, value: &str) -> Option<End> {
    Some((Code::PermissionDenied, "PERMISSION_DENIED".into(), vec![(fact.into(), value.into())]))
}

#[tokio::test(start_paused = true)]
async fn stream_ends_as_its_call_would_be_refused_now() {
    let withdrawn = ends(|| Err(Failure::Unauthenticated("the key is withdrawn"))).await;
    assert_eq!(withdrawn, Some((Code::Unauthenticated, "UNAUTHENTICATED".into(), vec![])));
    let nothing = ends(|| Ok(Principal::of_grants("ada", vec![]))).await;
    assert_eq!(nothing, denied("permission", "PERMISSION_DEVICES_READ"));
    let another_permission = ends(|| Ok(of_tenant("contoso", Permission::DevicesReport, &[]))).await;
    assert_eq!(another_permission, denied("permission", "PERMISSION_DEVICES_READ"));
    let another_tenant = ends(|| Ok(of_tenant("fabrikam", Permission::DevicesRead, &[]))).await;
    assert_eq!(another_tenant, denied("tenant", "contoso"));
    let narrowed = ends(|| Ok(reader(&["PS1"]))).await;
    assert_eq!(narrowed, denied("name", "tenants/contoso"));
}

#[tokio::test(start_paused = true)]
async fn stream_goes_on_while_its_caller_reaches_what_it_reached() {
    assert_eq!(ends(|| Ok(reader(&["PS1", "PS2"]))).await, None);
    assert_eq!(ends(|| Ok(reader(&["PS1", "PS2", "PS3"]))).await, None);
    assert_eq!(ends(|| Ok(reader(&[]))).await, None);
    // Whoever would tell is away: what was known stays.
    assert_eq!(ends(|| Err(Failure::unavailable("token issuer", "away"))).await, None);
}

/// Keeps events.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<AuditEvent>>>);

impl AuditSink for Log {
    fn append<'a>(&'a self, events: &'a [AuditEvent]) -> BoxFuture<'a, Result<(), BoxError>> {
        self.0.lock().unwrap().extend_from_slice(events);
        Box::pin(std::future::ready(Ok(())))
    }
}

#[tokio::test(start_paused = true)]
async fn end_of_a_stream_that_was_withdrawn_is_on_record() {
    let (auditor, recorder) = Auditor::new();
    let known = Known::new();
    let mut body = opened(&known, Watch { is_silent: true }, Some(auditor)).await;
    known.change(|| Ok(Principal::of_grants("ada", vec![])));
    read(&mut body, LOOK * 2).await.unwrap();
    let (log, ending) = (Log::default(), CancellationToken::new());
    ending.cancel();
    recorder.run(log.clone(), ending).await;
    let events = log.0.lock().unwrap();
    let found: Vec<_> = events
        .iter()
        .map(|event| (event.kind(), event.principal.as_str(), event.outcome.as_str(), event.count))
        .collect();
    let refusal = (AuditKind::Refusal, "ada", "PERMISSION_DENIED", 1);
    assert_eq!(found, [(AuditKind::Read, "ada", "OK", 1), refusal]);
}
