//! Every rule of the catalogue, case by case: `cases.csv`.
//!
//! A case is the good world with some facts told otherwise, by the catalogue's ids and words; `fact=` is a fact that nobody said. The
//! outcome is what the catalogue's condition says, not what the program says. Each names the place in the fact pack that decides it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::cases::{World, as_of, attestation, collection, os, said, word};
use crate::facts::{JoinType, MdmProvider, OsKind, Owner};
use crate::policy::{AutoEnrollment, WorkloadSetting};
use crate::prerequisites::{
    ActionCheck, ActionRule, Actor, DeviceRule, HeldRole, Outcome, Path, PerUserMfa, SiteCheck, SiteRule,
    TenantCheck, TenantRule, UserCheck, UserFacts, UserRule, catalogue, rule,
};
use crate::workload::{PerWorkload, SliderPosition, Workload};

#[derive(Debug, Deserialize)]
struct Case {
    rule: String,
    outcome: String,
    world: String,
    source: String,
}

fn cases() -> Vec<Case> {
    let mut reader = csv::Reader::from_reader(include_str!("cases.csv").as_bytes());
    reader.deserialize().collect::<Result<_, _>>().unwrap()
}

/// The good world, and a good person in it.
struct Told {
    world: World,
    user: UserFacts,
    actor: Actor,
}

impl Told {
    fn good() -> Self {
        let user = UserFacts {
            administrator: true,
            intune_license: Some(true),
            per_user_mfa: Some(PerUserMfa::Disabled),
            ca_mfa_covers_intune: Some(false),
            basic_mobility_devices: Some(false),
        };
        Self { world: World::good(), user, actor: Actor { entra_user: Some(true), roles: Some(Vec::new()) } }
    }

    fn with(case: &Case) -> Self {
        let mut told = Self::good();
        for part in case.world.split(';') {
            let (fact, value) = part.split_once('=').unwrap();
            if !told.tell_of_surroundings(&case.rule, fact, value) && !told.tell_of_person(fact, value) {
                told.tell_of_device(fact, value);
            }
        }
        told
    }

    fn tell_of_surroundings(&mut self, rule: &str, fact: &str, value: &str) -> bool {
        let World { tenant, site, policy, .. } = &mut self.world;
        let (site, settings) = (site.as_mut().unwrap(), policy.as_mut().unwrap());
        let text = (!value.is_empty()).then(|| value.to_owned());
        match fact {
            "tenant.entra_plan" => tenant.entra_plan = read(value),
            "tenant.intune_license_count" => {
                tenant.intune_license_count = text.map(|text| text.parse().unwrap())
            }
            "tenant.intune_subscription_state" => tenant.intune_subscription_state = read(value),
            "tenant.mdm_authority" => tenant.mdm_authority = read(value),
            "tenant.mdm_user_scope" => tenant.mdm_user_scope = read(value),
            "tenant.wip_user_scope" => tenant.wip_user_scope = read(value),
            "tenant.mdm_urls_default" => tenant.mdm_urls_default = flag(value),
            "tenant.default_enrollment_restriction_allows_windows" => {
                tenant.default_enrollment_restriction_allows_windows = flag(value);
            }
            "tenant.cloud" => tenant.cloud = read(value),
            "tenant.azure_subscription" => tenant.azure_subscription = flag(value),
            "tenant.hybrid_identity_method" => tenant.hybrid_identity_method = read(value),
            "tenant.entra_connect_version" => tenant.entra_connect_version = text,
            "attestation" => {
                tenant.attestations.remove(rule);
                let word = flag(value).map(|attested| (rule.to_owned(), attestation(attested)));
                tenant.attestations.extend(word);
            }
            "site.version" => site.version = text,
            "site.co_management_enabled" => settings.enabled = flag(value),
            "site.auto_enroll_mode" => settings.auto_enrollment = auto_enrollment(value),
            "site.auto_enroll_collection" => settings.auto_enrollment_collection = Some(collection(value)),
            "site.client_setting_register_entra" => site.client_setting_register_entra = flag(value),
            "site.client_setting_software_updates" => site.client_setting_software_updates = flag(value),
            "site.cmg_present" => site.cmg_present = flag(value),
            "site.entra_onboarded" => site.entra_onboarded = flag(value),
            "site.enhanced_http_or_https" => site.enhanced_http_or_https = flag(value),
            "site.mp_accepts_cmg" => site.mp_accepts_cmg = flag(value),
            "site.client_auth" => site.client_auth = read(value),
            "site.ccmsetup_command_line" => site.ccmsetup_command_line = text.map(|text| line(&text)),
            "workload.authority" => match slider(value) {
                None => *policy = None,
                Some(slider) => {
                    let pilot_collection =
                        (slider == SliderPosition::PilotIntune).then(|| collection("PS10003F"));
                    settings.workloads = PerWorkload::from_fn(|_: Workload| WorkloadSetting {
                        slider,
                        pilot_collection: pilot_collection.clone(),
                    });
                }
            },
            _ => return false,
        }
        true
    }

    fn tell_of_person(&mut self, fact: &str, value: &str) -> bool {
        match fact {
            "user.administrator" => self.user.administrator = flag(value).unwrap(),
            "user.intune_license" => self.user.intune_license = flag(value),
            "user.ca_mfa_covers_intune" => self.user.ca_mfa_covers_intune = flag(value),
            "user.basic_mobility_devices" => self.user.basic_mobility_devices = flag(value),
            "user.per_user_mfa" => {
                self.user.per_user_mfa = PerUserMfa::ALL.into_iter().find(|mfa| mfa.id() == value);
                assert!(value.is_empty() || self.user.per_user_mfa.is_some(), "{value}");
            }
            "actor.entra_user" => self.actor.entra_user = flag(value),
            "actor.roles" => self.actor.roles = (!value.is_empty()).then(|| roles(value)),
            _ => return false,
        }
        true
    }

    fn tell_of_device(&mut self, fact: &str, value: &str) {
        let World { tenant, device, .. } = &mut self.world;
        let truth = || flag(value).and_then(said);
        let text = || (!value.is_empty()).then_some(value).and_then(word);
        match fact {
            "device.join_type" => device.join_type = read::<JoinType>(value).and_then(said),
            "device.os_build" => device.os_version = (!value.is_empty()).then_some(value).and_then(os),
            "device.os_kind" => device.os_kind = read::<OsKind>(value).and_then(said),
            "device.os_edition" => device.os_edition = text(),
            "device.client_installed" => device.client_installed = truth(),
            "device.client_health_flags" => device.client_health_flags = said(value.parse().unwrap()),
            "device.client_health_sync" => device.client_health_sync = value.parse().ok().and_then(said),
            "device.owner" => device.owner = read::<Owner>(value).and_then(said),
            "device.collections" => device.collections = vec![collection(value)],
            "device.ad_joined" => device.ad_joined = truth(),
            "device.pending_logon" => device.pending_logon = truth(),
            "device.autopilot_registered" => device.autopilot_registered = truth(),
            "device.autopilot_profile_mode" => device.autopilot_profile_mode = text(),
            "device.autopilot_profile_join" => device.autopilot_profile_join = text(),
            "device.assigned_comgmt_settings_policy" => device.assigned_comgmt_settings_policy = truth(),
            "device.assigned_esp_profile_with_progress" => {
                device.assigned_esp_profile_with_progress = truth();
            }
            "device.trusts_cmg_certificate" => device.trusts_cmg_certificate = truth(),
            "device.dmwappushservice_present" => device.dmwappushservice_present = truth(),
            "device.mdm_blocked_by_policy" => device.mdm_blocked_by_policy = truth(),
            "device.last_intune_sync" => device.last_intune_sync = said(value.parse().unwrap()),
            "device.serial_model_manufacturer_present" => device.serial_number = word(""),
            "device.mdm_provider" => {
                device.intune_mdm_record = None;
                device.authority_text = word("the site's text");
                let provider: Option<MdmProvider> = read(value);
                tenant.authority_texts =
                    provider.map(|provider| ("the site's text".to_owned(), provider)).into_iter().collect();
            }
            other => panic!("no case tells {other} yet"),
        }
    }

    /// As the catalogue's scope asks. Coexistence is judged on its path: there a device of another MDM is what it speaks of.
    fn outcome(&self, id: &str) -> Outcome {
        let Self { world, user, actor } = self;
        let (tenant, site, policy) = (&world.tenant, world.site.as_ref(), world.policy.as_ref());
        if let Some(rule) = TenantRule::from_id(id) {
            return TenantCheck::new(tenant, as_of()).outcome(rule);
        }
        if let Some(rule) = SiteRule::from_id(id) {
            return SiteCheck::new(site.unwrap(), policy, tenant, as_of()).outcome(rule);
        }
        if let Some(rule) = UserRule::from_id(id) {
            return UserCheck::new(user, tenant, Some(&world.device)).outcome(rule);
        }
        if let Some(rule) = ActionRule::from_id(id) {
            return ActionCheck::new(actor, tenant, site, as_of()).outcome(rule);
        }
        if id.starts_with("coex.") {
            return world.device_report(Path::Coexistence, as_of()).outcome(id).unwrap().clone();
        }
        assert!(DeviceRule::from_id(id).is_some(), "{id}");
        world.device_outcome(id)
    }
}

/// A word of an enumeration, as files write it; empty: nobody said.
fn read<T: serde::de::DeserializeOwned>(value: &str) -> Option<T> {
    let word = serde_json::Value::String(value.to_owned());
    (!value.is_empty()).then(|| serde_json::from_value(word).unwrap())
}

fn flag(value: &str) -> Option<bool> {
    (!value.is_empty()).then(|| value.parse().unwrap())
}

fn auto_enrollment(value: &str) -> Option<AutoEnrollment> {
    match value {
        "" => None,
        "none" => Some(AutoEnrollment::None),
        "pilot" => Some(AutoEnrollment::Pilot),
        "all" => Some(AutoEnrollment::All),
        other => panic!("{other}"),
    }
}

fn slider(value: &str) -> Option<SliderPosition> {
    match value {
        "" => None,
        "configuration_manager" => Some(SliderPosition::ConfigurationManager),
        "pilot_intune" => Some(SliderPosition::PilotIntune),
        "intune" => Some(SliderPosition::Intune),
        other => panic!("{other}"),
    }
}

/// `1024 characters` stands for a line of that length.
fn line(value: &str) -> String {
    match value.strip_suffix(" characters") {
        Some(count) => "x".repeat(count.parse().unwrap()),
        None => value.to_owned(),
    }
}

/// Roles with spaces between them; after a role `all` or `custom` says its security scope.
fn roles(value: &str) -> Vec<HeldRole> {
    let mut roles: Vec<HeldRole> = Vec::new();
    for word in value.split(' ') {
        match word {
            "all" => roles.last_mut().unwrap().all_scopes = Some(true),
            "custom" => roles.last_mut().unwrap().all_scopes = Some(false),
            role => roles.push(HeldRole { role: role.parse().unwrap(), all_scopes: None }),
        }
    }
    roles
}

#[test]
fn rule_has_the_outcome_that_the_fact_pack_gives_it() {
    for case in cases() {
        let outcome = Told::with(&case).outcome(&case.rule);
        assert_eq!(outcome.id(), case.outcome, "{} with {}: {outcome:?}", case.rule, case.world);
        if let Outcome::Unknown { missing } = outcome {
            assert!(!missing.is_empty(), "{} with {} names no fact", case.rule, case.world);
        }
    }
}

/// Outcomes that a rule cannot have, whatever the world: no precondition of its own, or no data that could decide it.
const IMPOSSIBLE: [(&str, &str); 2] = [
    // No source tells a device's user's licence.
    ("lic.autopilot_reset_needs_intune", "satisfied, unsatisfied"),
    // The path as a whole does not apply where the MDM is known to be another.
    ("coex.third_party_detected", "unsatisfied"),
];

/// Rules with a precondition of their own; every other applies wherever it is asked.
const WITH_PRECONDITION: [&str; 8] = [
    "cm.crl_reachable",
    "cm.update_client_setting_off",
    "coex.company_owned",
    "coex.third_party_detected",
    "entra.hybrid_for_domain_joined",
    "entra.mfa_not_enforced_for_user_token",
    "lic.autopilot_reset_needs_intune",
    "lic.intune_admin",
];

#[test]
fn every_rule_of_the_catalogue_has_a_case_of_each_outcome() {
    let mut shown: BTreeMap<&'static str, BTreeSet<String>> =
        catalogue().iter().map(|rule| (rule.id, BTreeSet::new())).collect();
    for case in cases() {
        let rule = rule(&case.rule).unwrap_or_else(|| panic!("{} is in no catalogue", case.rule));
        shown.get_mut(rule.id).unwrap().insert(case.outcome);
    }
    for (id, shown) in shown {
        let impossible = IMPOSSIBLE.iter().find(|(rule, _)| *rule == id).map_or("", |(_, outcomes)| outcomes);
        let mut expected: BTreeSet<String> = ["satisfied", "unsatisfied", "unknown"]
            .into_iter()
            .filter(|outcome| !impossible.split(", ").any(|not| not == *outcome))
            .map(str::to_owned)
            .collect();
        if WITH_PRECONDITION.contains(&id) {
            expected.insert("not_applicable".to_owned());
        }
        assert_eq!(shown, expected, "{id}");
    }
}

#[test]
fn every_case_names_its_place_in_the_fact_pack() {
    for case in cases() {
        let (file, place) = case.source.split_once(' ').unwrap();
        let found = match file {
            "prerequisites.toml" => rule(place).is_some_and(|rule| rule.id == case.rule),
            "states.md" => include_str!("../../../../data/states.md").contains(&format!("\n## {place}. ")),
            "windows_releases.csv" => {
                include_str!("../../../../data/windows_releases.csv").contains(&format!(",{place},"))
            }
            "configmgr_versions.csv" => {
                include_str!("../../../../data/configmgr_versions.csv").contains(&format!("\n{place},"))
            }
            "configmgr_windows_matrix.csv" => {
                include_str!("../../../../data/configmgr_windows_matrix.csv").contains(&format!(",{place},"))
            }
            _ => false,
        };
        assert!(found, "{} of {}", case.source, case.rule);
    }
}
