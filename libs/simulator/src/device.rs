//! A simulated device: what it is, and what each system has recorded of it.

use jiff::Timestamp;
use tandem_domain::facts::{JoinType, Owner};
use tandem_domain::workload::{PerWorkload, Workload};
use uuid::Uuid;

use crate::shares::Windows;
use crate::situation::Situation;

/// One device and its records.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedDevice {
    /// Its position in the fleet.
    pub index: u64,
    /// How far it has come.
    pub situation: Situation,
    /// Computer name, at most 15 characters, unique in the fleet.
    pub name: String,
    /// Directory device id; `None`: neither joined nor registered.
    pub entra_device_id: Option<Uuid>,
    /// Client id; `None`: no client.
    pub sms_id: Option<Uuid>,
    /// The firmware's id.
    pub smbios_guid: Uuid,
    /// The firmware's serial number.
    pub serial: Serial,
    /// How the directory knows it.
    pub join: JoinType,
    /// In Active Directory.
    pub ad_joined: bool,
    /// Whose it is.
    pub owner: Owner,
    /// What it runs.
    pub windows: Windows,
    /// Silent at both systems for long.
    pub stale: bool,
    /// Name of its user, before the `@`; `None`: nobody's.
    pub user: Option<String>,
    /// Maker, model and Graph's chassis type.
    pub hardware: (&'static str, &'static str, &'static str),
    /// The co-managed device's reports are wrong about this workload.
    pub drift: Option<Workload>,
    /// The record of the hierarchy that manages it.
    pub site: Option<SiteRecord>,
    /// The left-over record of the hierarchy that it came from.
    pub former_site: Option<SiteRecord>,
    /// Intune's record.
    pub intune: Option<IntuneRecord>,
}

impl SimulatedDevice {
    /// How many sources have a record of it.
    #[must_use]
    pub fn facets(&self) -> usize {
        self.site_records().count() + usize::from(self.intune.is_some())
    }

    /// The records of all hierarchies, the managing one's first.
    pub fn site_records(&self) -> impl Iterator<Item = &SiteRecord> {
        self.site.iter().chain(&self.former_site)
    }

    /// A server's build number may be a client's too, so the record says it.
    #[must_use]
    pub fn is_server(&self) -> bool {
        self.situation == Situation::Server
    }
}

/// A serial number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Serial {
    /// Its own.
    Own(String),
    /// That of its neighbour, whose own it is.
    Shared(String),
    /// What the firmware's maker forgot to fill in.
    Placeholder(&'static str),
}

impl Serial {
    /// As the systems write it.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Own(text) | Self::Shared(text) => text,
            Self::Placeholder(text) => text,
        }
    }
}

/// What one hierarchy recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteRecord {
    /// Position in [`crate::Fleet::hierarchies`].
    pub hierarchy: usize,
    /// Unique within the hierarchy; hierarchies use the same numbers for different devices.
    pub resource_id: u32,
    /// The client's build; `None`: no client.
    pub client_version: Option<String>,
    /// Active within the site's threshold.
    pub active: bool,
    /// When the record was made.
    pub created: Timestamp,
    /// Last sign of the client; `None`: never had one.
    pub last_contact: Option<Timestamp>,
    /// Its row of `SMS_Client_ComanagementState`; `None`: no row.
    pub co_management: Option<CoManagementRow>,
    /// Its collections, as positions in [`crate::Hierarchy::collections`], ascending.
    pub collections: Vec<u32>,
}

/// A row of `SMS_Client_ComanagementState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CoManagementRow {
    /// `MDMEnrolled`.
    pub mdm_enrolled: bool,
    /// `MDMProvisioned`.
    pub mdm_provisioned: bool,
    /// `ComgmtPolicyPresent`.
    pub policy_present: bool,
    /// `Authority`.
    pub authority: Option<&'static str>,
    /// `MDMWorkloads`.
    pub capability: Option<u32>,
    /// `EnrollmentScheduled`.
    pub scheduled: bool,
    /// `EnrollmentFailed`.
    pub failed: bool,
    /// `PendingLogon`.
    pub pending_logon: bool,
    /// `EnrollmentStatusCode`.
    pub status_code: u32,
    /// The code is written as a signed number.
    pub signed_code: bool,
}

/// Intune's record.
#[derive(Debug, Clone, PartialEq)]
pub struct IntuneRecord {
    /// `id`.
    pub id: Uuid,
    /// `managementAgent`.
    pub agent: &'static str,
    /// `managementState`.
    pub management_state: &'static str,
    /// `deviceEnrollmentType`.
    pub enrollment_type: &'static str,
    /// `complianceState`.
    pub compliance_state: &'static str,
    /// `enrolledDateTime`; `None`: never.
    pub enrolled_at: Option<Timestamp>,
    /// `lastSyncDateTime`; `None`: never.
    pub last_sync: Option<Timestamp>,
    /// `autopilotEnrolled`.
    pub autopilot_enrolled: bool,
    /// `isEncrypted`.
    pub encrypted: bool,
    /// `configurationManagerClientEnabledFeatures`; `None`: no client.
    pub features: Option<PerWorkload<bool>>,
    /// `configurationManagerClientHealthState.state`.
    pub client_health: &'static str,
    /// `configurationManagerClientInformation.clientVersion`.
    pub client_version: Option<String>,
    /// Free space of 512 GB, in bytes.
    pub free_storage: u64,
}
