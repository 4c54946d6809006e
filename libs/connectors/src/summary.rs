//! What was read, what was refused and why.

use std::collections::BTreeMap;

use crate::exports::Input;
use crate::kind::Kind;
use crate::page::Extent;

/// One refused input: a file, a record or the rest of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Path below the folder, parts separated by `/`.
    pub file: String,
    /// `line:column`, or a path such as `value[3].id`.
    pub place: String,
    /// Why, with what was expected and found.
    pub reason: String,
}

/// Lines, of which at most [`Refusals::KEPT`] are kept: a page of a million bad records must not fill the memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusals {
    lines: Vec<Refusal>,
    total: u64,
}

impl Refusals {
    /// How many lines are kept; the others are counted. Far more than anyone reads.
    pub const KEPT: usize = 10_000;

    /// Adds a line.
    pub fn push(&mut self, line: Refusal) {
        self.total += 1;
        if self.lines.len() < Self::KEPT {
            self.lines.push(line);
        }
    }

    /// The lines that were kept, in the order of reading.
    #[must_use]
    pub fn lines(&self) -> &[Refusal] {
        &self.lines
    }

    /// How many there were, kept or not.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }
}

/// One file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSummary {
    /// Path below the folder.
    pub file: String,
    /// What it holds.
    pub kind: Kind,
    /// Records that were understood, the skipped and the unused ones among them.
    pub records: u64,
    /// Records that were understood and have no use: user collections and their members.
    pub unused: u64,
    /// Refused lines of this file.
    pub refused: u64,
}

impl FileSummary {
    pub(crate) fn of(input: &Input) -> Self {
        Self { file: input.file.clone(), kind: input.kind, records: 0, unused: 0, refused: 0 }
    }
}

/// A known document that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusedFile {
    /// Path below the folder.
    pub file: String,
    /// What it holds.
    pub kind: Kind,
}

/// Records that are no devices, each counted once however many rows it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SkippedRecords {
    /// Superseded by another record.
    pub obsolete: u64,
    /// Removed.
    pub decommissioned: u64,
    /// Placeholders of operating system deployment.
    pub unknown_computer: u64,
}

/// The account of one reading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Files that were read, by name.
    pub files: Vec<FileSummary>,
    /// Input that was refused.
    pub refused: Refusals,
    /// Values that were left out of a record that was kept, or kept without anything being read from them; and answers whose last page
    /// is missing. Members and versions that nobody knows are one line per text and file, at their first place.
    pub warnings: Refusals,
    /// Known documents that have no use here, by name.
    pub unused: Vec<UnusedFile>,
    /// Records that are no devices.
    pub skipped: SkippedRecords,
    /// Sections of a record of which the same class or entity had been read before; they were handed on.
    pub duplicates: u64,
    /// Which answers have their last page.
    pub(crate) paging: Paging,
}

/// The pages that were read to their end, by what they hold and the host that answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Paging {
    answers: BTreeMap<(Kind, Option<String>), Answer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Answer {
    /// A page that nothing follows was read, or one that does not say.
    has_an_end: bool,
    /// The last page that names a next one.
    goes_on_after: Option<String>,
}

impl Paging {
    pub(crate) fn note(&mut self, input: &Input, extent: Extent) {
        let answer = self.answers.entry((input.kind, input.host.clone())).or_default();
        match extent {
            Extent::MoreFollows => answer.goes_on_after = Some(input.file.clone()),
            Extent::Whole | Extent::Unsaid => answer.has_an_end = true,
        }
    }

    /// A line for each answer of which every page names a next one: the last is not there, and its records are missing.
    pub(crate) fn missing(&self) -> impl Iterator<Item = Refusal> {
        let without_end = self.answers.values().filter(|answer| !answer.has_an_end);
        without_end.filter_map(|answer| answer.goes_on_after.clone()).map(|file| Refusal {
            file,
            place: "@odata.nextLink".to_owned(),
            reason: "names a next page, and no file has the last one: the records of the missing pages are not known"
                .to_owned(),
        })
    }
}
