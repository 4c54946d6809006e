//! A hierarchy's co-management policy: the protobuf JSON mapping of `tandem.type.v1.CoManagementPolicy`, in JSON or TOML.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor};
use serde::Deserializer;
use serde::de::DeserializeSeed;
use tandem_contracts::convert::policy;
use tandem_contracts::r#type::v1 as contract;
use tandem_domain::id::HierarchyId;
use tandem_domain::policy::CoManagementPolicy;

use crate::document::{Node, Read, Wrong, in_order, read_past_errors, toml_fault};
use crate::record::{Fault, Format, json_reason, reason_in};
use crate::value::shown;

/// The message's description; the tests of this module prove that it is in the set.
static POLICY: LazyLock<MessageDescriptor> = LazyLock::new(|| {
    DescriptorPool::decode(tandem_contracts::DESCRIPTOR_SET)
        .expect("the embedded descriptor set decodes")
        .get_message_by_name("tandem.type.v1.CoManagementPolicy")
        .expect("the contracts have a co-management policy")
});

/// A policy and the hierarchy that its name holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PolicyFile {
    pub(crate) hierarchy: HierarchyId,
    pub(crate) policy: CoManagementPolicy,
}

/// Reads the JSON form.
///
/// # Errors
/// Path and reason of everything that is wrong.
pub(crate) fn from_json(text: &str) -> Result<PolicyFile, Vec<Fault>> {
    // Only the text says that a member is there twice.
    let mut track = serde_path_to_error::Track::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Message.deserialize(serde_path_to_error::Deserializer::new(&mut deserializer, &mut track));
    let first = read.and_then(|message| deserializer.end().map(|()| message));
    let first = first.map_err(|error| Fault::new(track.path().to_string(), json_reason(&error)));
    from_document(Format::Json, Node::of_json(text), first.err())
}

/// Reads the TOML form.
///
/// # Errors
/// Line, column and reason of everything that is wrong.
pub(crate) fn from_toml(text: &str) -> Result<PolicyFile, Vec<Fault>> {
    let read = toml::Deserializer::parse(text).and_then(|deserializer| Message.deserialize(deserializer));
    from_document(Format::Toml, Node::of_toml(text), read.err().map(|error| toml_fault(text, &error)))
}

struct Message;

impl<'de> DeserializeSeed<'de> for Message {
    type Value = DynamicMessage;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<DynamicMessage, D::Error> {
        DynamicMessage::deserialize(POLICY.clone(), deserializer)
    }
}

/// Reads a document; `first` is what its text alone says is wrong, and told where nothing else is.
fn from_document(
    format: Format,
    document: Option<Node>,
    first: Option<Fault>,
) -> Result<PolicyFile, Vec<Fault>> {
    let Some(document) = document else { return Err(first.into_iter().collect()) };
    let Read { value, mut faults, rest } = read_past_errors(document, |value| read(format, value));
    let file = value.and_then(|message| from_message(&message, &rest, &mut faults));
    if faults.is_empty() {
        faults.extend(first);
    }
    match file {
        Some(file) if faults.is_empty() => Ok(file),
        _ => Err(in_order(faults)),
    }
}

fn read(format: Format, value: serde_json::Value) -> Result<DynamicMessage, Wrong> {
    let mut track = serde_path_to_error::Track::new();
    let read = Message.deserialize(serde_path_to_error::Deserializer::new(value, &mut track));
    read.map_err(|error| {
        let wrong = Wrong::new(&track.path(), reason_in(format, &error));
        match with_known_words(&wrong) {
            Some(reason) => wrong.in_words(reason),
            None => wrong,
        }
    })
}

/// The reason with the words that could stand there, where another one does.
fn with_known_words(wrong: &Wrong) -> Option<String> {
    let mut message = POLICY.clone();
    let mut words = None;
    for name in wrong.names() {
        let field = message.get_field_by_json_name(name).or_else(|| message.get_field_by_name(name))?;
        match field.kind() {
            Kind::Message(inner) => message = inner,
            Kind::Enum(known) => words = Some(known),
            _ => {}
        }
    }
    if let Some(found) = quoted(wrong.reason(), "unrecognized field name '") {
        let known: Vec<String> = message.fields().map(|field| format!("`{}`", field.json_name())).collect();
        return Some(format!("unknown field `{}`, expected one of {}", shown(found), known.join(", ")));
    }
    let found = quoted(wrong.reason(), "unrecognized enum value '")?;
    // The first is "unspecified", which says nothing.
    let known: Vec<String> = words?.values().skip(1).map(|word| word.name().to_owned()).collect();
    Some(format!("expected one of {}; found {:?}", known.join(", "), shown(found)))
}

/// What a message of the reader names between its beginning and the closing quote.
fn quoted<'a>(reason: &'a str, beginning: &str) -> Option<&'a str> {
    reason.strip_prefix(beginning)?.strip_suffix('\'')
}

/// The policy of a message; what is wrong is added to `faults`, unless it is so only for what was taken out of the document.
fn from_message(message: &DynamicMessage, rest: &Node, faults: &mut Vec<Fault>) -> Option<PolicyFile> {
    let said: contract::CoManagementPolicy =
        message.transcode_to().map_err(|error| faults.push(Fault::new("", error.to_string()))).ok()?;
    let hierarchy = hierarchy(&said.name);
    let hierarchy = hierarchy.map_err(|reason| faults.extend(located(rest, "name", reason))).ok();
    let policy =
        match policy::from_proto(said) {
            Ok(policy) => policy,
            Err(violations) => {
                let each = violations.into_iter();
                faults.extend(each.filter_map(|violation| {
                    located(rest, &json_path(&violation.field), violation.description)
                }));
                return None;
            }
        };
    // The console could not hold it, so it is no account of a hierarchy. What was taken out may be what is missing.
    if rest.is_whole() {
        policy.validate().map_err(|error| faults.push(Fault::new("", error.to_string()))).ok()?;
    }
    Some(PolicyFile { hierarchy: hierarchy?, policy })
}

/// A line about a field of the document.
fn located(rest: &Node, field: &str, reason: String) -> Option<Fault> {
    Some(Fault::new(rest.place_of(field)?, reason))
}

/// Fields are named in the contract's spelling, and written in JSON's: `pilot_collection` is `pilotCollection`.
fn json_path(field: &str) -> String {
    let mut words = field.split('_');
    let mut path = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        path.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        path.push_str(letters.as_str());
    }
    path
}

/// The hierarchy of `tenants/{t}/hierarchies/{h}/coManagementPolicy`. The tenant part is the writer's own.
fn hierarchy(name: &str) -> Result<HierarchyId, String> {
    let parts: Vec<&str> = name.split('/').collect();
    match parts[..] {
        ["tenants", _, "hierarchies", hierarchy, "coManagementPolicy"] => {
            HierarchyId::parse(hierarchy).map_err(|error| error.to_string())
        }
        _ => {
            const SHAPE: &str = "tenants/{tenant}/hierarchies/{hierarchy}/coManagementPolicy";
            Err(format!("expected {SHAPE}; found {:?}", shown(name)))
        }
    }
}

#[cfg(test)]
mod tests;
