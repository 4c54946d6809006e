//! Messages of this service that wait until another one has them.
//!
//! [`put`] keeps a message, [`oldest`] finds what waits, [`remove`] drops what has arrived. Replicas may send the same message: whoever takes
//! it must take it once by its id. Messages are of every tenant; they are the service's own, and no caller names them.

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};

use crate::bulk::{Column, Insert, List, one_of};
use crate::{Reader, StoreError};

/// A message that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// When it was put there, in microseconds since 1970: older ones are sent first.
    pub put_at: i64,
    /// What it says.
    pub body: Vec<u8>,
}

/// Keeps messages. One that waits already is kept as it is.
///
/// # Errors
/// What the statement fails with.
pub async fn put(tx: &DatabaseTransaction, messages: &[Message]) -> Result<(), StoreError> {
    let column = |text: fn(&Message) -> String| messages.iter().map(text).collect();
    let insert = Insert::into("tandem_outbox")
        .column("put_at", Column::BigInt(messages.iter().map(|message| message.put_at).collect()))
        .column("id", Column::Text(column(|message| message.id.clone())))
        .column("body", Column::Bytes(messages.iter().map(|message| message.body.clone()).collect()));
    insert.or_keep().execute(tx).await
}

/// Up to so many of the messages that wait, oldest first.
///
/// # Errors
/// What the query fails with.
pub async fn oldest(reader: &Reader, at_most: u32) -> Result<Vec<Message>, StoreError> {
    let select = Statement::from_sql_and_values(
        reader.get_database_backend(),
        "SELECT id, put_at, body FROM tandem_outbox ORDER BY put_at, id LIMIT $1",
        [i64::from(at_most).into()],
    );
    let rows = reader.query_all_raw(select).await?;
    let message = |row: sea_orm::QueryResult| {
        Ok(Message {
            id: row.try_get_by_index(0)?,
            put_at: row.try_get_by_index(1)?,
            body: row.try_get_by_index(2)?,
        })
    };
    rows.into_iter().map(message).collect()
}

/// How many wait.
///
/// # Errors
/// What the query fails with.
pub async fn waiting(reader: &Reader) -> Result<u64, StoreError> {
    let count = "SELECT COUNT(*) FROM tandem_outbox";
    let row = reader.query_one_raw(Statement::from_string(reader.get_database_backend(), count)).await?;
    let counted: i64 = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
    Ok(counted.unsigned_abs())
}

/// Drops messages that have arrived.
///
/// # Errors
/// What the statement fails with.
pub async fn remove(tx: &DatabaseTransaction, messages: &[Message]) -> Result<(), StoreError> {
    let Some(newest) = messages.iter().map(|message| message.put_at).max() else { return Ok(()) };
    let engine = tx.get_database_backend();
    let ids = List::Text(messages.iter().map(|message| message.id.clone()).collect());
    // The first column of the key, so that no more is looked through than what is as old.
    let delete = format!("DELETE FROM tandem_outbox WHERE put_at <= $1 AND id {}", one_of(engine, 2));
    let values = [newest.into(), ids.into_value(engine)];
    tx.execute_raw(Statement::from_sql_and_values(engine, delete, values)).await?;
    Ok(())
}
