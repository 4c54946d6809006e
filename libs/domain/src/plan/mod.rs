//! What a change of policy would mean, before anybody adopts it.
//!
//! [`warnings`] says what the fact pack warns of between two policies of one hierarchy: what the change does not do, what it
//! leaves behind, and what it takes from others. A warning stops nothing; what no hierarchy can hold is a
//! [`crate::policy::PolicyViolation`].

mod warnings;

pub use warnings::{PlanFacts, PlanWarning, WarningKind, warnings};
