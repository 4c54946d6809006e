//! Moving one workload of one hierarchy in waves: what is to be done now, and what the readings make of it.
//!
//! The slider stands at Pilot Intune, set once by a person; from then on membership of the workload's pilot collection is all
//! that moves (handover.md 1). A rollout hands devices over wave by wave: to Intune they join that collection, to Configuration
//! Manager they leave it. A wave is watched for its soak time and judged by what its devices *report*, and the next begins only
//! once it passed, or a person approved it.
//!
//! [`Rollout::draft`] checks a [`RolloutSpec`]; [`apply`] carries out what people command; [`step`] decides, from readings and
//! the time, what changes and which [`Action`]s are to be done. All changes follow two tables, which `docs/rollout_states.md`
//! publishes.
//!
//! Invariants, each with a property test: no hand-over brings more devices in motion than the wave's budget; no wave begins
//! before its predecessor passed or was approved; an empty wave never passes; nothing is given out while the tenant is
//! frozen or the rollout paused, however long; a device is handed over at most once, and a rollback takes back exactly what was
//! handed over; a terminal phase is never left; a step repeated on the same readings changes nothing and gives out the same
//! actions.
//!
//! Not for: carrying actions out (Tandem decides; a person or a script changes the site), what a move would affect (plans), and
//! who may command (the access layer). Whether a move can have an effect at all (resource access on 2403, sub-workloads
//! beside device configuration) is the plan's to say.

mod action;
mod apart;
mod bucket;
mod choose;
mod command;
mod freeze;
mod handover;
mod observe;
mod spec;
mod standing;
mod state;
mod step;
mod table;
#[cfg(test)]
mod tests;
mod validate;
mod wake;
mod window;
mod zone;

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use action::{Action, ActionId, BATCH, Batch};
pub use apart::DeviceRow;
pub use bucket::{BUCKETS, Bucket};
pub use choose::wave_sizes;
pub use command::{Command, CommandRefused, apply};
pub use freeze::{Freeze, FreezeRefused};
pub use observe::{DeviceObservation, Observations, Report};
pub use spec::{
    BasisPoints, Direction, DisruptionBudget, LateJoiners, MembershipChange, OfflineDevices, OnFailure,
    RolloutSpec, WaveChoice, WaveSpec,
};
pub use standing::{Failing, Skipped, Standing, Tally};
pub use state::{Because, Rollout, RolloutName, Wave, WaveApproval, WaveDevice};
pub use step::{Step, Transition, step};
pub use table::{
    ROLLOUT_ROWS, RolloutEvent, RolloutPhase, Row, WAVE_ROWS, WaveEvent, WavePhase, allowed_from, markdown,
    next_rollout_phase, next_wave_phase,
};
pub use validate::{InvalidRollout, MAX_WAVES, WaveSizes};
pub use window::{Day, LONGEST_WINDOW, MaintenanceWindows, WeeklyWindow};
pub use zone::{InvalidZone, Zone};

/// A length of time in whole minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Minutes(pub u32);

impl Minutes {
    /// Whole hours; at most 71 million fit.
    #[must_use]
    pub const fn of_hours(hours: u32) -> Self {
        Self(hours.saturating_mul(60))
    }
}

impl fmt::Display for Minutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} min", self.0)
    }
}

/// The moment that much later, or the end of time.
fn later(at: Timestamp, by: Minutes) -> Timestamp {
    at.checked_add(SignedDuration::from_mins(i64::from(by.0))).unwrap_or(Timestamp::MAX)
}
