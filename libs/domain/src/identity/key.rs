//! The keys that tie records together, in one spelling each.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a key is. The order is the order of trust, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// The directory's `deviceId`: `azureADDeviceId` of Graph, `AADDeviceID` of the site.
    EntraDeviceId,
    /// The client id, `SMSUniqueIdentifier` or `SMSID` of the site, `clientIdentifier` of Graph: unique across sites.
    SmsClientId,
    /// Intune's id of its record.
    IntuneDeviceId,
    /// The firmware's GUID.
    SmbiosGuid,
    /// The serial number; duplicates and placeholders occur.
    SerialNumber,
}

/// How far a key is to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strength {
    /// Names one device.
    Strong,
    /// Names one machine if its maker took care: a hint, dropped at the first doubt.
    Hardware,
}

/// A text that is no kind of key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "identity key kind must be entra_device_id, sms_client_id, intune_device_id, smbios_guid or serial_number; \
     found {found:?}"
)]
pub struct UnknownKeyKind {
    /// The text as given, cut to 80 characters.
    pub found: String,
}

impl KeyKind {
    /// All kinds, strongest first.
    pub const ALL: [Self; 5] =
        [Self::EntraDeviceId, Self::SmsClientId, Self::IntuneDeviceId, Self::SmbiosGuid, Self::SerialNumber];

    /// The name in rows, messages and reports.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::EntraDeviceId => "entra_device_id",
            Self::SmsClientId => "sms_client_id",
            Self::IntuneDeviceId => "intune_device_id",
            Self::SmbiosGuid => "smbios_guid",
            Self::SerialNumber => "serial_number",
        }
    }

    /// How far it is to be trusted.
    #[must_use]
    pub const fn strength(self) -> Strength {
        match self {
            Self::EntraDeviceId | Self::SmsClientId | Self::IntuneDeviceId => Strength::Strong,
            Self::SmbiosGuid | Self::SerialNumber => Strength::Hardware,
        }
    }

    const fn expected(self) -> &'static str {
        match self {
            Self::SmsClientId => "GUID: and a GUID that is not all zeros",
            Self::SerialNumber => "a serial number of one machine, at most 128 characters",
            _ => "a GUID that is not all zeros",
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for KeyKind {
    type Err = UnknownKeyKind;

    fn from_str(text: &str) -> Result<Self, UnknownKeyKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.id() == text)
            .ok_or_else(|| UnknownKeyKind { found: text.chars().take(80).collect() })
    }
}

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotAKeyReason {
    /// Nothing, or only blanks: not said.
    Empty,
    /// A placeholder that many devices share.
    Junk,
    /// Not of the kind's shape.
    Malformed,
}

impl fmt::Display for NotAKeyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "nothing",
            Self::Junk => "the placeholder",
            Self::Malformed => "the text",
        })
    }
}

/// A text that identifies no device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be {}; found {reason} {found:?}", kind.expected())]
pub struct NotAKey {
    /// The kind asked for.
    pub kind: KeyKind,
    /// Why not.
    pub reason: NotAKeyReason,
    /// The text as given, cut to 80 characters.
    pub found: String,
}

/// A value that names a device, in its one spelling: equal keys are equal texts.
///
/// GUIDs are lower case with hyphens and without braces; a client id is `GUID:` and an upper-case GUID, as the site writes it; a
/// serial number is upper case, because sources differ in case. Ordered by trust, then value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentityKey {
    kind: KeyKind,
    value: String,
}

impl IdentityKey {
    /// Reads a source's text. A stored [`Self::value`] reads back as itself.
    ///
    /// # Errors
    /// [`NotAKey`] for texts that name no device; the record simply lacks that key.
    pub fn new(kind: KeyKind, raw: &str) -> Result<Self, NotAKey> {
        let text = raw.trim();
        let value = if text.is_empty() {
            Err(NotAKeyReason::Empty)
        } else {
            match kind {
                KeyKind::EntraDeviceId | KeyKind::IntuneDeviceId | KeyKind::SmbiosGuid => {
                    guid(text).map(|id| id.hyphenated().to_string())
                }
                KeyKind::SmsClientId => client_id(text),
                KeyKind::SerialNumber => serial_number(text),
            }
        };
        value.map(|value| Self { kind, value }).map_err(|reason| NotAKey {
            kind,
            reason,
            found: raw.chars().take(80).collect(),
        })
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Its one spelling.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Shorthand for the kind's strength.
    #[must_use]
    pub fn is_strong(&self) -> bool {
        self.kind.strength() == Strength::Strong
    }
}

impl fmt::Display for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.value)
    }
}

fn guid(text: &str) -> Result<Uuid, NotAKeyReason> {
    let bare = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}').ok_or(NotAKeyReason::Malformed)?.trim(),
        None => text,
    };
    // 36 characters with hyphens, 32 without: nothing else, such as the URN form, occurs at the sources.
    if !matches!(bare.len(), 32 | 36) {
        return Err(NotAKeyReason::Malformed);
    }
    match Uuid::try_parse(bare) {
        // All zeros: no identity, never a key (graph_managed_device.md 7).
        Ok(id) if id.is_nil() => Err(NotAKeyReason::Junk),
        Ok(id) => Ok(id),
        Err(_) => Err(NotAKeyReason::Malformed),
    }
}

fn client_id(text: &str) -> Result<String, NotAKeyReason> {
    const PREFIX: &str = "GUID:";
    let bare = match text.get(..PREFIX.len()) {
        Some(start) if start.eq_ignore_ascii_case(PREFIX) => text[PREFIX.len()..].trim(),
        _ => text,
    };
    let id = guid(bare)?;
    Ok(format!("{PREFIX}{:X}", id.hyphenated()))
}

/// Placeholders in the letters and digits of their upper-case form: the fact pack's (graph_managed_device.md 7, beside `0`).
const PLACEHOLDER_SERIALS: [&str; 3] = ["NONE", "TOBEFILLEDBYOEM", "UNKNOWN"];

/// Firmware keeps at most 64 characters in practice; twice that bounds the row.
const LONGEST_SERIAL: usize = 128;

fn serial_number(text: &str) -> Result<String, NotAKeyReason> {
    if text.chars().count() > LONGEST_SERIAL || text.chars().any(char::is_control) {
        return Err(NotAKeyReason::Malformed);
    }
    let value = text.to_uppercase();
    let signs: String = value.chars().filter(|c| c.is_alphanumeric()).collect();
    // `0`, `0000-0000`, `-`: no digit or letter that could tell two machines apart.
    if signs.chars().all(|c| c == '0') || PLACEHOLDER_SERIALS.contains(&signs.as_str()) {
        return Err(NotAKeyReason::Junk);
    }
    Ok(value)
}
