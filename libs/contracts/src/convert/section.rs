//! What a source reports of a record. The source itself comes from outside: the call names it once for all sections.

use jiff::Timestamp;
use tandem_domain::section::{Section, SectionBody, Source};

use super::bodies::{Body, without_never};
use super::field::Field;
use super::{Violation, Violations, time};
use crate::r#type::v1;

/// Longest key and reason, in characters.
const LONGEST: usize = 256;

/// What a `Section` message says.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every report says something; boxing it would cost each one"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The source said something about the record.
    Said {
        /// What, and when.
        section: Section,
        /// Order among sections of one record with the same `observed_at`: the greater one wins.
        sequence: u64,
    },
    /// The source no longer keeps the record.
    Removed(Removal),
}

/// The source no longer keeps the record, whatever sections it had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Who says so.
    pub source: Source,
    /// The source's own key of the record.
    pub key: String,
    /// When the source said it.
    pub observed_at: Timestamp,
    /// Order among sections of one record with the same `observed_at`.
    pub sequence: u64,
    /// Why, in the source's words, for people.
    pub reason: Option<String>,
}

/// The report as a message, without its source.
#[must_use]
pub fn to_proto(report: &Report) -> v1::Section {
    match report {
        Report::Said { section, sequence } => v1::Section {
            key: section.key.clone(),
            observed_at: Some(time::to_proto(section.observed_at)),
            sequence: *sequence,
            body: Some(write(&section.body)),
        },
        Report::Removed(removal) => v1::Section {
            key: removal.key.clone(),
            observed_at: Some(time::to_proto(removal.observed_at)),
            sequence: removal.sequence,
            body: Some(v1::section::Body::Removed(v1::RecordRemoved {
                reason: removal.reason.clone().unwrap_or_default(),
            })),
        },
    }
}

/// The report that a source's message makes.
///
/// # Errors
/// Every field that breaks its documented shape.
pub fn from_proto(message: v1::Section, source: &Source) -> Result<Report, Vec<Violation>> {
    let mut violations = Violations::new();
    let v1::Section { key, observed_at, sequence, body } = message;
    if key.is_empty() {
        violations.add("key", "must be the source's key of the record; found nothing");
    }
    violations.at_most("key", &key, LONGEST);
    let observed_at = violations.keep(time::required("observed_at", observed_at));
    let content = match body {
        Some(body) => read(body, &mut violations),
        None => {
            violations.add("body", "must be set; found nothing, or a body that this release does not know");
            None
        }
    };
    let report = observed_at.zip(content).map(|(observed_at, content)| {
        let source = source.clone();
        match content {
            Content::Said(body) => {
                Report::Said { section: Section { source, key, observed_at, body }, sequence }
            }
            Content::Removed(reason) => {
                Report::Removed(Removal { source, key, observed_at, sequence, reason })
            }
        }
    });
    violations.finish(report)
}

#[expect(clippy::large_enum_variant, reason = "lives for one call")]
enum Content {
    Said(SectionBody),
    Removed(Option<String>),
}

fn write(body: &SectionBody) -> v1::section::Body {
    use v1::section::Body as Proto;
    match body {
        SectionBody::Discovery(b) => Proto::Discovery(b.write()),
        SectionBody::Device(b) => Proto::Device(b.write()),
        SectionBody::CombinedDevice(b) => Proto::CombinedDevice(b.write()),
        SectionBody::CoManagementState(b) => Proto::CoManagementState(b.write()),
        SectionBody::ManagedDeviceV1(b) => Proto::ManagedDeviceV1(b.write()),
        SectionBody::ManagedDeviceBeta(b) => Proto::ManagedDeviceBeta(b.write()),
        SectionBody::DirectoryDevice(b) => Proto::DirectoryDevice(b.write()),
        SectionBody::Probe(b) => Proto::Probe(b.write()),
    }
}

fn read(body: v1::section::Body, violations: &mut Violations) -> Option<Content> {
    use v1::section::Body as Proto;
    let said = match body {
        Proto::Discovery(b) => SectionBody::Discovery(read_body("discovery", b, violations)?),
        Proto::Device(b) => SectionBody::Device(read_body("device", b, violations)?),
        Proto::CombinedDevice(b) => SectionBody::CombinedDevice(read_body("combined_device", b, violations)?),
        Proto::CoManagementState(b) => {
            SectionBody::CoManagementState(read_body("co_management_state", b, violations)?)
        }
        Proto::ManagedDeviceV1(b) => {
            SectionBody::ManagedDeviceV1(without_never(read_body("managed_device_v1", b, violations)?))
        }
        Proto::ManagedDeviceBeta(b) => {
            SectionBody::ManagedDeviceBeta(without_never(read_body("managed_device_beta", b, violations)?))
        }
        Proto::DirectoryDevice(b) => {
            SectionBody::DirectoryDevice(read_body("directory_device", b, violations)?)
        }
        Proto::Probe(b) => SectionBody::Probe(read_body("probe", b, violations)?),
        Proto::Removed(removed) => {
            violations.at_most("removed.reason", &removed.reason, LONGEST);
            return String::read(Some(removed.reason)).ok().map(Content::Removed);
        }
    };
    Some(Content::Said(said))
}

fn read_body<B: Body>(field: &str, proto: B::Proto, violations: &mut Violations) -> Option<B> {
    let mut inner = Violations::new();
    let body = B::read(proto, &mut inner);
    violations.keep_under(field, inner.finish(Some(body)))
}
