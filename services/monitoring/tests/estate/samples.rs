//! Invented devices, each with what authority and prerequisites say of it.

use std::collections::BTreeMap;

use tandem_contracts::authority::v1::{Drift, EffectiveAuthority, ReportedAuthority, WorkloadAuthority};
use tandem_contracts::convert::{self, number};
use tandem_contracts::prerequisites::v1::{
    DeviceCheck, Eligibility, Finding, Outcome, Path, PathReport, Severity, Verdict,
};
use tandem_contracts::r#type::v1::TenantFacts;
use tandem_domain::authority::Reason;
use tandem_domain::facts::{
    DeviceFacts, EnrollmentConflict, Fact, JoinType, MdmProvider, OsKind, OsVersion, SectionStamp,
};
use tandem_domain::id::{HierarchyId, SiteCode};
use tandem_domain::section::{SectionKind, Source};
use tandem_domain::state::ManagementState;
use tandem_domain::workload::{ManagementAuthority, Workload};

use super::TENANT;

/// A device with what is said of it.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) id: &'static str,
    pub(crate) facts: DeviceFacts,
    pub(crate) authority: EffectiveAuthority,
    pub(crate) check: DeviceCheck,
}

/// The sites' word `AirWatch` stands for a third party.
pub(crate) fn tenant() -> TenantFacts {
    let facts = tandem_domain::tenant::TenantFacts {
        authority_texts: BTreeMap::from([("AirWatch".into(), MdmProvider::ThirdParty)]),
        ..Default::default()
    };
    convert::tenant::to_proto(&facts)
}

fn said<T>(value: T) -> Option<Fact<T>> {
    Some(Fact::new(value, 0))
}

fn hierarchy(id: &str) -> HierarchyId {
    HierarchyId::parse(id).unwrap()
}

/// What Intune said of the device.
fn stamp(id: &str) -> SectionStamp {
    SectionStamp {
        source: Source::Intune,
        kind: SectionKind::ManagedDeviceBeta,
        key: id.into(),
        observed_at: "2026-11-20T12:00:00Z".parse().unwrap(),
    }
}

impl Sample {
    fn new(
        id: &'static str,
        state: ManagementState,
        reason: Reason,
        eligibility: Eligibility,
        verdict: Verdict,
    ) -> Self {
        let facts = DeviceFacts {
            sections: vec![stamp(id)],
            name: said(format!("PC-{id}")),
            os_kind: said(OsKind::Client),
            os_version: said(OsVersion::parse("10.0.26100.7019").unwrap()),
            ..DeviceFacts::default()
        };
        let workload = |workload| WorkloadAuthority {
            workload: number(workload),
            authority: number(reason.authority()),
            reason: number(reason),
            ..WorkloadAuthority::default()
        };
        let device = format!("{TENANT}/devices/{id}");
        let authority = EffectiveAuthority {
            device: device.clone(),
            state: number(state),
            workloads: Workload::ALL.map(workload).into(),
            ..EffectiveAuthority::default()
        };
        let report =
            PathReport { path: Path::Path1.into(), verdict: verdict.into(), ..PathReport::default() };
        let check = DeviceCheck {
            device,
            eligibility: eligibility.into(),
            paths: vec![report],
            ..DeviceCheck::default()
        };
        Self { id, facts, authority, check }
    }

    /// Co-managed in PS1, every slider at Configuration Manager but compliance, of which two sources disagree with its report.
    pub(crate) fn co_managed(id: &'static str) -> Self {
        let mut sample = Self::new(
            id,
            ManagementState::CoManaged,
            Reason::SliderConfigurationManager,
            Eligibility::Comanaged,
            Verdict::Ready,
        );
        let of_site =
            SectionStamp { source: "configmgr/PS1".parse().unwrap(), kind: SectionKind::Device, ..stamp(id) };
        sample.facts = DeviceFacts {
            sections: vec![of_site, stamp(id)],
            hierarchy: Some(hierarchy("PS1")),
            site: said(SiteCode::parse("PS1").unwrap()),
            client_installed: said(true),
            mdm_enrolled: said(true),
            mdm_provisioned: said(true),
            policy_present: said(true),
            intune_mdm_record: said(true),
            cloud_co_managed: said(true),
            join_type: said(JoinType::HybridJoined),
            ..sample.facts
        };
        sample.authority.co_managed_query = true;
        sample.authority.co_managed_prose = true;
        sample.authority.co_managed_cloud = true;
        sample.decide(Workload::CompliancePolicies, Reason::PilotMember);
        for source in ["configmgr/PS1", "intune"] {
            sample.authority.reported.push(ReportedAuthority {
                workload: number(Workload::ClientApps),
                authority: number(ManagementAuthority::Intune),
                source: source.into(),
                observed_at: None,
            });
            sample.authority.drift.push(Drift {
                workload: number(Workload::ClientApps),
                effective: number(ManagementAuthority::ConfigurationManager),
                reported: number(ManagementAuthority::Intune),
                source: source.into(),
                ..Drift::default()
            });
        }
        sample
    }

    /// Another reason for one workload, with the authority that it leads to.
    pub(crate) fn decide(&mut self, workload: Workload, reason: Reason) {
        self.authority.workloads[workload.index()] = WorkloadAuthority {
            workload: number(workload),
            authority: number(reason.authority()),
            reason: number(reason),
            ..WorkloadAuthority::default()
        };
    }

    /// With the client and a third-party MDM in EU1, and every flag of a co-managed device.
    pub(crate) fn in_coexistence(id: &'static str) -> Self {
        let co_managed = Self::co_managed(id);
        let mut sample = Self::new(
            id,
            ManagementState::Coexistence,
            Reason::Coexistence,
            Eligibility::Ineligible,
            Verdict::NotApplicable,
        );
        sample.facts = DeviceFacts {
            hierarchy: Some(hierarchy("EU1")),
            site: None,
            sections: vec![stamp(id)],
            authority_text: said("AirWatch".to_owned()),
            ..co_managed.facts
        };
        let flagged = EffectiveAuthority { reported: co_managed.authority.reported, ..sample.authority };
        sample.authority = EffectiveAuthority {
            co_managed_query: true,
            co_managed_prose: true,
            co_managed_cloud: true,
            ..flagged
        };
        sample
    }

    /// A client in PS1, hybrid joined, whose enrolment failed for want of a licence; two rules do not hold.
    pub(crate) fn failed(id: &'static str) -> Self {
        let mut sample = Self::new(
            id,
            ManagementState::Failed,
            Reason::NotEnrolled,
            Eligibility::Ineligible,
            Verdict::Blocked,
        );
        sample.facts = DeviceFacts {
            hierarchy: Some(hierarchy("PS1")),
            client_installed: said(true),
            mdm_enrolled: said(false),
            enrollment_failed: said(true),
            enrollment_status_code: said(0x8018_0018),
            join_type: said(JoinType::HybridJoined),
            os_version: said(OsVersion::parse("10.0.27999").unwrap()),
            ..sample.facts
        };
        let finding = |rule: &str, severity: Severity, outcome: Outcome| Finding {
            rule: rule.into(),
            severity: severity.into(),
            outcome: outcome.into(),
            ..Finding::default()
        };
        sample.check.paths[0].findings = vec![
            finding("win.edition", Severity::Blocking, Outcome::Unsatisfied),
            finding("win.push_service_present", Severity::Warning, Outcome::Unsatisfied),
            finding("win.mdm_not_blocked", Severity::Blocking, Outcome::Unknown),
        ];
        sample
    }

    /// Known to Intune alone, without the client.
    pub(crate) fn mdm_only(id: &'static str) -> Self {
        let mut sample = Self::new(
            id,
            ManagementState::MdmOnly,
            Reason::MdmOnly,
            Eligibility::Ineligible,
            Verdict::Blocked,
        );
        sample.facts = DeviceFacts {
            client_installed: said(false),
            mdm_enrolled: said(true),
            intune_mdm_record: said(true),
            ..sample.facts
        };
        sample
    }

    /// A server with the client in PS1 that needs a look for every reason there is.
    pub(crate) fn odd_server(id: &'static str) -> Self {
        let mut sample = Self::new(
            id,
            ManagementState::ClientOnly,
            Reason::NotEnrolled,
            Eligibility::Eligible,
            Verdict::Unknown,
        );
        sample.facts = DeviceFacts {
            hierarchy: Some(hierarchy("PS1")),
            other_hierarchies: vec![hierarchy("EU1")],
            client_installed: said(true),
            mdm_enrolled: said(false),
            enrollment_conflict: Some(EnrollmentConflict {
                site: Fact::new(false, 0),
                cloud: Fact::new(true, 0),
            }),
            os_kind: said(OsKind::Server),
            ..sample.facts
        };
        sample.authority.leaving = true;
        sample.authority.unknown_bits = 256;
        sample.check.unverified_facts = vec!["device.mdm_blocked_by_policy".into()];
        sample
    }
}
