//! What a follower writes and requests read: one tenant's index, the world that it covers, and how the follower is doing.

use std::collections::BTreeSet;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use jiff::Timestamp;
use roaring::{MultiOps, RoaringBitmap};
use tandem_domain::filter::DeviceFilter;
use tandem_server::ConsistencyToken;
use tandem_server::consistency::{Mark, Service};
use tandem_server::failure::Failure;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::judge::Sources;
use super::members::{KeptMembers, Members};
use crate::index::FleetIndex;
use crate::wanted::Wanted;

/// Which devices a reader asks about, with the members of the collections that they name.
#[derive(Debug)]
pub struct Selection<'a> {
    wanted: Chosen<'a>,
    reached: Option<Vec<Chosen<'a>>>,
}

/// Devices that a filter takes, of the members of some collections. `None`: whatever they are members of.
#[derive(Debug)]
struct Chosen<'a> {
    filter: &'a DeviceFilter,
    members: Option<Arc<Members>>,
}

impl Chosen<'_> {
    fn within<K: Clone + Eq + Hash>(&self, index: &FleetIndex<K>) -> Option<RoaringBitmap> {
        let members = self.members.as_ref();
        index.select(self.filter, members.map(|members| members.devices.iter().map(String::as_str)))
    }
}

/// A fleet as counted.
#[derive(Debug)]
pub struct FleetCount<K> {
    /// The index.
    pub index: FleetIndex<K>,
    /// At least this world is counted.
    pub covered: ConsistencyToken,
    /// Counts the changes of the index.
    pub generation: u64,
    /// When the last change was counted.
    pub counted_at: Timestamp,
}

impl<K: Clone + Eq + Hash> FleetCount<K> {
    /// Names what was counted: whoever sees the same cursor twice saw the same numbers.
    pub fn cursor(&self) -> String {
        let Mark { incarnation, revision } =
            self.covered.get(Service::Inventory).unwrap_or(Mark { incarnation: 0, revision: 0 });
        format!("{incarnation:016x}-{revision}-{}", self.generation)
    }

    /// The devices of a selection, of those that the reader may see; `None`: every device.
    pub fn within(&self, selection: &Selection<'_>, reached: Option<RoaringBitmap>) -> Option<RoaringBitmap> {
        let wanted = selection.wanted.within(&self.index);
        match (wanted, reached) {
            (Some(wanted), Some(reached)) => Some(wanted & reached),
            (wanted, reached) => wanted.or(reached),
        }
    }

    /// The devices that the reader may see; `None`: every device.
    pub fn reached(&self, selection: &Selection<'_>) -> Option<RoaringBitmap> {
        // A part is never everything.
        let parts = selection.reached.as_ref()?.iter();
        Some(parts.filter_map(|part| part.within(&self.index)).union())
    }

    /// The world that is seen of a selection: what is counted, or its members' where they were read before.
    pub fn world(&self, selection: &Selection<'_>) -> ConsistencyToken {
        let counted = self.covered.get(Service::Inventory);
        let chosen = selection.reached.iter().flatten().chain([&selection.wanted]);
        let read = chosen.filter_map(|chosen| Some(chosen.members.as_ref()?.read_at));
        match read.min_by_key(|members| members.revision).zip(counted) {
            Some((members, counted)) if members.revision < counted.revision => {
                self.covered.with(Service::Inventory, members.incarnation, members.revision)
            }
            _ => self.covered,
        }
    }
}

/// Why many devices are judged at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Nothing is counted yet, or the inventory was restored, or its feed goes on too far ahead.
    Snapshot,
    /// The tenant's facts or attestations changed, or the inventory or the authority was restored.
    Tenant,
    /// Hierarchies, their sites or policies changed.
    Hierarchies,
    /// What the service itself keeps of the tenant changed.
    Own,
}

/// A judging of many devices, the last that began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Why.
    pub cause: Cause,
    /// When it began.
    pub began_at: Timestamp,
    /// When the last of its devices was judged. `None`: it goes on.
    pub ended_at: Option<Timestamp>,
    /// Devices judged so far.
    pub judged: u64,
    /// Devices to judge. `None`: a snapshot says so only with its end.
    pub total: Option<u64>,
}

/// How far a fleet is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counting {
    /// The world that is counted; `None` until the first snapshot is.
    pub covered: Option<ConsistencyToken>,
    /// Devices counted, in this world or an earlier one.
    pub devices: u64,
    /// Devices of these that are to be judged again.
    pub pending: u64,
    /// The last judging of many devices. `None`: none has begun.
    pub run: Option<Run>,
    /// How long ago everything known was last counted.
    pub lag: Duration,
    /// Why the follower does not get on, since it last did.
    pub last_error: Option<String>,
}

/// How a follower is doing.
#[derive(Debug, Clone)]
struct Progress {
    /// The world that is counted; `None` until the first snapshot is.
    covered: Option<ConsistencyToken>,
    run: Option<Run>,
    /// When everything known was last counted.
    caught_up: Instant,
    /// Why it does not get on, since it last did.
    last_error: Option<String>,
}

/// One tenant's count, shared by its follower and by requests.
#[derive(Debug)]
pub struct TenantCount<K> {
    /// The service that counts, if it keeps anything that devices are judged by.
    own: Option<Service>,
    counted: RwLock<FleetCount<K>>,
    progress: watch::Sender<Progress>,
    /// Asks the follower to look at surroundings and policies now.
    nudge: Notify,
    members: KeptMembers,
}

impl<K: Clone + Eq + Hash> TenantCount<K> {
    /// Nothing is counted yet. `own`: the service that counts, if it keeps anything that devices are judged by.
    #[must_use]
    pub fn new(now: Timestamp, own: Option<Service>) -> Self {
        let counted = FleetCount {
            index: FleetIndex::default(),
            covered: ConsistencyToken::default(),
            generation: 0,
            counted_at: now,
        };
        let progress = Progress { covered: None, run: None, caught_up: Instant::now(), last_error: None };
        Self {
            own,
            counted: RwLock::new(counted),
            progress: watch::Sender::new(progress),
            nudge: Notify::new(),
            members: KeptMembers::default(),
        }
    }

    /// Finds who is meant, at least of the world that is counted now.
    ///
    /// # Errors
    /// The inventory is asked for members and does not answer, or breaks its contract.
    pub async fn select<'a>(&self, sources: &Sources, wanted: &'a Wanted) -> Result<Selection<'a>, Failure> {
        let mut reached = Vec::new();
        for part in wanted.reached.iter().flatten() {
            reached.push(self.choose(sources, &part.hierarchies, &part.collections).await?);
        }
        let reached = wanted.reached.as_ref().map(|_| reached);
        Ok(Selection { wanted: self.choose(sources, &wanted.filter, &wanted.collections).await?, reached })
    }

    async fn choose<'a>(
        &self,
        sources: &Sources,
        filter: &'a DeviceFilter,
        collections: &BTreeSet<String>,
    ) -> Result<Chosen<'a>, Failure> {
        if collections.is_empty() {
            return Ok(Chosen { filter, members: None });
        }
        let counted = self.read().covered;
        let members = self.members.of(sources, collections, &counted).await?;
        Ok(Chosen { filter, members: Some(members) })
    }

    /// What is counted now. Held for the time of one answer; never across a wait.
    pub fn read(&self) -> RwLockReadGuard<'_, FleetCount<K>> {
        // Nothing panics while it writes; a poisoned lock would be a defect that the supervisor has seen already.
        self.counted.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is counted.
    pub(super) fn write<T>(&self, change: impl FnOnce(&mut FleetCount<K>) -> T) -> T {
        change(&mut self.counted.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until at least that world is counted.
    ///
    /// # Errors
    /// [`Failure::NotYetConsistent`] when it is not within `limit`; [`Failure::IncarnationChanged`] when it is of another life of a
    /// database, and still is after that time.
    pub async fn covers(&self, asked: &ConsistencyToken, limit: Duration) -> Result<(), Failure> {
        let covered = |progress: &Progress| check(asked, self.own, progress.covered.as_ref());
        let mut progress = self.progress.subscribe();
        if covered(&progress.borrow_and_update()).is_ok() {
            return Ok(());
        }
        self.nudge.notify_one();
        // The sender lives as long as `self`, so waiting ends with the limit alone.
        let _ = tokio::time::timeout(limit, progress.wait_for(|progress| covered(progress).is_ok())).await;
        covered(&progress.borrow())
    }

    /// Waits until something else is counted than what that cursor names, `limit` at most.
    pub async fn moves_on(&self, cursor: &str, limit: Duration) {
        let mut progress = self.progress.subscribe();
        let moved = progress.wait_for(|_| self.read().cursor() != cursor);
        // As in `covers`.
        let _ = tokio::time::timeout(limit, moved).await;
    }

    /// The numbers may be other ones now.
    pub(super) fn changed(&self, now: Timestamp) {
        self.write(|counted| {
            counted.generation += 1;
            counted.counted_at = now;
        });
        self.progress.send_modify(|_| {});
    }

    /// A reader waits for surroundings or policies.
    pub(super) async fn nudged(&self) {
        self.nudge.notified().await;
    }

    /// That world is counted.
    pub(super) fn cover(&self, world: ConsistencyToken) {
        self.write(|counted| counted.covered = world);
        self.progress.send_modify(|progress| progress.covered = Some(world));
    }

    /// Everything that is known is counted.
    pub(super) fn catch_up(&self) {
        self.progress.send_modify(|progress| {
            progress.caught_up = Instant::now();
            progress.last_error = None;
        });
    }

    /// Many devices are judged from now on.
    pub(super) fn begin(&self, cause: Cause, total: Option<u64>, now: Timestamp) {
        let run = Run { cause, began_at: now, ended_at: None, judged: 0, total };
        self.progress.send_modify(|progress| progress.run = Some(run));
    }

    /// So many devices of a snapshot are judged.
    pub(super) fn judged(&self, devices: u64) {
        self.progress.send_modify(|progress| {
            if let Some(run) = progress.run.as_mut().filter(|run| run.cause == Cause::Snapshot) {
                run.judged = devices;
            }
        });
    }

    /// Every device is judged in what holds now.
    pub(super) fn end(&self, now: Timestamp) {
        self.progress.send_if_modified(|progress| {
            let Some(run) = progress.run.as_mut().filter(|run| run.ended_at.is_none()) else { return false };
            run.ended_at = Some(now);
            run.judged = run.total.unwrap_or(run.judged);
            run.total = Some(run.judged);
            true
        });
    }

    /// How far the fleet is counted.
    pub fn counting(&self) -> Counting {
        let (devices, pending, outdated) = {
            let index = &self.read().index;
            (index.len() as u64, index.pending(), index.outdated())
        };
        let Progress { covered, mut run, caught_up, last_error } = self.progress.borrow().clone();
        // What surroundings touched is judged again one by one, and waits no more then.
        if let Some(run) = run.as_mut().filter(|run| run.ended_at.is_none())
            && let Some(total) = run.total
        {
            run.judged = total.saturating_sub(outdated);
        }
        Counting { covered, devices, pending, run, lag: caught_up.elapsed(), last_error }
    }

    /// It gets on.
    pub(super) fn recover(&self) {
        self.progress.send_if_modified(|progress| progress.last_error.take().is_some());
    }

    /// The follower does not get on.
    pub(super) fn fail(&self, why: String) {
        self.progress.send_modify(|progress| progress.last_error = Some(why));
    }

    /// How long ago everything known was last counted, and why the follower does not get on.
    pub(super) fn health(&self) -> (Duration, Option<String>) {
        let progress = self.progress.borrow();
        (progress.caught_up.elapsed(), progress.last_error.clone())
    }
}

/// What must have been seen of inventory, authority, and the service itself where it keeps anything. Other services have no part in a
/// world.
fn check(
    asked: &ConsistencyToken,
    own: Option<Service>,
    covered: Option<&ConsistencyToken>,
) -> Result<(), Failure> {
    for service in [Service::Inventory, Service::Authority].into_iter().chain(own) {
        let wanted = asked.get(service);
        match (wanted, covered.and_then(|covered| covered.get(service))) {
            (_, Some(seen)) => asked.check(service, seen)?,
            (Some(wanted), None) => {
                return Err(Failure::NotYetConsistent { asked: wanted.revision, seen: 0 });
            }
            (None, None) if covered.is_none() => {
                // Whatever is there: but nothing is before the first snapshot.
                return Err(Failure::NotYetConsistent { asked: 0, seen: 0 });
            }
            (None, None) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(inventory: (u64, u64), authority: u64) -> ConsistencyToken {
        ConsistencyToken::default().with(Service::Inventory, inventory.0, inventory.1).with(
            Service::Authority,
            1,
            authority,
        )
    }

    fn count() -> TenantCount<&'static str> {
        TenantCount::new("2026-11-20T00:00:00Z".parse().unwrap(), Some(Service::Prerequisites))
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_covered_before_the_first_snapshot() {
        let failure =
            count().covers(&ConsistencyToken::default(), Duration::from_secs(30)).await.unwrap_err();
        assert!(matches!(failure, Failure::NotYetConsistent { asked: 0, seen: 0 }), "{failure:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_when_both_services_are_covered() {
        let count = count();
        count.cover(token((7, 5), 1));
        let asked = token((7, 5), 2);
        let waiting = count.covers(&asked, Duration::from_secs(30));
        let covering = async {
            count.nudged().await;
            count.cover(token((7, 6), 2));
        };
        let (waited, ()) = tokio::join!(waiting, covering);
        assert!(waited.is_ok(), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn token_of_another_incarnation_is_told_apart_after_the_limit() {
        let count = count();
        count.cover(token((7, 5), 1));
        let failure = count.covers(&token((8, 1), 1), Duration::from_secs(30)).await.unwrap_err();
        assert!(matches!(failure, Failure::IncarnationChanged), "{failure:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn world_of_the_counting_service_itself_is_waited_for() {
        let count = count();
        count.cover(token((7, 5), 1));
        let asked = token((7, 5), 1).with(Service::Prerequisites, 3, 1);
        let failure = count.covers(&asked, Duration::from_secs(30)).await.unwrap_err();
        assert!(matches!(failure, Failure::NotYetConsistent { asked: 1, seen: 0 }), "{failure:?}");
        count.cover(asked);
        assert!(count.covers(&asked, Duration::ZERO).await.is_ok());
        // Nothing of monitoring's has a part in it.
        let other = asked.with(Service::Monitoring, 3, 1);
        assert!(count.covers(&other, Duration::ZERO).await.is_ok());
    }

    #[test]
    fn cursor_names_incarnation_revision_and_generation() {
        let count = count();
        count.cover(token((7, 5), 1));
        count.write(|counted| counted.generation = 3);
        assert_eq!(count.read().cursor(), "0000000000000007-5-3");
    }
}
