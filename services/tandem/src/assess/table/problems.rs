//! What needs somebody: unsatisfied rules, identity conflicts, refused input.

use super::Column::{Number, Text};
use super::{LIST_ROWS, Section, figure, text, toned};
use crate::assess::findings::{condition, fleet_blockers, path_names, problems, surroundings, undecided};
use crate::assess::model::{AssessmentHead, RefusedInput};
use crate::assess::words::{Tone, counted_noun, number};

pub(super) fn sections(head: &AssessmentHead) -> Vec<Section> {
    vec![
        blockers(head),
        asked_for(head),
        prerequisites(head),
        unknown_prerequisites(head),
        identity_conflicts(head),
        refused(head),
        left_out(head),
        not_used(head),
        skipped(head),
    ]
}

/// `blocking` or `warning`, coloured.
fn severity(blocking: bool) -> comfy_table::Cell {
    if blocking {
        toned("blocking", Tone::Attention).fg(comfy_table::Color::Red)
    } else {
        toned("warning", Tone::Attention)
    }
}

fn blockers(head: &AssessmentHead) -> Section {
    let blockers = fleet_blockers(&head.totals.blockers);
    let rows = blockers.iter().map(|blocker| {
        let on =
            |path: &str| figure(blocker.devices.get(path).map_or("–".to_owned(), |devices| number(*devices)));
        vec![
            text(blocker.rule),
            severity(blocker.blocking),
            on("path1"),
            on("path2"),
            on("coexistence"),
            text(blocker.remediation),
        ]
    });
    let columns = vec![
        Text("Rule"),
        Text("Severity"),
        Number("Path 1"),
        Number("Path 2"),
        Number("Coexist."),
        Text("Remedy"),
    ];
    Section::new("Blockers", columns, rows.collect())
        .note("devices that do not satisfy a rule, per path; a device may stand in several rows")
        .first_of(blockers.len() as u64)
}

/// The rules of the table above it, in its order.
fn asked_for(head: &AssessmentHead) -> Section {
    let blockers = fleet_blockers(&head.totals.blockers);
    let known = blockers.iter().take(LIST_ROWS).filter(|blocker| !blocker.condition.is_empty());
    let rows = known.map(|blocker| vec![text(blocker.rule), text(blocker.condition)]);
    Section::new("What these rules ask for", vec![Text("Rule"), Text("Satisfied when")], rows.collect())
}

fn prerequisites(head: &AssessmentHead) -> Section {
    let rows = surroundings(head).into_iter().flat_map(|(place, prerequisites)| {
        problems(prerequisites).into_iter().map(move |problem| {
            let finding = problem.finding;
            let what = format!(
                "expected: {}\nfound: {}\nremedy: {}",
                super::printable(&finding.expected),
                super::printable(&finding.found),
                super::printable(&finding.remediation)
            );
            vec![
                text(&place),
                text(&format!("{} ({})", finding.rule, path_names(&problem.paths))),
                severity(problem.is_blocking()),
                comfy_table::Cell::new(what),
            ]
        })
    });
    let columns = vec![Text("Where"), Text("Rule"), Text("Severity"), Text("Finding")];
    Section::new("Tenant and site prerequisites: not satisfied", columns, rows.collect())
}

fn unknown_prerequisites(head: &AssessmentHead) -> Section {
    let rows = surroundings(head).into_iter().flat_map(|(place, prerequisites)| {
        undecided(prerequisites).into_iter().map(move |row| {
            let rule = format!("{} ({})", row.rule, path_names(&row.paths));
            vec![text(&place), text(&rule), text(condition(row.rule))]
        })
    });
    Section::new(
        "Tenant and site prerequisites: unknown",
        vec![Text("Where"), Text("Rule"), Text("Satisfied when")],
        rows.collect(),
    )
    .note("no export says; the tenant facts file can")
}

fn identity_conflicts(head: &AssessmentHead) -> Section {
    let rows = head.identity_conflicts.iter().map(|conflict| {
        vec![
            text(&conflict.kind),
            text(&conflict.value),
            text(conflict.held_by()),
            text(&conflict.claimed_by()),
        ]
    });
    let columns = vec![Text("Key"), Text("Value"), Text("Held by"), Text("Claimed by")];
    let total = head.totals.identity_conflicts.max(head.identity_conflicts.len() as u64);
    Section::new("Identity conflicts", columns, rows.collect())
        .note(list_note(total, "key is claimed by a second record", "keys are claimed by a second record"))
        .first_of(total)
}

fn refused(head: &AssessmentHead) -> Section {
    lines(
        "Refused input",
        &head.inputs.refused,
        ["line was refused; the rest was assessed", "lines were refused; the rest was assessed"],
    )
}

fn left_out(head: &AssessmentHead) -> Section {
    lines(
        "Warnings",
        &head.inputs.warnings,
        [
            "value or page was left out or is missing; the rest was kept",
            "values or pages were left out or are missing; the rest was kept",
        ],
    )
}

fn not_used(head: &AssessmentHead) -> Section {
    let unused = &head.inputs.unused;
    let rows = unused.iter().map(|unused| vec![text(&unused.file), text(&unused.kind)]);
    Section::new("Files not used", vec![Text("File"), Text("What it is")], rows.collect())
        .note(list_note(
            unused.len() as u64,
            "file is known and has no use",
            "files are known and have no use",
        ))
        .first_of(unused.len() as u64)
}

fn skipped(head: &AssessmentHead) -> Section {
    let skipped = head.inputs.skipped_records;
    let counts = [
        ("obsolete: superseded by another record", skipped.obsolete),
        ("decommissioned", skipped.decommissioned),
        ("\"unknown computer\" of operating system deployment", skipped.unknown_computer),
    ];
    let rows = counts.into_iter().filter(|(_, count)| *count > 0);
    let rows = rows.map(|(why, count)| vec![text(why), figure(number(count))]);
    Section::new("Records skipped as no devices", vec![Text("Why"), Number("Records")], rows.collect())
}

fn lines(title: &'static str, lines: &[RefusedInput], [one, many]: [&str; 2]) -> Section {
    let rows = lines.iter().map(|line| vec![text(&line.file), text(&line.place), text(&line.reason)]);
    let total = lines.len() as u64;
    Section::new(title, vec![Text("File"), Text("Place"), Text("Reason")], rows.collect())
        .note(list_note(total, one, many))
        .first_of(total)
}

/// How many there are, unless there are none: then the table's own word says it.
fn list_note(total: u64, one: &str, many: &str) -> String {
    if total == 0 { String::new() } else { counted_noun(total, one, many) }
}
