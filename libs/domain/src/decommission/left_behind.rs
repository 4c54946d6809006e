//! What is there still when a plan is done.

use super::Scope;
use crate::citation::Citation;
use crate::workload::Workload;

macro_rules! left_behind {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $file:literal $section:literal, $text:literal;)+) => {
        /// Something that the way out does not take away.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum LeftBehind {
            $($(#[$doc])* $name,)+
        }

        impl LeftBehind {
            /// All of them, in their order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its stable name.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)+
                }
            }

            /// Where the fact pack says so.
            #[must_use]
            pub const fn source(self) -> Citation {
                match self {
                    $(Self::$name => Citation::new($file, $section),)+
                }
            }

            /// It, as a sentence for people.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

left_behind! {
    /// Newer versions.
    InstalledVersions = "installed_versions", "workloads.toml" "switching.switch_back_caveat",
        "versions of Windows and Office that Intune installed stay";
    /// Settings that nobody takes off.
    SettingsOfIntune = "settings_of_intune", "workloads.toml" "device_configuration.on_switch_back",
        "settings of Intune that were not taken off while the workload was there stay on the device";
    /// Scripts that go on.
    ScriptsOfIntune = "scripts_of_intune", "workloads.toml" "client_apps.exception",
        "PowerShell scripts of Intune go on running on Windows 10 1903 and later, as long as the device is enrolled";
    /// A date that is none.
    CheckInShownAs1900 = "check_in_shown_as_1900", "workloads.toml" "compliance_policies.monitoring_trap",
        "Intune can show the last check-in of the Configuration Manager agent as 1900-02-01";
    /// The client.
    Client = "client", "leaving.md" "3",
        "the Configuration Manager client stays, and every workload is with the site";
    /// Apps that a retire does not take.
    AppsOfIntune = "apps_of_intune", "leaving.md" "3",
        "Win32 apps and Microsoft 365 apps of Intune stay; its other apps and profiles go";
    /// The directory.
    DirectoryRecord = "directory_record", "leaving.md" "3",
        "an Entra joined device is unjoined, and its record goes unless it is registered with Autopilot; of hybrid joined ones nothing is said";
    /// Nobody provides it any more \[derived\].
    ResourceAccessUnmanaged = "resource_access_unmanaged", "leaving.md" "3",
        "from site version 2403 on Configuration Manager has no resource access policies: nobody provides VPN, Wi-Fi, e-mail and certificate profiles";
    /// The object in the console.
    CoManagementObject = "co_management_object", "handover.md" "2.2",
        "the co-management object stays in the console: how it is taken away is not documented";
}

impl LeftBehind {
    /// What is left behind by leaving that way, in the order of [`Self::ALL`]. `fixed`: resource access is fixed at Intune.
    pub(super) fn of(scope: &Scope, fixed: bool) -> Vec<Self> {
        use Workload::{
            ClientApps, CompliancePolicies, DeviceConfiguration, EndpointProtection, OfficeClickToRunApps,
            WindowsUpdatePolicies,
        };
        let (of_hierarchy, enrolled) = match scope {
            Scope::Hierarchy => (true, None),
            Scope::Devices(_) => (false, None),
            Scope::Workload(workload) => (false, Some(*workload)),
        };
        let leaves = enrolled.is_none();
        let stays = |left: &&Self| match left {
            Self::InstalledVersions => {
                leaves || matches!(enrolled, Some(WindowsUpdatePolicies | OfficeClickToRunApps))
            }
            // A retire takes profiles off.
            Self::SettingsOfIntune => matches!(enrolled, Some(DeviceConfiguration | EndpointProtection)),
            Self::ScriptsOfIntune => enrolled == Some(ClientApps),
            Self::CheckInShownAs1900 => enrolled == Some(CompliancePolicies),
            Self::Client | Self::AppsOfIntune | Self::DirectoryRecord => leaves,
            Self::ResourceAccessUnmanaged => leaves && fixed,
            Self::CoManagementObject => of_hierarchy,
        };
        Self::ALL.iter().filter(stays).copied().collect()
    }
}
