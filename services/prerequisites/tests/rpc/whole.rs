//! The whole view, of a device and of the fleet.

use tandem_contracts::convert::time;
use tandem_contracts::prerequisites::v1::{
    BatchCheckDevicesRequest, Benefit, BenefitReach, BenefitSummary, CheckDeviceRequest, CheckTenantRequest,
    ConcernCount, ConcernKind, Evidence, Journey, Mend, Path, SummarizeFleetRequest, View,
};
use tandem_contracts::r#type::v1::ManagementState;

use crate::fixture::{TENANT, at, name_of};
use crate::sandbox::{client, invalid, refused};

#[tokio::test]
async fn device_is_told_its_way_with_what_is_missing_and_by_whom_it_is_mended() {
    let request = CheckDeviceRequest {
        name: name_of("d-outdated"),
        paths: vec![Path::Path1.into()],
        problems_only: true,
        view: View::Whole.into(),
        ..CheckDeviceRequest::default()
    };
    let check = client().await.check_device(request).await.unwrap().into_inner().check.unwrap();

    let Journey { state, path, gateway_needed, note, steps, .. } = check.journey.unwrap();
    assert_eq!((state, path), (ManagementState::ClientOnly.into(), Path::Path1.into()));
    assert_eq!(gateway_needed, Some(false));
    assert_eq!(note, "co-management itself is no way to manage remotely connected systems");
    let steps: Vec<_> = steps
        .iter()
        .map(|step| (&*step.phase, &*step.owner, &*step.rule, step.to_find_out.is_empty()))
        .collect();
    assert_eq!(
        steps,
        [
            ("licensing", "licensing", "lic.entra_premium", true),
            ("directory", "entra_id", "entra.hybrid_identity_method", false),
            ("intune", "intune", "intune.set_up", false),
            ("intune", "intune", "intune.mdm_authority", false),
            ("intune", "intune", "intune.automatic_enrollment_path1", false),
            ("intune", "intune", "intune.default_enrollment_restriction", false),
            ("site", "configuration_manager", "cm.client_setting_register_entra", true),
            ("site", "configuration_manager", "cm.resource_access_policies_removed", false),
            ("windows", "windows", "win.serviced_version", true),
            ("join", "entra_id", "entra.joined", true),
            ("join", "entra_id", "entra.not_registered_only", true),
            ("enrollment", "", "", true),
        ]
    );

    let reaches: Vec<_> = check.benefits.iter().map(|of| (of.benefit(), of.reach())).collect();
    assert_eq!(
        reaches,
        [
            (Benefit::ConditionalAccess, BenefitReach::Locked),
            (Benefit::RemoteActions, BenefitReach::Locked),
            (Benefit::ClientHealth, BenefitReach::OneStepAway),
            (Benefit::EntraLink, BenefitReach::Locked),
            (Benefit::Autopilot, BenefitReach::Locked),
            (Benefit::EndpointAnalytics, BenefitReach::Locked),
            (Benefit::Autopatch, BenefitReach::Locked),
        ]
    );

    let [concern] = &check.concerns[..] else { panic!("{:?}", check.concerns) };
    assert_eq!(
        (concern.kind(), &*concern.seen),
        (ConcernKind::RegisteredOnly, "join type azureADRegistered")
    );
    assert_eq!(concern.r#where[0].key, "PS1/16777301");

    let joined = check.paths[0].findings.iter().find(|finding| finding.rule == "entra.joined").unwrap();
    let evidence = Evidence {
        fact: "device.join_type".into(),
        value: "azureADRegistered".into(),
        source: "configmgr/PS1".into(),
        observed_at: Some(time::to_proto(at("2026-11-20T04:00:00Z"))),
        maximum_age: None,
    };
    assert_eq!(joined.evidence, [evidence]);
}

#[tokio::test]
async fn basic_view_says_none_of_it() {
    let request = CheckDeviceRequest { name: name_of("d-outdated"), ..CheckDeviceRequest::default() };
    let check = client().await.check_device(request).await.unwrap().into_inner().check.unwrap();
    assert_eq!((check.journey, check.benefits.len(), check.concerns.len()), (None, 0, 0));
    assert!(check.paths.iter().flat_map(|path| &path.findings).all(|finding| finding.evidence.is_empty()));
}

#[tokio::test]
async fn view_that_is_unknown_is_refused() {
    let request =
        CheckDeviceRequest { name: name_of("d-outdated"), view: 9, ..CheckDeviceRequest::default() };
    assert_eq!(
        refused(client().await.check_device(request).await),
        invalid("view", "must be a value of the enumeration; found the unknown number 9")
    );
}

#[tokio::test]
async fn whole_view_is_of_a_hundred_devices_at_most() {
    let request = |count: usize| BatchCheckDevicesRequest {
        parent: TENANT.into(),
        names: vec![name_of("d-eligible"); count],
        view: View::Whole.into(),
        ..BatchCheckDevicesRequest::default()
    };
    let answer = client().await.batch_check_devices(request(100)).await.unwrap().into_inner();
    assert_eq!((answer.checks.len(), answer.checks[99].benefits.len()), (100, 7));
    assert_eq!(
        refused(client().await.batch_check_devices(request(101)).await),
        invalid("names", "must have at most 100 entries in the whole view; found 101")
    );
}

#[tokio::test]
async fn tenants_evidence_is_its_operators() {
    let request = CheckTenantRequest {
        name: TENANT.into(),
        paths: vec![Path::Path1.into()],
        view: View::Whole.into(),
        ..CheckTenantRequest::default()
    };
    let answer = client().await.check_tenant(request).await.unwrap().into_inner();
    let plan = answer.paths[0].findings.iter().find(|finding| finding.rule == "lic.entra_premium").unwrap();
    let evidence = Evidence {
        fact: "tenant.entra_plan".into(),
        value: "free".into(),
        source: "operator".into(),
        ..Evidence::default()
    };
    assert_eq!(plan.evidence, [evidence]);
}

fn mend(rule: &str, remediation: &str, [stops, alone, mended]: [u64; 3]) -> Mend {
    Mend { rule: rule.into(), remediation: remediation.into(), stops, alone, mended }
}

#[tokio::test]
async fn fleet_is_told_what_to_mend_first_and_what_is_one_step_away() {
    let request = SummarizeFleetRequest {
        parent: TENANT.into(),
        view: View::Whole.into(),
        ..SummarizeFleetRequest::default()
    };
    let answer = client().await.summarize_fleet(request).await.unwrap().into_inner();
    // One device is stopped, by three rules together.
    assert_eq!(
        answer.mends,
        [
            mend(
                "entra.joined",
                "join the device to Entra ID, or make the domain-joined device hybrid joined",
                [1, 0, 0]
            ),
            mend(
                "entra.not_registered_only",
                "remove the workplace registration and join the device",
                [1, 0, 0]
            ),
            mend(
                "win.serviced_version",
                "update Windows; Extended Security Updates keep a Windows 10 22H2 patched but do not make it supported \
                 again",
                [1, 0, 1]
            ),
        ]
    );
    let benefit = |benefit: Benefit, one_step_away: u64, locked: u64| BenefitSummary {
        benefit: benefit.into(),
        one_step_away,
        locked,
        ..BenefitSummary::default()
    };
    assert_eq!(
        answer.benefits,
        [
            benefit(Benefit::ConditionalAccess, 0, 4),
            benefit(Benefit::RemoteActions, 0, 4),
            benefit(Benefit::ClientHealth, 4, 0),
            benefit(Benefit::EntraLink, 3, 1),
            benefit(Benefit::Autopilot, 0, 4),
            benefit(Benefit::EndpointAnalytics, 0, 4),
            benefit(Benefit::Autopatch, 0, 4),
        ]
    );
    assert_eq!(answer.concerns, [ConcernCount { kind: ConcernKind::RegisteredOnly.into(), devices: 1 }]);
    assert_eq!((answer.enrollment_errors.len(), answer.other_enrollment_errors), (0, 0));
}
