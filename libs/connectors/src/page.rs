//! Pages: a streamed file, record by record.
//!
//! A page can be one answer of hundreds of megabytes, so nothing but the record at hand is kept; a file of the usual size is read at
//! once, since records are found in memory several times as fast as in a stream. `serde_json` skips what is not
//! wanted without recursion, so nesting costs no stack.

use std::cell::Cell;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer as _, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::record::{DEEPEST_JSON, Fault, deeper_than, json_reason};

/// The longest record, member or document that is read. Records of both systems have some kilobytes; a site's longest, with
/// every extended discovery attribute, stay far below one megabyte.
pub(crate) const LONGEST: u64 = 8 * 1024 * 1024;

/// The longest file that is read at once: some tens of pages as the APIs answer.
const LONGEST_AT_ONCE: u64 = 64 * 1024 * 1024;

/// How the records lie in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// In the array under `value`, as the APIs answer.
    Page,
    /// In an array that is the whole file.
    Array,
    /// The file is one record: the answer to a read by key.
    Single,
}

/// Counts what is fetched from the file since the last record began, and fails where that is too much.
pub(crate) struct Metered<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let left = self.left.get();
        if read as u64 > left {
            return Err(io::Error::other(too_long()));
        }
        self.left.set(left - read as u64);
        Ok(read)
    }
}

pub(crate) type Source = BufReader<Metered<File>>;

/// Renews the allowance of a [`Source`].
#[derive(Clone)]
pub(crate) struct Allowance(Rc<Cell<u64>>);

impl Allowance {
    pub(crate) fn renew(&self) {
        self.0.set(LONGEST);
    }
}

/// Opens a file of UTF-8 text, past its byte order mark.
pub(crate) fn open(path: &Path) -> Result<(Source, Allowance), Fault> {
    const BUFFER: usize = 64 * 1024;
    let cannot = |error: io::Error| unreadable(path, &error);
    let left = Rc::new(Cell::new(LONGEST));
    let inner = Metered { inner: File::open(path).map_err(cannot)?, left: Rc::clone(&left) };
    let mut source = BufReader::with_capacity(BUFFER, inner);
    let head = source.fill_buf().map_err(cannot)?;
    if head.is_empty() {
        return Err(Fault::new("1:1", "the file is empty (0 bytes)"));
    }
    if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
        return Err(Fault::new("1:1", "expected UTF-8; found UTF-16 (byte order mark)"));
    }
    if head.starts_with(&[0xEF, 0xBB, 0xBF]) {
        source.consume(3);
    }
    Ok((source, Allowance(left)))
}

/// Nothing of a file can be read: no place within it is known.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Fault {
    match fs::read_link(path) {
        Ok(target) if error.kind() == io::ErrorKind::NotFound => Fault::new(
            "",
            format!("cannot be read: it is a link to {}, which is not there", target.display()),
        ),
        _ => Fault::new("", format!("cannot be read: {error}")),
    }
}

/// The whole text of a document that an operator writes.
pub(crate) fn text(path: &Path) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    let (mut source, _) = open(path)?;
    source.read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.split(|b| *b == b'\n');
        let column = line.clone().next_back().map_or(0, <[u8]>::len) + 1;
        Fault::new(format!("{}:{column}", line.count()), "expected UTF-8")
    })
}

/// The place and reason of a JSON error. An error of the file itself has no line: it is at the record that was being read.
pub(crate) fn broken(error: &serde_json::Error, record: &str) -> Fault {
    if error.is_io() {
        Fault::new(record, format!("cannot be read: {}", json_reason(error)))
    } else {
        Fault::new(format!("{}:{}", error.line(), error.column()), json_reason(error))
    }
}

/// Where a JSON file is nested deeper than any record is: neither system answers so, and nothing of it is known.
pub(crate) fn too_deep(path: &Path) -> Option<Fault> {
    let (source, _) = open(path).ok()?;
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let (mut line, mut column) = (1, 0);
    for byte in source.take(LONGEST).bytes().map_while(Result::ok) {
        (line, column) = if byte == b'\n' { (line + 1, 0) } else { (line, column + 1) };
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST_JSON {
            return Some(Fault::new(format!("{line}:{column}"), deeper_than(DEEPEST_JSON)));
        }
    }
    None
}

/// Longest code of an API's error that is repeated, in characters.
const LONGEST_CODE: usize = 80;

/// What the API answered instead of a page: records are missing that nobody has read.
pub(crate) fn api_error(path: &Path) -> Fault {
    #[derive(Deserialize)]
    struct Body {
        error: Said,
    }
    #[derive(Deserialize)]
    struct Said {
        #[serde(default)]
        code: String,
    }
    let code = text(path).ok().and_then(|text| serde_json::from_str::<Body>(&text).ok());
    let code = code.map(|body| body.error.code).filter(|code| !code.is_empty());
    let said = code.map_or_else(String::new, |code| format!(" ({})", printed(&code)));
    Fault::new(
        "error",
        format!("expected a page of records, found an error that the API answered{said}; export it again"),
    )
}

/// A code, as far as anyone reads one.
fn printed(code: &str) -> String {
    code.chars().filter(|c| !c.is_control()).take(LONGEST_CODE).collect()
}

/// What a page that was read to its end says of the answer it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// An answer without `@odata.nextLink`: nothing follows.
    Whole,
    /// More follows, on another page.
    MoreFollows,
    /// The records alone, without what was around them.
    Unsaid,
}

/// Hands every record's text to `each`, with its path in the file, until the page ends, breaks or `each` asks to stop.
///
/// # Errors
/// Where and why the page breaks; the records before it have been handed on.
pub(crate) fn read_records(
    path: &Path,
    shape: Shape,
    each: &mut dyn FnMut(&str, &str) -> ControlFlow<()>,
) -> Result<Extent, Fault> {
    let (mut source, allowance) = open(path)?;
    let prefix = if shape == Shape::Page { "value" } else { "" };
    let mut reading =
        Reading { each, allowance, prefix, next: 0, stopped: false, too_long: false, more: false };
    let size = fs::metadata(path).map_or(u64::MAX, |file| file.len());
    let ended = if size <= LONGEST_AT_ONCE {
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        reading.allowance.0.set(u64::MAX);
        source
            .read_to_end(&mut bytes)
            .map_err(serde_json::Error::io)
            .and_then(|_| reading.records(shape, &mut serde_json::Deserializer::from_slice(&bytes)))
    } else {
        reading.records(shape, &mut serde_json::Deserializer::from_reader(source))
    };
    match ended {
        Err(_) if reading.too_long => {
            Err(Fault::new(reading.place(), format!("cannot be read: {}", too_long())))
        }
        Err(error) if !reading.stopped => Err(broken(&error, &reading.place())),
        _ if shape != Shape::Page => Ok(Extent::Unsaid),
        _ if reading.more => Ok(Extent::MoreFollows),
        _ => Ok(Extent::Whole),
    }
}

fn too_long() -> String {
    format!("longer than {} MiB", LONGEST / (1024 * 1024))
}

struct Reading<'a> {
    each: &'a mut dyn FnMut(&str, &str) -> ControlFlow<()>,
    allowance: Allowance,
    prefix: &'static str,
    next: u64,
    stopped: bool,
    /// A record was longer than [`LONGEST`].
    too_long: bool,
    /// There is a next link.
    more: bool,
}

impl Reading<'_> {
    fn place(&self) -> String {
        format!("{}[{}]", self.prefix, self.next)
    }

    fn record<E: Error>(&mut self, place: &str, raw: &RawValue) -> Result<(), E> {
        self.allowance.renew();
        if raw.get().len() as u64 > LONGEST {
            self.too_long = true;
            return Err(E::custom("too long"));
        }
        self.next += 1;
        if (self.each)(place, raw.get()).is_break() {
            self.stopped = true;
            return Err(E::custom("stopped"));
        }
        Ok(())
    }

    fn records<'de, R: serde_json::de::Read<'de>>(
        &mut self,
        shape: Shape,
        deserializer: &mut serde_json::Deserializer<R>,
    ) -> Result<(), serde_json::Error> {
        match shape {
            Shape::Page => deserializer.deserialize_map(PageVisitor(self))?,
            Shape::Array => deserializer.deserialize_seq(RecordsVisitor(self))?,
            Shape::Single => {
                let raw: Box<RawValue> = serde::Deserialize::deserialize(&mut *deserializer)?;
                self.record("", &raw)?;
            }
        }
        deserializer.end()
    }
}

/// The object around the records.
struct PageVisitor<'a, 'b>(&'a mut Reading<'b>);

impl<'de> Visitor<'de> for PageVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with records under `value`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(member) = map.next_key::<String>()? {
            self.0.allowance.renew();
            if member == "value" {
                map.next_value_seed(Records(self.0))?;
            } else if member == "@odata.nextLink" {
                self.0.more = map.next_value::<Option<IgnoredAny>>()?.is_some();
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// The array of records.
struct Records<'a, 'b>(&'a mut Reading<'b>);

impl<'de> DeserializeSeed<'de> for Records<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(RecordsVisitor(self.0))
    }
}

struct RecordsVisitor<'a, 'b>(&'a mut Reading<'b>);

impl<'de> Visitor<'de> for RecordsVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<(), A::Error> {
        while let Some(raw) = records.next_element::<Box<RawValue>>()? {
            let place = self.0.place();
            self.0.record(&place, &raw)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(shape: Shape, bytes: &[u8]) -> (Vec<(String, String)>, Result<Extent, Fault>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let mut records = Vec::new();
        let ended = read_records(file.path(), shape, &mut |place, raw| {
            records.push((place.to_owned(), raw.to_owned()));
            ControlFlow::Continue(())
        });
        (records, ended)
    }

    #[test]
    fn record_longer_than_the_limit_ends_the_page_at_its_place() {
        let mut page = br#"{"value":[{"id":"a"},{"notes":""#.to_vec();
        page.resize(page.len() + 2 * LONGEST as usize, b'x');
        page.extend_from_slice(br#""}]}"#);
        let (records, ended) = read(Shape::Page, &page);
        assert_eq!(records, [("value[0]".to_owned(), r#"{"id":"a"}"#.to_owned())]);
        assert_eq!(ended, Err(Fault::new("value[1]", "cannot be read: longer than 8 MiB")));
    }

    #[test]
    fn many_records_together_longer_than_the_limit_are_all_read() {
        let record = format!(r#"{{"notes":"{}"}}"#, "x".repeat(1024 * 1024));
        let page = format!(r#"{{"value":[{}]}}"#, vec![record; 20].join(","));
        let (records, ended) = read(Shape::Page, page.as_bytes());
        assert_eq!((records.len(), ended), (20, Ok(Extent::Whole)));
    }

    #[test]
    fn file_is_too_deep_where_its_brackets_are_and_not_its_texts() {
        let too_deep_in = |text: &str| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            too_deep(file.path())
        };
        let brackets = "[".repeat(DEEPEST_JSON);
        assert_eq!(too_deep_in(&brackets), None);
        assert_eq!(too_deep_in(&format!("{brackets}\"\\\"{brackets}\"")), None);
        let expected = Fault::new("2:1", "nested deeper than 128 levels");
        assert_eq!(too_deep_in(&format!("{brackets}\n{{")), Some(expected));
    }

    #[test]
    fn byte_order_mark_is_no_part_of_the_text() {
        let (records, ended) = read(Shape::Single, b"\xEF\xBB\xBF{}");
        assert_eq!((records, ended), (vec![(String::new(), "{}".to_owned())], Ok(Extent::Unsaid)));
    }

    #[test]
    fn text_that_is_not_utf_8_is_named_with_line_and_column() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"as_of = 2026-11-20\n# caf\xE9\n").unwrap();
        assert_eq!(text(file.path()), Err(Fault::new("2:6", "expected UTF-8")));
    }

    #[test]
    fn next_link_says_that_more_follows_and_bare_records_say_nothing() {
        let extents = [
            (Shape::Page, r#"{"value":[]}"#),
            (Shape::Page, r#"{"value":[],"@odata.nextLink":null}"#),
            (Shape::Page, r#"{"value":[],"@odata.nextLink":"https://example.com/next"}"#),
            (Shape::Page, r#"{"@odata.nextLink":"https://example.com/next","value":[]}"#),
            (Shape::Array, "[]"),
        ]
        .map(|(shape, text)| read(shape, text.as_bytes()).1);
        let [whole, more, unsaid] = [Extent::Whole, Extent::MoreFollows, Extent::Unsaid];
        assert_eq!(extents, [whole, whole, more, more, unsaid].map(Ok));
    }
}
