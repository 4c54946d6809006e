//! What decided a rule: each fact that it reads, what was said, and by whom.

use std::fmt::Display;

use jiff::SignedDuration;
use serde::Serialize;

use super::catalogue::Rule;
use super::device_rules;
use crate::authority::effective_authority;
use crate::facts::{DeviceFacts, Fact, value};
use crate::policy::{CoManagementPolicy, Surroundings};
use crate::site::SiteFacts;
use crate::state::mdm_provider;
use crate::tenant::TenantFacts;
use crate::workload::Workload;

/// Who said a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Witness {
    /// The section of that index, [`DeviceFacts::sections`].
    Section(u8),
    /// The tenant's operator.
    Operator,
    /// Whoever told the facts of the site and of its policy: read from the hierarchy or told by its operator, which is not recorded.
    Unrecorded,
    /// Several facts together.
    Derived,
}

/// A fact that a rule reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Its id.
    pub fact: &'static str,
    /// What was said and by whom; `None`: nobody said.
    pub said: Option<(String, Witness)>,
    /// How old its source may be; `None`: it does not age by itself.
    pub maximum_age: Option<SignedDuration>,
}

/// What a rule of scope device read, in the catalogue's order.
#[must_use]
pub fn device_evidence(
    rule: &'static Rule,
    facts: &DeviceFacts,
    surroundings: &Surroundings<'_>,
) -> Vec<Evidence> {
    let said = |fact: &str| {
        of_device(fact, facts, surroundings).or_else(|| {
            of_surroundings(fact, rule, surroundings.tenant, surroundings.site, surroundings.policy)
        })
    };
    let age = |fact: &str| maximum_age(rule, fact, facts);
    evidence(rule, said, age)
}

/// What a rule of scope tenant or site read, in the catalogue's order.
#[must_use]
pub fn surroundings_evidence(
    rule: &'static Rule,
    tenant: &TenantFacts,
    site: Option<&SiteFacts>,
    policy: Option<&CoManagementPolicy>,
) -> Vec<Evidence> {
    evidence(rule, |fact| of_surroundings(fact, rule, tenant, site, policy), |_| None)
}

fn evidence(
    rule: &'static Rule,
    said: impl Fn(&str) -> Option<(String, Witness)>,
    maximum_age: impl Fn(&str) -> Option<SignedDuration>,
) -> Vec<Evidence> {
    let of = |fact: &'static str| Evidence { fact, said: said(fact), maximum_age: maximum_age(fact) };
    let mut evidence: Vec<Evidence> = rule.facts.iter().copied().map(of).collect();
    // A word that helps to decide a rule of data.
    if !rule.facts.contains(&ATTESTATION) {
        evidence.extend(said(ATTESTATION).map(|said| Evidence {
            fact: ATTESTATION,
            said: Some(said),
            maximum_age: None,
        }));
    }
    evidence
}

const ATTESTATION: &str = "attestation";

/// The ages that the catalogue's conditions name.
fn maximum_age(rule: &Rule, fact: &str, facts: &DeviceFacts) -> Option<SignedDuration> {
    match (rule.id, fact) {
        ("cm.client_healthy", "device.client_health_sync") => Some(device_rules::fresh_for(facts)),
        ("autopatch.device_facts", "device.last_intune_sync") => Some(device_rules::CHECKED_IN_WITHIN),
        _ => None,
    }
}

/// A word of an enumeration, as files write it.
fn written<T: Serialize>(word: Option<T>) -> Option<String> {
    let written = toml::Value::try_from(word?).ok()?;
    written.as_str().map(str::to_owned)
}

fn of_device(fact: &str, facts: &DeviceFacts, surroundings: &Surroundings<'_>) -> Option<(String, Witness)> {
    fn text<T: Display>(fact: &Option<Fact<T>>) -> Option<(String, Witness)> {
        fact.as_ref().map(|fact| (fact.value.to_string(), Witness::Section(fact.section)))
    }
    fn word<T: Serialize + Copy>(fact: &Option<Fact<T>>) -> Option<(String, Witness)> {
        fact.and_then(|fact| Some((written(Some(fact.value))?, Witness::Section(fact.section))))
    }
    let derived = |text: String| Some((text, Witness::Derived));
    match fact {
        "device.join_type" => word(&facts.join_type),
        "device.os_build" => text(&facts.os_version),
        "device.os_kind" => word(&facts.os_kind),
        "device.os_edition" => text(&facts.os_edition),
        "device.client_installed" => text(&facts.client_installed),
        "device.client_version" => text(&facts.client_version),
        "device.client_health_flags" => text(&facts.client_health_flags),
        "device.client_health_sync" => text(&facts.client_health_sync),
        "device.mdm_enrolled" => text(&facts.mdm_enrolled),
        "device.mdm_provider" => written(mdm_provider(facts, surroundings.tenant)).and_then(derived),
        "device.owner" => word(&facts.owner),
        "device.ad_joined" => text(&facts.ad_joined),
        "device.autopilot_registered" => text(&facts.autopilot_registered),
        "device.autopilot_profile_mode" => text(&facts.autopilot_profile_mode),
        "device.autopilot_profile_join" => text(&facts.autopilot_profile_join),
        "device.assigned_comgmt_settings_policy" => text(&facts.assigned_comgmt_settings_policy),
        "device.assigned_esp_profile_with_progress" => text(&facts.assigned_esp_profile_with_progress),
        "device.trusts_cmg_certificate" => text(&facts.trusts_cmg_certificate),
        "device.last_intune_sync" => text(&facts.last_intune_sync),
        "device.dmwappushservice_present" => text(&facts.dmwappushservice_present),
        "device.mdm_blocked_by_policy" => text(&facts.mdm_blocked_by_policy),
        "device.serial_model_manufacturer_present" => {
            let parts = [&facts.serial_number, &facts.model, &facts.manufacturer].map(value);
            let [Some(serial), Some(model), Some(manufacturer)] = parts else { return None };
            derived(format!("serial number {serial:?}, model {model:?}, manufacturer {manufacturer:?}"))
        }
        "device.effective_authority" => {
            let authority = effective_authority(facts, surroundings);
            let decided = Workload::ALL.map(|of| format!("{of} at {}", authority.workloads[of].authority));
            derived(decided.join(", "))
        }
        "device.collections" if !facts.collections.is_empty() => {
            derived(format!("{} collections", facts.collections.len()))
        }
        _ => None,
    }
}

fn of_surroundings(
    fact: &str,
    rule: &Rule,
    tenant: &TenantFacts,
    site: Option<&SiteFacts>,
    policy: Option<&CoManagementPolicy>,
) -> Option<(String, Witness)> {
    if fact == ATTESTATION {
        let word = tenant.attestations.get(rule.id)?;
        let said = if word.attested { "attested" } else { "denied" };
        let until = word.expires.map_or_else(String::new, |expires| format!(", counts until {expires}"));
        return Some((format!("{said} by {} at {}{until}", word.by, word.at), Witness::Operator));
    }
    let yes = |flag: Option<bool>| flag.map(|flag| flag.to_string());
    let of_site = |read: fn(&SiteFacts) -> Option<bool>| yes(site.and_then(read));
    let text = match fact {
        "tenant.entra_plan" => written(tenant.entra_plan),
        "tenant.intune_license_count" => tenant.intune_license_count.map(|count| count.to_string()),
        "tenant.unlicensed_admin_access" => yes(tenant.unlicensed_admin_access),
        "tenant.mdm_authority" => written(tenant.mdm_authority),
        "tenant.intune_subscription_state" => written(tenant.intune_subscription_state),
        "tenant.mdm_user_scope" => written(tenant.mdm_user_scope),
        "tenant.wip_user_scope" => written(tenant.wip_user_scope),
        "tenant.mdm_urls_default" => yes(tenant.mdm_urls_default),
        "tenant.default_enrollment_restriction_allows_windows" => {
            yes(tenant.default_enrollment_restriction_allows_windows)
        }
        "tenant.cloud" => written(tenant.cloud),
        "tenant.hybrid_identity_method" => written(tenant.hybrid_identity_method),
        "tenant.azure_subscription" => yes(tenant.azure_subscription),
        "tenant.entra_connect_version" => tenant.entra_connect_version.clone(),
        "site.version" => site.and_then(|site| site.version.clone()),
        "site.ccmsetup_command_line" => site.and_then(|site| site.ccmsetup_command_line.clone()),
        "site.client_auth" => written(site.and_then(|site| site.client_auth)),
        "site.entra_onboarded" => of_site(|site| site.entra_onboarded),
        "site.cmg_present" => of_site(|site| site.cmg_present),
        "site.enhanced_http_or_https" => of_site(|site| site.enhanced_http_or_https),
        "site.mp_accepts_cmg" => of_site(|site| site.mp_accepts_cmg),
        "site.client_setting_register_entra" => of_site(|site| site.client_setting_register_entra),
        "site.client_setting_software_updates" => of_site(|site| site.client_setting_software_updates),
        "workload.authority" => policy.map(|policy| {
            Workload::ALL.map(|of| format!("{of} at {}", policy.workloads[of].slider.id())).join(", ")
        }),
        "site.co_management_enabled" => yes(policy.and_then(|policy| policy.enabled)),
        "site.auto_enroll_mode" => {
            policy.and_then(|policy| policy.auto_enrollment).map(|mode| mode.id().to_owned())
        }
        "site.auto_enroll_collection" => {
            policy.and_then(|policy| policy.auto_enrollment_collection.as_ref()).map(ToString::to_string)
        }
        _ => None,
    };
    let witness = if fact.starts_with("tenant.") { Witness::Operator } else { Witness::Unrecorded };
    Some((text?, witness))
}
