//! Which figures one device counts in: the tiles' comments of the contract, as a pure function of its facts and of what authority
//! and prerequisites answered about it.

use std::borrow::Cow;

use tandem_contracts::authority::v1::EffectiveAuthority;
use tandem_contracts::convert::{Violation, enum_required};
use tandem_contracts::prerequisites::v1 as prerequisites;
use tandem_domain::authority::Reason;
use tandem_domain::facts::{DeviceFacts, copied};
use tandem_domain::prerequisites::{Verdict, rule};
use tandem_domain::state::{
    Categories, Eligibility, FunnelStage, ManagementState, categories, enrollment_conflict,
};
use tandem_domain::tenant::TenantFacts;
use tandem_domain::workload::{ManagementAuthority, Workload};

use super::figure::{Attention, Figure, Reading};

/// What is known of one device.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evidence<'a> {
    /// Its merged facts.
    pub(crate) facts: &'a DeviceFacts,
    /// Its tenant's facts.
    pub(crate) tenant: &'a TenantFacts,
    /// Who decides its workloads.
    pub(crate) authority: &'a EffectiveAuthority,
    /// What was found of its prerequisites on path 1.
    pub(crate) check: &'a prerequisites::DeviceCheck,
}

/// Most figures of a usual device: two for each of seven workloads by authority and reason, some by reports, a dozen others.
const USUAL_FIGURES: usize = 48;

/// The figures that count the device, each once, in no order.
///
/// # Errors
/// An answer that breaks its contract, or has words that this release does not know: better no count than a wrong one.
pub(crate) fn contribution(evidence: Evidence<'_>) -> Result<Vec<Figure>, Violation> {
    let state: ManagementState = enum_required("state", evidence.authority.state)?;
    let mut figures = Vec::with_capacity(USUAL_FIGURES);
    figures.push(Figure::Devices);
    figures.push(Figure::State(state));
    let eligibility = eligibility(evidence.check)?;
    figures.push(Figure::Eligibility(eligibility));
    if !evidence.check.unverified_facts.is_empty() {
        figures.push(Figure::EligibleUnverified);
    }
    readings(evidence, state, &mut figures);
    dashboard_categories(evidence, eligibility, &mut figures);
    workloads(evidence, state, &mut figures)?;
    path1(evidence.check, &mut figures)?;
    attention(evidence, &mut figures);
    Ok(figures)
}

/// The three readings of "co-managed". A device in coexistence is in none of them: it is never co-managed (states.md 7),
/// whatever its three flags say.
fn readings(evidence: Evidence<'_>, state: ManagementState, figures: &mut Vec<Figure>) {
    if state == ManagementState::Coexistence {
        return;
    }
    let authority = evidence.authority;
    let held = [
        (authority.co_managed_query, Reading::Query),
        (authority.co_managed_prose, Reading::Prose),
        (authority.co_managed_cloud, Reading::Cloud),
    ];
    figures
        .extend(held.into_iter().filter(|(holds, _)| *holds).map(|(_, reading)| Figure::CoManaged(reading)));
}

/// The vendor's tiles of states.md 4, and the versions.
fn dashboard_categories(evidence: Evidence<'_>, eligibility: Eligibility, figures: &mut Vec<Figure>) {
    let Categories { os_group, os_version, funnel_stage, enrollment_status, enrollment_error } =
        categories(evidence.facts, evidence.tenant, eligibility);
    figures.extend(os_group.map(Figure::OsGroup));
    figures.extend(os_version.map(Figure::OsVersion));
    if let Some(furthest) = funnel_stage {
        figures.push(Figure::FunnelExclusive(furthest));
        let reached = FunnelStage::ALL.into_iter().filter(|stage| *stage <= furthest);
        figures.extend(reached.map(Figure::FunnelCumulative));
    }
    figures.extend(enrollment_status.map(Figure::EnrollmentStatus));
    figures.extend(enrollment_error.map(Figure::EnrollmentError));
}

/// Authority, its reasons, drift; and what co-managed clients moved and report.
fn workloads(
    evidence: Evidence<'_>,
    state: ManagementState,
    figures: &mut Vec<Figure>,
) -> Result<(), Violation> {
    let authority = evidence.authority;
    // Co-managed by the query rule, with the client: the vendor counts clients here [derived]. Nobody in coexistence.
    let moves = authority.co_managed_query
        && state != ManagementState::Coexistence
        && copied(&evidence.facts.client_installed) == Some(true);
    for decided in &authority.workloads {
        let workload: Workload = enum_required("workloads.workload", decided.workload)?;
        let by: ManagementAuthority = enum_required("workloads.authority", decided.authority)?;
        let reason: Reason = enum_required("workloads.reason", decided.reason)?;
        figures.push(Figure::Authority(workload, by));
        figures.push(Figure::AuthorityReason(workload, reason));
        if moves && by == ManagementAuthority::Intune {
            figures.push(Figure::WorkloadTransition(workload));
        }
    }
    let mut reported = [false; Workload::ALL.len()];
    for report in &authority.reported {
        let workload: Workload = enum_required("reported.workload", report.workload)?;
        let by: ManagementAuthority = enum_required("reported.authority", report.authority)?;
        reported[workload.index()] |= moves && by == ManagementAuthority::Intune;
    }
    let mut drifted = [false; Workload::ALL.len()];
    for drift in &authority.drift {
        let workload: Workload = enum_required("drift.workload", drift.workload)?;
        drifted[workload.index()] = true;
    }
    // Several sources may say the same of one workload: it still counts the device once.
    for workload in Workload::ALL {
        if reported[workload.index()] {
            figures.push(Figure::WorkloadReported(workload));
        }
        if drifted[workload.index()] {
            figures.push(Figure::Drift(workload));
        }
    }
    Ok(())
}

/// The verdict on path 1 and the rules that do not hold, blocking and warning.
fn path1(check: &prerequisites::DeviceCheck, figures: &mut Vec<Figure>) -> Result<(), Violation> {
    let wanted = i32::from(prerequisites::Path::Path1);
    let report = check.paths.iter().find(|report| report.path == wanted);
    let report = report.ok_or_else(|| Violation::new("paths", "must have a report on path 1; found none"))?;
    figures.push(Figure::Verdict(verdict(report.verdict)?));
    let unsatisfied = i32::from(prerequisites::Outcome::Unsatisfied);
    let blockers = report.findings.iter().filter(|finding| finding.outcome == unsatisfied);
    figures.extend(blockers.map(|finding| {
        let known = rule(&finding.rule).map(|rule| Cow::Borrowed(rule.id));
        Figure::Blocker(known.unwrap_or_else(|| Cow::Owned(finding.rule.clone())))
    }));
    Ok(())
}

fn attention(evidence: Evidence<'_>, figures: &mut Vec<Figure>) {
    let flagged = [
        (evidence.authority.leaving, Attention::Leaving),
        (enrollment_conflict(evidence.facts, evidence.tenant).is_some(), Attention::EnrollmentConflict),
        (!evidence.facts.other_hierarchies.is_empty(), Attention::SeveralHierarchies),
        (evidence.authority.unknown_bits != 0, Attention::UnknownBits),
    ];
    figures.extend(flagged.into_iter().filter(|(holds, _)| *holds).map(|(_, why)| Figure::Attention(why)));
}

fn eligibility(check: &prerequisites::DeviceCheck) -> Result<Eligibility, Violation> {
    use prerequisites::Eligibility as Answer;
    match Answer::try_from(check.eligibility) {
        Ok(Answer::Comanaged) => Ok(Eligibility::CoManaged),
        Ok(Answer::Eligible) => Ok(Eligibility::Eligible),
        Ok(Answer::EligibleButNotAzureAdJoined) => Ok(Eligibility::EligibleButNotAzureAdJoined),
        Ok(Answer::NeedsOsUpdate) => Ok(Eligibility::NeedsOsUpdate),
        Ok(Answer::Ineligible) => Ok(Eligibility::Ineligible),
        Ok(Answer::ScheduledForEnrollment) => Ok(Eligibility::ScheduledForEnrollment),
        Ok(Answer::Unknown) => Ok(Eligibility::Unknown),
        Ok(Answer::Unspecified) | Err(_) => Err(unknown_number("eligibility", check.eligibility)),
    }
}

fn verdict(number: i32) -> Result<Verdict, Violation> {
    use prerequisites::Verdict as Answer;
    match Answer::try_from(number) {
        Ok(Answer::Ready) => Ok(Verdict::Ready),
        Ok(Answer::Blocked) => Ok(Verdict::Blocked),
        Ok(Answer::Unknown) => Ok(Verdict::Unknown),
        Ok(Answer::NotApplicable) => Ok(Verdict::NotApplicable),
        Ok(Answer::Unspecified) | Err(_) => Err(unknown_number("paths.verdict", number)),
    }
}

fn unknown_number(field: &str, number: i32) -> Violation {
    Violation::new(field, format!("must be a value of the enumeration; found number {number}"))
}
