//! What a client says of its own workloads: the capability value, and Graph's feature flags.
//!
//! The value is a bit sum (`CoManagementFlags` on the client, `MDMWorkloads` at the site): a set bit means that Intune decides
//! that workload. No vendor page documents the numbers, so values are decoded by bits, never by a table of totals, and bits
//! without a known meaning are kept (`data/workloads.toml`, `[capability]` and its disputes). A report lags the effective
//! authority; it is compared with it, never put in its place.

use std::fmt;

use crate::section::ClientFeatures;
use crate::workload::{PerWorkload, Workload};

/// "Policy present". Some sources call it inventory; it is never a workload (dispute `bit_1`).
const POLICY_PRESENT: u32 = 0x1;
/// The encryption part of endpoint protection; only in the newer layout.
const ENCRYPTION: u32 = 0x1000;
/// Marker of the newer baseline 8193. No source explains it: nothing about a workload is decided from it alone.
const SPLIT_MARKER: u32 = 0x2000;

/// The bit of a workload. Endpoint protection also has an encryption bit, see [`Encryption`].
#[must_use]
pub const fn bit(workload: Workload) -> u32 {
    match workload {
        Workload::CompliancePolicies => 0x2,
        Workload::ResourceAccessPolicies => 0x4,
        Workload::DeviceConfiguration => 0x8,
        Workload::WindowsUpdatePolicies => 0x10,
        Workload::EndpointProtection => 0x20,
        Workload::ClientApps => 0x40,
        Workload::OfficeClickToRunApps => 0x80,
    }
}

/// Every bit that has a meaning here.
fn known_bits() -> u32 {
    Workload::ALL.into_iter().fold(POLICY_PRESENT | ENCRYPTION | SPLIT_MARKER, |bits, w| bits | bit(w))
}

/// A capability text that is no number. The site's column is free text, so this is an ordinary thing to meet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "capability value is not a number: expected decimal or 0x-hexadecimal of at most 32 bits, found {text:?}"
)]
pub struct InvalidCapability {
    /// The text as written.
    pub text: String,
}

/// A capability value as reported, undecoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CapabilityValue(pub u32);

impl CapabilityValue {
    /// Reads decimal or `0x` hexadecimal text; surrounding space is ignored.
    ///
    /// # Errors
    /// [`InvalidCapability`] for empty text, anything but digits, and numbers over 32 bits.
    pub fn parse(text: &str) -> Result<Self, InvalidCapability> {
        let trimmed = text.trim();
        let (digits, radix) = match trimmed.strip_prefix("0x").or_else(|| trimmed.strip_prefix("0X")) {
            Some(digits) => (digits, 16),
            None => (trimmed, 10),
        };
        // from_str_radix would take a leading plus sign.
        let value = digits
            .chars()
            .all(|c| c.is_digit(radix))
            .then(|| u32::from_str_radix(digits, radix).ok())
            .flatten();
        value.map(Self).ok_or_else(|| InvalidCapability { text: text.to_owned() })
    }

    /// Which value set the value belongs to, told by the bits that only the newer one has \[derived\].
    #[must_use]
    pub const fn layout(self) -> Layout {
        if self.0 & (SPLIT_MARKER | ENCRYPTION) == 0 { Layout::Legacy } else { Layout::Current }
    }

    /// Takes the value apart. Nothing is lost: [`Capabilities::encode`] gives it back.
    #[must_use]
    pub fn decode(self) -> Capabilities {
        let has = |mask: u32| self.0 & mask != 0;
        Capabilities {
            layout: self.layout(),
            policy_present: has(POLICY_PRESENT),
            moved: PerWorkload::from_fn(|w| has(bit(w))),
            encryption: self.encryption(),
            split_marker: has(SPLIT_MARKER),
            unknown_bits: self.0 & !known_bits(),
        }
    }

    /// Dispute `ep_value`, our reading \[derived\]: where bit 4096 exists it decides; a value with 8192 and 32 but without 4096
    /// leaves encryption open; before 2111 endpoint protection was undivided, so encryption goes where bit 32 goes.
    const fn encryption(self) -> Encryption {
        if self.0 & ENCRYPTION != 0 {
            return Encryption::Moved;
        }
        if self.0 & bit(Workload::EndpointProtection) == 0 {
            return Encryption::NotMoved;
        }
        match self.layout() {
            Layout::Legacy => Encryption::Moved,
            Layout::Current => Encryption::Unknown,
        }
    }
}

impl fmt::Display for CapabilityValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The two value sets that clients report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Site versions before 2111: baseline 1, everything moved is 255.
    Legacy,
    /// 2111 and later: baseline 8193, encryption has a bit of its own, everything moved is 12543.
    Current,
}

/// Where the encryption part of endpoint protection (BitLocker) stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// With Configuration Manager.
    NotMoved,
    /// With Intune.
    Moved,
    /// Endpoint protection moved, but the value does not say whether encryption did.
    Unknown,
}

/// A decoded capability value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The value set that it was written in.
    pub layout: Layout,
    /// The co-management policy is on the client.
    pub policy_present: bool,
    /// Whose own bit is set. Device configuration carries its sub-workloads with it, bits or not: that is decided in
    /// [`crate::authority`], not here.
    pub moved: PerWorkload<bool>,
    /// Where the encryption part of endpoint protection stands.
    pub encryption: Encryption,
    /// Bit 8192 was set. Kept so that the value can be given back; decides nothing by itself.
    pub split_marker: bool,
    /// Bits without a known meaning, to be shown.
    pub unknown_bits: u32,
}

impl Capabilities {
    /// What a client with a policy reports when these workloads were moved; encryption moves with endpoint protection.
    #[must_use]
    pub fn of(layout: Layout, moved: PerWorkload<bool>) -> Self {
        let encryption =
            if moved[Workload::EndpointProtection] { Encryption::Moved } else { Encryption::NotMoved };
        let split_marker = layout == Layout::Current;
        Self { layout, policy_present: true, moved, encryption, split_marker, unknown_bits: 0 }
    }

    /// The value again, bit for bit.
    #[must_use]
    pub fn encode(&self) -> CapabilityValue {
        let flag = |set: bool, mask: u32| if set { mask } else { 0 };
        let workloads = self.moved.iter().fold(0, |bits, (w, moved)| bits | flag(*moved, bit(w)));
        let encryption = self.layout == Layout::Current && self.encryption == Encryption::Moved;
        CapabilityValue(
            workloads
                | flag(self.policy_present, POLICY_PRESENT)
                | flag(encryption, ENCRYPTION)
                | flag(self.split_marker, SPLIT_MARKER)
                | self.unknown_bits,
        )
    }

    /// What the value says of each workload: `true` for Intune, `None` where it says nothing. Bit 4096 without bit 32 says
    /// nothing about endpoint protection (states.md 8, notes).
    #[must_use]
    pub fn reported(&self) -> PerWorkload<Option<bool>> {
        let mut reported = PerWorkload::from_fn(|w| Some(self.moved[w]));
        if self.encryption == Encryption::Moved && !self.moved[Workload::EndpointProtection] {
            reported[Workload::EndpointProtection] = None;
        }
        reported
    }
}

/// What Graph says of each workload: `true` for Intune, `None` where the record does not carry the flag. v1.0 carries neither
/// endpoint protection nor Office apps (dispute `graph_versions_differ`); `inventory` is no workload.
#[must_use]
pub fn reported_by_features(features: &ClientFeatures) -> PerWorkload<Option<bool>> {
    PerWorkload::from_fn(|workload| match workload {
        Workload::CompliancePolicies => features.compliance_policy,
        Workload::WindowsUpdatePolicies => features.windows_update_for_business,
        Workload::ResourceAccessPolicies => features.resource_access,
        Workload::EndpointProtection => features.endpoint_protection,
        Workload::DeviceConfiguration => features.device_configuration,
        Workload::OfficeClickToRunApps => features.office_apps,
        Workload::ClientApps => features.modern_apps,
    })
}

#[cfg(test)]
mod tests;
