//! What this process knows of its own writes, so that it notices when Redis has lost some.
//!
//! A server that restarts from a snapshot, or a replica that takes over, stands at an earlier moment of the same history: everything up
//! to there is present, everything after it is gone. What it then holds is right for the watermark that it then has. But a follower
//! that goes on as if its last writes were there would confirm what the cache does not hold. So each writer numbers its writes, the
//! epoch notes with each write its number, and a write names the last one that was acknowledged: an epoch that knows less has lost
//! something, and ends. The writes of a tenant are sent one after the other, therefore a noted number vouches for all that were
//! acknowledged before it, also when the library sends a write twice or one arrives long after its caller stopped waiting.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use super::layout::digits;
use crate::port::Epoch;

/// Epochs that are remembered as left. One may come back with a server that lost the end of its history; more do not.
const LEFT: usize = 8;

/// The lineages of all tenants.
#[derive(Debug)]
pub(super) struct Lineages {
    /// This process among the writers.
    writer: u64,
    tenants: Mutex<HashMap<Box<str>, Arc<tokio::sync::Mutex<Lineage>>>>,
}

/// The writes to one tenant.
#[derive(Debug)]
pub(super) struct Lineage {
    writer: u64,
    /// The epoch that was opened last.
    epoch: Option<Epoch>,
    /// The last write in it that is known to be kept.
    acknowledged: u64,
    /// The last write that was sent.
    sent: u64,
    left: VecDeque<Epoch>,
}

impl Lineages {
    pub(super) fn new() -> Self {
        Self { writer: rand::random(), tenants: Mutex::default() }
    }

    /// The tenant's lineage, for one write at a time.
    pub(super) async fn of(&self, tenant: &str) -> OwnedMutexGuard<Lineage> {
        let lineage = {
            let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
            match tenants.get(tenant) {
                Some(lineage) => lineage.clone(),
                None => {
                    let lineage = Arc::new(tokio::sync::Mutex::new(Lineage::new(self.writer)));
                    tenants.entry(tenant.into()).or_insert(lineage).clone()
                }
            }
        };
        lineage.lock_owned().await
    }
}

impl Lineage {
    const fn new(writer: u64) -> Self {
        Self { writer, epoch: None, acknowledged: 0, sent: 0, left: VecDeque::new() }
    }

    /// Whether writes in that epoch can be vouched for.
    pub(super) fn is_in(&self, epoch: Epoch) -> bool {
        self.epoch == Some(epoch)
    }

    /// Numbers a write. Answers the writer, its last acknowledged write and this one, as scripts see them.
    pub(super) fn next(&mut self) -> [String; 3] {
        self.sent += 1;
        [digits(self.writer), digits(self.acknowledged), digits(self.sent)]
    }

    /// The last write that was numbered is kept.
    pub(super) const fn acknowledge(&mut self) {
        self.acknowledged = self.sent;
    }

    /// The epoch that the acknowledged writes are in, then those that were left, as scripts see them.
    pub(super) fn epochs(&self) -> Vec<String> {
        let present = self.epoch.map_or_else(String::new, |epoch| digits(epoch.0));
        std::iter::once(present).chain(self.left.iter().map(|epoch| digits(epoch.0))).collect()
    }

    /// The last write that was numbered opened that epoch.
    pub(super) fn enter(&mut self, epoch: Epoch) {
        if let Some(before) = self.epoch.replace(epoch).filter(|before| *before != epoch) {
            if self.left.len() == LEFT {
                self.left.pop_front();
            }
            self.left.push_back(before);
        }
        self.acknowledge();
    }
}
