//! Keys by which sources and people know a device.

use tandem_domain::identity::IdentityKey;

use super::{Violation, Violations, enum_required, number};
use crate::r#type::v1;

/// Longest value, in characters.
const LONGEST: usize = 256;

/// The key as a message.
#[must_use]
pub fn to_proto(key: &IdentityKey) -> v1::DeviceKey {
    v1::DeviceKey { kind: number(key.kind()), value: key.value().to_owned() }
}

/// The key of a message, in its one spelling whatever spelling it came in.
///
/// # Errors
/// Every field that breaks its documented shape; placeholders that many devices share are no keys.
pub fn from_proto(message: &v1::DeviceKey) -> Result<IdentityKey, Vec<Violation>> {
    let mut violations = Violations::new();
    violations.at_most("value", &message.value, LONGEST);
    let kind = violations.keep(enum_required("kind", message.kind));
    let key = kind.and_then(|kind| {
        let key = IdentityKey::new(kind, &message.value);
        violations.keep(key.map_err(|e| Violation::new("value", e.to_string())))
    });
    violations.finish(key)
}
