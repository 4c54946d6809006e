//! What one source said about one record, as read: the input of every merge.
//!
//! A *record* is what a source keeps under one key of its own. A *section* is the part of a record that was read from one class
//! or entity. Values are kept as the source wrote them; an absent member, `null` and `""` all mean "not said" and are `None`.
//! Member names follow the sources, so that a reader can find them in the vendors' pages.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{CollectionId, HierarchyId, InvalidId, SiteCode};

/// Who speaks. Text form: `configmgr/<hierarchy>`, `intune`, `entra`, `probe`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// A Configuration Manager hierarchy.
    ConfigMgr(HierarchyId),
    /// Microsoft Intune, read through Graph.
    Intune,
    /// The directory's device objects.
    Entra,
    /// A script or agent that ran on the device itself.
    Probe,
}

/// What kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceKind {
    /// A Configuration Manager hierarchy.
    ConfigMgr,
    /// Microsoft Intune.
    Intune,
    /// The directory.
    Entra,
    /// A script or agent on the device.
    Probe,
}

impl SourceKind {
    /// All four.
    pub const ALL: [Self; 4] = [Self::ConfigMgr, Self::Intune, Self::Entra, Self::Probe];

    /// `configmgr`, `intune`, `entra` or `probe`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::ConfigMgr => "configmgr",
            Self::Intune => "intune",
            Self::Entra => "entra",
            Self::Probe => "probe",
        }
    }

    /// The kind of that id.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.id() == id)
    }
}

impl Source {
    /// What kind it is.
    #[must_use]
    pub const fn kind(&self) -> SourceKind {
        match self {
            Self::ConfigMgr(_) => SourceKind::ConfigMgr,
            Self::Intune => SourceKind::Intune,
            Self::Entra => SourceKind::Entra,
            Self::Probe => SourceKind::Probe,
        }
    }

    /// The hierarchy, where the source is one.
    #[must_use]
    pub fn hierarchy(&self) -> Option<&HierarchyId> {
        match self {
            Self::ConfigMgr(hierarchy) => Some(hierarchy),
            _ => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConfigMgr(hierarchy) => write!(f, "configmgr/{hierarchy}"),
            Self::Intune => f.write_str("intune"),
            Self::Entra => f.write_str("entra"),
            Self::Probe => f.write_str("probe"),
        }
    }
}

impl FromStr for Source {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text {
            "intune" => Ok(Self::Intune),
            "entra" => Ok(Self::Entra),
            "probe" => Ok(Self::Probe),
            _ => match text.strip_prefix("configmgr/") {
                Some(hierarchy) => HierarchyId::parse(hierarchy).map(Self::ConfigMgr),
                None => Err(InvalidId {
                    kind: "source",
                    expected: "configmgr/<hierarchy>, intune, entra or probe",
                    found: text.chars().take(80).collect(),
                }),
            },
        }
    }
}

impl TryFrom<String> for Source {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

/// The class or entity that a section was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SectionKind {
    /// AdminService `wmi/SMS_R_System`.
    #[serde(rename = "SMS_R_System")]
    Discovery,
    /// AdminService `v1.0/Device`.
    #[serde(rename = "Device")]
    Device,
    /// AdminService `wmi/SMS_CombinedDeviceResources`.
    #[serde(rename = "SMS_CombinedDeviceResources")]
    CombinedDevice,
    /// AdminService `wmi/SMS_Client_ComanagementState`.
    #[serde(rename = "SMS_Client_ComanagementState")]
    CoManagementState,
    /// Graph v1.0 `managedDevices`: six workload flags, no join type.
    #[serde(rename = "v1.0/managedDevices")]
    ManagedDeviceV1,
    /// Graph beta `managedDevices`.
    #[serde(rename = "beta/managedDevices")]
    ManagedDeviceBeta,
    /// Directory `devices`.
    #[serde(rename = "devices")]
    DirectoryDevice,
    /// What a script on the device found.
    #[serde(rename = "probe")]
    Probe,
}

impl SectionKind {
    /// The source's own name of the class or entity.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Discovery => "SMS_R_System",
            Self::Device => "Device",
            Self::CombinedDevice => "SMS_CombinedDeviceResources",
            Self::CoManagementState => "SMS_Client_ComanagementState",
            Self::ManagedDeviceV1 => "v1.0/managedDevices",
            Self::ManagedDeviceBeta => "beta/managedDevices",
            Self::DirectoryDevice => "devices",
            Self::Probe => "probe",
        }
    }
}

/// `SMS_R_System`: what discovery knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discovery {
    /// `Name`, else `NetbiosName`.
    pub name: Option<String>,
    /// `SMSUniqueIdentifier`, as written.
    pub sms_unique_identifier: Option<String>,
    /// `SMBIOSGUID`, as written.
    pub smbios_guid: Option<String>,
    /// `Client`: 1 installed, 0 not, `None` not said.
    pub client: Option<bool>,
    /// `Active`.
    pub active: Option<bool>,
    /// `ClientVersion`.
    pub client_version: Option<String>,
    /// `OperatingSystemNameandVersion`; the same text for Windows 10 and 11.
    pub operating_system: Option<String>,
    /// `DistinguishedName`; not empty means joined to Active Directory \[derived\], empty or null that it is not. `None`: not
    /// told, because the record lacks the member.
    pub distinguished_name: Option<String>,
    /// `ResourceDomainORWorkgroup`.
    pub domain_or_workgroup: Option<String>,
    /// First of `SMSAssignedSites`.
    pub assigned_site: Option<SiteCode>,
    /// `LastLogonUserDomain\LastLogonUserName`.
    pub last_logon_user: Option<String>,
    /// Newest of `AgentTime`.
    pub last_discovered: Option<Timestamp>,
}

/// `v1.0/Device` or `SMS_CombinedDeviceResources`: the console's device list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsoleDevice {
    /// `Name`.
    pub name: Option<String>,
    /// `SMSID`, as written.
    pub sms_id: Option<String>,
    /// `SiteCode`: the site that the client is assigned to.
    pub site_code: Option<SiteCode>,
    /// `Domain`.
    pub domain: Option<String>,
    /// `ClientVersion`.
    pub client_version: Option<String>,
    /// `IsClient`.
    pub is_client: Option<bool>,
    /// `IsActive`, else `ClientActiveStatus`.
    pub is_active: Option<bool>,
    /// `DeviceOS`.
    pub device_os: Option<String>,
    /// `DeviceOSBuild`, four parts.
    pub device_os_build: Option<String>,
    /// `DeviceOwner`: 1 company, 2 personal.
    pub device_owner: Option<u32>,
    /// `SerialNumber`.
    pub serial_number: Option<String>,
    /// `SMBIOSGUID`, where the provider carries it.
    pub smbios_guid: Option<String>,
    /// `AADDeviceID`, where the provider carries it.
    pub entra_device_id: Option<String>,
    /// `PrimaryUser`.
    pub primary_user: Option<String>,
    /// `LastActiveTime`.
    pub last_active: Option<Timestamp>,
    /// `LastPolicyRequest`.
    pub last_policy_request: Option<Timestamp>,
    /// `LastDDR`.
    pub last_ddr: Option<Timestamp>,
}

/// `SMS_Client_ComanagementState`. No row means "no data", never "no".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CoManagementState {
    /// `Name`.
    pub name: Option<String>,
    /// `SiteCode`.
    pub site_code: Option<SiteCode>,
    /// `MDMEnrolled`.
    pub mdm_enrolled: Option<bool>,
    /// `MDMProvisioned`.
    pub mdm_provisioned: Option<bool>,
    /// `Authority`: text or number, no value list published. The tenant's mapping says what it means.
    pub authority: Option<String>,
    /// `ComgmtPolicyPresent`.
    pub policy_present: Option<bool>,
    /// `MDMWorkloads`: text that should hold a decimal number.
    pub mdm_workloads: Option<String>,
    /// `AADDeviceID`, as written.
    pub entra_device_id: Option<String>,
    /// `HybridAADJoined`.
    pub hybrid_joined: Option<bool>,
    /// `AADJoined`.
    pub entra_joined: Option<bool>,
    /// `EnrollmentScheduled`.
    pub enrollment_scheduled: Option<bool>,
    /// `EnrollmentFailed`.
    pub enrollment_failed: Option<bool>,
    /// `PendingLogon`.
    pub pending_logon: Option<bool>,
    /// `EnrollmentStatusCode`, normalised to unsigned 32 bits (sources write it signed or unsigned).
    pub enrollment_status_code: Option<u32>,
    /// `EnrollmentErrorDetail`.
    pub enrollment_error_detail: Option<String>,
}

/// `configurationManagerClientEnabledFeatures`: true = managed by Intune. v1.0 lacks the last two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientFeatures {
    /// `inventory`: no workload; ignored for authority.
    pub inventory: Option<bool>,
    /// `compliancePolicy`.
    pub compliance_policy: Option<bool>,
    /// `deviceConfiguration`.
    pub device_configuration: Option<bool>,
    /// `modernApps`.
    pub modern_apps: Option<bool>,
    /// `resourceAccess`.
    pub resource_access: Option<bool>,
    /// `windowsUpdateForBusiness`.
    pub windows_update_for_business: Option<bool>,
    /// `endpointProtection`, beta only.
    pub endpoint_protection: Option<bool>,
    /// `officeApps`, beta only.
    pub office_apps: Option<bool>,
}

/// Graph `managedDevice`, v1.0 or beta. Enumerations are kept as the member name that was sent, known or not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ManagedDevice {
    /// `azureADDeviceId`, as written.
    pub entra_device_id: Option<String>,
    /// `deviceName`.
    pub device_name: Option<String>,
    /// `managedDeviceOwnerType`.
    pub owner_type: Option<String>,
    /// `operatingSystem`.
    pub operating_system: Option<String>,
    /// `osVersion`.
    pub os_version: Option<String>,
    /// `serialNumber`, as written. Empty or null: the empty text; `None`: not told, because the record lacks the member.
    pub serial_number: Option<String>,
    /// `manufacturer`. Empty or null: the empty text; `None`: not told.
    pub manufacturer: Option<String>,
    /// `model`, likewise.
    pub model: Option<String>,
    /// `managementAgent`.
    pub management_agent: Option<String>,
    /// `managementState`.
    pub management_state: Option<String>,
    /// `deviceRegistrationState`.
    pub registration_state: Option<String>,
    /// `deviceEnrollmentType`.
    pub enrollment_type: Option<String>,
    /// `complianceState`.
    pub compliance_state: Option<String>,
    /// `enrolledDateTime`; year 1 is "never" and is `None`.
    pub enrolled_at: Option<Timestamp>,
    /// `lastSyncDateTime`; year 1 is "never" and is `None`.
    pub last_sync: Option<Timestamp>,
    /// `userPrincipalName`.
    pub user_principal_name: Option<String>,
    /// `joinType`, beta only.
    pub join_type: Option<String>,
    /// `autopilotEnrolled`, beta only.
    pub autopilot_enrolled: Option<bool>,
    /// `skuFamily`, beta only.
    pub sku_family: Option<String>,
    /// `hardwareInformation.operatingSystemEdition`, beta only.
    pub operating_system_edition: Option<String>,
    /// `configurationManagerClientEnabledFeatures`; `None` when the client is absent.
    pub client_features: Option<ClientFeatures>,
    /// `configurationManagerClientHealthState.state`, beta only.
    pub client_health_state: Option<String>,
    /// `configurationManagerClientHealthState.errorCode`, beta only, normalised to unsigned 32 bits.
    pub client_health_error: Option<u32>,
    /// `configurationManagerClientHealthState.lastSyncDateTime`, beta only.
    pub client_health_sync: Option<Timestamp>,
    /// `configurationManagerClientInformation.clientIdentifier`, beta only.
    pub client_identifier: Option<String>,
    /// `configurationManagerClientInformation.clientVersion`, beta only.
    pub client_version: Option<String>,
}

/// Directory `device`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirectoryDevice {
    /// `deviceId`.
    pub device_id: Option<String>,
    /// `displayName`.
    pub display_name: Option<String>,
    /// `trustType`: `AzureAd`, `ServerAd`, `Workplace`.
    pub trust_type: Option<String>,
    /// `deviceOwnership`.
    pub device_ownership: Option<String>,
}

/// What only the device itself can say. No export carries it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Probe {
    /// Directory device id, the key that ties the probe to the device.
    pub entra_device_id: Option<String>,
    /// Client id, likewise.
    pub sms_id: Option<String>,
    /// `ClientHealthStatus` flags.
    pub client_health_flags: Option<u32>,
    /// `ClientHealthLastSyncTime`.
    pub client_health_sync: Option<Timestamp>,
    /// Windows edition text.
    pub os_edition: Option<String>,
    /// The gateway's certificate chains to a trusted root here.
    pub trusts_cmg_certificate: Option<bool>,
    /// The push service exists.
    pub dmwappushservice_present: Option<bool>,
    /// A group policy or managed-externally flag blocks MDM.
    pub mdm_blocked_by_policy: Option<bool>,
    /// Registered with Autopilot.
    pub autopilot_registered: Option<bool>,
    /// `user_driven`, `self_deploying`, `pre_provisioning`, `device_preparation` or `none`.
    pub autopilot_profile_mode: Option<String>,
    /// `entra_join` or `hybrid_join`.
    pub autopilot_profile_join: Option<String>,
    /// A co-management settings policy reaches it through a device group.
    pub assigned_comgmt_settings_policy: Option<bool>,
    /// An enrolment status page profile that shows progress reaches it.
    pub assigned_esp_profile_with_progress: Option<bool>,
    /// The winning co-management settings policy overrides: Intune for all workloads.
    pub autopilot_override: Option<bool>,
}

/// The content of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SectionBody {
    /// See [`Discovery`].
    Discovery(Discovery),
    /// See [`ConsoleDevice`]; from `v1.0/Device`.
    Device(ConsoleDevice),
    /// See [`ConsoleDevice`]; from `SMS_CombinedDeviceResources`.
    CombinedDevice(ConsoleDevice),
    /// See [`CoManagementState`].
    CoManagementState(CoManagementState),
    /// See [`ManagedDevice`]; from Graph v1.0.
    ManagedDeviceV1(ManagedDevice),
    /// See [`ManagedDevice`]; from Graph beta.
    ManagedDeviceBeta(ManagedDevice),
    /// See [`DirectoryDevice`].
    DirectoryDevice(DirectoryDevice),
    /// See [`Probe`].
    Probe(Probe),
}

impl SectionBody {
    /// Which class or entity this is.
    #[must_use]
    pub const fn kind(&self) -> SectionKind {
        match self {
            Self::Discovery(_) => SectionKind::Discovery,
            Self::Device(_) => SectionKind::Device,
            Self::CombinedDevice(_) => SectionKind::CombinedDevice,
            Self::CoManagementState(_) => SectionKind::CoManagementState,
            Self::ManagedDeviceV1(_) => SectionKind::ManagedDeviceV1,
            Self::ManagedDeviceBeta(_) => SectionKind::ManagedDeviceBeta,
            Self::DirectoryDevice(_) => SectionKind::DirectoryDevice,
            Self::Probe(_) => SectionKind::Probe,
        }
    }

    /// Whether both say the same, apart from when the device was last seen.
    #[must_use]
    pub fn differs_in_last_seen_alone(&self, other: &Self) -> bool {
        self.clone().without_last_seen() == other.clone().without_last_seen()
    }

    fn without_last_seen(mut self) -> Self {
        match &mut self {
            Self::Discovery(said) => said.last_discovered = None,
            Self::Device(said) | Self::CombinedDevice(said) => {
                (said.last_active, said.last_policy_request, said.last_ddr) = (None, None, None);
            }
            Self::ManagedDeviceV1(said) | Self::ManagedDeviceBeta(said) => {
                (said.last_sync, said.client_health_sync) = (None, None);
            }
            Self::Probe(said) => said.client_health_sync = None,
            Self::CoManagementState(_) | Self::DirectoryDevice(_) => {}
        }
        self
    }
}

/// One section with its place and time: who said it, of which record, when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Who speaks.
    pub source: Source,
    /// The source's own key of the record. Configuration Manager: `<site code of the provider>/<ResourceID>`, because a
    /// ResourceID is unique only within a site; Intune and directory: the id.
    pub key: String,
    /// When the source said it.
    pub observed_at: Timestamp,
    /// What it said.
    pub body: SectionBody,
}

/// A record's collections, as the hierarchy evaluated them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Memberships(pub Vec<CollectionId>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_contact_differs_in_last_seen_alone() {
        let seen = |second, name: &str| {
            SectionBody::Device(ConsoleDevice {
                name: Some(name.into()),
                last_active: Timestamp::from_second(second).ok(),
                last_policy_request: Timestamp::from_second(second + 1).ok(),
                last_ddr: Timestamp::from_second(second + 2).ok(),
                ..ConsoleDevice::default()
            })
        };
        assert!(seen(10, "A").differs_in_last_seen_alone(&seen(20, "A")));
        assert!(!seen(10, "A").differs_in_last_seen_alone(&seen(10, "B")));
    }

    #[test]
    fn other_enrollment_is_more_than_last_seen() {
        let since = |second| {
            SectionBody::ManagedDeviceV1(ManagedDevice {
                enrolled_at: Timestamp::from_second(second).ok(),
                ..ManagedDevice::default()
            })
        };
        assert!(!since(10).differs_in_last_seen_alone(&since(20)));
    }
}
