//! The whole system seen from outside. This crate ships nothing: `tests/` holds the direction of dependencies and scenarios
//! over the real binaries and real gRPC, `benches/` the load, `sample/` a fleet with hand-written expectations.
//!
//! It is the only crate besides the front door that may see every other.

pub mod abuse;
pub mod binary;
pub mod collector;
pub mod credentials;
pub mod empty;
pub mod generated;
pub mod load;
pub mod pinned;
pub mod process;
pub mod raw;
pub mod reports;
pub mod system;
pub mod unary;
