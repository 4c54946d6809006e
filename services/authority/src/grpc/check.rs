//! Whether a manager decides one workload on one device: asked by programs before they act, so by far the most often.
//!
//! Most calls are answered from what this process holds: the state of the device, the ground that it is judged on, the decision. What is
//! not held, not trusted, not of the world asked for, or not for a caller who sees all of the tenant, goes the way of
//! `GetEffectiveAuthority`; the answer is the same.

use std::sync::Arc;

use tandem_contracts::authority::v1::{CheckAuthorityRequest, CheckAuthorityResponse};
use tandem_domain::facts::DeviceFacts;
use tandem_domain::id::TenantId;
use tandem_server::consistency::{Mark, Service};
use tandem_server::{ConsistencyToken, Failure, Reach, names};
use tokio::time::Instant;

use super::effective::{DEVICE, RESOURCE_TYPE};
use super::{Handlers, Tenant, convert};
use crate::decisions::Basis;
use crate::devices::inventory_world_of;
use crate::ground::{AtLeast, Ground, Reading, YOUNG};
use crate::judge::{Decided, HeldSince, World};

/// What was decided about a device, and in which world.
pub(super) struct Checked {
    pub(super) device_revision: u64,
    pub(super) decided: Arc<Decided>,
    pub(super) world: World,
    pub(super) consistency_token: String,
}

impl Handlers {
    pub(super) async fn authority_check(
        &self,
        request: CheckAuthorityRequest,
    ) -> Result<CheckAuthorityResponse, Failure> {
        let CheckAuthorityRequest { name, workload, claimant, consistency_token } = request;
        let claim = convert::claim(workload, claimant)?;
        let [tenant, device] = names::parse("name", DEVICE, &name)?;
        let asked = ConsistencyToken::parse(&consistency_token)?;
        let checked = match self.checked_here(tenant, device, &name, &asked).await {
            Some(checked) => checked,
            None => self.checked_anew(tenant, &name, &consistency_token).await?,
        };
        Ok(convert::checked(tenant, claim, checked))
    }

    /// From what is held here. `None`: that does not answer the call.
    async fn checked_here(
        &self,
        tenant: &str,
        device: &str,
        name: &str,
        asked: &ConsistencyToken,
    ) -> Option<Checked> {
        if names::reach(tenant).ok()? != Reach::Whole {
            return None;
        }
        let ground = self.ground(tenant, asked).await?;
        let held = self.devices.held(tenant, device, inventory_world_of(asked)).await?;
        if ground.inventory?.incarnation != held.world.incarnation {
            return None;
        }
        let basis = Basis::new(&held.found, ground.number);
        let decided = match self.decisions.get(name, basis) {
            Some(decided) => decided,
            None => {
                let (_, facts) = convert::device(held.device(name)?).ok()?;
                let decided = Arc::new(self.decided(&ground.world, tenant, device, &facts).await.ok()?);
                let is_final = decided.since.is_known() || !self.keeps_history;
                self.decisions.keep(name, basis, Arc::clone(&decided), is_final);
                decided
            }
        };
        let Mark { incarnation, revision } = self.store.mark(ground.world.policies.revision);
        let world = ConsistencyToken::default()
            .with(Service::Inventory, held.world.incarnation, held.world.revision)
            .with(Service::Authority, incarnation, revision);
        Some(Checked {
            device_revision: held.found.revision,
            decided,
            world: ground.world.clone(),
            consistency_token: world.to_string(),
        })
    }

    async fn decided(
        &self,
        world: &World,
        tenant: &str,
        device: &str,
        facts: &DeviceFacts,
    ) -> Result<Decided, Failure> {
        let tenant = TenantId::parse(tenant).map_err(|error| Failure::field("name", error.to_string()))?;
        let decided = world.decide(facts);
        // Whoever acts needs to know who holds it; since when can wait.
        let since = self.held_since(&tenant, device, &decided).await.unwrap_or_else(|failure| {
            tracing::warn!(error = %failure, "since when workloads are held cannot be told");
            HeldSince::default()
        });
        Ok(Decided { since, ..decided })
    }

    /// What the tenant's devices are judged by, at least of the world of the token and at most a second old.
    async fn ground(&self, tenant: &str, asked: &ConsistencyToken) -> Option<Arc<Ground>> {
        let policies = asked.get(Service::Authority);
        asked.check(Service::Authority, self.store.mark(u64::MAX)).ok()?;
        let at_least = AtLeast {
            inventory: inventory_world_of(asked),
            policies: policies.map_or(0, |mark| mark.revision),
        };
        let read = async || {
            let tenant = Tenant::parse("name", &format!("tenants/{tenant}"))?;
            let asked_at = Instant::now();
            let policies = self.policies(&tenant, "").await?;
            let surroundings = self.surroundings_dated(&tenant, at_least.inventory, YOUNG).await?;
            Ok(Reading { surroundings, policies, asked_at, as_of: self.clock.now() })
        };
        self.grounds.get(tenant, at_least, read).await.ok()?
    }

    /// As `GetEffectiveAuthority` judges it.
    async fn checked_anew(&self, tenant: &str, name: &str, token: &str) -> Result<Checked, Failure> {
        let [_, id] = names::parse("name", DEVICE, name)?;
        let tenant = Tenant::parse("name", &format!("tenants/{tenant}"))?;
        let (found, world) = self.judgeable(&tenant, vec![name.to_owned()], token).await?;
        let Some(device) = found.devices.into_iter().next() else {
            return Err(Failure::NotFound { resource_type: RESOURCE_TYPE, name: name.to_owned() });
        };
        let device_revision = device.revision;
        let (_, facts) = convert::device(device)?;
        Ok(Checked {
            device_revision,
            decided: Arc::new(self.decided(&world, tenant.id.as_str(), id, &facts).await?),
            consistency_token: self.token(&found.consistency_token, &world)?,
            world,
        })
    }
}
