//! Expected warnings are written from workloads.toml, handover.md and states.md.

mod properties;

use std::collections::BTreeSet as Set;

use super::*;
use crate::authority::strategies::{collection, setting};
use crate::citation::tests::assert_exists;
use crate::id::SiteCode;
use crate::workload::PerWorkload;
use crate::workload::SliderPosition::{ConfigurationManager, Intune, PilotIntune};

type Position = (Workload, SliderPosition, Option<&'static str>);

/// Sliders of some workloads, with their collections. Resource access stands at Intune, the others at Configuration Manager;
/// nobody is enrolled automatically.
fn policy(settings: &[Position]) -> CoManagementPolicy {
    let mut policy = CoManagementPolicy {
        enabled: Some(true),
        auto_enrollment: Some(AutoEnrollment::None),
        ..CoManagementPolicy::default()
    };
    policy.workloads[ResourceAccessPolicies].slider = Intune;
    for (workload, slider, pilot) in settings {
        policy.workloads[*workload] = setting(*slider, *pilot);
    }
    policy
}

fn site(version: Option<&str>) -> SiteFacts {
    SiteFacts { version: version.map(str::to_owned), ..SiteFacts::unknown(SiteCode::parse("PS1").unwrap()) }
}

/// Everything is deployed, nothing else is used.
fn quiet() -> PlanFacts {
    PlanFacts {
        deployed_at_intune: PerWorkload::from_fn(|_| Some(true)),
        deployed_at_configuration_manager: PerWorkload::from_fn(|_| Some(true)),
        conditional_access: Some(false),
        autopatch: Some(false),
        store_apps: Some(false),
        autopilot: Some(false),
        autopilot_override: Some(false),
    }
}

/// `id names`, with a question mark where the warning depends on something.
fn short(warnings: &[PlanWarning]) -> Vec<String> {
    let line = |warning: &PlanWarning| {
        let workloads = warning.workloads.iter().map(|workload| workload.id());
        let names = workloads.chain(warning.collections.iter().map(CollectionId::as_str));
        let words: Vec<&str> = [warning.id()].into_iter().chain(names).collect();
        format!("{}{}", words.join(" "), if warning.depends_on.is_some() { " ?" } else { "" })
    };
    warnings.iter().map(line).collect()
}

/// From one policy to another on a site of version 2509, with the client setting for software updates off.
fn on_2509(from: &[Position], to: &[Position], facts: &PlanFacts) -> Vec<String> {
    let site = SiteFacts { client_setting_software_updates: Some(false), ..site(Some("2509")) };
    short(&warnings(Some(&policy(from)), &policy(to), [&site], facts))
}

#[test]
fn plan_that_changes_nothing_warns_of_nothing() {
    let positions = [(ClientApps, PilotIntune, Some("C1")), (CompliancePolicies, Intune, None)];
    assert_eq!(on_2509(&positions, &positions, &PlanFacts::default()), [""; 0]);
}

#[test]
fn each_workload_that_moves_to_intune_has_its_own_warnings() {
    let table: [(Workload, &[&str]); 6] = [
        (CompliancePolicies, &["site_stops_reporting_compliance compliance_policies"]),
        (WindowsUpdatePolicies, &[]),
        (
            OfficeClickToRunApps,
            &[
                "office_updates_take_a_day office_click_to_run_apps",
                "site_skips_office_deployments office_click_to_run_apps",
            ],
        ),
        (ClientApps, &["client_apps_not_exclusive client_apps"]),
        (
            EndpointProtection,
            &[
                "endpoint_policies_stay_until_overwritten endpoint_protection",
                "antivirus_in_device_restrictions endpoint_protection",
                "information_protection_from_both endpoint_protection device_configuration",
                "settings_catalog_follows_device_configuration endpoint_protection device_configuration",
                "removal_needs_device_configuration endpoint_protection device_configuration",
            ],
        ),
        (
            DeviceConfiguration,
            &[
                "baselines_need_mark device_configuration",
                "endpoint_policies_stay_until_overwritten endpoint_protection",
                "antivirus_in_device_restrictions endpoint_protection",
                "carried_along endpoint_protection",
            ],
        ),
    ];
    for (workload, own) in table {
        let moves: Vec<&str> = match workload {
            DeviceConfiguration => vec![EndpointProtection.id(), DeviceConfiguration.id()],
            _ => vec![workload.id()],
        };
        let order = (workload != CompliancePolicies).then(|| format!("compliance_first {}", moves.join(" ")));
        let own = own.iter().map(|&line| line.to_owned());
        let poll = format!("clients_poll {}", moves.join(" "));
        let expected: Vec<String> = order.into_iter().chain(own).chain([poll]).collect();
        assert_eq!(on_2509(&[], &[(workload, Intune, None)], &quiet()), expected, "{workload}");
    }
}

#[test]
fn each_workload_that_goes_back_leaves_something_behind() {
    let table: [(Workload, &[&str]); 6] = [
        (
            CompliancePolicies,
            &[
                "compliance_stops_driving_access compliance_policies",
                "check_in_shown_as_1900 compliance_policies",
            ],
        ),
        (
            WindowsUpdatePolicies,
            &[
                "installed_stays windows_update_policies",
                "software_update_setting_off windows_update_policies",
            ],
        ),
        (OfficeClickToRunApps, &["installed_stays office_click_to_run_apps"]),
        (ClientApps, &["intune_scripts_run_anyway client_apps"]),
        (EndpointProtection, &["settings_left_behind endpoint_protection"]),
        (DeviceConfiguration, &["settings_left_behind endpoint_protection device_configuration"]),
    ];
    for (workload, own) in table {
        let poll = match workload {
            DeviceConfiguration => "clients_poll endpoint_protection device_configuration".to_owned(),
            _ => format!("clients_poll {workload}"),
        };
        let expected: Vec<String> = own.iter().map(|&line| line.to_owned()).chain([poll]).collect();
        assert_eq!(on_2509(&[(workload, Intune, None)], &[], &quiet()), expected, "{workload}");
    }
}

#[test]
fn what_nobody_said_is_warned_of_conditionally() {
    let from = [(WindowsUpdatePolicies, Intune, None), (CompliancePolicies, Intune, None)];
    let to = [(ClientApps, PilotIntune, Some("C1")), (CompliancePolicies, PilotIntune, Some("C2"))];
    let mut from = policy(&from);
    from.auto_enrollment = Some(AutoEnrollment::Pilot);
    from.auto_enrollment_collection = Some(collection("C2"));
    let to = CoManagementPolicy { auto_enrollment: None, ..policy(&to) };
    let found = warnings(Some(&from), &to, [&site(Some("2509"))], &PlanFacts::default());
    let expected = [
        "intune_policy_not_confirmed client_apps ?",
        "configuration_manager_policy_not_confirmed compliance_policies windows_update_policies ?",
        "client_apps_not_exclusive client_apps",
        "autopilot_knows_no_pilot compliance_policies client_apps ?",
        "pilots_in_auto_enrollment client_apps C1 ?",
        "override_holds_devices compliance_policies windows_update_policies ?",
        "installed_stays windows_update_policies",
        "software_update_setting_off windows_update_policies ?",
        "compliance_stops_driving_access compliance_policies",
        "check_in_shown_as_1900 compliance_policies",
        "conditional_access_needs_compliance compliance_policies ?",
        "autopatch_needs_three windows_update_policies device_configuration office_click_to_run_apps ?",
        "store_apps_need_client_apps client_apps ?",
        "pilot_is_evaluated_first compliance_policies client_apps",
        "clients_poll compliance_policies windows_update_policies client_apps",
    ];
    assert_eq!(short(&found), expected);
}

#[test]
fn target_policy_is_confirmed_or_denied_or_open() {
    let moves = [
        (CompliancePolicies, Intune, None),
        (ClientApps, Intune, None),
        (WindowsUpdatePolicies, Intune, None),
    ];
    let mut facts = quiet();
    facts.deployed_at_intune[ClientApps] = None;
    facts.deployed_at_intune[CompliancePolicies] = Some(false);
    let found = on_2509(&[], &moves, &facts);
    let expected =
        ["intune_policy_not_confirmed compliance_policies", "intune_policy_not_confirmed client_apps ?"];
    assert_eq!(found[..2], expected);
    facts = quiet();
    facts.deployed_at_configuration_manager[ClientApps] = None;
    let back = on_2509(&moves, &[], &facts);
    assert_eq!(back[0], "configuration_manager_policy_not_confirmed client_apps ?");
    let open = warnings(None, &policy(&moves), [], &PlanFacts::default());
    let open = open.iter().find(|warning| warning.kind == WarningKind::IntunePolicyNotConfirmed).unwrap();
    assert_eq!(
        open.to_string(),
        "target policy not confirmed as deployed: without the matching policies of Intune nobody manages these \
         workloads after the move: compliance_policies, windows_update_policies, resource_access_policies, \
         client_apps; depends on whether they are deployed"
    );
}

#[test]
fn consumers_are_warned_for_while_they_are_not_known_not_to_be_used() {
    let three = [
        (WindowsUpdatePolicies, Intune, None),
        (DeviceConfiguration, PilotIntune, Some("C1")),
        (CompliancePolicies, Intune, None),
    ];
    let used = |used| PlanFacts { autopatch: used, conditional_access: used, ..quiet() };
    let of = |facts: &PlanFacts| {
        let lines = on_2509(&[], &three, facts);
        lines.into_iter().filter(|line| line.contains("_need")).collect::<Vec<_>>()
    };
    let mark = "baselines_need_mark device_configuration";
    let three_of = "autopatch_needs_three device_configuration office_click_to_run_apps";
    assert_eq!(of(&used(Some(true))), [mark, three_of]);
    assert_eq!(of(&used(None)), [mark, &format!("{three_of} ?")]);
    assert_eq!(of(&used(Some(false))), [mark]);
}

#[test]
fn resource_access_is_warned_of_by_the_versions_of_the_sites() {
    let at = |slider| policy(&[(ResourceAccessPolicies, slider, Some("C1"))]);
    let (intune, back) = (at(Intune), at(ConfigurationManager));
    let ra = |line: &str, depends: bool| {
        format!("{line} resource_access_policies{}", if depends { " ?" } else { "" })
    };
    let blocks = || ra("resource_access_blocks_upgrade", false);
    let deprecated = |depends| ra("resource_access_deprecated", depends);
    let may_be = || ra("resource_access_may_be_fixed", true);
    let table = [
        // version, from, to, warnings of resource access
        (Some("2509"), &intune, &back, vec![]),
        (Some("2509"), &back, &intune, vec![]),
        (Some("2309"), &intune, &back, vec![blocks(), deprecated(false)]),
        (Some("2111"), &intune, &back, vec![blocks()]),
        (Some("2309"), &back, &intune, vec![blocks()]),
        (None, &intune, &back, vec![may_be(), blocks(), deprecated(true)]),
        (None, &back, &intune, vec![blocks()]),
        (None, &back, &back, vec![may_be()]),
        (Some("2309"), &back, &back, vec![]),
    ];
    for (version, from, to, expected) in table {
        let found = short(&warnings(Some(from), to, [&site(version)], &quiet()));
        let found: Vec<_> = found.into_iter().filter(|line| line.starts_with("resource_access")).collect();
        assert_eq!(found, expected, "{version:?}");
    }
}

#[test]
fn software_update_setting_is_warned_of_by_what_the_sites_say() {
    let moved = [(WindowsUpdatePolicies, Intune, None)];
    let (stays, off) = (
        "software_update_setting_stays windows_update_policies",
        "software_update_setting_off windows_update_policies",
    );
    let ask = |line: &str| Some(format!("{line} ?"));
    let say = |line: &str| Some(line.to_owned());
    let table: [(&[Option<bool>], _, _); 6] = [
        // the sites' settings, when the workload goes, when it comes back
        (&[], ask(stays), ask(off)),
        (&[None], ask(stays), ask(off)),
        (&[Some(true)], say(stays), None),
        (&[Some(false)], None, say(off)),
        (&[Some(false), Some(true)], say(stays), say(off)),
        (&[Some(false), None], ask(stays), say(off)),
    ];
    for (settings, goes, comes) in table {
        let site = |setting: &Option<bool>| SiteFacts {
            client_setting_software_updates: *setting,
            ..site(Some("2509"))
        };
        let sites: Vec<_> = settings.iter().map(site).collect();
        let of = |from: &[Position], to: &[Position]| {
            let found = short(&warnings(Some(&policy(from)), &policy(to), &sites, &quiet()));
            found.into_iter().find(|line| line.starts_with("software_update"))
        };
        assert_eq!((of(&[], &moved), of(&moved, &[])), (goes, comes), "{settings:?}");
    }
}

#[test]
fn pilot_of_device_configuration_carries_and_does_not_remove() {
    let to = [(DeviceConfiguration, PilotIntune, Some("C1")), (CompliancePolicies, Intune, None)];
    let from = [(CompliancePolicies, Intune, None)];
    let expected = [
        "baselines_need_mark device_configuration",
        "endpoint_policies_stay_until_overwritten endpoint_protection",
        "antivirus_in_device_restrictions endpoint_protection",
        "carried_along endpoint_protection",
        "pilot_does_not_remove endpoint_protection device_configuration",
        "pilot_is_evaluated_first endpoint_protection device_configuration",
        "clients_poll endpoint_protection device_configuration",
    ];
    assert_eq!(on_2509(&from, &to, &quiet()), expected);
}

#[test]
fn other_pilot_collection_moves_devices_both_ways() {
    let at = |id| [(OfficeClickToRunApps, PilotIntune, Some(id)), (CompliancePolicies, Intune, None)];
    let expected = [
        "office_updates_take_a_day office_click_to_run_apps",
        "site_skips_office_deployments office_click_to_run_apps",
        "installed_stays office_click_to_run_apps",
        "pilot_is_evaluated_first office_click_to_run_apps",
        "clients_poll office_click_to_run_apps",
    ];
    assert_eq!(on_2509(&at("C1"), &at("C2"), &quiet()), expected);
}

#[test]
fn pilot_that_another_joins_loses_nobody() {
    let endpoint = [(EndpointProtection, PilotIntune, Some("C1")), (CompliancePolicies, Intune, None)];
    let both = [endpoint[0], endpoint[1], (DeviceConfiguration, PilotIntune, Some("C2"))];
    let left_behind = |from: &[Position], to: &[Position]| {
        let found = on_2509(from, to, &quiet());
        found.into_iter().find(|line| line.starts_with("settings_left_behind"))
    };
    let back = "settings_left_behind endpoint_protection device_configuration".to_owned();
    assert_eq!([left_behind(&endpoint, &both), left_behind(&both, &endpoint)], [None, Some(back)]);
}

#[test]
fn sliders_that_nobody_said_may_go_back_unnoticed() {
    let to = policy(&[(ClientApps, Intune, None), (CompliancePolicies, Intune, None)]);
    let unsaid = CoManagementPolicy { enabled: None, ..policy(&[(OfficeClickToRunApps, Intune, None)]) };
    let rest = "windows_update_policies endpoint_protection device_configuration";
    let found = |base| short(&warnings(base, &to, [&site(Some("2509"))], &quiet())).remove(0);
    assert_eq!(found(None), format!("base_policy_unknown {rest} office_click_to_run_apps"));
    assert_eq!(found(Some(&unsaid)), "base_policy_unknown office_click_to_run_apps");
}

#[test]
fn turning_co_management_off_takes_everything_back() {
    let from = policy(&[(ClientApps, Intune, None)]);
    let off = CoManagementPolicy { enabled: Some(false), ..from.clone() };
    let of = |from: &CoManagementPolicy| short(&warnings(Some(from), &off, [&site(Some("2509"))], &quiet()));
    let expected = [
        "turning_off_not_documented",
        "resource_access_deprecated resource_access_policies",
        "intune_scripts_run_anyway client_apps",
        "clients_poll resource_access_policies client_apps",
    ];
    assert_eq!(of(&from), expected);
    assert_eq!(of(&off), [""; 0]);
}

#[test]
fn kinds_cite_the_fact_pack_under_names_of_their_own() {
    WarningKind::ALL.iter().map(|kind| kind.source()).for_each(assert_exists);
    let names: Set<&str> = WarningKind::ALL.iter().map(|kind| kind.id()).collect();
    assert_eq!(names.len(), WarningKind::ALL.len());
    let texts: Set<&str> = WarningKind::ALL.iter().map(|kind| kind.text()).collect();
    assert_eq!(texts.len(), WarningKind::ALL.len());
}

#[test]
fn consumers_need_what_the_fact_pack_says() {
    let document: toml::Table = include_str!("../../../../data/workloads.toml").parse().unwrap();
    let needs = |dependency: &toml::Value| {
        let ids = dependency["requires_intune"].as_array().unwrap().iter();
        ids.map(|id| id.as_str().unwrap().to_owned()).collect::<Set<_>>()
    };
    let pilots = document["dependency"].as_array().unwrap().iter();
    let written: Vec<_> = pilots
        .filter(|dependency| dependency["accepts_pilot"].as_bool() == Some(true))
        .map(|dependency| (dependency["id"].as_str().unwrap(), needs(dependency)))
        .collect();
    let coded = Consumer::ALL.map(|consumer| {
        let needs = consumer.needs().iter().map(|workload| workload.id().to_owned());
        (consumer.warning().id(), needs.collect::<Set<_>>())
    });
    assert_eq!(written, coded);
}
