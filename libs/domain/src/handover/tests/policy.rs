//! Console steps, first policies, warnings and checks, by hand.

use super::*;
use crate::citation::tests::assert_exists;
use crate::workload::SliderPosition::{ConfigurationManager, Intune, PilotIntune};
use crate::workload::Workload::*;

const PROPERTIES: &str =
    "Administration > Cloud Services > Cloud Attach > the co-management object > Properties";

fn step(tab: &str, action: ConsoleAction) -> ConsoleStep {
    ConsoleStep { path: format!("{PROPERTIES} > {tab}"), action }
}

fn confirm() -> ConsoleStep {
    ConsoleStep { path: PROPERTIES.to_owned(), action: ConsoleAction::Confirm }
}

fn actions(handover: Handover) -> Vec<ConsoleAction> {
    handover.console.into_iter().map(|step| step.action).collect()
}

#[test]
fn hierarchy_that_is_as_desired_gets_no_work() {
    let desired = with(policy(), ClientApps, at(PilotIntune, Some("PS100042")));
    let nothing = Handover {
        console: Vec::new(),
        creation: Creation::NotNeeded,
        memberships: Vec::new(),
        warnings: Vec::new(),
        checks: Vec::new(),
    };
    assert_eq!(current(Some(&desired), &desired, &[]), nothing);
    // A change without members is none.
    assert_eq!(current(Some(&desired), &desired, &[change("PS100042", vec![], vec![])]), nothing);
}

#[test]
fn pilot_is_handed_over_whole() {
    let configured = with(policy(), OfficeClickToRunApps, at(Intune, None));
    let mut desired = with(policy(), CompliancePolicies, at(PilotIntune, Some("PS100042")));
    desired.auto_enrollment = Some(AutoEnrollment::Pilot);
    desired.auto_enrollment_collection = Some(collection("PS100040"));
    let changes = [change("PS100042", vec![member(16_777_219, "PC-1")], vec![])];
    let done = current(Some(&configured), &desired, &changes);
    let expected = Handover {
        console: vec![
            step(
                "Enablement",
                ConsoleAction::SetAutoEnrollment {
                    from: Some(AutoEnrollment::None),
                    to: AutoEnrollment::Pilot,
                },
            ),
            step(
                "Enablement",
                ConsoleAction::SetAutoEnrollmentCollection { from: None, to: collection("PS100040") },
            ),
            step(
                "Workloads",
                ConsoleAction::SetSlider {
                    workload: CompliancePolicies,
                    from: Some(ConfigurationManager),
                    to: PilotIntune,
                },
            ),
            step(
                "Workloads",
                ConsoleAction::SetSlider {
                    workload: OfficeClickToRunApps,
                    from: Some(Intune),
                    to: ConfigurationManager,
                },
            ),
            step(
                "Staging",
                ConsoleAction::SetStagingCollection {
                    workload: CompliancePolicies,
                    from: None,
                    to: collection("PS100042"),
                },
            ),
            confirm(),
        ],
        creation: Creation::NotNeeded,
        memberships: vec![work_on(Some("2509"), changes[0].clone())],
        warnings: vec![
            Warning::ResourceAccessFixed,
            Warning::IntunePolicyFirst { workloads: vec![CompliancePolicies] },
            Warning::InstalledStays { workloads: vec![OfficeClickToRunApps] },
            Warning::StagingContainmentUnknown {
                staging: collection("PS100042"),
                auto_enrollment: Some(collection("PS100040")),
            },
            Warning::LimitingCollectionDecides { collection: collection("PS100042") },
            Warning::EvaluationDelay,
            Warning::ClientPolicyPoll,
        ],
        checks: checks().iter().collect(),
    };
    assert_eq!(done, expected);
}

#[test]
fn instructions_name_what_is_there_now() {
    let texts: Vec<String> = [
        ConsoleAction::Enable,
        ConsoleAction::SetAutoEnrollment { from: None, to: AutoEnrollment::Pilot },
        ConsoleAction::SetAutoEnrollmentCollection { from: None, to: collection("PS100040") },
        ConsoleAction::SetSlider { workload: ClientApps, from: Some(ConfigurationManager), to: PilotIntune },
        ConsoleAction::SetStagingCollection {
            workload: ClientApps,
            from: Some(collection("PS100041")),
            to: collection("PS100042"),
        },
        ConsoleAction::Confirm,
    ]
    .iter()
    .map(ConsoleAction::instruction)
    .collect();
    let expected = [
        "set up co-management; since 2111 the wizard moves no workload",
        "set automatic enrolment to pilot",
        "choose PS100040 as the Intune Auto Enrollment collection",
        "set Client apps to Pilot Intune (now Configuration Manager)",
        "choose PS100042 as the pilot collection of Client apps (now PS100041)",
        "confirm with OK",
    ];
    assert_eq!(texts, expected);
}

#[test]
fn console_node_has_its_older_name_until_2103() {
    let desired = with(policy(), ClientApps, at(Intune, None));
    for (version, node) in [
        (Some("2103"), "Co-management"),
        (Some("2107"), "Cloud Attach"),
        (None, "Cloud Attach (2103 and older: Co-management)"),
    ] {
        let done = handover(Some(&policy()), &desired, &[], Some(&site(version))).unwrap();
        let expected = format!(
            "Administration > Cloud Services > {node} > the co-management object > Properties > Workloads"
        );
        assert_eq!(done.console[0].path, expected);
    }
}

#[test]
fn slider_of_resource_access_is_left_alone_where_it_is_gone() {
    let desired = with(policy(), ResourceAccessPolicies, at(Intune, None));
    let done = |version, configured: &CoManagementPolicy, desired: &CoManagementPolicy| {
        handover(Some(configured), desired, &[], Some(&site(version))).unwrap()
    };
    assert!(done(Some("2403"), &policy(), &desired).is_empty());
    assert!(done(Some("2403"), &desired, &policy()).is_empty());
    assert_eq!(done(Some("2309"), &policy(), &desired).console.len(), 2);
    let back = done(None, &desired, &policy());
    assert_eq!(warning_ids(&back), ["resource_access_may_be_fixed", "client_policy_poll"]);
}

#[test]
fn intune_policies_come_first_for_what_device_configuration_carries() {
    let desired = with(policy(), DeviceConfiguration, at(Intune, None));
    let done = handover(Some(&policy()), &desired, &[], Some(&site(Some("2309")))).unwrap();
    let workloads = vec![ResourceAccessPolicies, EndpointProtection, DeviceConfiguration];
    assert_eq!(done.warnings, [Warning::IntunePolicyFirst { workloads }, Warning::ClientPolicyPoll]);
}

#[test]
fn staging_collection_that_is_the_enrolment_collection_is_contained() {
    let mut desired = with(policy(), ClientApps, at(PilotIntune, Some("PS100040")));
    desired.auto_enrollment = Some(AutoEnrollment::Pilot);
    desired.auto_enrollment_collection = Some(collection("PS100040"));
    let done = current(Some(&policy()), &desired, &[]);
    assert!(!warning_ids(&done).contains(&"staging_containment_unknown"));
    desired.auto_enrollment = Some(AutoEnrollment::All);
    desired.auto_enrollment_collection = None;
    let done = current(Some(&policy()), &desired, &[]);
    assert!(!warning_ids(&done).contains(&"staging_containment_unknown"));
}

#[test]
fn first_policy_of_whole_sliders_is_created_by_script() {
    let absent = CoManagementPolicy { enabled: Some(false), ..CoManagementPolicy::default() };
    let mut desired = with(policy(), CompliancePolicies, at(Intune, Some("PS100042")));
    desired.auto_enrollment = Some(AutoEnrollment::All);
    let done = current(Some(&absent), &desired, &[]);
    let Creation::Script { text } = &done.creation else { panic!("expected a script, found {done:?}") };
    let expected = "\
$policy = @{
    CoManagementPolicyName = 'CoMgmtSettingsProd'
    AutoEnroll = $true
    CAWorkloadEnabled = $true
    WufbWorkloadEnabled = $false
    RAWorkloadEnabled = $true
    EPWorkloadEnabled = $false
    DCWorkloadEnabled = $false
    O365WorkloadEnabled = $false
    ClientAppsWorkloadEnabled = $false
}
New-CMCoManagementPolicy @policy -WhatIf:$WhatIfPreference
if ($PSCmdlet.ShouldProcess('All Systems', 'Deploy CoMgmtSettingsProd')) {
    New-CMConfigurationPolicyDeployment -CoManagementPolicyName 'CoMgmtSettingsProd' `
        -CollectionName 'All Systems' -DisableWildcardHandling
}
";
    assert!(text.ends_with(expected), "{text}");
    // The cmdlet cannot choose staging collections: those stay for the console.
    let staged = ConsoleAction::SetStagingCollection {
        workload: CompliancePolicies,
        from: None,
        to: collection("PS100042"),
    };
    assert_eq!(warning_ids(&done), ["resource_access_fixed", "intune_policy_first", "client_policy_poll"]);
    let policy_checks = [
        "one_policy_changed_by_us",
        "policy_deployed",
        "client_took_policy",
        "workload_moved",
        "nobody_else_moved",
    ];
    assert_eq!(check_ids(&done), policy_checks);
    assert_eq!(actions(done), [staged, ConsoleAction::Confirm]);
}

#[test]
fn first_policy_that_the_cmdlet_cannot_express_is_left_to_the_console() {
    let absent = CoManagementPolicy { enabled: Some(false), ..CoManagementPolicy::default() };
    let mut desired = with(policy(), ClientApps, at(PilotIntune, Some("PS100042")));
    desired = with(desired, DeviceConfiguration, at(Intune, None));
    desired.auto_enrollment = Some(AutoEnrollment::Pilot);
    desired.auto_enrollment_collection = Some(collection("PS100040"));
    let obstacles = vec![
        CreationObstacle::AutoEnrollmentPilot,
        CreationObstacle::BundleBroken { workload: EndpointProtection },
        CreationObstacle::Pilot { workload: ClientApps },
    ];
    let done = current(Some(&absent), &desired, &[]);
    assert_eq!(done.creation, Creation::ConsoleOnly { obstacles });
    assert_eq!(
        done.console[0],
        ConsoleStep {
            path: "Administration > Cloud Services > Cloud Attach".to_owned(),
            action: ConsoleAction::Enable
        }
    );
    desired.auto_enrollment = None;
    let desired = with(desired, ClientApps, at(Intune, None));
    let desired = with(desired, EndpointProtection, at(Intune, None));
    let old = handover(Some(&absent), &desired, &[], Some(&site(Some("1810")))).unwrap();
    let obstacles = vec![
        CreationObstacle::SiteTooOld { found: "1810".to_owned() },
        CreationObstacle::AutoEnrollmentNotSaid,
        CreationObstacle::BundleBroken { workload: ResourceAccessPolicies },
    ];
    assert_eq!(old.creation, Creation::ConsoleOnly { obstacles });
}

#[test]
fn hierarchy_of_which_nobody_spoke_gets_every_position_and_the_warning() {
    let unsaid = CoManagementPolicy::default();
    for configured in [None, Some(&unsaid)] {
        let done = current(configured, &policy(), &[]);
        assert!(matches!(done.creation, Creation::Script { .. }));
        assert_eq!(done.warnings[0], Warning::PolicyPresenceUnknown);
        let sliders = actions(done);
        let set: Vec<Workload> = sliders
            .iter()
            .filter_map(|action| match action {
                ConsoleAction::SetSlider { workload, from: None, to: ConfigurationManager } => {
                    Some(*workload)
                }
                _ => None,
            })
            .collect();
        let all = Workload::ALL.into_iter().filter(|workload| *workload != ResourceAccessPolicies);
        assert_eq!(set, all.collect::<Vec<_>>());
    }
}

#[test]
fn turning_co_management_off_is_not_documented() {
    let off = CoManagementPolicy { enabled: Some(false), ..with(policy(), ClientApps, at(Intune, None)) };
    let done = current(Some(&policy()), &off, &[]);
    assert!(done.is_empty());
    assert_eq!(done.warnings, [Warning::TurningOffNotDocumented]);
    assert_eq!(current(Some(&off), &off, &[]).warnings, []);
}

#[test]
fn desired_policy_that_the_console_could_not_hold_is_refused() {
    let desired = with(policy(), ClientApps, at(PilotIntune, None));
    let error = handover(Some(&policy()), &desired, &[], None).unwrap_err();
    assert_eq!(error, HandoverError::Policy(InvalidPolicy::PilotWithoutCollection { workload: ClientApps }));
}

#[test]
fn every_warning_cites_the_fact_pack_and_reads_as_a_sentence() {
    let some = collection("PS100042");
    let all = [
        Warning::PolicyPresenceUnknown,
        Warning::TurningOffNotDocumented,
        Warning::ResourceAccessFixed,
        Warning::ResourceAccessMayBeFixed,
        Warning::IntunePolicyFirst { workloads: vec![ClientApps] },
        Warning::InstalledStays { workloads: vec![WindowsUpdatePolicies, OfficeClickToRunApps] },
        Warning::StagingContainmentUnknown { staging: some.clone(), auto_enrollment: None },
        Warning::CollectionNotInPolicy { collection: some.clone() },
        Warning::SiteTooOldForCmdlets { found: "2103".to_owned() },
        Warning::SiteVersionUnknown,
        Warning::LimitingCollectionDecides { collection: some.clone() },
        Warning::OtherRulesKeepMembers { collection: some },
        Warning::EvaluationDelay,
        Warning::ClientPolicyPoll,
    ];
    all.iter().map(Warning::source).for_each(assert_exists);
    assert_eq!(
        all[5].to_string(),
        "versions that Intune installed stay when these workloads go back: windows_update_policies, \
         office_click_to_run_apps"
    );
    assert!(
        all[6].to_string().starts_with("the Intune Auto Enrollment collection (not known) has to contain")
    );
}

#[test]
fn checks_are_those_of_the_table() {
    let ids: Vec<&str> = checks().iter().map(|check| check.id).collect();
    let expected = [
        "one_policy_changed_by_us",
        "policy_deployed",
        "member_changed",
        "client_took_policy",
        "workload_moved",
        "nobody_else_moved",
    ];
    assert_eq!(ids, expected);
    let member_changed = Check {
        id: "member_changed",
        claim: "the member is added or removed",
        after: CheckAfter::Membership,
        at_site: "SMS_FullCollectionMembership (IsDirect may be null); SMS_Collection: LastMemberChangeTime \
                  newer than the change, CurrentStatus 1",
        at_client_or_cloud: None,
    };
    assert_eq!(checks()[2], member_changed);
}
