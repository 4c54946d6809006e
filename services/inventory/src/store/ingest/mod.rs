//! Taking reports: one batch is one transaction under its tenant's lock.
//!
//! | module | step |
//! |---|---|
//! | [`batch`] | what arrived, checked at the edge |
//! | [`working`] | what the batch touches, loaded once and changed in memory |
//! | [`load`] | reading it |
//! | [`record_body`] | the stored bytes of a record |
//! | [`apply`] | sections by `(observed_at, sequence)`, identity by the domain's rules |
//! | [`derive`] | merging the devices that changed, and what follows from the merge |
//! | [`write`] | writing it back, a few statements per table |

pub(crate) mod apply;
pub(crate) mod batch;
pub(crate) mod derive;
pub(crate) mod load;
mod record_body;
pub(crate) mod working;
pub(crate) mod write;

pub(crate) use apply::{batches_apply, nanoseconds, timestamp};
pub(crate) use batch::{Batch, Incoming, IncomingBody};
