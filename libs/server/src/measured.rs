//! The metrics of calls, which are those of gRPC's own conventions (gRFC A66).
//!
//! Looking a metric up by its name and labels takes longer than moving it, so those of a method are kept once they were looked up. They are made
//! with its first call, and with the first that ends so: a method that nobody calls has none.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::{Counter, Histogram, Label, counter, histogram};
use tandem_telemetry::metrics::{GRPC_STATUSES, grpc_status};
use tonic::Code;

/// The label of calls of methods that no contract has: callers choose their names, and must not make metrics grow.
const OTHER: &str = "other";

/// The metrics of the calls of one method.
#[derive(Debug)]
pub(crate) struct CallMetrics {
    method: Arc<str>,
    started: OnceLock<Counter>,
    /// By the number of the code.
    ended: [OnceLock<Ended>; GRPC_STATUSES.len()],
}

/// Those of the calls that ended with one code.
struct Ended {
    duration: Histogram,
    sent: Histogram,
    received: Histogram,
}

impl std::fmt::Debug for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ended").finish_non_exhaustive()
    }
}

impl CallMetrics {
    /// Of the method of that name.
    pub(crate) fn of(method: &Arc<str>) -> Self {
        Self { method: Arc::clone(method), started: OnceLock::new(), ended: Default::default() }
    }

    /// Of all methods that no contract has.
    pub(crate) fn of_others() -> Self {
        Self::of(&OTHER.into())
    }

    /// A call has begun.
    pub(crate) fn begin(&self) {
        let make = || counter!("grpc_server_call_started_total", "grpc_method" => self.method.clone());
        self.started.get_or_init(make).increment(1);
    }

    /// A call has ended, after messages of so many bytes.
    pub(crate) fn end(&self, code: Code, elapsed: Duration, sent: f64, received: f64) {
        let make = || Ended::of(&self.method, grpc_status(code.into()));
        // Codes have the numbers of their names.
        let Some(slot) = usize::try_from(i32::from(code)).ok().and_then(|code| self.ended.get(code)) else {
            return;
        };
        let ended = slot.get_or_init(make);
        ended.duration.record(elapsed.as_secs_f64());
        ended.sent.record(sent);
        ended.received.record(received);
    }
}

impl Ended {
    fn of(method: &Arc<str>, status: &'static str) -> Self {
        let labels =
            [Label::new("grpc_method", Arc::clone(method)), Label::from_static_parts("grpc_status", status)];
        Self {
            duration: histogram!("grpc_server_call_duration_seconds", labels.iter()),
            sent: histogram!("grpc_server_call_sent_total_compressed_message_size_bytes", labels.iter()),
            received: histogram!("grpc_server_call_rcvd_total_compressed_message_size_bytes", labels.iter()),
        }
    }
}
