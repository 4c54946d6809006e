//! The trace that a call belongs to, passed on as `traceparent` (W3C Trace Context).
//!
//! Where traces are recorded the header names the span of the attempt; elsewhere it names the trace alone, with a parent that nobody knows, so
//! that the logs and errors of both ends have the same trace id all the same.

use http::{HeaderMap, HeaderValue};
use tandem_telemetry::traces;
use tracing::Span;

/// The header that carries the trace.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// Where a trace id is found when [`with_trace_id`] gave none.
pub(crate) type TraceSource = fn() -> Option<String>;

tokio::task_local! {
    static TRACE_ID: String;
}

/// Runs a future whose calls belong to that trace: 32 lower-case hex digits, not all zero. With any other text they belong to none.
pub async fn with_trace_id<F: Future>(trace_id: impl Into<String>, calls: F) -> F::Output {
    TRACE_ID.scope(trace_id.into(), calls).await
}

/// The trace id of a call made now. Never zero.
pub(crate) fn current(source: Option<TraceSource>) -> Option<u128> {
    let own = TRACE_ID.try_with(String::clone).ok();
    let trace_id = own.or_else(|| source.and_then(|source| source()))?;
    let is_shaped = trace_id.len() == 32 && trace_id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_shaped.then(|| u128::from_str_radix(&trace_id, 16).ok()).flatten().filter(|trace_id| *trace_id != 0)
}

/// Writes the header of an attempt of a call of that trace. One that the caller wrote stays, or, where the attempt is recorded, is its parent.
pub(crate) fn write(headers: &mut HeaderMap, attempt: &Span, trace_id: Option<u128>) {
    if traces::send(attempt, headers, trace_id) || headers.contains_key(TRACEPARENT) {
        return;
    }
    let Some(trace_id) = trace_id else { return };
    let parent = rand::random::<u64>().max(1);
    // The last part: sampled.
    if let Ok(header) = HeaderValue::from_str(&format!("00-{trace_id:032x}-{parent:016x}-01")) {
        headers.insert(TRACEPARENT, header);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    /// The header without its parent, which is random.
    fn written(source: Option<TraceSource>) -> Option<String> {
        let mut headers = HeaderMap::new();
        write(&mut headers, &Span::none(), current(source));
        let header = headers.get(TRACEPARENT)?.to_str().unwrap();
        assert_eq!((header.len(), &header[52..]), (55, "-01"));
        Some(header[..35].to_owned())
    }

    #[tokio::test]
    async fn trace_id_in_scope_is_passed_on() {
        let header = with_trace_id(TRACE, async { written(Some(|| None)) }).await;
        assert_eq!(header, Some(format!("00-{TRACE}")));
    }

    #[test]
    fn trace_id_of_the_source_is_passed_on_outside_a_scope() {
        assert_eq!(written(Some(|| Some(TRACE.into()))), Some(format!("00-{TRACE}")));
        assert_eq!(written(None), None);
    }

    #[tokio::test]
    async fn text_that_is_no_trace_id_is_not_passed_on() {
        for text in ["", "4BF92F3577B34DA6A3CE929D0E0E4736", "00000000000000000000000000000000", "4bf9\n"] {
            assert_eq!(with_trace_id(text, async { written(None) }).await, None, "{text:?}");
        }
    }

    #[test]
    fn header_that_the_caller_wrote_stays() {
        let mut headers = HeaderMap::new();
        let own = HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
        headers.insert(TRACEPARENT, own.clone());
        write(&mut headers, &Span::none(), Some(7));
        assert_eq!(headers.get_all(TRACEPARENT).iter().collect::<Vec<_>>(), [&own]);
    }
}
