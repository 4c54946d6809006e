//! What of a device its decisions depend on, in a form that is kept for years.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::authority::{Reason, Standing, latest_reports};
use crate::facts::DeviceFacts;
use crate::id::{CollectionId, HierarchyId};
use crate::policy::{CoManagementPolicy, Membership, Surroundings};
use crate::state::{ManagementState, management_state};
use crate::workload::{ManagementAuthority, PerWorkload};

/// What of a device its decisions depend on, beside the policy of its hierarchy; and what it reported.
///
/// A device that says the same again, or says something else that no decision asks for, is in the same state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaterialState {
    /// The hierarchy whose policy applies. `None`: no site keeps a record of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hierarchy: Option<HierarchyId>,
    /// How it stood towards its two managers.
    pub state: ManagementState,
    /// What decides beside the policy.
    pub standing: Standing,
    /// Who decided each workload by its newest report, in the order of `Workload::ALL`. `None`: no report says.
    pub reported: PerWorkload<Option<ManagementAuthority>>,
    /// Those of its collections that any policy of its hierarchy ever named.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", default)]
    pub collections: BTreeSet<CollectionId>,
}

impl MaterialState {
    /// A device in its surroundings; `named`: the collections that any policy of its hierarchy ever named.
    #[must_use]
    pub fn of(facts: &DeviceFacts, surroundings: &Surroundings<'_>, named: &BTreeSet<CollectionId>) -> Self {
        Self {
            hierarchy: facts.hierarchy.clone(),
            state: management_state(facts, surroundings.tenant),
            standing: Standing::of(facts, surroundings.tenant, surroundings.site),
            reported: latest_reports(facts),
            collections: facts.collections.iter().filter(|id| named.contains(*id)).cloned().collect(),
        }
    }

    /// Whether another state is the same but for collections that no policy named so far. They had no part in any decision, so what is known of
    /// them may be said of this state, too.
    #[must_use]
    pub fn differs_by_names(&self, other: &Self, named: &BTreeSet<CollectionId>) -> bool {
        is_unnamed(&self.collections, &other.collections, named)
            && *self == Self { collections: self.collections.clone(), ..other.clone() }
    }

    /// Decides every workload under a policy of its hierarchy, `None`: nobody said what it was; `complete`: the collections whose members were
    /// known completely.
    #[must_use]
    pub fn decide(
        &self,
        policy: Option<&CoManagementPolicy>,
        complete: &BTreeSet<CollectionId>,
    ) -> PerWorkload<Reason> {
        self.standing.decide(policy, |collection| {
            match (self.collections.contains(collection), complete.contains(collection)) {
                (true, _) => Membership::Member,
                (false, true) => Membership::NotMember,
                (false, false) => Membership::Unknown,
            }
        })
    }
}

/// Whether two sets of collections differ by none that any policy named so far.
#[must_use]
pub fn is_unnamed(
    one: &BTreeSet<CollectionId>,
    other: &BTreeSet<CollectionId>,
    named: &BTreeSet<CollectionId>,
) -> bool {
    one.symmetric_difference(other).all(|id| !named.contains(id))
}
