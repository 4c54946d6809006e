//! The one invariant under any order of events, for every adapter.
#![allow(dead_code, unreachable_pub, reason = "test targets share it, and not each uses all")]

use std::sync::Arc;
use std::time::SystemTime;

use proptest::prelude::*;
use tandem_cache::{DeviceStateCache, Entry, Epoch, Position, Removal, WriteError};

pub const IDS: [&str; 4] = ["a", "b", "c", "d"];
const NOW: SystemTime = SystemTime::UNIX_EPOCH;

pub fn entry(id: &str, revision: u64, bytes: usize) -> Entry {
    let mut value = revision.to_be_bytes().to_vec();
    value.resize(bytes.max(8), 0);
    Entry { id: id.into(), revision, value: Arc::from(value) }
}

pub fn position(revision: u64) -> Position {
    Position { incarnation: 1, revision }
}

/// A cache for two followers.
pub trait Scene {
    fn tenant(&self) -> &str;

    /// As that follower sees it.
    fn cache(&self, follower: usize) -> &dyn DeviceStateCache;

    /// Does that to it, as far as it can happen there.
    async fn disturb(&self, disturbance: Disturbance);
}

/// What may happen to a cache by itself.
#[derive(Debug, Clone, Copy)]
pub enum Disturbance {
    /// What it holds of that device is evicted; after the last one, what it knows of the epoch.
    Evict(usize),
    /// It notes how it stands.
    Save,
    /// It stands again as it was noted last.
    GoBack,
}

/// What may happen around a cache with two followers.
#[derive(Debug, Clone)]
pub enum Event {
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
    /// Something happens to the cache itself.
    Disturb(Disturbance),
}

/// Any of them.
pub fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..4_usize, prop::bool::weighted(0.2)).prop_map(|(device, removed)| Event::Commit { device, removed }),
        8 => (0..2_usize, 1..4_usize).prop_map(|(follower, most)| Event::Page { follower, most }),
        3 => (0..30_usize).prop_map(|page| Event::Replay { page }),
        6 => (0..2_usize).prop_map(|follower| Event::Advance { follower }),
        1 => (0..2_usize).prop_map(|follower| Event::Restart { follower }),
        1 => Just(Event::Clear),
        3 => (0..IDS.len()).prop_map(|device| Event::Disturb(Disturbance::Evict(device))),
        1 => Just(Event::Disturb(Disturbance::Evict(IDS.len()))),
        3 => Just(Event::Disturb(Disturbance::Save)),
        3 => Just(Event::Disturb(Disturbance::GoBack)),
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

/// The database, the followers and what they have written.
#[derive(Default)]
pub struct World {
    /// Every change: device and whether it was removed. A change's revision is its place, from 1.
    history: Vec<(usize, bool)>,
    followers: [Option<Follower>; 2],
    /// Every page that was written.
    pages: Vec<Page>,
}

struct Page {
    follower: usize,
    epoch: Epoch,
    entries: Vec<Entry>,
    removals: Vec<Removal>,
    end: u64,
}

impl Page {
    async fn write(&self, scene: &impl Scene) -> Result<(), WriteError> {
        let (tenant, cache) = (scene.tenant(), scene.cache(self.follower));
        cache.put_many(tenant, self.epoch, &self.entries, self.end).await?;
        cache.remove_many(tenant, self.epoch, &self.removals, self.end).await
    }
}

impl World {
    /// Lets it all happen, and looks after each event.
    pub async fn run(scene: &impl Scene, events: &[Event]) -> Result<(), TestCaseError> {
        let mut world = Self::default();
        for event in events {
            world.apply(scene, event).await;
            world.check(scene).await?;
        }
        Ok(())
    }

    fn head(&self) -> u64 {
        self.history.len() as u64
    }

    /// Newest change of a device at or before a revision.
    fn newest(&self, device: usize, at: u64) -> Option<(u64, bool)> {
        let changes = self.history.iter().take(usize::try_from(at).unwrap()).zip(1..);
        changes.filter(|((d, _), _)| *d == device).map(|((_, removed), revision)| (revision, *removed)).last()
    }

    async fn follower(&mut self, scene: &impl Scene, who: usize) -> Follower {
        if let Some(follower) = self.followers[who] {
            return follower;
        }
        let cache = scene.cache(who);
        let joined = cache.open(scene.tenant(), position(self.head()), NOW).await.unwrap();
        Follower { epoch: joined.epoch, read: joined.watermark, reached: None }
    }

    /// Reads and writes a page; `None` when the follower has to open anew.
    async fn page(
        &mut self,
        scene: &impl Scene,
        who: usize,
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
        let page = Page { follower: who, epoch: follower.epoch, entries, removals, end };
        let outcome = page.write(scene).await;
        self.pages.push(page);
        follower.read = end;
        if is_last {
            follower.reached = Some(end);
        }
        outcome.ok().map(|()| follower)
    }

    async fn apply(&mut self, scene: &impl Scene, event: &Event) {
        match *event {
            Event::Commit { device, removed } => self.history.push((device, removed)),
            Event::Page { follower: who, most } => {
                let follower = self.follower(scene, who).await;
                self.followers[who] = self.page(scene, who, follower, most).await;
            }
            Event::Replay { page } => {
                if let Some(page) = self.pages.get(page) {
                    // A straggler hears that its epoch has ended, and nobody minds.
                    page.write(scene).await.ok();
                }
            }
            Event::Advance { follower: who } => {
                let mut follower = self.follower(scene, who).await;
                let told = match follower.reached.take() {
                    Some(through) => {
                        scene.cache(who).advance(scene.tenant(), follower.epoch, through, NOW).await
                    }
                    None => Ok(()),
                };
                self.followers[who] = told.ok().map(|()| follower);
            }
            Event::Restart { follower } => self.followers[follower] = None,
            Event::Clear => scene.cache(0).clear(scene.tenant()).await.unwrap(),
            Event::Disturb(disturbance) => scene.disturb(disturbance).await,
        }
    }

    /// A trusted state is never older than the device's newest change up to the watermark, nor of a device removed before.
    async fn check(&self, scene: &impl Scene) -> Result<(), TestCaseError> {
        for asked in (0..=self.head()).rev() {
            let Some(found) = scene.cache(0).get_many(scene.tenant(), &IDS, Some(position(asked)), NOW).await
            else {
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
