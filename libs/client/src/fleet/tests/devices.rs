//! Who is asked for devices, and that the answer is the inventory's whatever state the cache is in.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use prost::Message;
use tandem_cache::{
    BoxFuture, DeviceStateCache, Entry, Epoch, Finding, Following, InProcessCache, MAX_WATERMARK_AGE,
    Position, Removal, Value, WriteError,
};
use tandem_contracts::inventory::v1 as proto;
use tandem_contracts::inventory::v1::Device;
use tandem_contracts::inventory::v1::device_service_server::{DeviceService, DeviceServiceServer};
use tandem_server::Supervisor;
use tandem_server::consistency::Service;
use tonic::{Code, Request, Response, Status, Streaming};

use super::{serve, token, world_of};
use crate::fleet::{DeviceReader, NamedDevices, TokenOf, World, WorldOf};

const TENANT: &str = "tenants/contoso";

/// The world of the inventory: the revision of its newest device.
const HEAD: World = World { incarnation: 7, revision: 9 };

/// The instant at which every watermark is confirmed.
const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn name(id: &str) -> String {
    format!("{TENANT}/devices/{id}")
}

fn names(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| name(id)).collect()
}

fn device(id: &str, revision: u64) -> Device {
    Device { name: name(id), revision, ..Device::default() }
}

/// What the inventory knows.
fn fleet() -> Vec<Device> {
    vec![device("d1", 3), device("d2", 5), device("d3", 7), device("d4", HEAD.revision)]
}

fn inventory_token(world: World) -> String {
    token(Service::Inventory, world.incarnation, world.revision)
}

/// Answers what it knows, as the inventory does, and notes what it is asked for.
#[derive(Debug, Clone)]
struct Devices(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    world: World,
    devices: Vec<Device>,
    away: bool,
    asked: Vec<Vec<String>>,
}

impl Devices {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(State { world: HEAD, devices: fleet(), away: false, asked: Vec::new() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

macro_rules! not_called {
    ($($method:ident: $request:ty => $answer:ty;)*) => {$(
        fn $method<'life, 'answer>(
            &'life self,
            _: Request<$request>,
        ) -> std::pin::Pin<Box<dyn Future<Output = Result<Response<$answer>, Status>> + Send + 'answer>>
        where
            'life: 'answer,
            Self: 'answer,
        {
            Box::pin(std::future::ready(Err(Status::unimplemented(stringify!($method)))))
        }
    )*};
}

#[tonic::async_trait]
impl DeviceService for Devices {
    type ReportDevicesStream = futures::stream::Empty<Result<proto::ReportDevicesResponse, Status>>;
    type WatchDevicesStream = futures::stream::Empty<Result<proto::WatchDevicesResponse, Status>>;

    async fn batch_get_devices(
        &self,
        request: Request<proto::BatchGetDevicesRequest>,
    ) -> Result<Response<proto::BatchGetDevicesResponse>, Status> {
        let mut state = self.state();
        if state.away {
            // Of a kind that clients do not try again.
            return Err(Status::internal("away"));
        }
        let asked = request.into_inner().names;
        state.asked.push(asked.clone());
        let known = |name: &String| state.devices.iter().find(|device| device.name == *name);
        let mut devices: Vec<Device> = Vec::new();
        for found in asked.iter().filter_map(known) {
            if !devices.contains(found) {
                devices.push(found.clone());
            }
        }
        Ok(Response::new(proto::BatchGetDevicesResponse {
            devices,
            not_found: asked.iter().filter(|name| known(name).is_none()).cloned().collect(),
            consistency_token: inventory_token(state.world),
        }))
    }

    not_called! {
        report_devices: Streaming<proto::ReportDevicesRequest> => Self::ReportDevicesStream;
        get_device: proto::GetDeviceRequest => proto::GetDeviceResponse;
        lookup_device: proto::LookupDeviceRequest => proto::LookupDeviceResponse;
        list_devices: proto::ListDevicesRequest => proto::ListDevicesResponse;
        watch_devices: proto::WatchDevicesRequest => Self::WatchDevicesStream;
        list_identity_conflicts:
            proto::ListIdentityConflictsRequest => proto::ListIdentityConflictsResponse;
    }
}

/// A cache whose readers come at an instant of the test's choice, and which may break down.
struct Double {
    cache: InProcessCache,
    read_at: SystemTime,
    breaks: Breaks,
}

enum Breaks {
    Never,
    /// It does not answer in time, and says so.
    Answers,
    /// It never answers at all.
    Promises,
    /// It answers for fewer devices than it was asked for.
    Counts,
}

impl Double {
    /// Told of these devices, and confirmed at that revision.
    async fn told(devices: &[Device], through: World) -> Self {
        let entry = |device: &Device| Entry {
            id: device.name.rsplit('/').next().unwrap().into(),
            revision: device.revision,
            value: device.encode_to_vec().into(),
        };
        let double = Self { cache: InProcessCache::new(1 << 20), read_at: NOW, breaks: Breaks::Never };
        let begin = Position { incarnation: through.incarnation, revision: 0 };
        let epoch = double.cache.open("contoso", begin, NOW).await.unwrap().epoch;
        let entries: Vec<Entry> = devices.iter().map(entry).collect();
        double.cache.put_many("contoso", epoch, &entries, through.revision).await.unwrap();
        double.cache.advance("contoso", epoch, through.revision, NOW).await.unwrap();
        double
    }

    /// Complete.
    async fn whole() -> Self {
        Self::told(&fleet(), HEAD).await
    }
}

impl DeviceStateCache for Double {
    fn get_many<'a>(
        &'a self,
        tenant: &'a str,
        ids: &'a [&'a str],
        at_least: Option<Position>,
        _: SystemTime,
    ) -> BoxFuture<'a, Option<Vec<Option<Value>>>> {
        let answer = self.cache.get_many(tenant, ids, at_least, self.read_at);
        match self.breaks {
            Breaks::Never => answer,
            Breaks::Answers => Box::pin(std::future::ready(None)),
            Breaks::Promises => Box::pin(std::future::pending()),
            Breaks::Counts => Box::pin(std::future::ready(Some(Vec::new()))),
        }
    }

    fn find<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a str,
        at_least: Option<Position>,
        _: SystemTime,
    ) -> Finding<'a> {
        match self.breaks {
            Breaks::Never | Breaks::Counts => self.cache.find(tenant, id, at_least, self.read_at),
            Breaks::Answers => Finding::Left(std::future::ready(None)),
            Breaks::Promises => Finding::Right(Box::pin(std::future::pending())),
        }
    }

    fn open<'a>(
        &'a self,
        _: &'a str,
        _: Position,
        _: SystemTime,
    ) -> BoxFuture<'a, Result<Following, WriteError>> {
        unreachable!("readers do not write")
    }

    fn put_many<'a>(
        &'a self,
        _: &'a str,
        _: Epoch,
        _: &'a [Entry],
        _: u64,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        unreachable!("readers do not write")
    }

    fn remove_many<'a>(
        &'a self,
        _: &'a str,
        _: Epoch,
        _: &'a [Removal],
        _: u64,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        unreachable!("readers do not write")
    }

    fn advance<'a>(
        &'a self,
        _: &'a str,
        _: Epoch,
        _: u64,
        _: SystemTime,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        unreachable!("readers do not write")
    }

    fn is_full(&self) -> bool {
        self.cache.is_full()
    }

    fn clear<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), WriteError>> {
        unreachable!("readers do not write")
    }
}

/// A reader between the cache and the inventory.
struct Estate {
    inventory: Devices,
    reader: DeviceReader,
    _server: Supervisor,
}

fn estate(cache: Option<Double>) -> Estate {
    let inventory = Devices::new();
    let (server, connection) = serve(DeviceServiceServer::new(inventory.clone()));
    let world_of: WorldOf = |token| world_of(Service::Inventory, token);
    let token_of: TokenOf = inventory_token;
    let cache = cache.map(|cache| Arc::new(cache) as Arc<dyn DeviceStateCache>);
    Estate { inventory, reader: DeviceReader::new(&connection, cache, world_of, token_of), _server: server }
}

impl Estate {
    /// The answer about those devices, at least of the head, and what the inventory was asked for.
    async fn batch(&self, ids: &[&str]) -> (NamedDevices, Vec<Vec<String>>) {
        let answer = self.reader.batch(TENANT, names(ids), &inventory_token(HEAD)).await.unwrap();
        (answer, std::mem::take(&mut self.inventory.state().asked))
    }
}

/// The right answer about `d4`, `d1`, one that nothing has, and `d3`.
fn four() -> NamedDevices {
    NamedDevices {
        devices: vec![device("d4", 9), device("d1", 3), device("d3", 7)],
        not_found: vec![name("absent")],
        consistency_token: inventory_token(HEAD),
    }
}

const FOUR: [&str; 4] = ["d4", "d1", "absent", "d3"];

#[tokio::test]
async fn devices_that_the_cache_holds_ask_nobody() {
    let estate = estate(Some(Double::whole().await));
    estate.inventory.state().away = true;
    let expected = NamedDevices {
        devices: vec![device("d2", 5), device("d1", 3)],
        not_found: Vec::new(),
        consistency_token: inventory_token(HEAD),
    };
    assert_eq!(estate.batch(&["d2", "d1"]).await, (expected, Vec::new()));
}

#[tokio::test]
async fn devices_that_the_cache_lacks_are_asked_for_alone() {
    let held = [device("d1", 3), device("d3", 7)];
    let estate = estate(Some(Double::told(&held, HEAD).await));
    assert_eq!(estate.batch(&FOUR).await, (four(), vec![names(&["d4", "absent"])]));
}

#[tokio::test]
async fn device_asked_for_twice_is_answered_once() {
    let held = [device("d1", 3), device("d3", 7)];
    let estate = estate(Some(Double::told(&held, HEAD).await));
    let (answer, _) = estate.batch(&["d4", "d1", "d4", "absent", "d3", "d1"]).await;
    assert_eq!(answer, four());
}

#[tokio::test]
async fn bytes_that_are_not_the_device_are_as_good_as_missing() {
    let mut damaged = fleet();
    damaged[0].name = format!("{TENANT}/devices/other/d1");
    let estate = estate(Some(Double::told(&damaged, HEAD).await));
    assert_eq!(estate.batch(&FOUR).await, (four(), vec![names(&["d1", "absent"])]));
}

#[tokio::test(start_paused = true)]
async fn cache_that_may_not_be_trusted_leaves_the_answer_to_the_inventory() {
    let behind = World { revision: HEAD.revision - 1, ..HEAD };
    let of_another_life = World { incarnation: 8, revision: 99 };
    let cleared = Double::whole().await;
    cleared.cache.clear("contoso").await.unwrap();
    let cases = [
        ("absent", None),
        ("behind", Some(Double::told(&[device("d1", 2)], behind).await)),
        ("of another life", Some(Double::told(&fleet(), of_another_life).await)),
        ("followed by nobody", Some(Double { cache: InProcessCache::new(1), ..Double::whole().await })),
        ("aged", Some(Double { read_at: NOW + MAX_WATERMARK_AGE, ..Double::whole().await })),
        ("cleared", Some(cleared)),
        ("failing", Some(Double { breaks: Breaks::Answers, ..Double::whole().await })),
        ("stuck", Some(Double { breaks: Breaks::Promises, ..Double::whole().await })),
        ("broken", Some(Double { breaks: Breaks::Counts, ..Double::whole().await })),
    ];
    for (case, cache) in cases {
        assert_eq!(estate(cache).batch(&FOUR).await, (four(), vec![names(&FOUR)]), "{case}");
    }
}

#[tokio::test]
async fn reader_without_a_token_uses_the_cache_once_it_knows_the_incarnation() {
    let estate = estate(Some(Double::whole().await));
    for asked in [vec![names(&["d2"])], Vec::new()] {
        let answer = estate.reader.batch(TENANT, names(&["d2"]), "").await.unwrap();
        assert_eq!(answer.devices, [device("d2", 5)]);
        assert_eq!(std::mem::take(&mut estate.inventory.state().asked), asked);
    }
    // What was seen can be asked for: the newest of it is in the token.
    let answer = estate.reader.batch(TENANT, names(&["d1", "d3"]), "").await.unwrap();
    assert_eq!(answer.consistency_token, inventory_token(World { revision: 7, ..HEAD }));
}

#[tokio::test]
async fn inventory_restored_under_a_read_answers_it_whole() {
    let estate = estate(Some(Double::told(&[device("d1", 3)], HEAD).await));
    let restored = World { incarnation: 8, revision: 2 };
    {
        let mut state = estate.inventory.state();
        (state.world, state.devices) = (restored, vec![device("d2", 1)]);
    }
    let expected = NamedDevices {
        devices: vec![device("d2", 1)],
        not_found: vec![name("d1")],
        consistency_token: inventory_token(restored),
    };
    let asked = vec![names(&["d2"]), names(&["d1", "d2"])];
    assert_eq!(estate.batch(&["d1", "d2"]).await, (expected, asked));
}

#[tokio::test]
async fn names_of_no_device_of_the_tenant_are_the_inventorys_to_refuse() {
    let estate = estate(Some(Double::whole().await));
    for odd in
        ["tenants/fabrikam/devices/d1", "tenants/contoso/devices/", "tenants/contoso/devices/d1/x", "d1"]
    {
        let asked = vec![name("d1"), odd.to_owned()];
        estate.reader.batch(TENANT, asked.clone(), &inventory_token(HEAD)).await.unwrap();
        assert_eq!(std::mem::take(&mut estate.inventory.state().asked), [asked]);
    }
    let too_many = vec![name("d1"); 1001];
    estate.reader.batch(TENANT, too_many.clone(), &inventory_token(HEAD)).await.unwrap();
    assert_eq!(estate.inventory.state().asked, [too_many]);
}

#[tokio::test]
async fn inventory_that_fails_fails_the_answer_that_needs_it() {
    let estate = estate(Some(Double::told(&[device("d1", 3)], HEAD).await));
    estate.inventory.state().away = true;
    let status = estate.reader.batch(TENANT, names(&FOUR), &inventory_token(HEAD)).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Internal, "internal error"));
}
