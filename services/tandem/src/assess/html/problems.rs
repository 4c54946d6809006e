//! Chapters about what needs somebody: blockers, drift, tenant and sites, identities, input.

use tandem_domain::workload::Workload;

use super::LIST_ROWS;
use super::chart::{BarRow, Ink, bars};
use super::grid::{Block, Datum, Grid, Section, number_column, shown, text_column};
use super::sections::section;
use crate::assess::findings::{
    FleetBlocker, condition, fleet_blockers, path_names, problems, surroundings, undecided,
};
use crate::assess::model::{AssessmentHead, Prerequisites, RefusedInput, UnusedFile};
use crate::assess::words::{PATHS, VERDICTS, counted_noun, number, share};

/// Bars of the blockers chart: the table below lists all.
const CHART_BLOCKERS: usize = 12;

pub(super) fn sections(head: &AssessmentHead) -> serde_json::Result<Vec<Section>> {
    Ok(vec![blockers(head)?, drift(head), prerequisites(head), identity(head), input(head)])
}

fn blockers(head: &AssessmentHead) -> serde_json::Result<Section> {
    let blockers = fleet_blockers(&head.totals.blockers);
    let bar = |blocker: &FleetBlocker<'_>| {
        let per_path = blocker.devices.iter().map(|(path, devices)| {
            format!("{} {} ({})", PATHS.label(path), number(*devices), share(*devices, head.totals.devices))
        });
        BarRow {
            label: shown(blocker.rule),
            devices: blocker.most_devices(),
            detail: format!("{}: {}", blocker.rule, per_path.collect::<Vec<_>>().join(", ")),
            ink: if blocker.blocking { Ink::Orange } else { Ink::Grey },
        }
    };
    let shown_bars: Vec<BarRow> = blockers.iter().take(CHART_BLOCKERS).map(bar).collect();
    let mut chart = bars(
        "chart-blockers",
        &format!("Devices per unsatisfied rule, on the path with the most: the first {CHART_BLOCKERS} rules"),
        &shown_bars,
    )?;
    chart.legend = vec![(Ink::Orange, "Blocking".to_owned()), (Ink::Grey, "Warning".to_owned())];
    let rows = blockers.iter().map(|blocker| {
        let on = |path: &str| {
            Datum::Number(blocker.devices.get(path).map_or("–".to_owned(), |devices| number(*devices)))
        };
        vec![
            Datum::code(blocker.rule, ""),
            Datum::severity(blocker.blocking),
            on("path1"),
            on("path2"),
            on("coexistence"),
            asked_and_mended(blocker.condition, blocker.remediation),
        ]
    });
    let columns = vec![
        text_column("Rule"),
        text_column("Severity"),
        number_column("Path\u{a0}1"),
        number_column("Path\u{a0}2"),
        number_column("Coexist."),
        text_column("What it asks for, and what mends it"),
    ];
    let grid = Grid::new("Devices that do not satisfy a rule, per path", columns, rows.collect()).cards();
    let block =
        Block::new("", grid.empty("Every device satisfies every rule that could be judged.")).chart(chart);
    let lead = "Rules that devices do not satisfy: what each asks for, and what mends it. A device may stand in several rows. Path 1 enrols an existing client into Intune; path 2 brings the client to a device that is in Intune.";
    Ok(section("blockers", "Blockers", lead, vec![block]))
}

/// A rule that the catalogue does not have is known by its remedy alone.
fn asked_and_mended(condition: &str, remediation: &str) -> Datum {
    let lines = [("Satisfied when", condition), ("Remedy", remediation)];
    let said = lines.into_iter().filter(|(_, text)| !text.is_empty());
    Datum::Named(said.map(|(name, text)| (name, shown(text))).collect())
}

fn drift(head: &AssessmentHead) -> Section {
    let rows = Workload::ALL.into_iter().filter_map(|workload| {
        let devices = head.totals.drift.get(workload.id()).copied().filter(|devices| *devices > 0)?;
        let share = share(devices, head.totals.co_managed.query);
        Some(vec![Datum::head(workload.display_name()), Datum::Number(number(devices)), Datum::Number(share)])
    });
    let columns = vec![text_column("Workload"), number_column("Devices"), number_column("Of co-managed")];
    let grid = Grid::new("Co-managed devices whose report contradicts the rules", columns, rows.collect());
    let lead = "A report lags behind every change by hours; look at what stays.";
    section(
        "drift",
        "Drift",
        lead,
        vec![Block::new("", grid.empty("Wherever both are known, reports agree with the rules."))],
    )
}

fn prerequisites(head: &AssessmentHead) -> Section {
    let lead = "Rules of the whole tenant and of each site. They are judged once and do not change a device’s verdict.";
    let blocks = vec![verdicts(head), unsatisfied(head), unknown(head)];
    section("prerequisites", "Tenant and sites", lead, blocks)
}

fn verdicts(head: &AssessmentHead) -> Block {
    let verdict = |prerequisites: &Prerequisites, path: &str| match prerequisites.get(path) {
        None => Datum::text("–"),
        Some(report) => Datum::Badge {
            text: shown(VERDICTS.label(&report.verdict)).to_lowercase(),
            class: match report.verdict.as_ref() {
                "ready" => "good",
                "blocked" => "bad",
                _ => "plain",
            },
        },
    };
    let rows = surroundings(head).into_iter().map(|(place, prerequisites)| {
        vec![Datum::head(place), verdict(prerequisites, "path1"), verdict(prerequisites, "path2")]
    });
    let columns = vec![text_column("Where"), text_column("Path 1"), text_column("Path 2")];
    Block::new("Verdicts", Grid::new("Verdict per path", columns, rows.collect()))
}

fn unsatisfied(head: &AssessmentHead) -> Block {
    let rows = surroundings(head).into_iter().flat_map(|(place, prerequisites)| {
        problems(prerequisites).into_iter().map(move |problem| {
            vec![
                Datum::code(&problem.finding.rule, path_names(&problem.paths)),
                Datum::text(&place),
                Datum::severity(problem.is_blocking()),
                Datum::Named(vec![
                    ("Expected", shown(&problem.finding.expected)),
                    ("Found", shown(&problem.finding.found)),
                ]),
                Datum::text(&problem.finding.remediation),
            ]
        })
    });
    let columns = vec![
        text_column("Rule"),
        text_column("Where"),
        text_column("Severity"),
        text_column("Finding"),
        text_column("Remedy"),
    ];
    let grid = Grid::new("Rules that are not satisfied", columns, rows.collect()).cards();
    Block::new("Not satisfied", grid.empty("Every rule that could be judged is satisfied."))
}

fn unknown(head: &AssessmentHead) -> Block {
    let rows = surroundings(head).into_iter().flat_map(|(place, prerequisites)| {
        undecided(prerequisites).into_iter().map(move |row| {
            vec![
                Datum::code(row.rule, path_names(&row.paths)),
                Datum::text(&place),
                Datum::text(condition(row.rule)),
            ]
        })
    });
    let columns = vec![text_column("Rule"), text_column("Where"), text_column("Satisfied when")];
    let grid = Grid::new("Rules that no export decides", columns, rows.collect());
    Block::new("Unknown", grid.empty("Every rule is decided."))
        .lead("Unknown is not a pass: the tenant facts file can say, or an operator can attest.")
}

/// What a cut list says below itself.
fn rest(total: usize) -> String {
    match total.saturating_sub(LIST_ROWS) {
        0 => String::new(),
        more => format!("{} in the JSON output.", counted_noun(more as u64, "more is", "more are")),
    }
}

fn identity(head: &AssessmentHead) -> Section {
    let rows = head.identity_conflicts.iter().take(LIST_ROWS).map(|conflict| {
        vec![
            Datum::code(&conflict.value, conflict.kind.replace('_', " ")),
            Datum::text(conflict.held_by()),
            Datum::text(conflict.claimed_by()),
        ]
    });
    let columns = vec![text_column("Key"), text_column("Held by"), text_column("Claimed by")];
    let grid = Grid::new("Keys that a second record claims", columns, rows.collect()).cards();
    let grid = grid.empty("No key is claimed twice.").rest(rest(head.identity_conflicts.len()));
    let lead = "A second claimant is recorded and never merged by guessing. Typical causes: cloned disks, swapped mainboards, re-used names.";
    section("identity", "Identity conflicts", lead, vec![Block::new("", grid)])
}

fn input(head: &AssessmentHead) -> Section {
    let blocks = vec![refused(head), left_out(head), files(head), not_used(head)];
    section("input", "Input", &skipped(head), blocks)
}

fn skipped(head: &AssessmentHead) -> String {
    let skipped = head.inputs.skipped_records;
    format!(
        "Skipped as no devices: {} obsolete, {} decommissioned and {} “unknown computer” records.",
        number(skipped.obsolete),
        number(skipped.decommissioned),
        number(skipped.unknown_computer),
    )
}

fn not_used(head: &AssessmentHead) -> Block {
    let unused = &head.inputs.unused;
    let row = |unused: &UnusedFile| vec![Datum::code(&unused.file, ""), Datum::code(&unused.kind, "")];
    let rows = unused.iter().take(LIST_ROWS).map(row).collect();
    let grid = Grid::new(
        "Known files from which nothing is taken",
        vec![text_column("File"), text_column("What it is")],
        rows,
    );
    Block::new("Not used", grid.empty("Every file that is known was used.").rest(rest(unused.len())))
}

fn refused(head: &AssessmentHead) -> Block {
    Block::new("Refused", lines("Refused lines", &head.inputs.refused).empty("Nothing was refused."))
}

fn left_out(head: &AssessmentHead) -> Block {
    let grid = lines("Values and pages that were left out or are missing", &head.inputs.warnings);
    Block::new(
        "Warnings",
        grid.empty("Every value of every record could be read, and every answer to its end."),
    )
}

fn lines(caption: &'static str, lines: &[RefusedInput]) -> Grid {
    let row = |line: &RefusedInput| vec![Datum::code(&line.file, &line.place), Datum::text(&line.reason)];
    let rows = lines.iter().take(LIST_ROWS).map(row).collect();
    Grid::new(caption, vec![text_column("Place"), text_column("Reason")], rows).rest(rest(lines.len()))
}

fn files(head: &AssessmentHead) -> Block {
    let files = &head.inputs.files;
    let rows = files.iter().take(LIST_ROWS).map(|file| {
        vec![
            Datum::code(&file.file, &file.kind),
            Datum::Number(number(file.records)),
            Datum::Number(number(file.refused)),
        ]
    });
    let columns = vec![text_column("File"), number_column("Records"), number_column("Refused")];
    Block::new("Files", Grid::new("Files that were read", columns, rows.collect()).rest(rest(files.len())))
}
