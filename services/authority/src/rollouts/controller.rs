//! Steps the rollouts of every tenant that has any on the move, on a period and on a nudge.

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use metrics::{counter, gauge};
use tandem_client::fleet::{SurroundingsReader, TRUSTED_FOR, World};
use tandem_domain::id::TenantId;
use tandem_domain::rollout::{Freeze, Observations, step};
use tandem_server::names::TenantName;
use tandem_server::{Clock, Failure};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::observe::Asked;
use crate::devices::{Collections, INVENTORY, PilotReading};
use crate::fleet::{Basis, Fleet, Fleets};
use crate::store::Store;
use crate::store::policy_set::policy_set;
use crate::store::rollouts::freeze::freeze_fetch;
use crate::store::rollouts::lease::{Lease, lease_take, leases_release};
use crate::store::rollouts::step::{GivenOuts, Stepped, given_out, is_news, step_keep};
use crate::store::rollouts::{KnownRollout, RolloutKey, rollout_load, rollouts_moving, tenants_moving};

/// How often rollouts are looked at when nothing asks for it. What time alone changes is noticed within that.
const PERIOD: Duration = Duration::from_secs(1);

/// How long a look waits for the fleet to be counted; then it comes again with the next period.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tenants that are looked at at once: one that waits for its fleet holds up no other.
const TENANTS_AT_ONCE: usize = 8;

/// A rollout that took so long to be stepped rests so many times as long, unless something asks for it: of a million devices there is always
/// news, and stepping is to take a small part of a processor.
const REST: u32 = 10;

/// Where readings come from.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) surroundings: SurroundingsReader,
    pub(crate) collections: Collections,
    pub(crate) fleets: Arc<Fleets>,
}

/// Steps rollouts. One per process.
pub(crate) struct Controller {
    store: Store,
    upstream: Upstream,
    clock: Clock,
    /// What this process is called in leases.
    holder: String,
    nudge: Notify,
    /// Of each tenant one look at a time, and what was seen the last time.
    seen: Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<Looks>>>>,
    /// Tenants whose rollouts cannot be looked at now, with why: each is told once.
    failing: Mutex<HashMap<TenantId, String>>,
}

impl fmt::Debug for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controller").field("holder", &self.holder).finish_non_exhaustive()
    }
}

/// What a step was decided by. The same again, before time changes anything, leads to the same.
#[derive(Debug, Clone, PartialEq)]
struct Inputs {
    revision: i64,
    given: GivenOuts,
    freeze: Option<Freeze>,
    fleet: u64,
    policies: u64,
    surroundings: u64,
    members_read_at: Option<Timestamp>,
}

/// The last look at a rollout.
#[derive(Debug)]
struct Seen {
    inputs: Inputs,
    wake_at: Option<Timestamp>,
    rest_until: Instant,
}

/// The last looks at a tenant's rollouts that move.
type Looks = HashMap<RolloutKey, Looked>;

/// A rollout as it is kept, and the last look at it. `None`: it was not looked at yet.
#[derive(Debug)]
struct Looked {
    known: KnownRollout,
    seen: Option<Seen>,
}

/// What a tenant's rollouts are looked at by.
struct Ground<'a> {
    tenant: &'a TenantId,
    lease: Lease,
    freeze: Option<Freeze>,
    basis: Basis,
    world: World,
}

impl Controller {
    pub(crate) fn new(store: Store, upstream: Upstream, clock: Clock) -> Self {
        Self {
            store,
            upstream,
            clock,
            holder: format!("{:032x}", rand::random::<u128>()),
            nudge: Notify::new(),
            seen: Mutex::default(),
            failing: Mutex::default(),
        }
    }

    /// Looks until the process ends, and then lets others have its leases.
    pub(crate) async fn run(self: Arc<Self>, ending: CancellationToken) {
        loop {
            self.pass().await;
            tokio::select! {
                () = ending.cancelled() => break,
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
        if let Err(error) = leases_release(&self.store, &self.holder).await {
            tracing::warn!(error = &error as &dyn Error, "leases run out by themselves");
        }
    }

    /// Something changed that rollouts are decided by: they are looked at soon.
    pub(crate) fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// Looks at every tenant's rollouts once.
    pub(crate) async fn pass(&self) {
        let tenants = match tenants_moving(&self.store).await {
            Ok(tenants) => tenants,
            Err(error) => {
                counter!("tandem_rollout_errors_total").increment(1);
                tracing::warn!(error = &error as &dyn Error, "rollouts cannot be looked at");
                return;
            }
        };
        self.forget_others(&tenants);
        let moving = AtomicUsize::new(0);
        let looks = futures::stream::iter(&tenants);
        let looks =
            looks.for_each_concurrent(TENANTS_AT_ONCE, async |tenant| match self.look(tenant).await {
                Ok(stepped) => {
                    moving.fetch_add(stepped, Ordering::Relaxed);
                    self.mended(tenant);
                }
                Err(failure) => self.note(tenant, &failure),
            });
        looks.await;
        let moving = moving.into_inner();
        gauge!("tandem_rollouts_moving").set(moving as f64);
        gauge!("tandem_rollout_last_pass_timestamp_seconds").set(Timestamp::now().as_second() as f64);
    }

    /// Looks at a tenant's rollouts that move; answers how many this process steps. None: another process does.
    ///
    /// # Errors
    /// The database or the inventory does not answer, or the fleet is not counted yet.
    pub(crate) async fn look(&self, tenant: &TenantId) -> Result<usize, Failure> {
        let looks = self.looks_of(tenant);
        let mut looks = looks.lock().await;
        let now = self.clock.now();
        let Some(lease) = lease_take(&self.store, tenant, &self.holder, now).await? else {
            looks.clear();
            return Ok(0);
        };
        let freeze = freeze_fetch(&self.store, tenant).await?;
        let rollouts = rollouts_moving(&self.store, tenant).await?;
        let policies = policy_set(&self.store, tenant).await?;
        let name = format!("tenants/{tenant}");
        let read = self.upstream.surroundings.dated(&name, None, TRUSTED_FOR).await;
        let read = read.map_err(|status| Failure::from_dependency(INVENTORY, status))?;
        let world = read.world;
        let world = world.ok_or_else(|| Failure::internal("GetSurroundings answered without a world"))?;
        let basis = Basis { surroundings: read.value, policies };
        let ground = Ground { tenant, lease, freeze, basis, world };
        let mut outcome = Ok(rollouts.len());
        looks.retain(|key, _| rollouts.iter().any(|(moving, _)| moving == key));
        for (key, revision) in rollouts {
            // One that cannot be looked at holds up no other.
            if let Err(failure) = self.look_at(&ground, &key, revision, &mut looks).await {
                outcome = Err(failure);
            }
        }
        outcome
    }

    fn looks_of(&self, tenant: &TenantId) -> Arc<tokio::sync::Mutex<Looks>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(seen.entry(tenant.clone()).or_default())
    }

    async fn look_at(
        &self,
        ground: &Ground<'_>,
        key: &RolloutKey,
        revision: i64,
        looks: &mut Looks,
    ) -> Result<(), Failure> {
        let (started, now) = (Instant::now(), self.clock.now());
        let last = match looks.remove(key) {
            Some(last) if last.known.revision == revision => last,
            // Somebody else changed it.
            _ => match rollout_load(&self.store, key).await? {
                Some(known) => Looked { known, seen: None },
                None => return Ok(()),
            },
        };
        let Looked { known: before, seen } = looks.entry(key.clone()).insert_entry(last).into_mut();
        let pilot = self.pilot(before).await?;
        let (members_read_at, world) = match pilot {
            Some(PilotReading { members_read_at, world }) if world.covers(ground.world) => {
                (members_read_at, world)
            }
            Some(pilot) => (pilot.members_read_at, ground.world),
            None => (None, ground.world),
        };
        let fleet = self.upstream.fleets.of(&TenantName::of_id(ground.tenant.as_str())?, ground.tenant);
        let given = given_out(&self.store, key).await?;
        let inputs = Inputs {
            revision: before.revision,
            given,
            freeze: ground.freeze.clone(),
            fleet: fleet.changes(),
            policies: ground.basis.policies.revision,
            surroundings: ground.basis.surroundings.revision,
            members_read_at,
        };
        if seen.as_ref().is_some_and(|last| last.is_enough(&inputs, now, started)) {
            return Ok(());
        }
        let asked = Asked::of(&key.hierarchy, before.rollout.spec(), &ground.basis);
        let asked = Arc::new(Asked { members_read_at, ..asked });
        let done = inputs.given.values().filter(|given| given.confirmed).map(|given| given.id);
        let (rollout, freeze, done) = (Arc::clone(&before.rollout), ground.freeze.clone(), done.collect());
        let looking = Arc::clone(&asked);
        // Waiting for the fleet is no work.
        let look = move |fleet: &Fleet| (Instant::now(), looking.look(&fleet.index));
        let stepped = fleet.when_apart(world, &ground.basis, PATIENCE, look, move |(begun, look)| {
            let observed = asked.observations(look, Some(&rollout));
            let observed = Observations { freeze: freeze.clone(), done: BTreeSet::clone(&done), ..observed };
            (step(&rollout, &observed, now), begun.elapsed())
        });
        let (step, took) = stepped.await?;
        let keeping = Instant::now();
        let wake_at = step.wake_at;
        let (inputs, result) = if is_news(&before.rollout, &step, &inputs.given) {
            let (freeze, lease) = (ground.freeze.clone(), ground.lease.clone());
            let has_grown = step.rollout != *before.rollout;
            let stepped = Stepped { before: before.clone(), freeze, lease, step, at: now };
            let Some(after) = step_keep(&self.store, stepped).await? else {
                // Somebody else was quicker: what they left is looked at next.
                looks.remove(key);
                self.nudge();
                counter!("tandem_rollout_steps_total", "result" => "lost").increment(1);
                return Ok(());
            };
            let revision = before.revision + i64::from(has_grown);
            *before = KnownRollout { key: key.clone(), revision, rollout: Arc::new(after) };
            let given = given_out(&self.store, key).await?;
            (Inputs { revision, given, ..inputs }, "kept")
        } else {
            (inputs, "unchanged")
        };
        let rest_until = Instant::now() + (took + keeping.elapsed()) * REST;
        *seen = Some(Seen { inputs, wake_at, rest_until });
        counter!("tandem_rollout_steps_total", "result" => result).increment(1);
        Ok(())
    }

    /// The pilot collection, as last read; `None`: the inventory has none of that id any more.
    async fn pilot(&self, rollout: &KnownRollout) -> Result<Option<PilotReading>, Failure> {
        let RolloutKey { tenant, hierarchy, .. } = &rollout.key;
        let id = &rollout.rollout.spec().pilot_collection;
        match self.upstream.collections.pilot(tenant, hierarchy, id).await {
            Ok(pilot) => Ok(Some(pilot)),
            Err(Failure::NotFound { .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// What was seen of rollouts that are over is of no use any more.
    fn forget_others(&self, tenants: &[TenantId]) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).retain(|tenant, _| tenants.contains(tenant));
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.retain(|tenant, _| tenants.contains(tenant));
    }

    fn mended(&self, tenant: &TenantId) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        if failing.remove(tenant).is_some() {
            tracing::info!(tenant = tenant.as_str(), "rollouts are looked at again");
        }
    }

    /// Each tenant's failure is told once, until it is another one.
    fn note(&self, tenant: &TenantId, failure: &Failure) {
        counter!("tandem_rollout_errors_total").increment(1);
        let cause = failure.source().map(ToString::to_string).unwrap_or_default();
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let told = failing.insert(tenant.clone(), failure.to_string());
        if told.as_deref() != Some(failure.to_string().as_str()) {
            tracing::warn!(tenant = tenant.as_str(), error = %failure, cause, "rollouts cannot be looked at");
        }
    }
}

impl Seen {
    /// Whether looking again could lead nowhere else, or may wait.
    fn is_enough(&self, inputs: &Inputs, now: Timestamp, at: Instant) -> bool {
        let is_due = self.wake_at.is_some_and(|wake_at| wake_at <= now);
        if self.inputs == *inputs {
            return !is_due;
        }
        // Of the fleet alone there is always news.
        let alike = Inputs { fleet: self.inputs.fleet, ..inputs.clone() };
        self.inputs == alike && !is_due && at < self.rest_until
    }
}
