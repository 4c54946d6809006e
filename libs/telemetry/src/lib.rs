//! What a process tells its operators: logs on standard error, metrics, traces, and whether it is alive and ready.
//!
//! - [`logs`]: one subscriber for the process, as text for people or JSON for collectors.
//! - [`metrics`]: the recorder behind the `metrics` macros that every crate uses. `docs/metrics.md` lists them all.
//! - [`messages`]: how large the messages of calls are.
//! - [`traces`]: spans of the `tracing` macros, sent to a collector as OTLP. The one place that knows OpenTelemetry.
//! - [`operations`]: the plain HTTP listener with `/metrics`, `/livez` and `/readyz`.
//!
//! Invariant: nothing here holds tenant data, so that the operations listener needs no authentication.

mod lines;
pub mod logs;
pub mod messages;
pub mod metrics;
pub mod operations;
pub mod traces;

pub use logs::LogFormat;
pub use traces::Traces;
