//! The trace that a call belongs to, passed on as `traceparent` (W3C Trace Context).

use http::HeaderValue;

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

/// The header of a call made now.
pub(crate) fn traceparent(source: Option<TraceSource>) -> Option<HeaderValue> {
    let own = TRACE_ID.try_with(String::clone).ok();
    let trace_id = own.or_else(|| source.and_then(|source| source()))?;
    let shaped = trace_id.len() == 32
        && trace_id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        && trace_id.bytes().any(|b| b != b'0');
    let parent = rand::random::<u64>().max(1);
    // The last part: sampled.
    shaped.then(|| HeaderValue::from_str(&format!("00-{trace_id}-{parent:016x}-01")).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn trace_of(header: Option<HeaderValue>) -> Option<String> {
        header.map(|header| header.to_str().unwrap()[..35].to_owned())
    }

    #[tokio::test]
    async fn trace_id_in_scope_is_passed_on() {
        let header = with_trace_id(TRACE, async { traceparent(Some(|| None)) }).await;
        assert_eq!(header.as_ref().map(HeaderValue::len), Some(55));
        assert_eq!(trace_of(header), Some(format!("00-{TRACE}")));
    }

    #[test]
    fn trace_id_of_the_source_is_passed_on_outside_a_scope() {
        assert_eq!(trace_of(traceparent(Some(|| Some(TRACE.into())))), Some(format!("00-{TRACE}")));
        assert_eq!(traceparent(None), None);
    }

    #[tokio::test]
    async fn text_that_is_no_trace_id_is_not_passed_on() {
        for text in ["", "4BF92F3577B34DA6A3CE929D0E0E4736", "00000000000000000000000000000000", "4bf9\n"] {
            assert_eq!(with_trace_id(text, async { traceparent(None) }).await, None, "{text:?}");
        }
    }
}
