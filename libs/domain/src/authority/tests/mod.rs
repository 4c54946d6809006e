//! Tests of this module: the steps, the drift, its causes and the ways out by hand, the invariants over arbitrary devices.

mod cause;
mod drift;
mod invariants;
mod steps;
mod table;
mod ways_out;

use crate::authority::strategies::World;
use crate::authority::{Reason, effective_authority};
use crate::facts::DeviceFacts;
use crate::workload::PerWorkload;

/// The reason of every workload's decision.
fn reasons(facts: &DeviceFacts, world: &World) -> PerWorkload<Reason> {
    let effective = effective_authority(facts, &world.surroundings());
    PerWorkload::from_fn(|workload| effective.workloads[workload].reason)
}
