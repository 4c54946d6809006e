//! Which hierarchy manages the client, where several keep a record of the device; and the conflict, to be shown.
//!
//! A device has one client, and a client one hierarchy. No vendor page says what two hierarchies with one device mean, so the
//! order in which claims are believed is ours \[derived\]: a hierarchy that says that the client is installed before one that
//! does not; then the one that heard of the client last; then the first by id. A client that was moved leaves its old record
//! behind, and the old hierarchy goes on saying that the client is there: the newest contact tells them apart.
//!
//! Invariant, with a property test: the hierarchy that decides is the one that [`crate::merge::merge`] took the site's facts
//! from.

use jiff::Timestamp;

use super::readings::Readings;
use crate::id::HierarchyId;
use crate::section::Section;

/// What one hierarchy says of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HierarchyClaim {
    /// The hierarchy.
    pub hierarchy: HierarchyId,
    /// The client is installed; `None`: it does not say.
    pub client_installed: Option<bool>,
    /// The newest sign of the client. `None`: it never heard of it.
    pub last_contact: Option<Timestamp>,
}

impl HierarchyClaim {
    /// It says that the client is its own; a hierarchy that only discovered the device does not.
    #[must_use]
    pub fn claims_client(&self) -> bool {
        self.client_installed == Some(true)
    }

    /// The greater is believed.
    fn rank(&self) -> (bool, Option<Timestamp>) {
        (self.claims_client(), self.last_contact)
    }
}

/// By what a claim was believed before the next best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClaimRule {
    /// It alone says that the client is installed.
    OnlyClient,
    /// It heard of the client last.
    LastContact,
    /// Nothing tells them apart but their ids.
    FirstById,
}

impl ClaimRule {
    /// Its stable name.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::OnlyClient => "only_client",
            Self::LastContact => "last_contact",
            Self::FirstById => "first_by_id",
        }
    }

    /// The rule as a sentence for people.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::OnlyClient => "no other hierarchy says that the client is installed",
            Self::LastContact => "it heard of the client after every other that says as much of it",
            Self::FirstById => "the claims are alike, so the first by id decides",
        }
    }
}

/// Several hierarchies keep a record of one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HierarchyConflict {
    /// The one that is believed: site, sliders and collections are its own.
    pub decides: HierarchyClaim,
    /// The others, by id; at least one.
    pub others: Vec<HierarchyClaim>,
    /// By what it was believed.
    pub rule: ClaimRule,
}

impl HierarchyConflict {
    /// Two or more say that the client is theirs. Otherwise the others only know the device, and nothing about authority
    /// hangs on them.
    #[must_use]
    pub fn is_contested(&self) -> bool {
        self.decides.claims_client() && self.others.iter().any(HierarchyClaim::claims_client)
    }

    /// What to do about it, as a sentence for people \[derived\].
    #[must_use]
    pub fn remediation(&self) -> &'static str {
        match (self.is_contested(), self.rule) {
            (true, ClaimRule::FirstById) => {
                "look on the device which site its client is assigned to; until one hierarchy hears of it \
                 after the other, the decision rests on the order of their ids alone"
            }
            (true, _) => {
                "look on the device which site its client is assigned to, and have the record deleted in \
                 the hierarchies that the client has left"
            }
            (false, _) => {
                "nothing, where the others shall go on discovering the device; otherwise take it out of \
                 their discovery and delete its record there"
            }
        }
    }
}

/// Whether several hierarchies keep a record of the device, and which of them is believed. `None`: at most one does.
///
/// `sections` are those of one device, as for [`crate::merge::merge`].
#[must_use]
pub fn hierarchy_conflict<'a>(sections: impl IntoIterator<Item = &'a Section>) -> Option<HierarchyConflict> {
    let mut others = Readings::of(sections.into_iter().collect()).claims;
    let decides = others.remove(deciding(&others)?);
    let next_best = others.iter().map(HierarchyClaim::rank).max()?;
    let rule = match (decides.rank(), next_best) {
        ((true, _), (false, _)) => ClaimRule::OnlyClient,
        (first, second) if first > second => ClaimRule::LastContact,
        _ => ClaimRule::FirstById,
    };
    Some(HierarchyConflict { decides, others, rule })
}

/// The place of the claim that is believed; `claims` come by id. `None`: there is none.
pub(super) fn deciding(claims: &[HierarchyClaim]) -> Option<usize> {
    // The last maximum counts: from behind, that is the first by id.
    (0..claims.len()).rev().max_by_key(|&place| claims[place].rank())
}
