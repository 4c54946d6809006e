//! states.md 3: every row, with path 1's findings written by hand.

use super::{third_party, unenrolled_client};
use crate::authority::strategies::{World, co_managed_client, said};
use crate::facts::DeviceFacts;
use crate::prerequisites::{Finding, Outcome, Path, Report, rule};
use crate::state::{Eligibility, EligibilityReport, eligibility};

fn unsatisfied() -> Outcome {
    Outcome::Unsatisfied { expected: "this".into(), found: "that".into() }
}

fn unknown(missing: &[&'static str]) -> Outcome {
    Outcome::Unknown { missing: missing.to_vec().into() }
}

/// Path 1 with those outcomes; every other rule that matters here is satisfied.
fn path1(outcomes: &[(&str, Outcome)]) -> Report {
    let satisfied = [
        "cm.auto_enroll_in_scope",
        "cm.client_installed",
        "cm.client_healthy",
        "cm.policy_applies_to_os",
        "entra.joined",
        "entra.not_registered_only",
        "entra.hybrid_for_domain_joined",
        "win.serviced_version",
        "win.minimum_1709",
        "win.edition",
        "win.mdm_not_blocked",
    ];
    let outcome =
        |id| outcomes.iter().find(|(given, _)| *given == id).map_or(Outcome::Satisfied, |(_, o)| o.clone());
    let findings = satisfied.into_iter().map(|id| Finding::new(rule(id).unwrap(), outcome(id))).collect();
    Report { path: Path::Path1, findings, valid_until: None }
}

fn judge(facts: &DeviceFacts, outcomes: &[(&str, Outcome)]) -> EligibilityReport {
    eligibility(facts, &World::with_site_version(None).surroundings(), &path1(outcomes))
}

#[test]
fn co_managed_device_is_comanaged_whatever_its_prerequisites() {
    let report =
        judge(&co_managed_client(), &[("win.edition", unsatisfied()), ("entra.joined", unknown(&[]))]);
    assert_eq!(report, EligibilityReport { eligibility: Eligibility::CoManaged, unverified: vec![] });
}

/// A device, what path 1 found, and the answer.
type Row<'a> = (&'a DeviceFacts, &'a [(&'a str, Outcome)], Eligibility);

#[test]
fn rows_are_tried_in_their_order() {
    let client = unenrolled_client();
    let scheduled = DeviceFacts { enrollment_scheduled: said(true), ..client.clone() };
    let no_client = DeviceFacts { client_installed: said(false), ..client.clone() };
    let coexistence = DeviceFacts { authority_text: third_party(), ..co_managed_client() };
    let enrolled_and_scheduled = DeviceFacts { mdm_enrolled: said(true), ..scheduled.clone() };
    let table: [Row<'_>; 22] = [
        (&client, &[], Eligibility::Eligible),
        (&client, &[("cm.client_installed", unknown(&["device.client_installed"]))], Eligibility::Unknown),
        (&client, &[("cm.policy_applies_to_os", unknown(&["device.os_kind"]))], Eligibility::Unknown),
        (&client, &[("win.minimum_1709", unknown(&["device.os_build"]))], Eligibility::Unknown),
        (&client, &[("entra.joined", unknown(&["device.join_type"]))], Eligibility::Unknown),
        // An unknown core rule hides later rows, but not a decided "ineligible".
        (
            &client,
            &[("entra.joined", unknown(&["device.join_type"])), ("win.minimum_1709", unsatisfied())],
            Eligibility::Unknown,
        ),
        (
            &client,
            &[("entra.joined", unknown(&["device.join_type"])), ("win.edition", unsatisfied())],
            Eligibility::Ineligible,
        ),
        (&no_client, &[("entra.joined", unknown(&["device.join_type"]))], Eligibility::Ineligible),
        (&no_client, &[("cm.client_installed", unsatisfied())], Eligibility::Ineligible),
        (&coexistence, &[], Eligibility::Ineligible),
        (&client, &[("cm.policy_applies_to_os", unsatisfied())], Eligibility::Ineligible),
        (&scheduled, &[("win.mdm_not_blocked", unsatisfied())], Eligibility::Ineligible),
        (&client, &[("win.minimum_1709", unsatisfied())], Eligibility::NeedsOsUpdate),
        (
            &client,
            &[("win.serviced_version", unsatisfied()), ("entra.joined", unsatisfied())],
            Eligibility::NeedsOsUpdate,
        ),
        (&client, &[("entra.joined", unsatisfied())], Eligibility::EligibleButNotAzureAdJoined),
        (&client, &[("entra.not_registered_only", unsatisfied())], Eligibility::EligibleButNotAzureAdJoined),
        (
            &scheduled,
            &[("entra.hybrid_for_domain_joined", unsatisfied())],
            Eligibility::EligibleButNotAzureAdJoined,
        ),
        (&scheduled, &[], Eligibility::ScheduledForEnrollment),
        (&enrolled_and_scheduled, &[], Eligibility::Eligible),
        // The scope and mere warnings do not count.
        (&client, &[("cm.auto_enroll_in_scope", unsatisfied())], Eligibility::Eligible),
        (&client, &[("cm.client_healthy", unsatisfied())], Eligibility::Eligible),
        (&scheduled, &[("cm.auto_enroll_in_scope", unsatisfied())], Eligibility::ScheduledForEnrollment),
    ];
    for (facts, outcomes, expected) in table {
        assert_eq!(judge(facts, outcomes).eligibility, expected, "{outcomes:?}");
    }
}

#[test]
fn eligible_device_names_the_facts_that_blocking_rules_miss() {
    let outcomes = [
        ("win.mdm_not_blocked", unknown(&["device.mdm_blocked_by_policy"])),
        ("win.serviced_version", unknown(&["device.os_edition"])),
        ("win.edition", unknown(&["device.os_edition"])),
        // A warning, and no part of eligibility.
        ("cm.client_healthy", unknown(&["device.client_health_flags"])),
        ("cm.auto_enroll_in_scope", unknown(&["site.auto_enroll_mode"])),
    ];
    assert_eq!(
        judge(&unenrolled_client(), &outcomes),
        EligibilityReport {
            eligibility: Eligibility::Eligible,
            unverified: vec!["device.mdm_blocked_by_policy", "device.os_edition"],
        }
    );
}

#[test]
fn scheduled_device_is_not_counted_as_unverified() {
    let scheduled = DeviceFacts { enrollment_scheduled: said(true), ..unenrolled_client() };
    let outcomes = [("win.mdm_not_blocked", unknown(&["device.mdm_blocked_by_policy"]))];
    assert_eq!(
        judge(&scheduled, &outcomes),
        EligibilityReport { eligibility: Eligibility::ScheduledForEnrollment, unverified: vec![] }
    );
}

#[test]
fn words_are_the_vendors_and_unknown_becomes_ineligible_in_its_shape() {
    assert_eq!(
        Eligibility::ALL.map(|eligibility| (eligibility.id(), eligibility.graph_name())),
        [
            ("comanaged", "comanaged"),
            ("eligible", "eligible"),
            ("eligibleButNotAzureAdJoined", "eligibleButNotAzureAdJoined"),
            ("needsOsUpdate", "needsOsUpdate"),
            ("ineligible", "ineligible"),
            ("scheduledForEnrollment", "scheduledForEnrollment"),
            ("unknown", "ineligible"),
        ]
    );
}
