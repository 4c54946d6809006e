//! Devices by the collections of their managing hierarchies.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use tandem_domain::id::{CollectionId, HierarchyId};
use tandem_storage::fingerprint;

/// Who is in which collection. Some 2 bytes for each membership.
#[derive(Debug, Default)]
pub struct Memberships {
    /// No set is empty.
    hierarchies: HashMap<HierarchyId, HashMap<CollectionId, RoaringBitmap>>,
}

impl Memberships {
    /// The device is in these collections of that hierarchy, and in none before.
    pub fn enter(&mut self, ordinal: u32, hierarchy: &HierarchyId, collections: Vec<CollectionId>) {
        if collections.is_empty() {
            return;
        }
        if !self.hierarchies.contains_key(hierarchy) {
            self.hierarchies.insert(hierarchy.clone(), HashMap::new());
        }
        let Some(known) = self.hierarchies.get_mut(hierarchy) else { return };
        for collection in collections {
            known.entry(collection).or_default().insert(ordinal);
        }
    }

    /// The device is in none of the hierarchy's collections any more. All of them are looked through.
    pub fn leave(&mut self, ordinal: u32, hierarchy: &HierarchyId) {
        if let Some(collections) = self.hierarchies.get_mut(hierarchy) {
            collections.retain(|_, devices| {
                devices.remove(ordinal);
                !devices.is_empty()
            });
        }
    }

    /// The devices of a hierarchy that are known to be in a collection of it; `None`: there are none.
    #[must_use]
    pub fn members(&self, hierarchy: &HierarchyId, collection: &CollectionId) -> Option<&RoaringBitmap> {
        self.hierarchies.get(hierarchy)?.get(collection)
    }

    /// Every collection that has members, in no order.
    pub fn collections(&self) -> impl Iterator<Item = (&HierarchyId, &CollectionId, &RoaringBitmap)> {
        self.hierarchies.iter().flat_map(|(hierarchy, collections)| {
            collections.iter().map(move |(collection, devices)| (hierarchy, collection, devices))
        })
    }
}

/// The same for the same collections, whose order does not matter.
#[must_use]
pub fn digest(collections: &[CollectionId]) -> u64 {
    let mut ids: Vec<&[u8]> = collections.iter().map(|id| id.as_str().as_bytes()).collect();
    ids.sort_unstable();
    fingerprint(&ids)
}
