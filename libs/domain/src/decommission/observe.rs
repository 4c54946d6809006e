//! Where a plan stands, by readings alone.

use super::{Check, DecommissionPlan, DeviceCounts, Observations, Precondition, Step, StepKind};
use crate::policy::{AutoEnrollment, CoManagementPolicy};
use crate::workload::{SliderPosition, Workload};

/// How far a step is, in devices or sites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// That are there.
    pub done: u64,
    /// Of all.
    pub of: u64,
}

/// Why a step cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A precondition of it, or of the plan, is not met.
    Precondition {
        /// The precondition.
        precondition: Precondition,
        /// How it stands; never met.
        check: Check,
    },
    /// Retires or wipes failed or were cancelled, and nothing else is open.
    RetireFailed {
        /// On how many devices.
        devices: u64,
    },
}

/// Where a step stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepState {
    /// A step before it is not done.
    Pending,
    /// It is its turn. `None`: it is one thing, or nobody counted.
    InProgress(Option<Progress>),
    /// What it brings about is seen. A step may be done before its turn, and undone when that is no longer seen.
    Done,
    /// It is its turn, and something is in the way; at least one thing.
    Blocked(Vec<Block>),
}

/// Where a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DecommissionState {
    /// No step is done, and nothing is in the way of the first.
    Pending,
    /// Some steps are done, and nothing is in the way of the next.
    InProgress,
    /// Something is in the way of the next step.
    Blocked,
    /// Every step is done.
    Done,
}

impl DecommissionState {
    /// The word that outputs use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Blocked => "blocked",
            Self::Done => "done",
        }
    }
}

/// Where a plan and its steps stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecommissionStanding {
    /// The whole.
    pub state: DecommissionState,
    /// Each step, in the order of the plan.
    pub steps: Vec<StepState>,
}

/// Says where the plan stands by these readings. The same readings always give the same answer.
#[must_use]
pub fn observe(plan: &DecommissionPlan, seen: &Observations<'_>) -> DecommissionStanding {
    let mut turn_is_over = false;
    let mut steps = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        let state = match reached(step, seen) {
            Reached::Done => StepState::Done,
            _ if turn_is_over => StepState::Pending,
            open => at_its_turn(open, plan.before.iter().chain(&step.before), seen),
        };
        turn_is_over |= state != StepState::Done;
        steps.push(state);
    }
    DecommissionStanding { state: overall(&steps), steps }
}

fn overall(steps: &[StepState]) -> DecommissionState {
    let is_done = |step: &StepState| *step == StepState::Done;
    if steps.iter().all(is_done) {
        DecommissionState::Done
    } else if steps.iter().any(|step| matches!(step, StepState::Blocked(_))) {
        DecommissionState::Blocked
    } else if steps.iter().any(is_done) {
        DecommissionState::InProgress
    } else {
        DecommissionState::Pending
    }
}

/// How far a step is, whoever's turn it is.
enum Reached {
    Done,
    Open(Option<Progress>),
    Stuck(Block),
}

impl Reached {
    const fn when(done: bool) -> Self {
        if done { Self::Done } else { Self::Open(None) }
    }

    /// `open` of all devices are not there. Without a count nothing is.
    fn count(devices: Option<&DeviceCounts>, open: impl Fn(&DeviceCounts) -> u64) -> Self {
        let Some(devices) = devices else { return Self::Open(None) };
        match open(devices).min(devices.devices) {
            0 => Self::Done,
            open => Self::Open(Some(Progress { done: devices.devices - open, of: devices.devices })),
        }
    }
}

fn at_its_turn<'a>(
    reached: Reached,
    before: impl Iterator<Item = &'a Precondition>,
    seen: &Observations<'_>,
) -> StepState {
    let unmet = |precondition: &Precondition| match precondition.check(seen) {
        Check::Met => None,
        check => Some(Block::Precondition { precondition: precondition.clone(), check }),
    };
    let blocks: Vec<Block> = before.filter_map(unmet).collect();
    match reached {
        _ if !blocks.is_empty() => StepState::Blocked(blocks),
        Reached::Stuck(block) => StepState::Blocked(vec![block]),
        Reached::Open(progress) => StepState::InProgress(progress),
        Reached::Done => StepState::Done,
    }
}

fn reached(step: &Step, seen: &Observations<'_>) -> Reached {
    let devices = seen.devices;
    match &step.kind {
        StepKind::AdoptPolicy { workloads, stops_enrollment } => {
            let is_back = |policy: &CoManagementPolicy| {
                workloads.iter().all(|workload| is_back(policy, *workload))
                    && (!stops_enrollment || enrols_nobody(policy))
            };
            Reached::when(seen.desired.is_some_and(is_back))
        }
        StepKind::TurnSoftwareUpdatesOn => {
            let on = seen.sites.iter().filter(|site| site.client_setting_software_updates == Some(true));
            let (done, of) = (on.count() as u64, seen.sites.len() as u64);
            match (done, of) {
                (_, 0) => Reached::Open(None),
                _ if done == of => Reached::Done,
                _ => Reached::Open(Some(Progress { done, of })),
            }
        }
        StepKind::StopAutoEnrollment => Reached::when(seen.configured.is_some_and(enrols_nobody)),
        StepKind::ReturnSlider { workload } => {
            Reached::when(seen.configured.is_some_and(|policy| is_back(policy, *workload)))
        }
        StepKind::DevicesReturn { workloads } => Reached::count(devices, |devices| {
            let open = |workload: &Workload| devices.at_intune[*workload] + devices.unreported[*workload];
            workloads.iter().map(open).max().unwrap_or(0)
        }),
        StepKind::LeaveCollections { .. } => {
            Reached::count(devices, |devices| devices.members + devices.membership_unknown)
        }
        StepKind::Retire => match devices {
            Some(devices) if devices.failed > 0 && devices.failed == devices.staying => {
                Reached::Stuck(Block::RetireFailed { devices: devices.failed })
            }
            _ => Reached::count(devices, |devices| devices.staying),
        },
        StepKind::DevicesLeave => Reached::count(devices, |devices| devices.in_intune),
        StepKind::ConfirmOut => {
            Reached::count(devices, |devices| devices.devices.saturating_sub(devices.out))
        }
    }
}

/// The slider gives the workload to Configuration Manager; so does a hierarchy without co-management.
fn is_back(policy: &CoManagementPolicy, workload: Workload) -> bool {
    policy.enabled == Some(false) || policy.workloads[workload].slider == SliderPosition::ConfigurationManager
}

fn enrols_nobody(policy: &CoManagementPolicy) -> bool {
    policy.enabled == Some(false) || policy.auto_enrollment == Some(AutoEnrollment::None)
}
