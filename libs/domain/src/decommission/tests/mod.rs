//! Expected values are written from leaving.md, handover.md and workloads.toml.

mod counts;
mod follow;
mod plans;
mod properties;

use super::*;
use crate::authority::strategies::{collection, setting};
use crate::id::SiteCode;
use crate::plan::PlanFacts;
use crate::policy::AutoEnrollment;
use crate::workload::PerWorkload;

use SliderPosition::{ConfigurationManager, Intune, PilotIntune};
use Workload::*;

fn site(version: Option<&str>) -> SiteFacts {
    SiteFacts { version: version.map(str::to_owned), ..SiteFacts::unknown(SiteCode::parse("PS1").unwrap()) }
}

/// A policy that enrols that way; sliders of some workloads, the others stand at Configuration Manager.
fn policy(mode: AutoEnrollment, settings: &[(Workload, SliderPosition, Option<&str>)]) -> CoManagementPolicy {
    let mut policy = CoManagementPolicy {
        enabled: Some(true),
        auto_enrollment: Some(mode),
        auto_enrollment_collection: Some(collection("PS100040")),
        ..CoManagementPolicy::default()
    };
    for (workload, slider, pilot) in settings {
        policy.workloads[*workload] = setting(*slider, *pilot);
    }
    policy
}

/// Everything that an operator can say, said as it has to be.
fn prepared() -> PlanFacts {
    PlanFacts {
        deployed_at_configuration_manager: PerWorkload::from_fn(|_| Some(true)),
        conditional_access: Some(false),
        autopatch: Some(false),
        autopilot_override: Some(false),
        ..PlanFacts::default()
    }
}

fn named(devices: &[&str]) -> Scope {
    Scope::Devices(devices.iter().map(|id| DeviceId::parse(id).unwrap()).collect())
}
