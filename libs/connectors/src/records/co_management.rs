//! `SMS_Client_ComanagementState` (fact pack, admin_service.md 6.4).
//!
//! Vendor text names the key both `MachineId` and `ResourceID`; both are taken.

use serde::Deserialize;
use tandem_domain::section::{CoManagementState, SectionBody, SectionKind};

use super::SiteRow;
use crate::ledger::Standing;
use crate::record::{Fault, capability, code, name};
use crate::value::{Code, Flag, Number, Text, TextOrNumber};

/// A co-management row.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct CoManagementRow {
    #[serde(rename = "ResourceID")]
    resource_id: Number,
    machine_id: Number,
    #[serde(rename = "MachineID")]
    machine_id_capital: Number,
    name: Text,
    site_code: Text,
    #[serde(rename = "MDMEnrolled")]
    mdm_enrolled: Flag,
    #[serde(rename = "MDMProvisioned")]
    mdm_provisioned: Flag,
    authority: TextOrNumber,
    comgmt_policy_present: Flag,
    #[serde(rename = "MDMWorkloads")]
    mdm_workloads: TextOrNumber,
    #[serde(rename = "AADDeviceID")]
    entra_device_id: Text,
    #[serde(rename = "HybridAADJoined")]
    hybrid_joined: Flag,
    #[serde(rename = "AADJoined")]
    entra_joined: Flag,
    enrollment_scheduled: Flag,
    enrollment_failed: Flag,
    pending_logon: Flag,
    enrollment_status_code: Code,
    enrollment_error_detail: TextOrNumber,
    is_obsolete: Flag,
    is_decommissioned: Flag,
}

impl SiteRow for CoManagementRow {
    fn resource_id(&self) -> Option<u32> {
        self.resource_id.0.or(self.machine_id.0).or(self.machine_id_capital.0)
    }

    fn standing(&self) -> Standing<'_> {
        // The row has no client id, so its name alone must not make a placeholder of it.
        Standing {
            obsolete: self.is_obsolete.0,
            decommissioned: self.is_decommissioned.0,
            ..Standing::default()
        }
    }

    fn body(self, _: SectionKind, notes: &mut Vec<Fault>) -> SectionBody {
        capability(self.mdm_workloads.0.as_deref(), "MDMWorkloads", notes);
        SectionBody::CoManagementState(CoManagementState {
            name: self.name.0,
            site_code: name(self.site_code.0.as_deref(), "SiteCode", notes),
            mdm_enrolled: self.mdm_enrolled.0,
            mdm_provisioned: self.mdm_provisioned.0,
            authority: self.authority.0,
            policy_present: self.comgmt_policy_present.0,
            mdm_workloads: self.mdm_workloads.0,
            entra_device_id: self.entra_device_id.0,
            hybrid_joined: self.hybrid_joined.0,
            entra_joined: self.entra_joined.0,
            enrollment_scheduled: self.enrollment_scheduled.0,
            enrollment_failed: self.enrollment_failed.0,
            pending_logon: self.pending_logon.0,
            enrollment_status_code: code(self.enrollment_status_code, "EnrollmentStatusCode", notes),
            enrollment_error_detail: self.enrollment_error_detail.0,
        })
    }
}
