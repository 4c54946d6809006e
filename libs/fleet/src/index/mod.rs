//! Which devices are counted under which key: dense ordinals for devices, one bitmap per key and per set of traits that devices share.
//!
//! - [`FleetIndex`]: kept current by replacing one device at a time.
//! - [`select`](FleetIndex::select): the devices that a filter takes, as a bitmap.
//! - [`page`](FleetIndex::page): the devices behind a key, from the same bitmap as its number.
//! - [`Roster`]: devices by id and by ordinal. [`Memberships`]: devices by collection.
//!
//! Invariants, property-tested: after any sequence of replacements and removals every number equals a recount from the devices'
//! own lists of keys, and equals the length of its list of devices, in the fleet and within each filter.
//!
//! Not for: fetching anything, and knowing what time it is.

mod expiry;
mod listing;
pub mod memberships;
mod pending;
mod roster;
mod select;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use jiff::Timestamp;
use roaring::RoaringBitmap;
use smol_str::SmolStr;
use tandem_domain::filter::DeviceTraits;
use tandem_domain::id::{CollectionId, HierarchyId};

use expiry::Expiry;
pub use listing::{ListedDevice, Page};
pub use memberships::Memberships;
use memberships::digest;
use pending::Pending;
pub use roster::Roster;

/// Keys up to which one that counts nobody any more is kept.
const KEPT_KEYS: usize = 10_000;

/// A key's place in the index.
type KeyId = u32;

/// A device and the keys that count it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted<K> {
    /// The device's id, the last part of its name.
    pub device: Arc<str>,
    /// What people call it.
    pub display_name: String,
    /// The revision of it that was judged.
    pub revision: u64,
    /// What filters look at of it.
    pub traits: DeviceTraits,
    /// The collections of its managing hierarchy that it is in. Empty where nobody asks by them.
    pub collections: Vec<CollectionId>,
    /// The keys that count it, each once.
    pub keys: Vec<K>,
    /// When time alone changes them.
    pub valid_until: Option<Timestamp>,
}

/// The keys that count a device, sorted. In a box, so that a reference to a shared one takes 8 bytes and not 16.
type KeyList = Box<[KeyId]>;

/// What the index keeps of a device, beside its id: 64 bytes, times a million.
#[derive(Debug)]
struct Entry {
    /// Names of Windows computers have 15 characters at most, and these lie in place.
    display_name: SmolStr,
    revision: u64,
    /// Devices with the same traits share them.
    traits: Arc<DeviceTraits>,
    /// Devices that are counted alike share one list.
    keys: Arc<KeyList>,
    /// A digest of the collections that it is in: who is in which changes seldom, and a hierarchy has many.
    collections: u64,
    expiry: Expiry,
}

/// Which devices each key counts, for one tenant.
#[derive(Debug)]
pub struct FleetIndex<K> {
    /// Every key that counts a device, and of those that did [`KEPT_KEYS`] at most.
    key_ids: HashMap<K, KeyId>,
    /// By key id; `None`: free.
    keys: Vec<Option<(K, RoaringBitmap)>>,
    free_keys: Vec<KeyId>,
    /// The devices with each set of traits: fleets have far fewer of these than devices. None is empty.
    alike: HashMap<Arc<DeviceTraits>, RoaringBitmap>,
    roster: Roster,
    /// By ordinal; `None`: free.
    devices: Vec<Option<Entry>>,
    /// The distinct lists of keys: fleets have far fewer than devices.
    lists: HashSet<Arc<KeyList>>,
    memberships: Memberships,
    pending: Pending,
    /// No device's answer changes by time alone before this.
    next_due: Expiry,
}

impl<K> Default for FleetIndex<K> {
    fn default() -> Self {
        Self {
            key_ids: HashMap::new(),
            keys: Vec::new(),
            free_keys: Vec::new(),
            alike: HashMap::new(),
            roster: Roster::default(),
            devices: Vec::new(),
            lists: HashSet::new(),
            memberships: Memberships::default(),
            pending: Pending::default(),
            next_due: Expiry::NEVER,
        }
    }
}

impl<K: Clone + Eq + Hash> FleetIndex<K> {
    /// Counts a device under exactly these keys from now on. `current`: judged in the surroundings that hold now.
    ///
    /// An answer about an older revision than the one counted already is dropped.
    pub fn replace(&mut self, counted: Counted<K>, current: bool) {
        let Counted { device, display_name, revision, traits, collections, keys, valid_until } = counted;
        let ordinal = self.roster.enter(&device);
        if self.entry(ordinal).is_some_and(|entry| entry.revision > revision) {
            return;
        }
        let keys = self.list_of(keys);
        let old = self.devices.get_mut(ordinal as usize).and_then(Option::take);
        let old_keys = old.as_ref().map(|entry| Arc::clone(&entry.keys));
        self.recount(ordinal, old_keys.as_deref().map_or(&[], |list| list), &keys);
        let membership = digest(&collections);
        self.move_among(ordinal, old.as_ref(), traits.hierarchy.as_ref(), membership, collections);
        let old_traits = old.map(|entry| entry.traits);
        let traits = self.settle_among(ordinal, old_traits, traits);
        let expiry = Expiry::at(valid_until);
        let display_name = display_name.into();
        let entry = Entry { display_name, revision, traits, keys, collections: membership, expiry };
        // Ordinals are dense: a new one is the next.
        match self.devices.get_mut(ordinal as usize) {
            Some(place) => *place = Some(entry),
            None => self.devices.push(Some(entry)),
        }
        self.release(old_keys);
        self.pending.judged(ordinal, current);
        self.next_due = self.next_due.min(expiry);
    }

    /// The same for a device that was judged again: it replaces, and never brings back a device that left meanwhile.
    pub fn replace_known(&mut self, counted: Counted<K>, current: bool) {
        if self.roster.ordinal(&counted.device).is_some() {
            self.replace(counted, current);
        }
    }

    /// Counts a device no more, unless what is counted is newer than its leaving.
    pub fn remove(&mut self, device: &str, revision: u64) {
        let Some(ordinal) = self.roster.ordinal(device) else { return };
        if self.entry(ordinal).is_some_and(|entry| entry.revision > revision) {
            return;
        }
        if let Some(entry) = self.devices.get_mut(ordinal as usize).and_then(Option::take) {
            self.recount(ordinal, &entry.keys, &[]);
            if let Some(hierarchy) = &entry.traits.hierarchy {
                self.memberships.leave(ordinal, hierarchy);
            }
            self.take_from(ordinal, &entry.traits);
            self.release(Some(entry.keys));
        }
        self.pending.forget(ordinal);
        self.roster.leave(ordinal);
    }

    /// Every key that counts a device, with its number; within a selection of devices or in the fleet.
    #[must_use]
    pub fn numbers(&self, within: Option<&RoaringBitmap>) -> Vec<(&K, u64)> {
        self.numbers_of(within, |_| true)
    }

    /// The same of the keys that are wanted.
    #[must_use]
    pub fn numbers_of(&self, within: Option<&RoaringBitmap>, wanted: impl Fn(&K) -> bool) -> Vec<(&K, u64)> {
        let keys = self.keys.iter().flatten().filter(|(key, _)| wanted(key));
        let numbers = keys.map(|(key, devices)| {
            (key, within.map_or_else(|| devices.len(), |within| devices.intersection_len(within)))
        });
        numbers.filter(|(_, number)| *number > 0).collect()
    }

    /// How many devices are counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.roster.len()
    }

    /// Whether no device is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roster.is_empty()
    }

    /// The devices with each set of traits. None is empty.
    pub fn alike(&self) -> impl Iterator<Item = (&DeviceTraits, &RoaringBitmap)> {
        self.alike.iter().map(|(traits, devices)| (&**traits, devices))
    }

    /// Who is in which collection, as far as the devices were counted with theirs.
    #[must_use]
    pub const fn memberships(&self) -> &Memberships {
        &self.memberships
    }

    fn entry(&self, ordinal: u32) -> Option<&Entry> {
        self.devices.get(ordinal as usize)?.as_ref()
    }

    /// Surroundings of every device changed.
    pub fn outdate_all(&mut self) {
        let all: RoaringBitmap = self.roster.in_order(None).collect();
        self.pending.outdate(&all);
    }

    /// Surroundings of a hierarchy's devices changed.
    pub fn outdate_hierarchy(&mut self, hierarchy: &HierarchyId) {
        let managed = self.alike.iter().filter(|(traits, _)| traits.hierarchy.as_ref() == Some(hierarchy));
        managed.for_each(|(_, devices)| self.pending.outdate(devices));
    }

    /// Finds the devices whose answers time has changed. Looks at the devices only when one of them can be.
    pub fn pass_time(&mut self, now: Timestamp) {
        if !self.next_due.is_past(now) {
            return;
        }
        let mut next_due = Expiry::NEVER;
        for (ordinal, entry) in (0_u32..).zip(&self.devices) {
            match entry.as_ref().map_or(Expiry::NEVER, |entry| entry.expiry) {
                expiry if expiry.is_past(now) => self.pending.make_due(ordinal),
                expiry => next_due = next_due.min(expiry),
            }
        }
        self.next_due = next_due;
    }

    /// Takes up to `limit` devices that must be judged again. Each is taken once, until it is given back.
    pub fn take_pending(&mut self, limit: usize) -> Vec<(u32, Arc<str>)> {
        let taken = self.pending.take(limit);
        taken.into_iter().filter_map(|ordinal| Some((ordinal, self.roster.id(ordinal)?))).collect()
    }

    /// A device that was taken is answered for. `gone`: the inventory has it no more, and will say so in its feed.
    pub fn give_back(&mut self, ordinal: u32, device: &str, gone: bool) {
        self.pending.give_back(ordinal);
        // It may have left, and another device have its ordinal now.
        if gone && self.roster.ordinal(device) == Some(ordinal) {
            self.pending.forget(ordinal);
        }
    }

    /// What was taken will not be answered for.
    pub fn give_back_all(&mut self) {
        self.pending.give_back_all();
    }

    /// Whether a device waits to be judged again.
    pub fn has_pending(&self) -> bool {
        self.pending.is_waiting()
    }

    /// How many devices are to be judged again because their surroundings changed.
    #[must_use]
    pub fn outdated(&self) -> u64 {
        self.pending.outdated()
    }

    /// How many devices are to be judged again.
    pub fn pending(&self) -> u64 {
        self.pending.len()
    }

    /// Every device was judged in the surroundings that hold now.
    pub fn is_current(&self) -> bool {
        self.pending.is_current()
    }

    /// The list of these keys, shared with the devices that are counted alike.
    fn list_of(&mut self, keys: Vec<K>) -> Arc<KeyList> {
        let mut list: Vec<KeyId> = keys.into_iter().map(|key| self.id_of(key)).collect();
        list.sort_unstable();
        list.dedup();
        let list = list.into_boxed_slice();
        if let Some(shared) = self.lists.get(&list) {
            return Arc::clone(shared);
        }
        let list = Arc::new(list);
        self.lists.insert(Arc::clone(&list));
        list
    }

    fn id_of(&mut self, key: K) -> KeyId {
        if let Some(id) = self.key_ids.get(&key) {
            return *id;
        }
        let id = self.free_keys.pop().unwrap_or_else(|| {
            self.keys.push(None);
            // Each is a device's, and memory ends long before 2^32 of them.
            KeyId::try_from(self.keys.len() - 1).unwrap_or(KeyId::MAX)
        });
        if let Some(place) = self.keys.get_mut(id as usize) {
            *place = Some((key.clone(), RoaringBitmap::new()));
        }
        self.key_ids.insert(key, id);
        id
    }

    /// Forgets a list that no device has any more: beside the caller's, the last reference is the index's own.
    fn release(&mut self, list: Option<Arc<KeyList>>) {
        if let Some(list) = list
            && Arc::strong_count(&list) == 2
        {
            self.lists.remove(&list);
        }
    }

    /// Takes the device from under the keys that only the old list has, and puts it under those that only the new one has.
    fn recount(&mut self, ordinal: u32, old: &[KeyId], new: &[KeyId]) {
        if std::ptr::eq(old, new) {
            return;
        }
        for id in old.iter().filter(|id| new.binary_search(id).is_err()) {
            let Some(place) = self.keys.get_mut(*id as usize) else { continue };
            let Some((key, devices)) = place else { continue };
            devices.remove(ordinal);
            // Who asked for a key once finds it empty, but where there are as many as devices can make up.
            if devices.is_empty() && self.key_ids.len() > KEPT_KEYS {
                self.key_ids.remove(key);
                *place = None;
                self.free_keys.push(*id);
            }
        }
        for id in new.iter().filter(|id| old.binary_search(id).is_err()) {
            if let Some((_, devices)) = self.keys.get_mut(*id as usize).and_then(Option::as_mut) {
                devices.insert(ordinal);
            }
        }
    }

    /// Takes the device from its old collections into these, unless they are the same.
    fn move_among(
        &mut self,
        ordinal: u32,
        old: Option<&Entry>,
        hierarchy: Option<&HierarchyId>,
        digest: u64,
        collections: Vec<CollectionId>,
    ) {
        if let Some(old) = old {
            let was = old.traits.hierarchy.as_ref();
            if was == hierarchy && old.collections == digest {
                return;
            }
            if let Some(was) = was {
                self.memberships.leave(ordinal, was);
            }
        }
        if let Some(hierarchy) = hierarchy {
            self.memberships.enter(ordinal, hierarchy, collections);
        }
    }

    /// Puts the device among those with the same traits; answers the traits that they share.
    fn settle_among(
        &mut self,
        ordinal: u32,
        old: Option<Arc<DeviceTraits>>,
        new: DeviceTraits,
    ) -> Arc<DeviceTraits> {
        match old {
            Some(old) if *old == new => return old,
            Some(old) => self.take_from(ordinal, &old),
            None => {}
        }
        let shared = self.alike.get_key_value(&new).map(|(traits, _)| Arc::clone(traits));
        let traits = shared.unwrap_or_else(|| Arc::new(new));
        self.alike.entry(Arc::clone(&traits)).or_default().insert(ordinal);
        traits
    }

    /// Takes the device from among those with the same traits.
    fn take_from(&mut self, ordinal: u32, traits: &Arc<DeviceTraits>) {
        if let Some(devices) = self.alike.get_mut(traits) {
            devices.remove(ordinal);
            if devices.is_empty() {
                self.alike.remove(traits);
            }
        }
    }
}

#[cfg(test)]
impl<K> FleetIndex<K> {
    /// How many distinct lists of keys are kept.
    fn list_count(&self) -> usize {
        self.lists.len()
    }

    /// How many distinct sets of traits are kept.
    fn traits_count(&self) -> usize {
        self.alike.len()
    }
}
