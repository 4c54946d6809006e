//! Plans followed to their end, and what stops them.

use super::*;

/// Readings that change as the work goes on.
struct Readings {
    desired: Option<CoManagementPolicy>,
    configured: Option<CoManagementPolicy>,
    sites: Vec<SiteFacts>,
    devices: Option<DeviceCounts>,
    tenant: PlanFacts,
    keys_saved: Option<bool>,
}

impl Readings {
    fn of(configured: CoManagementPolicy, version: &str, devices: DeviceCounts) -> Self {
        Self {
            desired: Some(configured.clone()),
            configured: Some(configured),
            sites: vec![site(Some(version))],
            devices: Some(devices),
            tenant: prepared(),
            keys_saved: Some(true),
        }
    }

    fn seen(&self) -> Observations<'_> {
        Observations {
            desired: self.desired.as_ref(),
            configured: self.configured.as_ref(),
            sites: &self.sites,
            devices: self.devices.as_ref(),
            tenant: &self.tenant,
            keys_saved: self.keys_saved,
        }
    }

    fn devices(&mut self) -> &mut DeviceCounts {
        self.devices.as_mut().unwrap()
    }

    /// The state, the step whose turn it is, and how it stands.
    fn stands(
        &self,
        plan: &DecommissionPlan,
    ) -> (DecommissionState, Option<&'static str>, Option<StepState>) {
        let standing = observe(plan, &self.seen());
        let turn = standing.steps.iter().position(|step| *step != StepState::Done);
        let state = turn.map(|turn| standing.steps[turn].clone());
        (standing.state, turn.map(|turn| plan.steps[turn].kind.id()), state)
    }
}

fn progress(done: u64, of: u64) -> Option<StepState> {
    Some(StepState::InProgress(Some(Progress { done, of })))
}

fn blocked(precondition: Precondition, check: Check) -> Option<StepState> {
    Some(StepState::Blocked(vec![Block::Precondition { precondition, check }]))
}

const ONE_THING: Option<StepState> = Some(StepState::InProgress(None));

#[test]
fn workload_is_followed_from_its_policy_to_the_last_report() {
    let configured = policy(AutoEnrollment::All, &[(WindowsUpdatePolicies, Intune, None)]);
    let mut seen =
        Readings::of(configured.clone(), "2509", DeviceCounts { devices: 10, ..Default::default() });
    let plan = decommission(Scope::Workload(WindowsUpdatePolicies), Some(&configured), &seen.sites);
    seen.devices().at_intune[WindowsUpdatePolicies] = 9;
    seen.devices().unreported[WindowsUpdatePolicies] = 1;
    assert_eq!(seen.stands(&plan), (DecommissionState::Pending, Some("adopt_policy"), ONE_THING));
    let back = policy(AutoEnrollment::All, &[]);
    seen.desired = Some(back.clone());
    let setting = Some("turn_software_updates_on");
    assert_eq!(seen.stands(&plan), (DecommissionState::InProgress, setting, progress(0, 1)));
    seen.sites[0].client_setting_software_updates = Some(true);
    assert_eq!(seen.stands(&plan), (DecommissionState::InProgress, Some("return_slider"), ONE_THING));
    seen.configured = Some(back);
    let poll = Some("devices_return");
    assert_eq!(seen.stands(&plan), (DecommissionState::InProgress, poll, progress(0, 10)));
    seen.devices().at_intune[WindowsUpdatePolicies] = 0;
    assert_eq!(seen.stands(&plan), (DecommissionState::InProgress, poll, progress(9, 10)));
    seen.devices().unreported[WindowsUpdatePolicies] = 0;
    assert_eq!(seen.stands(&plan), (DecommissionState::Done, None, None));
    // Somebody moves the slider again: the plan is no longer done.
    seen.configured = Some(configured);
    assert_eq!(seen.stands(&plan), (DecommissionState::InProgress, Some("return_slider"), ONE_THING));
}

#[test]
fn devices_are_followed_out_of_intune() {
    let configured = policy(AutoEnrollment::Pilot, &[(ClientApps, Intune, None)]);
    let counts = DeviceCounts {
        devices: 3,
        in_intune: 3,
        staying: 3,
        members: 1,
        membership_unknown: 1,
        entra_joined: 1,
        ..DeviceCounts::default()
    };
    let mut seen = Readings::of(configured.clone(), "2509", counts);
    seen.keys_saved = None;
    let plan = decommission(named(&["d-1", "d-2", "d-3"]), Some(&configured), &seen.sites);
    let leave = Some("leave_collections");
    assert_eq!(seen.stands(&plan), (DecommissionState::Pending, leave, progress(1, 3)));
    *seen.devices() = DeviceCounts { members: 0, membership_unknown: 0, ..counts };
    let missing = "whether recovery keys and credentials of local administrators are saved";
    let keys = blocked(Precondition::KeysSaved, Check::Unknown { missing });
    assert_eq!(seen.stands(&plan), (DecommissionState::Blocked, Some("retire"), keys));
    seen.keys_saved = Some(true);
    assert_eq!(seen.stands(&plan), (DecommissionState::InProgress, Some("retire"), progress(0, 3)));
    seen.devices().staying = 1;
    assert_eq!(seen.stands(&plan), (DecommissionState::InProgress, Some("retire"), progress(2, 3)));
    seen.devices().failed = 1;
    let failed = Some(StepState::Blocked(vec![Block::RetireFailed { devices: 1 }]));
    assert_eq!(seen.stands(&plan), (DecommissionState::Blocked, Some("retire"), failed));
    (seen.devices().failed, seen.devices().staying) = (0, 0);
    assert_eq!(seen.stands(&plan), (DecommissionState::InProgress, Some("devices_leave"), progress(0, 3)));
    // The keys were needed before the retire alone.
    seen.keys_saved = Some(false);
    seen.devices().in_intune = 0;
    assert_eq!(seen.stands(&plan), (DecommissionState::InProgress, Some("confirm_out"), progress(0, 3)));
    seen.devices().out = 3;
    assert_eq!(seen.stands(&plan), (DecommissionState::Done, None, None));
}

#[test]
fn device_is_not_taken_out_where_everyone_is_enrolled_again() {
    let configured = policy(AutoEnrollment::All, &[]);
    let seen = Readings::of(
        configured.clone(),
        "2509",
        DeviceCounts { devices: 1, members: 1, ..Default::default() },
    );
    let plan = decommission(named(&["d-1"]), Some(&configured), &seen.sites);
    let all = Check::NotMet {
        expected: "automatic enrolment at none or pilot: at all, a device that left is enrolled again",
        found: "all".to_owned(),
    };
    let state = blocked(Precondition::EnrollmentExcludes, all);
    assert_eq!(seen.stands(&plan), (DecommissionState::Blocked, Some("leave_collections"), state));
}

#[test]
fn resource_access_does_not_come_back_from_2403_on() {
    let configured = policy(AutoEnrollment::All, &[(ResourceAccessPolicies, Intune, None)]);
    let scope = Scope::Workload(ResourceAccessPolicies);
    let of = |version: Option<&str>| {
        let mut seen = Readings::of(configured.clone(), "2309", DeviceCounts::default());
        seen.sites[0].version = version.map(str::to_owned);
        let plan = decommission(scope.clone(), Some(&configured), &seen.sites);
        seen.stands(&plan).2
    };
    let fixed = Check::NotMet {
        expected: "sites older than 2403, where the slider is not fixed at intune",
        found: "2509".to_owned(),
    };
    let unknown = Check::Unknown { missing: "the versions of the hierarchy's sites" };
    assert_eq!(of(Some("2509")), blocked(Precondition::ResourceAccessMovable, fixed));
    assert_eq!(of(None), blocked(Precondition::ResourceAccessMovable, unknown));
    assert_eq!(of(Some("2309")), ONE_THING);
}

#[test]
fn what_has_to_hold_is_checked_and_silence_meets_nothing() {
    let configured = policy(AutoEnrollment::Pilot, &[(DeviceConfiguration, PilotIntune, Some("PS100042"))]);
    let good = Readings::of(configured, "2509", DeviceCounts { devices: 1, ..Default::default() });
    let silent = Readings {
        desired: None,
        configured: None,
        sites: Vec::new(),
        devices: None,
        tenant: PlanFacts::default(),
        keys_saved: None,
    };
    let bad = Readings {
        tenant: PlanFacts {
            deployed_at_configuration_manager: PerWorkload::from_fn(|_| Some(false)),
            conditional_access: Some(true),
            autopatch: Some(true),
            autopilot_override: Some(true),
            ..PlanFacts::default()
        },
        keys_saved: Some(false),
        ..Readings::of(
            policy(AutoEnrollment::All, &[]),
            "2509",
            DeviceCounts { join_unknown: 1, ..Default::default() },
        )
    };
    let deployed = Precondition::SitePoliciesDeployed { workloads: vec![ClientApps, CompliancePolicies] };
    let found = |precondition: &Precondition, readings: &Readings| match precondition.check(&readings.seen())
    {
        Check::Met => "met".to_owned(),
        Check::NotMet { found, .. } => found,
        Check::Unknown { .. } => "unknown".to_owned(),
    };
    let table = [
        // precondition, found in good and in bad readings
        (Precondition::PolicyKnown, "met", "met"),
        (deployed, "met", "none for client_apps, compliance_policies"),
        (Precondition::AccessDoesNotAskIntune, "met", "Conditional Access asks for it"),
        (Precondition::AutopatchLetGo, "met", "Windows Autopatch has them"),
        (Precondition::NoOverride, "met", "a settings policy with it"),
        (Precondition::EnrollmentExcludes, "met", "all"),
        (Precondition::KeysSaved, "met", "they are not saved"),
        (Precondition::CarrierReturned, "pilot_intune", "met"),
        (Precondition::ResourceAccessMovable, "2509", "2509"),
    ];
    for (precondition, in_good, in_bad) in table {
        let all = [&good, &bad, &silent].map(|readings| found(&precondition, readings));
        assert_eq!(all, [in_good, in_bad, "unknown"], "{}", precondition.id());
    }
}

#[test]
fn devices_answer_for_the_override_before_the_operator_does() {
    let configured = policy(AutoEnrollment::All, &[]);
    let of = |word, overridden, override_unknown| {
        let counts = DeviceCounts { devices: 9, overridden, override_unknown, ..Default::default() };
        let mut seen = Readings::of(configured.clone(), "2509", counts);
        seen.tenant.autopilot_override = word;
        Precondition::NoOverride.check(&seen.seen())
    };
    let expected = "no override, which holds devices at Intune whatever the sliders say";
    let two = Check::NotMet { expected, found: "2 devices with it".to_owned() };
    assert_eq!([of(Some(false), 2, 0), of(None, 2, 3)], [two.clone(), two]);
    assert_eq!([of(Some(false), 0, 9), of(None, 0, 0)], [Check::Met, Check::Met]);
    assert!(matches!(of(None, 0, 1), Check::Unknown { .. }));
}

#[test]
fn hierarchy_is_followed_to_its_end() {
    let settings = [(CompliancePolicies, Intune, None), (ResourceAccessPolicies, Intune, None)];
    let configured = policy(AutoEnrollment::All, &settings);
    let counts = DeviceCounts { devices: 5, in_intune: 4, staying: 4, out: 1, ..DeviceCounts::default() };
    let mut seen = Readings::of(configured.clone(), "2509", counts);
    let plan = decommission(Scope::Hierarchy, Some(&configured), &seen.sites);
    seen.devices().at_intune[CompliancePolicies] = 4;
    assert_eq!(seen.stands(&plan), (DecommissionState::InProgress, Some("adopt_policy"), ONE_THING));
    let back = policy(AutoEnrollment::None, &[(ResourceAccessPolicies, Intune, None)]);
    seen.desired = Some(back.clone());
    assert_eq!(seen.stands(&plan).1, Some("stop_auto_enrollment"));
    seen.configured = Some(CoManagementPolicy { workloads: configured.workloads, ..back.clone() });
    assert_eq!(seen.stands(&plan).1, Some("return_slider"));
    seen.configured = Some(back);
    assert_eq!(seen.stands(&plan), (DecommissionState::InProgress, Some("devices_return"), progress(1, 5)));
    seen.devices().at_intune[CompliancePolicies] = 0;
    assert_eq!(seen.stands(&plan), (DecommissionState::InProgress, Some("retire"), progress(1, 5)));
    *seen.devices() = DeviceCounts { devices: 5, out: 5, ..DeviceCounts::default() };
    assert_eq!(seen.stands(&plan), (DecommissionState::Done, None, None));
}
