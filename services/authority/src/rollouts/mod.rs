//! The controller: looks at rollouts that move, and keeps what becomes of them.
//!
//! It decides nothing. The readings of the fleet and of the pilot collection ([`observe`]) go into the domain's step, whose outcome the store
//! keeps together with what is to be done. Of each tenant one process steps the rollouts at a time, by a lease; two that believe to hold it
//! at once cannot both keep a step.
//!
//! Invariants: nothing is stepped without a reading of the fleet that is as new as the inventory's world a second ago; what is lost between two
//! steps is given out again by the next.

mod controller;
mod observe;

pub(crate) use controller::{Controller, Upstream};
pub(crate) use observe::Asked;
