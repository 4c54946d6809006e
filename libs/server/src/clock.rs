//! The time as an argument: handlers ask a clock that tests and `--as-of` can stop.

use std::sync::{PoisonError, RwLock};

use jiff::Timestamp;

/// Where the time comes from.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Source);

#[derive(Debug, Clone, Copy)]
enum Source {
    System,
    Fixed(Timestamp),
    Movable(&'static RwLock<Timestamp>),
}

/// Moves the clock that it was made with.
#[derive(Debug, Clone, Copy)]
pub struct ClockHand(&'static RwLock<Timestamp>);

impl ClockHand {
    /// From now on the clock stands still at that instant.
    pub fn set(&self, at: Timestamp) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = at;
    }
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

    /// A clock that stands still until its hand is moved: for tests of what time brings about. What it holds is never freed, so that clocks
    /// are copied freely.
    #[must_use]
    pub fn movable(at: Timestamp) -> (Self, ClockHand) {
        let instant = Box::leak(Box::new(RwLock::new(at)));
        (Self(Source::Movable(instant)), ClockHand(instant))
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self.0 {
            Source::System => Timestamp::now(),
            Source::Fixed(at) => at,
            Source::Movable(instant) => *instant.read().unwrap_or_else(PoisonError::into_inner),
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
    fn movable_clock_and_its_copies_answer_where_the_hand_was_put() {
        let (before, after) =
            ("2026-11-23T09:30:00Z".parse().unwrap(), "2026-11-23T10:30:00Z".parse().unwrap());
        let (clock, hand) = Clock::movable(before);
        let copy = clock;
        assert_eq!(copy.now(), before);
        hand.set(after);
        assert_eq!((clock.now(), copy.now()), (after, after));
    }

    #[test]
    fn system_clock_does_not_stand_still_before_this_test() {
        let before = Timestamp::now();
        assert!(Clock::system().now() >= before);
    }
}
