//! What devices are put in classes by, beside themselves.

use std::sync::Arc;

use jiff::Timestamp;
use tandem_client::fleet::TenantSurroundings;
use tandem_domain::authority::Standing;
use tandem_domain::facts::DeviceFacts;
use tandem_domain::id::{CollectionId, HierarchyId};
use tandem_domain::plan::DeviceClass;
use tandem_domain::policy::AutoEnrollment;
use tandem_domain::prerequisites::{Path, evaluate_device};
use tandem_domain::state::management_state;

use super::index::{Counted, SortedBy};
use super::reading::Reading;
use crate::store::policy_set::PolicySet;

/// One reading of it.
#[derive(Debug, Clone)]
pub(crate) struct Basis {
    pub(crate) surroundings: Arc<TenantSurroundings>,
    pub(crate) policies: Arc<PolicySet>,
}

impl Basis {
    /// Whether every device is in the same class by both: nothing differs that a class depends on.
    pub(super) fn puts_alike(&self, other: &Self) -> bool {
        let (one, two) = (&*self.surroundings, &*other.surroundings);
        if Arc::ptr_eq(&self.surroundings, &other.surroundings)
            && Arc::ptr_eq(&self.policies, &other.policies)
        {
            return true;
        }
        one.tenant == two.tenant
            && one.hierarchies.len() == two.hierarchies.len()
            && one.hierarchies.iter().all(|(id, hierarchy)| {
                two.hierarchies.get(id).is_some_and(|other| hierarchy.sites == other.sites)
                    && self.enrollment(id) == other.enrollment(id)
            })
    }

    /// The collections that configured policies name: those that every plan of the hierarchy asks about.
    pub(super) fn sorted_by(&self) -> SortedBy {
        let hierarchies = self.surroundings.hierarchies.keys();
        let named = hierarchies.filter_map(|id| {
            let policy = &self.policies.of(Some(id))?.policy;
            Some((id.clone(), policy.collections().into_iter().cloned().collect()))
        });
        named.collect()
    }

    /// What one prerequisite asks for: whom the configured policy enrolls, and whether it is known who is meant.
    fn enrollment(
        &self,
        hierarchy: &HierarchyId,
    ) -> Option<(Option<AutoEnrollment>, Option<&CollectionId>, bool)> {
        let policy = &self.policies.of(Some(hierarchy))?.policy;
        let collection = policy.auto_enrollment_collection.as_ref();
        let complete = self.surroundings.complete_collections(Some(hierarchy));
        let known = collection.is_some_and(|collection| complete.contains(collection));
        Some((policy.auto_enrollment, collection, known))
    }

    /// A device, as it is counted at that time.
    pub(super) fn counted(
        &self,
        device: String,
        revision: u64,
        facts: DeviceFacts,
        as_of: Timestamp,
    ) -> Counted {
        let known = self.policies.of(facts.hierarchy.as_ref());
        let surroundings = self.surroundings.of(&facts, known.map(|known| &known.policy));
        let report = evaluate_device(&facts, &surroundings, Path::Path1, as_of);
        let class = DeviceClass {
            state: management_state(&facts, surroundings.tenant),
            standing: Standing::of(&facts, surroundings.tenant, surroundings.site),
            verdict: report.verdict(),
        };
        Counted {
            device,
            revision,
            class,
            valid_until: report.valid_until,
            reading: Reading::of(&facts),
            hierarchy: facts.hierarchy,
            collections: facts.collections,
        }
    }
}
