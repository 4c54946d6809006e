//! The trace id of a request: taken from the caller's `traceparent` header or made here, known to everything that runs for it.
//!
//! It lives in a task-local for as long as the handler and its answer's stream run, so that errors carry it and calls to other
//! services pass it on ([`current_id`]). With it goes what log lines say of a request ([`describe`]): no span is needed for that, and a request
//! that nobody traces has none.

use std::fmt;
use std::sync::{Arc, OnceLock};

use http::HeaderMap;
use tandem_telemetry::logs::Tell;

use crate::principal::Principal;

/// The header of the W3C Trace Context recommendation.
const TRACEPARENT: &str = "traceparent";

/// 128 bits that one request and everything done for it share. Never zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

/// A request that is worked on, as far as logs and errors name it.
#[derive(Debug)]
pub(crate) struct Ongoing {
    pub(crate) trace: TraceId,
    /// The method, or the path that the caller asked for.
    pub(crate) method: Arc<str>,
    /// Who calls, once that is known.
    pub(crate) principal: OnceLock<Arc<Principal>>,
}

impl Ongoing {
    pub(crate) fn new(trace: TraceId, method: Arc<str>) -> Arc<Self> {
        Arc::new(Self { trace, method, principal: OnceLock::new() })
    }
}

tokio::task_local! {
    pub(crate) static CURRENT: Arc<Ongoing>;
}

impl TraceId {
    /// A new random id.
    #[must_use]
    pub fn random() -> Self {
        // Zero means "no trace" in Trace Context.
        Self(rand::random::<u128>().max(1))
    }

    /// The id of the caller's `traceparent`, unless there is none or it is malformed.
    #[must_use]
    pub fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(TRACEPARENT)?.to_str().ok()?;
        let mut parts = text.split('-');
        let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |part: &str, length: usize| {
            part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        // Version 00 has four parts and no more; later versions may add some; ff is forbidden.
        let shaped = hex(version, 2)
            && version != "ff"
            && (version != "00" || parts.next().is_none())
            && hex(trace, 32)
            && hex(parent, 16)
            && hex(flags, 2);
        if !shaped || parent.bytes().all(|b| b == b'0') {
            return None;
        }
        u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0).map(Self)
    }

    pub(crate) const fn number(self) -> u128 {
        self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The trace id of the request that this task works for.
#[must_use]
pub fn current() -> Option<TraceId> {
    CURRENT.try_with(|ongoing| ongoing.trace).ok()
}

/// Tells what log lines say of the request that this task works for, if it works for one.
pub fn describe(tell: &mut Tell<'_>) {
    let _ = CURRENT.try_with(|ongoing| {
        let Ongoing { trace, method, principal } = &**ongoing;
        tell("method", method);
        tell("trace_id", trace);
        if let Some(principal) = principal.get() {
            tell("principal", &principal.id);
        }
    });
}

/// Work in a task of its own for the request that this task works for: its log lines and errors name that too.
pub fn continued<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let ongoing = CURRENT.try_with(Arc::clone).ok();
    async move {
        match ongoing {
            Some(ongoing) => CURRENT.scope(ongoing, work).await,
            None => work.await,
        }
    }
}

/// The same as 32 hex digits: what a client needs to pass the trace on.
#[must_use]
pub fn current_id() -> Option<String> {
    current().map(|id| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(traceparent: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, traceparent.parse().unwrap());
        TraceId::of_headers(&headers).map(|id| id.to_string())
    }

    #[test]
    fn traceparent_of_the_recommendation_is_read() {
        assert_eq!(
            of("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            Some("4bf92f3577b34da6a3ce929d0e0e4736".into())
        );
        // A later version may have further parts.
        assert_eq!(
            of("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what"),
            Some("4bf92f3577b34da6a3ce929d0e0e4736".into())
        );
    }

    #[test]
    fn traceparent_of_the_wrong_shape_is_ignored() {
        for text in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn trace_id_outside_a_request_is_unknown() {
        assert_eq!(current_id(), None);
        assert_eq!(described(), "");
    }

    fn described() -> String {
        let mut said = String::new();
        describe(&mut |name, value| said.push_str(&format!("{name}={value} ")));
        said
    }

    #[tokio::test]
    async fn work_in_a_task_of_its_own_names_the_request_that_it_is_for() {
        let ongoing = Ongoing::new(TraceId(7), "a/B".into());
        let told = CURRENT.scope(Arc::clone(&ongoing), async {
            let before = described();
            ongoing.principal.set(Arc::new(Principal::local())).unwrap();
            [before, tokio::spawn(continued(async { described() })).await.unwrap()]
        });
        let named = "method=a/B trace_id=00000000000000000000000000000007 ".to_owned();
        assert_eq!(told.await, [named.clone(), format!("{named}principal=local ")]);
        assert_eq!(continued(async { described() }).await, "");
    }
}
