//! What a proposed co-management policy would do, before anybody does it.
//!
//! - [`changes`]: the positions that move.
//! - [`impact`]: how many devices change holder, counted over sets of devices and not device by device.
//! - [`warnings`]: what the fact pack warns of: what the change does not do, what it leaves behind, and what it takes from others. A warning
//!   stops nothing; what no hierarchy can hold is a [`crate::policy::PolicyViolation`].
//!
//! Devices that every policy decides alike, as long as they are in the same collections, are one *class* ([`DeviceClass`]). The fleet is kept
//! sorted by class and by the collections that the policy of now names ([`Cohort`]); a cohort is cut by the others that either policy names,
//! and each piece is decided once. So the cost grows with the number of cohorts, which are few; and only where a plan names a collection that
//! nothing named before, with the words of the sets, of which a million devices have 16 thousand.
//!
//! Invariants, each with a property test: what is counted is what deciding device by device counts; the devices of each workload are the
//! devices of the hierarchy.
//!
//! Not for: whether somebody must approve it ([`crate::approval`]), in which waves it is done ([`crate::rollout`]), and what has to be
//! done for it in the hierarchy ([`crate::handover`]).

mod change;
mod impact;
#[cfg(test)]
mod tests;
mod warnings;

pub use change::{PolicyChange, changes};
pub use impact::{Cohort, CollectionImpact, DeviceClass, Impact, ImpactRow, Members, SortedFleet, impact};
pub use warnings::{PlanFacts, PlanWarning, WarningKind, warnings};
