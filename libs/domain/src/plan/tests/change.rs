use crate::authority::strategies::{collection, setting};
use crate::plan::{PolicyChange, changes};
use crate::policy::{AutoEnrollment, CoManagementPolicy};
use crate::workload::{SliderPosition, Workload};

fn configured() -> CoManagementPolicy {
    let mut policy = CoManagementPolicy { enabled: Some(true), ..CoManagementPolicy::default() };
    policy.auto_enrollment = Some(AutoEnrollment::Pilot);
    policy.auto_enrollment_collection = Some(collection("PS100020"));
    policy.workloads[Workload::ClientApps] = setting(SliderPosition::PilotIntune, Some("PS100042"));
    policy
}

#[test]
fn policy_that_stays_changes_nothing() {
    assert_eq!(changes(Some(&configured()), &configured()), []);
}

#[test]
fn each_position_that_moves_is_one_change() {
    let mut proposed = configured();
    proposed.enabled = Some(false);
    proposed.auto_enrollment = Some(AutoEnrollment::All);
    proposed.auto_enrollment_collection = None;
    proposed.workloads[Workload::ClientApps] = setting(SliderPosition::Intune, Some("PS100042"));
    assert_eq!(
        changes(Some(&configured()), &proposed),
        [
            PolicyChange::Enabled { before: Some(true), after: Some(false) },
            PolicyChange::AutoEnrollment {
                before: Some(AutoEnrollment::Pilot),
                after: Some(AutoEnrollment::All)
            },
            PolicyChange::AutoEnrollmentCollection { before: Some(collection("PS100020")), after: None },
            PolicyChange::Workload {
                workload: Workload::ClientApps,
                before: Some(setting(SliderPosition::PilotIntune, Some("PS100042"))),
                after: setting(SliderPosition::Intune, Some("PS100042")),
            },
        ]
    );
}

#[test]
fn every_position_is_new_where_nobody_said_what_stands() {
    let found = changes(None, &configured());
    let workloads =
        found.iter().filter(|change| matches!(change, PolicyChange::Workload { before: None, .. }));
    assert_eq!(workloads.count(), Workload::ALL.len());
    assert_eq!(found.len(), Workload::ALL.len() + 3);
}
