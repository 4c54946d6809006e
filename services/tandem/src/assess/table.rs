//! The assessment as printed for people at a terminal: plain sections, at most [`WIDTH`] columns wide.
//!
//! Everything is said in words; colour only repeats it, and only where [`Style::colour`] asks for it. Devices are not
//! listed here: the JSON and the page hold them.

use std::io::{self, Write};

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, TableComponent, presets,
};

use super::model::AssessmentHead;
use super::words::{Tone, counted_noun};
use crate::printable::printable;

mod fleet;
mod problems;
#[cfg(test)]
mod tests;

/// Widest line, in columns: what most terminals, mails and tickets show without wrapping.
pub const WIDTH: u16 = 100;

/// Longest list of lines that a terminal shows; the JSON holds the rest.
const LIST_ROWS: usize = 20;

/// How the tables are dressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Use ANSI colour. Nothing is said by colour alone.
    pub colour: bool,
}

/// Prints the assessment.
///
/// # Errors
///
/// When `out` fails.
pub fn write_table(mut out: impl Write, head: &AssessmentHead, style: Style) -> io::Result<()> {
    writeln!(
        out,
        "Assessment of {} as of {}",
        counted_noun(head.totals.devices, "device", "devices"),
        second(head.as_of)
    )?;
    let sections = fleet::sections(head).into_iter().chain(problems::sections(head));
    for section in sections {
        section.write(&mut out, style)?;
    }
    out.flush()
}

/// An instant as people read it: a fraction of a second is nobody's business.
fn second(instant: jiff::Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A titled table with an explaining line.
struct Section {
    title: &'static str,
    /// Said below the title; empty where the title says it all.
    note: String,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    /// Said instead of a table without rows.
    empty: &'static str,
    /// Rows that [`LIST_ROWS`] cut off.
    left_out: usize,
}

/// A heading and how its column is set.
#[derive(Clone, Copy)]
enum Column {
    Text(&'static str),
    Number(&'static str),
}

impl Section {
    fn new(title: &'static str, columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Self {
        Self { title, note: String::new(), columns, rows, empty: "none", left_out: 0 }
    }

    fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    fn empty(mut self, empty: &'static str) -> Self {
        self.empty = empty;
        self
    }

    /// Keeps the first [`LIST_ROWS`] rows of a list of `total`.
    fn first_of(mut self, total: u64) -> Self {
        self.rows.truncate(LIST_ROWS);
        self.left_out = usize::try_from(total).unwrap_or(usize::MAX).saturating_sub(self.rows.len());
        self
    }

    fn write(self, out: &mut impl Write, style: Style) -> io::Result<()> {
        let (bold, reset) = if style.colour { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
        writeln!(out, "\n{bold}{}{reset}", self.title)?;
        if !self.note.is_empty() {
            writeln!(out, "{}", self.note)?;
        }
        if self.rows.is_empty() {
            return writeln!(out, " {}", self.empty);
        }
        writeln!(out, "{}", self.grid(style).trim_fmt())?;
        if self.left_out > 0 {
            writeln!(
                out,
                " … and {} more: see -o json",
                counted_noun(self.left_out as u64, "line", "lines")
            )?;
        }
        Ok(())
    }

    fn grid(&self, style: Style) -> Table {
        let mut table = Table::new();
        table
            .load_preset(presets::NOTHING)
            .set_style(TableComponent::HeaderLines, '─')
            .set_style(TableComponent::MiddleHeaderIntersections, '─')
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(WIDTH);
        if style.colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        table.set_header(self.columns.iter().map(|column| match column {
            Column::Text(name) => Cell::new(name).add_attribute(Attribute::Dim),
            Column::Number(name) => {
                Cell::new(name).add_attribute(Attribute::Dim).set_alignment(CellAlignment::Right)
            }
        }));
        table.add_rows(self.rows.iter().cloned());
        table
    }
}

/// A number, set to the right.
fn figure(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// Text that came from outside.
fn text(text: &str) -> Cell {
    Cell::new(printable(text))
}

/// A label in the colour of what it means.
fn toned(label: &str, tone: Tone) -> Cell {
    let cell = text(label);
    match tone {
        Tone::Done => cell.fg(Color::Green),
        Tone::Moving => cell.fg(Color::Cyan),
        Tone::Attention => cell.fg(Color::Yellow),
        Tone::Outside | Tone::Unknown => cell,
    }
}
