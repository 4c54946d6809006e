//! What every Tandem server shares, so that a service writes only its own handlers.
//!
//! - [`failure`] and [`status`]: the one error path. A handler returns a [`failure::Failure`]; one exhaustive match makes the
//!   `tonic::Status` with its `google.rpc` details. Causes are logged once and never sent.
//! - [`builder`]: one server with health, reflection in both versions, limits and a graceful drain.
//! - [`permission`], [`principal`], [`grant`], [`caller`], [`trace`]: what happens to every request before its handler sees it.
//! - [`access`]: who is let in: TLS, access tokens, certificates of services, roles.
//! - [`limits`]: what callers can take at most.
//! - [`audit`]: what of their calls goes on record.
//! - [`tasks`]: supervised background tasks; nothing runs unattended.
//! - [`process`]: a process that serves, from its listeners to its last answer.
//! - [`config`], [`listen`], [`in_process`]: configuration from its four places, listeners, and the transport within one process.
//! - [`names`], [`consistency`], [`clock`], [`once`]: resource names, consistency tokens, the time and repeated requests, as handlers
//!   need them.
//!
//! Invariants: every RPC of a Tandem service is refused unless its caller holds the permission that its contract names; every
//! error carries one `ErrorInfo`; every request has a trace id.
//!
//! Not for: anything that one service alone needs, and any decision of the field.

pub mod access;
pub mod audit;
pub mod builder;
pub mod caller;
pub mod clock;
pub mod config;
pub mod consistency;
mod contract_service;
mod dependency;
pub mod failure;
pub mod forget_requests;
mod gate;
pub mod grant;
pub mod in_process;
pub mod limits;
pub mod listen;
mod measured;
pub mod names;
pub mod once;
mod outcome;
pub mod permission;
pub mod principal;
pub mod process;
mod standing;
pub mod status;
mod store;
pub mod tasks;
#[cfg(test)]
mod tests;
pub mod token;
pub mod trace;
pub mod waiting;

pub use audit::Auditor;
pub use builder::ApiServer;
pub use clock::{Clock, ClockHand};
pub use consistency::ConsistencyToken;
pub use contract_service::{ContractService, MAX_MESSAGE_BYTES};
pub use failure::Failure;
pub use grant::{Grant, Reach, Scope, Tenants};
pub use limits::Limits;
pub use principal::{Authenticator, Credentials, LocalAuthenticator, Principal, principal_of};
pub use tasks::Supervisor;
pub use token::TokenAuthenticator;
