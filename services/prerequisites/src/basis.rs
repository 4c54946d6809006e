//! What this service itself keeps of a tenant that its devices are judged by: the tenant's own rules that are enabled, and how old evidence
//! may be.

use std::sync::Arc;

use tandem_domain::prerequisites::MaximumAges;
use tandem_server::ConsistencyToken;
use tandem_server::consistency::Mark;
use tandem_server::failure::Failure;

use crate::custom::enabled::EnabledRules;
use crate::grpc::convert::settings;
use crate::store::custom_rules::rules_enabled;
use crate::store::settings::settings_fetch;
use crate::store::{Store, world};
use crate::summary::DEVICES_AT_ONCE;

/// Tenants of which it is kept read: some kB each. Beyond, those asked for longest ago are read anew.
const TENANTS_KEPT: u64 = 10_000;

/// What is kept of a tenant.
#[derive(Debug)]
pub(crate) struct Basis {
    /// Its own rules that are enabled.
    pub(crate) rules: Arc<EnabledRules>,
    /// How old evidence may be.
    pub(crate) ages: MaximumAges,
    mark: Mark,
}

/// As far as verdicts go.
impl PartialEq for Basis {
    fn eq(&self, other: &Self) -> bool {
        self.mark.incarnation == other.mark.incarnation
            && self.rules == other.rules
            && self.ages == other.ages
    }
}

/// Nothing is kept.
impl Default for Basis {
    fn default() -> Self {
        let rules = Arc::new(EnabledRules { rules: Vec::new() });
        Self { rules, ages: MaximumAges::default(), mark: Mark { incarnation: 0, revision: 0 } }
    }
}

impl Basis {
    /// Lets other requests run in between while many devices are judged by it.
    pub(crate) fn turn(&self) -> Turn {
        // Rules of one's own take time too.
        Turn { devices: (DEVICES_AT_ONCE / (1 + self.rules.rules.len() / 2)).max(1), judged: 0 }
    }

    /// How far the tenant was when it was read.
    pub(crate) const fn mark(&self) -> Mark {
        self.mark
    }

    /// The world that it is of.
    pub(crate) fn world(&self) -> ConsistencyToken {
        world(self.mark)
    }
}

/// Counts devices that are judged one after the other.
#[derive(Debug)]
pub(crate) struct Turn {
    devices: usize,
    judged: usize,
}

impl Turn {
    /// Another one is judged: whoever judged enough lets others run.
    pub(crate) async fn judged(&mut self) {
        self.judged += 1;
        if self.judged.is_multiple_of(self.devices) {
            tokio::task::yield_now().await;
        }
    }
}

/// Reads what is kept of tenants, and keeps it read. Clones share that.
#[derive(Debug, Clone)]
pub(crate) struct Bases {
    store: Store,
    kept: moka::sync::Cache<String, Arc<Basis>>,
}

impl Bases {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, kept: moka::sync::Cache::new(TENANTS_KEPT) }
    }

    /// That of a tenant, by its id, as it is now.
    pub(crate) async fn of(&self, tenant: &str) -> Result<Arc<Basis>, Failure> {
        // Before the rows: these are of that world at least.
        let seen = self.store.seen(tenant).await?;
        if let Some(kept) = self.kept.get(tenant).filter(|kept| kept.mark == seen) {
            return Ok(kept);
        }
        let rows = rules_enabled(&self.store, tenant).await?;
        let set = settings_fetch(&self.store, tenant).await?;
        let reading = tokio::task::spawn_blocking(move || EnabledRules::read(rows));
        let rules = Arc::new(reading.await.map_err(Failure::internal)??);
        let ages = settings::ages(&set.maximum_ages).unwrap_or_else(|unknown| {
            // Of a later release: nothing is stale by it.
            tracing::warn!(tenant, error = %unknown, "evaluation settings cannot be read");
            MaximumAges::default()
        });
        let basis = Arc::new(Basis { rules, ages, mark: seen });
        self.kept.insert(tenant.to_owned(), Arc::clone(&basis));
        Ok(basis)
    }
}
