//! What holds for every input.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::registry::Registry;
use super::*;
use crate::identity::{Decision, place};

/// Records of four sources over few keys, so that they meet, contradict each other and change.
fn any_record() -> impl Strategy<Value = RecordIdentity> {
    let sources = select(vec![site("PS1"), site("XYZ"), Source::Intune, Source::Entra]);
    let keys = proptest::collection::vec((select(KeyKind::ALL.to_vec()), 0_u8..3), 0..5);
    (sources, 0_u8..4, keys).prop_map(|(source, number, keys)| {
        RecordIdentity::new(source, format!("r{number}"), keys.into_iter().map(|(kind, n)| key(kind, n)))
    })
}

#[derive(Debug, Clone)]
enum Step {
    Put(RecordIdentity),
    Remove(RecordIdentity),
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![4 => any_record().prop_map(Step::Put), 1 => any_record().prop_map(Step::Remove)];
    proptest::collection::vec(step, 0..40)
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[{]?[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}[}]?",
        "(GUID|guid):[{]?[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}[}]?",
        "[ 0-9A-Za-zßéı-]{0,20}",
    ]
}

/// A true device: one value of each strong kind (its number), and for each source the strong kinds that its record shows.
fn any_device() -> impl Strategy<Value = Vec<(Source, Vec<KeyKind>)>> {
    use KeyKind::{EntraDeviceId, IntuneDeviceId, SmsClientId};
    let shows = |source: Source, kinds: Vec<KeyKind>| {
        let some = subsequence(kinds.clone(), 0..=kinds.len());
        some.prop_map(move |kinds| (source.clone(), kinds))
    };
    let records = (
        shows(Source::Intune, vec![EntraDeviceId, SmsClientId, IntuneDeviceId]),
        shows(site("PS1"), vec![EntraDeviceId, SmsClientId]),
        shows(Source::Entra, vec![EntraDeviceId]),
        shows(Source::Probe, vec![EntraDeviceId, SmsClientId]),
    );
    (records, 0_usize..=4).prop_map(|((intune, site, directory, probe), how_many)| {
        [site, intune, directory, probe].into_iter().take(how_many).collect()
    })
}

fn records_of(devices: &[Vec<(Source, Vec<KeyKind>)>]) -> Vec<RecordIdentity> {
    let numbered = (0_u8..).zip(devices);
    let records = numbered.flat_map(|(number, records)| {
        records.iter().map(move |(source, kinds)| {
            let keys = kinds.iter().map(|&kind| key(kind, number));
            RecordIdentity::new(source.clone(), format!("r{number}"), keys)
        })
    });
    records.collect()
}

/// Records that share a key, directly or through others: computed without `place`.
fn connected(records: &[RecordIdentity]) -> BTreeSet<BTreeSet<(Source, String)>> {
    let mut groups: Vec<Vec<&RecordIdentity>> = Vec::new();
    for record in records {
        let meets = |group: &Vec<&RecordIdentity>| {
            group.iter().any(|other| other.keys().iter().any(|key| record.keys().contains(key)))
        };
        let (met, apart): (Vec<_>, Vec<_>) = groups.into_iter().partition(meets);
        groups = apart;
        groups.push(met.into_iter().flatten().chain([record]).collect());
    }
    let name = |record: &RecordIdentity| (record.source().clone(), record.key().to_owned());
    groups.into_iter().map(|group| group.into_iter().map(name).collect()).collect()
}

/// The records, and their arrivals in any order: each record comes once with only some of its keys and later whole.
fn arrivals() -> impl Strategy<Value = (Vec<RecordIdentity>, Vec<RecordIdentity>)> {
    proptest::collection::vec(any_device(), 0..5).prop_flat_map(|devices| {
        let whole = records_of(&devices);
        let cuts = proptest::collection::vec(0_usize..=3, whole.len());
        let twice: Vec<usize> = (0..whole.len()).chain(0..whole.len()).collect();
        (Just(whole), cuts, Just(twice).prop_shuffle()).prop_map(|(whole, cuts, order)| {
            let mut seen = BTreeSet::new();
            let arrivals = order.into_iter().map(|index| {
                let record = &whole[index];
                let shown = if seen.insert(index) { cuts[index] } else { usize::MAX };
                let keys = record.keys().iter().take(shown).cloned();
                RecordIdentity::new(record.source().clone(), record.key(), keys)
            });
            let arrivals = arrivals.collect();
            (whole, arrivals)
        })
    })
}

proptest! {
    #[test]
    fn key_of_any_text_reads_back_as_itself(kind in select(KeyKind::ALL.to_vec()), text in any_text()) {
        if let Ok(key) = IdentityKey::new(kind, &text) {
            prop_assert_eq!(IdentityKey::new(kind, key.value()), Ok(key));
        }
    }

    #[test]
    fn registry_keeps_its_invariants_through_any_steps(steps in any_steps()) {
        let mut registry = Registry::default();
        for step in steps {
            match step {
                Step::Put(record) => { let _ = registry.put(&record); }
                Step::Remove(record) => registry.remove(&record),
            }
            registry.assert_invariants();
        }
    }

    #[test]
    fn place_does_not_depend_on_the_order_of_holders_and_their_content(steps in any_steps(), record in any_record()) {
        let mut registry = Registry::default();
        for step in steps {
            if let Step::Put(record) = step { let _ = registry.put(&record); }
        }
        let (holders, current) = (registry.holders(&record), registry.current(&record));
        let mut turned = holders.clone();
        turned.reverse();
        for holder in &mut turned {
            holder.keys.reverse();
            holder.records.reverse();
            holder.ambiguous.reverse();
        }
        turned.extend(current.clone());
        let expected = place(&record, &holders, current.as_ref());
        prop_assert_eq!(place(&record, &turned, current.as_ref()), expected);
    }

    #[test]
    fn placed_record_placed_again_changes_nothing(steps in any_steps(), record in any_record()) {
        let mut registry = Registry::default();
        for step in steps {
            if let Step::Put(record) = step { let _ = registry.put(&record); }
        }
        let _ = registry.put(&record);
        let before = registry.clone();
        let again = registry.put(&record);
        prop_assert_eq!((again.merge, again.releases, again.ambiguous), (vec![], vec![], vec![]));
        prop_assert_eq!(format!("{before:?}"), format!("{registry:?}"));
    }

    #[test]
    fn junk_never_joins(texts in proptest::collection::vec(
        select(vec!["0", "None", "to be filled by o.e.m.", "UNKNOWN", "", "0000000", "00000000-0000-0000-0000-000000000000"]),
        1..6,
    )) {
        let mut registry = Registry::default();
        for (number, text) in texts.iter().enumerate() {
            let keys = KeyKind::ALL.into_iter().filter_map(|kind| IdentityKey::new(kind, text).ok());
            let source = if number % 2 == 0 { site("PS1") } else { Source::Intune };
            let placement = registry.put(&RecordIdentity::new(source, format!("r{number}"), keys));
            prop_assert_eq!((placement.decision, placement.claims), (Decision::New, vec![]));
        }
    }

    #[test]
    fn consistent_strong_keys_group_alike_in_every_order((records, arrivals) in arrivals()) {
        let registry = Registry::with(&arrivals);
        registry.assert_invariants();
        prop_assert_eq!(registry.groups(), connected(&records));
        prop_assert_eq!(registry.conflicts(), Vec::<String>::new());
    }
}
