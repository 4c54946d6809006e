//! Steps the rollouts of every tenant that has any on the move, on a period and on a nudge.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use metrics::{counter, gauge};
use tandem_client::fleet::{SurroundingsReader, World};
use tandem_domain::id::TenantId;
use tandem_domain::rollout::{Freeze, step};
use tandem_server::names::TenantName;
use tandem_server::{Clock, Failure};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::observe::{Asked, observations};
use crate::devices::{Collections, INVENTORY, PilotReading};
use crate::fleet::{Basis, Fleets};
use crate::store::Store;
use crate::store::policy_set::policy_set;
use crate::store::rollouts::freeze::freeze_fetch;
use crate::store::rollouts::lease::{Lease, lease_take, leases_release};
use crate::store::rollouts::step::{GivenOuts, Kept, Stepped, given_out, is_news, step_keep};
use crate::store::rollouts::{KnownRollout, RolloutKey, rollouts_moving, tenants_moving};

/// How often rollouts are looked at when nothing asks for it. What time alone changes is noticed within that.
const PERIOD: Duration = Duration::from_secs(1);

/// How long a look waits for the fleet to be counted; then it comes again with the next period.
const PATIENCE: Duration = Duration::from_secs(2);

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
    /// One look at a time; what was seen the last time.
    seen: tokio::sync::Mutex<HashMap<RolloutKey, Seen>>,
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
            seen: tokio::sync::Mutex::default(),
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
        self.forget_others(&tenants).await;
        let mut moving = 0;
        for tenant in &tenants {
            match self.look(tenant).await {
                Ok(stepped) => {
                    moving += stepped;
                    self.mended(tenant);
                }
                Err(failure) => self.note(tenant, &failure),
            }
        }
        gauge!("tandem_rollouts_moving").set(moving as f64);
        gauge!("tandem_rollout_last_pass_timestamp_seconds").set(Timestamp::now().as_second() as f64);
    }

    /// Looks at a tenant's rollouts that move; answers how many this process steps. None: another process does.
    ///
    /// # Errors
    /// The database or the inventory does not answer, or the fleet is not counted yet.
    pub(crate) async fn look(&self, tenant: &TenantId) -> Result<usize, Failure> {
        let mut seen = self.seen.lock().await;
        let now = self.clock.now();
        let Some(lease) = lease_take(&self.store, tenant, &self.holder, now).await? else { return Ok(0) };
        let freeze = freeze_fetch(&self.store, tenant).await?;
        let rollouts = rollouts_moving(&self.store, tenant).await?;
        let policies = policy_set(&self.store, tenant).await?;
        let name = format!("tenants/{tenant}");
        let read = self.upstream.surroundings.dated(&name, None).await;
        let read = read.map_err(|status| Failure::from_dependency(INVENTORY, status))?;
        let world = read.world;
        let world = world.ok_or_else(|| Failure::internal("GetSurroundings answered without a world"))?;
        let basis = Basis { surroundings: read.value, policies };
        let ground = Ground { tenant, lease, freeze, basis, world };
        let moving = rollouts.len();
        let mut outcome = Ok(moving);
        for rollout in rollouts {
            // One that cannot be looked at holds up no other.
            if let Err(failure) = self.look_at(&ground, rollout, &mut seen).await {
                outcome = Err(failure);
            }
        }
        outcome
    }

    async fn look_at(
        &self,
        ground: &Ground<'_>,
        before: KnownRollout,
        seen: &mut HashMap<RolloutKey, Seen>,
    ) -> Result<(), Failure> {
        let started = Instant::now();
        let (now, key) = (self.clock.now(), before.key.clone());
        let pilot = self.pilot(&before).await?;
        let (members_read_at, world) = match pilot {
            Some(PilotReading { members_read_at, world }) if world.covers(ground.world) => {
                (members_read_at, world)
            }
            Some(pilot) => (pilot.members_read_at, ground.world),
            None => (None, ground.world),
        };
        let fleet = self.upstream.fleets.of(&TenantName::of_id(ground.tenant.as_str())?, ground.tenant);
        let given = given_out(&self.store, &key).await?;
        let inputs = Inputs {
            revision: before.revision,
            given,
            freeze: ground.freeze.clone(),
            fleet: fleet.changes(),
            policies: ground.basis.policies.revision,
            surroundings: ground.basis.surroundings.revision,
            members_read_at,
        };
        if seen.get(&key).is_some_and(|last| last.is_enough(&inputs, now, started)) {
            return Ok(());
        }
        let spec = before.rollout.spec();
        let policy = ground.basis.policies.of(Some(&key.hierarchy)).map(|known| &known.policy);
        let asked = Asked {
            hierarchy: &key.hierarchy,
            spec,
            policy,
            complete: ground.basis.surroundings.complete_collections(Some(&key.hierarchy)),
            members_read_at,
        };
        let read = fleet.when(world, &ground.basis, PATIENCE, |fleet| {
            observations(&fleet.index, &asked, Some(&before.rollout))
        });
        let mut observed = read.await?;
        observed.freeze = ground.freeze.clone();
        let done = inputs.given.values().filter(|given| given.confirmed).map(|given| given.id);
        observed.done = done.collect();
        let step = step(&before.rollout, &observed, now);
        let wake_at = step.wake_at;
        let (inputs, result) = if is_news(&before.rollout, &step, &inputs.given) {
            let (freeze, lease) = (ground.freeze.clone(), ground.lease.clone());
            let grown = i64::from(step.rollout != before.rollout);
            let kept = step_keep(&self.store, Stepped { before, freeze, lease, step, at: now }).await?;
            if kept == Kept::Lost {
                // Somebody else was quicker: what they left is looked at next.
                self.nudge();
                counter!("tandem_rollout_steps_total", "result" => "lost").increment(1);
                return Ok(());
            }
            let given = given_out(&self.store, &key).await?;
            (Inputs { revision: inputs.revision + grown, given, ..inputs }, "kept")
        } else {
            (inputs, "unchanged")
        };
        let rest_until = Instant::now() + started.elapsed() * REST;
        seen.insert(key, Seen { inputs, wake_at, rest_until });
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
    async fn forget_others(&self, tenants: &[TenantId]) {
        self.seen.lock().await.retain(|key, _| tenants.contains(&key.tenant));
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
