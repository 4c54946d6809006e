//! A follower per tenant: started on the first request, or for every tenant there is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::gauge;
use tandem_contracts::inventory::v1::{GetTenantRequest, ListTenantsRequest};
use tandem_server::failure::Failure;
use tandem_server::names::TenantName;
use tandem_server::{Clock, Supervisor};
use tandem_telemetry::operations::NamedCheck;

use super::INVENTORY;
use super::count::TenantCount;
use super::follower::Follower;
use super::judge::{Judge, Sources};

/// How often new tenants are looked for. A request for a new tenant does not wait for it.
const TENANTS_PERIOD: Duration = Duration::from_secs(5);

/// How often lags are published.
const HEALTH_PERIOD: Duration = Duration::from_secs(1);

/// From this lag on the process is not ready: numbers are expected to be seconds old.
const READY_LAG: Duration = Duration::from_secs(60);

/// Tenants asked for at once: the contract's most.
const PAGE: i32 = 1000;

/// Which tenants are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowMode {
    /// Those that somebody asked about.
    OnDemand,
    /// All that the inventory has, so that the first request finds its numbers ready.
    AllTenants,
}

/// How the follower of a tenant is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowerHealth {
    /// `tenants/{t}`.
    pub tenant: String,
    /// How long ago everything known was last counted.
    pub lag: Duration,
    /// Why it does not get on, if it does not.
    pub last_error: Option<String>,
}

/// The counts of a process by tenant name. They grow with the tenants that exist, one task and one index each.
type Counts<K> = BTreeMap<String, Arc<TenantCount<K>>>;

/// The followers of a service. Clones share them.
#[derive(Debug, Clone)]
pub struct Followers<J: Judge> {
    judge: J,
    sources: Sources,
    name: &'static str,
    clock: Clock,
    supervisor: Supervisor,
    counts: Arc<Mutex<Counts<J::Key>>>,
}

impl<J: Judge> Followers<J> {
    /// Followers that nobody has started yet. `name`: what metrics, logs and tasks call them.
    #[must_use]
    pub fn new(judge: J, sources: Sources, name: &'static str, clock: Clock, supervisor: Supervisor) -> Self {
        Self { judge, sources, name, clock, supervisor, counts: Arc::default() }
    }

    /// Starts what runs without requests: the search for tenants, if all are followed, and the publication of lags.
    pub fn start(&self, mode: FollowMode, readiness: Option<NamedCheck>) {
        if mode == FollowMode::AllTenants {
            let this = self.clone();
            self.supervisor
                .spawn_endless(format!("{} tenants", self.name), async move { this.follow_all().await });
        }
        let this = self.clone();
        self.supervisor
            .spawn_endless(format!("{} lag", self.name), async move { this.publish_lag(readiness).await });
    }

    /// The count of a tenant, whose follower is started unless it runs already.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such tenant; the inventory does not answer.
    pub async fn count(&self, tenant: &TenantName) -> Result<Arc<TenantCount<J::Key>>, Failure> {
        if let Some(count) = self.followed(tenant.as_str()) {
            return Ok(count);
        }
        let request = GetTenantRequest { name: tenant.to_string(), ..Default::default() };
        let found = self.sources.tenants().get_tenant(request).await;
        found.map_err(|status| Failure::from_dependency(INVENTORY, status))?;
        Ok(self.follow(tenant.to_string()))
    }

    /// What members are asked of.
    #[must_use]
    pub const fn sources(&self) -> &Sources {
        &self.sources
    }

    /// How each follower is doing, by tenant.
    pub fn health(&self) -> Vec<FollowerHealth> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let health = counts.iter().map(|(tenant, count)| {
            let (lag, last_error) = count.health();
            FollowerHealth { tenant: tenant.clone(), lag, last_error }
        });
        health.collect()
    }

    /// The count of a tenant (`tenants/{t}`), if it is followed already.
    #[must_use]
    pub fn followed(&self, tenant: &str) -> Option<Arc<TenantCount<J::Key>>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()
    }

    /// Starts the follower of a tenant, once.
    fn follow(&self, tenant: String) -> Arc<TenantCount<J::Key>> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get(&tenant) {
            return Arc::clone(count);
        }
        let count = Arc::new(TenantCount::new(self.clock.now(), J::SERVICE));
        let asked = (self.judge.clone(), self.sources.clone());
        let follower = Follower::new(asked, tenant.clone(), self.name, self.clock, Arc::clone(&count));
        self.supervisor.spawn_endless(format!("{} follower of {tenant}", self.name), follower.run());
        counts.insert(tenant, Arc::clone(&count));
        count
    }

    async fn follow_all(&self) {
        let mut period = tokio::time::interval(TENANTS_PERIOD);
        loop {
            period.tick().await;
            if let Err(failure) = self.follow_listed().await {
                tracing::warn!(error = %failure, "tenants cannot be listed");
            }
        }
    }

    async fn follow_listed(&self) -> Result<(), Failure> {
        let mut page_token = String::new();
        loop {
            let request = ListTenantsRequest { page_size: PAGE, page_token };
            let page = self.sources.tenants().list_tenants(request).await;
            let page = page.map_err(|status| Failure::from_dependency(INVENTORY, status))?.into_inner();
            for tenant in page.tenants {
                self.follow(tenant.name);
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(());
            }
        }
    }

    /// Metrics and checks name no tenant: whoever reads them need not be allowed to know one. They speak of the worst follower.
    async fn publish_lag(&self, readiness: Option<NamedCheck>) {
        let mut period = tokio::time::interval(HEALTH_PERIOD);
        loop {
            period.tick().await;
            let health = self.health();
            let worst = health.iter().max_by_key(|follower| follower.lag);
            let lag = worst.map_or(Duration::ZERO, |follower| follower.lag);
            let failing = health.iter().filter(|follower| follower.last_error.is_some()).count();
            gauge!("tandem_watch_lag_seconds", "follower" => self.name).set(lag.as_secs_f64());
            gauge!("tandem_watch_followed", "follower" => self.name).set(health.len() as f64);
            gauge!("tandem_watch_failing", "follower" => self.name).set(failing as f64);
            match (&readiness, worst) {
                (Some(check), Some(worst)) if lag > READY_LAG => {
                    let why = worst.last_error.as_deref().unwrap_or("a fleet is being counted");
                    check.not_ready(format!("not counted for {} s: {why}", lag.as_secs()));
                }
                (Some(check), _) => check.ready(),
                (None, _) => {}
            }
        }
    }
}
