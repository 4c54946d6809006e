//! The last reading of each tenant, shared by those who ask at the same time.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use tonic::Status;

use super::{TENANTS_KEPT, World};

/// Readings by tenant.
pub(super) struct Kept<T> {
    tenants: moka::sync::Cache<String, Arc<Slot<T>>>,
}

struct Slot<T> {
    last: RwLock<Option<Dated<T>>>,
    /// Held while asking: who comes meanwhile waits and finds the answer.
    asking: Mutex<()>,
}

/// What was answered, and when it was asked for.
#[derive(Debug)]
pub struct Dated<T> {
    /// The answer.
    pub value: Arc<T>,
    /// The world that it is of; `None`: whoever answered did not say.
    pub world: Option<World>,
    /// Nothing that came to be before is missing from it.
    pub asked_at: Instant,
}

impl<T> Clone for Dated<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), world: self.world, asked_at: self.asked_at }
    }
}

impl<T> Dated<T> {
    /// Young enough, and of the world asked for or a later one.
    fn answers(&self, asked: Option<World>, within: Duration) -> bool {
        let covered = asked.is_none_or(|asked| self.world.is_some_and(|world| world.covers(asked)));
        covered && self.asked_at.elapsed() < within
    }
}

impl<T: Send + Sync + 'static> Kept<T> {
    pub(super) fn new() -> Self {
        Self { tenants: moka::sync::Cache::new(TENANTS_KEPT) }
    }

    /// The last reading if it answers and is younger than `within`, else what `ask` brings, given the last reading.
    ///
    /// A service that answers from an older world than was asked for is unavailable to this caller.
    pub(super) async fn get(
        &self,
        tenant: &str,
        asked: Option<World>,
        within: Duration,
        ask: impl AsyncFnOnce(Option<Dated<T>>) -> Result<(Arc<T>, Option<World>), Status>,
    ) -> Result<Dated<T>, Status> {
        let empty = || Arc::new(Slot { last: RwLock::new(None), asking: Mutex::new(()) });
        let slot = self.tenants.get_with_by_ref(tenant, empty);
        if let Some(reading) = slot.last().filter(|reading| reading.answers(asked, within)) {
            return Ok(reading);
        }
        let _asking = slot.asking.lock().await;
        let last = slot.last();
        if let Some(reading) = last.as_ref().filter(|reading| reading.answers(asked, within)) {
            return Ok(reading.clone());
        }
        let asked_at = Instant::now();
        let (value, world) = ask(last).await?;
        let reading = Dated { value, world, asked_at };
        *slot.last.write().unwrap_or_else(PoisonError::into_inner) = Some(reading.clone());
        match asked.zip(world) {
            Some((asked, world)) if !world.covers(asked) => Err(Status::unavailable(format!(
                "expected revision {} of incarnation {:x}, found {} of {:x}",
                asked.revision, asked.incarnation, world.revision, world.incarnation
            ))),
            _ => Ok(reading),
        }
    }
}

impl<T> Slot<T> {
    fn last(&self) -> Option<Dated<T>> {
        self.last.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
