//! An inventory with the tenant `contoso`, a cache, the follower between them, and a reader over both.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use tandem_cache::{
    BoxFuture, DeviceStateCache, Entry, Epoch, Finding, Following, InProcessCache, Position, Removal, Value,
    WriteError,
};
use tandem_client::Connection;
use tandem_client::fleet::{DeviceReader, NamedDevices, TokenOf, World, WorldOf};
use tandem_contracts::convert::time::to_proto;
use tandem_contracts::inventory::v1::{
    BatchGetDevicesRequest, CreateTenantRequest, Device, Hierarchy, ListDevicesRequest, ReportDevicesRequest,
    Tenant, UpdateHierarchyRequest,
};
use tandem_contracts::r#type::v1::section::Body;
use tandem_contracts::r#type::v1::{Discovery, RecordRemoved, Section};
use tandem_server::consistency::Service;
use tandem_server::{ApiServer, Clock, ConsistencyToken, LocalAuthenticator, Supervisor};
use tandem_storage::Location;
use tempfile::TempDir;
use tokio::sync::watch;

use super::super::CacheFollower;
use super::super::tenant::Progress;
use crate::{Inventory, Parts};

const NOW: &str = "2026-11-20T12:00:00Z";
const PARENT: &str = "tenants/contoso";

/// Most names of one read.
const AT_ONCE: usize = 1000;

/// A cache whose clock stands still, and which may be away.
pub(super) struct Still {
    cache: InProcessCache,
    away: AtomicBool,
    advanced: watch::Sender<u64>,
}

impl Still {
    fn new(bytes: u64) -> Self {
        Self {
            cache: InProcessCache::new(bytes),
            away: AtomicBool::new(false),
            advanced: watch::Sender::new(0),
        }
    }

    pub(super) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// The revisions at which `contoso` was confirmed.
    pub(super) fn advanced(&self) -> watch::Receiver<u64> {
        self.advanced.subscribe()
    }

    pub(super) async fn is_followed(&self, tenant: &str) -> bool {
        self.get_many(tenant, &[], None, SystemTime::now()).await.is_some()
    }

    /// What the cache does, unless it is away.
    fn unless_away<'a, T: Send + 'a>(
        &self,
        does: BoxFuture<'a, Result<T, WriteError>>,
    ) -> BoxFuture<'a, Result<T, WriteError>> {
        if self.away.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(Err(WriteError::Unavailable("away".into()))));
        }
        does
    }
}

const THEN: SystemTime = SystemTime::UNIX_EPOCH;

impl DeviceStateCache for Still {
    fn open<'a>(
        &'a self,
        tenant: &'a str,
        head: Position,
        _: SystemTime,
    ) -> BoxFuture<'a, Result<Following, WriteError>> {
        self.unless_away(self.cache.open(tenant, head, THEN))
    }

    fn get_many<'a>(
        &'a self,
        tenant: &'a str,
        ids: &'a [&'a str],
        at_least: Option<Position>,
        _: SystemTime,
    ) -> BoxFuture<'a, Option<Vec<Option<Value>>>> {
        if self.away.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(None));
        }
        self.cache.get_many(tenant, ids, at_least, THEN)
    }

    fn find<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a str,
        at_least: Option<Position>,
        _: SystemTime,
    ) -> Finding<'a> {
        if self.away.load(Ordering::SeqCst) {
            return Finding::Left(std::future::ready(None));
        }
        self.cache.find(tenant, id, at_least, THEN)
    }

    fn put_many<'a>(
        &'a self,
        tenant: &'a str,
        epoch: Epoch,
        entries: &'a [Entry],
        as_of: u64,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        self.unless_away(self.cache.put_many(tenant, epoch, entries, as_of))
    }

    fn remove_many<'a>(
        &'a self,
        tenant: &'a str,
        epoch: Epoch,
        removals: &'a [Removal],
        as_of: u64,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        self.unless_away(self.cache.remove_many(tenant, epoch, removals, as_of))
    }

    fn advance<'a>(
        &'a self,
        tenant: &'a str,
        epoch: Epoch,
        through: u64,
        _: SystemTime,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        self.unless_away(Box::pin(async move {
            self.cache.advance(tenant, epoch, through, THEN).await?;
            self.advanced
                .send_if_modified(|seen| tenant == "contoso" && std::mem::replace(seen, through) != through);
            Ok(())
        }))
    }

    fn is_full(&self) -> bool {
        self.cache.is_full()
    }

    fn clear<'a>(&'a self, tenant: &'a str) -> BoxFuture<'a, Result<(), WriteError>> {
        self.cache.clear(tenant)
    }
}

pub(super) struct Estate {
    pub(super) cache: Arc<Still>,
    pub(super) follower: CacheFollower,
    inventory: Inventory,
    connection: Connection,
    reader: DeviceReader,
    supervisor: Supervisor,
    _folder: TempDir,
}

impl Estate {
    /// With a cache of that many bytes, and no device.
    pub(super) async fn start(bytes: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = Arc::new(Still::new(bytes));
        let shared: Arc<dyn DeviceStateCache> = cache.clone();
        let inventory = Inventory::open(Parts {
            database: Location::scratch(folder.path().join("inventory.db")),
            clock: Clock::fixed(NOW.parse().unwrap()),
            cache: Some(shared.clone()),
            hints: None,
        });
        let inventory = inventory.await.unwrap();
        let supervisor = Supervisor::new();
        let server = inventory.serve_on(ApiServer::new(LocalAuthenticator::default()));
        let connection = Connection::from_channel(tandem_testkit::serve(&supervisor, "inventory", server));
        let follower = CacheFollower::new(inventory.handlers.store.clone(), shared.clone());
        let (world_of, token_of): (WorldOf, TokenOf) = (world, token);
        let reader = DeviceReader::new(&connection, Some(shared), world_of, token_of);
        let estate = Self { cache, follower, inventory, connection, reader, supervisor, _folder: folder };
        estate.make_tenant("contoso").await;
        let hierarchy = Hierarchy { name: format!("{PARENT}/hierarchies/PS1"), ..Hierarchy::default() };
        let request = UpdateHierarchyRequest {
            hierarchy: Some(hierarchy),
            allow_missing: true,
            request_id: String::new(),
        };
        estate.connection.hierarchies().update_hierarchy(request).await.unwrap();
        estate
    }

    pub(super) async fn make_tenant(&self, id: &str) {
        let tenant = Tenant { name: format!("tenants/{id}"), ..Tenant::default() };
        let request = CreateTenantRequest { tenant: Some(tenant), request_id: String::new() };
        self.connection.tenants().create_tenant(request).await.unwrap();
    }

    /// Reports one batch. Answers the token of its acknowledgement.
    pub(super) async fn report(&self, sections: Vec<Section>) -> String {
        let source = "configmgr/PS1".into();
        let request = ReportDevicesRequest { parent: PARENT.into(), source, sequence: 1, sections };
        let answers = self.connection.devices().report_devices(futures::stream::iter([request])).await;
        let answer = answers.unwrap().into_inner().message().await.unwrap().unwrap();
        assert_eq!(answer.refused, []);
        answer.consistency_token
    }

    /// Drives the follower until it is at the head, or fails.
    pub(super) async fn catch_up(&mut self) {
        while self.follower.round().await != Progress::AtHead {}
    }

    /// How many of the tenant's devices the cache holds at that world; `None` where it does not answer.
    pub(super) async fn held(&self, token: &str) -> Option<usize> {
        let names = self.names().await;
        let ids: Vec<&str> = names.iter().filter_map(|name| name.rsplit('/').next()).collect();
        let at_least = world(token).map(|w| Position { incarnation: w.incarnation, revision: w.revision });
        let values = self.cache.get_many("contoso", &ids, at_least, SystemTime::now()).await?;
        Some(values.iter().flatten().count())
    }

    /// Every device of the tenant.
    pub(super) async fn names(&self) -> Vec<String> {
        let (mut names, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListDevicesRequest {
                parent: PARENT.into(),
                page_size: i32::try_from(AT_ONCE).unwrap(),
                page_token,
                ..ListDevicesRequest::default()
            };
            let page = self.connection.devices().list_devices(request).await.unwrap().into_inner();
            names.extend(page.devices.into_iter().map(|device| device.name));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return names;
            }
        }
    }

    /// The names asked about: a thousand at most, one of which nothing has.
    async fn asked(&self) -> Vec<String> {
        let mut names = self.names().await;
        names.truncate(AT_ONCE - 1);
        names.insert(names.len() / 2, format!("{PARENT}/devices/absent"));
        names
    }

    /// What the reader answers at that world.
    pub(super) async fn answer(&self, token: &str) -> NamedDevices {
        self.reader.batch(PARENT, self.asked().await, token).await.unwrap()
    }

    /// The reader answers what the inventory does at that world.
    pub(super) async fn check_answers(&self, token: &str) {
        self.check_answers_about(&self.asked().await, token).await;
    }

    pub(super) async fn check_answers_about(&self, names: &[String], token: &str) {
        let (parent, consistency_token) = (PARENT.to_owned(), token.to_owned());
        let request = BatchGetDevicesRequest { parent, names: names.to_vec(), consistency_token };
        let expected = self.connection.devices().batch_get_devices(request).await.unwrap().into_inner();
        let found = self.reader.batch(PARENT, names.to_vec(), token).await.unwrap();
        assert_eq!((found.devices, found.not_found), (expected.devices, expected.not_found));
        assert!(revision(&found.consistency_token) >= revision(token), "at least the world asked for");
    }

    /// How devices are called at that world, sorted.
    pub(super) async fn display_names(&self, token: &str) -> Vec<String> {
        let names = self.names().await;
        named(&self.reader.batch(PARENT, names, token).await.unwrap())
    }

    pub(super) fn start_tasks(&self) {
        self.inventory.start_tasks(&self.supervisor);
    }

    pub(super) async fn stop(self) {
        self.supervisor.drain();
        self.supervisor.join().await.unwrap();
    }
}

fn world(token: &str) -> Option<World> {
    let mark = ConsistencyToken::parse(token).ok()?.get(Service::Inventory)?;
    Some(World { incarnation: mark.incarnation, revision: mark.revision })
}

fn token(world: World) -> String {
    ConsistencyToken::default().with(Service::Inventory, world.incarnation, world.revision).to_string()
}

/// The inventory's revision in a token.
pub(super) fn revision(token: &str) -> u64 {
    world(token).unwrap().revision
}

/// How the devices of an answer are called, sorted.
pub(super) fn named(answer: &NamedDevices) -> Vec<String> {
    let display_name =
        |device: &Device| device.facts.clone().unwrap_or_default().display_name.unwrap_or_default();
    let mut names: Vec<String> = answer.devices.iter().map(display_name).collect();
    names.sort();
    names
}

fn section(number: u32, sequence: u64, body: Body) -> Section {
    let observed_at = Some(to_proto(NOW.parse().unwrap()));
    Section { key: format!("PS1/{number}"), observed_at, sequence, body: Some(body) }
}

fn discovery(number: u32, name: String) -> Body {
    Body::Discovery(Discovery {
        name: Some(name),
        sms_unique_identifier: Some(format!("GUID:6D1E0F9A-1B2C-4D3E-8F90-{number:012}")),
        client: Some(true),
        operating_system: Some("Microsoft Windows NT Workstation 10.0".into()),
        ..Discovery::default()
    })
}

/// One device for each number, called `OSL-` and the number.
pub(super) fn sections(numbers: RangeInclusive<u32>) -> Vec<Section> {
    numbers.map(|number| section(number, 0, discovery(number, format!("OSL-{number}")))).collect()
}

/// The device of that number with another name.
pub(super) fn renamed(number: u32, name: &str) -> Section {
    section(number, 1, discovery(number, name.into()))
}

/// The device of that number is gone.
pub(super) fn removed(number: u32) -> Section {
    section(number, 1, Body::Removed(RecordRemoved { reason: "obsolete".into() }))
}
