//! One service's database: its writer, its readers, its schema and its identity.

use std::error::Error;
use std::pin::Pin;
use std::time::Duration;

use rand::RngExt;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, Statement,
    TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;

use crate::error::{is_connection_lost, is_retryable};
use crate::rows::{Reader, Rows, wall};
use crate::schema::SharedTables;
use crate::{Location, StoreError, postgres, sqlite};

/// A boxed future that may borrow for `'a`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A transaction that collides is run this often in all; after that the caller should hear of it.
const ATTEMPTS: u32 = 5;
/// Pause before the second attempt; it doubles from there, and chance adds up to as much again.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// How long a question whether anybody answers waits for the answer.
const PING_PATIENCE: Duration = Duration::from_secs(3);

/// A database with its writers (one connection where the engine takes one writer) and a pool of readers. Clones share them.
#[derive(Debug, Clone)]
pub struct Database {
    writer: DatabaseConnection,
    readers: DatabaseConnection,
    incarnation: u64,
}

impl Database {
    /// Opens the database, making file or schema where missing, and brings it up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be opened, [`StoreError::Migration`] when a migration fails (then none of the
    /// pending ones took effect), [`StoreError::Corrupt`] when it is no database.
    pub async fn open<M: MigratorTrait>(location: &Location) -> Result<Self, StoreError> {
        let (writer, readers) = connect(location).await?;
        let incarnation = prepare::<M>(&writer, location).await?;
        Ok(Self { writer, readers, incarnation })
    }

    /// Takes back the last `steps` migrations of the service, newest first, or all of them. Whoever has the database open meanwhile
    /// is not told.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn migrate_down<M: MigratorTrait>(
        location: &Location,
        steps: Option<u32>,
    ) -> Result<(), StoreError> {
        let (writer, readers) = connect(location).await?;
        let tx = begin(&writer).await?;
        claim(&tx, location).await?;
        M::down(&tx, steps).await.map_err(migration_error)?;
        tx.commit().await?;
        readers.close_by_ref().await?;
        Ok(writer.close_by_ref().await?)
    }

    /// The pool for queries of those rows. A query sees everything that was committed before it began, and is refused if it would change
    /// anything.
    #[must_use]
    pub fn reader(&self, rows: Rows<'_>) -> Reader {
        Reader::new(&self.readers, rows)
    }

    /// The random number that this database got when it was made. A procedure that restores an older copy deletes the row of
    /// `tandem_incarnation` before the next opening, which then makes a new number: revisions of different incarnations must not
    /// be compared.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// Whether queries are answered, within three seconds. Does not wait for the writer, which a long batch may hold.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] mostly.
    pub async fn ping(&self) -> Result<(), StoreError> {
        // A server that stands still keeps its connections, and never answers.
        let silent = || {
            let seconds = PING_PATIENCE.as_secs();
            StoreError::Unavailable(DbErr::Custom(format!("no answer within {seconds} s")))
        };
        let answered = tokio::time::timeout(PING_PATIENCE, self.readers.ping()).await;
        Ok(answered.map_err(|_| silent())??)
    }

    /// Runs `work` in a transaction that sees and changes those rows alone: commits on `Ok`, rolls back on `Err` and when the returned future is dropped. The embedded engine
    /// holds its one write lock from the beginning; elsewhere `work` first locks the row that orders its writes.
    ///
    /// On a collision, and when a connection turns out to be lost before anything was done on it, `work` runs again from its beginning, so it must do nothing outside the transaction, and clone what it
    /// needs per call. A collision is found anywhere in the chain of `E`'s sources. Never nest: a second `write` inside `work`
    /// would wait for the first.
    ///
    /// # Errors
    /// What `work` returned, or a [`StoreError`] from beginning or committing.
    pub async fn write<T, E, F>(&self, rows: Rows<'_>, work: F) -> Result<T, E>
    where
        T: Send,
        E: From<StoreError> + Error + Send + 'static,
        F: for<'c> Fn(&'c DatabaseTransaction) -> BoxFuture<'c, Result<T, E>> + Send + Sync,
    {
        let mut attempt = 1;
        loop {
            let outcome = match begin(&self.writer).await {
                Ok(tx) => run(tx, rows, &work).await,
                // Nothing was done yet: the next connection may be a better one.
                Err(StoreError::Unavailable(error)) if attempt < ATTEMPTS && is_connection_lost(&error) => {
                    Err(StoreError::Serialization(error).into())
                }
                Err(error) => return Err(error.into()),
            };
            match outcome {
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

async fn connect(location: &Location) -> Result<(DatabaseConnection, DatabaseConnection), StoreError> {
    match location {
        Location::Sqlite { file, durability, most_bytes } => {
            Ok(sqlite::open(file, *durability, *most_bytes).await?)
        }
        Location::Postgres { url, schema } => postgres::open(url, schema),
    }
}

async fn begin(writer: &DatabaseConnection) -> Result<DatabaseTransaction, StoreError> {
    let options = match writer.get_database_backend() {
        DbBackend::Sqlite => sqlite::write_transaction(),
        _ => TransactionOptions::default(),
    };
    Ok(writer.begin_with_options(options).await?)
}

async fn run<T, E, F>(tx: DatabaseTransaction, rows: Rows<'_>, work: &F) -> Result<T, E>
where
    E: From<StoreError>,
    F: for<'c> Fn(&'c DatabaseTransaction) -> BoxFuture<'c, Result<T, E>>,
{
    let worked = match rows.limit(&tx).await {
        Ok(()) => work(&tx).await,
        Err(error) => Err(StoreError::from(error).into()),
    };
    match worked {
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

fn pause(attempt: u32) -> Duration {
    let base = FIRST_PAUSE * 2_u32.pow(attempt - 1);
    base + base.mul_f64(rand::rng().random())
}

/// All pending migrations and the incarnation in one transaction: a crash half-way leaves the schema as it was.
async fn prepare<M: MigratorTrait>(
    writer: &DatabaseConnection,
    location: &Location,
) -> Result<u64, StoreError> {
    let tx = begin(writer).await?;
    claim(&tx, location).await?;
    SharedTables::up(&tx, None).await.map_err(migration_error)?;
    M::up(&tx, None).await.map_err(migration_error)?;
    if let Location::Postgres { .. } = location {
        wall(&tx).await.map_err(migration_error)?;
    }
    let incarnation = incarnation(&tx).await?;
    tx.commit().await?;
    Ok(incarnation)
}

/// Nobody else changes the schema before the transaction ends: the embedded engine has one writer at a time, another needs a lock.
async fn claim(tx: &DatabaseTransaction, location: &Location) -> Result<(), StoreError> {
    match location {
        Location::Sqlite { .. } => Ok(()),
        Location::Postgres { schema, .. } => Ok(postgres::claim_schema(tx, schema).await?),
    }
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
        "INSERT INTO tandem_incarnation (id, incarnation) VALUES (1, $1)",
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
