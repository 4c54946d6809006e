//! Sections by `(observed_at, sequence)`, identity by the domain's rules.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use sea_orm::DatabaseTransaction;
use tandem_domain::id::{DeviceId, HierarchyId};
use tandem_domain::identity::{Decision, RecordIdentity, place, released};
use tandem_domain::section::SectionKind;
use tandem_server::failure::Failure;
use uuid::Uuid;

use super::ahead::{Ahead, Footprint, Left, Written};
use super::batch::{Applied, Batch, Incoming, IncomingBody};
use super::working::{StoredSection, WorkRecord, Working};
use super::{derive, load, write};
use crate::store::Store;
use crate::store::hierarchies::{self, hierarchies_known};
use crate::store::lock::{Changed, LockedTenant, lock_tenant, unlock_tenant};

/// Stores batches of one tenant in one transaction, in their order. When this returns, they are durable. Answers what came of each: one
/// of a hierarchy that there is not changed nothing. Each may have been read ahead, which is of use where it is the only one.
pub(crate) async fn batches_apply(
    store: &Store,
    tenant: &str,
    batches: Arc<Vec<Batch>>,
    ahead: Vec<Option<Ahead>>,
) -> Result<Vec<Result<Applied, Failure>>, Failure> {
    // A second attempt reads anew.
    let ahead = Mutex::new(ahead);
    let (applied, write, footprint) = store
        .write(tenant, |tx| {
            let (batches, tenant) = (batches.clone(), tenant.to_owned());
            let ahead = std::mem::take(&mut *ahead.lock().unwrap_or_else(PoisonError::into_inner));
            let written = store.written.clone();
            Box::pin(async move { apply(tx, &tenant, &batches, ahead, &written).await })
        })
        .await?;
    store.written.remember(tenant, write, footprint);
    if let Some(last) = applied.iter().flatten().last() {
        store.hint(tenant, last.revision);
    }
    Ok(applied)
}

/// What came of each batch, and of the transaction: its number among the tenant's writes, and what it wrote.
type Stored = (Vec<Result<Applied, Failure>>, i64, Footprint);

async fn apply(
    tx: &DatabaseTransaction,
    tenant: &str,
    batches: &[Batch],
    ahead: Vec<Option<Ahead>>,
    written: &Written,
) -> Result<Stored, Failure> {
    let mut locked = lock_tenant(tx, tenant).await?;
    let named = batches.iter().filter_map(|batch| batch.source.hierarchy().map(HierarchyId::as_str));
    let hierarchies = hierarchies_known(tx, tenant, named.collect()).await?;
    let were_ahead: Vec<bool> = ahead.iter().map(Option::is_some).collect();
    let left = match (batches, ahead.into_iter().next().flatten()) {
        ([alone], Some(ahead)) => Some((alone, ahead)),
        _ => None,
    };
    let left = left.and_then(|(alone, ahead)| {
        let left = ahead.left(tenant, alone, locked.write, written)?;
        Some((&alone.source, left))
    });
    let is_used = left.is_some();
    let mut working = match left {
        Some((source, Left { mut working, again })) => {
            load::records(tx, tenant, source, again, &mut working).await?;
            working
        }
        None => {
            let mut working = Working::default();
            load::batch_records(tx, tenant, batches, &mut working).await?;
            working
        }
    };
    let mut outcomes = Vec::with_capacity(batches.len());
    let mut new = NewContent::default();
    for (at, batch) in batches.iter().enumerate() {
        if let Some(id) = batch.source.hierarchy().filter(|id| !hierarchies.contains(id.as_str())) {
            outcomes.push(Err(hierarchies::not_found(tenant, id.as_str())));
            continue;
        }
        let is_stale = !is_used && were_ahead.get(at).copied().unwrap_or(false);
        let mut outcome = Applied { is_stale, ..Applied::default() };
        for incoming in &batch.sections {
            match replace_section(&mut working, &mut locked, batch, incoming) {
                Some((no, content)) => {
                    outcome.applied += 1;
                    new.note(no, content);
                }
                None => outcome.superseded += 1,
            }
        }
        outcomes.push(Ok(outcome));
    }
    settle_identity(tx, &locked, &mut working, &new).await?;
    note_conflicts(&mut working);
    let merge = derive::Merge::prepare(tx, &locked, &mut working).await?;
    let footprint = Footprint::of(&working);
    let working = Arc::new(working);
    // Merging computes while the database writes what is settled already.
    let received_at = batches.iter().map(|batch| batch.received_at).max().unwrap_or(Timestamp::UNIX_EPOCH);
    let (devices, stored) =
        tokio::join!(merge.rows(working.clone()), write::working(tx, &mut locked, &working, received_at));
    stored?;
    let devices = devices?;
    let told = devices.iter().any(|row| row.revision == locked.revision);
    write::devices(tx, tenant, devices).await?;
    let revision =
        unlock_tenant(tx, &locked, if told { Changed::Something } else { Changed::Nothing }).await?;
    outcomes.iter_mut().flatten().for_each(|outcome| outcome.revision = revision);
    Ok((outcomes, locked.write, footprint))
}

/// What a stored section says that was not said before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Something.
    New,
    /// That the device was seen again.
    Seen,
    /// Nothing.
    Same,
}

/// The records that say something new, in order of arrival, and those that only were seen again.
#[derive(Debug, Default)]
struct NewContent {
    order: Vec<i64>,
    changed: BTreeSet<i64>,
    seen: BTreeSet<i64>,
}

impl NewContent {
    fn note(&mut self, no: i64, content: Content) {
        match content {
            Content::New if self.changed.insert(no) => self.order.push(no),
            Content::Seen => _ = self.seen.insert(no),
            Content::New | Content::Same => {}
        }
    }
}

/// Puts a section in place if it is greater than what is stored. Answers the record, and what is new about it.
fn replace_section(
    working: &mut Working,
    locked: &mut LockedTenant,
    batch: &Batch,
    incoming: &Incoming,
) -> Option<(i64, Content)> {
    let place = (batch.source.clone(), incoming.key.clone());
    let no = match working.by_key.get(&place) {
        Some(no) => *no,
        None => {
            let no = locked.take_number();
            working.by_key.insert(place, no);
            let identity = RecordIdentity::new(batch.source.clone(), incoming.key.clone(), []);
            let record = WorkRecord {
                identity,
                device: None,
                sections: BTreeMap::new(),
                removed_at: None,
                removed_ahead: None,
                placed_before: false,
                conflicted: false,
                stored: false,
                dirty: true,
            };
            working.records.insert(no, record);
            no
        }
    };
    let record = working.records.get_mut(&no)?;
    let stamp = (nanoseconds(incoming.observed_at), incoming.sequence);
    // What was said before the source let go of the record is late, in whichever order the two arrive.
    if record.removed_at.is_some_and(|removed_at| removed_at >= stamp) {
        return None;
    }
    let ahead = incoming.ahead.map(|claimed| (nanoseconds(claimed), incoming.sequence));
    match &incoming.body {
        IncomingBody::Removed => {
            if ahead.is_some() && ahead <= record.removed_ahead {
                return None;
            }
            record.removed_ahead = ahead.max(record.removed_ahead);
            let before = record.sections.len();
            record.sections.retain(|_, said| (said.observed_at, said.sequence) > stamp);
            record.removed_at = Some(stamp);
            record.dirty = true;
            if record.sections.is_empty() {
                working.removed_records.insert(no);
            }
            Some((no, if record.sections.len() < before { Content::New } else { Content::Same }))
        }
        IncomingBody::Said(section, bytes) => {
            let kind = section_kind(section.body.kind());
            let former = record.sections.get(&kind);
            if former.is_some_and(|former| (former.observed_at, former.sequence) >= stamp) {
                return None;
            }
            let former_ahead = former.and_then(|former| former.ahead);
            if ahead.is_some() && ahead <= former_ahead {
                return None;
            }
            working.removed_records.remove(&no);
            let seen_again =
                former.is_some_and(|former| former.section.body.differs_in_last_seen_alone(&section.body));
            let (observed_at, sequence) = stamp;
            let stored = StoredSection {
                observed_at,
                sequence,
                clamped: ahead.is_some(),
                ahead: ahead.max(former_ahead),
                bytes: bytes.clone(),
                section: section.clone(),
            };
            record.sections.insert(kind, stored);
            record.dirty = true;
            Some((no, if seen_again { Content::Seen } else { Content::New }))
        }
    }
}

/// Places every record that changed, in order of arrival.
async fn settle_identity(
    tx: &DatabaseTransaction,
    locked: &LockedTenant,
    working: &mut Working,
    new: &NewContent,
) -> Result<(), Failure> {
    let tenant = locked.tenant.as_str();
    let mut to_place = Vec::new();
    let mut of_records = BTreeSet::new();
    for no in &new.order {
        let Some(record) = working.records.get_mut(no) else { continue };
        of_records.extend(record.device.clone());
        if working.removed_records.contains(no) {
            to_place.push(*no);
            continue;
        }
        let said = record.sections.values().map(|s| (timestamp(s.observed_at), &s.section.body));
        let identity = RecordIdentity::of_sections(
            record.identity.source().clone(),
            record.identity.key().to_owned(),
            said,
        );
        let known = record.device.is_some() && identity == record.identity && !working.open.contains_key(no);
        record.dirty |= identity != record.identity;
        record.identity = identity;
        if !known {
            to_place.push(*no);
        }
    }
    let seen = new.seen.difference(&new.changed).filter_map(|no| working.records.get(no)?.device.clone());
    let seen: BTreeSet<DeviceId> = seen.collect();
    load::devices(tx, tenant, &of_records.union(&seen).cloned().collect(), working).await?;
    let keys: HashSet<_> =
        to_place.iter().flat_map(|no| working.records[no].identity.keys().to_vec()).collect();
    load::holders(tx, tenant, &keys, working).await?;
    working.touched.extend(of_records);
    working.refreshed = seen;
    for no in to_place {
        if working.removed_records.contains(&no) {
            remove_record(working, no);
        } else {
            place_record(working, locked, no);
        }
    }
    place_claimants(tx, locked, working).await
}

/// Notes at each record whether conflicts of it are open.
fn note_conflicts(working: &mut Working) {
    for (no, conflicts) in &working.conflicts {
        if let Some(record) = working.records.get_mut(no) {
            record.dirty |= record.conflicted == conflicts.is_empty();
            record.conflicted = !conflicts.is_empty();
        }
    }
}

/// Records that were refused keys because of devices that lost a key or a record are placed again: the obstacle may be gone, and
/// what is left of a conflict names the devices that are. Each once, so that this ends.
async fn place_claimants(
    tx: &DatabaseTransaction,
    locked: &LockedTenant,
    working: &mut Working,
) -> Result<(), Failure> {
    let mut placed = BTreeSet::new();
    loop {
        let shifted = std::mem::take(&mut working.shifted);
        if shifted.is_empty() {
            return Ok(());
        }
        let mut claimants = load::claimants(tx, &locked.tenant, &shifted, working).await?;
        let concerned = |no: &i64| {
            let of = working.records.get(no).and_then(|record| record.device.as_ref());
            of.is_some_and(|device| shifted.contains(device))
                || working.conflicts[no].iter().any(|conflict| shifted.contains(&conflict.holder))
        };
        claimants.extend(working.conflicts.keys().copied().filter(concerned));
        claimants.retain(|no| !working.removed_records.contains(no) && placed.insert(*no));
        let keys = claimants.iter().flat_map(|no| working.records[no].identity.keys().to_vec()).collect();
        load::holders(tx, &locked.tenant, &keys, working).await?;
        for no in claimants {
            place_record(working, locked, no);
        }
    }
}

/// Asks the domain where a record belongs, and does so.
fn place_record(working: &mut Working, locked: &LockedTenant, no: i64) {
    let Some(record) = working.records.get(&no) else { return };
    let (identity, device) = (record.identity.clone(), record.device.clone());
    let holders = working.holders_of(&identity, device.as_ref());
    let current = device.as_ref().map(|device| working.holder(device));
    let placement = place(&identity, &holders, current.as_ref());
    let device = match placement.decision {
        Decision::Existing(device) | Decision::Join { device, .. } => device,
        Decision::New => match new_device(&locked.tenant, record, locked.revision) {
            Some(device) => device,
            None => return,
        },
    };
    for key in &placement.releases {
        working.drop_key(key);
    }
    for merged in &placement.merge {
        absorb(working, merged, &device);
    }
    working.set_device(no, &device);
    for key in &placement.claims {
        let ambiguous = working.devices.get(&device).and_then(|d| d.keys.get(key)).copied().unwrap_or(false);
        working.set_key(key, &device, ambiguous);
    }
    for key in &placement.ambiguous {
        if let Some(holder) = working.holders.get(key).cloned() {
            working.set_key(key, &holder, true);
        }
    }
    if !placement.conflicts.is_empty()
        || working.open.contains_key(&no)
        || working.conflicts.contains_key(&no)
    {
        working.conflicts.insert(no, placement.conflicts);
    }
}

/// Moves everything of a device to the one that it turned out to be.
fn absorb(working: &mut Working, from: &DeviceId, into: &DeviceId) {
    let former = working.devices.get(from).cloned().unwrap_or_default();
    for no in former.records {
        working.set_device(no, into);
    }
    for (key, ambiguous) in former.keys {
        working.set_key(&key, into, ambiguous);
    }
    working.merged.insert(from.clone(), into.clone());
    working.shifted.insert(from.clone());
    working.touched.insert(from.clone());
}

/// A record that its source no longer keeps leaves its device, with the keys that only it brought.
fn remove_record(working: &mut Working, no: i64) {
    let Some(record) = working.records.get(&no) else { return };
    let Some(device) = record.device.clone() else { return };
    for key in &released(&record.identity, &working.holder(&device)) {
        working.drop_key(key);
    }
    if let Some(work) = working.devices.get_mut(&device) {
        work.records.remove(&no);
    }
    if let Some(record) = working.records.get_mut(&no) {
        record.device = None;
        record.dirty = true;
    }
    working.conflicts.insert(no, Vec::new());
    working.shifted.insert(device.clone());
    working.touched.insert(device);
}

/// Names a device after the record that was first to describe it, so that the same reports give the same names. A record that
/// described a device before (it was removed, and came back as something else) gives another name: the former one may live on
/// with the records that joined it.
fn new_device(tenant: &str, record: &WorkRecord, revision: i64) -> Option<DeviceId> {
    let life = if record.placed_before { revision } else { 0 };
    let seed = format!("{tenant}\n{}\n{}\n{life}", record.identity.source(), record.identity.key());
    DeviceId::parse(&Uuid::new_v5(&Uuid::NAMESPACE_OID, seed.as_bytes()).to_string()).ok()
}

/// The stored number of a section's kind.
pub(crate) fn section_kind(kind: SectionKind) -> i32 {
    tandem_contracts::convert::number(kind)
}

/// The stored form of a time.
pub(crate) fn nanoseconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(if time.as_second() < 0 { i64::MIN } else { i64::MAX })
}

/// A stored time.
pub(crate) fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or(Timestamp::UNIX_EPOCH)
}
