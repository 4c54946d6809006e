//! What every service's store shares: one database with its transactions, the runner of its migrations, set-based statements,
//! page tokens, the record of answered requests, and one mapping of driver errors.
//!
//! - [`Database`]: a writer connection and a pool of readers. Everything that changes data goes through [`Database::write`].
//! - [`StoreError`]: what can go wrong, in words that a service can act on. [`From<sea_orm::DbErr>`] is the only mapping.
//! - [`bulk`]: many rows in one statement. [`page`]: keyset page tokens. [`requests`]: idempotency records.
//!
//! Invariants: a transaction either commits whole or leaves nothing; what [`Database::write`] returned `Ok` for is on disk
//! (with [`Durability::Full`]); the incarnation of a database never changes while it is open.
//!
//! The embedded engine is SQLite. Whatever depends on the engine stands in the private module `sqlite` and in the one match of
//! error codes; another engine adds a module beside it and an `open_…` beside [`Database::open_sqlite`].
//!
//! Not for: tables, entities and queries of a service. They live in that service's `store`.

pub mod bulk;
mod database;
mod error;
mod fingerprint;
pub mod page;
pub mod requests;
mod schema;
mod sqlite;

pub use database::{BoxFuture, Database};
pub use error::StoreError;
pub use fingerprint::fingerprint;
pub use sqlite::Durability;
