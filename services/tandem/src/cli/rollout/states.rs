//! `tandem authority rollout states`: every way in which a rollout, and a wave of it, changes its phase.

use std::fmt::Display;

use serde::Serialize;
use tandem_domain::rollout::{ROLLOUT_ROWS, RolloutEvent, Row as Change, WAVE_ROWS, WaveEvent};

use crate::cli::failure::CliError;
use crate::cli::json;
use crate::cli::screen::{Column, Row, Screen};
use crate::cli::words;

const COLUMNS: [Column; 5] = [
    Column::Text("FROM"),
    Column::Text("BY"),
    Column::Text("WHO"),
    Column::Text("TO"),
    Column::Text("THEN, OR ONLY IF"),
];

/// Both tables, as programs read them.
#[derive(Debug, Serialize)]
struct States {
    rollout: Vec<Line>,
    wave: Vec<Line>,
}

/// A row of a table.
#[derive(Debug, Serialize)]
struct Line {
    from: String,
    by: String,
    who: &'static str,
    to: String,
    note: &'static str,
}

/// Shows them.
pub(in crate::cli) fn run(screen: &mut Screen<'_>) -> Result<(), CliError> {
    let states = States {
        rollout: lines(ROLLOUT_ROWS, RolloutEvent::is_command),
        wave: lines(WAVE_ROWS, |event| matches!(event, WaveEvent::ApprovedByPerson | WaveEvent::TriedAgain)),
    };
    if screen.is_json() {
        return screen.line(&json::own(&states)?);
    }
    screen.line("Phases of a rollout, and what leads from one to another")?;
    screen.table(&COLUMNS, rows(states.rollout))?;
    screen.section("Phases of a wave", &COLUMNS, rows(states.wave))?;
    let frozen = RolloutEvent::ALL.iter().filter(|event| event.is_allowed_when_frozen());
    let frozen: Vec<&str> = frozen.map(|event| event.id()).collect();
    screen.line(&format!(
        "\nNothing else happens. While the tenant is frozen nothing happens by itself, and people are obeyed only with {}.",
        frozen.join(", ")
    ))
}

fn lines<P: Display, E: Display + Copy>(
    changes: &[Change<P, E>],
    is_by_person: impl Fn(E) -> bool,
) -> Vec<Line> {
    let line = |change: &Change<P, E>| Line {
        from: change.from.to_string(),
        by: change.event.to_string(),
        who: if is_by_person(change.event) { "a person" } else { "by itself" },
        to: change.to.to_string(),
        note: change.note,
    };
    changes.iter().map(line).collect()
}

fn rows(lines: Vec<Line>) -> Vec<Row> {
    let row = |line: Line| vec![line.from, line.by, line.who.to_owned(), line.to, words::text(line.note)];
    lines.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::{Output, shown};

    #[test]
    fn every_row_of_both_tables_is_shown() {
        let text = shown(Output::Table, run);
        let begins = [
            "Phases of a rollout, and what leads from one to another",
            " FROM               BY                   WHO         TO                 THEN, OR ONLY IF",
        ];
        assert!(text.starts_with(&begins.join("\n")), "{text}");
        let row = " inconclusive   approved_by_person     a person    approved       –";
        assert!(text.lines().any(|line| line == row), "{text}");
        // Two titles, two headings with their rules, two blank lines, and the last.
        assert_eq!(text.lines().count(), ROLLOUT_ROWS.len() + WAVE_ROWS.len() + 9);
    }

    #[test]
    fn programs_read_the_same() {
        let states: serde_json::Value = serde_json::from_str(&shown(Output::Json, run)).unwrap();
        let expected = serde_json::json!({
            "from": "draft", "by": "submit", "who": "a person", "to": "pending_approval", "note": ""
        });
        assert_eq!(states["rollout"][0], expected);
        assert_eq!(states["wave"].as_array().unwrap().len(), WAVE_ROWS.len());
    }
}
