//! Reading ahead: what a large batch touches is read while the one before it is still being stored, so that the two take turns on the
//! database no longer.
//!
//! What was read without the tenant's lock may be old by the time the batch has it. It is used only if every write since then was made here
//! and changed nothing of it; otherwise the batch reads anew, under the lock. Writes are counted in the tenant's row, so that one of
//! another replica, or of another kind, is a gap in the numbers.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tandem_domain::id::DeviceId;
use tandem_domain::identity::{IdentityKey, RecordIdentity};
use tandem_domain::section::Source;
use tandem_server::failure::Failure;

use super::batch::{Batch, IncomingBody};
use super::load;
use super::working::Working;
use crate::store::{Store, tenants};

/// Writes that are remembered, of all tenants together: batches are read ahead by two or three.
const REMEMBERED: usize = 16;

/// What a batch touches, read before its turn.
#[derive(Debug)]
pub(crate) struct Ahead {
    pub(super) working: Working,
    /// The tenant's last write when reading began.
    since: i64,
}

/// Reads what a batch touches. `None`: there is no such tenant, which the batch will hear of in its turn.
pub(crate) async fn read_ahead(store: &Store, tenant: &str, batch: &Batch) -> Result<Option<Ahead>, Failure> {
    let reader = store.database.reader();
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
    let records: Vec<i64> = working.records.keys().copied().collect();
    working.memberships = load::memberships(reader, tenant, records.into_iter(), &working).await?;
    Ok(Some(Ahead { working, since }))
}

impl Ahead {
    /// What was read, if the tenant's write of that number would read the same.
    pub(super) fn still(self, tenant: &str, batch: &Batch, write: i64, written: &Written) -> Option<Working> {
        let asked = batch.sections.iter().map(|section| Thing::Record(&batch.source, &section.key));
        let read = || asked.chain(things_read(&self.working)).map(|thing| thing.mark()).collect();
        written.left_alone(tenant, self.since + 1..write, read).then_some(self.working)
    }
}

/// Something that may be read and written.
#[derive(Hash)]
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

fn things_read(working: &Working) -> impl Iterator<Item = Thing<'_>> {
    let records = working.by_key.keys().map(|(source, key)| Thing::Record(source, key));
    let keys = working.asked.iter().chain(working.holders.keys()).map(Thing::Key);
    records.chain(keys).chain(working.devices.keys().map(Thing::Device))
}

fn things_written(working: &Working) -> impl Iterator<Item = Thing<'_>> {
    let of_conflicts = working.conflicts.keys().filter_map(|no| working.records.get(no));
    let records = working.records.values().filter(|record| record.dirty).chain(of_conflicts);
    let records = records.map(|record| Thing::Record(record.identity.source(), record.identity.key()));
    let devices = working.touched.iter().chain(&working.refreshed).chain(&working.shifted);
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

/// What the latest transactions of this process wrote.
#[derive(Debug, Default)]
pub(crate) struct Written(Mutex<VecDeque<Write>>);

/// A transaction that is committed.
#[derive(Debug)]
struct Write {
    tenant: String,
    number: i64,
    footprint: Footprint,
}

impl Written {
    fn latest(&self) -> MutexGuard<'_, VecDeque<Write>> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a transaction that is committed, instead of the oldest.
    pub(super) fn remember(&self, tenant: &str, number: i64, footprint: Footprint) {
        let mut latest = self.latest();
        if latest.len() == REMEMBERED {
            latest.pop_front();
        }
        latest.push_back(Write { tenant: tenant.to_owned(), number, footprint });
    }

    /// Whether each of those writes of a tenant is remembered and wrote nothing that was read.
    fn left_alone(&self, tenant: &str, writes: Range<i64>, read: impl FnOnce() -> HashSet<u64>) -> bool {
        if writes.is_empty() {
            return true;
        }
        let latest = self.latest();
        let of = |number| latest.iter().find(|write| write.number == number && write.tenant == tenant);
        let Some(since) = writes.map(of).collect::<Option<Vec<_>>>() else { return false };
        let read = read();
        since.iter().all(|write| write.footprint.0.is_disjoint(&read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footprint(marks: &[u64]) -> Footprint {
        Footprint(marks.iter().copied().collect())
    }

    #[test]
    fn what_was_read_holds_if_every_write_since_is_known_and_wrote_something_else() {
        let written = Written::default();
        written.remember("contoso", 5, footprint(&[1, 2]));
        written.remember("fabrikam", 7, footprint(&[4]));
        written.remember("contoso", 6, footprint(&[3]));
        let holds = |tenant, writes, read: &[u64]| {
            written.left_alone(tenant, writes, || read.iter().copied().collect())
        };
        assert!(holds("contoso", 7..7, &[1, 2, 3]), "nothing was written since");
        assert!(holds("contoso", 5..7, &[4, 5]));
        assert!(holds("contoso", 6..7, &[1]), "that was written before");
        assert!(!holds("contoso", 5..7, &[3, 9]));
        assert!(!holds("contoso", 6..8, &[9]), "another replica wrote");
        assert!(!holds("contoso", 4..7, &[9]), "so did it before");
        assert!(!holds("fabrikam", 6..8, &[9]), "writes of another tenant have numbers of their own");
        for number in 8..8 + REMEMBERED as i64 {
            written.remember("fabrikam", number, footprint(&[]));
        }
        assert!(!holds("contoso", 6..7, &[1]), "it is forgotten");
    }
}
