//! Many rows in one statement: the rows travel as one JSON text, which the database takes apart.
//!
//! ```sql
//! INSERT INTO member (tenant, collection, device)
//! SELECT ?2, value->>'collection', value->>'device' FROM json_each(?1) WHERE true
//! ON CONFLICT DO NOTHING
//! ```
//!
//! `WHERE true` is needed before `ON CONFLICT`, which would otherwise be read as part of a join. Rows that serialize as arrays
//! (tuples) are read with `value->>0`. A blob travels as [`Hex`] and comes back with `unhex(value->>'name')`. Integers must fit 64
//! signed bits: beyond, JSON in the database turns into floating point.

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, Value};
use serde::{Serialize, Serializer};

use crate::StoreError;

/// Rows that [`execute_in_chunks`] sends at once: enough that a statement's fixed cost vanishes, few enough that the text stays
/// at a few MiB.
pub const CHUNK_ROWS: usize = 20_000;

/// Bytes as lower-case hex digits, for `unhex()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hex<'a>(pub &'a [u8]);

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(self.0))
    }
}

/// The bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]);
    digits.map(char::from).collect()
}

/// All rows as one JSON array: a text to bind where the statement says `json_each(?)`.
///
/// # Errors
/// [`StoreError::Other`] when a row has no JSON form.
pub fn rows<T: Serialize>(rows: &[T]) -> Result<Value, StoreError> {
    let text = serde_json::to_string(rows).map_err(|e| StoreError::Other(Box::new(e)))?;
    Ok(text.into())
}

/// Runs `sql_sqlite` once with all rows as `?1`. Returns the number of rows that it touched.
///
/// # Errors
/// What the statement fails with.
pub async fn execute<T: Serialize>(
    tx: &DatabaseTransaction,
    sql_sqlite: &str,
    rows: &[T],
) -> Result<u64, StoreError> {
    execute_with(tx, sql_sqlite, rows, []).await
}

/// Runs `sql_sqlite` once with all rows as `?1` and `others` as `?2` and on.
///
/// # Errors
/// What the statement fails with.
pub async fn execute_with<T: Serialize>(
    tx: &DatabaseTransaction,
    sql_sqlite: &str,
    rows: &[T],
    others: impl IntoIterator<Item = Value>,
) -> Result<u64, StoreError> {
    let values = std::iter::once(self::rows(rows)?).chain(others);
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql_sqlite, values);
    Ok(tx.execute_raw(statement).await?.rows_affected())
}

/// Runs `sql_sqlite` once for every [`CHUNK_ROWS`] rows, so that any number of rows needs little memory. Only for statements
/// that treat each row by itself: one that removes whatever is not among the rows must see them all, through [`execute`].
///
/// # Errors
/// What a statement fails with.
pub async fn execute_in_chunks<T: Serialize>(
    tx: &DatabaseTransaction,
    sql_sqlite: &str,
    rows: &[T],
    others: impl IntoIterator<Item = Value>,
) -> Result<u64, StoreError> {
    let others: Vec<Value> = others.into_iter().collect();
    let mut touched = 0;
    for chunk in rows.chunks(CHUNK_ROWS) {
        touched += execute_with(tx, sql_sqlite, chunk, others.iter().cloned()).await?;
    }
    Ok(touched)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_travel_as_lower_case_hex() {
        assert_eq!(serde_json::to_string(&Hex(&[0, 0x0f, 0xa5, 0xff])).unwrap(), r#""000fa5ff""#);
    }

    #[test]
    fn rows_are_one_json_text() {
        assert_eq!(rows(&[(1, "a"), (2, "b")]).unwrap(), Value::from(r#"[[1,"a"],[2,"b"]]"#));
    }
}
