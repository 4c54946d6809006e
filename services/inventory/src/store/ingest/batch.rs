//! What arrived, checked at the edge.

use std::sync::Arc;

use jiff::Timestamp;
use prost::bytes::Bytes;
use tandem_domain::section::{Section, Source};

/// Sections of one source, in the order in which they were sent.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// Who speaks.
    pub(crate) source: Source,
    /// What was said.
    pub(crate) sections: Vec<Incoming>,
    /// When it was received.
    pub(crate) received_at: Timestamp,
}

/// One section.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    /// The source's own key of the record.
    pub(crate) key: String,
    /// When the source said it, at most five minutes after receipt.
    pub(crate) observed_at: Timestamp,
    /// The later time that the source named, if it did.
    pub(crate) ahead: Option<Timestamp>,
    /// Order among sections of the same time.
    pub(crate) sequence: i64,
    /// What was said.
    pub(crate) body: IncomingBody,
}

/// What a section says.
#[derive(Debug, Clone)]
pub(crate) enum IncomingBody {
    /// What was read, and the same as stored bytes.
    Said(Arc<Section>, Bytes),
    /// The source no longer keeps the record.
    Removed,
}

/// What came of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    /// Sections that changed something.
    pub(crate) applied: u32,
    /// Sections that were older than what is stored, or the same.
    pub(crate) superseded: u32,
    /// The revision of the commit, or the tenant's current one when nothing changed.
    pub(crate) revision: u64,
    /// What was read ahead was of no use: others write to the tenant.
    pub(crate) is_stale: bool,
}
