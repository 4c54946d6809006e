//! What lies under which key, byte by byte.
//!
//! Every number is written as 16 hexadecimal digits, so that scripts compare the whole of 64 bits, as text.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::port::{Epoch, Found, MAX_WATERMARK_AGE, Position, Value};

/// Digits of a number.
const DIGITS: usize = 16;

/// The keys of one tenant, all in one hash slot. Its length stands before its name, so no name can be mistaken for another key's.
#[derive(Debug)]
pub(super) struct Keys<'a> {
    tenant: &'a str,
}

impl<'a> Keys<'a> {
    pub(super) const fn of(tenant: &'a str) -> Self {
        Self { tenant }
    }

    /// What is known of the epoch: its number, incarnation, watermark, the greatest `as_of` of its writes, when it was confirmed (in
    /// milliseconds of Unix time); then, of each writer, its name and the number of its last write, the latest writer last.
    pub(super) fn meta(&self) -> String {
        format!("tandem:cache:1:{{{}:{}}}:epoch", self.tenant.len(), self.tenant)
    }

    /// What is known of a device: the epoch in which that was said, the revision, then `+` and its state or `-`.
    pub(super) fn device(&self, id: &str) -> String {
        format!("tandem:cache:1:{{{}:{}}}:device:{id}", self.tenant.len(), self.tenant)
    }
}

/// A number as scripts see it.
pub(super) fn digits(number: u64) -> String {
    format!("{number:016x}")
}

/// The number in so many digits. `None`: these are none.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.len() == DIGITS)?;
    u64::from_str_radix(text, 16).ok()
}

/// Milliseconds of Unix time; a time before it counts as its beginning.
pub(super) fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What is known of a device, as it is kept.
pub(super) fn slot(epoch: Epoch, revision: u64, value: Option<&Value>) -> Vec<u8> {
    let mut slot = Vec::with_capacity(2 * DIGITS + 1 + value.map_or(0, |value| value.len()));
    slot.extend_from_slice(digits(epoch.0).as_bytes());
    slot.extend_from_slice(digits(revision).as_bytes());
    slot.push(if value.is_some() { b'+' } else { b'-' });
    slot.extend_from_slice(value.map_or(&[], |value| &value[..]));
    slot
}

/// The state in a slot, if it was said in that epoch.
pub(super) fn state(slot: &[u8], epoch: Epoch) -> Option<Found> {
    let said_in = number(slot.get(..DIGITS)?)?;
    let (flag, state) = slot.get(2 * DIGITS..)?.split_first()?;
    if said_in != epoch.0 || *flag != b'+' {
        return None;
    }
    Some(Found { epoch, revision: number(slot.get(DIGITS..2 * DIGITS)?)?, value: Arc::from(state) })
}

/// The part of an epoch that readers need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    pub(super) epoch: Epoch,
    incarnation: u64,
    watermark: u64,
    confirmed_at: SystemTime,
}

impl View {
    /// `None`: these bytes are no epoch.
    pub(super) fn read(meta: &[u8]) -> Option<Self> {
        let field = |n: usize| number(meta.get(n * DIGITS..(n + 1) * DIGITS)?);
        Some(Self {
            epoch: Epoch(field(0)?),
            incarnation: field(1)?,
            watermark: field(2)?,
            confirmed_at: UNIX_EPOCH.checked_add(Duration::from_millis(field(4)?))?,
        })
    }

    /// Whether that database is known to be further. Of another database it says nothing.
    pub(super) fn is_behind(&self, heard: Position) -> bool {
        heard.incarnation == self.incarnation && heard.revision > self.watermark
    }

    pub(super) fn is_trusted(&self, at_least: Option<Position>, now: SystemTime) -> bool {
        // Either clock may be ahead of the other by a little; further ahead, it was set and says nothing.
        let age = now.duration_since(self.confirmed_at).unwrap_or_else(|ahead| ahead.duration());
        let covers = at_least
            .is_none_or(|asked| asked.incarnation == self.incarnation && asked.revision <= self.watermark);
        covers && age < MAX_WATERMARK_AGE
    }
}

#[cfg(test)]
impl View {
    pub(super) const fn confirmed(epoch: Epoch, watermark: Position, at: SystemTime) -> Self {
        Self { epoch, incarnation: watermark.incarnation, watermark: watermark.revision, confirmed_at: at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slot_is_read_in_its_epoch_only() {
        let value: Value = Arc::from(&b"\x00state"[..]);
        let kept = slot(Epoch(7), u64::MAX, Some(&value));
        let found = Found { epoch: Epoch(7), revision: u64::MAX, value };
        assert_eq!(state(&kept, Epoch(7)), Some(found));
        assert_eq!(state(&kept, Epoch(8)), None);
        assert_eq!(state(&slot(Epoch(7), 1, None), Epoch(7)), None);
        assert_eq!(state(b"", Epoch(7)), None);
    }

    #[test]
    fn view_of_anything_else_is_none() {
        let fields: Vec<String> = [7, 1, 5, 6, 1_800_000_000_000].map(digits).into();
        let view = View::read(fields.concat().as_bytes()).unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let expected = View { epoch: Epoch(7), incarnation: 1, watermark: 5, confirmed_at: now };
        assert_eq!(view, expected);
        assert_eq!(View::read(b"somebody else's"), None);
        assert_eq!(View::read(&fields.concat().as_bytes()[..79]), None);
    }

    #[test]
    fn tenant_in_braces_stays_in_one_slot() {
        let keys = Keys::of("}{");
        let tag = |key: &str| {
            let (_, after) = key.split_once('{').unwrap();
            after.split_once('}').unwrap().0.to_owned()
        };
        assert_eq!(tag(&keys.meta()), "2:");
        assert_eq!(tag(&keys.meta()), tag(&keys.device("a")));
    }
}
