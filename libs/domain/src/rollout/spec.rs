//! What a rollout is to do, as people write it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{CollectionId, DeviceId};
use crate::policy::Membership;
use crate::rollout::{MaintenanceWindows, Minutes};
use crate::workload::{ManagementAuthority, Workload};

/// A share in hundredths of a per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BasisPoints(pub u32);

impl BasisPoints {
    /// Everything.
    pub const ALL: Self = Self(10_000);

    /// `part` of `whole` is at least this share. Of nothing, no part is.
    #[must_use]
    pub fn is_reached_by(self, part: usize, whole: usize) -> bool {
        whole > 0 && part as u128 * 10_000 >= u128::from(self.0) * whole as u128
    }

    /// `part` of `whole` is more than this share. Of nothing, no part is.
    #[must_use]
    pub fn is_exceeded_by(self, part: usize, whole: usize) -> bool {
        whole > 0 && part as u128 * 10_000 > u128::from(self.0) * whole as u128
    }
}

impl fmt::Display for BasisPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02} %", self.0 / 100, self.0 % 100)
    }
}

/// Which manager the workload moves to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Devices join the pilot collection.
    ToIntune,
    /// Devices leave the pilot collection.
    ToConfigurationManager,
}

impl Direction {
    /// Who decides the workload on a device that arrived.
    #[must_use]
    pub const fn target(self) -> ManagementAuthority {
        match self {
            Self::ToIntune => ManagementAuthority::Intune,
            Self::ToConfigurationManager => ManagementAuthority::ConfigurationManager,
        }
    }

    /// The change that hands a device over.
    #[must_use]
    pub const fn change(self) -> MembershipChange {
        match self {
            Self::ToIntune => MembershipChange::Add,
            Self::ToConfigurationManager => MembershipChange::Remove,
        }
    }
}

/// A change of who is in the pilot collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MembershipChange {
    /// Become members.
    Add,
    /// Cease to be members.
    Remove,
}

impl MembershipChange {
    /// What takes the change back.
    #[must_use]
    pub const fn reverse(self) -> Self {
        match self {
            Self::Add => Self::Remove,
            Self::Remove => Self::Add,
        }
    }

    /// The membership once it is made.
    #[must_use]
    pub const fn result(self) -> Membership {
        match self {
            Self::Add => Membership::Member,
            Self::Remove => Membership::NotMember,
        }
    }

    /// The word of ids and logs.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
        }
    }
}

/// Which devices a wave takes. A device that several waves choose belongs to the first of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaveChoice {
    /// The members of a collection of the hierarchy.
    Collection(CollectionId),
    /// The buckets below `up_to` that no earlier wave took: shares are cumulative, and rise from wave to wave.
    Percentage {
        /// All buckets from 0 up to this share.
        up_to: BasisPoints,
    },
    /// These devices.
    Group(BTreeSet<DeviceId>),
}

/// How many devices may be in motion at once: handed over, and neither arrived nor excluded. Failing ones still are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisruptionBudget {
    /// So many.
    Devices(u32),
    /// A share of the wave's devices that are not skipped, rounded down, but at least one.
    Share(BasisPoints),
}

impl DisruptionBudget {
    /// How many may be in motion in a wave of that size.
    #[must_use]
    pub fn permits(self, size: usize) -> usize {
        match self {
            Self::Devices(count) => count as usize,
            Self::Share(share) => {
                usize::try_from(size as u128 * u128::from(share.0) / 10_000).map_or(size, |n| n.max(1))
            }
        }
    }
}

/// What becomes of devices that enter a wave's choice after it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LateJoiners {
    /// They join it as long as it is not decided, and the next wave to begin afterwards.
    Include,
    /// They join the next wave to begin. After the last wave: none.
    NextWave,
    /// This rollout leaves them alone.
    Skip,
}

/// How devices count that nobody heard of since they were handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfflineDevices {
    /// As not yet arrived, however long.
    NotYet,
    /// Not at all once they were silent for so long; also those not handed over yet, counted from the wave's begin. One
    /// that reports the workload at the target later counts again.
    ExcludeAfter(Minutes),
    /// As failing once they were silent for so long.
    FailAfter(Minutes),
}

/// One wave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaveSpec {
    /// Which devices it takes.
    pub choice: WaveChoice,
    /// How long it is watched after every membership is configured.
    pub soak: Minutes,
    /// The share of its devices that must report the workload at the target. More than none.
    pub success_gate: BasisPoints,
    /// The share of the devices handed over above which failing ones make it fail: drifted, in error, or silent where
    /// that is to fail.
    pub failure_gate: BasisPoints,
    /// How many devices must have answered, well or ill, before a gate decides. At least one.
    pub minimum_sample: u32,
    /// How many devices may be in motion at once.
    pub budget: DisruptionBudget,
    /// How long after its begin it becomes inconclusive. Longer than the soak time.
    pub deadline: Minutes,
    /// Devices that enter its choice later.
    pub late_joiners: LateJoiners,
    /// Devices that fall silent.
    pub offline: OfflineDevices,
}

/// What a failed wave does to its rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// It waits for a person.
    Pause,
    /// It is rolled back.
    RollBack,
    /// It ends; what was handed over stays.
    Stop,
}

/// A rollout as people write it; [`crate::rollout::Rollout::draft`] checks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutSpec {
    /// The workload that moves.
    pub workload: Workload,
    /// Where to.
    pub direction: Direction,
    /// The workload's pilot collection, whose membership is handed over.
    pub pilot_collection: CollectionId,
    /// When devices may be handed over. `None`: at any time. Taking back waits for no window.
    pub windows: Option<MaintenanceWindows>,
    /// What a failed wave does.
    pub on_failure: OnFailure,
    /// The waves, in their order.
    pub waves: Vec<WaveSpec>,
}
