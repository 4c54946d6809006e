//! Time zones of devices, by IANA name or as a fixed offset.
//!
//! The table of zones is compiled in: what a name means does not depend on the machine that asks. Windows' own zone names
//! (`W. Europe Standard Time`) are not read here.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The furthest that a fixed offset goes, in hours either way. Real ones end at -12 and +14.
const FURTHEST: u8 = 14;

/// A text that names no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an IANA time zone such as Europe/Oslo or an offset such as +05:30, at most 14 hours; found {found:?}"
)]
pub struct InvalidZone {
    /// The text as given, cut to 80 characters.
    pub found: String,
}

/// A time zone. Compared by its name.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: Arc<str>,
    rules: TimeZone,
}

impl Zone {
    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: Arc::from("UTC"), rules: TimeZone::UTC }
    }

    /// Reads an IANA name, whatever its case, or a fixed offset `+HH:MM` or `-HH:MM`.
    ///
    /// # Errors
    /// The text is neither.
    pub fn parse(text: &str) -> Result<Self, InvalidZone> {
        let invalid = || InvalidZone { found: text.chars().take(80).collect() };
        if text.starts_with(['+', '-']) {
            let offset = offset(text).ok_or_else(invalid)?;
            return Ok(Self { name: Arc::from(text), rules: TimeZone::fixed(offset) });
        }
        let rules = ZONES.get(text).map_err(|_| invalid())?;
        Ok(Self { name: Arc::from(rules.iana_name().unwrap_or(text)), rules })
    }

    /// The name, as the table of zones writes it, or the offset.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What local time is there.
    pub(super) const fn rules(&self) -> &TimeZone {
        &self.rules
    }
}

/// Reads `+HH:MM` or `-HH:MM`.
fn offset(text: &str) -> Option<Offset> {
    let (sign, rest) = text.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    if [hours, minutes].iter().any(|part| part.len() != 2 || !part.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = i32::from(hours) * 60 + i32::from(minutes);
    if minutes > 59 || total > i32::from(FURTHEST) * 60 {
        return None;
    }
    Offset::from_seconds(if sign == "-" { -total } else { total } * 60).ok()
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl PartialOrd for Zone {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Zone {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl TryFrom<String> for Zone {
    type Error = InvalidZone;

    fn try_from(text: String) -> Result<Self, InvalidZone> {
        Self::parse(&text)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_offsets_are_read_and_written_alike() {
        for (text, name) in [
            ("europe/oslo", "Europe/Oslo"),
            ("UTC", "UTC"),
            ("+05:30", "+05:30"),
            ("-12:00", "-12:00"),
            ("+14:00", "+14:00"),
        ] {
            assert_eq!(Zone::parse(text).unwrap().name(), name);
        }
    }

    #[test]
    fn text_that_names_no_zone_is_refused_with_what_is_accepted() {
        for text in
            ["", "Europe/Atlantis", "W. Europe Standard Time", "+5:30", "+14:01", "+05:60", "+0530", "+-1:00"]
        {
            assert_eq!(Zone::parse(text), Err(InvalidZone { found: text.to_owned() }));
        }
    }
}
