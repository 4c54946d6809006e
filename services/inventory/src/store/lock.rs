//! The tenant's row: its lock, its revision counter, and the numbers of records and collections.

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use tandem_server::failure::Failure;

/// A tenant whose row this transaction holds.
#[derive(Debug)]
pub(crate) struct LockedTenant {
    /// The tenant.
    pub(crate) tenant: String,
    /// The revision of this transaction; nobody else has it.
    pub(crate) revision: i64,
    /// The next number for a record or a collection.
    next_number: i64,
}

impl LockedTenant {
    /// A number that nothing else of this tenant has.
    pub(crate) const fn take_number(&mut self) -> i64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }
}

/// Locks a tenant for this transaction and takes its next revision.
pub(crate) async fn lock_tenant(tx: &DatabaseTransaction, tenant: &str) -> Result<LockedTenant, Failure> {
    let statement = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "UPDATE tenants SET revision = revision + 1 WHERE tenant = $1 RETURNING revision, next_number",
        [tenant.into()],
    );
    let row = tx.query_one_raw(statement).await?.ok_or_else(|| Failure::NotFound {
        resource_type: "tandem.inventory.v1.Tenant",
        name: format!("tenants/{tenant}"),
    })?;
    Ok(LockedTenant {
        tenant: tenant.to_owned(),
        revision: row.try_get("", "revision")?,
        next_number: row.try_get("", "next_number")?,
    })
}

/// Stores the numbers that were taken; `surroundings` says that what surrounds devices changed in this revision.
pub(crate) async fn unlock_tenant(
    tx: &DatabaseTransaction,
    locked: &LockedTenant,
    surroundings: bool,
) -> Result<(), Failure> {
    let statement = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "UPDATE tenants SET next_number = $1,
             surroundings_revision = CASE WHEN $2 THEN revision ELSE surroundings_revision END
         WHERE tenant = $3",
        [locked.next_number.into(), surroundings.into(), locked.tenant.as_str().into()],
    );
    tx.execute_raw(statement).await?;
    Ok(())
}
