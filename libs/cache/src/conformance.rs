//! What every adapter of [`DeviceStateCache`] must do. An adapter's tests call [`run`]; a broken promise panics with its name.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::port::{
    DeviceStateCache, Entry, Epoch, Following, MAX_WATERMARK_AGE, Position, Removal, Value, WriteError,
};

const TENANT: &str = "contoso";
const INCARNATION: u64 = 0xfeed_0001;
const OTHER_INCARNATION: u64 = 0xfeed_0002;

/// Checks every promise, each on a new cache. `make_cache(bytes)` makes one that may keep about so many bytes, or more.
///
/// # Panics
/// When the adapter breaks a promise.
pub async fn run<C: DeviceStateCache>(make_cache_of: impl AsyncFn(u64) -> C) {
    let make_cache = async || make_cache_of(ROOM_FOR_A_FEW).await;
    only_a_confirmed_watermark_is_trusted(make_cache().await).await;
    an_aged_watermark_is_not_trusted(make_cache().await).await;
    only_what_the_watermark_covers_is_trusted(make_cache().await).await;
    an_older_write_is_ignored(make_cache().await).await;
    a_removed_device_comes_back_only_by_a_newer_write(make_cache().await).await;
    a_late_write_leaves_nothing_stale(make_cache().await).await;
    a_laggard_neither_moves_nor_confirms_the_watermark(make_cache().await).await;
    a_second_follower_joins_at_the_watermark(make_cache().await).await;
    another_incarnation_forgets_everything(make_cache().await).await;
    clearing_forgets_one_tenant(make_cache().await).await;
    no_name_of_a_tenant_finds_what_is_anothers(make_cache().await).await;
    what_does_not_fit_is_missing_and_never_stale(make_cache_of(ROOM_FOR_SOME).await).await;
}

/// Bytes for the few small states of most promises.
const ROOM_FOR_A_FEW: u64 = 1 << 20;

/// Bytes for some of [`MANY`] states of a kilobyte.
const ROOM_FOR_SOME: u64 = 64 << 10;
const MANY: u64 = 500;

struct Subject<C> {
    cache: C,
    epoch: Epoch,
    now: SystemTime,
}

impl<C: DeviceStateCache> Subject<C> {
    /// An empty cache whose watermark stands at that revision.
    async fn at(cache: C, revision: u64) -> Self {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let Following { epoch, watermark } = cache.open(TENANT, position(revision), now).await.expect("open");
        assert_eq!(watermark, revision, "a new epoch begins at the head");
        Self { cache, epoch, now }
    }

    async fn advance(&self, through: u64) {
        self.cache.advance(TENANT, self.epoch, through, self.now).await.expect("advance");
    }

    async fn put(&self, id: &str, revision: u64, as_of: u64) {
        let entries = [entry(id, revision)];
        self.cache.put_many(TENANT, self.epoch, &entries, as_of).await.expect("put");
    }

    async fn remove(&self, id: &str, revision: u64, as_of: u64) {
        let removals = [Removal { id: id.into(), revision }];
        self.cache.remove_many(TENANT, self.epoch, &removals, as_of).await.expect("remove");
    }

    /// Each state also by itself, with the epoch and revision that tell it from others.
    async fn get(&self, ids: &[&str]) -> Option<Vec<Option<Value>>> {
        let values = self.cache.get_many(TENANT, ids, None, self.now).await;
        for (place, id) in ids.iter().enumerate() {
            let alone = self.cache.find(TENANT, id, None, self.now).await;
            let expected = values.as_ref().map(|values| values[place].clone());
            let found = alone.clone().map(|found| found.map(|found| found.value));
            assert_eq!(found, expected, "a state is found by itself as it is among others");
            if let Some(found) = alone.flatten() {
                assert_eq!(found.epoch, self.epoch, "a state is found in the epoch that it was put in");
                assert_eq!(found.value, value(id, found.revision), "a state is found with its revision");
            }
        }
        values
    }

    async fn covers(&self, at_least: Position) -> bool {
        let covers = self.cache.get_many(TENANT, &[], Some(at_least), self.now).await.is_some();
        let alone = self.cache.find(TENANT, "nobody", Some(at_least), self.now).await;
        assert_eq!(alone, covers.then_some(None), "one state is trusted as many are");
        covers
    }

    /// Every kind of write in an epoch that has ended is refused.
    async fn check_forgotten(&self, epoch: Epoch) {
        let outcomes = [
            self.cache.put_many(TENANT, epoch, &[entry("a", 99)], 99).await,
            self.cache.remove_many(TENANT, epoch, &[Removal { id: "a".into(), revision: 99 }], 99).await,
            self.cache.advance(TENANT, epoch, 99, self.now).await,
        ];
        let forgotten = outcomes.iter().all(|outcome| matches!(outcome, Err(WriteError::Forgotten)));
        assert!(forgotten, "a write in an epoch that has ended is refused, found {outcomes:?}");
    }
}

fn entry(id: &str, revision: u64) -> Entry {
    Entry { id: id.into(), revision, value: value(id, revision) }
}

fn position(revision: u64) -> Position {
    Position { incarnation: INCARNATION, revision }
}

fn value(id: &str, revision: u64) -> Value {
    Arc::from(format!("{id} at {revision}").into_bytes())
}

async fn only_a_confirmed_watermark_is_trusted<C: DeviceStateCache>(cache: C) {
    let now = SystemTime::UNIX_EPOCH;
    assert_eq!(
        cache.get_many(TENANT, &["a"], None, now).await,
        None,
        "a cache that nobody follows answers nothing"
    );

    let subject = Subject::at(cache, 4).await;
    subject.put("a", 5, 6).await;
    subject.put("b", 6, 6).await;
    subject.advance(6).await;
    let expected = Some(vec![Some(value("b", 6)), None, Some(value("a", 5))]);
    assert_eq!(subject.get(&["b", "absent", "a"]).await, expected, "values come in the order asked for");
}

async fn an_aged_watermark_is_not_trusted<C: DeviceStateCache>(cache: C) {
    let mut subject = Subject::at(cache, 4).await;
    let confirmed_at = subject.now;
    let tick = Duration::from_millis(1);

    subject.now = confirmed_at + MAX_WATERMARK_AGE - tick;
    assert_eq!(subject.get(&[]).await, Some(vec![]), "younger than the limit is trusted");
    subject.now = confirmed_at + MAX_WATERMARK_AGE;
    assert_eq!(subject.get(&[]).await, None, "as old as the limit is not trusted");
    subject.now = confirmed_at - MAX_WATERMARK_AGE;
    assert_eq!(subject.get(&[]).await, None, "a watermark from the future is not trusted");

    subject.now = confirmed_at + Duration::from_secs(60);
    subject.advance(4).await;
    assert_eq!(subject.get(&[]).await, Some(vec![]), "the same revision again confirms");
}

async fn only_what_the_watermark_covers_is_trusted<C: DeviceStateCache>(cache: C) {
    let subject = Subject::at(cache, 4).await;
    assert!(subject.covers(position(4)).await, "the watermark covers itself");
    assert!(!subject.covers(position(5)).await, "the watermark does not cover the next revision");
    subject.put("a", 5, 5).await;
    assert!(!subject.covers(position(5)).await, "a write alone does not move the watermark");
    let foreign = Position { incarnation: OTHER_INCARNATION, revision: 0 };
    assert!(!subject.covers(foreign).await, "revisions of another incarnation are not comparable");
}

async fn an_older_write_is_ignored<C: DeviceStateCache>(cache: C) {
    let subject = Subject::at(cache, 4).await;
    subject.put("a", 6, 6).await;
    subject.put("a", 5, 6).await;
    assert_eq!(
        subject.get(&["a"]).await,
        Some(vec![Some(value("a", 6))]),
        "an older state does not replace a newer one"
    );
    subject.remove("a", 5, 6).await;
    assert_eq!(
        subject.get(&["a"]).await,
        Some(vec![Some(value("a", 6))]),
        "an older removal does not remove a newer state"
    );
    subject.put("a", 7, 7).await;
    assert_eq!(
        subject.get(&["a"]).await,
        Some(vec![Some(value("a", 7))]),
        "a newer state replaces an older one"
    );
}

async fn a_removed_device_comes_back_only_by_a_newer_write<C: DeviceStateCache>(cache: C) {
    let subject = Subject::at(cache, 4).await;
    subject.put("a", 5, 5).await;
    subject.remove("a", 7, 7).await;
    assert_eq!(subject.get(&["a"]).await, Some(vec![None]), "a removed device is absent");
    subject.put("a", 6, 7).await;
    assert_eq!(
        subject.get(&["a"]).await,
        Some(vec![None]),
        "an older state does not resurrect a removed device"
    );
    subject.put("a", 8, 8).await;
    assert_eq!(subject.get(&["a"]).await, Some(vec![Some(value("a", 8))]), "a newer state does");
}

async fn a_late_write_leaves_nothing_stale<C: DeviceStateCache>(cache: C) {
    let subject = Subject::at(cache, 4).await;
    subject.put("a", 5, 5).await;
    subject.put("b", 8, 8).await;
    // A second follower that is behind: what it says was right at 6, and the first one is at 8 already.
    subject.put("a", 6, 6).await;
    subject.put("c", 6, 6).await;
    subject.advance(8).await;
    let found = subject.get(&["a", "b", "c"]).await;
    assert_eq!(
        found,
        Some(vec![None, Some(value("b", 8)), None]),
        "a late write drops older states and adds nothing"
    );
}

async fn a_laggard_neither_moves_nor_confirms_the_watermark<C: DeviceStateCache>(cache: C) {
    let mut subject = Subject::at(cache, 4).await;
    subject.advance(8).await;
    subject.now += MAX_WATERMARK_AGE;
    subject.advance(7).await;
    assert_eq!(subject.get(&[]).await, None, "a revision before the watermark does not confirm it");
    subject.advance(8).await;
    assert!(subject.covers(position(8)).await, "a revision before the watermark does not move it back");
}

async fn a_second_follower_joins_at_the_watermark<C: DeviceStateCache>(cache: C) {
    let mut subject = Subject::at(cache, 4).await;
    subject.put("a", 5, 6).await;
    subject.advance(6).await;
    subject.now += MAX_WATERMARK_AGE;
    let joined = subject.cache.open(TENANT, position(9), subject.now).await.expect("open");
    assert_eq!(
        joined,
        Following { epoch: subject.epoch, watermark: 6 },
        "it goes on from the watermark, not the head"
    );
    assert_eq!(subject.get(&[]).await, None, "joining does not confirm");
    subject.advance(6).await;
    assert_eq!(subject.get(&["a"]).await, Some(vec![Some(value("a", 5))]), "joining forgets nothing");
}

async fn another_incarnation_forgets_everything<C: DeviceStateCache>(cache: C) {
    let subject = Subject::at(cache, 4).await;
    subject.put("a", 5, 5).await;
    subject.advance(5).await;

    let restored = Position { incarnation: OTHER_INCARNATION, revision: 3 };
    let joined = subject.cache.open(TENANT, restored, subject.now).await.expect("open");
    assert_eq!(joined.watermark, 3, "the new incarnation has its own watermark");
    assert_ne!(joined.epoch, subject.epoch, "the new incarnation has its own epoch");
    subject.check_forgotten(subject.epoch).await;
    assert_eq!(subject.get(&["a"]).await, Some(vec![None]), "states of another incarnation are forgotten");
    assert!(subject.covers(restored).await, "an empty cache is complete");
    assert!(!subject.covers(position(3)).await, "the old incarnation is no longer covered");
}

async fn clearing_forgets_one_tenant<C: DeviceStateCache>(cache: C) {
    let subject = Subject::at(cache, 4).await;
    let other = subject.cache.open("fabrikam", position(4), subject.now).await.expect("open");
    let entries = [Entry { id: "a".into(), revision: 5, value: value("other", 5) }];
    subject.cache.put_many("fabrikam", other.epoch, &entries, 5).await.expect("put");
    subject.put("a", 5, 5).await;
    let other = async || subject.cache.get_many("fabrikam", &["a"], None, subject.now).await;
    assert_eq!(other().await, Some(vec![Some(value("other", 5))]), "tenants share no entries");

    subject.cache.clear(TENANT).await.expect("clear");
    assert_eq!(subject.get(&["a"]).await, None, "a cleared tenant has no watermark");
    assert_eq!(other().await, Some(vec![Some(value("other", 5))]), "other tenants stay");
    subject.check_forgotten(subject.epoch).await;
    let anew = subject.cache.open(TENANT, position(5), subject.now).await.expect("open");
    assert_ne!(anew.epoch, subject.epoch, "what was written before the clearing does not count after it");
    subject.check_forgotten(subject.epoch).await;
    assert_eq!(subject.get(&["a"]).await, Some(vec![None]), "what was cleared does not come back");
}

/// Names that could be taken for one another where a key is made of several.
async fn no_name_of_a_tenant_finds_what_is_anothers<C: DeviceStateCache>(cache: C) {
    let tenants = [TENANT, "contoso:device", "contoso}:device", "{7:contoso}", "7:contoso", "c", ""];
    let ids = ["a", "device:a", ":a", "}:device:a", "contoso:a", "{7:contoso}:device:a", ""];
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let of = |tenant: &str, id: &str| -> Value { Arc::from(format!("{tenant} has {id}").as_bytes()) };
    // Of each tenant another device is missing, which all others have.
    let has = |tenant: usize, id: usize| tenant != id;
    for (number, tenant) in tenants.iter().enumerate() {
        let Following { epoch, .. } = cache.open(tenant, position(1), now).await.expect("open");
        let entries = ids.iter().enumerate().filter(|(id, _)| has(number, *id));
        let entries: Vec<Entry> =
            entries.map(|(_, id)| Entry { id: Arc::from(*id), revision: 1, value: of(tenant, id) }).collect();
        cache.put_many(tenant, epoch, &entries, 1).await.expect("put");
        cache.advance(tenant, epoch, 1, now).await.expect("advance");
    }
    for (number, tenant) in tenants.iter().enumerate() {
        let expected = ids.iter().enumerate().map(|(id, name)| has(number, id).then(|| of(tenant, name)));
        let expected: Vec<Option<Value>> = expected.collect();
        let found = cache.get_many(tenant, &ids, None, now).await.expect("it is trusted");
        assert_eq!(found, expected, "`{tenant}` finds what it has, and nothing of another");
        for (id, expected) in ids.iter().zip(expected) {
            let found = cache.find(tenant, id, None, now).await.expect("it is trusted");
            assert_eq!(found.map(|found| found.value), expected, "`{id}` of `{tenant}`");
        }
    }
}

/// An adapter that keeps only so much evicts; one that has more room keeps all. Either way a state that is found is the newest, those
/// that are missing take no trust from the others, and a state that was evicted comes back by a newer write alone.
async fn what_does_not_fit_is_missing_and_never_stale<C: DeviceStateCache>(cache: C) {
    let subject = Subject::at(cache, 0).await;
    let ids: Vec<String> = (0..MANY).map(|n| format!("device-{n:03}")).collect();
    let state = |id: &String, revision: u64| {
        let value = Arc::from([&value(id, revision)[..], &[0; 1 << 10]].concat());
        Entry { id: id.as_str().into(), revision, value }
    };
    let put = async |entries: Vec<Entry>, as_of: u64| {
        subject.cache.put_many(TENANT, subject.epoch, &entries, as_of).await.expect("put");
    };
    // Each device changes twice, and before the second time its first state may be there or not.
    put(ids.iter().zip(1..).map(|(id, revision)| state(id, revision)).collect(), MANY).await;
    put(ids.iter().zip(MANY + 1..).map(|(id, revision)| state(id, revision)).collect(), 2 * MANY).await;
    // A late page has the first states once more.
    put(ids.iter().zip(1..).map(|(id, revision)| state(id, revision)).collect(), MANY).await;
    subject.advance(2 * MANY).await;

    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let found = subject.cache.get_many(TENANT, &names, Some(position(2 * MANY)), subject.now).await;
    let found = found.expect("a cache from which states were evicted is trusted");
    let newest = ids.iter().zip(MANY + 1..).map(|(id, revision)| state(id, revision).value);
    for (id, (found, newest)) in ids.iter().zip(found.iter().zip(newest)) {
        assert!(found.as_ref().is_none_or(|found| *found == newest), "{id} is the newest or missing");
    }
    let missing = found.iter().filter(|found| found.is_none()).count();
    assert!(
        missing == 0 || subject.cache.is_full(),
        "{missing} of {MANY} states are missing, so there was no room for them"
    );
}
