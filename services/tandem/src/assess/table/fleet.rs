//! The fleet, counted: readings, states, eligibility, enrolment, workloads, Windows versions.

use comfy_table::Cell;
use tandem_domain::workload::Workload;

use super::Column::{Number, Text};
use super::{Section, figure, text, toned};
use crate::assess::model::{AssessmentHead, Counts, Totals};
use crate::assess::words::{
    AUTHORITIES, ELIGIBILITY, ENROLLMENT_STATUS, OS_GROUPS, READINGS, REASONS, STATES, Vocabulary,
    most_frequent, newest_first, number, share,
};
use crate::printable::printable;

/// Reasons shown per workload: more would wrap past what an eye takes in.
const TOP_REASONS: usize = 3;

pub(super) fn sections(head: &AssessmentHead) -> Vec<Section> {
    let totals = &head.totals;
    vec![
        readings(totals),
        worded("States", "State", STATES, &totals.states, totals.devices),
        worded("Eligibility", "Eligibility", ELIGIBILITY, &totals.eligibility, totals.devices)
            .note(unverified_note(totals)),
        funnel(totals),
        worded("Enrolment status", "Status", ENROLLMENT_STATUS, &totals.enrollment_status, totals.devices),
        enrollment_errors(totals),
        authority(totals),
        drift(totals),
        worded("Windows groups", "Group", OS_GROUPS, &totals.os_groups, totals.devices),
        os_versions(totals),
    ]
}

fn readings(totals: &Totals) -> Section {
    let counts = [totals.co_managed.query, totals.co_managed.prose, totals.co_managed.cloud];
    let rows = READINGS
        .iter()
        .zip(counts)
        .map(|((_, label, meaning), devices)| {
            vec![text(label), figure(number(devices)), figure(share(devices, totals.devices)), text(meaning)]
        })
        .collect();
    Section::new(
        "Co-managed",
        vec![Text("Reading"), Number("Devices"), Number("Share"), Text("Counts")],
        rows,
    )
}

/// A table of one vocabulary: label, count, share, and the meaning where there is one to tell.
fn worded(
    title: &'static str,
    first: &'static str,
    vocabulary: Vocabulary,
    counts: &Counts,
    whole: u64,
) -> Section {
    let counted = vocabulary.counted(counts);
    let with_meaning = counted.iter().any(|row| !row.meaning.is_empty());
    let mut columns = vec![Text(first), Number("Devices"), Number("Share")];
    if with_meaning {
        columns.push(Text("Meaning"));
    }
    let rows = counted.iter().map(|row| {
        let mut cells =
            vec![toned(&row.label, row.tone), figure(number(row.devices)), figure(share(row.devices, whole))];
        if with_meaning {
            cells.push(text(row.meaning));
        }
        cells
    });
    Section::new(title, columns, rows.collect())
}

fn unverified_note(totals: &Totals) -> String {
    match totals.eligible_unverified {
        0 => String::new(),
        devices => format!(
            "{} of the eligible are unverified: a blocking rule needs a fact that no export carries",
            number(devices)
        ),
    }
}

fn funnel(totals: &Totals) -> Section {
    let (here, reached) = (totals.funnel.exclusive, totals.funnel.cumulative);
    let stages = [
        ("Eligible", reached.eligible, here.eligible),
        ("Scheduled", reached.scheduled, here.scheduled),
        ("Enrolment initiated", reached.enrollment_initiated, here.enrollment_initiated),
        ("Enrolled", reached.enrolled, here.enrolled),
    ];
    let rows = stages.map(|(label, reached, here)| {
        vec![
            text(label),
            figure(number(reached)),
            figure(share(reached, totals.funnel.cumulative.eligible)),
            figure(number(here)),
        ]
    });
    let columns = vec![Text("Stage"), Number("Reached"), Number("Of eligible"), Number("Stand here")];
    Section::new("Enrolment funnel", columns, rows.into())
}

fn enrollment_errors(totals: &Totals) -> Section {
    let rows = totals
        .enrollment_errors
        .iter()
        .map(|error| {
            let meaning = error.meaning.as_deref().unwrap_or("not in any published table");
            let remediation = error.remediation.as_deref().unwrap_or("look the code up at the vendor");
            vec![text(&error.code), figure(number(error.devices)), text(meaning), text(remediation)]
        })
        .collect();
    Section::new(
        "Enrolment errors",
        vec![Text("Code"), Number("Devices"), Text("Meaning"), Text("Remedy")],
        rows,
    )
}

fn authority(totals: &Totals) -> Section {
    let rows = Workload::ALL.map(|workload| {
        let counts = totals.authority.get(workload.id());
        let mut cells = vec![text(workload.display_name())];
        cells.extend(AUTHORITIES.0.iter().map(|authority| {
            figure(number(counts.and_then(|counts| counts.get(authority.word)).copied().unwrap_or(0)))
        }));
        cells.push(Cell::new(top_reasons(totals.authority_reasons.get(workload.id()))));
        cells
    });
    let columns = vec![
        Text("Workload"),
        Number("ConfigMgr"),
        Number("Intune"),
        Number("3rd party"),
        Number("None"),
        Number("Unknown"),
        Text("Most frequent reasons"),
    ];
    Section::new("Authority per workload", columns, rows.into())
        .note("who decides, by the rules over sliders, pilot collections and each device's state")
}

fn top_reasons(reasons: Option<&Counts>) -> String {
    let reasons = reasons.map(most_frequent).unwrap_or_default();
    let shown = reasons.iter().filter(|(_, devices)| *devices > 0).take(TOP_REASONS);
    let lines =
        shown.map(|(reason, devices)| format!("{} {}", number(*devices), printable(&REASONS.label(reason))));
    lines.collect::<Vec<_>>().join("\n")
}

fn drift(totals: &Totals) -> Section {
    let rows = Workload::ALL.into_iter().filter_map(|workload| {
        let devices = totals.drift.get(workload.id()).copied().filter(|devices| *devices > 0)?;
        let moved = totals.workload_transition.get(workload.id()).copied().unwrap_or_default();
        Some(vec![
            text(workload.display_name()),
            figure(number(devices)),
            figure(number(moved.effective)),
            figure(number(moved.reported)),
        ])
    });
    let columns = vec![
        Text("Workload"),
        Number("Devices that disagree"),
        Number("At Intune, effective"),
        Number("At Intune, reported"),
    ];
    Section::new("Drift per workload", columns, rows.collect())
        .note("co-managed devices whose last report contradicts the rules; normal for hours after a change")
        .empty("none: wherever both are known, reports agree with the rules")
}

fn os_versions(totals: &Totals) -> Section {
    let rows = newest_first(&totals.os_versions)
        .into_iter()
        .map(|(version, devices)| {
            vec![text(version), figure(number(devices)), figure(share(devices, totals.devices))]
        })
        .collect();
    Section::new("Windows versions", vec![Text("Version"), Number("Devices"), Number("Share")], rows)
        .note("devices with the Configuration Manager client")
}
