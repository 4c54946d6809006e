//! The devices behind a key, page by page in the order of their names, from the bitmap that is the key's number.

use std::borrow::Cow;
use std::hash::Hash;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::FleetIndex;

/// A device behind a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedDevice {
    /// Its id.
    pub device: Arc<str>,
    /// What people call it.
    pub display_name: String,
}

/// A page of a key's devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// By id.
    pub devices: Vec<ListedDevice>,
    /// How many devices the key counts.
    pub total: u64,
    /// There are devices after these.
    pub more: bool,
}

impl<K: Clone + Eq + Hash> FleetIndex<K> {
    /// Up to `size` devices of a key, within a selection or of the fleet, after the device `after`; `None` for a key that has never
    /// counted a device.
    #[must_use]
    pub fn page(
        &self,
        key: &K,
        within: Option<&RoaringBitmap>,
        after: Option<&str>,
        size: usize,
    ) -> Option<Page> {
        let (_, devices) = self.keys.get(*self.key_ids.get(key)? as usize)?.as_ref()?;
        let devices = within.map_or(Cow::Borrowed(devices), |within| Cow::Owned(within & devices));
        let mut ordinals = self.first_after(&devices, after, size + 1);
        let more = ordinals.len() > size;
        ordinals.truncate(size);
        let listed = ordinals.into_iter().filter_map(|ordinal| {
            let (device, entry) = (self.roster.id(ordinal)?, self.entry(ordinal)?);
            Some(ListedDevice { device, display_name: entry.display_name.as_str().into() })
        });
        Some(Page { devices: listed.collect(), total: devices.len(), more })
    }

    /// How many of these devices a key counts.
    #[must_use]
    pub fn number(&self, key: &K, within: &RoaringBitmap) -> u64 {
        let id = self.key_ids.get(key).map(|id| *id as usize);
        let counted = id.and_then(|id| self.keys.get(id)?.as_ref());
        counted.map_or(0, |(_, devices)| devices.intersection_len(within))
    }

    /// The first `count` of these devices in the order of their ids, after `after`.
    ///
    /// Two ways to the same answer. Walking the ids in order meets one device of the key in `fleet / set` steps; looking at
    /// each device of the key takes `set` steps. The cheaper one needs at most √(count × fleet) steps: some 30,000 for a
    /// page of 1,000 in a fleet of a million.
    fn first_after(&self, devices: &RoaringBitmap, after: Option<&str>, count: usize) -> Vec<u32> {
        let (set, fleet) = (u128::from(devices.len()), self.len() as u128);
        let counted = |ordinal: &u32| devices.contains(*ordinal);
        if set * set > fleet * count as u128 {
            return self.roster.in_order(after).filter(counted).take(count).collect();
        }
        let mut first = self.roster.sorted(devices, after);
        first.truncate(count);
        first
    }
}
