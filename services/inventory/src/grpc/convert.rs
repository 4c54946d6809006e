//! The inventory's messages and stored bytes, to and from the domain.

use prost::Message;
use tandem_contracts::convert::{self, Enumerated, Violation};
use tandem_contracts::r#type::v1;
use tandem_domain::facts::DeviceFacts;
use tandem_domain::identity::{IdentityKey, KeyKind};
use tandem_domain::section::{SectionBody, Source};
use tandem_domain::tenant::TenantFacts;
use tandem_server::failure::{Failure, FieldViolation};
use tandem_storage::StoreError;

/// Violations of a message that the request holds in its field `parent`, as the caller sees them.
pub(crate) fn violations(parent: &str, found: Vec<Violation>) -> Failure {
    Failure::InvalidFields(
        found
            .into_iter()
            .map(|violation| violation.under(parent))
            .map(|Violation { field, description }| FieldViolation { field, description })
            .collect(),
    )
}

/// What was stored breaks the shape that was checked when it came in: the database is damaged, or of a later release.
fn corrupt(what: &str, found: &[Violation]) -> Failure {
    let details: Vec<String> = found.iter().map(ToString::to_string).collect();
    StoreError::corrupt(format!("{what}: {}", details.join("; "))).into()
}

/// A stored section.
pub(crate) fn stored_body(source: &Source, bytes: &[u8]) -> Result<SectionBody, Failure> {
    let message = v1::Section::decode(bytes).map_err(Failure::internal)?;
    match convert::section::from_proto(message, source) {
        Ok(convert::section::Report::Said { section, .. }) => Ok(section.body),
        Ok(convert::section::Report::Removed(_)) => Err(corrupt("section", &[])),
        Err(found) => Err(corrupt("section", &found)),
    }
}

/// A stored key.
pub(crate) fn stored_key(kind: i32, value: &str) -> Result<IdentityKey, Failure> {
    let message = v1::DeviceKey { kind, value: value.to_owned() };
    convert::key::from_proto(&message).map_err(|found| corrupt("device key", &found))
}

/// The number of a kind of key.
pub(crate) fn key_kind(kind: KeyKind) -> v1::KeyKind {
    kind.to_proto()
}

/// Stored facts of a tenant.
pub(crate) fn tenant_facts(message: &v1::TenantFacts) -> Result<TenantFacts, Failure> {
    convert::tenant::from_proto(message.clone()).map_err(|found| corrupt("tenant facts", &found))
}

/// Stored facts of a device.
pub(crate) fn device_facts(message: Option<&v1::DeviceFacts>) -> Result<DeviceFacts, Failure> {
    convert::facts::from_proto(message.cloned().unwrap_or_default())
        .map_err(|found| corrupt("device facts", &found))
}

/// A stored time, nanoseconds since 1970.
pub(crate) fn timestamp_of_nanos(nanoseconds: i64) -> prost_types::Timestamp {
    convert::time::to_proto(crate::store::ingest::timestamp(nanoseconds))
}
