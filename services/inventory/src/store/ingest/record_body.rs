//! The stored body of a record: the keys that it brings, its sections and its end, in one value. One row a record instead of one a section,
//! since a batch brings all sections of a record together and a merge needs them all.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;
use prost::bytes::Bytes;
use tandem_contracts::r#type::v1;
use tandem_domain::id::DeviceId;
use tandem_domain::identity::{IdentityKey, RecordIdentity};
use tandem_domain::section::{self, Source};
use tandem_server::failure::Failure;

use super::apply::timestamp;
use super::working::{StoredSection, WorkRecord};
use crate::grpc::convert;
use crate::store::entity::record;

/// Field numbers are stored: never given to another field.
#[derive(Clone, PartialEq, Message)]
struct Body {
    #[prost(message, repeated, tag = "1")]
    keys: Vec<v1::DeviceKey>,
    #[prost(message, repeated, tag = "2")]
    sections: Vec<Section>,
    /// When the source last let go of the record.
    #[prost(message, optional, tag = "3")]
    removed: Option<Stamp>,
    /// See [`WorkRecord::removed_ahead`].
    #[prost(message, optional, tag = "4")]
    removed_ahead: Option<Stamp>,
    /// See [`WorkRecord::conflicted`]: hardly any record is, so that hardly any batch has to ask for conflicts.
    #[prost(bool, tag = "5")]
    conflicted: bool,
}

/// A time and a sequence.
#[derive(Clone, Copy, PartialEq, Message)]
struct Stamp {
    /// Nanoseconds since 1970.
    #[prost(int64, tag = "1")]
    observed_at: i64,
    #[prost(int64, tag = "2")]
    sequence: i64,
}

impl Stamp {
    const fn pair(self) -> (i64, i64) {
        (self.observed_at, self.sequence)
    }
}

#[derive(Clone, PartialEq, Message)]
struct Section {
    #[prost(int32, tag = "1")]
    kind: i32,
    /// Nanoseconds since 1970.
    #[prost(int64, tag = "2")]
    observed_at: i64,
    #[prost(int64, tag = "3")]
    sequence: i64,
    #[prost(bool, tag = "4")]
    clamped: bool,
    /// A `tandem.type.v1.Section`.
    #[prost(bytes = "bytes", tag = "5")]
    said: Bytes,
    /// See [`StoredSection::ahead`].
    #[prost(message, optional, tag = "6")]
    ahead: Option<Stamp>,
}

/// The bytes to store.
pub(super) fn encode(record: &WorkRecord) -> Vec<u8> {
    let key = |key: &IdentityKey| v1::DeviceKey {
        kind: convert::key_kind(key.kind()).into(),
        value: key.value().to_owned(),
    };
    let stamp = |(observed_at, sequence)| Stamp { observed_at, sequence };
    let section = |(kind, stored): (&i32, &StoredSection)| Section {
        kind: *kind,
        observed_at: stored.observed_at,
        sequence: stored.sequence,
        clamped: stored.clamped,
        said: stored.bytes.clone(),
        ahead: stored.ahead.map(stamp),
    };
    let body = Body {
        keys: record.identity.keys().iter().map(key).collect(),
        sections: record.sections.iter().map(section).collect(),
        removed: record.removed_at.map(stamp),
        removed_ahead: record.removed_ahead.map(stamp),
        conflicted: record.conflicted,
    };
    body.encode_to_vec()
}

/// The record of a row.
pub(super) fn decode(row: record::Model) -> Result<WorkRecord, Failure> {
    let device = match row.device.as_str() {
        "" => None,
        id => Some(DeviceId::parse(id).map_err(Failure::internal)?),
    };
    let source: Source = row.source.parse().map_err(Failure::internal)?;
    let body = Body::decode(Bytes::from(row.body)).map_err(Failure::internal)?;
    let keys = body.keys.iter().map(|key| convert::stored_key(key.kind, &key.value));
    let keys: Vec<IdentityKey> = keys.collect::<Result<_, _>>()?;
    let mut sections = BTreeMap::new();
    for Section { kind, observed_at, sequence, clamped, said, ahead } in body.sections {
        let body = convert::stored_body(&source, &said)?;
        let key = row.record_key.clone();
        let section =
            section::Section { source: source.clone(), key, observed_at: timestamp(observed_at), body };
        let (section, ahead) = (Arc::new(section), ahead.map(Stamp::pair));
        sections.insert(kind, StoredSection { observed_at, sequence, clamped, ahead, bytes: said, section });
    }
    Ok(WorkRecord {
        placed_before: device.is_some() || !keys.is_empty(),
        identity: RecordIdentity::new(source, row.record_key, keys),
        device,
        sections,
        removed_at: body.removed.map(Stamp::pair),
        removed_ahead: body.removed_ahead.map(Stamp::pair),
        conflicted: body.conflicted,
        stored: true,
        dirty: false,
    })
}
