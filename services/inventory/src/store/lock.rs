//! The tenant's row: its lock, its counters of revisions and of writes, and the numbers of records and collections.

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use tandem_server::failure::Failure;

/// A tenant whose row this transaction holds.
#[derive(Debug)]
pub(crate) struct LockedTenant {
    /// The tenant.
    pub(crate) tenant: String,
    /// The revision that this transaction takes if it changes anything; nobody else has it.
    pub(crate) revision: i64,
    /// The number of this transaction among the tenant's: it follows on that of the one committed before, whether that took a revision
    /// or not.
    pub(crate) write: i64,
    /// The next number for a record or a collection.
    next_number: i64,
}

impl LockedTenant {
    #[cfg(test)]
    pub(crate) fn test(write: i64) -> Self {
        Self { tenant: "contoso".to_owned(), revision: 1, write, next_number: 1 }
    }

    /// A number that nothing else of this tenant has.
    pub(crate) const fn take_number(&mut self) -> i64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }
}

/// What a transaction changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    /// Nothing that anybody is told of: the tenant keeps its revision.
    Nothing,
    /// Devices, or what only this service's own answers show.
    Something,
    /// What surrounds devices: facts of tenant, hierarchies, sites and collections.
    Surroundings,
}

/// Locks a tenant for this transaction.
pub(crate) async fn lock_tenant(tx: &DatabaseTransaction, tenant: &str) -> Result<LockedTenant, Failure> {
    let statement = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "UPDATE tenants SET writes = writes + 1 WHERE tenant = $1 RETURNING revision, writes, next_number",
        [tenant.into()],
    );
    let row = tx.query_one_raw(statement).await?.ok_or_else(|| Failure::NotFound {
        resource_type: "tandem.inventory.v1.Tenant",
        name: format!("tenants/{tenant}"),
    })?;
    let revision: i64 = row.try_get("", "revision")?;
    Ok(LockedTenant {
        tenant: tenant.to_owned(),
        revision: revision + 1,
        write: row.try_get("", "writes")?,
        next_number: row.try_get("", "next_number")?,
    })
}

/// Stores the numbers that were taken, and the revision if anything changed. Answers the tenant's revision after this commit.
pub(crate) async fn unlock_tenant(
    tx: &DatabaseTransaction,
    locked: &LockedTenant,
    changed: Changed,
) -> Result<u64, Failure> {
    let revision = match changed {
        Changed::Nothing => locked.revision - 1,
        Changed::Something | Changed::Surroundings => locked.revision,
    };
    let statement = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "UPDATE tenants SET next_number = $1, revision = $2,
             surroundings_revision = CASE WHEN $3 THEN $2 ELSE surroundings_revision END
         WHERE tenant = $4",
        [
            locked.next_number.into(),
            revision.into(),
            (changed == Changed::Surroundings).into(),
            locked.tenant.as_str().into(),
        ],
    );
    tx.execute_raw(statement).await?;
    Ok(revision.unsigned_abs())
}
