//! The inventory: what do we know about this device, and who said so?
//!
//! It owns tenants, hierarchies, sites and the facts about them; devices as merged from what each source says; collections and
//! their members. Nobody else reads its tables.
//!
//! | room | holds |
//! |---|---|
//! | `grpc` | thin handlers of the contracts |
//! | `store` | entities, migrations, queries, the ingest transaction, the change feed |
//! | `tasks` | what keeps the device-state cache at the feed, and hears what other replicas commit |
//! | [`config`] | what can be configured, and the command line |
//!
//! Invariants: every write holds its tenant's row, so revisions rise in commit order; what was acknowledged is durable; a
//! device row *is* its place in the change feed.
//!
//! Not for: deciding anything about a device. Its management state is the domain's word over its facts and its tenant's.

pub mod config;
mod grpc;
mod store;
mod tasks;

use std::fmt;
use std::sync::Arc;

use tandem_cache::{DeviceStateCache, RedisHints};
use tandem_contracts::inventory::v1::collection_service_server::CollectionServiceServer;
use tandem_contracts::inventory::v1::device_service_server::DeviceServiceServer;
use tandem_contracts::inventory::v1::hierarchy_service_server::HierarchyServiceServer;
use tandem_contracts::inventory::v1::tenant_service_server::TenantServiceServer;
use tandem_server::audit::outbox::Outbox;
use tandem_server::process::Pinged;
use tandem_server::{ApiServer, Clock, Supervisor, forget_requests};
use tandem_storage::{Location, StoreError};

use grpc::Handlers;
use store::Store;
use tasks::cache_follower::CacheFollower;
use tasks::hints;

/// What the service is assembled from.
#[derive(Clone)]
pub struct Parts {
    /// Its database; made where missing.
    pub database: Location,
    /// The time at which something is received.
    pub clock: Clock,
    /// Where the states of devices are kept beside the database, for services that decide about many. Unset: nowhere.
    pub cache: Option<Arc<dyn DeviceStateCache>>,
    /// By which its replicas tell each other what they committed. Unset: they find out by looking.
    pub hints: Option<Arc<RedisHints>>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("database", &self.database).finish_non_exhaustive()
    }
}

/// The inventory, ready to be served. Clones share their database.
#[derive(Clone)]
pub struct Inventory {
    handlers: Handlers,
    cache: Option<Arc<dyn DeviceStateCache>>,
}

impl fmt::Debug for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inventory").field("handlers", &self.handlers).finish_non_exhaustive()
    }
}

impl Inventory {
    /// Opens the database and brings its schema up to date.
    ///
    /// # Errors
    /// The database cannot be opened or migrated.
    pub async fn open(parts: Parts) -> Result<Self, StoreError> {
        let Parts { database, clock, cache, hints } = parts;
        let store = Store::open(&database, hints).await?;
        Ok(Self { handlers: Handlers { store, clock }, cache })
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

    /// Where events wait for the audit log.
    #[must_use]
    pub fn audit_outbox(&self) -> Outbox {
        Outbox::of(&self.handlers.store.database)
    }

    /// Starts what runs beside the calls.
    pub fn start_tasks(&self, supervisor: &Supervisor) {
        let Handlers { store, clock } = self.handlers.clone();
        if let Some(cache) = &self.cache {
            let follower = CacheFollower::new(store.clone(), Arc::clone(cache));
            supervisor.spawn_endless("inventory cache follower", follower.run());
        }
        if let Some(others) = &store.others {
            supervisor.spawn_endless("inventory hints", hints::run(store.clone(), Arc::clone(others)));
        }
        let forgetting = forget_requests::run(store.database, clock, supervisor.ending());
        supervisor.spawn("inventory forget requests", forgetting);
    }

    /// Closes the database, after the last call was answered.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.handlers.store.database.close().await
    }
}

impl Pinged for Inventory {
    async fn ping(&self) -> Result<(), StoreError> {
        self.handlers.store.database.ping().await
    }
}
