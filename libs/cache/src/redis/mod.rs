//! The cache of production: a Redis server or cluster that all processes share.
//!
//! - **Read**: one `MGET` of the tenant's epoch and the devices' entries, so that both are of the same moment. Single devices that are asked for at
//!   the same time share one ([`together`]).
//! - **Write**: a script that judges every entry where it lies ([`scripts`]).
//! - **Patience**: a reader waits [`READ_PATIENCE`] for an answer unless told otherwise, before that at most a tenth of it for others who ask, and
//!   behind an open [`breaker`] not at all. There is one for readers and one for writers, whatever the number of servers: a node that is gone may
//!   also rest the tenants of others for a moment.
//!
//! # One slot a tenant
//! The keys of a tenant have one hash tag: epoch and entries are read and written as one, and go to a new node, or back in time, together.
//! The price is that a tenant does not spread over a cluster, tenants do. A million devices of 2 kB are 2 GB, and a node answers some
//! hundred thousand of them a second, bound by its network: a fleet of that size is at home on one node. One that outgrows its node is
//! cached in part, and the database answers the rest. Shards would each need an epoch and a watermark, and a way to end them together.
//!
//! # Why no answer is stale, whatever happens to the server
//! - **Any key is evicted or expires**: an entry is missing, and missing means "ask the database". With a removal's entry goes the memory
//!   of the removal, but an older state that arrives later has an `as_of` before the removal's, which the epoch key keeps as the newest
//!   one: such a write is late and adds nothing. The epoch key gone, the epoch has ended: readers get nothing, writers are told, and the
//!   next epoch has another random number. Entries carry the number of their epoch, and count in no other.
//! - **Flushed or emptied by a restart**: the epoch key is gone, as above.
//! - **Back in time** (restart from a snapshot or a cut log, a replica that had not heard all): epoch and entries lie in one slot, and
//!   persistence and replication keep the order of writes. So what is there is a state that once was, right for the watermark that it
//!   holds, which also covers less. A follower whose acknowledged writes are lost finds that out at its next write, before it confirms
//!   anything, and the epoch ends ([`lineage`]).
//! - **Two masters for a while**: each is a state of its own as above. A reader at the one that followers have left sees its watermark
//!   age, and trusts it no more after [`MAX_WATERMARK_AGE`](crate::MAX_WATERMARK_AGE).
//! - **Full, and nothing may be evicted**: writes fail whole, the watermark is not confirmed, and ages. Use a policy that evicts,
//!   `allkeys-lru` or any of the `volatile` ones.
//! - **Slow, paused, unreachable**: no answer in time is no answer. A write that arrives late after all is judged like any other.
//! - **A slot moves to another node**: what needs two keys fails until both are there.
//!
//! # Lifetime
//! An epoch lives [`EPOCH_LIFETIME`] and its entries no longer than it, so whatever nobody follows any more vanishes. The next epoch is
//! filled anew, also with what was evicted from the one before.
//!
//! # In this process
//! What was read is answered again for as long as the watermark that it was read with may be trusted ([`near`]), if
//! [`RedisCache::with_near`] gives it room; with [`RedisHints`] for no longer than until a newer revision is heard of.

mod attempt;
mod breaker;
mod hints;
mod layout;
mod lineage;
mod link;
mod near;
mod reading;
mod scripts;
mod together;

use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::future::Either;
use redis::{FromRedisValue, RedisError, RedisResult};
use tokio::time::timeout;

use self::attempt::Attempt;
use self::breaker::Breaker;
pub use self::hints::{Hint, RedisHints};
use self::layout::{Keys, View, digits, milliseconds, number, slot};
use self::lineage::{Lineage, Lineages};
use self::link::{Link, Live};
pub use self::link::{LocationError, RedisLocation};
use self::near::Near;
use self::scripts::{Scripts, Stored};
use self::together::Together;
use crate::port::{
    BoxFuture, DeviceStateCache, Entry, Epoch, Finding, Following, Found, Position, Removal, Value,
    WriteError,
};

/// How long a reader waits: a server that is well answers a thousand devices within some milliseconds, the database within some tens.
pub const READ_PATIENCE: Duration = Duration::from_millis(20);

/// How long a writer waits for one request. Nobody waits for the writer, and it must get through to a busy server.
pub const WRITE_PATIENCE: Duration = Duration::from_millis(500);

/// How long an epoch lives.
pub const EPOCH_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// Entries of one script: some 0.5 MB, which hold up a server's other clients for about a millisecond.
const WRITTEN_AT_ONCE: usize = 256;

/// Bytes in a process for what was read within the last second, unless configured otherwise.
pub const NEAR_BYTES: u64 = 16 << 20;

/// What the services that share a Redis have of it.
#[derive(Debug, Clone)]
pub struct SharedRedis {
    /// The states of devices, kept in this process too for as long as they may be trusted.
    pub cache: Arc<RedisCache>,
    /// What the others committed.
    pub hints: Arc<RedisHints>,
}

impl SharedRedis {
    /// The Redis at that location, which need not be reachable yet. Whoever has it runs its [`hints`](RedisHints::run).
    ///
    /// # Errors
    /// The location is malformed.
    pub fn new(location: &RedisLocation) -> Result<Self, LocationError> {
        Self::with_near(location, NEAR_BYTES)
    }

    /// The same with so many bytes in this process for what was read within the last second. 0: each read asks Redis.
    ///
    /// # Errors
    /// The location is malformed.
    pub fn with_near(location: &RedisLocation, near_bytes: u64) -> Result<Self, LocationError> {
        let hints = Arc::new(RedisHints::new(location)?);
        let cache = RedisCache::new(location)?.with_hints(Arc::clone(&hints));
        let cache = if near_bytes > 0 { cache.with_near(near_bytes) } else { cache };
        Ok(Self { cache: Arc::new(cache), hints })
    }

    /// The states of devices, whoever keeps them.
    #[must_use]
    pub fn device_states(&self) -> Arc<dyn DeviceStateCache> {
        Arc::<RedisCache>::clone(&self.cache)
    }
}

/// Device states in Redis. Connects in the background when it is first used.
#[derive(Debug)]
pub struct RedisCache {
    link: Link,
    scripts: Scripts,
    lineages: Lineages,
    read_patience: Duration,
    near: Option<Near>,
    together: Together<(View, Option<Found>)>,
    hints: Option<Arc<RedisHints>>,
    /// Apart, for readers are less patient: what is too slow for them may do for writers, and must not keep the watermark from moving.
    reading: Breaker,
    writing: Breaker,
}

/// Redis said something that this adapter did not write, or nothing in time.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("redis refused or failed")]
    Redis(#[from] RedisError),
    #[error("redis did not answer within {} ms", WRITE_PATIENCE.as_millis())]
    Late,
    #[error("redis did not answer of late, and is left alone for a moment")]
    Resting,
    #[error("redis answered what no epoch looks like")]
    Foreign,
}

impl From<Trouble> for WriteError {
    fn from(trouble: Trouble) -> Self {
        Self::Unavailable(Box::new(trouble))
    }
}

impl RedisCache {
    /// A cache at that location, which need not be reachable yet.
    ///
    /// # Errors
    /// The location is malformed, or needs what this build has not (TLS).
    pub fn new(location: &RedisLocation) -> Result<Self, LocationError> {
        Ok(Self {
            link: Link::new(location, WRITE_PATIENCE)?,
            scripts: Scripts::new(),
            lineages: Lineages::new(),
            read_patience: READ_PATIENCE,
            near: None,
            together: Together::new(),
            hints: None,
            reading: Breaker::default(),
            writing: Breaker::default(),
        })
    }

    /// The same with readers that wait so long, for a server that is farther away.
    #[must_use]
    pub fn with_read_patience(mut self, patience: Duration) -> Self {
        self.read_patience = patience;
        self
    }

    /// The same with at most about `capacity` bytes in this process for what was read within the last second.
    #[must_use]
    pub fn with_near(mut self, capacity: u64) -> Self {
        self.near = Some(Near::new(capacity));
        self
    }

    /// The same, which answers nothing from this process that hints tell of a newer revision than.
    #[must_use]
    pub fn with_hints(mut self, hints: Arc<RedisHints>) -> Self {
        self.hints = Some(hints);
        self
    }

    /// One request of a writer.
    async fn ask<T: FromRedisValue>(
        &self,
        request: impl AsyncFnOnce(&Live) -> RedisResult<redis::Value>,
    ) -> Result<T, Trouble> {
        let mut attempt = Attempt::start(&self.writing, &self.link).ok_or(Trouble::Resting)?;
        let answer = timeout(WRITE_PATIENCE, async {
            let live = self.link.ready().await?;
            request(attempt.over(live)).await
        });
        let answer = answer.await.map_err(|_| Trouble::Late)?;
        Ok(T::from_redis_value(attempt.end(answer)?).map_err(RedisError::from)?)
    }

    /// One script that writes in an epoch.
    async fn write(
        &self,
        lineage: &mut Lineage,
        epoch: Epoch,
        script: &Stored,
        keys: &[String],
        arguments: impl IntoIterator<Item = Vec<u8>>,
    ) -> Result<(), WriteError> {
        if !lineage.is_in(epoch) {
            return Err(WriteError::Forgotten);
        }
        let named = std::iter::once(digits(epoch.0)).chain(lineage.next()).map(String::into_bytes);
        let arguments: Vec<Vec<u8>> = named.chain(arguments).collect();
        if self.ask::<bool>(async |live| script.run(live, keys, &arguments).await).await? {
            lineage.acknowledge();
            Ok(())
        } else {
            Err(WriteError::Forgotten)
        }
    }

    async fn tell<T>(
        &self,
        tenant: &str,
        epoch: Epoch,
        told: &[T],
        as_of: u64,
        id: impl Fn(&T) -> &str,
        slot: impl Fn(&T) -> Vec<u8>,
    ) -> Result<(), WriteError> {
        let mut lineage = self.lineages.of(tenant).await;
        let names = Keys::of(tenant);
        for told in told.chunks(WRITTEN_AT_ONCE) {
            let (mut keys, mut arguments) = (vec![names.meta()], vec![digits(as_of).into_bytes()]);
            for told in told {
                keys.push(names.device(id(told)));
                arguments.push(slot(told));
            }
            let outcome = self.write(&mut lineage, epoch, &self.scripts.tell, &keys, arguments).await;
            if let Some(near) = &self.near {
                told.iter().for_each(|told| near.drop_device(epoch, id(told)));
            }
            outcome?;
        }
        Ok(())
    }

    async fn join(&self, tenant: &str, head: Position, now: SystemTime) -> Result<Following, WriteError> {
        let mut lineage = self.lineages.of(tenant).await;
        let keys = [Keys::of(tenant).meta()];
        let (incarnation, revision) = (digits(head.incarnation), digits(head.revision));
        let lifetime = EPOCH_LIFETIME.as_millis().to_string();
        let begun = [digits(rand::random()), incarnation, revision, digits(milliseconds(now)), lifetime];
        let arguments = begun.into_iter().chain(lineage.next()).chain(lineage.epochs());
        let arguments: Vec<Vec<u8>> = arguments.map(String::into_bytes).collect();
        let answer: (Vec<u8>, Vec<u8>) =
            self.ask(async |live| self.scripts.open.run(live, &keys, &arguments).await).await?;
        let (epoch, watermark) = (number(&answer.0), number(&answer.1));
        let (epoch, watermark) = epoch.zip(watermark).ok_or(Trouble::Foreign)?;
        lineage.enter(Epoch(epoch));
        self.drop_near(tenant);
        Ok(Following { epoch: Epoch(epoch), watermark })
    }

    async fn move_watermark(
        &self,
        tenant: &str,
        epoch: Epoch,
        through: u64,
        now: SystemTime,
    ) -> Result<(), WriteError> {
        let mut lineage = self.lineages.of(tenant).await;
        let keys = [Keys::of(tenant).meta()];
        let arguments = [digits(through), digits(milliseconds(now))].map(String::into_bytes);
        self.write(&mut lineage, epoch, &self.scripts.advance, &keys, arguments).await
    }

    async fn forget(&self, tenant: &str) -> Result<(), WriteError> {
        let mut command = redis::cmd("DEL");
        command.arg(Keys::of(tenant).meta());
        let cleared = self.ask::<u64>(async |live| live.ask(&command).await).await;
        self.drop_near(tenant);
        cleared?;
        Ok(())
    }

    fn drop_near(&self, tenant: &str) {
        if let Some(near) = &self.near {
            near.drop_tenant(tenant);
        }
    }
}

impl DeviceStateCache for RedisCache {
    fn open<'a>(
        &'a self,
        tenant: &'a str,
        head: Position,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Following, WriteError>> {
        Box::pin(self.join(tenant, head, now))
    }

    fn get_many<'a>(
        &'a self,
        tenant: &'a str,
        ids: &'a [&'a str],
        at_least: Option<Position>,
        now: SystemTime,
    ) -> BoxFuture<'a, Option<Vec<Option<Value>>>> {
        Box::pin(async move {
            let found = self.get(tenant, ids, at_least, now).await?;
            Some(found.into_iter().map(|found| found.map(|found| found.value)).collect())
        })
    }

    fn find<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a str,
        at_least: Option<Position>,
        now: SystemTime,
    ) -> Finding<'a> {
        if let Some(found) = self.at_hand(tenant, id, at_least, now) {
            return Either::Left(ready(Some(Some(found))));
        }
        Either::Right(Box::pin(self.fetch_one(tenant, id, at_least, now)))
    }

    fn put_many<'a>(
        &'a self,
        tenant: &'a str,
        epoch: Epoch,
        entries: &'a [Entry],
        as_of: u64,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        let slot = move |entry: &Entry| slot(epoch, entry.revision, Some(&entry.value));
        Box::pin(self.tell(tenant, epoch, entries, as_of, |entry| &entry.id, slot))
    }

    fn remove_many<'a>(
        &'a self,
        tenant: &'a str,
        epoch: Epoch,
        removals: &'a [Removal],
        as_of: u64,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        let slot = move |removal: &Removal| slot(epoch, removal.revision, None);
        Box::pin(self.tell(tenant, epoch, removals, as_of, |removal| &removal.id, slot))
    }

    fn advance<'a>(
        &'a self,
        tenant: &'a str,
        epoch: Epoch,
        through: u64,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        Box::pin(self.move_watermark(tenant, epoch, through, now))
    }

    /// How much it may hold is its operator's to say, and what it evicts is its own affair.
    fn is_full(&self) -> bool {
        false
    }

    fn clear<'a>(&'a self, tenant: &'a str) -> BoxFuture<'a, Result<(), WriteError>> {
        Box::pin(self.forget(tenant))
    }
}
