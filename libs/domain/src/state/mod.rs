//! What a device is, in co-management's own words: its state, its eligibility and its dashboard categories.
//!
//! Everything here reads merged facts only; where a source says nothing, a term of a rule counts as not met \[derived\], and
//! whatever depends on the client being there is `unknown` while nobody says whether it is. The query rule does not.
//!
//! Source: the fact pack's states.md 2 to 5 and 10, and `services/tandem/docs/assessment.md` for the words of the answers.

mod categories;
mod eligibility;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::facts::{DeviceFacts, EnrollmentConflict, JoinType, MdmProvider, copied, value};
use crate::tenant::TenantFacts;

pub use categories::{Categories, EnrollmentCategory, FunnelStage, categories};
pub use eligibility::{Eligibility, EligibilityReport, eligibility, eligibility_of, is_unverified};

/// Which MDM the device is enrolled with; `None` when the facts do not say.
///
/// The site's `Authority` text decides where the tenant says what it means. Then a record at Intune, which is Intune by
/// construction. A device that is known not to be enrolled has no MDM, unless its text names an authority that the tenant does
/// not list: what that is nobody said, and "no MDM" would be a guess.
#[must_use]
pub fn mdm_provider(facts: &DeviceFacts, tenant: &TenantFacts) -> Option<MdmProvider> {
    let mapped = value(&facts.authority_text).and_then(|text| tenant.authority_texts.get(text).copied());
    if mapped.is_some() {
        return mapped;
    }
    if copied(&facts.intune_mdm_record) == Some(true) {
        return Some(MdmProvider::Intune);
    }
    let unlisted = facts.authority_text.is_some();
    (!unlisted && copied(&facts.mdm_enrolled) == Some(false)).then_some(MdmProvider::None)
}

/// The client is there and the MDM is not Intune: seven areas of the client are off, and nothing is balanced (states.md 7).
///
/// A personally owned device is in coexistence all the same, although that is not supported \[derived\].
#[must_use]
pub fn in_coexistence(facts: &DeviceFacts, tenant: &TenantFacts) -> bool {
    has_client(facts) && mdm_provider(facts, tenant) == Some(MdmProvider::ThirdParty)
}

/// Site and cloud contradict each other about whether the device is enrolled (states.md 2).
///
/// Graph speaks of Intune alone (states.md 1): that a device of another MDM is not enrolled there contradicts nobody \[derived\].
#[must_use]
pub fn enrollment_conflict<'a>(
    facts: &'a DeviceFacts,
    tenant: &TenantFacts,
) -> Option<&'a EnrollmentConflict> {
    let conflict = facts.enrollment_conflict.as_ref();
    conflict.filter(|_| mdm_provider(facts, tenant) != Some(MdmProvider::ThirdParty))
}

/// The three answers to "is it co-managed?", which differ (dispute in states.md 2). None of them asks about coexistence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoManaged {
    /// Enrolled, policy present and provisioned: the stricter vendor rule, used for counting.
    pub query: bool,
    /// Enrolled and policy present: the vendor's prose.
    pub prose: bool,
    /// Graph's management agent names both \[derived\].
    pub cloud: bool,
}

/// Judges the three rules; an unknown term counts as not met \[derived\].
#[must_use]
pub fn co_managed(facts: &DeviceFacts) -> CoManaged {
    let prose = facts.enrolled() && copied(&facts.policy_present) == Some(true);
    CoManaged {
        query: prose && copied(&facts.mdm_provisioned) == Some(true),
        prose,
        cloud: copied(&facts.cloud_co_managed) == Some(true),
    }
}

/// Co-managed as it is counted: the query rule, and not in coexistence (states.md 7: such a device is never co-managed), nor
/// possibly in it: enrolled with a third party, and nobody says whether the client is there.
#[must_use]
pub fn is_co_managed(facts: &DeviceFacts, tenant: &TenantFacts) -> bool {
    let without_client = copied(&facts.client_installed) == Some(false);
    co_managed(facts).query
        && (without_client || mdm_provider(facts, tenant) != Some(MdmProvider::ThirdParty))
}

/// The device is on its way out: Intune has queued or issued a retire, wipe or delete.
///
/// Of `managementState` (states.md 10) the failed and the cancelled ones do not count: such a device stays \[derived\].
#[must_use]
pub fn is_leaving(facts: &DeviceFacts) -> bool {
    let state = value(&facts.intune_management_state).map(String::as_str);
    matches!(state, Some("retirePending" | "retireIssued" | "wipePending" | "wipeIssued" | "deletePending"))
}

/// Where a device stands in its life cycle (states.md 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManagementState {
    /// Neither client nor enrolment.
    Unmanaged,
    /// No source says whether the client is installed, and the device is not co-managed by the query rule.
    Unknown,
    /// The client, and nothing of Entra ID.
    ClientOnly,
    /// The client on a joined or hybrid joined device.
    JoinedClient,
    /// Enrolment is scheduled.
    Scheduled,
    /// An enrolment attempt was made.
    Enrolling,
    /// Enrolment waits for somebody to sign in.
    PendingSignIn,
    /// Enrolment failed.
    Failed,
    /// Enrolled, no client.
    MdmOnly,
    /// Client and enrolment, but no co-management policy on the client.
    MdmPlusClient,
    /// Client, enrolment and policy, but MDM is not provisioned: the gap between the two vendor rules.
    EnrolledNotProvisioned,
    /// Co-managed by the query rule.
    CoManaged,
    /// The client beside a third-party MDM.
    Coexistence,
}

impl ManagementState {
    /// All of them, in the order of the assessment's words.
    pub const ALL: [Self; 13] = [
        Self::Unmanaged,
        Self::Unknown,
        Self::ClientOnly,
        Self::JoinedClient,
        Self::Scheduled,
        Self::Enrolling,
        Self::PendingSignIn,
        Self::Failed,
        Self::MdmOnly,
        Self::MdmPlusClient,
        Self::EnrolledNotProvisioned,
        Self::CoManaged,
        Self::Coexistence,
    ];

    /// The word that outputs use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Unmanaged => "unmanaged",
            Self::Unknown => "unknown",
            Self::ClientOnly => "client_only",
            Self::JoinedClient => "joined_client",
            Self::Scheduled => "scheduled",
            Self::Enrolling => "enrolling",
            Self::PendingSignIn => "pending_sign_in",
            Self::Failed => "failed",
            Self::MdmOnly => "mdm_only",
            Self::MdmPlusClient => "mdm_plus_client",
            Self::EnrolledNotProvisioned => "enrolled_not_provisioned",
            Self::CoManaged => "co_managed",
            Self::Coexistence => "coexistence",
        }
    }
}

/// The device's state: the first that holds, in the order that the assessment's document prints.
#[must_use]
pub fn management_state(facts: &DeviceFacts, tenant: &TenantFacts) -> ManagementState {
    if in_coexistence(facts, tenant) {
        return ManagementState::Coexistence;
    }
    if is_co_managed(facts, tenant) {
        // The vendor's query rule does not ask for the client.
        return ManagementState::CoManaged;
    }
    let Some(client) = copied(&facts.client_installed) else {
        return ManagementState::Unknown;
    };
    let co_managed = co_managed(facts);
    match (client, facts.enrolled()) {
        (true, true) if co_managed.prose => ManagementState::EnrolledNotProvisioned,
        (true, true) => ManagementState::MdmPlusClient,
        (false, true) => ManagementState::MdmOnly,
        (_, false) => state_of_unenrolled(facts, client),
    }
}

/// How far a device that is not enrolled has come.
fn state_of_unenrolled(facts: &DeviceFacts, client: bool) -> ManagementState {
    if copied(&facts.pending_logon) == Some(true) {
        ManagementState::PendingSignIn
    } else if copied(&facts.enrollment_failed) == Some(true) {
        ManagementState::Failed
    } else if attempt_made(facts) {
        ManagementState::Enrolling
    } else if copied(&facts.enrollment_scheduled) == Some(true) {
        ManagementState::Scheduled
    } else if client && is_joined(facts) {
        ManagementState::JoinedClient
    } else if client {
        ManagementState::ClientOnly
    } else {
        ManagementState::Unmanaged
    }
}

/// The client is known to be installed.
fn has_client(facts: &DeviceFacts) -> bool {
    copied(&facts.client_installed) == Some(true)
}

/// Joined to Entra ID or hybrid joined, by whichever source the merge believed; a mere registration is no join.
fn is_joined(facts: &DeviceFacts) -> bool {
    matches!(copied(&facts.join_type), Some(JoinType::EntraJoined | JoinType::HybridJoined))
}

/// The code of an attempt that did not succeed; 0 is success, and says nothing of an attempt.
fn unsuccessful_code(facts: &DeviceFacts) -> Option<u32> {
    copied(&facts.enrollment_status_code).filter(|&code| code != 0)
}

/// An enrolment attempt was made (states.md 4.2); meaningful while the device is not enrolled.
fn attempt_made(facts: &DeviceFacts) -> bool {
    unsuccessful_code(facts).is_some() || copied(&facts.enrollment_failed) == Some(true)
}
