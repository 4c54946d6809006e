//! What only the embedded engine has: files, and what is set on their connections.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

use sea_orm::{ConnectionTrait, Statement};
use sea_orm_migration::prelude::*;
use tandem_storage::{Database, Durability, Location, Rows, StoreError};

struct NoTables;

#[async_trait::async_trait]
impl MigratorTrait for NoTables {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        Vec::new()
    }
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
        let file = folder.path().join("made/where/missing/test.db");
        let database = Database::open::<NoTables>(&Location::Sqlite { file, durability, most_bytes: None })
            .await
            .unwrap();
        let found: Result<_, StoreError> = database
            .write(Rows::OfEveryTenant, |tx| {
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
async fn file_that_is_no_database_is_reported_as_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    std::fs::write(
        &file,
        "a text of more than a hundred characters, which no database file begins with. ".repeat(8),
    )
    .unwrap();
    let error = Database::open::<NoTables>(&Location::file(&file)).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
}
