//! Taking reports: batches are stored in transactions under their tenant's lock.
//!
//! | module | step |
//! |---|---|
//! | [`batch`] | what arrived, checked at the edge |
//! | [`working`] | what the batch touches, loaded once and changed in memory |
//! | [`load`] | reading it |
//! | [`record_body`] | the stored bytes of a record |
//! | [`ahead`] | reading it before the batch's turn |
//! | [`gather`] | batches that arrive at once share a transaction |
//! | [`apply`] | sections by `(observed_at, sequence)`, identity by the domain's rules |
//! | [`derive`] | merging the devices that changed, and what follows from the merge |
//! | [`write`] | writing it back, a few statements per table |

pub(crate) mod ahead;
pub(crate) mod apply;
pub(crate) mod batch;
pub(crate) mod derive;
mod gather;
pub(crate) mod load;
mod record_body;
#[cfg(test)]
mod tests;
pub(crate) mod working;
pub(crate) mod write;

pub(crate) use ahead::{AT_ONCE, Ahead, Written, read_ahead};
pub(crate) use apply::{nanoseconds, timestamp};
pub(crate) use batch::{Batch, Incoming, IncomingBody};
pub(crate) use gather::{Gathering, batch_apply};
