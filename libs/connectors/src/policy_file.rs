//! A hierarchy's co-management policy: the protobuf JSON mapping of `tandem.type.v1.CoManagementPolicy`, in JSON or TOML.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde::Deserializer;
use serde::de::DeserializeSeed;
use tandem_contracts::convert::{Violation, policy};
use tandem_contracts::r#type::v1 as contract;
use tandem_domain::id::HierarchyId;
use tandem_domain::policy::CoManagementPolicy;

use crate::record::{Fault, json_reason};
use crate::tenant_file::toml_fault;

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
/// Path and reason.
pub(crate) fn from_json(text: &str) -> Result<PolicyFile, Fault> {
    let mut track = serde_path_to_error::Track::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Message.deserialize(serde_path_to_error::Deserializer::new(&mut deserializer, &mut track));
    let message = read.map_err(|error| Fault::new(track.path().to_string(), json_reason(&error)))?;
    from_message(&message)
}

/// Reads the TOML form.
///
/// # Errors
/// Line and column, or path, and reason.
pub(crate) fn from_toml(text: &str) -> Result<PolicyFile, Fault> {
    let read = toml::Deserializer::parse(text).and_then(|deserializer| Message.deserialize(deserializer));
    from_message(&read.map_err(|error| toml_fault(text, &error))?)
}

struct Message;

impl<'de> DeserializeSeed<'de> for Message {
    type Value = DynamicMessage;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<DynamicMessage, D::Error> {
        DynamicMessage::deserialize(POLICY.clone(), deserializer)
    }
}

fn from_message(message: &DynamicMessage) -> Result<PolicyFile, Fault> {
    let said: contract::CoManagementPolicy =
        message.transcode_to().map_err(|error| Fault::new("", error.to_string()))?;
    let hierarchy = hierarchy(&said.name)?;
    let policy = policy::from_proto(said).map_err(|violations| violated(&violations))?;
    // The console could not hold it, so it is no account of a hierarchy.
    policy.validate().map_err(|error| Fault::new("", error.to_string()))?;
    Ok(PolicyFile { hierarchy, policy })
}

/// The first violation, and how many there are beside it.
fn violated(violations: &[Violation]) -> Fault {
    match violations {
        [] => Fault::new("", "expected a policy"),
        [only] => Fault::new(json_path(&only.field), &only.description),
        [first, others @ ..] => {
            let reason = format!("{} (and {} more)", first.description, others.len());
            Fault::new(json_path(&first.field), reason)
        }
    }
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
fn hierarchy(name: &str) -> Result<HierarchyId, Fault> {
    let parts: Vec<&str> = name.split('/').collect();
    match parts[..] {
        ["tenants", _, "hierarchies", hierarchy, "coManagementPolicy"] => {
            HierarchyId::parse(hierarchy).map_err(|error| Fault::new("name", error.to_string()))
        }
        _ => {
            const SHAPE: &str = "tenants/{tenant}/hierarchies/{hierarchy}/coManagementPolicy";
            let found = crate::value::shown(name);
            Err(Fault::new("name", format!("expected {SHAPE}; found {found:?}")))
        }
    }
}

#[cfg(test)]
mod tests;
