//! Whether the caller of a stream may still have it. A call with one answer is over before its caller's credentials can end; a watch is not.
//!
//! Every few seconds the caller of a stream is made known anew, by what it sent and by its certificate, as if it called now. The stream goes on
//! while that is accepted and reaches all that it reached before. It ends as a call of that moment would be refused: `UNAUTHENTICATED` after a token,
//! its signing key or a certificate has ended; `PERMISSION_DENIED` after an assignment was taken away or narrowed. A service that calls for
//! somebody ends its stream with that caller's own.
//!
//! Bounds: a token's own end is known and needs no look. Everything else is seen [`LOOK`] after this server knows of it, which takes
//! [`crate::access`] two seconds for files.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Code;

use crate::audit::{Auditor, Sighting};
use crate::caller::{Call, ON_BEHALF, acting};
use crate::failure::Failure;
use crate::limits::Peer;
use crate::outcome::code_of;
use crate::permission::Declared;
use crate::principal::{Authenticator, Credentials, Principal};
use crate::trace::TraceId;

/// How often the caller of a stream is made known anew. Some microseconds for each: with every stream that a server lets be open by default,
/// about a hundredth of a core.
pub(crate) const LOOK: Duration = Duration::from_secs(3);

const EXPIRED: Failure = Failure::Unauthenticated("the access token has expired");

const WITHDRAWN: Failure = Failure::Unauthenticated(
    "the certificate of this connection has expired or its authority is no longer accepted: connect with a renewed one",
);

/// Who calls, by headers and by the certificate that the other end of the connection has shown.
pub(crate) async fn authenticated(
    authenticator: &dyn Authenticator,
    headers: &HeaderMap,
    peer: Option<&Peer>,
) -> Result<Arc<Principal>, Failure> {
    let proven = peer.map_or(Some(&[][..]), Peer::names);
    let credentials = Credentials { headers, names: proven.unwrap_or_default() };
    match authenticator.authenticate(credentials).await {
        Err(Failure::Unauthenticated(_)) if proven.is_none() && !headers.contains_key(AUTHORIZATION) => {
            Err(WITHDRAWN)
        }
        known => known,
    }
}

/// What a caller has sent that says who it is.
struct Shown {
    authenticator: Arc<dyn Authenticator>,
    headers: HeaderMap,
    peer: Option<Peer>,
    declared: Declared,
    call: Arc<Call>,
}

impl Shown {
    /// Why the call would be refused now.
    async fn refusal(&self) -> Option<Failure> {
        let known = authenticated(&*self.authenticator, &self.headers, self.peer.as_ref()).await;
        let call = known.and_then(|known| acting(known, &self.headers)).and_then(|principal| {
            let call = Call::new(principal, self.declared.permission, self.declared.reach)?;
            call.covers(&self.call)
        });
        match call {
            // It cannot be told now: what was known stays, as it does for files that cannot be read.
            Ok(()) | Err(Failure::DependencyUnavailable { .. }) => None,
            Err(failure) => Some(failure),
        }
    }
}

/// The standing of a stream's caller.
pub(crate) struct Standing {
    shown: Arc<Shown>,
    auditor: Option<Auditor>,
    /// `None`: the caller's credentials have no end of their own.
    expires: Option<Pin<Box<Sleep>>>,
    next: Pin<Box<Sleep>>,
    looking: Option<BoxFuture<'static, Option<Failure>>>,
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standing").field("call", &self.shown.call).finish_non_exhaustive()
    }
}

impl Standing {
    /// That of a caller who was just made known by these headers and that connection.
    pub(crate) fn new(
        authenticator: Arc<dyn Authenticator>,
        headers: &HeaderMap,
        peer: Option<&Peer>,
        declared: &Declared,
        call: &Arc<Call>,
        auditor: Option<Auditor>,
    ) -> Self {
        let said = headers.iter().filter(|(name, _)| [&AUTHORIZATION, &ON_BEHALF].contains(name));
        let now = Instant::now();
        let left = |end: SystemTime| end.duration_since(SystemTime::now()).unwrap_or_default();
        let expires = call.principal.expires.and_then(|end| now.checked_add(left(end)));
        let shown = Shown {
            authenticator,
            headers: said.map(|(name, value)| (name.clone(), value.clone())).collect(),
            peer: peer.cloned(),
            declared: declared.clone(),
            call: Arc::clone(call),
        };
        Self {
            shown: Arc::new(shown),
            auditor,
            expires: expires.map(|end| Box::pin(sleep_until(end))),
            next: Box::pin(sleep_until(now + LOOK)),
            looking: None,
        }
    }

    /// Waits until it is lost. Answers why.
    pub(crate) fn poll_lost(&mut self, cx: &mut Context<'_>) -> Poll<Failure> {
        if let Some(expires) = &mut self.expires
            && expires.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(EXPIRED);
        }
        loop {
            let Some(looking) = &mut self.looking else {
                ready!(self.next.as_mut().poll(cx));
                let shown = Arc::clone(&self.shown);
                self.looking = Some(Box::pin(async move { shown.refusal().await }));
                continue;
            };
            let refusal = ready!(looking.as_mut().poll(cx));
            self.looking = None;
            self.next.as_mut().reset(Instant::now() + LOOK);
            if let Some(failure) = refusal {
                return Poll::Ready(failure);
            }
        }
    }

    /// Puts on record that the stream was refused after its beginning was, if it ended so.
    pub(crate) fn note(&self, trailers: &HeaderMap, trace: TraceId) {
        if !matches!(code_of(trailers), Some(Code::Unauthenticated | Code::PermissionDenied)) {
            return;
        }
        let Shown { declared, peer, call, .. } = &*self.shown;
        let origin = peer.as_ref().and_then(|peer| peer.address).map(|address| address.ip());
        let mut sighting = Sighting::new(self.auditor.clone(), declared.clone(), origin, trace);
        sighting.principal = Some(Arc::clone(&call.principal));
        sighting.call = Some(Arc::clone(call));
        // Nobody waits for what is only noted.
        drop(sighting.settle(trailers));
    }
}
