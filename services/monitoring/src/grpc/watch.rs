//! The dashboard as a stream: what is there, then the figures that changed.
//!
//! An answer is made when the caller takes it, from what is counted then, and compared with the one before: a slow caller holds nothing but
//! the numbers that it was told last.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, stream};
use tandem_contracts::convert::time;
use tandem_contracts::monitoring::v1::{WatchDashboardRequest, WatchDashboardResponse};
use tandem_fleet::{Followers, TenantCount};
use tandem_server::failure::Failure;
use tokio::time::Instant;
use tonic::Status;

use super::convert::{self, DashboardQuery};
use crate::figures::Figure;
use crate::judge::Judge;

/// Least time between two answers: more often no eye follows.
const LEAST: Duration = Duration::from_millis(250);

/// After so long without a change the caller is told what was counted, and how stale it may be.
const QUIET: Duration = Duration::from_secs(10);

/// A watch.
pub(super) struct Watching {
    followers: Followers<Judge>,
    count: Arc<TenantCount<Figure>>,
    query: DashboardQuery,
    /// What the caller was told. `None`: nothing yet.
    told: Option<Told>,
    snapshot_only: bool,
    ended: bool,
}

struct Told {
    numbers: HashMap<Figure, u64>,
    /// What was looked at last.
    cursor: String,
    at: Instant,
}

impl Watching {
    /// Reads the request, sees that the tenant is there, and waits for the world that is asked for.
    pub(super) async fn start(
        followers: Followers<Judge>,
        request: WatchDashboardRequest,
        waiting: Duration,
    ) -> Result<Self, Failure> {
        let WatchDashboardRequest { parent, filter, consistency_token, snapshot_only } = request;
        let query = DashboardQuery::of(&parent, filter, &consistency_token)?;
        let count = followers.count(&query.tenant).await?;
        count.covers(&query.token, waiting).await?;
        Ok(Self { followers, count, query, told: None, snapshot_only, ended: false })
    }

    /// The answers; a failure is the last of them.
    pub(super) fn stream(self) -> impl Stream<Item = Result<WatchDashboardResponse, Status>> {
        stream::unfold(self, |mut watching| async move {
            if watching.ended {
                return None;
            }
            let answer = watching.next().await.map_err(Status::from);
            watching.ended = answer.is_err() || watching.snapshot_only;
            Some((answer, watching))
        })
    }

    async fn next(&mut self) -> Result<WatchDashboardResponse, Failure> {
        loop {
            let quiet_until = self.told.as_ref().map(|told| told.at + QUIET);
            if let Some((told, quiet_until)) = self.told.as_ref().zip(quiet_until) {
                tokio::time::sleep_until(told.at + LEAST).await;
                let left = quiet_until.saturating_duration_since(Instant::now());
                self.count.moves_on(&told.cursor, left).await;
            }
            let answer = self.look().await?;
            let is_due = quiet_until.is_none_or(|quiet_until| quiet_until <= Instant::now());
            if is_due || !answer.changed.is_empty() {
                if let Some(told) = &mut self.told {
                    told.at = Instant::now();
                }
                return Ok(answer);
            }
        }
    }

    /// What is counted now, against what the caller was told.
    async fn look(&mut self) -> Result<WatchDashboardResponse, Failure> {
        let selection = self.count.select(self.followers.sources(), &self.query.wanted).await?;
        let lag = self.count.counting().lag;
        let counted = self.count.read();
        let within = counted.within(&selection, counted.reached(&selection));
        let numbers = counted.index.numbers(within.as_ref());
        let told = self.told.get_or_insert_with(|| Told {
            numbers: HashMap::new(),
            cursor: String::new(),
            at: Instant::now(),
        });
        let mut before = std::mem::take(&mut told.numbers);
        let mut changed = Vec::new();
        for (figure, number) in numbers {
            if before.remove(figure) != Some(number) {
                changed.push((figure.clone(), number));
            }
            told.numbers.insert(figure.clone(), number);
        }
        // What is left counts nobody any more.
        changed.extend(before.into_keys().map(|figure| (figure, 0)));
        told.cursor = counted.cursor();
        Ok(WatchDashboardResponse {
            changed: convert::figures(changed.iter().map(|(figure, number)| (figure, *number))),
            cursor: told.cursor.clone(),
            counted_at: Some(time::to_proto(counted.counted_at)),
            consistency_token: counted.world(&selection).to_string(),
            lag: convert::lag_message(lag),
        })
    }
}
