//! Positions that no hierarchy can hold, each by the rule of the fact pack that it breaks.
//!
//! A relation is an **error** where the console does not accept the object, or where the position would be held on no device:
//! adopting it would promise what cannot come true. It is a **warning** ([`crate::plan`]) where the position is held, at least
//! on some devices, and has a consequence. Which is which follows from the lines of the facts; the division itself is ours
//! \[derived\].
//!
//! | relation or forced position | line of the facts | verdict |
//! |---|---|---|
//! | Pilot Intune means the members of the workload's own pilot collection | `workloads.toml switching.scope_of_pilot_intune`, handover.md 4 | error without a collection |
//! | automatic enrolment in pilot mode means the members of Intune Auto Enrollment | handover.md 4 | error without a collection |
//! | resource access is fixed at Intune from site version 2403 on | `workloads.toml resource_access_policies.forced_to_intune_since_site_version` | error anywhere else; a warning while the version is not known |
//! | device configuration carries resource access and Endpoint Protection along | `workloads.toml device_configuration.on_switch_to_intune`, states.md 8, step 6 | error behind a slider at Intune: no device holds it; a warning behind one at Pilot Intune: the others hold it |
//! | the Intune Auto Enrollment collection *should* contain every pilot collection | `workloads.toml switching.auto_enrollment_collection` | warning |
//! | Conditional Access, Autopatch, Store apps and the removal of settings need workloads at Intune | `workloads.toml`, `[[dependency]]` | warning: the consumer fails, the position holds |
//! | Pilot Intune is not supported during Autopilot into co-management | `workloads.toml pilot_limitations.autopilot_into_comanagement` | warning: it holds afterwards |
//! | the matching Intune policy comes first | `workloads.toml switching.before_switch` | warning: not a position |
//! | the recommended order | `workloads.toml recommended_order.first` | warning |
//!
//! A policy by which co-management is not set up has no sliders, so none of its positions is forced or carried; what it keeps
//! for later has to be whole all the same.

use super::{AutoEnrollment, CoManagementPolicy, InvalidPolicy, ResourceAccessSlider};
use crate::citation::Citation;
use crate::site::SiteFacts;
use crate::workload::{SliderPosition, Workload};

/// A position that no hierarchy can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyViolation {
    /// Automatic enrolment in pilot mode without its collection.
    #[error("{}: expected {}, found {}", self.id(), self.expected(), self.found())]
    AutoEnrollmentWithoutCollection,
    /// Pilot Intune without a pilot collection.
    #[error("{}: {workload}: expected {}, found {}", self.id(), self.expected(), self.found())]
    PilotWithoutCollection {
        /// The workload.
        workload: Workload,
    },
    /// Resource access anywhere but at Intune where its slider is fixed there.
    #[error("{}: resource_access_policies: expected {}, found {}", self.id(), self.expected(), self.found())]
    ResourceAccessFixed {
        /// The position as given.
        found: SliderPosition,
        /// The hierarchy's newest version, as given.
        version: String,
    },
    /// A workload elsewhere than device configuration, which is at Intune and carries it along.
    #[error("{}: {workload}: expected {}, found {}", self.id(), self.expected(), self.found())]
    LeftBehindDeviceConfiguration {
        /// The workload that is carried.
        workload: Workload,
        /// The position as given.
        found: SliderPosition,
    },
}

impl PolicyViolation {
    /// Its stable name.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::AutoEnrollmentWithoutCollection => "auto_enrollment_needs_collection",
            Self::PilotWithoutCollection { .. } => "pilot_needs_collection",
            Self::ResourceAccessFixed { .. } => "resource_access_fixed",
            Self::LeftBehindDeviceConfiguration { .. } => "bundled_with_device_configuration",
        }
    }

    /// The rule that is broken: its place in the fact pack.
    #[must_use]
    pub const fn rule(&self) -> Citation {
        let (file, section) = match self {
            Self::AutoEnrollmentWithoutCollection => ("handover.md", "4"),
            Self::PilotWithoutCollection { .. } => ("workloads.toml", "switching.scope_of_pilot_intune"),
            Self::ResourceAccessFixed { .. } => {
                ("workloads.toml", "resource_access_policies.forced_to_intune_since_site_version")
            }
            Self::LeftBehindDeviceConfiguration { .. } => {
                ("workloads.toml", "device_configuration.on_switch_to_intune")
            }
        };
        Citation::new(file, section)
    }

    /// Whose position it is; `None`: automatic enrolment's.
    #[must_use]
    pub const fn workload(&self) -> Option<Workload> {
        match self {
            Self::AutoEnrollmentWithoutCollection => None,
            Self::PilotWithoutCollection { workload }
            | Self::LeftBehindDeviceConfiguration { workload, .. } => Some(*workload),
            Self::ResourceAccessFixed { .. } => Some(Workload::ResourceAccessPolicies),
        }
    }

    /// What the rule wants.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::AutoEnrollmentWithoutCollection => {
                "the Intune Auto Enrollment collection, with automatic enrolment at pilot".to_owned()
            }
            Self::PilotWithoutCollection { .. } => {
                "a pilot collection of its own, with the slider at pilot_intune".to_owned()
            }
            Self::ResourceAccessFixed { version, .. } => {
                format!("intune, where the slider is fixed on site version {version}")
            }
            Self::LeftBehindDeviceConfiguration { .. } => {
                "intune, where device_configuration stands and carries it along".to_owned()
            }
        }
    }

    /// What the policy says.
    #[must_use]
    pub const fn found(&self) -> &'static str {
        match self {
            Self::AutoEnrollmentWithoutCollection | Self::PilotWithoutCollection { .. } => "none",
            Self::ResourceAccessFixed { found, .. } | Self::LeftBehindDeviceConfiguration { found, .. } => {
                found.id()
            }
        }
    }

    /// What to do about it, as a sentence for people.
    #[must_use]
    pub const fn remediation(&self) -> &'static str {
        match self {
            Self::AutoEnrollmentWithoutCollection => {
                "name the Intune Auto Enrollment collection, or set automatic enrolment to none or all"
            }
            Self::PilotWithoutCollection { .. } => {
                "name the workload's pilot collection, or set its slider to configuration_manager or intune"
            }
            Self::ResourceAccessFixed { .. } => {
                "set resource_access_policies to intune: on this version it is there on every co-managed \
                 device, and does not come back"
            }
            Self::LeftBehindDeviceConfiguration { .. } => {
                "set it to intune as well, or take device_configuration back from intune"
            }
        }
    }
}

impl From<InvalidPolicy> for PolicyViolation {
    fn from(invalid: InvalidPolicy) -> Self {
        match invalid {
            InvalidPolicy::PilotWithoutCollection { workload } => Self::PilotWithoutCollection { workload },
            InvalidPolicy::AutoEnrollmentWithoutCollection => Self::AutoEnrollmentWithoutCollection,
        }
    }
}

impl CoManagementPolicy {
    /// Everything in the policy that a hierarchy with those sites cannot hold: automatic enrolment, then at most one per
    /// workload, in the order of [`Workload::ALL`]. Empty: it can be adopted, as far as is known.
    ///
    /// Of a workload that breaks several rules the first by the steps of states.md 8 is named: what it asks for ends the others.
    /// Sites of which nobody said the version force nothing.
    #[must_use]
    pub fn violations<'a>(&self, sites: impl IntoIterator<Item = &'a SiteFacts>) -> Vec<PolicyViolation> {
        let resource_access = ResourceAccessSlider::of(sites);
        let enrols_pilot = self.auto_enrollment == Some(AutoEnrollment::Pilot);
        let without_collection = enrols_pilot && self.auto_enrollment_collection.is_none();
        let enrollment = without_collection.then_some(PolicyViolation::AutoEnrollmentWithoutCollection);
        let of = |workload| self.violation_of(workload, &resource_access);
        enrollment.into_iter().chain(Workload::ALL.into_iter().filter_map(of)).collect()
    }

    fn violation_of(
        &self,
        workload: Workload,
        resource_access: &ResourceAccessSlider,
    ) -> Option<PolicyViolation> {
        let found = self.workloads[workload].slider;
        let is_elsewhere = found != SliderPosition::Intune && self.enabled != Some(false);
        let carried =
            workload.included_in().is_some_and(|by| self.workloads[by].slider == SliderPosition::Intune);
        match (workload, resource_access) {
            (Workload::ResourceAccessPolicies, ResourceAccessSlider::FixedAtIntune { version })
                if is_elsewhere =>
            {
                Some(PolicyViolation::ResourceAccessFixed { found, version: version.clone() })
            }
            _ if is_elsewhere && carried => {
                Some(PolicyViolation::LeftBehindDeviceConfiguration { workload, found })
            }
            _ if found == SliderPosition::PilotIntune
                && self.workloads[workload].pilot_collection.is_none() =>
            {
                Some(PolicyViolation::PilotWithoutCollection { workload })
            }
            _ => None,
        }
    }
}
