//! What is believed of one device after merging: every value knows the section that said it.
//!
//! `None` is "no source says", and is never read as "no". Facts are merged in [`crate::merge`]; decisions read them here.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{CollectionId, HierarchyId, SiteCode};
use crate::section::{ClientFeatures, SectionKind, Source};

/// A value and the section it came from (an index into [`DeviceFacts::sections`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact<T> {
    /// The value.
    pub value: T,
    /// Index into [`DeviceFacts::sections`].
    pub section: u8,
}

impl<T> Fact<T> {
    /// A value said by the section at that index.
    pub const fn new(value: T, section: u8) -> Self {
        Self { value, section }
    }
}

/// The value of an optional fact, by reference.
pub fn value<T>(fact: &Option<Fact<T>>) -> Option<&T> {
    fact.as_ref().map(|f| &f.value)
}

/// The value of an optional fact, copied.
pub fn copied<T: Copy>(fact: &Option<Fact<T>>) -> Option<T> {
    fact.as_ref().map(|f| f.value)
}

/// A section that took part in the merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionStamp {
    /// Who said it.
    pub source: Source,
    /// From which class or entity.
    pub kind: SectionKind,
    /// The source's own key of the record.
    pub key: String,
    /// When.
    pub observed_at: Timestamp,
}

/// A Windows version number such as `10.0.22631.3447`. Parts that the source did not say are `None`: discovery text carries
/// only `10.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OsVersion {
    /// 6 for Windows 7 and 8.x, 10 for Windows 10 and 11.
    pub major: u32,
    /// 1, 2, 3 for Windows 7, 8, 8.1; 0 for Windows 10 and 11.
    pub minor: u32,
    /// The build, which alone tells Windows 10 from 11 (22000 and up).
    pub build: Option<u32>,
    /// The update revision.
    pub revision: Option<u32>,
}

impl OsVersion {
    /// Reads `major.minor[.build[.revision]]`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('.').map(str::parse::<u32>);
        let major = parts.next()?.ok()?;
        let minor = parts.next()?.ok()?;
        let build = parts.next().transpose().ok()?;
        let revision = parts.next().transpose().ok()?;
        if parts.next().is_some() {
            return None;
        }
        Some(Self { major, minor, build, revision })
    }
}

impl fmt::Display for OsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        for part in [self.build, self.revision].into_iter().flatten() {
            write!(f, ".{part}")?;
        }
        Ok(())
    }
}

/// What kind of system runs on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OsKind {
    /// Windows for people.
    Client,
    /// Windows Server.
    Server,
    /// Not Windows.
    Other,
}

/// How the device is known to the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JoinType {
    /// Neither joined nor registered.
    #[serde(rename = "none")]
    None,
    /// Joined to Entra ID only.
    #[serde(rename = "azureADJoined")]
    EntraJoined,
    /// Only an account was added; not sufficient for co-management.
    #[serde(rename = "azureADRegistered")]
    EntraRegistered,
    /// Joined to Active Directory and registered in Entra ID.
    #[serde(rename = "hybridAzureADJoined")]
    HybridJoined,
}

impl JoinType {
    /// Graph's member name, `none` for [`JoinType::None`].
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::EntraJoined => "azureADJoined",
            Self::EntraRegistered => "azureADRegistered",
            Self::HybridJoined => "hybridAzureADJoined",
        }
    }
}

/// Who owns the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The organisation.
    Company,
    /// A person.
    Personal,
}

/// Which MDM the device is enrolled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MdmProvider {
    /// None at all.
    None,
    /// Microsoft Intune.
    Intune,
    /// Another MDM: coexistence, when the client is installed.
    ThirdParty,
}

/// Two sources that contradict each other about whether the device is enrolled. Normal for some hours after a change: site
/// inventory cycle against a check-in about every 8 hours \[derived\].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrollmentConflict {
    /// What the site says.
    pub site: Fact<bool>,
    /// What Intune says.
    pub cloud: Fact<bool>,
}

/// Everything that decisions need of one device.
///
/// Names follow the fact ids of `data/prerequisites.toml` (`device.…`) and section 1 of `data/states.md`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceFacts {
    /// The sections that took part, in the order that [`Fact::section`] counts.
    pub sections: Vec<SectionStamp>,
    /// The device's name, not unique.
    pub name: Option<Fact<String>>,
    /// The hierarchy that manages the client; with several claimants the one in contact last \[derived\].
    pub hierarchy: Option<HierarchyId>,
    /// Other hierarchies that also keep a record of it.
    pub other_hierarchies: Vec<HierarchyId>,
    /// The site that the client is assigned to.
    pub site: Option<Fact<SiteCode>>,
    /// The managing hierarchy's collections that contain it, sorted.
    pub collections: Vec<CollectionId>,

    /// The Configuration Manager client is installed.
    pub client_installed: Option<Fact<bool>>,
    /// Client version, such as `5.00.9141.1011`.
    pub client_version: Option<Fact<String>>,
    /// The site counts the client as active.
    pub client_active: Option<Fact<bool>>,
    /// Sum of health flags, see the fact pack's states.md 9.
    pub client_health_flags: Option<Fact<u32>>,
    /// When health was last sent.
    pub client_health_sync: Option<Fact<Timestamp>>,
    /// Newest contact with the site.
    pub last_site_contact: Option<Fact<Timestamp>>,

    /// Windows version number.
    pub os_version: Option<Fact<OsVersion>>,
    /// Client, server or other.
    pub os_kind: Option<Fact<OsKind>>,
    /// Edition text as written.
    pub os_edition: Option<Fact<String>>,

    /// Joined, registered or neither.
    pub join_type: Option<Fact<JoinType>>,
    /// Joined to Active Directory.
    pub ad_joined: Option<Fact<bool>>,

    /// Enrolled with an MDM: the site's word before the cloud's. `None` counts as not enrolled (states.md 8).
    pub mdm_enrolled: Option<Fact<bool>>,
    /// Set when site and cloud disagree about that.
    pub enrollment_conflict: Option<EnrollmentConflict>,
    /// MDM provisioning completed.
    pub mdm_provisioned: Option<Fact<bool>>,
    /// The co-management policy reached the client.
    pub policy_present: Option<Fact<bool>>,
    /// The site's `Authority` text; [`crate::tenant::TenantFacts`] says what it means.
    pub authority_text: Option<Fact<String>>,
    /// Intune keeps a record whose agent contains MDM: then the provider is Intune by construction.
    pub intune_mdm_record: Option<Fact<bool>>,
    /// Graph's `managementAgent` is 10 or 11: the cloud's view of "co-managed" \[derived\].
    pub cloud_co_managed: Option<Fact<bool>>,
    /// Enrolment is scheduled.
    pub enrollment_scheduled: Option<Fact<bool>>,
    /// Enrolment failed.
    pub enrollment_failed: Option<Fact<bool>>,
    /// Enrolment waits for a sign-in.
    pub pending_logon: Option<Fact<bool>>,
    /// Result of the last attempt, unsigned 32 bits; 0 is success.
    pub enrollment_status_code: Option<Fact<u32>>,
    /// The site's free text beside it.
    pub enrollment_error_detail: Option<Fact<String>>,

    /// What the site last read from the client, as written.
    pub capability_text: Option<Fact<String>>,
    /// What Graph last read from the client.
    pub client_features: Option<Fact<ClientFeatures>>,

    /// Company or personal.
    pub owner: Option<Fact<Owner>>,
    /// Serial number as written; empty where a source says that there is none.
    pub serial_number: Option<Fact<String>>,
    /// Manufacturer; empty where a source says that there is none.
    pub manufacturer: Option<Fact<String>>,
    /// Model; empty where a source says that there is none.
    pub model: Option<Fact<String>>,
    /// Primary or last user.
    pub user: Option<Fact<String>>,
    /// Last check-in with Intune.
    pub last_intune_sync: Option<Fact<Timestamp>>,
    /// Graph's `managementState` member name.
    pub intune_management_state: Option<Fact<String>>,
    /// Graph's `deviceRegistrationState` member name.
    pub registration_state: Option<Fact<String>>,
    /// Graph's `complianceState` member name.
    pub compliance_state: Option<Fact<String>>,

    /// Registered with Autopilot.
    pub autopilot_registered: Option<Fact<bool>>,
    /// Autopilot profile's mode.
    pub autopilot_profile_mode: Option<Fact<String>>,
    /// Autopilot profile's join.
    pub autopilot_profile_join: Option<Fact<String>>,
    /// A co-management settings policy is assigned through a device group.
    pub assigned_comgmt_settings_policy: Option<Fact<bool>>,
    /// An enrolment status page with progress is assigned.
    pub assigned_esp_profile_with_progress: Option<Fact<bool>>,
    /// The winning co-management settings policy has the override. Unknown counts as false and is named in the reason.
    pub autopilot_override: Option<Fact<bool>>,
    /// The gateway's certificate is trusted.
    pub trusts_cmg_certificate: Option<Fact<bool>>,
    /// The push service exists.
    pub dmwappushservice_present: Option<Fact<bool>>,
    /// MDM is blocked by policy.
    pub mdm_blocked_by_policy: Option<Fact<bool>>,
}

impl DeviceFacts {
    /// Drops what sections said that are not to be kept. Which device it is, and where it belongs, stays.
    pub(crate) fn retain(&mut self, keep: impl Fn(u8) -> bool) {
        macro_rules! drop_unless {
            (keep: $($kept:ident),*; $($fact:ident),* $(,)?) => {
                // A fact that is added has to be thought of here.
                let Self { $($kept: _,)* $($fact),* } = self;
                $(*$fact = $fact.take().filter(|fact| keep(fact.section));)*
            };
        }
        drop_unless!(
            keep: sections, hierarchy, other_hierarchies, collections, enrollment_conflict, name, site;
            client_installed,
            client_version,
            client_active,
            client_health_flags,
            client_health_sync,
            last_site_contact,
            os_version,
            os_kind,
            os_edition,
            join_type,
            ad_joined,
            mdm_enrolled,
            mdm_provisioned,
            policy_present,
            authority_text,
            intune_mdm_record,
            cloud_co_managed,
            enrollment_scheduled,
            enrollment_failed,
            pending_logon,
            enrollment_status_code,
            enrollment_error_detail,
            capability_text,
            client_features,
            owner,
            serial_number,
            manufacturer,
            model,
            user,
            last_intune_sync,
            intune_management_state,
            registration_state,
            compliance_state,
            autopilot_registered,
            autopilot_profile_mode,
            autopilot_profile_join,
            assigned_comgmt_settings_policy,
            assigned_esp_profile_with_progress,
            autopilot_override,
            trusts_cmg_certificate,
            dmwappushservice_present,
            mdm_blocked_by_policy,
        );
    }

    /// A site keeps a record of the device.
    #[must_use]
    pub const fn known_to_site(&self) -> bool {
        self.hierarchy.is_some()
    }

    /// The stamp of the section that said the fact.
    #[must_use]
    pub fn origin<T>(&self, fact: &Fact<T>) -> Option<&SectionStamp> {
        self.sections.get(usize::from(fact.section))
    }

    /// Enrolled; "no source says" counts as not enrolled (states.md 8, notes).
    #[must_use]
    pub fn enrolled(&self) -> bool {
        copied(&self.mdm_enrolled).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_of_two_to_four_parts_reads_and_prints_alike() {
        for text in ["10.0", "6.1.7601", "10.0.22631.3447"] {
            assert_eq!(OsVersion::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn version_of_other_shapes_is_none() {
        for text in ["", "10", "10.x", "10.0.1.2.3", "Windows 10"] {
            assert_eq!(OsVersion::parse(text), None, "{text}");
        }
    }
}
