//! The devices of one tenant as plans count them: classes and collections as bitmaps over dense ordinals.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use roaring::RoaringBitmap;
use tandem_client::fleet::Roster;
use tandem_domain::id::{CollectionId, HierarchyId};
use tandem_domain::plan::DeviceClass;

use super::reading::Reading;

/// A device as it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The device's id, the last part of its name.
    pub(crate) device: String,
    /// The revision of it that was judged.
    pub(crate) revision: u64,
    /// Whose policy decides it. `None`: nobody's.
    pub(crate) hierarchy: Option<HierarchyId>,
    pub(crate) class: DeviceClass,
    /// The collections of that hierarchy that contain it.
    pub(crate) collections: Vec<CollectionId>,
    /// When time alone changes its class.
    pub(crate) valid_until: Option<Timestamp>,
    /// What rollouts are told of it.
    pub(crate) reading: Reading,
}

/// What the index keeps of a device.
#[derive(Debug, Clone, Copy)]
struct Entry {
    revision: u64,
    class: u32,
    /// The minute in which its class expires.
    due: i64,
    reading: Reading,
}

/// Never.
const NOT_DUE: i64 = i64::MAX;

/// Devices that are counted alike.
#[derive(Debug)]
struct Group {
    hierarchy: Option<HierarchyId>,
    class: DeviceClass,
    devices: RoaringBitmap,
}

/// Which devices are in which class and collection.
///
/// Made for a million devices: 20 bytes for the id, some 70 for the entry, and some 2 for each membership.
#[derive(Debug, Default)]
pub(crate) struct FleetIndex {
    roster: Roster,
    /// By ordinal; `None`: free.
    devices: Vec<Option<Entry>>,
    groups: Vec<Group>,
    /// Where in `groups` each is.
    group_ids: HashMap<(Option<HierarchyId>, DeviceClass), u32>,
    collections: HashMap<HierarchyId, HashMap<CollectionId, RoaringBitmap>>,
    /// Devices by the minute in which their class expires.
    due: BTreeMap<i64, RoaringBitmap>,
}

impl FleetIndex {
    /// Counts a device as said from now on, unless a later revision of it is counted.
    pub(crate) fn replace(&mut self, counted: Counted) {
        let ordinal = self.roster.enter(&counted.device);
        let place = ordinal as usize;
        if self.devices.len() <= place {
            self.devices.resize(place + 1, None);
        }
        let old = self.devices.get(place).copied().flatten();
        if old.is_some_and(|old| old.revision > counted.revision) {
            return;
        }
        if let Some(old) = old {
            self.take_out(ordinal, old);
        }
        let Counted { revision, hierarchy, class, collections, valid_until, reading, .. } = counted;
        if let Some(hierarchy) = &hierarchy {
            let known = self.collections.entry(hierarchy.clone()).or_default();
            for collection in collections {
                known.entry(collection).or_default().insert(ordinal);
            }
        }
        let group = self.group(hierarchy, class);
        if let Some(group) = self.groups.get_mut(group as usize) {
            group.devices.insert(ordinal);
        }
        let due = valid_until.map_or(NOT_DUE, minute_after);
        if due != NOT_DUE {
            self.due.entry(due).or_default().insert(ordinal);
        }
        self.devices[place] = Some(Entry { revision, class: group, due, reading });
    }

    /// The same for a device that was read again: it never brings back a device that left meanwhile.
    pub(crate) fn replace_known(&mut self, counted: Counted) {
        if self.roster.ordinal(&counted.device).is_some() {
            self.replace(counted);
        }
    }

    /// Counts a device no more, unless what is counted is newer than its leaving.
    pub(crate) fn remove(&mut self, device: &str, revision: u64) {
        let Some(ordinal) = self.roster.ordinal(device) else { return };
        let place = ordinal as usize;
        if let Some(old) = self.devices.get(place).copied().flatten() {
            if old.revision > revision {
                return;
            }
            self.take_out(ordinal, old);
            self.devices[place] = None;
        }
        self.roster.leave(ordinal);
    }

    /// How many devices are counted.
    pub(crate) fn len(&self) -> usize {
        self.roster.len()
    }

    /// The classes of a hierarchy's devices.
    pub(crate) fn classes(&self, hierarchy: &HierarchyId) -> Vec<(DeviceClass, &RoaringBitmap)> {
        let groups = self
            .groups
            .iter()
            .filter(|group| group.hierarchy.as_ref() == Some(hierarchy) && !group.devices.is_empty());
        groups.map(|group| (group.class, &group.devices)).collect()
    }

    /// The devices of a hierarchy that are known to be in a collection of it; `None`: there are none.
    pub(crate) fn members(
        &self,
        hierarchy: &HierarchyId,
        collection: &CollectionId,
    ) -> Option<&RoaringBitmap> {
        self.collections.get(hierarchy)?.get(collection)
    }

    /// The devices of a hierarchy, in no order: ordinal, class and what was read of each.
    pub(crate) fn readings(
        &self,
        hierarchy: &HierarchyId,
    ) -> impl Iterator<Item = (u32, DeviceClass, &Reading)> {
        let groups = self.groups.iter().filter(move |group| group.hierarchy.as_ref() == Some(hierarchy));
        groups.flat_map(|group| {
            group.devices.iter().filter_map(|ordinal| {
                let entry = self.devices.get(ordinal as usize)?.as_ref()?;
                Some((ordinal, group.class, &entry.reading))
            })
        })
    }

    /// The id of a device.
    pub(crate) fn id(&self, ordinal: u32) -> Option<Arc<str>> {
        self.roster.id(ordinal)
    }

    /// Up to `limit` devices whose class time has changed. They are due until they are replaced or removed.
    pub(crate) fn due(&self, now: Timestamp, limit: usize) -> Vec<String> {
        let past = self.due.range(..=now.as_second().div_euclid(60)).flat_map(|(_, devices)| devices);
        past.filter_map(|ordinal| self.roster.id(ordinal)).take(limit).map(|id| id.to_string()).collect()
    }

    fn group(&mut self, hierarchy: Option<HierarchyId>, class: DeviceClass) -> u32 {
        let key = (hierarchy, class);
        if let Some(known) = self.group_ids.get(&key) {
            return *known;
        }
        // A class is one of some thousands.
        let id = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        let (hierarchy, class) = key.clone();
        self.groups.push(Group { hierarchy, class, devices: RoaringBitmap::new() });
        self.group_ids.insert(key, id);
        id
    }

    fn take_out(&mut self, ordinal: u32, old: Entry) {
        if let Some(devices) = self.due.get_mut(&old.due) {
            devices.remove(ordinal);
            if devices.is_empty() {
                self.due.remove(&old.due);
            }
        }
        let Some(group) = self.groups.get_mut(old.class as usize) else { return };
        group.devices.remove(ordinal);
        let collections = group.hierarchy.as_ref().and_then(|hierarchy| self.collections.get_mut(hierarchy));
        if let Some(collections) = collections {
            collections.retain(|_, devices| {
                devices.remove(ordinal);
                !devices.is_empty()
            });
        }
    }
}

/// The first minute that is wholly after a moment: a class is read anew at most a minute after it expired.
fn minute_after(until: Timestamp) -> i64 {
    until.as_second().div_euclid(60) + 1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use tandem_domain::authority::{Reason, Standing};
    use tandem_domain::facts::{DeviceFacts, Fact};
    use tandem_domain::prerequisites::Verdict;
    use tandem_domain::state::ManagementState;

    use super::*;

    fn class(blocked: bool) -> DeviceClass {
        DeviceClass {
            state: ManagementState::JoinedClient,
            standing: Standing { whole_device: Some(Reason::NotEnrolled), resource_access_fixed: Some(true) },
            verdict: if blocked { Verdict::Blocked } else { Verdict::Ready },
        }
    }

    fn device(n: u8) -> String {
        format!("00000000-0000-0000-0000-0000000000{n:02x}")
    }

    /// A reading that tells the revision.
    fn reading(revision: u64) -> Reading {
        let at = Timestamp::from_second(i64::try_from(revision).unwrap()).unwrap();
        let facts = DeviceFacts { last_intune_sync: Some(Fact::new(at, 0)), ..DeviceFacts::default() };
        Reading::of(&facts)
    }

    fn counted() -> impl Strategy<Value = Counted> {
        let collections = proptest::collection::btree_set(0..4_u8, 0..4);
        (
            0..12_u8,
            1..5_u64,
            proptest::option::of(0..2_u8),
            any::<bool>(),
            collections,
            proptest::option::of(0..4_i64),
        )
            .prop_map(|(n, revision, hierarchy, blocked, collections, until)| Counted {
                device: device(n),
                revision,
                hierarchy: hierarchy.map(|n| HierarchyId::parse(&format!("PS{n}")).unwrap()),
                class: class(blocked),
                collections: collections
                    .into_iter()
                    .map(|n| CollectionId::parse(&format!("PS10004{n}")).unwrap())
                    .collect(),
                valid_until: until.map(|minute| Timestamp::from_second(minute * 60 + 30).unwrap()),
                reading: reading(revision),
            })
    }

    #[derive(Debug, Clone)]
    enum Change {
        Replace(Counted),
        Again(Counted),
        Remove(u8, u64),
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            6 => counted().prop_map(Change::Replace),
            1 => counted().prop_map(Change::Again),
            2 => (0..12_u8, 1..5_u64).prop_map(|(n, revision)| Change::Remove(n, revision)),
        ]
    }

    /// The same with a map of devices.
    fn apply(expected: &mut BTreeMap<String, Counted>, change: Change) {
        match change {
            Change::Replace(counted) | Change::Again(counted)
                if expected.get(&counted.device).is_some_and(|old| old.revision > counted.revision) => {}
            Change::Replace(counted) => _ = expected.insert(counted.device.clone(), counted),
            Change::Again(counted) => {
                expected.entry(counted.device.clone()).and_modify(|old| *old = counted);
            }
            Change::Remove(n, revision) => {
                if expected.get(&device(n)).is_some_and(|old| old.revision <= revision) {
                    expected.remove(&device(n));
                }
            }
        }
    }

    fn names(index: &FleetIndex, devices: Option<&RoaringBitmap>) -> BTreeSet<String> {
        let ids = devices.into_iter().flatten().filter_map(|ordinal| index.roster.id(ordinal));
        ids.map(|id| id.to_string()).collect()
    }

    proptest! {
        #[test]
        fn index_holds_what_it_was_told_last(changes in vec(change(), 0..60)) {
            let mut index = FleetIndex::default();
            let mut expected = BTreeMap::new();
            for change in changes {
                match change.clone() {
                    Change::Replace(counted) => index.replace(counted),
                    Change::Again(counted) => index.replace_known(counted),
                    Change::Remove(n, revision) => index.remove(&device(n), revision),
                }
                apply(&mut expected, change);
            }
            prop_assert_eq!(index.len(), expected.len());
            let such = |wanted: &dyn Fn(&Counted) -> bool| -> BTreeSet<String> {
                expected.values().filter(|counted| wanted(counted)).map(|counted| counted.device.clone()).collect()
            };
            for n in 0..2 {
                let hierarchy = HierarchyId::parse(&format!("PS{n}")).unwrap();
                let of = |counted: &Counted| counted.hierarchy.as_ref() == Some(&hierarchy);
                for blocked in [false, true] {
                    let classes = index.classes(&hierarchy);
                    let found = classes.iter().find(|(found, _)| *found == class(blocked)).map(|(_, devices)| *devices);
                    let wanted = such(&|counted| of(counted) && counted.class == class(blocked));
                    prop_assert_eq!(names(&index, found), wanted);
                }
                let read = index.readings(&hierarchy).map(|(ordinal, class, reading)| {
                    (index.id(ordinal).unwrap().to_string(), class, *reading)
                });
                let read: Vec<_> = read.collect();
                prop_assert_eq!(read.len(), such(&of).len());
                for (device, class, reading) in read {
                    prop_assert_eq!((class, reading), (expected[&device].class, expected[&device].reading));
                }
                for n in 0..4 {
                    let collection = CollectionId::parse(&format!("PS10004{n}")).unwrap();
                    let wanted = such(&|counted| of(counted) && counted.collections.contains(&collection));
                    prop_assert_eq!(names(&index, index.members(&hierarchy, &collection)), wanted);
                }
            }
            for minute in 0..6 {
                let now = Timestamp::from_second(minute * 60).unwrap();
                let due: BTreeSet<String> = index.due(now, 100).into_iter().collect();
                // Half past its minute, an answer is read anew with the next whole one.
                let wanted = such(&|counted| counted.valid_until.is_some_and(|until| until.as_second() < minute * 60));
                prop_assert_eq!(due, wanted);
            }
        }
    }
}
