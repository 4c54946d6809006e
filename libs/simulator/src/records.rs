//! What a situation looks like in the co-management row and in Intune's record.
//!
//! Source of the shapes: fact pack, states.md 1 and 2, admin_service.md 6.4, graph_managed_device.md 3 and 4.

use tandem_domain::capability::Capabilities;
use tandem_domain::facts::JoinType;
use tandem_domain::workload::{PerWorkload, Workload};

use crate::device::{CoManagementRow, IntuneRecord, SimulatedDevice};
use crate::draw::{Aspect, Draw};
use crate::fleet::Fleet;
use crate::hierarchy::Hierarchy;
use crate::shares;
use crate::situation::Situation;

/// What the sites write into `Authority`; the tenant facts say what it means, because no value list is published.
pub(crate) const AUTHORITY_INTUNE: &str = "Microsoft Intune";
pub(crate) const AUTHORITY_THIRD_PARTY: &str = "VMware AirWatch";
pub(crate) const AUTHORITY_NONE: &str = "None";

/// Devices check in about every 8 hours (scale).
const CHECK_IN_SECONDS: u64 = 8 * 60 * 60;
/// Days since enrolment; below the age of every site record, and a device silent since it enrolled is none of ours.
const ENROLLED_DAYS: (u32, u32) = (shares::STALE_DAYS.1 + 5, 410);
/// What Intune's record says of devices on their way out.
const LEAVING_STATES: [&str; 4] = ["retirePending", "retireIssued", "wipePending", "deletePending"];
/// 512 GB as drives count them.
pub(crate) const STORAGE_BYTES: u64 = 511_101_108_224;

impl Fleet {
    pub(crate) fn co_management_row(
        &self,
        device: &SimulatedDevice,
        hierarchy: &Hierarchy,
        collections: &[u32],
        draw: Draw,
    ) -> Option<CoManagementRow> {
        let signed_code = draw.below(Aspect::StatusSign, 2) == 1;
        let waiting = CoManagementRow {
            policy_present: true,
            authority: Some(AUTHORITY_NONE),
            signed_code,
            ..CoManagementRow::default()
        };
        let enrolled = CoManagementRow {
            mdm_enrolled: true,
            mdm_provisioned: true,
            policy_present: true,
            authority: Some(AUTHORITY_INTUNE),
            capability: Some(capability(hierarchy, reported_moved(device, hierarchy, collections))),
            signed_code,
            ..CoManagementRow::default()
        };
        let nothing_moved = PerWorkload::from_fn(|_| false);
        let row = match device.situation {
            Situation::CoManaged => enrolled,
            Situation::EnrolledNotProvisioned => CoManagementRow {
                mdm_provisioned: false,
                capability: Some(capability(hierarchy, nothing_moved)),
                ..enrolled
            },
            Situation::MdmPlusClient => {
                CoManagementRow { policy_present: false, capability: None, ..enrolled }
            }
            Situation::Coexistence => {
                CoManagementRow { authority: Some(AUTHORITY_THIRD_PARTY), capability: None, ..enrolled }
            }
            Situation::Scheduled => CoManagementRow { scheduled: true, ..waiting },
            Situation::Enrolling => CoManagementRow {
                scheduled: true,
                status_code: draw.pick(Aspect::StatusCode, &shares::RETRY_CODES),
                ..waiting
            },
            Situation::Failed => CoManagementRow {
                failed: true,
                status_code: draw.pick(Aspect::StatusCode, &shares::FAILURE_CODES),
                ..waiting
            },
            Situation::PendingSignIn => CoManagementRow {
                scheduled: true,
                pending_logon: true,
                status_code: shares::SIGN_IN_CODE,
                ..waiting
            },
            Situation::JoinedClient => waiting,
            Situation::ClientOnly if draw.chance(Aspect::StateRow, shares::NO_STATE_ROW) => return None,
            Situation::ClientOnly => CoManagementRow { policy_present: false, ..waiting },
            Situation::MdmOnly | Situation::Server | Situation::Unmanaged => return None,
        };
        Some(row)
    }

    pub(crate) fn intune_record(&self, device: &SimulatedDevice, draw: Draw) -> Option<IntuneRecord> {
        let situation = device.situation;
        if !situation.at_intune() {
            return None;
        }
        let enrolled = situation.enrolled_in_intune();
        let features = self.features(device);
        let decides_compliance = features.is_none_or(|moved| moved[Workload::CompliancePolicies]);
        Some(IntuneRecord {
            id: draw.guid(Aspect::IntuneId),
            agent: agent(situation),
            management_state: management_state(enrolled, draw),
            enrollment_type: enrollment_type(device),
            compliance_state: match (enrolled, decides_compliance) {
                (false, _) => "unknown",
                (true, true) => draw.pick(Aspect::Compliance, &shares::COMPLIANCE),
                (true, false) => "configManager",
            },
            enrolled_at: enrolled.then(|| self.days_ago(Aspect::Enrolled, ENROLLED_DAYS, draw)),
            last_sync: enrolled.then(|| self.last_sync(device.stale, draw)),
            autopilot_enrolled: enrolled && device.join == JoinType::EntraJoined,
            encrypted: enrolled && draw.chance(Aspect::Encrypted, shares::ENCRYPTED),
            features,
            client_health: match (situation.has_client(), device.stale) {
                (false, _) => "unknown",
                (true, false) => "healthy",
                (true, true) => "communicationError",
            },
            client_version: device.site.as_ref().and_then(|site| site.client_version.clone()),
            free_storage: draw.below(Aspect::Storage, STORAGE_BYTES),
        })
    }

    /// What the client told Intune that it has moved; `None` without a client.
    fn features(&self, device: &SimulatedDevice) -> Option<PerWorkload<bool>> {
        let site = device.site.as_ref()?;
        Some(match device.situation {
            Situation::CoManaged => {
                reported_moved(device, &self.hierarchies()[site.hierarchy], &site.collections)
            }
            _ => PerWorkload::from_fn(|_| false),
        })
    }

    fn last_sync(&self, stale: bool, draw: Draw) -> jiff::Timestamp {
        if stale {
            self.days_ago(Aspect::LastSync, shares::STALE_DAYS, draw)
        } else {
            self.seconds_ago(draw.below(Aspect::LastSync, CHECK_IN_SECONDS))
        }
    }
}

/// The effective state of a co-managed device, with the one workload turned that its report is wrong about.
fn reported_moved(device: &SimulatedDevice, hierarchy: &Hierarchy, collections: &[u32]) -> PerWorkload<bool> {
    let mut moved = hierarchy.moved(collections);
    if let Some(workload) = device.drift {
        moved[workload] = !moved[workload];
    }
    moved
}

fn capability(hierarchy: &Hierarchy, moved: PerWorkload<bool>) -> u32 {
    Capabilities::of(hierarchy.layout(), moved).encode().0
}

/// Clients that are not enrolled in Intune are there through tenant attach.
fn agent(situation: Situation) -> &'static str {
    match (situation.has_client(), situation.enrolled_in_intune()) {
        (true, true) => "configurationManagerClientMdm",
        (true, false) => "configurationManagerClient",
        (false, _) => "mdm",
    }
}

fn management_state(enrolled: bool, draw: Draw) -> &'static str {
    if enrolled && draw.chance(Aspect::Leaving, shares::LEAVING) {
        LEAVING_STATES[draw.nth(Aspect::Leaving, 1) as usize % LEAVING_STATES.len()]
    } else {
        "managed"
    }
}

/// Path 1 leaves `windowsCoManagement`; a device that came through Autopilot carries `windowsAzureADJoin`
/// (graph_managed_device.md 4).
fn enrollment_type(device: &SimulatedDevice) -> &'static str {
    match (device.situation.enrolled_in_intune(), device.join) {
        (false, _) => "unknown",
        (true, JoinType::HybridJoined) => "windowsCoManagement",
        (true, JoinType::EntraJoined) => "windowsAzureADJoin",
        (true, _) => "userEnrollment",
    }
}
