//! Collections of a hierarchy and their members, as read there.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, Statement};
use tandem_domain::id::{CollectionId, DeviceId, HierarchyId};
use tandem_domain::section::Source;
use tandem_server::failure::Failure;

use super::Store;
use super::entity::{collection, hierarchy, record};
use super::ingest::working::Working;
use super::ingest::{derive, load};
use super::lock::{LockedTenant, lock_tenant, unlock_tenant};

/// What a site said about a collection.
#[derive(Debug, Clone)]
pub(crate) struct ImportedCollection {
    /// Its id.
    pub(crate) id: CollectionId,
    /// Its name.
    pub(crate) display_name: String,
    /// The limiting collection's id; empty: none.
    pub(crate) limiting: String,
    /// How many members the site counts.
    pub(crate) member_count: Option<u32>,
    /// When it was read, nanoseconds since 1970.
    pub(crate) observed_at: Option<i64>,
}

/// Members of a collection.
#[derive(Debug, Clone)]
pub(crate) struct ImportedMembers {
    /// The collection.
    pub(crate) id: CollectionId,
    /// Keys of the member records in their source.
    pub(crate) keys: Vec<String>,
    /// Members known from earlier readings are dropped first.
    pub(crate) replace: bool,
    /// The members are known completely now.
    pub(crate) complete: bool,
}

/// One batch of an import.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    /// The hierarchy.
    pub(crate) hierarchy: HierarchyId,
    /// Collections.
    pub(crate) collections: Vec<ImportedCollection>,
    /// Members.
    pub(crate) members: Vec<ImportedMembers>,
}

/// Stores a batch. Devices that join or leave a collection by it get the commit's revision.
pub(crate) async fn import_apply(store: &Store, tenant: &str, import: Import) -> Result<u64, Failure> {
    let import = Arc::new(import);
    let revision = store
        .write(|tx| {
            let (import, tenant) = (import.clone(), tenant.to_owned());
            Box::pin(async move { apply(tx, &tenant, &import).await })
        })
        .await?;
    store.hint(tenant, revision);
    Ok(revision)
}

async fn apply(tx: &DatabaseTransaction, tenant: &str, import: &Import) -> Result<u64, Failure> {
    let mut locked = lock_tenant(tx, tenant).await?;
    let hierarchy = import.hierarchy.as_str();
    if hierarchy::Entity::find_by_id((tenant.to_owned(), hierarchy.to_owned())).one(tx).await?.is_none() {
        return Err(Failure::NotFound {
            resource_type: "tandem.inventory.v1.Hierarchy",
            name: format!("tenants/{tenant}/hierarchies/{hierarchy}"),
        });
    }
    let mut numbers = describe(tx, &mut locked, import).await?;
    let mut touched = BTreeSet::new();
    for members in &import.members {
        let number = match numbers.get(members.id.as_str()) {
            Some(number) => *number,
            None => {
                let row = undescribed(&mut locked, hierarchy, members);
                let number = row.collection_no;
                collection::Entity::insert(collection::ActiveModel::from(row))
                    .exec_without_returning(tx)
                    .await?;
                numbers.insert(members.id.to_string(), number);
                number
            }
        };
        replace_members(tx, &mut locked, import, members, number, &mut touched).await?;
    }
    let mut working = Working::default();
    load::devices(tx, tenant, &touched, &mut working).await?;
    working.touched = touched;
    derive::merge_touched(tx, &locked, &mut working).await?;
    unlock_tenant(tx, &locked, true).await?;
    Ok(locked.revision.unsigned_abs())
}

/// Stores the collections of a batch. Answers the numbers of every collection of the hierarchy by id.
async fn describe(
    tx: &DatabaseTransaction,
    locked: &mut LockedTenant,
    import: &Import,
) -> Result<HashMap<String, i64>, Failure> {
    use collection::Column as C;
    let known = collection::Entity::find()
        .filter(C::Tenant.eq(locked.tenant.as_str()))
        .filter(C::Hierarchy.eq(import.hierarchy.as_str()))
        .all(tx)
        .await?;
    let known: HashMap<String, collection::Model> =
        known.into_iter().map(|row| (row.collection.clone(), row)).collect();
    let mut numbers: HashMap<String, i64> =
        known.iter().map(|(id, row)| (id.clone(), row.collection_no)).collect();
    let mut rows: Vec<collection::Model> = Vec::new();
    for described in &import.collections {
        let id = described.id.as_str();
        let old = known.get(id);
        let number = *numbers.entry(id.to_owned()).or_insert_with(|| locked.take_number());
        rows.retain(|row| row.collection != id);
        rows.push(collection::Model {
            tenant: locked.tenant.clone(),
            collection_no: number,
            hierarchy: import.hierarchy.to_string(),
            collection: id.to_owned(),
            display_name: described.display_name.clone(),
            rule: None,
            limiting_collection: described.limiting.clone(),
            site_member_count: described.member_count.map(i64::from),
            // A collection that the site counts as empty is known without a list of its members.
            members_complete: described.member_count == Some(0)
                || old.is_some_and(|row| row.members_complete),
            observed_at: described.observed_at,
            etag: old.map_or(0, |row| row.etag) + 1,
        });
    }
    let replace = OnConflict::columns([C::Tenant, C::CollectionNo])
        .update_columns([
            C::DisplayName,
            C::LimitingCollection,
            C::SiteMemberCount,
            C::MembersComplete,
            C::ObservedAt,
            C::Etag,
        ])
        .to_owned();
    for rows in rows.chunks(2_000) {
        let rows = rows.iter().cloned().map(collection::ActiveModel::from);
        collection::Entity::insert_many(rows).on_conflict(replace.clone()).exec_without_returning(tx).await?;
    }
    Ok(numbers)
}

/// A collection of which only members are known: its id is its name.
fn undescribed(locked: &mut LockedTenant, hierarchy: &str, members: &ImportedMembers) -> collection::Model {
    collection::Model {
        tenant: locked.tenant.clone(),
        collection_no: locked.take_number(),
        hierarchy: hierarchy.to_owned(),
        collection: members.id.to_string(),
        display_name: members.id.to_string(),
        rule: None,
        limiting_collection: String::new(),
        site_member_count: None,
        members_complete: false,
        observed_at: None,
        etag: 1,
    }
}

/// Stores the members of a collection, and notes the devices that join or leave it by that.
async fn replace_members(
    tx: &DatabaseTransaction,
    locked: &mut LockedTenant,
    import: &Import,
    members: &ImportedMembers,
    number: i64,
    touched: &mut BTreeSet<DeviceId>,
) -> Result<(), Failure> {
    let tenant = locked.tenant.clone();
    let records = records_of(tx, locked, &Source::ConfigMgr(import.hierarchy.clone()), &members.keys).await?;
    let numbers = serde_json::to_string(&records).map_err(Failure::internal)?;
    if members.replace {
        // Who is in neither list, or in both, sees no change.
        note_devices(tx, CHANGING, [tenant.clone().into(), number.into(), numbers.clone().into()], touched)
            .await?;
        execute(
            tx,
            "DELETE FROM members WHERE tenant = $1 AND collection_no = $2
               AND record_no NOT IN (SELECT value FROM json_each($3))",
            [tenant.clone().into(), number.into(), numbers.clone().into()],
        )
        .await?;
    } else {
        note_devices(tx, JOINING, [tenant.clone().into(), number.into(), numbers.clone().into()], touched)
            .await?;
    }
    execute(
        tx,
        "INSERT INTO members (tenant, collection_no, record_no) SELECT $1, $2, value FROM json_each($3)
         WHERE true ON CONFLICT DO NOTHING",
        [tenant.clone().into(), number.into(), numbers.into()],
    )
    .await?;
    execute(
        tx,
        "UPDATE collections SET members_complete = $3 WHERE tenant = $1 AND collection_no = $2",
        [tenant.into(), number.into(), members.complete.into()],
    )
    .await
}

/// Devices of records that join the collection $2 by the list $3.
const JOINING: &str = "SELECT DISTINCT device FROM records WHERE tenant = $1 AND device IS NOT NULL
      AND record_no IN (SELECT value FROM json_each($3))
      AND record_no NOT IN (SELECT record_no FROM members WHERE tenant = $1 AND collection_no = $2)";

/// Devices of records that join or leave the collection $2 when the list $3 replaces its members.
const CHANGING: &str = "SELECT DISTINCT device FROM records WHERE tenant = $1 AND device IS NOT NULL AND (
      (record_no IN (SELECT value FROM json_each($3))
         AND record_no NOT IN (SELECT record_no FROM members WHERE tenant = $1 AND collection_no = $2))
   OR (record_no IN (SELECT record_no FROM members WHERE tenant = $1 AND collection_no = $2)
         AND record_no NOT IN (SELECT value FROM json_each($3))))";

async fn note_devices(
    tx: &DatabaseTransaction,
    sql: &str,
    values: [sea_orm::Value; 3],
    touched: &mut BTreeSet<DeviceId>,
) -> Result<(), Failure> {
    let rows =
        tx.query_all_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    for row in rows {
        let id: String = row.try_get("", "device")?;
        touched.insert(DeviceId::parse(&id).map_err(Failure::internal)?);
    }
    Ok(())
}

async fn execute<const N: usize>(
    tx: &DatabaseTransaction,
    sql: &str,
    values: [sea_orm::Value; N],
) -> Result<(), Failure> {
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    Ok(())
}

/// The numbers of records, made where no section of them arrived yet.
async fn records_of(
    tx: &DatabaseTransaction,
    locked: &mut LockedTenant,
    source: &Source,
    keys: &[String],
) -> Result<Vec<i64>, Failure> {
    let source = source.to_string();
    // One row whatever the number of keys: fifteen lists name each record of a hierarchy, and rows cost more than what is in them.
    let statement = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "SELECT json_group_array(record_key), json_group_array(record_no) FROM records
         WHERE tenant = $1 AND source = $2 AND record_key IN (SELECT value FROM json_each($3))",
        [
            locked.tenant.as_str().into(),
            source.as_str().into(),
            serde_json::to_string(keys).map_err(Failure::internal)?.into(),
        ],
    );
    let mut found: HashMap<String, i64> = HashMap::with_capacity(keys.len());
    if let Some(row) = tx.query_one_raw(statement).await? {
        let known: Vec<String> =
            serde_json::from_str(&row.try_get_by_index::<String>(0)?).map_err(Failure::internal)?;
        let numbers: Vec<i64> =
            serde_json::from_str(&row.try_get_by_index::<String>(1)?).map_err(Failure::internal)?;
        found.extend(known.into_iter().zip(numbers));
    }
    let mut numbers = Vec::with_capacity(keys.len());
    let mut new = Vec::new();
    for key in keys {
        let number = *found.entry(key.clone()).or_insert_with(|| {
            let record_no = locked.take_number();
            new.push(record::Model {
                tenant: locked.tenant.clone(),
                record_no,
                source: source.clone(),
                record_key: key.clone(),
                device: None,
                keys: "[]".to_owned(),
            });
            record_no
        });
        numbers.push(number);
    }
    for rows in new.chunks(5_000) {
        let rows = rows.iter().cloned().map(record::ActiveModel::from);
        record::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(numbers)
}
