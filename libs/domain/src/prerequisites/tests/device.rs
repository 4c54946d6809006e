//! Device rules other than those about Windows: satisfied, unsatisfied, and decided by what is known.

use super::cases::{
    AUTO_ENROLLMENT_COLLECTION, World, as_of, at, collection, device_after, not_applicable, os, said,
    satisfied, unknown, unsatisfied, word,
};
use crate::facts::{JoinType, MdmProvider, OsKind, Owner};
use crate::policy::{AutoEnrollment, CoManagementPolicy};
use crate::prerequisites::{DeviceRule, Judged, Outcome, Path, Verdict};
use crate::workload::{SliderPosition, Workload};

#[test]
fn every_rule_of_a_good_device_is_satisfied_but_for_licence_and_third_party() {
    for rule in DeviceRule::ALL {
        let expected = match rule {
            DeviceRule::AutopilotResetNeedsIntune => unknown(&["user.intune_license"]),
            DeviceRule::CoexThirdPartyDetected => unsatisfied("third_party", "intune"),
            _ => satisfied(),
        };
        assert_eq!(World::good().device_outcome(rule.id()), expected, "{}", rule.id());
    }
    for path in Path::ALL {
        let expected = if path == Path::Coexistence { Verdict::NotApplicable } else { Verdict::Ready };
        assert_eq!(World::good().device_report(path, as_of()).verdict(), expected, "{path}");
    }
}

#[test]
fn licence_for_autopilot_reset_is_asked_for_registered_devices_only() {
    assert_eq!(
        device_after("lic.autopilot_reset_needs_intune", |w| w.device.autopilot_registered = said(false)),
        not_applicable("the device is not registered with Autopilot")
    );
}

fn with_auto_enrollment(
    mode: impl Into<Option<AutoEnrollment>>,
    collection_id: Option<&str>,
    spoil: impl FnOnce(&mut World),
) -> Outcome {
    device_after("cm.auto_enroll_in_scope", |world| {
        world.policy = Some(CoManagementPolicy {
            auto_enrollment: mode.into(),
            auto_enrollment_collection: collection_id.map(collection),
            ..world.policy.take().unwrap()
        });
        spoil(world);
    })
}

#[test]
fn auto_enrollment_of_all_or_none_asks_for_no_collection() {
    assert_eq!(with_auto_enrollment(AutoEnrollment::All, None, |_| ()), satisfied());
    assert_eq!(
        with_auto_enrollment(AutoEnrollment::None, Some(AUTO_ENROLLMENT_COLLECTION), |_| ()),
        unsatisfied("automatic enrolment all, or pilot", "none")
    );
    assert_eq!(with_auto_enrollment(None, None, |_| ()), unknown(&["site.auto_enroll_mode"]));
}

#[test]
fn auto_enrollment_of_a_pilot_follows_the_membership() {
    let pilot = |spoil: fn(&mut World)| {
        with_auto_enrollment(AutoEnrollment::Pilot, Some(AUTO_ENROLLMENT_COLLECTION), spoil)
    };
    assert_eq!(pilot(|w| w.device.collections = vec![collection(AUTO_ENROLLMENT_COLLECTION)]), satisfied());
    assert_eq!(
        pilot(|w| w.complete_collections = [collection(AUTO_ENROLLMENT_COLLECTION)].into()),
        unsatisfied("member of collection PS10003F", "not a member")
    );
    assert_eq!(pilot(|_| ()), unknown(&["device.collections"]));
    assert_eq!(
        with_auto_enrollment(AutoEnrollment::Pilot, None, |_| ()),
        unknown(&["site.auto_enroll_collection"])
    );
}

#[test]
fn flags_of_the_device_that_are_wrong_are_found() {
    assert_eq!(
        device_after("cm.client_installed", |w| w.device.client_installed = said(false)),
        unsatisfied("Configuration Manager client installed", "no client")
    );
    assert_eq!(
        device_after("cm.cmg_certificate_trusted", |w| w.device.trusts_cmg_certificate = said(false)),
        unsatisfied("gateway certificate trusted", "gateway certificate not trusted")
    );
    assert_eq!(
        device_after("win.push_service_present", |w| w.device.dmwappushservice_present = said(false)),
        unsatisfied("push service dmwappushservice", "no push service")
    );
    assert_eq!(
        device_after("win.mdm_not_blocked", |w| w.device.mdm_blocked_by_policy = said(true)),
        unsatisfied("MDM not blocked", "MDM blocked by group policy or managed-externally flag")
    );
    assert_eq!(
        device_after("autopilot.registered", |w| w.device.autopilot_registered = said(false)),
        unsatisfied("registered with Autopilot", "not registered")
    );
    assert_eq!(
        device_after("autopilot.settings_policy_assigned", |w| {
            w.device.assigned_comgmt_settings_policy = said(false);
        }),
        unsatisfied(
            "co-management settings policy assigned through a device group",
            "no such policy assigned"
        )
    );
    assert_eq!(
        device_after("autopilot.esp_with_progress", |w| {
            w.device.assigned_esp_profile_with_progress = said(false);
        }),
        unsatisfied("enrolment status page profile with progress assigned", "no such profile assigned")
    );
}

/// At 2026-11-20T12:00:00Z: 48 hours ago, 30 days ago, and a second before each.
const HOURS_48: &str = "2026-11-18T12:00:00Z";
const OVER_48_HOURS: &str = "2026-11-18T11:59:59Z";
const DAYS_30: &str = "2026-10-21T12:00:00Z";
const OVER_30_DAYS: &str = "2026-10-21T11:59:59Z";

#[test]
fn health_is_fresh_for_30_days_with_flags_7_and_for_48_hours_with_others() {
    const EXPECTED: &str = "health flags 7 synced within 30 days, or other flags synced within 48 hours";
    let with = |flags: Option<u32>, sync: &str| {
        device_after("cm.client_healthy", |w| {
            w.device.client_health_flags = flags.and_then(said);
            w.device.client_health_sync = said(at(sync));
        })
    };
    assert_eq!(with(Some(7), DAYS_30), satisfied());
    assert_eq!(
        with(Some(7), OVER_30_DAYS),
        unsatisfied(EXPECTED, "health flags 7, last synced at 2026-10-21T11:59:59Z")
    );
    for flags in [0, 1, 3, 8, 11, 19, 23] {
        assert_eq!(with(Some(flags), HOURS_48), satisfied(), "{flags}");
    }
    assert_eq!(
        with(Some(19), OVER_48_HOURS),
        unsatisfied(EXPECTED, "health flags 19, last synced at 2026-11-18T11:59:59Z")
    );
    assert_eq!(with(None, HOURS_48), unknown(&["device.client_health_flags"]));
    assert_eq!(with(None, OVER_48_HOURS), unknown(&["device.client_health_flags"]));
    assert_eq!(with(None, DAYS_30), unknown(&["device.client_health_flags"]));
    assert_eq!(
        with(None, OVER_30_DAYS),
        unsatisfied(EXPECTED, "health flags unknown, last synced at 2026-10-21T11:59:59Z")
    );
}

#[test]
fn policy_does_nothing_on_servers_other_systems_and_old_windows() {
    const RULE: &str = "cm.policy_applies_to_os";
    const EXPECTED: &str = "a client of Windows 10 or later";
    assert_eq!(
        device_after(RULE, |w| w.device.os_kind = said(OsKind::Server)),
        unsatisfied(EXPECTED, "server")
    );
    assert_eq!(
        device_after(RULE, |w| {
            w.device.os_kind = said(OsKind::Other);
            w.device.os_version = None;
        }),
        unsatisfied(EXPECTED, "other")
    );
    assert_eq!(
        device_after(RULE, |w| w.device.os_version = os("6.1.7601")),
        unsatisfied(EXPECTED, "6.1.7601")
    );
    assert_eq!(
        device_after(RULE, |w| {
            w.device.os_kind = None;
            w.device.os_version = os("6.3");
        }),
        unsatisfied(EXPECTED, "6.3")
    );
    assert_eq!(device_after(RULE, |w| w.device.os_version = os("10.0")), satisfied());
}

#[test]
fn update_setting_is_asked_for_where_intune_updates() {
    const RULE: &str = "cm.update_client_setting_off";
    assert_eq!(
        device_after(RULE, |w| w.site.as_mut().unwrap().client_setting_software_updates = Some(true)),
        unsatisfied("software updates client setting off", "on")
    );
    let elsewhere = not_applicable("windows_update_policies is not with Intune on this device");
    assert_eq!(
        device_after(RULE, |w| {
            w.policy.as_mut().unwrap().workloads[Workload::WindowsUpdatePolicies].slider =
                SliderPosition::ConfigurationManager;
        }),
        elsewhere
    );
    assert_eq!(device_after(RULE, |w| w.device.mdm_enrolled = said(false)), elsewhere);
    assert_eq!(device_after(RULE, |w| w.policy = None), unknown(&["device.effective_authority"]));
}

#[test]
fn join_rules_tell_joined_registered_and_neither_apart() {
    let with = |rule: &str, join| device_after(rule, |w| w.device.join_type = said(join));
    const JOINED: &str = "azureADJoined or hybridAzureADJoined";
    assert_eq!(with("entra.joined", JoinType::EntraJoined), satisfied());
    assert_eq!(with("entra.joined", JoinType::HybridJoined), satisfied());
    assert_eq!(with("entra.joined", JoinType::EntraRegistered), unsatisfied(JOINED, "azureADRegistered"));
    assert_eq!(with("entra.joined", JoinType::None), unsatisfied(JOINED, "none"));

    for join in [JoinType::None, JoinType::EntraJoined, JoinType::HybridJoined] {
        assert_eq!(with("entra.not_registered_only", join), satisfied());
    }
    assert_eq!(
        with("entra.not_registered_only", JoinType::EntraRegistered),
        unsatisfied("not azureADRegistered", "azureADRegistered")
    );
}

#[test]
fn domain_joined_device_has_to_be_hybrid_joined() {
    let with = |domain: Option<bool>, join: Option<JoinType>| {
        device_after("entra.hybrid_for_domain_joined", |w| {
            w.device.ad_joined = domain.and_then(said);
            w.device.join_type = join.and_then(said);
        })
    };
    let elsewhere = not_applicable("the device is not joined to Active Directory");
    assert_eq!(with(Some(true), Some(JoinType::HybridJoined)), satisfied());
    assert_eq!(with(Some(true), Some(JoinType::None)), unsatisfied("hybridAzureADJoined", "none"));
    assert_eq!(
        with(Some(true), Some(JoinType::EntraJoined)),
        unsatisfied("hybridAzureADJoined", "azureADJoined")
    );
    assert_eq!(with(Some(false), Some(JoinType::None)), elsewhere);
    assert_eq!(with(Some(false), None), elsewhere);
    assert_eq!(with(None, Some(JoinType::HybridJoined)), satisfied());
    assert_eq!(with(None, Some(JoinType::EntraJoined)), unknown(&["device.ad_joined"]));
    assert_eq!(with(None, Some(JoinType::None)), unknown(&["device.ad_joined"]));
    assert_eq!(with(None, Some(JoinType::EntraRegistered)), unknown(&["device.ad_joined"]));
}

#[test]
fn autopilot_profile_has_to_be_user_driven_with_entra_join() {
    const EXPECTED: &str = "user_driven and entra_join";
    let with = |mode: &str, join: &str| {
        device_after("autopilot.entra_join_user_driven", |w| {
            w.device.autopilot_profile_mode = Some(mode).filter(|m| !m.is_empty()).and_then(word);
            w.device.autopilot_profile_join = Some(join).filter(|j| !j.is_empty()).and_then(word);
        })
    };
    assert_eq!(
        with("user_driven", "hybrid_join"),
        Outcome::unsatisfied(EXPECTED, "user_driven and hybrid_join")
    );
    for mode in ["self_deploying", "pre_provisioning", "device_preparation", "none"] {
        assert_eq!(with(mode, ""), Outcome::unsatisfied(EXPECTED, mode.to_owned()));
    }
    assert_eq!(with("", "hybrid_join"), unsatisfied(EXPECTED, "hybrid_join"));
    assert_eq!(with("user_driven", ""), unknown(&["device.autopilot_profile_join"]));
    assert_eq!(with("kiosk", "entra_join"), unknown(&["device.autopilot_profile_mode"]));
}

#[test]
fn coexistence_is_for_company_devices() {
    assert_eq!(
        device_after("coex.company_owned", |w| w.device.owner = said(Owner::Personal)),
        unsatisfied("not personal", "personal")
    );
}

#[test]
fn third_party_mdm_is_told_by_the_authority_text() {
    const RULE: &str = "coex.third_party_detected";
    let with = |provider| {
        device_after(RULE, |w| {
            w.device.authority_text = word("Some MDM");
            w.tenant.authority_texts = [("Some MDM".to_owned(), provider)].into();
        })
    };
    assert_eq!(with(MdmProvider::ThirdParty), satisfied());
    assert_eq!(with(MdmProvider::None), unsatisfied("third_party", "none"));
}

#[test]
fn coexistence_path_is_for_devices_with_a_third_party_mdm_or_an_unknown_one() {
    let verdict = |provider: Option<MdmProvider>| {
        let mut world = World::good();
        world.device.intune_mdm_record = None;
        world.device.authority_text = word("Some MDM");
        world.tenant.authority_texts = provider.map(|p| ("Some MDM".to_owned(), p)).into_iter().collect();
        world.device_report(Path::Coexistence, as_of()).verdict()
    };
    assert_eq!(verdict(Some(MdmProvider::ThirdParty)), Verdict::Ready);
    assert_eq!(verdict(Some(MdmProvider::Intune)), Verdict::NotApplicable);
    assert_eq!(verdict(Some(MdmProvider::None)), Verdict::NotApplicable);
    assert_eq!(verdict(None), Verdict::Ready);
}

#[test]
fn coexistence_path_that_does_not_apply_demands_nothing() {
    let mut world = World::silent();
    world.device.intune_mdm_record = said(true);
    let report = world.device_report(Path::Coexistence, as_of());
    assert_eq!(report.findings.len(), 5);
    for finding in &report.findings {
        assert_eq!(finding.outcome, not_applicable("the device's MDM is Intune"), "{}", finding.rule.id);
    }
    assert_eq!(report.valid_until, None);
}

#[test]
fn autopatch_needs_three_workloads_at_intune() {
    const RULE: &str = "autopatch.workloads";
    const EXPECTED: &str =
        "windows_update_policies, device_configuration and office_click_to_run_apps at intune";
    assert_eq!(
        device_after(RULE, |w| {
            w.policy.as_mut().unwrap().workloads[Workload::OfficeClickToRunApps].slider =
                SliderPosition::ConfigurationManager;
        }),
        unsatisfied(EXPECTED, "office_click_to_run_apps at configuration_manager")
    );
    assert_eq!(
        device_after(RULE, |w| {
            let sliders = &mut w.policy.as_mut().unwrap().workloads;
            sliders[Workload::WindowsUpdatePolicies].slider = SliderPosition::ConfigurationManager;
            sliders[Workload::DeviceConfiguration].slider = SliderPosition::PilotIntune;
            sliders[Workload::DeviceConfiguration].pilot_collection = Some(collection("PS100042"));
        }),
        unsatisfied(EXPECTED, "windows_update_policies at configuration_manager")
    );
    let pilot = |spoil: fn(&mut World)| {
        device_after(RULE, |w| {
            let setting = &mut w.policy.as_mut().unwrap().workloads[Workload::DeviceConfiguration];
            setting.slider = SliderPosition::PilotIntune;
            setting.pilot_collection = Some(collection("PS100042"));
            spoil(w);
        })
    };
    assert_eq!(pilot(|w| w.device.collections = vec![collection("PS100042")]), satisfied());
    assert_eq!(pilot(|_| ()), unknown(&["device.effective_authority"]));
}

#[test]
fn autopatch_names_every_fact_of_the_record_that_fails() {
    const RULE: &str = "autopatch.device_facts";
    const EXPECTED: &str = "owner company; serial number, model and manufacturer present; \
                            Intune sync within 28 days; enrolled in Intune";
    assert_eq!(
        device_after(RULE, |w| w.device.owner = said(Owner::Personal)),
        unsatisfied(EXPECTED, "owner personal")
    );
    // 28 days before the moment of the test, and a second more.
    assert_eq!(
        device_after(RULE, |w| w.device.last_intune_sync = said(at("2026-10-23T12:00:00Z"))),
        satisfied()
    );
    assert_eq!(
        device_after(RULE, |w| w.device.last_intune_sync = said(at("2026-10-23T11:59:59Z"))),
        unsatisfied(EXPECTED, "last Intune sync at 2026-10-23T11:59:59Z")
    );
    assert_eq!(
        device_after(RULE, |w| {
            w.device.serial_number = word("");
            w.device.mdm_enrolled = said(false);
            w.device.last_intune_sync = None;
        }),
        unsatisfied(EXPECTED, "serial number, model or manufacturer empty; not enrolled in Intune")
    );
}
