//! Tenants.

use prost::Message;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Set};
use tandem_contracts::inventory::v1::{CreateTenantResponse, Tenant, UpdateTenantResponse};
use tandem_contracts::r#type::v1::TenantFacts;
use tandem_server::Tenants;
use tandem_server::failure::Failure;
use tandem_storage::Rows;

use super::entity::tenant;
use super::lock::Changed;
use super::once::Once;
use super::{Store, ingest};

/// The name under which errors speak of tenants.
const TYPE: &str = "tandem.inventory.v1.Tenant";

fn not_found(id: &str) -> Failure {
    Failure::NotFound { resource_type: TYPE, name: format!("tenants/{id}") }
}

fn message(row: tenant::Model) -> Result<Tenant, Failure> {
    Ok(Tenant {
        name: format!("tenants/{}", row.tenant),
        display_name: if row.display_name.is_empty() { row.tenant } else { row.display_name },
        facts: Some(TenantFacts::decode(row.facts.as_slice()).map_err(Failure::internal)?),
        etag: row.etag.to_string(),
    })
}

/// Makes a tenant.
pub(crate) async fn tenant_create(
    store: &Store,
    id: &str,
    new: &Tenant,
    once: Once,
) -> Result<CreateTenantResponse, Failure> {
    let row = tenant::Model {
        tenant: id.to_owned(),
        display_name: new.display_name.clone(),
        facts: new.facts.clone().unwrap_or_default().encode_to_vec(),
        etag: 1,
        revision: 1,
        surroundings_revision: 1,
        next_number: 1,
        writes: 1,
    };
    let token = store.token(1);
    let answer = store
        .write(&row.tenant, |tx| {
            let (row, once, token) = (row.clone(), once.clone(), token.clone());
            Box::pin(async move {
                if let Some(answer) = once.answered(tx).await? {
                    return Ok(answer);
                }
                if tenant::Entity::find_by_id(row.tenant.clone()).one(tx).await?.is_some() {
                    return Err(Failure::AlreadyExists {
                        resource_type: TYPE,
                        name: format!("tenants/{}", row.tenant),
                    });
                }
                tenant::Entity::insert(tenant::ActiveModel::from(row.clone()))
                    .exec_without_returning(tx)
                    .await?;
                let answer = CreateTenantResponse { tenant: Some(message(row)?), consistency_token: token };
                once.remember(tx, &answer).await?;
                Ok(answer)
            })
        })
        .await?;
    store.hint(id, 1);
    Ok(answer)
}

/// Reads a tenant and its revision.
pub(crate) async fn tenant_fetch(store: &Store, id: &str) -> Result<(Tenant, u64), Failure> {
    let row = tenant::Entity::find_by_id(id.to_owned())
        .one(&store.reader(id))
        .await?
        .ok_or_else(|| not_found(id))?;
    let revision = row.revision.unsigned_abs();
    Ok((message(row)?, revision))
}

/// The tenant's revision.
pub(crate) async fn revision(connection: &impl ConnectionTrait, id: &str) -> Result<u64, Failure> {
    Ok(revisions(connection, id).await?.0)
}

/// The tenant's revision, and the one that last touched what surrounds devices.
pub(crate) async fn revisions(connection: &impl ConnectionTrait, id: &str) -> Result<(u64, u64), Failure> {
    let row =
        tenant::Entity::find_by_id(id.to_owned()).one(connection).await?.ok_or_else(|| not_found(id))?;
    Ok((row.revision.unsigned_abs(), row.surroundings_revision.unsigned_abs()))
}

/// The number of the tenant's last write. `None`: there is no such tenant.
pub(crate) async fn writes(connection: &impl ConnectionTrait, id: &str) -> Result<Option<i64>, Failure> {
    let row = tenant::Entity::find_by_id(id.to_owned()).select_only().column(tenant::Column::Writes);
    Ok(row.into_tuple().one(connection).await?)
}

/// Every tenant and its revision: looked at several times a second, so nothing else of the rows is read.
pub(crate) async fn heads(connection: &impl ConnectionTrait) -> Result<Vec<(String, u64)>, Failure> {
    let rows: Vec<(String, i64)> = tenant::Entity::find()
        .select_only()
        .columns([tenant::Column::Tenant, tenant::Column::Revision])
        .into_tuple()
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(|(tenant, revision)| (tenant, revision.unsigned_abs())).collect())
}

/// Lists up to `limit` tenants after a tenant, by id.
pub(crate) async fn tenant_list(
    store: &Store,
    visible: &Tenants,
    after: Option<String>,
    limit: u64,
) -> Result<Vec<Tenant>, Failure> {
    let mut found = tenant::Entity::find();
    if let Tenants::Only(ids) = visible {
        found = found.filter(tenant::Column::Tenant.is_in(ids));
    }
    let mut cursor = found.cursor_by(tenant::Column::Tenant);
    if let Some(after) = after {
        cursor.after(after);
    }
    cursor
        .first(limit)
        .all(&store.database.reader(Rows::OfEveryTenant))
        .await?
        .into_iter()
        .map(message)
        .collect()
}

/// Replaces a tenant's facts. The states of its devices follow in the same transaction.
pub(crate) async fn tenant_update(
    store: &Store,
    id: &str,
    new: &Tenant,
    once: Once,
) -> Result<UpdateTenantResponse, Failure> {
    let (id, new) = (id.to_owned(), new.clone());
    store
        .mutate(once, Changed::Surroundings, move |tx, locked, consistency_token| {
            let (id, new) = (id.clone(), new.clone());
            Box::pin(async move {
                let old =
                    tenant::Entity::find_by_id(id.clone()).one(tx).await?.ok_or_else(|| not_found(&id))?;
                check_etag(&new.name, &new.etag, old.etag)?;
                let facts = new.facts.unwrap_or_default();
                let mut row = tenant::ActiveModel::from(old.clone());
                row.display_name = Set(new.display_name);
                row.facts = Set(facts.encode_to_vec());
                row.etag = Set(old.etag + 1);
                let row = row.update(tx).await?;
                let old_facts = TenantFacts::decode(old.facts.as_slice()).map_err(Failure::internal)?;
                // The only tenant fact that a state is judged by.
                if old_facts.authority_texts != facts.authority_texts {
                    ingest::derive::rederive_states(tx, locked, &facts).await?;
                }
                Ok(UpdateTenantResponse { tenant: Some(message(row)?), consistency_token })
            })
        })
        .await
}

/// An etag that is set must be the current one.
pub(crate) fn check_etag(name: &str, given: &str, current: i64) -> Result<(), Failure> {
    Failure::check_etag(name, given, &current.to_string())
}

/// The stored facts of a tenant, within a transaction.
pub(crate) async fn facts(tx: &impl ConnectionTrait, id: &str) -> Result<TenantFacts, Failure> {
    let row = tenant::Entity::find_by_id(id.to_owned()).one(tx).await?.ok_or_else(|| not_found(id))?;
    TenantFacts::decode(row.facts.as_slice()).map_err(Failure::internal)
}
