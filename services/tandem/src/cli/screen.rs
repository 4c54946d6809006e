//! Where answers are shown: tables for people, JSON for programs.

use std::io::Write;

use clap::ValueEnum;
use clap::builder::styling::{AnsiColor, Effects, Style};
use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent, presets};

use super::failure::CliError;
use super::json::{self, Named};
use crate::printable::printable;

/// The shape of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// Tables for people.
    #[default]
    Table,
    /// JSON for programs: one object; for `watch` and `authority list` one object a line.
    Json,
}

/// A column: its heading, and whether it holds numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column {
    Text(&'static str),
    Number(&'static str),
}

/// Cells of one line.
pub(crate) type Row = Vec<String>;

/// What a piece of text is, where a terminal can show it by its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// What comes to be.
    Added,
    /// What becomes another.
    Changed,
    /// What ceases to be.
    Removed,
    /// What the reader should not miss.
    Strong,
}

impl Paint {
    const fn style(self) -> Style {
        match self {
            Self::Added => AnsiColor::Green.on_default(),
            Self::Changed => AnsiColor::Yellow.on_default(),
            Self::Removed => AnsiColor::Red.on_default(),
            Self::Strong => Style::new().effects(Effects::BOLD),
        }
    }
}

/// Answers go to `out`, what is said about them to `notes`.
pub(crate) struct Screen<'a> {
    /// The shape that was asked for.
    pub(crate) output: Output,
    is_coloured: bool,
    out: &'a mut dyn Write,
    notes: &'a mut dyn Write,
}

impl<'a> Screen<'a> {
    /// A screen over standard output and standard error, or over a test's buffers.
    pub(crate) fn new(output: Output, out: &'a mut dyn Write, notes: &'a mut dyn Write) -> Self {
        Self { output, is_coloured: false, out, notes }
    }

    /// The same screen, with colours or without.
    pub(crate) fn in_colour(self, is_coloured: bool) -> Self {
        Self { is_coloured, ..self }
    }

    /// The same screen, lent to whoever answers.
    pub(crate) fn reborrow(&mut self) -> Screen<'_> {
        Screen {
            output: self.output,
            is_coloured: self.is_coloured,
            out: &mut *self.out,
            notes: &mut *self.notes,
        }
    }

    /// Whether a program reads.
    pub(crate) fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    /// An answer that `table` shows to people and the protobuf mapping to programs.
    pub(crate) fn show<M: Named>(
        &mut self,
        message: &M,
        table: impl FnOnce(&mut Self, &M) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        if self.is_json() {
            return self.line(&json::pretty(message)?);
        }
        table(self, message)
    }

    /// A line of text.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), CliError> {
        Ok(writeln!(self.out, "{line}")?)
    }

    /// Text from outside, fit for a line, in its colour where colours are shown.
    pub(crate) fn painted(&self, paint: Paint, text: &str) -> String {
        let text = printable(text);
        if !self.is_coloured {
            return text.into_owned();
        }
        let style = paint.style();
        format!("{style}{text}{style:#}")
    }

    /// Part of a line.
    pub(crate) fn part(&mut self, part: &str) -> Result<(), CliError> {
        Ok(self.out.write_all(part.as_bytes())?)
    }

    /// A remark about the answer, which no program reads.
    pub(crate) fn note(&mut self, note: &str) -> Result<(), CliError> {
        self.flush()?;
        Ok(writeln!(self.notes, "{}", printable(note))?)
    }

    /// Names and what they hold, one a line.
    pub(crate) fn details(&mut self, rows: Vec<[String; 2]>) -> Result<(), CliError> {
        let mut table = plain();
        table.add_rows(rows.into_iter().map(|row| row.map(|cell| printable(&cell).into_owned())));
        self.line(&table.trim_fmt())
    }

    /// A table; without rows, the word `none`.
    pub(crate) fn table(&mut self, columns: &[Column], rows: Vec<Row>) -> Result<(), CliError> {
        if rows.is_empty() {
            return self.line("none");
        }
        let mut table = plain();
        table
            .set_style(TableComponent::HeaderLines, '─')
            .set_style(TableComponent::MiddleHeaderIntersections, '─')
            .set_header(columns.iter().map(|column| match column {
                Column::Text(name) | Column::Number(name) => *name,
            }));
        table.add_rows(
            rows.into_iter().map(|row| row.iter().map(|cell| printable(cell).into_owned()).collect::<Row>()),
        );
        for (index, column) in columns.iter().enumerate() {
            if let (Column::Number(_), Some(column)) = (column, table.column_mut(index)) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        self.line(&table.trim_fmt())
    }

    /// A table under a title.
    pub(crate) fn section(
        &mut self,
        title: &str,
        columns: &[Column],
        rows: Vec<Row>,
    ) -> Result<(), CliError> {
        self.line("")?;
        self.line(title)?;
        self.table(columns, rows)
    }

    /// Hands everything on to the reader.
    pub(crate) fn flush(&mut self) -> Result<(), CliError> {
        Ok(self.out.flush()?)
    }
}

/// As wide as the terminal; as wide as its content where there is none, so that lines stay whole for `grep`.
fn plain() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    // A test's output is no terminal, whatever the terminal that the tests run in.
    #[cfg(test)]
    table.force_no_tty();
    table
}

/// What a command shows, for tests.
#[cfg(test)]
pub(crate) fn shown(output: Output, show: impl FnOnce(&mut Screen<'_>) -> Result<(), CliError>) -> String {
    let (mut out, mut notes) = (Vec::new(), std::io::sink());
    show(&mut Screen::new(output, &mut out, &mut notes)).unwrap();
    String::from_utf8(out).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_sets_numbers_to_the_right_and_spells_out_escapes() {
        let rows = vec![
            vec!["state\u{1b}[2J".to_owned(), "7".to_owned()],
            vec!["a\u{202e}b".to_owned(), "1200".to_owned()],
        ];
        let text = shown(Output::Table, |screen| {
            screen.table(&[Column::Text("KEY"), Column::Number("DEVICES")], rows)
        });
        let expected = [
            " KEY              DEVICES",
            "──────────────────────────",
            " state\\u{1b}[2J         7",
            " a\\u{202e}b          1200",
            "",
        ];
        assert_eq!(text, expected.join("\n"));
    }

    #[test]
    fn colours_are_shown_where_they_were_asked_for_and_text_stays_printable() {
        let painted = |is_coloured| {
            let (mut out, mut notes) = (Vec::new(), std::io::sink());
            let screen = Screen::new(Output::Table, &mut out, &mut notes).in_colour(is_coloured);
            screen.painted(Paint::Added, "+ a\u{1b}[2J")
        };
        assert_eq!(painted(false), "+ a\\u{1b}[2J");
        assert_eq!(painted(true), "\u{1b}[32m+ a\\u{1b}[2J\u{1b}[0m");
    }

    #[test]
    fn table_without_rows_says_none() {
        assert_eq!(shown(Output::Table, |screen| screen.table(&[Column::Text("KEY")], Vec::new())), "none\n");
    }
}
