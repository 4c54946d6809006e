//! What goes on record of calls to a whole server, and of a call whose caller is gone.

use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use tandem_contracts::inventory::v1::{CreateTenantRequest, Tenant};
use tandem_contracts::r#type::v1::{AuditEvent, AuditKind, Permission};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::{Code, Request};
use tower::{Layer, ServiceExt};

use super::{ByWord, Running, get};
use crate::audit::{AuditSink, Auditor};
use crate::failure::BoxError;
use crate::gate::Gate;
use crate::limits::{Bounds, Limits};
use crate::permission::Permissions;
use crate::principal::{Authenticator, LocalAuthenticator, Principal};
use crate::{ApiServer, Credentials, Failure, Tenants};

const CREATE: &str = "tandem.inventory.v1.TenantService/CreateTenant";
const GET: &str = "tandem.inventory.v1.TenantService/GetTenant";

/// Remembers what it was given, unless it is away.
#[derive(Clone, Default)]
struct Kept {
    events: Arc<Mutex<Vec<AuditEvent>>>,
    is_away: bool,
}

impl AuditSink for Kept {
    fn append<'a>(&'a self, events: &'a [AuditEvent]) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            if self.is_away {
                return Err("away".into());
            }
            self.events.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(events);
            Ok(())
        })
    }
}

impl Kept {
    /// Without what is different each time: ids, times and traces, which are checked for being there.
    fn events(&self) -> Vec<AuditEvent> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let plain = |event: AuditEvent| {
            assert_eq!(
                (event.id.len(), event.trace_id.len(), event.time.is_some()),
                (32, 32, true),
                "{event:?}"
            );
            let nothing = String::new;
            AuditEvent { id: nothing(), time: None, trace_id: nothing(), last_time: None, ..event }
        };
        events.into_iter().map(plain).collect()
    }
}

/// A server, and its recorder, which ends with the token.
struct Audited {
    running: Running,
    kept: Kept,
    ending: CancellationToken,
    recorder: tokio::task::JoinHandle<()>,
}

impl Audited {
    fn start(authenticator: impl Authenticator, kept: Kept) -> Self {
        let (auditor, recorder) = Auditor::new();
        let ending = CancellationToken::new();
        let recorder = tokio::spawn(recorder.run(kept.clone(), ending.clone()));
        let running = Running::serving(ApiServer::new(authenticator).audited(auditor));
        Self { running, kept, ending, recorder }
    }

    /// What is on record once everything has ended.
    async fn ended(self) -> Vec<AuditEvent> {
        self.running.stopped().await;
        self.ending.cancel();
        self.recorder.await.unwrap();
        self.kept.events()
    }
}

fn event(kind: AuditKind, method: &str, principal: &str, outcome: &str, failure: &str) -> AuditEvent {
    AuditEvent {
        tenant: "tenants/-".into(),
        kind: kind.into(),
        method: method.into(),
        principal: principal.into(),
        outcome: outcome.into(),
        failure: failure.into(),
        count: 1,
        ..AuditEvent::default()
    }
}

fn create() -> CreateTenantRequest {
    let tenant = Tenant { name: "tenants/contoso".into(), ..Tenant::default() };
    CreateTenantRequest { tenant: Some(tenant), ..CreateTenantRequest::default() }
}

#[tokio::test]
async fn change_is_on_record_before_it_is_answered_and_a_read_is_not() {
    let audited = Audited::start(LocalAuthenticator::default(), Kept::default());
    let mut tenants = audited.running.tenants();
    tenants.get_tenant(get("tenants/contoso")).await.unwrap();
    tenants.create_tenant(create()).await.unwrap();
    let expected = [event(AuditKind::Write, CREATE, "local", "OK", "")];
    assert_eq!(audited.kept.events(), expected);
    drop(tenants);
    assert_eq!(audited.ended().await, expected);
}

#[tokio::test]
async fn refusals_that_are_alike_are_counted_together() {
    let audited = Audited::start(ByWord, Kept::default());
    let mut tenants = audited.running.tenants();
    for _ in 0..5 {
        assert_eq!(
            tenants.get_tenant(get("tenants/contoso")).await.unwrap_err().code(),
            Code::Unauthenticated
        );
    }
    let mut request = Request::new(create());
    request.metadata_mut().insert("authorization", "Bearer open sesame".parse().unwrap());
    assert_eq!(tenants.create_tenant(request).await.unwrap_err().code(), Code::PermissionDenied);
    drop(tenants);
    let first = event(AuditKind::Refusal, GET, "", "UNAUTHENTICATED", "UNAUTHENTICATED");
    let denied = event(AuditKind::Refusal, CREATE, "reader", "PERMISSION_DENIED", "PERMISSION_DENIED");
    let rest = AuditEvent { count: 4, ..first.clone() };
    assert_eq!(audited.ended().await, [first, denied, rest]);
}

#[tokio::test(start_paused = true)]
async fn change_that_cannot_be_put_on_record_is_answered_as_unavailable() {
    let audited = Audited::start(LocalAuthenticator::default(), Kept { is_away: true, ..Kept::default() });
    let mut tenants = audited.running.tenants();
    let status = tenants.create_tenant(create()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "audit log does not answer"));
    drop(tenants);
    assert_eq!(audited.ended().await, []);
}

#[tokio::test]
async fn change_whose_caller_is_gone_is_noted() {
    let (auditor, recorder) = Auditor::new();
    let gate = Gate {
        permissions: Permissions::of_contracts().unwrap(),
        authenticator: Arc::new(LocalAuthenticator::default()),
        limits: Bounds::new(Limits::default()),
        auditor: Some(auditor),
        ending: CancellationToken::new(),
    };
    let handler = |_: http::Request<Body>| pending::<Result<http::Response<Body>, Infallible>>();
    for method in [CREATE, GET] {
        let request = http::Request::post(format!("/{method}")).body(Body::empty()).unwrap();
        let call = gate.clone().layer(tower::service_fn(handler)).oneshot(request);
        assert!(call.now_or_never().is_none());
    }
    let (kept, ending) = (Kept::default(), CancellationToken::new());
    ending.cancel();
    recorder.run(kept.clone(), ending).await;
    assert_eq!(kept.events(), [event(AuditKind::Write, CREATE, "local", "CANCELLED", "")]);
}

/// Reads tenants of Contoso alone.
struct OfContoso;

impl Authenticator for OfContoso {
    fn authenticate<'a>(&'a self, _: Credentials<'a>) -> BoxFuture<'a, Result<Arc<Principal>, Failure>> {
        let contoso = Tenants::Only(["contoso".to_owned()].into());
        let reader = Principal::of_tenants("ada", [Permission::TenantsRead], contoso);
        Box::pin(std::future::ready(Ok(Arc::new(reader))))
    }
}

/// A handler that reads a name, as handlers do, and says how that went.
#[tokio::test]
async fn refusal_of_a_name_tells_which_and_is_in_the_log_of_who_was_refused() {
    let (auditor, recorder) = Auditor::new();
    let gate = Gate {
        permissions: Permissions::of_contracts().unwrap(),
        authenticator: Arc::new(OfContoso),
        limits: Bounds::new(Limits::default()),
        auditor: Some(auditor),
        ending: CancellationToken::new(),
    };
    let handler = |_: http::Request<Body>| async {
        let first = crate::names::TenantName::parse("name", "tenants/contoso");
        let second = first.and_then(|_| crate::names::TenantName::parse("name", "tenants/fabrikam"));
        Ok::<_, Infallible>(tonic::Status::from(second.unwrap_err()).into_http::<Body>())
    };
    let request = http::Request::post(format!("/{GET}")).body(Body::empty()).unwrap();
    gate.layer(tower::service_fn(handler)).oneshot(request).await.unwrap();
    let (kept, ending) = (Kept::default(), CancellationToken::new());
    ending.cancel();
    recorder.run(kept.clone(), ending).await;
    let refused = event(AuditKind::Refusal, GET, "ada", "PERMISSION_DENIED", "PERMISSION_DENIED");
    let expected =
        AuditEvent { tenant: "tenants/contoso".into(), resource: "tenants/fabrikam".into(), ..refused };
    assert_eq!(kept.events(), [expected]);
}
