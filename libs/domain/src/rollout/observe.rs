//! What a rollout is told of the world: the readings that a step decides by.
//!
//! A reading says when it was taken wherever an old one could be mistaken for an answer: a report from before a hand-over says
//! nothing about it. What nobody said is `None` or absent, waits, and never counts as good news.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::id::{CollectionId, DeviceId};
use crate::policy::{Membership, WorkloadSetting};
use crate::rollout::action::ActionId;
use crate::rollout::freeze::Freeze;
use crate::rollout::zone::Zone;
use crate::workload::ManagementAuthority;

/// Who decided the workload when the device last said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Who decided.
    pub authority: ManagementAuthority,
    /// When the device said so.
    pub at: Timestamp,
}

/// One device, as last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceObservation {
    /// It is co-managed as it is counted; `None`: the facts do not say.
    pub co_managed: Option<bool>,
    /// Whether it is in the pilot collection, as read at [`Observations::members_read_at`].
    pub membership: Membership,
    /// Its last report of the workload. `None`: it never said.
    pub report: Option<Report>,
    /// When it last failed to take the workload's policy over. `None`: no failure is standing.
    pub failed_at: Option<Timestamp>,
    /// The newest contact with either manager. `None`: nobody ever heard of it.
    pub last_contact: Option<Timestamp>,
    /// Its time zone. `None`: not known, the windows' fallback decides.
    pub zone: Option<Zone>,
}

/// All readings of one step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observations {
    /// The hierarchy's devices that the rollout may choose from. Of one that is missing nobody said anything.
    pub devices: BTreeMap<DeviceId, DeviceObservation>,
    /// Devices that the inventory had and has no longer: members of nothing, and waited for no longer.
    pub gone: BTreeSet<DeviceId>,
    /// The members of the collections that waves choose by. A missing one is not known, and its wave does not begin.
    pub collections: BTreeMap<CollectionId, BTreeSet<DeviceId>>,
    /// The workload's slider and pilot collection, as configured. `None`: not known, and nothing is handed over.
    pub setting: Option<WorkloadSetting>,
    /// When the pilot collection's members were read. `None`: never, and nothing counts as configured.
    pub members_read_at: Option<Timestamp>,
    /// Actions that whoever carries them out reports as done.
    pub done: BTreeSet<ActionId>,
    /// Everything in the tenant is frozen.
    pub freeze: Option<Freeze>,
}
