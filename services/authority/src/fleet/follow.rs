//! Keeps one tenant's index at the inventory's feed, at what devices are put in classes by, and at the time.
//!
//! A snapshot is counted into an index of its own, which takes the place of the old one once it is complete.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tandem_contracts::inventory::v1::{Bookmark, Device, WatchDevicesResponse};
use tandem_domain::id::TenantId;
use tandem_server::Failure;
use tandem_server::names::TenantName;
use tokio::time::MissedTickBehavior;

use super::basis::Basis;
use super::count::{Fleet, FleetCount};
use super::index::{FleetIndex, SortedBy};
use super::{FOLLOWER, Fleets};
use crate::devices::{INVENTORY, inventory_world};
use crate::grpc::device_facts;
use crate::store::policy_set::policy_set;

/// How often surroundings, policies and the time are looked at when no plan asks for it.
const LOOK_PERIOD: Duration = Duration::from_secs(1);

/// Devices read again at once, because time changed their class.
const AGAIN: usize = 500;

/// Pauses after a failure, doubled each time: a restart of the inventory is noticed soon, an outage is not hammered.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Why a session ended.
enum End {
    Failed(Failure),
    /// Classes are other ones now: everything is counted anew.
    Outdated,
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Follows one tenant.
pub(super) struct Follower {
    fleets: Fleets,
    tenant: TenantName,
    id: TenantId,
    count: Arc<FleetCount>,
    /// Where the feed goes on. Empty: with a snapshot.
    resume: String,
    /// What the devices that are counted were put in classes by.
    basis: Option<Basis>,
    /// What the index is sorted by.
    sorted_by: SortedBy,
    /// The index that a snapshot is being counted into.
    building: Option<FleetIndex>,
    pause: Duration,
}

impl Follower {
    pub(super) fn new(fleets: Fleets, tenant: TenantName, id: TenantId, count: Arc<FleetCount>) -> Self {
        let (resume, basis, building) = (String::new(), None, None);
        let sorted_by = SortedBy::new();
        Self { fleets, tenant, id, count, resume, basis, sorted_by, building, pause: FIRST_PAUSE }
    }

    /// Follows until it is dropped.
    pub(super) async fn run(mut self) {
        loop {
            let end = match self.session().await {
                Err(end) => end,
                Ok(never) => match never {},
            };
            match end {
                End::Outdated => self.resume.clear(),
                End::Failed(failure) => {
                    if matches!(failure, Failure::IncarnationChanged | Failure::RevisionTooOld { .. }) {
                        self.resume.clear();
                    }
                    self.note(&failure);
                    tokio::time::sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn session(&mut self) -> Result<Infallible, End> {
        let basis = self.look().await?;
        if self.basis.as_ref().is_none_or(|known| !known.puts_alike(&basis)) {
            self.resume.clear();
        }
        self.building = self.resume.is_empty().then(FleetIndex::default);
        self.basis = Some(basis.clone());
        self.sorted_by = basis.sorted_by();
        let sorted_by = self.sorted_by.clone();
        self.index(|index| index.sort_by(sorted_by));
        let mut feed = self.fleets.devices.watch(&self.tenant, self.resume.clone()).await?;
        let mut period = tokio::time::interval(LOOK_PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        period.reset();
        let count = Arc::clone(&self.count);
        loop {
            tokio::select! {
                message = feed.message() => self.feed(&basis, message)?,
                () = count.nudged() => self.look_again(&basis).await?,
                _ = period.tick() => {
                    self.look_again(&basis).await?;
                    self.pass_time(&basis).await?;
                }
            }
        }
    }

    /// Reads what devices are put in classes by.
    async fn look(&self) -> Result<Basis, Failure> {
        let policies = policy_set(&self.fleets.store, &self.id).await?;
        let surroundings = self.fleets.surroundings.get(self.tenant.as_str(), "").await;
        let surroundings = surroundings.map_err(|status| Failure::from_dependency(INVENTORY, status))?;
        Ok(Basis { surroundings, policies })
    }

    async fn look_again(&mut self, basis: &Basis) -> Result<(), End> {
        let now = self.look().await?;
        if !now.puts_alike(basis) {
            return Err(End::Outdated);
        }
        let sorted_by = now.sorted_by();
        if self.sorted_by != sorted_by {
            self.sorted_by.clone_from(&sorted_by);
            self.index(|index| index.sort_by(sorted_by));
        }
        if self.building.is_none() {
            self.count.recover();
        }
        Ok(())
    }

    fn feed(
        &mut self,
        basis: &Basis,
        message: Result<Option<WatchDevicesResponse>, tonic::Status>,
    ) -> Result<(), Failure> {
        let message = message.map_err(|status| Failure::from_dependency(INVENTORY, status))?;
        let ended = || Failure::unavailable(INVENTORY, "the watch of devices ended");
        let WatchDevicesResponse { changed, left, bookmark } = message.ok_or_else(ended)?;
        self.pause = FIRST_PAUSE;
        let counted = self.counted(basis, changed)?;
        self.index(|index| {
            counted.into_iter().for_each(|device| index.replace(device));
            left.iter().for_each(|left| index.remove(id_of(&left.name), left.revision));
        });
        match (&self.building, bookmark) {
            (_, Some(bookmark)) => self.reach(basis, bookmark),
            (Some(building), None) => {
                self.count.builds(building.len());
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }

    fn counted(&self, basis: &Basis, devices: Vec<Device>) -> Result<Vec<super::index::Counted>, Failure> {
        let now = self.fleets.clock.now();
        let counted = devices.into_iter().map(|device| {
            let revision = device.revision;
            let (name, facts) = device_facts(device)?;
            Ok(basis.counted(id_of(&name).to_owned(), revision, facts, now))
        });
        counted.collect()
    }

    /// Everything up to the bookmark is counted.
    fn reach(&mut self, basis: &Basis, bookmark: Bookmark) -> Result<(), Failure> {
        if self.building.is_some() && !bookmark.snapshot_complete {
            return Ok(());
        }
        let world = inventory_world(&bookmark.consistency_token).ok_or_else(|| {
            Failure::internal(
                "a bookmark of WatchDevices breaks the contract: its consistency token says no world",
            )
        })?;
        match self.building.take() {
            Some(index) => {
                tracing::info!(
                    tenant = self.tenant.as_str(),
                    devices = index.len(),
                    "fleet counted for plans"
                );
                self.count.write(|fleet| *fleet = Fleet::new(index, basis.clone(), world));
            }
            None => self.count.write(|fleet| fleet.reach(world)),
        }
        self.resume = bookmark.resume_token;
        self.count.catch_up();
        Ok(())
    }

    /// Puts devices in other classes when time alone asks for it.
    async fn pass_time(&mut self, basis: &Basis) -> Result<(), Failure> {
        if self.building.is_some() {
            return Ok(());
        }
        let now = self.fleets.clock.now();
        let due = self.index(|index| index.due(now, AGAIN));
        if due.is_empty() {
            return Ok(());
        }
        let names = due.into_iter().map(|id| format!("{}/devices/{id}", self.tenant)).collect();
        let read = self.fleets.devices.named(&self.tenant, names, "").await?;
        let counted = self.counted(basis, read.devices)?;
        self.index(|index| counted.into_iter().for_each(|device| index.replace_known(device)));
        Ok(())
    }

    /// The index that is being fed.
    fn index<T>(&mut self, change: impl FnOnce(&mut FleetIndex) -> T) -> T {
        match &mut self.building {
            Some(index) => change(index),
            None => self.count.write(|fleet| change(&mut fleet.index)),
        }
    }

    fn note(&self, failure: &Failure) {
        let cause = failure.source().map(ToString::to_string).unwrap_or_default();
        let tenant = self.tenant.as_str();
        tracing::warn!(tenant, error = %failure, cause, "the fleet cannot be followed");
        counter!("tandem_watch_errors_total", "follower" => FOLLOWER).increment(1);
        self.count.fail(failure.to_string());
    }
}

/// The last part of a resource name.
fn id_of(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}
