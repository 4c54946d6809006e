//! Can this device, site or tenant be co-managed by this path? If not, what exactly is missing, and how is it mended?
//!
//! The rules and their evaluators are the domain's; this service reads what they need from the inventory and the authority
//! service, judges, and answers with every finding: expected against found, or the facts that are missing.
//!
//! Invariants: an answer is computed on request and is of the world that its consistency token names; what is unknown is never
//! passed; a fleet is never counted in part.
//!
//! This service keeps no tables: the catalogue is data, attestations are facts of their tenant, verdicts follow from both. The
//! last verdict per device gets its room, `store/`, when verdicts are kept current from the watch.
//!
//! Not for: deciding who has authority. People are known to no source: what is asked of them is judged by the request alone.

pub mod config;
mod forecast;
mod grpc;
mod judge;
mod summary;
mod world;

use std::fmt;
use std::sync::Arc;

use tandem_cache::DeviceStateCache;
use tandem_client::Connection;
use tandem_contracts::prerequisites::v1::prerequisites_service_server::PrerequisitesServiceServer;
use tandem_server::Clock;

pub use grpc::Handlers;

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
    /// The service over its two sources. Asks nothing yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let sources = world::Sources::new(parts.inventory, parts.authority, parts.cache);
        Self(Handlers::new(sources, parts.clock))
    }

    /// What an [`tandem_server::ApiServer`] serves.
    #[must_use]
    pub fn service(&self) -> PrerequisitesServiceServer<Handlers> {
        PrerequisitesServiceServer::new(self.0.clone())
    }
}
