//! Which manager decides this workload on this device, and why?
//!
//! Owns the co-management policy of each hierarchy as configured there, with its history, and as desired, with the plans that led to it;
//! the rollouts that move devices in waves, what devices were when, and the audit log of all services. Everything else is computed on read by the domain, from a policy, a device and what surrounds it: nothing is fanned out, so a slider that moves for a million devices is
//! one small transaction.
//!
//! Invariants: every answer names the revisions of device and policy that it came from; a reader who passes a consistency token
//! never sees an older world; a tenant's revisions rise in commit order; nothing calls the inventory inside a transaction.
//!
//! Not for: devices, tenants and hierarchies (the inventory's), and any rule of the field (the domain's).

mod audit;
pub mod config;
mod decisions;
mod devices;
mod fleet;
mod ground;
mod grpc;
mod history;
mod judge;
mod rollouts;
mod store;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::SignedDuration;
use tandem_cache::DeviceStateCache;
use tandem_client::Connection;
use tandem_client::fleet::SurroundingsReader;
use tandem_contracts::authority::v1::approval_service_server::ApprovalServiceServer;
use tandem_contracts::authority::v1::audit_service_server::AuditServiceServer;
use tandem_contracts::authority::v1::authority_service_server::AuthorityServiceServer;
use tandem_contracts::authority::v1::plan_service_server::PlanServiceServer;
use tandem_contracts::authority::v1::rollout_service_server::RolloutServiceServer;
use tandem_server::audit::AuditSink;
use tandem_server::process::Pinged;
use tandem_server::{ApiServer, Clock, Supervisor, caller, forget_requests};
use tandem_storage::{Location, StoreError};

pub use audit::signing::{KeyError, SigningKey};
pub use grpc::Handlers;

use decisions::Decisions;
use devices::{Collections, Devices};
use fleet::Fleets;
use history::Histories;
use rollouts::{Controller, Upstream};
use store::Store;
use store::history::forget;

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
    /// Runs what runs beside the calls.
    pub supervisor: Supervisor,
    /// Signs heads of the audit log. Unset: nobody does, and a rewritten log is found out by nobody.
    pub signing_key: Option<SigningKey>,
    /// The file that heads are appended to. Unset: they are in the process's own log alone.
    pub heads_file: Option<PathBuf>,
    /// How long it is known what a device was. Unset: nothing of it is kept.
    pub history: Option<SignedDuration>,
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
    supervisor: Supervisor,
    heads_file: Option<PathBuf>,
    histories: Histories,
    history: Option<SignedDuration>,
}

impl Authority {
    /// Opens the database and brings its schema up to date. The inventory is asked with the first call.
    ///
    /// # Errors
    /// The database cannot be opened or migrated.
    pub async fn open(parts: Parts) -> Result<Self, StoreError> {
        let Parts { database, inventory, cache, clock, supervisor, signing_key, heads_file, history } = parts;
        let store = Store::open(&database).await?;
        let surroundings = SurroundingsReader::new(&inventory, devices::inventory_world);
        let fleet = Devices::new(&inventory.on_own_behalf(), None);
        let tenants = inventory.on_own_behalf().tenants();
        let around = surroundings.clone();
        let histories =
            Histories::new(store.clone(), fleet.clone(), around, tenants, clock, supervisor.clone());
        let fleets =
            Arc::new(Fleets::new(store.clone(), fleet, surroundings.clone(), clock, supervisor.clone()));
        let upstream = Upstream {
            surroundings: surroundings.clone(),
            collections: Collections::new(&inventory.on_own_behalf()),
            fleets: Arc::clone(&fleets),
        };
        let rollouts = Arc::new(Controller::new(store.clone(), upstream, clock));
        let inventory = inventory.with_caller_source(caller::on_behalf);
        let handlers = Handlers {
            store,
            devices: Devices::new(&inventory, cache),
            surroundings,
            fleets,
            hierarchies: inventory.hierarchies(),
            collections: Collections::new(&inventory),
            rollouts,
            clock,
            signing_key,
            keeps_history: history.is_some(),
            grounds: Arc::default(),
            decisions: Arc::new(Decisions::new()),
        };
        Ok(Self { handlers, supervisor, heads_file, histories, history })
    }

    /// The server with this service's contracts added.
    #[must_use]
    pub fn serve_on(&self, server: ApiServer) -> ApiServer {
        server
            .add_service(AuthorityServiceServer::new(self.handlers.clone()))
            .add_service(PlanServiceServer::new(self.handlers.clone()))
            .add_service(ApprovalServiceServer::new(self.handlers.clone()))
            .add_service(RolloutServiceServer::new(self.handlers.clone()))
            .add_service(AuditServiceServer::new(self.handlers.clone()))
    }

    /// Where events of this process go on record.
    #[must_use]
    pub fn audit_sink(&self) -> impl AuditSink {
        audit::Recorded(self.handlers.store.clone())
    }

    /// Starts what runs beside the calls.
    pub fn start_tasks(&self) {
        let supervisor = &self.supervisor;
        let Handlers { store, clock, signing_key, rollouts, .. } = self.handlers.clone();
        match signing_key {
            Some(key) => supervisor.spawn(
                "audit heads",
                audit::heads::run(store.clone(), key, self.heads_file.clone(), supervisor.ending()),
            ),
            None => {
                tracing::warn!("heads of the audit log are not signed: expected a key in `audit.signing_key`")
            }
        }
        supervisor.spawn_endless("authority fleets", (*self.handlers.fleets).clone().publish_health());
        supervisor.spawn("rollouts", rollouts.run(supervisor.ending()));
        if let Some(keep) = self.history {
            supervisor.spawn("histories", self.histories.clone().run(supervisor.ending()));
            let forgetting = forget::run(store.clone(), keep, clock, supervisor.ending());
            supervisor.spawn("authority forget history", forgetting);
        }
        supervisor.spawn(
            "authority forget requests",
            forget_requests::run(store.database, clock, supervisor.ending()),
        );
    }

    /// Looks at every rollout that moves once, as the task does on its own: for whoever needs to know when that is done.
    pub async fn look_at_rollouts(&self) {
        Box::pin(self.handlers.rollouts.pass()).await;
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
