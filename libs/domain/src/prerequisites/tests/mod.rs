//! Tests of the rules: per rule an undecided, a satisfied and an unsatisfied case, time, and what must not be demanded.

mod cases;
mod catalogue;
mod device;
mod missing;
mod non_requirements;
mod properties;
mod site;
mod tenant;
mod time;
mod windows;
