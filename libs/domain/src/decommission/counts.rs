//! What the devices of a plan say together.

use std::collections::BTreeSet;

use crate::authority::latest_reports;
use crate::facts::{DeviceFacts, JoinType, MdmProvider, copied, value};
use crate::id::CollectionId;
use crate::policy::{AutoEnrollment, CoManagementPolicy, Membership, Surroundings};
use crate::state::{is_co_managed, is_leaving, mdm_provider};
use crate::workload::{ManagementAuthority, PerWorkload, SliderPosition};

/// A sum over the devices of a plan: the hierarchy's devices with the client, or the devices that are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceCounts {
    /// All of them.
    pub devices: u64,
    /// Intune keeps a record with an MDM agent.
    pub in_intune: u64,
    /// Of those, no retire, wipe or delete is on its way.
    pub staying: u64,
    /// Of those, a retire or wipe failed or was cancelled.
    pub failed: u64,
    /// It is said that they are not enrolled, or with another MDM, and Intune has no record.
    pub out: u64,
    /// Members of a collection by which they are enrolled or in a pilot.
    pub members: u64,
    /// Others, of which nobody knows whether they are.
    pub membership_unknown: u64,
    /// The override of an Autopilot settings policy is on.
    pub overridden: u64,
    /// Nobody said whether it is.
    pub override_unknown: u64,
    /// Entra joined.
    pub entra_joined: u64,
    /// Nobody said how they are joined.
    pub join_unknown: u64,
    /// Co-managed without the override, and last reported the workload at Intune.
    pub at_intune: PerWorkload<u64>,
    /// Co-managed without the override, and reported nothing of the workload.
    pub unreported: PerWorkload<u64>,
}

impl DeviceCounts {
    /// Counts one more device.
    pub fn add(&mut self, facts: &DeviceFacts, surroundings: &Surroundings<'_>) {
        let said = |fact| copied(&fact);
        let in_intune = said(facts.intune_mdm_record) == Some(true);
        let staying = in_intune && !is_leaving(facts);
        let membership = membership(facts, surroundings);
        self.devices += 1;
        self.in_intune += u64::from(in_intune);
        self.staying += u64::from(staying);
        self.failed += u64::from(staying && has_failed_to_leave(facts));
        let elsewhere = mdm_provider(facts, surroundings.tenant) == Some(MdmProvider::ThirdParty);
        self.out += u64::from(!in_intune && (elsewhere || said(facts.mdm_enrolled) == Some(false)));
        self.members += u64::from(membership == Membership::Member);
        self.membership_unknown += u64::from(membership == Membership::Unknown);
        self.overridden += u64::from(said(facts.autopilot_override) == Some(true));
        self.override_unknown += u64::from(facts.autopilot_override.is_none());
        self.entra_joined += u64::from(copied(&facts.join_type) == Some(JoinType::EntraJoined));
        self.join_unknown += u64::from(facts.join_type.is_none());
        // No slider takes a device back that has the override.
        if is_co_managed(facts, surroundings.tenant) && said(facts.autopilot_override) != Some(true) {
            for (workload, reported) in latest_reports(facts).iter() {
                let count = match reported {
                    Some(ManagementAuthority::Intune) => &mut self.at_intune,
                    Some(_) => continue,
                    None => &mut self.unreported,
                };
                count[workload] += 1;
            }
        }
    }
}

/// Intune's record ends at a retire or wipe that did not come to its end (states.md 10).
fn has_failed_to_leave(facts: &DeviceFacts) -> bool {
    let state = value(&facts.intune_management_state).map(String::as_str);
    matches!(state, Some("retireFailed" | "retireCanceled" | "wipeFailed" | "wipeCanceled"))
}

/// Whether a device is in any of the collections that decide something about it.
fn membership(facts: &DeviceFacts, surroundings: &Surroundings<'_>) -> Membership {
    let Some(policy) = surroundings.policy else { return Membership::Unknown };
    let of = |collection| surroundings.membership(facts, collection);
    let found: Vec<_> = deciding_collections(policy).into_iter().map(of).collect();
    if found.contains(&Membership::Member) {
        Membership::Member
    } else if found.contains(&Membership::Unknown) {
        Membership::Unknown
    } else {
        Membership::NotMember
    }
}

/// The collections by which devices are enrolled or in a pilot; others that the policy keeps decide nothing.
pub(super) fn deciding_collections(policy: &CoManagementPolicy) -> BTreeSet<&CollectionId> {
    let enrolls = policy.auto_enrollment == Some(AutoEnrollment::Pilot);
    let enrolling = policy.auto_enrollment_collection.iter().filter(|_| enrolls);
    let settings = policy.workloads.iter().map(|(_, setting)| setting);
    let pilots = settings.filter(|setting| setting.slider == SliderPosition::PilotIntune);
    enrolling.chain(pilots.filter_map(|setting| setting.pilot_collection.as_ref())).collect()
}
