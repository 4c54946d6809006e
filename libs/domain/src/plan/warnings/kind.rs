//! The words of the warnings, each with its line of the fact pack.

use crate::citation::Citation;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $file:literal $section:literal, $text:literal;)+) => {
        /// What a plan is warned of, in the order of warnings.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum WarningKind {
            $($(#[$doc])* $name,)+
        }

        impl WarningKind {
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

            /// The warning as a sentence for people; names of workloads follow it.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

kinds! {
    /// Co-management shall no longer be set up.
    TurningOffNotDocumented = "turning_off_not_documented", "handover.md" "2.2",
        "the policy wants co-management not to be set up: how to take a policy away is not documented";
    /// What goes back cannot be known.
    BasePolicyUnknown = "base_policy_unknown", "handover.md" "6",
        "nobody said where these sliders stand now: devices that Intune has may go back unnoticed";
    /// The slider of resource access may be gone.
    ResourceAccessMayBeFixed = "resource_access_may_be_fixed",
        "workloads.toml" "resource_access_policies.forced_to_intune_since_site_version",
        "from site version 2403 on the slider is fixed at Intune, and the position cannot be held";
    /// What is left at Configuration Manager stops the update of the site.
    ResourceAccessBlocksUpgrade = "resource_access_blocks_upgrade",
        "workloads.toml" "resource_access_policies.upgrade_trap",
        "a site is not updated to 2403 while resource access policies of Configuration Manager exist, wherever the slider stands";
    /// It goes back to where it has no future.
    ResourceAccessDeprecated = "resource_access_deprecated",
        "workloads.toml" "resource_access_policies.deprecated_since_site_version",
        "deprecated at Configuration Manager since site version 2203, and fixed at Intune from 2403 on: there is no way back then";
    /// Target policy not confirmed as deployed, at Intune.
    IntunePolicyNotConfirmed = "intune_policy_not_confirmed", "workloads.toml" "switching.before_switch",
        "target policy not confirmed as deployed: without the matching policies of Intune nobody manages these workloads after the move";
    /// Target policy not confirmed as deployed, at Configuration Manager \[derived: the same the other way round\].
    ConfigurationManagerPolicyNotConfirmed = "configuration_manager_policy_not_confirmed",
        "workloads.toml" "switching.before_switch",
        "target policy not confirmed as deployed: without the matching policies of Configuration Manager nobody manages these workloads after they go back";
    /// Others move before compliance.
    ComplianceFirst = "compliance_first", "workloads.toml" "recommended_order.first",
        "the recommended order begins with compliance_policies, which these workloads overtake";
    /// Another manager says who is compliant.
    SiteStopsReportingCompliance = "site_stops_reporting_compliance",
        "workloads.toml" "compliance_policies.on_switch_to_intune",
        "Configuration Manager stops reporting compliance for Conditional Access; its baselines count only where a compliance policy of Intune requires their result";
    /// Two managers of updates.
    SoftwareUpdateSettingStays = "software_update_setting_stays",
        "workloads.toml" "windows_update_policies.on_switch_to_intune",
        "the slider does not change the client setting for software updates: turn it off for the devices that move";
    /// Updates come late.
    OfficeUpdatesTakeADay = "office_updates_take_a_day",
        "workloads.toml" "office_click_to_run_apps.on_switch_to_intune",
        "updates of Office may need about 24 hours to appear unless the device restarts";
    /// Deployments end silently.
    SiteSkipsOfficeDeployments = "site_skips_office_deployments",
        "workloads.toml" "office_click_to_run_apps.on_switch_to_intune",
        "a built-in global condition, named otherwise until 2107 than from 2111 on, makes Configuration Manager skip its deployments of Microsoft 365 Apps";
    /// Two deliverers of apps.
    ClientAppsNotExclusive = "client_apps_not_exclusive", "workloads.toml" "client_apps.on_switch_to_intune",
        "Configuration Manager can still deploy applications: what both deliver is not an exclusive hand-over";
    /// Baselines end silently.
    BaselinesNeedMark = "baselines_need_mark", "workloads.toml" "device_configuration.on_switch_to_intune",
        "a baseline of Configuration Manager keeps applying only if it is marked 'always apply, even for co-managed clients'";
    /// Old settings in the meantime.
    EndpointPoliciesStayUntilOverwritten = "endpoint_policies_stay_until_overwritten",
        "workloads.toml" "endpoint_protection.on_switch_to_intune",
        "policies of Configuration Manager stay on the device until those of Intune overwrite them at the next check-in";
    /// Some settings follow another slider.
    AntivirusInDeviceRestrictions = "antivirus_in_device_restrictions",
        "workloads.toml" "endpoint_protection.on_switch_to_intune",
        "antivirus settings in a device restrictions profile of Intune are outside this slider; antivirus policies of Endpoint security are inside it";
    /// Sliders that say less than what happens.
    CarriedAlong = "carried_along", "workloads.toml" "device_configuration.on_switch_to_intune",
        "device_configuration carries these along on every device that it moves, wherever their own sliders stand";
    /// Two writers.
    InformationProtectionFromBoth = "information_protection_from_both",
        "workloads.toml" "endpoint_protection.on_switch_to_intune",
        "Windows Information Protection applies from both services until device configuration is moved too";
    /// Endpoint settings that do not come along.
    SettingsCatalogFollowsDeviceConfiguration = "settings_catalog_follows_device_configuration",
        "workloads.toml" "device_configuration.what_it_governs",
        "settings catalog policies follow device configuration whatever they contain, endpoint protection included";
    /// What sticks.
    RemovalNeedsDeviceConfiguration = "removal_needs_device_configuration",
        "workloads.toml" "policy_removal_needs_full_intune.extra",
        "Intune takes endpoint protection settings off a device only with both workloads fully at Intune";
    /// What a pilot does not do.
    PilotDoesNotRemove = "pilot_does_not_remove", "workloads.toml" "pilot_limitations.policy_removal",
        "at Pilot Intune, policies of Intune are applied and not removed when they are unassigned; removal needs the slider at Intune";
    /// New devices are in no pilot yet.
    AutopilotKnowsNoPilot = "autopilot_knows_no_pilot",
        "workloads.toml" "pilot_limitations.autopilot_into_comanagement",
        "Pilot Intune is not supported during Autopilot into co-management: membership is evaluated only after the client has registered";
    /// Members that are not enrolled by themselves.
    PilotsInAutoEnrollment = "pilots_in_auto_enrollment",
        "workloads.toml" "switching.auto_enrollment_collection",
        "the Intune Auto Enrollment collection should contain every pilot collection";
    /// Devices that do not follow.
    OverrideHoldsDevices = "override_holds_devices", "states.md" "8",
        "a device with the override of an Autopilot settings policy stays with Intune in every workload, whatever the sliders say";
    /// Newer versions remain.
    InstalledStays = "installed_stays", "workloads.toml" "switching.switch_back_caveat",
        "versions of Windows and Office that Intune installed stay";
    /// Settings remain.
    SettingsLeftBehind = "settings_left_behind", "workloads.toml" "device_configuration.on_switch_back",
        "settings of Intune stay on the device: once the workload is back, Intune takes none off when a policy is unassigned";
    /// Nobody updates \[derived: the setting was to be turned off for the move, and does not follow back\].
    SoftwareUpdateSettingOff = "software_update_setting_off",
        "workloads.toml" "windows_update_policies.on_switch_to_intune",
        "the slider does not change the client setting for software updates: turn it on again for the devices that go back";
    /// Scripts do not end.
    IntuneScriptsRunAnyway = "intune_scripts_run_anyway", "workloads.toml" "client_apps.exception",
        "PowerShell scripts of Intune go on running on Windows 10 1903 and later";
    /// Access is decided otherwise.
    ComplianceStopsDrivingAccess = "compliance_stops_driving_access",
        "workloads.toml" "compliance_policies.on_switch_back",
        "compliance results of Intune stop driving access decisions for these devices";
    /// A date that is none.
    CheckInShownAs1900 = "check_in_shown_as_1900", "workloads.toml" "compliance_policies.monitoring_trap",
        "Intune can show the last check-in of the Configuration Manager agent as 1900-02-01";
    /// Access decisions lack their input.
    ConditionalAccessNeedsCompliance = "conditional_access_needs_compliance",
        "workloads.toml" "conditional_access_needs_compliance.requires_intune",
        "Conditional Access needs compliance at Intune, or at Pilot Intune for the members";
    /// Devices that Autopatch cannot have.
    AutopatchNeedsThree = "autopatch_needs_three", "workloads.toml" "autopatch_needs_three.requires_intune",
        "Windows Autopatch needs its three workloads at Intune, or at Pilot Intune for the members; these are not fully there";
    /// Apps that do not arrive.
    StoreAppsNeedClientApps = "store_apps_need_client_apps",
        "workloads.toml" "store_apps_need_client_apps.requires_intune",
        "new Microsoft Store apps need client apps at Intune, or at Pilot Intune for the members";
    /// The site comes first.
    PilotIsEvaluatedFirst = "pilot_is_evaluated_first", "handover.md" "3.3",
        "members follow when the site has evaluated the pilot collection, which a central administration site does later";
    /// Nothing moves at once.
    ClientsPoll = "clients_poll", "states.md" "6",
        "devices follow when they poll their policy, every 60 minutes by default";
}
