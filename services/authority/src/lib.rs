//! Which manager decides this workload on this device, and why?
//!
//! Owns the co-management policy of each hierarchy as configured there, with its history. Everything else is computed on read by
//! the domain, from a policy, a device and what surrounds it: nothing is fanned out, so a slider that moves for a million devices is
//! one small transaction.
//!
//! Invariants: every answer names the revisions of device and policy that it came from; a reader who passes a consistency token
//! never sees an older world; a tenant's revisions rise in commit order; nothing calls the inventory inside a transaction.
//!
//! Not for: devices, tenants and hierarchies (the inventory's), and any rule of the field (the domain's).

pub mod config;
mod decisions;
mod devices;
mod ground;
mod grpc;
mod judge;
mod store;

use std::fmt;
use std::sync::Arc;

use tandem_cache::DeviceStateCache;
use tandem_client::Connection;
use tandem_client::fleet::SurroundingsReader;
use tandem_contracts::authority::v1::authority_service_server::AuthorityServiceServer;
use tandem_server::process::Pinged;
use tandem_server::{Clock, Supervisor, caller, forget_requests};
use tandem_storage::{Location, StoreError};

pub use grpc::Handlers;

use decisions::Decisions;
use devices::Devices;
use store::Store;

/// What the service is assembled from.
#[derive(Clone)]
pub struct Parts {
    /// Its database; made where missing.
    pub database: Location,
    /// The inventory.
    pub inventory: Connection,
    /// Where the inventory keeps the states of devices, to be asked before it is. Unset: only the inventory is asked.
    pub cache: Option<Arc<dyn DeviceStateCache>>,
    /// The time of what is recorded.
    pub clock: Clock,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("database", &self.database).finish_non_exhaustive()
    }
}

/// The authority service, ready to be served.
#[derive(Debug, Clone)]
pub struct Authority {
    handlers: Handlers,
}

impl Authority {
    /// Opens the database and brings its schema up to date. The inventory is asked with the first call.
    ///
    /// # Errors
    /// The database cannot be opened or migrated.
    pub async fn open(parts: Parts) -> Result<Self, StoreError> {
        let Parts { database, inventory, cache, clock } = parts;
        let inventory = inventory.with_caller_source(caller::on_behalf);
        let handlers = Handlers {
            store: Store::open(&database).await?,
            devices: Devices::new(&inventory, cache),
            surroundings: SurroundingsReader::new(&inventory, devices::inventory_world),
            hierarchies: inventory.hierarchies(),
            clock,
            grounds: Arc::default(),
            decisions: Arc::new(Decisions::new()),
        };
        Ok(Self { handlers })
    }

    /// The service, for [`tandem_server::ApiServer::add_service`].
    #[must_use]
    pub fn service(&self) -> AuthorityServiceServer<Handlers> {
        AuthorityServiceServer::new(self.handlers.clone())
    }

    /// Starts what runs beside the calls.
    pub fn start_tasks(&self, supervisor: &Supervisor) {
        let Handlers { store, clock, .. } = self.handlers.clone();
        supervisor.spawn(
            "authority forget requests",
            forget_requests::run(store.database, clock, supervisor.ending()),
        );
    }

    /// Closes the database, after the last call was answered.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.handlers.store.database.close().await
    }
}

impl Pinged for Authority {
    async fn ping(&self) -> Result<(), StoreError> {
        self.handlers.store.database.ping().await
    }
}
