//! How calls and their attempts end: a span for each attempt, and the metrics of gRPC's own conventions (gRFC A66).
//!
//! Metrics have no `grpc_target`: a method's service says who is asked.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use metrics::{Label, counter, histogram};
use tandem_telemetry::messages::{CountedBody, MessageBytes};
use tandem_telemetry::metrics::grpc_status;
use tandem_telemetry::traces;
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Span;
use tracing::field::Empty;

use crate::attempt::TransportError;
use crate::methods::Method;
use crate::pool::Room;

/// Where a response, or its trailers, says how it ended.
const GRPC_STATUS: &str = "grpc-status";

/// A call with all its attempts. One that is dropped before its end was seen, was cancelled.
#[derive(Debug)]
pub(crate) struct Call {
    method: &'static Method,
    started: Instant,
    code: Option<Code>,
}

impl Call {
    pub(crate) fn start(method: &'static Method) -> Self {
        Self { method, started: Instant::now(), code: None }
    }

    /// Ends it without an attempt.
    pub(crate) fn refused(mut self, status: Status) -> Response<Body> {
        self.code = Some(status.code());
        status.into_http()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let labels = labels(self.method, grpc_status(self.code.unwrap_or(Code::Cancelled).into()));
        histogram!("grpc_client_call_duration_seconds", labels.iter())
            .record(self.started.elapsed().as_secs_f64());
    }
}

/// One attempt of a call. One that is dropped before its end was seen, was cancelled.
#[derive(Debug)]
pub(crate) struct Attempt {
    method: &'static Method,
    started: Instant,
    span: Span,
    sent: MessageBytes,
    received: MessageBytes,
    code: Option<Code>,
}

impl Attempt {
    pub(crate) fn start(method: &'static Method) -> Self {
        counter!("grpc_client_attempt_started_total", "grpc_method" => method.name.as_str()).increment(1);
        let span = tracing::info_span!(
            target: traces::TARGET,
            "rpc",
            otel.kind = "client",
            otel.name = method.name.as_str(),
            otel.status_code = Empty,
            rpc.system.name = "grpc",
            rpc.method = method.name.as_str(),
            rpc.response.status_code = Empty,
            error.type = Empty,
        );
        let (sent, received) = Default::default();
        Self { method, started: Instant::now(), span, sent, received, code: None }
    }

    /// The request whose messages are counted.
    pub(crate) fn send(&self, request: Request<Body>) -> Request<Body> {
        request.map(|body| Body::new(CountedBody::new(body, self.sent.clone())))
    }

    pub(crate) const fn span(&self) -> &Span {
        &self.span
    }

    /// Notes what the answer's headers say; an answer that is below gRPC's level is none.
    pub(crate) fn see(&mut self, answer: &Result<Response<Body>, TransportError>) {
        match answer {
            Ok(response) => self.code = code_of(response.headers()),
            Err(_) => self.code = Some(Code::Unavailable),
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let code = self.code.unwrap_or(Code::Cancelled);
        let status = grpc_status(code.into());
        self.span.record("rpc.response.status_code", status);
        if code != Code::Ok {
            self.span.record("otel.status_code", "ERROR");
            self.span.record("error.type", status);
        }
        let labels = labels(self.method, status);
        histogram!("grpc_client_attempt_duration_seconds", labels.iter())
            .record(self.started.elapsed().as_secs_f64());
        histogram!("grpc_client_attempt_sent_total_compressed_message_size_bytes", labels.iter())
            .record(self.sent.total());
        histogram!("grpc_client_attempt_rcvd_total_compressed_message_size_bytes", labels.iter())
            .record(self.received.total());
    }
}

fn labels(method: &'static Method, status: &'static str) -> [Label; 2] {
    [
        Label::from_static_parts("grpc_method", method.name.as_str()),
        Label::from_static_parts("grpc_status", status),
    ]
}

/// The status that headers or trailers carry; `None`: it comes later.
pub(crate) fn code_of(headers: &HeaderMap) -> Option<Code> {
    headers.get(GRPC_STATUS).map(|value| Code::from_bytes(value.as_bytes()))
}

/// A call whose last attempt was sent. It ends with its answer, or when nobody waits for that any more.
#[derive(Debug)]
pub(crate) struct Answering {
    call: Call,
    attempt: Attempt,
    /// Of a stream: its room on a connection, held until it has ended.
    room: Option<Room>,
}

impl Answering {
    pub(crate) const fn new(call: Call, attempt: Attempt) -> Self {
        Self { call, attempt, room: None }
    }

    /// The same, of a stream that has that room.
    pub(crate) fn over(self, room: Room) -> Self {
        let mut answering = self;
        answering.room = Some(room);
        answering
    }

    fn end(mut self, code: Code) {
        self.attempt.code = Some(code);
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.call.code = self.attempt.code;
    }
}

/// The body of an answer, which is what ends a call.
#[derive(Debug)]
pub(crate) struct AnswerBody<B> {
    inner: CountedBody<B>,
    /// `None`: the end was seen.
    answering: Option<Answering>,
}

impl<B> AnswerBody<B> {
    pub(crate) fn new(inner: B, answering: Answering) -> Self {
        let inner = CountedBody::new(inner, answering.attempt.received.clone());
        Self { inner, answering: Some(answering) }
    }

    fn end(&mut self, code: Code) {
        if let Some(answering) = self.answering.take() {
            answering.end(code);
        }
    }
}

impl<B> http_body::Body for AnswerBody<B>
where
    B: http_body::Body<Data = Bytes, Error = Status> + Unpin,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(code) = frame.trailers_ref().and_then(code_of) {
                    self.end(code);
                }
            }
            Poll::Ready(Some(Err(status))) => self.end(status.code()),
            Poll::Ready(None) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
