//! AdminService `wmi/SMS_Client_ComanagementState` (fact pack, admin_service.md 6.4).

use serde::Serialize;
use tandem_domain::facts::JoinType;
use uuid::Uuid;

use crate::device::{CoManagementRow, SimulatedDevice};
use crate::hierarchy::Hierarchy;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct State<'a> {
    #[serde(rename = "@odata.etag")]
    etag: String,
    #[serde(rename = "__LAZYPROPERTIES")]
    lazy_properties: [&'static str; 0],
    #[serde(rename = "__CLASS")]
    class: &'static str,
    #[serde(rename = "ResourceID")]
    resource_id: u32,
    name: &'a str,
    site_code: &'a str,
    #[serde(rename = "MDMEnrolled")]
    mdm_enrolled: u32,
    #[serde(rename = "MDMProvisioned")]
    mdm_provisioned: u32,
    authority: Option<&'static str>,
    comgmt_policy_present: u32,
    #[serde(rename = "MDMWorkloads")]
    mdm_workloads: Option<String>,
    #[serde(rename = "AADDeviceID")]
    entra_device_id: Uuid,
    #[serde(rename = "HybridAADJoined")]
    hybrid_joined: u32,
    #[serde(rename = "AADJoined")]
    entra_joined: u32,
    enrollment_scheduled: u32,
    enrollment_failed: u32,
    pending_logon: u32,
    enrollment_status_code: i64,
    enrollment_error_detail: Option<&'static str>,
}

impl<'a> State<'a> {
    pub(crate) fn of(
        hierarchy: &'a Hierarchy,
        device: &'a SimulatedDevice,
        resource_id: u32,
        row: &CoManagementRow,
    ) -> Self {
        // The same 32 bits, written either way.
        let code = row.status_code;
        let enrollment_status_code =
            if row.signed_code { i64::from(code.cast_signed()) } else { i64::from(code) };
        Self {
            etag: resource_id.to_string(),
            lazy_properties: [],
            class: "SMS_Client_ComanagementState",
            resource_id,
            name: &device.name,
            site_code: hierarchy.code().as_str(),
            mdm_enrolled: u32::from(row.mdm_enrolled),
            mdm_provisioned: u32::from(row.mdm_provisioned),
            authority: row.authority,
            comgmt_policy_present: u32::from(row.policy_present),
            mdm_workloads: row.capability.map(|value| value.to_string()),
            // All zeros: not joined.
            entra_device_id: device.entra_device_id.unwrap_or_default(),
            hybrid_joined: u32::from(device.join == JoinType::HybridJoined),
            entra_joined: u32::from(device.join == JoinType::EntraJoined),
            enrollment_scheduled: u32::from(row.scheduled),
            enrollment_failed: u32::from(row.failed),
            pending_logon: u32::from(row.pending_logon),
            enrollment_status_code,
            enrollment_error_detail: None,
        }
    }
}
