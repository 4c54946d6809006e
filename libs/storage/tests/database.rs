//! What every service relies on, on files in a temporary folder.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

mod schema;

use std::path::Path;

use schema::{Counters, NoTables, count, increment};
use sea_orm::{ConnectionTrait, Statement};
use tandem_storage::{Database, Durability, StoreError};

async fn open(folder: &Path) -> Database {
    Database::open_sqlite::<Counters>(&folder.join("store").join("test.db")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_writers_keep_every_increment() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).await;

    let writers = (0..8).map(|_| {
        let database = database.clone();
        tokio::spawn(async move {
            for _ in 0..25 {
                // Reads, then writes what it read plus one: an update is lost unless the transactions are one after the other.
                database.write(|tx| Box::pin(increment(tx))).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }

    assert_eq!(count(database.reader()).await, 200);
}

#[tokio::test]
async fn two_openings_of_one_file_keep_every_increment() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path()).await, open(folder.path()).await);

    let write = |database: Database| async move {
        for _ in 0..25 {
            database.write(|tx| Box::pin(increment(tx))).await?;
        }
        Ok::<_, StoreError>(())
    };
    let (first, second) = tokio::join!(write(one.clone()), write(two));
    first.unwrap();
    second.unwrap();

    assert_eq!(count(one.reader()).await, 50);
}

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the rule forbids it")]
    Forbidden,
    #[error("the store failed")]
    Store(#[from] StoreError),
}

#[tokio::test]
async fn error_in_the_work_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).await;

    let outcome: Result<(), Refusal> = database
        .write(|tx| {
            Box::pin(async move {
                increment(tx).await?;
                Err(Refusal::Forbidden)
            })
        })
        .await;

    assert!(matches!(outcome, Err(Refusal::Forbidden)), "{outcome:?}");
    assert_eq!(count(database.reader()).await, 0);
    database.write(|tx| Box::pin(increment(tx))).await.unwrap();
    assert_eq!(count(database.reader()).await, 1);
}

#[tokio::test]
async fn dropped_write_leaves_nothing_behind_and_frees_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).await;

    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let begun = std::sync::Mutex::new(Some(begun));
    let stuck = database.write(|tx| {
        let begun = begun.lock().unwrap().take();
        Box::pin(async move {
            increment(tx).await?;
            begun.unwrap().send(()).unwrap();
            std::future::pending::<Result<(), StoreError>>().await
        })
    });
    tokio::select! {
        _ = stuck => unreachable!("the work never ends"),
        started = has_begun => started.unwrap(),
    }

    database.write(|tx| Box::pin(increment(tx))).await.unwrap();
    assert_eq!(count(database.reader()).await, 1);
}

#[tokio::test]
async fn collision_is_tried_again_and_given_up_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).await;
    let calls = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));

    let outcome: Result<(), StoreError> = database
        .write(|_| {
            let calls = calls.clone();
            Box::pin(async move {
                calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Err(StoreError::Serialization(sea_orm::DbErr::Custom("deadlock".into())))
            })
        })
        .await;

    assert!(matches!(outcome, Err(StoreError::Serialization(_))), "{outcome:?}");
    assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 5);
}

#[tokio::test]
async fn reopened_file_keeps_its_data_and_incarnation() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).await;
    let incarnation = database.incarnation();
    database.write(|tx| Box::pin(increment(tx))).await.unwrap();
    database.close().await.unwrap();

    let database = open(folder.path()).await;

    assert_eq!((database.incarnation(), count(database.reader()).await), (incarnation, 1));
}

#[tokio::test]
async fn two_files_have_two_incarnations() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert_ne!(open(one.path()).await.incarnation(), open(two.path()).await.incarnation());
}

#[tokio::test]
async fn reader_refuses_to_change_anything() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).await;
    database.reader().execute_unprepared("DELETE FROM counter").await.unwrap_err();
    database.ping().await.unwrap();
}

async fn pragma(connection: &impl ConnectionTrait, name: &str) -> String {
    let engine = connection.get_database_backend();
    let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
    let row = connection.query_one_raw(Statement::from_string(engine, sql)).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn writer_waits_for_the_disk_unless_the_folder_is_scratch() {
    // 2 is FULL, 0 is OFF (sqlite.org/pragma.html#pragma_synchronous).
    for (durability, synchronous) in [(Durability::Full, "2"), (Durability::Scratch, "0")] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let database = Database::open_sqlite_with::<NoTables>(&file, durability).await.unwrap();
        let found: Result<_, StoreError> = database
            .write(|tx| {
                Box::pin(async move {
                    Ok([
                        pragma(tx, "synchronous").await,
                        pragma(tx, "journal_mode").await,
                        pragma(tx, "foreign_keys").await,
                        pragma(tx, "cache_size").await,
                    ])
                })
            })
            .await;
        assert_eq!(found.unwrap(), [synchronous, "wal", "1", "-65536"]);
    }
}

#[tokio::test]
async fn second_row_with_a_unique_key_is_a_conflict() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).await;
    let outcome: Result<(), StoreError> = database
        .write(|tx| {
            Box::pin(async move {
                tx.execute_unprepared("INSERT INTO counter (id, value) VALUES (1, 0)").await?;
                Ok(())
            })
        })
        .await;
    assert!(matches!(outcome, Err(StoreError::Conflict(_))), "{outcome:?}");
}

#[tokio::test]
async fn file_that_is_no_database_is_reported_as_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    std::fs::write(
        &file,
        "a text of more than a hundred characters, which no database file begins with. ".repeat(8),
    )
    .unwrap();
    let error = Database::open_sqlite::<NoTables>(&file).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn failing_migration_takes_back_the_ones_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let error = Database::open_sqlite::<schema::SecondFails>(&file).await.unwrap_err();
    assert!(matches!(error, StoreError::Migration(_)), "{error:?}");

    // The first one would fail on a table that is already there.
    let database = Database::open_sqlite::<Counters>(&file).await.unwrap();
    assert_eq!(count(database.reader()).await, 0);
}
