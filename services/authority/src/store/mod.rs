//! The authority's own tables: policies as recorded, their history, plans with their approvals, policies as desired, rollouts, what
//! devices were when, and the audit log. Nobody else reads them.
//!
//! Invariants: a tenant's revisions rise in commit order, since every write of a policy locks the tenant's row first; each recorded policy
//! is in the history and in the audit log, in the transaction that recorded it, and so is each desired policy in the latter. Reads never lock. Nothing here calls another service.

pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod entity;
pub(crate) mod history;
pub(crate) mod migrations;
pub(crate) mod plans;
pub(crate) mod policies;
pub(crate) mod policy_set;
pub(crate) mod rollouts;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tandem_server::ConsistencyToken;
use tandem_server::consistency::{Mark, Service};
use tandem_storage::{Database, Location, Reader, Rows, StoreError};

pub(crate) use tandem_storage::tenants::{lock as lock_tenant, revision_of};

use history::past::PolicyPast;
use policy_set::PolicySet;

/// Tenants whose policies are kept decoded: some tens of kB each. Beyond, those read longest ago are read anew.
const TENANTS_KEPT: u64 = 1000;

/// The database, and the policies of the tenants asked for last. Clones share both.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) database: Database,
    policy_sets: moka::sync::Cache<String, Arc<PolicySet>>,
    policy_pasts: moka::sync::Cache<String, Arc<PolicyPast>>,
}

impl Store {
    /// Opens the database and brings its schema up to date.
    pub(crate) async fn open(location: &Location) -> Result<Self, StoreError> {
        let database = Database::open::<migrations::Migrator>(location).await?;
        Ok(Self {
            database,
            policy_sets: moka::sync::Cache::new(TENANTS_KEPT),
            policy_pasts: moka::sync::Cache::new(TENANTS_KEPT),
        })
    }

    /// The pool for queries of a tenant's rows.
    pub(crate) fn reader(&self, tenant: &str) -> Reader {
        self.database.reader(Rows::Of(tenant))
    }

    /// How far a tenant is at that revision.
    pub(crate) fn mark(&self, revision: u64) -> Mark {
        Mark { incarnation: self.database.incarnation(), revision }
    }

    /// The world of a tenant at that revision.
    pub(crate) fn world(&self, revision: u64) -> ConsistencyToken {
        let Mark { incarnation, revision } = self.mark(revision);
        ConsistencyToken::default().with(Service::Authority, incarnation, revision)
    }

    /// The revision of the tenant's last commit; 0 before the first.
    pub(crate) async fn revision(&self, tenant: &str) -> Result<u64, StoreError> {
        tandem_storage::tenants::revision(&self.reader(tenant), tenant).await
    }
}
