//! Idempotency: the answer that a request id got, kept with the effect in the same transaction.
//!
//! A mutation first asks [`recall`]; an answer means that the effect is there already. Otherwise it does its work and calls
//! [`remember`]. Both run inside [`Database::write`](crate::Database::write), so two copies of a request cannot both find nothing.
//! [`forget`] keeps the table small.

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, Value};

use crate::StoreError;

/// One request, as its caller named it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The tenant; ids of different tenants have nothing to do with each other.
    pub tenant: &'a str,
    /// The caller's id of the request, unique per tenant.
    pub request_id: &'a str,
    /// Full name of the method, such as `tandem.authority.v1.PolicyService/UpdateCoManagementPolicy`.
    pub method: &'a str,
    /// [`fingerprint`](crate::fingerprint) of the request without its id.
    pub request_hash: u64,
}

/// Why the answer to a request cannot be given.
#[derive(Debug, thiserror::Error)]
pub enum RecallError {
    /// The id was used for another method or for different content.
    #[error("the request id was used for a different request, of {method}")]
    RequestIdReused {
        /// The method of the first request with that id.
        method: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The answer that this very request got, if it was served before.
///
/// # Errors
/// [`RecallError::RequestIdReused`] when the id names a different request.
pub async fn recall(tx: &DatabaseTransaction, request: &Request<'_>) -> Result<Option<Vec<u8>>, RecallError> {
    let sql =
        "SELECT method, request_hash, response FROM tandem_requests WHERE tenant = $1 AND request_id = $2";
    let values = [request.tenant.into(), request.request_id.into()];
    let Some(row) = tx.query_one_raw(statement(tx, sql, values)).await.map_err(StoreError::from)? else {
        return Ok(None);
    };
    let (method, hash, response) = (|| {
        Ok((row.try_get_by_index::<String>(0)?, row.try_get_by_index::<i64>(1)?, row.try_get_by_index(2)?))
    })()
    .map_err(|e: sea_orm::DbErr| StoreError::from(e))?;
    if method == request.method && hash.cast_unsigned() == request.request_hash {
        Ok(Some(response))
    } else {
        Err(RecallError::RequestIdReused { method })
    }
}

/// Keeps the answer. `created_at_ms`: the time of the call in milliseconds since 1970, for [`forget`].
///
/// # Errors
/// [`StoreError::Conflict`] when the id has an answer already: ask [`recall`] first.
pub async fn remember(
    tx: &DatabaseTransaction,
    request: &Request<'_>,
    response: &[u8],
    created_at_ms: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO tandem_requests (tenant, request_id, method, request_hash, response, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let values: [Value; 6] = [
        request.tenant.into(),
        request.request_id.into(),
        request.method.into(),
        request.request_hash.cast_signed().into(),
        response.into(),
        created_at_ms.into(),
    ];
    tx.execute_raw(statement(tx, sql, values)).await?;
    Ok(())
}

/// Drops answers from before `created_before_ms`, the oldest first and at most `at_most` of them. Returns how many went; as many
/// as `at_most` means that there may be more.
///
/// # Errors
/// What the statement fails with.
pub async fn forget(
    tx: &DatabaseTransaction,
    created_before_ms: i64,
    at_most: u32,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM tandem_requests WHERE (tenant, request_id) IN (\
               SELECT tenant, request_id FROM tandem_requests WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
    let values = [created_before_ms.into(), i64::from(at_most).into()];
    Ok(tx.execute_raw(statement(tx, sql, values)).await?.rows_affected())
}

fn statement<const N: usize>(tx: &DatabaseTransaction, sql: &str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(tx.get_database_backend(), sql, values)
}
