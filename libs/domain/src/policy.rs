//! The co-management policy of one hierarchy, as it is configured there: the co-management object's properties.
//!
//! Rules and their sources: `data/workloads.toml` (`switching`, `pilot_limitations`, the workloads' relations). What no hierarchy
//! can hold is a [`PolicyViolation`], which says by which rule; what it holds with a consequence is a warning of a plan.

mod resource_access;
#[cfg(test)]
mod tests;
mod violation;

pub use resource_access::ResourceAccessSlider;
pub use violation::PolicyViolation;

use std::collections::BTreeSet;

use crate::id::CollectionId;
use crate::workload::{PerWorkload, SliderPosition, Workload};

/// Automatic enrolment of existing clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AutoEnrollment {
    /// Nobody.
    None,
    /// Members of the Intune Auto Enrollment collection.
    Pilot,
    /// Every client.
    All,
}

impl AutoEnrollment {
    /// The fact pack's id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pilot => "pilot",
            Self::All => "all",
        }
    }
}

/// One workload's slider and staging collection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkloadSetting {
    /// Where the slider stands.
    pub slider: SliderPosition,
    /// The workload's own pilot collection; needed at Pilot Intune, kept otherwise.
    pub pilot_collection: Option<CollectionId>,
}

/// A hierarchy's co-management object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CoManagementPolicy {
    /// Co-management is set up in the hierarchy; `None`: nobody said.
    pub enabled: Option<bool>,
    /// Automatic enrolment; `None`: nobody said.
    pub auto_enrollment: Option<AutoEnrollment>,
    /// The Intune Auto Enrollment collection, needed for [`AutoEnrollment::Pilot`].
    pub auto_enrollment_collection: Option<CollectionId>,
    /// Slider and collection per workload.
    pub workloads: PerWorkload<WorkloadSetting>,
}

/// A policy that the console could not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    /// Pilot Intune without a pilot collection.
    #[error("{workload} is at pilot_intune and needs a pilot collection of its own; found none")]
    PilotWithoutCollection {
        /// The workload.
        workload: Workload,
    },
    /// Automatic enrolment in pilot mode without its collection.
    #[error("automatic enrolment is at pilot and needs the Intune Auto Enrollment collection; found none")]
    AutoEnrollmentWithoutCollection,
}

impl CoManagementPolicy {
    /// Checks what the console demands to accept the object at all, whatever the hierarchy's version.
    ///
    /// Positions that no device would have are not checked here: such a policy may be read somewhere, and
    /// [`crate::authority`] says what it means. [`Self::violations`] names them too.
    ///
    /// # Errors
    /// The first thing that is missing.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        if self.auto_enrollment == Some(AutoEnrollment::Pilot) && self.auto_enrollment_collection.is_none() {
            return Err(InvalidPolicy::AutoEnrollmentWithoutCollection);
        }
        match self
            .workloads
            .iter()
            .find(|(_, w)| w.slider == SliderPosition::PilotIntune && w.pilot_collection.is_none())
        {
            Some((workload, _)) => Err(InvalidPolicy::PilotWithoutCollection { workload }),
            None => Ok(()),
        }
    }

    /// Every collection that the policy names: the ones whose membership decides anything.
    #[must_use]
    pub fn collections(&self) -> BTreeSet<&CollectionId> {
        let pilots = self.workloads.iter().filter_map(|(_, w)| w.pilot_collection.as_ref());
        self.auto_enrollment_collection.iter().chain(pilots).collect()
    }
}

/// Whether a device is in a collection, as far as anyone said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// It is a member.
    Member,
    /// The collection's members are known and it is not among them.
    NotMember,
    /// Nobody said who the members are.
    Unknown,
}

/// What surrounds a device in every decision about it.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The tenant.
    pub tenant: &'a crate::tenant::TenantFacts,
    /// The device's site, if it is known.
    pub site: Option<&'a crate::site::SiteFacts>,
    /// The hierarchy's configured policy, if it is known.
    pub policy: Option<&'a CoManagementPolicy>,
    /// The hierarchy's collections whose members are known completely.
    pub complete_collections: &'a BTreeSet<CollectionId>,
}

impl Surroundings<'_> {
    /// Whether a device with those facts is in a collection of its hierarchy.
    #[must_use]
    pub fn membership(&self, facts: &crate::facts::DeviceFacts, collection: &CollectionId) -> Membership {
        if facts.collections.binary_search(collection).is_ok() {
            Membership::Member
        } else if self.complete_collections.contains(collection) {
            Membership::NotMember
        } else {
            Membership::Unknown
        }
    }
}
