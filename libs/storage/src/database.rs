//! One service's database: its writer, its readers, its schema and its identity.

use std::error::Error;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use rand::RngExt;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, Statement, TransactionTrait};
use sea_orm_migration::MigratorTrait;

use crate::StoreError;
use crate::error::is_retryable;
use crate::schema::SharedTables;
use crate::sqlite::{self, Durability};

/// A boxed future that may borrow for `'a`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A transaction that collides is run this often in all; after that the caller should hear of it.
const ATTEMPTS: u32 = 5;
/// Pause before the second attempt; it doubles from there, and chance adds up to as much again.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// A database with one writer connection and a pool of readers. Clones share them.
#[derive(Debug, Clone)]
pub struct Database {
    writer: DatabaseConnection,
    readers: DatabaseConnection,
    incarnation: u64,
}

impl Database {
    /// Opens the file, making it and its folder where missing, with every commit durable, and brings the schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file cannot be opened, [`StoreError::Migration`] when a migration fails (then none
    /// of the pending ones took effect), [`StoreError::Corrupt`] when it is no database.
    pub async fn open_sqlite<M: MigratorTrait>(file: &Path) -> Result<Self, StoreError> {
        Self::open_sqlite_with::<M>(file, Durability::Full).await
    }

    /// The same with a chosen durability.
    ///
    /// # Errors
    /// As [`Self::open_sqlite`].
    pub async fn open_sqlite_with<M: MigratorTrait>(
        file: &Path,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        let (writer, readers) = sqlite::open(file, durability).await?;
        let incarnation = prepare::<M>(&writer).await?;
        Ok(Self { writer, readers, incarnation })
    }

    /// The pool for queries. It sees everything that was committed before the query began, and refuses to change anything.
    #[must_use]
    pub fn reader(&self) -> &DatabaseConnection {
        &self.readers
    }

    /// The random number that this database got when it was made. A procedure that restores an older copy deletes the row of
    /// `tandem_incarnation` before the next opening, which then makes a new number: revisions of different incarnations must not
    /// be compared.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// Whether queries are answered. Does not wait for the writer, which a long batch may hold.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] mostly.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.readers.ping().await?)
    }

    /// Runs `work` in a transaction that holds the write lock from its beginning: commits on `Ok`, rolls back on `Err` and when
    /// the returned future is dropped.
    ///
    /// On a collision `work` runs again from its beginning, so it must do nothing outside the transaction, and clone what it
    /// needs per call. A collision is found anywhere in the chain of `E`'s sources. Never nest: a second `write` inside `work`
    /// would wait for the first.
    ///
    /// # Errors
    /// What `work` returned, or a [`StoreError`] from beginning or committing.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send,
        E: From<StoreError> + Error + Send + 'static,
        F: for<'c> Fn(&'c DatabaseTransaction) -> BoxFuture<'c, Result<T, E>> + Send + Sync,
    {
        let mut attempt = 1;
        loop {
            match self.attempt(&work).await {
                Err(error) if attempt < ATTEMPTS && is_retryable(&error) => {
                    tracing::debug!(
                        attempt,
                        error = &error as &dyn Error,
                        "transaction collided, trying again"
                    );
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn attempt<T, E, F>(&self, work: &F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: for<'c> Fn(&'c DatabaseTransaction) -> BoxFuture<'c, Result<T, E>>,
    {
        let tx =
            self.writer.begin_with_options(sqlite::write_transaction()).await.map_err(StoreError::from)?;
        match work(&tx).await {
            Ok(value) => {
                tx.commit().await.map_err(StoreError::from)?;
                Ok(value)
            }
            Err(error) => {
                if let Err(failure) = tx.rollback().await {
                    // The connection rolls back when it is used next; what went wrong first matters more.
                    tracing::warn!(error = &failure as &dyn Error, "rollback failed");
                }
                Err(error)
            }
        }
    }

    /// Closes every connection after its current statement, and folds the log into the file. Later calls are refused.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] mostly.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.readers.close_by_ref().await?;
        self.writer.close_by_ref().await?;
        Ok(())
    }
}

fn pause(attempt: u32) -> Duration {
    let base = FIRST_PAUSE * 2_u32.pow(attempt - 1);
    base + base.mul_f64(rand::rng().random())
}

/// All pending migrations and the incarnation in one transaction: a crash half-way leaves the schema as it was.
async fn prepare<M: MigratorTrait>(writer: &DatabaseConnection) -> Result<u64, StoreError> {
    let tx = writer.begin_with_options(sqlite::write_transaction()).await?;
    SharedTables::up(&tx, None).await.map_err(migration_error)?;
    M::up(&tx, None).await.map_err(migration_error)?;
    let incarnation = incarnation(&tx).await?;
    tx.commit().await?;
    Ok(incarnation)
}

/// A migration that meets a lock or a damaged file says so; anything else is the migration's own failure.
fn migration_error(error: DbErr) -> StoreError {
    match StoreError::from(error.clone()) {
        StoreError::Other(_) | StoreError::Conflict(_) => StoreError::Migration(error),
        known => known,
    }
}

/// Reads the database's number, or makes it. Kept as the signed integer of the same bits, which is what engines store.
async fn incarnation(tx: &DatabaseTransaction) -> Result<u64, StoreError> {
    let engine = tx.get_database_backend();
    let select = Statement::from_string(engine, "SELECT incarnation FROM tandem_incarnation");
    if let Some(row) = tx.query_one_raw(select).await? {
        return Ok(row.try_get_by_index::<i64>(0)?.cast_unsigned());
    }
    let made: u64 = rand::rng().random();
    let insert = Statement::from_sql_and_values(
        engine,
        "INSERT INTO tandem_incarnation (only, incarnation) VALUES (1, $1)",
        [made.cast_signed().into()],
    );
    tx.execute_raw(insert).await?;
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_stay_under_half_a_second() {
        for attempt in 1..ATTEMPTS {
            let base = Duration::from_millis(10 << (attempt - 1));
            assert!((base..=base * 2).contains(&pause(attempt)), "attempt {attempt}");
        }
        assert!(
            (1..ATTEMPTS).map(|a| FIRST_PAUSE * 2_u32.pow(a)).sum::<Duration>() < Duration::from_millis(500)
        );
    }
}
