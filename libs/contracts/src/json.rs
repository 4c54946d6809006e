//! Messages as the protobuf JSON mapping: what the contracts' readers in every language expect.

use std::sync::LazyLock;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};

/// The descriptions of every contract.
pub static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(crate::DESCRIPTOR_SET).expect("the embedded descriptor set decodes")
});

/// A message that is not what it is said to be.
#[derive(Debug, thiserror::Error)]
#[error("expected a message {name}: {problem}")]
pub struct NotDescribed {
    /// The full name of the message.
    name: String,
    problem: String,
}

/// The message of that full name on one line. Fields that hold their default are left out.
///
/// # Errors
/// The contracts have no such message, or it is another one.
pub fn line(name: &str, message: &impl Message) -> Result<String, NotDescribed> {
    let not = |problem: String| NotDescribed { name: name.to_owned(), problem };
    let descriptor = POOL.get_message_by_name(name).ok_or_else(|| not("there is none".to_owned()))?;
    let mut dynamic = DynamicMessage::new(descriptor);
    dynamic.transcode_from(message).map_err(|error| not(error.to_string()))?;
    let mut out = serde_json::Serializer::new(Vec::new());
    dynamic
        .serialize_with_options(&mut out, &SerializeOptions::new())
        .map_err(|error| not(error.to_string()))?;
    String::from_utf8(out.into_inner()).map_err(|error| not(error.to_string()))
}
