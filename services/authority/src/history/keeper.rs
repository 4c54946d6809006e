//! Follows one tenant's feed and keeps what its devices become.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::TryStreamExt;
use metrics::counter;
use tandem_contracts::inventory::v1::{Bookmark, Device, WatchDevicesResponse};
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_domain::id::{CollectionId, HierarchyId, TenantId};
use tandem_fleet::Roster;
use tandem_server::Failure;
use tandem_server::names::TenantName;
use tokio::time::{Instant, MissedTickBehavior};

use super::ground::{Ground, beyond};
use super::tenants::{FOLLOWER, Histories};
use crate::devices::INVENTORY;
use crate::grpc::device_facts;
use crate::store::history::cursor::{Cursor, Keeping, Named, cursor_take};
use crate::store::history::keep::{Batch, Seen, history_keep, known_devices};
use crate::store::history::past::{complete_now, policy_past};

/// How often policies and surroundings are looked at.
const LOOK_PERIOD: Duration = Duration::from_secs(1);

/// How often the cursor moves where nothing is to be kept: a write for each tenant, of which a third is enough to stay its keeper.
const CURSOR_PERIOD: Duration = Duration::from_secs(20);

/// How long another process is left alone before the history is asked for again.
const ANOTHERS: Duration = Duration::from_secs(10);

/// Pauses after a failure, doubled each time: a restart of the inventory is noticed soon, an outage is not hammered.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Versions that are looked through at once for devices that are no more.
const PAGE: u64 = 5000;

/// Why a session ended.
enum End {
    Failed(Failure),
    /// The history is another process's to keep.
    Anothers,
    /// States are read by something else now: everything is looked at anew.
    Outdated,
}

impl<F: Into<Failure>> From<F> for End {
    fn from(failure: F) -> Self {
        Self::Failed(failure.into())
    }
}

/// How a keeper is doing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Health {
    /// When everything known was last kept. `None`: another process keeps it.
    pub(super) caught_up: Option<Instant>,
    pub(super) gets_on: bool,
}

impl Default for Health {
    fn default() -> Self {
        Self { caught_up: Some(Instant::now()), gets_on: true }
    }
}

/// Keeps the history of one tenant.
pub(super) struct Keeper {
    pub(super) histories: Histories,
    pub(super) tenant: TenantName,
    pub(super) id: TenantId,
    pub(super) health: Arc<Mutex<Health>>,
}

/// A session of a keeper, of the feed from one cursor on.
struct Session<'a> {
    keeper: &'a Keeper,
    keeping: Keeping,
    ground: Ground,
    /// The collections that are kept of each device that is seen.
    kept: Named,
    /// As it is to be stored with what comes next.
    cursor: Cursor,
    /// What was stored of collections that are known completely.
    complete: Named,
    /// While a snapshot is being kept: the devices that it had so far. `None` within it: nobody was known before, so nobody can be gone.
    snapshot: Option<Option<Roster>>,
    /// When the cursor was last stored.
    stored_at: Instant,
}

impl Keeper {
    /// Keeps until it is dropped.
    pub(super) async fn run(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let started = Instant::now();
            let end = match self.session().await {
                Err(end) => end,
                Ok(never) => match never {},
            };
            if started.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            match end {
                End::Outdated => {}
                End::Anothers => {
                    self.is(|health| *health = Health { caught_up: None, gets_on: true });
                    tokio::time::sleep(ANOTHERS).await;
                }
                End::Failed(failure) => {
                    self.note(&failure);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn session(&self) -> Result<Infallible, End> {
        let Histories { store, clock, holder, devices, .. } = &self.histories;
        let taken = cursor_take(store, &self.id, holder, clock.now()).await?;
        let (keeping, cursor) = taken.ok_or(End::Anothers)?;
        self.is(|health| _ = health.caught_up.get_or_insert_with(Instant::now));
        let ground = self.look().await?;
        let (basis, complete) = (ground.basis(), complete_now(store, &self.id).await?);
        let resume_token = if cursor.basis == basis { cursor.resume_token } else { String::new() };
        let snapshot = match resume_token.is_empty() {
            true => {
                Some((!known_devices(store, self.id.as_str(), "", 1).await?.is_empty()).then(Roster::default))
            }
            false => None,
        };
        // A snapshot reads every collection of every device; until it is kept whole, the cursor names those that were before.
        let kept = if snapshot.is_some() { ground.named.clone() } else { cursor.named.clone() };
        let cursor = Cursor { resume_token: resume_token.clone(), basis, ..cursor };
        let stored_at = Instant::now();
        let mut session =
            Session { keeper: self, keeping, ground, kept, cursor, complete, snapshot, stored_at };
        session.catch_up().await?;
        let feed = devices.watch(&self.tenant, resume_token).await;
        let mut feed = match feed {
            Err(why @ (Failure::IncarnationChanged | Failure::RevisionTooOld { .. })) => {
                return Err(session.start_over(&why).await);
            }
            feed => feed?,
        };
        let mut period = tokio::time::interval(LOOK_PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        period.reset();
        loop {
            tokio::select! {
                message = feed.message() => session.feed(message).await?,
                _ = period.tick() => session.look_again().await?,
            }
        }
    }

    async fn look(&self) -> Result<Ground, Failure> {
        let policies = policy_past(&self.histories.store, &self.id).await?;
        let surroundings = self.histories.surroundings.get(self.tenant.as_str(), "").await;
        let surroundings = surroundings.map_err(|status| Failure::from_dependency(INVENTORY, status))?;
        Ok(Ground { surroundings, named: policies.named.clone() })
    }

    fn is(&self, change: impl FnOnce(&mut Health)) {
        change(&mut self.health.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn note(&self, failure: &Failure) {
        let cause = failure.source().map(ToString::to_string).unwrap_or_default();
        let tenant = self.tenant.as_str();
        tracing::warn!(tenant, error = %failure, cause, "the history of devices is not kept");
        counter!("tandem_watch_errors_total", "follower" => FOLLOWER).increment(1);
        self.is(|health| health.gets_on = false);
    }
}

impl Session<'_> {
    /// Keeps a batch.
    async fn keep(&mut self, batch: Batch) -> Result<(), End> {
        let Histories { store, clock, .. } = &self.keeper.histories;
        let stores_cursor = batch.cursor.is_some();
        let kept = history_keep(store, &self.keeping, batch, clock.now()).await?;
        let changed = kept.ok_or(End::Anothers)?;
        counter!("tandem_history_versions_total").increment(changed as u64);
        if stores_cursor {
            self.stored_at = Instant::now();
        }
        Ok(())
    }

    /// Everything is looked at anew with the next session. What is found then may have been so for longer: nobody looked meanwhile.
    async fn start_over(&mut self, why: &Failure) -> End {
        let cursor = Cursor { complete: false, resume_token: String::new(), ..self.cursor.clone() };
        let is_restored = matches!(why, Failure::IncarnationChanged);
        match self.keep(Batch { cursor: Some(cursor), is_restored, ..Batch::default() }).await {
            Ok(()) => End::Outdated,
            Err(end) => end,
        }
    }

    fn seen(&self, devices: Vec<Device>) -> Result<Vec<Seen>, Failure> {
        let mut seen = BTreeMap::new();
        for device in devices {
            let revision = i64::try_from(device.revision).unwrap_or(i64::MAX);
            let (name, facts) = device_facts(device)?;
            let device = id_of(&name).to_owned();
            let state = self.ground.state(&facts, &self.kept);
            // Of one that comes twice the later one counts.
            seen.insert(device.clone(), Seen { device, revision, state });
        }
        Ok(seen.into_values().collect())
    }

    async fn feed(
        &mut self,
        message: Result<Option<WatchDevicesResponse>, tonic::Status>,
    ) -> Result<(), End> {
        let message = match message.map_err(|status| Failure::from_dependency(INVENTORY, status)) {
            Err(why @ (Failure::IncarnationChanged | Failure::RevisionTooOld { .. })) => {
                return Err(self.start_over(&why).await);
            }
            message => message?,
        };
        let ended = || Failure::unavailable(INVENTORY, "the watch of devices ended");
        let WatchDevicesResponse { changed, left, bookmark } = message.ok_or_else(ended)?;
        let seen = self.seen(changed)?;
        if let Some(Some(roster)) = &mut self.snapshot {
            seen.iter().for_each(|seen| _ = roster.enter(&seen.device));
        }
        let revision = |revision| i64::try_from(revision).unwrap_or(i64::MAX);
        let gone = left.iter().map(|left| (id_of(&left.name).to_owned(), revision(left.revision)));
        let batch = Batch { seen, gone: gone.collect(), ..Batch::default() };
        let says_nothing = batch.seen.is_empty() && batch.gone.is_empty();
        match bookmark {
            Some(bookmark) => self.reach(batch, bookmark).await,
            None if says_nothing => Ok(()),
            None => self.keep(batch).await,
        }
    }

    /// Everything up to the bookmark is in the batch, or was kept.
    async fn reach(&mut self, mut batch: Batch, bookmark: Bookmark) -> Result<(), End> {
        let is_idle = batch.seen.is_empty() && batch.gone.is_empty();
        match self.snapshot.take() {
            Some(snapshot) if !bookmark.snapshot_complete => {
                self.snapshot = Some(snapshot);
                return if is_idle { Ok(()) } else { self.keep(batch).await };
            }
            Some(roster) => {
                self.keep(batch).await?;
                if let Some(roster) = roster {
                    self.end_others(&roster).await?;
                }
                self.cursor.complete = true;
                self.cursor.named.clone_from(&self.kept);
                self.cursor.resume_token = bookmark.resume_token;
                let cursor = Some(self.cursor.clone());
                self.keep(Batch { cursor, ..Batch::default() }).await?;
                tracing::info!(
                    tenant = self.keeper.tenant.as_str(),
                    "every device was looked at for its history"
                );
            }
            None => {
                self.cursor.resume_token = bookmark.resume_token;
                if !is_idle {
                    batch.cursor = Some(self.cursor.clone());
                    self.keep(batch).await?;
                }
            }
        }
        self.keeper.is(|health| *health = Health::default());
        Ok(())
    }

    /// Devices that a whole snapshot had not are no more.
    async fn end_others(&mut self, roster: &Roster) -> Result<(), End> {
        let mut after = String::new();
        loop {
            let known =
                known_devices(&self.keeper.histories.store, self.keeping.tenant.as_str(), &after, PAGE)
                    .await?;
            let Some(last) = known.last().cloned() else { return Ok(()) };
            let gone = known.into_iter().filter(|device| roster.ordinal(device).is_none());
            let gone: Vec<_> = gone.map(|device| (device, i64::MAX)).collect();
            if !gone.is_empty() {
                self.keep(Batch { gone, ..Batch::default() }).await?;
            }
            after = last;
        }
    }

    async fn look_again(&mut self) -> Result<(), End> {
        let ground = self.keeper.look().await?;
        let is_same = Arc::ptr_eq(&ground.surroundings, &self.ground.surroundings);
        if !is_same && ground.basis() != self.cursor.basis {
            return Err(End::Outdated);
        }
        self.ground = ground;
        self.catch_up().await?;
        if self.snapshot.is_none() {
            self.keeper.is(|health| health.gets_on = true);
        }
        if self.snapshot.is_none() && self.stored_at.elapsed() >= CURSOR_PERIOD {
            let cursor = Some(self.cursor.clone());
            self.keep(Batch { cursor, ..Batch::default() }).await?;
        }
        Ok(())
    }

    /// Looks up the members of collections that are named for the first time, and keeps which are known completely.
    async fn catch_up(&mut self) -> Result<(), End> {
        let named = beyond(&self.ground.named, &self.kept);
        // What was known of those that were named before, and is known of them now.
        self.keep_complete().await?;
        if named.is_empty() {
            return Ok(());
        }
        for (hierarchy, collection) in named {
            self.kept.entry(hierarchy.clone()).or_default().insert(collection.clone());
            let name = format!("{}/hierarchies/{hierarchy}/collections/{collection}", self.keeper.tenant);
            let filter = DeviceFilter { collections: vec![name], ..DeviceFilter::default() };
            let Histories { devices, .. } = &self.keeper.histories;
            let mut members = match devices.snapshot(&self.keeper.tenant, Some(filter), String::new()).await {
                // A collection that nobody read has no members that are known.
                Err(Failure::NotFound { .. }) => continue,
                members => members?,
            };
            while let Some(batch) = members.try_next().await? {
                let seen = self.seen(batch.devices)?;
                self.keep(Batch { seen, ..Batch::default() }).await?;
            }
        }
        self.keep_complete().await?;
        if self.snapshot.is_some() {
            return Ok(());
        }
        // The cursor says which collections were looked up: until it is stored they are looked up again.
        self.cursor.named.clone_from(&self.kept);
        self.keep(Batch { cursor: Some(self.cursor.clone()), ..Batch::default() }).await
    }

    async fn keep_complete(&mut self) -> Result<(), End> {
        let now = self.ground.complete(&self.kept);
        let complete = changed(&self.complete, &now);
        if !complete.is_empty() {
            self.keep(Batch { complete, ..Batch::default() }).await?;
            self.complete = now;
        }
        Ok(())
    }
}

/// The hierarchies of which other collections are known completely now.
fn changed(before: &Named, now: &Named) -> Vec<(HierarchyId, BTreeSet<CollectionId>)> {
    let is_other = |(id, now): &(&HierarchyId, &BTreeSet<CollectionId>)| {
        before.get(*id).map_or(!now.is_empty(), |before| before != *now)
    };
    now.iter().filter(is_other).map(|(id, now)| (id.clone(), now.clone())).collect()
}

/// The last part of a resource name.
fn id_of(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}
