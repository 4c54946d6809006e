//! The decision.

use super::key::IdentityKey;
use super::placement::{Conflict, ConflictReason, Decision, Holder, Placement};
use super::record::RecordIdentity;

/// Decides where a record belongs.
///
/// `holders`: every device that holds a key of the record. Their order does not matter; further devices, and the current one
/// among them, do no harm. `current`: the device that the record was placed on before, whole, because what its other records say
/// decides too.
pub fn place(record: &RecordIdentity, holders: &[Holder], current: Option<&Holder>) -> Placement {
    let mut placing = Placing::new(record, holders, current);
    for key in record.keys().iter().filter(|key| key.is_strong()) {
        placing.strong_key(key);
    }
    placing.strong_conflict = !placing.conflicts.is_empty() || !placing.refused.is_empty();
    for key in record.keys().iter().filter(|key| !key.is_strong()) {
        placing.hardware_key(key);
    }
    placing.finish()
}

/// The keys of its device that go when the record goes: those that no other record of the device brings.
#[must_use]
pub fn released(record: &RecordIdentity, holder: &Holder) -> Vec<IdentityKey> {
    unsupported_keys(holder, record, &[])
}

/// The holder's keys that none of its records brings, if `record` brought `instead`.
fn unsupported_keys(holder: &Holder, record: &RecordIdentity, instead: &[IdentityKey]) -> Vec<IdentityKey> {
    let others = || holder.records.iter().filter(|other| !other.is_same_record(record));
    let brought = |key| instead.contains(key) || others().any(|other| other.keys().contains(key));
    let mut keys: Vec<_> = holder.keys.iter().filter(|key| !brought(key)).cloned().collect();
    keys.sort_unstable();
    keys
}

/// A decision under way.
struct Placing<'a> {
    record: &'a RecordIdentity,
    current: Option<&'a Holder>,
    /// Sorted, so that the answer does not depend on their order.
    holders: Vec<&'a Holder>,
    /// The devices that are one with the record so far: the survivor first.
    group: Vec<&'a Holder>,
    /// The key that found the survivor of a new record.
    because: Option<&'a IdentityKey>,
    /// A strong key of the record is in conflict.
    strong_conflict: bool,
    claims: Vec<IdentityKey>,
    releases: Vec<IdentityKey>,
    /// Keys that led to no join. The reason is settled at the end, against the whole group, so that placing again says the same.
    refused: Vec<(&'a IdentityKey, &'a Holder, ConflictReason)>,
    conflicts: Vec<Conflict>,
}

impl<'a> Placing<'a> {
    fn new(record: &'a RecordIdentity, holders: &'a [Holder], current: Option<&'a Holder>) -> Self {
        let mut holders: Vec<&Holder> = holders.iter().collect();
        holders.sort_by(|a, b| a.device.cmp(&b.device));
        holders.dedup_by(|a, b| a.device == b.device);
        let releases =
            current.map(|holder| unsupported_keys(holder, record, record.keys())).unwrap_or_default();
        Self {
            record,
            current,
            holders,
            group: current.into_iter().collect(),
            because: None,
            strong_conflict: false,
            claims: Vec::new(),
            releases,
            refused: Vec::new(),
            conflicts: Vec::new(),
        }
    }

    fn strong_key(&mut self, key: &'a IdentityKey) {
        let holders = self.strangers_with(key);
        if holders.is_empty() {
            match self.own_contradiction(key) {
                None => self.claims.push(key.clone()),
                Some(conflict) => self.conflicts.push(conflict),
            }
            return;
        }
        for holder in holders {
            match self.clash(holder) {
                None => self.take(holder, key),
                Some(why) => self.refused.push((key, holder, why)),
            }
        }
    }

    fn hardware_key(&mut self, key: &'a IdentityKey) {
        let held_here = self.group.iter().any(|holder| holder.keys.contains(key));
        let strangers = self.strangers_with(key);
        match strangers.as_slice() {
            _ if held_here => self.claims.push(key.clone()),
            [] => self.claims.push(key.clone()),
            &[holder] => match self.clash(holder) {
                Some(why) => self.refused.push((key, holder, why)),
                None if holder.ambiguous.contains(key) => {
                    self.refused.push((key, holder, ConflictReason::Ambiguous));
                }
                None if self.strong_conflict => {
                    self.refused.push((key, holder, ConflictReason::StrongKeyInConflict));
                }
                None => self.take(holder, key),
            },
            several => {
                self.refused.extend(several.iter().map(|&holder| (key, holder, ConflictReason::Ambiguous)));
            }
        }
    }

    /// Devices that hold the key and are not one with the record.
    fn strangers_with(&self, key: &IdentityKey) -> Vec<&'a Holder> {
        let is_ours = |holder: &Holder| self.group.iter().any(|ours| ours.device == holder.device);
        self.holders.iter().copied().filter(|holder| holder.keys.contains(key) && !is_ours(holder)).collect()
    }

    /// The strong keys of the group as it will be.
    fn group_keys(&self) -> impl Iterator<Item = &IdentityKey> {
        self.group
            .iter()
            .flat_map(|holder| &holder.keys)
            .filter(|key| key.is_strong() && !self.releases.contains(key))
    }

    /// Why the holder cannot be one with the group and the record; `None`: it can.
    fn clash(&self, holder: &Holder) -> Option<ConflictReason> {
        let ours = self.group.iter().flat_map(|ours| &ours.records).chain([self.record]);
        let rivals = ours.flat_map(|found| {
            let rival = |held: &&RecordIdentity| held.source() == found.source() && held.key() != found.key();
            holder.records.iter().filter(rival).map(move |held| (found.source(), held.key(), found.key()))
        });
        // Here and below the least of all reasons, so that the answer does not depend on their order.
        if let Some((source, held, found)) = rivals.min() {
            return Some(ConflictReason::SameSource {
                source: source.clone(),
                held: held.to_owned(),
                found: found.to_owned(),
            });
        }
        let record_keys = self.record.keys().iter().filter(|key| key.is_strong());
        let contradictions = record_keys.chain(self.group_keys()).flat_map(|found| {
            let differs = move |held: &&IdentityKey| held.kind() == found.kind() && *held != found;
            holder.keys.iter().filter(differs).map(move |held| (held, found))
        });
        let (held, found) = contradictions.min()?;
        Some(ConflictReason::Contradiction { held: held.clone(), found: found.clone() })
    }

    /// A key that nobody else holds, of a kind of which another record of the same device says otherwise.
    fn own_contradiction(&self, key: &IdentityKey) -> Option<Conflict> {
        let of_kind = || self.group_keys().filter(|held| held.kind() == key.kind());
        if of_kind().any(|held| held == key) {
            return None;
        }
        let (held, holder) = (of_kind().min()?, self.group.first()?);
        let why = ConflictReason::Contradiction { held: held.clone(), found: key.clone() };
        Some(Conflict { key: key.clone(), holder: holder.device.clone(), why })
    }

    fn take(&mut self, holder: &'a Holder, key: &'a IdentityKey) {
        if self.group.is_empty() {
            self.because = Some(key);
        }
        self.group.push(holder);
        if !self.claims.contains(key) {
            self.claims.push(key.clone());
        }
    }

    fn finish(mut self) -> Placement {
        let mut ambiguous = Vec::new();
        for (key, holder, first_reason) in std::mem::take(&mut self.refused) {
            let clash = self.clash(holder);
            if clash.is_some() && !key.is_strong() && !holder.ambiguous.contains(key) {
                ambiguous.push(key.clone());
            }
            let why = clash.unwrap_or(first_reason);
            self.conflicts.push(Conflict { key: key.clone(), holder: holder.device.clone(), why });
        }
        self.conflicts.sort_by(|a, b| (&a.key, &a.holder).cmp(&(&b.key, &b.holder)));
        let survivor = self.group.first().map(|holder| holder.device.clone());
        let decision = match (self.current, survivor, self.because) {
            (Some(current), _, _) => Decision::Existing(current.device.clone()),
            (None, Some(device), Some(because)) => Decision::Join { device, because: because.clone() },
            _ => Decision::New,
        };
        Placement {
            decision,
            merge: self.group.iter().skip(1).map(|holder| holder.device.clone()).collect(),
            claims: self.claims,
            releases: self.releases,
            ambiguous,
            conflicts: self.conflicts,
        }
    }
}
