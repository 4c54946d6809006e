//! What holds of every step and of every command.

use jiff::{SignedDuration, Timestamp};
use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};

use super::super::*;

type Checked = Result<(), TestCaseError>;

pub(super) fn check_step(before: &Rollout, step: &Step, seen: &Observations, now: Timestamp) -> Checked {
    goes_as_far_as_it_can(step, seen, now)?;
    stands_still_when_it_must(before, step, seen)?;
    follows_the_tables(step)?;
    budget_holds(before, &step.rollout)?;
    waves_wait_for_their_predecessors(&step.rollout)?;
    passes_on_evidence_alone(before, &step.rollout)?;
    moves_each_device_once(&step.rollout)?;
    nothing_happens_before_it_says(step, seen, now)
}

pub(super) fn check_command(before: &Rollout, after: &Rollout, command: &Command) -> Checked {
    prop_assert!(!before.phase().is_terminal(), "{} out of {}", command.event(), before.phase());
    prop_assert_eq!(before.batches(), after.batches(), "a command hands nothing over");
    waves_wait_for_their_predecessors(after)
}

/// Stepping again with the same readings changes nothing, and gives the same out.
fn goes_as_far_as_it_can(step: &Step, seen: &Observations, now: Timestamp) -> Checked {
    let again = super::super::step(&step.rollout, seen, now);
    let expected = Step { transitions: Vec::new(), ..step.clone() };
    prop_assert_eq!(again, expected);
    Ok(())
}

/// Frozen: nothing is given out and no phase changes. Paused or not running: nothing changes at all, whatever the time.
fn stands_still_when_it_must(before: &Rollout, step: &Step, seen: &Observations) -> Checked {
    if seen.freeze.is_some() {
        prop_assert_eq!((&step.actions, &step.transitions), (&vec![], &vec![]));
        prop_assert_eq!((before.phase(), before.batches()), (step.rollout.phase(), step.rollout.batches()));
        prop_assert_eq!(before.waves(), step.rollout.waves());
    }
    if !matches!(before.phase(), RolloutPhase::Running | RolloutPhase::RollingBack) {
        prop_assert_eq!(before, &step.rollout);
        prop_assert_eq!(&step.actions, &vec![]);
    }
    Ok(())
}

fn follows_the_tables(step: &Step) -> Checked {
    for transition in &step.transitions {
        match *transition {
            Transition::Rollout { from, event, to } => {
                prop_assert_eq!(next_rollout_phase(from, event), Some(to));
                prop_assert!(!event.is_command());
            }
            Transition::Wave { from, event, to, .. } => {
                prop_assert_eq!(next_wave_phase(from, event), Some(to))
            }
        }
    }
    Ok(())
}

/// No hand-over brings more devices in motion than the budget. A number of devices holds at all times; a share can shrink
/// beneath devices that are in motion already, when others turn out not to be co-managed.
fn budget_holds(before: &Rollout, after: &Rollout) -> Checked {
    let handed_over = &after.batches()[before.batches().len()..];
    for (place, wave) in after.waves().iter().enumerate() {
        let (tally, budget) = (wave.tally(), after.spec().waves[place].budget);
        let handed_over = handed_over.iter().any(|batch| batch.wave == place && batch.takes_back.is_none());
        if handed_over || matches!(budget, DisruptionBudget::Devices(_)) {
            prop_assert!(tally.in_motion <= budget.permits(tally.size()), "{budget:?} {tally:?}");
        }
    }
    Ok(())
}

fn waves_wait_for_their_predecessors(rollout: &Rollout) -> Checked {
    let mut later = rollout.waves().iter().skip_while(|wave| wave.phase.is_done()).skip(1);
    prop_assert!(later.all(|wave| wave.phase == WavePhase::Waiting && wave.devices.is_empty()));
    let approved = rollout.waves().iter().filter(|wave| wave.phase == WavePhase::Approved);
    for wave in approved {
        prop_assert!(wave.approval.is_some());
    }
    Ok(())
}

/// A wave that passes has devices that report the target, and enough of them.
fn passes_on_evidence_alone(before: &Rollout, after: &Rollout) -> Checked {
    for (place, (old, new)) in before.waves().iter().zip(after.waves()).enumerate() {
        if old.phase != new.phase && new.phase == WavePhase::Passed {
            let (spec, tally) = (&after.spec().waves[place], new.tally());
            prop_assert!(tally.at_target > 0 && tally.answered() >= spec.minimum_sample as usize);
            // Devices that the next wave took over were counted when this one passed: the share can only have been less.
            prop_assert!(spec.success_gate.is_reached_by(tally.at_target, tally.counted()));
            prop_assert!(!spec.failure_gate.is_exceeded_by(tally.failing, tally.handed_over()));
        }
    }
    Ok(())
}

/// Each device is handed over at most once, in one wave, and what is taken back is what was handed over.
fn moves_each_device_once(rollout: &Rollout) -> Checked {
    let (over, back): (Vec<_>, Vec<_>) =
        rollout.batches().iter().partition(|batch| batch.takes_back.is_none());
    let devices = |batches: &[&Batch]| -> Vec<DeviceId> {
        batches.iter().flat_map(|batch| batch.devices.clone()).collect()
    };
    let (handed_over, taken_back) = (devices(&over), devices(&back));
    let once: BTreeSet<_> = handed_over.iter().collect();
    prop_assert_eq!(once.len(), handed_over.len());
    let noted = rollout.waves().iter().flat_map(|wave| &wave.devices);
    let noted: BTreeSet<_> =
        noted.filter(|(_, entry)| entry.handed_over_at.is_some()).map(|(device, _)| device).collect();
    prop_assert_eq!(&noted, &once);
    if !back.is_empty() {
        prop_assert_eq!(taken_back.len(), handed_over.len());
        prop_assert_eq!(taken_back.iter().collect::<BTreeSet<_>>(), once);
    }
    let change = rollout.spec().direction.change();
    prop_assert!(over.iter().all(|batch| batch.change == change));
    prop_assert!(back.iter().all(|batch| batch.change == change.reverse()));
    let ids: BTreeSet<_> = rollout.batches().iter().map(|batch| batch.id).collect();
    prop_assert_eq!(ids.len(), rollout.batches().len());
    Ok(())
}

/// Until the step wakes, time alone changes nothing.
fn nothing_happens_before_it_says(step: &Step, seen: &Observations, now: Timestamp) -> Checked {
    let second = SignedDuration::from_secs(1);
    let wake = step.wake_at.unwrap_or_else(|| now + SignedDuration::from_hours(10_000));
    prop_assert!(wake > now);
    let halfway = now + (wake.duration_since(now) / 2);
    for then in [halfway, wake - second] {
        let later = super::super::step(&step.rollout, seen, then.max(now));
        prop_assert_eq!((&later.rollout, &later.actions), (&step.rollout, &step.actions), "at {}", then);
    }
    Ok(())
}
