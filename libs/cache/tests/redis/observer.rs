//! One device that changes, a follower that tells of it, and a reader that knows what it may be told.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tandem_cache::{DeviceStateCache, Entry, Epoch, Position, RedisCache, WriteError};
use tandem_testkit::wait::until;

use crate::world::{entry, position};

pub(crate) const TENANT: &str = "contoso";
pub(crate) const EPOCH_KEY: &str = "tandem:cache:1:{7:contoso}:epoch";

/// Whoever asks a server that does not answer waits no longer than this on average: microseconds, on a machine that is not busy.
const ALMOST_NOTHING: Duration = Duration::from_millis(2);

/// A device and its observers. Every change is a revision.
pub(crate) struct Observer {
    pub(crate) cache: Arc<RedisCache>,
    pub(crate) head: u64,
    place: Option<Epoch>,
}

impl Observer {
    pub(crate) fn new(cache: RedisCache) -> Self {
        Self { cache: Arc::new(cache), head: 0, place: None }
    }

    /// The epoch that the follower is in.
    pub(crate) const fn place(&self) -> Option<Epoch> {
        self.place
    }

    /// The device changes, and the cache is not told.
    pub(crate) fn commit(&mut self) -> Entry {
        self.head += 1;
        entry("a", self.head, 8)
    }

    /// What a follower does about the device as it is.
    pub(crate) async fn follow(&mut self) -> Result<(), WriteError> {
        let now = SystemTime::now();
        let epoch = match self.place {
            Some(epoch) => epoch,
            None => self.cache.open(TENANT, position(self.head), now).await?.epoch,
        };
        self.place = Some(epoch);
        let outcome = async {
            self.cache.put_many(TENANT, epoch, &[entry("a", self.head, 8)], self.head).await?;
            self.cache.advance(TENANT, epoch, self.head, now).await
        };
        let outcome = outcome.await;
        if matches!(outcome, Err(WriteError::Forgotten)) {
            self.place = None;
        }
        outcome
    }

    /// The device changes, and the cache is told.
    pub(crate) async fn change(&mut self) {
        self.commit();
        self.follow().await.unwrap();
    }

    /// Follows until a reader gets the newest state again.
    pub(crate) async fn recover(&mut self) {
        until("the cache answers again", async || {
            // What fails meanwhile is what the test is about.
            self.follow().await.ok();
            self.read(self.head).await.flatten()
        })
        .await;
    }

    /// The revision of the device as the cache answers, if it may be trusted to cover `at_least`.
    pub(crate) async fn read(&self, at_least: u64) -> Option<Option<u64>> {
        let asked: Position = position(at_least);
        let found = self.cache.get_many(TENANT, &["a"], Some(asked), SystemTime::now()).await?;
        let revision = found[0].as_ref().map(|value| u64::from_be_bytes(value[..8].try_into().unwrap()));
        assert!(revision.is_none_or(|found| found >= at_least), "at {at_least} the cache says {revision:?}");
        Some(revision)
    }

    /// Nothing is answered any more, and soon it takes no time.
    pub(crate) async fn check_costs_nothing(&self) {
        const READS: u32 = 500;
        let started = Instant::now();
        for _ in 0..READS {
            assert_eq!(self.read(self.head).await, None);
        }
        let each = started.elapsed() / READS;
        assert!(each < ALMOST_NOTHING, "{each:?} a read");
    }
}
