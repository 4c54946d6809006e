//! Every word of the contract, and what becomes of a rule, a finding and a report.

use tandem_domain::enrollment::lookup;
use tandem_domain::prerequisites::{DeviceRule, SiteRule, TenantRule, catalogue, rule as rule_of};

use super::*;

/// The values of an enumeration of the contract, without the unspecified one.
fn words<E: TryFrom<i32>>() -> Vec<E> {
    (1..).map_while(|number| E::try_from(number).ok()).collect()
}

fn finding_with(id: &str, outcome: Outcome) -> Finding {
    Finding::new(rule_of(id).unwrap(), outcome)
}

#[test]
fn path_has_a_word_of_its_own_both_ways() {
    assert_eq!(path_asked(v1::Path::Unspecified), None);
    assert_eq!(words::<v1::Path>().len(), Path::ALL.len());
    for of in Path::ALL {
        assert_eq!(path_asked(path(of)), Some(of));
        assert_eq!(path(of).as_str_name(), format!("PATH_{}", of.id().to_uppercase()));
    }
}

#[test]
fn scope_has_a_word_of_its_own_both_ways() {
    assert_eq!(scope_asked(v1::Scope::Unspecified), None);
    for word in words::<v1::Scope>() {
        let of = scope_asked(word).unwrap();
        assert_eq!(scope(of), word);
        assert_eq!(word.as_str_name(), format!("SCOPE_{}", of.id().to_uppercase()));
    }
}

#[test]
fn severity_has_the_word_of_the_fact_pack() {
    for of in [Severity::Blocking, Severity::Warning] {
        assert_eq!(severity(of).as_str_name(), format!("SEVERITY_{}", of.id().to_uppercase()));
    }
    assert_eq!(words::<v1::Severity>().len(), 2);
}

#[test]
fn verdict_has_the_word_of_the_assessment() {
    for of in Verdict::ALL {
        assert_eq!(verdict(of).as_str_name(), format!("VERDICT_{}", of.id().to_uppercase()));
    }
    assert_eq!(words::<v1::Verdict>().len(), Verdict::ALL.len());
}

#[test]
fn eligibility_has_the_word_of_the_assessment() {
    let bare = |text: &str| text.replace('_', "").to_lowercase();
    for of in Eligibility::ALL {
        let word = eligibility(of).as_str_name().strip_prefix("ELIGIBILITY_").unwrap();
        assert_eq!(bare(word), bare(of.id()));
    }
    assert_eq!(words::<v1::Eligibility>().len(), Eligibility::ALL.len());
}

#[test]
fn outcome_carries_the_texts_that_it_calls_for_and_no_others() {
    let base = v1::Finding {
        rule: "entra.joined".into(),
        severity: v1::Severity::Blocking.into(),
        version: "2026-11-22".into(),
        ..v1::Finding::default()
    };
    let cases = [
        (Outcome::Satisfied, v1::Finding { outcome: v1::Outcome::Satisfied.into(), ..base.clone() }),
        (
            Outcome::Unsatisfied { expected: "hybridAzureADJoined".into(), found: "none".into() },
            v1::Finding {
                outcome: v1::Outcome::Unsatisfied.into(),
                expected: "hybridAzureADJoined".into(),
                found: "none".into(),
                remediation: "join the device to Entra ID, or make the domain-joined device hybrid joined"
                    .into(),
                ..base.clone()
            },
        ),
        (
            Outcome::Unknown { missing: vec!["device.ad_joined", "device.join_type"].into() },
            v1::Finding {
                outcome: v1::Outcome::Unknown.into(),
                missing_facts: vec!["device.ad_joined".into(), "device.join_type".into()],
                ..base.clone()
            },
        ),
        (
            Outcome::NotApplicable { why: "the device has no MDM".into() },
            v1::Finding {
                outcome: v1::Outcome::NotApplicable.into(),
                why: "the device has no MDM".into(),
                ..base
            },
        ),
    ];
    assert_eq!(words::<v1::Outcome>().len(), cases.len());
    for (outcome, expected) in cases {
        assert_eq!(finding(&finding_with("entra.joined", outcome)), expected);
    }
}

#[test]
fn report_lists_findings_by_rule_id_and_leaves_out_what_is_no_problem() {
    let judged = Report {
        path: Path::Path1,
        findings: vec![
            finding_with("win.edition", Outcome::Unknown { missing: vec!["device.os_edition"].into() }),
            finding_with("entra.joined", Outcome::Satisfied),
            finding_with(
                "cm.update_client_setting_off",
                Outcome::NotApplicable { why: "not with Intune".into() },
            ),
            finding_with(
                "cm.client_installed",
                Outcome::Unsatisfied { expected: "client".into(), found: "no client".into() },
            ),
        ],
        valid_until: Some("2027-10-13T00:00:00Z".parse().unwrap()),
    };
    let ids = |report: &v1::PathReport| report.findings.iter().map(|f| f.rule.clone()).collect::<Vec<_>>();
    let (whole, problems) = (report(&judged, false), report(&judged, true));
    assert_eq!(
        ids(&whole),
        ["cm.client_installed", "cm.update_client_setting_off", "entra.joined", "win.edition"]
    );
    assert_eq!(ids(&problems), ["cm.client_installed", "win.edition"]);
    for message in [whole, problems] {
        assert_eq!(message.path(), v1::Path::Path1);
        assert_eq!(message.verdict(), v1::Verdict::Blocked);
        // 2027-10-13T00:00:00Z.
        assert_eq!(message.valid_until.unwrap().seconds, 1_823_385_600);
    }
}

#[test]
fn coexistence_that_does_not_apply_has_that_verdict() {
    let why = || Outcome::NotApplicable { why: "the device's MDM is Intune".into() };
    let findings = DeviceRule::on(Path::Coexistence).iter().map(|rule| Finding::new(rule.rule(), why()));
    let judged = Report { path: Path::Coexistence, findings: findings.collect(), valid_until: None };
    assert_eq!(
        report(&judged, true),
        v1::PathReport {
            path: v1::Path::Coexistence.into(),
            verdict: v1::Verdict::NotApplicable.into(),
            findings: vec![],
            valid_until: None,
        }
    );
}

#[test]
fn rule_is_written_whole() {
    assert_eq!(
        rule(rule_of("lic.configmgr_rights").unwrap()),
        v1::Rule {
            rule: "lic.configmgr_rights".into(),
            area: "licensing".into(),
            scope: v1::Scope::Tenant.into(),
            paths: [v1::Path::Path1, v1::Path::Path2, v1::Path::Autopilot, v1::Path::Coexistence]
                .map(Into::into)
                .to_vec(),
            severity: v1::Severity::Warning.into(),
            condition: "active Software Assurance or an equivalent subscription covers Configuration Manager current \
                        branch"
                .into(),
            facts: vec!["attestation".into()],
            remediation: "check the agreement; not decidable from technical data".into(),
            source: "mirror intune/configmgr/core/understand/product-and-licensing-faq.md".into(),
            attestation: true,
            evaluated: true,
            version: "2026-11-22".into(),
        }
    );
}

#[test]
fn rule_is_called_evaluated_exactly_where_it_has_an_evaluator() {
    for of in catalogue() {
        let evaluated = TenantRule::from_id(of.id).is_some()
            || SiteRule::from_id(of.id).is_some()
            || DeviceRule::from_id(of.id).is_some();
        assert_eq!(rule(of).evaluated, evaluated, "{}", of.id);
    }
}

#[test]
fn enrollment_error_without_a_symbol_has_an_empty_one() {
    let named = enrollment_error(lookup(0x8018_0018).unwrap());
    assert_eq!(
        named,
        v1::EnrollmentError {
            code: 2_149_056_536,
            hex: "0x80180018".into(),
            symbol: "MENROLL_E_USERLICENSE".into(),
            meaning: "the user's licence state blocks enrolment".into(),
            error_class: "license".into(),
            remediation: "assign an Intune licence to the user".into(),
            retryable: "no".into(),
        }
    );
    assert_eq!(enrollment_error(lookup(0xCAA1_0001).unwrap()).symbol, "");
}
