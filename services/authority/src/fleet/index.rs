//! The devices of one tenant as plans count them: cohorts and collections as bitmaps over dense ordinals.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use roaring::RoaringBitmap;
use tandem_domain::id::{CollectionId, HierarchyId};
use tandem_domain::plan::{Cohort, DeviceClass};
use tandem_fleet::index::memberships::digest;
use tandem_fleet::{Memberships, Roster};

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
    group: u32,
    /// A digest of the collections that it is in.
    collections: u64,
    /// The minute in which its class expires.
    due: i64,
    reading: Reading,
}

/// Never.
const NOT_DUE: i64 = i64::MAX;

/// Whose devices are counted alike: of that hierarchy, of that class, and in these of the collections that it is sorted by.
type GroupKey = (Option<HierarchyId>, DeviceClass, BTreeSet<CollectionId>);

/// Devices that are counted alike.
#[derive(Debug)]
struct Group {
    key: GroupKey,
    devices: RoaringBitmap,
}

/// The collections that each hierarchy's devices are sorted by.
pub(crate) type SortedBy = BTreeMap<HierarchyId, BTreeSet<CollectionId>>;

/// Sorted by nothing.
static NOTHING: BTreeSet<CollectionId> = BTreeSet::new();

/// Which devices are in which class and collection.
///
/// Made for a million devices: 20 bytes for the id, some 80 for the entry, and some 2 for each membership.
#[derive(Debug, Default)]
pub(crate) struct FleetIndex {
    roster: Roster,
    /// By ordinal; `None`: free.
    devices: Vec<Option<Entry>>,
    groups: Vec<Group>,
    /// Where in `groups` each is.
    group_ids: HashMap<GroupKey, u32>,
    sorted_by: SortedBy,
    memberships: Memberships,
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
        let Counted { revision, hierarchy, class, collections, valid_until, reading, .. } = counted;
        let digest = digest(&collections);
        // Who is in which collection changes seldom, and a hierarchy has many: they are looked through only then.
        let same_members = old.is_some_and(|old| {
            let was = self.groups.get(old.group as usize);
            old.collections == digest && was.is_some_and(|group| group.key.0 == hierarchy)
        });
        if let Some(old) = old {
            self.take_out(ordinal, old, !same_members);
        }
        let sorted_by = self.sorted_by_of(hierarchy.as_ref());
        let within = collections.iter().filter(|id| sorted_by.contains(*id)).cloned().collect();
        if let Some(hierarchy) = hierarchy.as_ref().filter(|_| !same_members) {
            self.memberships.enter(ordinal, hierarchy, collections);
        }
        let group = self.group((hierarchy, class, within));
        if let Some(group) = self.groups.get_mut(group as usize) {
            group.devices.insert(ordinal);
        }
        let due = valid_until.map_or(NOT_DUE, minute_after);
        if due != NOT_DUE {
            self.due.entry(due).or_default().insert(ordinal);
        }
        self.devices[place] = Some(Entry { revision, group, collections: digest, due, reading });
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
            self.take_out(ordinal, old, true);
            self.devices[place] = None;
        }
        self.roster.leave(ordinal);
    }

    /// How many devices are counted.
    pub(crate) fn len(&self) -> usize {
        self.roster.len()
    }

    /// Sorts the devices of each hierarchy by these collections from now on.
    pub(crate) fn sort_by(&mut self, wanted: SortedBy) {
        if self.sorted_by == wanted {
            return;
        }
        let known: BTreeSet<HierarchyId> = self.sorted_by.keys().chain(wanted.keys()).cloned().collect();
        let before = std::mem::replace(&mut self.sorted_by, wanted);
        for hierarchy in known {
            if before.get(&hierarchy).unwrap_or(&NOTHING) != self.sorted_by_of(Some(&hierarchy)) {
                self.sort_again(&hierarchy);
            }
        }
    }

    fn sort_again(&mut self, hierarchy: &HierarchyId) {
        let sorted_by = self.sorted_by_of(Some(hierarchy)).clone();
        let all: Vec<(DeviceClass, RoaringBitmap)> = self
            .groups
            .iter_mut()
            .filter(|group| group.key.0.as_ref() == Some(hierarchy))
            .map(|group| (group.key.1, std::mem::take(&mut group.devices)))
            .collect();
        let mut parts: BTreeMap<(DeviceClass, BTreeSet<CollectionId>), RoaringBitmap> = BTreeMap::new();
        for (class, devices) in all {
            *parts.entry((class, BTreeSet::new())).or_default() |= devices;
        }
        let nobody = RoaringBitmap::new();
        for collection in sorted_by {
            let members = self.members(hierarchy, &collection).unwrap_or(&nobody);
            let cut = parts.into_iter().flat_map(|((class, within), devices)| {
                let inside = &devices & members;
                let outside = devices - members;
                let also = within.iter().cloned().chain([collection.clone()]).collect();
                [((class, within), outside), ((class, also), inside)]
            });
            parts = cut.filter(|(_, devices)| !devices.is_empty()).collect();
        }
        for ((class, within), devices) in parts {
            let id = self.group((Some(hierarchy.clone()), class, within));
            for ordinal in &devices {
                if let Some(entry) = self.devices.get_mut(ordinal as usize).and_then(Option::as_mut) {
                    entry.group = id;
                }
            }
            if let Some(group) = self.groups.get_mut(id as usize) {
                group.devices |= devices;
            }
        }
    }

    /// The collections that a hierarchy's devices are sorted by.
    pub(crate) fn sorted_by_of(&self, hierarchy: Option<&HierarchyId>) -> &BTreeSet<CollectionId> {
        hierarchy.and_then(|hierarchy| self.sorted_by.get(hierarchy)).unwrap_or(&NOTHING)
    }

    /// The cohorts of a hierarchy's devices.
    pub(crate) fn cohorts(&self, hierarchy: &HierarchyId) -> Vec<Cohort<'_>> {
        let groups = self.groups.iter().filter(|group| !group.devices.is_empty());
        let groups = groups.filter(|group| group.key.0.as_ref() == Some(hierarchy));
        groups
            .map(|Group { key: (_, class, within), devices }| Cohort { class: *class, within, devices })
            .collect()
    }

    /// The devices of a hierarchy that are known to be in a collection of it; `None`: there are none.
    pub(crate) fn members(
        &self,
        hierarchy: &HierarchyId,
        collection: &CollectionId,
    ) -> Option<&RoaringBitmap> {
        self.memberships.members(hierarchy, collection)
    }

    /// The devices of a hierarchy, in no order: ordinal, class and what was read of each.
    pub(crate) fn readings(
        &self,
        hierarchy: &HierarchyId,
    ) -> impl Iterator<Item = (u32, DeviceClass, &Reading)> {
        let groups = self.groups.iter().filter(move |group| group.key.0.as_ref() == Some(hierarchy));
        groups.flat_map(|group| {
            group.devices.iter().filter_map(|ordinal| {
                let entry = self.devices.get(ordinal as usize)?.as_ref()?;
                Some((ordinal, group.key.1, &entry.reading))
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

    fn group(&mut self, key: GroupKey) -> u32 {
        if let Some(known) = self.group_ids.get(&key) {
            return *known;
        }
        // There are some thousands.
        let id = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        self.groups.push(Group { key: key.clone(), devices: RoaringBitmap::new() });
        self.group_ids.insert(key, id);
        id
    }

    fn take_out(&mut self, ordinal: u32, old: Entry, with_collections: bool) {
        if let Some(devices) = self.due.get_mut(&old.due) {
            devices.remove(ordinal);
            if devices.is_empty() {
                self.due.remove(&old.due);
            }
        }
        let Some(group) = self.groups.get_mut(old.group as usize) else { return };
        group.devices.remove(ordinal);
        if let Some(hierarchy) = group.key.0.as_ref().filter(|_| with_collections) {
            self.memberships.leave(ordinal, hierarchy);
        }
    }
}

/// The first minute that is wholly after a moment: a class is read anew at most a minute after it expired.
fn minute_after(until: Timestamp) -> i64 {
    until.as_second().div_euclid(60) + 1
}

#[cfg(test)]
mod tests {
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
                collections: collections.into_iter().map(collection).collect(),
                valid_until: until.map(|minute| Timestamp::from_second(minute * 60 + 30).unwrap()),
                reading: reading(revision),
            })
    }

    #[derive(Debug, Clone)]
    enum Change {
        Replace(Counted),
        Again(Counted),
        Remove(u8, u64),
        /// The devices of the first hierarchy are sorted by other collections.
        Sort(BTreeSet<u8>),
    }

    fn collection(n: u8) -> CollectionId {
        CollectionId::parse(&format!("PS10004{n}")).unwrap()
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            6 => counted().prop_map(Change::Replace),
            1 => counted().prop_map(Change::Again),
            2 => (0..12_u8, 1..5_u64).prop_map(|(n, revision)| Change::Remove(n, revision)),
            1 => proptest::collection::btree_set(0..4_u8, 0..4).prop_map(Change::Sort),
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
            Change::Sort(_) => {}
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
            let mut sorted_by = BTreeSet::new();
            let first = HierarchyId::parse("PS0").unwrap();
            for change in changes {
                match change.clone() {
                    Change::Replace(counted) => index.replace(counted),
                    Change::Again(counted) => index.replace_known(counted),
                    Change::Remove(n, revision) => index.remove(&device(n), revision),
                    Change::Sort(by) => {
                        sorted_by = by.into_iter().map(collection).collect();
                        index.sort_by([(first.clone(), sorted_by.clone())].into());
                    }
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
                let by = if n == 0 { sorted_by.clone() } else { BTreeSet::new() };
                prop_assert_eq!(index.sorted_by_of(Some(&hierarchy)), &by);
                let mut cohorts: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
                for counted in expected.values().filter(|counted| of(counted)) {
                    let within: BTreeSet<_> = counted.collections.iter().filter(|id| by.contains(*id)).cloned().collect();
                    cohorts.entry((counted.class, within)).or_default().insert(counted.device.clone());
                }
                let found = index.cohorts(&hierarchy).into_iter().map(|cohort| {
                    ((cohort.class, cohort.within.clone()), names(&index, Some(cohort.devices)))
                });
                prop_assert_eq!(found.collect::<BTreeMap<_, _>>(), cohorts);
                let read = index.readings(&hierarchy).map(|(ordinal, class, reading)| {
                    (index.id(ordinal).unwrap().to_string(), class, *reading)
                });
                let read: Vec<_> = read.collect();
                prop_assert_eq!(read.len(), such(&of).len());
                for (device, class, reading) in read {
                    prop_assert_eq!((class, reading), (expected[&device].class, expected[&device].reading));
                }
                for n in 0..4 {
                    let collection = collection(n);
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
