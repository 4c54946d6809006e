//! What a batch touches, loaded once and changed in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use prost::bytes::Bytes;
use tandem_domain::id::DeviceId;
use tandem_domain::identity::{Conflict, Holder, IdentityKey, RecordIdentity};
use tandem_domain::section::{Memberships, Section, Source};

/// A stored section of a record.
#[derive(Debug, Clone)]
pub(crate) struct StoredSection {
    /// When it was said, nanoseconds since 1970.
    pub(crate) observed_at: i64,
    /// Order among sections of the same time.
    pub(crate) sequence: i64,
    /// The source named a later time.
    pub(crate) clamped: bool,
    /// Greatest time and sequence with which the source spoke from the future, whether that is what is stored or not: the same
    /// said again is not newer for being clamped to a later receipt.
    pub(crate) ahead: Option<(i64, i64)>,
    /// As stored.
    pub(crate) bytes: Bytes,
    /// As said.
    pub(crate) section: Arc<Section>,
}

/// A record of a source.
#[derive(Debug, Clone)]
pub(crate) struct WorkRecord {
    /// Who keeps it, its key there, and the identity keys that it brings.
    pub(crate) identity: RecordIdentity,
    /// The device that it describes.
    pub(crate) device: Option<DeviceId>,
    /// Its sections by stored kind.
    pub(crate) sections: BTreeMap<i32, StoredSection>,
    /// Time and sequence at which its source last let go of it; its sections are all later.
    pub(crate) removed_at: Option<(i64, i64)>,
    /// Greatest time and sequence with which its source let go of it from the future. See [`StoredSection::ahead`].
    pub(crate) removed_ahead: Option<(i64, i64)>,
    /// It described a device at some time before this batch.
    pub(crate) placed_before: bool,
    /// It was refused keys: conflicts of it are open.
    pub(crate) conflicted: bool,
    /// It has a row.
    pub(crate) stored: bool,
    /// Its row differs from the database.
    pub(crate) dirty: bool,
}

/// A device that may hold keys of the batch's records.
#[derive(Debug, Clone, Default)]
pub(crate) struct WorkDevice {
    /// Keys that it holds; true for ambiguous ones.
    pub(crate) keys: BTreeMap<IdentityKey, bool>,
    /// Numbers of its records.
    pub(crate) records: BTreeSet<i64>,
}

/// A stored conflict.
#[derive(Debug, Clone)]
pub(crate) struct OpenConflict {
    /// Its number.
    pub(crate) number: i64,
    /// The key that its record was refused.
    pub(crate) key: IdentityKey,
}

/// Everything that the batch touches.
#[derive(Debug, Default)]
pub(crate) struct Working {
    /// Records by number.
    pub(crate) records: HashMap<i64, WorkRecord>,
    /// Numbers by source and key.
    pub(crate) by_key: HashMap<(Source, String), i64>,
    /// Devices by id.
    pub(crate) devices: HashMap<DeviceId, WorkDevice>,
    /// Holders by key.
    pub(crate) holders: HashMap<IdentityKey, DeviceId>,
    /// Keys whose holders were asked for: who holds none of them here had none.
    pub(crate) asked: HashSet<IdentityKey>,
    /// Keys that have a row.
    pub(crate) stored_keys: HashSet<IdentityKey>,
    /// Stored conflicts by the claimant's record; every conflict of each record that is here.
    pub(crate) open: HashMap<i64, Vec<OpenConflict>>,
    /// Collections of records; of those that were asked for, also where there are none.
    pub(crate) memberships: HashMap<i64, Memberships>,

    /// Devices whose merge changes.
    pub(crate) touched: BTreeSet<DeviceId>,
    /// Devices of which the same was said again: their times change, and hardly ever anything else.
    pub(crate) refreshed: BTreeSet<DeviceId>,
    /// Devices that lost a key or a record: what was refused because of them may be granted now.
    pub(crate) shifted: BTreeSet<DeviceId>,
    /// Devices that became part of another, and of which.
    pub(crate) merged: BTreeMap<DeviceId, DeviceId>,
    /// Key rows that change: their holder and whether they are ambiguous, or `None` where they go.
    pub(crate) key_rows: BTreeMap<IdentityKey, Option<(DeviceId, bool)>>,
    /// Conflicts by the claimant's record; they replace its former ones.
    pub(crate) conflicts: BTreeMap<i64, Vec<Conflict>>,
    /// Records of which no section is left.
    pub(crate) removed_records: BTreeSet<i64>,
}

impl Working {
    /// The devices that hold keys of that record, as the domain wants them; and its own.
    pub(crate) fn holders_of(&self, record: &RecordIdentity, device: Option<&DeviceId>) -> Vec<Holder> {
        let of_keys = record.keys().iter().filter_map(|key| self.holders.get(key));
        let ids: BTreeSet<&DeviceId> = of_keys.chain(device).collect();
        ids.into_iter().map(|id| self.holder(id)).collect()
    }

    /// A device, as the domain wants it.
    pub(crate) fn holder(&self, id: &DeviceId) -> Holder {
        let device = self.devices.get(id).cloned().unwrap_or_default();
        Holder {
            device: id.clone(),
            records: device
                .records
                .iter()
                .filter_map(|no| self.records.get(no))
                .map(|r| r.identity.clone())
                .collect(),
            ambiguous: device
                .keys
                .iter()
                .filter(|(_, ambiguous)| **ambiguous)
                .map(|(key, _)| key.clone())
                .collect(),
            keys: device.keys.into_keys().collect(),
        }
    }

    /// Gives a key to a device, or marks it there.
    pub(crate) fn set_key(&mut self, key: &IdentityKey, device: &DeviceId, ambiguous: bool) {
        if let Some(former) = self.holders.get(key).filter(|former| *former != device).cloned() {
            if let Some(holder) = self.devices.get_mut(&former) {
                holder.keys.remove(key);
            }
            self.shifted.insert(former);
        }
        let known = self.devices.entry(device.clone()).or_default().keys.insert(key.clone(), ambiguous);
        let moved = self.holders.insert(key.clone(), device.clone()).as_ref() != Some(device);
        if moved || known != Some(ambiguous) {
            self.key_rows.insert(key.clone(), Some((device.clone(), ambiguous)));
            self.touched.insert(device.clone());
        }
    }

    /// Takes a key from its holder.
    pub(crate) fn drop_key(&mut self, key: &IdentityKey) {
        if let Some(device) = self.holders.remove(key) {
            if let Some(holder) = self.devices.get_mut(&device) {
                holder.keys.remove(key);
            }
            self.key_rows.insert(key.clone(), None);
            self.shifted.insert(device.clone());
            self.touched.insert(device);
        }
    }

    /// Puts a record on a device.
    pub(crate) fn set_device(&mut self, no: i64, device: &DeviceId) {
        let Some(record) = self.records.get_mut(&no) else { return };
        if record.device.as_ref() == Some(device) {
            return;
        }
        if let Some(former) = record.device.replace(device.clone()) {
            self.devices.entry(former.clone()).or_default().records.remove(&no);
            self.shifted.insert(former.clone());
            self.touched.insert(former);
        }
        record.dirty = true;
        self.devices.entry(device.clone()).or_default().records.insert(no);
        self.touched.insert(device.clone());
    }

    /// The device that a device turned out to be; itself if it is one of its own.
    pub(crate) fn survivor<'a>(&'a self, mut device: &'a DeviceId) -> &'a DeviceId {
        while let Some(into) = self.merged.get(device) {
            device = into;
        }
        device
    }
}
