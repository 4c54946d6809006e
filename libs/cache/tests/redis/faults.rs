//! One server, and what may befall it.

use std::time::{Duration, SystemTime};

use tandem_cache::{DeviceStateCache, MAX_WATERMARK_AGE, RedisCache, RedisLocation, WriteError};
use tandem_testkit::containers::Redis;
use tandem_testkit::wait::until;

use crate::observer::{EPOCH_KEY, Observer, TENANT};
use crate::promises::{at, patient};
use crate::world::{entry, position};

async fn observed(server: &Redis) -> Observer {
    let mut observer = Observer::new(patient(&at(server)));
    observer.change().await;
    observer.change().await;
    observer.recover().await;
    observer
}

pub(crate) async fn killed_server_costs_nothing_and_comes_back() {
    let server = Redis::start().await;
    let mut observer = observed(&server).await;
    server.kill().await;
    observer.check_costs_nothing().await;
    observer.commit();
    assert!(matches!(observer.follow().await, Err(WriteError::Unavailable(_))));
    server.revive().await;
    observer.recover().await;
}

pub(crate) async fn paused_server_costs_nothing_and_comes_back() {
    let server = Redis::start().await;
    let mut observer = Observer::new(RedisCache::new(&at(&server)).unwrap());
    observer.change().await;
    observer.recover().await;
    server.pause().await;
    observer.check_costs_nothing().await;
    observer.commit();
    assert!(matches!(observer.follow().await, Err(WriteError::Unavailable(_))));
    server.resume().await;
    observer.recover().await;
}

pub(crate) async fn server_that_was_never_there_costs_nothing() {
    // Nobody listens at the port for discarded bytes, or nobody who speaks this protocol.
    let nowhere = RedisLocation::server("redis://:a-secret@127.0.0.1:9".to_owned());
    let mut observer = Observer::new(RedisCache::new(&nowhere).unwrap());
    observer.commit();
    let Err(WriteError::Unavailable(why)) = observer.follow().await else { panic!("a write is not taken") };
    assert!(why.source().is_some(), "it says why: {why:?}");
    observer.check_costs_nothing().await;
    assert!(!format!("{nowhere:?} {:?}", observer.cache).contains("a-secret"));
}

pub(crate) async fn flushed_server_answers_nothing_of_before() {
    let server = Redis::start().await;
    let mut observer = observed(&server).await;
    server.command(&["FLUSHALL"]).await;
    assert_eq!(observer.read(0).await, None);
    server.command(&["SCRIPT", "FLUSH"]).await;
    assert!(matches!(observer.follow().await, Err(WriteError::Forgotten)));
    observer.commit();
    observer.recover().await;
}

pub(crate) async fn server_back_in_time_confirms_nothing_it_lost() {
    let server = Redis::start().await;
    let mut observer = observed(&server).await;
    server.command(&["SAVE"]).await;
    let saved = observer.head;
    // The device changes, the cache is told and acknowledges, and the server forgets it.
    observer.change().await;
    server.kill().await;
    server.revive().await;
    assert!(server.command(&["GET", EPOCH_KEY]).await.contains(&format!("{saved:016x}")), "it came back");

    // The follower has nothing to tell of the device; it only confirms, again and again.
    let head = observer.head;
    let forgotten = until("the follower is told", async || {
        assert!(observer.read(head).await.is_none(), "what is lost is not covered");
        let epoch = observer.place()?;
        let confirmed = observer.cache.advance(TENANT, epoch, head, SystemTime::now()).await;
        assert!(confirmed.is_err(), "what is lost is not confirmed");
        matches!(confirmed, Err(WriteError::Forgotten)).then_some(())
    });
    forgotten.await;
    observer.recover().await;
}

pub(crate) async fn second_follower_does_not_hide_what_the_first_lost() {
    let server = Redis::start().await;
    let mut first = observed(&server).await;
    let second = patient(&at(&server));
    server.command(&["SAVE"]).await;
    first.change().await;
    server.kill().await;
    server.revive().await;

    // The second one begins, and writes more often than the first had.
    let epoch = until("the second follower joins", async || {
        second.open(TENANT, position(first.head), SystemTime::now()).await.ok()
    });
    let joined = epoch.await;
    assert!(joined.watermark < first.head, "it is told where the server stands");
    for revision in 1..20 {
        second.put_many(TENANT, joined.epoch, &[entry("b", revision, 8)], first.head).await.unwrap();
    }
    let lost = until("the first follower is told", async || {
        let outcome = first.cache.advance(TENANT, first.place()?, first.head, SystemTime::now()).await;
        assert!(outcome.is_err());
        matches!(outcome, Err(WriteError::Forgotten)).then_some(())
    });
    lost.await;
    let told = second.advance(TENANT, joined.epoch, first.head, SystemTime::now()).await;
    assert!(matches!(told, Err(WriteError::Forgotten)), "the epoch has ended for all, found {told:?}");
    first.recover().await;
}

pub(crate) async fn epoch_that_was_left_does_not_come_back() {
    let server = Redis::start().await;
    let mut observer = observed(&server).await;
    let left = observer.place().unwrap();
    server.command(&["SAVE"]).await;
    observer.change().await;
    let head = observer.head;
    let open = async || observer.cache.open(TENANT, position(head), SystemTime::now()).await;
    observer.cache.clear(TENANT).await.unwrap();
    let next = open().await.unwrap().epoch;
    server.kill().await;
    server.revive().await;

    // The server is back in an epoch in which this process wrote what is lost, and which it has left since.
    let joined = until("the server answers", async || open().await.ok()).await;
    assert!(joined.epoch != left && joined.epoch != next, "{joined:?}");
    let told = observer.cache.advance(TENANT, left, head, SystemTime::now()).await;
    assert!(matches!(told, Err(WriteError::Forgotten)), "{told:?}");
    assert_eq!(observer.read(head).await, Some(None));
}

pub(crate) async fn near_layer_answers_what_its_watermark_covers_and_no_longer() {
    let server = Redis::start().await;
    let near = patient(&at(&server)).with_near(1 << 20);
    let follower = patient(&at(&server));
    let now = SystemTime::now();
    let epoch = follower.open(TENANT, position(0), now).await.unwrap().epoch;
    let tell = async |revision| {
        follower.put_many(TENANT, epoch, &[entry("a", revision, 8)], revision).await.unwrap();
        follower.advance(TENANT, epoch, revision, now).await.unwrap();
    };
    let read = async |at_least, now| near.get_many(TENANT, &["a"], Some(position(at_least)), now).await;
    let state = |revision| Some(vec![Some(entry("a", revision, 8).value)]);
    tell(1).await;
    assert_eq!(until("Redis answers", async || read(1, now).await).await, state(1).unwrap());
    tell(2).await;
    assert_eq!(read(1, now).await, state(1), "answered from near, and right for what is asked");
    assert_eq!(read(2, now).await, state(2), "what is not covered is asked for");

    server.pause().await;
    let limit = now + MAX_WATERMARK_AGE;
    assert_eq!(read(2, limit - Duration::from_millis(1)).await, state(2));
    assert_eq!(read(3, now).await, None);
    assert_eq!(read(2, limit).await, None);
    server.resume().await;
}

pub(crate) async fn full_server_confirms_nothing() {
    let server = Redis::start().await;
    let mut observer = observed(&server).await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let before = observer.head;
    observer.commit();
    assert!(matches!(observer.follow().await, Err(WriteError::Unavailable(_))));
    assert_eq!(observer.read(observer.head).await, None, "a change that was not taken is not covered");
    let now = SystemTime::now();
    if let Some(found) = observer.cache.get_many(TENANT, &["a"], Some(position(before)), now).await {
        assert_eq!(found, [Some(entry("a", before, 8).value)]);
    }
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    observer.recover().await;
}

pub(crate) async fn evicting_server_answers_less_but_nothing_stale() {
    const DEVICES: usize = 2000;
    let server = Redis::start_with(&["--maxmemory", "4mb", "--maxmemory-policy", "allkeys-random"]).await;
    let cache = patient(&at(&server));
    let now = SystemTime::now();
    let names: Vec<String> = (0..DEVICES).map(|n| format!("device-{n}")).collect();
    let (mut epoch, mut missing, mut held) = (None, 0, 0);
    // Every device changes again and again, more than fits.
    for revision in 1..40 {
        let entries: Vec<_> = names.iter().map(|name| entry(name, revision, 2048)).collect();
        let opened = match epoch {
            Some(epoch) => epoch,
            None => cache.open(TENANT, position(revision), now).await.unwrap().epoch,
        };
        let told = async {
            cache.put_many(TENANT, opened, &entries, revision).await?;
            cache.advance(TENANT, opened, revision, now).await
        };
        epoch = match told.await {
            Ok(()) => Some(opened),
            Err(WriteError::Forgotten) => None,
            Err(error) => panic!("{error:?}"),
        };
        let ids: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = cache.get_many(TENANT, &ids, Some(position(revision)), now).await;
        for value in found.into_iter().flatten() {
            let Some(value) = value else {
                missing += 1;
                continue;
            };
            assert_eq!(value, entry("", revision, 2048).value);
            held += 1;
        }
    }
    assert!(missing > 0, "everything fits: the test shows nothing");
    assert!(held > 0, "nothing is held: the test shows nothing");
}

pub(crate) async fn every_key_expires() {
    let server = Redis::start().await;
    let observer = observed(&server).await;
    let epoch = observer.place().unwrap();
    let gone = [tandem_cache::Removal { id: "b".into(), revision: observer.head }];
    observer.cache.remove_many(TENANT, epoch, &gone, observer.head).await.unwrap();
    let keys = server.command(&["KEYS", "*"]).await;
    assert_eq!(keys.lines().count(), 3, "{keys}");
    for key in keys.lines() {
        let seconds: i64 = server.command(&["TTL", key]).await.parse().unwrap();
        assert!((1..=7 * 24 * 3600).contains(&seconds), "{key} lives {seconds} s");
    }
}
