//! What the decision reads and what it answers.

use std::fmt;

use crate::id::DeviceId;
use crate::section::Source;

use super::key::IdentityKey;
use super::record::RecordIdentity;

/// A device that holds a key of the record, or the record itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Which device.
    pub device: DeviceId,
    /// The keys that it holds: the key rows that point at it.
    pub keys: Vec<IdentityKey>,
    /// Its records, each with the keys that it brings, granted or not.
    pub records: Vec<RecordIdentity>,
    /// Those of its keys that are marked ambiguous.
    pub ambiguous: Vec<IdentityKey>,
}

/// Where the record belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// On the device where it is.
    Existing(DeviceId),
    /// On a device that others described first.
    Join {
        /// Which device.
        device: DeviceId,
        /// The key that it holds.
        because: IdentityKey,
    },
    /// On a device of its own; the inventory names it.
    New,
}

/// The answer of [`super::place`], as changes to apply. The order of application is in the module's documentation.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Where the record belongs: the *surviving* device of what follows.
    pub decision: Decision,
    /// Devices that turn out to be the surviving one: their records and keys move there.
    pub merge: Vec<DeviceId>,
    /// The record's keys that the surviving device holds now, whether it held them before or not.
    pub claims: Vec<IdentityKey>,
    /// Keys of the current device that no record of it brings any more.
    pub releases: Vec<IdentityKey>,
    /// Hardware keys that turned out to be shared by devices that differ: to be marked at their holder.
    pub ambiguous: Vec<IdentityKey>,
    /// The record's keys that it did not get. They replace the record's former conflicts.
    pub conflicts: Vec<Conflict>,
}

/// A key of a record that its device did not get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The key.
    pub key: IdentityKey,
    /// The device that holds it; the record's own device, where that contradicts the key.
    pub holder: DeviceId,
    /// Why the two are not one.
    pub why: ConflictReason,
}

/// Why a key led to no join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConflictReason {
    /// Both sides have a record of one source, and a source keeps one record of a device.
    SameSource {
        /// The source, or hierarchy.
        source: Source,
        /// The holder's record.
        held: String,
        /// The claimant's record.
        found: String,
    },
    /// Both sides have a strong key of one kind with different values.
    Contradiction {
        /// The holder's value.
        held: IdentityKey,
        /// The claimant's value.
        found: IdentityKey,
    },
    /// The hardware key is known to be shared by devices that differ.
    Ambiguous,
    /// The record's strong keys are in conflict already, so a hardware key is not trusted to decide.
    StrongKeyInConflict,
}

impl ConflictReason {
    /// A stable word for rows and metrics.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::SameSource { .. } => "same_source",
            Self::Contradiction { .. } => "contradiction",
            Self::Ambiguous => "ambiguous",
            Self::StrongKeyInConflict => "strong_key_in_conflict",
        }
    }
}

impl fmt::Display for ConflictReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameSource { source, held, found } => {
                write!(f, "expected one record of {source}, {held}; found another, {found}")
            }
            Self::Contradiction { held, found } => {
                write!(f, "expected {held}; found {found}")
            }
            Self::Ambiguous => f.write_str("expected a key of one device; found it on several"),
            Self::StrongKeyInConflict => {
                f.write_str("expected strong keys without conflict; found only a hardware key that agrees")
            }
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} stays with device {}: {}", self.key, self.holder, self.why)
    }
}
