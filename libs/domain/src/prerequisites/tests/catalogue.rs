//! The catalogue is whole, and every rule has its typed rule.

use std::collections::BTreeSet;

use super::cases::ATTESTED;
use crate::prerequisites::{
    ActionRule, Area, DeviceRule, Path, Rule, Scope, Severity, SiteRule, TenantRule, UserRule, catalogue,
    fact_definitions, non_requirements, rule,
};

fn ids_of(scope: Scope) -> Vec<&'static str> {
    catalogue().iter().filter(|rule| rule.scope == scope).map(|rule| rule.id).collect()
}

#[test]
fn catalogue_has_the_fact_packs_numbers() {
    assert_eq!((fact_definitions().len(), catalogue().len(), non_requirements().len()), (57, 67, 8));
}

#[test]
fn attested_rules_are_the_six_of_the_fact_pack() {
    let attested: Vec<&str> =
        catalogue().iter().filter(|rule| rule.attestation).map(|rule| rule.id).collect();
    assert_eq!(attested, ATTESTED);
    assert!(catalogue().iter().all(|rule| rule.attestation == (rule.facts == ["attestation"])));
}

#[test]
fn ids_are_unique_and_found() {
    let ids: BTreeSet<&str> = catalogue().iter().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), catalogue().len());
    for written in catalogue() {
        assert_eq!(rule(written.id), Some(written));
    }
    assert_eq!(rule("entra.unheard_of"), None);
}

#[test]
fn rules_name_defined_facts_only() {
    let defined: BTreeSet<&str> = fact_definitions().iter().map(|fact| fact.id.as_str()).collect();
    for rule in catalogue() {
        assert_eq!(rule.facts.iter().find(|fact| !defined.contains(*fact)), None, "{}", rule.id);
        assert!(!rule.facts.is_empty() && !rule.paths.is_empty(), "{}", rule.id);
    }
}

#[test]
fn rule_reads_as_written() {
    assert_eq!(
        rule("win.mdm_not_blocked"),
        Some(&Rule {
            id: "win.mdm_not_blocked",
            area: Area::Windows,
            scope: Scope::Device,
            paths: &[Path::Path1, Path::Path2],
            severity: Severity::Blocking,
            condition: "not device.mdm_blocked_by_policy",
            facts: &["device.mdm_blocked_by_policy"],
            remediation: "remove the group policy or managed-externally flag; error 0x80180026",
            attestation: false,
            source: "GitHub MicrosoftDocs/win32 desktop-src/MDMReg/mdm-registration-constants.md",
            note: None,
            action: None,
            version: "2026-11-22",
        })
    );
}

#[test]
fn every_rule_has_an_evaluator_in_catalogue_order() {
    assert_eq!(TenantRule::ALL.iter().map(|rule| rule.id()).collect::<Vec<_>>(), ids_of(Scope::Tenant));
    assert_eq!(SiteRule::ALL.iter().map(|rule| rule.id()).collect::<Vec<_>>(), ids_of(Scope::Site));
    assert_eq!(DeviceRule::ALL.iter().map(|rule| rule.id()).collect::<Vec<_>>(), ids_of(Scope::Device));
    assert_eq!(UserRule::ALL.iter().map(|rule| rule.id()).collect::<Vec<_>>(), ids_of(Scope::User));
    assert_eq!(ActionRule::ALL.iter().map(|rule| rule.id()).collect::<Vec<_>>(), ids_of(Scope::Action));
}

#[test]
fn typed_rules_lead_to_their_text_and_back() {
    for typed in DeviceRule::ALL {
        assert_eq!(typed.rule().id, typed.id());
        assert_eq!(DeviceRule::from_id(typed.id()), Some(*typed));
    }
    assert_eq!(SiteRule::from_id("entra.joined"), None);
}

#[test]
fn path_lists_hold_the_rules_of_that_path() {
    let on = |path| DeviceRule::on(path).iter().map(|rule| rule.id()).collect::<Vec<_>>();
    assert_eq!(
        on(Path::Coexistence),
        [
            "cm.client_installed",
            "entra.joined",
            "win.minimum_1709",
            "coex.company_owned",
            "coex.third_party_detected"
        ]
    );
    assert_eq!(
        on(Path::Autopatch),
        ["cm.update_client_setting_off", "autopatch.workloads", "autopatch.device_facts"]
    );
}

#[test]
fn path_ids_read_back() {
    for path in Path::ALL {
        assert_eq!(Path::from_id(path.id()), Some(path));
        assert_eq!(Path::ALL[path.index()], path);
    }
    assert_eq!(Path::from_id("path3"), None);
}
