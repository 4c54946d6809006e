//! The in-process adapter: the suite of all adapters, its bound, and the one invariant under any order of events.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

mod world;

use std::sync::Arc;
use std::time::SystemTime;

use proptest::prelude::*;
use tandem_cache::{DeviceStateCache, InProcessCache, conformance};

use self::world::{Disturbance, IDS, Scene, World, entry, event, position};

const TENANT: &str = "contoso";
const NOW: SystemTime = SystemTime::UNIX_EPOCH;

#[tokio::test]
async fn in_process_cache_keeps_every_promise() {
    conformance::run(async |bytes| InProcessCache::new(bytes)).await;
}

#[tokio::test]
async fn more_than_the_capacity_is_not_kept() {
    let cache = InProcessCache::new(64 * 1024);
    assert!(!cache.is_full());
    let epoch = cache.open(TENANT, position(0), NOW).await.unwrap().epoch;
    let names: Vec<String> = (0..1000).map(|n| format!("device-{n}")).collect();
    for (name, revision) in names.iter().zip(1..) {
        cache.put_many(TENANT, epoch, &[entry(name, revision, 1024)], revision).await.unwrap();
    }
    let ids: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(cache.is_full());
    assert!(cache.bytes() <= 64 * 1024);
    let found = cache.get_many(TENANT, &ids, None, NOW).await.unwrap();
    let kept: usize = found.iter().flatten().map(|value| value.len()).sum();
    assert!((1..=64 * 1024).contains(&kept), "{kept}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_at_once_leave_the_newest_state_or_none() {
    let cache = Arc::new(InProcessCache::new(1 << 20));
    let epoch = cache.open(TENANT, position(0), NOW).await.unwrap().epoch;
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let cache = cache.clone();
            tokio::spawn(async move {
                for revision in (1..=400_u64).filter(|r| r % 4 == writer) {
                    let changed = IDS.map(|id| entry(id, revision, 8));
                    cache.put_many(TENANT, epoch, &changed, revision).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    cache.advance(TENANT, epoch, 400, NOW).await.unwrap();
    let newest = entry("", 400, 8).value;
    for found in cache.get_many(TENANT, &IDS, Some(position(400)), NOW).await.unwrap() {
        assert!(found.is_none_or(|value| value == newest));
    }
}

/// One process with two followers, and room for some of the states.
struct InProcess(InProcessCache);

impl Scene for InProcess {
    fn tenant(&self) -> &str {
        TENANT
    }

    fn cache(&self, _follower: usize) -> &dyn DeviceStateCache {
        &self.0
    }

    /// Nothing goes on here that could be disturbed.
    async fn disturb(&self, _disturbance: Disturbance) {}
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn trusted_state_is_never_older_than_the_watermark(
        events in prop::collection::vec(event(), 1..60),
        // Room for anything from one entry to all: whatever is evicted, the answer stays right.
        capacity in 160_u64..4_000,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let scene = InProcess(InProcessCache::new(capacity));
        runtime.block_on(World::run(&scene, &events))?;
    }
}
