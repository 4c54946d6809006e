//! Points in time.

use jiff::Timestamp;

use super::Violation;

/// The time as a message. Nanoseconds count forward from the second, also before 1970, as the contract demands.
#[must_use]
pub fn to_proto(time: Timestamp) -> prost_types::Timestamp {
    let nanos = time.as_nanosecond();
    const SECOND: i128 = 1_000_000_000;
    // Both fit: a timestamp spans some 20,000 years, and a remainder is less than a second.
    prost_types::Timestamp {
        seconds: i64::try_from(nanos.div_euclid(SECOND)).unwrap_or_default(),
        nanos: i32::try_from(nanos.rem_euclid(SECOND)).unwrap_or_default(),
    }
}

/// The time of a message.
///
/// # Errors
/// A violation of the field when it is outside the years 1 to 9999, or its nanoseconds are no part of a second.
pub fn from_proto(field: &str, time: prost_types::Timestamp) -> Result<Timestamp, Violation> {
    read(time).map_err(|description| Violation::new(field, description))
}

/// The time of a field that must be set.
///
/// # Errors
/// As [`from_proto`], and a violation when it is unset.
pub fn required(field: &str, time: Option<prost_types::Timestamp>) -> Result<Timestamp, Violation> {
    from_proto(field, time.ok_or_else(|| Violation::new(field, "must be set; found nothing"))?)
}

pub(super) fn read(time: prost_types::Timestamp) -> Result<Timestamp, String> {
    /// 0001-01-01T00:00:00Z, the contract's first moment.
    const FIRST: i64 = -62_135_596_800;
    if time.seconds < FIRST {
        return Err(format!("must be in the years 1 to 9999; found {} seconds since 1970", time.seconds));
    }
    if !(0..1_000_000_000).contains(&time.nanos) {
        return Err(format!("must have 0 to 999999999 nanoseconds; found {}", time.nanos));
    }
    Timestamp::new(time.seconds, time.nanos)
        .map_err(|_| format!("must be in the years 1 to 9999; found {} seconds since 1970", time.seconds))
}

/// A time that means something: Graph writes a moment of year 1 for "never", and Intune one of 1900 for an agent that it heard
/// nothing of.
pub(super) fn not_never(time: &Timestamp) -> bool {
    /// 1901-01-01T00:00:00Z.
    const AFTER_NEVER: i64 = -2_177_452_800;
    time.as_second() >= AFTER_NEVER
}
