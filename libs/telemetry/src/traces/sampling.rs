//! Which traces are kept, and what they are called.

use std::cell::Cell;

use opentelemetry::Context;
use opentelemetry::KeyValue;
use opentelemetry::trace::{Link, SpanId, SpanKind, TraceContextExt, TraceId, TraceState};
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, SamplingResult, ShouldSample,
};

/// Follows the choice of whoever began the trace; of those that begin here a share is kept.
///
/// A trace that begins with a call, a statement or a command was begun by nobody: followers look for news several times a second, and there
/// would be little else to be seen. Background work that is worth a trace begins with a span of its own.
#[derive(Debug, Clone)]
pub(super) struct Sampling(Sampler);

impl Sampling {
    pub(super) fn of_roots(ratio: f64) -> Self {
        Self(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio))))
    }
}

impl ShouldSample for Sampling {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let is_root = !parent.is_some_and(|parent| parent.span().span_context().is_valid());
        if is_root && *kind == SpanKind::Client {
            return SamplingResult {
                decision: SamplingDecision::Drop,
                attributes: Vec::new(),
                trace_state: TraceState::default(),
            };
        }
        self.0.should_sample(parent, trace, name, kind, attributes, links)
    }
}

/// Random ids, but for traces that have one already.
#[derive(Debug, Default)]
pub(super) struct Ids(RandomIdGenerator);

thread_local! {
    static NEXT: Cell<Option<TraceId>> = const { Cell::new(None) };
}

impl Ids {
    /// Begins spans; a trace that begins with one of them has that id.
    pub(super) fn with_trace<T>(trace_id: u128, begin: impl FnOnce() -> T) -> T {
        NEXT.set(Some(trace_id.into()));
        let begun = begin();
        NEXT.set(None);
        begun
    }
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        NEXT.take().unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}
