//! The dashboard's groups, stages and categories of one device (states.md 4).
//!
//! The tiles count devices that have the Configuration Manager client; any other device is in none of them \[derived\].

use crate::facts::{DeviceFacts, JoinType, copied};
use crate::state::{Eligibility, attempt_made, has_client, in_coexistence, unsuccessful_code};
use crate::tenant::TenantFacts;
use crate::windows::{OsGroup, os_group, os_version_name};

/// How far enrolment has come. The order is the funnel's, so the cumulative count of a stage is that of the devices whose
/// furthest stage is at least this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FunnelStage {
    /// May be enrolled.
    Eligible,
    /// The policy is there and enrolment is scheduled.
    Scheduled,
    /// An attempt was made.
    EnrollmentInitiated,
    /// Enrolled.
    Enrolled,
}

impl FunnelStage {
    /// All stages, first to last.
    pub const ALL: [Self; 4] = [Self::Eligible, Self::Scheduled, Self::EnrollmentInitiated, Self::Enrolled];

    /// The word that outputs use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Eligible => "eligible",
            Self::Scheduled => "scheduled",
            Self::EnrollmentInitiated => "enrollment_initiated",
            Self::Enrolled => "enrolled",
        }
    }
}

/// The tile of enrolment status that counts the device (states.md 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EnrollmentCategory {
    /// Enrolled and hybrid joined.
    SuccessHybridJoined,
    /// Enrolled and joined.
    SuccessJoined,
    /// Scheduled or attempted, hybrid joined. The vendor has no such category for joined devices.
    EnrollingHybridJoined,
    /// Failed, hybrid joined.
    FailureHybridJoined,
    /// Failed, joined.
    FailureJoined,
    /// Failed, neither hybrid joined nor joined: ours, not the vendor's \[derived\].
    FailureOther,
    /// Waits for somebody to sign in.
    PendingUserSignIn,
}

impl EnrollmentCategory {
    /// All categories, in the order of the assessment's words.
    pub const ALL: [Self; 7] = [
        Self::SuccessHybridJoined,
        Self::SuccessJoined,
        Self::EnrollingHybridJoined,
        Self::FailureHybridJoined,
        Self::FailureJoined,
        Self::FailureOther,
        Self::PendingUserSignIn,
    ];

    /// The word that outputs use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::SuccessHybridJoined => "success_hybrid_joined",
            Self::SuccessJoined => "success_joined",
            Self::EnrollingHybridJoined => "enrolling_hybrid_joined",
            Self::FailureHybridJoined => "failure_hybrid_joined",
            Self::FailureJoined => "failure_joined",
            Self::FailureOther => "failure_other",
            Self::PendingUserSignIn => "pending_user_sign_in",
        }
    }
}

/// Where the dashboard counts a device. `None` is "nowhere".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Categories {
    /// Group of operating systems; none for servers and for devices without a readable build.
    pub os_group: Option<OsGroup>,
    /// The release's name, such as `Windows 11 24H2`. It refines the group: without a group there is none, because a
    /// server's build may be that of a client release.
    pub os_version: Option<String>,
    /// The furthest stage of the funnel.
    pub funnel_stage: Option<FunnelStage>,
    /// The tile of enrolment status.
    pub enrollment_status: Option<EnrollmentCategory>,
    /// The code that the last attempt ended with, where it counts as an error: not 0, and the device is not enrolled. A
    /// code left over on an enrolled device is history, and a failure without a code has none to show \[derived\].
    pub enrollment_error: Option<u32>,
}

/// Sorts a device into the dashboard's tiles.
#[must_use]
pub fn categories(facts: &DeviceFacts, tenant: &TenantFacts, eligibility: Eligibility) -> Categories {
    if !has_client(facts) {
        return Categories::default();
    }
    let version = copied(&facts.os_version);
    let os_group = version.zip(copied(&facts.os_kind)).and_then(|(version, kind)| os_group(version, kind));
    let os_version = os_group.and(version).and_then(os_version_name);
    if in_coexistence(facts, tenant) {
        return Categories { os_group, os_version, ..Categories::default() };
    }
    Categories {
        os_group,
        os_version,
        funnel_stage: funnel_stage(facts, eligibility),
        enrollment_status: enrollment_category(facts),
        enrollment_error: unsuccessful_code(facts).filter(|_| !facts.enrolled()),
    }
}

/// The furthest stage that holds; a device may be scheduled or enrolled although it is not, or no longer, eligible.
fn funnel_stage(facts: &DeviceFacts, eligibility: Eligibility) -> Option<FunnelStage> {
    if facts.enrolled() {
        Some(FunnelStage::Enrolled)
    } else if attempt_made(facts) {
        Some(FunnelStage::EnrollmentInitiated)
    } else if scheduled_with_policy(facts) {
        Some(FunnelStage::Scheduled)
    } else {
        matches!(
            eligibility,
            Eligibility::Eligible | Eligibility::ScheduledForEnrollment | Eligibility::CoManaged
        )
        .then_some(FunnelStage::Eligible)
    }
}

/// The funnel's "scheduled": the timer runs *and* the policy reached the client.
fn scheduled_with_policy(facts: &DeviceFacts) -> bool {
    copied(&facts.enrollment_scheduled) == Some(true) && copied(&facts.policy_present) == Some(true)
}

/// Success before pending sign-in before failure before enrolling, when flags contradict each other \[derived\].
///
/// An enrolled device is never pending, failed or enrolling: without a known join it is in no category \[derived\].
fn enrollment_category(facts: &DeviceFacts) -> Option<EnrollmentCategory> {
    let join = copied(&facts.join_type);
    if facts.enrolled() {
        return match join {
            Some(JoinType::HybridJoined) => Some(EnrollmentCategory::SuccessHybridJoined),
            Some(JoinType::EntraJoined) => Some(EnrollmentCategory::SuccessJoined),
            _ => None,
        };
    }
    if copied(&facts.pending_logon) == Some(true) {
        return Some(EnrollmentCategory::PendingUserSignIn);
    }
    if copied(&facts.enrollment_failed) == Some(true) {
        return Some(match join {
            Some(JoinType::HybridJoined) => EnrollmentCategory::FailureHybridJoined,
            Some(JoinType::EntraJoined) => EnrollmentCategory::FailureJoined,
            _ => EnrollmentCategory::FailureOther,
        });
    }
    let under_way = scheduled_with_policy(facts) || attempt_made(facts);
    (under_way && join == Some(JoinType::HybridJoined)).then_some(EnrollmentCategory::EnrollingHybridJoined)
}
