//! What a cache promises, and what its writers promise to it.

use std::error::Error;
use std::future::Ready;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::future::Either;

/// A boxed future that may borrow for `'a`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An encoded device state, shared and never copied.
pub type Value = Arc<[u8]>;

/// What is found of one device, as [`DeviceStateCache::get_many`] has it. Ready where it was at hand: nothing is waited for then.
pub type Finding<'a> = Either<Ready<Option<Option<Found>>>, BoxFuture<'a, Option<Option<Found>>>>;

/// A watermark that was confirmed longer ago than this is not trusted: its follower may have died.
pub const MAX_WATERMARK_AGE: Duration = Duration::from_secs(1);

/// A point in the order of one database's commits for a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The database's identity, which changes when it is restored. Revisions of two incarnations are never compared.
    pub incarnation: u64,
    /// The revision.
    pub revision: u64,
}

/// One filling of a tenant's cache: it begins empty, and ends when everything is forgotten. What was written in one epoch says
/// nothing about the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);

/// Where a follower of the feed has to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Following {
    /// Named in every write.
    pub epoch: Epoch,
    /// The cache has been told everything up to here: the follower goes on with the changes after it.
    pub watermark: u64,
}

/// A device's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The device.
    pub id: Arc<str>,
    /// The revision of the change that led to it.
    pub revision: u64,
    /// The encoded state.
    pub value: Value,
}

/// A state as it was found. Epoch and revision say which one it is: within an epoch a device has one state of a revision, so that
/// whoever has made something of it finds out whether it is still the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The epoch that it was found in.
    pub epoch: Epoch,
    /// The revision of the change that led to it.
    pub revision: u64,
    /// The encoded state.
    pub value: Value,
}

/// A device that is no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The device.
    pub id: Arc<str>,
    /// The revision of its removal.
    pub revision: u64,
}

/// The cache did not take what it was told. The caller must not [`advance`](DeviceStateCache::advance) over it.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The epoch has ended: [`open`](DeviceStateCache::open) anew, and go on from the watermark that it tells.
    #[error("the cache has forgotten the epoch")]
    Forgotten,
    /// The cache does not answer. The same write may be sent again.
    #[error("the device-state cache does not answer")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

/// Device states by tenant and device.
///
/// A follower of the feed opens a tenant, puts and removes what the feed tells, and advances the watermark whenever it has reached
/// the head. Any number of followers may do so side by side.
///
/// `as_of` in the writes is a revision at which what is written was the newest of each device named: at or after its own
/// revision, and at or before the head of the database when it was read. The end of a page of the feed is such a revision.
pub trait DeviceStateCache: Send + Sync {
    /// Joins the tenant's epoch, or begins one. One begins, empty, where there is none or it is of another incarnation; its
    /// watermark stands at `head`, the head of the database, for an empty cache is complete.
    fn open<'a>(
        &'a self,
        tenant: &'a str,
        head: Position,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Following, WriteError>>;

    /// The states of the devices, in the order asked for; a missing one is for the database to answer.
    ///
    /// `None`, for the database to answer whole, unless the tenant's watermark was confirmed less than [`MAX_WATERMARK_AGE`] before
    /// `now` (or after it, by clocks that differ so little) and covers `at_least`. Without `at_least` any watermark will do. A cache
    /// that does not answer in time is `None` too.
    fn get_many<'a>(
        &'a self,
        tenant: &'a str,
        ids: &'a [&'a str],
        at_least: Option<Position>,
        now: SystemTime,
    ) -> BoxFuture<'a, Option<Vec<Option<Value>>>>;

    /// The state of one device with what tells it from others, in every other way as [`Self::get_many`] answers.
    fn find<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a str,
        at_least: Option<Position>,
        now: SystemTime,
    ) -> Finding<'a>;

    /// Keeps the states, except where it knows one of the same or a greater revision. A write whose `as_of` is older than one that
    /// was seen in the epoch only drops the older states that it meets: what it would add may be stale by then.
    fn put_many<'a>(
        &'a self,
        tenant: &'a str,
        epoch: Epoch,
        entries: &'a [Entry],
        as_of: u64,
    ) -> BoxFuture<'a, Result<(), WriteError>>;

    /// Drops the states and remembers their end, so that an older state does not come back. Otherwise as [`Self::put_many`].
    fn remove_many<'a>(
        &'a self,
        tenant: &'a str,
        epoch: Epoch,
        removals: &'a [Removal],
        as_of: u64,
    ) -> BoxFuture<'a, Result<(), WriteError>>;

    /// Moves the watermark to `through`, and confirms it as of `now`. The caller states that it has put or removed, in this epoch,
    /// every device whose newest change lies after the watermark that [`Self::open`] told it, as read when the head of the
    /// database was at `through`. Without news it confirms with the same revision again, several times a second. A revision
    /// before the watermark, of a follower that is behind, changes nothing.
    fn advance<'a>(
        &'a self,
        tenant: &'a str,
        epoch: Epoch,
        through: u64,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<(), WriteError>>;

    /// Whether it holds about as much as it may, as far as it knows: what else is put displaces something. A follower that tells
    /// what was there before the epoch began need not go on then: readers asked for none of it yet.
    fn is_full(&self) -> bool;

    /// Forgets everything of the tenant, and ends its epoch.
    fn clear<'a>(&'a self, tenant: &'a str) -> BoxFuture<'a, Result<(), WriteError>>;
}
