//! One tenant's follower: keeps its index at the inventory's feed, at the surroundings and at the time.
//!
//! Batches of devices are judged with at most [`IN_FLIGHT`] under way and applied in the order in which they were submitted, so an
//! older answer never overwrites a newer one; the index guards by the device's revision as well. A bookmark takes its place
//! in that order: once it is reached, everything before it is counted.
//!
//! A device is judged again when its surroundings changed or its answer expired: it is marked, taken from the index in batches,
//! read anew and judged like any other, behind whatever the feed brings.
//!
//! A first snapshot, and one after the inventory was restored, is counted into an index of its own, which takes the place of
//! the old one once it is complete.

use std::collections::{HashSet, VecDeque};
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FuturesOrdered, FuturesUnordered, StreamExt};
use metrics::counter;
use tandem_contracts::inventory::v1::{Bookmark, DeviceLeft, WatchDevicesRequest, WatchDevicesResponse};
use tandem_server::consistency::{Mark, Service};
use tandem_server::failure::Failure;
use tandem_server::{Clock, ConsistencyToken};
use tandem_telemetry::traces;
use tokio::time::MissedTickBehavior;
use tonic::Streaming;
use tracing::{Instrument, Span};

use super::INVENTORY;
use super::count::{Cause, TenantCount};
use super::judge::{Judge, Sources};
use super::world::{self, Affected, World};
use crate::index::{Counted, FleetIndex};

/// Batches being judged at once: while one is being asked about, the next is being received or applied.
const IN_FLIGHT: usize = 2;

/// Devices judged again at once: as many as the inventory's watch sends.
const AGAIN: usize = 250;

/// How often surroundings, policies and the time are looked at, when no reader asks for it.
const LOOK_PERIOD: Duration = Duration::from_secs(1);

/// Pauses after a failure, doubled each time: a restart of another service is noticed soon, an outage is not hammered.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A batch that was judged.
enum Judged<K> {
    /// What the feed brought.
    Fed { counted: Vec<Counted<K>>, left: Vec<DeviceLeft>, bookmark: Option<Bookmark> },
    /// Devices that the index asked about.
    Again { asked: Vec<(u32, Arc<str>)>, counted: Vec<Counted<K>> },
}

type Look<O> = Result<(Arc<World<O>>, Affected), Failure>;

/// Follows one tenant.
pub(super) struct Follower<J: Judge> {
    judge: J,
    sources: Sources,
    /// `tenants/{t}`.
    tenant: String,
    /// What metrics call the followers of this service.
    name: &'static str,
    clock: Clock,
    count: Arc<TenantCount<J::Key>>,
    /// Where the feed goes on. Empty: with a snapshot.
    resume: String,
    /// The index that a snapshot is being counted into.
    building: Option<FleetIndex<J::Key>>,
    world: Option<Arc<World<J::Own>>>,
    /// Up to here the feed is counted.
    fed: Option<Mark>,
    /// The newest world whose surroundings are counted on every device.
    surrounded: Option<ConsistencyToken>,
    in_flight: FuturesOrdered<BoxFuture<'static, Result<Judged<J::Key>, Failure>>>,
    /// The number of the world of each batch in flight.
    in_flight_worlds: VecDeque<u64>,
    /// Something was counted since the last failure.
    got_on: bool,
    /// The last look failed: surroundings may have changed unseen.
    looks_fail: bool,
}

impl<J: Judge> Follower<J> {
    pub(super) fn new(
        (judge, sources): (J, Sources),
        tenant: String,
        name: &'static str,
        clock: Clock,
        count: Arc<TenantCount<J::Key>>,
    ) -> Self {
        Self {
            judge,
            sources,
            tenant,
            name,
            clock,
            count,
            resume: String::new(),
            building: None,
            world: None,
            fed: None,
            surrounded: None,
            in_flight: FuturesOrdered::new(),
            in_flight_worlds: VecDeque::new(),
            got_on: false,
            looks_fail: false,
        }
    }

    /// Follows until it is dropped.
    pub(super) async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let failure = match self.session().await {
                Err(failure) => failure,
                Ok(never) => match never {},
            };
            self.note(&failure);
            if matches!(failure, Failure::IncarnationChanged | Failure::RevisionTooOld { .. }) {
                self.resume.clear();
            }
            if std::mem::take(&mut self.got_on) {
                pause = FIRST_PAUSE;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Follows until something fails. What was in flight then is asked for again: the feed from the last bookmark on, and
    /// whatever the index has not been answered for.
    async fn session(&mut self) -> Result<Infallible, Failure> {
        self.in_flight = FuturesOrdered::new();
        self.in_flight_worlds.clear();
        self.building = self.resume.is_empty().then(FleetIndex::default);
        if self.building.is_some() {
            self.count.begin(Cause::Snapshot, None, self.clock.now());
        }
        self.index(FleetIndex::give_back_all);
        let (world, affected) = self.look().await?;
        self.adopt(world, affected);
        let mut feed = self.open().await?;
        let mut looks: FuturesUnordered<BoxFuture<'static, Look<J::Own>>> = FuturesUnordered::new();
        let mut period = tokio::time::interval(LOOK_PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let room = self.in_flight.len() < IN_FLIGHT;
            let again = room && self.index(|index| index.has_pending());
            tokio::select! {
                biased;
                Some(judged) = self.in_flight.next() => self.apply(judged?)?,
                Some(look) = looks.next() => self.looked(look),
                () = self.count.nudged(), if looks.is_empty() => looks.push(self.look()),
                _ = period.tick(), if looks.is_empty() => looks.push(self.look()),
                message = feed.message(), if room => self.feed(message)?,
                () = std::future::ready(()), if again => self.judge_again(),
            }
        }
    }

    async fn open(&mut self) -> Result<Streaming<WatchDevicesResponse>, Failure> {
        let request = WatchDevicesRequest {
            parent: self.tenant.clone(),
            filter: None,
            resume_token: self.resume.clone(),
            snapshot_only: false,
            consistency_token: String::new(),
        };
        let feed = self.sources.devices().watch_devices(request).await;
        Ok(feed.map_err(|status| Failure::from_dependency(INVENTORY, status))?.into_inner())
    }

    fn look(&self) -> BoxFuture<'static, Look<J::Own>> {
        let asked = (self.judge.clone(), self.sources.clone());
        world::read(asked, self.tenant.clone(), self.world.clone()).boxed()
    }

    /// A look that failed does not end the session: the feed goes on, and readers of newer surroundings wait for the next look.
    fn looked(&mut self, look: Look<J::Own>) {
        match look {
            Ok((world, affected)) => {
                self.adopt(world, affected);
                let now = self.clock.now();
                self.index(|index| index.pass_time(now));
                self.looks_fail = false;
                self.settle(false);
            }
            Err(failure) => {
                self.looks_fail = true;
                self.note(&failure);
            }
        }
    }

    fn adopt(&mut self, world: Arc<World<J::Own>>, affected: Affected) {
        self.world = Some(world);
        let cause = match affected {
            Affected::Nobody => return,
            Affected::Hierarchies(hierarchies) => {
                let outdate =
                    |index: &mut FleetIndex<_>| hierarchies.iter().for_each(|id| index.outdate_hierarchy(id));
                self.index(outdate);
                Cause::Hierarchies
            }
            Affected::ByOwn => {
                self.index(FleetIndex::outdate_all);
                Cause::Own
            }
            Affected::Everybody => {
                self.index(FleetIndex::outdate_all);
                Cause::Tenant
            }
        };
        // A snapshot that is being counted holds these devices too.
        if self.building.is_none() {
            let outdated = self.index(|index| index.outdated());
            self.count.begin(cause, Some(outdated), self.clock.now());
        }
    }

    fn feed(&mut self, message: Result<Option<WatchDevicesResponse>, tonic::Status>) -> Result<(), Failure> {
        let message = message.map_err(|status| Failure::from_dependency(INVENTORY, status))?;
        let ended = || Failure::unavailable(INVENTORY, "the watch of devices ended");
        let WatchDevicesResponse { changed, left, bookmark } = message.ok_or_else(ended)?;
        // A bookmark alone asks nobody anything.
        let span = if changed.is_empty() { Span::none() } else { judging(changed.len()) };
        let (judge, tenant) = (self.judge.clone(), self.tenant.clone());
        self.submit(span, async move |world| {
            let counted = match changed.is_empty() {
                true => Vec::new(),
                false => judge.judge(&tenant, world, changed).await?,
            };
            Ok(Judged::Fed { counted, left, bookmark })
        });
        Ok(())
    }

    fn judge_again(&mut self) {
        let asked = self.index(|index| index.take_pending(AGAIN));
        let (judge, sources, tenant) = (self.judge.clone(), self.sources.clone(), self.tenant.clone());
        self.submit(judging(asked.len()), async move |world| {
            let ids: Vec<Arc<str>> = asked.iter().map(|(_, device)| Arc::clone(device)).collect();
            let devices = sources.again(&tenant, &world, &ids).await?;
            let counted = match devices.is_empty() {
                true => Vec::new(),
                false => judge.judge(&tenant, world, devices).await?,
            };
            Ok(Judged::Again { counted, asked })
        });
    }

    fn submit<F, R>(&mut self, span: Span, judging: F)
    where
        F: FnOnce(Arc<World<J::Own>>) -> R,
        R: Future<Output = Result<Judged<J::Key>, Failure>> + Send + 'static,
    {
        // A session reads the world before it judges anything.
        let Some(world) = self.world.clone() else { return };
        self.in_flight_worlds.push_back(world.number);
        self.in_flight.push_back(judging(world).instrument(span).boxed());
    }

    fn apply(&mut self, judged: Judged<J::Key>) -> Result<(), Failure> {
        let current = self.in_flight_worlds.pop_front() == self.world.as_ref().map(|world| world.number);
        self.got_on = true;
        self.count.recover();
        let mut reached = false;
        match judged {
            Judged::Fed { counted, left, bookmark } => {
                if !counted.is_empty() || !left.is_empty() {
                    self.index(|index| {
                        counted.into_iter().for_each(|device| index.replace(device, current));
                        left.iter().for_each(|left| index.remove(id_of(&left.name), left.revision));
                    });
                    if let Some(index) = &self.building {
                        self.count.judged(index.len() as u64);
                    }
                    self.changed();
                }
                if let Some(bookmark) = bookmark {
                    self.reach(bookmark)?;
                    reached = true;
                }
            }
            Judged::Again { asked, counted } => {
                let answered: HashSet<Arc<str>> = counted.iter().map(|c| Arc::clone(&c.device)).collect();
                self.index(|index| {
                    counted.into_iter().for_each(|device| index.replace_known(device, current));
                    for (ordinal, device) in &asked {
                        index.give_back(*ordinal, device, !answered.contains(device));
                    }
                });
                self.changed();
            }
        }
        self.settle(reached);
        Ok(())
    }

    /// The numbers may be other ones now.
    fn changed(&self) {
        if self.building.is_none() {
            self.count.changed(self.clock.now());
        }
    }

    /// Everything up to the bookmark is counted.
    fn reach(&mut self, bookmark: Bookmark) -> Result<(), Failure> {
        if self.building.is_some() && !bookmark.snapshot_complete {
            return Ok(());
        }
        let token = ConsistencyToken::parse(&bookmark.consistency_token)?;
        if let Some(index) = self.building.take() {
            tracing::info!(
                tenant = self.tenant,
                follower = self.name,
                devices = index.len(),
                "snapshot counted"
            );
            self.count.write(|counted| counted.index = index);
            self.surrounded = None;
            self.changed();
        }
        self.fed = token.get(Service::Inventory);
        self.resume = bookmark.resume_token;
        Ok(())
    }

    /// Says which world is counted: up to the feed, in the surroundings that every device was judged in. `reached`: a bookmark was.
    fn settle(&mut self, reached: bool) {
        let Some(world) = self.world.as_ref().filter(|_| self.building.is_none()) else { return };
        let in_current = self.in_flight_worlds.iter().all(|number| *number == world.number);
        let (current, pending) = {
            let index = &self.count.read().index;
            (index.is_current(), index.pending())
        };
        if in_current && current {
            self.surrounded = Some(world.token);
            self.count.end(self.clock.now());
        }
        if pending == 0 && (reached || self.in_flight.is_empty()) && !self.looks_fail {
            self.count.catch_up();
        }
        let (Some(fed), Some(surrounded)) = (self.fed, &self.surrounded) else { return };
        let Some(seen) =
            surrounded.get(Service::Inventory).filter(|seen| seen.incarnation == fed.incarnation)
        else {
            return;
        };
        let revision = fed.revision.min(seen.revision);
        let covered = surrounded.with(Service::Inventory, fed.incarnation, revision);
        if self.count.read().covered != covered {
            self.count.cover(covered);
        }
    }

    /// The index that is being fed.
    fn index<T>(&mut self, change: impl FnOnce(&mut FleetIndex<J::Key>) -> T) -> T {
        match &mut self.building {
            Some(index) => change(index),
            None => self.count.write(|counted| change(&mut counted.index)),
        }
    }

    fn note(&self, failure: &Failure) {
        let cause = failure.source().map(ToString::to_string).unwrap_or_default();
        tracing::warn!(tenant = self.tenant, follower = self.name, error = %failure, cause, "the fleet cannot be followed");
        counter!("tandem_watch_errors_total", "follower" => self.name).increment(1);
        self.count.fail(failure.to_string());
    }
}

/// The trace of a batch.
fn judging(devices: usize) -> Span {
    tracing::info_span!(target: traces::TARGET, parent: None, "judge devices", tandem.devices = devices)
}

/// The last part of a resource name.
fn id_of(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}
