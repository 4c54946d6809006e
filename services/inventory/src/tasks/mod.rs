//! What runs beside the calls.

pub(crate) mod cache_follower;
