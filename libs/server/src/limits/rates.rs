//! How often: requests of a principal, and refused logins of an address.
//!
//! Each has a limiter of its own, which neither locks nor allocates. So many are kept; those that were not seen for a while go first,
//! and with them what they had used up, which by then is little.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::ops::Add;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::time::Instant;

/// Limiters kept: more than a fleet has connectors and people. Each takes some hundred bytes.
const KEPT: u64 = 10_000;

/// How long one is kept that is not used: by then the longest burst is allowed again.
const IDLE: Duration = Duration::from_secs(10 * 60);

/// The runtime's clock, which stands still in tests.
#[derive(Debug, Clone, Copy, Default)]
struct RuntimeClock;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct At(Instant);

impl Clock for RuntimeClock {
    type Instant = At;

    fn now(&self) -> At {
        At(Instant::now())
    }
}

impl Add<Nanos> for At {
    type Output = Self;

    fn add(self, later: Nanos) -> Self {
        Self(self.0 + Duration::from(later))
    }
}

impl Reference for At {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }

    fn saturating_sub(&self, earlier: Nanos) -> Self {
        Self(self.0.checked_sub(earlier.into()).unwrap_or(self.0))
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, RuntimeClock, StateInformationMiddleware>;

/// Limiters by whom they are for.
pub(super) struct Rates<K: Eq + Hash> {
    quota: Quota,
    kept: Cache<K, Arc<Rate>>,
}

impl<K: Eq + Hash + Clone + Send + Sync + 'static> Rates<K> {
    /// So many in a period, over some time, and `burst` at once.
    pub(super) fn new(number: NonZeroU32, period: Duration, burst: NonZeroU32) -> Self {
        // A period that holds fewer nanoseconds than it is to hold events is no quota: one a nanosecond is none either.
        let one = Quota::with_period(period / number.get()).unwrap_or(Quota::per_second(NonZeroU32::MAX));
        let kept = Cache::builder()
            .max_capacity(KEPT)
            // Whoever is new is kept: the cache's own policy would rather keep those that came often.
            .eviction_policy(EvictionPolicy::lru())
            .time_to_idle(IDLE)
            .build();
        Self { quota: one.allow_burst(burst), kept }
    }

    /// The limiter of that one, made where it has none.
    pub(super) fn of(&self, key: &K) -> Arc<Rate> {
        let made = || Arc::new(Rate::new(self.quota));
        self.kept.get(key).unwrap_or_else(|| self.kept.get_with_by_ref(key, made))
    }

    /// The limiter of that one, if it has one.
    pub(super) fn known(&self, key: &K) -> Option<Arc<Rate>> {
        self.kept.get(key)
    }

    #[cfg(test)]
    fn number(&self) -> u64 {
        self.kept.run_pending_tasks();
        self.kept.entry_count()
    }
}

/// How often one does something, and how much of it at once.
#[derive(Debug)]
pub(super) struct Rate {
    limiter: Limiter,
    made: Instant,
    running: AtomicU64,
    /// Nanoseconds after `made` until which it may not; 0: it may.
    until: AtomicU64,
}

impl Rate {
    fn new(quota: Quota) -> Self {
        let limiter = RateLimiter::direct_with_clock(quota, RuntimeClock).with_middleware();
        Self { limiter, made: Instant::now(), running: AtomicU64::new(0), until: AtomicU64::new(0) }
    }

    /// Once more. `Err`: that is too often, and after how long it is not.
    pub(super) fn once(&self) -> Result<(), Duration> {
        match self.limiter.check() {
            Ok(_) => Ok(()),
            Err(not_until) => Err(not_until.wait_time_from(RuntimeClock.now())),
        }
    }

    /// One more at once, until what is answered is dropped. `None`: there are `most` already. What is begun and outlasts the limiter is no
    /// longer counted, so this is for what takes less than the time for which one is kept that is not used.
    pub(super) fn run(self: Arc<Self>, most: u64) -> Option<Running> {
        let within = |running| if running < most { Some(running + 1) } else { None };
        let taken = self.running.try_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok();
        taken.then(|| Running(self))
    }

    /// It happened. Where that was the last time for now, [`Self::wait`] says so from here on.
    pub(super) fn happened(&self) {
        let wait = match self.limiter.check() {
            Ok(state) if state.remaining_burst_capacity() > 0 => return,
            Ok(state) => state.quota().replenish_interval(),
            Err(not_until) => not_until.wait_time_from(RuntimeClock.now()),
        };
        self.until.fetch_max(nanoseconds(self.made.elapsed() + wait), Ordering::Relaxed);
    }

    /// How long it is too often. `None`: it is not.
    pub(super) fn wait(&self) -> Option<Duration> {
        let until = Duration::from_nanos(self.until.load(Ordering::Relaxed));
        until.checked_sub(self.made.elapsed()).filter(|wait| !wait.is_zero())
    }
}

/// One of the things that are done at once.
#[derive(Debug)]
pub(super) struct Running(Arc<Rate>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn number(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn burst_is_allowed_at_once_and_then_one_by_one() {
        let rates = Rates::new(number(10), Duration::from_secs(1), number(3));
        let ada = rates.of(&"ada");
        assert_eq!([ada.once(), ada.once(), ada.once()], [Ok(()); 3]);
        assert_eq!(ada.once(), Err(Duration::from_millis(100)));
        assert_eq!(rates.of(&"grace").once(), Ok(()));
        tokio::time::advance(Duration::from_millis(60)).await;
        assert_eq!(rates.of(&"ada").once(), Err(Duration::from_millis(40)));
        tokio::time::advance(Duration::from_millis(40)).await;
        assert_eq!([ada.once(), ada.once()], [Ok(()), Err(Duration::from_millis(100))]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_happened_too_often_has_to_wait_before_it_happens() {
        let rates = Rates::new(number(60), Duration::from_secs(60), number(2));
        assert!(rates.known(&"here").is_none());
        let here = rates.of(&"here");
        here.happened();
        assert_eq!(here.wait(), None);
        here.happened();
        assert_eq!(here.wait(), Some(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(here.wait(), None);
        // One a second from here on.
        here.happened();
        assert_eq!(here.wait(), Some(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(here.wait(), None);
    }

    #[tokio::test]
    async fn those_that_were_not_seen_for_longest_are_forgotten_first() {
        let rates = Rates::new(number(1), Duration::from_secs(3600), number(1));
        for key in 0..KEPT + 500 {
            assert_eq!(rates.of(&key).once(), Ok(()), "{key}");
        }
        assert_eq!(rates.number(), KEPT);
        assert!(rates.of(&(KEPT + 499)).once().is_err());
        assert_eq!(rates.of(&0).once(), Ok(()));
    }
}
