//! One wave of the model's rollouts: what is to be thought of its devices, and where it goes from there.

use tandem_contracts::authority::v1::RolloutWavePhase as WavePhase;

use super::rollout::{Look, Rollout, Standing, count};
use super::spec::{Budget, Offline};

impl Rollout {
    pub(super) fn look_at_members(&mut self, place: usize, look: Look<'_>) {
        let (spec, goal) = (&self.spec.waves[place], self.spec.to_intune);
        let wave = &mut self.waves[place];
        let began = wave.began.unwrap_or(look.now);
        for (device, member) in &mut wave.members {
            let seen = look.seen.devices.get(device);
            let since = member.handed_over.unwrap_or(began);
            let is_silent =
                |limit: i64| seen.map_or(since, |seen| seen.contact.max(since)) + limit <= look.now;
            member.standing = match (member.handed_over, seen) {
                // Not handed over, and there no longer.
                (None, None) => Standing::Gone,
                (None, Some(_)) if member.standing == Standing::Excluded => Standing::Excluded,
                (None, Some(seen)) => match spec.offline {
                    Offline::Exclude(limit) if is_silent(limit) => Standing::Excluded,
                    _ if seen.co_managed == Some(false) => Standing::NotCoManaged,
                    _ if seen.member == Some(goal) => Standing::AlreadyThere,
                    _ => Standing::Chosen,
                },
                // Nobody waits for whom nobody has any longer.
                (Some(_), None) => Standing::Excluded,
                (Some(at), Some(seen)) => {
                    let is_answer = |said: &i64| at < *said && *said <= look.now;
                    let report = seen.report.filter(|(_, said)| is_answer(said));
                    let failed = seen.failed.filter(is_answer);
                    match report {
                        Some((at_intune, said))
                            if at_intune == goal
                                && (failed.is_none_or(|failed| failed <= said)
                                    || member.standing == Standing::Excluded) =>
                        {
                            Standing::AtTarget
                        }
                        _ if member.standing == Standing::Excluded => Standing::Excluded,
                        _ if failed.is_some() => Standing::Failing,
                        Some(_) if member.arrived => Standing::Failing,
                        _ => match spec.offline {
                            Offline::Exclude(limit) if is_silent(limit) => Standing::Excluded,
                            Offline::Fail(limit) if is_silent(limit) => Standing::Failing,
                            _ => Standing::Pending,
                        },
                    }
                }
            };
            member.arrived |= member.standing == Standing::AtTarget;
        }
    }

    /// How many devices of a wave may be in motion.
    pub(super) fn permits(&self, place: usize) -> usize {
        let skipped = [Standing::AlreadyThere, Standing::NotCoManaged, Standing::Gone];
        let size = count(&self.waves[place], |member| !skipped.contains(&member.standing));
        match self.spec.waves[place].budget {
            Budget::Devices(devices) => devices as usize,
            Budget::Share(share) => (size * share as usize / 10_000).max(1),
        }
    }

    /// Where a wave goes from here: failures before success, success before the deadline.
    pub(super) fn judge(&self, place: usize, now: i64) -> Option<WavePhase> {
        let (spec, wave) = (&self.spec.waves[place], &self.waves[place]);
        let stand = |standing: Standing| count(wave, |member| member.standing == standing);
        let (chosen, pending) = (stand(Standing::Chosen), stand(Standing::Pending));
        let (well, ill) = (stand(Standing::AtTarget), stand(Standing::Failing));
        let (answered, handed_over) = (well + ill, well + ill + pending);
        let all = handed_over + chosen;
        let is_due = |due: Option<i64>| due.is_some_and(|due| due <= now);
        let stuck = count(wave, |member| member.standing == Standing::Failing && member.is_in_motion());
        let unconfigured = count(wave, |member| member.standing == Standing::Pending && !member.configured);
        let is_judging = wave.phase == WavePhase::Judging;
        let is_enough = answered >= spec.sample;
        if is_enough && handed_over > 0 && ill * 10_000 > spec.failure * handed_over {
            return Some(WavePhase::Failed);
        }
        if chosen > 0 && stuck >= self.permits(place) {
            return Some(WavePhase::Failed);
        }
        match wave.phase {
            WavePhase::HandingOver if all == 0 => Some(WavePhase::Inconclusive),
            WavePhase::HandingOver if chosen == 0 && unconfigured == 0 => Some(WavePhase::Soaking),
            WavePhase::Soaking if is_due(wave.soaked) => Some(WavePhase::Judging),
            _ if is_judging && is_enough && all > 0 && well * 10_000 >= spec.success * all => {
                Some(WavePhase::Passed)
            }
            _ if is_due(wave.deadline) => Some(WavePhase::Inconclusive),
            _ if is_judging && all == answered => Some(WavePhase::Inconclusive),
            _ => None,
        }
    }
}
