//! The one invariant under any order of events, with a server that evicts what it likes and goes back in time.

use std::sync::Mutex;

use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use redis::aio::MultiplexedConnection;
use tandem_cache::{DeviceStateCache, RedisCache};
use tandem_testkit::containers::Redis;
use tokio::runtime::Handle;

use crate::promises::{at, patient};
use crate::world::{Disturbance, IDS, Scene, World, event};

/// Two followers on one server, in two processes or in one.
struct Shared {
    tenant: String,
    caches: Vec<RedisCache>,
    server: MultiplexedConnection,
    /// As `DUMP` gave it; a key that was not there is `None`.
    saved: Mutex<Vec<Option<Vec<u8>>>>,
}

impl Shared {
    fn keys(&self) -> Vec<String> {
        let tag = format!("tandem:cache:1:{{{}:{}}}", self.tenant.len(), self.tenant);
        let devices = IDS.iter().map(|id| format!("{tag}:device:{id}"));
        devices.chain([format!("{tag}:epoch")]).collect()
    }

    async fn save(&self) {
        let mut dumps = redis::pipe();
        for key in self.keys() {
            dumps.cmd("DUMP").arg(key);
        }
        let saved = dumps.query_async(&mut self.server.clone()).await.unwrap();
        *self.saved.lock().unwrap() = saved;
    }

    async fn go_back(&self) {
        let saved = self.saved.lock().unwrap().clone();
        let mut restores = redis::pipe();
        restores.atomic();
        for (key, dump) in self.keys().iter().zip(&saved) {
            restores.del(key).ignore();
            if let Some(dump) = dump {
                restores.cmd("RESTORE").arg(key).arg(3_600_000).arg(dump).ignore();
            }
        }
        restores.exec_async(&mut self.server.clone()).await.unwrap();
    }
}

impl Scene for Shared {
    fn tenant(&self) -> &str {
        &self.tenant
    }

    fn cache(&self, follower: usize) -> &dyn DeviceStateCache {
        &self.caches[follower % self.caches.len()]
    }

    async fn disturb(&self, disturbance: Disturbance) {
        match disturbance {
            Disturbance::Evict(key) => {
                let mut unlink = redis::cmd("UNLINK");
                unlink.arg(&self.keys()[key]);
                unlink.exec_async(&mut self.server.clone()).await.unwrap();
            }
            Disturbance::Save => self.save().await,
            Disturbance::GoBack => self.go_back().await,
        }
    }
}

pub(crate) async fn trusted_state_is_right() {
    const CASES: u32 = 300;
    let server = Redis::start().await;
    let connection =
        redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let location = at(&server);
    let runtime = Handle::current();
    let cache = move |is_near: bool| {
        let cache = patient(&location);
        if is_near { cache.with_near(1 << 20) } else { cache }
    };
    let checked = tokio::task::spawn_blocking(move || {
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) };
        TestRunner::new(config).run(
            &(1..=2_usize, any::<bool>(), prop::collection::vec(event(), 1..100)),
            |(processes, is_near, events)| {
                let scene = Shared {
                    tenant: format!("tenant-{}", rand::random::<u64>()),
                    caches: (0..processes).map(|_| cache(is_near)).collect(),
                    server: connection.clone(),
                    saved: Mutex::default(),
                };
                runtime.block_on(World::run(&scene, &events))
            },
        )
    });
    match checked.await.unwrap() {
        Ok(()) => {}
        Err(TestError::Fail(why, events)) => panic!("{why}: {events:#?}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}
