//! Moving one workload of one hierarchy in waves.

mod bucket;
mod window;
mod zone;

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use bucket::{BUCKETS, Bucket};
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
