//! One record: its typed form, and where in it something is wrong.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use tandem_domain::capability::CapabilityValue;
use tandem_domain::id::InvalidId;

use crate::summary::Refusal;
use crate::value::{Code, shown};

/// Something wrong within a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Path within the record; empty for the record itself.
    pub(crate) path: String,
    /// Why, with what was expected and found.
    pub(crate) reason: String,
    /// Many records of a file are likely to have it: it is one line with their number, at the first of them.
    pub(crate) counted: bool,
    /// The members of which one is needed and said nothing, and what was expected there.
    needed: Option<Needed>,
}

/// A value that a record cannot be without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needed {
    /// The members that may hold it.
    pub(crate) members: &'static [&'static str],
    /// What it is.
    pub(crate) what: &'static str,
}

impl Fault {
    pub(crate) fn new(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { path: path.into(), reason: reason.into(), counted: false, needed: None }
    }

    /// None of these members says anything.
    pub(crate) fn missing(needed: Needed) -> Self {
        let names: Vec<String> = needed.members.iter().map(|name| format!("`{name}`")).collect();
        let reason = format!("missing field {}", names.join(" or "));
        let path = needed.members.first().copied().unwrap_or_default();
        Self { needed: Some(needed), ..Self::new(path, reason) }
    }

    /// The same, with what the record has where it needs something: a member that is there and empty is not missing.
    pub(crate) fn over(self, raw: &str) -> Self {
        let Some(Needed { members, what }) = self.needed else { return self };
        let record: BTreeMap<String, serde_json::Value> = serde_json::from_str(raw).unwrap_or_default();
        match members.iter().find_map(|name| Some((name, record.get(*name)?))) {
            Some((name, found)) => {
                let found = shown(&found.to_string()).to_owned();
                Self::new(*name, format!("expected {what}; found `{found}`"))
            }
            None => self,
        }
    }

    /// A fault that is counted, not told record by record.
    pub(crate) fn counted(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { counted: true, ..Self::new(path, reason) }
    }

    /// The line that the fault makes of a record at that place of a file.
    pub(crate) fn at(self, file: &str, record: &str) -> Refusal {
        Refusal { file: file.to_owned(), place: within(record, &self.path), reason: self.reason }
    }
}

/// A path below another one. A file's root is `.`.
fn within(outer: &str, inner: &str) -> String {
    match (outer, inner) {
        ("", "" | ".") => ".".to_owned(),
        (outer, "" | ".") => outer.to_owned(),
        ("", inner) => inner.to_owned(),
        (outer, inner) if inner.starts_with('[') => format!("{outer}{inner}"),
        (outer, inner) => format!("{outer}.{inner}"),
    }
}

/// Reads a record.
///
/// The place of an error costs time to keep, so it is looked for only after a plain attempt has failed.
pub(crate) fn parse<T: DeserializeOwned>(raw: &str) -> Result<T, Fault> {
    // A derived reader would take an array's elements by position.
    if !raw.trim_ascii_start().starts_with('{') {
        return Err(Fault::new("", format!("expected an object; found `{}`", shown(raw))));
    }
    serde_json::from_str(raw).or_else(|_| {
        let mut deserializer = serde_json::Deserializer::from_str(raw);
        serde_path_to_error::deserialize(&mut deserializer)
            .map_err(|error| Fault::new(error.path().to_string(), json_reason(error.inner())))
    })
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON.
    Json,
    /// TOML.
    Toml,
}

/// Levels that `serde_json` reads of a value; it says only that there are more.
pub(crate) const DEEPEST_JSON: usize = 128;

/// Levels that `toml` reads.
const DEEPEST_TOML: usize = 80;

/// What a JSON error says, without its place, in an operator's words.
pub(crate) fn json_reason(error: &serde_json::Error) -> String {
    reason_in(Format::Json, error)
}

/// The same of a value that was read from a file of that format.
pub(crate) fn reason_in(format: Format, error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&place).unwrap_or(&text);
    match text {
        "trailing characters" => {
            "expected the end of the file; found more (records of a line each are no page: put them in an array)".to_owned()
        }
        "expected value" => "expected JSON".to_owned(),
        "recursion limit exceeded" => deeper_than(DEEPEST_JSON),
        _ => match text.strip_prefix("EOF while parsing ") {
            Some("a list") => "the file is cut off: it ends within an array".to_owned(),
            Some(within) => format!("the file is cut off: it ends within {within}"),
            None => in_file_words(format, text),
        },
    }
}

pub(crate) fn deeper_than(levels: usize) -> String {
    format!("nested deeper than {levels} levels")
}

/// A reader's message in the words of the format: a sequence is an array there, a map an object or a table.
pub(crate) fn in_file_words(format: Format, text: &str) -> String {
    if text == "cannot recurse further; max recursion depth met" {
        return deeper_than(DEEPEST_TOML);
    }
    let (map, a_map) = match format {
        Format::Json => ("object", "an object"),
        Format::Toml => ("table", "a table"),
    };
    text.replace("a sequence", "an array")
        .replace("type: sequence", "type: array")
        .replace("type: map", &format!("type: {map}"))
        .replace("expected a map", &format!("expected {a_map}"))
        .replace("a table or object", a_map)
        .replace("expected u32", "expected a whole number of 32 bits")
}

/// Notes a text that is none of an enumeration's members. It is kept as written, and nothing is read from it.
pub(crate) fn member(text: Option<&str>, members: &[&str], path: &str, notes: &mut Vec<Fault>) {
    if let Some(text) = text.filter(|text| !members.contains(text)) {
        let reason =
            format!("expected a known member; found {:?}; kept, and nothing is read from it", shown(text));
        notes.push(Fault::counted(path, reason));
    }
}

/// Notes a text that is no capability value. It is kept as written, and nothing is read from it.
pub(crate) fn capability(text: Option<&str>, path: &str, notes: &mut Vec<Fault>) {
    if let Some(text) = text.filter(|text| CapabilityValue::parse(text).is_err()) {
        let found = shown(text);
        let reason = format!(
            "expected a capability value such as 8193; found {found:?}; kept, and nothing is read from it"
        );
        notes.push(Fault::counted(path, reason));
    }
}

/// Notes a text that is no version. It is kept as written, and nothing is read from it.
pub(crate) fn version(text: Option<&str>, example: &str, path: &str, notes: &mut Vec<Fault>) {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_version = |text: &str| text.contains('.') && text.trim().split('.').all(is_number);
    if let Some(text) = text.filter(|text| !is_version(text)) {
        let found = shown(text);
        let reason = format!(
            "expected a version such as {example}; found {found:?}; kept, and nothing is read from it"
        );
        notes.push(Fault::counted(path, reason));
    }
}

/// Counted faults of one file: per place in the record and reason, where the first was and how many there are.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    kinds: BTreeMap<(String, String), (String, u64)>,
    others: u64,
}

impl Counted {
    /// Different texts of one file that get a line of their own. A file has some; a broken one could have one a record.
    const KEPT: usize = 100;

    /// Notes one, of the record at that place.
    pub(crate) fn add(&mut self, fault: Fault, record: &str) {
        let place = within(record, &fault.path);
        let full = self.kinds.len() >= Self::KEPT;
        match self.kinds.entry((fault.path, fault.reason)) {
            Entry::Occupied(mut seen) => seen.get_mut().1 += 1,
            Entry::Vacant(_) if full => self.others += 1,
            Entry::Vacant(new) => {
                new.insert((place, 1));
            }
        }
    }

    /// The lines of that file.
    pub(crate) fn lines(self, file: &str) -> impl Iterator<Item = Refusal> {
        let Self { kinds, others } = self;
        let line = |place: String, reason: String| Refusal { file: file.to_owned(), place, reason };
        let kinds = kinds.into_iter().map(move |((_, reason), (place, count))| match count {
            1 => line(place, reason),
            count => line(place, format!("{reason}; the first of {count} records")),
        });
        let reason = format!("{others} more such values in other words");
        kinds.chain((others > 0).then(|| line(".".to_owned(), reason)))
    }
}

/// The code, and a note beside the record where it has no meaning: the record is kept without it.
pub(crate) fn code(code: Code, path: &str, notes: &mut Vec<Fault>) -> Option<u32> {
    match code {
        Code::Unsaid => None,
        Code::Known(code) => Some(code),
        Code::OutOfRange(found) => {
            let reason = format!("expected a code of 32 bits, signed or unsigned; found `{found}`; left out");
            notes.push(Fault::new(path, reason));
            None
        }
    }
}

/// The typed name, and a note where the text is none: the record is kept without it.
pub(crate) fn name<T: FromStr<Err = InvalidId>>(
    text: Option<&str>,
    path: &str,
    notes: &mut Vec<Fault>,
) -> Option<T> {
    text?.parse().map_err(|error| notes.push(Fault::new(path, format!("{error}; left out")))).ok()
}
