//! The first policy of a hierarchy, which a script can create where every slider is fully on or off
//! (handover.md 2).

use super::Task;
use crate::policy::AutoEnrollment;
use crate::workload::{SliderPosition, Workload};

/// The site version from which the cmdlet knows all seven workloads (handover.md 2.1).
const ALL_FLAGS_SINCE: u32 = 1902;

/// How the hierarchy comes by its first policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Creation {
    /// A policy is there, or none is wanted.
    NotNeeded,
    /// A script creates it and deploys it to All Systems; it stops where a policy of that name exists. Pure
    /// ASCII, with `-WhatIf`.
    Script {
        /// The script.
        text: String,
    },
    /// The cmdlet cannot express the policy: the console creates it.
    ConsoleOnly {
        /// Everything that stands in the way; at least one.
        obstacles: Vec<CreationObstacle>,
    },
}

/// What the cmdlet that creates a policy cannot express.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreationObstacle {
    /// Automatic enrolment has to be said.
    #[error("expected automatic enrolment to be none or all, found that nobody said")]
    AutoEnrollmentNotSaid,
    /// The cmdlet knows on and off only.
    #[error(
        "expected automatic enrolment to be none or all, found pilot: the cmdlet has no collection for it"
    )]
    AutoEnrollmentPilot,
    /// The cmdlet knows on and off only.
    #[error(
        "{workload}: expected configuration_manager or intune, found pilot_intune: the cmdlet has no \
     third value"
    )]
    Pilot {
        /// The workload.
        workload: Workload,
    },
    /// What the cmdlet does with a combination that breaks the bundle is not documented.
    #[error(
        "{workload}: expected intune, as device_configuration carries it; found configuration_manager, \
     which is not documented"
    )]
    BundleBroken {
        /// The workload that device configuration carries.
        workload: Workload,
    },
    /// The cmdlet lacks flags there.
    #[error("expected site version 1902 or later, found {found}")]
    SiteTooOld {
        /// The version as given.
        found: String,
    },
}

/// How the first policy is created, if one may be needed.
pub(super) fn creation(task: Task<'_>) -> Creation {
    if task.set_up() == Some(true) || task.turns_off() {
        return Creation::NotNeeded;
    }
    let obstacles = obstacles(task);
    match task.desired.auto_enrollment {
        Some(mode) if obstacles.is_empty() => Creation::Script { text: script(task, mode) },
        _ => Creation::ConsoleOnly { obstacles },
    }
}

fn obstacles(task: Task<'_>) -> Vec<CreationObstacle> {
    let enrollment = match task.desired.auto_enrollment {
        None => Some(CreationObstacle::AutoEnrollmentNotSaid),
        Some(AutoEnrollment::Pilot) => Some(CreationObstacle::AutoEnrollmentPilot),
        Some(AutoEnrollment::None | AutoEnrollment::All) => None,
    };
    let version = task.site.and_then(|site| site.version.as_deref());
    let too_old = version
        .filter(|found| crate::configmgr::era(found).is_some_and(|era| era < ALL_FLAGS_SINCE))
        .map(|found| CreationObstacle::SiteTooOld { found: found.to_owned() });
    let workloads = Workload::ALL.into_iter().filter_map(|workload| workload_obstacle(task, workload));
    too_old.into_iter().chain(enrollment).chain(workloads).collect()
}

fn workload_obstacle(task: Task<'_>, workload: Workload) -> Option<CreationObstacle> {
    let slider = |workload| slider(task, workload);
    let carried = workload.included_in().is_some_and(|carrier| slider(carrier) == SliderPosition::Intune);
    match slider(workload) {
        SliderPosition::PilotIntune => Some(CreationObstacle::Pilot { workload }),
        SliderPosition::ConfigurationManager if carried => Some(CreationObstacle::BundleBroken { workload }),
        SliderPosition::ConfigurationManager | SliderPosition::Intune => None,
    }
}

/// The desired position; where the slider of resource access is gone, what it is fixed at \[derived\].
fn slider(task: Task<'_>, workload: Workload) -> SliderPosition {
    let fixed = workload == Workload::ResourceAccessPolicies && task.resource_access_fixed() == Some(true);
    if fixed { SliderPosition::Intune } else { task.desired.workloads[workload].slider }
}

/// The cmdlet's parameter for a workload (handover.md 2.1).
const fn flag(workload: Workload) -> &'static str {
    match workload {
        Workload::CompliancePolicies => "CAWorkloadEnabled",
        Workload::WindowsUpdatePolicies => "WufbWorkloadEnabled",
        Workload::ResourceAccessPolicies => "RAWorkloadEnabled",
        Workload::EndpointProtection => "EPWorkloadEnabled",
        Workload::DeviceConfiguration => "DCWorkloadEnabled",
        Workload::OfficeClickToRunApps => "O365WorkloadEnabled",
        Workload::ClientApps => "ClientAppsWorkloadEnabled",
    }
}

const HEAD: &str = "\
# Creates the first co-management policy of a hierarchy and deploys it to All Systems.
# Run it from the site drive of the ConfigurationManager module. -WhatIf shows what it would do.
# Only for a hierarchy without such a policy: a policy that exists is changed in the console.
[CmdletBinding(SupportsShouldProcess)]
param()

$ErrorActionPreference = 'Stop'
if (Get-CMConfigurationPolicy -Name 'CoMgmtSettingsProd' -Fast) {
    throw 'expected no policy named CoMgmtSettingsProd, found one; nothing was changed'
}

# All seven flags: what one that is left out becomes is not documented.
$policy = @{
    CoManagementPolicyName = 'CoMgmtSettingsProd'
";

const TAIL: &str = "\
}
New-CMCoManagementPolicy @policy -WhatIf:$WhatIfPreference
if ($PSCmdlet.ShouldProcess('All Systems', 'Deploy CoMgmtSettingsProd')) {
    New-CMConfigurationPolicyDeployment -CoManagementPolicyName 'CoMgmtSettingsProd' `
        -CollectionName 'All Systems' -DisableWildcardHandling
}
";

/// The script (handover.md 2.1 and 2.2). The deployment is asked for apart, because under `-WhatIf` there is
/// no policy to deploy. It contains no text that anybody typed in.
fn script(task: Task<'_>, mode: AutoEnrollment) -> String {
    let mut script = HEAD.to_owned();
    script += &entry("AutoEnroll", mode == AutoEnrollment::All);
    for workload in Workload::ALL {
        script += &entry(flag(workload), slider(task, workload) == SliderPosition::Intune);
    }
    script + TAIL
}

fn entry(name: &str, on: bool) -> String {
    format!("    {name} = ${on}\n")
}
