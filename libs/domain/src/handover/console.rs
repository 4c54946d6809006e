//! What a person does in the console (handover.md 4): nothing else can set sliders and staging collections.

use super::{Creation, Task};
use crate::configmgr::era;
use crate::id::CollectionId;
use crate::policy::{AutoEnrollment, CoManagementPolicy, WorkloadSetting};
use crate::workload::{PerWorkload, SliderPosition, Workload};

/// The last site version that calls the console's node by its older name.
const OLDER_NODE_UNTIL: u32 = 2103;

/// One thing to do, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleStep {
    /// The way through the console, such as `Administration > Cloud Services > Cloud Attach > …`.
    pub path: String,
    /// What to do there.
    pub action: ConsoleAction,
}

/// What to do in the console. `from` is what is there now; `None`: nobody said, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsoleAction {
    /// Set co-management up, by the wizard.
    Enable,
    /// Set the mode of automatic enrolment.
    SetAutoEnrollment {
        /// The mode now.
        from: Option<AutoEnrollment>,
        /// The mode to set.
        to: AutoEnrollment,
    },
    /// Choose the Intune Auto Enrollment collection.
    SetAutoEnrollmentCollection {
        /// The collection now.
        from: Option<CollectionId>,
        /// The collection to choose.
        to: CollectionId,
    },
    /// Move a slider.
    SetSlider {
        /// Whose slider.
        workload: Workload,
        /// Its position now.
        from: Option<SliderPosition>,
        /// The position to set.
        to: SliderPosition,
    },
    /// Choose a workload's pilot collection.
    SetStagingCollection {
        /// Whose collection.
        workload: Workload,
        /// The collection now.
        from: Option<CollectionId>,
        /// The collection to choose.
        to: CollectionId,
    },
    /// Confirm what was set with OK.
    Confirm,
}

impl ConsoleAction {
    /// The action as a sentence for people.
    #[must_use]
    pub fn instruction(&self) -> String {
        match self {
            Self::Enable => "set up co-management; since 2111 the wizard moves no workload".to_owned(),
            Self::SetAutoEnrollment { from, to } => {
                let from = from.map(AutoEnrollment::id);
                format!("set automatic enrolment to {}{}", to.id(), instead_of(from))
            }
            Self::SetAutoEnrollmentCollection { from, to } => {
                let from = from.as_ref().map(CollectionId::as_str);
                format!("choose {to} as the Intune Auto Enrollment collection{}", instead_of(from))
            }
            Self::SetSlider { workload, from, to } => {
                let from = from.map(position);
                format!("set {} to {}{}", workload.display_name(), position(*to), instead_of(from))
            }
            Self::SetStagingCollection { workload, from, to } => {
                let from = from.as_ref().map(CollectionId::as_str);
                format!(
                    "choose {to} as the pilot collection of {}{}",
                    workload.display_name(),
                    instead_of(from)
                )
            }
            Self::Confirm => "confirm with OK".to_owned(),
        }
    }

    /// The tab of the properties; `None`: none of them.
    const fn tab(&self) -> Option<&'static str> {
        match self {
            Self::Enable | Self::Confirm => None,
            Self::SetAutoEnrollment { .. } | Self::SetAutoEnrollmentCollection { .. } => Some("Enablement"),
            Self::SetSlider { .. } => Some("Workloads"),
            Self::SetStagingCollection { .. } => Some("Staging"),
        }
    }
}

fn instead_of(from: Option<&str>) -> String {
    from.map(|from| format!(" (now {from})")).unwrap_or_default()
}

/// The position as the console writes it.
const fn position(slider: SliderPosition) -> &'static str {
    match slider {
        SliderPosition::ConfigurationManager => "Configuration Manager",
        SliderPosition::PilotIntune => "Pilot Intune",
        SliderPosition::Intune => "Intune",
    }
}

/// Every step, in the order of the console's tabs. Where a script can create the policy and none is there,
/// only what the script cannot set is left to a person.
pub(super) fn steps(task: Task<'_>, creation: &Creation) -> Vec<ConsoleStep> {
    if task.turns_off() {
        return Vec::new();
    }
    let by_script = matches!(creation, Creation::Script { .. });
    let created = created_by_script(task.desired);
    let present = match task.set_up() {
        Some(true) => task.configured,
        Some(false) if by_script => Some(&created),
        // After the wizard, and where nobody said what is there, every position is set.
        Some(false) | None => None,
    };
    let mut actions = changes(task, present);
    if task.set_up() == Some(false) && !by_script {
        actions.insert(0, ConsoleAction::Enable);
    }
    if actions.iter().any(|action| action.tab().is_some()) {
        actions.push(ConsoleAction::Confirm);
    }
    actions.into_iter().map(|action| ConsoleStep { path: path(task, &action), action }).collect()
}

/// What the script leaves: sliders and automatic enrolment as desired, and no collections.
fn created_by_script(desired: &CoManagementPolicy) -> CoManagementPolicy {
    let slider = |workload| desired.workloads[workload].slider;
    CoManagementPolicy {
        auto_enrollment_collection: None,
        workloads: PerWorkload::from_fn(|workload| WorkloadSetting {
            slider: slider(workload),
            pilot_collection: None,
        }),
        ..desired.clone()
    }
}

/// What differs between what is there and the desired policy; with `None` there, everything that the policy
/// says.
fn changes(task: Task<'_>, present: Option<&CoManagementPolicy>) -> Vec<ConsoleAction> {
    let desired = task.desired;
    let mut actions = Vec::new();
    let from = present.and_then(|policy| policy.auto_enrollment);
    if let Some(to) = desired.auto_enrollment.filter(|to| from != Some(*to)) {
        actions.push(ConsoleAction::SetAutoEnrollment { from, to });
    }
    let from = present.and_then(|policy| policy.auto_enrollment_collection.clone());
    if let Some(to) = desired.auto_enrollment_collection.clone().filter(|to| from.as_ref() != Some(to)) {
        actions.push(ConsoleAction::SetAutoEnrollmentCollection { from, to });
    }
    // Where the slider of resource access is gone there is nothing to move.
    let gone =
        |workload| workload == Workload::ResourceAccessPolicies && task.resource_access_fixed() == Some(true);
    let movable = || Workload::ALL.into_iter().filter(|workload| !gone(*workload));
    for workload in movable() {
        let from = present.map(|policy| policy.workloads[workload].slider);
        let to = desired.workloads[workload].slider;
        if from != Some(to) {
            actions.push(ConsoleAction::SetSlider { workload, from, to });
        }
    }
    for workload in movable() {
        let from = present.and_then(|policy| policy.workloads[workload].pilot_collection.clone());
        let wanted = desired.workloads[workload].pilot_collection.clone();
        if let Some(to) = wanted.filter(|to| from.as_ref() != Some(to)) {
            actions.push(ConsoleAction::SetStagingCollection { workload, from, to });
        }
    }
    actions
}

fn path(task: Task<'_>, action: &ConsoleAction) -> String {
    let version = task.site.and_then(|site| site.version.as_deref());
    let node = match version.and_then(era) {
        Some(era) if era <= OLDER_NODE_UNTIL => "Co-management",
        Some(_) => "Cloud Attach",
        None => "Cloud Attach (2103 and older: Co-management)",
    };
    let node = format!("Administration > Cloud Services > {node}");
    match (action, action.tab()) {
        (ConsoleAction::Enable, _) => node,
        (_, Some(tab)) => format!("{node} > the co-management object > Properties > {tab}"),
        (_, None) => format!("{node} > the co-management object > Properties"),
    }
}
