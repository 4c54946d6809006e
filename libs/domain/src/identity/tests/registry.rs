//! The rows that the inventory keeps, in memory.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::DeviceId;
use crate::identity::{Conflict, Decision, Holder, IdentityKey, Placement, RecordIdentity, place, released};
use crate::section::Source;

type RecordName = (Source, String);

#[derive(Debug, Default, Clone)]
pub(super) struct Registry {
    keys: BTreeMap<IdentityKey, DeviceId>,
    ambiguous: BTreeSet<IdentityKey>,
    records: BTreeMap<RecordName, (DeviceId, RecordIdentity)>,
    conflicts: BTreeMap<RecordName, Vec<Conflict>>,
    devices_made: usize,
}

fn name(record: &RecordIdentity) -> RecordName {
    (record.source().clone(), record.key().to_owned())
}

impl Registry {
    pub(super) fn with(records: &[RecordIdentity]) -> Self {
        let mut registry = Self::default();
        for record in records {
            let _ = registry.put(record);
        }
        registry
    }

    /// Places the record and applies the answer.
    pub(super) fn put(&mut self, record: &RecordIdentity) -> Placement {
        let placement = place(record, &self.holders(record), self.current(record).as_ref());
        self.apply(record, &placement);
        placement
    }

    pub(super) fn remove(&mut self, record: &RecordIdentity) {
        let Some(holder) = self.current(record) else { return };
        for key in released(&self.records[&name(record)].1, &holder) {
            self.keys.remove(&key);
            self.ambiguous.remove(&key);
        }
        self.records.remove(&name(record));
        self.conflicts.remove(&name(record));
        let claimants: Vec<_> = self
            .conflicts
            .iter()
            .filter(|(_, conflicts)| conflicts.iter().any(|conflict| conflict.holder == holder.device))
            .map(|(claimant, _)| self.records[claimant].1.clone())
            .collect();
        for claimant in claimants {
            let _ = self.put(&claimant);
        }
    }

    pub(super) fn holders(&self, record: &RecordIdentity) -> Vec<Holder> {
        let devices: BTreeSet<_> = record.keys().iter().filter_map(|key| self.keys.get(key)).collect();
        devices.into_iter().map(|device| self.holder(device)).collect()
    }

    pub(super) fn current(&self, record: &RecordIdentity) -> Option<Holder> {
        self.records.get(&name(record)).map(|(device, _)| self.holder(device))
    }

    fn holder(&self, device: &DeviceId) -> Holder {
        let keys: Vec<_> =
            self.keys.iter().filter(|(_, holder)| *holder == device).map(|(key, _)| key.clone()).collect();
        let records = self.records.values().filter(|(on, _)| on == device).map(|(_, record)| record.clone());
        Holder {
            device: device.clone(),
            ambiguous: keys.iter().filter(|key| self.ambiguous.contains(key)).cloned().collect(),
            keys,
            records: records.collect(),
        }
    }

    fn apply(&mut self, record: &RecordIdentity, placement: &Placement) {
        let survivor = match &placement.decision {
            Decision::Existing(device) | Decision::Join { device, .. } => device.clone(),
            Decision::New => {
                self.devices_made += 1;
                DeviceId::parse(&format!("d{:03}", self.devices_made)).unwrap()
            }
        };
        for key in &placement.releases {
            self.keys.remove(key);
            self.ambiguous.remove(key);
        }
        let merged = |device: &DeviceId| placement.merge.contains(device);
        let devices = self.keys.values_mut().chain(self.records.values_mut().map(|(device, _)| device));
        let holders = self.conflicts.values_mut().flatten().map(|conflict| &mut conflict.holder);
        for device in devices.chain(holders).filter(|device| merged(device)) {
            *device = survivor.clone();
        }
        self.records.insert(name(record), (survivor.clone(), record.clone()));
        for key in &placement.claims {
            let former = self.keys.insert(key.clone(), survivor.clone());
            assert!(former.is_none_or(|device| device == survivor), "{key} was taken from another device");
        }
        self.ambiguous.extend(placement.ambiguous.iter().cloned());
        self.conflicts.insert(name(record), placement.conflicts.clone());
        let (keys, records) = (&self.keys, &self.records);
        self.conflicts.retain(|claimant, conflicts| {
            conflicts.retain(|conflict| keys.get(&conflict.key) != Some(&records[claimant].0));
            !conflicts.is_empty()
        });
    }

    /// The records of each device.
    pub(super) fn groups(&self) -> BTreeSet<BTreeSet<RecordName>> {
        let mut groups: BTreeMap<&DeviceId, BTreeSet<RecordName>> = BTreeMap::new();
        for (record, (device, _)) in &self.records {
            groups.entry(device).or_default().insert(record.clone());
        }
        groups.into_values().collect()
    }

    /// Who got no key that it brings, and who holds it.
    pub(super) fn conflicts(&self) -> Vec<String> {
        self.conflicts.values().flatten().map(ToString::to_string).collect()
    }

    pub(super) fn device_of(&self, record: &RecordIdentity) -> &DeviceId {
        &self.records[&name(record)].0
    }

    /// What holds after every step, whatever was put in.
    pub(super) fn assert_invariants(&self) {
        let mut sources = BTreeSet::new();
        for ((source, _), (device, _)) in &self.records {
            assert!(sources.insert((device, source)), "{device} has two records of {source}");
        }
        let mut values = BTreeSet::new();
        for (key, device) in &self.keys {
            let brought =
                self.records.values().any(|(on, record)| on == device && record.keys().contains(key));
            assert!(brought, "{device} holds {key}, which none of its records brings");
            assert!(
                !key.is_strong() || values.insert((device, key.kind())),
                "{device} has two of {}",
                key.kind()
            );
        }
        for (claimant, (device, record)) in &self.records {
            for key in record.keys().iter().filter(|&key| self.keys.get(key) != Some(device)) {
                let conflicts = self.conflicts.get(claimant).map(Vec::as_slice).unwrap_or_default();
                let told = conflicts.iter().any(|conflict| conflict.key == *key);
                assert!(told, "{claimant:?} lacks {key} without a conflict");
            }
        }
    }
}
