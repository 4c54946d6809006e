//! Reads what was kept of a device.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use prost::Message;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Statement};
use tandem_contracts::convert;
use tandem_contracts::r#type::v1;
use tandem_domain::history::{Past, Version};
use tandem_domain::id::{CollectionId, HierarchyId, TenantId};
use tandem_domain::policy::CoManagementPolicy;
use tandem_storage::StoreError;

use super::cursor::{Named, damaged};
use crate::store::entity::{desired_policy, policy_revision};
use crate::store::{Store, revision_of};

/// Every policy that was recorded of a tenant's hierarchies, by its time, with its revision.
pub(crate) type PastPolicies = BTreeMap<HierarchyId, BTreeMap<Timestamp, (u64, CoManagementPolicy)>>;

/// The policies of a tenant, as of one revision of it.
#[derive(Debug)]
pub(crate) struct PolicyPast {
    pub(crate) revision: u64,
    pub(crate) policies: PastPolicies,
    /// The collections that any of them names, or one that is desired.
    pub(crate) named: Named,
}

/// Every policy that was ever recorded of a tenant's hierarchies: kept decoded, and read anew once the tenant's revision is another.
pub(crate) async fn policy_past(store: &Store, tenant: &TenantId) -> Result<Arc<PolicyPast>, StoreError> {
    // Read first: what is read after it is of that revision, or newer.
    let revision = store.revision(tenant.as_str()).await?;
    if let Some(known) = store.policy_pasts.get(tenant.as_str())
        && known.revision == revision
    {
        return Ok(known);
    }
    let read = Arc::new(read_policies(store, tenant, revision).await?);
    store.policy_pasts.insert(tenant.to_string(), Arc::clone(&read));
    Ok(read)
}

async fn read_policies(store: &Store, tenant: &TenantId, revision: u64) -> Result<PolicyPast, StoreError> {
    use policy_revision::Column as C;
    let reader = store.reader(tenant.as_str());
    let rows = policy_revision::Entity::find()
        .filter(C::Tenant.eq(tenant.as_str()))
        .order_by_asc(C::Revision)
        .all(&reader)
        .await?;
    let mut policies = PastPolicies::new();
    for row in rows {
        let hierarchy = parse_hierarchy(&row.hierarchy)?;
        let (at, policy) = (moment(row.update_time)?, policy(&row.body)?);
        let past = policies.entry(hierarchy).or_default();
        // Clocks of replicas differ, revisions do not: a later one holds from after the one before.
        let before = past.last_key_value().map(|(before, _)| *before).filter(|before| *before >= at);
        let at =
            before.and_then(|before| before.checked_add(SignedDuration::from_micros(1)).ok()).unwrap_or(at);
        past.insert(at, (revision_of(row.revision)?, policy));
    }
    let desired = desired_policy::Entity::find()
        .filter(desired_policy::Column::Tenant.eq(tenant.as_str()))
        .all(&reader)
        .await?;
    let mut named = Named::new();
    for (hierarchy, past) in &policies {
        let ids = past.values().flat_map(|(_, policy)| policy.collections());
        named.entry(hierarchy.clone()).or_default().extend(ids.cloned());
    }
    for row in desired {
        let ids = policy(&row.body)?;
        named
            .entry(parse_hierarchy(&row.hierarchy)?)
            .or_default()
            .extend(ids.collections().into_iter().cloned());
    }
    Ok(PolicyPast { revision, policies, named })
}

fn parse_hierarchy(id: &str) -> Result<HierarchyId, StoreError> {
    HierarchyId::parse(id).map_err(|error| damaged("hierarchy", error))
}

fn policy(body: &[u8]) -> Result<CoManagementPolicy, StoreError> {
    let message = v1::CoManagementPolicy::decode(body).map_err(|error| damaged("policy", error))?;
    convert::policy::from_proto(message).map_err(|violations| damaged("policy", format!("{violations:?}")))
}

fn moment(at: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(at).map_err(|error| damaged("moment", error))
}

/// Everything that was kept of a device, and of its hierarchies; without versions, nobody looked at it.
pub(crate) async fn device_past(store: &Store, tenant: &TenantId, device: &str) -> Result<Past, StoreError> {
    let versions = versions(store, tenant, device).await?;
    let hierarchies: BTreeSet<HierarchyId> =
        versions.iter().filter_map(|version| version.state.hierarchy.clone()).collect();
    if hierarchies.is_empty() {
        return Ok(Past { versions, ..Past::default() });
    }
    let known = policy_past(store, tenant).await?;
    let policies = hierarchies.iter().filter_map(|id| Some((id.clone(), known.policies.get(id)?.clone())));
    let policies = policies.collect();
    let mut complete = BTreeMap::new();
    for hierarchy in hierarchies {
        let read = complete_past(store, tenant, &hierarchy).await?;
        complete.insert(hierarchy, read);
    }
    Ok(Past { versions, policies, complete })
}

async fn versions(store: &Store, tenant: &TenantId, device: &str) -> Result<Vec<Version>, StoreError> {
    let reader = store.reader(tenant.as_str());
    let select = Statement::from_sql_and_values(
        reader.get_database_backend(),
        "SELECT from_time, to_time, first_look, revision, state FROM device_states
         WHERE tenant = $1 AND device = $2 ORDER BY from_time",
        [tenant.as_str().into(), device.into()],
    );
    let rows = reader.query_all_raw(select).await?.into_iter().map(|row| {
        let (to, state): (Option<i64>, String) = (row.try_get_by_index(1)?, row.try_get_by_index(4)?);
        Ok(Version {
            from: moment(row.try_get_by_index(0)?)?,
            to: to.map(moment).transpose()?,
            is_first_look: row.try_get_by_index(2)?,
            device_revision: revision_of(row.try_get_by_index(3)?)?,
            state: serde_json::from_str(&state).map_err(|error| damaged("state of a device", error))?,
        })
    });
    rows.collect()
}

async fn complete_past(
    store: &Store,
    tenant: &TenantId,
    hierarchy: &HierarchyId,
) -> Result<BTreeMap<Timestamp, BTreeSet<CollectionId>>, StoreError> {
    let reader = store.reader(tenant.as_str());
    let select = Statement::from_sql_and_values(
        reader.get_database_backend(),
        "SELECT from_time, collections FROM complete_collections WHERE tenant = $1 AND hierarchy = $2",
        [tenant.as_str().into(), hierarchy.as_str().into()],
    );
    let rows = reader.query_all_raw(select).await?.into_iter().map(|row| {
        let text: String = row.try_get_by_index(1)?;
        let collections = serde_json::from_str(&text).map_err(|error| damaged("collections", error))?;
        Ok((moment(row.try_get_by_index(0)?)?, collections))
    });
    rows.collect()
}

/// The collections of a tenant's hierarchies that were last known completely.
pub(crate) async fn complete_now(store: &Store, tenant: &TenantId) -> Result<Named, StoreError> {
    let reader = store.reader(tenant.as_str());
    let select = Statement::from_sql_and_values(
        reader.get_database_backend(),
        "SELECT hierarchy, collections FROM complete_collections WHERE tenant = $1 ORDER BY from_time",
        [tenant.as_str().into()],
    );
    let rows = reader.query_all_raw(select).await?.into_iter().map(|row| {
        let (hierarchy, text): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let collections = serde_json::from_str(&text).map_err(|error| damaged("collections", error))?;
        Ok((parse_hierarchy(&hierarchy)?, collections))
    });
    // The last of each hierarchy is the newest.
    rows.collect()
}
