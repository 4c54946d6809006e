//! Drops versions that ended too long ago, so that the table grows with what changes in that time, and no further.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use tandem_server::Clock;
use tandem_storage::{Rows, StoreError};
use tokio_util::sync::CancellationToken;

use crate::store::Store;

/// How often it is looked for what is too old.
const PERIOD: Duration = Duration::from_secs(60 * 60);

/// Rows of one transaction: some milliseconds of the writer.
const AT_MOST: i64 = 1000;

/// Runs until the drain. A database that does not answer is asked again with the next period.
pub(crate) async fn run(store: Store, keep: SignedDuration, clock: Clock, draining: CancellationToken) {
    let mut period = tokio::time::interval(PERIOD);
    loop {
        tokio::select! {
            () = draining.cancelled() => return,
            _ = period.tick() => {}
        }
        // A time before all times: nothing is that old.
        let Ok(before) = clock.now().checked_sub(keep) else { continue };
        match history_forget(&store, before).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "dropped old versions of devices"),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "old versions of devices could not be dropped"
                );
            }
        }
    }
}

/// Drops every version that ended before that moment; answers how many.
pub(crate) async fn history_forget(store: &Store, before: Timestamp) -> Result<u64, StoreError> {
    let before = before.as_microsecond();
    let mut forgotten = 0;
    loop {
        let commit = store.database.write(Rows::OfEveryTenant, move |tx| Box::pin(forget(tx, before)));
        let batch: u64 = commit.await?;
        forgotten += batch;
        if batch < AT_MOST.unsigned_abs() {
            return Ok(forgotten);
        }
    }
}

async fn forget(tx: &DatabaseTransaction, before: i64) -> Result<u64, StoreError> {
    let delete = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "DELETE FROM device_states WHERE (tenant, device, from_time) IN
            (SELECT tenant, device, from_time FROM device_states WHERE to_time < $1 LIMIT $2)",
        [before.into(), AT_MOST.into()],
    );
    Ok(tx.execute_raw(delete).await?.rows_affected())
}
