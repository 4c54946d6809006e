//! The inventory's own tables. Nobody else reads them.
//!
//! Every write locks its tenant's row first ([`lock::lock_tenant`]): identity, merge, membership and revision happen under that
//! lock, so revisions rise in commit order. Reads never lock.

pub(crate) mod collections;
pub(crate) mod conflicts;
pub(crate) mod devices;
pub(crate) mod entity;
pub(crate) mod feed;
pub(crate) mod filter;
pub(crate) mod hierarchies;
pub(crate) mod ingest;
pub(crate) mod lock;
pub(crate) mod members;
pub(crate) mod migrations;
pub(crate) mod named;
pub(crate) mod once;
pub(crate) mod tenants;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::DatabaseTransaction;
use tandem_cache::{Hint, Position, RedisHints};
use tandem_server::consistency::{ConsistencyToken, Mark, Service};
use tandem_server::failure::Failure;
use tandem_storage::{BoxFuture, Database, Location, Reader, Rows, StoreError};
use tokio::sync::{Semaphore, watch};

/// The store: the database, a hint per tenant that something was committed, and the reports that wait for a transaction.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) database: Database,
    hints: Arc<Mutex<HashMap<String, watch::Sender<u64>>>>,
    /// To and from the other replicas.
    pub(crate) others: Option<Arc<RedisHints>>,
    gathering: Arc<ingest::Gathering>,
    written: Arc<ingest::Written>,
    /// Places for batches that are read ahead.
    ahead: Arc<Semaphore>,
    /// Places for imports that keep numbers of records.
    named: Arc<Semaphore>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database and brings its schema up to date.
    ///
    /// # Errors
    /// The database cannot be opened or migrated.
    pub(crate) async fn open(
        location: &Location,
        others: Option<Arc<RedisHints>>,
    ) -> Result<Self, StoreError> {
        let database = Database::open::<migrations::Migrator>(location).await?;
        let place_for = |count| Arc::new(Semaphore::new(count));
        let (ahead, named) = (place_for(ingest::AT_ONCE), place_for(named::AT_ONCE));
        let (hints, gathering, written) = (Arc::default(), Arc::default(), Arc::default());
        Ok(Self { database, hints, others, gathering, written, ahead, named })
    }

    /// The pool for queries of a tenant's rows.
    pub(crate) fn reader(&self, tenant: &str) -> Reader {
        self.database.reader(Rows::Of(tenant))
    }

    /// Runs a transaction over a tenant's rows. See [`Database::write`].
    pub(crate) async fn write<T, F>(&self, tenant: &str, work: F) -> Result<T, Failure>
    where
        T: Send,
        F: for<'c> Fn(&'c DatabaseTransaction) -> BoxFuture<'c, Result<T, Failure>> + Send + Sync,
    {
        self.database.write(Rows::Of(tenant), work).await
    }

    /// Wakes watchers, here and at other replicas: the tenant's revision is at least this now. A hint only saves polling; losing one is
    /// harmless.
    pub(crate) fn hint(&self, tenant: &str, revision: u64) {
        let is_news = self.hint_sender(tenant).send_if_modified(|seen| {
            let newer = revision > *seen;
            *seen = revision.max(*seen);
            newer
        });
        if let Some(others) = self.others.as_ref().filter(|_| is_news) {
            others.tell(tenant, Position { incarnation: self.database.incarnation(), revision });
        }
    }

    /// Wakes this replica's watchers of what was committed at another, or here.
    pub(crate) fn hear(&self, hint: &Hint) {
        if hint.position.incarnation != self.database.incarnation() {
            return;
        }
        let hints = self.hints.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody waits for a tenant that has no sender. What is heard is not kept: only what was committed here is sure to be true.
        if let Some(sender) = hints.get(&hint.tenant) {
            sender.send_if_modified(|seen| hint.position.revision > *seen);
        }
    }

    /// A receiver of the tenant's hints.
    pub(crate) fn hints(&self, tenant: &str) -> watch::Receiver<u64> {
        self.hint_sender(tenant).subscribe()
    }

    fn hint_sender(&self, tenant: &str) -> watch::Sender<u64> {
        let mut hints = self.hints.lock().unwrap_or_else(PoisonError::into_inner);
        hints.entry(tenant.to_owned()).or_insert_with(|| watch::Sender::new(0)).clone()
    }

    /// The consistency token of a world of this database.
    pub(crate) fn token(&self, revision: u64) -> String {
        ConsistencyToken::default()
            .with(Service::Inventory, self.database.incarnation(), revision)
            .to_string()
    }

    /// Checks that this database is at least at the world of a token. Answers the revision that was seen.
    pub(crate) async fn at_least(&self, tenant: &str, token: &str) -> Result<u64, Failure> {
        let token = ConsistencyToken::parse(token)?;
        let revision = tenants::revision(&self.reader(tenant), tenant).await?;
        token.check(Service::Inventory, Mark { incarnation: self.database.incarnation(), revision })?;
        Ok(revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn commit_of_another_replica_wakes_who_waits_here() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::scratch(folder.path().join("inventory.db")), None).await.unwrap();
        let (mut contoso, fabrikam) = (store.hints("contoso"), store.hints("fabrikam"));
        let heard = |incarnation, revision| Hint {
            tenant: "contoso".into(),
            position: Position { incarnation, revision },
        };
        let incarnation = store.database.incarnation();
        store.hear(&heard(incarnation.wrapping_add(1), 9));
        assert!(!contoso.has_changed().unwrap(), "that was another database");
        store.hear(&heard(incarnation, 5));
        assert!(contoso.has_changed().unwrap());
        contoso.mark_unchanged();
        store.hint("contoso", 6);
        assert!(contoso.has_changed().unwrap());
        contoso.mark_unchanged();
        for revision in [6, 5] {
            store.hear(&heard(incarnation, revision));
            assert!(!contoso.has_changed().unwrap(), "{revision} is no news");
        }
        assert!(!fabrikam.has_changed().unwrap());
        store.hear(&Hint { tenant: "nobody".into(), ..heard(incarnation, 5) });
        assert_eq!(store.hints.lock().unwrap().len(), 2, "nobody waits for that tenant");
    }
}
