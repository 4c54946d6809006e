//! The fleet as plans count it and rollouts see it: per tenant an index in memory, kept at the inventory's feed.
//!
//! - `index`: classes and collections as bitmaps, and what rollouts are told of each device (`reading`).
//! - `count`: one tenant's index with the world that it covers, and waiting for it.
//! - `follow`: what keeps it current.
//!
//! A tenant is followed from the first plan on that is asked for it: others need no memory. The index is counted anew from a snapshot
//! after a restart, when the inventory was restored, and when surroundings changed by which devices are put in classes: the tenant's
//! facts, a site's, automatic enrolment. A plan waits for that.

mod basis;
mod count;
mod follow;
mod index;
mod reading;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::gauge;
use tandem_client::fleet::SurroundingsReader;
use tandem_domain::id::TenantId;
use tandem_server::names::TenantName;
use tandem_server::{Clock, Supervisor};

pub(crate) use basis::Basis;
pub(crate) use count::{Fleet, FleetCount};
pub(crate) use index::FleetIndex;
pub(crate) use reading::Reading;

use crate::devices::Devices;
use crate::store::Store;
use follow::Follower;

/// What metrics call the followers of this service.
const FOLLOWER: &str = "plans";

/// How often the followers' health is published.
const HEALTH_PERIOD: Duration = Duration::from_secs(1);

/// The fleets that are followed, by tenant. Clones share them.
#[derive(Clone)]
pub(crate) struct Fleets {
    store: Store,
    devices: Devices,
    surroundings: SurroundingsReader,
    clock: Clock,
    supervisor: Supervisor,
    /// Grows with the tenants that plan, one task and one index each.
    counts: Arc<Mutex<BTreeMap<String, Arc<FleetCount>>>>,
}

impl fmt::Debug for Fleets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleets").finish_non_exhaustive()
    }
}

impl Fleets {
    /// `devices` and `surroundings` ask the inventory on the service's own behalf.
    pub(crate) fn new(
        store: Store,
        devices: Devices,
        surroundings: SurroundingsReader,
        clock: Clock,
        supervisor: Supervisor,
    ) -> Self {
        Self { store, devices, surroundings, clock, supervisor, counts: Arc::default() }
    }

    /// Publishes how the followers are doing, until it is dropped: of the worst, as no metric names a tenant.
    pub(crate) async fn publish_health(self) {
        let mut period = tokio::time::interval(HEALTH_PERIOD);
        loop {
            period.tick().await;
            let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let health: Vec<_> = counts.values().map(|count| count.health()).collect();
            drop(counts);
            let lag = health.iter().map(|(lag, _)| *lag).max().unwrap_or_default();
            let failing = health.iter().filter(|(_, gets_on)| !gets_on).count();
            gauge!("tandem_watch_lag_seconds", "follower" => FOLLOWER).set(lag.as_secs_f64());
            gauge!("tandem_watch_followed", "follower" => FOLLOWER).set(health.len() as f64);
            gauge!("tandem_watch_failing", "follower" => FOLLOWER).set(failing as f64);
        }
    }

    /// The fleet of a tenant that exists, whose follower is started unless it runs already.
    pub(crate) fn of(&self, tenant: &TenantName, id: &TenantId) -> Arc<FleetCount> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get(tenant.as_str()) {
            return Arc::clone(count);
        }
        let count = Arc::new(FleetCount::default());
        let follower = Follower::new(self.clone(), tenant.clone(), id.clone(), Arc::clone(&count));
        self.supervisor.spawn_endless(format!("authority follower of {tenant}"), follower.run());
        counts.insert(tenant.to_string(), Arc::clone(&count));
        count
    }
}
