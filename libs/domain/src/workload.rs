//! The seven co-management workloads, their relations, and the words for who decides them.
//!
//! Source: `data/workloads.toml`, which names its own sources.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A bundle of management duties that is owned by exactly one service per device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Workload {
    /// Which service states whether a device is compliant.
    CompliancePolicies,
    /// Feature and quality update deferral for devices that update straight from Windows Update.
    WindowsUpdatePolicies,
    /// VPN, Wi-Fi, e-mail and certificate profiles. Part of device configuration; fixed at Intune from site version 2403.
    ResourceAccessPolicies,
    /// Defender, firewall, encryption and their kin. Part of device configuration.
    EndpointProtection,
    /// Device settings. Carries resource access and endpoint protection with it.
    DeviceConfiguration,
    /// Installation and updates of Microsoft 365 Apps.
    OfficeClickToRunApps,
    /// Apps and PowerShell scripts from Intune. Not an exclusive hand-over.
    ClientApps,
}

impl Workload {
    /// All seven, in the order of the fact pack. Arrays indexed by workload use this order.
    pub const ALL: [Self; 7] = [
        Self::CompliancePolicies,
        Self::WindowsUpdatePolicies,
        Self::ResourceAccessPolicies,
        Self::EndpointProtection,
        Self::DeviceConfiguration,
        Self::OfficeClickToRunApps,
        Self::ClientApps,
    ];

    /// Position in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The fact pack's id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::CompliancePolicies => "compliance_policies",
            Self::WindowsUpdatePolicies => "windows_update_policies",
            Self::ResourceAccessPolicies => "resource_access_policies",
            Self::EndpointProtection => "endpoint_protection",
            Self::DeviceConfiguration => "device_configuration",
            Self::OfficeClickToRunApps => "office_click_to_run_apps",
            Self::ClientApps => "client_apps",
        }
    }

    /// The name that the console shows.
    #[must_use]
    pub const fn display_name(self) -> &'static str {
        match self {
            Self::CompliancePolicies => "Compliance policies",
            Self::WindowsUpdatePolicies => "Windows Update policies",
            Self::ResourceAccessPolicies => "Resource access policies",
            Self::EndpointProtection => "Endpoint Protection",
            Self::DeviceConfiguration => "Device configuration",
            Self::OfficeClickToRunApps => "Office Click-to-Run apps",
            Self::ClientApps => "Client apps",
        }
    }

    /// The workload that carries this one with it when it moves to Intune.
    #[must_use]
    pub const fn included_in(self) -> Option<Self> {
        match self {
            Self::ResourceAccessPolicies | Self::EndpointProtection => Some(Self::DeviceConfiguration),
            _ => None,
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// One value per workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PerWorkload<T>([T; 7]);

impl<T> PerWorkload<T> {
    /// Asks `value` for every workload.
    pub fn from_fn(mut value: impl FnMut(Workload) -> T) -> Self {
        Self(Workload::ALL.map(&mut value))
    }

    /// Workload and value, in the order of [`Workload::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Workload, &T)> {
        Workload::ALL.into_iter().zip(&self.0)
    }
}

impl<T> std::ops::Index<Workload> for PerWorkload<T> {
    type Output = T;

    fn index(&self, workload: Workload) -> &T {
        &self.0[workload.index()]
    }
}

impl<T> std::ops::IndexMut<Workload> for PerWorkload<T> {
    fn index_mut(&mut self, workload: Workload) -> &mut T {
        &mut self.0[workload.index()]
    }
}

/// The slider of one workload in one hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SliderPosition {
    /// The default of every slider: enabling co-management moves nothing.
    #[default]
    ConfigurationManager,
    /// Intune, for members of that workload's own pilot collection only.
    PilotIntune,
    /// Intune, for every co-managed device.
    Intune,
}

impl SliderPosition {
    /// The fact pack's id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::ConfigurationManager => "configuration_manager",
            Self::PilotIntune => "pilot_intune",
            Self::Intune => "intune",
        }
    }
}

/// Who decides a workload on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManagementAuthority {
    /// Configuration Manager decides.
    ConfigurationManager,
    /// Intune decides.
    Intune,
    /// A third-party MDM: the client switched these areas off and balances nothing \[derived name\].
    ThirdPartyMdm,
    /// Nobody manages the device.
    None,
    /// The facts at hand do not say; the reason names what is missing. Never to be read as "no".
    Unknown,
}

impl ManagementAuthority {
    /// The fact pack's id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::ConfigurationManager => "configuration_manager",
            Self::Intune => "intune",
            Self::ThirdPartyMdm => "third_party_mdm",
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for ManagementAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
