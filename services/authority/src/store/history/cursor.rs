//! How far a tenant's history is kept, and by which process.
//!
//! Time only says when another may take over. Nothing rests on it: what is kept is kept only while the tenant's row names the holder and fence.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use tandem_domain::id::{CollectionId, HierarchyId, TenantId};
use tandem_storage::{Rows, StoreError};

use crate::store::Store;

/// How long a process keeps a tenant's history without renewing that: what one that died had to do is done so long after by another.
const LASTS: Duration = Duration::from_secs(60);

/// Collections by their hierarchy.
pub(crate) type Named = BTreeMap<HierarchyId, BTreeSet<CollectionId>>;

/// No collection is named.
pub(super) static NOTHING: BTreeSet<CollectionId> = BTreeSet::new();

/// The collections of a hierarchy; none of no hierarchy.
pub(crate) fn named_in<'a>(named: &'a Named, hierarchy: Option<&HierarchyId>) -> &'a BTreeSet<CollectionId> {
    hierarchy.and_then(|id| named.get(id)).unwrap_or(&NOTHING)
}

/// A tenant's history is this process's to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keeping {
    pub(crate) tenant: TenantId,
    pub(crate) holder: String,
    pub(crate) fence: i64,
}

/// How far it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cursor {
    /// Every device was looked at once.
    pub(crate) complete: bool,
    /// Where the inventory's feed goes on. Empty: with a snapshot.
    pub(crate) resume_token: String,
    /// What states were read by, beside the devices.
    pub(crate) basis: String,
    /// The collections that are kept of a device.
    pub(crate) named: Named,
}

/// A tenant's history, if it is this holder's to keep or becomes so now. `None`: it is another's.
pub(crate) async fn cursor_take(
    store: &Store,
    tenant: &TenantId,
    holder: &str,
    now: Timestamp,
) -> Result<Option<(Keeping, Cursor)>, StoreError> {
    let (holder_, at) = (holder.to_owned(), now.as_microsecond());
    if is_anothers(store, tenant, holder, at).await? {
        return Ok(None);
    }
    let commit = store.database.write(Rows::Of(tenant.as_str()), |tx| {
        let (tenant, holder) = (tenant.to_string(), holder_.clone());
        Box::pin(async move { take(tx, tenant, holder, at).await })
    });
    let keeping = |fence| Keeping { tenant: tenant.clone(), holder: holder.to_owned(), fence };
    Ok(commit.await?.map(|(fence, cursor)| (keeping(fence), cursor)))
}

/// Whether another process keeps it: asked often, and without a lock.
async fn is_anothers(store: &Store, tenant: &TenantId, holder: &str, now: i64) -> Result<bool, StoreError> {
    let reader = store.reader(tenant.as_str());
    let select = Statement::from_sql_and_values(
        reader.get_database_backend(),
        "SELECT 1 FROM history_cursors WHERE tenant = $1 AND holder <> $2 AND expire_time > $3",
        [tenant.as_str().into(), holder.into(), now.into()],
    );
    Ok(reader.query_one_raw(select).await?.is_some())
}

/// The collections that are kept of every device of a tenant.
pub(crate) async fn named_kept(store: &Store, tenant: &TenantId) -> Result<Named, StoreError> {
    let reader = store.reader(tenant.as_str());
    let select = Statement::from_sql_and_values(
        reader.get_database_backend(),
        "SELECT named FROM history_cursors WHERE tenant = $1",
        [tenant.as_str().into()],
    );
    let Some(row) = reader.query_one_raw(select).await? else { return Ok(Named::new()) };
    let named: String = row.try_get_by_index(0)?;
    serde_json::from_str(&named).map_err(|error| damaged("named collections", error))
}

pub(super) fn expires(now: i64) -> i64 {
    now.saturating_add(i64::try_from(LASTS.as_micros()).unwrap_or(i64::MAX))
}

async fn take(
    tx: &DatabaseTransaction,
    tenant: String,
    holder: String,
    now: i64,
) -> Result<Option<(i64, Cursor)>, StoreError> {
    let upsert = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "INSERT INTO history_cursors
            (tenant, holder, fence, expire_time, last_time, complete, resume_token, basis, named)
         VALUES ($1, $2, 1, $3, 0, FALSE, '', '', '{}')
         ON CONFLICT (tenant) DO UPDATE SET
            fence = history_cursors.fence + 1, holder = excluded.holder, expire_time = excluded.expire_time
         WHERE history_cursors.holder = excluded.holder OR history_cursors.expire_time <= $4
         RETURNING fence, complete, resume_token, basis, named",
        [tenant.into(), holder.into(), expires(now).into(), now.into()],
    );
    let Some(row) = tx.query_one_raw(upsert).await? else { return Ok(None) };
    let named: String = row.try_get_by_index(4)?;
    let cursor = Cursor {
        complete: row.try_get_by_index(1)?,
        resume_token: row.try_get_by_index(2)?,
        basis: row.try_get_by_index(3)?,
        named: serde_json::from_str(&named).map_err(|error| damaged("named collections", error))?,
    };
    Ok(Some((row.try_get_by_index(0)?, cursor)))
}

/// Gives up what a holder that ends keeps, so that another need not wait.
pub(crate) async fn cursors_release(store: &Store, holder: &str) -> Result<(), StoreError> {
    let commit = store.database.write(Rows::OfEveryTenant, |tx| {
        let holder = holder.to_owned();
        Box::pin(async move {
            let update = Statement::from_sql_and_values(
                tx.get_database_backend(),
                "UPDATE history_cursors SET expire_time = 0 WHERE holder = $1",
                [holder.into()],
            );
            tx.execute_raw(update).await?;
            Ok::<_, StoreError>(())
        })
    });
    commit.await
}

pub(super) fn damaged(what: &str, error: impl std::fmt::Display) -> StoreError {
    StoreError::corrupt(format!("{what}: {error}"))
}
