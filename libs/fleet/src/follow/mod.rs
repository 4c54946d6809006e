//! What keeps an index current: a follower per tenant, over the inventory's watch, what surrounds the devices, and the time.
//!
//! - [`Followers`]: starts a follower per tenant, on the first request or for every tenant there is.
//! - [`Judge`]: what a service brings, which says under which keys a device is counted.
//! - [`World`]: what surrounds the devices; whose answers change with it.
//! - [`TenantCount`]: what a follower writes and requests read.

mod count;
mod follower;
mod followers;
mod judge;
mod members;
mod world;

pub use count::{Cause, Counting, FleetCount, Run, Selection, TenantCount};
pub use followers::{FollowMode, FollowerHealth, Followers};
pub use judge::{Judge, Own, Sources, broken, world_of};
pub use world::World;

/// What the inventory is called in errors and logs.
const INVENTORY: &str = "inventory";
/// What the authority service is.
const AUTHORITY: &str = "authority";
