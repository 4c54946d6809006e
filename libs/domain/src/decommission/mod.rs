//! Leaving co-management, towards Configuration Manager: for a whole hierarchy, one workload, or some devices.
//!
//! [`decommission`] lays down the steps, in order: who does each, what has to hold before it, how it is seen to be done, and what
//! is left behind in the end. [`observe`] says from readings where the whole stands, as often as it is asked: it keeps no memory,
//! so a plan can be followed to its end across restarts, and by readers that know nothing of each other. A [`DeviceCounts`] is a
//! sum over the devices, so a million of them is no more to look at than one.
//!
//! No vendor page describes leaving co-management (leaving.md). Each step has a source for *what* it is; the *order* is ours
//! \[derived\]: what may not be without a manager is prepared first, what would bring devices back in is stopped before they
//! leave, and compliance goes last, because the recommended order begins with it. A step without a source is not in a plan: how
//! the co-management object is taken away, and how a device leaves towards Intune alone, are described nowhere.
//!
//! Invariants, each with a property test: a step is in progress only when every step before it is done and its preconditions and
//! the plan's are met, and what is not known meets none; a plan that is done has no step that is not; the order of counting devices
//! does not matter.
//!
//! Not for: carrying anything out, approvals, and which texts a console or script needs ([`crate::handover`]).

mod counts;
mod left_behind;
mod observe;
mod precondition;
mod step;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use counts::DeviceCounts;
pub use left_behind::LeftBehind;
pub use observe::{Block, DecommissionStanding, DecommissionState, Progress, StepState, observe};
pub use precondition::{Check, Observations, Precondition};
pub use step::{Actor, Step, StepKind};

use crate::id::DeviceId;
use crate::policy::{CoManagementPolicy, ResourceAccessSlider};
use crate::site::SiteFacts;
use crate::workload::{SliderPosition, Workload};

/// What leaves co-management.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything in the hierarchy.
    Hierarchy,
    /// One workload, on every device; the devices stay co-managed.
    Workload(Workload),
    /// These devices, in every workload.
    Devices(BTreeSet<DeviceId>),
}

/// The way out of co-management.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecommissionPlan {
    /// What leaves.
    pub scope: Scope,
    /// What has to hold from the first step to the last.
    pub before: Vec<Precondition>,
    /// The steps, in order; never empty.
    pub steps: Vec<Step>,
    /// What remains when all is done.
    pub left_behind: Vec<LeftBehind>,
}

/// In which sliders go back: the reverse of the recommended order (`workloads.toml recommended_order`), and device configuration
/// before what it carries along \[derived\].
const RETURN_ORDER: [Workload; 7] = [
    Workload::DeviceConfiguration,
    Workload::EndpointProtection,
    Workload::ResourceAccessPolicies,
    Workload::WindowsUpdatePolicies,
    Workload::ClientApps,
    Workload::OfficeClickToRunApps,
    Workload::CompliancePolicies,
];

/// Lays down the way out.
///
/// `configured` is the hierarchy's policy as last read, `sites` are all its sites. Where the policy is not known the plan covers
/// every workload, and waits for the reading.
#[must_use]
pub fn decommission<'a>(
    scope: Scope,
    configured: Option<&CoManagementPolicy>,
    sites: impl IntoIterator<Item = &'a SiteFacts>,
) -> DecommissionPlan {
    let fixed = ResourceAccessSlider::of(sites).is_fixed();
    let movable = |workload: &Workload| !(fixed && *workload == Workload::ResourceAccessPolicies);
    let all = || RETURN_ORDER.into_iter().filter(movable);
    let is_held = |workload: &Workload| configured.is_none_or(|policy| is_moved(policy, *workload));
    let held: Vec<_> = all().filter(is_held).collect();
    let (before, steps) = match &scope {
        Scope::Workload(workload) => of_workload(*workload, is_held(workload)),
        Scope::Hierarchy => of_hierarchy(&all().collect::<Vec<_>>(), &held),
        Scope::Devices(_) => of_devices(&held, configured),
    };
    let left_behind = LeftBehind::of(&scope, fixed);
    DecommissionPlan { scope, before, steps, left_behind }
}

/// The policy gives it to Intune on some device, by its own slider or that of what carries it.
fn is_moved(policy: &CoManagementPolicy, workload: Workload) -> bool {
    let deciding = workload.included_in().into_iter().chain([workload]);
    deciding.map(|w| policy.workloads[w].slider).any(|slider| slider != SliderPosition::ConfigurationManager)
}

/// A device with the override follows no slider, so there must be none.
fn of_workload(workload: Workload, is_held: bool) -> (Vec<Precondition>, Vec<Step>) {
    let mut before = vec![Precondition::PolicyKnown];
    if workload == Workload::ResourceAccessPolicies {
        before.push(Precondition::ResourceAccessMovable);
    }
    if workload.included_in().is_some() {
        before.push(Precondition::CarrierReturned);
    }
    let held = if is_held { &[workload][..] } else { &[] };
    before.extend(before_return(held));
    before.push(Precondition::NoOverride);
    (before, back_by_sliders(&[workload], held, false))
}

/// A device with the override follows no slider, but leaves with the others.
fn of_hierarchy(workloads: &[Workload], held: &[Workload]) -> (Vec<Precondition>, Vec<Step>) {
    let mut before = vec![Precondition::PolicyKnown];
    if workloads.contains(&Workload::ResourceAccessPolicies) {
        before.push(Precondition::ResourceAccessMovable);
    }
    before.extend(before_return(held));
    let back = back_by_sliders(workloads, held, true);
    (before, back.into_iter().chain(out_of_intune()).collect())
}

fn of_devices(
    returning: &[Workload],
    configured: Option<&CoManagementPolicy>,
) -> (Vec<Precondition>, Vec<Step>) {
    let collections = configured.map(counts::deciding_collections).unwrap_or_default();
    let collections = collections.into_iter().cloned().collect();
    let mut before = vec![Precondition::PolicyKnown, Precondition::EnrollmentExcludes];
    before.extend(before_return(returning));
    let leave = Step::new(StepKind::LeaveCollections { collections });
    (before, [leave].into_iter().chain(out_of_intune()).collect())
}

/// What has to hold before these workloads go back.
fn before_return(workloads: &[Workload]) -> Vec<Precondition> {
    let any = |of: &[Workload]| of.iter().any(|workload| workloads.contains(workload));
    let mut before = Vec::new();
    if !workloads.is_empty() {
        before.push(Precondition::SitePoliciesDeployed { workloads: workloads.to_vec() });
    }
    if any(&[Workload::CompliancePolicies]) {
        before.push(Precondition::AccessDoesNotAskIntune);
    }
    let autopatch =
        [Workload::WindowsUpdatePolicies, Workload::DeviceConfiguration, Workload::OfficeClickToRunApps];
    if any(&autopatch) {
        before.push(Precondition::AutopatchLetGo);
    }
    before
}

/// The policy is adopted, then carried into the console, then taken by the devices. `held` are the workloads that Intune has.
fn back_by_sliders(workloads: &[Workload], held: &[Workload], stops_enrollment: bool) -> Vec<Step> {
    let named = workloads.to_vec();
    let adopt = StepKind::AdoptPolicy { workloads: named.clone(), stops_enrollment };
    let updates = held.contains(&Workload::WindowsUpdatePolicies).then_some(StepKind::TurnSoftwareUpdatesOn);
    let enrollment = stops_enrollment.then_some(StepKind::StopAutoEnrollment);
    let sliders = workloads.iter().map(|workload| StepKind::ReturnSlider { workload: *workload });
    let kinds = [adopt].into_iter().chain(updates).chain(enrollment).chain(sliders);
    kinds.chain([StepKind::DevicesReturn { workloads: named }]).map(Step::new).collect()
}

/// Devices leave Intune, and both managers are seen to agree on it.
fn out_of_intune() -> [Step; 3] {
    let retire = Step { before: vec![Precondition::KeysSaved], ..Step::new(StepKind::Retire) };
    [retire, Step::new(StepKind::DevicesLeave), Step::new(StepKind::ConfirmOut)]
}
