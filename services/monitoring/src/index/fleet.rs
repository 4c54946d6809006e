//! The index itself: dense ordinals for devices, one bitmap per figure and per set of traits that devices share.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use roaring::RoaringBitmap;
use smol_str::SmolStr;
use tandem_client::fleet::Roster;
use tandem_domain::filter::DeviceTraits;
use tandem_domain::id::HierarchyId;

use super::expiry::Expiry;
use super::figure::Figure;
use super::pending::Pending;

/// A figure's place in the index.
pub(super) type FigureId = u32;

/// A device and the figures that count it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The device's id, the last part of its name.
    pub(crate) device: Arc<str>,
    /// What people call it.
    pub(crate) display_name: String,
    /// The revision of it that was judged.
    pub(crate) revision: u64,
    /// What filters look at of it.
    pub(crate) traits: DeviceTraits,
    /// The figures that count it, each once.
    pub(crate) figures: Vec<Figure>,
    /// When time alone changes them.
    pub(crate) valid_until: Option<Timestamp>,
}

/// The figures that count a device, sorted. In a box, so that a reference to a shared one takes 8 bytes and not 16.
type FigureList = Box<[FigureId]>;

/// What the index keeps of a device, beside its id: 56 bytes, times a million.
#[derive(Debug)]
pub(super) struct Entry {
    /// Names of Windows computers have 15 characters at most, and these lie in place.
    pub(super) display_name: SmolStr,
    pub(super) revision: u64,
    /// Devices with the same traits share them.
    pub(super) traits: Arc<DeviceTraits>,
    /// Devices that are counted alike share one list.
    pub(super) figures: Arc<FigureList>,
    pub(super) expiry: Expiry,
}

/// Which devices each figure counts, for one tenant.
#[derive(Debug, Default)]
pub(crate) struct FleetIndex {
    /// Every figure that ever counted a device.
    pub(super) figure_ids: HashMap<Figure, FigureId>,
    /// By figure id.
    pub(super) figures: Vec<(Figure, RoaringBitmap)>,
    /// The devices with each set of traits: fleets have far fewer of these than devices. None is empty.
    pub(super) alike: HashMap<Arc<DeviceTraits>, RoaringBitmap>,
    pub(super) roster: Roster,
    /// By ordinal; `None`: free.
    pub(super) devices: Vec<Option<Entry>>,
    /// The distinct lists of figures: fleets have far fewer than devices.
    lists: HashSet<Arc<FigureList>>,
    pending: Pending,
    /// No device's answer changes by time alone before this.
    next_due: Expiry,
}

impl FleetIndex {
    /// Counts a device in exactly these figures from now on. `current`: judged in the surroundings that hold now.
    ///
    /// An answer about an older revision than the one counted already is dropped.
    pub(crate) fn replace(&mut self, counted: Counted, current: bool) {
        let Counted { device, display_name, revision, traits, figures, valid_until } = counted;
        let ordinal = self.roster.enter(&device);
        if self.entry(ordinal).is_some_and(|entry| entry.revision > revision) {
            return;
        }
        let figures = self.list_of(figures);
        let old = self.devices.get_mut(ordinal as usize).and_then(Option::take);
        let old_figures = old.as_ref().map(|entry| Arc::clone(&entry.figures));
        self.recount(ordinal, old_figures.as_deref().map_or(&[], |list| list), &figures);
        let old_traits = old.map(|entry| entry.traits);
        let traits = self.settle_among(ordinal, old_traits, traits);
        let expiry = Expiry::at(valid_until);
        let entry = Entry { display_name: display_name.into(), revision, traits, figures, expiry };
        // Ordinals are dense: a new one is the next.
        match self.devices.get_mut(ordinal as usize) {
            Some(place) => *place = Some(entry),
            None => self.devices.push(Some(entry)),
        }
        self.release(old_figures);
        self.pending.judged(ordinal, current);
        self.next_due = self.next_due.min(expiry);
    }

    /// The same for a device that was judged again: it replaces, and never brings back a device that left meanwhile.
    pub(crate) fn replace_known(&mut self, counted: Counted, current: bool) {
        if self.roster.ordinal(&counted.device).is_some() {
            self.replace(counted, current);
        }
    }

    /// Counts a device no more, unless what is counted is newer than its leaving.
    pub(crate) fn remove(&mut self, device: &str, revision: u64) {
        let Some(ordinal) = self.roster.ordinal(device) else { return };
        if self.entry(ordinal).is_some_and(|entry| entry.revision > revision) {
            return;
        }
        if let Some(entry) = self.devices.get_mut(ordinal as usize).and_then(Option::take) {
            self.recount(ordinal, &entry.figures, &[]);
            self.take_from(ordinal, &entry.traits);
            self.release(Some(entry.figures));
        }
        self.pending.forget(ordinal);
        self.roster.leave(ordinal);
    }

    /// Every figure that counts a device, with its number; within a selection of devices or in the fleet.
    pub(crate) fn figures(&self, within: Option<&RoaringBitmap>) -> Vec<(&Figure, u64)> {
        let numbers = self.figures.iter().map(|(figure, devices)| {
            (figure, within.map_or_else(|| devices.len(), |within| devices.intersection_len(within)))
        });
        numbers.filter(|(_, number)| *number > 0).collect()
    }

    /// How many devices are counted.
    pub(crate) fn len(&self) -> usize {
        self.roster.len()
    }

    pub(super) fn entry(&self, ordinal: u32) -> Option<&Entry> {
        self.devices.get(ordinal as usize)?.as_ref()
    }

    /// Surroundings of every device changed.
    pub(crate) fn outdate_all(&mut self) {
        let all: RoaringBitmap = self.roster.in_order(None).collect();
        self.pending.outdate(&all);
    }

    /// Surroundings of a hierarchy's devices changed.
    pub(crate) fn outdate_hierarchy(&mut self, hierarchy: &HierarchyId) {
        let managed = self.alike.iter().filter(|(traits, _)| traits.hierarchy.as_ref() == Some(hierarchy));
        managed.for_each(|(_, devices)| self.pending.outdate(devices));
    }

    /// Finds the devices whose answers time has changed. Looks at the devices only when one of them can be.
    pub(crate) fn pass_time(&mut self, now: Timestamp) {
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
    pub(crate) fn take_pending(&mut self, limit: usize) -> Vec<(u32, Arc<str>)> {
        let taken = self.pending.take(limit);
        taken.into_iter().filter_map(|ordinal| Some((ordinal, self.roster.id(ordinal)?))).collect()
    }

    /// A device that was taken is answered for. `gone`: the inventory has it no more, and will say so in its feed.
    pub(crate) fn give_back(&mut self, ordinal: u32, device: &str, gone: bool) {
        self.pending.give_back(ordinal);
        // It may have left, and another device have its ordinal now.
        if gone && self.roster.ordinal(device) == Some(ordinal) {
            self.pending.forget(ordinal);
        }
    }

    /// What was taken will not be answered for.
    pub(crate) fn give_back_all(&mut self) {
        self.pending.give_back_all();
    }

    /// Whether a device waits to be judged again.
    pub(crate) fn has_pending(&self) -> bool {
        self.pending.is_waiting()
    }

    /// How many devices are to be judged again.
    pub(crate) fn pending(&self) -> u64 {
        self.pending.len()
    }

    /// Every device was judged in the surroundings that hold now.
    pub(crate) fn is_current(&self) -> bool {
        self.pending.is_current()
    }

    /// The list of these figures, shared with the devices that are counted alike.
    fn list_of(&mut self, figures: Vec<Figure>) -> Arc<FigureList> {
        let mut list: Vec<FigureId> = figures.into_iter().map(|figure| self.id_of(figure)).collect();
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

    fn id_of(&mut self, figure: Figure) -> FigureId {
        if let Some(id) = self.figure_ids.get(&figure) {
            return *id;
        }
        // A few hundred fixed figures, and as many as there are versions, error codes and rules.
        let id = FigureId::try_from(self.figures.len()).unwrap_or(FigureId::MAX);
        self.figures.push((figure.clone(), RoaringBitmap::new()));
        self.figure_ids.insert(figure, id);
        id
    }

    /// Forgets a list that no device has any more: beside the caller's, the last reference is the index's own.
    fn release(&mut self, list: Option<Arc<FigureList>>) {
        if let Some(list) = list
            && Arc::strong_count(&list) == 2
        {
            self.lists.remove(&list);
        }
    }

    /// Takes the device out of the figures that only the old list has, and into those that only the new one has.
    fn recount(&mut self, ordinal: u32, old: &[FigureId], new: &[FigureId]) {
        if std::ptr::eq(old, new) {
            return;
        }
        for id in old.iter().filter(|id| new.binary_search(id).is_err()) {
            if let Some((_, devices)) = self.figures.get_mut(*id as usize) {
                devices.remove(ordinal);
            }
        }
        for id in new.iter().filter(|id| old.binary_search(id).is_err()) {
            if let Some((_, devices)) = self.figures.get_mut(*id as usize) {
                devices.insert(ordinal);
            }
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
impl FleetIndex {
    /// How many distinct lists of figures are kept.
    pub(super) fn list_count(&self) -> usize {
        self.lists.len()
    }

    /// How many distinct sets of traits are kept.
    pub(super) fn traits_count(&self) -> usize {
        self.alike.len()
    }
}
