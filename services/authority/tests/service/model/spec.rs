//! What a rollout is asked to do, and what is read of the world for it. Times are minutes, shares hundredths of a per cent.

use std::collections::{BTreeMap, BTreeSet};

/// The workload that moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    Apps,
    Configuration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    Pause,
    RollBack,
    Stop,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    Everybody,
    Group(BTreeSet<u32>),
    Collection(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Budget {
    Devices(u32),
    Share(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Late {
    Include,
    NextWave,
    Skip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offline {
    NotYet,
    Exclude(i64),
    Fail(i64),
}

/// Shares are in hundredths of a per cent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WaveSpec {
    pub(super) choice: Choice,
    pub(super) soak: i64,
    pub(super) success: usize,
    pub(super) failure: usize,
    pub(super) sample: usize,
    pub(super) budget: Budget,
    pub(super) deadline: i64,
    pub(super) late: Late,
    pub(super) offline: Offline,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spec {
    pub(super) moved: Moved,
    pub(super) to_intune: bool,
    pub(super) pilot: usize,
    pub(super) on_failure: OnFailure,
    pub(super) waves: Vec<WaveSpec>,
}

/// What is read of one device of the hierarchy.
#[derive(Debug, Clone)]
pub(super) struct SeenDevice {
    pub(super) co_managed: Option<bool>,
    /// Of the pilot; `None`: nobody can say.
    pub(super) member: Option<bool>,
    /// Whether it reported the workload at Intune, and when.
    pub(super) report: Option<(bool, i64)>,
    pub(super) failed: Option<i64>,
    pub(super) contact: i64,
    pub(super) within: BTreeSet<usize>,
}

/// What is read of the world.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) devices: BTreeMap<u32, SeenDevice>,
    /// The collections whose members are known completely.
    pub(super) known: BTreeSet<usize>,
    /// When the pilot's members were read.
    pub(super) read_at: Option<i64>,
}

/// Where the slider stands, as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    Unknown,
    /// At Pilot Intune with the rollout's pilot.
    Here,
    Elsewhere,
}

/// The first of the waves that chooses a device.
pub(super) fn owner(waves: &[WaveSpec], device: u32, seen: &Seen) -> Option<usize> {
    waves.iter().position(|wave| match &wave.choice {
        Choice::Everybody => true,
        Choice::Group(devices) => devices.contains(&device),
        Choice::Collection(id) => {
            seen.known.contains(id) && seen.devices.get(&device).is_some_and(|seen| seen.within.contains(id))
        }
    })
}
