//! The fleet index: which devices each figure counts, in memory.
//!
//! - [`Figure`]: the vocabulary. Every figure of the contract is one value of it, with its tile and key.
//! - [`contribution`]: which figures one device counts in, from its facts and the answers of authority and prerequisites.
//! - [`FleetIndex`]: a bitmap of devices per figure and per set of traits, kept current by replacing one device at a time.
//! - [`select`](FleetIndex::select): the devices that a filter takes, as a bitmap.
//! - [`listing`](FleetIndex::page): the devices behind a figure, from the same bitmap as its number.
//! - [`describe`]: what people read beside a figure.
//!
//! Invariants, property-tested: after any sequence of replacements and removals every figure equals a recount from the
//! devices' own lists of figures, and equals the length of its list of devices, in the fleet and within each filter.
//!
//! Not for: fetching anything, and knowing what time it is.

mod contribution;
mod describe;
mod expiry;
mod figure;
mod fleet;
mod listing;
mod pending;
mod select;
#[cfg(test)]
mod tests;

pub(crate) use contribution::{Evidence, contribution};
pub(crate) use describe::describe;
pub(crate) use figure::Figure;
pub(crate) use fleet::{Counted, FleetIndex};
pub(crate) use listing::Page;
