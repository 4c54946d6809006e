//! A rollout between two steps: everything that the next one needs to know.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{DeviceId, HierarchyId, PlanHash, PrincipalId, RolloutId, TenantId};
use crate::rollout::action::{Batch, Owner};
use crate::rollout::bucket::Bucket;
use crate::rollout::spec::RolloutSpec;
use crate::rollout::standing::{Standing, Tally};
use crate::rollout::table::{
    RolloutEvent, RolloutPhase, WaveEvent, WavePhase, next_rollout_phase, next_wave_phase,
};
use crate::rollout::validate::{InvalidRollout, WaveSizes};
use crate::workload::SliderPosition;

/// Why a rollout is in its phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// A person said so.
    Asked {
        /// Who.
        by: PrincipalId,
        /// Why, in their words; empty where none are asked for.
        why: String,
    },
    /// A wave failed.
    WaveFailed {
        /// Which, from 0.
        wave: usize,
    },
    /// Membership of the rollout's pilot collection decides nothing any more.
    SliderMoved {
        /// Where the slider stands; at Pilot Intune, it has another pilot collection.
        found: SliderPosition,
    },
    /// Every wave passed or was approved.
    WavesDone,
    /// Everything that was handed over is seen to be taken back.
    RollbackConfirmed,
}

/// A person's approval of an inconclusive wave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaveApproval {
    /// Who.
    pub by: PrincipalId,
    /// Why, in their words.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// One device of a wave that began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaveDevice {
    /// Its bucket, the order in which devices are handed over: so that no site and no age comes first.
    pub bucket: Bucket,
    /// When it was handed over. `None`: not yet.
    pub handed_over_at: Option<Timestamp>,
    /// The site was seen to have its new membership.
    pub configured: bool,
    /// It reported the workload at the target once. Whatever it says later, it is no longer in motion.
    pub arrived: bool,
    /// What is to be thought of it.
    pub standing: Standing,
}

impl WaveDevice {
    /// A device that the wave has just taken.
    pub(super) const fn taken(bucket: Bucket) -> Self {
        Self { bucket, handed_over_at: None, configured: false, arrived: false, standing: Standing::Chosen }
    }

    /// Handed over, and neither arrived nor excluded.
    #[must_use]
    pub fn is_in_motion(&self) -> bool {
        self.handed_over_at.is_some() && !self.arrived && self.standing != Standing::Excluded
    }
}

/// One wave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// Where it stands.
    pub phase: WavePhase,
    /// What brought it there. `None`: nothing yet.
    pub event: Option<WaveEvent>,
    /// When it began.
    pub began_at: Option<Timestamp>,
    /// When its soak time is over. Put off while the rollout is held.
    pub soaked_at: Option<Timestamp>,
    /// When it becomes inconclusive. Put off while the rollout is held.
    pub deadline_at: Option<Timestamp>,
    /// Who approved it although it was inconclusive.
    pub approval: Option<WaveApproval>,
    /// Its devices; a device is in one wave only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub devices: BTreeMap<DeviceId, WaveDevice>,
}

impl Wave {
    /// A wave that nothing happened to yet.
    const fn waiting() -> Self {
        Self {
            phase: WavePhase::Waiting,
            event: None,
            began_at: None,
            soaked_at: None,
            deadline_at: None,
            approval: None,
            devices: BTreeMap::new(),
        }
    }

    /// The same without devices.
    pub(super) fn without_devices(&self) -> Self {
        let Self { phase, event, began_at, soaked_at, deadline_at, ref approval, devices: _ } = *self;
        let (approval, devices) = (approval.clone(), BTreeMap::new());
        Self { phase, event, began_at, soaked_at, deadline_at, approval, devices }
    }

    /// How many of its devices stand where.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally::of(self.devices.values())
    }
}

/// A rollout of one workload of one hierarchy. Made by [`Rollout::draft`], changed by `apply` and `step` only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    pub(super) id: RolloutId,
    pub(super) tenant: TenantId,
    pub(super) hierarchy: HierarchyId,
    pub(super) plan: PlanHash,
    pub(super) spec: RolloutSpec,
    pub(super) phase: RolloutPhase,
    pub(super) because: Option<Because>,
    pub(super) held_since: Option<Timestamp>,
    pub(super) waves: Vec<Wave>,
    pub(super) batches: Vec<Batch>,
}

/// What a rollout is called, and which plan it carries out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutName {
    /// The tenant.
    pub tenant: TenantId,
    /// The hierarchy whose workload moves.
    pub hierarchy: HierarchyId,
    /// The rollout, unique within the hierarchy.
    pub id: RolloutId,
    /// The content that approvals are given for.
    pub plan: PlanHash,
}

impl Rollout {
    /// A rollout that nobody was asked about yet.
    ///
    /// # Errors
    /// Everything that is wrong with the spec.
    pub fn draft(
        name: RolloutName,
        spec: RolloutSpec,
        sizes: WaveSizes<'_>,
    ) -> Result<Self, Vec<InvalidRollout>> {
        spec.validate(sizes)?;
        let RolloutName { tenant, hierarchy, id, plan } = name;
        let waves = vec![Wave::waiting(); spec.waves.len()];
        Ok(Self {
            id,
            tenant,
            hierarchy,
            plan,
            spec,
            phase: RolloutPhase::Draft,
            because: None,
            held_since: None,
            waves,
            batches: Vec::new(),
        })
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &RolloutId {
        &self.id
    }

    /// Its tenant.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Its hierarchy.
    #[must_use]
    pub const fn hierarchy(&self) -> &HierarchyId {
        &self.hierarchy
    }

    /// The content that approvals are given for.
    #[must_use]
    pub const fn plan(&self) -> &PlanHash {
        &self.plan
    }

    /// What it is to do.
    #[must_use]
    pub const fn spec(&self) -> &RolloutSpec {
        &self.spec
    }

    /// Where it stands.
    #[must_use]
    pub const fn phase(&self) -> RolloutPhase {
        self.phase
    }

    /// Why it is there. `None`: it is a new draft.
    #[must_use]
    pub const fn because(&self) -> Option<&Because> {
        self.because.as_ref()
    }

    /// Since when it is paused or frozen. `None`: it is not, or does not run anyway.
    #[must_use]
    pub const fn held_since(&self) -> Option<Timestamp> {
        self.held_since
    }

    /// Its waves, one for each of the spec's.
    #[must_use]
    pub fn waves(&self) -> &[Wave] {
        &self.waves
    }

    /// Everything that it ever gave out to be done, in order.
    #[must_use]
    pub fn batches(&self) -> &[Batch] {
        &self.batches
    }

    /// The first wave that is not done. `None`: all are.
    #[must_use]
    pub fn current_wave(&self) -> Option<usize> {
        self.waves.iter().position(|wave| !wave.phase.is_done())
    }

    pub(super) const fn owner(&self) -> Owner<'_> {
        Owner { tenant: &self.tenant, hierarchy: &self.hierarchy, rollout: &self.id }
    }

    /// Follows the table. False: the event is not in it, and nothing changed.
    pub(super) fn follow(&mut self, event: RolloutEvent, because: Because) -> bool {
        let Some(next) = next_rollout_phase(self.phase, event) else {
            return false;
        };
        // An approved wave leaves a paused rollout paused, for the reason that it was paused for.
        if next != self.phase {
            self.because = Some(because);
        }
        self.phase = next;
        if !matches!(next, RolloutPhase::Running | RolloutPhase::Paused) {
            self.held_since = None;
        }
        true
    }

    /// Lets a wave follow its table. False: the event is not in it, and nothing changed.
    pub(super) fn follow_wave(&mut self, wave: usize, event: WaveEvent) -> bool {
        let Some(next) = next_wave_phase(self.waves[wave].phase, event) else {
            return false;
        };
        self.waves[wave].phase = next;
        self.waves[wave].event = Some(event);
        true
    }

    /// From now on its clocks stand still.
    pub(super) fn hold(&mut self, since: Timestamp) {
        self.held_since.get_or_insert(since);
    }

    /// Its clocks go on: what was to come is put off by the time that it was held.
    pub(super) fn release(&mut self, now: Timestamp) {
        let Some(since) = self.held_since.take() else {
            return;
        };
        let held = now.duration_since(since);
        if !held.is_positive() {
            return;
        }
        let active = self.waves.iter_mut().filter(|wave| !wave.phase.is_done());
        for due in active.flat_map(|wave| [&mut wave.soaked_at, &mut wave.deadline_at]) {
            *due = due.map(|at| at.checked_add(held).unwrap_or(Timestamp::MAX));
        }
    }
}
