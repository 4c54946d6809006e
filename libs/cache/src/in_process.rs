//! The cache of the embedded assembly: a bounded map in this process.

use std::collections::HashMap;
use std::future::ready;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::SystemTime;

use futures::future::Either;
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, OptionsBuilder, Weighter};

use crate::port::{
    BoxFuture, DeviceStateCache, Entry, Epoch, Finding, Following, Found, MAX_WATERMARK_AGE, Position,
    Removal, Value, WriteError,
};

/// What an entry costs beside its id and value: hash table, eviction queues, reference counts, and what the allocator rounds up. Measured:
/// a hundred thousand states of a thousand bytes, with ids of 36, made a process larger by 1,160 bytes each.
const OVERHEAD_BYTES: usize = 150;

/// What an entry usually takes, for the library to plan with.
const USUAL_BYTES: u64 = 1200;

/// A part of the cache with a lock and a capacity of its own: not so small that the entry which does not fit any more leaves much of it empty.
const SHARD_BYTES: u64 = 1 << 20;

/// Most shards: more than a machine has cores for this.
const MOST_SHARDS: usize = 64;

/// Full is what has less than this part of its capacity left: an entry that would not fit displaces others, and the last of each shard stays empty.
const FULL_WITHIN: u64 = 16;

/// States of all tenants in at most a given number of bytes; the least useful ones are evicted.
#[derive(Debug)]
pub struct InProcessCache {
    capacity: u64,
    slots: Cache<Key, Slot, Weight>,
    tenants: RwLock<HashMap<Arc<str>, Arc<Tenant>>>,
    epochs: AtomicU64,
}

/// Keys carry their epoch, so ending one forgets everything at once: its keys are never asked for again, and evicted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    epoch: Epoch,
    id: Arc<str>,
}

/// A key that is looked for.
#[derive(PartialEq, Eq, Hash)]
struct Sought<'a> {
    epoch: Epoch,
    id: &'a str,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Sought { epoch: self.epoch, id: &self.id }.hash(state);
    }
}

impl Equivalent<Key> for Sought<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.epoch == key.epoch && *self.id == *key.id
    }
}

/// What is known of a device: its state, or that it is no more.
#[derive(Debug, Clone)]
struct Slot {
    revision: u64,
    value: Option<Value>,
}

/// What an entry takes, in bytes.
#[derive(Debug, Clone, Copy)]
struct Weight;

impl Weighter<Key, Slot> for Weight {
    fn weight(&self, key: &Key, slot: &Slot) -> u64 {
        let value = slot.value.as_ref().map_or(0, |value| value.len());
        (key.id.len() + value + OVERHEAD_BYTES) as u64
    }
}

/// A tenant's present epoch.
#[derive(Debug)]
struct Tenant {
    epoch: Epoch,
    incarnation: u64,
    /// The greatest revision that a write named. Writers hold it throughout, so that they are one after the other.
    newest: Mutex<u64>,
    /// What readers look at; they never wait for a whole write.
    view: RwLock<View>,
}

#[derive(Debug, Clone, Copy)]
struct View {
    watermark: u64,
    confirmed_at: SystemTime,
}

impl Tenant {
    // A panic while a lock is held leaves no half-made state behind: each field is assigned whole.
    fn writing(&self) -> MutexGuard<'_, u64> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self) -> View {
        *self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, view: View) {
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
    }

    fn is_trusted(&self, at_least: Option<Position>, now: SystemTime) -> bool {
        let view = self.view();
        // Either clock may be ahead of the other by a little; further ahead, it was set and says nothing.
        let age = now.duration_since(view.confirmed_at).unwrap_or_else(|ahead| ahead.duration());
        let covers = at_least
            .is_none_or(|asked| asked.incarnation == self.incarnation && asked.revision <= view.watermark);
        covers && age < MAX_WATERMARK_AGE
    }
}

impl InProcessCache {
    /// An empty cache of at most about `capacity` bytes.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        let entries = usize::try_from(capacity / USUAL_BYTES).unwrap_or(usize::MAX);
        let shards = usize::try_from(capacity / SHARD_BYTES).unwrap_or(MOST_SHARDS).clamp(1, MOST_SHARDS);
        Self {
            capacity,
            slots: OptionsBuilder::new()
                .shards(shards)
                .estimated_items_capacity(entries)
                .weight_capacity(capacity)
                .build()
                .map_or_else(
                    |_| Cache::with_weighter(entries, capacity, Weight),
                    |options| Cache::with_options(options, Weight, Default::default(), Default::default()),
                ),
            tenants: RwLock::default(),
            epochs: AtomicU64::new(0),
        }
    }

    /// How many bytes it takes, by its own reckoning.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.slots.weight()
    }

    fn tenant(&self, tenant: &str) -> Option<Arc<Tenant>> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()
    }

    fn tenant_in(&self, tenant: &str, epoch: Epoch) -> Result<Arc<Tenant>, WriteError> {
        self.tenant(tenant).filter(|tenant| tenant.epoch == epoch).ok_or(WriteError::Forgotten)
    }

    fn join(&self, name: &str, head: Position, now: SystemTime) -> Following {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(tenant) = tenants.get(name).filter(|tenant| tenant.incarnation == head.incarnation) {
            return Following { epoch: tenant.epoch, watermark: tenant.view().watermark };
        }
        let epoch = Epoch(self.epochs.fetch_add(1, Ordering::Relaxed));
        let tenant = Tenant {
            epoch,
            incarnation: head.incarnation,
            newest: Mutex::new(head.revision),
            view: RwLock::new(View { watermark: head.revision, confirmed_at: now }),
        };
        tenants.insert(Arc::from(name), Arc::new(tenant));
        Following { epoch, watermark: head.revision }
    }

    fn get(
        &self,
        tenant: &str,
        ids: &[&str],
        at_least: Option<Position>,
        now: SystemTime,
    ) -> Option<Vec<Option<Value>>> {
        let epoch = self.trusted(tenant, at_least, now)?;
        Some(ids.iter().map(|id| self.slots.get(&Sought { epoch, id })?.value).collect())
    }

    fn find_now(
        &self,
        tenant: &str,
        id: &str,
        at_least: Option<Position>,
        now: SystemTime,
    ) -> Option<Option<Found>> {
        let epoch = self.trusted(tenant, at_least, now)?;
        let slot = self.slots.get(&Sought { epoch, id });
        Some(slot.and_then(|Slot { revision, value }| Some(Found { epoch, revision, value: value? })))
    }

    /// The tenant's epoch, if what it holds may be trusted.
    fn trusted(&self, tenant: &str, at_least: Option<Position>, now: SystemTime) -> Option<Epoch> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.get(tenant).filter(|tenant| tenant.is_trusted(at_least, now)).map(|tenant| tenant.epoch)
    }

    fn write(
        &self,
        tenant: &str,
        epoch: Epoch,
        slots: impl Iterator<Item = (Arc<str>, Slot)>,
        as_of: u64,
    ) -> Result<(), WriteError> {
        let tenant = self.tenant_in(tenant, epoch)?;
        let mut newest = tenant.writing();
        let is_late = as_of < *newest;
        *newest = as_of.max(*newest);
        for (id, slot) in slots {
            let key = Key { epoch, id };
            match self.slots.get(&key) {
                Some(known) if known.revision >= slot.revision => {}
                // What replaced it meanwhile may have been evicted since, so a late write must not stay.
                Some(_) if is_late => _ = self.slots.remove(&key),
                None if is_late => {}
                _ => self.slots.insert(key, slot),
            }
        }
        Ok(())
    }

    fn move_watermark(
        &self,
        tenant: &str,
        epoch: Epoch,
        through: u64,
        now: SystemTime,
    ) -> Result<(), WriteError> {
        let tenant = self.tenant_in(tenant, epoch)?;
        let mut newest = tenant.writing();
        if through >= tenant.view().watermark {
            *newest = through.max(*newest);
            tenant.show(View { watermark: through, confirmed_at: now });
        }
        Ok(())
    }
}

impl DeviceStateCache for InProcessCache {
    fn open<'a>(
        &'a self,
        tenant: &'a str,
        head: Position,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Following, WriteError>> {
        Box::pin(async move { Ok(self.join(tenant, head, now)) })
    }

    fn get_many<'a>(
        &'a self,
        tenant: &'a str,
        ids: &'a [&'a str],
        at_least: Option<Position>,
        now: SystemTime,
    ) -> BoxFuture<'a, Option<Vec<Option<Value>>>> {
        Box::pin(async move { self.get(tenant, ids, at_least, now) })
    }

    fn find<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a str,
        at_least: Option<Position>,
        now: SystemTime,
    ) -> Finding<'a> {
        Either::Left(ready(self.find_now(tenant, id, at_least, now)))
    }

    fn put_many<'a>(
        &'a self,
        tenant: &'a str,
        epoch: Epoch,
        entries: &'a [Entry],
        as_of: u64,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        let slots = entries
            .iter()
            .map(|e| (e.id.clone(), Slot { revision: e.revision, value: Some(e.value.clone()) }));
        Box::pin(async move { self.write(tenant, epoch, slots, as_of) })
    }

    fn remove_many<'a>(
        &'a self,
        tenant: &'a str,
        epoch: Epoch,
        removals: &'a [Removal],
        as_of: u64,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        let slots = removals.iter().map(|r| (r.id.clone(), Slot { revision: r.revision, value: None }));
        Box::pin(async move { self.write(tenant, epoch, slots, as_of) })
    }

    fn advance<'a>(
        &'a self,
        tenant: &'a str,
        epoch: Epoch,
        through: u64,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        Box::pin(async move { self.move_watermark(tenant, epoch, through, now) })
    }

    fn is_full(&self) -> bool {
        self.bytes() >= self.capacity - self.capacity / FULL_WITHIN
    }

    fn clear<'a>(&'a self, tenant: &'a str) -> BoxFuture<'a, Result<(), WriteError>> {
        Box::pin(async move {
            self.tenants.write().unwrap_or_else(PoisonError::into_inner).remove(tenant);
            Ok(())
        })
    }
}
