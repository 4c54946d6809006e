//! The page as the template sees it: headline figures, chapters, devices.

use askama::Template;

use super::devices::DeviceList;
use super::grid::{Datum, Section};
use super::{problems, sections};
use crate::assess::model::{AssessmentHead, Counts, DeviceAssessment};
use crate::assess::words::{counted_noun, number, share};

/// The page.
#[derive(Template)]
#[template(path = "assessment/page.html")]
pub(super) struct Page<'a> {
    devices_total: String,
    as_of: String,
    as_of_machine: String,
    sources: String,
    refused: String,
    figures: Vec<Figure>,
    sections: Vec<Section>,
    devices: DeviceList,
    library: &'a str,
    style: &'static str,
    script: &'static str,
}

/// A headline figure.
struct Figure {
    label: &'static str,
    value: String,
    note: String,
    /// Where the page says more.
    target: &'static str,
    /// Somebody has to act.
    attention: bool,
}

impl<'a> Page<'a> {
    pub(super) fn new(
        head: &AssessmentHead,
        devices: &[DeviceAssessment],
        library: &'a str,
    ) -> serde_json::Result<Self> {
        let mut sections = sections::sections(head)?;
        sections.extend(problems::sections(head)?);
        Ok(Self {
            devices_total: counted_noun(head.totals.devices, "device", "devices"),
            as_of: head.as_of.strftime("%-d %B %Y, %H:%M UTC").to_string(),
            as_of_machine: head.as_of.to_string(),
            sources: counted_noun(head.inputs.files.len() as u64, "file read", "files read"),
            refused: refused(head),
            figures: figures(head),
            sections,
            devices: DeviceList::new(devices, head.totals.devices),
            library,
            style: include_str!("../../../templates/assessment/style.css"),
            script: include_str!("../../../templates/assessment/page.js"),
        })
    }
}

fn refused(head: &AssessmentHead) -> String {
    match head.inputs.refused.len() as u64 {
        0 => String::new(),
        lines => format!(
            "{} refused, so counts may be low.",
            counted_noun(lines, "line of input was", "lines of input were")
        ),
    }
}

fn sum(counts: &Counts, words: &[&str]) -> u64 {
    words.iter().filter_map(|word| counts.get(*word)).sum()
}

fn figures(head: &AssessmentHead) -> Vec<Figure> {
    let totals = &head.totals;
    let ready = sum(&totals.eligibility, &["eligible", "scheduledForEnrollment"]);
    let mendable = sum(&totals.eligibility, &["needsOsUpdate", "eligibleButNotAzureAdJoined"]);
    let stuck = sum(&totals.states, &["failed", "pending_sign_in"]);
    let disagreeing: u64 = totals.drift.values().sum();
    let unverified = match totals.eligible_unverified {
        0 => "no known rule stands in the way".to_owned(),
        devices => format!("{} not fully verified", number(devices)),
    };
    let figure = |label, value: u64, note: String, target, attention: bool| Figure {
        label,
        value: number(value),
        note,
        target,
        attention: attention && value > 0,
    };
    vec![
        figure(
            "Co-managed",
            totals.co_managed.query,
            format!("{} of {}", share(totals.co_managed.query, totals.devices), number(totals.devices)),
            "readings",
            false,
        ),
        figure("Can enrol", ready, unverified, "eligibility", false),
        figure("One step away", mendable, "need a Windows update or a join".to_owned(), "eligibility", false),
        figure("Enrolment stuck", stuck, "failed, or waiting for sign-in".to_owned(), "enrolment", true),
        figure(
            "Reports that disagree",
            disagreeing,
            "workloads of devices, against the rules".to_owned(),
            "drift",
            true,
        ),
        figure(
            "Identity conflicts",
            totals.identity_conflicts,
            "keys that two records claim".to_owned(),
            "identity",
            true,
        ),
    ]
}
