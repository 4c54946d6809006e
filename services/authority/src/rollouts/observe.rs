//! The readings that a rollout is decided by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use roaring::RoaringBitmap;
use tandem_domain::id::{CollectionId, DeviceId, HierarchyId};
use tandem_domain::policy::{CoManagementPolicy, Membership, WorkloadSetting};
use tandem_domain::rollout::{DeviceObservation, Observations, Rollout, RolloutSpec, WaveChoice};
use tandem_domain::state::ManagementState;
use tandem_domain::workload::{SliderPosition, Workload};

use crate::fleet::{Basis, FleetIndex, Reading};

/// Whose readings, and what is known beside the fleet.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) hierarchy: HierarchyId,
    pub(crate) spec: RolloutSpec,
    /// The workload's slider and collection as configured. `None`: nobody said.
    pub(crate) setting: Option<WorkloadSetting>,
    /// The hierarchy's collections whose members are known completely.
    pub(crate) complete: BTreeSet<CollectionId>,
    /// When the pilot collection's members were read. `None`: never completely.
    pub(crate) members_read_at: Option<Timestamp>,
}

impl Asked {
    /// Of a hierarchy, by what surrounds it and is configured there.
    pub(crate) fn of(hierarchy: &HierarchyId, spec: &RolloutSpec, basis: &Basis) -> Self {
        let policy = basis.policies.of(Some(hierarchy)).map(|known| &known.policy);
        Self {
            hierarchy: hierarchy.clone(),
            spec: spec.clone(),
            setting: policy.and_then(|policy| setting(policy, spec.workload)),
            complete: basis.surroundings.complete_collections(Some(hierarchy)).clone(),
            members_read_at: None,
        }
    }

    /// What is read of the fleet: as little as its lock is to be held for.
    pub(crate) fn look(&self, index: &FleetIndex) -> Look {
        let nobody = RoaringBitmap::new();
        let members = |collection| index.members(&self.hierarchy, collection).unwrap_or(&nobody);
        let pilot = &self.spec.pilot_collection;
        let (pilot_members, pilot_complete) = (members(pilot), self.complete.contains(pilot));
        let membership = |ordinal| match (pilot_members.contains(ordinal), pilot_complete) {
            (true, _) => Membership::Member,
            (false, true) => Membership::NotMember,
            (false, false) => Membership::Unknown,
        };
        let devices = index.readings(&self.hierarchy).filter_map(|(ordinal, class, reading)| {
            Some((index.id(ordinal)?, class.state, membership(ordinal), *reading))
        });
        let chosen = self.spec.waves.iter().filter_map(|wave| match &wave.choice {
            WaveChoice::Collection(collection) => Some(collection),
            WaveChoice::Percentage { .. } | WaveChoice::Group(_) => None,
        });
        let known = chosen.filter(|collection| self.complete.contains(*collection)).map(|collection| {
            let ids = members(collection).iter().filter_map(|ordinal| index.id(ordinal));
            (collection.clone(), ids.collect())
        });
        Look { devices: devices.collect(), collections: known.collect() }
    }

    /// What a rollout is told, whose `done` and `freeze` are the store's to say. `rollout`: `None` while it is being drafted.
    pub(crate) fn observations(&self, look: Look, rollout: Option<&Rollout>) -> Observations {
        let parsed = |id: &str| DeviceId::parse(id).ok();
        let devices: BTreeMap<DeviceId, DeviceObservation> = look
            .devices
            .into_iter()
            .filter_map(|(id, state, membership, reading)| {
                let observation = DeviceObservation {
                    co_managed: co_managed(state),
                    membership,
                    report: reading.report(self.spec.workload),
                    failed_at: reading.failed_at(),
                    last_contact: reading.contact_at(),
                    // No source tells it.
                    zone: None,
                };
                Some((parsed(&id)?, observation))
            })
            .collect();
        let taken = rollout.into_iter().flat_map(|rollout| rollout.waves());
        let taken = taken.flat_map(|wave| wave.devices.keys());
        let gone = taken.filter(|device| !devices.contains_key(*device)).cloned().collect();
        let members = |ids: Vec<Arc<str>>| ids.iter().filter_map(|id| parsed(id)).collect();
        let collections = look.collections.into_iter().map(|(collection, ids)| (collection, members(ids)));
        let pilot_complete = self.complete.contains(&self.spec.pilot_collection);
        Observations {
            collections: collections.collect(),
            setting: self.setting.clone(),
            members_read_at: self.members_read_at.filter(|_| pilot_complete),
            gone,
            devices,
            ..Observations::default()
        }
    }
}

/// What was read of a fleet.
#[derive(Debug)]
pub(crate) struct Look {
    devices: Vec<(Arc<str>, ManagementState, Membership, Reading)>,
    collections: Vec<(CollectionId, Vec<Arc<str>>)>,
}

/// Whether a device is co-managed as it is counted; `None`: the facts do not say.
fn co_managed(state: ManagementState) -> Option<bool> {
    match state {
        ManagementState::Unknown => None,
        state => Some(state == ManagementState::CoManaged),
    }
}

/// Where the workload's slider stands, as far as anybody said. Without co-management set up in the hierarchy there are no sliders: every
/// workload stays at Configuration Manager, whatever positions the policy keeps \[derived\].
fn setting(policy: &CoManagementPolicy, workload: Workload) -> Option<WorkloadSetting> {
    let setting = &policy.workloads[workload];
    match policy.enabled {
        Some(true) => Some(setting.clone()),
        Some(false) => Some(WorkloadSetting {
            slider: SliderPosition::ConfigurationManager,
            pilot_collection: setting.pilot_collection.clone(),
        }),
        None => None,
    }
}
