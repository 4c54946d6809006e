//! Keeps the device-state cache at the change feed, for every tenant.
//!
//! One task looks at the heads of all tenants several times a second, and whenever something was committed in this process. A
//! tenant that moved has the feed after its place told to the cache, a page at a time; at the end of the feed the watermark moves
//! to the head, and while nothing happens it is confirmed there. What was there before a cache began empty follows in between.
//!
//! Invariants: a place moves only after the cache took what lies before it, so a page that failed is told again; the watermark
//! moves only after a page that was not full, for a device that changes while a longer feed is read moves to its end; the time
//! of a confirmation is before the head was read. Any number of replicas may follow side by side.
//!
//! A cache that fails costs its readers speed and nothing else, so no failure ends the task.

mod tenant;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;
use futures::stream::{self, FuturesUnordered};
use futures::{FutureExt, StreamExt};
use metrics::{counter, gauge};
use tandem_cache::DeviceStateCache;
use tandem_server::failure::chain;
use tandem_storage::Rows;

use self::tenant::{Followed, Progress};
use crate::store::{Store, tenants};

/// What this follower is called in metrics.
const FOLLOWER: &str = "device_cache";

/// How often an idle tenant's watermark is confirmed, and tenants that were made elsewhere are found: a quarter of the age at
/// which readers stop trusting it.
const HEARTBEAT: Duration = Duration::from_millis(250);

/// The pause after a page that fills a cache that began empty: filling is of use to readers, but never in their way.
const FILL_PAUSE: Duration = Duration::from_millis(20);

/// Tenants whose feeds are read at once: half of the readers of the embedded database stay free for callers.
const AT_ONCE: usize = 2;

/// Follows every tenant of this database.
pub(crate) struct CacheFollower {
    store: Store,
    cache: Arc<dyn DeviceStateCache>,
    tenants: BTreeMap<String, Followed>,
    /// The heads could not be read when they were last looked at.
    blind: bool,
}

impl CacheFollower {
    pub(crate) fn new(store: Store, cache: Arc<dyn DeviceStateCache>) -> Self {
        Self { store, cache, tenants: BTreeMap::new(), blind: false }
    }

    /// Follows until it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            let pause = match self.round().await {
                Progress::Behind => continue,
                Progress::Filling => FILL_PAUSE,
                Progress::AtHead => HEARTBEAT,
            };
            // Either something was committed, or it is time to confirm, and to look for what another process committed.
            let _ = tokio::time::timeout(pause, self.hinted()).await;
        }
    }

    /// Takes every tenant a step on, by the heads as they are now. Answers how far the one that is furthest behind got.
    async fn round(&mut self) -> Progress {
        let now = SystemTime::now();
        match tenants::heads(&self.store.database.reader(Rows::OfEveryTenant)).await {
            Ok(heads) => {
                self.blind = false;
                self.steps(heads, now).await
            }
            Err(failure) => {
                if !std::mem::replace(&mut self.blind, true) {
                    tracing::warn!(error = chain(&failure), "device-state cache is not followed");
                }
                counter!("tandem_watch_errors_total", "follower" => FOLLOWER).increment(1);
                self.publish();
                Progress::AtHead
            }
        }
    }

    async fn steps(&mut self, heads: Vec<(String, u64)>, now: SystemTime) -> Progress {
        for (tenant, _) in &heads {
            if !self.tenants.contains_key(tenant) {
                self.tenants.insert(tenant.clone(), Followed::new(self.store.hints(tenant)));
            }
        }
        let heads: BTreeMap<String, u64> = heads.into_iter().collect();
        self.tenants.retain(|tenant, _| heads.contains_key(tenant));
        let (store, cache) = (&self.store, &*self.cache);
        let mut steps: Vec<BoxFuture<'_, Progress>> = Vec::with_capacity(heads.len());
        // Both are in the order of the tenants.
        for ((tenant, followed), head) in self.tenants.iter_mut().zip(heads.values()) {
            steps.push(followed.step(store, cache, tenant, *head, now).boxed());
        }
        let progress = stream::iter(steps).buffer_unordered(AT_ONCE);
        let furthest_behind = progress.fold(Progress::AtHead, async |all, one| all.max(one)).await;
        self.publish();
        furthest_behind
    }

    /// Waits until something is committed in this process.
    async fn hinted(&mut self) {
        let mut hints: FuturesUnordered<_> = self.tenants.values_mut().map(Followed::hinted).collect();
        if hints.next().await.is_none() {
            std::future::pending().await
        }
    }

    /// How long ago the cache was last known to be complete, for the tenant for which that is longest, and how many fail.
    fn publish(&self) {
        let lag = self.tenants.values().map(Followed::lag).max().unwrap_or_default();
        let failing = self.tenants.values().filter(|followed| followed.is_failing()).count();
        gauge!("tandem_watch_lag_seconds", "follower" => FOLLOWER).set(lag.as_secs_f64());
        gauge!("tandem_watch_followed", "follower" => FOLLOWER).set(self.tenants.len() as f64);
        gauge!("tandem_watch_failing", "follower" => FOLLOWER).set(failing as f64);
    }
}
