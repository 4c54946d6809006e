//! The rules in CEL.

/// The rules of path 1, by the catalogue's conditions. A fact that nobody said is absent.
pub(super) const RULES: [(&str, &str); 16] = [
    (
        "lic.autopilot_reset_needs_intune",
        "has(device.autopilot_registered) && !device.autopilot_registered ? 'not_applicable' : 'unknown'",
    ),
    (
        "cm.auto_enroll_in_scope",
        "!has(site.auto_enroll_mode) ? 'unknown'
         : site.auto_enroll_mode == 'all' ? 'satisfied'
         : site.auto_enroll_mode == 'none' ? 'unsatisfied'
         : !has(site.auto_enroll_collection) ? 'unknown'
         : site.auto_enroll_collection in device.collections ? 'satisfied'
         : site.auto_enroll_collection in site.complete_collections ? 'unsatisfied' : 'unknown'",
    ),
    (
        "cm.client_installed",
        "!has(device.client_installed) ? 'unknown' : device.client_installed ? 'satisfied' : 'unsatisfied'",
    ),
    (
        "cm.client_healthy",
        "!has(device.client_health_sync) ? 'unknown'
         : now - device.client_health_sync
             <= (!has(device.client_health_flags) || device.client_health_flags == 7 ? 2592000 : 172800)
           ? (has(device.client_health_flags) ? 'satisfied' : 'unknown') : 'unsatisfied'",
    ),
    (
        "cm.policy_applies_to_os",
        "has(device.os_kind) && device.os_kind != 'client' ? 'unsatisfied'
         : has(device.os_major) && device.os_major < 10 ? 'unsatisfied'
         : has(device.os_kind) && has(device.os_major) ? 'satisfied' : 'unknown'",
    ),
    (
        "cm.update_client_setting_off",
        "device.effective_authority.windows_update_policies in ['configuration_manager', 'third_party_mdm', 'none']
           ? 'not_applicable'
         : device.effective_authority.windows_update_policies != 'intune'
           || !has(site.client_setting_software_updates) ? 'unknown'
         : site.client_setting_software_updates ? 'unsatisfied' : 'satisfied'",
    ),
    (
        "entra.joined",
        "!has(device.join_type) ? 'unknown'
         : device.join_type in ['azureADJoined', 'hybridAzureADJoined'] ? 'satisfied' : 'unsatisfied'",
    ),
    (
        "entra.not_registered_only",
        "!has(device.join_type) ? 'unknown' : device.join_type == 'azureADRegistered' ? 'unsatisfied' : 'satisfied'",
    ),
    (
        "entra.hybrid_for_domain_joined",
        "has(device.ad_joined) && !device.ad_joined ? 'not_applicable'
         : has(device.join_type) && device.join_type == 'hybridAzureADJoined' ? 'satisfied'
         : has(device.ad_joined) && has(device.join_type) ? 'unsatisfied' : 'unknown'",
    ),
    (
        "win.serviced_version",
        "has(device.os_kind) && device.os_kind != 'client' ? 'unknown'
         : !has(device.os_major) ? 'unknown'
         : device.os_major < 10 ? 'unsatisfied'
         : !has(device.os_build) || !(device.os_build in tables.releases) ? 'unknown'
         : has(device.os_edition) && device.os_edition in tables.editions
           ? (!(tables.editions[device.os_edition] in tables.releases[device.os_build].ends) ? 'unknown'
              : now < tables.releases[device.os_build].ends[tables.editions[device.os_edition]]
                ? 'satisfied' : 'unsatisfied')
         : !has(tables.releases[device.os_build].last) ? 'unknown'
         : now >= tables.releases[device.os_build].last ? 'unsatisfied'
         : now < tables.releases[device.os_build].first ? 'satisfied' : 'unknown'",
    ),
    (
        "win.minimum_1709",
        "has(device.os_kind) && device.os_kind == 'other' ? 'unknown'
         : has(device.os_major) && device.os_major < 10 ? 'unsatisfied'
         : !has(device.os_build) ? 'unknown' : device.os_build >= 16299 ? 'satisfied' : 'unsatisfied'",
    ),
    (
        "win.device_token_1803",
        "has(device.os_kind) && device.os_kind == 'other' ? 'unknown'
         : has(device.os_major) && device.os_major < 10 ? 'unsatisfied'
         : !has(device.os_build) ? 'unknown' : device.os_build >= 17134 ? 'satisfied' : 'unsatisfied'",
    ),
    (
        "win.site_supports_windows_version",
        "has(device.os_kind) && device.os_kind != 'client' ? 'unknown'
         : !has(site.version) || !has(device.os_build) || device.os_major != 10 ? 'unknown'
         : !(device.os_build in tables.supported) ? 'unknown'
         : !((has(device.os_edition) ? device.os_edition : '') in tables.supported[device.os_build]) ? 'unknown'
         : tables.supported[device.os_build][has(device.os_edition) ? device.os_edition : '']
           ? 'satisfied' : 'unsatisfied'",
    ),
    (
        "win.edition",
        "has(device.os_kind) && device.os_kind == 'other' ? 'unknown'
         : !has(device.os_edition) || !(device.os_edition in tables.manageable) ? 'unknown'
         : tables.manageable[device.os_edition] ? 'satisfied' : 'unsatisfied'",
    ),
    (
        "win.push_service_present",
        "!has(device.dmwappushservice_present) ? 'unknown'
         : device.dmwappushservice_present ? 'satisfied' : 'unsatisfied'",
    ),
    (
        "win.mdm_not_blocked",
        "!has(device.mdm_blocked_by_policy) ? 'unknown'
         : device.mdm_blocked_by_policy ? 'unsatisfied' : 'satisfied'",
    ),
];
