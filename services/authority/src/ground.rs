//! The ground that devices are judged on, kept for up to a second: what surrounds a tenant's devices, and its policies.
//!
//! Both are read anew when they are [`RENEWED_AFTER`] old, or where a caller asks for more; nothing is stood on that is [`TRUSTED_FOR`] old. A
//! policy that was recorded through this process is in every answer after it. One that another replica recorded is in the answers of
//! callers who bring its token, and a second later in all.
//!
//! Grounds are numbered: two readings that say the same have the same number, so that decisions outlive the second.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use tandem_client::fleet::{Dated, TENANTS_KEPT, TRUSTED_FOR, TenantSurroundings, World as InventoryWorld};
use tandem_server::Failure;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::judge::World;
use crate::store::policy_set::PolicySet;

/// How old a ground is before one of those who stand on it reads it anew. What it is read from is younger than half of that: else it would be this
/// old at once, and be read again and again.
const RENEWED_AFTER: Duration = Duration::from_millis(500);

/// How old surroundings may be that a ground is made of.
pub(crate) const YOUNG: Duration = Duration::from_millis(250);

const _: () = assert!(
    RENEWED_AFTER.as_millis() * 2 == TRUSTED_FOR.as_millis()
        && YOUNG.as_millis() * 2 == RENEWED_AFTER.as_millis()
);

/// What devices of one tenant are judged by.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) world: World,
    /// The inventory's world that its surroundings are of.
    pub(crate) inventory: Option<InventoryWorld>,
    /// The same as that of any ground that says the same, of this tenant and process.
    pub(crate) number: u64,
    asked_at: Instant,
}

/// What a ground is made of.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) surroundings: Dated<TenantSurroundings>,
    pub(crate) policies: Arc<PolicySet>,
    /// When the policies were asked for.
    pub(crate) asked_at: Instant,
    /// The same by the calendar.
    pub(crate) as_of: Timestamp,
}

/// What a caller asks for: at least these worlds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AtLeast {
    pub(crate) inventory: Option<InventoryWorld>,
    /// The revision of this service.
    pub(crate) policies: u64,
}

impl Ground {
    /// Whether nothing of what it says can have been said otherwise before.
    fn says_what(&self, other: &Reading) -> bool {
        let incarnation = |world: Option<InventoryWorld>| world.map(|world| world.incarnation);
        incarnation(self.inventory).is_some()
            && incarnation(self.inventory) == incarnation(other.surroundings.world)
            && self.world.surroundings.revision == other.surroundings.value.revision
            && self.world.policies.revision == other.policies.revision
    }

    fn covers(&self, asked: AtLeast) -> bool {
        let inventory =
            asked.inventory.is_none_or(|asked| self.inventory.is_some_and(|world| world.covers(asked)));
        inventory && self.world.policies.revision >= asked.policies
    }
}

/// The last ground of each tenant.
#[derive(Debug, Default)]
pub(crate) struct Grounds {
    tenants: RwLock<HashMap<Box<str>, Arc<Slot>>>,
    numbers: AtomicU64,
}

#[derive(Debug, Default)]
struct Slot {
    last: RwLock<Option<Arc<Ground>>>,
    /// The revision of the last policy that this process recorded: no older ground is used after it.
    recorded: AtomicU64,
    /// Held while reading: who comes meanwhile waits and finds the ground.
    reading: Mutex<()>,
}

impl Slot {
    fn last(&self) -> Option<Arc<Ground>> {
        self.last.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last ground, if it may be stood on, and its age.
    fn trusted(&self, asked: AtLeast) -> Option<(Arc<Ground>, Duration)> {
        let ground = self.last()?;
        let age = ground.asked_at.elapsed();
        let is_new = ground.world.policies.revision >= self.recorded.load(Ordering::Acquire);
        (is_new && age < TRUSTED_FOR && ground.covers(asked)).then_some((ground, age))
    }
}

impl Grounds {
    /// A policy of that tenant was recorded in that revision.
    pub(crate) fn recorded(&self, tenant: &str, revision: u64) {
        self.slot(tenant).recorded.fetch_max(revision, Ordering::Release);
    }

    /// The tenant's ground, if it is at least as asked: the last one, or else what is read now. `None`: it is not.
    ///
    /// # Errors
    /// Those of the reading.
    pub(crate) async fn get(
        &self,
        tenant: &str,
        asked: AtLeast,
        read: impl AsyncFnOnce() -> Result<Reading, Failure>,
    ) -> Result<Option<Arc<Ground>>, Failure> {
        let slot = self.slot(tenant);
        let trusted = slot.trusted(asked);
        let reading = match trusted {
            Some((ground, age)) if age < RENEWED_AFTER => return Ok(Some(ground)),
            // The first to come reads it anew while the others go on, so that they need not wait later.
            Some((ground, _)) => match slot.reading.try_lock() {
                Ok(reading) => reading,
                Err(_) => return Ok(Some(ground)),
            },
            None => slot.reading.lock().await,
        };
        if let Some((ground, age)) = slot.trusted(asked)
            && age < RENEWED_AFTER
        {
            return Ok(Some(ground));
        }
        let ground = Arc::new(self.numbered(slot.last().as_deref(), read().await?));
        *slot.last.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&ground));
        drop(reading);
        let is_new = ground.world.policies.revision >= slot.recorded.load(Ordering::Acquire);
        Ok(Some(ground).filter(|ground| is_new && ground.covers(asked)))
    }

    fn numbered(&self, last: Option<&Ground>, reading: Reading) -> Ground {
        let number = match last.filter(|last| last.says_what(&reading)) {
            Some(last) => last.number,
            None => self.numbers.fetch_add(1, Ordering::Relaxed),
        };
        let Reading { surroundings, policies, asked_at, as_of } = reading;
        Ground {
            inventory: surroundings.world,
            number,
            asked_at: asked_at.min(surroundings.asked_at),
            world: World { surroundings: surroundings.value, policies, as_of },
        }
    }

    fn slot(&self, tenant: &str) -> Arc<Slot> {
        if let Some(slot) = self.tenants.read().unwrap_or_else(PoisonError::into_inner).get(tenant) {
            return Arc::clone(slot);
        }
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() as u64 >= TENANTS_KEPT {
            // They are read anew, which they are each second anyway.
            tenants.clear();
        }
        Arc::clone(tenants.entry(tenant.into()).or_default())
    }
}
