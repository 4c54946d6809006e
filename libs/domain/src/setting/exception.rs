//! What is documented to deviate from "the workload's authority holds the setting".

use std::fmt;

use crate::citation::Citation;
use crate::workload::ManagementAuthority;

/// A documented exception. Which kinds have it is data; whether it applies on a device is a rule of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SettingException {
    /// Configuration Manager's result may be part of Intune's compliance policy.
    BaselineResultMayCount,
    /// Conditional Access asks for compliance at Intune.
    ConditionalAccessNeedsCompliance,
    /// A baseline keeps applying if it is marked.
    BaselineMayAlwaysApply,
    /// A baseline that is marked keeps applying.
    BaselineAlwaysApplies,
    /// The slider of resource access is gone from site version 2403 on.
    ResourceAccessFixed,
    /// A settings catalog policy follows device configuration, whatever it contains.
    SettingsCatalogWhateverItContains,
    /// Antivirus settings in a device restrictions profile are outside endpoint protection.
    AntivirusInDeviceRestrictions,
    /// Intune removes settings only with the slider fully at Intune.
    RemovalNeedsFullIntune,
    /// The same for endpoint protection, which needs device configuration too.
    EndpointProtectionRemovalNeedsBoth,
    /// Policies of Configuration Manager stay until Intune's overwrite them.
    EarlierPolicyStaysUntilOverwritten,
    /// Windows Information Protection has two authors.
    WindowsInformationProtectionFromBoth,
    /// The software-update client setting does not follow the slider.
    SoftwareUpdateSettingStays,
    /// A Windows version that Intune installed stays.
    InstalledWindowsVersionStays,
    /// An Office version that Intune installed stays.
    InstalledOfficeVersionStays,
    /// Configuration Manager skips its own deployments of Microsoft 365 Apps.
    ConfigmgrOfficeDeploymentsSkipped,
    /// Office updates appear late.
    OfficeUpdatesTakeADay,
    /// Configuration Manager may deploy applications too.
    ClientAppsNotExclusive,
    /// Intune's scripts run although the workload did not move.
    IntuneScriptsRunAnyway,
    /// Store apps ask for client apps at Intune.
    StoreAppsNeedClientApps,
    /// A client beside a third-party MDM keeps the feature.
    KeptInCoexistence,
    /// A client beside a third-party MDM switches the feature off.
    OffInCoexistence,
}

impl SettingException {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::BaselineResultMayCount,
        Self::ConditionalAccessNeedsCompliance,
        Self::BaselineMayAlwaysApply,
        Self::BaselineAlwaysApplies,
        Self::ResourceAccessFixed,
        Self::SettingsCatalogWhateverItContains,
        Self::AntivirusInDeviceRestrictions,
        Self::RemovalNeedsFullIntune,
        Self::EndpointProtectionRemovalNeedsBoth,
        Self::EarlierPolicyStaysUntilOverwritten,
        Self::WindowsInformationProtectionFromBoth,
        Self::SoftwareUpdateSettingStays,
        Self::InstalledWindowsVersionStays,
        Self::InstalledOfficeVersionStays,
        Self::ConfigmgrOfficeDeploymentsSkipped,
        Self::OfficeUpdatesTakeADay,
        Self::ClientAppsNotExclusive,
        Self::IntuneScriptsRunAnyway,
        Self::StoreAppsNeedClientApps,
        Self::KeptInCoexistence,
        Self::OffInCoexistence,
    ];

    /// Its stable name.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::BaselineResultMayCount => "baseline_result_may_count",
            Self::ConditionalAccessNeedsCompliance => "conditional_access_needs_compliance",
            Self::BaselineMayAlwaysApply => "baseline_may_always_apply",
            Self::BaselineAlwaysApplies => "baseline_always_applies",
            Self::ResourceAccessFixed => "resource_access_fixed",
            Self::SettingsCatalogWhateverItContains => "settings_catalog_whatever_it_contains",
            Self::AntivirusInDeviceRestrictions => "antivirus_in_device_restrictions",
            Self::RemovalNeedsFullIntune => "removal_needs_full_intune",
            Self::EndpointProtectionRemovalNeedsBoth => "endpoint_protection_removal_needs_both",
            Self::EarlierPolicyStaysUntilOverwritten => "earlier_policy_stays_until_overwritten",
            Self::WindowsInformationProtectionFromBoth => "windows_information_protection_from_both",
            Self::SoftwareUpdateSettingStays => "software_update_setting_stays",
            Self::InstalledWindowsVersionStays => "installed_windows_version_stays",
            Self::InstalledOfficeVersionStays => "installed_office_version_stays",
            Self::ConfigmgrOfficeDeploymentsSkipped => "configmgr_office_deployments_skipped",
            Self::OfficeUpdatesTakeADay => "office_updates_take_a_day",
            Self::ClientAppsNotExclusive => "client_apps_not_exclusive",
            Self::IntuneScriptsRunAnyway => "intune_scripts_run_anyway",
            Self::StoreAppsNeedClientApps => "store_apps_need_client_apps",
            Self::KeptInCoexistence => "kept_in_coexistence",
            Self::OffInCoexistence => "off_in_coexistence",
        }
    }

    /// What is documented, as a sentence for people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::BaselineResultMayCount => {
                "with compliance at Intune, an Intune compliance policy may still require the result of \
                 Configuration Manager baselines"
            }
            Self::ConditionalAccessNeedsCompliance => {
                "Conditional Access uses Intune's word only with compliance at Intune or, for members, at \
                 Pilot Intune"
            }
            Self::BaselineMayAlwaysApply | Self::BaselineAlwaysApplies => {
                "with device configuration at Intune, a baseline keeps applying only if it is marked \
                 'always apply, even for co-managed clients'"
            }
            Self::ResourceAccessFixed => {
                "from site version 2403 on the slider of resource access is fixed at Intune; older \
                 policies of Configuration Manager block the upgrade"
            }
            Self::SettingsCatalogWhateverItContains => {
                "every settings catalog policy is governed by device configuration, whatever it contains"
            }
            Self::AntivirusInDeviceRestrictions => {
                "antivirus settings inside an Intune device restrictions profile are outside endpoint \
                 protection; Endpoint security antivirus policies are inside it"
            }
            Self::RemovalNeedsFullIntune => {
                "Intune takes a setting off again when its policy is unassigned only with device \
                 configuration fully at Intune: Pilot Intune applies and does not remove"
            }
            Self::EndpointProtectionRemovalNeedsBoth => {
                "Intune takes an endpoint protection setting off again only with endpoint protection and \
                 device configuration both fully at Intune"
            }
            Self::EarlierPolicyStaysUntilOverwritten => {
                "policies of Configuration Manager stay on the device until Intune's overwrite them at the \
                 next check-in"
            }
            Self::WindowsInformationProtectionFromBoth => {
                "with endpoint protection at Intune and device configuration not, Windows Information \
                 Protection applies from both services"
            }
            Self::SoftwareUpdateSettingStays => {
                "the slider does not change the Configuration Manager client setting for software updates; \
                 an administrator has to turn it off for moved devices"
            }
            Self::InstalledWindowsVersionStays => {
                "a Windows version that Intune installed stays when the workload goes back to \
                 Configuration Manager"
            }
            Self::InstalledOfficeVersionStays => {
                "an Office version that Intune installed stays when the workload goes back to \
                 Configuration Manager"
            }
            Self::ConfigmgrOfficeDeploymentsSkipped => {
                "a built-in global condition makes Configuration Manager skip its own deployments of \
                 Microsoft 365 Apps on moved devices"
            }
            Self::OfficeUpdatesTakeADay => {
                "Office updates may need about 24 hours to appear unless the device restarts"
            }
            Self::ClientAppsNotExclusive => {
                "with client apps at Intune, Configuration Manager can still deploy applications to the \
                 device: both may act"
            }
            Self::IntuneScriptsRunAnyway => {
                "on Windows 10 1903 and later Intune PowerShell scripts run even while client apps is with \
                 Configuration Manager"
            }
            Self::StoreAppsNeedClientApps => {
                "Intune deploys new Microsoft Store (winget) apps only with client apps at Intune or, for \
                 members, at Pilot Intune"
            }
            Self::KeptInCoexistence => "beside a third-party MDM the client keeps this, reading only",
            Self::OffInCoexistence => "beside a third-party MDM the client switches this off",
        }
    }

    /// Where the fact pack says so.
    #[must_use]
    pub const fn source(self) -> Citation {
        let (file, section) = match self {
            Self::BaselineResultMayCount => ("workloads.toml", "compliance_policies.on_switch_to_intune"),
            Self::ConditionalAccessNeedsCompliance => {
                ("workloads.toml", "conditional_access_needs_compliance.note")
            }
            Self::BaselineMayAlwaysApply | Self::BaselineAlwaysApplies => {
                ("workloads.toml", "device_configuration.on_switch_to_intune")
            }
            Self::ResourceAccessFixed => {
                ("workloads.toml", "resource_access_policies.forced_to_intune_since_site_version")
            }
            Self::SettingsCatalogWhateverItContains => {
                ("workloads.toml", "device_configuration.what_it_governs")
            }
            Self::RemovalNeedsFullIntune => ("workloads.toml", "pilot_limitations.policy_removal"),
            Self::EndpointProtectionRemovalNeedsBoth => {
                ("workloads.toml", "policy_removal_needs_full_intune.extra")
            }
            Self::AntivirusInDeviceRestrictions | Self::EarlierPolicyStaysUntilOverwritten => {
                ("workloads.toml", "endpoint_protection.on_switch_to_intune")
            }
            Self::SoftwareUpdateSettingStays => {
                ("workloads.toml", "windows_update_policies.on_switch_to_intune")
            }
            Self::InstalledWindowsVersionStays => {
                ("workloads.toml", "windows_update_policies.on_switch_back")
            }
            Self::InstalledOfficeVersionStays => {
                ("workloads.toml", "office_click_to_run_apps.on_switch_back")
            }
            Self::ConfigmgrOfficeDeploymentsSkipped | Self::OfficeUpdatesTakeADay => {
                ("workloads.toml", "office_click_to_run_apps.on_switch_to_intune")
            }
            Self::IntuneScriptsRunAnyway => ("workloads.toml", "client_apps.exception"),
            Self::StoreAppsNeedClientApps => {
                ("workloads.toml", "store_apps_need_client_apps.requires_intune")
            }
            Self::WindowsInformationProtectionFromBoth | Self::ClientAppsNotExclusive => ("states.md", "8"),
            Self::KeptInCoexistence | Self::OffInCoexistence => ("states.md", "7"),
        };
        Citation::new(file, section)
    }

    /// The manager that may act beside the holder where the exception applies; `None`: it brings in nobody.
    #[must_use]
    pub const fn also_acts(self) -> Option<ManagementAuthority> {
        match self {
            Self::BaselineAlwaysApplies | Self::ClientAppsNotExclusive => {
                Some(ManagementAuthority::ConfigurationManager)
            }
            Self::WindowsInformationProtectionFromBoth | Self::IntuneScriptsRunAnyway => {
                Some(ManagementAuthority::Intune)
            }
            _ => None,
        }
    }
}

impl fmt::Display for SettingException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
