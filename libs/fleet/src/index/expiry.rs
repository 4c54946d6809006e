//! When an answer expires, in 8 bytes.

use jiff::Timestamp;

/// The first whole second at which an answer has expired: at most one later than it said, which is how often the time is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Expiry(i64);

impl Expiry {
    /// Time alone does not change the answer.
    pub(super) const NEVER: Self = Self(i64::MAX);

    /// `None`: never.
    pub(super) fn at(valid_until: Option<Timestamp>) -> Self {
        let whole = |until: Timestamp| until.as_second() + i64::from(until.subsec_nanosecond() > 0);
        valid_until.map_or(Self::NEVER, |until| Self(whole(until)))
    }

    pub(super) fn is_past(self, now: Timestamp) -> bool {
        self.0 <= now.as_second()
    }
}

impl Default for Expiry {
    fn default() -> Self {
        Self::NEVER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn answer_expires_at_the_first_whole_second_that_is_not_before_its_time() {
        let whole = Expiry::at(Some(at("2026-11-20T00:00:00Z")));
        let part = Expiry::at(Some(at("2026-11-20T00:00:00.000000001Z")));
        for (expiry, now, expected) in [
            (whole, "2026-11-19T23:59:59.999999999Z", false),
            (whole, "2026-11-20T00:00:00Z", true),
            (part, "2026-11-20T00:00:00.999999999Z", false),
            (part, "2026-11-20T00:00:01Z", true),
            (Expiry::at(None), "9999-12-30T22:00:00Z", false),
        ] {
            assert_eq!(expiry.is_past(at(now)), expected, "{expiry:?} {now}");
        }
    }
}
