//! The tables of this service: a tenant's own rules, and its evaluation settings. Nobody else reads them.
//!
//! Invariants: every write of a tenant locks its row first, so a tenant's revisions rise in commit order, and no two states of what is kept
//! have one revision. Reads never lock. Nothing here calls another service.

pub(crate) mod custom_rules;
pub(crate) mod entity;
pub(crate) mod migrations;
pub(crate) mod settings;

use tandem_server::ConsistencyToken;
use tandem_server::consistency::{Mark, Service};
use tandem_server::failure::Failure;
use tandem_storage::{Database, Location, Reader, Rows, StoreError, tenants};

/// The database. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) database: Database,
}

impl Store {
    /// Opens the database and brings its schema up to date.
    pub(crate) async fn open(location: &Location) -> Result<Self, StoreError> {
        Ok(Self { database: Database::open::<migrations::Migrator>(location).await? })
    }

    /// The pool for queries of a tenant's rows.
    pub(crate) fn reader(&self, tenant: &str) -> Reader {
        self.database.reader(Rows::Of(tenant))
    }

    /// How far a tenant is at that revision.
    pub(crate) fn mark(&self, revision: u64) -> Mark {
        Mark { incarnation: self.database.incarnation(), revision }
    }

    /// How far a tenant is now.
    pub(crate) async fn seen(&self, tenant: &str) -> Result<Mark, StoreError> {
        Ok(self.mark(tenants::revision(&self.reader(tenant), tenant).await?))
    }

    /// How far a tenant is now, if that is at least the world of a token.
    pub(crate) async fn at_least(&self, tenant: &str, asked: &ConsistencyToken) -> Result<Mark, Failure> {
        let seen = self.seen(tenant).await?;
        asked.check(Service::Prerequisites, seen)?;
        Ok(seen)
    }
}

/// The world of a tenant's own rules. Before the first write any will do.
pub(crate) fn world(mark: Mark) -> ConsistencyToken {
    if mark.revision == 0 {
        return ConsistencyToken::default();
    }
    ConsistencyToken::default().with(Service::Prerequisites, mark.incarnation, mark.revision)
}
