//! Rollouts, to and from the domain.
//!
//! - `spec`: what a rollout is to do. `shown`: where it stands. `refused`: why something is not done.

mod refused;
mod shown;
mod spec;

pub(crate) use refused::{approval_refused, command_refused, freeze_refused, invalid_rollout};
pub(crate) use shown::{
    device, rollout_message, shown_standing, standing_of, wanted_standing, with_counts_of,
};
pub(crate) use spec::{phase_of, spec_from};
