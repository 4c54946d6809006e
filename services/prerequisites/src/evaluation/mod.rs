//! What is kept of whole fleets: each device's verdicts, counted under the numbers that this service answers, and kept current.
//!
//! - [`Number`]: what is counted. Every number of a summary is one value of it.
//! - [`judge`]: which numbers count one device, by the whole catalogue on every path and by the tenant's own rules.
//! - [`parts`]: a fleet taken apart by hierarchy, site, collection or path.
//!
//! Which devices changed, what surrounds them and the time are followed by [`tandem_fleet`]: a device's last verdicts are its list of
//! numbers, kept in memory as long as they hold, and judged anew from the inventory's snapshot at start.

mod judge;
mod number;
pub(crate) mod parts;

use tandem_fleet::Followers;

pub(crate) use judge::FleetJudge;
pub(crate) use number::Number;

/// What the followers are called in metrics and logs.
pub(crate) const FOLLOWER: &str = "verdicts";

/// The fleets that are kept.
pub(crate) type Fleets = Followers<FleetJudge>;
