//! Site rules: satisfied and unsatisfied.

use super::cases::{
    as_of, at, attestation, good_policy, good_site, good_tenant, not_applicable, satisfied, unknown,
    unsatisfied,
};
use crate::policy::CoManagementPolicy;
use crate::prerequisites::{Outcome, Path, SiteCheck, SiteRule, Verdict, evaluate_site};
use crate::site::{ClientAuth, SiteFacts};
use crate::tenant::{Cloud, TenantFacts};
use crate::workload::{SliderPosition, Workload};

fn outcome(rule: &str, site: &SiteFacts, policy: &CoManagementPolicy, tenant: &TenantFacts) -> Outcome {
    SiteCheck::new(site, Some(policy), tenant, as_of()).outcome(SiteRule::from_id(rule).unwrap())
}

fn after(rule: &str, spoil: impl FnOnce(&mut SiteFacts)) -> Outcome {
    let mut site = good_site();
    spoil(&mut site);
    outcome(rule, &site, &good_policy(), &good_tenant())
}

fn with_version(rule: &str, version: &str) -> Outcome {
    after(rule, |site| site.version = Some(version.to_owned()))
}

#[test]
fn every_rule_of_a_good_site_is_satisfied_or_not_asked() {
    for rule in SiteRule::ALL {
        let expected = match rule {
            SiteRule::CrlReachable => not_applicable("clients do not use certificates of an own PKI"),
            _ => satisfied(),
        };
        assert_eq!(after(rule.id(), |_| ()), expected, "{}", rule.id());
    }
    for path in Path::ALL {
        let report = evaluate_site(&good_site(), Some(&good_policy()), &good_tenant(), path, as_of());
        assert_eq!(report.verdict(), Verdict::Ready, "{path}");
    }
}

#[test]
fn site_version_is_supported_through_its_last_day() {
    let site = SiteFacts { version: Some("2503".to_owned()), ..good_site() };
    let tenant = good_tenant();
    let on = |moment| SiteCheck::new(&site, None, &tenant, at(moment)).outcome(SiteRule::SupportedVersion);
    assert_eq!(on("2026-09-30T23:59:59Z"), satisfied());
    assert_eq!(
        on("2026-10-01T00:00:00Z"),
        unsatisfied("a site version in support", "2503, support ended on 2026-09-30")
    );
}

#[test]
fn build_text_of_a_site_is_found_as_written() {
    let rule = "cm.supported_version";
    assert_eq!(with_version(rule, "5.00.9141.1000"), satisfied());
    assert_eq!(
        with_version(rule, "5.00.9128.1000"),
        unsatisfied("a site version in support", "5.00.9128.1000, support ended on 2025-10-22")
    );
}

#[test]
fn site_version_without_published_dates_is_unknown() {
    assert_eq!(with_version("cm.supported_version", "2609"), unknown(&["site.version"]));
    assert_eq!(with_version("cm.supported_version", "next"), unknown(&["site.version"]));
}

#[test]
fn hierarchy_without_co_management_is_found() {
    let policy = CoManagementPolicy { enabled: Some(false), ..good_policy() };
    assert_eq!(
        outcome("cm.co_management_enabled", &good_site(), &policy, &good_tenant()),
        unsatisfied("co-management enabled", "co-management not enabled")
    );
    let silent = CoManagementPolicy { enabled: None, ..good_policy() };
    assert_eq!(
        outcome("cm.co_management_enabled", &good_site(), &silent, &good_tenant()),
        unknown(&["site.co_management_enabled"])
    );
}

#[test]
fn settings_that_are_off_are_found() {
    assert_eq!(
        after("cm.client_setting_register_entra", |s| s.client_setting_register_entra = Some(false)),
        unsatisfied("client setting on: register with Entra ID", "client setting off")
    );
    assert_eq!(
        after("cm.cmg_present", |s| s.cmg_present = Some(false)),
        unsatisfied("a cloud management gateway", "no cloud management gateway")
    );
    assert_eq!(
        after("cm.site_onboarded_entra", |s| s.entra_onboarded = Some(false)),
        unsatisfied("site onboarded to Entra ID", "site not onboarded")
    );
    assert_eq!(
        after("cm.enhanced_http_or_https", |s| s.enhanced_http_or_https = Some(false)),
        unsatisfied("enhanced HTTP or HTTPS", "neither enhanced HTTP nor HTTPS")
    );
    assert_eq!(
        after("cm.mp_accepts_cmg", |s| s.mp_accepts_cmg = Some(false)),
        unsatisfied("management point accepts gateway traffic", "management point refuses gateway traffic")
    );
}

#[test]
fn own_pki_needs_a_client_that_skips_the_revocation_list() {
    let with = |line: &str| {
        after("cm.crl_reachable", |s| {
            s.client_auth = Some(ClientAuth::Pki);
            s.ccmsetup_command_line = Some(line.to_owned());
        })
    };
    assert_eq!(with("/nocrlcheck CCMHOSTNAME=gw.example.com/CCM SMSSITECODE=PS1"), satisfied());
    assert_eq!(
        with("CCMHOSTNAME=gw.example.com/CCM SMSSITECODE=PS1"),
        unknown(&["site.ccmsetup_command_line"])
    );
    assert_eq!(
        after("cm.crl_reachable", |s| s.client_auth = Some(ClientAuth::Token)),
        not_applicable("clients do not use certificates of an own PKI")
    );
    assert_eq!(after("cm.crl_reachable", |s| s.client_auth = None), unknown(&["site.client_auth"]));
}

#[test]
fn reachable_revocation_list_is_the_operators_word() {
    const RULE: &str = "cm.crl_reachable";
    let site = SiteFacts { client_auth: Some(ClientAuth::Pki), ..good_site() };
    let with = |site: &SiteFacts, attested| {
        let mut tenant = good_tenant();
        tenant.attestations.insert(RULE.to_owned(), attestation(attested));
        outcome(RULE, site, &good_policy(), &tenant)
    };
    assert_eq!(with(&site, true), satisfied());
    assert_eq!(
        with(&site, false),
        unsatisfied(
            "/NoCRLCheck, or a revocation list that the internet reaches",
            "own PKI, client installed without /NoCRLCheck; denied by erin@example.com at 2026-10-01T09:00:00Z"
        )
    );
    let unsaid = SiteFacts { ccmsetup_command_line: None, ..site };
    assert_eq!(with(&unsaid, true), satisfied());
    assert_eq!(with(&unsaid, false), unknown(&["site.ccmsetup_command_line"]));
    let entra = SiteFacts { client_auth: Some(ClientAuth::Entra), ..unsaid };
    assert_eq!(with(&entra, false), not_applicable("clients do not use certificates of an own PKI"));
}

#[test]
fn clouds_with_limits_need_the_operators_acceptance() {
    const RULE: &str = "cm.azure_cloud_limits";
    const EXPECTED: &str = "public cloud, or its limits accepted by the operator";
    let with = |cloud, version: Option<&str>, accepted: Option<bool>| {
        let mut tenant = TenantFacts { cloud: Some(cloud), ..good_tenant() };
        if let Some(accepted) = accepted {
            tenant.attestations.insert(RULE.to_owned(), attestation(accepted));
        }
        let site = SiteFacts { version: version.map(str::to_owned), ..good_site() };
        outcome(RULE, &site, &good_policy(), &tenant)
    };
    assert_eq!(with(Cloud::Public, None, None), satisfied());
    assert_eq!(with(Cloud::UsGovernment, None, None), unsatisfied(EXPECTED, "us_government"));
    assert_eq!(with(Cloud::UsGovernment, None, Some(false)), unsatisfied(EXPECTED, "us_government"));
    assert_eq!(with(Cloud::UsGovernment, None, Some(true)), satisfied());
    assert_eq!(with(Cloud::China, Some("2006"), Some(true)), satisfied());
    assert_eq!(with(Cloud::China, Some("2509"), None), unsatisfied(EXPECTED, "china"));
    assert_eq!(
        with(Cloud::China, Some("2002"), Some(true)),
        unsatisfied("site version 2006 or later in China", "2002")
    );
    assert_eq!(with(Cloud::China, None, Some(true)), unknown(&["site.version"]));
}

#[test]
fn autopilot_needs_site_2111() {
    let rule = "autopilot.site_2111";
    assert_eq!(with_version(rule, "2111"), satisfied());
    assert_eq!(with_version(rule, "5.00.9068.1000"), satisfied());
    assert_eq!(with_version(rule, "2107"), unsatisfied("site version 2111 or later", "2107"));
    assert_eq!(with_version(rule, "next"), unknown(&["site.version"]));
}

#[test]
fn autopilot_refuses_any_workload_at_pilot_intune() {
    let mut policy = good_policy();
    policy.workloads[Workload::ClientApps].slider = SliderPosition::PilotIntune;
    policy.workloads[Workload::CompliancePolicies].slider = SliderPosition::PilotIntune;
    assert_eq!(
        outcome("autopilot.no_pilot_intune", &good_site(), &policy, &good_tenant()),
        unsatisfied("no workload at pilot_intune", "compliance_policies, client_apps at pilot_intune")
    );
}

#[test]
fn autopilot_refuses_pki_client_authentication() {
    let rule = "autopilot.no_pki_client_auth";
    assert_eq!(after(rule, |s| s.client_auth = Some(ClientAuth::Token)), satisfied());
    assert_eq!(after(rule, |s| s.client_auth = Some(ClientAuth::Pki)), unsatisfied("entra or token", "pki"));
}
