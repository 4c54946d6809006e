//! Hints between processes, and what they do to what a process keeps near.

use std::sync::Arc;
use std::time::SystemTime;

use tandem_cache::{DeviceStateCache, Hint, RedisHints, RedisLocation};
use tandem_testkit::containers::{Redis, RedisCluster};
use tandem_testkit::wait::until;

use crate::promises::{at, patient};
use crate::world::{entry, position};

const TENANT: &str = "contoso";

/// The hints of a process. It runs as long as the runtime of its test.
fn process(location: &RedisLocation) -> Arc<RedisHints> {
    let hints = Arc::new(RedisHints::new(location).unwrap());
    let running = Arc::clone(&hints);
    tokio::spawn(async move { running.run().await });
    hints
}

/// Tells a revision until the other hears it: neither says when it is connected.
async fn until_heard(from: &RedisHints, to: &RedisHints, revision: u64) {
    let hint = Hint { tenant: TENANT.into(), position: position(revision) };
    let mut heard = to.listen();
    until("a hint is heard", async || {
        from.tell(TENANT, position(revision));
        heard.try_recv().ok().filter(|heard| *heard == hint)
    })
    .await;
    assert_eq!(to.newest(TENANT), Some(position(revision)));
}

pub(crate) async fn hint_is_heard_by_others_also_after_the_server_was_gone() {
    let server = Redis::start().await;
    let (first, second) = (process(&at(&server)), process(&at(&server)));
    until_heard(&first, &second, 1).await;
    until_heard(&second, &first, 2).await;
    server.kill().await;
    server.revive().await;
    until_heard(&first, &second, 3).await;
}

pub(crate) async fn hint_is_heard_over_any_node_that_is_left() {
    let cluster = RedisCluster::start().await;
    let mut urls = cluster.urls();
    let first = process(&RedisLocation::cluster(urls.clone()));
    urls.rotate_left(1);
    let second = process(&RedisLocation::cluster(urls.clone()));
    until_heard(&first, &second, 1).await;
    // The node that the second one talks to goes.
    cluster.kill_node(&urls[0]).await;
    until_heard(&first, &second, 2).await;
    cluster.revive().await;
}

pub(crate) async fn near_layer_answers_nothing_older_than_what_it_was_told_of() {
    let server = Redis::start().await;
    let (told, teller) = (process(&at(&server)), process(&at(&server)));
    let near = patient(&at(&server)).with_near(1 << 20).with_hints(Arc::clone(&told));
    let follower = patient(&at(&server));
    let now = SystemTime::now();
    let epoch = follower.open(TENANT, position(0), now).await.unwrap().epoch;
    let follow = async |revision| {
        follower.put_many(TENANT, epoch, &[entry("a", revision, 8)], revision).await.unwrap();
        follower.advance(TENANT, epoch, revision, now).await.unwrap();
    };
    let read = async || near.get_many(TENANT, &["a"], None, now).await;
    let state = |revision| Some(vec![Some(entry("a", revision, 8).value)]);
    follow(1).await;
    assert_eq!(until("Redis answers", async || read().await).await, state(1).unwrap());
    follow(2).await;
    until_heard(&teller, &told, 2).await;
    assert_eq!(read().await, state(2));
}
