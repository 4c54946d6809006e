//! Monitoring: how is the fleet doing, and what needs attention?
//!
//! It counts devices, and names the devices behind each number. Per tenant a [fleet index](tandem_fleet)
//! keeps a bitmap of devices per figure, current by following the inventory: a figure's number is its bitmap's cardinality (intersected
//! with the devices that a filter takes, when asked), and its list of devices iterates the same bitmap. They are equal by construction.
//!
//! | room | holds |
//! |---|---|
//! | `figures` | the figures, and which of them count a device |
//! | `judge` | asks authority and prerequisites about devices |
//! | `grpc` | the handlers of the contract |
//! | [`config`] | what can be configured |
//!
//! Authority and prerequisites are asked about each batch of changed devices, and about devices whose surroundings changed or whose
//! answers expired. The index lives in memory alone and is counted anew from the inventory's snapshot at start.
//!
//! Invariants: the figures never run ahead of their lists; an answer about an older revision of a device never replaces a newer
//! one; a reader who passes a consistency token never sees an older world; the figures that a watch has told are a dashboard of its cursor.
//!
//! Not for: deciding anything about a device. Who decides a workload is said by authority, what stops a device by prerequisites,
//! which state and category it is in by the domain.

mod clients;
pub mod config;
mod figures;
mod grpc;
mod judge;

use tandem_contracts::monitoring::v1::monitoring_service_server::MonitoringServiceServer;
use tandem_fleet::{Followers, Sources};
use tandem_server::{Clock, Supervisor};
use tandem_telemetry::operations::NamedCheck;

pub use clients::Upstream;
pub use grpc::Handlers;
pub use tandem_fleet::{FollowMode, FollowerHealth};

use judge::Judge;

/// What the followers are called in metrics and logs.
const FOLLOWER: &str = "fleet_index";

/// What the service is made of.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The services that it reads.
    pub upstream: Upstream,
    /// When answers expire, and when something was counted.
    pub clock: Clock,
    /// Runs the followers.
    pub supervisor: Supervisor,
    /// Which tenants are followed.
    pub mode: FollowMode,
    /// Passes while no follower lags far behind. `None`: nobody asks.
    pub readiness: Option<NamedCheck>,
}

/// The service. Clones share their followers.
#[derive(Debug, Clone)]
pub struct Monitoring {
    followers: Followers<Judge>,
}

impl Monitoring {
    /// The service from its parts; its tasks run from now on. To be called within a Tokio runtime.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { upstream, clock, supervisor, mode, readiness } = parts;
        let sources = Sources::new(&upstream.inventory, &upstream.authority);
        let followers = Followers::new(Judge { upstream }, sources, FOLLOWER, clock, supervisor);
        followers.start(mode, readiness);
        Self { followers }
    }

    /// The contract's service, for a server.
    #[must_use]
    pub fn service(&self) -> MonitoringServiceServer<Handlers> {
        MonitoringServiceServer::new(Handlers { followers: self.followers.clone() })
    }

    /// How each follower is doing, by tenant.
    #[must_use]
    pub fn health(&self) -> Vec<FollowerHealth> {
        self.followers.health()
    }
}
