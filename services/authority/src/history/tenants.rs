//! A keeper per tenant, for every tenant that the inventory has.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::gauge;
use tandem_client::Stack;
use tandem_client::fleet::SurroundingsReader;
use tandem_contracts::inventory::v1::ListTenantsRequest;
use tandem_contracts::inventory::v1::tenant_service_client::TenantServiceClient;
use tandem_domain::id::TenantId;
use tandem_server::names::{MAX_PAGE_SIZE, TenantName};
use tandem_server::{Clock, Failure, Supervisor};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::keeper::{Health, Keeper};
use crate::devices::{Devices, INVENTORY};
use crate::store::Store;
use crate::store::history::cursor::cursors_release;

/// What metrics call the keepers.
pub(super) const FOLLOWER: &str = "history";

/// How often new tenants are looked for, and the keepers' health is published.
const PERIOD: Duration = Duration::from_secs(2);

/// The keepers of this process. Clones share them.
#[derive(Clone)]
pub(crate) struct Histories {
    pub(super) store: Store,
    pub(super) devices: Devices,
    pub(super) surroundings: SurroundingsReader,
    pub(super) clock: Clock,
    /// What this process is called in the store.
    pub(super) holder: String,
    tenants: TenantServiceClient<Stack>,
    supervisor: Supervisor,
    /// Grows with the tenants that exist, one task each.
    kept: Arc<Mutex<BTreeMap<String, Arc<Mutex<Health>>>>>,
}

impl fmt::Debug for Histories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histories").field("holder", &self.holder).finish_non_exhaustive()
    }
}

impl Histories {
    /// `devices`, `surroundings` and `tenants` ask the inventory on the service's own behalf.
    pub(crate) fn new(
        store: Store,
        devices: Devices,
        surroundings: SurroundingsReader,
        tenants: TenantServiceClient<Stack>,
        clock: Clock,
        supervisor: Supervisor,
    ) -> Self {
        let holder = format!("{:032x}", rand::random::<u128>());
        Self { store, devices, surroundings, clock, holder, tenants, supervisor, kept: Arc::default() }
    }

    /// Keeps until the process ends, and then lets others go on.
    pub(crate) async fn run(self, ending: CancellationToken) {
        let mut period = tokio::time::interval(PERIOD);
        let mut told = None;
        loop {
            tokio::select! {
                () = ending.cancelled() => break,
                _ = period.tick() => {}
            }
            let failure = self.keep_listed(&ending).await.err().map(|failure| failure.to_string());
            if let Some(failure) = failure.as_ref().filter(|_| told != failure) {
                tracing::warn!(error = failure, "tenants cannot be listed, new ones have no history yet");
            }
            told = failure;
            self.publish_health();
        }
        if let Err(error) = cursors_release(&self.store, &self.holder).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "histories are free again by themselves"
            );
        }
    }

    async fn keep_listed(&self, ending: &CancellationToken) -> Result<(), Failure> {
        let mut page_token = String::new();
        loop {
            let page_size = i32::try_from(MAX_PAGE_SIZE).unwrap_or(i32::MAX);
            let request = ListTenantsRequest { page_size, page_token };
            let page = self.tenants.clone().list_tenants(request).await;
            let page = page.map_err(|status| Failure::from_dependency(INVENTORY, status))?.into_inner();
            for tenant in page.tenants {
                self.keep(&tenant.name, ending)?;
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(());
            }
        }
    }

    /// Starts the keeper of a tenant, once.
    fn keep(&self, name: &str, ending: &CancellationToken) -> Result<(), Failure> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.contains_key(name) {
            return Ok(());
        }
        let tenant = TenantName::parse("name", name)?;
        let id = name.rsplit('/').next().unwrap_or_default();
        let id = TenantId::parse(id).map_err(|error| Failure::internal(error.to_string()))?;
        let health = Arc::new(Mutex::new(Health::default()));
        let keeper = Keeper { histories: self.clone(), tenant, id, health: Arc::clone(&health) };
        let ending = ending.clone();
        self.supervisor.spawn(format!("history of {name}"), async move {
            tokio::select! {
                () = ending.cancelled() => {}
                () = keeper.run() => {}
            }
        });
        kept.insert(name.to_owned(), health);
        Ok(())
    }

    /// Of the worst, as no metric names a tenant.
    fn publish_health(&self) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let health: Vec<Health> =
            kept.values().map(|health| *health.lock().unwrap_or_else(PoisonError::into_inner)).collect();
        drop(kept);
        let own: Vec<(Instant, bool)> =
            health.iter().filter_map(|health| Some((health.caught_up?, health.gets_on))).collect();
        let lag = own.iter().map(|(caught_up, _)| caught_up.elapsed()).max().unwrap_or_default();
        let failing = own.iter().filter(|(_, gets_on)| !gets_on).count();
        gauge!("tandem_watch_lag_seconds", "follower" => FOLLOWER).set(lag.as_secs_f64());
        gauge!("tandem_watch_followed", "follower" => FOLLOWER).set(own.len() as f64);
        gauge!("tandem_watch_failing", "follower" => FOLLOWER).set(failing as f64);
    }
}
