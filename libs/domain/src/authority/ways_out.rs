//! What would have to happen for a manager to hold a workload that it does not hold.
//!
//! Ways follow from the reason alone, and end it: each of them where they are alternatives, all together where something is
//! not known. The reasons are tried in order, so another one may decide then, and have ways of its own.
//!
//! Not for: whether a way is wise, how long it takes, and the steps at the console.

use std::collections::BTreeSet;

use crate::authority::Reason;
use crate::id::CollectionId;
use crate::policy::{CoManagementPolicy, WorkloadSetting};
use crate::workload::{ManagementAuthority, SliderPosition, Workload};

/// A manager that may hold a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Claimant {
    /// Configuration Manager.
    ConfigurationManager,
    /// Intune.
    Intune,
}

impl Claimant {
    /// Both.
    pub const ALL: [Self; 2] = [Self::ConfigurationManager, Self::Intune];

    /// It as who decides.
    #[must_use]
    pub const fn authority(self) -> ManagementAuthority {
        match self {
            Self::ConfigurationManager => ManagementAuthority::ConfigurationManager,
            Self::Intune => ManagementAuthority::Intune,
        }
    }

    /// Whether it holds a workload that this reason decides. What is not known is held by nobody.
    #[must_use]
    pub fn holds(self, reason: Reason) -> bool {
        reason.authority() == self.authority()
    }
}

/// One thing that would have to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WayOut {
    /// A source has to say whether the client is installed.
    ReportClient,
    /// The client has to be installed.
    InstallClient,
    /// The device has to be enrolled in Intune.
    Enroll,
    /// The site's record of the device has to be imported.
    ImportSiteRecord,
    /// The co-management policy has to reach the client.
    DeliverPolicy,
    /// MDM has to be provisioned.
    ProvisionMdm,
    /// The override has to go from the Autopilot settings policy.
    LiftAutopilotOverride,
    /// Co-management has to be set up in the hierarchy.
    SetUpCoManagement,
    /// A slider has to be moved.
    MoveSlider {
        /// Whose.
        workload: Workload,
        /// Where.
        to: SliderPosition,
    },
    /// The device has to be in a pilot.
    JoinPilot(Pilot),
    /// The device has to be outside of a pilot.
    LeavePilot(Pilot),
    /// Somebody has to say where the hierarchy's sliders stand.
    RecordPolicy,
    /// A source has to say which version the site has.
    ReportSiteVersion,
    /// The members of a collection have to be imported.
    ImportMembers {
        /// Whose pilot it is.
        workload: Workload,
        /// The collection.
        collection: CollectionId,
    },
}

/// A workload's pilot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pilot {
    /// The workload.
    pub workload: Workload,
    /// Its pilot collection; `None`: the policy names none yet.
    pub collection: Option<CollectionId>,
    /// The slider stands elsewhere, and has to be moved to Pilot Intune.
    pub begins: bool,
}

/// What would have to happen for the claimant to hold a workload that is decided by `reason`, the narrowest first. Empty: it
/// holds it, or there is no way.
///
/// `policy` is the one by which the reason was found, `known` the hierarchy's collections whose members are known completely.
#[must_use]
pub fn ways_out(
    workload: Workload,
    claimant: Claimant,
    reason: Reason,
    policy: Option<&CoManagementPolicy>,
    known: &BTreeSet<CollectionId>,
) -> Vec<WayOut> {
    if claimant.holds(reason) {
        return Vec::new();
    }
    match reason {
        // No client, so that Configuration Manager needs one, and no enrolment, so that Intune needs one.
        Reason::Unmanaged => match claimant {
            Claimant::ConfigurationManager => vec![WayOut::InstallClient],
            Claimant::Intune => vec![WayOut::Enroll],
        },
        Reason::ClientUnknown => vec![WayOut::ReportClient],
        // The client balances nothing as long as a third-party MDM manages the device.
        Reason::Coexistence => Vec::new(),
        Reason::MdmOnly => vec![WayOut::InstallClient],
        Reason::NotEnrolled => vec![WayOut::Enroll],
        Reason::NoSiteRecord => vec![WayOut::ImportSiteRecord],
        Reason::PolicyAbsent => vec![WayOut::DeliverPolicy],
        Reason::NotProvisioned => vec![WayOut::ProvisionMdm],
        Reason::AutopilotOverride => vec![WayOut::LiftAutopilotOverride],
        // The slider is fixed at Intune.
        Reason::ResourceAccessFixed => Vec::new(),
        Reason::BundledWithDeviceConfiguration => {
            back_from_intune(workload.included_in().unwrap_or(workload), policy)
        }
        Reason::SliderIntune | Reason::PilotMember => back_from_intune(workload, policy),
        Reason::PilotNotMember | Reason::SliderConfigurationManager => over_to_intune(workload, policy),
        Reason::PolicyUnknown => vec![WayOut::RecordPolicy],
        Reason::SiteVersionUnknown => vec![WayOut::ReportSiteVersion],
        Reason::MembershipUnknown => unknown_pilots(workload, policy, known),
    }
}

/// Where the slider stands; the default of every slider where no policy says.
fn setting(workload: Workload, policy: Option<&CoManagementPolicy>) -> WorkloadSetting {
    policy.map(|policy| policy.workloads[workload].clone()).unwrap_or_default()
}

/// The workload's pilot, and whether its slider stands there already.
fn pilot(workload: Workload, setting: WorkloadSetting) -> Pilot {
    let WorkloadSetting { slider, pilot_collection } = setting;
    Pilot { workload, collection: pilot_collection, begins: slider != SliderPosition::PilotIntune }
}

/// From a slider that gives the device to Intune. Within a pilot the one device is narrower than the slider; otherwise a pilot
/// without it would also do.
fn back_from_intune(workload: Workload, policy: Option<&CoManagementPolicy>) -> Vec<WayOut> {
    let pilot = pilot(workload, setting(workload, policy));
    let slider = WayOut::MoveSlider { workload, to: SliderPosition::ConfigurationManager };
    vec![WayOut::LeavePilot(pilot), slider]
}

/// From a slider that leaves the device to Configuration Manager.
fn over_to_intune(workload: Workload, policy: Option<&CoManagementPolicy>) -> Vec<WayOut> {
    if policy.is_some_and(|policy| policy.enabled == Some(false)) {
        return vec![WayOut::SetUpCoManagement];
    }
    let pilot = pilot(workload, setting(workload, policy));
    let slider = WayOut::MoveSlider { workload, to: SliderPosition::Intune };
    vec![WayOut::JoinPilot(pilot), slider]
}

/// The pilots that decide the workload and of which nobody knows the members: that of the workload that carries it, and its own.
fn unknown_pilots(
    workload: Workload,
    policy: Option<&CoManagementPolicy>,
    known: &BTreeSet<CollectionId>,
) -> Vec<WayOut> {
    let deciding = workload.included_in().into_iter().chain([workload]);
    let unknown = deciding.filter_map(|workload| {
        let WorkloadSetting { slider, pilot_collection } = setting(workload, policy);
        match pilot_collection {
            _ if slider != SliderPosition::PilotIntune => None,
            // The console refuses a pilot without a collection, so the policy was not read whole.
            None => Some(WayOut::RecordPolicy),
            Some(collection) if known.contains(&collection) => None,
            Some(collection) => Some(WayOut::ImportMembers { workload, collection }),
        }
    });
    unknown.collect()
}
