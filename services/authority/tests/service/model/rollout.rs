//! A rollout as it should be: written by hand from `libs/domain/docs/rollout_states.md` and the comments of the contract, sharing nothing with
//! the code that steps rollouts in the product. Times are minutes.

use std::collections::{BTreeMap, BTreeSet};

use tandem_contracts::authority::v1::{RolloutPhase as Phase, RolloutWavePhase as WavePhase};

use super::spec::{Choice, Late, OnFailure, Seen, Setting, Spec, owner};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Chosen,
    AlreadyThere,
    NotCoManaged,
    Gone,
    Excluded,
    Pending,
    AtTarget,
    Failing,
}

/// A device of a wave that began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) handed_over: Option<i64>,
    pub(super) configured: bool,
    pub(super) arrived: bool,
    pub(super) standing: Standing,
}

const TAKEN: Member =
    Member { handed_over: None, configured: false, arrived: false, standing: Standing::Chosen };

impl Member {
    pub(super) fn is_in_motion(&self) -> bool {
        self.handed_over.is_some() && !self.arrived && self.standing != Standing::Excluded
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wave {
    pub(super) phase: WavePhase,
    pub(super) began: Option<i64>,
    pub(super) soaked: Option<i64>,
    pub(super) deadline: Option<i64>,
    pub(super) members: BTreeMap<u32, Member>,
}

/// How many members stand so.
pub(super) fn count(wave: &Wave, what: impl Fn(&Member) -> bool) -> usize {
    wave.members.values().filter(|member| what(member)).count()
}

/// Devices that were handed over, or taken back, together; and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) wave: usize,
    pub(super) devices: BTreeSet<u32>,
    at: i64,
    /// The batch that it takes back.
    pub(super) takes_back: Option<usize>,
    /// Somebody was told to carry it out.
    pub(super) given: bool,
    /// They are to.
    pub(super) open: bool,
    pub(super) confirmed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rollout {
    pub(super) spec: Spec,
    pub(super) phase: Phase,
    pub(super) held: Option<i64>,
    pub(super) waves: Vec<Wave>,
    pub(super) batches: Vec<Batch>,
}

/// Which devices of those that are ready the product handed over with the batch of that place. Which ones come first is its own to say.
pub(super) type Picked<'a> = &'a dyn Fn(usize) -> Option<BTreeSet<u32>>;

/// What a look at a rollout is made by.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) seen: &'a Seen,
    pub(super) setting: Setting,
    /// Since when the tenant is frozen.
    pub(super) frozen: Option<i64>,
    pub(super) now: i64,
    pub(super) picked: Picked<'a>,
}

impl Rollout {
    pub(super) fn draft(spec: Spec) -> Self {
        let wave = Wave {
            phase: WavePhase::Waiting,
            began: None,
            soaked: None,
            deadline: None,
            members: BTreeMap::new(),
        };
        let waves = vec![wave; spec.waves.len()];
        Self { spec, phase: Phase::Draft, held: None, waves, batches: Vec::new() }
    }

    pub(super) fn is_moving(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Paused | Phase::RollingBack)
    }

    /// The first wave that is not done.
    pub(super) fn current(&self) -> Option<usize> {
        self.waves.iter().position(|wave| !matches!(wave.phase, WavePhase::Passed | WavePhase::Approved))
    }

    /// The rollout is in that phase from now on. Its clocks are of no use where it cannot go on.
    pub(super) fn turn(&mut self, phase: Phase) {
        self.phase = phase;
        if !matches!(phase, Phase::Running | Phase::Paused) {
            self.held = None;
        }
    }

    /// Its clocks go on: what was to come is put off by as long as they stood still.
    pub(super) fn release(&mut self, now: i64) {
        let Some(since) = self.held.take() else { return };
        for wave in &mut self.waves {
            if !matches!(wave.phase, WavePhase::Passed | WavePhase::Approved) {
                for due in [&mut wave.soaked, &mut wave.deadline].into_iter().flatten() {
                    *due += (now - since).max(0);
                }
            }
        }
    }

    /// Looks at it once. An error: what the product handed over is not what it may.
    pub(super) fn look(&mut self, look: Look<'_>) -> Result<(), String> {
        match look.frozen {
            Some(since) if self.phase == Phase::Running => {
                self.held.get_or_insert(since.min(look.now));
            }
            Some(_) => {}
            None => {
                if self.phase == Phase::Running {
                    self.release(look.now);
                    self.note_configured(look);
                    self.run(look)?;
                }
                if self.phase == Phase::RollingBack {
                    self.note_configured(look);
                    self.take_back(look);
                }
            }
        }
        self.give_out(look);
        Ok(())
    }

    /// The membership that a device has once it is handed over.
    const fn goal(&self) -> bool {
        self.spec.to_intune
    }

    fn is_gone(&self, device: u32, look: Look<'_>) -> bool {
        !look.seen.devices.contains_key(&device)
    }

    /// The members were read after that moment, and the device was among them or not.
    fn was_read(device: u32, membership: bool, after: i64, look: Look<'_>) -> bool {
        let is_new = look.seen.read_at.is_some_and(|read| after < read && read <= look.now);
        is_new && look.seen.devices.get(&device).is_some_and(|seen| seen.member == Some(membership))
    }

    fn note_configured(&mut self, look: Look<'_>) {
        let goal = self.goal();
        for (device, member) in self.waves.iter_mut().flat_map(|wave| &mut wave.members) {
            if let Some(at) = member.handed_over {
                member.configured |= Self::was_read(*device, goal, at, look);
            }
        }
    }

    fn run(&mut self, look: Look<'_>) -> Result<(), String> {
        if look.setting == Setting::Elsewhere {
            self.turn(Phase::Paused);
            self.held = Some(look.now);
            return Ok(());
        }
        while self.phase == Phase::Running {
            let Some(place) = self.current() else {
                self.turn(Phase::Completed);
                return Ok(());
            };
            match self.waves[place].phase {
                WavePhase::Waiting if look.setting == Setting::Here && self.is_known(place, look) => {
                    self.begin(place, look);
                }
                WavePhase::Failed => match self.spec.on_failure {
                    OnFailure::Pause => {
                        self.turn(Phase::Paused);
                        self.held = Some(look.now);
                    }
                    OnFailure::RollBack => self.turn(Phase::RollingBack),
                    OnFailure::Stop => self.turn(Phase::Failed),
                },
                WavePhase::HandingOver | WavePhase::Soaking | WavePhase::Judging => {
                    self.join(place, look);
                    self.look_at_members(place, look);
                    match self.judge(place, look.now) {
                        Some(next) => {
                            if next == WavePhase::Soaking {
                                self.waves[place].soaked = Some(look.now + self.spec.waves[place].soak);
                            }
                            self.waves[place].phase = next;
                        }
                        None => return self.hand_over(place, look),
                    }
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// It is known whom this wave and those before choose.
    fn is_known(&self, place: usize, look: Look<'_>) -> bool {
        self.spec.waves[..=place].iter().all(|wave| match &wave.choice {
            Choice::Collection(id) => look.seen.known.contains(id),
            _ => true,
        })
    }

    /// The first of the waves up to that one that chooses a device.
    fn owner(&self, device: u32, last: usize, look: Look<'_>) -> Option<usize> {
        owner(&self.spec.waves[..=last], device, look.seen)
    }

    /// Devices of the hierarchy that are in no wave.
    fn free(&self, look: Look<'_>) -> Vec<u32> {
        let all = look.seen.devices.keys().copied();
        all.filter(|device| !self.waves.iter().any(|wave| wave.members.contains_key(device))).collect()
    }

    /// A wave takes its own, whoever came late for a wave before, and whom a wave before did not move and still may be moved.
    fn begin(&mut self, place: usize, look: Look<'_>) {
        let mut left = Vec::new();
        for wave in &mut self.waves[..place] {
            wave.members.retain(|device, member| {
                let is_left = member.handed_over.is_none()
                    && matches!(member.standing, Standing::Chosen | Standing::NotCoManaged)
                    && look.seen.devices.contains_key(device);
                if is_left {
                    left.push(*device);
                }
                !is_left
            });
        }
        for device in self.free(look).into_iter().filter(|device| !left.contains(device)).collect::<Vec<_>>()
        {
            let owner = self.owner(device, place, look);
            if owner.is_some_and(|owner| owner == place || self.spec.waves[owner].late != Late::Skip) {
                left.push(device);
            }
        }
        let wave = &mut self.waves[place];
        wave.members.extend(left.into_iter().map(|device| (device, TAKEN)));
        wave.phase = WavePhase::HandingOver;
        wave.began = Some(look.now);
        wave.deadline = Some(look.now + self.spec.waves[place].deadline);
    }

    /// Late joiners of a wave that is not decided.
    fn join(&mut self, place: usize, look: Look<'_>) {
        if self.spec.waves[place].late == Late::Include && self.is_known(place, look) {
            for device in self.free(look) {
                if self.owner(device, place, look) == Some(place) {
                    self.waves[place].members.insert(device, TAKEN);
                }
            }
        }
    }

    /// Hands over as many as the budget allows of those that are ready.
    fn hand_over(&mut self, place: usize, look: Look<'_>) -> Result<(), String> {
        let goal = self.goal();
        let in_motion = count(&self.waves[place], Member::is_in_motion);
        let room = self.permits(place).saturating_sub(in_motion);
        let is_ready = |device: &u32, member: &Member| {
            let seen = look.seen.devices.get(device);
            member.handed_over.is_none()
                && member.standing == Standing::Chosen
                && seen.is_some_and(|seen| seen.co_managed == Some(true) && seen.member == Some(!goal))
        };
        let wave = &self.waves[place].members;
        let ready: BTreeSet<u32> = wave
            .iter()
            .filter(|(device, member)| is_ready(device, member))
            .map(|(device, _)| *device)
            .collect();
        let due = if look.setting == Setting::Here { ready.len().min(room) } else { 0 };
        let picked = (look.picked)(self.batches.len()).unwrap_or_default();
        if picked.len() != due || !picked.is_subset(&ready) {
            return Err(format!("wave {place} hands {picked:?} over, expected {due} of {ready:?}"));
        }
        if picked.is_empty() {
            return Ok(());
        }
        for device in &picked {
            let member = self.waves[place].members.get_mut(device);
            let member = member.ok_or("a device of no wave")?;
            member.handed_over = Some(look.now);
            member.standing = Standing::Pending;
        }
        self.push(place, picked, look.now, None);
        Ok(())
    }

    fn push(&mut self, wave: usize, devices: BTreeSet<u32>, at: i64, takes_back: Option<usize>) {
        let (given, open, confirmed) = (false, false, false);
        self.batches.push(Batch { wave, devices, at, takes_back, given, open, confirmed });
    }

    /// Takes back what was handed over, the last first; it is rolled back once all of that is seen.
    fn take_back(&mut self, look: Look<'_>) {
        if !self.batches.iter().any(|batch| batch.takes_back.is_some()) {
            for place in (0..self.batches.len()).rev() {
                let Batch { wave, devices, .. } = self.batches[place].clone();
                self.push(wave, devices, look.now, Some(place));
            }
        }
        let is_done = |batch: &Batch| batch.takes_back.is_none() || !self.is_unseen(batch, look);
        if self.batches.iter().all(is_done) {
            self.turn(Phase::RolledBack);
        }
    }

    /// The effect of a batch was not seen on some device that is still there. That a device is taken back is only believed of one that was seen
    /// to be handed over, or where somebody says so.
    fn is_unseen(&self, batch: &Batch, look: Look<'_>) -> bool {
        let there = batch.devices.iter().filter(|device| !self.is_gone(**device, look));
        there.into_iter().any(|device| {
            let member = self.waves[batch.wave].members[device];
            if batch.takes_back.is_none() {
                return !member.configured && !member.arrived;
            }
            let is_evident = member.configured || batch.confirmed;
            !(is_evident && Self::was_read(*device, !self.goal(), batch.at, look))
        })
    }

    /// What is to be done now. What was confirmed is not given out again, nor what comes back below something that was done since.
    fn give_out(&mut self, look: Look<'_>) {
        let back = self.phase == Phase::RollingBack;
        let is_on = look.frozen.is_none() && (back || self.phase == Phase::Running);
        let done = self.batches.iter().rposition(|batch| batch.confirmed);
        let open: Vec<bool> = (0..)
            .zip(&self.batches)
            .map(|(place, batch)| {
                is_on
                    && batch.takes_back.is_some() == back
                    && self.is_unseen(batch, look)
                    && !batch.confirmed
                    && (!batch.given || batch.open || done.is_none_or(|done| place > done))
            })
            .collect();
        for (batch, open) in self.batches.iter_mut().zip(open) {
            batch.open = open;
            batch.given |= open;
        }
    }
}
