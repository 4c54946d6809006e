//! Findings beside the rules: what was seen on a device that no prerequisite asks for and somebody should look at.
//!
//! Each says what was seen, by which section of which record, and what to do. Words of states: the fact pack's
//! graph_managed_device.md 4 and states.md 10; what to do is \[derived\] where the fact pack has no remedy.
//!
//! Not for: keys that two records claim, which only the inventory knows.

use std::collections::BTreeMap;

use crate::facts::{DeviceFacts, Fact, JoinType, SectionStamp, copied, value};
use crate::section::{SectionKind, Source};
use crate::state::{enrollment_conflict, is_leaving};
use crate::tenant::TenantFacts;

/// What kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConcernKind {
    /// Only an account was added: not enough for co-management.
    RegisteredOnly,
    /// Two devices claim one key in Intune's registration.
    RegistrationKeyConflict,
    /// Somebody has to approve the registration.
    RegistrationApprovalPending,
    /// A retire, wipe or delete is under way.
    Leaving,
    /// Other hierarchies keep a record of the device too.
    SeveralHierarchies,
    /// One source keeps several records of the device.
    Twins,
    /// Site and cloud contradict each other about enrolment.
    EnrollmentConflict,
    /// A policy on the device blocks MDM.
    MdmBlocked,
}

impl ConcernKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::RegisteredOnly,
        Self::RegistrationKeyConflict,
        Self::RegistrationApprovalPending,
        Self::Leaving,
        Self::SeveralHierarchies,
        Self::Twins,
        Self::EnrollmentConflict,
        Self::MdmBlocked,
    ];

    /// Position in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The word that outputs use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::RegisteredOnly => "registered_only",
            Self::RegistrationKeyConflict => "registration_key_conflict",
            Self::RegistrationApprovalPending => "registration_approval_pending",
            Self::Leaving => "leaving",
            Self::SeveralHierarchies => "several_hierarchies",
            Self::Twins => "twins",
            Self::EnrollmentConflict => "enrollment_conflict",
            Self::MdmBlocked => "mdm_blocked",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::RegisteredOnly => "remove the workplace registration and join the device to Entra ID",
            Self::RegistrationKeyConflict => {
                "delete the record in Intune and in Entra ID that is not this device's, then enrol it again"
            }
            Self::RegistrationApprovalPending => "approve the registration in Intune, or delete it",
            Self::Leaving => "wait for it; move no workload of this device meanwhile",
            Self::SeveralHierarchies => {
                "decide which hierarchy manages the device and delete its records in the others"
            }
            Self::Twins => "delete the older records at the source",
            Self::EnrollmentConflict => {
                "wait for the site's next inventory and the next check-in with Intune; if they still differ, sync the device"
            }
            Self::MdmBlocked => {
                "remove the group policy or managed-externally flag; enrolment fails with 0x80180026"
            }
        }
    }
}

/// A finding beside the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concern {
    /// What kind.
    pub kind: ConcernKind,
    /// What was seen.
    pub seen: String,
    /// Where: indices into [`DeviceFacts::sections`]; empty where no section alone says it.
    pub sections: Vec<u8>,
}

/// Every finding beside the rules, in the order of [`ConcernKind::ALL`].
#[must_use]
pub fn concerns(facts: &DeviceFacts, tenant: &TenantFacts) -> Vec<Concern> {
    let mut found = Vec::new();
    let mut add = |kind, seen: String, sections: Vec<u8>| found.push(Concern { kind, seen, sections });

    if copied(&facts.join_type) == Some(JoinType::EntraRegistered) {
        add(
            ConcernKind::RegisteredOnly,
            "join type azureADRegistered".to_owned(),
            where_said(&facts.join_type),
        );
    }
    let registration = value(&facts.registration_state).map(String::as_str);
    let registered = match registration {
        Some("keyConflict") => Some(ConcernKind::RegistrationKeyConflict),
        Some("approvalPending") => Some(ConcernKind::RegistrationApprovalPending),
        _ => None,
    };
    if let (Some(kind), Some(state)) = (registered, registration) {
        add(kind, format!("registration state {state}"), where_said(&facts.registration_state));
    }
    if is_leaving(facts) {
        let state = value(&facts.intune_management_state).map_or("", String::as_str);
        add(
            ConcernKind::Leaving,
            format!("management state {state}"),
            where_said(&facts.intune_management_state),
        );
    }
    if !facts.other_hierarchies.is_empty() {
        let managing = facts.hierarchy.as_ref().map_or("–", |hierarchy| hierarchy.as_str());
        let others: Vec<&str> = facts.other_hierarchies.iter().map(|hierarchy| hierarchy.as_str()).collect();
        add(
            ConcernKind::SeveralHierarchies,
            format!("managed by {managing}, also known to {}", others.join(", ")),
            Vec::new(),
        );
    }
    for (seen, sections) in twins(&facts.sections) {
        add(ConcernKind::Twins, seen, sections);
    }
    if let Some(conflict) = enrollment_conflict(facts, tenant) {
        let word = |enrolled: bool| if enrolled { "enrolled" } else { "not enrolled" };
        add(
            ConcernKind::EnrollmentConflict,
            format!("the site says {}, Intune {}", word(conflict.site.value), word(conflict.cloud.value)),
            vec![conflict.site.section, conflict.cloud.section],
        );
    }
    if copied(&facts.mdm_blocked_by_policy) == Some(true) {
        add(
            ConcernKind::MdmBlocked,
            "MDM blocked by group policy or managed-externally flag".to_owned(),
            where_said(&facts.mdm_blocked_by_policy),
        );
    }
    found
}

fn where_said<T>(fact: &Option<Fact<T>>) -> Vec<u8> {
    fact.iter().map(|fact| fact.section).collect()
}

/// Sources that keep several records of one class, with what each record's key is and when it was read.
fn twins(sections: &[SectionStamp]) -> Vec<(String, Vec<u8>)> {
    let mut records: BTreeMap<(&Source, SectionKind), Vec<(u8, &SectionStamp)>> = BTreeMap::new();
    for (index, stamp) in (0..=u8::MAX).zip(sections) {
        records.entry((&stamp.source, stamp.kind)).or_default().push((index, stamp));
    }
    let several = records.into_iter().filter(|(_, of)| of.iter().any(|(_, stamp)| stamp.key != of[0].1.key));
    several
        .map(|((source, kind), of)| {
            let told: Vec<String> =
                of.iter().map(|(_, stamp)| format!("{} of {}", stamp.key, stamp.observed_at)).collect();
            let seen = format!("{source} keeps {} records in {}: {}", of.len(), kind.id(), told.join(", "));
            (seen, of.into_iter().map(|(index, _)| index).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests;
