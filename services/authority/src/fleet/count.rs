//! One tenant's index, shared by its follower and by plans, with the world that it covers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use tandem_client::fleet::World;
use tandem_server::Failure;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::basis::Basis;
use super::index::FleetIndex;

/// A fleet as counted.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    pub(crate) index: FleetIndex,
    /// What its devices were put in classes by. `None`: the first snapshot is not complete.
    basis: Option<Basis>,
    /// Everything up to here is counted.
    world: Option<World>,
}

impl Fleet {
    pub(super) fn new(index: FleetIndex, basis: Basis, world: World) -> Self {
        Self { index, basis: Some(basis), world: Some(world) }
    }

    /// The world of the inventory that is counted.
    pub(crate) const fn world(&self) -> Option<World> {
        self.world
    }

    pub(super) const fn reach(&mut self, world: World) {
        self.world = Some(world);
    }

    fn answers(&self, asked: World, basis: &Basis) -> bool {
        self.world.is_some_and(|world| world.covers(asked))
            && self.basis.as_ref().is_some_and(|known| known.puts_alike(basis))
    }
}

/// How far a fleet is.
#[derive(Debug, Clone)]
struct Progress {
    /// Devices of a snapshot that is being counted.
    building: usize,
    /// When everything known was last counted.
    caught_up: Instant,
    /// Why the follower does not get on, since it last did.
    last_error: Option<String>,
}

impl Default for Progress {
    fn default() -> Self {
        Self { building: 0, caught_up: Instant::now(), last_error: None }
    }
}

/// One tenant's fleet and its follower's progress.
#[derive(Debug, Default)]
pub(crate) struct FleetCount {
    fleet: RwLock<Fleet>,
    progress: watch::Sender<Progress>,
    /// Grows with every change of the fleet.
    changes: AtomicU64,
    /// Asks the follower to look at surroundings and policies now.
    nudge: Notify,
}

impl FleetCount {
    /// Counts the fleet once it is at least of that world and put in classes by that basis.
    ///
    /// # Errors
    /// It is not within `limit`: says how far it is.
    pub(crate) async fn when<T>(
        &self,
        asked: World,
        basis: &Basis,
        limit: Duration,
        count: impl Fn(&Fleet) -> T,
    ) -> Result<T, Failure> {
        let until = Instant::now() + limit;
        loop {
            self.answers(asked, basis, until).await?;
            if let Some(fleet) = self.read(asked, basis) {
                return Ok(count(&fleet));
            }
        }
    }

    /// The same on a thread for what takes long, and what is made of it after the fleet was let go.
    ///
    /// # Errors
    /// Those of [`Self::when`].
    pub(crate) async fn when_apart<L: Send + 'static, T: Send + 'static>(
        self: &Arc<Self>,
        asked: World,
        basis: &Basis,
        limit: Duration,
        look: impl Fn(&Fleet) -> L + Send + Sync + 'static,
        then: impl Fn(L) -> T + Send + Sync + 'static,
    ) -> Result<T, Failure> {
        let until = Instant::now() + limit;
        let work = Arc::new((look, then));
        loop {
            self.answers(asked, basis, until).await?;
            let (count, basis, work) = (Arc::clone(self), basis.clone(), Arc::clone(&work));
            let looked = tokio::task::spawn_blocking(move || {
                let looked = count.read(asked, &basis).map(|fleet| (work.0)(&fleet));
                looked.map(&work.1)
            });
            if let Some(found) = looked.await.map_err(Failure::internal)? {
                return Ok(found);
            }
        }
    }

    /// Waits until the fleet is at least of that world and put in classes by that basis.
    async fn answers(&self, asked: World, basis: &Basis, until: Instant) -> Result<(), Failure> {
        let mut progress = self.progress.subscribe();
        let mut has_nudged = false;
        loop {
            progress.mark_unchanged();
            if self.read(asked, basis).is_some() {
                return Ok(());
            }
            // The follower looks by itself every second, too.
            if !std::mem::replace(&mut has_nudged, true) {
                self.nudge.notify_one();
            }
            // The sender lives as long as `self`.
            if tokio::time::timeout_at(until, progress.changed()).await.is_err() {
                let Progress { building, last_error, .. } = progress.borrow().clone();
                return Err(Failure::FleetNotCounted { devices: building as u64, why: last_error });
            }
        }
    }

    /// How often the fleet has changed. The same number before and after: the same fleet.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    fn read(&self, asked: World, basis: &Basis) -> Option<RwLockReadGuard<'_, Fleet>> {
        let fleet = self.fleet.read().unwrap_or_else(PoisonError::into_inner);
        fleet.answers(asked, basis).then_some(fleet)
    }

    pub(super) async fn nudged(&self) {
        self.nudge.notified().await;
    }

    /// Changes the fleet that answers.
    pub(super) fn write<T>(&self, change: impl FnOnce(&mut Fleet) -> T) -> T {
        let mut fleet = self.fleet.write().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut fleet);
        // Within the lock: whoever reads a fleet and then the number has seen all that it counts.
        self.changes.fetch_add(1, Ordering::Relaxed);
        changed
    }

    /// Everything that is known is counted.
    pub(super) fn catch_up(&self) {
        self.progress.send_modify(|progress| *progress = Progress::default());
    }

    /// A snapshot is being counted, so many devices of it so far.
    pub(super) fn builds(&self, devices: usize) {
        self.progress.send_modify(|progress| progress.building = devices);
    }

    /// It gets on.
    pub(super) fn recover(&self) {
        self.progress.send_if_modified(|progress| progress.last_error.take().is_some());
    }

    /// How long ago everything known was last counted, and whether the follower gets on.
    pub(super) fn health(&self) -> (Duration, bool) {
        let progress = self.progress.borrow();
        (progress.caught_up.elapsed(), progress.last_error.is_none())
    }

    /// The follower does not get on.
    pub(super) fn fail(&self, why: String) {
        self.progress.send_modify(|progress| progress.last_error = Some(why));
    }
}
