//! An invented fleet for the tests of this folder: figures that add up, and a few devices with hostile names.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tandem_domain::workload::Workload;

use super::model::*;

pub(crate) fn as_of() -> Timestamp {
    "2026-11-20T23:59:59Z".parse().expect("a time")
}

fn counts(pairs: &[(&'static str, u64)]) -> Counts {
    pairs.iter().map(|(word, devices)| (Word::Borrowed(*word), *devices)).collect()
}

/// 444 devices of three sites.
pub(crate) fn head() -> AssessmentHead {
    AssessmentHead {
        schema: SCHEMA.into(),
        as_of: as_of(),
        inputs: inputs(),
        totals: totals(),
        tenant: Tenant {
            prerequisites: [
                ("path1".into(), report("ready", Vec::new(), &["lic.configmgr_rights"])),
                ("path2".into(), report("ready", Vec::new(), &["lic.configmgr_rights"])),
            ]
            .into(),
        },
        hierarchies: vec!["EU1".to_owned(), "LB1".to_owned(), "PS1".to_owned()],
        sites: sites(),
        identity_conflicts: vec![
            IdentityConflict {
                kind: "serial_number".into(),
                value: "5CG1234ABC".into(),
                holder: "tenants/default/devices/0b7c".into(),
                holder_name: Some("OSL-LT-0417".into()),
                claimant: Claimant {
                    source: "configmgr/PS1".into(),
                    key: "PS1/16777301".into(),
                    device: Some("tenants/default/devices/4c1e".into()),
                    name: Some("BGO-DT-0031".into()),
                },
            },
            IdentityConflict {
                kind: "sms_client_id".into(),
                value: "GUID:6F1D2C44-0000-4B1E-9D55-3A1C5E0F7B21".into(),
                holder: "tenants/default/devices/91aa".into(),
                holder_name: None,
                claimant: Claimant {
                    source: "configmgr/EU1".into(),
                    key: "EU1/16777219".into(),
                    device: None,
                    name: None,
                },
            },
        ],
    }
}

fn inputs() -> Inputs {
    let file = |file: &str, kind: &'static str, records, refused| InputFile {
        file: file.to_owned(),
        kind: kind.into(),
        records,
        refused,
    };
    Inputs {
        files: vec![
            file("configmgr-PS1/SMS_R_System-001.json", "adminservice.discovery", 250, 0),
            file(
                "configmgr-PS1/SMS_Client_ComanagementState-001.json",
                "adminservice.co_management_state",
                240,
                0,
            ),
            file("intune/beta-001.json", "graph.managed_devices", 199, 1),
            file("policy-PS1.toml", "tandem.co_management_policy", 1, 0),
            file("tenant.toml", "tandem.tenant_facts", 1, 0),
        ],
        refused: vec![RefusedInput {
            file: "intune/beta-001.json".to_owned(),
            place: "value[3].id".to_owned(),
            reason: "missing field `id`".to_owned(),
        }],
        unused: vec![UnusedFile {
            file: "summary.json".to_owned(),
            kind: "graph.comanaged_devices_summary".into(),
        }],
        skipped_records: SkippedRecords { obsolete: 5, decommissioned: 2, unknown_computer: 1 },
        warnings: vec![RefusedInput {
            file: "configmgr-PS1/SMS_R_System-001.json".to_owned(),
            place: "value[7].Build".to_owned(),
            reason: "expected a build such as 10.0.26100, found `10.x`".to_owned(),
        }],
    }
}

fn totals() -> Totals {
    Totals {
        devices: 444,
        states: counts(&[
            ("client_only", 34),
            ("co_managed", 201),
            ("coexistence", 12),
            ("enrolled_not_provisioned", 6),
            ("enrolling", 6),
            ("failed", 15),
            ("joined_client", 86),
            ("mdm_only", 33),
            ("mdm_plus_client", 21),
            ("pending_sign_in", 6),
            ("scheduled", 6),
            ("unknown", 8),
            ("unmanaged", 10),
        ]),
        co_managed: CoManagedCounts { query: 201, prose: 207, cloud: 214 },
        eligibility: counts(&[
            ("comanaged", 201),
            ("eligible", 99),
            ("eligibleButNotAzureAdJoined", 17),
            ("ineligible", 68),
            ("needsOsUpdate", 30),
            ("scheduledForEnrollment", 10),
            ("unknown", 19),
        ]),
        eligible_unverified: 99,
        os_groups: counts(&[
            ("windows_10_1709_and_later", 378),
            ("windows_10_lower_than_1709", 5),
            ("windows_7_and_8", 5),
        ]),
        os_versions: counts(&[
            ("Windows 10 1607", 2),
            ("Windows 10 1703", 3),
            ("Windows 10 22H2", 14),
            ("Windows 11 23H2", 13),
            ("Windows 11 24H2", 47),
            ("Windows 11 25H2", 285),
            ("Windows 11 26H2", 5),
        ]),
        funnel: Funnel {
            exclusive: StageCounts { eligible: 53, scheduled: 6, enrollment_initiated: 27, enrolled: 228 },
            cumulative: StageCounts {
                eligible: 314,
                scheduled: 261,
                enrollment_initiated: 255,
                enrolled: 228,
            },
        },
        enrollment_status: counts(&[
            ("enrolling_hybrid_joined", 10),
            ("failure_hybrid_joined", 10),
            ("failure_joined", 3),
            ("failure_other", 2),
            ("pending_user_sign_in", 6),
            ("success_hybrid_joined", 221),
            ("success_joined", 5),
        ]),
        enrollment_errors: enrollment_errors(),
        workload_transition: Workload::ALL
            .into_iter()
            .zip([66, 153, 169, 40, 12, 153, 27])
            .map(|(workload, effective)| {
                (workload.id().into(), WorkloadTransition { effective, reported: effective - 2 })
            })
            .collect(),
        authority: authority(),
        authority_reasons: authority_reasons(),
        drift: counts(&[
            ("client_apps", 5),
            ("compliance_policies", 12),
            ("device_configuration", 3),
            ("endpoint_protection", 5),
            ("office_click_to_run_apps", 14),
            ("resource_access_policies", 2),
            ("windows_update_policies", 14),
        ]),
        blockers: blockers(),
        identity_conflicts: 2,
    }
}

fn enrollment_errors() -> Vec<EnrollmentErrorCount> {
    vec![
        EnrollmentErrorCount {
            code: "0x80180018".to_owned(),
            decimal: 2_149_056_536,
            symbol: Some("MENROLL_E_USERLICENSE".into()),
            class: Some("license".into()),
            meaning: Some("the user has no licence, or it is not valid".into()),
            remediation: Some("assign a licence that includes Intune".into()),
            devices: 8,
        },
        EnrollmentErrorCount {
            code: "0x8FEE1234".to_owned(),
            decimal: 2_414_744_116,
            symbol: None,
            class: None,
            meaning: None,
            remediation: None,
            devices: 2,
        },
    ]
}

/// Configuration Manager, Intune, third-party MDM, none and unknown, per workload in the order of the fact pack.
const AUTHORITY: [[u64; 5]; 7] = [
    [300, 99, 12, 10, 23],
    [213, 186, 12, 10, 23],
    [198, 202, 12, 10, 22],
    [326, 73, 12, 10, 23],
    [354, 45, 12, 10, 23],
    [213, 186, 12, 10, 23],
    [300, 60, 12, 10, 62],
];

fn authority() -> BTreeMap<Word, Counts> {
    let words = ["configuration_manager", "intune", "third_party_mdm", "none", "unknown"];
    Workload::ALL
        .into_iter()
        .zip(AUTHORITY)
        .map(|(workload, row)| (workload.id().into(), words.into_iter().map(Word::from).zip(row).collect()))
        .collect()
}

fn authority_reasons() -> BTreeMap<Word, Counts> {
    let reasons = counts(&[
        ("not_enrolled", 147),
        ("pilot_not_member", 126),
        ("pilot_member", 66),
        ("mdm_only", 33),
        ("slider_configuration_manager", 27),
        ("client_unknown", 23),
        ("coexistence", 12),
        ("unmanaged", 10),
    ]);
    Workload::ALL.into_iter().map(|workload| (workload.id().into(), reasons.clone())).collect()
}

fn blockers() -> Vec<Blocker> {
    let row = |rule: &'static str,
               severity: &'static str,
               path: &'static str,
               devices,
               remediation: &'static str| Blocker {
        rule: rule.into(),
        scope: "device".into(),
        severity: severity.into(),
        path: path.into(),
        devices,
        remediation: remediation.into(),
    };
    let update = "update Windows; Extended Security Updates keep a Windows 10 22H2 patched but do not make it supported again";
    let setting = "deploy a custom client setting to the moved devices; mandatory for Autopatch";
    let join = "join the device to Entra ID, or make the domain-joined device hybrid joined";
    vec![
        row("cm.update_client_setting_off", "warning", "path1", 153, setting),
        row("cm.client_installed", "blocking", "path1", 43, "install the client"),
        row("win.serviced_version", "blocking", "path1", 40, update),
        row("entra.joined", "blocking", "path1", 29, join),
        row("cm.update_client_setting_off", "warning", "path2", 153, setting),
        row("win.serviced_version", "blocking", "path2", 40, update),
        row("entra.joined", "blocking", "path2", 31, join),
        row("coex.company_owned", "blocking", "coexistence", 2, "personally owned devices are not supported"),
    ]
}

fn report(verdict: &'static str, unsatisfied: Vec<UnsatisfiedRule>, unknown: &[&'static str]) -> PathReport {
    PathReport {
        verdict: verdict.into(),
        unsatisfied,
        unknown: unknown.iter().map(|rule| Word::from(*rule)).collect(),
    }
}

fn unsatisfied(rule: &'static str, severity: &'static str, texts: [&'static str; 3]) -> UnsatisfiedRule {
    let [expected, found, remediation] = texts.map(Word::from);
    UnsatisfiedRule { rule: rule.into(), severity: severity.into(), expected, found, remediation }
}

fn sites() -> Vec<Site> {
    let version = || {
        unsatisfied(
            "cm.supported_version",
            "blocking",
            [
                "a site version in support",
                "2309, whose support ended on 2025-04-09",
                "update the site in the console; each version is supported 18 months",
            ],
        )
    };
    let site = |code: &str, version: &str, path1, path2| Site {
        hierarchy: code.to_owned(),
        site: code.to_owned(),
        version: Some(version.to_owned()),
        prerequisites: [("path1".into(), path1), ("path2".into(), path2)].into(),
    };
    vec![
        site("PS1", "2509", report("ready", Vec::new(), &[]), report("ready", Vec::new(), &[])),
        site(
            "EU1",
            "2309",
            report("blocked", vec![version()], &[]),
            report("blocked", vec![version()], &["cm.crl_reachable"]),
        ),
    ]
}

/// A device without anything remarkable.
pub(crate) fn device(name: &str) -> DeviceAssessment {
    DeviceAssessment {
        device: "tenants/default/devices/0b7c".to_owned(),
        name: Some(name.to_owned()),
        records: vec![DeviceRecord {
            source: "configmgr/PS1".to_owned(),
            key: "PS1/16777301".to_owned(),
            section: "SMS_R_System".into(),
            observed_at: as_of(),
        }],
        hierarchy: Some("PS1".to_owned()),
        site: Some("PS1".to_owned()),
        keys: vec![IdentityKey { kind: "serial_number".into(), value: "5CG1234ABC".into() }],
        join_type: Some("hybridAzureADJoined".into()),
        windows: Windows {
            version: Some("10.0.26100.4349".to_owned()),
            build: Some(26100),
            edition: Some("Enterprise".to_owned()),
        },
        owner: Some("company".into()),
        user: Some("erin@example.com".to_owned()),
        last_contact: LastContact { site: Some(as_of()), intune: None },
        collections: vec!["PS100042".to_owned()],
        state: "co_managed".into(),
        co_managed: CoManagedReadings { query: true, prose: true, cloud: true },
        leaving: false,
        enrollment_conflict: false,
        eligibility: "comanaged".into(),
        eligible_unverified: false,
        categories: Categories {
            os_group: Some("windows_10_1709_and_later".into()),
            os_version: Some("Windows 11 24H2".to_owned()),
            funnel_stage: Some("enrolled".into()),
            enrollment_status: Some("success_hybrid_joined".into()),
        },
        enrollment_error: None,
        authority: [
            ("client_apps".into(), decided("configuration_manager", "pilot_not_member")),
            ("compliance_policies".into(), decided("intune", "pilot_member")),
        ]
        .into(),
        reported: Reported {
            site: [("compliance_policies".into(), "intune".into())].into(),
            site_observed_at: Some(as_of()),
            cloud: [("compliance_policies".into(), "intune".into())].into(),
            cloud_observed_at: Some(as_of()),
            capability_value: Some("8259".to_owned()),
            unknown_bits: 0,
        },
        drift: vec![Drift {
            workload: "client_apps".into(),
            effective: "configuration_manager".into(),
            reported: "intune".into(),
            by: "configmgr/PS1".to_owned(),
            observed_at: Some(as_of()),
        }],
        prerequisites: [("path1".into(), report("ready", Vec::new(), &["win.mdm_not_blocked"]))].into(),
    }
}

fn decided(authority: &'static str, reason: &'static str) -> WorkloadAuthority {
    WorkloadAuthority { authority: authority.into(), reason: reason.into() }
}

/// Devices of several states, one of them named by an attacker.
pub(crate) fn devices() -> Vec<DeviceAssessment> {
    let everywhere = |authority, reason| {
        Workload::ALL.into_iter().map(|workload| (workload.id().into(), decided(authority, reason))).collect()
    };
    let join = || {
        unsatisfied(
            "entra.joined",
            "blocking",
            [
                "joined or hybrid joined",
                "not joined",
                "join the device to Entra ID, or make the domain-joined device hybrid joined",
            ],
        )
    };
    let mut co_managed = device("OSL-LT-0417");
    co_managed.authority = Workload::ALL
        .into_iter()
        .map(|workload| match workload {
            Workload::DeviceConfiguration | Workload::ClientApps => {
                (workload.id().into(), decided("configuration_manager", "slider_configuration_manager"))
            }
            _ => (workload.id().into(), decided("intune", "slider_intune")),
        })
        .collect();
    let mut client_only = device("BGO-DT-0031");
    client_only.state = "client_only".into();
    client_only.eligibility = "eligibleButNotAzureAdJoined".into();
    client_only.authority = everywhere("configuration_manager", "not_enrolled");
    client_only.drift.clear();
    client_only.prerequisites = [
        ("path1".into(), report("blocked", vec![join()], &[])),
        ("path2".into(), report("blocked", vec![join()], &[])),
    ]
    .into();
    let mut failed = device("HAM-LT-2210");
    (failed.hierarchy, failed.site) = (Some("EU1".to_owned()), Some("HAM".to_owned()));
    failed.state = "failed".into();
    failed.eligibility = "eligible".into();
    failed.eligible_unverified = true;
    failed.enrollment_error = Some("0x80180018".to_owned());
    failed.authority = everywhere("configuration_manager", "not_enrolled");
    failed.drift.clear();
    let mut cloud = device("CLOUD-88");
    (cloud.hierarchy, cloud.site) = (None, None);
    cloud.state = "mdm_only".into();
    cloud.eligibility = "ineligible".into();
    cloud.leaving = true;
    cloud.drift.clear();
    cloud.authority = everywhere("intune", "mdm_only");
    let mut hostile = device("</script><script>alert('x')</script>\u{202e}\u{1b}[31m");
    hostile.state = "coexistence".into();
    hostile.eligibility = "ineligible".into();
    hostile.authority = everywhere("third_party_mdm", "coexistence");
    hostile.drift.clear();
    vec![co_managed, client_only, failed, cloud, hostile]
}
