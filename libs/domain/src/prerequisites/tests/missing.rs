//! A rule whose facts nobody said is unknown and names them: every rule of tenant, site and device, by hand.

use super::cases::{ATTESTED, World, as_of, attestation, device_after, good_tenant, said, unknown};
use crate::prerequisites::{
    ActionCheck, ActionRule, Actor, DeviceRule, Outcome, SiteCheck, SiteRule, TenantCheck, TenantRule,
    catalogue, rule,
};
use crate::site::{ClientAuth, SiteFacts};
use crate::tenant::TenantFacts;

const TENANT: [(&str, &[&str]); 11] = [
    ("lic.entra_premium", &["tenant.entra_plan"]),
    ("lic.configmgr_rights", &["attestation"]),
    ("entra.hybrid_identity_method", &["tenant.hybrid_identity_method"]),
    ("entra.connect_version", &["tenant.entra_connect_version"]),
    ("entra.azure_subscription", &["tenant.azure_subscription"]),
    ("intune.set_up", &["tenant.intune_subscription_state"]),
    ("intune.mdm_authority", &["tenant.mdm_authority"]),
    ("intune.automatic_enrollment_path2", &["tenant.mdm_user_scope", "tenant.mdm_urls_default"]),
    ("intune.automatic_enrollment_path1", &["tenant.mdm_user_scope", "tenant.mdm_urls_default"]),
    ("intune.scopes_do_not_overlap", &["tenant.mdm_user_scope", "tenant.wip_user_scope"]),
    ("intune.default_enrollment_restriction", &["tenant.default_enrollment_restriction_allows_windows"]),
];

const SITE: [(&str, &[&str]); 14] = [
    ("cm.supported_version", &["site.version"]),
    ("cm.co_management_enabled", &["site.co_management_enabled"]),
    ("cm.client_setting_register_entra", &["site.client_setting_register_entra"]),
    ("cm.cmg_present", &["site.cmg_present"]),
    ("cm.site_onboarded_entra", &["site.entra_onboarded"]),
    ("cm.enhanced_http_or_https", &["site.enhanced_http_or_https"]),
    ("cm.mp_accepts_cmg", &["site.mp_accepts_cmg"]),
    ("cm.crl_reachable", &["site.client_auth", "site.ccmsetup_command_line"]),
    ("cm.entra_user_discovery", &["attestation"]),
    ("cm.azure_cloud_limits", &["tenant.cloud"]),
    ("cm.resource_access_policies_removed", &["attestation"]),
    ("autopilot.site_2111", &["site.version"]),
    ("autopilot.no_pilot_intune", &["workload.authority"]),
    ("autopilot.no_pki_client_auth", &["site.client_auth"]),
];

const DEVICE: [(&str, &[&str]); 27] = [
    ("lic.autopilot_reset_needs_intune", &["user.intune_license", "device.autopilot_registered"]),
    ("cm.auto_enroll_in_scope", &["site.auto_enroll_mode"]),
    ("cm.client_installed", &["device.client_installed"]),
    ("cm.client_healthy", &["device.client_health_flags", "device.client_health_sync"]),
    ("cm.policy_applies_to_os", &["device.os_kind", "device.os_build"]),
    ("cm.cmg_certificate_trusted", &["device.trusts_cmg_certificate"]),
    ("cm.update_client_setting_off", &["device.effective_authority", "site.client_setting_software_updates"]),
    ("entra.joined", &["device.join_type"]),
    ("entra.not_registered_only", &["device.join_type"]),
    ("entra.hybrid_for_domain_joined", &["device.ad_joined", "device.join_type"]),
    ("win.serviced_version", &["device.os_build", "device.os_edition"]),
    ("win.minimum_1709", &["device.os_build"]),
    ("win.device_token_1803", &["device.os_build"]),
    ("win.site_supports_windows_version", &["site.version", "device.os_build"]),
    ("win.edition", &["device.os_edition"]),
    ("win.push_service_present", &["device.dmwappushservice_present"]),
    ("win.mdm_not_blocked", &["device.mdm_blocked_by_policy"]),
    ("autopilot.windows_version", &["device.os_build"]),
    ("autopilot.registered", &["device.autopilot_registered"]),
    ("autopilot.entra_join_user_driven", &["device.autopilot_profile_mode", "device.autopilot_profile_join"]),
    ("autopilot.settings_policy_assigned", &["device.assigned_comgmt_settings_policy"]),
    ("autopilot.esp_with_progress", &["device.assigned_esp_profile_with_progress"]),
    ("autopilot.single_policy_provider", &["attestation"]),
    ("coex.company_owned", &["device.owner"]),
    ("coex.third_party_detected", &["device.mdm_provider"]),
    ("autopatch.workloads", &["device.effective_authority"]),
    (
        "autopatch.device_facts",
        &[
            "device.owner",
            "device.serial_model_manufacturer_present",
            "device.last_intune_sync",
            "device.mdm_enrolled",
        ],
    ),
];

#[test]
fn lists_of_this_file_name_every_evaluated_rule() {
    let here: Vec<&str> = TENANT.iter().chain(&SITE).chain(&DEVICE).map(|(id, _)| *id).collect();
    let evaluated = TenantRule::ALL.iter().map(|r| r.id());
    let evaluated = evaluated.chain(SiteRule::ALL.iter().map(|r| r.id()));
    let evaluated: Vec<&str> = evaluated.chain(DeviceRule::ALL.iter().map(|r| r.id())).collect();
    assert_eq!(here, evaluated);
    assert_eq!(here.len() + 15, catalogue().len(), "15 rules are of scope user and action: see `table`");
}

#[test]
fn missing_facts_are_facts_of_the_rule() {
    for (id, missing) in TENANT.iter().chain(&SITE).chain(&DEVICE) {
        let rule = rule(id).unwrap();
        assert_eq!(missing.iter().find(|fact| !rule.facts.contains(fact)), None, "{id}");
    }
}

#[test]
fn tenant_rule_of_a_silent_tenant_is_unknown() {
    let tenant = TenantFacts::default();
    for (id, missing) in TENANT {
        let outcome = TenantCheck::new(&tenant, as_of()).outcome(TenantRule::from_id(id).unwrap());
        assert_eq!(outcome, unknown(missing), "{id}");
    }
}

#[test]
fn site_rule_of_a_silent_site_is_unknown() {
    let (tenant, site) = (TenantFacts::default(), SiteFacts::unknown("PS1".parse().unwrap()));
    for (id, missing) in SITE {
        let outcome = SiteCheck::new(&site, None, &tenant, as_of()).outcome(SiteRule::from_id(id).unwrap());
        assert_eq!(outcome, unknown(missing), "{id}");
    }
}

#[test]
fn device_rule_of_a_silent_device_is_unknown() {
    let world = World::silent();
    for (id, missing) in DEVICE {
        assert_eq!(world.device_outcome(id), unknown(missing), "{id}");
    }
}

#[test]
fn rule_whose_precondition_holds_is_unknown_without_its_other_facts() {
    assert_eq!(
        device_after("lic.autopilot_reset_needs_intune", |w| w.device.autopilot_registered = said(true)),
        unknown(&["user.intune_license"])
    );
    assert_eq!(
        device_after("cm.update_client_setting_off", |w| w.site = None),
        unknown(&["site.client_setting_software_updates"])
    );
    assert_eq!(
        device_after("entra.hybrid_for_domain_joined", |w| w.device.join_type = None),
        unknown(&["device.join_type"])
    );
    let mut site = SiteFacts::unknown("PS1".parse().unwrap());
    site.client_auth = Some(ClientAuth::Pki);
    assert_eq!(
        SiteCheck::new(&site, None, &TenantFacts::default(), as_of()).outcome(SiteRule::CrlReachable),
        unknown(&["site.ccmsetup_command_line"])
    );
}

#[test]
fn device_rule_without_one_fact_of_two_names_that_one() {
    assert_eq!(
        device_after("cm.policy_applies_to_os", |w| w.device.os_kind = None),
        unknown(&["device.os_kind"])
    );
    assert_eq!(
        device_after("cm.policy_applies_to_os", |w| w.device.os_version = None),
        unknown(&["device.os_build"])
    );
    assert_eq!(
        device_after("cm.client_healthy", |w| w.device.client_health_sync = None),
        unknown(&["device.client_health_sync"])
    );
    assert_eq!(
        device_after("win.site_supports_windows_version", |w| w.site = None),
        unknown(&["site.version"])
    );
    assert_eq!(
        device_after("autopilot.entra_join_user_driven", |w| w.device.autopilot_profile_join = None),
        unknown(&["device.autopilot_profile_join"])
    );
    assert_eq!(
        device_after("autopatch.device_facts", |w| w.device.model = None),
        unknown(&["device.serial_model_manufacturer_present"])
    );
}

#[test]
fn attestation_that_ran_out_is_as_if_nobody_attested() {
    for id in ATTESTED {
        for attested in [true, false] {
            let mut tenant = good_tenant();
            let mut word = attestation(attested);
            word.expires = Some(as_of());
            tenant.attestations.insert(id.to_owned(), word);
            if let Some(outcome) = outcome_of_attested(id, &tenant) {
                assert_eq!(outcome, unknown(&["attestation"]), "{id}");
            }
        }
    }
}

#[test]
fn attested_rule_follows_the_operators_word() {
    for id in ATTESTED {
        let mut tenant = good_tenant();
        let Some(outcome) = outcome_of_attested(id, &tenant) else { continue };
        assert_eq!(outcome, Outcome::Satisfied, "{id}");
        tenant.attestations.insert(id.to_owned(), attestation(false));
        assert_eq!(
            outcome_of_attested(id, &tenant),
            Some(Outcome::Unsatisfied {
                expected: rule(id).unwrap().condition.into(),
                found: "denied by erin@example.com at 2026-10-01T09:00:00Z".into(),
            }),
            "{id}"
        );
    }
}

/// `None` for a rule that is of no scope.
fn outcome_of_attested(id: &str, tenant: &TenantFacts) -> Option<Outcome> {
    if let Some(rule) = TenantRule::from_id(id) {
        return Some(TenantCheck::new(tenant, as_of()).outcome(rule));
    }
    if let Some(rule) = SiteRule::from_id(id) {
        let site = SiteFacts::unknown("PS1".parse().unwrap());
        return Some(SiteCheck::new(&site, None, tenant, as_of()).outcome(rule));
    }
    if let Some(rule) = ActionRule::from_id(id) {
        return Some(ActionCheck::new(&Actor::default(), tenant, None, as_of()).outcome(rule));
    }
    DeviceRule::from_id(id)?;
    Some(World { tenant: tenant.clone(), ..World::silent() }.device_outcome(id))
}
