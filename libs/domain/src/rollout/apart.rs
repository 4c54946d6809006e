//! A rollout in two parts, for whoever keeps it: its frame, which is small, and a row for each of its devices.
//!
//! A step changes few devices of many, so only rows that changed need to be written. The batches of the frame name no devices: a device is
//! handed over at most once, so its row says in which batch, and a batch that takes back has the devices of the one that it takes back.

use std::collections::{BTreeMap, HashMap};

use crate::id::DeviceId;
use crate::rollout::state::{Rollout, WaveDevice};

/// A device of a rollout, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRow {
    /// Which.
    pub device: DeviceId,
    /// The wave that has it, from 0.
    pub wave: usize,
    /// The place, from 0, of the batch that hands it over. `None`: it was not handed over.
    pub batch: Option<usize>,
    /// How it fares.
    pub entry: WaveDevice,
}

impl Rollout {
    /// The same without devices.
    #[must_use]
    pub fn frame(&self) -> Self {
        let waves = self.waves.iter().map(|wave| wave.without_devices()).collect();
        let batches = self.batches.iter().map(|batch| batch.without_devices()).collect();
        Self {
            id: self.id.clone(),
            tenant: self.tenant.clone(),
            hierarchy: self.hierarchy.clone(),
            plan: self.plan.clone(),
            spec: self.spec.clone(),
            phase: self.phase,
            because: self.because.clone(),
            held_since: self.held_since,
            waves,
            batches,
        }
    }

    /// The rows of devices that are others than in `before`. A device that is in a rollout stays in it.
    #[must_use]
    pub fn rows_changed(&self, before: &Self) -> Vec<DeviceRow> {
        let mut changed = Vec::new();
        for (wave, state) in self.waves.iter().enumerate() {
            let known = before.waves.get(wave).map(|before| &before.devices);
            let other = state.devices.iter().filter(|(device, entry)| {
                known.and_then(|known| known.get(*device)).is_none_or(|known| known != *entry)
            });
            changed.extend(other.map(|(device, entry)| (wave, device, entry)));
        }
        if changed.is_empty() {
            return Vec::new();
        }
        let handing_over = self.batches.iter().enumerate().filter(|(_, batch)| batch.takes_back.is_none());
        let of_batches =
            handing_over.flat_map(|(place, batch)| batch.devices.iter().map(move |id| (id, place)));
        let batches: HashMap<&DeviceId, usize> = of_batches.collect();
        let row = |(wave, device, entry): (usize, &DeviceId, &WaveDevice)| DeviceRow {
            device: device.clone(),
            wave,
            batch: batches.get(device).copied(),
            entry: entry.clone(),
        };
        changed.into_iter().map(row).collect()
    }

    /// Whether any wave has a device.
    #[must_use]
    pub fn has_devices(&self) -> bool {
        self.waves.iter().any(|wave| !wave.devices.is_empty())
    }

    /// Puts a frame and its rows together again. Rows of waves that the frame does not have are left out.
    #[must_use]
    pub fn assembled(mut self, rows: impl IntoIterator<Item = DeviceRow>) -> Self {
        let mut handed_over: BTreeMap<usize, Vec<DeviceId>> = BTreeMap::new();
        for DeviceRow { device, wave, batch, entry } in rows {
            if let Some(place) = batch {
                handed_over.entry(place).or_default().push(device.clone());
            }
            if let Some(wave) = self.waves.get_mut(wave) {
                wave.devices.insert(device, entry);
            }
        }
        for (place, mut devices) in handed_over {
            devices.sort_unstable();
            if let Some(batch) = self.batches.get_mut(place) {
                batch.devices = devices;
            }
        }
        for place in 0..self.batches.len() {
            if let Some(taken_back) = self.batches[place].takes_back {
                self.batches[place].devices = self.batches[taken_back].devices.clone();
            }
        }
        self
    }
}
