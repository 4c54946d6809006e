//! What is remembered of every record: which are no devices, which were handed on, which were repeated.
//!
//! Obsolete and decommissioned records are no devices (fact pack, admin_service.md 6.1), nor are the placeholders of
//! operating system deployment. What one class says of a record holds for its rows of every class.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use tandem_domain::section::SectionKind;

use crate::summary::SkippedRecords;

/// A record of a site: the index of the site's provider and the ResourceID.
pub(crate) type SiteKey = (usize, u32);

/// Why a record is no device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoDevice {
    Obsolete,
    Decommissioned,
    UnknownComputer,
}

impl NoDevice {
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Obsolete => "obsolete",
            Self::Decommissioned => "decommissioned",
            Self::UnknownComputer => "unknown computer",
        }
    }
}

/// What a row says of its record's standing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Standing<'a> {
    pub(crate) obsolete: Option<bool>,
    pub(crate) decommissioned: Option<bool>,
    /// The console's `Unknown`.
    pub(crate) unknown: Option<bool>,
    pub(crate) client: Option<bool>,
    pub(crate) sms_id: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
}

impl Standing<'_> {
    pub(crate) fn no_device(&self) -> Option<NoDevice> {
        if self.obsolete == Some(true) {
            Some(NoDevice::Obsolete)
        } else if self.decommissioned == Some(true) {
            Some(NoDevice::Decommissioned)
        } else if self.unknown == Some(true) || self.is_placeholder() {
            Some(NoDevice::UnknownComputer)
        } else {
            None
        }
    }

    /// No client, no client id, and the built-in name \[derived\]. Placeholders carry a bare GUID where a client has `GUID:…`.
    fn is_placeholder(&self) -> bool {
        const NAME: &str = "unknown computer";
        let has_client_id =
            self.sms_id.is_some_and(|id| id.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("GUID:")));
        self.client != Some(true)
            && !has_client_id
            && self.name.is_some_and(|name| name.to_ascii_lowercase().contains(NAME))
    }
}

/// The memory of one reading: some bytes a record.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// What was handed on of a record: a bit per class.
    seen: HashMap<SiteKey, u8>,
    no_devices: HashSet<SiteKey>,
    /// Hashes, because the keys are texts; a collision would only miscount a duplicate.
    cloud: HashSet<u64>,
    pub(crate) skipped: SkippedRecords,
    pub(crate) duplicates: u64,
}

impl Ledger {
    const MEMBERSHIP: u8 = 1;

    const fn bit(kind: SectionKind) -> u8 {
        match kind {
            SectionKind::Discovery => 2,
            SectionKind::Device => 4,
            SectionKind::CombinedDevice => 8,
            SectionKind::CoManagementState => 16,
            _ => 0,
        }
    }

    pub(crate) fn is_no_device(&self, key: SiteKey) -> bool {
        self.no_devices.contains(&key)
    }

    /// Notes that the record is no device. True when something of it had been handed on, which is to be taken back.
    pub(crate) fn skip(&mut self, key: SiteKey, why: NoDevice) -> bool {
        if !self.no_devices.insert(key) {
            return false;
        }
        match why {
            NoDevice::Obsolete => self.skipped.obsolete += 1,
            NoDevice::Decommissioned => self.skipped.decommissioned += 1,
            NoDevice::UnknownComputer => self.skipped.unknown_computer += 1,
        }
        self.seen.remove(&key).is_some()
    }

    pub(crate) fn member(&mut self, key: SiteKey) {
        *self.seen.entry(key).or_default() |= Self::MEMBERSHIP;
    }

    pub(crate) fn site_section(&mut self, key: SiteKey, kind: SectionKind) {
        let seen = self.seen.entry(key).or_default();
        let bit = Self::bit(kind);
        self.duplicates += u64::from(*seen & bit != 0);
        *seen |= bit;
    }

    pub(crate) fn cloud_section(&mut self, key: &str, kind: SectionKind) {
        let mut hasher = DefaultHasher::new();
        (key, kind).hash(&mut hasher);
        self.duplicates += u64::from(!self.cloud.insert(hasher.finish()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholder_of_deployment_is_no_device() {
        let placeholder = Standing {
            client: Some(false),
            sms_id: Some("b4cb0d6b-2b2e-4c71-9f9e-5d2f2f6d9c10"),
            name: Some("x64 Unknown Computer (x64 Unknown Computer)"),
            ..Standing::default()
        };
        let found = [
            placeholder,
            Standing { sms_id: None, client: None, ..placeholder },
            Standing { unknown: Some(true), ..Standing::default() },
            Standing { client: Some(true), ..placeholder },
            Standing { sms_id: Some("GUID:6D1E0F9A-1B2C-4D3E-8F90-A1B2C3D4E5F6"), ..placeholder },
            Standing { name: Some("LAB-VM-07"), ..placeholder },
        ]
        .map(|standing| standing.no_device().is_some());
        assert_eq!(found, [true, true, true, false, false, false]);
    }

    #[test]
    fn record_is_skipped_once_and_taken_back_only_if_handed_on() {
        let mut ledger = Ledger::default();
        ledger.member((0, 1));
        ledger.site_section((0, 2), SectionKind::Discovery);
        let taken_back = [(0, 1), (0, 1), (0, 2), (0, 3)].map(|key| ledger.skip(key, NoDevice::Obsolete));
        assert_eq!(taken_back, [true, false, true, false]);
        assert_eq!(ledger.skipped, SkippedRecords { obsolete: 3, ..SkippedRecords::default() });
    }
}
