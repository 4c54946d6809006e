//! Wake-up hints: a process that committed something tells the others, which look at once instead of at their next round.
//!
//! A hint says that a tenant's revision is this one or a later one by now. It saves polling and does no more: it may be lost, late, double
//! or out of order, and whoever hears one asks the database or the cache as at any other time. What cannot be told waits, the newest of
//! each tenant.
//!
//! Hints go over one channel, so that tenants come and go without a word to Redis. In a cluster each node passes what is published on
//! to all others: one of them is enough to talk to, and when it goes the next one is taken. One that answers but was cut off from the others
//! is not left: its processes hear each other alone.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use moka::sync::Cache;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult, Value};
use tokio::sync::{Notify, broadcast};
use tokio::time::{interval, sleep, timeout};

use super::layout::{digits, number};
use super::link::{CONNECT_PATIENCE, LocationError, RedisLocation};
use crate::port::Position;

/// The channel. Its number is that of the layout of what is said there.
const CHANNEL: &str = "tandem:hints:1";

/// The pause between two attempts to be connected.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a silent connection is asked whether it is there, and how long an answer may take.
const PING: Duration = Duration::from_secs(5);

/// Hints that a slow listener may have before it; it misses what is more.
const UNHEARD: usize = 1024;

/// Tenants whose newest hint is remembered.
const REMEMBERED: u64 = 10_000;

/// A tenant's revision was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The tenant.
    pub tenant: String,
    /// The revision, of which database.
    pub position: Position,
}

/// Hints by Redis's publish and subscribe, to and from every process at the same server or cluster.
#[derive(Debug)]
pub struct RedisHints {
    servers: Vec<Client>,
    /// What is to be told: the newest of each tenant.
    untold: Mutex<BTreeMap<String, Position>>,
    told: Notify,
    heard: broadcast::Sender<Hint>,
    newest: Cache<String, Position>,
}

impl RedisHints {
    /// Hints at that location, which need not be reachable yet. Nothing is told or heard before [`Self::run`].
    ///
    /// # Errors
    /// The location is malformed.
    pub fn new(location: &RedisLocation) -> Result<Self, LocationError> {
        Ok(Self {
            servers: location.clients()?,
            untold: Mutex::default(),
            told: Notify::new(),
            heard: broadcast::Sender::new(UNHEARD),
            newest: Cache::new(REMEMBERED),
        })
    }

    /// Tells everybody, this process too, soon. Of a tenant's hints that wait only the newest is told.
    pub fn tell(&self, tenant: &str, position: Position) {
        self.keep(tenant.to_owned(), position);
        self.told.notify_one();
    }

    fn keep(&self, tenant: String, position: Position) {
        match self.untold().entry(tenant) {
            Entry::Occupied(waiting) if is_at(*waiting.get(), position) => {}
            Entry::Occupied(mut waiting) => _ = waiting.insert(position),
            Entry::Vacant(place) => _ = place.insert(position),
        }
    }

    /// What is heard from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Hint> {
        self.heard.subscribe()
    }

    /// The newest revision of a tenant that was heard of.
    #[must_use]
    pub fn newest(&self, tenant: &str) -> Option<Position> {
        self.newest.get(tenant)
    }

    /// Tells and hears until it is dropped. A server that cannot be talked to costs hints and nothing else, so no failure ends it.
    pub async fn run(&self) {
        let mut is_failing = false;
        for server in self.servers.iter().cycle() {
            if let Err(error) = self.talk(server, &mut is_failing).await
                && !std::mem::replace(&mut is_failing, true)
            {
                tracing::warn!(%error, "wake-up hints are not told and heard: others look once a second");
            }
            sleep(PAUSE).await;
        }
    }

    /// Talks to one server, until that fails.
    async fn talk(&self, server: &Client, is_failing: &mut bool) -> RedisResult<()> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_PATIENCE))
            .set_response_timeout(Some(PING));
        let connecting = async {
            let mut hearing = server.get_async_pubsub().await?;
            hearing.subscribe(CHANNEL).await?;
            let telling = server.get_multiplexed_async_connection_with_config(&config).await?;
            Ok::<_, RedisError>((hearing.split(), telling))
        };
        let ((mut asking, mut heard), mut telling) = timely(CONNECT_PATIENCE, connecting).await?;
        // What waited meanwhile, and whether it may be told at all.
        timely(PING, self.publish(&mut telling)).await?;
        if std::mem::replace(is_failing, false) {
            tracing::info!("wake-up hints are told and heard again");
        }
        let mut ping = interval(PING);
        loop {
            tokio::select! {
                message = heard.next() => match message {
                    Some(message) => self.hear(message.get_payload_bytes()),
                    None => return Ok(()),
                },
                () = self.told.notified() => timely(PING, self.publish(&mut telling)).await?,
                _ = ping.tick() => drop(timely(PING, asking.ping::<Value>()).await?),
            }
        }
    }

    async fn publish(&self, telling: &mut MultiplexedConnection) -> RedisResult<()> {
        let untold = std::mem::take(&mut *self.untold());
        let mut commands = redis::pipe();
        for (tenant, position) in &untold {
            commands.cmd("PUBLISH").arg(CHANNEL).arg(said(tenant, *position)).ignore();
        }
        if untold.is_empty() {
            return Ok(());
        }
        let told = commands.exec_async(telling).await;
        if told.is_err() {
            untold.into_iter().for_each(|(tenant, position)| self.keep(tenant, position));
        }
        told
    }

    fn hear(&self, said: &[u8]) {
        // Nobody else has a reason to publish there, and whoever does is not listened to.
        let Some(hint) = understood(said) else { return };
        if !self.newest.get(&hint.tenant).is_some_and(|known| is_at(known, hint.position)) {
            self.newest.insert(hint.tenant.clone(), hint.position);
        }
        // Nobody may be listening.
        let _ = self.heard.send(hint);
    }

    fn untold(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Position>> {
        // Nothing panics while it holds the lock.
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a database is at that revision, or beyond.
fn is_at(known: Position, asked: Position) -> bool {
    known.incarnation == asked.incarnation && known.revision >= asked.revision
}

/// Not longer than that.
async fn timely<T>(patience: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let late = |_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
    timeout(patience, work).await.map_err(late)?
}

fn said(tenant: &str, position: Position) -> String {
    format!("{}{}{tenant}", digits(position.incarnation), digits(position.revision))
}

fn understood(said: &[u8]) -> Option<Hint> {
    let (incarnation, rest) = said.split_at_checked(16)?;
    let (revision, tenant) = rest.split_at_checked(16)?;
    Some(Hint {
        tenant: str::from_utf8(tenant).ok()?.to_owned(),
        position: Position { incarnation: number(incarnation)?, revision: number(revision)? },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hint_is_understood_as_it_was_said() {
        let position = Position { incarnation: u64::MAX, revision: 7 };
        assert_eq!(said("contoso", position), "ffffffffffffffff0000000000000007contoso");
        let hint = Hint { tenant: "contoso".into(), position };
        assert_eq!(understood(said("contoso", position).as_bytes()), Some(hint));
        for other in ["", "ffffffffffffffff000000000000000", "gggggggggggggggg0000000000000007contoso"] {
            assert_eq!(understood(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn hint_that_is_older_than_the_one_that_waits_is_not_told() {
        let hints = RedisHints::new(&RedisLocation::server("redis://127.0.0.1:1")).unwrap();
        let at = |incarnation, revision| Position { incarnation, revision };
        for (position, waits) in [(at(1, 6), at(1, 6)), (at(1, 5), at(1, 6)), (at(2, 1), at(2, 1))] {
            hints.tell("contoso", position);
            assert_eq!(hints.untold().get("contoso"), Some(&waits));
        }
    }

    #[test]
    fn newest_hint_of_a_database_is_remembered() {
        let hints = RedisHints::new(&RedisLocation::server("redis://127.0.0.1:1")).unwrap();
        let mut heard = hints.listen();
        let at = |incarnation, revision| Position { incarnation, revision };
        for (position, newest) in
            [(at(1, 5), at(1, 5)), (at(1, 4), at(1, 5)), (at(1, 6), at(1, 6)), (at(2, 3), at(2, 3))]
        {
            hints.hear(said("contoso", position).as_bytes());
            assert_eq!(hints.newest("contoso"), Some(newest));
            assert_eq!(heard.try_recv().unwrap(), Hint { tenant: "contoso".into(), position });
        }
        assert_eq!(hints.newest("fabrikam"), None);
    }
}
