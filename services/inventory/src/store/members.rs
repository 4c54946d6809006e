//! Collections of a hierarchy and their members, as read there.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, Statement, Value,
};
use tandem_domain::id::{CollectionId, DeviceId, HierarchyId};
use tandem_domain::section::Source;
use tandem_server::failure::Failure;
use tandem_storage::bulk::{Column, Insert, List, from_listed, gathered, gathered_values, one_of};

use super::Store;
use super::entity::{collection, hierarchy};
use super::hierarchies;
use super::ingest::working::Working;
use super::ingest::{derive, load};
use super::lock::{Changed, LockedTenant, lock_tenant, unlock_tenant};
use super::named::{Member, Named};

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
pub(crate) async fn import_apply(
    store: &Store,
    tenant: &str,
    import: Import,
    named: &Arc<Mutex<Named>>,
) -> Result<u64, Failure> {
    let import = Arc::new(import);
    let (revision, write, records) = store
        .write(tenant, |tx| {
            let (import, tenant, named) = (import.clone(), tenant.to_owned(), named.clone());
            Box::pin(async move { apply(tx, &tenant, &import, &named).await })
        })
        .await?;
    let records = records.iter().map(|(key, member)| (key.as_str(), *member));
    named.lock().unwrap_or_else(PoisonError::into_inner).note(write, records);
    store.hint(tenant, revision);
    Ok(revision)
}

/// The revision of the commit, the number of the write, and the records that were not known before.
type Stored = (u64, i64, Vec<(String, Member)>);

async fn apply(
    tx: &DatabaseTransaction,
    tenant: &str,
    import: &Import,
    named: &Mutex<Named>,
) -> Result<Stored, Failure> {
    let mut locked = lock_tenant(tx, tenant).await?;
    let hierarchy = import.hierarchy.as_str();
    if hierarchy::Entity::find_by_id((tenant.to_owned(), hierarchy.to_owned())).one(tx).await?.is_none() {
        return Err(hierarchies::not_found(tenant, hierarchy));
    }
    let mut numbers = describe(tx, &mut locked, import).await?;
    let keys = || import.members.iter().flat_map(|members| &members.keys).map(String::as_str);
    let mut records = named.lock().unwrap_or_else(PoisonError::into_inner).find(&locked, keys());
    let unknown = keys().filter(|key| !records.contains_key(key)).collect();
    let found = records_of(tx, &mut locked, &import.hierarchy, unknown).await?;
    records.extend(found.iter().map(|(key, member)| (*key, *member)));
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
        take_members(tx, tenant, members, number, &records, &mut touched).await?;
    }
    let mut working = Working::default();
    load::devices(tx, tenant, &touched, &mut working).await?;
    working.touched = touched;
    derive::merge_touched(tx, &locked, working).await?;
    let revision = unlock_tenant(tx, &locked, Changed::Surroundings).await?;
    let found = found.into_iter().map(|(key, member)| (key.to_owned(), member));
    Ok((revision, locked.write, found.collect()))
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
        let known_at = old.and_then(|row| row.observed_at);
        // What was read earlier than what is known, or at some time when that is known, says nothing new.
        if known_at.is_some() && described.observed_at < known_at {
            continue;
        }
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

/// Stores the members of a collection: only who joins or leaves by the list is written, and the device noted.
async fn take_members(
    tx: &DatabaseTransaction,
    tenant: &str,
    members: &ImportedMembers,
    collection: i64,
    records: &HashMap<&str, Member>,
    touched: &mut BTreeSet<DeviceId>,
) -> Result<(), Failure> {
    let listed: BTreeMap<i64, Member> = members
        .keys
        .iter()
        .filter_map(|key| records.get(key.as_str()))
        .map(|member| (member.number, *member))
        .collect();
    let among = (!members.replace).then(|| listed.keys().copied().collect());
    let known = members_known(tx, tenant, collection, among).await?;
    if members.replace {
        let leaving: Vec<i64> = known.iter().copied().filter(|number| !listed.contains_key(number)).collect();
        members_remove(tx, tenant, collection, leaving, touched).await?;
    }
    let joining: Vec<i64> = listed.keys().copied().filter(|number| !known.contains(number)).collect();
    let placed = joining.iter().filter(|number| listed[number].is_placed).copied().collect();
    touched.extend(devices_of(tx, tenant, placed).await?);
    let insert = Insert::into("members")
        .shared("tenant", tenant)
        .shared("collection_no", collection)
        .column("record_no", Column::BigInt(joining));
    insert.execute(tx).await?;
    let sql = "UPDATE collections SET members_complete = $3 WHERE tenant = $1 AND collection_no = $2";
    let values = [tenant.into(), collection.into(), members.complete.into()];
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    Ok(())
}

/// The stored members of a collection; with `among`, only those of them.
async fn members_known(
    tx: &DatabaseTransaction,
    tenant: &str,
    collection: i64,
    among: Option<Vec<i64>>,
) -> Result<HashSet<i64>, Failure> {
    let engine = tx.get_database_backend();
    let mut values: Vec<Value> = vec![tenant.into(), collection.into()];
    let of_collection = "tenant = $1 AND collection_no = $2";
    let from = match among {
        Some(among) => {
            values.push(List::BigInt(among).into_value(engine));
            from_listed(engine, ("members", "record_no"), of_collection, "record_no", 3)
        }
        None => format!("FROM members WHERE {of_collection}"),
    };
    // One row whatever the number of members: rows cost more than what is in them.
    let sql = format!("SELECT {} {from}", gathered(engine, "record_no"));
    let row = tx.query_one_raw(Statement::from_sql_and_values(engine, sql, values)).await?;
    Ok(gathered_values(engine, row.as_ref(), 0)?.into_iter().collect())
}

/// Takes records out of a collection, and notes their devices.
async fn members_remove(
    tx: &DatabaseTransaction,
    tenant: &str,
    collection: i64,
    leaving: Vec<i64>,
    touched: &mut BTreeSet<DeviceId>,
) -> Result<(), Failure> {
    if leaving.is_empty() {
        return Ok(());
    }
    touched.extend(devices_of(tx, tenant, leaving.clone()).await?);
    let engine = tx.get_database_backend();
    let list = List::BigInt(leaving).into_value(engine);
    let sql = format!(
        "DELETE FROM members WHERE tenant = $1 AND collection_no = $2 AND record_no {}",
        one_of(engine, 3)
    );
    tx.execute_raw(Statement::from_sql_and_values(engine, sql, [tenant.into(), collection.into(), list]))
        .await?;
    Ok(())
}

/// The devices that records describe.
async fn devices_of(
    tx: &DatabaseTransaction,
    tenant: &str,
    records: Vec<i64>,
) -> Result<BTreeSet<DeviceId>, Failure> {
    if records.is_empty() {
        return Ok(BTreeSet::new());
    }
    let engine = tx.get_database_backend();
    let sql = format!(
        "SELECT {} {} WHERE device <> ''",
        gathered(engine, "DISTINCT device"),
        from_listed(engine, ("records", "device"), "tenant = $1", "record_no", 2)
    );
    let values = [tenant.into(), List::BigInt(records).into_value(engine)];
    let row = tx.query_one_raw(Statement::from_sql_and_values(engine, sql, values)).await?;
    let ids: Vec<String> = gathered_values(engine, row.as_ref(), 0)?;
    ids.iter().map(|id| DeviceId::parse(id).map_err(Failure::internal)).collect()
}

/// The records of a hierarchy with those keys; made where no section of them arrived yet.
async fn records_of<'a>(
    tx: &DatabaseTransaction,
    locked: &mut LockedTenant,
    hierarchy: &HierarchyId,
    keys: BTreeSet<&'a str>,
) -> Result<HashMap<&'a str, Member>, Failure> {
    let engine = tx.get_database_backend();
    let source = Source::ConfigMgr(hierarchy.clone()).to_string();
    let mut found: HashMap<&str, Member> = HashMap::with_capacity(keys.len());
    if keys.is_empty() {
        return Ok(found);
    }
    let sql = format!(
        "SELECT {}, {}, {} {}",
        gathered(engine, "record_key"),
        gathered(engine, "record_no"),
        gathered(engine, "CASE WHEN device = '' THEN 0 ELSE 1 END"),
        from_listed(
            engine,
            ("records", "record_key, record_no, device"),
            "tenant = $1 AND source = $2",
            "record_key",
            3
        )
    );
    let asked = List::Text(keys.iter().map(ToString::to_string).collect()).into_value(engine);
    let values = [locked.tenant.as_str().into(), source.as_str().into(), asked];
    let row = tx.query_one_raw(Statement::from_sql_and_values(engine, sql, values)).await?;
    let known: Vec<String> = gathered_values(engine, row.as_ref(), 0)?;
    let numbers: Vec<i64> = gathered_values(engine, row.as_ref(), 1)?;
    let placed: Vec<i32> = gathered_values(engine, row.as_ref(), 2)?;
    for ((key, number), placed) in known.iter().zip(numbers).zip(placed) {
        if let Some(key) = keys.get(key.as_str()) {
            found.insert(key, Member { number, is_placed: placed != 0 });
        }
    }
    let new: Vec<&str> = keys.into_iter().filter(|key| !found.contains_key(key)).collect();
    let numbers: Vec<i64> = new.iter().map(|_| locked.take_number()).collect();
    let made = new.iter().zip(&numbers);
    found.extend(made.map(|(key, number)| (*key, Member { number: *number, is_placed: false })));
    let insert = Insert::into("records")
        .shared("tenant", locked.tenant.as_str())
        .shared("source", source)
        .shared("device", "")
        .column("record_no", Column::BigInt(numbers))
        .column("record_key", Column::Text(new.iter().map(ToString::to_string).collect()))
        .column("body", Column::Bytes(vec![Vec::new(); new.len()]));
    insert.execute(tx).await?;
    Ok(found)
}
