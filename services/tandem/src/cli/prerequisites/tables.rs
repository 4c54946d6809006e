//! What was found about prerequisites, as tables.

use tandem_contracts::prerequisites::v1::{
    CheckHierarchyResponse, DeviceCheck, EnrollmentError, ExplainEnrollmentErrorResponse, Finding, Outcome,
    PathReport, RuleSummary, SummarizeFleetResponse, WorstFinding,
};

use crate::cli::failure::CliError;
use crate::cli::screen::{Column, Row, Screen};
use crate::cli::words;

use super::{custom, whole};

/// What was found about a device.
pub(super) fn device(screen: &mut Screen<'_>, check: &DeviceCheck) -> Result<(), CliError> {
    let mut details = vec![
        ["Device".to_owned(), check.device.clone()],
        ["Revision".to_owned(), check.device_revision.to_string()],
        ["Eligibility".to_owned(), words::eligibility(check.eligibility).to_owned()],
    ];
    if !check.unverified_facts.is_empty() {
        details.push(["Unverified".to_owned(), format!("nobody said {}", check.unverified_facts.join(", "))]);
    }
    screen.details(details)?;
    screen.line("")?;
    paths(screen, &check.paths)?;
    custom::findings(screen, check.custom_verdict, &check.custom_findings)
}

/// What the findings of each path amount to, and the findings.
pub(super) fn paths(screen: &mut Screen<'_>, reports: &[PathReport]) -> Result<(), CliError> {
    let verdicts = reports.iter().map(|report| {
        vec![words::path(report.path), words::verdict(report.verdict), words::moment(report.valid_until)]
    });
    screen.table(&["PATH", "VERDICT", "HOLDS UNTIL"].map(Column::Text), verdicts.collect())?;
    let columns = ["RULE", "SEVERITY", "OUTCOME", "WHY", "WHAT MENDS IT"].map(Column::Text);
    for report in reports.iter().filter(|report| !report.findings.is_empty()) {
        let title = format!("Findings of {}", words::path(report.path));
        screen.section(&title, &columns, report.findings.iter().map(finding).collect())?;
    }
    Ok(())
}

/// What the sites of a hierarchy amount to, and the worst of each rule that does not hold everywhere.
pub(super) fn hierarchy(screen: &mut Screen<'_>, answer: &CheckHierarchyResponse) -> Result<(), CliError> {
    let verdicts = answer.paths.iter().map(|report| {
        vec![words::path(report.path), words::verdict(report.verdict), words::moment(report.valid_until)]
    });
    screen.table(&["PATH", "VERDICT", "HOLDS UNTIL"].map(Column::Text), verdicts.collect())?;
    let columns = ["RULE", "SEVERITY", "OUTCOME", "AT", "WHY", "WHAT MENDS IT"].map(Column::Text);
    for report in &answer.paths {
        let problems = report.findings.iter().filter(|worst| {
            let outcome = worst.finding.as_ref().map(Finding::outcome);
            matches!(outcome, Some(Outcome::Unsatisfied | Outcome::Unknown))
        });
        let rows: Vec<Row> = problems.map(worst).collect();
        let sites = report.sites.iter();
        let sites = sites.map(|site| vec![words::last_part(&site.site), words::verdict(site.verdict)]);
        let path = words::path(report.path);
        if report.sites.is_empty() {
            screen.line("No site of it is known.")?;
            continue;
        }
        screen.section(
            &format!("Sites on {path}"),
            &["SITE", "VERDICT"].map(Column::Text),
            sites.collect(),
        )?;
        if !rows.is_empty() {
            screen.section(&format!("Worst findings of {path}"), &columns, rows)?;
        }
    }
    Ok(())
}

fn worst(worst: &WorstFinding) -> Row {
    let mut row = finding(&worst.finding.clone().unwrap_or_default());
    let sites: Vec<String> = worst.sites.iter().map(|site| words::last_part(site)).collect();
    row.insert(3, sites.join(", "));
    row
}

fn finding(finding: &Finding) -> Row {
    let why = match Outcome::try_from(finding.outcome) {
        Ok(Outcome::Unsatisfied) => format!("expected {}, found {}", finding.expected, finding.found),
        Ok(Outcome::Unknown) => unknown(finding),
        _ => words::text(&finding.why),
    };
    vec![
        finding.rule.clone(),
        words::severity(finding.severity),
        words::outcome(finding.outcome),
        why,
        words::text(&finding.remediation),
    ]
}

/// What nobody said, and what was said too long ago.
fn unknown(finding: &Finding) -> String {
    let unsaid = finding.missing_facts.iter().filter(|fact| !finding.stale_facts.contains(fact));
    let unsaid: Vec<&str> = unsaid.map(String::as_str).collect();
    let mut why = Vec::new();
    if !unsaid.is_empty() {
        why.push(format!("nobody said {}", unsaid.join(", ")));
    }
    if !finding.stale_facts.is_empty() {
        why.push(format!("said too long ago: {}", finding.stale_facts.join(", ")));
    }
    why.join("; ")
}

/// The columns of rules that stop devices: see [`rule`].
pub(super) const RULES: [Column; 5] = [
    Column::Text("RULE"),
    Column::Text("SEVERITY"),
    Column::Number("UNSATISFIED"),
    Column::Number("UNKNOWN"),
    Column::Text("WHAT MENDS IT"),
];

/// How many devices each rule stops.
pub(super) fn fleet(screen: &mut Screen<'_>, summary: &SummarizeFleetResponse) -> Result<(), CliError> {
    screen.details(vec![
        ["Devices".to_owned(), summary.devices.to_string()],
        ["Eligible, unverified".to_owned(), summary.eligible_unverified.to_string()],
    ])?;
    let counted = |first: &'static str| [Column::Text(first), Column::Number("DEVICES")];
    let verdicts = summary.verdicts.iter();
    let verdicts = verdicts.map(|count| vec![words::verdict(count.verdict), count.devices.to_string()]);
    screen.section("Verdicts", &counted("VERDICT"), verdicts.collect())?;
    let eligibility = summary
        .eligibility
        .iter()
        .map(|count| vec![words::eligibility(count.eligibility).to_owned(), count.devices.to_string()]);
    screen.section("Eligibility", &counted("ELIGIBILITY"), eligibility.collect())?;
    screen.section("Rules", &RULES, summary.rules.iter().map(rule).collect())?;
    custom::fleet(screen, &summary.custom_rules)?;
    whole::fleet(screen, summary)
}

pub(super) fn rule(rule: &RuleSummary) -> Row {
    vec![
        rule.rule.clone(),
        words::severity(rule.severity),
        rule.unsatisfied.to_string(),
        rule.unknown.to_string(),
        words::text(&rule.remediation),
    ]
}

/// What codes mean.
pub(super) fn errors(
    screen: &mut Screen<'_>,
    answer: &ExplainEnrollmentErrorResponse,
) -> Result<(), CliError> {
    for (index, error) in answer.errors.iter().enumerate() {
        if index > 0 {
            screen.line("")?;
        }
        screen.details(error_details(error))?;
    }
    Ok(())
}

fn error_details(error: &EnrollmentError) -> Vec<[String; 2]> {
    vec![
        ["Code".to_owned(), format!("{} ({})", error.hex, error.code)],
        ["Symbol".to_owned(), words::text(&error.symbol)],
        ["Class".to_owned(), words::text(&error.error_class)],
        ["Meaning".to_owned(), words::text(&error.meaning)],
        ["What mends it".to_owned(), words::text(&error.remediation)],
        ["Worth a retry".to_owned(), words::text(&error.retryable)],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::{Output, shown};

    #[test]
    fn unsatisfied_finding_says_expected_and_found() {
        let unsatisfied = Finding {
            rule: "win.serviced_version".into(),
            severity: 1,
            outcome: 2,
            expected: "a serviced version of Windows".into(),
            found: "Windows 10 21H2".into(),
            remediation: "update Windows".into(),
            ..Default::default()
        };
        let expected = [
            "win.serviced_version",
            "blocking",
            "unsatisfied",
            "expected a serviced version of Windows, found Windows 10 21H2",
            "update Windows",
        ];
        assert_eq!(finding(&unsatisfied), expected);
    }

    #[test]
    fn unknown_finding_names_the_missing_facts() {
        let unknown = Finding {
            rule: "win.mdm_not_blocked".into(),
            severity: 2,
            outcome: 3,
            missing_facts: vec!["device.mdm_blocked_by_policy".into()],
            ..Default::default()
        };
        let expected =
            ["win.mdm_not_blocked", "warning", "unknown", "nobody said device.mdm_blocked_by_policy", "–"];
        assert_eq!(finding(&unknown), expected);
    }

    #[test]
    fn rule_that_stops_devices_is_shown_with_both_counts() {
        let summary = RuleSummary {
            rule: "win.serviced_version".into(),
            severity: 1,
            unsatisfied: 12,
            unknown: 3,
            remediation: "update Windows".into(),
        };
        assert_eq!(rule(&summary), ["win.serviced_version", "blocking", "12", "3", "update Windows"]);
    }

    #[test]
    fn codes_are_shown_one_below_the_other() {
        let error = EnrollmentError {
            code: 2_149_056_536,
            hex: "0x80180018".into(),
            symbol: "MENROLL_E_USERLICENSE".into(),
            meaning: "no licence".into(),
            error_class: "license".into(),
            remediation: "assign one".into(),
            retryable: "no".into(),
        };
        let answer = ExplainEnrollmentErrorResponse { errors: vec![error] };
        let text = shown(Output::Table, |screen| screen.show(&answer, errors));
        let expected = [
            " Code           0x80180018 (2149056536)",
            " Symbol         MENROLL_E_USERLICENSE",
            " Class          license",
            " Meaning        no licence",
            " What mends it  assign one",
            " Worth a retry  no",
            "",
        ];
        assert_eq!(text, expected.join("\n"));
    }
}
