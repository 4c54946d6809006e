//! The revision of each tenant in a service's own tables, which every write of that tenant takes first.
//!
//! The table is one of the service's migrations: [`TABLE`]. Tenants themselves are the inventory's; a row is made by the first write.

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};

use crate::{Reader, StoreError};

/// Makes the table. `revision` counts the tenant's commits here; whoever writes locks this row first.
pub const TABLE: &str = "CREATE TABLE tenants (tenant TEXT NOT NULL PRIMARY KEY, revision BIGINT NOT NULL)";

/// Locks the tenant's row for this transaction, making it at the first write, and takes the next revision.
///
/// # Errors
/// The database does not answer.
pub async fn lock(tx: &DatabaseTransaction, tenant: &str) -> Result<i64, StoreError> {
    let upsert = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "INSERT INTO tenants (tenant, revision) VALUES ($1, 1)
         ON CONFLICT (tenant) DO UPDATE SET revision = tenants.revision + 1 RETURNING revision",
        [tenant.into()],
    );
    let row = tx.query_one_raw(upsert).await?;
    let row = row.ok_or_else(|| StoreError::corrupt("the tenant's row was neither made nor changed"))?;
    Ok(row.try_get_by_index(0)?)
}

/// The revision of the tenant's last commit; 0 before the first.
///
/// # Errors
/// The database does not answer.
pub async fn revision(reader: &Reader, tenant: &str) -> Result<u64, StoreError> {
    let select = Statement::from_sql_and_values(
        reader.get_database_backend(),
        "SELECT revision FROM tenants WHERE tenant = $1",
        [tenant.into()],
    );
    match reader.query_one_raw(select).await? {
        Some(row) => revision_of(row.try_get_by_index(0)?),
        None => Ok(0),
    }
}

/// Engines store signed numbers; a revision is never negative.
///
/// # Errors
/// It is.
pub fn revision_of(stored: i64) -> Result<u64, StoreError> {
    u64::try_from(stored).map_err(|_| StoreError::corrupt(format!("revision {stored}")))
}
