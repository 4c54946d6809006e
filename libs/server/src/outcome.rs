//! How each request ended: one log event and one duration, whether it answers at once, streams or is given up.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tandem_telemetry::messages::{CountedBody, MessageBytes};
use tandem_telemetry::metrics::grpc_status;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Span;

use crate::caller::{CALL, Call};
use crate::failure::Failure;
use crate::limits::Place;
use crate::measured::CallMetrics;
use crate::standing::Standing;
use crate::trace::{CURRENT, Ongoing};

/// Where a response, or its trailers, says how it ended.
const GRPC_STATUS: &str = "grpc-status";

/// Records how a request ended, exactly once; a request dropped before its end was cancelled.
#[derive(Debug)]
pub(crate) struct Outcome {
    ongoing: Arc<Ongoing>,
    metrics: Arc<CallMetrics>,
    started: Instant,
    span: Span,
    received: MessageBytes,
    sent: MessageBytes,
    recorded: bool,
}

impl Outcome {
    /// Of a request that has begun. `span`: that of its trace, if it has one.
    pub(crate) fn started(ongoing: Arc<Ongoing>, metrics: Arc<CallMetrics>, span: Span) -> Self {
        metrics.begin();
        Self {
            ongoing,
            metrics,
            started: Instant::now(),
            span,
            received: MessageBytes::default(),
            sent: MessageBytes::default(),
            recorded: false,
        }
    }

    /// The body of the request, whose messages are counted.
    pub(crate) fn received(&self, body: Body) -> CountedBody<Body> {
        CountedBody::new(body, self.received.clone())
    }

    pub(crate) fn record(&mut self, code: Code) {
        if self.recorded {
            return;
        }
        self.recorded = true;
        let elapsed = self.started.elapsed();
        let outcome = grpc_status(code.into());
        self.span.record("outcome", outcome);
        CURRENT.sync_scope(Arc::clone(&self.ongoing), || match code {
            Code::Ok => tracing::debug!(outcome, elapsed_us = elapsed.as_micros(), "request answered"),
            // Whoever makes a thing that may be there already expects this answer as much as the other: each import does.
            // Of those who are refused there may be any number; a counter says how many.
            Code::AlreadyExists | Code::ResourceExhausted => {
                tracing::debug!(outcome, elapsed_us = elapsed.as_micros(), "request failed")
            }
            _ => tracing::info!(outcome, elapsed_us = elapsed.as_micros(), "request failed"),
        });
        self.metrics.end(code, elapsed, self.sent.total(), self.received.total());
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        self.record(Code::Cancelled);
    }
}

/// The status that headers or trailers carry; `None`: it comes later.
pub(crate) fn code_of(headers: &HeaderMap) -> Option<Code> {
    headers.get(GRPC_STATUS).map(|value| Code::from_bytes(value.as_bytes()))
}

/// The body of an answer: its stream runs within the request's trace and span, its trailers are its outcome. A draining server ends it when
/// it has nothing to send. With its caller's standing it ends too, but for an answer that is ready by then: what was done is told.
#[derive(Debug)]
pub(crate) struct RequestBody {
    inner: CountedBody<Body>,
    caller: Option<Arc<Call>>,
    outcome: Outcome,
    /// Until the answer is read, or given up.
    _place: Place,
    ending: CancellationToken,
    ended: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// Of a stream.
    standing: Option<Box<Standing>>,
    /// Why that is lost, with one more message said since.
    lost: Option<Box<Failure>>,
}

impl RequestBody {
    pub(crate) fn new(
        inner: Body,
        caller: Option<Arc<Call>>,
        standing: Option<Standing>,
        outcome: Outcome,
        place: Place,
        ending: CancellationToken,
    ) -> Self {
        let inner = CountedBody::new(inner, outcome.sent.clone());
        let standing = standing.map(Box::new);
        Self { inner, caller, outcome, _place: place, ending, ended: None, standing, lost: None }
    }

    /// Gives the stream up. Answers its last frame.
    pub(crate) fn give_up(&mut self, failure: Failure) -> Frame<Bytes> {
        let status = CURRENT.sync_scope(Arc::clone(&self.outcome.ongoing), || Status::from(failure));
        self.inner.replace(Body::empty());
        self.outcome.record(status.code());
        let mut trailers = HeaderMap::new();
        if status.add_header(&mut trailers).is_err() {
            trailers.insert(GRPC_STATUS, http::HeaderValue::from(status.code() as u16));
        }
        Frame::trailers(trailers)
    }

    /// Puts on record that it was refused, if these trailers say so, where its beginning is on record already.
    pub(crate) fn note_refusal(&self, trailers: &HeaderMap) {
        if let Some(standing) = &self.standing {
            standing.note(trailers, self.outcome.ongoing.trace);
        }
    }

    /// Why its caller may not have it any more, once that is so.
    fn poll_lost(&mut self, cx: &mut Context<'_>) -> Poll<Failure> {
        match (self.lost.take(), &mut self.standing) {
            (Some(failure), _) => Poll::Ready(*failure),
            (None, Some(standing)) => standing.poll_lost(cx),
            (None, None) => Poll::Pending,
        }
    }

    /// Why a stream that has nothing to send ends, if it does.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Failure> {
        if let Poll::Ready(failure) = self.poll_lost(cx) {
            return Poll::Ready(failure);
        }
        let ending = &self.ending;
        let ended = self.ended.get_or_insert_with(|| Box::pin(ending.clone().cancelled_owned()));
        ended.as_mut().poll(cx).map(|()| Failure::unavailable("server", "the server is stopping"))
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let entered = this.outcome.span.enter();
        let inner = Pin::new(&mut this.inner);
        let polled = CURRENT.sync_scope(Arc::clone(&this.outcome.ongoing), || match &this.caller {
            Some(caller) => CALL.sync_scope(Arc::clone(caller), || inner.poll_frame(cx)),
            None => inner.poll_frame(cx),
        });
        drop(entered);
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(code) = frame.trailers_ref().and_then(code_of) {
                    this.outcome.record(code);
                } else if let Some(failure) = this.lost.take() {
                    // A stream that never waits.
                    return Poll::Ready(Some(Ok(this.give_up(*failure))));
                } else if let Poll::Ready(failure) = this.poll_lost(cx) {
                    this.lost = Some(Box::new(failure));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(end) => Poll::Ready(end),
            Poll::Pending => this.poll_end(cx).map(|failure| Some(Ok(this.give_up(failure)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Level, Metadata, Subscriber};

    use super::*;
    use crate::trace::TraceId;

    /// Remembers the levels of events.
    #[derive(Clone, Default)]
    struct Levels(Arc<Mutex<Vec<Level>>>);

    impl Subscriber for Levels {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(*event.metadata().level());
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn answer_that_callers_expect_is_logged_for_those_who_look_for_it_alone() {
        let levels = Levels::default();
        tracing::subscriber::with_default(levels.clone(), || {
            for code in
                [Code::Ok, Code::AlreadyExists, Code::ResourceExhausted, Code::NotFound, Code::Internal]
            {
                let ongoing = Ongoing::new(TraceId::random(), "a/B".into());
                let metrics = Arc::new(CallMetrics::of_others());
                Outcome::started(ongoing, metrics, Span::none()).record(code);
            }
        });
        let found = levels.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        assert_eq!(found, [Level::DEBUG, Level::DEBUG, Level::DEBUG, Level::INFO, Level::INFO]);
    }
}
