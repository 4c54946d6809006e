//! The fleet as plans count it: per tenant an index in memory, kept at the inventory's feed.
//!
//! - `index`: classes and collections as bitmaps.
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

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use metrics::gauge;
use tandem_client::fleet::SurroundingsReader;
use tandem_domain::id::TenantId;
use tandem_server::names::TenantName;
use tandem_server::{Clock, Supervisor};

pub(crate) use basis::Basis;
pub(crate) use count::{Fleet, FleetCount};

use crate::devices::Devices;
use crate::store::Store;
use follow::Follower;

/// What metrics call the followers of this service.
const FOLLOWER: &str = "authority";

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
        gauge!("tandem_watch_followed", "follower" => FOLLOWER).set(counts.len() as f64);
        count
    }
}
