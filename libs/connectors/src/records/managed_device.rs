//! Graph `managedDevice` (fact pack, graph_managed_device.md 3, 4 and 7).

use serde::Deserialize;
use tandem_domain::section::{ClientFeatures, ManagedDevice, SectionBody, SectionKind};

use super::CloudRow;
use crate::record::{Fault, code, member, version};
use crate::value::{Code, Flag, Moment, Nested, Text, TextOrEmpty};

/// A managed device, v1.0 or beta.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ManagedDeviceRecord {
    id: Text,
    #[serde(rename = "azureADDeviceId")]
    entra_device_id: Text,
    /// The beta twin.
    azure_active_directory_device_id: Text,
    device_name: Text,
    managed_device_owner_type: Text,
    /// The beta twin.
    owner_type: Text,
    operating_system: Text,
    os_version: Text,
    serial_number: TextOrEmpty,
    manufacturer: TextOrEmpty,
    model: TextOrEmpty,
    management_agent: Text,
    management_state: Text,
    device_registration_state: Text,
    device_enrollment_type: Text,
    compliance_state: Text,
    enrolled_date_time: Moment,
    last_sync_date_time: Moment,
    user_principal_name: Text,
    join_type: Text,
    autopilot_enrolled: Flag,
    sku_family: Text,
    hardware_information: Nested<Hardware>,
    configuration_manager_client_enabled_features: Nested<Features>,
    configuration_manager_client_health_state: Nested<Health>,
    configuration_manager_client_information: Nested<Client>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Hardware {
    operating_system_edition: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Features {
    inventory: Flag,
    compliance_policy: Flag,
    device_configuration: Flag,
    modern_apps: Flag,
    resource_access: Flag,
    windows_update_for_business: Flag,
    endpoint_protection: Flag,
    office_apps: Flag,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Health {
    state: Text,
    error_code: Code,
    last_sync_date_time: Moment,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Client {
    client_identifier: Text,
    client_version: Text,
}

impl ManagedDeviceRecord {
    /// Notes members and versions that nobody knows.
    fn note_unknown(&self, notes: &mut Vec<Fault>) {
        const CLIENT: &str = "configurationManagerClientInformation.clientVersion";
        let health = self.configuration_manager_client_health_state.0.as_ref();
        let client = self.configuration_manager_client_information.0.as_ref();
        for (text, members, path) in [
            (&self.management_agent, members::AGENTS, "managementAgent"),
            (&self.managed_device_owner_type, members::OWNERS, "managedDeviceOwnerType"),
            (&self.owner_type, members::OWNERS, "ownerType"),
            (&self.compliance_state, members::COMPLIANCE, "complianceState"),
            (&self.management_state, members::MANAGEMENT, "managementState"),
            (&self.device_registration_state, members::REGISTRATION, "deviceRegistrationState"),
            (&self.device_enrollment_type, members::ENROLLMENT, "deviceEnrollmentType"),
            (&self.join_type, members::JOINS, "joinType"),
        ] {
            member(text.0.as_deref(), members, path, notes);
        }
        let state = health.and_then(|health| health.state.0.as_deref());
        member(state, members::CLIENT_STATES, "configurationManagerClientHealthState.state", notes);
        version(
            client.and_then(|client| client.client_version.0.as_deref()),
            "5.00.9141.1011",
            CLIENT,
            notes,
        );
        // Other systems write their versions otherwise, and no rule reads them.
        let is_windows = |system: &str| system.eq_ignore_ascii_case("windows");
        if self.operating_system.0.as_deref().is_none_or(is_windows) {
            version(self.os_version.0.as_deref(), "10.0.26100.7019", "osVersion", notes);
        }
    }
}

impl CloudRow for ManagedDeviceRecord {
    fn id(&mut self) -> Option<String> {
        self.id.0.take()
    }

    fn body(self, kind: SectionKind, notes: &mut Vec<Fault>) -> SectionBody {
        const ERROR: &str = "configurationManagerClientHealthState.errorCode";
        self.note_unknown(notes);
        let health = self.configuration_manager_client_health_state.0.unwrap_or_default();
        let client = self.configuration_manager_client_information.0.unwrap_or_default();
        let device = ManagedDevice {
            entra_device_id: self.entra_device_id.0.or(self.azure_active_directory_device_id.0),
            device_name: self.device_name.0,
            owner_type: self.managed_device_owner_type.0.or(self.owner_type.0),
            operating_system: self.operating_system.0,
            os_version: self.os_version.0,
            serial_number: self.serial_number.0,
            manufacturer: self.manufacturer.0,
            model: self.model.0,
            management_agent: self.management_agent.0,
            management_state: self.management_state.0,
            registration_state: self.device_registration_state.0,
            enrollment_type: self.device_enrollment_type.0,
            compliance_state: self.compliance_state.0,
            enrolled_at: self.enrolled_date_time.0,
            last_sync: self.last_sync_date_time.0,
            user_principal_name: self.user_principal_name.0,
            join_type: self.join_type.0,
            autopilot_enrolled: self.autopilot_enrolled.0,
            sku_family: self.sku_family.0,
            operating_system_edition: self.hardware_information.0.and_then(|h| h.operating_system_edition.0),
            client_features: self.configuration_manager_client_enabled_features.0.map(ClientFeatures::from),
            client_health_state: health.state.0,
            client_health_error: code(health.error_code, ERROR, notes),
            client_health_sync: health.last_sync_date_time.0,
            client_identifier: client.client_identifier.0,
            client_version: client.client_version.0,
        };
        if kind == SectionKind::ManagedDeviceBeta {
            SectionBody::ManagedDeviceBeta(device)
        } else {
            SectionBody::ManagedDeviceV1(device)
        }
    }
}

impl From<Features> for ClientFeatures {
    fn from(said: Features) -> Self {
        Self {
            inventory: said.inventory.0,
            compliance_policy: said.compliance_policy.0,
            device_configuration: said.device_configuration.0,
            modern_apps: said.modern_apps.0,
            resource_access: said.resource_access.0,
            windows_update_for_business: said.windows_update_for_business.0,
            endpoint_protection: said.endpoint_protection.0,
            office_apps: said.office_apps.0,
        }
    }
}

/// The members of Graph's enumerations, v1.0 and beta (fact pack, graph_managed_device.md 4). The sentinel `unknownFutureValue`
/// may stand in each of them.
mod members {
    const SENTINEL: &str = "unknownFutureValue";

    pub(super) const AGENTS: &[&str] = &[
        "eas",
        "mdm",
        "easMdm",
        "intuneClient",
        "easIntuneClient",
        "configurationManagerClient",
        "configurationManagerClientMdm",
        "configurationManagerClientMdmEas",
        "unknown",
        "jamf",
        "googleCloudDevicePolicyController",
        "microsoft365ManagedMdm",
        "msSense",
        "intuneAosp",
        "google",
        SENTINEL,
    ];
    pub(super) const OWNERS: &[&str] = &["unknown", "company", "personal", SENTINEL];
    pub(super) const COMPLIANCE: &[&str] = &[
        "unknown",
        "compliant",
        "noncompliant",
        "conflict",
        "error",
        "inGracePeriod",
        "configManager",
        SENTINEL,
    ];
    pub(super) const MANAGEMENT: &[&str] = &[
        "managed",
        "retirePending",
        "retireFailed",
        "wipePending",
        "wipeFailed",
        "unhealthy",
        "deletePending",
        "retireIssued",
        "wipeIssued",
        "wipeCanceled",
        "retireCanceled",
        "discovered",
        SENTINEL,
    ];
    pub(super) const REGISTRATION: &[&str] = &[
        "notRegistered",
        "registered",
        "revoked",
        "keyConflict",
        "approvalPending",
        "certificateReset",
        "notRegisteredPendingEnrollment",
        "unknown",
        SENTINEL,
    ];
    pub(super) const ENROLLMENT: &[&str] = &[
        "unknown",
        "userEnrollment",
        "deviceEnrollmentManager",
        "appleBulkWithUser",
        "appleBulkWithoutUser",
        "windowsAzureADJoin",
        "windowsBulkUserless",
        "windowsAutoEnrollment",
        "windowsBulkAzureDomainJoin",
        "windowsCoManagement",
        "windowsAzureADJoinUsingDeviceAuth",
        "appleUserEnrollment",
        "appleUserEnrollmentWithServiceAccount",
        "azureAdJoinUsingAzureVmExtension",
        "androidEnterpriseDedicatedDevice",
        "androidEnterpriseFullyManaged",
        "androidEnterpriseCorporateWorkProfile",
        "androidAOSPUserOwnedDeviceEnrollment",
        "androidAOSPUserlessDeviceEnrollment",
        "appleAccountDrivenUserEnrollment",
        SENTINEL,
    ];
    pub(super) const JOINS: &[&str] =
        &["unknown", "azureADJoined", "azureADRegistered", "hybridAzureADJoined", SENTINEL];
    pub(super) const CLIENT_STATES: &[&str] =
        &["unknown", "installed", "healthy", "installFailed", "updateFailed", "communicationError", SENTINEL];
}
