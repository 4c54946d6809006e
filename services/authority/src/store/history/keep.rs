//! Adds to what is kept of devices.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Statement};
use tandem_domain::history::{MaterialState, is_unnamed};
use tandem_domain::id::{CollectionId, HierarchyId, TenantId};
use tandem_storage::bulk::{Column, Insert, List, from_listed, one_of};
use tandem_storage::{Rows, StoreError};

use super::cursor::{Cursor, Keeping, NOTHING, Named, damaged, expires, named_in};
use crate::store::Store;

/// A device as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Its id.
    pub(crate) device: String,
    pub(crate) revision: i64,
    pub(crate) state: MaterialState,
}

/// What is to be kept at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Each device once.
    pub(crate) seen: Vec<Seen>,
    /// Ids of devices that are no more, with the revisions in which they went. A device without a version is none.
    pub(crate) gone: Vec<(String, i64)>,
    /// Revisions are counted anew, in a database that was restored: what was kept is older than whatever is seen from now on.
    pub(crate) is_restored: bool,
    /// The collections of these hierarchies that are known completely from now on.
    pub(crate) complete: Vec<(HierarchyId, BTreeSet<CollectionId>)>,
    /// How far that is. `None`: no further than before.
    pub(crate) cursor: Option<Cursor>,
}

/// Keeps a batch: of each device that is another now, the version that was ends and one begins. Answers how many did; `None`: the history is
/// another process's to keep by now, and nothing was kept.
///
/// A device that differs only by collections that the cursor does not name yet is not another: the version that is says so from its beginning on.
/// No policy before named them, so no answer of the past is another by that. The same goes for which collections are known completely.
pub(crate) async fn history_keep(
    store: &Store,
    keeping: &Keeping,
    batch: Batch,
    now: Timestamp,
) -> Result<Option<usize>, StoreError> {
    let work = std::sync::Arc::new((keeping.clone(), batch));
    let commit = store.database.write(Rows::Of(keeping.tenant.as_str()), |tx| {
        let work = std::sync::Arc::clone(&work);
        Box::pin(async move { kept(tx, &work.0, &work.1, now.as_microsecond()).await })
    });
    commit.await
}

/// Keeps a device that was seen beside the feed, by whichever process, if nothing was ever kept of it. All that comes after is the feed's.
pub(crate) async fn history_begin(
    store: &Store,
    tenant: &TenantId,
    seen: Seen,
    now: Timestamp,
) -> Result<(), StoreError> {
    let work = std::sync::Arc::new((tenant.clone(), Batch { seen: vec![seen], ..Batch::default() }));
    let commit = store.database.write(Rows::Of(tenant.as_str()), |tx| {
        let work = std::sync::Arc::clone(&work);
        Box::pin(async move {
            let (tenant, batch) = &*work;
            let locked = lock_any(tx, tenant.as_str(), now.as_microsecond()).await?;
            if !is_known(tx, tenant.as_str(), &batch.seen[0].device).await? {
                add(tx, tenant.as_str(), batch, &locked).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    commit.await
}

async fn is_known(tx: &DatabaseTransaction, tenant: &str, device: &str) -> Result<bool, StoreError> {
    let select = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "SELECT 1 FROM device_states WHERE tenant = $1 AND device = $2 LIMIT 1",
        [tenant.into(), device.into()],
    );
    Ok(tx.query_one_raw(select).await?.is_some())
}

/// The tenant's row, locked.
struct Locked {
    /// A moment that is later than every one before.
    at: i64,
    /// Every device was looked at once.
    complete: bool,
    /// The collections that are kept of every device.
    named: Named,
}

async fn kept(
    tx: &DatabaseTransaction,
    keeping: &Keeping,
    batch: &Batch,
    now: i64,
) -> Result<Option<usize>, StoreError> {
    let Some(locked) = lock(tx, keeping, now).await? else { return Ok(None) };
    add(tx, keeping.tenant.as_str(), batch, &locked).await.map(Some)
}

async fn add(
    tx: &DatabaseTransaction,
    tenant: &str,
    batch: &Batch,
    locked: &Locked,
) -> Result<usize, StoreError> {
    let Locked { at, complete, named } = locked;
    let at = *at;
    if batch.is_restored {
        let update = Statement::from_sql_and_values(
            tx.get_database_backend(),
            "UPDATE device_states SET revision = 0 WHERE tenant = $1 AND to_time IS NULL",
            [tenant.into()],
        );
        tx.execute_raw(update).await?;
    }
    let known = current(tx, tenant, batch).await?;
    let mut ended: Vec<String> = Vec::new();
    let (mut new, mut amended) = (Versions::default(), Versions::default());
    for seen in &batch.seen {
        let state = serde_json::to_string(&seen.state).map_err(|error| damaged("state", error))?;
        match known.get(&seen.device) {
            // A later revision was kept already, or the same state.
            Some(version) if version.revision > seen.revision || version.state == state => continue,
            Some(version) if version.differs_by_names(&seen.state, named)? => {
                amended.push(&seen.device, Current { state, ..version.clone() });
                continue;
            }
            Some(_) => ended.push(seen.device.clone()),
            None => {}
        }
        new.push(&seen.device, Current { from: at, first_look: !complete, revision: seen.revision, state });
    }
    let gone = batch
        .gone
        .iter()
        .filter(|(device, revision)| known.get(device).is_some_and(|version| version.revision <= *revision));
    ended.extend(gone.map(|(device, _)| device.clone()));
    let changed = new.devices.len().max(ended.len());
    end(tx, tenant, ended, at).await?;
    amended
        .into_insert(tenant)
        .or_replace(&["tenant", "device", "from_time"], &["state"])
        .execute(tx)
        .await?;
    new.into_insert(tenant).execute(tx).await?;
    for (hierarchy, collections) in &batch.complete {
        complete_from(tx, (tenant, hierarchy), collections, locked).await?;
    }
    if let Some(cursor) = &batch.cursor {
        advance(tx, tenant, cursor).await?;
    }
    Ok(changed)
}

fn read_lock(row: &QueryResult) -> Result<Locked, StoreError> {
    let named: String = row.try_get_by_index(2)?;
    Ok(Locked {
        at: row.try_get_by_index(0)?,
        complete: row.try_get_by_index(1)?,
        named: serde_json::from_str(&named).map_err(|error| damaged("named collections", error))?,
    })
}

/// Locks the tenant's history for its holder and renews that. `None`: it is another's.
async fn lock(tx: &DatabaseTransaction, keeping: &Keeping, now: i64) -> Result<Option<Locked>, StoreError> {
    let Keeping { tenant, holder, fence } = keeping;
    let update = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "UPDATE history_cursors SET
            expire_time = $1, last_time = CASE WHEN last_time >= $2 THEN last_time + 1 ELSE $2 END
         WHERE tenant = $3 AND holder = $4 AND fence = $5
         RETURNING last_time, complete, named",
        [expires(now).into(), now.into(), tenant.as_str().into(), holder.as_str().into(), (*fence).into()],
    );
    tx.query_one_raw(update).await?.as_ref().map(read_lock).transpose()
}

/// Locks the tenant's history, whoever keeps it, making its row at the first time.
async fn lock_any(tx: &DatabaseTransaction, tenant: &str, now: i64) -> Result<Locked, StoreError> {
    let upsert = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "INSERT INTO history_cursors
            (tenant, holder, fence, expire_time, last_time, complete, resume_token, basis, named)
         VALUES ($1, '', 0, 0, $2, FALSE, '', '', '{}')
         ON CONFLICT (tenant) DO UPDATE SET
            last_time = CASE WHEN history_cursors.last_time >= $2 THEN history_cursors.last_time + 1 ELSE $2 END
         RETURNING last_time, complete, named",
        [tenant.into(), now.into()],
    );
    let row = tx.query_one_raw(upsert).await?;
    read_lock(&row.ok_or_else(|| StoreError::corrupt("the cursor was neither made nor changed"))?)
}

/// A version that has not ended.
#[derive(Debug, Clone)]
struct Current {
    from: i64,
    first_look: bool,
    revision: i64,
    state: String,
}

impl Current {
    fn differs_by_names(&self, other: &MaterialState, named: &Named) -> Result<bool, StoreError> {
        let state: MaterialState =
            serde_json::from_str(&self.state).map_err(|error| damaged("state of a device", error))?;
        Ok(state.differs_by_names(other, named_in(named, other.hierarchy.as_ref())))
    }
}

/// Versions to be written.
#[derive(Debug, Default)]
struct Versions {
    devices: Vec<String>,
    from: Vec<i64>,
    first_look: Vec<bool>,
    revisions: Vec<i64>,
    states: Vec<String>,
}

impl Versions {
    fn push(&mut self, device: &str, version: Current) {
        self.devices.push(device.to_owned());
        self.from.push(version.from);
        self.first_look.push(version.first_look);
        self.revisions.push(version.revision);
        self.states.push(version.state);
    }

    fn into_insert<'a>(self, tenant: &str) -> Insert<'a> {
        Insert::into("device_states")
            .shared("tenant", tenant)
            .column("device", Column::Text(self.devices))
            .column("from_time", Column::BigInt(self.from))
            .column("first_look", Column::Bool(self.first_look))
            .column("revision", Column::BigInt(self.revisions))
            .column("state", Column::Text(self.states))
    }
}

/// The current versions of the devices of a batch.
async fn current(
    tx: &DatabaseTransaction,
    tenant: &str,
    batch: &Batch,
) -> Result<HashMap<String, Current>, StoreError> {
    let engine = tx.get_database_backend();
    let seen = batch.seen.iter().map(|seen| &seen.device);
    let devices: Vec<String> = seen.chain(batch.gone.iter().map(|(device, _)| device)).cloned().collect();
    if devices.is_empty() {
        return Ok(HashMap::new());
    }
    let now = "tenant = $1 AND to_time IS NULL";
    let found = from_listed(
        engine,
        ("device_states", "device, from_time, first_look, revision, state"),
        now,
        "device",
        2,
    );
    let select = Statement::from_sql_and_values(
        engine,
        format!("SELECT device, from_time, first_look, revision, state {found}"),
        [tenant.into(), List::Text(devices).into_value(engine)],
    );
    let rows = tx.query_all_raw(select).await?.into_iter().map(|row| {
        let version = Current {
            from: row.try_get_by_index(1)?,
            first_look: row.try_get_by_index(2)?,
            revision: row.try_get_by_index(3)?,
            state: row.try_get_by_index(4)?,
        };
        Ok((row.try_get_by_index(0)?, version))
    });
    rows.collect()
}

async fn end(
    tx: &DatabaseTransaction,
    tenant: &str,
    devices: Vec<String>,
    at: i64,
) -> Result<(), StoreError> {
    if devices.is_empty() {
        return Ok(());
    }
    let engine = tx.get_database_backend();
    let update = Statement::from_sql_and_values(
        engine,
        format!(
            "UPDATE device_states SET to_time = $1 WHERE tenant = $2 AND to_time IS NULL AND device {}",
            one_of(engine, 3)
        ),
        [at.into(), tenant.into(), List::Text(devices).into_value(engine)],
    );
    tx.execute_raw(update).await?;
    Ok(())
}

/// Which collections of a hierarchy are known completely from now on; those that were not named so far since it was last written which are.
async fn complete_from(
    tx: &DatabaseTransaction,
    (tenant, hierarchy): (&str, &HierarchyId),
    collections: &BTreeSet<CollectionId>,
    Locked { at, named, .. }: &Locked,
) -> Result<(), StoreError> {
    let select = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "SELECT from_time, collections FROM complete_collections
         WHERE tenant = $1 AND hierarchy = $2 ORDER BY from_time DESC LIMIT 1",
        [tenant.into(), hierarchy.as_str().into()],
    );
    let last =
        tx.query_one_raw(select).await?.map(|row| -> Result<(i64, BTreeSet<CollectionId>), StoreError> {
            let text: String = row.try_get_by_index(1)?;
            let known = serde_json::from_str(&text).map_err(|error| damaged("collections", error))?;
            Ok((row.try_get_by_index(0)?, known))
        });
    let named = named_in(named, Some(hierarchy));
    let from = match last.transpose()? {
        Some((_, known)) if known == *collections => return Ok(()),
        Some((from, known)) if is_unnamed(&known, collections, named) => from,
        // Nothing was known of what nobody had named.
        None if is_unnamed(&NOTHING, collections, named) => 0,
        Some(_) | None => *at,
    };
    let text = serde_json::to_string(collections).map_err(|error| damaged("collections", error))?;
    let upsert = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "INSERT INTO complete_collections (tenant, hierarchy, from_time, collections) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant, hierarchy, from_time) DO UPDATE SET collections = excluded.collections",
        [tenant.into(), hierarchy.as_str().into(), from.into(), text.into()],
    );
    tx.execute_raw(upsert).await?;
    Ok(())
}

async fn advance(tx: &DatabaseTransaction, tenant: &str, cursor: &Cursor) -> Result<(), StoreError> {
    let Cursor { complete, resume_token, basis, named } = cursor;
    let named = serde_json::to_string(named).map_err(|error| damaged("named collections", error))?;
    let update = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "UPDATE history_cursors SET complete = $1, resume_token = $2, basis = $3, named = $4 WHERE tenant = $5",
        [
            (*complete).into(),
            resume_token.as_str().into(),
            basis.as_str().into(),
            named.into(),
            tenant.into(),
        ],
    );
    tx.execute_raw(update).await?;
    Ok(())
}

/// Ids of up to `limit` devices that have a current version, after that one, in the order of the ids.
pub(crate) async fn known_devices(
    store: &Store,
    tenant: &str,
    after: &str,
    limit: u64,
) -> Result<Vec<String>, StoreError> {
    let reader = store.reader(tenant);
    let select = Statement::from_sql_and_values(
        reader.get_database_backend(),
        "SELECT device FROM device_states
         WHERE tenant = $1 AND to_time IS NULL AND device > $2 ORDER BY device LIMIT $3",
        [tenant.into(), after.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()],
    );
    let rows = reader.query_all_raw(select).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}
