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
//! This service keeps no tables: the catalogue is data, attestations are facts of their tenant, verdicts follow from both and are kept
//! in memory. They are judged anew at start, which takes less time than writing and reading them would save.
//!
//! Not for: deciding who has authority. People are known to no source: what is asked of them is judged by the request alone.

pub mod config;
pub mod custom;
mod evaluation;
mod forecast;
mod grpc;
mod judge;
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
use tandem_server::{ApiServer, Clock, Supervisor};

pub use grpc::Handlers;
pub use tandem_fleet::FollowMode;

/// What the service is made of.
#[derive(Clone)]
pub struct Parts {
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
        f.debug_struct("Parts").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// The prerequisites service.
#[derive(Debug, Clone)]
pub struct Prerequisites(Handlers);

impl Prerequisites {
    /// The service over its two sources; what keeps fleets runs from now on. To be called within a Tokio runtime.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { inventory, authority, cache, clock, supervisor, mode } = parts;
        let followed = Sources::new(&inventory, &authority);
        let judge = evaluation::FleetJudge { clock };
        let fleets = Followers::new(judge, followed, evaluation::FOLLOWER, clock, supervisor);
        // Checks of devices are answered while fleets are judged: how far those are is no matter of readiness.
        fleets.start(mode, None);
        let sources = world::Sources::new(inventory, authority, cache);
        Self(Handlers::new(sources, clock, fleets))
    }

    /// The server with this service's contracts added.
    #[must_use]
    pub fn serve_on(&self, server: ApiServer) -> ApiServer {
        server
            .add_service(PrerequisitesServiceServer::new(self.0.clone()))
            .add_service(FleetEvaluationServiceServer::new(self.0.clone()))
            .add_service(CustomRuleServiceServer::new(self.0.clone()))
    }
}
