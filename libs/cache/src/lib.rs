//! The device-state cache: compact, encoded device states beside the database, for readers that decide about many devices.
//!
//! [`DeviceStateCache`] is the port, [`InProcessCache`] the adapter of the embedded assembly, [`RedisCache`] that of production, and
//! [`conformance`] the suite that every adapter passes.
//!
//! The one invariant: **a trusted answer is never older than the watermark**. The watermark is the revision up to which the cache
//! has been told everything; an entry that is present is then at least as new as the device's newest change up to there. An
//! entry may be missing at any moment (evicted, removed, never written), and means only "ask the database". So the cache may
//! vanish, lag, or hear of changes late, twice or out of order, and answers stay right.
//!
//! [`RedisHints`] tell other processes that something was committed; in one process the inventory tells itself.
//!
//! Values are opaque bytes here. Not for: deciding what is cached, and following the feed; the services do that.

pub mod conformance;
mod in_process;
mod port;
mod redis;

pub use in_process::InProcessCache;
pub use port::{
    BoxFuture, DeviceStateCache, Entry, Epoch, Finding, Following, Found, MAX_WATERMARK_AGE, Position,
    Removal, Value, WriteError,
};
pub use redis::{
    EPOCH_LIFETIME, Hint, LocationError, NEAR_BYTES, READ_PATIENCE, RedisCache, RedisHints, RedisLocation,
    SharedRedis, WRITE_PATIENCE,
};
