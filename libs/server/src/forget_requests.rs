//! Drops the answers of requests that nobody repeats any more, so that their table stays small.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tandem_storage::{Database, Rows, StoreError, requests};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

/// How long a repeated request answers as the first did: a script that fails on a Friday is run again on Monday.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How often the table is looked through: it grows by one small row for each request with an id.
const PERIOD: Duration = Duration::from_secs(60 * 60);

/// Rows of one transaction: some milliseconds of the writer.
const AT_MOST: u32 = 1000;

/// Runs until the drain. A database that does not answer is asked again with the next period.
pub async fn run(database: Database, clock: Clock, draining: CancellationToken) {
    let mut period = tokio::time::interval(PERIOD);
    loop {
        tokio::select! {
            () = draining.cancelled() => return,
            _ = period.tick() => {}
        }
        match forget(&database, clock.now()).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::debug!(forgotten, "dropped answers of old requests"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "old requests could not be dropped");
            }
        }
    }
}

async fn forget(database: &Database, now: Timestamp) -> Result<u64, StoreError> {
    let before = (now - KEPT).as_millisecond();
    let mut forgotten = 0;
    loop {
        let batch = database
            .write(Rows::OfEveryTenant, move |tx| Box::pin(requests::forget(tx, before, AT_MOST)))
            .await?;
        forgotten += batch;
        if batch < u64::from(AT_MOST) {
            return Ok(forgotten);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm_migration::{MigrationTrait, MigratorTrait};
    use tandem_storage::Location;
    use tandem_storage::requests::{Request, remember};

    /// The record of answered requests is the storage library's own.
    struct NoTables;

    impl MigratorTrait for NoTables {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> {
            Vec::new()
        }
    }

    #[tokio::test]
    async fn answers_older_than_a_week_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::scratch(folder.path().join("any.db"));
        let database = Database::open::<NoTables>(&location).await.unwrap();
        let now: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
        let days_ago = |days: i64| (now - SignedDuration::from_hours(24 * days)).as_millisecond();
        for (request_id, at) in [("old", days_ago(8)), ("young", days_ago(6))] {
            let request = Request { tenant: "contoso", request_id, method: "m", request_hash: 1 };
            let work = database.write(Rows::Of("contoso"), move |tx| {
                Box::pin(async move { remember(tx, &request, b"", at).await })
            });
            work.await.unwrap();
        }
        assert_eq!(forget(&database, now).await.unwrap(), 1);
        assert_eq!(forget(&database, now).await.unwrap(), 0);
    }
}
