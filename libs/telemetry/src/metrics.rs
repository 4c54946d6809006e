//! The recorder behind the `metrics` macros, read as Prometheus text.
//!
//! Names of durations end in `_seconds` and those of counts in `_total`. Labels are few and bounded: never a tenant, never a device. Calls have
//! the names of gRPC's own conventions (gRFC A66) as Prometheus writes them. `docs/metrics.md` lists every metric of the house.

use std::time::Duration;

use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

/// Bounds of duration buckets in seconds: from a cached answer, well under a millisecond, to the longest deadline of a client.
const DURATION_BUCKETS: [f64; 14] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Bounds of buckets of counts in one transaction of an ingest: from a lone device to the most that a batch may have.
const SIZE_BUCKETS: [f64; 12] =
    [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0];

/// Bounds of buckets of the sizes of a call's messages in bytes, as gRFC A66 has them.
const MESSAGE_BUCKETS: [f64; 14] = [
    0.0,
    1024.0,
    2048.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
    268_435_456.0,
    1_073_741_824.0,
    4_294_967_296.0,
];

/// How the names of metrics of ingests begin.
const INGEST: &str = "tandem_inventory_ingest_";

/// The names of gRPC's codes as their specification writes them, by number.
pub const GRPC_STATUSES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The value of the label `grpc_status` for a code. One that the specification does not have is `UNKNOWN`, as it says.
#[must_use]
pub fn grpc_status(code: i32) -> &'static str {
    usize::try_from(code).ok().and_then(|code| GRPC_STATUSES.get(code)).unwrap_or(&"UNKNOWN")
}

/// How often distributions are tidied: they grow with every sample until then.
pub const UPKEEP_PERIOD: Duration = Duration::from_secs(5);

/// Why metrics cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The recorder cannot be built.
    #[error("the metrics recorder cannot be built")]
    Build(#[from] BuildError),
    /// The process has a recorder already.
    #[error("metrics of this process are set up already")]
    Twice,
}

/// Reads the metrics of this process.
#[derive(Debug, Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Sets up the metrics of this process. Until then the macros do nothing.
    ///
    /// # Errors
    /// A second call.
    pub fn init() -> Result<Self, MetricsError> {
        let recorder = recorder()?;
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| MetricsError::Twice)?;
        Ok(Self(handle))
    }

    /// Metrics of nothing, which leave the process alone.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self(PrometheusBuilder::new().build_recorder().handle())
    }

    /// All metrics as Prometheus text.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Tidies distributions every [`UPKEEP_PERIOD`], for ever: to be run as a supervised task.
    pub async fn upkeep(self) {
        let mut period = tokio::time::interval(UPKEEP_PERIOD);
        loop {
            period.tick().await;
            self.0.run_upkeep();
        }
    }
}

fn recorder() -> Result<PrometheusRecorder, MetricsError> {
    let durations = Matcher::Suffix("_seconds".into());
    let sizes = Matcher::Prefix(INGEST.into());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(durations, &DURATION_BUCKETS)?;
    let messages = Matcher::Suffix("_message_size_bytes".into());
    let builder = builder.set_buckets_for_metric(messages, &MESSAGE_BUCKETS)?;
    Ok(builder.set_buckets_for_metric(sizes, &SIZE_BUCKETS)?.build_recorder())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_durations_are_rendered_as_text() {
        let recorder = recorder().unwrap();
        let metrics = Metrics(recorder.handle());
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("grpc_server_call_started_total", "grpc_method" => "a/B").increment(2);
            metrics::histogram!("grpc_server_call_duration_seconds").record(0.002);
            metrics::histogram!("tandem_inventory_ingest_sections").record(300.0);
            metrics::histogram!("grpc_server_call_sent_total_compressed_message_size_bytes").record(1025.0);
        });
        let text = metrics.render();
        for line in [
            "# TYPE grpc_server_call_started_total counter",
            "grpc_server_call_started_total{grpc_method=\"a/B\"} 2",
            "# TYPE grpc_server_call_duration_seconds histogram",
            "grpc_server_call_duration_seconds_bucket{le=\"0.001\"} 0",
            "grpc_server_call_duration_seconds_bucket{le=\"0.0025\"} 1",
            "grpc_server_call_duration_seconds_count 1",
            "# TYPE tandem_inventory_ingest_sections histogram",
            "tandem_inventory_ingest_sections_bucket{le=\"250\"} 0",
            "tandem_inventory_ingest_sections_bucket{le=\"500\"} 1",
            "grpc_server_call_sent_total_compressed_message_size_bytes_bucket{le=\"1024\"} 0",
            "grpc_server_call_sent_total_compressed_message_size_bytes_bucket{le=\"2048\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line:?} in\n{text}");
        }
    }

    #[test]
    fn code_that_the_specification_does_not_have_is_unknown() {
        let names: Vec<&str> = [0, 5, 16, 17, -1].into_iter().map(grpc_status).collect();
        assert_eq!(names, ["OK", "NOT_FOUND", "UNAUTHENTICATED", "UNKNOWN", "UNKNOWN"]);
    }
}
