//! Which positions of a policy move.

use crate::id::CollectionId;
use crate::policy::{AutoEnrollment, CoManagementPolicy, WorkloadSetting};
use crate::workload::Workload;

/// One position of the co-management object, before and after. What is not said is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyChange {
    /// Co-management is set up, or no more.
    Enabled {
        /// Before.
        before: Option<bool>,
        /// After.
        after: Option<bool>,
    },
    /// Automatic enrolment.
    AutoEnrollment {
        /// Before.
        before: Option<AutoEnrollment>,
        /// After.
        after: Option<AutoEnrollment>,
    },
    /// The Intune Auto Enrollment collection.
    AutoEnrollmentCollection {
        /// Before.
        before: Option<CollectionId>,
        /// After.
        after: Option<CollectionId>,
    },
    /// A workload's slider, its pilot collection, or both.
    Workload {
        /// The workload.
        workload: Workload,
        /// Before; `None`: nobody said what the policy is.
        before: Option<WorkloadSetting>,
        /// After.
        after: WorkloadSetting,
    },
}

/// What `proposed` changes of `base`, in the order of the console's pages. `base` unknown: every position is one.
#[must_use]
pub fn changes(base: Option<&CoManagementPolicy>, proposed: &CoManagementPolicy) -> Vec<PolicyChange> {
    let mut found = Vec::new();
    let enabled = base.and_then(|base| base.enabled);
    if base.is_none() || enabled != proposed.enabled {
        found.push(PolicyChange::Enabled { before: enabled, after: proposed.enabled });
    }
    let enrollment = base.and_then(|base| base.auto_enrollment);
    if base.is_none() || enrollment != proposed.auto_enrollment {
        found.push(PolicyChange::AutoEnrollment { before: enrollment, after: proposed.auto_enrollment });
    }
    let collection = base.and_then(|base| base.auto_enrollment_collection.as_ref());
    if collection != proposed.auto_enrollment_collection.as_ref() {
        found.push(PolicyChange::AutoEnrollmentCollection {
            before: collection.cloned(),
            after: proposed.auto_enrollment_collection.clone(),
        });
    }
    let moved = proposed.workloads.iter().filter_map(|(workload, after)| {
        let before = base.map(|base| &base.workloads[workload]);
        (before != Some(after)).then(|| PolicyChange::Workload {
            workload,
            before: before.cloned(),
            after: after.clone(),
        })
    });
    found.extend(moved);
    found
}
