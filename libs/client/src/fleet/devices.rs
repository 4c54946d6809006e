//! Devices by name: from the device-state cache as far as it may be trusted, from the inventory for the rest.
//!
//! A device that a trusted cache does not hold may have been evicted, so absence is the inventory's to state. Without a cache, and
//! with one that is behind, cleared, failing or slow, the inventory answers everything: the answer is the same.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use metrics::{Counter, counter};
use prost::Message;
use tandem_cache::{DeviceStateCache, Finding, Found, Position, Value};
use tandem_contracts::inventory::v1::device_service_client::DeviceServiceClient;
use tandem_contracts::inventory::v1::{BatchGetDevicesRequest, Device};
use tonic::Status;

use super::{TokenOf, World, WorldOf};
use crate::stack::CallerSource;
use crate::{Connection, Stack};

/// Most names of one call, as the contract says. The inventory refuses more, in its own words.
const MOST_NAMES: usize = 1000;

/// How long the cache may take: a shared cache answers a thousand devices within some milliseconds, the inventory within some tens.
const CACHE_PATIENCE: Duration = Duration::from_millis(20);

/// Devices asked for by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NamedDevices {
    /// Those that are there, each once, in the order asked for.
    pub devices: Vec<Device>,
    /// The names that nothing has.
    pub not_found: Vec<String>,
    /// A read that asks for at least this world sees nothing older than this answer.
    pub consistency_token: String,
}

/// Reads devices by name. Clones share what they know.
#[derive(Clone)]
pub struct DeviceReader {
    client: DeviceServiceClient<Stack>,
    world_of: WorldOf,
    token_of: TokenOf,
    cache: Option<Arc<dyn DeviceStateCache>>,
    caller: Option<CallerSource>,
    /// The inventory's incarnation as it last said. A cache does not tell whose revisions it holds; it is asked for these.
    incarnation: Arc<RwLock<Option<u64>>>,
    reads: Arc<Reads>,
}

/// Counts what the cache answered.
#[derive(Debug, Default)]
struct Reads {
    /// Looked up once: that takes as long as the rest of a read.
    hits: OnceLock<Counter>,
}

impl Reads {
    fn hits(&self) -> &Counter {
        self.hits.get_or_init(|| counter!("tandem_cache_reads_total", "result" => "hit"))
    }
}

impl fmt::Debug for DeviceReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceReader").field("cached", &self.cache.is_some()).finish_non_exhaustive()
    }
}

/// A device as a trusted cache holds it, not decoded: whoever has judged it before need not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldDevice {
    /// The state, with what tells it from others.
    pub found: Found,
    /// It is of this world, or an earlier one in which it was the same; and at least of the world asked for.
    pub world: World,
}

impl HeldDevice {
    /// The device of that name. `None`: these bytes are no device, or another one, and as good as missing.
    #[must_use]
    pub fn device(&self, name: &str) -> Option<Device> {
        read(&self.found.value, name)
    }
}

/// What a trusted cache holds of the names of a request.
struct Held {
    /// In the order of the names; `None`: the inventory is to be asked.
    devices: Vec<Option<Device>>,
    /// Everything in it is of this world or an earlier one, and it is at least of the world asked for.
    world: World,
}

impl DeviceReader {
    /// A reader that asks the cache, if there is one, and the inventory at the other end. `world_of` reads the inventory's world
    /// from a consistency token, `token_of` writes it.
    #[must_use]
    pub fn new(
        inventory: &Connection,
        cache: Option<Arc<dyn DeviceStateCache>>,
        world_of: WorldOf,
        token_of: TokenOf,
    ) -> Self {
        let caller = inventory.caller_source();
        Self {
            client: inventory.devices(),
            world_of,
            token_of,
            cache,
            caller,
            incarnation: Arc::default(),
            reads: Arc::default(),
        }
    }

    /// The devices of `tenant` (`tenants/{t}`) with those names, at least of the world of `consistency_token`. Empty: of a world at
    /// most [`super::TRUSTED_FOR`] old. The caller has seen to it that the token is none that is damaged.
    ///
    /// # Errors
    /// The status with which the inventory answered.
    pub async fn batch(
        &self,
        tenant: &str,
        names: Vec<String>,
        consistency_token: &str,
    ) -> Result<NamedDevices, Status> {
        let Some(held) = self.held(tenant, &names, consistency_token).await else {
            if self.cache.is_some() {
                counter!("tandem_cache_reads_total", "result" => "bypass").increment(names.len() as u64);
            }
            return self.ask(tenant, names, consistency_token).await;
        };
        let missing = names.iter().zip(&held.devices).filter(|(_, device)| device.is_none());
        let missing: Vec<String> = missing.map(|(name, _)| name.clone()).collect();
        let hits = names.len() - missing.len();
        self.reads.hits().increment(hits as u64);
        counter!("tandem_cache_reads_total", "result" => "miss").increment(missing.len() as u64);
        if missing.is_empty() {
            let devices = in_order(&names, held.devices, Vec::new());
            let consistency_token = (self.token_of)(held.world);
            return Ok(NamedDevices { devices, not_found: Vec::new(), consistency_token });
        }
        let answer = self.ask(tenant, missing, consistency_token).await?;
        let world = (self.world_of)(&answer.consistency_token);
        let Some(world) = world.filter(|world| world.incarnation == held.world.incarnation) else {
            // The inventory was restored meanwhile: what the cache holds is of its former life.
            return self.ask(tenant, names, consistency_token).await;
        };
        let world = World { revision: world.revision.max(held.world.revision), ..world };
        Ok(NamedDevices {
            devices: in_order(&names, held.devices, answer.devices),
            not_found: answer.not_found,
            consistency_token: (self.token_of)(world),
        })
    }

    /// One device by the ids of its tenant and itself, if the cache may be trusted to hold it at least as of the world asked for; else
    /// [`Self::batch`] has the answer. For a caller who reaches the whole tenant: nobody else is looked at here.
    pub async fn held_one(&self, tenant: &str, id: &str, asked: Option<World>) -> Option<HeldDevice> {
        let cache = self.cache.as_ref()?;
        let any = || Some(World { incarnation: self.incarnation()?, revision: 0 });
        let mut world = asked.or_else(any)?;
        let at_least = Position { incarnation: world.incarnation, revision: world.revision };
        let found = match cache.find(tenant, id, Some(at_least), SystemTime::now()) {
            // What is at hand needs no clock.
            Finding::Left(found) => found.into_inner(),
            Finding::Right(asking) => tokio::time::timeout(CACHE_PATIENCE, asking).await.ok()?,
        };
        let found = found??;
        self.reads.hits().increment(1);
        world.revision = found.revision.max(world.revision);
        Some(HeldDevice { found, world })
    }

    async fn ask(
        &self,
        tenant: &str,
        names: Vec<String>,
        consistency_token: &str,
    ) -> Result<NamedDevices, Status> {
        let (parent, consistency_token) = (tenant.to_owned(), consistency_token.to_owned());
        let request = BatchGetDevicesRequest { parent, names, consistency_token };
        let answer = self.client.clone().batch_get_devices(request).await?.into_inner();
        self.learn(&answer.consistency_token);
        let (devices, not_found) = (answer.devices, answer.not_found);
        Ok(NamedDevices { devices, not_found, consistency_token: answer.consistency_token })
    }

    fn learn(&self, consistency_token: &str) {
        let said = (self.world_of)(consistency_token).map(|world| world.incarnation);
        if said.is_some() && said != self.incarnation() {
            *self.incarnation.write().unwrap_or_else(PoisonError::into_inner) = said;
        }
    }

    fn incarnation(&self) -> Option<u64> {
        *self.incarnation.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the cache holds, if it may be trusted to hold at least the world asked for.
    async fn held(&self, tenant: &str, names: &[String], consistency_token: &str) -> Option<Held> {
        let is_limited = self.caller.and_then(|caller| caller()).is_some_and(|(_, _, limited)| limited);
        let cache = self.cache.as_ref().filter(|_| !is_limited)?;
        let ids = ids(tenant, names)?;
        let any = || Some(World { incarnation: self.incarnation()?, revision: 0 });
        let mut world = (self.world_of)(consistency_token).or_else(any)?;
        let at_least = Position { incarnation: world.incarnation, revision: world.revision };
        let tenant = tenant.strip_prefix("tenants/")?;
        let asking = cache.get_many(tenant, &ids, Some(at_least), SystemTime::now());
        let values = tokio::time::timeout(CACHE_PATIENCE, asking).await.ok()??;
        if values.len() != names.len() {
            return None;
        }
        let devices: Vec<_> =
            values.iter().zip(names).map(|(value, name)| read(value.as_ref()?, name)).collect();
        let newest = devices.iter().flatten().map(|device| device.revision).max();
        world.revision = newest.unwrap_or(0).max(world.revision);
        Some(Held { devices, world })
    }
}

/// The ids of devices of one tenant; `None` if a name is none of these, which is for the inventory to refuse.
fn ids<'a>(tenant: &str, names: &'a [String]) -> Option<Vec<&'a str>> {
    if names.len() > MOST_NAMES {
        return None;
    }
    let id = |name: &'a String| {
        let id = name.strip_prefix(tenant)?.strip_prefix("/devices/")?;
        (!id.is_empty() && !id.contains('/')).then_some(id)
    };
    names.iter().map(id).collect()
}

/// A device as it was put into the cache. Bytes that are no device, or another one, are as good as missing.
fn read(value: &Value, name: &str) -> Option<Device> {
    Device::decode(&value[..]).ok().filter(|device| device.name == name)
}

/// What was held and what the inventory answered for the rest, each once, in the order asked for.
fn in_order(names: &[String], held: Vec<Option<Device>>, answered: Vec<Device>) -> Vec<Device> {
    let mut answered = answered.into_iter().peekable();
    let mut taken = HashSet::with_capacity(names.len());
    let mut devices = Vec::with_capacity(names.len());
    for (name, held) in names.iter().zip(held) {
        let device = held.or_else(|| answered.next_if(|device| device.name == *name));
        if let Some(device) = device
            && taken.insert(name.as_str())
        {
            devices.push(device);
        }
    }
    devices
}
