//! What every service's store shares: one database with its transactions, the runner of its migrations, set-based statements,
//! page tokens, the record of answered requests, and one mapping of driver errors.
//!
//! - [`Database`]: its writers and a pool of readers. Everything that changes data goes through [`Database::write`].
//! - [`Location`]: where a database is: a file of its own, or a schema of a PostgreSQL database.
//! - [`StoreError`]: what can go wrong, in words that a service can act on. [`From<sea_orm::DbErr>`] is the only mapping.
//! - [`Rows`]: whose rows a statement sees, a second wall between tenants.
//! - [`bulk`]: many rows in one statement. [`page`]: keyset page tokens. [`requests`]: idempotency records.
//! - [`tenants`]: each tenant's revision, which orders its writes. [`outbox`]: messages that wait until another service has them.
//!
//! Invariants: a transaction either commits whole or leaves nothing; what [`Database::write`] returned `Ok` for is on disk
//! (with [`Durability::Full`]); the incarnation of a database never changes while it is open.
//!
//! The embedded engine is SQLite, that of production PostgreSQL. Whatever depends on the engine stands in the private modules `sqlite`
//! and `postgres`, in [`bulk`] and in [`dialect`]; one conformance suite runs on both.
//!
//! Every statement is a span of its own for traces (the feature `tracing-spans` of sea-orm), which is disabled where nobody records any; what such
//! spans are called outside is the word of `tandem-telemetry`.
//!
//! Not for: tables, entities and queries of a service. They live in that service's `store`.

pub mod bulk;
mod database;
mod dialect;
mod error;
mod fingerprint;
mod location;
pub mod outbox;
pub mod page;
mod postgres;
pub mod requests;
mod rows;
mod schema;
mod sqlite;
pub mod tenants;

pub use database::{BoxFuture, Database};
pub use dialect::dialect;
pub use error::StoreError;
pub use fingerprint::fingerprint;
pub use location::Location;
pub use rows::{Reader, Rows};
pub use sqlite::Durability;
