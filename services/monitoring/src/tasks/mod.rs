//! What runs beside the requests: a follower per tenant keeps its fleet index current.
//!
//! - [`Followers`]: starts a follower per tenant, on the first request or for every tenant there is.
//! - [`follow`]: one follower's loop over the inventory's watch, the surroundings and the time.
//! - [`judge`]: asks authority and prerequisites about a batch of devices.
//! - [`world`]: what surrounds the devices, and whose answers change with it.
//! - [`count`]: what followers write and requests read.
//! - [`members`]: who is in the collections that a reader names.

mod count;
mod follow;
mod followers;
mod judge;
mod members;
mod world;

/// What the followers are called in metrics.
const FOLLOWER: &str = "fleet_index";

pub(crate) use count::{FleetCount, Part, Selection, Wanted};
pub(crate) use followers::Followers;
pub use followers::{FollowMode, FollowerHealth};
