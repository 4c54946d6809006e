//! Tables of the page, as data: one template draws them all, so that all read alike.

use super::chart::{Chart, Ink};
use crate::assess::words::Tone;
use crate::printable::printable;

/// A chapter of the page, with its place in the table of contents.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) heading: &'static str,
    /// A sentence or two below the heading; may be empty.
    pub(super) lead: String,
    pub(super) blocks: Vec<Block>,
}

/// A table, with a chart beside it where there is something to see.
pub(super) struct Block {
    /// Empty: the section's heading is enough.
    pub(super) heading: &'static str,
    pub(super) lead: String,
    pub(super) chart: Option<Chart>,
    pub(super) grid: Grid,
}

impl Block {
    pub(super) fn new(heading: &'static str, grid: Grid) -> Self {
        Self { heading, lead: String::new(), chart: None, grid }
    }

    pub(super) fn lead(mut self, lead: impl Into<String>) -> Self {
        self.lead = lead.into();
        self
    }

    /// Adds a chart, unless there is nothing to draw.
    pub(super) fn chart(mut self, chart: Chart) -> Self {
        self.chart = (!self.grid.rows.is_empty()).then_some(chart);
        self
    }
}

/// A table.
pub(super) struct Grid {
    pub(super) caption: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Datum>>,
    /// Said instead of a table without rows.
    pub(super) empty: &'static str,
    /// Said below a table that does not show everything; may be empty.
    pub(super) rest: String,
    /// On a narrow screen rows become cards: for tables of more than a few columns.
    pub(super) cards: bool,
}

impl Grid {
    pub(super) fn new(caption: impl Into<String>, columns: Vec<Column>, rows: Vec<Vec<Datum>>) -> Self {
        Self { caption: caption.into(), columns, rows, empty: "None.", rest: String::new(), cards: false }
    }

    pub(super) fn cards(mut self) -> Self {
        self.cards = true;
        self
    }

    pub(super) fn empty(mut self, empty: &'static str) -> Self {
        self.empty = empty;
        self
    }

    pub(super) fn rest(mut self, rest: String) -> Self {
        self.rest = rest;
        self
    }
}

/// A heading and how its column is set.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) numeric: bool,
}

pub(super) const fn text_column(name: &'static str) -> Column {
    Column { name, numeric: false }
}

pub(super) const fn number_column(name: &'static str) -> Column {
    Column { name, numeric: true }
}

/// A cell.
pub(super) enum Datum {
    /// Heads its row. `note` says more about it and may be empty.
    Head {
        text: String,
        note: String,
        swatch: Option<Ink>,
        code: bool,
    },
    Text(String),
    Number(String),
    /// A severity or a verdict.
    Badge {
        text: String,
        class: &'static str,
    },
    /// Named lines, such as expected and found.
    Named(Vec<(&'static str, String)>),
}

impl Datum {
    pub(super) fn head(text: impl AsRef<str>) -> Self {
        Self::Head { text: shown(text), note: String::new(), swatch: None, code: false }
    }

    pub(super) fn toned(text: impl AsRef<str>, note: &str, tone: Tone) -> Self {
        Self::Head { text: shown(text), note: note.to_owned(), swatch: Some(tone.into()), code: false }
    }

    pub(super) fn code(text: impl AsRef<str>, note: impl AsRef<str>) -> Self {
        Self::Head { text: shown(text), note: shown(note), swatch: None, code: true }
    }

    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(shown(text))
    }

    pub(super) fn severity(blocking: bool) -> Self {
        if blocking {
            Self::Badge { text: "blocking".to_owned(), class: "bad" }
        } else {
            Self::Badge { text: "warning".to_owned(), class: "mild" }
        }
    }
}

/// Text from outside without characters that a reader cannot see. The template escapes it.
pub(super) fn shown(text: impl AsRef<str>) -> String {
    printable(text.as_ref()).into_owned()
}
