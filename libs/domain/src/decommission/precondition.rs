//! What has to hold before a step, and whether it does.

use super::DeviceCounts;
use crate::citation::Citation;
use crate::plan::PlanFacts;
use crate::policy::{AutoEnrollment, CoManagementPolicy, ResourceAccessSlider};
use crate::site::SiteFacts;
use crate::workload::{SliderPosition, Workload};

/// All readings that a plan is judged by. What nobody said meets nothing.
#[derive(Debug, Clone, Copy)]
pub struct Observations<'a> {
    /// The policy adopted in Tandem; `None`: none is.
    pub desired: Option<&'a CoManagementPolicy>,
    /// The hierarchy's policy as last read; `None`: nobody said.
    pub configured: Option<&'a CoManagementPolicy>,
    /// All sites of the hierarchy.
    pub sites: &'a [SiteFacts],
    /// The devices; `None`: nobody counted them.
    pub devices: Option<&'a DeviceCounts>,
    /// What the operator said of the tenant.
    pub tenant: &'a PlanFacts,
    /// The operator says that recovery keys and credentials of local administrators are saved. `None`: nobody said.
    pub keys_saved: Option<bool>,
}

/// Something that has to hold before a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// It is known where the sliders stand.
    PolicyKnown,
    /// The slider of resource access can be moved.
    ResourceAccessMovable,
    /// Device configuration, which carries the workload along, is back.
    CarrierReturned,
    /// Configuration Manager has its policies for these workloads deployed \[derived\].
    SitePoliciesDeployed {
        /// The workloads that go back.
        workloads: Vec<Workload>,
    },
    /// Conditional Access does not ask for Intune's word on compliance.
    AccessDoesNotAskIntune,
    /// Windows Autopatch does not have the devices.
    AutopatchLetGo,
    /// No Autopilot settings policy overrides the sliders.
    NoOverride,
    /// A device can be taken out of automatic enrolment by itself.
    EnrollmentExcludes,
    /// Recovery keys and local credentials of Entra joined devices are saved.
    KeysSaved,
}

/// Whether a precondition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// It does.
    Met,
    /// It does not.
    NotMet {
        /// What has to hold.
        expected: &'static str,
        /// What was found instead.
        found: String,
    },
    /// Nobody said. Never to be read as met.
    Unknown {
        /// What would have to be known.
        missing: &'static str,
    },
}

impl Check {
    /// An answer that has to be `met`.
    fn said(answer: Option<bool>, met: bool, expected: &'static str, found: &str, on: &'static str) -> Self {
        match answer {
            Some(answer) if answer == met => Self::Met,
            Some(_) => Self::NotMet { expected, found: found.to_owned() },
            None => Self::Unknown { missing: on },
        }
    }
}

impl Precondition {
    /// Its stable name.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::PolicyKnown => "policy_known",
            Self::ResourceAccessMovable => "resource_access_movable",
            Self::CarrierReturned => "carrier_returned",
            Self::SitePoliciesDeployed { .. } => "site_policies_deployed",
            Self::AccessDoesNotAskIntune => "access_does_not_ask_intune",
            Self::AutopatchLetGo => "autopatch_let_go",
            Self::NoOverride => "no_override",
            Self::EnrollmentExcludes => "enrollment_excludes",
            Self::KeysSaved => "keys_saved",
        }
    }

    /// Where the fact pack has it.
    #[must_use]
    pub const fn source(&self) -> Citation {
        let (file, section) = match self {
            Self::PolicyKnown => ("handover.md", "6"),
            Self::ResourceAccessMovable => ("workloads.toml", "resource_access_policies.on_switch_back"),
            Self::CarrierReturned => ("workloads.toml", "device_configuration.on_switch_to_intune"),
            Self::SitePoliciesDeployed { .. } => ("workloads.toml", "switching.before_switch"),
            Self::AccessDoesNotAskIntune => {
                ("workloads.toml", "conditional_access_needs_compliance.requires_intune")
            }
            Self::AutopatchLetGo => ("workloads.toml", "autopatch_needs_three.requires_intune"),
            Self::NoOverride => ("states.md", "8"),
            Self::EnrollmentExcludes | Self::KeysSaved => ("leaving.md", "2"),
        };
        Citation::new(file, section)
    }

    /// Whether it holds by those readings.
    #[must_use]
    pub fn check(&self, seen: &Observations<'_>) -> Check {
        let tenant = seen.tenant;
        match self {
            Self::PolicyKnown => match seen.configured.and_then(|policy| policy.enabled) {
                Some(_) => Check::Met,
                None => Check::Unknown { missing: "the hierarchy's policy" },
            },
            Self::ResourceAccessMovable => match ResourceAccessSlider::of(seen.sites) {
                ResourceAccessSlider::Movable => Check::Met,
                ResourceAccessSlider::FixedAtIntune { version } => Check::NotMet {
                    expected: "sites older than 2403, where the slider is not fixed at intune",
                    found: version,
                },
                ResourceAccessSlider::Unknown => {
                    Check::Unknown { missing: "the versions of the hierarchy's sites" }
                }
            },
            Self::CarrierReturned => carrier_returned(seen.configured),
            Self::SitePoliciesDeployed { workloads } => site_policies(workloads, tenant),
            Self::AccessDoesNotAskIntune => Check::said(
                tenant.conditional_access,
                false,
                "Conditional Access without Intune's word on compliance",
                "Conditional Access asks for it",
                "whether Conditional Access asks for compliance",
            ),
            Self::AutopatchLetGo => Check::said(
                tenant.autopatch,
                false,
                "devices outside Windows Autopatch",
                "Windows Autopatch has them",
                "whether Windows Autopatch has these devices",
            ),
            Self::NoOverride => no_override(seen),
            Self::EnrollmentExcludes => enrollment_excludes(seen.configured),
            Self::KeysSaved => keys_saved(seen),
        }
    }
}

fn carrier_returned(configured: Option<&CoManagementPolicy>) -> Check {
    match configured.map(|policy| policy.workloads[Workload::DeviceConfiguration].slider) {
        Some(SliderPosition::ConfigurationManager) => Check::Met,
        Some(elsewhere) => Check::NotMet {
            expected: "device_configuration at configuration_manager, as it carries this workload along",
            found: elsewhere.id().to_owned(),
        },
        None => Check::Unknown { missing: "the hierarchy's policy" },
    }
}

fn site_policies(workloads: &[Workload], tenant: &PlanFacts) -> Check {
    let deployed = |workload: &Workload| tenant.deployed_at_configuration_manager[*workload];
    let lacking: Vec<_> = workloads.iter().filter(|w| deployed(w) == Some(false)).map(|w| w.id()).collect();
    if !lacking.is_empty() {
        let expected = "policies of Configuration Manager deployed for every workload that goes back";
        return Check::NotMet { expected, found: format!("none for {}", lacking.join(", ")) };
    }
    match workloads.iter().all(|workload| deployed(workload).is_some()) {
        true => Check::Met,
        false => Check::Unknown { missing: "whether the policies of Configuration Manager are deployed" },
    }
}

/// The operator's word that no settings policy has the override answers for devices that nobody asked.
fn no_override(seen: &Observations<'_>) -> Check {
    let overridden = seen.devices.map_or(0, |devices| devices.overridden);
    let found = match seen.tenant.autopilot_override {
        _ if overridden > 0 => format!("{overridden} devices with it"),
        Some(true) => "a settings policy with it".to_owned(),
        Some(false) => return Check::Met,
        None if seen.devices.is_some_and(|devices| devices.override_unknown == 0) => return Check::Met,
        None => return Check::Unknown { missing: "whether a settings policy of Autopilot has the override" },
    };
    Check::NotMet { expected: "no override, which holds devices at Intune whatever the sliders say", found }
}

fn enrollment_excludes(configured: Option<&CoManagementPolicy>) -> Check {
    match configured.and_then(|policy| policy.auto_enrollment) {
        Some(AutoEnrollment::None | AutoEnrollment::Pilot) => Check::Met,
        Some(AutoEnrollment::All) => Check::NotMet {
            expected: "automatic enrolment at none or pilot: at all, a device that left is enrolled again",
            found: AutoEnrollment::All.id().to_owned(),
        },
        None => Check::Unknown { missing: "the mode of automatic enrolment" },
    }
}

fn keys_saved(seen: &Observations<'_>) -> Check {
    if seen.devices.is_some_and(|devices| devices.entra_joined == 0 && devices.join_unknown == 0) {
        return Check::Met;
    }
    Check::said(
        seen.keys_saved,
        true,
        "recovery keys and credentials of local administrators saved for Entra joined devices",
        "they are not saved",
        "whether recovery keys and credentials of local administrators are saved",
    )
}
