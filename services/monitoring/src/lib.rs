//! Monitoring: how is the fleet doing, and what needs attention?
//!
//! It counts devices, and names the devices behind each number. Per tenant an in-memory *fleet index* keeps, over dense device
//! ordinals, a compressed bitmap per figure and per set of traits that filters look at, and per device the list of its figures, so that
//! a change of one device takes it out of the figures that no longer count it and puts it into those that now do. A figure's number
//! is its bitmap's cardinality (intersected with the devices that a filter takes, when asked), and its list of devices iterates the
//! same bitmap: they are equal by construction.
//!
//! | room | holds |
//! |---|---|
//! | `index` | the figures, which of them count a device, the bitmaps |
//! | `tasks` | the followers, which keep the indexes current |
//! | `grpc` | the handlers of the contract |
//! | [`config`] | what can be configured |
//!
//! A follower watches the inventory: a snapshot, then every change. It asks authority and prerequisites about each batch of changed
//! devices, and about devices whose surroundings changed or whose answers expired. The index lives in memory alone and is
//! counted anew from the inventory's snapshot at start.
//!
//! Invariants: the figures never run ahead of their lists; an answer about an older revision of a device never replaces a newer
//! one; a reader who passes a consistency token never sees an older world.
//!
//! Not for: deciding anything about a device. Who decides a workload is said by authority, what stops a device by prerequisites,
//! which state and category it is in by the domain.

mod clients;
pub mod config;
mod grpc;
mod index;
mod tasks;

use tandem_contracts::monitoring::v1::monitoring_service_server::MonitoringServiceServer;
use tandem_server::{Clock, Supervisor};
use tandem_telemetry::operations::NamedCheck;

pub use clients::Upstream;
pub use grpc::Handlers;
pub use tasks::{FollowMode, FollowerHealth};

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
    followers: tasks::Followers,
}

impl Monitoring {
    /// The service from its parts; its tasks run from now on. To be called within a Tokio runtime.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let followers = tasks::Followers::new(parts.upstream, parts.clock, parts.supervisor);
        followers.start(parts.mode, parts.readiness);
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
