//! The inventory: what do we know about this device, and who said so?
//!
//! It owns tenants, hierarchies, sites and the facts about them; devices as merged from what each source says; collections and
//! their members. Nobody else reads its tables.
//!
//! | room | holds |
//! |---|---|
//! | [`grpc`](crate::grpc) | thin handlers of the contracts |
//! | [`store`] | entities, migrations, queries, the ingest transaction, the change feed |
//! | [`config`] | what can be configured |
//!
//! Invariants: every write holds its tenant's row, so revisions rise in commit order; what was acknowledged is durable; a
//! device row *is* its place in the change feed.

pub mod config;
pub mod grpc;
pub mod store;

pub use grpc::Handlers;
pub use store::Store;
