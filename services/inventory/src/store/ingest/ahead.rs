//! Reading ahead: what a large batch touches is read while the one before it is still being stored, so that the two take turns on the
//! database no longer.
//!
//! What was read without the tenant's lock may be old by the time the batch has it. If every write since then was made here, what those wrote is
//! read anew, under the lock; otherwise everything is. Writes are counted in the tenant's row, so that one of another replica, or of
//! another kind, is a gap in the numbers.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tandem_domain::id::DeviceId;
use tandem_domain::identity::{IdentityKey, RecordIdentity};
use tandem_domain::section::Source;
use tandem_server::failure::Failure;
use tokio::sync::OwnedSemaphorePermit;

use super::batch::{Batch, IncomingBody};
use super::load;
use super::working::Working;
use crate::store::{Store, tenants};

/// Writes that are remembered of a tenant: a batch is read ahead of one or two others.
const REMEMBERED: usize = 8;

/// Tenants of which writes are remembered: those that wrote last.
const TENANTS: usize = 64;

/// Batches that are read ahead at once, of all streams together: each holds what it touches in memory, and a connection while it reads.
pub(crate) const AT_ONCE: usize = 4;

/// What a batch touches, read before its turn.
#[derive(Debug)]
pub(crate) struct Ahead {
    pub(super) working: Working,
    /// The tenant's last write when reading began.
    since: i64,
    _place: OwnedSemaphorePermit,
}

/// Reads what a batch touches. `None`: enough others are read ahead; or there is no such tenant, which the batch will hear of in its turn.
pub(crate) async fn read_ahead(store: &Store, tenant: &str, batch: &Batch) -> Result<Option<Ahead>, Failure> {
    let Ok(place) = store.ahead.clone().try_acquire_owned() else { return Ok(None) };
    let reader = &store.reader(tenant);
    // Before everything else: what is committed meanwhile counts as later.
    let Some(since) = tenants::writes(reader, tenant).await? else { return Ok(None) };
    let mut working = Working::default();
    load::batch_records(reader, tenant, std::slice::from_ref(batch), &mut working).await?;
    let mut keys: HashSet<_> =
        working.records.values().flat_map(|record| record.identity.keys().to_vec()).collect();
    let mut said: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for section in &batch.sections {
        if let IncomingBody::Said(said_now, _) = &section.body {
            said.entry(&section.key).or_default().push((section.observed_at, &said_now.body));
        }
    }
    for (key, sections) in said {
        let identity = RecordIdentity::of_sections(batch.source.clone(), key, sections);
        keys.extend(identity.keys().iter().cloned());
    }
    let devices = working.records.values().filter_map(|record| record.device.clone()).collect();
    load::devices(reader, tenant, &devices, &mut working).await?;
    load::holders(reader, tenant, &keys, &mut working).await?;
    let records = working.records.keys().copied().collect();
    load::memberships(reader, tenant, records, &mut working).await?;
    Ok(Some(Ahead { working, since, _place: place }))
}

/// What is left of what was read ahead when the batch's turn comes.
pub(super) struct Left<'a> {
    /// What nobody has written since.
    pub(super) working: Working,
    /// Keys of the batch's records that have to be read again.
    pub(super) again: BTreeSet<&'a str>,
}

impl Ahead {
    /// What is left of it for the tenant's write of that number. `None`: somebody else wrote to the tenant since, who may have changed
    /// any of it.
    pub(super) fn left<'a>(
        mut self,
        tenant: &str,
        batch: &'a Batch,
        write: i64,
        written: &Written,
    ) -> Option<Left<'a>> {
        if write <= self.since {
            // The database was put back to an earlier state.
            return None;
        }
        let writes = written.since(tenant, self.since + 1..write)?;
        let is_written = |thing: Thing<'_>| {
            let mark = thing.mark();
            writes.iter().any(|write| write.0.contains(&mark))
        };
        let again =
            if writes.is_empty() { BTreeSet::new() } else { forget(&mut self.working, batch, is_written) };
        Some(Left { working: self.working, again })
    }
}

/// Takes out of what was read what was written since: devices with all their keys and records, and what was asked for in vain. Answers the
/// batch's records among it.
fn forget<'a>(
    working: &mut Working,
    batch: &'a Batch,
    is_written: impl Fn(Thing<'_>) -> bool,
) -> BTreeSet<&'a str> {
    let keys = working.asked.iter().chain(working.holders.keys()).filter(|key| is_written(Thing::Key(key)));
    let keys: Vec<IdentityKey> = keys.cloned().collect();
    let records = working.by_key.iter().filter(|((source, key), _)| is_written(Thing::Record(source, key)));
    let mut records: BTreeSet<i64> = records.map(|(_, no)| *no).collect();
    let devices = working.devices.keys().filter(|device| is_written(Thing::Device(device)));
    let of_keys = keys.iter().filter_map(|key| working.holders.get(key));
    let of_records = records.iter().filter_map(|no| working.records.get(no)?.device.as_ref());
    let devices: BTreeSet<DeviceId> = devices.chain(of_keys).chain(of_records).cloned().collect();
    for id in devices {
        let device = working.devices.remove(&id).unwrap_or_default();
        records.extend(device.records);
        for key in device.keys.keys() {
            working.asked.remove(key);
            working.holders.remove(key);
        }
    }
    for key in &keys {
        working.asked.remove(key);
        working.holders.remove(key);
    }
    let mut places = HashSet::new();
    for no in &records {
        if let Some(record) = working.records.remove(no) {
            let place = (record.identity.source().clone(), record.identity.key().to_owned());
            working.by_key.remove(&place);
            working.open.remove(no);
            places.insert(place);
        }
    }
    let of_batch = places.iter().filter(|(source, _)| *source == batch.source).map(|(_, key)| key.as_str());
    let forgotten: HashSet<&str> = of_batch.collect();
    // One that was made since was not there to be forgotten.
    let again = |key: &&str| forgotten.contains(key) || is_written(Thing::Record(&batch.source, key));
    batch.sections.iter().map(|section| section.key.as_str()).filter(again).collect()
}

/// Something that may be read and written.
#[derive(Debug, Clone, Copy, Hash)]
enum Thing<'a> {
    Record(&'a Source, &'a str),
    Key(&'a IdentityKey),
    Device(&'a DeviceId),
}

impl Thing<'_> {
    /// Stands for it. Two that share a mark by chance only have something read anew.
    fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

fn things_written(working: &Working) -> impl Iterator<Item = Thing<'_>> {
    let of_conflicts = working.conflicts.keys().filter_map(|no| working.records.get(no));
    let records = working.records.values().filter(|record| record.dirty).chain(of_conflicts);
    let records = records.map(|record| Thing::Record(record.identity.source(), record.identity.key()));
    let devices = working.touched.iter().chain(&working.refreshed);
    records.chain(working.key_rows.keys().map(Thing::Key)).chain(devices.map(Thing::Device))
}

/// Marks of what a transaction wrote.
#[derive(Debug, Default)]
pub(super) struct Footprint(HashSet<u64>);

impl Footprint {
    pub(super) fn of(working: &Working) -> Self {
        Self(things_written(working).map(|thing| thing.mark()).collect())
    }
}

/// What the latest transactions of this process wrote: tenants in the order of their last write, each with its writes in order.
#[derive(Debug, Default)]
pub(crate) struct Written(Mutex<VecDeque<(String, VecDeque<Write>)>>);

/// A transaction that is committed.
#[derive(Debug)]
struct Write {
    number: i64,
    footprint: Arc<Footprint>,
}

impl Written {
    fn tenants(&self) -> MutexGuard<'_, VecDeque<(String, VecDeque<Write>)>> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a transaction that is committed, instead of the tenant's oldest.
    pub(super) fn remember(&self, tenant: &str, number: i64, footprint: Footprint) {
        let mut tenants = self.tenants();
        let place = tenants.iter().position(|(of, _)| of == tenant);
        let (_, mut writes) = place.and_then(|place| tenants.remove(place)).unwrap_or_default();
        // What is not older is of a state that the database is no longer in.
        writes.retain(|write| write.number < number);
        if writes.len() == REMEMBERED {
            writes.pop_front();
        }
        writes.push_back(Write { number, footprint: footprint.into() });
        if tenants.len() == TENANTS {
            tenants.pop_front();
        }
        tenants.push_back((tenant.to_owned(), writes));
    }

    /// What those writes of a tenant wrote. `None`: not all of them are remembered.
    fn since(&self, tenant: &str, numbers: Range<i64>) -> Option<Vec<Arc<Footprint>>> {
        let tenants = self.tenants();
        let writes = tenants.iter().find(|(of, _)| of == tenant).map(|(_, writes)| writes);
        let of = |number| writes?.iter().find(|write| write.number == number);
        numbers.map(|number| of(number).map(|write| write.footprint.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_known_until_so_many_others_came() {
        let written = Written::default();
        let footprint = |mark| Footprint(HashSet::from([mark]));
        written.remember("contoso", 5, footprint(1));
        written.remember("fabrikam", 7, footprint(2));
        written.remember("contoso", 6, footprint(3));
        let since = |tenant, writes| {
            let found = written.since(tenant, writes)?;
            Some(found.iter().flat_map(|footprint| footprint.0.clone()).collect::<Vec<_>>())
        };
        for (tenant, writes, expected, why) in [
            ("contoso", 7..7, Some(vec![]), "nothing was written since"),
            ("contoso", 5..7, Some(vec![1, 3]), "both were made here"),
            ("contoso", 6..7, Some(vec![3]), "the other was before"),
            ("contoso", 6..8, None, "another replica made write 7"),
            ("contoso", 4..7, None, "and write 4"),
            ("fabrikam", 6..8, None, "its writes have numbers of their own"),
        ] {
            assert_eq!(since(tenant, writes), expected, "{why}");
        }
        written.remember("contoso", 6, footprint(5));
        assert_eq!(since("contoso", 5..7), Some(vec![1, 5]), "the other write 6 is lost");
        for number in (7..).take(REMEMBERED - 1) {
            written.remember("contoso", number, footprint(4));
        }
        assert_eq!(since("contoso", 5..7), None, "write 5 is forgotten");
        assert_eq!(since("contoso", 6..7), Some(vec![5]));
        for other in 0..TENANTS {
            written.remember(&format!("tenant {other}"), 1, footprint(6));
        }
        assert_eq!(since("contoso", 6..7), None, "others wrote later");
    }
}
