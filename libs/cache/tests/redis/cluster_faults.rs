//! A cluster, and what may befall it.

use std::time::SystemTime;

use tandem_cache::{DeviceStateCache, RedisLocation, WriteError};
use tandem_testkit::containers::RedisCluster;

use crate::observer::{EPOCH_KEY, Observer};
use crate::promises::patient;
use crate::world::{IDS, entry, position};

pub(crate) async fn killed_master_comes_back() {
    let cluster = RedisCluster::start().await;
    let mut observer = Observer::new(patient(&RedisLocation::cluster(cluster.urls())));
    observer.change().await;
    observer.recover().await;
    cluster.kill(EPOCH_KEY).await;
    observer.commit();
    assert!(matches!(observer.follow().await, Err(WriteError::Unavailable(_))));
    assert_eq!(observer.read(observer.head).await, None);
    cluster.revive().await;
    observer.recover().await;
}

pub(crate) async fn tenants_spread_over_masters() {
    let cluster = RedisCluster::start().await;
    let cache = patient(&RedisLocation::cluster(cluster.urls()));
    let now = SystemTime::now();
    for tenant in (0..32).map(|n| format!("tenant-{n}")) {
        let epoch = cache.open(&tenant, position(0), now).await.unwrap().epoch;
        let entries = IDS.map(|id| entry(id, 1, 8));
        cache.put_many(&tenant, epoch, &entries, 1).await.unwrap();
        cache.advance(&tenant, epoch, 1, now).await.unwrap();
        let found = cache.get_many(&tenant, &IDS, Some(position(1)), now).await.unwrap();
        assert_eq!(found, IDS.map(|id| Some(entry(id, 1, 8).value)));
    }
    for port in cluster.key_counts().await {
        assert!(port > 0, "a master holds nothing");
    }
}
