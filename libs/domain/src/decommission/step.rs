//! One step of the way out: what it is, who does it, and where the fact pack has it.

use std::collections::BTreeSet;

use super::Precondition;
use crate::citation::Citation;
use crate::id::CollectionId;
use crate::workload::Workload;

/// Who does a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// Tandem, by itself or when told.
    Tandem,
    /// A person: in a console, or by running a script.
    Person,
    /// The devices, when they next ask.
    Device,
}

impl Actor {
    /// Its stable name.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Tandem => "tandem",
            Self::Person => "person",
            Self::Device => "device",
        }
    }
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepKind {
    /// A policy is adopted in Tandem that has these workloads at Configuration Manager.
    AdoptPolicy {
        /// The workloads.
        workloads: Vec<Workload>,
        /// It enrols nobody automatically.
        stops_enrollment: bool,
    },
    /// The client setting for software updates is turned on at every site.
    TurnSoftwareUpdatesOn,
    /// Automatic enrolment is set to none.
    StopAutoEnrollment,
    /// A slider is set to Configuration Manager.
    ReturnSlider {
        /// Whose.
        workload: Workload,
    },
    /// The devices take it, and report the workloads at Configuration Manager.
    DevicesReturn {
        /// The workloads.
        workloads: Vec<Workload>,
    },
    /// The devices are taken out of the collections by which they would be enrolled or be in a pilot.
    LeaveCollections {
        /// The collections, as the policy named them when the plan was made.
        collections: BTreeSet<CollectionId>,
    },
    /// The devices are retired in Intune.
    Retire,
    /// The devices check in, and their Intune records go.
    DevicesLeave,
    /// The site says so too.
    ConfirmOut,
}

impl StepKind {
    /// Its stable name.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::AdoptPolicy { .. } => "adopt_policy",
            Self::TurnSoftwareUpdatesOn => "turn_software_updates_on",
            Self::StopAutoEnrollment => "stop_auto_enrollment",
            Self::ReturnSlider { .. } => "return_slider",
            Self::DevicesReturn { .. } => "devices_return",
            Self::LeaveCollections { .. } => "leave_collections",
            Self::Retire => "retire",
            Self::DevicesLeave => "devices_leave",
            Self::ConfirmOut => "confirm_out",
        }
    }

    /// Who does it.
    #[must_use]
    pub const fn actor(&self) -> Actor {
        match self {
            Self::AdoptPolicy { .. } | Self::ConfirmOut => Actor::Tandem,
            Self::TurnSoftwareUpdatesOn
            | Self::StopAutoEnrollment
            | Self::ReturnSlider { .. }
            | Self::LeaveCollections { .. }
            | Self::Retire => Actor::Person,
            Self::DevicesReturn { .. } | Self::DevicesLeave => Actor::Device,
        }
    }

    /// Where the fact pack has it.
    #[must_use]
    pub const fn source(&self) -> Citation {
        let (file, section) = match self {
            Self::AdoptPolicy { .. } => ("handover.md", "1"),
            Self::TurnSoftwareUpdatesOn => ("workloads.toml", "windows_update_policies.on_switch_to_intune"),
            Self::StopAutoEnrollment => ("handover.md", "4"),
            Self::ReturnSlider { .. } => ("workloads.toml", "switching.switch_back_allowed"),
            Self::DevicesReturn { .. } => ("handover.md", "5"),
            Self::LeaveCollections { .. } => ("leaving.md", "2"),
            Self::Retire => ("leaving.md", "1"),
            Self::DevicesLeave => ("leaving.md", "4"),
            Self::ConfirmOut => ("states.md", "2"),
        };
        Citation::new(file, section)
    }

    /// The step as a sentence for people.
    #[must_use]
    pub fn instruction(&self) -> String {
        let named = |workloads: &[Workload]| {
            workloads.iter().map(|workload| workload.display_name()).collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::AdoptPolicy { workloads, stops_enrollment } => {
                let enrollment = if *stops_enrollment { " and enrols nobody automatically" } else { "" };
                format!("adopt a policy that has at Configuration Manager{enrollment}: {}", named(workloads))
            }
            Self::TurnSoftwareUpdatesOn => {
                "turn the client setting for software updates on again for the devices that go back".to_owned()
            }
            Self::StopAutoEnrollment => {
                "set automatic enrolment to None on the Enablement tab: a device that left would be enrolled \
                 again"
                    .to_owned()
            }
            Self::ReturnSlider { workload } => {
                format!("set the slider of {} to Configuration Manager", workload.display_name())
            }
            Self::DevicesReturn { workloads } => {
                format!("the devices report at Configuration Manager: {}", named(workloads))
            }
            Self::LeaveCollections { collections } => {
                let ids: Vec<&str> = collections.iter().map(CollectionId::as_str).collect();
                let which = if ids.is_empty() { "none" } else { &ids.join(", ") };
                format!("take the devices out of automatic enrolment and of every pilot: {which}")
            }
            Self::Retire => {
                "retire the devices in Intune: at most 1,000 per tenant and day, a second administrator may \
                 have to approve"
                    .to_owned()
            }
            Self::DevicesLeave => {
                "the devices check in, about every 8 hours while they are online, and Intune's records of them \
                 go"
                .to_owned()
            }
            Self::ConfirmOut => "the site reads that the devices are not enrolled".to_owned(),
        }
    }
}

/// A step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub kind: StepKind,
    /// What has to hold before it, beside what has to hold for the whole plan.
    pub before: Vec<Precondition>,
}

impl Step {
    pub(super) const fn new(kind: StepKind) -> Self {
        Self { kind, before: Vec::new() }
    }
}
