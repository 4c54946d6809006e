//! Can this device, site or tenant be co-managed by this path? If not, what exactly is missing, and how is it mended?
//!
//! The rules and their evaluators are the domain's; this service reads what they need from the inventory and the authority
//! service, judges, and answers with every finding: expected against found, or the facts that are missing.
//!
//! What is asked of few devices is judged on request. What is asked of fleets is kept (`evaluation`): each device's verdicts, counted,
//! and judged again when the device, what surrounds it or the time changes them.
//!
//! Invariants: an answer is of the world that its consistency token names; what is unknown is never passed; a fleet is never counted
//! in part.
//!
//! | room | holds |
//! |---|---|
//! | `grpc` | thin handlers of the contracts |
//! | [`custom`] | a tenant's own rules: read, checked, asked of devices |
//! | `evaluation`, `summary` | what is kept, and what is counted, of fleets |
//! | `basis` | what is kept of a tenant itself that its devices are judged by |
//! | `store` | entities, migrations, queries: the tenants' own rules, and their settings |
//! | `world` | what is read of the other services |
//! | [`config`] | what can be configured, and the command line |
//!
//! The catalogue is data, attestations are facts of their tenant, verdicts follow from both and are kept in memory. They are judged anew
//! at start, which takes less time than writing and reading them would save.
//!
//! Not for: deciding who has authority. People are known to no source: what is asked of them is judged by the request alone.

mod basis;
pub mod config;
pub mod custom;
mod evaluation;
mod forecast;
mod grpc;
mod judge;
mod store;
mod summary;
mod world;

use std::fmt;
use std::sync::Arc;

use tandem_cache::DeviceStateCache;
use tandem_client::Connection;
use tandem_contracts::prerequisites::v1::custom_rule_service_server::CustomRuleServiceServer;
use tandem_contracts::prerequisites::v1::fleet_evaluation_service_server::FleetEvaluationServiceServer;
use tandem_contracts::prerequisites::v1::prerequisites_service_server::PrerequisitesServiceServer;
use tandem_fleet::{Followers, Sources};
use tandem_server::audit::outbox::Outbox;
use tandem_server::process::Pinged;
use tandem_server::{ApiServer, Clock, Supervisor, forget_requests};
use tandem_storage::{Location, StoreError};

use basis::Bases;
use store::Store;

pub use grpc::Handlers;
pub use tandem_fleet::FollowMode;

/// What the service is made of.
#[derive(Clone)]
pub struct Parts {
    /// Its database; made where missing.
    pub database: Location,
    /// To the inventory service: devices, tenants, sites.
    pub inventory: Connection,
    /// To the authority service: the policies of hierarchies.
    pub authority: Connection,
    /// Where the inventory keeps the states of devices, to be asked before it is. Unset: only the inventory is asked.
    pub cache: Option<Arc<dyn DeviceStateCache>>,
    /// Says which moment rules are judged at.
    pub clock: Clock,
    /// Runs what keeps fleets.
    pub supervisor: Supervisor,
    /// Which tenants' fleets are kept.
    pub mode: FollowMode,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("database", &self.database).finish_non_exhaustive()
    }
}

/// The prerequisites service, ready to be served. Clones share their database.
#[derive(Debug, Clone)]
pub struct Prerequisites {
    handlers: Handlers,
    mode: FollowMode,
    supervisor: Supervisor,
}

impl Pinged for Prerequisites {
    async fn ping(&self) -> Result<(), StoreError> {
        self.handlers.store.database.ping().await
    }
}

impl Prerequisites {
    /// Opens the database and brings its schema up to date; nothing runs yet.
    ///
    /// # Errors
    /// The database cannot be opened or migrated.
    pub async fn open(parts: Parts) -> Result<Self, StoreError> {
        let Parts { database, inventory, authority, cache, clock, supervisor, mode } = parts;
        let store = Store::open(&database).await?;
        let bases = Bases::new(store.clone());
        let followed = Sources::new(&inventory, &authority);
        let judge = evaluation::FleetJudge { clock, bases: bases.clone() };
        let fleets = Followers::new(judge, followed, evaluation::FOLLOWER, clock, supervisor.clone());
        let sources = world::Sources::new(inventory, authority, cache, bases);
        Ok(Self { handlers: Handlers::new(store, sources, clock, fleets), mode, supervisor })
    }

    /// Starts what runs beside the calls.
    pub fn start_tasks(&self) {
        let Handlers { store, clock, fleets, .. } = self.handlers.clone();
        // Checks of devices are answered while fleets are judged: how far those are is no matter of readiness.
        fleets.start(self.mode, None);
        let forgetting = forget_requests::run(store.database, clock, self.supervisor.ending());
        self.supervisor.spawn("prerequisites forget requests", forgetting);
    }

    /// Where events wait for the audit log.
    #[must_use]
    pub fn audit_outbox(&self) -> Outbox {
        Outbox::of(&self.handlers.store.database)
    }

    /// Closes the database, after the last call was answered.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.handlers.store.database.close().await
    }

    /// The server with this service's contracts added.
    #[must_use]
    pub fn serve_on(&self, server: ApiServer) -> ApiServer {
        server
            .add_service(PrerequisitesServiceServer::new(self.handlers.clone()))
            .add_service(FleetEvaluationServiceServer::new(self.handlers.clone()))
            .add_service(CustomRuleServiceServer::new(self.handlers.clone()))
    }
}
