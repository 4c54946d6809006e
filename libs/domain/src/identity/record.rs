//! The identity keys that a record carries.

use jiff::Timestamp;

use crate::section::{SectionBody, Source};

use super::key::{IdentityKey, KeyKind};

/// The keys in one section, strongest first. Texts that name no device are left out.
///
/// `source` and `key` are the section's: the id of an Intune record is a key itself. A directory record is known by its
/// `deviceId` alone: its own key is the id of the object, which no other source knows.
#[must_use]
pub fn keys_of(source: &Source, key: &str, body: &SectionBody) -> Vec<IdentityKey> {
    use KeyKind::{EntraDeviceId, IntuneDeviceId, SerialNumber, SmbiosGuid, SmsClientId};
    let said: Vec<(KeyKind, Option<&str>)> = match body {
        SectionBody::Discovery(d) => {
            vec![(SmsClientId, d.sms_unique_identifier.as_deref()), (SmbiosGuid, d.smbios_guid.as_deref())]
        }
        SectionBody::Device(d) | SectionBody::CombinedDevice(d) => vec![
            (EntraDeviceId, d.entra_device_id.as_deref()),
            (SmsClientId, d.sms_id.as_deref()),
            (SmbiosGuid, d.smbios_guid.as_deref()),
            (SerialNumber, d.serial_number.as_deref()),
        ],
        SectionBody::CoManagementState(row) => vec![(EntraDeviceId, row.entra_device_id.as_deref())],
        SectionBody::ManagedDeviceV1(d) | SectionBody::ManagedDeviceBeta(d) => vec![
            (EntraDeviceId, d.entra_device_id.as_deref()),
            (SmsClientId, d.client_identifier.as_deref()),
            (IntuneDeviceId, (*source == Source::Intune).then_some(key)),
            (SerialNumber, d.serial_number.as_deref()),
        ],
        SectionBody::DirectoryDevice(d) => vec![(EntraDeviceId, d.device_id.as_deref())],
        SectionBody::Probe(p) => {
            vec![(EntraDeviceId, p.entra_device_id.as_deref()), (SmsClientId, p.sms_id.as_deref())]
        }
    };
    said.into_iter().filter_map(|(kind, text)| IdentityKey::new(kind, text?).ok()).collect()
}

/// A record and the keys that it carries: at most one of each kind, strongest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordIdentity {
    source: Source,
    key: String,
    keys: Vec<IdentityKey>,
}

impl RecordIdentity {
    /// A record with these keys. Of several values of one kind the first counts.
    #[must_use]
    pub fn new(source: Source, key: impl Into<String>, keys: impl IntoIterator<Item = IdentityKey>) -> Self {
        let mut ours: Vec<IdentityKey> = Vec::new();
        for key in keys {
            if ours.iter().all(|ours| ours.kind() != key.kind()) {
                ours.push(key);
            }
        }
        ours.sort_unstable();
        Self { source, key: key.into(), keys: ours }
    }

    /// The record's keys from its sections and their times. Where sections differ, the newest that carries a usable value
    /// counts; of equal times the first in the order of [`crate::section::SectionKind`].
    #[must_use]
    pub fn of_sections<'a>(
        source: Source,
        key: impl Into<String>,
        sections: impl IntoIterator<Item = (Timestamp, &'a SectionBody)>,
    ) -> Self {
        let key = key.into();
        let mut sections: Vec<_> = sections.into_iter().collect();
        sections.sort_by(|(a_time, a), (b_time, b)| b_time.cmp(a_time).then_with(|| a.kind().cmp(&b.kind())));
        let keys: Vec<_> = sections.iter().flat_map(|(_, body)| keys_of(&source, &key, body)).collect();
        Self::new(source, key, keys)
    }

    /// Who keeps it.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// The source's own key of it.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// At most one of each kind, strongest first.
    #[must_use]
    pub fn keys(&self) -> &[IdentityKey] {
        &self.keys
    }

    /// The same record, whatever keys it carries.
    pub(super) fn is_same_record(&self, other: &Self) -> bool {
        self.source == other.source && self.key == other.key
    }
}
