//! Hierarchies, their sites, and what surrounds every device of a tenant.

use std::collections::{BTreeSet, HashMap, HashSet};

use prost::Message;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tandem_contracts::inventory::v1::{
    GetSurroundingsResponse, Hierarchy, HierarchySurroundings, Site, UpdateHierarchyResponse,
    UpdateSiteResponse,
};
use tandem_contracts::r#type::v1::SiteFacts;
use tandem_server::failure::Failure;
use tandem_server::names::TenantName;

use super::Store;
use super::entity::{collection, hierarchy, site};
use super::lock::Changed;
use super::once::Once;
use super::tenants::{check_etag, revisions, tenant_fetch};

const HIERARCHY: &str = "tandem.inventory.v1.Hierarchy";
const SITE: &str = "tandem.inventory.v1.Site";

fn hierarchy_name(tenant: &str, hierarchy: &str) -> String {
    format!("tenants/{tenant}/hierarchies/{hierarchy}")
}

fn hierarchy_message(row: hierarchy::Model) -> Hierarchy {
    Hierarchy {
        name: hierarchy_name(&row.tenant, &row.hierarchy),
        display_name: if row.display_name.is_empty() { row.hierarchy } else { row.display_name },
        etag: row.etag.to_string(),
    }
}

fn site_message(row: site::Model) -> Result<Site, Failure> {
    Ok(Site {
        name: format!("{}/sites/{}", hierarchy_name(&row.tenant, &row.hierarchy), row.site),
        facts: Some(SiteFacts::decode(row.facts.as_slice()).map_err(Failure::internal)?),
        etag: row.etag.to_string(),
    })
}

/// Reads a hierarchy.
pub(crate) async fn hierarchy_fetch(store: &Store, tenant: &str, id: &str) -> Result<Hierarchy, Failure> {
    hierarchy::Entity::find_by_id((tenant.to_owned(), id.to_owned()))
        .one(&store.reader(tenant))
        .await?
        .map(hierarchy_message)
        .ok_or_else(|| not_found(tenant, id))
}

/// There is no such hierarchy.
pub(crate) fn not_found(tenant: &str, id: &str) -> Failure {
    Failure::NotFound { resource_type: HIERARCHY, name: hierarchy_name(tenant, id) }
}

/// Those of the named hierarchies that there are.
pub(crate) async fn hierarchies_known(
    tx: &DatabaseTransaction,
    tenant: &str,
    ids: BTreeSet<&str>,
) -> Result<HashSet<String>, Failure> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let known = hierarchy::Entity::find()
        .select_only()
        .column(hierarchy::Column::Hierarchy)
        .filter(hierarchy::Column::Tenant.eq(tenant))
        .filter(hierarchy::Column::Hierarchy.is_in(ids));
    Ok(known.into_tuple::<String>().all(tx).await?.into_iter().collect())
}

/// Lists up to `limit` hierarchies of what is reached of a tenant, after one, by id.
pub(crate) async fn hierarchy_list(
    store: &Store,
    tenant: &TenantName,
    after: Option<String>,
    limit: u64,
) -> Result<Vec<Hierarchy>, Failure> {
    let mut found = hierarchy::Entity::find().filter(hierarchy::Column::Tenant.eq(tenant.id()));
    if let Some(reached) = tenant.reach().hierarchies() {
        found = found.filter(hierarchy::Column::Hierarchy.is_in(reached));
    }
    let mut cursor = found.cursor_by(hierarchy::Column::Hierarchy);
    if let Some(after) = after {
        cursor.after(after);
    }
    Ok(cursor
        .first(limit)
        .all(&store.reader(tenant.id()))
        .await?
        .into_iter()
        .map(hierarchy_message)
        .collect())
}

/// Changes a hierarchy, or makes it.
pub(crate) async fn hierarchy_update(
    store: &Store,
    tenant: &str,
    id: &str,
    new: &Hierarchy,
    allow_missing: bool,
    once: Once,
) -> Result<UpdateHierarchyResponse, Failure> {
    let (tenant, id, new) = (tenant.to_owned(), id.to_owned(), new.clone());
    store
        .mutate(once, Changed::Surroundings, move |tx, _, consistency_token| {
            let (tenant, id, new) = (tenant.clone(), id.clone(), new.clone());
            Box::pin(async move {
                let old = hierarchy::Entity::find_by_id((tenant.clone(), id.clone())).one(tx).await?;
                if old.is_none() && !allow_missing {
                    return Err(Failure::NotFound { resource_type: HIERARCHY, name: new.name });
                }
                let etag = old.map_or(0, |row| row.etag);
                check_etag(&new.name, &new.etag, etag)?;
                let row = hierarchy::Model {
                    tenant,
                    hierarchy: id,
                    display_name: new.display_name,
                    etag: etag + 1,
                };
                hierarchy::Entity::insert(hierarchy::ActiveModel::from(row.clone()))
                    .on_conflict(
                        OnConflict::columns([hierarchy::Column::Tenant, hierarchy::Column::Hierarchy])
                            .update_columns([hierarchy::Column::DisplayName, hierarchy::Column::Etag])
                            .to_owned(),
                    )
                    .exec_without_returning(tx)
                    .await?;
                Ok(UpdateHierarchyResponse { hierarchy: Some(hierarchy_message(row)), consistency_token })
            })
        })
        .await
}

/// Reads a site.
pub(crate) async fn site_fetch(
    store: &Store,
    tenant: &str,
    hierarchy: &str,
    id: &str,
) -> Result<Site, Failure> {
    let row = site::Entity::find_by_id((tenant.to_owned(), hierarchy.to_owned(), id.to_owned()))
        .one(&store.reader(tenant))
        .await?;
    match row {
        Some(row) => site_message(row),
        None => Err(Failure::NotFound {
            resource_type: SITE,
            name: format!("{}/sites/{id}", hierarchy_name(tenant, hierarchy)),
        }),
    }
}

/// Lists up to `limit` sites of a hierarchy after one, by code.
pub(crate) async fn site_list(
    store: &Store,
    tenant: &str,
    hierarchy: &str,
    after: Option<String>,
    limit: u64,
) -> Result<Vec<Site>, Failure> {
    let mut cursor = site::Entity::find()
        .filter(site::Column::Tenant.eq(tenant))
        .filter(site::Column::Hierarchy.eq(hierarchy))
        .cursor_by(site::Column::Site);
    if let Some(after) = after {
        cursor.after(after);
    }
    cursor.first(limit).all(&store.reader(tenant)).await?.into_iter().map(site_message).collect()
}

/// Replaces a site's facts, or makes the site.
pub(crate) async fn site_update(
    store: &Store,
    (tenant, hierarchy, id): (&str, &str, &str),
    new: &Site,
    allow_missing: bool,
    once: Once,
) -> Result<UpdateSiteResponse, Failure> {
    let key = (tenant.to_owned(), hierarchy.to_owned(), id.to_owned());
    let new = new.clone();
    store
        .mutate(once, Changed::Surroundings, move |tx, _, consistency_token| {
            let (key, new) = (key.clone(), new.clone());
            Box::pin(async move {
                if hierarchy::Entity::find_by_id((key.0.clone(), key.1.clone())).one(tx).await?.is_none() {
                    return Err(Failure::NotFound {
                        resource_type: HIERARCHY,
                        name: hierarchy_name(&key.0, &key.1),
                    });
                }
                let old = site::Entity::find_by_id(key.clone()).one(tx).await?;
                if old.is_none() && !allow_missing {
                    return Err(Failure::NotFound { resource_type: SITE, name: new.name });
                }
                let etag = old.map_or(0, |row| row.etag);
                check_etag(&new.name, &new.etag, etag)?;
                let facts = new.facts.unwrap_or_default().encode_to_vec();
                let row = site::Model { tenant: key.0, hierarchy: key.1, site: key.2, facts, etag: etag + 1 };
                site::Entity::insert(site::ActiveModel::from(row.clone()))
                    .on_conflict(
                        OnConflict::columns([
                            site::Column::Tenant,
                            site::Column::Hierarchy,
                            site::Column::Site,
                        ])
                        .update_columns([site::Column::Facts, site::Column::Etag])
                        .to_owned(),
                    )
                    .exec_without_returning(tx)
                    .await?;
                Ok(UpdateSiteResponse { site: Some(site_message(row)?), consistency_token })
            })
        })
        .await
}

/// What surrounds every device of what is reached of a tenant, unless nothing changed since `known`.
pub(crate) async fn surroundings_fetch(
    store: &Store,
    tenant: &TenantName,
    known: u64,
) -> Result<GetSurroundingsResponse, Failure> {
    let (reader, reach, tenant) = (&store.reader(tenant.id()), tenant.reach(), tenant.id());
    let (revision, changed) = revisions(reader, tenant).await?;
    let consistency_token = store.token(revision);
    if known != 0 && known >= changed {
        return Ok(GetSurroundingsResponse {
            revision: changed,
            unchanged: true,
            consistency_token,
            ..GetSurroundingsResponse::default()
        });
    }
    // Read after the revision: what comes back is that world or a later one, never an older.
    let (row, _) = tenant_fetch(store, tenant).await?;
    let mut hierarchies: HashMap<String, HierarchySurroundings> = HashMap::new();
    for row in hierarchy::Entity::find().filter(hierarchy::Column::Tenant.eq(tenant)).all(reader).await? {
        hierarchies.entry(row.hierarchy).or_default();
    }
    for row in site::Entity::find().filter(site::Column::Tenant.eq(tenant)).all(reader).await? {
        let facts = SiteFacts::decode(row.facts.as_slice()).map_err(Failure::internal)?;
        hierarchies.entry(row.hierarchy).or_default().sites.insert(row.site, facts);
    }
    let complete = collection::Entity::find()
        .filter(collection::Column::Tenant.eq(tenant))
        .filter(collection::Column::MembersComplete.eq(true))
        .order_by_asc(collection::Column::Collection);
    for row in complete.all(reader).await? {
        if !row.hierarchy.is_empty() {
            hierarchies.entry(row.hierarchy).or_default().complete_collections.push(row.collection);
        }
    }
    let mut hierarchies: Vec<_> = hierarchies
        .into_iter()
        .filter(|(hierarchy, _)| reach.has_hierarchy(hierarchy))
        .map(|(hierarchy, mut surroundings)| {
            if let Some(reached) = reach.collections(Some(&hierarchy)) {
                surroundings.complete_collections.retain(|collection| reached.contains(collection.as_str()));
            }
            HierarchySurroundings { hierarchy, ..surroundings }
        })
        .collect();
    hierarchies.sort_by(|a, b| a.hierarchy.cmp(&b.hierarchy));
    Ok(GetSurroundingsResponse {
        revision: changed,
        unchanged: false,
        tenant: row.facts,
        hierarchies,
        consistency_token,
    })
}
