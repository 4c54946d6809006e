//! Stops asking a server that does not answer, and finds out by single probes when it does again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Failures in a row that open the breaker: one or two may be a lost packet.
const FAILURES: u32 = 3;

/// How long nobody asks after it has opened, doubled with each probe that fails.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// So long at most: a server that is back is found that soon.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Closed while all is well. Open, it lets one probe through a pause; a probe that is answered closes it.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    pause: Duration,
    /// `None`: closed.
    open_until: Option<Instant>,
    /// Changes whenever the breaker opens or closes: what was asked before says nothing about after.
    turn: u64,
}

/// A request that was let through. One that is dropped without an answer counts as failed: somebody stopped waiting for it.
#[derive(Debug)]
#[must_use]
pub(super) struct Ticket<'a> {
    breaker: &'a Breaker,
    turn: u64,
    answered: bool,
}

impl Breaker {
    /// `None`: do not ask now.
    pub(super) fn admit(&self, now: Instant) -> Option<Ticket<'_>> {
        let mut state = self.state();
        if let Some(until) = state.open_until {
            if now < until {
                return None;
            }
            // This one is the probe. Others go on waiting meanwhile.
            state.open_until = Some(now + state.pause);
        }
        Some(Ticket { breaker: self, turn: state.turn, answered: false })
    }

    /// Whether requests are let through without being probes.
    pub(super) fn is_closed(&self) -> bool {
        self.state().open_until.is_none()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn succeeded(&self, turn: u64) {
        let mut state = self.state();
        if turn == state.turn {
            let turn = if state.open_until.is_some() { turn + 1 } else { turn };
            *state = State { turn, ..State::default() };
        }
    }

    fn failed(&self, turn: u64, now: Instant) {
        let mut state = self.state();
        if turn != state.turn {
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES {
            state.pause = (state.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
            state.open_until = Some(now + state.pause);
            state.turn += 1;
        }
    }
}

impl Ticket<'_> {
    /// The server answered.
    pub(super) fn answered(mut self) {
        self.answered = true;
        self.breaker.succeeded(self.turn);
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.breaker.failed(self.turn, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &Breaker, now: Instant) {
        let ticket = breaker.admit(now).unwrap();
        drop(ticket);
    }

    fn opened() -> (Breaker, Instant) {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES {
            assert!(breaker.is_closed());
            fail(&breaker, now);
        }
        (breaker, Instant::now())
    }

    #[test]
    fn failures_in_a_row_open_and_one_answer_between_does_not() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..10 {
            fail(&breaker, now);
            fail(&breaker, now);
            breaker.admit(now).unwrap().answered();
        }
        assert!(breaker.is_closed());
        let (breaker, now) = opened();
        assert!(breaker.admit(now).is_none());
    }

    #[test]
    fn one_probe_a_pause_until_one_is_answered() {
        let (breaker, now) = opened();
        let later = now + FIRST_PAUSE;
        let probe = breaker.admit(later).unwrap();
        assert!(breaker.admit(later).is_none(), "a second one waits for the first");
        drop(probe);
        assert!(breaker.admit(Instant::now() + FIRST_PAUSE).is_none(), "the pause has doubled");
        breaker.admit(Instant::now() + LONGEST_PAUSE).unwrap().answered();
        assert!(breaker.is_closed());
    }

    #[test]
    fn stragglers_from_before_it_opened_change_nothing() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        let stragglers: Vec<_> = (0..100).map(|_| breaker.admit(now).unwrap()).collect();
        let good = breaker.admit(now).unwrap();
        drop(stragglers);
        good.answered();
        assert!(!breaker.is_closed());
        assert!(breaker.admit(Instant::now() + FIRST_PAUSE).is_some(), "they did not lengthen the pause");
    }
}
