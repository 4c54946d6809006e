//! The layer that every request passes: it gives the request a trace id and a span, learns who calls, refuses what the caller may
//! not do, and ends it at its deadline.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use http::header::{AUTHORIZATION, Entry};
use http::{HeaderMap, Request, Response};
use tandem_telemetry::traces;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};
use tracing::Instrument;

use crate::audit::{AuditedBody, Auditor, Pending, Sighting};
use crate::caller::{CALL, Call, ON_BEHALF, acting};
use crate::failure::Failure;
use crate::limits::{Bounds, Peer, Place};
use crate::outcome::{Outcome, RequestBody, code_of};
use crate::permission::{Demand, Permissions};
use crate::principal::{Authenticator, Principal};
use crate::standing::{Standing, authenticated};
use crate::trace::{CURRENT, Ongoing, TraceId};

/// The header with which a caller says how long it waits.
const GRPC_TIMEOUT: &str = "grpc-timeout";

/// The header with the details of an error; a failure of ours always has them.
const DETAILS: &str = "grpc-status-details-bin";

/// What the gate needs to know of its server.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) permissions: Permissions,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) limits: Bounds,
    /// `None`: nothing is put on record.
    pub(crate) auditor: Option<Auditor>,
    /// Cancelled when streams that wait for news are to end.
    pub(crate) ending: CancellationToken,
}

/// A service behind the gate.
#[derive(Clone)]
pub(crate) struct Gated<S> {
    gate: Gate,
    inner: S,
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { gate: self.clone(), inner }
    }
}

impl<S> Service<Request<Body>> for Gated<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The clone is not known to be ready: leave it behind and take the one that was polled.
        let inner = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, inner);
        // The deadline runs from here: the transport starts its own after this, and would answer without details.
        let deadline = timeout(request.headers()).map(|after| Instant::now() + after);
        let trace = TraceId::of_headers(request.headers()).unwrap_or_else(TraceId::random);
        hide(request.headers_mut());
        let (demand, kind, metrics) = self.gate.permissions.demand(request.uri().path());
        let method = match &demand {
            Demand::Declared(declared) => Some(Arc::clone(&declared.method)),
            Demand::Open | Demand::Unknown => None,
        };
        let span = traces::receive(request.headers(), trace.number(), method.as_deref());
        let ongoing = Ongoing::new(trace, method.unwrap_or_else(|| request.uri().path().into()));
        let mut outcome = Outcome::started(Arc::clone(&ongoing), metrics, span.clone());
        let gate = self.gate.clone();
        let request = request
            .map(|body| Body::new(gate.limits.arriving(outcome.received(body), kind, Arc::clone(&ongoing))));
        Box::pin(async move {
            let mut place = Place::new(kind);
            let mut standing = None;
            let answer =
                answered(&gate, demand, trace, deadline, request, inner, (&mut place, &mut standing));
            let answer = answer.instrument(span);
            let response = CURRENT.scope(ongoing, answer).await;
            if let Some(code) = code_of(response.headers()) {
                outcome.record(code);
            }
            place.answered();
            let caller = response.extensions().get::<Arc<Call>>().map(Arc::clone);
            let audit = response.extensions().get::<Pending>().and_then(Pending::take);
            let is_audited = audit.is_some() || standing.is_some();
            Ok(response.map(|body| {
                let body = RequestBody::new(body, caller, standing, outcome, place, gate.ending);
                if is_audited { Body::new(AuditedBody::new(body, audit)) } else { Body::new(body) }
            }))
        })
    }
}

/// What a request holds while it lasts: its place among others, and, if it is a stream, its caller's standing.
type Held<'a> = (&'a mut Place, &'a mut Option<Standing>);

/// The answer to a request: the handler's, or why it does not get that far.
async fn answered<S>(
    gate: &Gate,
    demand: Demand,
    trace: TraceId,
    deadline: Option<Instant>,
    mut request: Request<Body>,
    mut inner: S,
    (place, standing): Held<'_>,
) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let mut sighting = match demand {
        Demand::Declared(declared) => {
            let origin = request.extensions().get::<Peer>().and_then(|peer| peer.address);
            Some(Sighting::new(gate.auditor.clone(), declared, origin.map(|origin| origin.ip()), trace))
        }
        Demand::Open | Demand::Unknown => None,
    };
    let handled = async {
        gate.limits.enter(place, &request)?;
        let caller = match &mut sighting {
            Some(sighting) => Some(known(gate, sighting, &mut request, (place, standing)).await?),
            None => None,
        };
        let handling = AssertUnwindSafe(inner.call(request)).catch_unwind();
        let handled = match &caller {
            Some(caller) => CALL.scope(Arc::clone(caller), handling).await,
            None => handling.await,
        };
        match handled {
            Ok(Ok(mut response)) => {
                // The stream of the answer runs for the caller too.
                if let Some(caller) = caller {
                    response.extensions_mut().insert(caller);
                }
                with_details(response)
            }
            Ok(Err(never)) => match never {},
            // The panic hook has logged where; the connection and its other calls live on.
            Err(_) => Err(Failure::internal("a handler panicked")),
        }
    };
    let handled = match deadline {
        Some(deadline) => {
            tokio::time::timeout_at(deadline, handled).await.unwrap_or(Err(Failure::DeadlineExceeded))
        }
        None => handled.await,
    };
    let mut response = handled.unwrap_or_else(|failure| Status::from(failure).into_http());
    match sighting {
        Some(sighting) if sighting.waits_for_a_part(response.headers()) => {
            response.extensions_mut().insert(Pending::of(sighting));
            response
        }
        Some(sighting) => match sighting.settle(response.headers()) {
            Some(recording) => match recording.await {
                Ok(()) => response,
                Err(failure) => Status::from(failure).into_http(),
            },
            None => response,
        },
        None => response,
    }
}

/// Who makes a call, if they may.
async fn known(
    gate: &Gate,
    sighting: &mut Sighting,
    request: &mut Request<Body>,
    (place, standing): Held<'_>,
) -> Result<Arc<Call>, Failure> {
    let login = gate.limits.login(request)?;
    let peer = request.extensions().get::<Peer>();
    let authenticated = login.ended(authenticated(&*gate.authenticator, request.headers(), peer).await)?;
    sighting.principal = Some(Arc::clone(&authenticated));
    let entered = gate.limits.enter_as(place, &authenticated);
    let acting = entered.and_then(|()| acting(Arc::clone(&authenticated), request.headers()));
    let principal = acting.as_ref().unwrap_or(&authenticated);
    let _ = CURRENT.try_with(|ongoing| ongoing.principal.set(Arc::clone(principal)));
    let principal = acting?;
    sighting.principal = Some(Arc::clone(&principal));
    request.extensions_mut().insert::<Arc<Principal>>(Arc::clone(&principal));
    let declared = sighting.declared();
    let call = Call::new(principal, declared.permission, declared.reach)?.seen_as(sighting.seen());
    let call = Arc::new(call);
    if place.kind().is_stream() {
        let (authenticator, auditor) = (Arc::clone(&gate.authenticator), gate.auditor.clone());
        let peer = request.extensions().get::<Peer>();
        *standing = Some(Standing::new(authenticator, request.headers(), peer, declared, &call, auditor));
    }
    sighting.call = Some(Arc::clone(&call));
    Ok(call)
}

/// The handler's answer; a failure where the framework answered in its stead, since that has no details.
fn with_details(response: Response<Body>) -> Result<Response<Body>, Failure> {
    if response.headers().contains_key(DETAILS) {
        return Ok(response);
    }
    let status = Status::from_header_map(response.headers());
    match status.and_then(Failure::of_framework) {
        Some(failure) => Err(failure),
        None => Ok(response),
    }
}

/// Hides what says who calls from whatever prints a request, such as a panic.
fn hide(headers: &mut HeaderMap) {
    for name in [AUTHORIZATION, ON_BEHALF] {
        if let Entry::Occupied(mut sent) = headers.entry(name) {
            sent.iter_mut().for_each(|value| value.set_sensitive(true));
        }
    }
}

/// How long the caller waits; `None`: without limit, or unreadable, which the protocol lets a server ignore.
fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    // The protocol allows eight digits, which no unit overflows.
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_TIMEOUT, text.parse().unwrap());
        timeout(&headers)
    }

    #[test]
    fn timeout_in_any_unit_is_read() {
        assert_eq!(of("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(of("3M"), Some(Duration::from_secs(180)));
        assert_eq!(of("4S"), Some(Duration::from_secs(4)));
        assert_eq!(of("5m"), Some(Duration::from_millis(5)));
        assert_eq!(of("6u"), Some(Duration::from_micros(6)));
        assert_eq!(of("99999999n"), Some(Duration::from_nanos(99_999_999)));
    }

    #[test]
    fn timeout_of_another_shape_is_no_timeout() {
        for text in ["", "S", "5", "5x", "+5S", "100000000S", "5 S"] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
