//! The assessment as it is printed by `-o json`: the shape that `docs/assessment.md` documents, member by member.
//!
//! Members appear in the documented order. Maps hold only keys that count at least one device and are sorted, so that one
//! fleet always prints the same text. Devices come last and are streamed by [`write_json`]: a million of them never stand
//! in memory together.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

mod write;

pub use write::{WriteJsonError, write_json};

/// A word of the documented vocabulary; borrowed when it comes from the domain's ids.
pub type Word = Cow<'static, str>;

/// Devices per word.
pub type Counts = BTreeMap<Word, u64>;

/// The value of `schema`.
pub const SCHEMA: &str = "tandem.assessment/v1";

/// Everything of the assessment except its devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssessmentHead {
    /// Name and version of this shape: [`SCHEMA`].
    pub schema: Word,
    /// The instant that ages and support dates are measured at.
    pub as_of: Timestamp,
    /// What was read, and what was not.
    pub inputs: Inputs,
    /// The fleet, counted.
    pub totals: Totals,
    /// Rules of tenant scope.
    pub tenant: Tenant,
    /// Every hierarchy, also one of which no site is known.
    pub hierarchies: Vec<String>,
    /// Rules of site scope, one entry a site.
    pub sites: Vec<Site>,
    /// Keys that two devices claim.
    pub identity_conflicts: Vec<IdentityConflict>,
}

/// What became of the input.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Inputs {
    /// Files that were used, in name order.
    pub files: Vec<InputFile>,
    /// Lines that were refused.
    pub refused: Vec<RefusedInput>,
    /// Files that were recognised and not needed.
    pub unused: Vec<UnusedFile>,
    /// Records that are no devices.
    pub skipped_records: SkippedRecords,
    /// Values that were left out of records that were kept.
    #[serde(default)]
    pub warnings: Vec<RefusedInput>,
}

/// A file that was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Path below the folder.
    pub file: String,
    /// Its kind, told by its content.
    pub kind: Word,
    /// Records that it gave.
    pub records: u64,
    /// Records of it that were refused.
    pub refused: u64,
}

/// A refused line of input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedInput {
    /// Path below the folder.
    pub file: String,
    /// Where in the file.
    pub place: String,
    /// Why, with expected and found.
    pub reason: String,
}

impl RefusedInput {
    /// File, place, reason; what does not apply is left out.
    pub(crate) fn line(&self) -> String {
        let parts = [&self.file, &self.place, &self.reason];
        let parts: Vec<&str> =
            parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        format!("refused: {}", parts.join(": "))
    }
}

/// A file that was recognised and not needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnusedFile {
    /// Path below the folder.
    pub file: String,
    /// Its kind, told by its content.
    pub kind: Word,
}

/// Records that are no devices, by cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SkippedRecords {
    /// Superseded by a newer record of the same client.
    pub obsolete: u64,
    /// Taken out of service at the site.
    pub decommissioned: u64,
    /// The site's placeholder for computers that it does not know.
    pub unknown_computer: u64,
}

/// The fleet, counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// All devices.
    pub devices: u64,
    /// By `state`.
    pub states: Counts,
    /// Co-managed devices by each of the three readings.
    pub co_managed: CoManagedCounts,
    /// By `eligibility`.
    pub eligibility: Counts,
    /// Eligible devices with a blocking rule that no export decides.
    pub eligible_unverified: u64,
    /// Devices with the client, by `categories.os_group`.
    pub os_groups: Counts,
    /// Devices with the client, by `categories.os_version`.
    pub os_versions: Counts,
    /// Devices with the client, by stage of the status funnel.
    pub funnel: Funnel,
    /// Devices with the client, by `categories.enrollment_status`.
    pub enrollment_status: Counts,
    /// Enrolment errors, most frequent first.
    pub enrollment_errors: Vec<EnrollmentErrorCount>,
    /// Per workload: devices that moved to Intune.
    pub workload_transition: BTreeMap<Word, WorkloadTransition>,
    /// Per workload: devices by authority.
    pub authority: BTreeMap<Word, Counts>,
    /// Per workload: devices by the reason of their authority.
    pub authority_reasons: BTreeMap<Word, Counts>,
    /// Per workload: devices whose report contradicts the effective authority.
    pub drift: Counts,
    /// Unsatisfied rules, the most telling first.
    pub blockers: Vec<Blocker>,
    /// Number of entries in the assessment's `identity_conflicts`.
    pub identity_conflicts: u64,
}

/// Co-managed devices by each of the three readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CoManagedCounts {
    /// Enrolled, policy present and provisioned: the reading that states and eligibility count by.
    pub query: u64,
    /// Enrolled and policy present.
    pub prose: u64,
    /// Intune's management agent names both services.
    pub cloud: u64,
}

/// The status funnel, counted in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Funnel {
    /// Devices whose furthest stage this is.
    pub exclusive: StageCounts,
    /// Devices that reached this stage, later ones included.
    pub cumulative: StageCounts,
}

/// Devices per stage of the status funnel; every stage is always present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StageCounts {
    /// Nothing known stands in the way.
    pub eligible: u64,
    /// The policy is there and enrolment is scheduled.
    pub scheduled: u64,
    /// An attempt was made.
    pub enrollment_initiated: u64,
    /// Enrolled.
    pub enrolled: u64,
}

/// An enrolment error and how many devices have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentErrorCount {
    /// Hexadecimal, `0x` and eight digits.
    pub code: String,
    /// The same code as an unsigned number.
    pub decimal: u32,
    /// The vendor's symbol; `None`: the vendor prints none, or no table lists the code.
    pub symbol: Option<Word>,
    /// Whose business it is; `None`: no table lists the code.
    pub class: Option<Word>,
    /// What happened; `None`: no table lists the code.
    pub meaning: Option<Word>,
    /// How it is mended; `None`: no table lists the code.
    pub remediation: Option<Word>,
    /// Devices with it.
    pub devices: u64,
}

/// Devices that moved a workload to Intune.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WorkloadTransition {
    /// By the rules over configuration and device.
    pub effective: u64,
    /// By what the devices last said.
    pub reported: u64,
}

/// An unsatisfied rule and how many devices it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    /// The rule's id.
    pub rule: Word,
    /// `device`, `site` or `tenant`.
    pub scope: Word,
    /// `blocking` or `warning`.
    pub severity: Word,
    /// The path that it was judged for.
    pub path: Word,
    /// Devices that do not satisfy it.
    pub devices: u64,
    /// How it is mended.
    pub remediation: Word,
}

/// Reports per path (`path1`, `path2`, `coexistence`).
pub type Prerequisites = BTreeMap<Word, PathReport>;

/// The tenant's part of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tenant {
    /// Rules of tenant scope.
    pub prerequisites: Prerequisites,
}

/// A site's part of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Code of the hierarchy's top site.
    pub hierarchy: String,
    /// Site code.
    pub site: String,
    /// Its version, such as `2509`; `None`: nobody said.
    pub version: Option<String>,
    /// Rules of site scope.
    pub prerequisites: Prerequisites,
}

/// What became of the rules of one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathReport {
    /// `ready`, `blocked`, `unknown` or `not_applicable`.
    pub verdict: Word,
    /// Rules that are known not to hold.
    pub unsatisfied: Vec<UnsatisfiedRule>,
    /// Ids of rules that the facts at hand do not decide.
    pub unknown: Vec<Word>,
}

/// A rule that is known not to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsatisfiedRule {
    /// The rule's id.
    pub rule: Word,
    /// `blocking` or `warning`.
    pub severity: Word,
    /// What the rule asks for.
    pub expected: Word,
    /// What there is instead.
    pub found: Word,
    /// How it is mended.
    pub remediation: Word,
}

/// A key that two devices claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityConflict {
    /// Kind of key, such as `serial_number`.
    pub kind: Word,
    /// The key.
    pub value: String,
    /// Resource name of the device that holds it.
    pub holder: String,
    /// Its computer name; `None`: no source says one.
    pub holder_name: Option<String>,
    /// The record that claims it too.
    pub claimant: Claimant,
}

impl IdentityConflict {
    /// The holder as people know it: by its name, where it has one.
    pub(crate) fn held_by(&self) -> &str {
        self.holder_name.as_deref().unwrap_or(&self.holder)
    }

    /// The claiming record, after the name of its device where that has one.
    pub(crate) fn claimed_by(&self) -> String {
        let Claimant { source, key, name, .. } = &self.claimant;
        match name {
            Some(name) => format!("{name}, {source} {key}"),
            None => format!("{source} {key}"),
        }
    }
}

/// A record that claims a key, by its source's own key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimant {
    /// `configmgr/<hierarchy>`, `intune` or `entra`.
    pub source: String,
    /// The source's key.
    pub key: String,
    /// Resource name of the device that the record describes; `None`: it is gone.
    pub device: Option<String>,
    /// Its computer name; `None`: no source says one.
    pub name: Option<String>,
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceAssessment {
    /// Resource name.
    pub device: String,
    /// Computer name; `None`: no source says one.
    pub name: Option<String>,
    /// The records that describe it.
    pub records: Vec<DeviceRecord>,
    /// The hierarchy that knows it; `None`: none does.
    pub hierarchy: Option<String>,
    /// Its assigned site; `None`: nobody said.
    pub site: Option<String>,
    /// What tells it from other devices.
    pub keys: Vec<IdentityKey>,
    /// How the directory knows it, by Graph's member name; `None`: nobody said.
    pub join_type: Option<Word>,
    /// Its Windows.
    pub windows: Windows,
    /// `company` or `personal`; `None`: nobody said.
    pub owner: Option<Word>,
    /// Its primary or last user; `None`: nobody said.
    pub user: Option<String>,
    /// When it last spoke to each manager.
    pub last_contact: LastContact,
    /// The collections of its hierarchy that contain it.
    pub collections: Vec<String>,
    /// Where it stands in its life cycle.
    pub state: Word,
    /// The three readings of "is it co-managed?".
    pub co_managed: CoManagedReadings,
    /// Intune has queued or issued a retire, wipe or delete.
    pub leaving: bool,
    /// The two systems contradict each other about its enrolment.
    pub enrollment_conflict: bool,
    /// Whether its client could be enrolled.
    pub eligibility: Word,
    /// Eligible, with a blocking rule that no export decides.
    pub eligible_unverified: bool,
    /// Where the dashboards count it.
    pub categories: Categories,
    /// Its enrolment error's hexadecimal code; `None`: it has none.
    pub enrollment_error: Option<String>,
    /// Who decides each workload, and why.
    pub authority: BTreeMap<Word, WorkloadAuthority>,
    /// Who decides each workload by what was last reported.
    pub reported: Reported,
    /// Where reported and effective contradict each other.
    pub drift: Vec<Drift>,
    /// Rules of device scope.
    pub prerequisites: Prerequisites,
}

/// A record that describes a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// `configmgr/<hierarchy>`, `intune` or `entra`.
    pub source: String,
    /// The source's key.
    pub key: String,
    /// The class or entity that it was read from.
    pub section: Word,
    /// When the source was read.
    pub observed_at: Timestamp,
}

/// A key that a device holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityKey {
    /// Kind of key, such as `sms_client_id`.
    pub kind: Word,
    /// The key.
    pub value: String,
}

/// The Windows of a device, as its sources write it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Windows {
    /// As far as it is known, such as `10.0.26100.4349`; `None`: nobody said.
    pub version: Option<String>,
    /// The build; `None`: nobody said.
    pub build: Option<u32>,
    /// Edition; `None`: nobody said.
    pub edition: Option<String>,
}

/// When a device last spoke to each manager; `None`: nobody said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LastContact {
    /// With its site.
    pub site: Option<Timestamp>,
    /// With Intune.
    pub intune: Option<Timestamp>,
}

/// The three readings of "is it co-managed?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CoManagedReadings {
    /// Enrolled, policy present and provisioned.
    pub query: bool,
    /// Enrolled and policy present.
    pub prose: bool,
    /// Intune's management agent names both services.
    pub cloud: bool,
}

/// Where the dashboards count a device; `None`: in no group, stage or category.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Categories {
    /// Group of client systems.
    pub os_group: Option<Word>,
    /// Windows release, or build where no table knows it.
    pub os_version: Option<String>,
    /// Furthest stage of the status funnel.
    pub funnel_stage: Option<Word>,
    /// Category of enrolment status.
    pub enrollment_status: Option<Word>,
}

/// Who decides a workload, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadAuthority {
    /// Who decides.
    pub authority: Word,
    /// The rule that decided.
    pub reason: Word,
}

/// Who decides each workload by what was last reported; a workload that a report does not carry is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reported {
    /// By the site's record.
    pub site: BTreeMap<Word, Word>,
    /// When the site's record was observed; `None`: it reports none.
    pub site_observed_at: Option<Timestamp>,
    /// By Intune's record.
    pub cloud: BTreeMap<Word, Word>,
    /// When Intune's record was observed; `None`: it reports none.
    pub cloud_observed_at: Option<Timestamp>,
    /// The capability value as the site prints it; `None`: the site reports none.
    pub capability_value: Option<String>,
    /// Bits of it that no table explains.
    pub unknown_bits: u32,
}

/// A contradiction between reported and effective authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The workload.
    pub workload: Word,
    /// Who decides by the rules.
    pub effective: Word,
    /// Who decides by the report.
    pub reported: Word,
    /// The source that reported it.
    pub by: String,
    /// When that was observed.
    pub observed_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests;
