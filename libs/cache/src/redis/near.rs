//! What Redis said within the last second, for devices that are asked for again and again.
//!
//! Each state is kept with the epoch and watermark that it was read with in one step, and is answered again only as long as these may be
//! trusted for the question at hand: less than [`MAX_WATERMARK_AGE`] after the watermark was confirmed, and if it covers what is asked
//! for and whatever hints told of. An answer that no hint reached says nothing that the first one did not: hints make answers fresher, and
//! that they can be lost makes none wrong. That a device is missing is not kept. What this process itself writes is dropped, so that it
//! reads its writes.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use moka::sync::Cache;

use super::layout::View;
use crate::port::{Epoch, Found, MAX_WATERMARK_AGE, Position};

/// What a state costs beside its name and bytes. Measured with this library: a hundred thousand states of a kilobyte made a process larger by
/// 1,600 bytes each.
const OVERHEAD_BYTES: usize = 550;

/// States of the last second, in at most a given number of bytes.
#[derive(Debug)]
pub(super) struct Near {
    /// Numbers of epochs are random, so no two tenants share one.
    seen: Cache<(Epoch, Arc<str>), Seen>,
    /// The epoch in which each tenant was read last; what was seen in another is not found any more.
    epochs: RwLock<HashMap<Box<str>, Epoch>>,
}

#[derive(Debug, Clone)]
struct Seen {
    view: View,
    found: Found,
}

/// What is known of devices, in the order asked for.
type Held = Vec<Option<Found>>;

impl Near {
    pub(super) fn new(capacity: u64) -> Self {
        let weight = |(_, id): &(Epoch, Arc<str>), seen: &Seen| {
            u32::try_from(id.len() + seen.found.value.len() + OVERHEAD_BYTES).unwrap_or(u32::MAX)
        };
        let seen = Cache::builder().max_capacity(capacity).weigher(weight).time_to_live(MAX_WATERMARK_AGE);
        Self { seen: seen.build(), epochs: RwLock::default() }
    }

    /// The states that may be answered again, in the order asked for, all of one epoch: none that is behind what is asked
    /// for or what was heard of.
    pub(super) fn held(
        &self,
        tenant: &str,
        ids: &[&str],
        at_least: Option<Position>,
        heard: Option<Position>,
        now: SystemTime,
    ) -> Option<(Epoch, Held)> {
        let epoch = *self.epochs.read().unwrap_or_else(PoisonError::into_inner).get(tenant)?;
        let held = |id: &&str| {
            let seen = self.seen.get(&(epoch, Arc::from(*id)))?;
            (seen.view.is_trusted(at_least, now) && !heard.is_some_and(|heard| seen.view.is_behind(heard)))
                .then_some(seen.found)
        };
        Some((epoch, ids.iter().map(held).collect()))
    }

    /// Redis answered that.
    pub(super) fn see(&self, tenant: &str, view: View, ids: &[&str], found: &[Option<Found>]) {
        let present = self.epochs.read().unwrap_or_else(PoisonError::into_inner).get(tenant).copied();
        if present != Some(view.epoch) {
            self.epochs.write().unwrap_or_else(PoisonError::into_inner).insert(tenant.into(), view.epoch);
        }
        for (id, found) in ids.iter().zip(found) {
            if let Some(found) = found {
                self.seen.insert((view.epoch, Arc::from(*id)), Seen { view, found: found.clone() });
            }
        }
    }

    /// The device changed in that epoch.
    pub(super) fn drop_device(&self, epoch: Epoch, id: &str) {
        self.seen.invalidate(&(epoch, Arc::from(id)));
    }

    /// The tenant's epoch ended or may have.
    pub(super) fn drop_tenant(&self, tenant: &str) {
        self.epochs.write().unwrap_or_else(PoisonError::into_inner).remove(tenant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_is_answered_again_unless_something_newer_was_heard_of() {
        let (near, epoch, now) = (Near::new(1 << 20), Epoch(7), SystemTime::now());
        let at = |incarnation, revision| Position { incarnation, revision };
        let found = Found { epoch, revision: 4, value: Arc::from(&b"state"[..]) };
        near.see("contoso", View::confirmed(epoch, at(1, 5), now), &["a"], &[Some(found.clone())]);
        for (heard, is_held) in [
            (None, true),
            (Some(at(1, 5)), true),
            (Some(at(1, 6)), false),
            // What another database says is not about this one.
            (Some(at(2, 6)), true),
        ] {
            let expected = Some((epoch, vec![is_held.then(|| found.clone())]));
            assert_eq!(near.held("contoso", &["a"], None, heard, now), expected, "{heard:?}");
        }
        assert_eq!(near.held("contoso", &["a"], Some(at(1, 6)), None, now), Some((epoch, vec![None])));
    }
}
