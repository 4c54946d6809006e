//! Devices, one by one and in batches.

use tandem_contracts::convert::time;
use tandem_contracts::prerequisites::v1::{
    BatchCheckDevicesRequest, CheckDeviceRequest, CheckDeviceResponse, DeviceCheck, Eligibility, Finding,
    Outcome, Path, PathReport, Severity, Verdict,
};
use tonic::Code;

use crate::fakes::{inventory_token, world_token};
use crate::fixture::{REVISION, TENANT, at, name_of};
use crate::sandbox::{Client, client, invalid, not_found, refusal, refused};
use tandem_server::consistency::Service;

use Severity::{Blocking, Warning};

fn outcome(rule: &str, severity: Severity, outcome: Outcome) -> Finding {
    Finding {
        rule: rule.into(),
        severity: severity.into(),
        outcome: outcome.into(),
        // The day of the catalogue.
        version: "2026-11-22".into(),
        ..Finding::default()
    }
}

pub(crate) fn satisfied(rule: &str, severity: Severity) -> Finding {
    outcome(rule, severity, Outcome::Satisfied)
}

pub(crate) fn unknown(rule: &str, severity: Severity, missing: &[&str]) -> Finding {
    let missing_facts = missing.iter().map(ToString::to_string).collect();
    Finding { missing_facts, ..outcome(rule, severity, Outcome::Unknown) }
}

pub(crate) fn not_applicable(rule: &str, severity: Severity, why: &str) -> Finding {
    Finding { why: why.into(), ..outcome(rule, severity, Outcome::NotApplicable) }
}

/// A blocking rule that does not hold: expected, found, what mends it.
pub(crate) fn unsatisfied(rule: &str, [expected, found, remediation]: [&str; 3]) -> Finding {
    Finding {
        expected: expected.into(),
        found: found.into(),
        remediation: remediation.into(),
        ..outcome(rule, Blocking, Outcome::Unsatisfied)
    }
}

async fn checked(client: &mut Client, id: &str, paths: &[Path], problems_only: bool) -> CheckDeviceResponse {
    let request = CheckDeviceRequest {
        name: name_of(id),
        paths: paths.iter().map(|path| (*path).into()).collect(),
        problems_only,
        consistency_token: world_token(),
        ..CheckDeviceRequest::default()
    };
    client.check_device(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn device_without_problems_is_ready_on_path1_with_every_finding() {
    let not_with_intune = "windows_update_policies is not with Intune on this device";
    let path1 = PathReport {
        path: Path::Path1.into(),
        verdict: Verdict::Ready.into(),
        findings: vec![
            satisfied("cm.auto_enroll_in_scope", Blocking),
            satisfied("cm.client_healthy", Warning),
            satisfied("cm.client_installed", Blocking),
            satisfied("cm.policy_applies_to_os", Blocking),
            not_applicable("cm.update_client_setting_off", Warning, not_with_intune),
            satisfied("entra.hybrid_for_domain_joined", Blocking),
            satisfied("entra.joined", Blocking),
            satisfied("entra.not_registered_only", Blocking),
            not_applicable(
                "lic.autopilot_reset_needs_intune",
                Warning,
                "the device is not registered with Autopilot",
            ),
            satisfied("win.device_token_1803", Warning),
            satisfied("win.edition", Blocking),
            satisfied("win.mdm_not_blocked", Blocking),
            satisfied("win.minimum_1709", Blocking),
            satisfied("win.push_service_present", Warning),
            satisfied("win.serviced_version", Blocking),
            satisfied("win.site_supports_windows_version", Warning),
        ],
        // Health flags 7 are fresh for 30 days; Windows 11 25H2 is serviced until 2028.
        valid_until: Some(time::to_proto(at("2026-12-19T12:00:00.000000001Z"))),
    };
    let expected = CheckDeviceResponse {
        check: Some(DeviceCheck {
            device: name_of("d-eligible"),
            device_revision: 32,
            eligibility: Eligibility::Eligible.into(),
            unverified_facts: Vec::new(),
            paths: vec![path1],
            ..DeviceCheck::default()
        }),
        consistency_token: world_token(),
    };
    assert_eq!(checked(&mut client().await, "d-eligible", &[Path::Path1], false).await, expected);
}

#[tokio::test]
async fn outdated_registered_device_is_told_its_problems_on_the_default_paths() {
    let health =
        unknown("cm.client_healthy", Warning, &["device.client_health_flags", "device.client_health_sync"]);
    let joined = unsatisfied(
        "entra.joined",
        [
            "azureADJoined or hybridAzureADJoined",
            "azureADRegistered",
            "join the device to Entra ID, or make the domain-joined device hybrid joined",
        ],
    );
    let registered = unsatisfied(
        "entra.not_registered_only",
        [
            "not azureADRegistered",
            "azureADRegistered",
            "remove the workplace registration and join the device",
        ],
    );
    let serviced = unsatisfied(
        "win.serviced_version",
        [
            "a Windows version in servicing",
            "Windows 10 22H2, servicing ended on 2025-10-14, Extended Security Updates until 2028-10-10",
            "update Windows; Extended Security Updates keep a Windows 10 22H2 patched but do not make it supported again",
        ],
    );
    let certificate = unknown("cm.cmg_certificate_trusted", Blocking, &["device.trusts_cmg_certificate"]);
    let until = Some(time::to_proto(at("2028-10-11T00:00:00Z")));
    let blocked = |path: Path, findings: &[&Finding]| PathReport {
        path: path.into(),
        verdict: Verdict::Blocked.into(),
        findings: findings.iter().map(|finding| (*finding).clone()).collect(),
        valid_until: until,
    };
    let expected = DeviceCheck {
        device: name_of("d-outdated"),
        device_revision: 33,
        eligibility: Eligibility::NeedsOsUpdate.into(),
        unverified_facts: Vec::new(),
        paths: vec![
            blocked(Path::Path1, &[&health, &joined, &registered, &serviced]),
            blocked(Path::Path2, &[&health, &certificate, &joined, &registered, &serviced]),
            PathReport {
                path: Path::Coexistence.into(),
                verdict: Verdict::NotApplicable.into(),
                findings: Vec::new(),
                valid_until: None,
            },
        ],
        ..DeviceCheck::default()
    };
    assert_eq!(checked(&mut client().await, "d-outdated", &[], true).await.check, Some(expected));
}

#[tokio::test]
async fn personal_device_beside_a_third_party_mdm_is_blocked_in_coexistence() {
    let expected = DeviceCheck {
        device: name_of("d-coexisting"),
        device_revision: 31,
        eligibility: Eligibility::Ineligible.into(),
        unverified_facts: Vec::new(),
        paths: vec![PathReport {
            path: Path::Coexistence.into(),
            verdict: Verdict::Blocked.into(),
            findings: vec![
                satisfied("cm.client_installed", Blocking),
                unsatisfied(
                    "coex.company_owned",
                    ["not personal", "personal", "personally owned devices are not supported"],
                ),
                satisfied("coex.third_party_detected", Warning),
                satisfied("entra.joined", Blocking),
                satisfied("win.minimum_1709", Blocking),
            ],
            valid_until: None,
        }],
        ..DeviceCheck::default()
    };
    assert_eq!(
        checked(&mut client().await, "d-coexisting", &[Path::Coexistence], false).await.check,
        Some(expected)
    );
}

#[tokio::test]
async fn batch_keeps_the_order_asked_for_and_lists_missing_names_apart() {
    let request = BatchCheckDevicesRequest {
        parent: TENANT.into(),
        names: ["d-unverified", "d-gone", "d-eligible"].map(name_of).to_vec(),
        paths: vec![Path::Path1.into()],
        problems_only: true,
        consistency_token: String::new(),
        ..BatchCheckDevicesRequest::default()
    };
    let answer = client().await.batch_check_devices(request).await.unwrap().into_inner();
    assert_eq!(answer.not_found, [name_of("d-gone")]);
    assert_eq!(answer.consistency_token, world_token());
    let until = Some(time::to_proto(at("2026-12-19T12:00:00.000000001Z")));
    let path1 = |verdict: Verdict, findings| PathReport {
        path: Path::Path1.into(),
        verdict: verdict.into(),
        findings,
        valid_until: until,
    };
    let unverified = DeviceCheck {
        device: name_of("d-unverified"),
        device_revision: 34,
        eligibility: Eligibility::Eligible.into(),
        // The scope of automatic enrolment is no part of eligibility, and the site's support is a warning.
        unverified_facts: vec!["device.mdm_blocked_by_policy".into()],
        paths: vec![path1(
            Verdict::Unknown,
            vec![
                unknown("cm.auto_enroll_in_scope", Blocking, &["site.auto_enroll_mode"]),
                unknown("win.mdm_not_blocked", Blocking, &["device.mdm_blocked_by_policy"]),
                unknown("win.site_supports_windows_version", Warning, &["site.version"]),
            ],
        )],
        ..DeviceCheck::default()
    };
    let eligible = DeviceCheck {
        device: name_of("d-eligible"),
        device_revision: 32,
        eligibility: Eligibility::Eligible.into(),
        unverified_facts: Vec::new(),
        paths: vec![path1(Verdict::Ready, Vec::new())],
        ..DeviceCheck::default()
    };
    assert_eq!(answer.checks, [unverified, eligible]);
}

fn device_request(name: &str) -> CheckDeviceRequest {
    CheckDeviceRequest { name: name.into(), ..CheckDeviceRequest::default() }
}

#[tokio::test]
async fn device_or_tenant_that_is_not_there_is_named() {
    let mut client = client().await;
    for (name, resource_type, missing) in [
        (name_of("d-gone"), "tandem.inventory.v1.Device", name_of("d-gone")),
        ("tenants/fabrikam/devices/d-1".into(), "tandem.inventory.v1.Tenant", "tenants/fabrikam".into()),
    ] {
        assert_eq!(
            refused(client.check_device(device_request(&name)).await),
            not_found(resource_type, &missing)
        );
    }
    let batch =
        BatchCheckDevicesRequest { parent: "tenants/fabrikam".into(), ..BatchCheckDevicesRequest::default() };
    assert_eq!(
        refused(client.batch_check_devices(batch).await),
        not_found("tandem.inventory.v1.Tenant", "tenants/fabrikam")
    );
}

#[tokio::test]
async fn request_that_breaks_its_shape_is_refused_with_the_field() {
    let mut client = client().await;
    assert_eq!(
        refused(client.check_device(device_request("d-eligible")).await),
        invalid("name", "expected `tenants/{t}/devices/{d}`, found `d-eligible`")
    );
    let batch = BatchCheckDevicesRequest {
        parent: TENANT.into(),
        names: vec![name_of("d-eligible"), "tenants/fabrikam/devices/d-1".into()],
        ..BatchCheckDevicesRequest::default()
    };
    assert_eq!(
        refused(client.batch_check_devices(batch).await),
        invalid("names[1]", "must be a device of tenants/contoso; found one of tenants/fabrikam")
    );
    let damaged =
        CheckDeviceRequest { consistency_token: "x".into(), ..device_request(&name_of("d-eligible")) };
    assert_eq!(
        refused(client.check_device(damaged).await),
        refusal(
            Code::InvalidArgument,
            "INVALID_CONSISTENCY_TOKEN",
            Some("consistency_token: the consistency token is damaged")
        )
    );
}

#[tokio::test]
async fn answer_older_than_the_token_is_refused() {
    let later = inventory_token().with(Service::Inventory, 7, REVISION + 1).to_string();
    let request = CheckDeviceRequest { consistency_token: later, ..device_request(&name_of("d-eligible")) };
    assert_eq!(
        refused(client().await.check_device(request).await),
        refusal(Code::Unavailable, "NOT_YET_CONSISTENT", None)
    );
}

#[tokio::test]
async fn token_of_both_services_is_kept_in_the_answer() {
    let request =
        CheckDeviceRequest { consistency_token: world_token(), ..device_request(&name_of("d-eligible")) };
    let answer = client().await.check_device(request).await.unwrap().into_inner();
    assert_eq!(answer.consistency_token, world_token());
}
