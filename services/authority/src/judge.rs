//! One device after the other, judged in one world: what surrounds it, and the policies as configured.

use std::sync::Arc;

use jiff::Timestamp;
use tandem_client::fleet::TenantSurroundings;
use tandem_domain::authority::{
    self, Drift, DriftExplanation, DriftTimes, EffectiveAuthority, Reason, Reported,
};
use tandem_domain::facts::DeviceFacts;
use tandem_domain::id::HierarchyId;
use tandem_domain::policy::Surroundings;
use tandem_domain::setting::{self, SettingKind, SettingOnDevice};
use tandem_domain::state::{self, CoManaged, ManagementState};
use tandem_domain::workload::{PerWorkload, Workload};

use crate::store::policy_set::PolicySet;

/// What devices of one tenant are judged by.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) surroundings: Arc<TenantSurroundings>,
    pub(crate) policies: Arc<PolicySet>,
    /// When it was looked at.
    pub(crate) as_of: Timestamp,
}

/// What is to be said of one device.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// Revision of the policy that was applied; 0: none is known.
    pub(crate) policy_revision: u64,
    pub(crate) state: ManagementState,
    pub(crate) co_managed: CoManaged,
    pub(crate) effective: EffectiveAuthority,
    /// The same if its hierarchy were configured as it is desired; `None`: nothing is desired of it.
    pub(crate) desired: Option<PerWorkload<Reason>>,
    pub(crate) reported: Reported,
    /// Where effective and reported differ, each with since when and why.
    pub(crate) drift: Vec<(Drift, DriftExplanation)>,
}

/// Who decides on one device, and nothing else of it: small enough to be kept. Time has no part in it, so it holds until the device or
/// what it is judged by changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decided {
    /// Revision of the policy that was applied; 0: none is known.
    pub(crate) policy_revision: u64,
    /// Whose policy that is.
    pub(crate) hierarchy: Option<HierarchyId>,
    pub(crate) reasons: PerWorkload<Reason>,
    /// Since when.
    pub(crate) since: HeldSince,
}

/// Since when each workload is held by whom it is held, as far as history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct HeldSince {
    /// In microseconds since 1970; 0: not known.
    since: PerWorkload<i64>,
    /// Nobody had looked at the device before.
    first_look: PerWorkload<bool>,
}

impl HeldSince {
    /// Of each workload the moment, and whether that is when the device was first looked at.
    pub(crate) fn from_fn(mut since: impl FnMut(Workload) -> Option<(Timestamp, bool)>) -> Self {
        let mut held = Self::default();
        for workload in Workload::ALL {
            if let Some((at, first_look)) = since(workload) {
                held.since[workload] = at.as_microsecond();
                held.first_look[workload] = first_look;
            }
        }
        held
    }

    pub(crate) fn get(&self, workload: Workload) -> Option<(Timestamp, bool)> {
        let known = Some(self.since[workload]).filter(|at| *at != 0)?;
        Some((Timestamp::from_microsecond(known).ok()?, self.first_look[workload]))
    }

    /// Of every workload.
    pub(crate) fn is_known(&self) -> bool {
        self.since.iter().all(|(_, at)| *at != 0)
    }
}

impl World {
    /// Who holds a kind of setting on a device, and the revision of the policy that was applied; 0: none is known.
    pub(crate) fn holder_of(
        &self,
        kind: &'static SettingKind,
        facts: &DeviceFacts,
    ) -> (SettingOnDevice, u64) {
        let known = self.policies.of(facts.hierarchy.as_ref());
        let surroundings = self.surroundings.of(facts, known.map(|known| &known.policy));
        let effective = authority::effective_authority(facts, &surroundings);
        let held = setting::setting_on_device(kind, &effective, facts, surroundings.site);
        (held, known.map_or(0, |known| known.revision))
    }

    /// Judges a device from its facts alone.
    pub(crate) fn judge(&self, facts: &DeviceFacts) -> Judgement {
        let known = self.policies.of(facts.hierarchy.as_ref());
        let surroundings = self.surroundings.of(facts, known.map(|known| &known.policy));
        let effective = authority::effective_authority(facts, &surroundings);
        Judgement {
            policy_revision: known.map_or(0, |known| known.revision),
            state: state::management_state(facts, surroundings.tenant),
            co_managed: state::co_managed(facts),
            drift: self.explained(
                facts,
                &surroundings,
                &effective,
                authority::drift(facts, &surroundings, &effective),
            ),
            desired: self.policies.desired_of(facts.hierarchy.as_ref()).map(|desired| {
                let surroundings = Surroundings { policy: Some(desired), ..surroundings };
                let effective = authority::effective_authority(facts, &surroundings);
                PerWorkload::from_fn(|workload| effective.workloads[workload].reason)
            }),
            reported: authority::reported(facts),
            effective,
        }
    }

    fn explained(
        &self,
        facts: &DeviceFacts,
        surroundings: &Surroundings<'_>,
        effective: &EffectiveAuthority,
        drift: Vec<Drift>,
    ) -> Vec<(Drift, DriftExplanation)> {
        let known = self.policies.of(facts.hierarchy.as_ref());
        let explained = drift.into_iter().map(|drift| {
            // Where a pilot's members decide, the sliders' last change says nothing: members may have changed since.
            let by_members = matches!(
                effective.workloads[drift.workload].reason,
                Reason::PilotMember | Reason::PilotNotMember | Reason::BundledWithDeviceConfiguration
            );
            let changed_at = known.and_then(|known| known.changed[drift.workload]).filter(|_| !by_members);
            let times = DriftTimes { changed_at, first_seen: None, as_of: self.as_of };
            let explanation = authority::explain_drift(facts, surroundings, &drift, &times);
            (drift, explanation)
        });
        explained.collect()
    }

    /// Decides a device from its facts alone, as [`Self::judge`] does. Since when is not theirs to say.
    pub(crate) fn decide(&self, facts: &DeviceFacts) -> Decided {
        let known = self.policies.of(facts.hierarchy.as_ref());
        let surroundings = self.surroundings.of(facts, known.map(|known| &known.policy));
        let effective = authority::effective_authority(facts, &surroundings);
        Decided {
            policy_revision: known.map_or(0, |known| known.revision),
            hierarchy: facts.hierarchy.clone(),
            reasons: PerWorkload::from_fn(|workload| effective.workloads[workload].reason),
            since: HeldSince::default(),
        }
    }
}
