//! What stands between a generated client and its channel.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::transport::Channel;
use tower::retry::budget::TpsBudget;
use tower::{Service, ServiceExt};

use crate::attempt::{TransportError, once, repeatedly, retry_budget};
use crate::deadline::{DEFAULT_DEADLINE, DeadlineBody, timeout};
use crate::methods::{Kind, kind};
use crate::trace::{TRACEPARENT, TraceSource, traceparent};

/// A channel whose calls have a deadline, retries, their trace and the caller's token.
#[derive(Debug, Clone)]
pub struct Stack {
    channel: Channel,
    budget: Arc<TpsBudget>,
    pub(crate) token: Option<HeaderValue>,
    pub(crate) trace_source: Option<TraceSource>,
    pub(crate) default_deadline: Duration,
}

impl Stack {
    pub(crate) fn new(channel: Channel) -> Self {
        Self {
            channel,
            budget: Arc::new(retry_budget()),
            token: None,
            trace_source: None,
            default_deadline: DEFAULT_DEADLINE,
        }
    }

    /// Sets what the caller did not set itself.
    fn add_headers(&self, request: &mut Request<Body>) {
        let headers = request.headers_mut();
        if let (Some(token), false) = (&self.token, headers.contains_key(AUTHORIZATION)) {
            headers.insert(AUTHORIZATION, token.clone());
        }
        if let (false, Some(trace)) = (headers.contains_key(TRACEPARENT), traceparent(self.trace_source)) {
            headers.insert(TRACEPARENT, trace);
        }
    }

    async fn answered(self, mut request: Request<Body>) -> Result<Response<Body>, TransportError> {
        self.add_headers(&mut request);
        let kind = kind(request.uri().path());
        if kind == Kind::Stream {
            return self.channel.oneshot(request).await.map_err(Into::into);
        }
        let deadline = Instant::now() + timeout(request.headers()).unwrap_or(self.default_deadline);
        let answer = match kind {
            Kind::Read => repeatedly(self.channel, request, deadline, &self.budget).await?,
            Kind::Write | Kind::Stream => once(self.channel, request, deadline).await?,
        };
        Ok(answer.map(|body| Body::new(DeadlineBody::new(body, deadline))))
    }
}

impl Service<Request<Body>> for Stack {
    type Response = Response<Body>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, TransportError>> + Send>>;

    /// Always: each attempt waits for the channel itself, within the call's deadline.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().answered(request))
    }
}
