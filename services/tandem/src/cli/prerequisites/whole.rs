//! What the whole view of a device and of a fleet adds, as tables.

use tandem_contracts::prerequisites::v1::{
    BenefitNeed, BenefitReport, Concern, DeviceCheck, Evidence, Journey, Outcome, Step,
    SummarizeFleetResponse,
};
use tandem_domain::state::ManagementState;

use super::tables;
use crate::cli::failure::CliError;
use crate::cli::screen::{Column, Row, Screen};
use crate::cli::words;

/// Everything that is said of a device.
pub(super) fn device(screen: &mut Screen<'_>, check: &DeviceCheck) -> Result<(), CliError> {
    tables::device(screen, check)?;
    if let Some(journey) = &check.journey {
        self::journey(screen, journey)?;
    }
    let columns = ["BENEFIT", "REACH", "WHAT IS MISSING"].map(Column::Text);
    screen.section("Benefits", &columns, check.benefits.iter().map(benefit).collect())?;
    let columns = ["FINDING", "SEEN", "WHERE", "WHAT TO DO"].map(Column::Text);
    screen.section("Beside the rules", &columns, check.concerns.iter().map(concern).collect())?;
    let columns = ["RULE", "FACT", "SAID", "BY", "AT"].map(Column::Text);
    let findings = check.paths.iter().flat_map(|report| &report.findings);
    let mut evidence: Vec<Row> = findings
        .flat_map(|finding| finding.evidence.iter().map(|evidence| said(&finding.rule, evidence)))
        .collect();
    evidence.sort();
    evidence.dedup();
    screen.section("Evidence of these findings", &columns, evidence)
}

fn journey(screen: &mut Screen<'_>, journey: &Journey) -> Result<(), CliError> {
    screen.line("")?;
    let mut details = vec![
        ["Stands at".to_owned(), words::word(journey.state, ManagementState::id).to_owned()],
        ["Recommended path".to_owned(), words::path(journey.path)],
        ["Because".to_owned(), words::text(&journey.because)],
    ];
    if let Some(needed) = journey.gateway_needed {
        let needed = format!("{}: {}", words::yes_no(needed), journey.gateway_because);
        details.push(["Gateway needed".to_owned(), needed]);
    }
    details.push(["Note".to_owned(), words::text(&journey.note)]);
    screen.details(details)?;
    let columns = ["PHASE", "WHAT TO DO", "WHO", "FIRST FIND OUT", "MAKES POSSIBLE"].map(Column::Text);
    screen.section("Steps", &columns, journey.steps.iter().map(step).collect())
}

fn step(step: &Step) -> Row {
    vec![
        step.phase.clone(),
        step.what.clone(),
        match step.owner.as_str() {
            "" => "nobody".to_owned(),
            owner => owner.to_owned(),
        },
        words::text(&step.to_find_out.join(", ")),
        step.makes_possible.clone(),
    ]
}

fn benefit(report: &BenefitReport) -> Row {
    let missing: Vec<String> = report.needs.iter().filter_map(lacking).collect();
    vec![words::benefit(report.benefit), words::benefit_reach(report.reach), words::text(&missing.join("; "))]
}

fn lacking(need: &BenefitNeed) -> Option<String> {
    match Outcome::try_from(need.outcome) {
        Ok(Outcome::Satisfied) => None,
        Ok(Outcome::Unsatisfied) => Some(format!("{} (found: {})", need.what, need.found)),
        _ => Some(format!("{} (nobody said {})", need.what, need.missing_facts.join(", "))),
    }
}

fn concern(concern: &Concern) -> Row {
    let stamps = concern.r#where.iter();
    let places: Vec<String> = stamps.map(|stamp| format!("{} {}", stamp.source, stamp.key)).collect();
    vec![
        words::concern_kind(concern.kind),
        concern.seen.clone(),
        words::text(&places.join(", ")),
        concern.remedy.clone(),
    ]
}

fn said(rule: &str, evidence: &Evidence) -> Row {
    vec![
        rule.to_owned(),
        evidence.fact.clone(),
        words::text(&evidence.value),
        words::text(&evidence.source),
        words::moment(evidence.observed_at),
    ]
}

/// What the whole view of a fleet adds.
pub(super) fn fleet(screen: &mut Screen<'_>, summary: &SummarizeFleetResponse) -> Result<(), CliError> {
    let columns = [
        Column::Text("MEND"),
        Column::Number("STOPS"),
        Column::Number("ALONE"),
        Column::Number("FREED SO FAR"),
        Column::Text("WHAT MENDS IT"),
    ];
    let mends = summary.mends.iter().map(|mend| {
        let counts = [mend.stops, mend.alone, mend.mended].map(|devices| devices.to_string());
        let [stops, alone, mended] = counts;
        vec![mend.rule.clone(), stops, alone, mended, words::text(&mend.remediation)]
    });
    screen.section("What to mend first", &columns, mends.collect())?;
    let columns = [
        Column::Text("BENEFIT"),
        Column::Number("UNLOCKED"),
        Column::Number("ONE STEP AWAY"),
        Column::Number("LOCKED"),
        Column::Number("UNKNOWN"),
    ];
    let benefits = summary.benefits.iter().map(|of| {
        let counts = [of.unlocked, of.one_step_away, of.locked, of.unknown];
        let counts = counts.into_iter().map(|devices| devices.to_string());
        std::iter::once(words::benefit(of.benefit)).chain(counts).collect()
    });
    screen.section("Benefits", &columns, benefits.collect())?;
    let counted = |first: &'static str| [Column::Text(first), Column::Number("DEVICES")];
    let concerns = summary.concerns.iter();
    let concerns = concerns.map(|of| vec![words::concern_kind(of.kind), of.devices.to_string()]);
    screen.section("Beside the rules", &counted("FINDING"), concerns.collect())?;
    let columns = [
        Column::Text("CODE"),
        Column::Number("DEVICES"),
        Column::Text("MEANING"),
        Column::Text("WHAT MENDS IT"),
    ];
    let mut errors: Vec<Row> = summary
        .enrollment_errors
        .iter()
        .map(|of| {
            let (meaning, mends) = match &of.meaning {
                Some(known) => (known.meaning.clone(), known.remediation.clone()),
                None => ("no published table has it".to_owned(), String::new()),
            };
            vec![of.hex.clone(), of.devices.to_string(), meaning, words::text(&mends)]
        })
        .collect();
    if summary.other_enrollment_errors > 0 {
        let devices = summary.other_enrollment_errors.to_string();
        errors.push(vec!["others".to_owned(), devices, words::NOTHING.to_owned(), words::NOTHING.to_owned()]);
    }
    screen.section("Enrolment errors", &columns, errors)
}
