//! One tenant's place in the feed, and the step from it to the next.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use metrics::counter;
use tandem_cache::{DeviceStateCache, Entry, Epoch, Following, Position, Removal, WriteError};
use tandem_server::failure::{Failure, chain};
use tandem_telemetry::traces;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{Instrument, Span};

use super::FOLLOWER;
use crate::store::Store;
use crate::store::feed::{self, Stored};

/// Devices of one page: some 2 MB, and some ten milliseconds of one reader.
const PAGE: u64 = 1000;

/// How long a step may take. One that takes longer is given up and made again: nothing moved.
const STEP_LIMIT: Duration = Duration::from_secs(5);

/// How far a step got, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    /// The cache holds all that fits in it, up to the head. Also after a failure: the next look is soon enough.
    AtHead,
    /// Up to the head, but what was there before it began is still being told.
    Filling,
    /// More of the feed is waiting.
    Behind,
}

/// Why a step was not made.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error("the feed cannot be read")]
    Feed(#[from] Failure),
    #[error("the cache did not take a write")]
    Cache(#[from] WriteError),
    #[error("the step took longer than {} s", STEP_LIMIT.as_secs())]
    Slow,
}

/// A tenant that is followed.
pub(super) struct Followed {
    hints: watch::Receiver<u64>,
    /// `None`: the cache is to be opened.
    place: Option<Place>,
    confirmed: Instant,
    failing: bool,
}

/// What the cache has been told in its present epoch.
struct Place {
    epoch: Epoch,
    /// Everything up to this revision.
    whole: u64,
    /// And every device up to this revision and id.
    after: (i64, String),
    fill: Option<Fill>,
}

/// What was there before the epoch began, from the oldest change on.
struct Fill {
    after: (i64, String),
    /// The feed brings what lies behind.
    until: i64,
}

impl Followed {
    pub(super) fn new(hints: watch::Receiver<u64>) -> Self {
        Self { hints, place: None, confirmed: Instant::now(), failing: false }
    }

    /// Waits until something of this tenant is committed in this process.
    pub(super) async fn hinted(&mut self) {
        // The store keeps the sender, so hints do not end.
        let _ = self.hints.changed().await;
    }

    /// How long ago the cache was last known to be complete.
    pub(super) fn lag(&self) -> Duration {
        self.confirmed.elapsed()
    }

    pub(super) const fn is_failing(&self) -> bool {
        self.failing
    }

    /// Makes one step, and notes what came of it; `head` was read after `now`.
    pub(super) async fn step(
        &mut self,
        store: &Store,
        cache: &dyn DeviceStateCache,
        tenant: &str,
        head: u64,
        now: SystemTime,
    ) -> Progress {
        // A step that only confirms, several times a second, has no trace.
        let is_idle = self.place.as_ref().is_some_and(|place| place.whole >= head && place.fill.is_none());
        let span = match is_idle {
            true => Span::none(),
            false => tracing::info_span!(target: traces::TARGET, parent: None, "fill device cache"),
        };
        let step = async {
            let place = match self.place.take() {
                Some(place) => place,
                None => Place::open(store, cache, tenant, head, now).await?,
            };
            self.place.insert(place).step(&Feed { store, cache, tenant, head }, now).await
        };
        let step = tokio::time::timeout(STEP_LIMIT, step).instrument(span);
        let result = step.await.unwrap_or(Err(StepError::Slow));
        self.note(tenant, result)
    }

    /// A failure is logged when it begins and when it is over.
    fn note(&mut self, tenant: &str, result: Result<Progress, StepError>) -> Progress {
        match result {
            Ok(progress) => {
                if progress != Progress::Behind {
                    self.confirmed = Instant::now();
                }
                if std::mem::take(&mut self.failing) {
                    tracing::info!(tenant, "device-state cache is followed again");
                }
                progress
            }
            Err(error) => {
                counter!("tandem_watch_errors_total", "follower" => FOLLOWER).increment(1);
                // What was told in an epoch that has ended is forgotten: the next step begins anew.
                if matches!(error, StepError::Cache(WriteError::Forgotten)) {
                    self.place = None;
                }
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(tenant, error = chain(&error), "device-state cache is not followed");
                }
                Progress::AtHead
            }
        }
    }
}

impl Place {
    /// Joins the tenant's epoch, or begins one.
    async fn open(
        store: &Store,
        cache: &dyn DeviceStateCache,
        tenant: &str,
        head: u64,
        now: SystemTime,
    ) -> Result<Self, StepError> {
        let position = Position { incarnation: store.database.incarnation(), revision: head };
        let Following { epoch, watermark } = cache.open(tenant, position, now).await?;
        let after = feed::behind(watermark);
        // An epoch that stands at the head has just begun, empty; or it was joined at the head, and is filled once more.
        let fill = (watermark == head).then(|| Fill { after: (0, String::new()), until: after.0 });
        Ok(Self { epoch, whole: watermark, after, fill })
    }

    async fn step(&mut self, feed: &Feed<'_>, now: SystemTime) -> Result<Progress, StepError> {
        if feed.head > self.whole {
            let rows = feed.page(&self.after).await?;
            let last = rows.last().map(|row| (row.revision, row.device.clone()));
            let is_end = (rows.len() as u64) < PAGE;
            feed.tell(self.epoch, rows).await?;
            self.after = last.unwrap_or_else(|| self.after.clone()).max(self.after.clone());
            if !is_end {
                return Ok(Progress::Behind);
            }
            self.whole = self.after.0.unsigned_abs().max(feed.head);
            self.after = feed::behind(self.whole);
        }
        feed.cache.advance(feed.tenant, self.epoch, self.whole, now).await?;
        self.fill(feed).await
    }

    async fn fill(&mut self, feed: &Feed<'_>) -> Result<Progress, StepError> {
        let Some(fill) = &self.fill else { return Ok(Progress::AtHead) };
        let mut rows = feed.page(&fill.after).await?;
        let until = fill.until;
        let next = rows.last().filter(|_| rows.len() as u64 == PAGE);
        let next =
            next.map(|row| (row.revision, row.device.clone())).filter(|(revision, _)| *revision <= until);
        // The cache knows nothing of devices that were removed before it began.
        rows.retain(|row| row.revision <= until && !row.removed);
        feed.tell(self.epoch, rows).await?;
        // More would only displace what was told, and nobody has asked for either yet.
        self.fill = next.filter(|_| !feed.cache.is_full()).map(|after| Fill { after, until });
        Ok(if self.fill.is_some() { Progress::Filling } else { Progress::AtHead })
    }
}

/// A tenant's feed and where it goes to, in one step.
struct Feed<'a> {
    store: &'a Store,
    cache: &'a dyn DeviceStateCache,
    tenant: &'a str,
    head: u64,
}

impl Feed<'_> {
    async fn page(&self, after: &(i64, String)) -> Result<Vec<Stored>, StepError> {
        Ok(feed::stored(self.store, self.tenant, after, PAGE).await?)
    }

    /// Tells the cache of devices that were read by one statement after the head was: at the head, or at the newest of them if
    /// that is later, each was as it is here.
    async fn tell(&self, epoch: Epoch, rows: Vec<Stored>) -> Result<(), StepError> {
        let newest = rows.iter().map(|row| row.revision.unsigned_abs()).max();
        let as_of = newest.unwrap_or_default().max(self.head);
        let (mut entries, mut removals) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            let (id, revision) = (Arc::from(row.device), row.revision.unsigned_abs());
            if row.removed {
                removals.push(Removal { id, revision });
            } else {
                entries.push(Entry { id, revision, value: Arc::from(row.body) });
            }
        }
        if !entries.is_empty() {
            self.cache.put_many(self.tenant, epoch, &entries, as_of).await?;
        }
        if !removals.is_empty() {
            self.cache.remove_many(self.tenant, epoch, &removals, as_of).await?;
        }
        Ok(())
    }
}
