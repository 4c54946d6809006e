//! How a trace goes from process to process: W3C Trace Context, in the headers `traceparent` and `tracestate`.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::sampling::Ids;
use super::{METHOD, REQUEST, TARGET, are_recorded};

/// The span of a call that came with these headers, the child of its caller's; a disabled one where spans are not recorded. `trace_id` is the id
/// that the request has in logs and errors: where the headers do not carry it, a trace of that id begins here. `method` is the name of the method
/// in its contract.
pub fn receive(headers: &HeaderMap, trace_id: u128, method: Option<&str>) -> Span {
    if !are_recorded() {
        return Span::none();
    }
    // A request has no parent in its process, only one in its caller's.
    let span = tracing::error_span!(target: TARGET, parent: None, REQUEST, outcome = Empty);
    if let Some(method) = method {
        span.set_attribute(METHOD, method.to_owned());
    }
    if let Some(caller) = caller_of(headers)
        && caller.span().span_context().trace_id() == trace_id.into()
    {
        // Refused where spans are not recorded, and where the span has begun.
        let _ = span.set_parent(caller);
        return span;
    }
    Ids::with_trace(trace_id, || drop(span.context()));
    span
}

/// Writes the headers of a call, so that what is done for it elsewhere is a child of `span`. Where `span` begins a trace, that has the id of
/// `trace_id`. Headers that the caller wrote itself are those of the span's parent.
///
/// Answers `false`, and leaves the headers alone, where spans are not recorded.
pub fn send(span: &Span, headers: &mut HeaderMap, trace_id: Option<u128>) -> bool {
    if !are_recorded() || span.is_disabled() {
        return false;
    }
    if let Some(caller) = caller_of(headers) {
        let _ = span.set_parent(caller);
    }
    let context = match trace_id {
        Some(trace_id) => Ids::with_trace(trace_id, || span.context()),
        None => span.context(),
    };
    let is_of_a_trace = context.span().span_context().is_valid();
    if is_of_a_trace {
        TraceContextPropagator::new().inject_context(&context, &mut Written(headers));
    }
    is_of_a_trace
}

fn caller_of(headers: &HeaderMap) -> Option<opentelemetry::Context> {
    let context =
        TraceContextPropagator::new().extract_with_context(&opentelemetry::Context::new(), &Read(headers));
    context.span().span_context().is_valid().then_some(context)
}

struct Read<'a>(&'a HeaderMap);

impl Extractor for Read<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Written<'a>(&'a mut HeaderMap);

impl Injector for Written<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = HeaderName::from_bytes(key.as_bytes());
        let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) else { return };
        // Without vendors' state there is no header of it.
        match value.is_empty() {
            true => self.0.remove(name),
            false => self.0.insert(name, value),
        };
    }
}
