//! What devices are judged in: what this service reads of the others, and what it keeps of the tenant itself.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tandem_cache::DeviceStateCache;
use tandem_client::fleet::{
    self, DeviceReader, PolicyReader, SurroundingsReader, TenantPolicies, TenantSurroundings, WorldOf,
};
use tandem_client::{Connection, Stack};
use tandem_contracts::convert::{self, Violation};
use tandem_contracts::inventory::v1;
use tandem_contracts::inventory::v1::device_service_client::DeviceServiceClient;
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_domain::facts::DeviceFacts;
use tandem_domain::id::{HierarchyId, SiteCode, TenantId};
use tandem_domain::policy::{CoManagementPolicy, Surroundings};
use tandem_domain::prerequisites::MaximumAges;
use tandem_domain::site::SiteFacts;
use tandem_domain::tenant::TenantFacts;
use tandem_fleet::follow::world_of;
use tandem_server::ConsistencyToken;
use tandem_server::caller;
use tandem_server::consistency::Service;
use tandem_server::failure::Failure;
use tandem_server::trace::current_id;
use tonic::{Code, Status, Streaming};

use crate::basis::{Bases, Basis};

const INVENTORY: &str = "inventory";
const AUTHORITY: &str = "authority";

/// The services that are asked. Clones share their connections and what they keep.
#[derive(Clone)]
pub(crate) struct Sources {
    devices: DeviceServiceClient<Stack>,
    named: DeviceReader,
    /// The same, of the inventory alone.
    unkept: DeviceReader,
    surroundings: SurroundingsReader,
    policies: PolicyReader,
    bases: Bases,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

/// A device as the inventory believed it to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownDevice {
    /// `tenants/{t}/devices/{d}`.
    pub(crate) name: String,
    /// The revision of its last change.
    pub(crate) revision: u64,
    /// What is believed of it.
    pub(crate) facts: DeviceFacts,
}

/// Devices that were asked for by name.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Those that are there, in the order asked for.
    pub(crate) devices: Vec<KnownDevice>,
    /// The names that nothing has.
    pub(crate) not_found: Vec<String>,
    /// The world in which they were read.
    pub(crate) seen: ConsistencyToken,
}

impl Sources {
    pub(crate) fn new(
        inventory: Connection,
        authority: Connection,
        cache: Option<Arc<dyn DeviceStateCache>>,
        bases: Bases,
    ) -> Self {
        let passed_on =
            |to: Connection| to.with_trace_source(current_id).with_caller_source(caller::on_behalf);
        let (inventory, authority) = (passed_on(inventory), passed_on(authority));
        let inventory_world: WorldOf = |token| world_of(token, Service::Inventory);
        let authority_world: WorldOf = |token| world_of(token, Service::Authority);
        Self {
            devices: inventory.devices(),
            named: DeviceReader::new(&inventory, cache, inventory_world, inventory_token),
            unkept: DeviceReader::new(&inventory, None, inventory_world, inventory_token),
            surroundings: SurroundingsReader::new(&inventory, inventory_world),
            policies: PolicyReader::new(&authority, authority_world),
            bases,
        }
    }

    /// What is kept of a tenant itself, as it is now.
    pub(crate) async fn basis(&self, tenant: &str) -> Result<Arc<Basis>, Failure> {
        self.bases.of(tenant).await
    }

    /// The device of that name, and the world in which it was read.
    pub(crate) async fn device(
        &self,
        tenant: &TenantId,
        name: String,
        asked: &ConsistencyToken,
        ages: &MaximumAges,
    ) -> Result<(KnownDevice, ConsistencyToken), Failure> {
        let batch = self.devices(tenant, vec![name.clone()], asked, ages).await?;
        match batch.devices.into_iter().next() {
            Some(device) => Ok((device, batch.seen)),
            None => Err(Failure::NotFound { resource_type: "tandem.inventory.v1.Device", name }),
        }
    }

    /// The devices of those names, of one tenant. Where their sources' words grow stale, the inventory is asked: a source that says the same
    /// again changes nothing that is kept elsewhere.
    pub(crate) async fn devices(
        &self,
        tenant: &TenantId,
        names: Vec<String>,
        asked: &ConsistencyToken,
        ages: &MaximumAges,
    ) -> Result<Batch, Failure> {
        let parent = format!("tenants/{tenant}");
        let reader = if ages.0.is_empty() { &self.named } else { &self.unkept };
        let answer = reader.batch(&parent, names, &asked.to_string()).await.map_err(inventory_failed)?;
        let devices = answer.devices.into_iter().map(known).collect::<Result<_, _>>()?;
        let seen = token_of(&answer.consistency_token)?;
        Ok(Batch { devices, not_found: answer.not_found, seen })
    }

    /// Every device of a tenant that the filter takes.
    pub(crate) async fn snapshot(
        &self,
        parent: String,
        filter: Option<DeviceFilter>,
        asked: &ConsistencyToken,
    ) -> Result<Snapshot, Failure> {
        let request = v1::WatchDevicesRequest {
            parent,
            filter,
            resume_token: String::new(),
            snapshot_only: true,
            consistency_token: asked.to_string(),
        };
        let answers =
            self.devices.clone().watch_devices(request).await.map_err(inventory_failed)?.into_inner();
        Ok(Snapshot { answers, asked: *asked })
    }

    /// What surrounds the devices of a tenant and what else they are judged by, at least of the world asked for.
    pub(crate) async fn judging_world(
        &self,
        tenant: &TenantId,
        asked: &ConsistencyToken,
    ) -> Result<World, Failure> {
        let world = self.world(tenant, asked).await?;
        let basis = self.bases.of(tenant.as_str()).await?;
        asked.check(Service::Prerequisites, basis.mark())?;
        let token = world.token.merge(&basis.world());
        Ok(World { basis, token, ..world })
    }

    /// Checks that there is such a tenant.
    pub(crate) async fn check_tenant_exists(&self, tenant: &TenantId) -> Result<(), Failure> {
        let surroundings = self.surroundings.get(&format!("tenants/{tenant}"), "").await;
        surroundings.map(drop).map_err(inventory_failed)
    }

    /// What surrounds the devices of a tenant, at least of the world asked for. What this service itself keeps is no part of it.
    pub(crate) async fn world(&self, tenant: &TenantId, asked: &ConsistencyToken) -> Result<World, Failure> {
        let parent = format!("tenants/{tenant}");
        let text = asked.to_string();
        let surroundings = match self.surroundings.get(&parent, &text).await {
            Ok(surroundings) => surroundings,
            Err(status) => return Err(self.surroundings_failed(&parent, asked, status).await),
        };
        let policies = self.policies.get(&parent, &text).await;
        let policies = policies.map_err(|status| Failure::from_dependency(AUTHORITY, status))?;
        let token = asked.merge(&token_of(&surroundings.consistency_token)?);
        let token = token.merge(&token_of(&policies.consistency_token)?);
        Ok(World { surroundings, policies, basis: Arc::default(), token })
    }

    /// The reader refuses a world that is older than asked for, as it refuses a call that failed. What it has kept tells the two
    /// apart: an older world is named to the caller as such.
    async fn surroundings_failed(&self, parent: &str, asked: &ConsistencyToken, status: Status) -> Failure {
        if status.code() == Code::Unavailable
            && let Ok(kept) = self.surroundings.get(parent, "").await
            && let Err(older) = seen_by_inventory(&kept.consistency_token, asked)
        {
            return older;
        }
        inventory_failed(status)
    }
}

/// What surrounds the devices of one tenant.
#[derive(Debug)]
pub(crate) struct World {
    surroundings: Arc<TenantSurroundings>,
    policies: Arc<TenantPolicies>,
    /// What this service keeps of the tenant itself, where devices are judged.
    pub(crate) basis: Arc<Basis>,
    token: ConsistencyToken,
}

impl World {
    /// What surrounds one device.
    pub(crate) fn around(&self, facts: &DeviceFacts) -> Surroundings<'_> {
        let policy = facts.hierarchy.as_ref().and_then(|hierarchy| self.policy(hierarchy));
        self.surroundings.of(facts, policy)
    }

    /// The tenant.
    pub(crate) fn tenant(&self) -> &TenantFacts {
        &self.surroundings.tenant
    }

    /// The configured policy of a hierarchy; `None`: nobody said what it is.
    pub(crate) fn policy(&self, hierarchy: &HierarchyId) -> Option<&CoManagementPolicy> {
        self.policies.by_hierarchy.get(hierarchy).map(|(policy, _)| policy)
    }

    /// Checks that the tenant has a hierarchy of that id: a fleet of none is no clean fleet.
    pub(crate) fn has_hierarchy(&self, tenant: &TenantId, id: &HierarchyId) -> Result<(), Failure> {
        if self.surroundings.hierarchies.contains_key(id) {
            return Ok(());
        }
        let name = format!("tenants/{tenant}/hierarchies/{id}");
        Err(Failure::NotFound { resource_type: "tandem.inventory.v1.Hierarchy", name })
    }

    /// The sites of a hierarchy, by code.
    pub(crate) fn sites(
        &self,
        tenant: &TenantId,
        hierarchy: &HierarchyId,
    ) -> Result<BTreeMap<&SiteCode, &SiteFacts>, Failure> {
        self.has_hierarchy(tenant, hierarchy)?;
        let sites = self.surroundings.hierarchies.get(hierarchy).into_iter();
        Ok(sites.flat_map(|hierarchy| &hierarchy.sites).collect())
    }

    /// The site of that name.
    pub(crate) fn site(
        &self,
        name: &str,
        hierarchy: &HierarchyId,
        code: &SiteCode,
    ) -> Result<&SiteFacts, Failure> {
        let sites = self.surroundings.hierarchies.get(hierarchy).map(|hierarchy| &hierarchy.sites);
        sites.and_then(|sites| sites.get(code)).ok_or_else(|| Failure::NotFound {
            resource_type: "tandem.inventory.v1.Site",
            name: name.to_owned(),
        })
    }

    /// The world that an answer is of, to be merged with that of the devices.
    pub(crate) fn token(&self) -> ConsistencyToken {
        self.token
    }
}

/// Every device once, as a stream of batches: one is held at a time.
#[derive(Debug)]
pub(crate) struct Snapshot {
    answers: Streaming<v1::WatchDevicesResponse>,
    asked: ConsistencyToken,
}

/// A part of a snapshot.
#[derive(Debug)]
pub(crate) struct Part {
    /// Some devices.
    pub(crate) devices: Vec<KnownDevice>,
    /// Set in the last part: the world of the snapshot.
    pub(crate) complete: Option<ConsistencyToken>,
}

impl Snapshot {
    /// The next part. A snapshot that breaks off, or is older than asked for, is a failure and never a smaller fleet.
    pub(crate) async fn next(&mut self) -> Result<Part, Failure> {
        const BROKEN_OFF: &str = "the snapshot of the devices ended before it was complete";
        let answer = self.answers.message().await.map_err(inventory_failed)?;
        let answer = answer.ok_or_else(|| Failure::unavailable(INVENTORY, BROKEN_OFF))?;
        let bookmark = answer.bookmark.filter(|bookmark| bookmark.snapshot_complete);
        let complete = bookmark
            .map(|bookmark| seen_by_inventory(&bookmark.consistency_token, &self.asked))
            .transpose()?;
        let devices = answer.changed.into_iter().map(known).collect::<Result<_, _>>()?;
        Ok(Part { devices, complete })
    }
}

/// The device of a message of the inventory: what breaks the contract there is a defect, not the caller's.
pub(crate) fn known(device: v1::Device) -> Result<KnownDevice, Failure> {
    let facts = convert::facts::from_proto(device.facts.unwrap_or_default())
        .map_err(|violations| broken(&device.name, &violations))?;
    Ok(KnownDevice { name: device.name, revision: device.revision, facts })
}

fn broken(device: &str, violations: &[Violation]) -> Failure {
    let found: Vec<String> = violations.iter().map(ToString::to_string).collect();
    Failure::internal(format!("the inventory's facts of {device} break the contract: {}", found.join("; ")))
}

fn inventory_failed(status: Status) -> Failure {
    Failure::from_dependency(INVENTORY, status)
}

/// Reads a token that another service gave: one that cannot be read is no fault of the caller.
fn token_of(text: &str) -> Result<ConsistencyToken, Failure> {
    ConsistencyToken::parse(text)
        .map_err(|_| Failure::internal("a service answered a damaged consistency token"))
}

/// The inventory's world, if it is at least the one asked for.
fn seen_by_inventory(text: &str, asked: &ConsistencyToken) -> Result<ConsistencyToken, Failure> {
    let seen = token_of(text)?;
    if let Some(mark) = seen.get(Service::Inventory) {
        asked.check(Service::Inventory, mark)?;
    }
    Ok(seen)
}

/// The consistency token of a world of the inventory.
fn inventory_token(world: fleet::World) -> String {
    ConsistencyToken::default().with(Service::Inventory, world.incarnation, world.revision).to_string()
}
