//! The policies of a tenant as decisions need them, kept decoded and never stale: each use compares the tenant's revision first.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use prost::Message;
use sea_orm::{ConnectionTrait, QueryResult, Statement};
use tandem_contracts::convert;
use tandem_contracts::r#type::v1;
use tandem_domain::id::{HierarchyId, TenantId};
use tandem_domain::policy::CoManagementPolicy;
use tandem_domain::workload::PerWorkload;
use tandem_storage::StoreError;

use super::policies::read_changes;
use super::{Store, revision_of};

/// Every policy of a tenant, as of one revision.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PolicySet {
    /// The tenant's revision that it was read at; 0: nothing was ever recorded.
    pub(crate) revision: u64,
    policies: HashMap<HierarchyId, KnownPolicy>,
    desired: HashMap<HierarchyId, CoManagementPolicy>,
}

/// A policy, and the revision that it was recorded in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KnownPolicy {
    pub(crate) policy: CoManagementPolicy,
    pub(crate) revision: u64,
    /// When what decides each workload last changed; `None`: nobody said.
    pub(crate) changed: PerWorkload<Option<Timestamp>>,
}

impl PolicySet {
    /// A hierarchy's policy; `None`: nobody said what it is.
    pub(crate) fn of(&self, hierarchy: Option<&HierarchyId>) -> Option<&KnownPolicy> {
        self.policies.get(hierarchy?)
    }

    /// What is desired of a hierarchy; `None`: nothing.
    pub(crate) fn desired_of(&self, hierarchy: Option<&HierarchyId>) -> Option<&CoManagementPolicy> {
        self.desired.get(hierarchy?)
    }
}

/// The tenant's policies as of now. One row is read when nothing changed.
pub(crate) async fn policy_set(store: &Store, tenant: &TenantId) -> Result<Arc<PolicySet>, StoreError> {
    let revision = store.revision(tenant.as_str()).await?;
    if let Some(kept) = store.policy_sets.get(tenant.as_str()).filter(|set| set.revision == revision) {
        return Ok(kept);
    }
    let read = Arc::new(read(store, tenant).await?);
    if read.revision > 0 {
        store.policy_sets.insert(tenant.to_string(), Arc::clone(&read));
    }
    Ok(read)
}

/// The row that says the revision of a tenant of which no policy is recorded or desired.
const REVISION_ALONE: i32 = 2;

/// One statement, so that the revision and the policies are of one world.
async fn read(store: &Store, tenant: &TenantId) -> Result<PolicySet, StoreError> {
    let reader = store.reader(tenant.as_str());
    let select = Statement::from_sql_and_values(
        reader.get_database_backend(),
        "SELECT t.revision, p.hierarchy, p.body, p.revision, p.changes, 0
         FROM tenants t JOIN policies p ON p.tenant = t.tenant WHERE t.tenant = $1
         UNION ALL SELECT t.revision, d.hierarchy, d.body, d.revision, '{}', 1
         FROM tenants t JOIN desired_policies d ON d.tenant = t.tenant WHERE t.tenant = $1
         UNION ALL SELECT t.revision, '', p.body, 0, '{}', 2
         FROM tenants t LEFT JOIN policies p ON p.tenant = t.tenant AND p.hierarchy = '' WHERE t.tenant = $1",
        [tenant.as_str().into()],
    );
    let mut set = PolicySet::default();
    for row in reader.query_all_raw(select).await? {
        set.revision = revision_of(row.try_get_by_index(0)?)?;
        let kind: i32 = row.try_get_by_index(5)?;
        if kind == REVISION_ALONE {
            continue;
        }
        let (hierarchy, known) = known(&row)?;
        match kind {
            0 => _ = set.policies.insert(hierarchy, known),
            _ => _ = set.desired.insert(hierarchy, known.policy),
        }
    }
    Ok(set)
}

fn known(row: &QueryResult) -> Result<(HierarchyId, KnownPolicy), StoreError> {
    let hierarchy: String = row.try_get_by_index(1)?;
    let body: Vec<u8> = row.try_get_by_index(2)?;
    let damaged = |what: String| StoreError::corrupt(format!("policy of hierarchy {hierarchy}: {what}"));
    let message = v1::CoManagementPolicy::decode(body.as_slice()).map_err(|e| damaged(e.to_string()))?;
    let policy =
        convert::policy::from_proto(message).map_err(|violations| damaged(format!("{violations:?}")))?;
    let id = HierarchyId::parse(&hierarchy).map_err(|e| damaged(e.to_string()))?;
    let changed = read_changes(&row.try_get_by_index::<String>(4)?)?;
    Ok((id, KnownPolicy { policy, revision: revision_of(row.try_get_by_index(3)?)?, changed }))
}
