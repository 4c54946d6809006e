//! Graph beta `managedDevice`: what an inventory selects, and the properties that come along.
//!
//! Source: fact pack, graph_managed_device.md 3 and 7. `null`, `""` and year 1 stand for "no value" where the lists
//! carry them.

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};
use tandem_domain::facts::{JoinType, Owner};
use tandem_domain::workload::{PerWorkload, Workload};
use uuid::Uuid;

use crate::device::{IntuneRecord, SimulatedDevice};
use crate::fleet::Fleet;
use crate::records::STORAGE_BYTES;

/// A date that the schema forbids to be null: year 1 says never.
#[derive(Debug)]
struct Moment(Option<Timestamp>);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(at) => at.serialize(serializer),
            None => serializer.serialize_str("0001-01-01T00:00:00Z"),
        }
    }
}

/// Seven fraction digits and none both occur in one document (graph_managed_device.md 7).
const ENROLLED_FRACTION: SignedDuration = SignedDuration::new(0, 715_618_900);
const CERTIFICATE_LIFE: SignedDuration = SignedDuration::from_hours(365 * 24);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManagedDevice<'a> {
    id: Uuid,
    device_name: &'a str,
    managed_device_owner_type: &'static str,
    enrolled_date_time: Moment,
    last_sync_date_time: Moment,
    operating_system: &'static str,
    os_version: &'static str,
    compliance_state: &'static str,
    management_agent: &'static str,
    management_state: &'static str,
    device_registration_state: &'static str,
    device_enrollment_type: &'static str,
    eas_activation_date_time: Moment,
    #[serde(rename = "azureADRegistered")]
    azure_ad_registered: bool,
    #[serde(rename = "azureADDeviceId")]
    azure_ad_device_id: Uuid,
    is_encrypted: bool,
    user_principal_name: String,
    model: &'static str,
    manufacturer: &'static str,
    serial_number: &'a str,
    compliance_grace_period_expiration_date_time: &'static str,
    management_certificate_expiration_date: Moment,
    device_category_display_name: &'static str,
    total_storage_space_in_bytes: u64,
    free_storage_space_in_bytes: u64,
    enrollment_profile_name: &'static str,
    join_type: &'static str,
    autopilot_enrolled: bool,
    chassis_type: &'static str,
    sku_family: &'static str,
    role_scope_tag_ids: [&'static str; 1],
    configuration_manager_client_enabled_features: Option<Features>,
    configuration_manager_client_health_state: Option<Health>,
    configuration_manager_client_information: Option<ClientInformation<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Features {
    inventory: bool,
    modern_apps: bool,
    resource_access: bool,
    device_configuration: bool,
    compliance_policy: bool,
    windows_update_for_business: bool,
    endpoint_protection: bool,
    office_apps: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Health {
    state: &'static str,
    error_code: i32,
    last_sync_date_time: Moment,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ClientInformation<'a> {
    client_identifier: Option<String>,
    is_blocked: bool,
    client_version: Option<&'a str>,
}

impl<'a> ManagedDevice<'a> {
    pub(crate) fn of(fleet: &Fleet, device: &'a SimulatedDevice, record: &'a IntuneRecord) -> Self {
        let owner = match device.owner {
            Owner::Company => "company",
            Owner::Personal => "personal",
        };
        let enrolled = record.enrolled_at.is_some();
        let (manufacturer, model, chassis_type) = device.hardware;
        // What only uploads have never had an inventory by Intune.
        let edition = if enrolled { device.windows.edition } else { "" };
        let client = device.sms_id.is_some();
        Self {
            id: record.id,
            device_name: &device.name,
            managed_device_owner_type: owner,
            enrolled_date_time: Moment(plus(record.enrolled_at, ENROLLED_FRACTION)),
            last_sync_date_time: Moment(record.last_sync),
            operating_system: "Windows",
            os_version: device.windows.version,
            compliance_state: record.compliance_state,
            management_agent: record.agent,
            management_state: record.management_state,
            device_registration_state: if enrolled { "registered" } else { "notRegistered" },
            device_enrollment_type: record.enrollment_type,
            eas_activation_date_time: Moment(None),
            azure_ad_registered: device.entra_device_id.is_some(),
            azure_ad_device_id: device.entra_device_id.unwrap_or_default(),
            is_encrypted: record.encrypted,
            user_principal_name: device.user.as_ref().map(|u| format!("{u}@example.com")).unwrap_or_default(),
            model,
            manufacturer,
            serial_number: device.serial.text(),
            compliance_grace_period_expiration_date_time: "9999-12-31T23:59:59Z",
            management_certificate_expiration_date: Moment(plus(record.enrolled_at, CERTIFICATE_LIFE)),
            device_category_display_name: "Unknown",
            total_storage_space_in_bytes: STORAGE_BYTES,
            free_storage_space_in_bytes: record.free_storage,
            enrollment_profile_name: if record.autopilot_enrolled { "Autopilot user-driven" } else { "" },
            join_type: join_type(device.join),
            autopilot_enrolled: record.autopilot_enrolled,
            chassis_type,
            sku_family: edition,
            role_scope_tag_ids: ["0"],
            configuration_manager_client_enabled_features: record.features.as_ref().map(Features::of),
            configuration_manager_client_health_state: client.then(|| health(fleet, device, record)),
            configuration_manager_client_information: client.then(|| ClientInformation {
                client_identifier: device.sms_id.map(sms_id),
                is_blocked: false,
                client_version: record.client_version.as_deref(),
            }),
        }
    }

    pub(crate) fn id(&self) -> String {
        self.id.to_string()
    }
}

impl Features {
    fn of(moved: &PerWorkload<bool>) -> Self {
        Self {
            // No workload, and never set.
            inventory: false,
            modern_apps: moved[Workload::ClientApps],
            resource_access: moved[Workload::ResourceAccessPolicies],
            device_configuration: moved[Workload::DeviceConfiguration],
            compliance_policy: moved[Workload::CompliancePolicies],
            windows_update_for_business: moved[Workload::WindowsUpdatePolicies],
            endpoint_protection: moved[Workload::EndpointProtection],
            office_apps: moved[Workload::OfficeClickToRunApps],
        }
    }
}

fn health(fleet: &Fleet, device: &SimulatedDevice, record: &IntuneRecord) -> Health {
    let contact = device.site.as_ref().and_then(|site| site.last_contact);
    let last_sync = contact.or(record.last_sync).unwrap_or(fleet.exported_at);
    Health { state: record.client_health, error_code: 0, last_sync_date_time: Moment(Some(last_sync)) }
}

/// The site's spelling of a client id.
pub(super) fn sms_id(id: Uuid) -> String {
    format!("GUID:{:X}", id.hyphenated())
}

fn plus(at: Option<Timestamp>, time: SignedDuration) -> Option<Timestamp> {
    at.and_then(|at| at.checked_add(time).ok())
}

const fn join_type(join: JoinType) -> &'static str {
    match join {
        JoinType::None => "unknown",
        JoinType::EntraJoined => "azureADJoined",
        JoinType::EntraRegistered => "azureADRegistered",
        JoinType::HybridJoined => "hybridAzureADJoined",
    }
}
