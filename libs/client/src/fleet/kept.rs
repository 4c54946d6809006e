//! The last reading of each tenant, shared by those who ask at the same time.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Mutex;
use tokio::time::Instant;
use tonic::Status;

use super::{TENANTS_KEPT, TRUSTED_FOR, World};

/// Readings by tenant.
pub(super) struct Kept<T> {
    tenants: moka::sync::Cache<String, Arc<Slot<T>>>,
}

struct Slot<T> {
    last: RwLock<Option<Reading<T>>>,
    /// Held while asking: who comes meanwhile waits and finds the answer.
    asking: Mutex<()>,
}

/// What was answered, and when it was asked for.
pub(super) struct Reading<T> {
    pub(super) value: Arc<T>,
    pub(super) world: Option<World>,
    asked_at: Instant,
}

impl<T> Clone for Reading<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), world: self.world, asked_at: self.asked_at }
    }
}

impl<T> Reading<T> {
    /// Young enough, and of the world asked for or a later one.
    fn answers(&self, asked: Option<World>) -> bool {
        let covered = asked.is_none_or(|asked| self.world.is_some_and(|world| world.covers(asked)));
        covered && self.asked_at.elapsed() < TRUSTED_FOR
    }
}

impl<T: Send + Sync + 'static> Kept<T> {
    pub(super) fn new() -> Self {
        Self { tenants: moka::sync::Cache::new(TENANTS_KEPT) }
    }

    /// The last reading if it answers, else what `ask` brings, given the last reading.
    ///
    /// A service that answers from an older world than was asked for is unavailable to this caller.
    pub(super) async fn get(
        &self,
        tenant: &str,
        asked: Option<World>,
        ask: impl AsyncFnOnce(Option<Reading<T>>) -> Result<(Arc<T>, Option<World>), Status>,
    ) -> Result<Arc<T>, Status> {
        let empty = || Arc::new(Slot { last: RwLock::new(None), asking: Mutex::new(()) });
        let slot = self.tenants.get_with_by_ref(tenant, empty);
        if let Some(reading) = slot.last().filter(|reading| reading.answers(asked)) {
            return Ok(reading.value);
        }
        let _asking = slot.asking.lock().await;
        let last = slot.last();
        if let Some(reading) = last.as_ref().filter(|reading| reading.answers(asked)) {
            return Ok(Arc::clone(&reading.value));
        }
        let asked_at = Instant::now();
        let (value, world) = ask(last).await?;
        let reading = Reading { value: Arc::clone(&value), world, asked_at };
        *slot.last.write().unwrap_or_else(PoisonError::into_inner) = Some(reading);
        match asked.zip(world) {
            Some((asked, world)) if !world.covers(asked) => Err(Status::unavailable(format!(
                "expected revision {} of incarnation {:x}, found {} of {:x}",
                asked.revision, asked.incarnation, world.revision, world.incarnation
            ))),
            _ => Ok(value),
        }
    }
}

impl<T> Slot<T> {
    fn last(&self) -> Option<Reading<T>> {
        self.last.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
