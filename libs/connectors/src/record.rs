//! One record: its typed form, and where in it something is wrong.

use std::str::FromStr;

use serde::de::DeserializeOwned;
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
}

impl Fault {
    pub(crate) fn new(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { path: path.into(), reason: reason.into() }
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

/// What a JSON error says, without its place.
pub(crate) fn json_reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).map_or(text.clone(), str::to_owned)
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
