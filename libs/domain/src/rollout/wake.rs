//! When time alone may change what a step comes to.

use jiff::Timestamp;

use crate::rollout::handover::is_ready;
use crate::rollout::observe::Observations;
use crate::rollout::standing::Lens;
use crate::rollout::state::Rollout;
use crate::rollout::table::{RolloutPhase, WavePhase};

/// The first moment at which the same readings may lead further. `None`: never.
pub(super) fn wake_at(rollout: &Rollout, seen: &Observations, now: Timestamp) -> Option<Timestamp> {
    if rollout.phase != RolloutPhase::Running || seen.freeze.is_some() {
        return None;
    }
    let place = rollout.current_wave()?;
    let wave = &rollout.waves[place];
    if !wave.phase.is_active() {
        return None;
    }
    let soaked_at = wave.soaked_at.filter(|_| wave.phase == WavePhase::Soaking);
    let spec = &rollout.spec;
    let lens = Lens {
        spec: &spec.waves[place],
        direction: spec.direction,
        began_at: wave.began_at.unwrap_or(now),
        now,
    };
    let devices = wave.devices.iter().filter_map(|(device, entry)| {
        let seen = seen.devices.get(device);
        let window = spec
            .windows
            .as_ref()
            .filter(|_| seen.is_some_and(|seen| is_ready(entry, seen, spec.direction.change())));
        let opening = window.and_then(|windows| windows.next_opening(seen?.zone.as_ref(), now));
        [lens.silent_at(entry, seen), opening].into_iter().flatten().min()
    });
    devices.chain(soaked_at).chain(wave.deadline_at).filter(|&at| at > now).min()
}
