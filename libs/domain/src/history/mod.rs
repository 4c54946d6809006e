//! Who decided each workload of a device when, and since when: told from what was kept, never from what anybody remembers.
//!
//! Of a device a [`Version`] is kept for as long as nothing of it changed that decisions depend on ([`MaterialState`]); of a hierarchy its policies
//! and which collections were known completely, each with its time. A slider that moves for a million devices adds one policy and no
//! versions. [`Past::periods`] puts the two together: every decision of the past is the rules of today over what was known then.
//!
//! Invariants, each with a property test: at any moment a period says what deciding from what was known then says; periods of one device follow
//! one another without overlapping, and no two that touch say the same.
//!
//! Not for: what a device was before anybody looked. A first version says no more than "at least since".

mod material;
mod past;
#[cfg(test)]
mod tests;

pub use material::{MaterialState, is_unnamed};
pub use past::{Answer, Past, Period, Present, Version, of_workload, since};
