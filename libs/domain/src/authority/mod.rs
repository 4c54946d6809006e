//! Who decides each workload on a device, and why; what the device reported; and where the two differ.
//!
//! Three readings, never mixed: *configured* (the policy and memberships in [`crate::policy::Surroundings`]), *effective*
//! ([`effective_authority`]: the rules over those and the device's facts), *reported* ([`reported`]: what the client last
//! said, through the site or through Intune). A report lags, so a difference ([`drift`]) is normal for a while and carries
//! the report's time; [`explain_drift`] names its likely cause. What would have to happen for a manager to hold a workload that it does not hold, say [`ways_out`].
//!
//! Invariants, each with a property test: exactly one authority per workload; no sub-workload at Configuration Manager while
//! device configuration is at Intune on that device; `third_party_mdm` in coexistence and nowhere else; a pilot decides
//! nothing while its collection's members are not known.
//!
//! Every combination of what decides is published in `docs/effective_authority.md`, by rules that a test holds the code to.
//!
//! Source: the fact pack's states.md 8, and `services/tandem/docs/assessment.md` for the reasons and their order.

mod cause;
mod decide;
mod drift;
mod reason;
#[cfg(test)]
pub(crate) mod strategies;
#[cfg(test)]
mod tests;
mod ways_out;

pub use cause::{DriftCause, DriftExplanation, DriftTimes, NotReceived, explain_drift};
pub use decide::{Decision, EffectiveAuthority, Standing, effective_authority};
pub(crate) use decide::{authority_of, resource_access_fixed};
pub use drift::{Drift, Reported, SiteReport, dated_reports, drift, latest_reports, reported};
pub use reason::Reason;
pub use ways_out::{Claimant, Pilot, WayOut, ways_out};
