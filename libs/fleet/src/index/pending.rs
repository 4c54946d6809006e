//! Which devices must be judged again although they did not change: their surroundings did, or time passed.

use roaring::RoaringBitmap;

/// Ordinals of devices to judge again.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Judged in surroundings that have changed since.
    outdated: RoaringBitmap,
    /// Judged at a time after which time alone changed the answer.
    due: RoaringBitmap,
    /// Being judged again right now.
    taken: RoaringBitmap,
}

impl Pending {
    /// Surroundings of these devices changed.
    pub(super) fn outdate(&mut self, devices: &RoaringBitmap) {
        self.outdated |= devices;
    }

    /// Time passed for this device.
    pub(super) fn make_due(&mut self, ordinal: u32) {
        self.due.insert(ordinal);
    }

    /// The device was judged, in the current surroundings or in older ones.
    pub(super) fn judged(&mut self, ordinal: u32, current: bool) {
        self.due.remove(ordinal);
        if current {
            self.outdated.remove(ordinal);
        } else {
            self.outdated.insert(ordinal);
        }
    }

    /// There is nothing to judge under this ordinal.
    pub(super) fn forget(&mut self, ordinal: u32) {
        self.outdated.remove(ordinal);
        self.due.remove(ordinal);
    }

    /// Takes up to `limit` devices that are not taken yet: those with older surroundings first, since readers wait for them.
    pub(super) fn take(&mut self, limit: usize) -> Vec<u32> {
        let mut chosen = Vec::new();
        for wanted in [&self.outdated, &self.due] {
            for ordinal in wanted {
                if chosen.len() == limit {
                    return chosen;
                }
                if self.taken.insert(ordinal) {
                    chosen.push(ordinal);
                }
            }
        }
        chosen
    }

    /// A device that was taken is answered for.
    pub(super) fn give_back(&mut self, ordinal: u32) {
        self.taken.remove(ordinal);
    }

    /// Nothing is being judged any more: the answers that were under way are lost.
    pub(super) fn give_back_all(&mut self) {
        self.taken.clear();
    }

    /// Whether there is a device to take.
    pub(super) fn is_waiting(&self) -> bool {
        !self.outdated.is_subset(&self.taken) || !self.due.is_subset(&self.taken)
    }

    /// Every device was judged in the current surroundings.
    pub(super) fn is_current(&self) -> bool {
        self.outdated.is_empty()
    }

    /// How many devices were judged in surroundings that have changed since.
    pub(super) fn outdated(&self) -> u64 {
        self.outdated.len()
    }

    /// How many devices wait to be judged again.
    pub(super) fn len(&self) -> u64 {
        self.outdated.union_len(&self.due)
    }
}
