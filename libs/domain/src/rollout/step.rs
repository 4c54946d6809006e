//! One step: what the readings make of a rollout, and what is to be done now.

use jiff::Timestamp;

use crate::rollout::action::Action;
use crate::rollout::choose;
use crate::rollout::handover;
use crate::rollout::later;
use crate::rollout::observe::Observations;
use crate::rollout::spec::OnFailure;
use crate::rollout::standing::Lens;
use crate::rollout::state::{Because, Rollout};
use crate::rollout::table::{RolloutEvent, RolloutPhase, WaveEvent, WavePhase};
use crate::rollout::wake;
use crate::workload::SliderPosition;

/// A row of a table that was followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// Of the rollout.
    Rollout {
        /// From this phase,
        from: RolloutPhase,
        /// by this event,
        event: RolloutEvent,
        /// to this phase.
        to: RolloutPhase,
    },
    /// Of one of its waves.
    Wave {
        /// Which, from 0.
        wave: usize,
        /// From this phase,
        from: WavePhase,
        /// by this event,
        event: WaveEvent,
        /// to this phase.
        to: WavePhase,
    },
}

/// What a step comes to.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The rollout to keep.
    pub rollout: Rollout,
    /// What is to be done, once the rollout is kept. In the order of their sequence.
    pub actions: Vec<Action>,
    /// What happened, in order.
    pub transitions: Vec<Transition>,
    /// The first moment at which time alone may change the answer. `None`: only another reading or a person does.
    pub wake_at: Option<Timestamp>,
}

/// Looks at a rollout anew.
///
/// A step goes as far as the readings lead: stepping its rollout again with the same readings at the same time changes
/// nothing, and gives the same actions out again. So nothing is lost by a crash before or after the rollout was kept, and two
/// controllers with the same readings agree. With different readings one of them must not keep its rollout: compare-and-set.
pub fn step(rollout: &Rollout, seen: &Observations, now: Timestamp) -> Step {
    let mut walk = Walk { rollout: rollout.clone(), seen, now, transitions: Vec::new() };
    walk.turn();
    let Walk { rollout, transitions, .. } = walk;
    let actions = handover::open_actions(&rollout, seen, now);
    let wake_at = wake::wake_at(&rollout, seen, now);
    Step { rollout, actions, transitions, wake_at }
}

struct Walk<'a> {
    rollout: Rollout,
    seen: &'a Observations,
    now: Timestamp,
    transitions: Vec<Transition>,
}

impl Walk<'_> {
    fn turn(&mut self) {
        if let Some(freeze) = &self.seen.freeze {
            if self.rollout.phase == RolloutPhase::Running {
                self.rollout.hold(freeze.since.min(self.now));
            }
            return;
        }
        if self.rollout.phase == RolloutPhase::Running {
            self.rollout.release(self.now);
            handover::note_configured(&mut self.rollout, self.seen, self.now);
            self.run();
        }
        if self.rollout.phase == RolloutPhase::RollingBack {
            handover::note_configured(&mut self.rollout, self.seen, self.now);
            self.roll_back();
        }
    }

    /// Goes from wave to wave, as far as it leads.
    fn run(&mut self) {
        if let Some(found) = self.slider_moved() {
            self.follow(RolloutEvent::SliderMoved, Because::SliderMoved { found });
            return;
        }
        while self.rollout.phase == RolloutPhase::Running {
            let Some(wave) = self.rollout.current_wave() else {
                self.follow(RolloutEvent::WavesDone, Because::WavesDone);
                return;
            };
            let went_on = match self.rollout.waves[wave].phase {
                WavePhase::Waiting => self.begin(wave),
                WavePhase::Failed => self.fail(wave),
                phase if phase.is_active() => self.advance(wave),
                _ => false,
            };
            if !went_on {
                return;
            }
        }
    }

    /// Where the slider stands, if membership of the rollout's collection decides nothing there.
    fn slider_moved(&self) -> Option<SliderPosition> {
        let setting = self.seen.setting.as_ref()?;
        let decides = setting.slider == SliderPosition::PilotIntune
            && setting.pilot_collection.as_ref() == Some(&self.rollout.spec.pilot_collection);
        (!decides).then_some(setting.slider)
    }

    fn begin(&mut self, wave: usize) -> bool {
        if self.seen.setting.is_none() || !choose::is_known(&self.rollout.spec, wave, self.seen) {
            return false;
        }
        choose::take(&mut self.rollout, wave, self.seen);
        let deadline = self.rollout.spec.waves[wave].deadline;
        let begun = &mut self.rollout.waves[wave];
        begun.began_at = Some(self.now);
        begun.deadline_at = Some(later(self.now, deadline));
        self.follow_wave(wave, WaveEvent::Begin)
    }

    fn fail(&mut self, wave: usize) -> bool {
        let event = match self.rollout.spec.on_failure {
            OnFailure::Pause => RolloutEvent::FailurePauses,
            OnFailure::RollBack => RolloutEvent::FailureRollsBack,
            OnFailure::Stop => RolloutEvent::FailureStops,
        };
        self.follow(event, Because::WaveFailed { wave })
    }

    /// Judges a wave, and hands over what it may. False: it stays where it is.
    fn advance(&mut self, wave: usize) -> bool {
        choose::join(&mut self.rollout, wave, self.seen);
        self.look(wave);
        let Some(event) = self.event(wave) else {
            handover::hand_over(&mut self.rollout, wave, self.seen, self.now);
            return false;
        };
        if event == WaveEvent::HandedOver {
            let soak = self.rollout.spec.waves[wave].soak;
            self.rollout.waves[wave].soaked_at = Some(later(self.now, soak));
        }
        self.follow_wave(wave, event)
    }

    fn look(&mut self, wave: usize) {
        let Rollout { spec, waves, .. } = &mut self.rollout;
        let began_at = waves[wave].began_at.unwrap_or(self.now);
        let lens = Lens { spec: &spec.waves[wave], direction: spec.direction, began_at, now: self.now };
        for (device, entry) in &mut waves[wave].devices {
            lens.look(entry, self.seen.devices.get(device), self.seen.gone.contains(device));
        }
    }

    /// What happens to an active wave: failures before success, success before the deadline.
    fn event(&self, wave: usize) -> Option<WaveEvent> {
        let (spec, state) = (&self.rollout.spec.waves[wave], &self.rollout.waves[wave]);
        let tally = state.tally();
        let is_due = |due: Option<Timestamp>| due.is_some_and(|due| due <= self.now);
        let enough = tally.answered() >= spec.minimum_sample as usize;
        if enough && spec.failure_gate.is_exceeded_by(tally.failing, tally.handed_over()) {
            return Some(WaveEvent::FailureGateBroken);
        }
        if tally.chosen > 0 && tally.failing_in_motion >= spec.budget.permits(tally.size()) {
            return Some(WaveEvent::FailuresFillBudget);
        }
        match state.phase {
            WavePhase::HandingOver if tally.counted() == 0 => Some(WaveEvent::NothingToMove),
            WavePhase::HandingOver if tally.chosen == 0 && tally.unconfigured == 0 => {
                Some(WaveEvent::HandedOver)
            }
            WavePhase::Soaking if is_due(state.soaked_at) => Some(WaveEvent::SoakOver),
            WavePhase::Judging
                if enough && spec.success_gate.is_reached_by(tally.at_target, tally.counted()) =>
            {
                Some(WaveEvent::SuccessGateMet)
            }
            _ if is_due(state.deadline_at) => Some(WaveEvent::DeadlinePassed),
            WavePhase::Judging if tally.counted() == tally.answered() => Some(WaveEvent::SampleTooSmall),
            _ => None,
        }
    }

    fn roll_back(&mut self) {
        handover::take_back(&mut self.rollout, self.now);
        if handover::is_taken_back(&self.rollout, self.seen, self.now) {
            self.follow(RolloutEvent::RollbackConfirmed, Because::RollbackConfirmed);
        }
    }

    fn follow(&mut self, event: RolloutEvent, because: Because) -> bool {
        let from = self.rollout.phase;
        let followed = self.rollout.follow(event, because);
        debug_assert!(followed, "{event} is in no row of {from}");
        if followed {
            self.transitions.push(Transition::Rollout { from, event, to: self.rollout.phase });
        }
        if self.rollout.phase == RolloutPhase::Paused {
            self.rollout.hold(self.now);
        }
        followed
    }

    fn follow_wave(&mut self, wave: usize, event: WaveEvent) -> bool {
        let from = self.rollout.waves[wave].phase;
        let followed = self.rollout.follow_wave(wave, event);
        debug_assert!(followed, "{event} is in no row of {from}");
        if followed {
            self.transitions.push(Transition::Wave { wave, from, event, to: self.rollout.waves[wave].phase });
        }
        followed
    }
}
