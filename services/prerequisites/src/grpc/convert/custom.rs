//! What the tenant's own rules add to answers, and what callers set of a rule.

use tandem_contracts::prerequisites::v1;
use tandem_domain::prerequisites::Severity;
use tandem_server::failure::{Failure, FieldViolation};

use super::{severity, verdict};
use crate::custom::counts::CustomCounts;
use crate::custom::enabled::{EnabledRule, EnabledRules};
use crate::custom::{CustomOutcome, CustomOutcomeKind, CustomRule};
use crate::grpc::request;
use crate::store::custom_rules::RuleBody;

/// Longest name that people call a rule by, in characters.
const LONGEST_DISPLAY_NAME: usize = 200;

/// Longest text of what to do, in characters.
const LONGEST_REMEDIATION: usize = 2000;

/// The outcome in the contract.
const fn outcome(kind: CustomOutcomeKind) -> v1::CustomOutcome {
    match kind {
        CustomOutcomeKind::Satisfied => v1::CustomOutcome::Satisfied,
        CustomOutcomeKind::Unsatisfied => v1::CustomOutcome::Unsatisfied,
        CustomOutcomeKind::Unknown => v1::CustomOutcome::Unknown,
        CustomOutcomeKind::Failed => v1::CustomOutcome::Failed,
    }
}

/// Adds to what was found about a device.
pub(crate) fn add_to_check(
    check: &mut v1::DeviceCheck,
    rules: &EnabledRules,
    outcomes: &[CustomOutcome],
    problems_only: bool,
) {
    let found = rules.rules.iter().zip(outcomes);
    let told = found.filter(|(_, outcome)| !problems_only || **outcome != CustomOutcome::Satisfied);
    check.custom_findings = told.map(|(rule, outcome)| finding(rule, outcome)).collect();
    check.custom_verdict = rules.verdict(outcomes).map_or(v1::Verdict::Unspecified, verdict).into();
}

fn finding(rule: &EnabledRule, of: &CustomOutcome) -> v1::CustomFinding {
    let finding = v1::CustomFinding {
        rule: rule.name.clone(),
        display_name: rule.display_name.clone(),
        severity: severity(rule.severity).into(),
        outcome: outcome(of.kind()).into(),
        version: rule.revision.to_string(),
        ..v1::CustomFinding::default()
    };
    match of {
        CustomOutcome::Satisfied => finding,
        CustomOutcome::Unsatisfied => v1::CustomFinding { remediation: rule.remediation.clone(), ..finding },
        CustomOutcome::Unknown { missing } => {
            v1::CustomFinding { missing_fact: format!("device.{missing}"), ..finding }
        }
        CustomOutcome::Failed { why } => v1::CustomFinding { failure: why.clone(), ..finding },
    }
}

/// Adds to the counts of a fleet.
pub(crate) fn add_to_fleet(answer: &mut v1::SummarizeFleetResponse, counts: &CustomCounts) {
    let summary =
        |(rule, [satisfied, unsatisfied, unknown, failed], pending): (&EnabledRule, [u64; 4], u64)| {
            v1::CustomRuleSummary {
                rule: rule.name.clone(),
                display_name: rule.display_name.clone(),
                severity: severity(rule.severity).into(),
                satisfied,
                unsatisfied,
                unknown,
                failed,
                pending,
                remediation: rule.remediation.clone(),
            }
        };
    answer.custom_rules = counts.rules().map(summary).collect();
    let verdicts = counts.verdicts();
    answer.custom_verdicts =
        verdicts.map(|(of, devices)| v1::VerdictCount { verdict: verdict(of).into(), devices }).collect();
}

/// What a caller sets of a rule. Its expression is not read.
pub(crate) fn body(rule: &v1::CustomRule) -> Result<RuleBody, Failure> {
    let mut violations = Vec::new();
    let mut at_most = |field: &str, text: &str, most: usize| {
        let found = text.chars().count();
        if found > most {
            let description = format!("must have at most {most} characters; found {found}");
            violations.push(FieldViolation { field: format!("custom_rule.{field}"), description });
        }
    };
    at_most("display_name", &rule.display_name, LONGEST_DISPLAY_NAME);
    at_most("remediation", &rule.remediation, LONGEST_REMEDIATION);
    let texts = [
        ("display_name", &rule.display_name),
        ("expression", &rule.expression),
        ("remediation", &rule.remediation),
    ];
    for (field, _) in texts.iter().filter(|(_, text)| text.contains('\0')) {
        let description = "must have no character U+0000, which databases cannot keep; found one".to_owned();
        violations.push(FieldViolation { field: format!("custom_rule.{field}"), description });
    }
    if !violations.is_empty() {
        return Err(Failure::InvalidFields(violations));
    }
    let severity = match v1::Severity::try_from(rule.severity) {
        Ok(v1::Severity::Blocking) => Severity::Blocking,
        Ok(v1::Severity::Warning | v1::Severity::Unspecified) => Severity::Warning,
        Err(_) => return Err(request::unknown("custom_rule.severity", rule.severity)),
    };
    Ok(RuleBody {
        display_name: rule.display_name.trim().to_owned(),
        expression: rule.expression.clone(),
        blocking: severity == Severity::Blocking,
        remediation: rule.remediation.clone(),
        enabled: rule.enabled,
    })
}

/// Reads an expression; what is wrong of it is wrong of that field.
pub(crate) fn expression(field: &str, text: &str) -> Result<CustomRule, Failure> {
    CustomRule::parse(text).map_err(|problems| {
        let violation = |description| FieldViolation { field: field.to_owned(), description };
        Failure::InvalidFields(problems.iter().map(|problem| violation(problem.to_string())).collect())
    })
}
