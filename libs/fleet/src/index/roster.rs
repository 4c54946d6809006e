//! Who is counted: devices by id and by ordinal, and in the order of their ids.
//!
//! Made for a million devices: an id takes 16 bytes in place where it is a UUID, as the inventory's are, and the order is one of
//! ordinals, of 4 bytes each, cut in blocks so that a device finds its place without moving all that follow it.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use roaring::RoaringBitmap;
use uuid::Uuid;

/// Ordinals of one block: enough that there are few blocks, few enough that moving half of them costs nothing.
const BLOCK: usize = 512;

/// A device's id. They are in the order of their texts.
#[derive(Debug, Clone, PartialEq, Eq)]
enum DeviceKey {
    /// A UUID in its usual spelling: its bytes are in the order of its text.
    Uuid(Uuid),
    /// Any other text.
    Other(Box<str>),
}

impl DeviceKey {
    fn of(id: &str) -> Self {
        match Uuid::try_parse(id) {
            Ok(uuid) if uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == id => Self::Uuid(uuid),
            _ => Self::Other(id.into()),
        }
    }

    fn with_text<T>(&self, look: impl FnOnce(&str) -> T) -> T {
        match self {
            Self::Uuid(uuid) => look(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer())),
            Self::Other(text) => look(text),
        }
    }
}

impl Ord for DeviceKey {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Uuid(one), Self::Uuid(other)) => one.cmp(other),
            _ => self.with_text(|one| other.with_text(|other| one.cmp(other))),
        }
    }
}

impl PartialOrd for DeviceKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The devices of an index.
///
/// Ordinals are dense, so that bitmaps over them stay small: those of devices that left are used again.
#[derive(Default)]
pub struct Roster {
    /// By ordinal; `None`: free.
    keys: Vec<Option<DeviceKey>>,
    free: Vec<u32>,
    /// Every ordinal that is in use, in the order of the ids. No block is empty, none longer than [`BLOCK`].
    blocks: Vec<Vec<u32>>,
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roster").field("devices", &self.len()).finish_non_exhaustive()
    }
}

/// Where an ordinal is, or would be.
#[derive(Debug, Clone, Copy)]
struct Place {
    block: usize,
    at: usize,
}

impl Roster {
    /// Whether there is no device.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many devices there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len() - self.free.len()
    }

    /// A device's ordinal.
    #[must_use]
    pub fn ordinal(&self, id: &str) -> Option<u32> {
        let place = self.find(&DeviceKey::of(id)).ok()?;
        self.blocks.get(place.block)?.get(place.at).copied()
    }

    /// A device's id.
    #[must_use]
    pub fn id(&self, ordinal: u32) -> Option<Arc<str>> {
        self.key(ordinal).map(|key| key.with_text(|text| Arc::from(text)))
    }

    /// The device's ordinal, which it is given unless it has one.
    pub fn enter(&mut self, id: &str) -> u32 {
        let key = DeviceKey::of(id);
        let place = match self.find(&key) {
            Ok(Place { block, at }) => return self.blocks[block][at],
            Err(place) => place,
        };
        let ordinal = self.free.pop().unwrap_or_else(|| {
            self.keys.push(None);
            // Memory ends long before 2^32 devices of one tenant.
            u32::try_from(self.keys.len() - 1).unwrap_or(u32::MAX)
        });
        self.keys[ordinal as usize] = Some(key);
        self.insert(place, ordinal);
        ordinal
    }

    /// The device is counted no more.
    pub fn leave(&mut self, ordinal: u32) {
        let Some(Ok(Place { block, at })) = self.key(ordinal).map(|key| self.find(key)) else { return };
        self.blocks[block].remove(at);
        if self.blocks[block].is_empty() {
            self.blocks.remove(block);
        }
        self.keys[ordinal as usize] = None;
        self.free.push(ordinal);
    }

    /// The devices whose ids are after that one, in the order of the ids. `None`: every device.
    pub fn in_order(&self, after: Option<&str>) -> impl Iterator<Item = u32> {
        let first = match after.map(|id| self.find(&DeviceKey::of(id))) {
            Some(Ok(Place { block, at })) => Place { block, at: at + 1 },
            Some(Err(place)) => place,
            None => Place { block: 0, at: 0 },
        };
        let blocks = self.blocks.get(first.block..).unwrap_or_default();
        blocks.iter().flatten().skip(first.at).copied()
    }

    /// The same of some devices: all of them are looked at.
    #[must_use]
    pub fn sorted(&self, devices: &RoaringBitmap, after: Option<&str>) -> Vec<u32> {
        let after = after.map(DeviceKey::of);
        let is_after = |ordinal: &u32| self.key(*ordinal) > after.as_ref();
        let mut sorted: Vec<u32> = devices.iter().filter(is_after).collect();
        sorted.sort_unstable_by(|one, other| self.key(*one).cmp(&self.key(*other)));
        sorted
    }

    fn key(&self, ordinal: u32) -> Option<&DeviceKey> {
        self.keys.get(ordinal as usize)?.as_ref()
    }

    /// Where the ordinal of that id is; or where it would be.
    fn find(&self, key: &DeviceKey) -> Result<Place, Place> {
        let order = |ordinal: &u32| self.key(*ordinal).cmp(&Some(key));
        let later =
            self.blocks.partition_point(|block| block.first().is_some_and(|first| order(first).is_le()));
        // It is in the last block that does not begin behind it; or before all of them.
        let block = later.saturating_sub(1);
        let Some(ordinals) = self.blocks.get(block) else { return Err(Place { block, at: 0 }) };
        let at = ordinals.binary_search_by(order);
        at.map(|at| Place { block, at }).map_err(|at| Place { block, at })
    }

    fn insert(&mut self, Place { block, at }: Place, ordinal: u32) {
        let is_last = block + 1 == self.blocks.len();
        match self.blocks.get_mut(block) {
            Some(ordinals) if ordinals.len() < BLOCK => ordinals.insert(at, ordinal),
            // Devices that come in the order of their ids fill one block after the other.
            Some(_) if at == BLOCK && is_last => self.blocks.push(begun_with(&[ordinal])),
            Some(ordinals) => {
                let later = begun_with(&ordinals[BLOCK / 2..]);
                ordinals.truncate(BLOCK / 2);
                self.blocks.insert(block + 1, later);
                let half = BLOCK / 2;
                let (block, at) = if at > half { (block + 1, at - half) } else { (block, at) };
                self.blocks[block].insert(at, ordinal);
            }
            None => self.blocks.push(begun_with(&[ordinal])),
        }
    }
}

fn begun_with(ordinals: &[u32]) -> Vec<u32> {
    let mut block = Vec::with_capacity(BLOCK);
    block.extend_from_slice(ordinals);
    block
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// UUIDs as the inventory writes them, in other spellings, and ids that are none.
    fn id() -> impl Strategy<Value = String> {
        let uuid = (0..3000_u128).prop_map(|n| Uuid::from_u128(n << 64));
        prop_oneof![
            20 => uuid.clone().prop_map(|uuid| uuid.hyphenated().to_string()),
            1 => uuid.clone().prop_map(|uuid| format!("{uuid:X}")),
            1 => uuid.prop_map(|uuid| uuid.simple().to_string()),
            1 => "[0-9a-z-]{0,3}",
        ]
    }

    #[derive(Debug, Clone)]
    enum Change {
        Enter(String),
        Leave(String),
        /// As many in the order of their ids, as a snapshot brings them.
        EnterMany(u128),
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            8 => id().prop_map(Change::Enter),
            4 => id().prop_map(Change::Leave),
            1 => (0..3000_u128).prop_map(Change::EnterMany),
        ]
    }

    fn apply(roster: &mut Roster, expected: &mut BTreeMap<String, u32>, change: Change) {
        let mut enter = |roster: &mut Roster, id: String| {
            let ordinal = roster.enter(&id);
            expected.insert(id, ordinal);
        };
        match change {
            Change::Enter(id) => enter(roster, id),
            Change::EnterMany(count) => {
                (0..count).for_each(|n| enter(roster, Uuid::from_u128(n << 64).hyphenated().to_string()));
            }
            Change::Leave(id) => {
                let known = expected.remove(&id);
                assert_eq!(roster.ordinal(&id), known);
                known.into_iter().for_each(|ordinal| roster.leave(ordinal));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn roster_is_a_map_in_the_order_of_the_ids(
            changes in prop::collection::vec(change(), 0..300),
            after in id(),
            few in prop::collection::btree_set(0..2000_u32, 0..50),
        ) {
            let (mut roster, mut expected) = (Roster::default(), BTreeMap::new());
            for change in changes {
                apply(&mut roster, &mut expected, change);
            }
            prop_assert_eq!(roster.len(), expected.len());
            let found: BTreeMap<String, u32> =
                roster.in_order(None).map(|ordinal| (roster.id(ordinal).unwrap().to_string(), ordinal)).collect();
            prop_assert_eq!(&found, &expected);
            let in_order = |after: Option<&str>| -> Vec<u32> {
                let those = expected.iter().filter(|(id, _)| after.is_none_or(|after| id.as_str() > after));
                those.map(|(_, ordinal)| *ordinal).collect()
            };
            let few: RoaringBitmap =
                few.into_iter().filter(|ordinal| roster.id(*ordinal).is_some()).collect();
            for after in [None, Some(after.as_str())] {
                prop_assert_eq!(roster.in_order(after).collect::<Vec<_>>(), in_order(after));
                let few_in_order: Vec<u32> = in_order(after).into_iter().filter(|o| few.contains(*o)).collect();
                prop_assert_eq!(roster.sorted(&few, after), few_in_order);
            }
        }
    }

    #[test]
    fn ordinal_of_a_device_that_left_is_used_again() {
        let mut roster = Roster::default();
        let entered = ["c", "a", "b"].map(|id| roster.enter(id));
        roster.leave(entered[1]);
        assert_eq!((entered, roster.enter("d"), roster.enter("d"), roster.len()), ([0, 1, 2], 1, 1, 3));
    }

    #[test]
    fn devices_in_the_order_of_their_ids_fill_their_blocks() {
        let mut roster = Roster::default();
        (0..10 * BLOCK as u128).for_each(|n| _ = roster.enter(&Uuid::from_u128(n).to_string()));
        assert_eq!(roster.blocks.len(), 10);
    }

    #[test]
    fn devices_that_come_in_an_unlucky_order_make_few_blocks() {
        let mut roster = Roster::default();
        let uuid = |n: u128| Uuid::from_u128(n).to_string();
        // Two full blocks with a gap between them, which is filled from its end.
        let (block, gap) = (BLOCK as u128, 10 * BLOCK as u128);
        (0..block).chain(block + gap..2 * block + gap).for_each(|n| _ = roster.enter(&uuid(n)));
        (block..block + gap).rev().for_each(|n| _ = roster.enter(&uuid(n)));
        assert_eq!(roster.len(), 12 * BLOCK);
        assert!(roster.blocks.len() <= 2 * 12, "{}", roster.blocks.len());
        assert!(roster.in_order(None).map(|ordinal| roster.id(ordinal)).is_sorted());
    }
}
