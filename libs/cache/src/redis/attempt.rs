//! One request, from being let through to its end: answered, failed, or given up by whoever waited for it.

use redis::{RedisError, RedisResult, Value};

use super::breaker::{Breaker, Ticket};
use super::link::{Link, Live};

/// A request that was let through. Dropped without an answer, also because its caller stopped waiting, it counts as failed; and a
/// connection on which too much fails is left.
#[must_use]
pub(super) struct Attempt<'a> {
    breaker: &'a Breaker,
    link: &'a Link,
    ticket: Option<Ticket<'a>>,
    used: Option<Live>,
    is_broken: bool,
}

impl<'a> Attempt<'a> {
    /// `None`: do not ask now.
    pub(super) fn start(breaker: &'a Breaker, link: &'a Link) -> Option<Self> {
        let ticket = breaker.admit(std::time::Instant::now())?;
        Some(Self { breaker, link, ticket: Some(ticket), used: None, is_broken: false })
    }

    /// The request goes over that connection.
    pub(super) fn over(&mut self, live: Live) -> &Live {
        self.used.insert(live)
    }

    /// Redis answered that.
    pub(super) fn end(mut self, answer: RedisResult<Value>) -> Result<Value, RedisError> {
        match &answer {
            Ok(_) => {
                if let Some(ticket) = self.ticket.take() {
                    ticket.answered();
                }
                self.used = None;
            }
            Err(error) => self.is_broken = error.is_unrecoverable_error(),
        }
        answer
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        // First, so that the breaker has counted this one.
        drop(self.ticket.take());
        if let Some(live) = self.used.take()
            && (self.is_broken || !self.breaker.is_closed())
        {
            self.link.give_up(&live);
        }
    }
}
