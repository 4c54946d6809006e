//! What surrounds the devices of a tenant, as the inventory knows it.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tandem_contracts::convert::{self, Violation};
use tandem_contracts::inventory::v1;
use tandem_contracts::inventory::v1::tenant_service_client::TenantServiceClient;
use tandem_domain::facts::{DeviceFacts, value};
use tandem_domain::id::{CollectionId, HierarchyId, SiteCode};
use tandem_domain::policy::{CoManagementPolicy, Surroundings};
use tandem_domain::site::SiteFacts;
use tandem_domain::tenant::TenantFacts;
use tonic::Status;

use super::kept::{Dated, Kept};
use super::{World, WorldOf};
use crate::{Connection, Stack};

/// Of a device that no site keeps a record of, no membership is known either.
static NO_COLLECTIONS: BTreeSet<CollectionId> = BTreeSet::new();

/// What surrounds every device of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TenantSurroundings {
    /// Revision of the last change to any of it.
    pub revision: u64,
    /// The tenant.
    pub tenant: TenantFacts,
    /// Its hierarchies.
    pub hierarchies: HashMap<HierarchyId, HierarchySurroundings>,
    /// The world that it was read in.
    pub consistency_token: String,
}

/// What surrounds every device of a hierarchy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HierarchySurroundings {
    /// Its sites.
    pub sites: HashMap<SiteCode, SiteFacts>,
    /// The collections whose members are known completely.
    pub complete_collections: BTreeSet<CollectionId>,
}

impl TenantSurroundings {
    /// What surrounds one device, under the policy of its hierarchy.
    ///
    /// The device's site is the one that its facts name; of a device whose facts name none, the only site of its hierarchy
    /// \[derived\].
    #[must_use]
    pub fn of<'a>(&'a self, facts: &DeviceFacts, policy: Option<&'a CoManagementPolicy>) -> Surroundings<'a> {
        let hierarchy = facts.hierarchy.as_ref().and_then(|id| self.hierarchies.get(id));
        Surroundings {
            tenant: &self.tenant,
            site: hierarchy.and_then(|hierarchy| hierarchy.site_of(facts)),
            policy,
            complete_collections: self.complete_collections(facts.hierarchy.as_ref()),
        }
    }

    /// The collections of a hierarchy whose members are known completely; none of no hierarchy.
    #[must_use]
    pub fn complete_collections(&self, hierarchy: Option<&HierarchyId>) -> &BTreeSet<CollectionId> {
        let hierarchy = hierarchy.and_then(|id| self.hierarchies.get(id));
        hierarchy.map_or(&NO_COLLECTIONS, |hierarchy| &hierarchy.complete_collections)
    }
}

impl HierarchySurroundings {
    fn site_of(&self, facts: &DeviceFacts) -> Option<&SiteFacts> {
        match value(&facts.site) {
            Some(code) => self.sites.get(code),
            None if self.sites.len() == 1 => self.sites.values().next(),
            None => None,
        }
    }
}

/// Reads what surrounds devices, keeping the last reading of each tenant. Clones share what is kept.
#[derive(Clone)]
pub struct SurroundingsReader {
    client: TenantServiceClient<Stack>,
    world_of: WorldOf,
    kept: Arc<Kept<TenantSurroundings>>,
}

impl fmt::Debug for SurroundingsReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SurroundingsReader").finish_non_exhaustive()
    }
}

impl SurroundingsReader {
    /// A reader that asks the inventory at the other end; `world_of` reads the inventory's world from a consistency token.
    #[must_use]
    pub fn new(inventory: &Connection, world_of: WorldOf) -> Self {
        Self { client: inventory.on_own_behalf().tenants(), world_of, kept: Arc::new(Kept::new()) }
    }

    /// What surrounds the devices of `tenant` (`tenants/{t}`), at most [`super::TRUSTED_FOR`] old and at least of the world of
    /// `consistency_token`. Empty: any world will do.
    ///
    /// # Errors
    /// The status with which the inventory answered; `INTERNAL` when its answer breaks the contract, `UNAVAILABLE` when it is of
    /// an older world than asked for.
    pub async fn get(
        &self,
        tenant: &str,
        consistency_token: &str,
    ) -> Result<Arc<TenantSurroundings>, Status> {
        Ok(self.dated(tenant, (self.world_of)(consistency_token), super::TRUSTED_FOR).await?.value)
    }

    /// The same with its world and age, at least of the world asked for and younger than `within`.
    ///
    /// # Errors
    /// Those of [`Self::get`].
    pub async fn dated(
        &self,
        tenant: &str,
        asked: Option<World>,
        within: Duration,
    ) -> Result<Dated<TenantSurroundings>, Status> {
        self.kept.get(tenant, asked, within, async |last| self.ask(tenant, last).await).await
    }

    async fn ask(
        &self,
        tenant: &str,
        last: Option<Dated<TenantSurroundings>>,
    ) -> Result<(Arc<TenantSurroundings>, Option<World>), Status> {
        if let Some(last) = last {
            let answer = self.call(tenant, last.value.revision).await?;
            let world = (self.world_of)(&answer.consistency_token);
            if !answer.unchanged {
                return read(answer, world);
            }
            // A database that was restored may have counted to the same revision with other changes.
            if last.world.map(|world| world.incarnation) == world.map(|world| world.incarnation) {
                let consistency_token = answer.consistency_token;
                let read = TenantSurroundings { consistency_token, ..(*last.value).clone() };
                return Ok((Arc::new(read), world));
            }
        }
        let answer = self.call(tenant, 0).await?;
        let world = (self.world_of)(&answer.consistency_token);
        read(answer, world)
    }

    async fn call(&self, tenant: &str, known_revision: u64) -> Result<v1::GetSurroundingsResponse, Status> {
        let request = v1::GetSurroundingsRequest {
            parent: tenant.to_owned(),
            known_revision,
            consistency_token: String::new(),
        };
        Ok(self.client.clone().get_surroundings(request).await?.into_inner())
    }
}

/// An answer that breaks the contract: the other service has a defect, or is of a later release.
pub(super) fn broken(method: &str, violations: &[Violation]) -> Status {
    let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
    Status::internal(format!("the answer of {method} breaks the contract: {}", violations.join("; ")))
}

fn read(
    answer: v1::GetSurroundingsResponse,
    world: Option<World>,
) -> Result<(Arc<TenantSurroundings>, Option<World>), Status> {
    let surroundings = from_proto(answer).map_err(|violations| broken("GetSurroundings", &violations))?;
    Ok((Arc::new(surroundings), world))
}

fn from_proto(answer: v1::GetSurroundingsResponse) -> Result<TenantSurroundings, Vec<Violation>> {
    let mut violations = convert::Violations::new();
    let tenant = convert::tenant::from_proto(answer.tenant.unwrap_or_default());
    let tenant = violations.keep_under("tenant", tenant);
    let mut hierarchies = HashMap::new();
    for (index, message) in answer.hierarchies.into_iter().enumerate() {
        let hierarchy = hierarchy_from_proto(message);
        hierarchies.extend(violations.keep_under(&format!("hierarchies[{index}]"), hierarchy));
    }
    violations.finish(tenant.map(|tenant| TenantSurroundings {
        revision: answer.revision,
        tenant,
        hierarchies,
        consistency_token: answer.consistency_token,
    }))
}

fn hierarchy_from_proto(
    message: v1::HierarchySurroundings,
) -> Result<(HierarchyId, HierarchySurroundings), Vec<Violation>> {
    let mut violations = convert::Violations::new();
    let id = HierarchyId::parse(&message.hierarchy);
    let id = violations.keep(id.map_err(|e| Violation::new("hierarchy", e.to_string())));
    let mut read = HierarchySurroundings::default();
    for (code, facts) in message.sites {
        let path = format!("sites[{code:?}]");
        let Some(code) =
            violations.keep(SiteCode::parse(&code).map_err(|e| Violation::new(&path, e.to_string())))
        else {
            continue;
        };
        let facts = violations.keep_under(&path, convert::site::from_proto(facts, code.clone()));
        read.sites.extend(facts.map(|facts| (code, facts)));
    }
    for collection in message.complete_collections {
        let id = CollectionId::parse(&collection);
        let id = id.map_err(|e| Violation::new("complete_collections", e.to_string()));
        read.complete_collections.extend(violations.keep(id));
    }
    violations.finish(id.map(|id| (id, read)))
}
