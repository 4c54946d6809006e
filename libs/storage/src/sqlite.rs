//! The embedded engine: how its connections are set up, how a write transaction begins, and what its error codes mean.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::ConnectOptions;
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::{DatabaseConnection, DbErr, RuntimeErr, SqliteTransactionMode, TransactionOptions};
use tokio::time::Instant;

use crate::error::Class;

/// How long a connection waits for another process's lock before it reports a collision.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long who collided at a file's switch to its log waits for the other: a few writes to the disk.
const SWITCH_PAUSE: Duration = Duration::from_millis(20);
/// Readers never wait for the writer, so a pool that stays empty this long is overloaded.
const READER_WAIT: Duration = Duration::from_secs(5);
/// Writers queue behind each other; the longest batches take seconds.
const WRITER_WAIT: Duration = Duration::from_secs(30);
/// Queries that run side by side. More would only share the same disk and cores.
const READERS: u32 = 4;
/// Page cache of the writer: the inner pages of the indexes of a million devices fit.
const WRITER_CACHE_KIB: u32 = 64 * 1024;
/// Page cache of each reader: the inner pages of the indexes that are read, at a million devices. A whole table never fits, and its
/// pages are in the system's memory already.
const READER_CACHE_KIB: u32 = 4 * 1024;
/// Rows that a connection's thread reads ahead of their reader. With few, the two wake each other for every handful of rows, which
/// costs more than reading them; a thousand device rows are some 2 MB.
const ROWS_AHEAD: usize = 1_024;
/// After a large batch the log shrinks back to this.
const LOG_BYTES_KEPT: u32 = 64 * 1024 * 1024;
/// Pages in the log after which a commit copies them into the file: as many as the log keeps. Bulk writes change the same pages of
/// indexes again and again, and each is copied once then instead of once a batch.
const LOG_PAGES: u32 = LOG_BYTES_KEPT / PAGE_BYTES;
/// A page of a file.
const PAGE_BYTES: u32 = 4096;

/// What survives a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Everything that was committed: each commit waits for the disk.
    Full,
    /// Nothing for sure: no commit waits for the disk. For folders that are thrown away with the process.
    Scratch,
}

/// Opens the writer, which makes the file and switches it to a write-ahead log, then the readers.
pub(crate) async fn open(
    file: &Path,
    durability: Durability,
    most_bytes: Option<u64>,
) -> Result<(DatabaseConnection, DatabaseConnection), DbErr> {
    if let Some(folder) = file.parent() {
        tokio::fs::create_dir_all(folder).await.map_err(|e| connection_error(e.into()))?;
    }
    let shared = SqliteConnectOptions::new()
        .filename(file)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(ROWS_AHEAD)
        .page_size(PAGE_BYTES)
        .pragma("mmap_size", "0")
        .pragma("temp_store", "memory")
        .disable_statement_logging();

    let writer = shared
        .clone()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match durability {
            Durability::Full => SqliteSynchronous::Full,
            Durability::Scratch => SqliteSynchronous::Off,
        })
        .pragma("journal_size_limit", LOG_BYTES_KEPT.to_string())
        .pragma("wal_autocheckpoint", LOG_PAGES.to_string())
        .pragma("cache_size", format!("-{WRITER_CACHE_KIB}"));
    let writer = match most_bytes {
        Some(bytes) => writer.pragma("max_page_count", (bytes / u64::from(PAGE_BYTES)).max(1).to_string()),
        None => writer,
    };
    let writer = connected(writer).await;

    // Not `read_only`: a reader must be able to open the log's shared index. It refuses to change anything all the same.
    let reader = shared.pragma("query_only", "ON").pragma("cache_size", format!("-{READER_CACHE_KIB}"));
    let readers = pool(READERS, READER_WAIT);
    Ok((writer.map_err(connection_error)?.into(), readers.connect_lazy_with(reader).into()))
}

/// Connects the writer. Processes that make a file together collide at its switch to the log, for which the engine does not wait: who
/// comes second finds the file switched.
async fn connected(writer: SqliteConnectOptions) -> Result<SqlitePool, sea_orm::sqlx::Error> {
    let until = Instant::now() + BUSY_TIMEOUT;
    loop {
        match pool(1, WRITER_WAIT).min_connections(1).connect_with(writer.clone()).await {
            Err(error) if is_busy(&error) && Instant::now() < until => {
                tracing::debug!(error = &error as &dyn Error, "the file is being made, opening it again");
                tokio::time::sleep(SWITCH_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

fn is_busy(error: &sea_orm::sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| class(&code) == Class::Serialization)
}

fn pool(connections: u32, wait: Duration) -> SqlitePoolOptions {
    // A connection to a file neither breaks by itself nor ages: testing or replacing it only costs its warm cache.
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(wait)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

fn connection_error(error: sea_orm::sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

/// `BEGIN IMMEDIATE`. One writer connection already orders the writers of this process; taking the lock at once also orders
/// those of another process (a backup, an operator's shell), instead of failing half-way at the first write.
pub(crate) fn write_transaction() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}

/// Reads a result code. The low byte is the primary code, the rest refines it (sqlite.org/rescode.html).
pub(crate) fn class(code: &str) -> Class {
    let Ok(code) = code.parse::<u32>() else { return Class::Other };
    match (code, code & 0xff) {
        // CONSTRAINT_PRIMARYKEY, _UNIQUE, _ROWID
        (1555 | 2067 | 2579, _) => Class::Conflict,
        // BUSY, LOCKED
        (_, 5 | 6) => Class::Serialization,
        // READONLY, IOERR, FULL, CANTOPEN
        (_, 8 | 10 | 13 | 14) => Class::Unavailable,
        // CORRUPT, NOTADB
        (_, 11 | 26) => Class::Corrupt,
        _ => Class::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_codes_are_read_by_their_primary_code() {
        // BUSY, BUSY_SNAPSHOT, LOCKED, IOERR_WRITE, FULL, CORRUPT, CONSTRAINT_UNIQUE, CONSTRAINT_NOTNULL, ERROR
        let codes = ["5", "517", "6", "778", "13", "11", "2067", "1299", "1", ""];
        assert_eq!(
            codes.map(class),
            [
                Class::Serialization,
                Class::Serialization,
                Class::Serialization,
                Class::Unavailable,
                Class::Unavailable,
                Class::Corrupt,
                Class::Conflict,
                Class::Other,
                Class::Other,
                Class::Other,
            ]
        );
    }
}
