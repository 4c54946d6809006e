//! What is to be done: changes of membership, in batches that can be told apart for ever.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{CollectionId, DeviceId, HierarchyId, InvalidId, RolloutId, TenantId};
use crate::rollout::spec::MembershipChange;

/// Devices of one batch. Sites before 2107 fail on thousands of rules in one call, and the `AdminService` takes them one by one
/// (handover.md 3): a batch is what can be repeated in seconds.
pub const BATCH: usize = 500;

/// Chosen once; never to be changed.
const NAMESPACE: Uuid = Uuid::from_u128(0x4c1e_77a9_0b5d_5f52_8f6e_9d20_c3b8_5a17);

/// Names an action by its content: who computes the same one, names it the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ActionId(Uuid);

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for ActionId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        let invalid = |_| InvalidId {
            kind: "action id",
            expected: "a UUID as a step wrote it",
            found: text.chars().take(80).collect(),
        };
        Uuid::parse_str(&text).map(Self).map_err(invalid)
    }
}

impl From<ActionId> for String {
    fn from(id: ActionId) -> Self {
        id.0.to_string()
    }
}

/// Whose action it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) hierarchy: &'a HierarchyId,
    pub(super) rollout: &'a RolloutId,
}

impl ActionId {
    /// The id of a batch: version 5 of RFC 9562's UUIDs over its content, line by line.
    pub(super) fn of(
        owner: Owner<'_>,
        sequence: u32,
        change: MembershipChange,
        devices: &[DeviceId],
    ) -> Self {
        let Owner { tenant, hierarchy, rollout } = owner;
        let mut content = format!("{tenant}\n{hierarchy}\n{rollout}\n{sequence}\n{}", change.id());
        for device in devices {
            content.push('\n');
            content.push_str(device.as_str());
        }
        Self(Uuid::new_v5(&NAMESPACE, content.as_bytes()))
    }
}

/// Devices that were handed over, or taken back, together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The action's name.
    pub id: ActionId,
    /// The wave that the devices belong to, from 0.
    pub wave: usize,
    /// What becomes of them.
    pub change: MembershipChange,
    /// At most [`BATCH`], in the order of their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DeviceId>,
    /// When it was first given out.
    pub at: Timestamp,
    /// The place, from 0, of the batch that it takes back. `None`: it hands over.
    pub takes_back: Option<usize>,
}

impl Batch {
    /// The same without devices.
    pub(super) const fn without_devices(&self) -> Self {
        let Self { id, wave, change, devices: _, at, takes_back } = *self;
        Self { id, wave, change, devices: Vec::new(), at, takes_back }
    }
}

/// A change of membership that is to be made in the hierarchy.
///
/// It is given out again, under the same id, by every step until its effect is seen: whoever carries it out remembers the ids
/// that were done, and never does one of a lower sequence after one of a higher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Its name.
    pub id: ActionId,
    /// Its place among the rollout's actions, from 0.
    pub sequence: u32,
    /// The wave that the devices belong to, from 0.
    pub wave: usize,
    /// The workload's pilot collection.
    pub collection: CollectionId,
    /// What becomes of the devices.
    pub change: MembershipChange,
    /// The devices, in the order of their ids.
    pub devices: Vec<DeviceId>,
    /// It takes back what was handed over.
    pub takes_back: bool,
}
