//! The suite of all adapters.

use std::time::{Duration, SystemTime};

use tandem_cache::{DeviceStateCache, RedisCache, RedisLocation, WriteError, conformance};
use tandem_testkit::certificates::Certificates;
use tandem_testkit::containers::{Redis, RedisCluster};

use crate::world::position;

/// For tests that are not about slowness, on machines that may be.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) fn patient(location: &RedisLocation) -> RedisCache {
    RedisCache::new(location).unwrap().with_read_patience(PATIENCE)
}

pub(crate) fn at(server: &Redis) -> RedisLocation {
    RedisLocation::server(server.url())
}

pub(crate) async fn server_keeps_every_promise() {
    let server = Redis::start().await;
    conformance::run(async |_| {
        server.command(&["FLUSHALL"]).await;
        patient(&at(&server))
    })
    .await;
}

pub(crate) async fn server_with_a_near_layer_keeps_every_promise() {
    let server = Redis::start().await;
    conformance::run(async |_| {
        server.command(&["FLUSHALL"]).await;
        patient(&at(&server)).with_near(1 << 20)
    })
    .await;
}

pub(crate) async fn encrypted_server_keeps_every_promise() {
    let certificates = Certificates::make();
    let (server, address) = Redis::start_encrypted(&certificates).await;
    conformance::run(async |_| {
        server.command(&["FLUSHALL"]).await;
        patient(&RedisLocation::configured(&address, false, Some(&certificates.ca)))
    })
    .await;
    // An authority that nobody trusts proves nothing.
    let untrusted = patient(&RedisLocation::server(address));
    let error = untrusted.open("contoso", position(1), SystemTime::now()).await.unwrap_err();
    assert!(matches!(error, WriteError::Unavailable(_)), "{error:?}");
}

pub(crate) async fn cluster_keeps_every_promise() {
    let cluster = RedisCluster::start().await;
    let location = RedisLocation::cluster(cluster.urls());
    conformance::run(async |_| {
        for tenant in ["contoso", "fabrikam"] {
            let key = format!("tandem:cache:1:{{{}:{tenant}}}:epoch", tenant.len());
            cluster.command_at(&key, &["FLUSHALL"]).await;
        }
        patient(&location)
    })
    .await;
}
