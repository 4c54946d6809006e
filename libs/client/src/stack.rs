//! What stands between a generated client and its channel.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Request, Response};
use tokio::time::Instant;
use tonic::body::Body;
use tower::Service;
use tower::retry::budget::TpsBudget;

use crate::attempt::{Sending, TransportError, retry_budget};
use crate::deadline::{DEFAULT_DEADLINE, DeadlineBody, timeout};
use crate::effect;
use crate::methods::{Kind, method};
use crate::outcome::{AnswerBody, Answering, Call};
use crate::pool::Pool;
use crate::trace::{self, TraceSource};

/// Where a service finds for whom it makes a call: the header that says so, and whether that caller sees but parts of the tenant.
pub(crate) type CallerSource = fn() -> Option<(HeaderName, HeaderValue, bool)>;

/// Connections whose calls have a deadline, retries, their trace and the caller's token.
#[derive(Debug, Clone)]
pub struct Stack {
    pool: Pool,
    budget: Arc<TpsBudget>,
    /// The address, where others than this machine can read what is sent there.
    pub(crate) exposed: Option<String>,
    pub(crate) token: Option<HeaderValue>,
    pub(crate) trace_source: Option<TraceSource>,
    pub(crate) caller_source: Option<CallerSource>,
    pub(crate) default_deadline: Duration,
}

impl Stack {
    pub(crate) fn new(pool: Pool, exposed: Option<String>) -> Self {
        Self {
            pool,
            budget: Arc::new(retry_budget()),
            exposed,
            token: None,
            trace_source: None,
            caller_source: None,
            default_deadline: DEFAULT_DEADLINE,
        }
    }

    /// Sets what the caller did not set itself.
    fn add_headers(&self, request: &mut Request<Body>) {
        let headers = request.headers_mut();
        if let (Some(token), false) = (&self.token, headers.contains_key(AUTHORIZATION)) {
            headers.insert(AUTHORIZATION, token.clone());
        }
        if let Some((name, value, _)) = self.caller_source.and_then(|source| source()) {
            headers.insert(name, value);
        }
    }

    async fn answered(self, mut request: Request<Body>) -> Result<Response<Body>, TransportError> {
        self.add_headers(&mut request);
        let method = method(request.uri().path());
        let call = Call::start(method);
        let trace_id = trace::current(self.trace_source);
        if method.kind == Kind::Stream {
            let (channel, room) = match self.pool.stream() {
                Ok(found) => found,
                Err(refused) => return Ok(call.refused(*refused)),
            };
            let opening = self.default_deadline;
            let sending = Sending { channel, method, trace_id };
            let (answer, attempt) = sending.open(request, opening).await;
            let answering = Answering::new(call, attempt).over(room);
            return answer.map(|answer| answer.map(|body| Body::new(AnswerBody::new(body, answering))));
        }
        let sending = Sending { channel: self.pool.first().clone(), method, trace_id };
        let deadline = Instant::now() + timeout(request.headers()).unwrap_or(self.default_deadline);
        let (answer, attempt) = sending.repeatedly(request, deadline, &self.budget).await?;
        let answering = Answering::new(call, attempt);
        let body = |body| Body::new(AnswerBody::new(DeadlineBody::new(body, deadline), answering));
        effect::told(method, answer.map(|answer| answer.map(body)))
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
