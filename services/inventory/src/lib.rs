//! The inventory: what do we know about this device, and who said so?
//!
//! It owns tenants, hierarchies, sites and the facts about them; devices as merged from what each source says; collections and
//! their members. Nobody else reads its tables.
//!
//! | room | holds |
//! |---|---|
//! | `grpc` | thin handlers of the contracts |
//! | `store` | entities, migrations, queries, the ingest transaction, the change feed |
//! | [`config`] | what can be configured, and the command line |
//!
//! Invariants: every write holds its tenant's row, so revisions rise in commit order; what was acknowledged is durable; a
//! device row *is* its place in the change feed.
//!
//! Not for: deciding anything about a device. Its management state is the domain's word over its facts and its tenant's.

pub mod config;
mod grpc;
mod store;

use std::path::PathBuf;

use tandem_contracts::inventory::v1::collection_service_server::CollectionServiceServer;
use tandem_contracts::inventory::v1::device_service_server::DeviceServiceServer;
use tandem_contracts::inventory::v1::hierarchy_service_server::HierarchyServiceServer;
use tandem_contracts::inventory::v1::tenant_service_server::TenantServiceServer;
use tandem_server::failure::Failure;
use tandem_server::{ApiServer, Clock, Supervisor, forget_requests};
use tandem_storage::{Durability, StoreError};

use grpc::Handlers;
use store::Store;

/// What the service is assembled from.
#[derive(Debug)]
pub struct Parts {
    /// The file of its database; made where missing.
    pub database: PathBuf,
    /// What of it survives a power cut.
    pub durability: Durability,
    /// The time at which something is received.
    pub clock: Clock,
}

/// The inventory, ready to be served. Clones share their database.
#[derive(Debug, Clone)]
pub struct Inventory {
    handlers: Handlers,
}

impl Inventory {
    /// Opens the database and brings its schema up to date.
    ///
    /// # Errors
    /// The database cannot be opened or migrated.
    pub async fn open(parts: Parts) -> Result<Self, Failure> {
        let Parts { database, durability, clock } = parts;
        let store = Store::open(&database, durability).await?;
        Ok(Self { handlers: Handlers { store, clock } })
    }

    /// The server with this service's four contracts added.
    #[must_use]
    pub fn serve_on(&self, server: ApiServer) -> ApiServer {
        server
            .add_service(TenantServiceServer::new(self.handlers.clone()))
            .add_service(HierarchyServiceServer::new(self.handlers.clone()))
            .add_service(DeviceServiceServer::new(self.handlers.clone()))
            .add_service(CollectionServiceServer::new(self.handlers.clone()))
    }

    /// Starts what runs beside the calls.
    pub fn start_tasks(&self, supervisor: &Supervisor) {
        let Handlers { store, clock } = self.handlers.clone();
        let forgetting = forget_requests::run(store.database, clock, supervisor.draining());
        supervisor.spawn("inventory forget requests", forgetting);
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.handlers.store.database.ping().await
    }

    /// Closes the database, after the last call was answered.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.handlers.store.database.close().await
    }
}
