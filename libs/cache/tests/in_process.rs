//! The in-process adapter: the suite of all adapters, its bound, and the one invariant under any order of events.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

use std::sync::Arc;
use std::time::SystemTime;

use proptest::prelude::*;
use tandem_cache::{
    DeviceStateCache, Entry, Epoch, InProcessCache, Position, Removal, WriteError, conformance,
};

const TENANT: &str = "contoso";
const IDS: [&str; 4] = ["a", "b", "c", "d"];
const NOW: SystemTime = SystemTime::UNIX_EPOCH;

#[tokio::test]
async fn in_process_cache_keeps_every_promise() {
    conformance::run(async || InProcessCache::new(1 << 20)).await;
}

fn entry(id: &str, revision: u64, bytes: usize) -> Entry {
    let mut value = revision.to_be_bytes().to_vec();
    value.resize(bytes.max(8), 0);
    Entry { id: id.into(), revision, value: Arc::from(value) }
}

fn position(revision: u64) -> Position {
    Position { incarnation: 1, revision }
}

#[tokio::test]
async fn more_than_the_capacity_is_not_kept() {
    let cache = InProcessCache::new(64 * 1024);
    let epoch = cache.open(TENANT, position(0), NOW).await.unwrap().epoch;
    let names: Vec<String> = (0..1000).map(|n| format!("device-{n}")).collect();
    for (name, revision) in names.iter().zip(1..) {
        cache.put_many(TENANT, epoch, &[entry(name, revision, 1024)], revision).await.unwrap();
    }
    let ids: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(cache.settle() <= 64 * 1024);
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

/// What may happen around a cache with two followers.
#[derive(Debug, Clone)]
enum Event {
    /// The database commits a change of a device, or its removal.
    Commit { device: usize, removed: bool },
    /// A follower reads a page of at most so many changes and writes it to the cache.
    Page { follower: usize, most: usize },
    /// A page that was written before arrives once more, as a retry that was thought lost.
    Replay { page: usize },
    /// A follower that reached the head says so, perhaps long after.
    Advance { follower: usize },
    /// A follower starts anew.
    Restart { follower: usize },
    /// Somebody clears the cache.
    Clear,
    /// Whatever is over the capacity is evicted.
    Evict,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..4_usize, prop::bool::weighted(0.2)).prop_map(|(device, removed)| Event::Commit { device, removed }),
        6 => (0..2_usize, 1..4_usize).prop_map(|(follower, most)| Event::Page { follower, most }),
        3 => (0..30_usize).prop_map(|page| Event::Replay { page }),
        5 => (0..2_usize).prop_map(|follower| Event::Advance { follower }),
        1 => (0..2_usize).prop_map(|follower| Event::Restart { follower }),
        1 => Just(Event::Clear),
        4 => Just(Event::Evict),
    ]
}

#[derive(Debug, Clone, Copy)]
struct Follower {
    epoch: Epoch,
    /// Read and written so far.
    read: u64,
    /// A head that it has reached and not told yet.
    reached: Option<u64>,
}

#[derive(Default)]
struct World {
    /// Every change: device and whether it was removed. A change's revision is its place, from 1.
    history: Vec<(usize, bool)>,
    followers: [Option<Follower>; 2],
    /// Every page that was written.
    pages: Vec<Page>,
}

struct Page {
    epoch: Epoch,
    entries: Vec<Entry>,
    removals: Vec<Removal>,
    end: u64,
}

impl Page {
    async fn write(&self, cache: &InProcessCache) -> Result<(), WriteError> {
        cache.put_many(TENANT, self.epoch, &self.entries, self.end).await?;
        cache.remove_many(TENANT, self.epoch, &self.removals, self.end).await
    }
}

impl World {
    fn head(&self) -> u64 {
        self.history.len() as u64
    }

    /// Newest change of a device at or before a revision.
    fn newest(&self, device: usize, at: u64) -> Option<(u64, bool)> {
        let changes = self.history.iter().take(usize::try_from(at).unwrap()).zip(1..);
        changes.filter(|((d, _), _)| *d == device).map(|((_, removed), revision)| (revision, *removed)).last()
    }

    async fn follower(&mut self, cache: &InProcessCache, who: usize) -> Follower {
        if let Some(follower) = self.followers[who] {
            return follower;
        }
        let joined = cache.open(TENANT, position(self.head()), NOW).await.unwrap();
        Follower { epoch: joined.epoch, read: joined.watermark, reached: None }
    }

    /// Reads and writes a page; `None` when the follower has to open anew.
    async fn page(
        &mut self,
        cache: &InProcessCache,
        mut follower: Follower,
        most: usize,
    ) -> Option<Follower> {
        let head = self.head();
        // The feed is compacted: a device shows up once, at its newest revision.
        let mut changes: Vec<(u64, usize, bool)> = (0..IDS.len())
            .filter_map(|device| self.newest(device, head).map(|(revision, gone)| (revision, device, gone)))
            .filter(|(revision, ..)| *revision > follower.read)
            .collect();
        changes.sort_unstable();
        let is_last = changes.len() <= most;
        changes.truncate(most);
        let end = if is_last { head } else { changes.last().unwrap().0 };
        let (gone, put): (Vec<_>, Vec<_>) = changes.into_iter().partition(|(.., gone)| *gone);
        let entries = put.iter().map(|(revision, d, _)| entry(IDS[*d], *revision, 8)).collect();
        let removals =
            gone.iter().map(|(revision, d, _)| Removal { id: IDS[*d].into(), revision: *revision }).collect();
        let page = Page { epoch: follower.epoch, entries, removals, end };
        let outcome = page.write(cache).await;
        self.pages.push(page);
        follower.read = end;
        if is_last {
            follower.reached = Some(end);
        }
        outcome.ok().map(|()| follower)
    }

    async fn apply(&mut self, cache: &InProcessCache, event: &Event) {
        match *event {
            Event::Commit { device, removed } => self.history.push((device, removed)),
            Event::Page { follower: who, most } => {
                let follower = self.follower(cache, who).await;
                self.followers[who] = self.page(cache, follower, most).await;
            }
            Event::Replay { page } => {
                if let Some(page) = self.pages.get(page) {
                    // A straggler hears that its epoch has ended, and nobody minds.
                    page.write(cache).await.ok();
                }
            }
            Event::Advance { follower: who } => {
                let mut follower = self.follower(cache, who).await;
                let told = match follower.reached.take() {
                    Some(through) => cache.advance(TENANT, follower.epoch, through, NOW).await,
                    None => Ok(()),
                };
                self.followers[who] = told.ok().map(|()| follower);
            }
            Event::Restart { follower } => self.followers[follower] = None,
            Event::Clear => cache.clear(TENANT).await.unwrap(),
            Event::Evict => {
                cache.settle();
            }
        }
    }

    /// A trusted state is never older than the device's newest change up to the watermark, nor of a device removed before.
    async fn check(&self, cache: &InProcessCache) -> Result<(), TestCaseError> {
        for asked in (0..=self.head()).rev() {
            let Some(found) = cache.get_many(TENANT, &IDS, Some(position(asked)), NOW).await else {
                continue;
            };
            for (device, value) in found.iter().enumerate() {
                let Some(value) = value else { continue };
                let revision = u64::from_be_bytes(value[..8].try_into().unwrap());
                let (newest, removed) = self.newest(device, asked).unwrap_or_default();
                prop_assert!(
                    revision > newest || (revision == newest && !removed),
                    "device {} at {revision}, but at {asked} it was {newest}, removed: {removed}",
                    IDS[device]
                );
            }
            // The greatest revision that is covered is the strictest question.
            break;
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn trusted_state_is_never_older_than_the_watermark(
        events in prop::collection::vec(event(), 1..60),
        // Room for anything from one entry to all: whatever is evicted, the answer stays right.
        capacity in 220_u64..2_000,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let cache = InProcessCache::new(capacity);
            let mut world = World::default();
            for event in &events {
                world.apply(&cache, event).await;
                world.check(&cache).await?;
            }
            Ok::<_, TestCaseError>(())
        })?;
    }
}
