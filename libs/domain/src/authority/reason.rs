//! Why a workload is where it is: the words of the assessment, each with the one authority that it leads to.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::workload::ManagementAuthority;

/// The rule that decided, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No source says whether the client is installed.
    ClientUnknown,
    /// Neither the client nor an enrolment in Intune.
    Unmanaged,
    /// The client beside a third-party MDM.
    Coexistence,
    /// Enrolled in Intune without the client.
    MdmOnly,
    /// The client without an enrolment.
    NotEnrolled,
    /// Client and enrolment, but no site keeps a record of the device.
    NoSiteRecord,
    /// Client and enrolment, but the policy is not on the client.
    PolicyAbsent,
    /// Client, enrolment and policy, but MDM is not provisioned.
    NotProvisioned,
    /// Co-managed, and an Autopilot settings policy overrides the sliders.
    AutopilotOverride,
    /// Resource access on a site of version 2403 or later.
    ResourceAccessFixed,
    /// Carried along by device configuration.
    BundledWithDeviceConfiguration,
    /// The slider stands at Intune.
    SliderIntune,
    /// The slider stands at Pilot Intune; the device is in the pilot.
    PilotMember,
    /// The slider stands at Pilot Intune; the device is not in the pilot.
    PilotNotMember,
    /// The slider stands at Configuration Manager.
    SliderConfigurationManager,
    /// Nobody said where the hierarchy's sliders stand.
    PolicyUnknown,
    /// Resource access, not otherwise at Intune, on a site of unknown version.
    SiteVersionUnknown,
    /// The slider stands at Pilot Intune; nobody said who is in the pilot.
    MembershipUnknown,
}

impl Reason {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 18] = [
        Self::ClientUnknown,
        Self::Unmanaged,
        Self::Coexistence,
        Self::MdmOnly,
        Self::NotEnrolled,
        Self::NoSiteRecord,
        Self::PolicyAbsent,
        Self::NotProvisioned,
        Self::AutopilotOverride,
        Self::ResourceAccessFixed,
        Self::BundledWithDeviceConfiguration,
        Self::SliderIntune,
        Self::PilotMember,
        Self::PilotNotMember,
        Self::SliderConfigurationManager,
        Self::PolicyUnknown,
        Self::SiteVersionUnknown,
        Self::MembershipUnknown,
    ];

    /// The word that outputs use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::ClientUnknown => "client_unknown",
            Self::Unmanaged => "unmanaged",
            Self::Coexistence => "coexistence",
            Self::MdmOnly => "mdm_only",
            Self::NotEnrolled => "not_enrolled",
            Self::NoSiteRecord => "no_site_record",
            Self::PolicyAbsent => "policy_absent",
            Self::NotProvisioned => "not_provisioned",
            Self::AutopilotOverride => "autopilot_override",
            Self::ResourceAccessFixed => "resource_access_fixed",
            Self::BundledWithDeviceConfiguration => "bundled_with_device_configuration",
            Self::SliderIntune => "slider_intune",
            Self::PilotMember => "pilot_member",
            Self::PilotNotMember => "pilot_not_member",
            Self::SliderConfigurationManager => "slider_configuration_manager",
            Self::PolicyUnknown => "policy_unknown",
            Self::SiteVersionUnknown => "site_version_unknown",
            Self::MembershipUnknown => "membership_unknown",
        }
    }

    /// The authority that this reason leads to, always the same one.
    #[must_use]
    pub const fn authority(self) -> ManagementAuthority {
        match self {
            Self::Unmanaged => ManagementAuthority::None,
            Self::Coexistence => ManagementAuthority::ThirdPartyMdm,
            Self::MdmOnly
            | Self::AutopilotOverride
            | Self::ResourceAccessFixed
            | Self::BundledWithDeviceConfiguration
            | Self::SliderIntune
            | Self::PilotMember => ManagementAuthority::Intune,
            Self::NotEnrolled
            | Self::PolicyAbsent
            | Self::NotProvisioned
            | Self::PilotNotMember
            | Self::SliderConfigurationManager => ManagementAuthority::ConfigurationManager,
            Self::ClientUnknown
            | Self::NoSiteRecord
            | Self::PolicyUnknown
            | Self::SiteVersionUnknown
            | Self::MembershipUnknown => ManagementAuthority::Unknown,
        }
    }

    /// The reason as a sentence for people.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::ClientUnknown => "no source says whether the Configuration Manager client is installed",
            Self::Unmanaged => {
                "the device has neither the Configuration Manager client nor an enrolment in Intune"
            }
            Self::Coexistence => {
                "the device is enrolled with a third-party MDM, so the Configuration Manager client has switched this area off"
            }
            Self::MdmOnly => "the device is enrolled in Intune and has no Configuration Manager client",
            Self::NotEnrolled => {
                "the device is not enrolled in Intune, so Configuration Manager keeps every workload whatever the sliders say"
            }
            Self::NoSiteRecord => {
                "only Intune reports the client; no site keeps a record of the device, so its sliders are not known"
            }
            Self::PolicyAbsent => {
                "the device is enrolled, but the co-management policy has not reached its client"
            }
            Self::NotProvisioned => {
                "the device is enrolled and has the policy, but MDM is not provisioned yet"
            }
            Self::AutopilotOverride => {
                "an Autopilot co-management settings policy with override gives Intune every workload"
            }
            Self::ResourceAccessFixed => {
                "from site version 2403 on, resource access policies belong to Intune on co-managed devices"
            }
            Self::BundledWithDeviceConfiguration => {
                "device configuration is at Intune on this device and carries this workload with it"
            }
            Self::SliderIntune => "the workload's slider stands at Intune",
            Self::PilotMember => {
                "the workload's slider stands at Pilot Intune, and the device is in its pilot collection"
            }
            Self::PilotNotMember => {
                "the workload's slider stands at Pilot Intune, and the device is not in its pilot collection"
            }
            Self::SliderConfigurationManager => "the workload's slider stands at Configuration Manager",
            Self::PolicyUnknown => {
                "the device is co-managed, but nobody said where its hierarchy's sliders stand"
            }
            Self::SiteVersionUnknown => {
                "the site's version is not known; from 2403 on, resource access policies belong to Intune whatever the slider says"
            }
            Self::MembershipUnknown => {
                "a slider that decides this workload stands at Pilot Intune, and the members of its pilot collection were not read"
            }
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
