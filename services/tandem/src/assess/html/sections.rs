//! Chapters about the fleet as counted: readings, states, eligibility, enrolment, workloads, Windows.

use tandem_domain::workload::Workload;

use super::chart::{BarRow, Chart, Ink, Series, bars, stacked};
use super::devices::authority_ink;
use super::grid::{Block, Column, Datum, Grid, Section, number_column, shown, text_column};
use crate::assess::model::{AssessmentHead, Counts, Totals};
use crate::assess::words::{
    AUTHORITIES, Counted, ELIGIBILITY, ENROLLMENT_STATUS, OS_GROUPS, READINGS, REASONS, STATES, Tone,
    Vocabulary, counted_noun, most_frequent, newest_first, number, share,
};

/// Reasons listed per workload.
const TOP_REASONS: usize = 3;

pub(super) fn sections(head: &AssessmentHead) -> serde_json::Result<Vec<Section>> {
    let totals = &head.totals;
    Ok(vec![
        readings(totals),
        section(
            "states",
            "States",
            "Where each device stands on its way to co-management.",
            vec![worded("chart-states", "Devices by state", STATES, &totals.states, totals.devices)?],
        ),
        section(
            "eligibility",
            "Eligibility",
            &eligibility_lead(totals),
            vec![worded(
                "chart-eligibility",
                "Devices by eligibility",
                ELIGIBILITY,
                &totals.eligibility,
                totals.devices,
            )?],
        ),
        enrolment(totals)?,
        workloads(totals)?,
        windows(totals)?,
    ])
}

pub(super) fn section(id: &'static str, heading: &'static str, lead: &str, blocks: Vec<Block>) -> Section {
    Section { id, heading, lead: lead.to_owned(), blocks }
}

fn readings(totals: &Totals) -> Section {
    let counts = [totals.co_managed.query, totals.co_managed.prose, totals.co_managed.cloud];
    let rows = READINGS
        .iter()
        .zip(counts)
        .map(|((_, label, meaning), devices)| {
            vec![
                Datum::Head {
                    text: (*label).to_owned(),
                    note: (*meaning).to_owned(),
                    swatch: None,
                    code: false,
                },
                Datum::Number(number(devices)),
                Datum::Number(share(devices, totals.devices)),
            ]
        })
        .collect();
    let lead = "Three sources answer “is it co-managed?”, and they differ for a while after every change.";
    let grid = Grid::new("Co-managed devices by each reading", counted_columns("Reading"), rows);
    section("readings", "Co-managed, by three readings", lead, vec![Block::new("", grid)])
}

fn counted_columns(first: &'static str) -> Vec<Column> {
    vec![text_column(first), number_column("Devices"), number_column("Share")]
}

/// What the mouse says about a count.
fn detail(label: &str, devices: u64, whole: u64) -> String {
    format!("{label}: {}, {}", counted_noun(devices, "device", "devices"), share(devices, whole))
}

fn bar_rows(counted: &[Counted], whole: u64) -> Vec<BarRow> {
    let row = |row: &Counted| BarRow {
        label: row.label.clone(),
        devices: row.devices,
        detail: detail(&row.label, row.devices, whole),
        ink: row.tone.into(),
    };
    counted.iter().map(row).collect()
}

/// What the colours mean, of those that occur.
fn tones(counted: &[Counted]) -> Vec<(Ink, String)> {
    let names = [
        (Tone::Done, "Arrived"),
        (Tone::Moving, "On the way"),
        (Tone::Attention, "Needs action"),
        (Tone::Outside, "Outside co-management"),
        (Tone::Unknown, "Not known"),
    ];
    let occurring = names.into_iter().filter(|(tone, _)| counted.iter().any(|row| row.tone == *tone));
    occurring.map(|(tone, name)| (tone.into(), name.to_owned())).collect()
}

/// A chart and a table of one vocabulary.
fn worded(
    id: &'static str,
    caption: &'static str,
    vocabulary: Vocabulary,
    counts: &Counts,
    whole: u64,
) -> serde_json::Result<Block> {
    let counted = vocabulary.counted(counts);
    let mut chart = bars(id, caption, &bar_rows(&counted, whole))?;
    chart.legend = tones(&counted);
    let rows = counted.iter().map(|row| {
        vec![
            Datum::toned(&row.label, row.meaning, row.tone),
            Datum::Number(number(row.devices)),
            Datum::Number(share(row.devices, whole)),
        ]
    });
    Ok(Block::new("", Grid::new(caption, counted_columns(""), rows.collect())).chart(chart))
}

fn eligibility_lead(totals: &Totals) -> String {
    let judged = "Whether the client on a device could be enrolled into Intune (path 1).";
    match totals.eligible_unverified {
        0 => judged.to_owned(),
        devices => format!(
            "{judged} {} unverified: a blocking rule needs a fact that no export carries.",
            counted_noun(devices, "eligible device is", "eligible devices are")
        ),
    }
}

fn enrolment(totals: &Totals) -> serde_json::Result<Section> {
    let mut status = worded(
        "chart-enrolment-status",
        "Devices by enrolment status",
        ENROLLMENT_STATUS,
        &totals.enrollment_status,
        totals.devices,
    )?;
    status.heading = "Status";
    let lead = "Devices with the Configuration Manager client on their way into Intune.";
    Ok(section("enrolment", "Enrolment", lead, vec![funnel(totals)?, status, errors(totals)]))
}

fn funnel(totals: &Totals) -> serde_json::Result<Block> {
    let (here, reached) = (totals.funnel.exclusive, totals.funnel.cumulative);
    let stages = [
        ("Eligible", reached.eligible, here.eligible),
        ("Scheduled", reached.scheduled, here.scheduled),
        ("Enrolment initiated", reached.enrollment_initiated, here.enrollment_initiated),
        ("Enrolled", reached.enrolled, here.enrolled),
    ];
    let last = stages.len() - 1;
    let whole = reached.eligible;
    // Whoever is enrolled has arrived: that bar is of one colour.
    let onward = |index: usize, reached: u64, here: u64| {
        if index == last { reached } else { reached.saturating_sub(here) }
    };
    let segments = |arrived: bool| {
        let segment = |(index, (label, reached, here)): (usize, &(&str, u64, u64))| {
            let went = onward(index, *reached, *here);
            let devices = if arrived { went } else { reached.saturating_sub(went) };
            let what = if arrived { "arrived or went on" } else { "stand here" };
            (devices, detail(&format!("{label}, {what}"), devices, whole))
        };
        stages.iter().enumerate().map(segment).collect()
    };
    let series = [
        Series { name: "Went on, or enrolled".to_owned(), ink: Ink::Blue, segments: segments(true) },
        Series { name: "Stand here".to_owned(), ink: Ink::Sky, segments: segments(false) },
    ];
    let labels = stages.map(|(label, _, _)| label);
    let chart =
        stacked("chart-funnel", "Enrolment funnel: devices that reached each stage", &labels, &series)?;
    let rows = stages.map(|(label, reached, here)| {
        vec![
            Datum::head(label),
            Datum::Number(number(reached)),
            Datum::Number(share(reached, whole)),
            Datum::Number(number(here)),
        ]
    });
    let columns = vec![
        text_column("Stage"),
        number_column("Reached"),
        number_column("Of eligible"),
        number_column("Stand here"),
    ];
    Ok(Block::new("Funnel", Grid::new("Devices by furthest stage", columns, rows.into()).cards())
        .chart(chart))
}

fn errors(totals: &Totals) -> Block {
    let rows = totals.enrollment_errors.iter().map(|error| {
        vec![
            Datum::code(&error.code, error.symbol.as_deref().unwrap_or("")),
            Datum::Number(number(error.devices)),
            Datum::text(error.meaning.as_deref().unwrap_or("In no published table.")),
            Datum::text(error.remediation.as_deref().unwrap_or("Look the code up at the vendor.")),
        ]
    });
    let columns =
        vec![text_column("Code"), number_column("Devices"), text_column("Meaning"), text_column("Remedy")];
    let grid = Grid::new("Enrolment errors and their remedies", columns, rows.collect()).cards();
    Block::new("Errors", grid.empty("No device that is known to have the client reports an enrolment error."))
}

fn workloads(totals: &Totals) -> serde_json::Result<Section> {
    let lead = "Who decides each workload on each device, by the rules over sliders, pilot collections and the device’s own state.";
    Ok(section("workloads", "Workload authority", lead, vec![authority(totals)?, reasons(totals)]))
}

fn authority_count(totals: &Totals, workload: Workload, authority: &str) -> u64 {
    totals.authority.get(workload.id()).and_then(|counts| counts.get(authority)).copied().unwrap_or(0)
}

fn authority(totals: &Totals) -> serde_json::Result<Block> {
    let chart = authority_chart(totals)?;
    let rows = Workload::ALL.map(|workload| {
        let counts = AUTHORITIES
            .0
            .iter()
            .map(|entry| Datum::Number(number(authority_count(totals, workload, entry.word))));
        std::iter::once(Datum::head(workload.display_name())).chain(counts).collect()
    });
    let columns = vec![
        text_column("Workload"),
        number_column("ConfigMgr"),
        number_column("Intune"),
        number_column("3rd party"),
        number_column("None"),
        number_column("Unknown"),
    ];
    let grid = Grid::new("Devices per workload and authority", columns, rows.into()).cards();
    Ok(Block::new("", grid).chart(chart))
}

fn authority_chart(totals: &Totals) -> serde_json::Result<Chart> {
    let series: Vec<Series> = AUTHORITIES
        .0
        .iter()
        .map(|entry| Series {
            name: entry.label.to_owned(),
            ink: authority_ink(entry.word),
            segments: Workload::ALL
                .map(|workload| {
                    let devices = authority_count(totals, workload, entry.word);
                    let label = format!("{}, {}", workload.display_name(), entry.label);
                    (devices, detail(&label, devices, totals.devices))
                })
                .into(),
        })
        .collect();
    stacked("chart-authority", "Authority per workload", &Workload::ALL.map(Workload::display_name), &series)
}

fn reasons(totals: &Totals) -> Block {
    let rows = Workload::ALL.map(|workload| {
        let reasons = totals.authority_reasons.get(workload.id()).map(most_frequent).unwrap_or_default();
        let top = reasons.iter().filter(|(_, devices)| *devices > 0).take(TOP_REASONS);
        let lines =
            top.map(|(reason, devices)| format!("{} {}", number(*devices), shown(REASONS.label(reason))));
        let moved = totals.workload_transition.get(workload.id()).copied().unwrap_or_default();
        vec![
            Datum::head(workload.display_name()),
            Datum::Text(lines.collect::<Vec<_>>().join(" · ")),
            Datum::Number(number(moved.effective)),
            Datum::Number(number(moved.reported)),
        ]
    });
    let columns = vec![
        text_column("Workload"),
        text_column("Most frequent reasons"),
        number_column("Effective"),
        number_column("Reported"),
    ];
    let grid = Grid::new("Most frequent reasons, and devices at Intune", columns, rows.into()).cards();
    Block::new("Reasons and transition", grid)
        .lead("Why the workload is where it is. The last two columns count devices with the client whose workload is at Intune: effective by the rules, reported by what they last said.")
}

fn windows(totals: &Totals) -> serde_json::Result<Section> {
    let mut groups =
        worded("chart-os-groups", "Devices by Windows group", OS_GROUPS, &totals.os_groups, totals.devices)?;
    groups.heading = "Groups";
    if let Some(chart) = &mut groups.chart {
        // The release alone does not say that a device can be co-managed.
        let inks = [(Ink::Teal, "New enough to enrol"), (Ink::Orange, "Too old to enrol")];
        chart.legend = inks.map(|(ink, name)| (ink, name.to_owned())).into();
    }
    let versions = newest_first(&totals.os_versions);
    let bar = |(version, devices): &(&str, u64)| BarRow {
        label: (*version).to_owned(),
        devices: *devices,
        detail: detail(version, *devices, totals.devices),
        ink: Ink::Blue,
    };
    let chart = bars(
        "chart-os-versions",
        "Devices by Windows version",
        &versions.iter().map(bar).collect::<Vec<_>>(),
    )?;
    let rows = versions.iter().map(|(version, devices)| {
        vec![
            Datum::head(version),
            Datum::Number(number(*devices)),
            Datum::Number(share(*devices, totals.devices)),
        ]
    });
    let grid = Grid::new("Devices by Windows version", counted_columns("Version"), rows.collect());
    let lead = "Devices with the Configuration Manager client; shares are of all devices.";
    Ok(section("windows", "Windows", lead, vec![groups, Block::new("Versions", grid).chart(chart)]))
}
