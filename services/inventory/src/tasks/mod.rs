//! What runs beside the calls.

pub(crate) mod cache_follower;
pub(crate) mod hints;
