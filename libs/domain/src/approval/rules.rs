//! How many approvals a plan needs, by its blast radius.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::workload::Workload;

/// The most approvals that a rule may ask for. Beyond a handful nobody looks closely any more, and small teams lock themselves
/// out.
pub const MAX_APPROVALS: u8 = 5;

/// From how many devices on how many approvals are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceThreshold {
    /// The smallest number of affected devices that it applies to.
    pub at_least: u64,
    /// Approvals needed from there on.
    pub approvals: u8,
}

/// A tenant's rules. The one that asks for most decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRules {
    /// By devices affected: both numbers rise from one to the next.
    pub devices: Vec<DeviceThreshold>,
    /// By workload, however few devices are affected. A workload that is not listed asks for none.
    pub workloads: BTreeMap<Workload, u8>,
    /// For a slider that moves to Intune: it takes every co-managed device at once, and no wave holds it.
    pub full_switch: u8,
}

impl Default for ApprovalRules {
    /// \[proposal\] One approval from 100 devices, two from 10,000; one for device configuration, which carries two other
    /// workloads with it; two for a full switch.
    fn default() -> Self {
        Self {
            devices: vec![
                DeviceThreshold { at_least: 100, approvals: 1 },
                DeviceThreshold { at_least: 10_000, approvals: 2 },
            ],
            workloads: BTreeMap::from([(Workload::DeviceConfiguration, 1)]),
            full_switch: 2,
        }
    }
}

/// Rules that contradict themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRules {
    /// A threshold does not lie above the one before it.
    #[error("expected thresholds whose devices and approvals both rise; found {found:?} after {before:?}")]
    ThresholdsDoNotRise {
        /// The threshold before.
        before: DeviceThreshold,
        /// The one that does not lie above it.
        found: DeviceThreshold,
    },
    /// More approvals than a rule may ask for.
    #[error("expected at most {MAX_APPROVALS} approvals; found {found}")]
    TooManyApprovals {
        /// What the rule asks for.
        found: u8,
    },
}

impl InvalidRules {
    /// A stable word for programs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::ThresholdsDoNotRise { .. } => "APPROVAL_THRESHOLDS_DO_NOT_RISE",
            Self::TooManyApprovals { .. } => "APPROVALS_TOO_MANY",
        }
    }
}

/// What approval looks at of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanSummary {
    /// The workloads that it moves.
    pub workloads: BTreeSet<Workload>,
    /// How many devices it moves. `None`: nobody knows, which counts as every threshold reached.
    pub devices_affected: Option<u64>,
    /// A slider moves to Intune.
    pub full_switch: bool,
}

/// Why approvals are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ApprovalReason {
    /// So many devices are affected.
    Devices {
        /// The threshold that was reached.
        at_least: u64,
        /// How many are affected.
        found: u64,
    },
    /// Nobody knows how many devices are affected.
    DevicesUnknown,
    /// The workload asks for it.
    Workload(Workload),
    /// A slider moves to Intune.
    FullSwitch,
}

impl fmt::Display for ApprovalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Devices { at_least, found } => {
                write!(f, "{found} devices are affected, {at_least} or more")
            }
            Self::DevicesUnknown => f.write_str("nobody knows how many devices are affected"),
            Self::Workload(workload) => write!(f, "it moves {workload}"),
            Self::FullSwitch => f.write_str("it moves a slider to intune, for every co-managed device"),
        }
    }
}

/// How many people must agree, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApprovalsRequired {
    /// How many; 0: none need to.
    pub count: u8,
    /// Every rule that asks for any, and for how many.
    pub reasons: Vec<(ApprovalReason, u8)>,
}

impl ApprovalRules {
    /// Checks that the rules can be meant.
    ///
    /// # Errors
    /// The first rule that cannot.
    pub fn validate(&self) -> Result<(), InvalidRules> {
        for pair in self.devices.windows(2) {
            if let [before, found] = *pair
                && (found.at_least <= before.at_least || found.approvals <= before.approvals)
            {
                return Err(InvalidRules::ThresholdsDoNotRise { before, found });
            }
        }
        let counts = self.devices.iter().map(|threshold| threshold.approvals);
        let counts = counts.chain(self.workloads.values().copied()).chain([self.full_switch]);
        match counts.max().filter(|&most| most > MAX_APPROVALS) {
            Some(found) => Err(InvalidRules::TooManyApprovals { found }),
            None => Ok(()),
        }
    }

    /// How many approvals a plan needs.
    #[must_use]
    pub fn required(&self, plan: &PlanSummary) -> ApprovalsRequired {
        let workloads = plan.workloads.iter().filter_map(|&workload| {
            self.workloads.get(&workload).map(|&count| (ApprovalReason::Workload(workload), count))
        });
        let full_switch = plan.full_switch.then_some((ApprovalReason::FullSwitch, self.full_switch));
        let reasons: Vec<_> = self
            .by_devices(plan.devices_affected)
            .into_iter()
            .chain(workloads)
            .chain(full_switch)
            .filter(|&(_, count)| count > 0)
            .collect();
        ApprovalsRequired { count: reasons.iter().map(|&(_, count)| count).max().unwrap_or(0), reasons }
    }

    fn by_devices(&self, affected: Option<u64>) -> Option<(ApprovalReason, u8)> {
        let Some(found) = affected else {
            return self.devices.last().map(|last| (ApprovalReason::DevicesUnknown, last.approvals));
        };
        let reached = self.devices.iter().rev().find(|threshold| threshold.at_least <= found);
        reached.map(|&DeviceThreshold { at_least, approvals }| {
            (ApprovalReason::Devices { at_least, found }, approvals)
        })
    }
}
