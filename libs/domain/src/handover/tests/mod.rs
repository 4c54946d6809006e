//! Expected values are written from the fact pack's handover.md.

mod membership;
mod policy;
mod properties;
mod texts;

use super::*;
use crate::id::{CollectionId, SiteCode};
use crate::policy::{AutoEnrollment, WorkloadSetting};
use crate::workload::{SliderPosition, Workload};

fn collection(id: &str) -> CollectionId {
    CollectionId::parse(id).unwrap()
}

fn site(version: Option<&str>) -> SiteFacts {
    SiteFacts { version: version.map(str::to_owned), ..SiteFacts::unknown(SiteCode::parse("PS1").unwrap()) }
}

fn member(resource_id: u32, name: &str) -> Member {
    Member { resource_id, name: name.to_owned() }
}

fn change(id: &str, add: Vec<Member>, remove: Vec<Member>) -> MembershipChange {
    MembershipChange { collection: collection(id), collection_name: "Pilot".to_owned(), add, remove }
}

/// A policy that is set up, enrols nobody and moves nothing.
fn policy() -> CoManagementPolicy {
    CoManagementPolicy {
        enabled: Some(true),
        auto_enrollment: Some(AutoEnrollment::None),
        ..CoManagementPolicy::default()
    }
}

fn with(mut policy: CoManagementPolicy, workload: Workload, setting: WorkloadSetting) -> CoManagementPolicy {
    policy.workloads[workload] = setting;
    policy
}

fn at(slider: SliderPosition, pilot: Option<&str>) -> WorkloadSetting {
    WorkloadSetting { slider, pilot_collection: pilot.map(collection) }
}

/// On a site of version 2509.
fn current(
    configured: Option<&CoManagementPolicy>,
    desired: &CoManagementPolicy,
    changes: &[MembershipChange],
) -> Handover {
    handover(configured, desired, changes, Some(&site(Some("2509")))).unwrap()
}

fn warning_ids(handover: &Handover) -> Vec<&'static str> {
    handover.warnings.iter().map(Warning::id).collect()
}

fn check_ids(handover: &Handover) -> Vec<&'static str> {
    handover.checks.iter().map(|check| check.id).collect()
}

/// The one work of a change on a site of that version.
fn work_on(version: Option<&str>, change: MembershipChange) -> MembershipWork {
    let done = handover(Some(&policy()), &policy(), &[change], Some(&site(version))).unwrap();
    done.memberships.into_iter().next().unwrap()
}
