//! What states of devices are read by, beside the devices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tandem_client::fleet::TenantSurroundings;
use tandem_domain::facts::DeviceFacts;
use tandem_domain::history::MaterialState;
use tandem_domain::id::{CollectionId, HierarchyId};
use tandem_storage::fingerprint;

use crate::store::history::cursor::{Named, named_in};

/// One reading of it.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    pub(super) surroundings: Arc<TenantSurroundings>,
    /// The collections that any policy ever named, or one that is desired.
    pub(super) named: Named,
}

impl Ground {
    /// The same text for two grounds by which every device is in the same state but for its collections. Another release may read devices
    /// otherwise, and says so.
    pub(super) fn basis(&self) -> String {
        let sites =
            |id| self.surroundings.hierarchies.get(id).map(|h| h.sites.iter().collect::<BTreeMap<_, _>>());
        let ids: BTreeSet<&HierarchyId> = self.surroundings.hierarchies.keys().collect();
        let sites: Vec<_> = ids.into_iter().map(|id| (id, sites(id))).collect();
        let said = format!("{:?} {sites:?}", self.surroundings.tenant);
        format!("{}/{:016x}", env!("CARGO_PKG_VERSION"), fingerprint(&[said.as_bytes()]))
    }

    /// Of the collections that are kept of devices, those whose members are known completely.
    pub(super) fn complete(&self, kept: &Named) -> Named {
        let complete = kept.iter().map(|(hierarchy, kept)| {
            let complete = self.surroundings.complete_collections(Some(hierarchy));
            (hierarchy.clone(), kept.intersection(complete).cloned().collect())
        });
        complete.collect()
    }

    /// The state of a device, of whose collections those are kept.
    pub(super) fn state(&self, facts: &DeviceFacts, kept: &Named) -> MaterialState {
        let kept = named_in(kept, facts.hierarchy.as_ref());
        MaterialState::of(facts, &self.surroundings.of(facts, None), kept)
    }
}

/// What is in `one` and not in `other`, collection by collection.
pub(super) fn beyond(one: &Named, other: &Named) -> Vec<(HierarchyId, CollectionId)> {
    let pairs = one.iter().flat_map(|(hierarchy, ids)| ids.iter().map(move |id| (hierarchy, id)));
    let new = pairs.filter(|(hierarchy, id)| !other.get(*hierarchy).is_some_and(|known| known.contains(*id)));
    new.map(|(hierarchy, id)| (hierarchy.clone(), id.clone())).collect()
}
