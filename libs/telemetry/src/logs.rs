//! Logs of a process, to standard error: standard output belongs to what a command prints.
//!
//! Every line that is written by the task that works on a request names the request ([`crate::lines`]): its method, who called, and its `trace_id`, the one that its
//! errors carry and its trace has.

use std::str::FromStr;

use opentelemetry_sdk::trace::SdkTracer;
use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer, Registry};

pub use crate::lines::{Describe, Tell, no_requests};
use crate::lines::{OfRequests, Style};
use crate::traces::{self, Traces};

/// The environment variable with the filter, such as `info,tandem_inventory=debug`.
pub const FILTER_VARIABLE: &str = "TANDEM_LOG";

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One line for people.
    #[default]
    Text,
    /// One JSON object per line, for collectors.
    Json,
}

/// The text is no log format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `text` or `json`, found `{0}`")]
pub struct UnknownLogFormat(String);

impl FromStr for LogFormat {
    type Err = UnknownLogFormat;

    fn from_str(text: &str) -> Result<Self, UnknownLogFormat> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(UnknownLogFormat(text.to_owned())),
        }
    }
}

/// Why logs cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter has no meaning.
    #[error("the log filter `{filter}` of {origin} cannot be read")]
    Filter {
        /// The filter.
        filter: String,
        /// Where it came from.
        origin: &'static str,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The process has a subscriber already.
    #[error("logs of this process are set up already")]
    Twice,
}

/// Sets up the logs of this process, and its traces. The filter of logs is that of [`FILTER_VARIABLE`], or else `default_filter`; it says nothing of
/// traces. `describe` tells of the request that a line is written for.
///
/// # Errors
/// A filter that cannot be read, or a second call.
pub fn init(
    format: LogFormat,
    default_filter: &str,
    traces: &Traces,
    describe: Describe,
) -> Result<(), LogError> {
    let given = std::env::var(FILTER_VARIABLE).ok().filter(|filter| !filter.trim().is_empty());
    let filter = match given {
        Some(filter) => parsed(&filter, FILTER_VARIABLE)?,
        None => parsed(default_filter, "this program")?,
    };
    let tracer = traces.tracer();
    let is_traced = tracer.is_some();
    let subscriber = subscriber(format, filter, std::io::stderr, tracer, describe);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::Twice)?;
    if is_traced {
        traces::record();
    }
    Ok(())
}

fn parsed(filter: &str, origin: &'static str) -> Result<EnvFilter, LogError> {
    let unreadable = |source| LogError::Filter { filter: filter.to_owned(), origin, source };
    let given = EnvFilter::try_new(filter).map_err(unreadable)?;
    let hidden = traces::not_in_logs();
    hidden
        .iter()
        .try_fold(given, |filter, hidden| Ok(filter.add_directive(hidden.parse().map_err(unreadable)?)))
}

/// Without a tracer, spans for traces alone are disabled where they are made.
pub(crate) fn subscriber<W>(
    format: LogFormat,
    filter: EnvFilter,
    writer: W,
    tracer: Option<SdkTracer>,
    describe: Describe,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    match tracer {
        None => Box::new(Registry::default().with(filter).with(lines(format, writer, describe))),
        Some(tracer) => {
            // The current span is that of the `tracing` macros: nothing else makes any.
            let spans = tracing_opentelemetry::layer()
                .with_tracer(tracer)
                .with_context_activation(false)
                .with_location(false)
                .with_target(false)
                .with_threads(false)
                .with_tracked_inactivity(false)
                .with_filter(filter_fn(traces::is_of_a_trace).with_max_level_hint(LevelFilter::INFO));
            Box::new(
                Registry::default().with(spans).with(lines(format, writer, describe).with_filter(filter)),
            )
        }
    }
}

fn lines<S, W>(format: LogFormat, writer: W, describe: Describe) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        LogFormat::Text => {
            let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
            let lines = tracing_subscriber::fmt::format().with_ansi(is_terminal);
            let lines = OfRequests { lines, style: Style::Text, describe };
            layer.with_ansi(is_terminal).event_format(lines).boxed()
        }
        LogFormat::Json => {
            let lines = tracing_subscriber::fmt::format().json().flatten_event(true).with_span_list(false);
            let lines = OfRequests { lines, style: Style::Json, describe };
            layer.json().event_format(lines).boxed()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Debug, Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What its method is called was the caller's choice.
    fn request(tell: &mut Tell<'_>) {
        tell("method", &"a \"b\"\n");
        tell("trace_id", &"4bf9");
    }

    fn logged(format: LogFormat, filter: &str) -> String {
        let without_traces = logged_with(format, filter, None);
        let tracer = SdkTracerProvider::default().tracer("tandem");
        let with_traces = logged_with(format, filter, Some(tracer));
        let untimed = |lines: &str| lines.lines().map(|line| line[50..].to_owned()).collect::<Vec<_>>();
        assert_eq!(untimed(&without_traces), untimed(&with_traces), "traces change no line");
        without_traces
    }

    fn logged_with(format: LogFormat, filter: &str, tracer: Option<SdkTracer>) -> String {
        let written = Written::default();
        let writer = written.clone();
        let filter = parsed(filter, "a test").unwrap();
        let subscriber = subscriber(format, filter, move || writer.clone(), tracer, request);
        tracing::subscriber::with_default(subscriber, || {
            tracing::error_span!(target: traces::TARGET, "request").in_scope(|| {
                tracing::info_span!(target: traces::TARGET, "ingest").in_scope(|| {
                    tracing::info!(devices = 3, "batch stored");
                    tracing::debug!("detail");
                });
            });
        });
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn json_line_has_its_facts_and_its_request_as_fields() {
        let line = logged(LogFormat::Json, "info");
        let mut line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert!(line.as_object_mut().unwrap().remove("timestamp").is_some());
        assert_eq!(
            line,
            serde_json::json!({
                "level": "INFO",
                "target": "tandem_telemetry::logs::tests",
                "message": "batch stored",
                "devices": 3,
                "request": { "method": "a \"b\"\n", "trace_id": "4bf9" },
            })
        );
    }

    #[test]
    fn filter_decides_what_is_written() {
        assert_eq!(logged(LogFormat::Text, "warn"), "");
        let lines = logged(LogFormat::Text, "debug");
        assert_eq!(lines.lines().count(), 2);
        assert!(lines.contains("batch stored") && lines.contains("detail"), "{lines}");
        let ends = |line: &str| line.ends_with(r#" method="a \"b\"\n" trace_id="4bf9""#);
        assert!(lines.lines().all(ends), "{lines}");
    }

    #[test]
    fn filter_that_cannot_be_read_is_named_with_its_origin() {
        let error = parsed("tandem=loud", FILTER_VARIABLE).unwrap_err();
        assert_eq!(error.to_string(), "the log filter `tandem=loud` of TANDEM_LOG cannot be read");
    }

    #[test]
    fn log_format_of_another_name_is_refused() {
        assert_eq!(("text".parse(), "json".parse()), (Ok(LogFormat::Text), Ok(LogFormat::Json)));
        assert_eq!(
            "xml".parse::<LogFormat>().unwrap_err().to_string(),
            "expected `text` or `json`, found `xml`"
        );
    }
}
