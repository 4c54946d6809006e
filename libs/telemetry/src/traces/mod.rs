//! Traces, sent to a collector as OTLP over gRPC: one trace from the caller to every statement that was run for it.
//!
//! Spans are those of the `tracing` macros. What a trace holds:
//!
//! - a SERVER span for each call of a server, the child of its caller's span ([`receive`]);
//! - a CLIENT span for each attempt of a call to another service, whose id travels on ([`send`]);
//! - a CLIENT span for each statement of a database and each command to Redis;
//! - a span of its own for background work that somebody may want to look at: it is a root, or links to what it serves.
//!
//! Spans that are for traces alone have the target [`TARGET`], and are no part of log lines. The others keep the names that logs give
//! them, and get those of OpenTelemetry's semantic conventions where they leave the process ([`conventions`]).
//!
//! Invariants: without a collector no exporter exists and such spans are disabled where they are made, so a request pays nothing for them;
//! the trace id of a span is that of the request's log lines and errors; nothing that a caller sent, and no parameter of a statement,
//! is an attribute; who waits for a collector is a thread of its own, and what that cannot send in time is dropped.
//!
//! Log lines are no part of spans: they name the trace, and may hold names of tenants and devices, which spans may not.

mod conventions;
mod propagation;
mod sampling;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracer, SdkTracerProvider};
use tracing::{Level, Metadata};

use conventions::Conventional;
pub use propagation::{receive, send};
use sampling::{Ids, Sampling};

/// The target of spans that are made for traces alone.
pub const TARGET: &str = "tandem_trace";

/// The share of the requests without a caller's trace that are traced unless configured otherwise: all, as OpenTelemetry has it. Whoever names
/// a collector wants to see something; a system with thousands of calls a second sets less.
pub const DEFAULT_RATIO: f64 = 1.0;

/// How long the last spans may take to be sent when the process ends: what is left of the 30 s of Kubernetes after the drain.
const FLUSH_LIMIT: Duration = Duration::from_secs(3);

/// How long one batch may take.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Modules whose spans are statements of a database.
const STATEMENTS: &str = "sea_orm::database";

/// The name of the span of a call that is served.
const REQUEST: &str = "request";

/// The attribute that names the method of a call.
const METHOD: &str = "rpc.method";

/// Whether spans are recorded: most processes have no collector, and ask here first.
static RECORDED: AtomicBool = AtomicBool::new(false);

/// Where traces go, and how many.
#[derive(Debug, Clone, Copy)]
pub struct Collector<'a> {
    /// The collector, as `http://host:port`. Unset: nothing is exported.
    pub endpoint: Option<&'a str>,
    /// The share of the requests without a caller's trace that are traced, from 0 to 1; a caller's own choice is followed.
    pub ratio: f64,
    /// What the process is called, such as `tandem-inventory`.
    pub service: &'static str,
}

/// Why traces cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// The address of the collector has the wrong form.
    #[error("otlp_endpoint: expected an address such as http://127.0.0.1:4317, found `{0}`")]
    Endpoint(String),
    /// The ratio is no share.
    #[error("trace_ratio: expected a number from 0 to 1, found {0}")]
    Ratio(f64),
    /// The exporter cannot be built.
    #[error("the exporter of traces cannot be built")]
    Exporter(#[from] ExporterBuildError),
}

/// The traces of this process. Dropped without [`Self::end`], what was not sent yet is lost.
#[derive(Debug, Default)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// No traces.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// An exporter to that collector, which need not be reachable yet; none without one. Spans are recorded once [`crate::logs::init`] knows of
    /// it. To be called within the runtime that connects.
    ///
    /// # Errors
    /// An address or a ratio that is none.
    pub fn to(collector: &Collector<'_>) -> Result<Self, TracesError> {
        if !(0.0..=1.0).contains(&collector.ratio) {
            return Err(TracesError::Ratio(collector.ratio));
        }
        let Some(endpoint) = collector.endpoint else { return Ok(Self::none()) };
        let invalid = || TracesError::Endpoint(endpoint.to_owned());
        let uri: http::Uri = endpoint.parse().map_err(|_| invalid())?;
        // A collector is asked on the same machine or network: there is no TLS to it.
        if uri.scheme_str() != Some("http") || uri.host().is_none_or(str::is_empty) {
            return Err(invalid());
        }
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_timeout(EXPORT_TIMEOUT)
            .build()?;
        let batches = BatchSpanProcessor::builder(Conventional::new(exporter)).build();
        let provider = provider(collector).with_span_processor(batches).build();
        Ok(Self(Some(provider)))
    }

    /// What the subscriber of the process makes spans with.
    pub(crate) fn tracer(&self) -> Option<SdkTracer> {
        self.0.as_ref().map(|provider| provider.tracer("tandem"))
    }

    /// Sends what was not sent yet, within 3 s. Spans that end later are lost.
    pub async fn end(self) {
        let Some(provider) = self.0 else { return };
        // It waits for its thread, which needs this runtime to send.
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_LIMIT)).await;
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans were not sent"),
            Err(error) => tracing::warn!(%error, "the last spans were not sent"),
        }
    }
}

/// What makes the spans of a process. Nothing but the configuration says what it is called and what it samples.
fn provider(collector: &Collector<'_>) -> opentelemetry_sdk::trace::TracerProviderBuilder {
    let resource = Resource::builder_empty().with_service_name(collector.service).with_attributes([
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string()),
    ]);
    SdkTracerProvider::builder()
        .with_resource(resource.build())
        .with_id_generator(Ids::default())
        .with_sampler(Sampling::of_roots(collector.ratio))
}

/// From here on spans are recorded.
pub(crate) fn record() {
    RECORDED.store(true, Ordering::Relaxed);
}

fn are_recorded() -> bool {
    RECORDED.load(Ordering::Relaxed)
}

/// Whether that is a span of a trace. Log events are not.
pub(crate) fn is_of_a_trace(metadata: &Metadata<'_>) -> bool {
    let is_statement = || metadata.target().starts_with(STATEMENTS) && *metadata.level() == Level::INFO;
    metadata.is_span() && (metadata.target() == TARGET || is_statement())
}

/// Filter directives that keep spans for traces alone out of logs.
pub(crate) fn not_in_logs() -> [String; 2] {
    [format!("{TARGET}=off"), format!("{STATEMENTS}=off")]
}
