//! What a reader hands on: one item per call of the callback.

use jiff::Timestamp;
use jiff::civil::Date;
use tandem_domain::id::{CollectionId, HierarchyId};
use tandem_domain::policy::CoManagementPolicy;
use tandem_domain::section::{Section, Source};
use tandem_domain::site::SiteFacts;
use tandem_domain::tenant::TenantFacts;

/// One thing that the exports say. Items come in the order of the variants, file by file in name order within a variant;
/// [`Item::RecordRemoved`] comes wherever it is learned, after what it takes back.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all items are sections, and each is moved once: a box would cost more"
)]
pub enum Item {
    /// A tenant facts file.
    TenantFile {
        /// What it says of the tenant.
        facts: TenantFacts,
        /// The day or moment at which the exports were made.
        as_of: Option<AsOf>,
        /// What it adds to the sites, by hierarchy. A version there goes before the one of [`Item::Site`].
        sites: Vec<(HierarchyId, SiteFacts)>,
    },
    /// An `SMS_Site` record.
    Site {
        /// The hierarchy.
        hierarchy: HierarchyId,
        /// Code, parent, name and version; everything else is unknown.
        facts: SiteFacts,
    },
    /// A co-management policy file.
    Policy {
        /// The hierarchy that its name holds.
        hierarchy: HierarchyId,
        /// The policy, complete in the console's sense.
        policy: CoManagementPolicy,
    },
    /// An `SMS_Collection` record of a device collection.
    Collection {
        /// The hierarchy.
        hierarchy: HierarchyId,
        /// `CollectionID`.
        id: CollectionId,
        /// `Name`: not unique.
        name: Option<String>,
        /// `LimitToCollectionID`; `None` for the root.
        limiting: Option<CollectionId>,
        /// `MemberCount`.
        member_count: Option<u64>,
    },
    /// Part of a collection's members. The parts of one collection follow each other.
    Members {
        /// The hierarchy.
        hierarchy: HierarchyId,
        /// The collection.
        collection: CollectionId,
        /// Record keys, by site, then ascending by ResourceID, each once. Empty only for a collection that has no member.
        keys: Vec<String>,
        /// This part opens the list: what was known before is replaced.
        first: bool,
        /// This part closes the list.
        last: bool,
        /// The list names every member, of every site's provider: as many rows as its `MemberCount`. Where no collection record
        /// says one, each of its membership pages is a whole answer: undamaged and without a next link. A page of records alone
        /// does not say so. The same in every part.
        complete: bool,
    },
    /// What one source said of one record.
    Section(Section),
    /// A record that was handed on before turned out to be none: the source marks it as superseded or removed.
    RecordRemoved {
        /// The source.
        source: Source,
        /// Its key of the record.
        key: String,
        /// Why, in the source's words.
        reason: &'static str,
    },
}

/// When the exports were made, as an operator writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// A whole day.
    Day(Date),
    /// A moment.
    Instant(Timestamp),
}

impl AsOf {
    /// The moment that ages are measured at: a day stands for its last second, UTC.
    #[must_use]
    pub fn instant(self) -> Timestamp {
        match self {
            Self::Instant(instant) => instant,
            // Only 9999-12-31 lies beyond the last timestamp.
            Self::Day(day) => {
                jiff::tz::Offset::UTC.to_timestamp(day.at(23, 59, 59, 0)).unwrap_or(Timestamp::MAX)
            }
        }
    }
}
