//! From the services' answers to the documented shape.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tandem_client::{ApiError, Connection};
use tandem_contracts::authority::v1::{
    BatchGetEffectiveAuthorityRequest, EffectiveAuthority, ReportedAuthority,
};
use tandem_contracts::convert::{self, Enumerated, enum_optional, time};
use tandem_contracts::inventory::v1::{
    BatchGetDevicesRequest, Device, ListDevicesRequest, ListDevicesResponse, ListIdentityConflictsRequest,
};
use tandem_contracts::prerequisites::v1 as prerequisites;
use tandem_contracts::r#type::v1;
use tandem_domain::authority::Reason;
use tandem_domain::facts::{self, DeviceFacts, Owner};
use tandem_domain::identity::KeyKind;
use tandem_domain::section::SectionKind;
use tandem_domain::state::{self, Eligibility, ManagementState};
use tandem_domain::tenant::TenantFacts;
use tandem_domain::workload::{ManagementAuthority, Workload};

use super::model::{
    Categories, Claimant, CoManagedReadings, DeviceAssessment, DeviceRecord, Drift, IdentityConflict,
    IdentityKey, LastContact, PathReport, Prerequisites, Reported, UnsatisfiedRule, Windows, Word,
    WorkloadAuthority,
};

/// Devices of one round of questions.
const AT_ONCE: i32 = 1000;

/// Why an answer could not be collected.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// A service refused or failed.
    #[error("{during} failed")]
    Service {
        /// What was being asked.
        during: &'static str,
        /// What the service said.
        #[source]
        error: Box<ApiError>,
    },
    /// A service's answer breaks its contract.
    #[error("the answer about {what} breaks its contract: {why}")]
    Answer {
        /// What was asked about.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

impl CollectError {
    /// The error of a call.
    pub(crate) fn during(during: &'static str) -> impl Fn(tonic::Status) -> Self {
        move |status| Self::Service { during, error: Box::new(ApiError::from(status)) }
    }
}

/// A word of an enumeration by its number; a number that this release does not know, or none, is `unknown`.
fn word<E: Enumerated>(number: i32, id: impl Fn(E) -> &'static str) -> Word {
    enum_optional::<E>("", number)
        .ok()
        .flatten()
        .map_or(Word::Borrowed("unknown"), |value| Word::Borrowed(id(value)))
}

fn workload(number: i32) -> Word {
    word(number, Workload::id)
}

fn authority(number: i32) -> Word {
    word(number, ManagementAuthority::id)
}

/// Reads devices with everything that is answered about each, in name order, a page at a time.
#[derive(Debug)]
pub struct DeviceReader {
    connection: Connection,
    tenant: String,
    token: String,
    facts: TenantFacts,
    next: Next,
}

/// The next page of devices.
#[derive(Debug)]
enum Next {
    /// To be listed after that page token.
    After(String),
    /// Listed already.
    Listed(ListDevicesResponse),
    /// There is none.
    Nothing,
}

impl DeviceReader {
    /// Devices of the tenant `tenants/{t}`, in at least the world of that token.
    pub(crate) fn new(connection: &Connection, tenant: String, token: String, facts: TenantFacts) -> Self {
        Self { connection: connection.clone(), tenant, token, facts, next: Next::After(String::new()) }
    }

    /// The next page; `None` after the last.
    ///
    /// # Errors
    /// A service refused or failed.
    pub async fn page(&mut self) -> Result<Option<Vec<DeviceAssessment>>, CollectError> {
        let page = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::After(token) => self.list(token).await?,
            Next::Listed(page) => page,
            Next::Nothing => return Ok(None),
        };
        let names: Vec<String> = page.devices.iter().map(|device| device.name.clone()).collect();
        // The page after this one is listed while this one is asked about.
        let (authorities, checks, next) = tokio::try_join!(
            self.authorities(&names),
            self.checks(&names),
            self.after(page.next_page_token)
        )?;
        self.next = next;
        page.devices
            .into_iter()
            .map(|device| {
                let missing = |what: &str| CollectError::Answer {
                    what: device.name.clone(),
                    why: format!("expected {what}; found nothing"),
                };
                let authority = authorities.get(&device.name).ok_or_else(|| missing("its authority"))?;
                let check = checks.get(&device.name).ok_or_else(|| missing("its prerequisites"))?;
                assessment(&device, &self.facts, authority, check)
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    async fn after(&self, page_token: String) -> Result<Next, CollectError> {
        if page_token.is_empty() { Ok(Next::Nothing) } else { self.list(page_token).await.map(Next::Listed) }
    }

    async fn list(&self, page_token: String) -> Result<ListDevicesResponse, CollectError> {
        let request = ListDevicesRequest {
            parent: self.tenant.clone(),
            page_size: AT_ONCE,
            page_token,
            consistency_token: self.token.clone(),
            ..ListDevicesRequest::default()
        };
        let during = CollectError::during("listing devices");
        Ok(self.connection.devices().list_devices(request).await.map_err(during)?.into_inner())
    }

    async fn authorities(
        &self,
        names: &[String],
    ) -> Result<BTreeMap<String, EffectiveAuthority>, CollectError> {
        let request = BatchGetEffectiveAuthorityRequest {
            parent: self.tenant.clone(),
            names: names.to_vec(),
            consistency_token: self.token.clone(),
        };
        let answer = self.connection.authority().batch_get_effective_authority(request).await;
        let answer = answer.map_err(CollectError::during("asking for effective authority"))?.into_inner();
        Ok(answer.effective_authorities.into_iter().map(|found| (found.device.clone(), found)).collect())
    }

    async fn checks(
        &self,
        names: &[String],
    ) -> Result<BTreeMap<String, prerequisites::DeviceCheck>, CollectError> {
        let request = prerequisites::BatchCheckDevicesRequest {
            parent: self.tenant.clone(),
            names: names.to_vec(),
            problems_only: true,
            consistency_token: self.token.clone(),
            ..prerequisites::BatchCheckDevicesRequest::default()
        };
        let answer = self.connection.prerequisites().batch_check_devices(request).await;
        let answer = answer.map_err(CollectError::during("checking prerequisites"))?.into_inner();
        Ok(answer.checks.into_iter().map(|found| (found.device.clone(), found)).collect())
    }
}

fn assessment(
    device: &Device,
    tenant: &TenantFacts,
    effective: &EffectiveAuthority,
    check: &prerequisites::DeviceCheck,
) -> Result<DeviceAssessment, CollectError> {
    let message = device.facts.clone().unwrap_or_default();
    let facts = convert::facts::from_proto(message).map_err(|violations| CollectError::Answer {
        what: device.name.clone(),
        why: violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    })?;
    let eligibility = eligibility(check.eligibility);
    let categories = state::categories(&facts, tenant, eligibility);
    let error = categories.enrollment_error.map(tandem_domain::enrollment::hex);
    Ok(DeviceAssessment {
        device: device.name.clone(),
        name: facts::value(&facts.name).cloned(),
        records: records(&facts),
        hierarchy: facts.hierarchy.as_ref().map(ToString::to_string),
        site: facts::value(&facts.site).map(ToString::to_string),
        keys: device.keys.iter().map(key).collect(),
        join_type: facts::copied(&facts.join_type).map(|join| Word::Borrowed(join.id())),
        windows: windows(&facts),
        owner: facts::copied(&facts.owner).map(owner),
        user: facts::value(&facts.user).cloned(),
        last_contact: LastContact {
            site: facts::copied(&facts.last_site_contact),
            intune: facts::copied(&facts.last_intune_sync),
        },
        collections: facts.collections.iter().map(ToString::to_string).collect(),
        state: word(effective.state, ManagementState::id),
        co_managed: CoManagedReadings {
            query: effective.co_managed_query,
            prose: effective.co_managed_prose,
            cloud: effective.co_managed_cloud,
        },
        leaving: effective.leaving,
        enrollment_conflict: state::enrollment_conflict(&facts, tenant).is_some(),
        eligibility: Word::Borrowed(eligibility.id()),
        eligible_unverified: !check.unverified_facts.is_empty(),
        categories: Categories {
            os_group: categories.os_group.map(|group| Word::Borrowed(group.id())),
            os_version: categories.os_version,
            funnel_stage: categories.funnel_stage.map(|stage| Word::Borrowed(stage.id())),
            enrollment_status: categories.enrollment_status.map(|status| Word::Borrowed(status.id())),
        },
        enrollment_error: error,
        authority: effective
            .workloads
            .iter()
            .map(|found| {
                let reason = word(found.reason, Reason::id);
                (
                    workload(found.workload),
                    WorkloadAuthority { authority: authority(found.authority), reason },
                )
            })
            .collect(),
        reported: reported(effective),
        drift: effective
            .drift
            .iter()
            .map(|drift| Drift {
                workload: workload(drift.workload),
                effective: authority(drift.effective),
                reported: authority(drift.reported),
                by: drift.source.clone(),
                observed_at: moment(drift.observed_at),
            })
            .collect(),
        prerequisites: path_reports(&check.paths),
    })
}

fn key(key: &v1::DeviceKey) -> IdentityKey {
    IdentityKey { kind: word(key.kind, KeyKind::id), value: key.value.clone() }
}

fn windows(facts: &DeviceFacts) -> Windows {
    let version = facts::copied(&facts.os_version);
    Windows {
        version: version.map(|version| version.to_string()),
        build: version.and_then(|version| version.build),
        edition: facts::value(&facts.os_edition).cloned(),
    }
}

fn owner(owner: Owner) -> Word {
    match owner {
        Owner::Company => "company".into(),
        Owner::Personal => "personal".into(),
    }
}

/// A moment that a service said; one that is none is as if nobody had said it.
fn moment(said: Option<prost_types::Timestamp>) -> Option<Timestamp> {
    said.and_then(|said| time::from_proto("", said).ok())
}

fn records(facts: &DeviceFacts) -> Vec<DeviceRecord> {
    let stamp = |stamp: &tandem_domain::facts::SectionStamp| DeviceRecord {
        source: stamp.source.to_string(),
        key: stamp.key.clone(),
        section: Word::Borrowed(SectionKind::id(stamp.kind)),
        observed_at: stamp.observed_at,
    };
    facts.sections.iter().map(stamp).collect()
}

fn reported(effective: &EffectiveAuthority) -> Reported {
    let of = |site: bool| {
        let said = move |report: &&ReportedAuthority| report.source.starts_with("configmgr/") == site;
        effective.reported.iter().filter(said)
    };
    let words =
        |site| of(site).map(|report| (workload(report.workload), authority(report.authority))).collect();
    // One record says them all.
    let observed_at = |site| of(site).filter_map(|report| moment(report.observed_at)).min();
    let capability_value =
        (!effective.capability_value.is_empty()).then(|| effective.capability_value.clone());
    Reported {
        site: words(true),
        site_observed_at: observed_at(true),
        cloud: words(false),
        cloud_observed_at: observed_at(false),
        capability_value,
        unknown_bits: effective.unknown_bits,
    }
}

/// The domain's word for an eligibility; a number that this release does not know is unknown.
pub(crate) fn eligibility(number: i32) -> Eligibility {
    use prerequisites::Eligibility as P;
    match P::try_from(number).unwrap_or(P::Unspecified) {
        P::Comanaged => Eligibility::CoManaged,
        P::Eligible => Eligibility::Eligible,
        P::EligibleButNotAzureAdJoined => Eligibility::EligibleButNotAzureAdJoined,
        P::NeedsOsUpdate => Eligibility::NeedsOsUpdate,
        P::Ineligible => Eligibility::Ineligible,
        P::ScheduledForEnrollment => Eligibility::ScheduledForEnrollment,
        P::Unknown | P::Unspecified => Eligibility::Unknown,
    }
}

/// Reports per path.
pub(crate) fn path_reports(reports: &[prerequisites::PathReport]) -> Prerequisites {
    reports.iter().map(|report| (path(report.path), path_report(report))).collect()
}

fn path_report(report: &prerequisites::PathReport) -> PathReport {
    use prerequisites::{Outcome, Verdict};
    let with = |outcome: Outcome| report.findings.iter().filter(move |finding| finding.outcome() == outcome);
    let verdict = match report.verdict() {
        Verdict::Ready => "ready",
        Verdict::Blocked => "blocked",
        Verdict::NotApplicable => "not_applicable",
        Verdict::Unknown | Verdict::Unspecified => "unknown",
    };
    PathReport {
        verdict: verdict.into(),
        unsatisfied: with(Outcome::Unsatisfied)
            .map(|finding| UnsatisfiedRule {
                rule: finding.rule.clone().into(),
                severity: severity(finding.severity()),
                expected: finding.expected.clone().into(),
                found: finding.found.clone().into(),
                remediation: finding.remediation.clone().into(),
            })
            .collect(),
        unknown: with(Outcome::Unknown).map(|finding| finding.rule.clone().into()).collect(),
    }
}

/// The word of a severity.
pub(crate) fn severity(severity: prerequisites::Severity) -> Word {
    match severity {
        prerequisites::Severity::Blocking => "blocking".into(),
        prerequisites::Severity::Warning | prerequisites::Severity::Unspecified => "warning".into(),
    }
}

fn path(number: i32) -> Word {
    path_word(prerequisites::Path::try_from(number).unwrap_or(prerequisites::Path::Unspecified))
}

/// The word of a path.
pub(crate) fn path_word(path: prerequisites::Path) -> Word {
    use prerequisites::Path;
    match path {
        Path::Path1 => "path1".into(),
        Path::Path2 => "path2".into(),
        Path::Autopilot => "autopilot".into(),
        Path::Coexistence => "coexistence".into(),
        Path::Autopatch => "autopatch".into(),
        Path::Unspecified => "unknown".into(),
    }
}

/// Every identity conflict, oldest first.
pub(crate) async fn identity_conflicts(
    connection: &Connection,
    tenant: &str,
) -> Result<Vec<IdentityConflict>, CollectError> {
    let mut found = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListIdentityConflictsRequest {
            parent: tenant.to_owned(),
            page_size: AT_ONCE,
            page_token,
            ..Default::default()
        };
        let during = CollectError::during("listing identity conflicts");
        let page = connection.devices().list_identity_conflicts(request).await.map_err(during)?.into_inner();
        found.extend(page.conflicts.into_iter().map(|conflict| {
            let v1::DeviceKey { kind, value } = conflict.key.unwrap_or_default();
            let claimant = Claimant {
                source: conflict.claimant_source,
                key: conflict.claimant_record,
                device: (!conflict.claimant.is_empty()).then_some(conflict.claimant),
                name: None,
            };
            let holder = conflict.holder;
            IdentityConflict { kind: word(kind, KeyKind::id), value, holder, holder_name: None, claimant }
        }));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    found.reverse();
    let devices = found.iter().flat_map(|conflict: &IdentityConflict| {
        std::iter::once(&conflict.holder).chain(&conflict.claimant.device).cloned()
    });
    let names = device_names(connection, tenant, devices.collect()).await?;
    for conflict in &mut found {
        conflict.holder_name = names.get(&conflict.holder).cloned();
        conflict.claimant.name =
            conflict.claimant.device.as_ref().and_then(|device| names.get(device).cloned());
    }
    Ok(found)
}

/// Computer names by resource name, of the devices that have one.
async fn device_names(
    connection: &Connection,
    tenant: &str,
    devices: BTreeSet<String>,
) -> Result<BTreeMap<String, String>, CollectError> {
    let devices: Vec<String> = devices.into_iter().collect();
    let mut names = BTreeMap::new();
    for devices in devices.chunks(AT_ONCE as usize) {
        let request = BatchGetDevicesRequest {
            parent: tenant.to_owned(),
            names: devices.to_vec(),
            ..BatchGetDevicesRequest::default()
        };
        let during = CollectError::during("reading the devices of identity conflicts");
        let answer = connection.devices().batch_get_devices(request).await.map_err(during)?.into_inner();
        let named =
            answer.devices.into_iter().filter_map(|device| Some((device.name, device.facts?.display_name?)));
        names.extend(named);
    }
    Ok(names)
}
