//! The time as an argument: handlers ask a clock that tests and `--as-of` can stop.

use jiff::Timestamp;

/// Where the time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock(Source);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    System,
    Fixed(Timestamp),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still at that instant.
    #[must_use]
    pub const fn fixed(at: Timestamp) -> Self {
        Self(Source::Fixed(at))
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self.0 {
            Source::System => Timestamp::now(),
            Source::Fixed(at) => at,
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_clock_always_answers_its_instant() {
        let at: Timestamp = "2026-11-23T09:30:00Z".parse().unwrap();
        let clock = Clock::fixed(at);
        assert_eq!((clock.now(), clock.now()), (at, at));
    }

    #[test]
    fn system_clock_does_not_stand_still_before_this_test() {
        let before = Timestamp::now();
        assert!(Clock::system().now() >= before);
    }
}
