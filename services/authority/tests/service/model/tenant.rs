//! What should be kept of a tenant: its rollouts, its freeze, and who steps them; and what each order and each look makes of that.

use std::collections::{BTreeMap, BTreeSet};

use tandem_contracts::authority::v1::{RolloutPhase as Phase, RolloutWavePhase as WavePhase};
use tandem_contracts::r#type::v1::ErrorReason as Reason;

use super::rollout::{Look, Rollout};
use super::shown::Shown;
use super::site::Site;
use super::spec::{Moved, Setting, Spec, owner};
use super::table::{APPS, CONFIGURATION, Policy, Slider};

/// What people say to a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Submit,
    Withdraw,
    Start,
    Pause,
    Resume,
    ApproveWave(u32),
    RollBack,
    Cancel,
}

/// What is asked of the service. Rollouts go by their number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    Draft(u8, Spec),
    Command(u8, Command),
    /// The action of that sequence was carried out.
    Confirm(u8, usize),
    Freeze,
    Thaw,
}

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tenant {
    pub(super) rollouts: BTreeMap<u8, Rollout>,
    pub(super) frozen: Option<i64>,
    /// Which process steps rollouts, and the minute in which it last said so. Leases last for less than a minute.
    pub(super) lease: Option<(usize, i64)>,
}

/// What a look is made by, beside what is kept.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    pub(super) site: &'a Site,
    pub(super) policy: Option<&'a Policy>,
    pub(super) now: i64,
    /// What the product shows afterwards: which devices come first is its own to say.
    pub(super) shown: &'a BTreeMap<u8, Shown>,
}

const ALL: &dyn Fn(u8) -> bool = &|_| true;

fn setting(policy: Option<&Policy>, spec: &Spec) -> Setting {
    let workload = match spec.moved {
        Moved::Apps => APPS,
        Moved::Configuration => CONFIGURATION,
    };
    match policy {
        None | Some(Policy { enabled: None, .. }) => Setting::Unknown,
        Some(policy)
            if policy.enabled == Some(true) && policy.sliders[workload] == Slider::Pilot(spec.pilot) =>
        {
            Setting::Here
        }
        Some(_) => Setting::Elsewhere,
    }
}

/// Whether a spec can be meant as the fleet stands: every wave takes somebody, and has as many as its sample asks for.
pub(super) fn can_be_meant(spec: &Spec, site: &Site) -> bool {
    use super::spec::Choice;
    let seen = site.seen(spec.moved, spec.pilot);
    (0..spec.waves.len()).all(|place| {
        let before = &spec.waves[..place];
        let is_known = spec.waves[..=place].iter().all(|wave| match &wave.choice {
            Choice::Collection(id) => seen.known.contains(id),
            _ => true,
        });
        let size = match &spec.waves[place].choice {
            _ if before.iter().any(|wave| wave.choice == Choice::Everybody) => Some(0),
            // Whether or not there are such devices.
            Choice::Group(devices) => {
                let named = before.iter().filter_map(|wave| match &wave.choice {
                    Choice::Group(devices) => Some(devices),
                    _ => None,
                });
                let named: BTreeSet<u32> = named.flatten().copied().collect();
                Some(devices.difference(&named).count())
            }
            _ if !is_known => None,
            _ => {
                let mine = |device: &&u32| owner(&spec.waves, **device, &seen) == Some(place);
                Some(seen.devices.keys().filter(mine).count())
            }
        };
        let is_new = before.iter().all(|wave| wave.choice != spec.waves[place].choice);
        is_new && size.is_none_or(|size| size > 0 && size >= spec.waves[place].sample)
    })
}

impl Tenant {
    fn is_moved_by_another(&self, id: u8, moved: Moved) -> bool {
        let mut others = self.rollouts.iter().filter(|(other, _)| **other != id);
        others.any(|(_, rollout)| rollout.is_moving() && rollout.spec.moved == moved)
    }

    /// What an order leaves, or why it is refused.
    pub(super) fn ordered(&self, order: &Order, site: &Site, now: i64) -> Result<Self, Reason> {
        let mut next = self.clone();
        match order {
            Order::Draft(id, spec) => {
                if !can_be_meant(spec, site) {
                    return Err(Reason::RolloutWaveEmpty);
                }
                if self.rollouts.contains_key(id) {
                    return Err(Reason::ResourceAlreadyExists);
                }
                if self.is_moved_by_another(*id, spec.moved) {
                    return Err(Reason::RolloutWorkloadMoving);
                }
                next.rollouts.insert(*id, Rollout::draft(spec.clone()));
            }
            Order::Command(id, command) => next.command(*id, *command, now)?,
            Order::Confirm(id, sequence) => next.confirm(*id, *sequence)?,
            Order::Freeze if self.frozen.is_some() => return Err(Reason::TenantFrozen),
            Order::Freeze => next.frozen = Some(now),
            Order::Thaw => {
                let since = next.frozen.take().ok_or(Reason::TenantNotFrozen)?;
                // A freeze that nobody looked at puts the clocks off too.
                for rollout in next.rollouts.values_mut().filter(|rollout| rollout.phase == Phase::Running) {
                    rollout.held.get_or_insert(since);
                }
            }
        }
        Ok(next)
    }

    /// The rows of the published table that people follow.
    fn command(&mut self, id: u8, command: Command, now: i64) -> Result<(), Reason> {
        use Phase as P;
        let is_frozen = self.frozen.is_some();
        let rollout = self.rollouts.get(&id).ok_or(Reason::ResourceNotFound)?;
        let (next, stops) = match (rollout.phase, command) {
            // Nobody's approval is asked for.
            (P::Draft, Command::Submit) => (P::Ready, false),
            (P::Ready, Command::Withdraw) => (P::Draft, false),
            (P::Ready, Command::Start) => (P::Running, true),
            (P::Running, Command::Pause) => (P::Paused, false),
            (P::Paused, Command::Resume) => (P::Running, true),
            (phase @ (P::Running | P::Paused), Command::ApproveWave(_)) => (phase, true),
            (P::Running | P::Paused, Command::RollBack) => (P::RollingBack, true),
            (P::Draft | P::Ready | P::Running | P::Paused | P::RollingBack, Command::Cancel) => {
                (P::Cancelled, false)
            }
            _ => return Err(Reason::RolloutCommandNotAllowed),
        };
        if is_frozen && stops {
            return Err(Reason::TenantFrozen);
        }
        if command == Command::Start && self.is_moved_by_another(id, rollout.spec.moved) {
            return Err(Reason::RolloutWorkloadMoving);
        }
        let rollout = self.rollouts.get_mut(&id).ok_or(Reason::ResourceNotFound)?;
        match command {
            Command::Pause => _ = rollout.held.get_or_insert(now),
            Command::Resume => {
                rollout.release(now);
                // A failed wave is tried again.
                let failed =
                    rollout.current().filter(|place| rollout.waves[*place].phase == WavePhase::Failed);
                if let Some(place) = failed {
                    rollout.waves[place].phase = WavePhase::HandingOver;
                }
            }
            Command::ApproveWave(place) => {
                let place = place as usize;
                if rollout.current() != Some(place) {
                    return Err(Reason::RolloutWaveNotCurrent);
                }
                if rollout.waves[place].phase != WavePhase::Inconclusive {
                    return Err(Reason::RolloutWaveNotInconclusive);
                }
                rollout.waves[place].phase = WavePhase::Approved;
            }
            _ => {}
        }
        if next != rollout.phase {
            // Nothing is to be done until somebody looks.
            rollout.batches.iter_mut().for_each(|batch| batch.open = false);
        }
        rollout.turn(next);
        Ok(())
    }

    /// In the order of the sequence, and nothing that is being taken back.
    fn confirm(&mut self, id: u8, sequence: usize) -> Result<(), Reason> {
        let rollout = self.rollouts.get_mut(&id).ok_or(Reason::ResourceNotFound)?;
        let batch =
            rollout.batches.get(sequence).filter(|batch| batch.given).ok_or(Reason::ResourceNotFound)?;
        if batch.confirmed {
            return Ok(());
        }
        if batch.takes_back.is_none() && matches!(rollout.phase, Phase::RollingBack | Phase::RolledBack) {
            return Err(Reason::RolloutActionSuperseded);
        }
        if rollout.batches[..sequence].iter().any(|before| before.open) {
            return Err(Reason::RolloutActionOutOfOrder);
        }
        let batch = &mut rollout.batches[sequence];
        (batch.open, batch.confirmed) = (false, true);
        Ok(())
    }

    /// What a look by a process leaves, of the rollouts that it gets to. While another process's lease lasts: nothing.
    fn looked_at(
        &self,
        process: usize,
        world: World<'_>,
        which: &dyn Fn(u8) -> bool,
    ) -> Result<Self, String> {
        let mut next = self.clone();
        if self.lease.is_some_and(|(other, since)| other != process && since == world.now) {
            return Ok(next);
        }
        if !self.rollouts.values().any(Rollout::is_moving) {
            return Ok(next);
        }
        next.lease = Some((process, world.now));
        for (id, rollout) in
            next.rollouts.iter_mut().filter(|(id, rollout)| rollout.is_moving() && which(**id))
        {
            let spec = &rollout.spec;
            let seen = world.site.seen(spec.moved, spec.pilot);
            let setting = setting(world.policy, spec);
            let picked = |place: usize| {
                let action = world.shown.get(id)?.actions.iter().find(|action| action.sequence == place)?;
                Some(action.devices.clone())
            };
            let look = Look { seen: &seen, setting, frozen: self.frozen, now: world.now, picked: &picked };
            rollout.look(look).map_err(|error| format!("rollout {id}: {error}"))?;
        }
        Ok(next)
    }

    /// What a whole look leaves.
    pub(super) fn looked(&self, process: usize, world: World<'_>) -> Result<Self, String> {
        self.looked_at(process, world, ALL)
    }

    /// What a look may leave of which nobody knows how far it came: each rollout is kept by itself.
    pub(super) fn partly_looked(&self, process: usize, world: World<'_>) -> Vec<Self> {
        let moving: Vec<u8> =
            self.rollouts.iter().filter(|(_, rollout)| rollout.is_moving()).map(|(id, _)| *id).collect();
        let parts = (0..1_u32 << moving.len()).filter_map(|part| {
            let is_in = |id: u8| {
                moving.iter().position(|moving| *moving == id).is_some_and(|place| part & (1 << place) != 0)
            };
            self.looked_at(process, world, &is_in).ok()
        });
        std::iter::once(self.clone()).chain(parts).collect()
    }
}
