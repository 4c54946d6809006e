//! Keeps what devices were: a follower per tenant that turns the inventory's feed into versions.
//!
//! Of each tenant one process keeps the history at a time, from the cursor on that the store keeps with it. Nothing of a fleet is held in memory
//! but, while everything is looked at again, the ids of the devices: whether a device is another now is asked of the store, batch by batch.
//!
//! - `tenants`: which tenants there are. `keeper`: follows one of them. `ground`: what states are read by, beside the devices.
//!
//! The time of a version is the moment in which it was kept, usually within a second of the inventory's own change. What changed and
//! changed back while nobody followed is not in it. When a policy names a collection for the first time, the members that it has then are
//! looked up; who was a member before is not known.

mod ground;
mod keeper;
mod tenants;

pub(crate) use tenants::Histories;
