//! Typed clients of the Tandem services.
//!
//! A [`Connection`] gives the generated client of each service, with what every call needs:
//!
//! - a deadline: [`DEFAULT_DEADLINE`] for calls of one request and one answer that set none, and for the opening of streams;
//! - for streams connections with room: one more for each [`STREAMS_PER_CONNECTION`], up to [`MOST_CONNECTIONS`] to a server. A stream
//!   beyond is refused at once as `RESOURCE_EXHAUSTED` (`LIMIT_EXCEEDED`, limit `streams_to_one_server`);
//! - retries where the server was unavailable: of reads and of writes that name themselves (`request_id`), of other writes only where
//!   they surely did not arrive; at most two, within a budget, with growing pauses;
//! - of a change that failed, whether it may have been made all the same ([`ApiError::is_effect_unknown`]);
//! - the trace of the request that the call is made for ([`with_trace_id`], [`Connection::with_trace_source`]), and a span for each attempt;
//! - the metrics of gRPC's clients;
//! - the caller's token.
//!
//! [`ApiError`] reads what a failed call says; [`fleet`] keeps what decisions about many devices need beside them, [`audit`] takes
//! events to the audit log. Not for: serving,
//! or any decision of the field.

mod acked;
mod attempt;
pub mod audit;
mod connection;
mod deadline;
mod effect;
mod error;
pub mod fleet;
mod methods;
mod outcome;
mod pool;
mod stack;
#[cfg(test)]
mod tests;
mod tls;
mod trace;

pub use acked::{AckedStream, AckedStreamError};
pub use attempt::MAX_RETRIES;
pub use connection::{Addresses, ConnectError, Connection, MAX_MESSAGE_BYTES, endpoint};
pub use deadline::DEFAULT_DEADLINE;
pub use error::{ApiError, FieldViolation, Resource};
pub use pool::{MOST_CONNECTIONS, STREAMS_PER_CONNECTION};
pub use stack::Stack;
pub use tls::{TlsFileError, TlsFiles};
pub use trace::with_trace_id;
