//! What is to be thought of one device of a wave, and of all of them together.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::rollout::observe::DeviceObservation;
use crate::rollout::spec::{Direction, OfflineDevices, WaveSpec};
use crate::rollout::state::WaveDevice;
use crate::rollout::{Minutes, later};

/// Why a device is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skipped {
    /// It has the membership already. A rollback must not take from it what was never given.
    AlreadyThere,
    /// It is not co-managed, so no membership moves it.
    NotCoManaged,
    /// The inventory has it no longer.
    Gone,
}

/// What is wrong with a device that was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failing {
    /// It said so since it was handed over.
    Errored,
    /// It had arrived, and reports the workload elsewhere now.
    Drifted,
    /// It fell silent, and that is to count as failing.
    Silent,
}

/// What is to be thought of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Waits to be handed over: for the budget, its window, or a reading that is missing.
    Chosen,
    /// Is not handed over, and counts nowhere.
    Skipped(Skipped),
    /// Fell silent, and is to count nowhere then.
    Excluded,
    /// Was handed over and has not answered.
    Pending,
    /// Reports the workload at the target.
    AtTarget,
    /// Was handed over and something is wrong.
    Failing(Failing),
}

/// What decides about the devices of a wave at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lens<'a> {
    pub(super) spec: &'a WaveSpec,
    pub(super) direction: Direction,
    pub(super) began_at: Timestamp,
    pub(super) now: Timestamp,
}

impl Lens<'_> {
    /// Looks at a device anew. `seen`: `None` if nobody said anything of it.
    pub(super) fn look(&self, device: &mut WaveDevice, seen: Option<&DeviceObservation>, gone: bool) {
        device.standing = match device.handed_over_at {
            None => self.before(device.standing, seen, gone),
            Some(at) => self.after(device, seen, gone, at),
        };
        device.arrived |= device.standing == Standing::AtTarget;
    }

    /// A device that is not handed over yet.
    fn before(&self, standing: Standing, seen: Option<&DeviceObservation>, gone: bool) -> Standing {
        if gone {
            return Standing::Skipped(Skipped::Gone);
        }
        match self.spec.offline {
            _ if standing == Standing::Excluded => return standing,
            OfflineDevices::ExcludeAfter(limit) if self.is_silent(seen, self.began_at, limit) => {
                return Standing::Excluded;
            }
            _ => {}
        }
        match seen {
            None => standing,
            Some(seen) if seen.co_managed == Some(false) => Standing::Skipped(Skipped::NotCoManaged),
            Some(seen) if seen.membership == self.direction.change().result() => {
                Standing::Skipped(Skipped::AlreadyThere)
            }
            Some(_) => Standing::Chosen,
        }
    }

    /// A device that was handed over: what it said last decides, and then its silence.
    fn after(
        &self,
        device: &WaveDevice,
        seen: Option<&DeviceObservation>,
        gone: bool,
        at: Timestamp,
    ) -> Standing {
        let is_answer = |said: Timestamp| at < said && said <= self.now;
        let report = seen.and_then(|seen| seen.report).filter(|report| is_answer(report.at));
        let failed = seen.and_then(|seen| seen.failed_at).filter(|&failed| is_answer(failed));
        let is_at_target = report.is_some_and(|report| report.authority == self.direction.target());
        // Once excluded, only good news brings a device back: bad news would put it in motion again, beyond the budget.
        if gone || device.standing == Standing::Excluded {
            return if is_at_target { Standing::AtTarget } else { Standing::Excluded };
        }
        match (report, failed) {
            (Some(report), failed) if is_at_target && failed.is_none_or(|failed| failed <= report.at) => {
                Standing::AtTarget
            }
            (_, Some(_)) => Standing::Failing(Failing::Errored),
            (Some(_), None) if device.arrived => Standing::Failing(Failing::Drifted),
            _ => self.unanswered(seen, at),
        }
    }

    /// A device that was handed over and has not answered.
    fn unanswered(&self, seen: Option<&DeviceObservation>, at: Timestamp) -> Standing {
        match self.spec.offline {
            OfflineDevices::ExcludeAfter(limit) if self.is_silent(seen, at, limit) => Standing::Excluded,
            OfflineDevices::FailAfter(limit) if self.is_silent(seen, at, limit) => {
                Standing::Failing(Failing::Silent)
            }
            _ => Standing::Pending,
        }
    }

    fn is_silent(&self, seen: Option<&DeviceObservation>, since: Timestamp, limit: Minutes) -> bool {
        later(heard_of(seen, since), limit) <= self.now
    }

    /// The moment at which the silence of a device that has not answered begins to count. `None`: never, or it does already.
    pub(super) fn silent_at(
        &self,
        device: &WaveDevice,
        seen: Option<&DeviceObservation>,
    ) -> Option<Timestamp> {
        let waits = matches!(device.standing, Standing::Chosen | Standing::Pending | Standing::Skipped(_));
        let since = device.handed_over_at.unwrap_or(self.began_at);
        let limit = match self.spec.offline {
            OfflineDevices::ExcludeAfter(limit) | OfflineDevices::FailAfter(limit) if waits => limit,
            _ => return None,
        };
        Some(later(heard_of(seen, since), limit)).filter(|&at| at > self.now)
    }
}

/// When silence began: at the last contact, but not before the device was waited for.
fn heard_of(seen: Option<&DeviceObservation>, since: Timestamp) -> Timestamp {
    seen.and_then(|seen| seen.last_contact).map_or(since, |contact| contact.max(since))
}

/// How many devices of a wave stand where. Each is counted once in the first six.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Wait to be handed over.
    pub chosen: usize,
    /// Are left alone.
    pub skipped: usize,
    /// Fell silent, and do not count.
    pub excluded: usize,
    /// Were handed over and have not answered.
    pub pending: usize,
    /// Report the workload at the target.
    pub at_target: usize,
    /// Were handed over and something is wrong.
    pub failing: usize,
    /// In motion: they take up the disruption budget.
    pub in_motion: usize,
    /// Of those, the failing ones.
    pub failing_in_motion: usize,
    /// Handed over, but not seen to be configured.
    pub unconfigured: usize,
}

impl Tally {
    pub(super) fn of<'a>(devices: impl Iterator<Item = &'a WaveDevice>) -> Self {
        let mut tally = Self::default();
        for device in devices {
            let failing = matches!(device.standing, Standing::Failing(_));
            match device.standing {
                Standing::Chosen => tally.chosen += 1,
                Standing::Skipped(_) => tally.skipped += 1,
                Standing::Excluded => tally.excluded += 1,
                Standing::Pending => tally.pending += 1,
                Standing::AtTarget => tally.at_target += 1,
                Standing::Failing(_) => tally.failing += 1,
            }
            tally.in_motion += usize::from(device.is_in_motion());
            tally.failing_in_motion += usize::from(failing && device.is_in_motion());
            tally.unconfigured += usize::from(device.standing == Standing::Pending && !device.configured);
        }
        tally
    }

    /// The devices that the success gate takes its share of.
    #[must_use]
    pub const fn counted(&self) -> usize {
        self.chosen + self.handed_over()
    }

    /// The devices that the failure gate takes its share of.
    #[must_use]
    pub const fn handed_over(&self) -> usize {
        self.pending + self.answered()
    }

    /// The devices that answered, well or ill.
    #[must_use]
    pub const fn answered(&self) -> usize {
        self.at_target + self.failing
    }

    /// The devices that a share of the disruption budget is taken of.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.counted() + self.excluded
    }
}
