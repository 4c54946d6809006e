//! The recorder behind the `metrics` macros, read as Prometheus text.
//!
//! Names of durations end in `_seconds` and those of counts in `_total`. Labels are few and bounded: never a tenant, never a device.

use std::time::Duration;

use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

/// Bounds of duration buckets in seconds: from a cached answer, well under a millisecond, to the longest deadline of a client.
const DURATION_BUCKETS: [f64; 14] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

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
    Ok(PrometheusBuilder::new().set_buckets_for_metric(durations, &DURATION_BUCKETS)?.build_recorder())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_durations_are_rendered_as_text() {
        let recorder = recorder().unwrap();
        let metrics = Metrics(recorder.handle());
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("tandem_rpc_requests_total", "code" => "OK").increment(2);
            metrics::histogram!("tandem_rpc_duration_seconds").record(0.002);
        });
        let text = metrics.render();
        for line in [
            "# TYPE tandem_rpc_requests_total counter",
            "tandem_rpc_requests_total{code=\"OK\"} 2",
            "# TYPE tandem_rpc_duration_seconds histogram",
            "tandem_rpc_duration_seconds_bucket{le=\"0.001\"} 0",
            "tandem_rpc_duration_seconds_bucket{le=\"0.0025\"} 1",
            "tandem_rpc_duration_seconds_count 1",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line:?} in\n{text}");
        }
    }
}
