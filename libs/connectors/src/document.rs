//! A document that an operator wrote, read past what is wrong in it: everything wrong is told at once, each with its place.
//!
//! The reader of a format stops at the first error. So the document is kept as a tree whose nodes know their places; what the reader
//! complains of is told, taken out, and the rest is read again. What is only missing because it was taken out is not told.
//!
//! Not for: pages. They are read record by record, and a refused record hides no other.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};
use serde_path_to_error::{Path, Segment};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::record::{Fault, Format, in_file_words};

/// Errors told of one document: more than anyone mends before trying again.
const MOST: usize = 100;

/// A value of the document.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// `line:column`, or the path within the file; empty for the root of a JSON file.
    place: String,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Scalar(Value),
    Array(Vec<Node>),
    Object(Object),
}

#[derive(Debug, Clone, Default)]
struct Object {
    members: Vec<Member>,
    /// Names of members that were taken out.
    taken: BTreeSet<String>,
}

#[derive(Debug, Clone)]
struct Member {
    name: String,
    /// Where its name stands.
    place: String,
    value: Node,
}

/// What a reader says is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    path: Vec<Step>,
    reason: String,
}

/// A step towards a value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Index(usize),
    Name(String),
}

impl Wrong {
    /// An error of a reader that kept track of its path.
    pub(crate) fn new(path: &Path, reason: impl Into<String>) -> Self {
        let steps = path.iter().map(|segment| match segment {
            Segment::Seq { index } => Step::Index(*index),
            Segment::Map { key } => Step::Name(key.clone()),
            Segment::Enum { variant } => Step::Name(variant.clone()),
            Segment::Unknown => Step::Name(String::new()),
        });
        Self { path: steps.collect(), reason: reason.into() }
    }

    /// The same error in other words.
    pub(crate) fn in_words(self, reason: String) -> Self {
        Self { reason, ..self }
    }

    /// Names of the members on the way, without the elements of arrays.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.path.iter().filter_map(|step| match step {
            Step::Name(name) => Some(name.as_str()),
            Step::Index(_) => None,
        })
    }

    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }
}

/// What was read, and everything that had to be taken out before.
pub(crate) struct Read<T> {
    /// `None`: nothing can be read of the rest.
    pub(crate) value: Option<T>,
    pub(crate) faults: Vec<Fault>,
    /// What is left of the document.
    pub(crate) rest: Node,
}

/// Reads a document, taking out what the reader complains of.
pub(crate) fn read_past_errors<T>(mut rest: Node, read: impl Fn(Value) -> Result<T, Wrong>) -> Read<T> {
    let mut faults = Vec::new();
    while faults.len() < MOST {
        let wrong = match read(rest.value()) {
            Ok(value) => return Read { value: Some(value), faults, rest },
            Err(wrong) => wrong,
        };
        let of_the_name = |probed: &Node| read(probed.value()).err().as_ref() == Some(&wrong);
        match rest.take_out(&wrong, of_the_name) {
            Ok(fault) => faults.extend(fault),
            Err(fault) => {
                faults.push(fault);
                break;
            }
        }
    }
    Read { value: None, faults, rest }
}

impl Node {
    /// The tree of a JSON file; `None`: it is none.
    pub(crate) fn of_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(|value| Self::of_value(value, String::new()))
    }

    fn of_value(value: Value, place: String) -> Self {
        let content = match value {
            Value::Array(elements) => {
                let each = elements.into_iter().enumerate();
                Content::Array(
                    each.map(|(at, value)| Self::of_value(value, format!("{place}[{at}]"))).collect(),
                )
            }
            Value::Object(members) => {
                let members = members.into_iter().map(|(name, value)| {
                    let place = below(&place, &name);
                    Member { name, place: place.clone(), value: Self::of_value(value, place) }
                });
                Content::Object(Object { members: members.collect(), taken: BTreeSet::new() })
            }
            scalar => Content::Scalar(scalar),
        };
        Self { place, content }
    }

    /// The tree of a TOML file; `None`: it is none.
    pub(crate) fn of_toml(text: &str) -> Option<Self> {
        let table = DeTable::parse(text).ok()?;
        let place = position(text, table.span().start);
        Some(Self { place, content: Content::Object(Object::of_toml(text, table.get_ref())) })
    }

    fn of_toml_value(text: &str, value: &Spanned<DeValue<'_>>) -> Self {
        let content = match value.get_ref() {
            DeValue::Array(elements) => {
                Content::Array(elements.iter().map(|value| Self::of_toml_value(text, value)).collect())
            }
            DeValue::Table(table) => Content::Object(Object::of_toml(text, table)),
            scalar => Content::Scalar(scalar_of_toml(scalar)),
        };
        Self { place: position(text, value.span().start), content }
    }

    fn value(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::Array(elements) => Value::Array(elements.iter().map(Self::value).collect()),
            Content::Object(object) => {
                let members = object.members.iter().map(|member| (member.name.clone(), member.value.value()));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }

    /// The place of a field, named as messages name it, such as `workloads[0].pilotCollection`; of what holds it, where it is not there.
    /// `None`: it was taken out, or what holds it was.
    pub(crate) fn place_of(&self, field: &str) -> Option<String> {
        let mut node = self;
        for part in field.split('.').filter(|part| !part.is_empty()) {
            let (name, indexes) = part.split_once('[').unwrap_or((part, ""));
            let Content::Object(object) = &node.content else { break };
            match object.members.iter().find(|member| member.name == name) {
                Some(member) => node = &member.value,
                None if object.taken.contains(name) => return None,
                None => break,
            }
            for index in indexes.split(['[', ']']).filter_map(|index| index.parse::<usize>().ok()) {
                match &node.content {
                    Content::Array(elements) => node = elements.get(index)?,
                    _ => break,
                }
            }
        }
        Some(node.place.clone())
    }

    /// Whether anything was taken out.
    pub(crate) fn is_whole(&self) -> bool {
        match &self.content {
            Content::Scalar(_) => true,
            Content::Array(elements) => elements.iter().all(Self::is_whole),
            Content::Object(object) => {
                object.taken.is_empty() && object.members.iter().all(|member| member.value.is_whole())
            }
        }
    }

    /// Takes out what the error is about, and answers the line to tell; none, where it is only about what was taken out before.
    /// `of_the_name`: whether it stays when the value is another one, and so is about the member's name.
    ///
    /// # Errors
    /// The line, where nothing can be taken out but everything.
    fn take_out(
        &mut self,
        wrong: &Wrong,
        of_the_name: impl Fn(&Self) -> bool,
    ) -> Result<Option<Fault>, Fault> {
        let mut path = self.existing(&wrong.path);
        // Some readers know an unknown member only after they have left its place.
        if let Some(name) = quoted_after(&wrong.reason, "unknown field `")
            && let Some(Content::Object(object)) = self.at(&path).map(|node| &node.content)
            && object.members.iter().any(|member| member.name == name)
        {
            path.push(Step::Name(name.to_owned()));
        }
        let found = self.at(&path);
        let missing = quoted_after(&wrong.reason, "missing field `");
        let only_taken = match found.map(|node| &node.content) {
            Some(Content::Object(object)) => missing.is_some_and(|name| object.taken.contains(name)),
            _ => false,
        };
        let mut place = found.map(|node| node.place.clone()).unwrap_or_default();
        let Some(last) = path.pop() else { return Err(Fault::new(place, &wrong.reason)) };
        let mut probed = self.clone();
        let Some(holder) = self.at_mut(&path) else { return Err(Fault::new(place, &wrong.reason)) };
        match (&mut holder.content, last) {
            (Content::Array(elements), Step::Index(at)) if at < elements.len() => {
                elements.remove(at);
            }
            (Content::Object(object), Step::Name(name)) => {
                if let Some(name_place) = probed.probe(&path, &name)
                    && of_the_name(&probed)
                {
                    place = name_place;
                }
                object.members.retain(|member| member.name != name);
                object.taken.insert(name);
            }
            _ => return Err(Fault::new(place, &wrong.reason)),
        }
        Ok((!only_taken).then(|| Fault::new(place, &wrong.reason)))
    }

    /// Puts a value of no use in place of a member's; answers where its name stands.
    fn probe(&mut self, path: &[Step], name: &str) -> Option<String> {
        let Content::Object(object) = &mut self.at_mut(path)?.content else { return None };
        let member = object.members.iter_mut().find(|member| member.name == name)?;
        member.value.content = Content::Scalar(Value::Null);
        Some(member.place.clone())
    }

    /// As much of a path as there is.
    fn existing(&self, path: &[Step]) -> Vec<Step> {
        let longest = (0..=path.len()).rev().find(|length| self.at(&path[..*length]).is_some());
        path[..longest.unwrap_or(0)].to_vec()
    }

    fn at(&self, path: &[Step]) -> Option<&Self> {
        path.iter().try_fold(self, |node, step| match (&node.content, step) {
            (Content::Array(elements), Step::Index(at)) => elements.get(*at),
            (Content::Object(object), Step::Name(name)) => {
                object.members.iter().find(|member| member.name == *name).map(|member| &member.value)
            }
            _ => None,
        })
    }

    fn at_mut(&mut self, path: &[Step]) -> Option<&mut Self> {
        path.iter().try_fold(self, |node, step| match (&mut node.content, step) {
            (Content::Array(elements), Step::Index(at)) => elements.get_mut(*at),
            (Content::Object(object), Step::Name(name)) => {
                object.members.iter_mut().find(|member| member.name == *name).map(|member| &mut member.value)
            }
            _ => None,
        })
    }
}

impl Object {
    fn of_toml(text: &str, table: &DeTable<'_>) -> Self {
        let mut members: Vec<(usize, Member)> = table
            .iter()
            .map(|(name, value)| {
                let at = name.span().start;
                let value = Node::of_toml_value(text, value);
                (at, Member { name: name.get_ref().to_string(), place: position(text, at), value })
            })
            .collect();
        members.sort_by_key(|(at, _)| *at);
        Self { members: members.into_iter().map(|(_, member)| member).collect(), taken: BTreeSet::new() }
    }
}

/// A scalar as the JSON form of the document would have it: dates are texts there.
fn scalar_of_toml(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::String(number.to_string()), Value::from),
        DeValue::Float(number) => {
            let value = number.as_str().parse().ok().and_then(Number::from_f64);
            value.map_or_else(|| Value::String(number.as_str().to_owned()), Value::Number)
        }
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Datetime(moment) => Value::String(moment.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => Value::Null,
    }
}

/// Everything that keeps a text from being TOML.
pub(crate) fn toml_faults(text: &str) -> Vec<Fault> {
    let (_, errors) = DeTable::parse_recoverable(text);
    let mut faults: Vec<Fault> = errors.iter().take(MOST).map(|error| toml_fault(text, error)).collect();
    // What else is said of a line is mostly a consequence of the first.
    let mut lines = BTreeSet::new();
    faults.retain(|fault| lines.insert(fault.path.split(':').next().unwrap_or_default().to_owned()));
    in_order(faults)
}

/// Where and why a TOML text is refused.
pub(crate) fn toml_fault(text: &str, error: &toml::de::Error) -> Fault {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    // Some messages have a second line with what was expected.
    let message = error.message().trim().replace('\n', "; ");
    Fault::new(position(text, at), in_file_words(Format::Toml, &message))
}

/// Faults in the order of the file, where their places are lines and columns; else as they are.
pub(crate) fn in_order(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort_by_key(|fault| {
        let (line, column) = fault.path.split_once(':')?;
        Some((line.parse::<usize>().ok()?, column.parse::<usize>().ok()?))
    });
    faults
}

/// `line:column` of a byte of a text.
fn position(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("{line}:{column}")
}

fn below(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

/// The text between a beginning, which ends with a backtick, and the next one.
fn quoted_after<'a>(reason: &'a str, beginning: &str) -> Option<&'a str> {
    reason.strip_prefix(beginning)?.split('`').next()
}
