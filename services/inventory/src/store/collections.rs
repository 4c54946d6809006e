//! Collections: Tandem's own, and those of the hierarchies.

use std::collections::HashSet;

use prost::Message;
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, Set};
use tandem_contracts::inventory::v1::{
    Collection, CreateCollectionResponse, DeleteCollectionResponse, UpdateCollectionMembersResponse,
    UpdateCollectionResponse,
};
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_server::failure::Failure;
use tandem_server::grant::Reach;
use tandem_server::names::TenantName;

use super::Store;
use super::devices::devices_touch;
use super::entity::{collection, device, own_member};
use super::filter::{self, CollectionName};
use super::lock::Changed;
use super::once::Once;
use super::tenants::check_etag;
use crate::grpc::convert::timestamp_of_nanos;

const TYPE: &str = "tandem.inventory.v1.Collection";

/// The full name of a collection.
pub(crate) fn full_name(tenant: &str, hierarchy: &str, collection: &str) -> String {
    if hierarchy.is_empty() {
        format!("tenants/{tenant}/collections/{collection}")
    } else {
        format!("tenants/{tenant}/hierarchies/{hierarchy}/collections/{collection}")
    }
}

fn message(row: collection::Model) -> Result<Collection, Failure> {
    let rule = row.rule.as_deref().map(DeviceFilter::decode).transpose().map_err(Failure::internal)?;
    Ok(Collection {
        name: full_name(&row.tenant, &row.hierarchy, &row.collection),
        display_name: if row.display_name.is_empty() { row.collection } else { row.display_name },
        rule,
        limiting_collection: row.limiting_collection,
        site_member_count: row.site_member_count.and_then(|count| u32::try_from(count).ok()),
        members_complete: row.members_complete,
        observed_at: row.observed_at.map(timestamp_of_nanos),
        etag: row.etag.to_string(),
    })
}

/// The row of a collection.
pub(crate) async fn row(
    connection: &impl ConnectionTrait,
    tenant: &str,
    name: &CollectionName,
) -> Result<collection::Model, Failure> {
    collection::Entity::find()
        .filter(collection::Column::Tenant.eq(tenant))
        .filter(collection::Column::Hierarchy.eq(name.hierarchy.as_str()))
        .filter(collection::Column::Collection.eq(name.collection.as_str()))
        .one(connection)
        .await?
        .ok_or_else(|| Failure::NotFound {
            resource_type: TYPE,
            name: full_name(tenant, &name.hierarchy, &name.collection),
        })
}

/// Reads a collection.
pub(crate) async fn collection_fetch(
    store: &Store,
    tenant: &TenantName,
    name: &CollectionName,
) -> Result<Collection, Failure> {
    seen(tenant, row(&store.reader(tenant.id()), tenant.id(), name).await?)
}

/// The collection of a row, as whoever named the tenant sees it: the site counts also members that they do not reach.
fn seen(tenant: &TenantName, row: collection::Model) -> Result<Collection, Failure> {
    let site_member_count = row.site_member_count.filter(|_| *tenant.reach() == Reach::Whole);
    message(collection::Model { site_member_count, ..row })
}

/// Lists up to `limit` of the collections of a hierarchy (empty: Tandem's own) that are reached, after one, by id.
pub(crate) async fn collection_list(
    store: &Store,
    tenant: &TenantName,
    hierarchy: &str,
    after: Option<String>,
    limit: u64,
) -> Result<Vec<Collection>, Failure> {
    let mut found = collection::Entity::find()
        .filter(collection::Column::Tenant.eq(tenant.id()))
        .filter(collection::Column::Hierarchy.eq(hierarchy));
    if let Some(reached) = tenant.reach().collections(Some(hierarchy).filter(|id| !id.is_empty())) {
        found = found.filter(collection::Column::Collection.is_in(reached));
    }
    let mut cursor = found.cursor_by(collection::Column::Collection);
    if let Some(after) = after {
        cursor.after(after);
    }
    cursor
        .first(limit)
        .all(&store.reader(tenant.id()))
        .await?
        .into_iter()
        .map(|row| seen(tenant, row))
        .collect()
}

/// Makes one of Tandem's own collections.
pub(crate) async fn collection_create(
    store: &Store,
    tenant: &str,
    id: &str,
    new: &Collection,
    once: Once,
) -> Result<CreateCollectionResponse, Failure> {
    let (tenant, id, new) = (tenant.to_owned(), id.to_owned(), new.clone());
    store
        .mutate(once, Changed::Something, move |tx, locked, consistency_token| {
            let (tenant, id, new) = (tenant.clone(), id.clone(), new.clone());
            Box::pin(async move {
                let name = CollectionName { hierarchy: String::new(), collection: id.clone() };
                match row(tx, &tenant, &name).await {
                    Ok(_) => return Err(Failure::AlreadyExists { resource_type: TYPE, name: new.name }),
                    Err(Failure::NotFound { .. }) => {}
                    Err(other) => return Err(other),
                }
                let row = collection::Model {
                    tenant,
                    collection_no: locked.take_number(),
                    hierarchy: String::new(),
                    collection: id,
                    display_name: new.display_name,
                    rule: new.rule.as_ref().map(Message::encode_to_vec),
                    limiting_collection: String::new(),
                    site_member_count: None,
                    members_complete: true,
                    observed_at: None,
                    etag: 1,
                };
                collection::Entity::insert(collection::ActiveModel::from(row.clone()))
                    .exec_without_returning(tx)
                    .await?;
                devices_touch(tx, locked, filter::members_of(&locked.tenant, &row)?).await?;
                Ok(CreateCollectionResponse { collection: Some(message(row)?), consistency_token })
            })
        })
        .await
}

/// Changes one of Tandem's own collections.
pub(crate) async fn collection_update(
    store: &Store,
    tenant: &str,
    name: &CollectionName,
    new: &Collection,
    once: Once,
) -> Result<UpdateCollectionResponse, Failure> {
    let (tenant, name, new) = (tenant.to_owned(), name.clone(), new.clone());
    store
        .mutate(once, Changed::Something, move |tx, locked, consistency_token| {
            let (tenant, name, new) = (tenant.clone(), name.clone(), new.clone());
            Box::pin(async move {
                let old = row(tx, &tenant, &name).await?;
                check_etag(&new.name, &new.etag, old.etag)?;
                let mut changed = collection::ActiveModel::from(old.clone());
                changed.display_name = Set(new.display_name);
                changed.rule = Set(new.rule.as_ref().map(Message::encode_to_vec));
                changed.etag = Set(old.etag + 1);
                let row = changed.update(tx).await?;
                if old.rule != row.rule {
                    let before = filter::members_of(&tenant, &old)?;
                    let now = filter::members_of(&tenant, &row)?;
                    let left = Condition::all().add(before.clone()).add(now.clone().not());
                    let joined = Condition::all().add(now).add(before.not());
                    devices_touch(tx, locked, Condition::any().add(left).add(joined)).await?;
                }
                Ok(UpdateCollectionResponse { collection: Some(message(row)?), consistency_token })
            })
        })
        .await
}

/// Deletes one of Tandem's own collections, with its members.
pub(crate) async fn collection_delete(
    store: &Store,
    tenant: &str,
    name: &CollectionName,
    etag: &str,
    once: Once,
) -> Result<DeleteCollectionResponse, Failure> {
    let (tenant, name, etag) = (tenant.to_owned(), name.clone(), etag.to_owned());
    store
        .mutate(once, Changed::Something, move |tx, locked, consistency_token| {
            let (tenant, name, etag) = (tenant.clone(), name.clone(), etag.clone());
            Box::pin(async move {
                let old = row(tx, &tenant, &name).await?;
                check_etag(&full_name(&tenant, &name.hierarchy, &name.collection), &etag, old.etag)?;
                devices_touch(tx, locked, filter::members_of(&tenant, &old)?).await?;
                own_member::Entity::delete_many()
                    .filter(own_member::Column::Tenant.eq(tenant.as_str()))
                    .filter(own_member::Column::CollectionNo.eq(old.collection_no))
                    .exec(tx)
                    .await?;
                collection::Entity::delete_by_id((tenant, old.collection_no)).exec(tx).await?;
                Ok(DeleteCollectionResponse { consistency_token })
            })
        })
        .await
}

/// Adds to and removes from the static members of one of Tandem's own collections.
pub(crate) async fn members_update(
    store: &Store,
    tenant: &str,
    name: &CollectionName,
    (add, remove, etag): (&[String], &[String], &str),
    once: Once,
) -> Result<UpdateCollectionMembersResponse, Failure> {
    let (tenant, name, etag) = (tenant.to_owned(), name.clone(), etag.to_owned());
    let (add, remove) = (add.to_vec(), remove.to_vec());
    store
        .mutate(once, Changed::Something, move |tx, locked, consistency_token| {
            let (tenant, name, etag) = (tenant.clone(), name.clone(), etag.clone());
            let (add, remove) = (add.clone(), remove.clone());
            Box::pin(async move {
                let old = row(tx, &tenant, &name).await?;
                check_etag(&full_name(&tenant, &name.hierarchy, &name.collection), &etag, old.etag)?;
                let before = own_members(tx, &old, &add, &remove).await?;
                remove_members(tx, &old, &remove).await?;
                add_members(tx, &old, &add).await?;
                let now = own_members(tx, &old, &add, &remove).await?;
                let moved = before.symmetric_difference(&now).map(String::as_str);
                devices_touch(tx, locked, Condition::all().add(device::Column::Device.is_in(moved))).await?;
                let mut changed = collection::ActiveModel::from(old.clone());
                changed.etag = Set(old.etag + 1);
                let row = changed.update(tx).await?;
                Ok(UpdateCollectionMembersResponse { collection: Some(message(row)?), consistency_token })
            })
        })
        .await
}

/// Those of the devices that are static members.
async fn own_members(
    tx: &impl ConnectionTrait,
    collection: &collection::Model,
    add: &[String],
    remove: &[String],
) -> Result<HashSet<String>, Failure> {
    let rows = own_member::Entity::find()
        .filter(own_member::Column::Tenant.eq(collection.tenant.as_str()))
        .filter(own_member::Column::CollectionNo.eq(collection.collection_no))
        .filter(own_member::Column::Device.is_in(add.iter().chain(remove).map(String::as_str)));
    Ok(rows.all(tx).await?.into_iter().map(|row| row.device).collect())
}

async fn remove_members(
    tx: &impl ConnectionTrait,
    collection: &collection::Model,
    devices: &[String],
) -> Result<(), Failure> {
    own_member::Entity::delete_many()
        .filter(own_member::Column::Tenant.eq(collection.tenant.as_str()))
        .filter(own_member::Column::CollectionNo.eq(collection.collection_no))
        .filter(own_member::Column::Device.is_in(devices.iter().map(String::as_str)))
        .exec(tx)
        .await?;
    Ok(())
}

async fn add_members(
    tx: &impl ConnectionTrait,
    collection: &collection::Model,
    devices: &[String],
) -> Result<(), Failure> {
    use own_member::Column as C;
    let tenant = collection.tenant.as_str();
    let known = device::Entity::find()
        .filter(device::Column::Tenant.eq(tenant))
        .filter(device::Column::Removed.eq(false))
        .filter(device::Column::Device.is_in(devices.iter().map(String::as_str)))
        .all(tx)
        .await?;
    if let Some(missing) = devices.iter().find(|id| known.iter().all(|row| row.device != **id)) {
        return Err(Failure::NotFound {
            resource_type: "tandem.inventory.v1.Device",
            name: format!("tenants/{tenant}/devices/{missing}"),
        });
    }
    if known.is_empty() {
        return Ok(());
    }
    let rows = known.into_iter().map(|row| {
        own_member::ActiveModel::from(own_member::Model {
            tenant: tenant.to_owned(),
            collection_no: collection.collection_no,
            device: row.device,
        })
    });
    let stays = sea_orm::sea_query::OnConflict::columns([C::Tenant, C::CollectionNo, C::Device])
        .do_nothing()
        .to_owned();
    own_member::Entity::insert_many(rows).on_conflict(stays).exec_without_returning(tx).await?;
    Ok(())
}

/// Lists up to `limit` member devices of a collection that are reached, after one, by id.
pub(crate) async fn member_list(
    store: &Store,
    tenant: &TenantName,
    name: &CollectionName,
    after: Option<String>,
    limit: u64,
) -> Result<Vec<String>, Failure> {
    let reader = &store.reader(tenant.id());
    let row = row(reader, tenant.id(), name).await?;
    let mut cursor = device::Entity::find()
        .filter(device::Column::Tenant.eq(tenant.id()))
        .filter(device::Column::Removed.eq(false))
        .filter(filter::members_of(tenant.id(), &row)?)
        .filter(filter::reached(reader, tenant).await?)
        .cursor_by(device::Column::Device);
    if let Some(after) = after {
        cursor.after(after);
    }
    Ok(cursor.first(limit).all(reader).await?.into_iter().map(|row| row.device).collect())
}
