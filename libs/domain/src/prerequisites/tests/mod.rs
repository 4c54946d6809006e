//! Tests of the rules: per rule an undecided, a satisfied and an unsatisfied case, time, and what must not be demanded.

mod actions;
pub(crate) mod cases;
mod catalogue;
mod device;
mod evidence;
mod forecast;
mod hierarchy;
mod missing;
mod non_requirements;
mod properties;
mod site;
mod stale;
mod table;
mod tenant;
mod time;
mod windows;
