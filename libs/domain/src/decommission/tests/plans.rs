//! The steps, preconditions and leavings of each way out.

use std::collections::BTreeSet as Set;

use super::*;
use crate::citation::tests::assert_exists;

/// `actor step`, with the workload of a slider.
fn lines(plan: &DecommissionPlan) -> Vec<String> {
    let line = |step: &Step| {
        let head = format!("{} {}", step.kind.actor().id(), step.kind.id());
        match &step.kind {
            StepKind::ReturnSlider { workload } => format!("{head} {workload}"),
            _ => head,
        }
    };
    plan.steps.iter().map(line).collect()
}

fn before(plan: &DecommissionPlan) -> Vec<&'static str> {
    plan.before.iter().map(Precondition::id).collect()
}

fn left(plan: &DecommissionPlan) -> Vec<&'static str> {
    plan.left_behind.iter().map(|left| left.id()).collect()
}

#[test]
fn hierarchy_gives_back_every_slider_then_lets_its_devices_go() {
    let configured = policy(AutoEnrollment::All, &[(ClientApps, Intune, None)]);
    let plan = decommission(Scope::Hierarchy, Some(&configured), [&site(Some("2509"))]);
    let expected = [
        "tandem adopt_policy",
        "person stop_auto_enrollment",
        "person return_slider device_configuration",
        "person return_slider endpoint_protection",
        "person return_slider windows_update_policies",
        "person return_slider client_apps",
        "person return_slider office_click_to_run_apps",
        "person return_slider compliance_policies",
        "device devices_return",
        "person retire",
        "device devices_leave",
        "tandem confirm_out",
    ];
    assert_eq!(lines(&plan), expected);
    assert_eq!(before(&plan), ["policy_known", "site_policies_deployed"]);
    let with_own = plan.steps.iter().filter(|step| !step.before.is_empty());
    let own: Vec<_> = with_own.map(|step| (step.kind.id(), step.before.clone())).collect();
    assert_eq!(own, [("retire", vec![Precondition::KeysSaved])]);
    let stays = [
        "installed_versions",
        "client",
        "apps_of_intune",
        "directory_record",
        "resource_access_unmanaged",
        "co_management_object",
    ];
    assert_eq!(left(&plan), stays);
}

#[test]
fn hierarchy_of_which_nobody_spoke_is_prepared_for_everything() {
    let plan = decommission(Scope::Hierarchy, None, [&site(None)]);
    let expected = [
        "policy_known",
        "resource_access_movable",
        "site_policies_deployed",
        "access_does_not_ask_intune",
        "autopatch_let_go",
    ];
    assert_eq!(before(&plan), expected);
    assert!(lines(&plan).contains(&"person turn_software_updates_on".to_owned()));
    assert!(lines(&plan).contains(&"person return_slider resource_access_policies".to_owned()));
    assert!(!left(&plan).contains(&"resource_access_unmanaged"));
}

#[test]
fn workload_goes_back_by_policy_slider_and_poll() {
    let moved = |workload| policy(AutoEnrollment::All, &[(workload, Intune, None)]);
    let plan =
        |workload| decommission(Scope::Workload(workload), Some(&moved(workload)), [&site(Some("2309"))]);
    let steps = |workload: Workload| {
        vec![
            "tandem adopt_policy".to_owned(),
            format!("person return_slider {workload}"),
            "device devices_return".to_owned(),
        ]
    };
    let table: [(Workload, &[&str], &[&str]); 7] = [
        (CompliancePolicies, &["access_does_not_ask_intune"], &["check_in_shown_as_1900"]),
        (WindowsUpdatePolicies, &["autopatch_let_go"], &["installed_versions"]),
        (ResourceAccessPolicies, &[], &[]),
        (EndpointProtection, &[], &["settings_of_intune"]),
        (DeviceConfiguration, &["autopatch_let_go"], &["settings_of_intune"]),
        (OfficeClickToRunApps, &["autopatch_let_go"], &["installed_versions"]),
        (ClientApps, &[], &["scripts_of_intune"]),
    ];
    for (workload, consumers, stays) in table {
        let first: &[&str] = match workload {
            ResourceAccessPolicies => &["policy_known", "resource_access_movable", "carrier_returned"],
            EndpointProtection => &["policy_known", "carrier_returned"],
            _ => &["policy_known"],
        };
        let expected = [first, &["site_policies_deployed"], consumers, &["no_override"]].concat();
        assert_eq!(before(&plan(workload)), expected, "{workload}");
        let mut steps = steps(workload);
        if workload == WindowsUpdatePolicies {
            steps.insert(1, "person turn_software_updates_on".to_owned());
        }
        assert_eq!(lines(&plan(workload)), steps);
        assert_eq!(left(&plan(workload)), stays, "{workload}");
    }
}

#[test]
fn devices_leave_the_collections_that_would_bring_them_back() {
    let settings =
        [(ClientApps, PilotIntune, Some("PS100042")), (CompliancePolicies, Intune, Some("PS100041"))];
    let of = |mode| {
        let configured = policy(mode, &settings);
        decommission(named(&["d-1", "d-2"]), Some(&configured), [&site(Some("2309"))])
    };
    let leave = |ids: &[&str]| StepKind::LeaveCollections {
        collections: ids.iter().map(|id| collection(id)).collect(),
    };
    let plan = of(AutoEnrollment::Pilot);
    let expected =
        ["person leave_collections", "person retire", "device devices_leave", "tandem confirm_out"];
    assert_eq!(lines(&plan), expected);
    assert_eq!(plan.steps[0].kind, leave(&["PS100040", "PS100042"]));
    assert_eq!(of(AutoEnrollment::All).steps[0].kind, leave(&["PS100042"]));
    let all = [
        Precondition::PolicyKnown,
        Precondition::EnrollmentExcludes,
        Precondition::SitePoliciesDeployed { workloads: vec![ClientApps, CompliancePolicies] },
        Precondition::AccessDoesNotAskIntune,
    ];
    assert_eq!(plan.before, all);
    assert_eq!(left(&plan), ["installed_versions", "client", "apps_of_intune", "directory_record"]);
}

#[test]
fn everything_that_a_plan_says_is_in_the_fact_pack() {
    let known = policy(AutoEnrollment::All, &[]);
    let scopes = [Scope::Hierarchy, named(&["d-1"])].into_iter().chain(Workload::ALL.map(Scope::Workload));
    for scope in scopes {
        for configured in [None, Some(&known)] {
            let plan = decommission(scope.clone(), configured, [&site(None)]);
            let own = plan.steps.iter().flat_map(|step| &step.before);
            plan.before.iter().chain(own).map(Precondition::source).for_each(assert_exists);
            plan.steps.iter().map(|step| step.kind.source()).for_each(assert_exists);
            assert!(plan.steps.iter().all(|step| !step.kind.instruction().is_empty()));
        }
    }
    LeftBehind::ALL.iter().map(|left| left.source()).for_each(assert_exists);
    let words: Set<_> = LeftBehind::ALL.iter().map(|left| (left.id(), left.text())).collect();
    assert_eq!(words.len(), LeftBehind::ALL.len());
}

#[test]
fn instructions_name_what_they_are_about() {
    let collections = ["PS100040", "PS100042"].map(collection).into();
    let texts = [
        StepKind::AdoptPolicy { workloads: vec![ClientApps, CompliancePolicies], stops_enrollment: true },
        StepKind::ReturnSlider { workload: ClientApps },
        StepKind::LeaveCollections { collections },
        StepKind::LeaveCollections { collections: Set::new() },
    ]
    .map(|kind| kind.instruction());
    let expected = [
        "adopt a policy that has at Configuration Manager and enrols nobody automatically: Client apps, \
         Compliance policies",
        "set the slider of Client apps to Configuration Manager",
        "take the devices out of automatic enrolment and of every pilot: PS100040, PS100042",
        "take the devices out of automatic enrolment and of every pilot: none",
    ];
    assert_eq!(texts, expected);
}
