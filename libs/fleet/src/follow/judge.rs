//! Whom a follower asks: the service that counts, and those that it reads.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use tandem_client::fleet::{self, PolicyReader, SurroundingsReader};
use tandem_client::{Connection, Stack};
use tandem_contracts::convert::Violation;
use tandem_contracts::inventory::v1::collection_service_client::CollectionServiceClient;
use tandem_contracts::inventory::v1::device_service_client::DeviceServiceClient;
use tandem_contracts::inventory::v1::tenant_service_client::TenantServiceClient;
use tandem_contracts::inventory::v1::{BatchGetDevicesRequest, Device};
use tandem_server::ConsistencyToken;
use tandem_server::consistency::{Mark, Service};
use tandem_server::failure::Failure;

use super::INVENTORY;
use super::world::World;
use crate::index::Counted;

/// What a service itself keeps of a tenant.
#[derive(Debug)]
pub struct Own<O> {
    /// What devices are judged by.
    pub value: Arc<O>,
    /// The world that it is of. `None`: of any, since nothing was ever written.
    pub mark: Option<Mark>,
}

/// Says under which keys devices are counted.
pub trait Judge: Clone + Send + Sync + 'static {
    /// What devices are counted under.
    type Key: Clone + Eq + Hash + Debug + Send + Sync + 'static;

    /// What the service itself keeps of a tenant that its devices are judged by; another value changes every answer. `()`: nothing.
    type Own: PartialEq + Debug + Send + Sync + 'static;

    /// Which service that is, if it keeps anything.
    const SERVICE: Option<Service>;

    /// What the service keeps of `tenant` (`tenants/{t}`) now.
    ///
    /// # Errors
    /// It cannot be read.
    fn own(&self, tenant: &str) -> impl Future<Output = Result<Own<Self::Own>, Failure>> + Send;

    /// Judges devices of `tenant` (`tenants/{t}`) as the inventory sent them. One that left meanwhile may be left out: its leaving follows.
    ///
    /// # Errors
    /// A service that is asked does not answer, or breaks its contract.
    fn judge(
        &self,
        tenant: &str,
        world: Arc<World<Self::Own>>,
        devices: Vec<Device>,
    ) -> impl Future<Output = Result<Vec<Counted<Self::Key>>, Failure>> + Send;
}

/// The services that every follower reads, on its own service's behalf. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Sources {
    inventory: Connection,
    pub(super) surroundings: SurroundingsReader,
    pub(super) policies: PolicyReader,
}

impl Sources {
    /// Over connections to the two services; nothing is asked yet.
    #[must_use]
    pub fn new(inventory: &Connection, authority: &Connection) -> Self {
        Self {
            inventory: inventory.on_own_behalf(),
            surroundings: SurroundingsReader::new(inventory, |token| world_of(token, Service::Inventory)),
            policies: PolicyReader::new(authority, |token| world_of(token, Service::Authority)),
        }
    }

    pub(super) fn tenants(&self) -> TenantServiceClient<Stack> {
        self.inventory.tenants()
    }

    pub(super) fn devices(&self) -> DeviceServiceClient<Stack> {
        self.inventory.devices()
    }

    pub(super) fn collections(&self) -> CollectionServiceClient<Stack> {
        self.inventory.collections()
    }

    /// Devices as they are now, in surroundings at least as new as those of a world. Those that are gone are left out.
    pub(super) async fn again<O>(
        &self,
        tenant: &str,
        world: &World<O>,
        ids: &[Arc<str>],
    ) -> Result<Vec<Device>, Failure> {
        let request = BatchGetDevicesRequest {
            parent: tenant.to_owned(),
            names: ids.iter().map(|id| format!("{tenant}/devices/{id}")).collect(),
            consistency_token: inventory_of(&world.token).to_string(),
        };
        let answer = self.devices().batch_get_devices(request).await;
        let answer = answer.map_err(|status| Failure::from_dependency(INVENTORY, status))?;
        Ok(answer.into_inner().devices)
    }
}

/// An answer that breaks the contract: the other service has a defect, or is of a later release.
#[must_use]
pub fn broken(method: &str, violations: &[Violation]) -> Failure {
    let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
    Failure::internal(format!("the answer of {method} breaks the contract: {}", violations.join("; ")))
}

/// The part of a world that the inventory knows about.
pub(super) fn inventory_of(world: &ConsistencyToken) -> ConsistencyToken {
    let mark = world.get(Service::Inventory);
    mark.map_or_else(ConsistencyToken::default, |mark| {
        ConsistencyToken::default().with(Service::Inventory, mark.incarnation, mark.revision)
    })
}

/// A service's world, of a consistency token. `None`: the token says nothing of it.
#[must_use]
pub fn world_of(token: &str, service: Service) -> Option<fleet::World> {
    let mark = ConsistencyToken::parse(token).ok()?.get(service)?;
    Some(fleet::World { incarnation: mark.incarnation, revision: mark.revision })
}
