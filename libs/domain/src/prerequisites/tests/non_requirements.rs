//! What must never be reported as missing, one test per entry of the catalogue.

use super::cases::{World, as_of, good_policy, good_site, good_tenant, not_applicable, os, said};
use crate::authority::effective_authority;
use crate::facts::JoinType;
use crate::prerequisites::{
    Outcome, Path, Report, Rule, Scope, Severity, Verdict, catalogue, evaluate_site, evaluate_tenant,
    non_requirements,
};
use crate::site::SiteFacts;
use crate::state::is_co_managed;
use crate::tenant::{Cloud, TenantFacts};
use crate::workload::{ManagementAuthority, PerWorkload};

const TESTED: [&str; 8] = [
    "cmg_for_path1",
    "site_entra_onboarding_for_path1",
    "single_site",
    "hybrid_join_for_new_devices",
    "per_user_intune_license_path1",
    "signed_in_user",
    "tenant_attach",
    "moved_workload",
];

#[test]
fn every_non_requirement_has_its_test_in_this_file() {
    let written: Vec<&str> = non_requirements().iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(written, TESTED);
    let this_file = include_str!("non_requirements.rs");
    for id in TESTED {
        assert!(this_file.contains(&format!("fn {id}_is_")), "{id}");
    }
}

fn site_report(site: &SiteFacts, path: Path) -> Report {
    evaluate_site(site, Some(&good_policy()), &good_tenant(), path, as_of())
}

/// The rules that say anything but "satisfied".
fn complaints(report: &Report) -> Vec<&'static str> {
    report.findings.iter().filter(|f| !f.outcome.is_satisfied()).map(|f| f.rule.id).collect()
}

#[test]
fn cmg_for_path1_is_not_demanded() {
    let site = SiteFacts { cmg_present: Some(false), mp_accepts_cmg: Some(false), ..good_site() };
    let report = site_report(&site, Path::Path1);
    assert_eq!(complaints(&report), Vec::<&str>::new());
    assert_eq!((report.verdict(), report.outcome("cm.cmg_present")), (Verdict::Ready, None));
}

#[test]
fn site_entra_onboarding_for_path1_is_not_demanded() {
    let site = SiteFacts { entra_onboarded: Some(false), ..good_site() };
    let report = site_report(&site, Path::Path1);
    assert_eq!(complaints(&report), Vec::<&str>::new());
    assert_eq!((report.verdict(), report.outcome("cm.site_onboarded_entra")), (Verdict::Ready, None));
}

#[test]
fn single_site_is_not_demanded() {
    // A site below another one, beside a second one of the same tenant: each is judged for itself, and both are ready.
    let below = SiteFacts { parent: Some("CAS".parse().unwrap()), ..good_site() };
    let other = SiteFacts { site: "PS2".parse().unwrap(), ..good_site() };
    for site in [below, other] {
        assert_eq!(site_report(&site, Path::Path1).verdict(), Verdict::Ready);
    }
    let mut world = World::good();
    world.device.other_hierarchies = vec!["PS2".parse().unwrap()];
    for path in [Path::Path1, Path::Path2] {
        let report = world.device_report(path, as_of());
        assert_eq!(report, World::good().device_report(path, as_of()));
        assert_eq!(report.verdict(), Verdict::Ready);
    }
}

#[test]
fn hybrid_join_for_new_devices_is_not_demanded() {
    let mut world = World::good();
    world.device.join_type = said(JoinType::EntraJoined);
    world.device.ad_joined = said(false);
    let report = world.device_report(Path::Path1, as_of());
    assert_eq!(
        report.outcome("entra.hybrid_for_domain_joined"),
        Some(&not_applicable("the device is not joined to Active Directory"))
    );
    assert_eq!(report.verdict(), Verdict::Ready);
    // On the paths of new devices nobody asks, even where no record of a site tells about the domain.
    for ad_joined in [said(false), None] {
        world.device.ad_joined = ad_joined;
        for path in [Path::Path2, Path::Autopilot] {
            let report = world.device_report(path, as_of());
            assert_eq!(report.outcome("entra.hybrid_for_domain_joined"), None);
            assert_eq!(report.verdict(), Verdict::Ready, "{path}");
        }
    }
}

#[test]
fn per_user_intune_license_path1_is_not_demanded() {
    let blocking = catalogue().iter().filter(|rule| {
        rule.severity == Severity::Blocking
            && rule.is_on(Path::Path1)
            && matches!(rule.scope, Scope::Tenant | Scope::Site | Scope::Device)
    });
    assert_eq!(blocking.into_iter().find(|rule| rule.facts.contains(&"user.intune_license")), None);

    // No licence is known of any user, nor any in the tenant; Entra P1 still counts.
    let mut world = World::good();
    world.tenant.intune_license_count = Some(0);
    world.device.autopilot_registered = said(false);
    let device = world.device_report(Path::Path1, as_of());
    let tenant = evaluate_tenant(&world.tenant, Path::Path1, as_of());
    assert_eq!((device.verdict(), tenant.verdict()), (Verdict::Ready, Verdict::Ready));
    assert_eq!(complaints(&tenant), Vec::<&str>::new());
    assert_eq!(complaints(&device), ["lic.autopilot_reset_needs_intune"]);
    assert_eq!(
        device.outcome("lic.autopilot_reset_needs_intune"),
        Some(&not_applicable("the device is not registered with Autopilot"))
    );
}

#[test]
fn signed_in_user_is_not_demanded() {
    let mut world = World::good();
    world.device.user = None;
    world.device.os_version = os("10.0.17134.1");
    let report = world.device_report(Path::Path1, as_of());
    assert_eq!(report.outcome("win.device_token_1803"), Some(&Outcome::Satisfied));
    // Below 1803 the device waits for a sign-in: a warning, never a blocker.
    world.device.os_version = os("10.0.16299.15");
    let report = world.device_report(Path::Path1, as_of());
    let finding = report.unsatisfied().find(|f| f.rule.id == "win.device_token_1803").unwrap();
    assert_eq!(finding.rule.severity, Severity::Warning);
}

#[test]
fn tenant_attach_is_not_demanded() {
    // US Government has no tenant attach: a warning to plan with, and the site is ready all the same.
    let tenant = TenantFacts { cloud: Some(Cloud::UsGovernment), ..good_tenant() };
    for path in [Path::Path1, Path::Path2] {
        let report = evaluate_site(&good_site(), Some(&good_policy()), &tenant, path, as_of());
        let unsatisfied: Vec<&str> = report.unsatisfied().map(|finding| finding.rule.id).collect();
        assert_eq!(
            (report.verdict(), unsatisfied),
            (Verdict::Ready, vec!["cm.azure_cloud_limits"]),
            "{path}"
        );
    }
    // No other rule asks for it, in its words either.
    let asks = |rule: &&Rule| rule.condition.to_lowercase().contains("tenant attach");
    let asking: Vec<&str> = catalogue().iter().filter(asks).map(|rule| rule.id).collect();
    assert_eq!(asking, ["cm.azure_cloud_limits"]);
}

#[test]
fn moved_workload_is_not_demanded() {
    let mut world = World::good();
    world.policy.as_mut().unwrap().workloads = PerWorkload::default();
    let authority = effective_authority(&world.device, &world.surroundings()).workloads;
    let moved: Vec<&str> = authority
        .iter()
        .filter(|(_, decision)| decision.authority == ManagementAuthority::Intune)
        .map(|(workload, _)| workload.id())
        .collect();
    // The site's version fixes resource access; nothing else moved.
    assert_eq!(moved, ["resource_access_policies"]);
    assert!(is_co_managed(&world.device, &world.tenant));
    let site = good_site();
    for (path, open) in [
        (Path::Path1, &["lic.autopilot_reset_needs_intune", "cm.update_client_setting_off"][..]),
        (Path::Path2, &["cm.update_client_setting_off"]),
        (Path::Autopilot, &[]),
    ] {
        let report = world.device_report(path, as_of());
        assert_eq!((report.verdict(), complaints(&report)), (Verdict::Ready, open.to_vec()), "{path}");
        let report = evaluate_site(&site, world.policy.as_ref(), &world.tenant, path, as_of());
        assert_eq!(report.verdict(), Verdict::Ready, "{path}");
        assert_eq!(
            report,
            evaluate_site(&site, Some(&good_policy()), &world.tenant, path, as_of()),
            "{path}"
        );
    }
}
