//! Set-based statements.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

mod schema;

use schema::NoTables;
use sea_orm::{ConnectionTrait, Statement};
use serde::Serialize;
use tandem_storage::bulk::{self, CHUNK_ROWS, Hex};
use tandem_storage::{Database, StoreError};

#[derive(Serialize)]
struct Member<'a> {
    device: i64,
    collection: Option<&'a str>,
    state: Hex<'a>,
}

async fn open() -> (tempfile::TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open_sqlite::<NoTables>(&folder.path().join("test.db")).await.unwrap();
    let made: Result<_, StoreError> = database
        .write(|tx| {
            Box::pin(async move {
                let sql = "CREATE TABLE member (tenant TEXT, device INTEGER PRIMARY KEY, collection TEXT, state BLOB)";
                tx.execute_unprepared(sql).await?;
                Ok(())
            })
        })
        .await;
    made.unwrap();
    (folder, database)
}

#[tokio::test]
async fn rows_of_text_number_null_and_blob_arrive_whole() {
    let (_folder, database) = open().await;
    let touched: Result<_, StoreError> = database
        .write(|tx| {
            Box::pin(async move {
                let rows = [
                    Member { device: i64::MAX, collection: Some("it's \"x\" ü"), state: Hex(&[0, 255]) },
                    Member { device: 2, collection: None, state: Hex(&[]) },
                ];
                bulk::execute_with(
                    tx,
                    "INSERT INTO member SELECT ?2, value->>'device', value->>'collection', unhex(value->>'state') \
                     FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING",
                    &rows,
                    ["contoso".into()],
                )
                .await
            })
        })
        .await;
    assert_eq!(touched.unwrap(), 2);

    let engine = database.reader().get_database_backend();
    let select = Statement::from_string(
        engine,
        "SELECT tenant, device, collection, state FROM member ORDER BY device",
    );
    let rows: Vec<(String, i64, Option<String>, Vec<u8>)> = database
        .reader()
        .query_all_raw(select)
        .await
        .unwrap()
        .iter()
        .map(|r| {
            (
                r.try_get_by_index(0).unwrap(),
                r.try_get_by_index(1).unwrap(),
                r.try_get_by_index(2).unwrap(),
                r.try_get_by_index(3).unwrap(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("contoso".into(), 2, None, vec![]),
            ("contoso".into(), i64::MAX, Some("it's \"x\" ü".into()), vec![0, 255]),
        ]
    );
}

#[tokio::test]
async fn more_rows_than_a_chunk_all_arrive() {
    let (_folder, database) = open().await;
    let count = CHUNK_ROWS * 2 + 1;
    let touched: Result<_, StoreError> = database
        .write(|tx| {
            Box::pin(async move {
                let rows: Vec<(usize,)> = (0..count).map(|n| (n,)).collect();
                let sql = "INSERT INTO member (device) SELECT value->>0 FROM json_each(?1)";
                bulk::execute_in_chunks(tx, sql, &rows, []).await
            })
        })
        .await;
    assert_eq!(touched.unwrap(), count as u64);
}

#[tokio::test]
async fn no_rows_touch_nothing() {
    let (_folder, database) = open().await;
    let touched: Result<_, StoreError> = database
        .write(|tx| {
            Box::pin(async move {
                let sql = "INSERT INTO member (device) SELECT value->>0 FROM json_each(?1)";
                bulk::execute::<(i64,)>(tx, sql, &[]).await
            })
        })
        .await;
    assert_eq!(touched.unwrap(), 0);
}
