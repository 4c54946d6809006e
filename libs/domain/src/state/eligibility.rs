//! Could this client be co-managed? The values of Graph beta's `comanagementEligibleType`, derived from facts (states.md 3).
//!
//! Eligibility is a question about clients, so it is judged on path 1. The scope of automatic enrolment decides whether a
//! device gets scheduled, not whether it is eligible.

use crate::facts::{DeviceFacts, copied};
use crate::policy::Surroundings;
use crate::prerequisites::{Finding, Judged, Outcome, OutcomeKind, Report, Scope, Severity};
use crate::state::{in_coexistence, is_co_managed};

/// Without an answer to these there is no telling.
const CORE_RULES: [&str; 4] =
    ["cm.client_installed", "cm.policy_applies_to_os", "win.minimum_1709", "entra.joined"];

/// What an update of Windows mends.
const RELEASE_RULES: [&str; 2] = ["win.minimum_1709", "win.serviced_version"];

/// What joining the device mends.
const JOIN_RULES: [&str; 3] = ["entra.joined", "entra.not_registered_only", "entra.hybrid_for_domain_joined"];

/// Who is enrolled automatically: no part of eligibility.
const SCOPE_RULE: &str = "cm.auto_enroll_in_scope";

/// The vendor's seven answers without its sentinel, and one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Eligibility {
    /// Co-managed already.
    CoManaged,
    /// Nothing known stands in the way.
    Eligible,
    /// It only lacks the right join.
    EligibleButNotAzureAdJoined,
    /// Its Windows is too old.
    NeedsOsUpdate,
    /// Something else stands in the way.
    Ineligible,
    /// Its enrolment is scheduled.
    ScheduledForEnrollment,
    /// What decides it is not known: our own value.
    Unknown,
}

impl Eligibility {
    /// All of them, in the order of the assessment's words.
    pub const ALL: [Self; 7] = [
        Self::CoManaged,
        Self::Eligible,
        Self::EligibleButNotAzureAdJoined,
        Self::NeedsOsUpdate,
        Self::Ineligible,
        Self::ScheduledForEnrollment,
        Self::Unknown,
    ];

    /// The word that our outputs use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            _ => self.graph_name(),
        }
    }

    /// The vendor's member name, for outputs in the vendor's shape: there, `unknown` is counted as ineligible.
    #[must_use]
    pub const fn graph_name(self) -> &'static str {
        match self {
            Self::CoManaged => "comanaged",
            Self::Eligible => "eligible",
            Self::EligibleButNotAzureAdJoined => "eligibleButNotAzureAdJoined",
            Self::NeedsOsUpdate => "needsOsUpdate",
            Self::Ineligible | Self::Unknown => "ineligible",
            Self::ScheduledForEnrollment => "scheduledForEnrollment",
        }
    }
}

/// Eligibility and what it was assumed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EligibilityReport {
    /// The answer.
    pub eligibility: Eligibility,
    /// Of an eligible device: the fact ids that blocking device rules miss, sorted, each once. Not empty: the device is
    /// counted as unverified.
    pub unverified: Vec<&'static str>,
}

/// Judges eligibility; `path1` is the device's report on [`crate::prerequisites::Path::Path1`].
///
/// The first match of states.md 3 wins. An update of Windows comes before the join when both are missing, because joining is
/// only supported afterwards \[derived\].
#[must_use]
pub fn eligibility(
    facts: &DeviceFacts,
    surroundings: &Surroundings<'_>,
    path1: &Report,
) -> EligibilityReport {
    let eligibility = eligibility_of(facts, surroundings, path1);
    let unverified = match eligibility {
        Eligibility::Eligible => missing_facts(path1),
        _ => Vec::new(),
    };
    EligibilityReport { eligibility, unverified }
}

/// Whether an answer of "eligible" was given without a fact that a blocking rule misses.
#[must_use]
pub fn is_unverified<O: Judged>(eligibility: Eligibility, path1: &Report<O>) -> bool {
    eligibility == Eligibility::Eligible
        && blocking(path1).any(|finding| finding.outcome.kind() == OutcomeKind::Unknown)
}

/// The answer of [`eligibility`] alone, by a report told in whatever way.
#[must_use]
pub fn eligibility_of<O: Judged>(
    facts: &DeviceFacts,
    surroundings: &Surroundings<'_>,
    path1: &Report<O>,
) -> Eligibility {
    if is_co_managed(facts, surroundings.tenant) {
        Eligibility::CoManaged
    } else if is_ineligible(facts, surroundings, path1) {
        Eligibility::Ineligible
    } else if CORE_RULES.iter().any(|rule| is_unknown(path1, rule)) {
        // Printed before "ineligible", but held back where that is decided already.
        Eligibility::Unknown
    } else if any_unsatisfied(path1, &RELEASE_RULES) {
        Eligibility::NeedsOsUpdate
    } else if any_unsatisfied(path1, &JOIN_RULES) {
        Eligibility::EligibleButNotAzureAdJoined
    } else if copied(&facts.enrollment_scheduled) == Some(true) && !facts.enrolled() {
        Eligibility::ScheduledForEnrollment
    } else {
        Eligibility::Eligible
    }
}

/// No client, coexistence, or a blocking rule that neither an update, nor a join, nor the scope would mend.
fn is_ineligible<O: Judged>(facts: &DeviceFacts, surroundings: &Surroundings<'_>, path1: &Report<O>) -> bool {
    copied(&facts.client_installed) == Some(false)
        || in_coexistence(facts, surroundings.tenant)
        || blocking(path1).any(|finding| {
            let id = finding.rule.id;
            finding.outcome.kind() == OutcomeKind::Unsatisfied
                && !JOIN_RULES.contains(&id)
                && !RELEASE_RULES.contains(&id)
        })
}

/// The findings of blocking rules of the device itself, the scope of automatic enrolment aside.
fn blocking<O>(path1: &Report<O>) -> impl Iterator<Item = &Finding<O>> {
    path1.findings.iter().filter(|finding| {
        finding.severity == Severity::Blocking
            && finding.rule.scope == Scope::Device
            && finding.rule.id != SCOPE_RULE
    })
}

fn is_unknown<O: Judged>(path1: &Report<O>, rule: &str) -> bool {
    path1.outcome(rule).is_some_and(|outcome| outcome.kind() == OutcomeKind::Unknown)
}

fn any_unsatisfied<O: Judged>(path1: &Report<O>, rules: &[&str]) -> bool {
    let is_unsatisfied = |outcome: &O| outcome.kind() == OutcomeKind::Unsatisfied;
    rules.iter().any(|rule| path1.outcome(rule).is_some_and(is_unsatisfied))
}

/// What an answer of "eligible" was given without.
fn missing_facts(path1: &Report) -> Vec<&'static str> {
    let mut missing: Vec<&'static str> = blocking(path1)
        .filter_map(|finding| match &finding.outcome {
            Outcome::Unknown { missing } => Some(missing.iter()),
            _ => None,
        })
        .flatten()
        .copied()
        .collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}
