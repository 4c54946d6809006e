//! The index against a recount by hand, after any sequence of changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use roaring::RoaringBitmap;
use tandem_domain::filter::{DeviceFilter, DeviceTraits};
use tandem_domain::id::{CollectionId, HierarchyId};
use tandem_domain::state::ManagementState;

use super::*;

type Key = &'static str;

const VOCABULARY: [Key; 6] = ["devices", "ready", "blocked", "win.edition", "entra.joined", "leaving"];

fn hierarchies() -> [HierarchyId; 2] {
    ["PS1", "EU1"].map(|id| HierarchyId::parse(id).unwrap())
}

/// Filters, and members of the collections that they name.
fn selections() -> Vec<(DeviceFilter, Option<Vec<&'static str>>)> {
    let all = DeviceFilter::default;
    let [ps1, eu1] = hierarchies();
    vec![
        (all(), None),
        (DeviceFilter { hierarchies: vec![ps1.clone()], ..all() }, None),
        (DeviceFilter { hierarchies: vec![ps1.clone(), eu1], ..all() }, None),
        (DeviceFilter { display_name_contains: "OF D1".into(), ..all() }, None),
        (all(), Some(vec!["d00", "d03", "d11", "gone"])),
        (all(), Some(vec![])),
        (
            DeviceFilter { hierarchies: vec![ps1], display_name_contains: "1".into(), ..all() },
            Some(vec!["d01", "d02", "d10", "d11"]),
        ),
    ]
}

/// What is said of a device: hierarchy, keys, collections.
type Said = (Option<usize>, BTreeSet<usize>, BTreeSet<u8>);

#[derive(Debug, Clone)]
enum Change {
    /// Device, revision, what else is said of it; whether it was judged in the current surroundings.
    Replace(u8, u64, Said, bool),
    Remove(u8, u64),
    Outdate,
}

fn change() -> impl Strategy<Value = Change> {
    let keys = prop::collection::btree_set(0..VOCABULARY.len(), 0..6);
    let collections = prop::collection::btree_set(0..4_u8, 0..4);
    let said = (prop::option::of(0..2_usize), keys, collections);
    prop_oneof![
        6 => (0..12_u8, 0..20_u64, said, any::<bool>())
            .prop_map(|(device, revision, said, current)| Change::Replace(device, revision, said, current)),
        3 => (0..12_u8, 0..20_u64).prop_map(|(device, revision)| Change::Remove(device, revision)),
        1 => Just(Change::Outdate),
    ]
}

/// What should be counted: revision, what was said, whether current.
type Expected = BTreeMap<String, (u64, Said, bool)>;

fn collection(n: u8) -> CollectionId {
    CollectionId::parse(&format!("PS10004{n}")).unwrap()
}

fn counted(device: &str, revision: u64, (hierarchy, keys, collections): &Said) -> Counted<Key> {
    Counted {
        device: Arc::from(device),
        display_name: format!("PC of {device}"),
        revision,
        traits: DeviceTraits {
            state: ManagementState::CoManaged,
            hierarchy: hierarchy.map(|h| hierarchies()[h].clone()),
            site: None,
            sources: BTreeSet::new(),
            join_type: None,
            os_kind: None,
            client_installed: None,
        },
        collections: collections.iter().map(|n| collection(*n)).collect(),
        keys: keys.iter().map(|key| VOCABULARY[*key]).collect(),
        valid_until: None,
    }
}

fn apply(index: &mut FleetIndex<Key>, expected: &mut Expected, change: Change) {
    match change {
        Change::Replace(device, revision, said, current) => {
            let device = format!("d{device:02}");
            index.replace(counted(&device, revision, &said), current);
            if expected.get(&device).is_none_or(|(seen, ..)| *seen <= revision) {
                expected.insert(device, (revision, said, current));
            }
        }
        Change::Remove(device, revision) => {
            let device = format!("d{device:02}");
            index.remove(&device, revision);
            if expected.get(&device).is_some_and(|(seen, ..)| *seen <= revision) {
                expected.remove(&device);
            }
        }
        Change::Outdate => {
            index.outdate_all();
            expected.values_mut().for_each(|device| device.2 = false);
        }
    }
}

/// All devices of a key, read in pages of that size.
fn drill_through(
    index: &FleetIndex<Key>,
    key: Key,
    within: Option<&RoaringBitmap>,
    size: usize,
) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    loop {
        let page = index.page(&key, within, found.last().map(String::as_str), size).unwrap();
        found.extend(page.devices.iter().map(|listed| {
            assert_eq!(listed.display_name, format!("PC of {}", listed.device));
            listed.device.to_string()
        }));
        if !page.more {
            assert_eq!(page.total, found.len() as u64);
            return found;
        }
    }
}

proptest! {
    #[test]
    fn every_number_equals_a_recount_and_its_own_list(
        changes in prop::collection::vec(change(), 0..60),
        size in 1..5_usize,
    ) {
        let (mut index, mut expected) = (FleetIndex::default(), Expected::new());
        for change in changes {
            apply(&mut index, &mut expected, change);
        }
        for (filter, members) in selections() {
            let within = index.select(&filter, members.as_ref().map(|ids| ids.iter().copied()));
            let takes = |device: &str, said: &Said| {
                let counted = counted(device, 0, said);
                filter.takes(&counted.traits)
                    && filter.name_search().is_none_or(|search| search.takes(&counted.display_name))
                    && members.as_ref().is_none_or(|ids| ids.contains(&device))
            };
            let numbers: BTreeMap<Key, u64> =
                index.numbers(within.as_ref()).into_iter().map(|(key, number)| (*key, number)).collect();
            let mut recount = BTreeMap::new();
            for (place, key) in VOCABULARY.into_iter().enumerate() {
                let devices: Vec<String> = expected
                    .iter()
                    .filter(|(device, (_, said, _))| takes(device, said) && said.1.contains(&place))
                    .map(|(device, _)| device.clone())
                    .collect();
                if index.page(&key, within.as_ref(), None, 1).is_some() {
                    prop_assert_eq!(&drill_through(&index, key, within.as_ref(), size), &devices);
                }
                if !devices.is_empty() {
                    recount.insert(key, devices.len() as u64);
                }
            }
            prop_assert_eq!(numbers, recount);
        }
        let managing: BTreeSet<Option<usize>> = expected.values().map(|(_, said, _)| said.0).collect();
        prop_assert_eq!(index.traits_count(), managing.len());
        prop_assert_eq!(index.len(), expected.len());
        let mut outdated: Vec<String> =
            index.take_pending(100).into_iter().map(|(_, device)| device.to_string()).collect();
        outdated.sort();
        let expected_outdated: Vec<String> =
            expected.iter().filter(|(_, device)| !device.2).map(|(device, _)| device.clone()).collect();
        prop_assert_eq!(index.is_current(), expected_outdated.is_empty());
        prop_assert_eq!(outdated, expected_outdated);
        prop_assert!(!index.has_pending());
        let memberships = index.memberships().collections().map(|(hierarchy, collection, devices)| {
            let ids = devices.iter().map(|ordinal| index.roster.id(ordinal).unwrap().to_string());
            ((hierarchy.clone(), collection.clone()), ids.collect::<BTreeSet<String>>())
        });
        let mut expected_memberships: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for (device, (_, (hierarchy, _, collections), _)) in &expected {
            for (hierarchy, n) in hierarchy.iter().flat_map(|h| collections.iter().map(move |n| (*h, *n))) {
                let key = (hierarchies()[hierarchy].clone(), collection(n));
                expected_memberships.entry(key).or_default().insert(device.clone());
            }
        }
        prop_assert_eq!(memberships.collect::<BTreeMap<_, _>>(), expected_memberships);
    }
}

#[test]
fn what_is_kept_of_a_device_is_small() {
    assert_eq!(size_of::<Option<Entry>>(), 64);
}

fn one(device: &str, revision: u64, keys: &[usize]) -> Counted<Key> {
    counted(device, revision, &(Some(0), keys.iter().copied().collect(), BTreeSet::new()))
}

#[test]
fn key_that_never_counted_a_device_has_no_page() {
    let index = FleetIndex::<Key>::default();
    assert_eq!(index.page(&"devices", None, None, 10), None);
}

#[test]
fn device_that_left_is_not_brought_back_by_a_late_answer() {
    let mut index = FleetIndex::default();
    index.replace(one("a", 1, &[0]), true);
    index.outdate_all();
    let taken = index.take_pending(10);
    index.remove("a", 2);
    index.replace_known(one("a", 1, &[0]), true);
    index.give_back(taken[0].0, "a", false);
    assert_eq!((index.len(), index.numbers(None).len(), index.pending()), (0, 0, 0));
}

#[test]
fn outdated_device_is_taken_once_until_it_is_given_back() {
    let mut index = FleetIndex::default();
    index.replace(one("a", 1, &[0]), true);
    index.outdate_hierarchy(&hierarchies()[0]);
    let taken = index.take_pending(10);
    assert_eq!(taken, [(0, Arc::from("a"))]);
    assert_eq!((index.take_pending(10), index.is_current()), (vec![], false));
    index.give_back(0, "a", false);
    assert_eq!(index.take_pending(10), taken);
}

#[test]
fn devices_become_due_when_their_answer_expires() {
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let mut index = FleetIndex::default();
    index.replace(Counted { valid_until: Some(at("2026-11-20T00:00:00Z")), ..one("a", 1, &[0]) }, true);
    index.replace(Counted { valid_until: Some(at("2026-11-21T00:00:00Z")), ..one("b", 1, &[0]) }, true);
    index.pass_time(at("2026-11-19T23:59:59Z"));
    assert_eq!(index.take_pending(10), []);
    index.pass_time(at("2026-11-20T00:00:00Z"));
    assert_eq!(index.take_pending(10), [(0, Arc::from("a"))]);
    assert!(index.is_current());
    index.pass_time(at("2026-11-22T00:00:00Z"));
    assert_eq!(index.take_pending(10), [(1, Arc::from("b"))]);
}

#[test]
fn equal_lists_of_keys_are_kept_once_and_forgotten_with_their_last_device() {
    let mut index = FleetIndex::default();
    index.replace(one("a", 1, &[0, 1]), true);
    index.replace(one("b", 1, &[1, 0]), true);
    assert_eq!(index.list_count(), 1);
    index.replace(one("a", 2, &[0]), true);
    assert_eq!(index.list_count(), 2);
    index.remove("b", 2);
    assert_eq!(index.list_count(), 1);
}

#[test]
fn keys_that_count_nobody_any_more_are_forgotten_once_there_are_many() {
    let mut index = FleetIndex::<usize>::default();
    let counted = |key: usize, revision: u64| {
        let Counted { device, display_name, traits, .. } = one("a", revision, &[]);
        let (collections, keys) = (Vec::new(), vec![key]);
        Counted { device, display_name, revision, traits, collections, keys, valid_until: None }
    };
    for key in 0..3 * KEPT_KEYS {
        index.replace(counted(key, key as u64), true);
    }
    assert_eq!(index.numbers(None), [(&(3 * KEPT_KEYS - 1), 1)]);
    assert_eq!((index.keys.len(), index.key_ids.len()), (KEPT_KEYS + 1, KEPT_KEYS));
    assert_eq!(index.page(&(3 * KEPT_KEYS - 1), None, None, 10).unwrap().total, 1);
    assert_eq!(index.page(&(3 * KEPT_KEYS - 2), None, None, 10), None);
}
