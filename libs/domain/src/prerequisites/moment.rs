//! Days and ages: when time alone changes an answer.

use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// The day of a moment, in UTC.
pub(crate) fn day_of(moment: Timestamp) -> Date {
    Offset::UTC.to_datetime(moment).date()
}

/// The first moment after a last day, in UTC: support that ends on a day lasts through it.
pub(crate) fn after_day(last: Date) -> Option<Timestamp> {
    let next = last.tomorrow().ok()?;
    Offset::UTC.to_timestamp(next.to_datetime(Time::midnight())).ok()
}

/// Whether something of `since` is at most `limit` old. A time in the future is young.
pub(crate) fn is_within(since: Timestamp, limit: SignedDuration, as_of: Timestamp) -> bool {
    as_of.duration_since(since) <= limit
}

/// The first moment at which something of `since` is older than `limit`.
pub(crate) fn outgrows(since: Timestamp, limit: SignedDuration) -> Option<Timestamp> {
    since.checked_add(limit).and_then(|last| last.checked_add(SignedDuration::from_nanos(1))).ok()
}

/// The earlier of two moments; an unset one never comes.
#[inline]
pub(crate) fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
