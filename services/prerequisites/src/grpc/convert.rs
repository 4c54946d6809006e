//! This service's messages, from what the domain answers; and its enumerations, both ways.

use jiff::Timestamp;
use tandem_contracts::convert::time;
use tandem_contracts::prerequisites::v1;
use tandem_domain::enrollment::{self, EnrollmentError};
use tandem_domain::id::SiteCode;
use tandem_domain::policy::Surroundings;
use tandem_domain::prerequisites::{
    Finding, Freshness, HierarchyReport, Outcome, Path, Report, Rule, Scope, Severity, SupportEnd, Verdict,
    WorstFinding,
};
use tandem_domain::state::Eligibility;

use crate::forecast::{FleetForecast, SupportKind};
use crate::judge::Judgement;
use crate::summary::{FleetSummary, RuleCount};

/// The path in the contract.
pub(crate) const fn path(path: Path) -> v1::Path {
    match path {
        Path::Path1 => v1::Path::Path1,
        Path::Path2 => v1::Path::Path2,
        Path::Autopilot => v1::Path::Autopilot,
        Path::Coexistence => v1::Path::Coexistence,
        Path::Autopatch => v1::Path::Autopatch,
    }
}

/// The path of a request; `None`: unspecified.
pub(crate) const fn path_asked(path: v1::Path) -> Option<Path> {
    match path {
        v1::Path::Unspecified => None,
        v1::Path::Path1 => Some(Path::Path1),
        v1::Path::Path2 => Some(Path::Path2),
        v1::Path::Autopilot => Some(Path::Autopilot),
        v1::Path::Coexistence => Some(Path::Coexistence),
        v1::Path::Autopatch => Some(Path::Autopatch),
    }
}

/// The scope in the contract.
pub(crate) const fn scope(scope: Scope) -> v1::Scope {
    match scope {
        Scope::Tenant => v1::Scope::Tenant,
        Scope::Site => v1::Scope::Site,
        Scope::Device => v1::Scope::Device,
        Scope::User => v1::Scope::User,
        Scope::Action => v1::Scope::Action,
    }
}

/// The scope of a request; `None`: unspecified.
pub(crate) const fn scope_asked(scope: v1::Scope) -> Option<Scope> {
    match scope {
        v1::Scope::Unspecified => None,
        v1::Scope::Tenant => Some(Scope::Tenant),
        v1::Scope::Site => Some(Scope::Site),
        v1::Scope::Device => Some(Scope::Device),
        v1::Scope::User => Some(Scope::User),
        v1::Scope::Action => Some(Scope::Action),
    }
}

/// The severity in the contract.
pub(crate) const fn severity(severity: Severity) -> v1::Severity {
    match severity {
        Severity::Blocking => v1::Severity::Blocking,
        Severity::Warning => v1::Severity::Warning,
    }
}

/// The verdict in the contract.
pub(crate) const fn verdict(verdict: Verdict) -> v1::Verdict {
    match verdict {
        Verdict::Ready => v1::Verdict::Ready,
        Verdict::Blocked => v1::Verdict::Blocked,
        Verdict::Unknown => v1::Verdict::Unknown,
        Verdict::NotApplicable => v1::Verdict::NotApplicable,
    }
}

/// The eligibility in the contract.
pub(crate) const fn eligibility(eligibility: Eligibility) -> v1::Eligibility {
    match eligibility {
        Eligibility::CoManaged => v1::Eligibility::Comanaged,
        Eligibility::Eligible => v1::Eligibility::Eligible,
        Eligibility::EligibleButNotAzureAdJoined => v1::Eligibility::EligibleButNotAzureAdJoined,
        Eligibility::NeedsOsUpdate => v1::Eligibility::NeedsOsUpdate,
        Eligibility::Ineligible => v1::Eligibility::Ineligible,
        Eligibility::ScheduledForEnrollment => v1::Eligibility::ScheduledForEnrollment,
        Eligibility::Unknown => v1::Eligibility::Unknown,
    }
}

/// The rule as the catalogue has it.
pub(crate) fn rule(rule: &Rule) -> v1::Rule {
    v1::Rule {
        rule: rule.id.to_owned(),
        area: rule.area.id().to_owned(),
        scope: scope(rule.scope).into(),
        paths: rule.paths.iter().map(|on| path(*on).into()).collect(),
        severity: severity(rule.severity).into(),
        condition: rule.condition.to_owned(),
        facts: rule.facts.iter().map(ToString::to_string).collect(),
        remediation: rule.remediation.to_owned(),
        source: rule.source.to_owned(),
        attestation: rule.attestation,
        version: rule.version.to_owned(),
        evaluated: matches!(rule.scope, Scope::Tenant | Scope::Site | Scope::Device),
    }
}

/// What came of one rule. Texts that its outcome does not call for stay empty.
pub(crate) fn finding(finding: &Finding) -> v1::Finding {
    let message = v1::Finding {
        rule: finding.rule.id.to_owned(),
        severity: severity(finding.severity).into(),
        version: finding.rule.version.to_owned(),
        ..v1::Finding::default()
    };
    match &finding.outcome {
        Outcome::Satisfied => v1::Finding { outcome: v1::Outcome::Satisfied.into(), ..message },
        Outcome::Unsatisfied { expected, found } => v1::Finding {
            outcome: v1::Outcome::Unsatisfied.into(),
            expected: expected.to_string(),
            found: found.to_string(),
            remediation: finding.rule.remediation.to_owned(),
            ..message
        },
        Outcome::Unknown { missing } => v1::Finding {
            outcome: v1::Outcome::Unknown.into(),
            missing_facts: missing.iter().map(ToString::to_string).collect(),
            ..message
        },
        Outcome::NotApplicable { why } => {
            v1::Finding { outcome: v1::Outcome::NotApplicable.into(), why: why.to_string(), ..message }
        }
    }
}

/// The report with its findings by rule id; with `problems_only`, those alone that are unsatisfied or unknown.
pub(crate) fn report(report: &Report, problems_only: bool) -> v1::PathReport {
    let mut findings: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| !problems_only || finding.outcome.is_unsatisfied() || finding.outcome.is_unknown())
        .collect();
    findings.sort_unstable_by_key(|finding| finding.rule.id);
    v1::PathReport {
        path: path(report.path).into(),
        verdict: verdict(report.verdict()).into(),
        findings: findings.into_iter().map(finding).collect(),
        valid_until: report.valid_until.map(time::to_proto),
    }
}

/// The sites of a hierarchy, whose name is `hierarchy`.
pub(crate) fn hierarchy_report(hierarchy: &str, report: &HierarchyReport) -> v1::HierarchyReport {
    let name = |site: &SiteCode| format!("{hierarchy}/sites/{site}");
    let mut worst: Vec<&WorstFinding> = report.findings.iter().collect();
    worst.sort_unstable_by_key(|worst| worst.finding.rule.id);
    let findings = worst.into_iter().map(|worst| v1::WorstFinding {
        finding: Some(finding(&worst.finding)),
        sites: worst.sites.iter().map(name).collect(),
    });
    let site =
        |(site, of): &(SiteCode, Verdict)| v1::SiteVerdict { site: name(site), verdict: verdict(*of).into() };
    v1::HierarchyReport {
        path: path(report.path).into(),
        verdict: verdict(report.verdict).into(),
        findings: findings.collect(),
        sites: report.sites.iter().map(site).collect(),
        valid_until: report.valid_until.map(time::to_proto),
    }
}

/// Reports without anything left out.
pub(crate) fn whole_reports(reports: &[Report]) -> Vec<v1::PathReport> {
    reports.iter().map(|of| report(of, false)).collect()
}

/// What was found about the device of that name and revision, in the basic view.
pub(crate) fn device_check(
    device: String,
    device_revision: u64,
    judgement: &Judgement,
    problems_only: bool,
) -> v1::DeviceCheck {
    v1::DeviceCheck {
        device,
        device_revision,
        eligibility: eligibility(judgement.eligibility.eligibility).into(),
        unverified_facts: judgement.eligibility.unverified.iter().map(ToString::to_string).collect(),
        paths: judgement.reports.iter().map(|of| report(of, problems_only)).collect(),
        ..v1::DeviceCheck::default()
    }
}

/// Adds which of the missing facts were said too long ago.
pub(crate) fn add_stale_facts(
    check: &mut v1::DeviceCheck,
    judgement: &Judgement,
    freshness: &Freshness<'_>,
    surroundings: &Surroundings<'_>,
) {
    for (shown, report) in check.paths.iter_mut().zip(&judgement.reports) {
        for finding in &mut shown.findings {
            let judged = report.findings.iter().find(|judged| judged.rule.id == finding.rule);
            if let Some(Finding { rule, outcome: Outcome::Unknown { missing }, .. }) = judged {
                let stale = freshness.stale_facts(rule, missing, surroundings);
                finding.stale_facts = stale.into_iter().map(str::to_owned).collect();
            }
        }
    }
}

/// The counts of a fleet, of the world of that token.
pub(crate) fn fleet(summary: &FleetSummary, consistency_token: String) -> v1::SummarizeFleetResponse {
    let eligibilities = summary.eligibility();
    v1::SummarizeFleetResponse {
        devices: summary.devices,
        rules: summary.stopping().iter().map(rule_summary).collect(),
        eligibility: eligibilities
            .map(|(of, devices)| v1::EligibilityCount { eligibility: eligibility(of).into(), devices })
            .collect(),
        verdicts: verdict_counts(summary),
        eligible_unverified: summary.eligible_unverified,
        consistency_token,
        ..v1::SummarizeFleetResponse::default()
    }
}

fn rule_summary(count: &RuleCount) -> v1::RuleSummary {
    v1::RuleSummary {
        rule: count.rule.id.to_owned(),
        severity: severity(count.rule.severity).into(),
        unsatisfied: count.unsatisfied,
        unknown: count.unknown,
        remediation: count.rule.remediation.to_owned(),
    }
}

/// How a fleet stands over time, of the world of that token.
pub(crate) fn forecast(forecast: &FleetForecast, consistency_token: String) -> v1::ForecastFleetResponse {
    let first = forecast.points().next().map(|(_, summary)| summary);
    let point = |(at, summary): (Timestamp, &FleetSummary)| {
        let rules = match first {
            Some(first) if !std::ptr::eq(first, summary) => summary.differing(first),
            _ => summary.stopping(),
        };
        v1::ForecastPoint {
            at: Some(time::to_proto(at)),
            verdicts: verdict_counts(summary),
            rules: rules.iter().map(rule_summary).collect(),
        }
    };
    let support_end = |(kind, end, devices): (SupportKind, &SupportEnd, u64)| v1::SupportEnd {
        kind: support_kind(kind).into(),
        version: end.version.clone(),
        edition_group: end.edition_group.unwrap_or_default().to_owned(),
        last_day: end.last_day.to_string(),
        devices,
    };
    v1::ForecastFleetResponse {
        devices: forecast.devices,
        points: forecast.points().map(point).collect(),
        support_ends: forecast.support_ends().map(support_end).collect(),
        consistency_token,
    }
}

const fn support_kind(kind: SupportKind) -> v1::SupportKind {
    match kind {
        SupportKind::Windows => v1::SupportKind::Windows,
        SupportKind::Site => v1::SupportKind::Site,
    }
}

/// Devices per verdict.
fn verdict_counts(summary: &FleetSummary) -> Vec<v1::VerdictCount> {
    let count = |(of, devices)| v1::VerdictCount { verdict: verdict(of).into(), devices };
    summary.verdicts().map(count).collect()
}

/// What an enrolment error code means.
pub(crate) fn enrollment_error(error: &EnrollmentError) -> v1::EnrollmentError {
    v1::EnrollmentError {
        code: error.code,
        hex: enrollment::hex(error.code),
        symbol: error.symbol.unwrap_or_default().to_owned(),
        meaning: error.meaning.to_owned(),
        error_class: error.class.id().to_owned(),
        remediation: error.remediation.to_owned(),
        retryable: error.retryable.id().to_owned(),
    }
}

pub(crate) mod custom;
pub(crate) mod settings;
pub(crate) mod whole;

#[cfg(test)]
mod tests;
