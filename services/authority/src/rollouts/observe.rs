//! The readings that a rollout is decided by.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use roaring::RoaringBitmap;
use tandem_domain::id::{CollectionId, DeviceId, HierarchyId};
use tandem_domain::policy::{CoManagementPolicy, Membership, WorkloadSetting};
use tandem_domain::rollout::{DeviceObservation, Observations, Rollout, RolloutSpec, WaveChoice};
use tandem_domain::state::ManagementState;
use tandem_domain::workload::{SliderPosition, Workload};

use crate::fleet::FleetIndex;

/// Whose readings, and what is known beside the fleet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) hierarchy: &'a HierarchyId,
    pub(crate) spec: &'a RolloutSpec,
    /// The policy as configured. `None`: nobody said.
    pub(crate) policy: Option<&'a CoManagementPolicy>,
    /// The hierarchy's collections whose members are known completely.
    pub(crate) complete: &'a BTreeSet<CollectionId>,
    /// When the pilot collection's members were read. `None`: never completely.
    pub(crate) members_read_at: Option<Timestamp>,
}

/// What is read of the fleet for a rollout; whose `done` and `freeze` are the store's to say. `rollout`: `None` while it is being drafted.
pub(crate) fn observations(index: &FleetIndex, asked: &Asked<'_>, rollout: Option<&Rollout>) -> Observations {
    let nobody = RoaringBitmap::new();
    let members = |collection| index.members(asked.hierarchy, collection).unwrap_or(&nobody);
    let pilot = &asked.spec.pilot_collection;
    let (pilot_members, pilot_complete) = (members(pilot), asked.complete.contains(pilot));
    let membership = |ordinal| match (pilot_members.contains(ordinal), pilot_complete) {
        (true, _) => Membership::Member,
        (false, true) => Membership::NotMember,
        (false, false) => Membership::Unknown,
    };
    let devices: BTreeMap<DeviceId, DeviceObservation> = index
        .readings(asked.hierarchy)
        .filter_map(|(ordinal, class, reading)| {
            let device = DeviceId::parse(&index.id(ordinal)?).ok()?;
            let observation = DeviceObservation {
                co_managed: co_managed(class.state),
                membership: membership(ordinal),
                report: reading.report(asked.spec.workload),
                failed_at: reading.failed_at(),
                last_contact: reading.contact_at(),
                // No source tells it.
                zone: None,
            };
            Some((device, observation))
        })
        .collect();
    let taken = rollout.into_iter().flat_map(|rollout| rollout.waves()).flat_map(|wave| wave.devices.keys());
    let gone = taken.filter(|device| !devices.contains_key(*device)).cloned().collect();
    let ids = |collection| {
        let ids = members(collection).iter().filter_map(|ordinal| index.id(ordinal));
        ids.filter_map(|id| DeviceId::parse(&id).ok()).collect()
    };
    let chosen = asked.spec.waves.iter().filter_map(|wave| match &wave.choice {
        WaveChoice::Collection(collection) => Some(collection),
        WaveChoice::Percentage { .. } | WaveChoice::Group(_) => None,
    });
    let known = chosen.filter(|collection| asked.complete.contains(*collection));
    Observations {
        collections: known.map(|collection| (collection.clone(), ids(collection))).collect(),
        setting: asked.policy.and_then(|policy| setting(policy, asked.spec.workload)),
        members_read_at: asked.members_read_at.filter(|_| pilot_complete),
        gone,
        devices,
        ..Observations::default()
    }
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
