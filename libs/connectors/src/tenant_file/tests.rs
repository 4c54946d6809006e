use tandem_domain::tenant::{
    Cloud, EntraPlan, HybridIdentityMethod, MdmAuthority, SubscriptionState, UserScope,
};

use super::*;

const WHOLE: &str = r#"
as_of = 2026-11-20

[tenant]
entra_plan = "p1"
intune_license_count = 500
unlicensed_admin_access = true
mdm_authority = "intune"
intune_subscription_state = "lockedOut"
mdm_user_scope = "all"
wip_user_scope = "none"
mdm_urls_default = true
default_enrollment_restriction_allows_windows = false
cloud = "us_government"
azure_subscription = true
hybrid_identity_method = "phs_sso"
entra_connect_version = "2.4.18.0"

[authority_texts]
"Microsoft Intune" = "intune"
"VMware AirWatch" = "third_party"

[attestations."lic.configmgr_rights"]
attested = true
by = "erin@example.com"
at = 2026-10-01T09:00:00Z
expires = 2027-10-01T00:00:00Z

[[sites]]
hierarchy = "PS1"
site = "PS1"
version = "2509"
entra_onboarded = true
cmg_present = false
client_auth = "token"
"#;

fn expected() -> TenantFile {
    let site = SiteCode::parse("PS1").unwrap();
    TenantFile {
        facts: TenantFacts {
            entra_plan: Some(EntraPlan::P1),
            intune_license_count: Some(500),
            unlicensed_admin_access: Some(true),
            mdm_authority: Some(MdmAuthority::Intune),
            intune_subscription_state: Some(SubscriptionState::LockedOut),
            mdm_user_scope: Some(UserScope::All),
            wip_user_scope: Some(UserScope::None),
            mdm_urls_default: Some(true),
            default_enrollment_restriction_allows_windows: Some(false),
            cloud: Some(Cloud::UsGovernment),
            azure_subscription: Some(true),
            hybrid_identity_method: Some(HybridIdentityMethod::PhsSso),
            entra_connect_version: Some("2.4.18.0".to_owned()),
            authority_texts: BTreeMap::from([
                ("Microsoft Intune".to_owned(), MdmProvider::Intune),
                ("VMware AirWatch".to_owned(), MdmProvider::ThirdParty),
            ]),
            attestations: BTreeMap::from([(
                "lic.configmgr_rights".to_owned(),
                Attestation {
                    attested: true,
                    by: "erin@example.com".to_owned(),
                    at: "2026-10-01T09:00:00Z".parse().unwrap(),
                    expires: Some("2027-10-01T00:00:00Z".parse().unwrap()),
                },
            )]),
        },
        as_of: Some(AsOf::Day("2026-11-20".parse().unwrap())),
        sites: vec![(
            HierarchyId::parse("PS1").unwrap(),
            SiteFacts {
                version: Some("2509".to_owned()),
                entra_onboarded: Some(true),
                cmg_present: Some(false),
                client_auth: Some(ClientAuth::Token),
                ..SiteFacts::unknown(site)
            },
        )],
    }
}

#[test]
fn whole_file_reads_alike_in_toml_and_json() {
    assert_eq!(from_toml(WHOLE), Ok(expected()));
    let json = r#"{
        "as_of": "2026-11-20",
        "tenant": {
            "entra_plan": "p1", "intune_license_count": 500, "unlicensed_admin_access": true,
            "mdm_authority": "intune", "intune_subscription_state": "lockedOut", "mdm_user_scope": "all",
            "wip_user_scope": "none", "mdm_urls_default": true,
            "default_enrollment_restriction_allows_windows": false, "cloud": "us_government",
            "azure_subscription": true, "hybrid_identity_method": "phs_sso", "entra_connect_version": "2.4.18.0"
        },
        "authority_texts": {"Microsoft Intune": "intune", "VMware AirWatch": "third_party"},
        "attestations": {"lic.configmgr_rights": {
            "attested": true, "by": "erin@example.com",
            "at": "2026-10-01T09:00:00Z", "expires": "2027-10-01T00:00:00Z"
        }},
        "sites": [{"hierarchy": "PS1", "site": "PS1", "version": "2509", "entra_onboarded": true,
                   "cmg_present": false, "client_auth": "token"}]
    }"#;
    assert_eq!(from_json(json), Ok(expected()));
}

#[test]
fn as_of_is_a_day_or_a_moment() {
    let as_of = |text: &str| from_toml(text).unwrap().as_of.unwrap();
    let instant: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    assert_eq!(as_of("as_of = 2026-11-20T12:00:00Z"), AsOf::Instant(instant));
    assert_eq!(as_of("as_of = 2026-11-20T13:00:00+01:00"), AsOf::Instant(instant));
    assert_eq!(as_of("as_of = 2026-11-20T12:00:00"), AsOf::Instant(instant));
    assert_eq!(as_of("as_of = \"2026-11-20\""), AsOf::Day("2026-11-20".parse().unwrap()));
    assert_eq!(as_of("as_of = 2026-11-20").instant(), "2026-11-20T23:59:59Z".parse().unwrap());
    assert_eq!(as_of("as_of = 9999-12-31").instant(), Timestamp::MAX);
}

fn only(faults: Vec<Fault>) -> Fault {
    let [only] = &faults[..] else { panic!("{faults:?}") };
    only.clone()
}

#[test]
fn wrong_key_or_value_is_refused_with_its_line() {
    let fault = |text: &str| only(from_toml(text).unwrap_err());
    assert_eq!(fault("as_of = 2026-11-20\n[tenant]\nentra_plan = \"p3\"\n").path, "3:14");
    assert_eq!(fault("[tenant]\nentra_plan = \"p1\"\nentra_plann = \"p1\"\n").path, "3:1");
    assert_eq!(fault("as_of = 2026-11-20\nas_of = \n").path, "2:9");
    assert_eq!(
        fault("\nas_of = \"soon\""),
        Fault::new("2:9", "expected a date such as 2026-11-20 or 2026-11-20T05:12:09Z; found \"soon\"")
    );
    assert_eq!(fault("as_of = { day = 1 }").reason, "expected a date; found a table");
    assert_eq!(fault("[[sites]]\nhierarchy = \"PS1\"\n").reason, "missing field `site`");
}

#[test]
fn unknown_is_said_in_every_word_and_means_nothing_said() {
    const TEXT: &str = r#"
[tenant]
entra_plan = "unknown"
mdm_authority = "unknown"
intune_subscription_state = "unknown"
mdm_user_scope = "unknown"
wip_user_scope = "unknown"
cloud = "unknown"
hybrid_identity_method = "unknown"
entra_connect_version = "unknown"

[authority_texts]
"Some MDM" = "unknown"

[[sites]]
hierarchy = "PS1"
site = "PS1"
version = "unknown"
client_auth = "unknown"
"#;
    let site = SiteFacts::unknown(SiteCode::parse("PS1").unwrap());
    let sites = vec![(HierarchyId::parse("PS1").unwrap(), site)];
    assert_eq!(from_toml(TEXT), Ok(TenantFile { facts: TenantFacts::default(), as_of: None, sites }));
}

#[test]
fn attestation_of_no_such_rule_is_refused_with_its_place() {
    const RULES: &str = "lic.configmgr_rights, cm.crl_reachable, cm.entra_user_discovery, cm.azure_cloud_limits, \
                         cm.intune_counterpart_ready, cm.resource_access_policies_removed, \
                         autopilot.single_policy_provider, autopilot.override_not_changed_later";
    let reason = |found: &str| format!("expected a rule that is attested ({RULES}); found {found:?}");
    let toml = "[attestations.\"cm.cmg_present\"]\nattested = true\nby = \"erin\"\nat = 2026-10-01\n";
    assert_eq!(from_toml(toml), Err(vec![Fault::new("1:15", reason("cm.cmg_present"))]));
    let json =
        r#"{"attestations": {"lic.configmgr_right": {"attested": true, "by": "erin", "at": "2026-10-01"}}}"#;
    assert_eq!(
        from_json(json),
        Err(vec![Fault::new("attestations.lic.configmgr_right", reason("lic.configmgr_right"))])
    );
}

#[test]
fn version_of_another_shape_is_refused_with_its_place() {
    let site = |version: &str| {
        from_toml(&format!("[[sites]]\nhierarchy = \"PS1\"\nsite = \"PS1\"\nversion = {version:?}\n"))
    };
    let reason = |found: &str| {
        format!("expected a site version such as 2509 or a build such as 5.00.9141.1000; found {found:?}")
    };
    assert_eq!(site("banana"), Err(vec![Fault::new("4:11", reason("banana"))]));
    assert_eq!(site("2513"), Err(vec![Fault::new("4:11", reason("2513"))]));
    for version in ["2609", "2509", "5.00.9141.1000"] {
        assert_eq!(site(version).unwrap().sites[0].1.version.as_deref(), Some(version));
    }
    let found = from_toml("[tenant]\nentra_connect_version = \"new\"\n");
    assert_eq!(found, Err(vec![Fault::new("2:25", "expected a version such as 2.4.18.0; found \"new\"")]));
}

#[test]
fn wrong_value_in_json_is_refused_with_its_path() {
    let found = from_json(r#"{"sites": [{"hierarchy": "PS1", "site": "PS10"}]}"#);
    let reason = "site code must be three letters or digits; found \"PS10\"";
    assert_eq!(found, Err(vec![Fault::new("sites[0].site", reason)]));
}

fn lines(faults: Vec<Fault>) -> Vec<String> {
    faults.into_iter().map(|fault| format!("{}: {}", fault.path, fault.reason)).collect()
}

#[test]
fn everything_wrong_in_toml_is_told_with_its_place() {
    const TEXT: &str = r#"
as_of = "soon"
colour = "red"

[tenant]
entra_plan = "p3"
entra_plann = "p1"
intune_license_count = "many"
cloud = 2026-11-20

[authority_texts]
"AirWatch" = "third"

[attestations."cm.cmg_present"]
attested = true
by = "erin"
at = 2026-10-01

[[sites]]
hierarchy = "-"
site = "PS10"
version = "banana"

[[sites]]
hierarchy = "PS1"

[[sites]]
hierarchy = "PS1"
site = "PS1"
cmg_present = "yes"
"#;
    let found = lines(from_toml(TEXT).unwrap_err());
    let rules: Vec<&str> = attestable_rules().map(|rule| rule.id).collect();
    let attested =
        format!("14:15: expected a rule that is attested ({}); found \"cm.cmg_present\"", rules.join(", "));
    let expected = [
        "2:9: expected a date such as 2026-11-20 or 2026-11-20T05:12:09Z; found \"soon\"",
        "3:1: unknown field `colour`, expected one of `as_of`, `tenant`, `authority_texts`, `attestations`, `sites`",
        "6:14: unknown variant `p3`, expected one of `free`, `p1`, `p2`",
        "7:1: unknown field `entra_plann`, expected one of `entra_plan`, `intune_license_count`, \
         `unlicensed_admin_access`, `mdm_authority`, `intune_subscription_state`, `mdm_user_scope`, `wip_user_scope`, \
         `mdm_urls_default`, `default_enrollment_restriction_allows_windows`, `cloud`, `azure_subscription`, \
         `hybrid_identity_method`, `entra_connect_version`, `authority_texts`, `attestations`",
        "8:24: invalid type: string \"many\", expected a whole number of 32 bits",
        "9:9: unknown variant `2026-11-20`, expected one of `public`, `us_government`, `china`",
        "12:14: unknown variant `third`, expected one of `none`, `intune`, `third_party`",
        &attested,
        "20:13: hierarchy id must be 1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or digit; found \"-\"",
        "21:8: site code must be three letters or digits; found \"PS10\"",
        "22:11: expected a site version such as 2509 or a build such as 5.00.9141.1000; found \"banana\"",
        "24:1: missing field `site`",
        "30:15: invalid type: string \"yes\", expected a boolean",
    ];
    assert_eq!(found, expected);
}

#[test]
fn everything_wrong_in_json_is_told_with_its_path_in_the_file() {
    let text = r#"{"tenant": {"entra_plan": "p3", "cloud": 7},
        "sites": [{"hierarchy": "PS1"}, {"hierarchy": "PS1", "site": "PS10"}, 7]}"#;
    let expected = [
        "sites[0]: missing field `site`",
        "sites[1].site: site code must be three letters or digits; found \"PS10\"",
        "sites[2]: invalid type: integer `7`, expected a site: an object of hierarchy, site",
        "tenant.cloud: invalid type: integer `7`, expected a string",
        "tenant.entra_plan: unknown variant `p3`, expected one of `free`, `p1`, `p2`",
    ];
    assert_eq!(lines(from_json(text).unwrap_err()), expected);
}

#[test]
fn member_that_is_there_twice_is_told_although_nothing_else_is_wrong() {
    let text = r#"{"tenant": {}, "tenant": {}}"#;
    assert_eq!(lines(from_json(text).unwrap_err()), [".: duplicate field `tenant`"]);
}
