//! Who steps a tenant's rollouts, one process at a time; and the row that everybody locks who changes anything of them.
//!
//! Time only says when another may take over. Nothing rests on it: a step is kept only while its lease is the tenant's, by holder and fence,
//! so a process that was away and comes back changes nothing.

use std::time::Duration;

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use tandem_domain::id::TenantId;
use tandem_storage::{Rows, StoreError};

use crate::store::Store;

/// How long a lease lasts without being renewed: a process that died is followed by another after so long.
pub(crate) const LASTS: Duration = Duration::from_secs(15);

/// A lease is renewed once less than this is left of it: a write every five seconds for each tenant, and ten more to get it done.
const RENEWED_AT: Duration = Duration::from_secs(10);

/// A process may step a tenant's rollouts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lease {
    tenant: TenantId,
    holder: String,
    fence: i64,
}

/// Locks the tenant's row for this transaction, making it at the first change.
pub(in crate::store) async fn lock(tx: &DatabaseTransaction, tenant: &str) -> Result<(), StoreError> {
    let upsert = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "INSERT INTO leases (tenant, holder, fence, expire_time) VALUES ($1, '', 0, 0)
         ON CONFLICT (tenant) DO UPDATE SET fence = leases.fence",
        [tenant.into()],
    );
    tx.execute_raw(upsert).await?;
    Ok(())
}

/// Locks the tenant's row for a step of the lease's holder. False: it is another's by now.
pub(super) async fn lock_held(tx: &DatabaseTransaction, lease: &Lease) -> Result<bool, StoreError> {
    let Lease { tenant, holder, fence } = lease;
    let update = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "UPDATE leases SET fence = fence WHERE tenant = $1 AND holder = $2 AND fence = $3",
        [tenant.as_str().into(), holder.as_str().into(), (*fence).into()],
    );
    Ok(tx.execute_raw(update).await?.rows_affected() == 1)
}

/// The tenant's lease, if it is this holder's or becomes it now. `None`: it is another's.
pub(crate) async fn lease_take(
    store: &Store,
    tenant: &TenantId,
    holder: &str,
    now: Timestamp,
) -> Result<Option<Lease>, StoreError> {
    let lease = |fence| Lease { tenant: tenant.clone(), holder: holder.to_owned(), fence };
    let reader = store.reader(tenant.as_str());
    let select = Statement::from_sql_and_values(
        reader.get_database_backend(),
        "SELECT holder, fence, expire_time FROM leases WHERE tenant = $1",
        [tenant.as_str().into()],
    );
    if let Some(row) = reader.query_one_raw(select).await? {
        let (found, fence): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let expires: i64 = row.try_get_by_index(2)?;
        if found == holder && expires > micros(now, RENEWED_AT) {
            return Ok(Some(lease(fence)));
        }
        if found != holder && expires > now.as_microsecond() {
            return Ok(None);
        }
    }
    let expires = micros(now, LASTS);
    let (at, holder_) = (now.as_microsecond(), holder.to_owned());
    let commit = store.database.write(Rows::Of(tenant.as_str()), move |tx| {
        let (tenant, holder) = (tenant.to_string(), holder_.clone());
        Box::pin(async move { take(tx, tenant, holder, at, expires).await })
    });
    Ok(commit.await?.map(lease))
}

fn micros(now: Timestamp, later: Duration) -> i64 {
    now.as_microsecond().saturating_add(i64::try_from(later.as_micros()).unwrap_or(i64::MAX))
}

async fn take(
    tx: &DatabaseTransaction,
    tenant: String,
    holder: String,
    now: i64,
    expires: i64,
) -> Result<Option<i64>, StoreError> {
    let upsert = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "INSERT INTO leases (tenant, holder, fence, expire_time) VALUES ($1, $2, 1, $3)
         ON CONFLICT (tenant) DO UPDATE SET
            fence = CASE WHEN leases.holder = excluded.holder THEN leases.fence ELSE leases.fence + 1 END,
            holder = excluded.holder, expire_time = excluded.expire_time
         WHERE leases.holder = excluded.holder OR leases.expire_time <= $4
         RETURNING fence",
        [tenant.into(), holder.into(), expires.into(), now.into()],
    );
    let row = tx.query_one_raw(upsert).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
}

/// Gives up every lease of a holder that ends, so that another need not wait.
pub(crate) async fn leases_release(store: &Store, holder: &str) -> Result<(), StoreError> {
    let commit = store.database.write(Rows::OfEveryTenant, |tx| {
        let holder = holder.to_owned();
        Box::pin(async move {
            let update = Statement::from_sql_and_values(
                tx.get_database_backend(),
                "UPDATE leases SET expire_time = 0 WHERE holder = $1",
                [holder.into()],
            );
            tx.execute_raw(update).await?;
            Ok::<_, StoreError>(())
        })
    });
    commit.await
}
