//! A whole fleet as export files, in one pass and bounded memory.
//!
//! ```text
//! DIR/intune/managedDevices-00001.json                        Graph beta pages of 1,000 records
//! DIR/configmgr-PS1/SMS_R_System-001.json                     AdminService answers, read in key ranges
//! DIR/configmgr-PS1/{Device,SMS_Client_ComanagementState,SMS_FullCollectionMembership}-001.json
//! DIR/configmgr-PS1/{SMS_Collection,SMS_Site}-001.json
//! DIR/configmgr-PS1/co-management-policy.toml
//! DIR/tenant-facts.toml
//! ```

mod answer;
mod collections;
mod console;
mod discovery;
mod documents;
mod file;
mod graph_page;
mod managed_device;
mod state;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::device::{SimulatedDevice, SiteRecord};
use crate::fleet::Fleet;
use crate::hierarchy::Hierarchy;
use crate::spec::{FleetSpec, InvalidSpec};

use self::answer::Answer;
use self::file::ExportFile;
use self::graph_page::GraphPages;

/// Records of an AdminService answer. No page size is documented (admin_service.md 5), so readers of large sites ask for
/// ranges of keys; this is such a range.
const RECORDS_PER_ANSWER: u64 = 100_000;
/// The same for memberships, whose rows are short.
const MEMBERSHIPS_PER_ANSWER: u64 = 2_000_000;
/// Devices between two calls of the progress callback.
const PROGRESS_STEP: u64 = 1_000;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Devices of the fleet.
    pub devices: u64,
    /// Records in Graph pages.
    pub intune_records: u64,
    /// Discovery records of all hierarchies.
    pub site_records: u64,
    /// Rows of `SMS_Client_ComanagementState`.
    pub co_management_rows: u64,
    /// Rows of `SMS_FullCollectionMembership`.
    pub memberships: u64,
    /// Files.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
}

/// Why a fleet was not written.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The specification asks for what cannot be.
    #[error(transparent)]
    Spec(#[from] InvalidSpec),
    /// Files of another run would be read as part of this fleet.
    #[error("expected an empty or a new folder, found files in {}", .0.display())]
    NotEmpty(PathBuf),
    /// The disk said no. What was written so far stays.
    #[error("cannot write {}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes the exports of a fleet below `dir`, which is created if need be. `progress` hears the number of devices written so
/// far, every 1,000 devices and at the end.
///
/// Equal specifications give equal files. Memory does not grow with the number of devices, except for four bytes per collection.
///
/// # Errors
/// [`SimulateError`]; nothing is written when the specification or the folder is refused.
pub fn write_exports(
    spec: &FleetSpec,
    dir: &Path,
    mut progress: impl FnMut(u64),
) -> Result<Written, SimulateError> {
    let fleet = Fleet::new(spec.clone())?;
    claim(dir)?;
    let mut graph = GraphPages::create(&dir.join("intune"))?;
    let mut sites = Vec::new();
    for hierarchy in fleet.hierarchies() {
        sites.push(SiteExport::create(hierarchy, dir)?);
    }
    for index in 0..spec.devices {
        let device = fleet.device(index);
        for record in device.site_records() {
            sites[record.hierarchy].write(&fleet, &device, record)?;
        }
        if let Some(record) = &device.intune {
            graph.write(&managed_device::ManagedDevice::of(&fleet, &device, record))?;
        }
        if (index + 1).is_multiple_of(PROGRESS_STEP) {
            progress(index + 1);
        }
    }
    let mut written = Written { devices: spec.devices, ..Written::default() };
    graph.finish(&mut written)?;
    for site in sites {
        site.finish(&fleet, dir, &mut written)?;
    }
    let facts = documents::tenant_facts(&fleet);
    document(&dir.join("tenant-facts.toml"), &facts, &mut written)?;
    progress(spec.devices);
    Ok(written)
}

fn claim(dir: &Path) -> Result<(), SimulateError> {
    let failed = |source| SimulateError::Write { path: dir.to_owned(), source };
    fs::create_dir_all(dir).map_err(failed)?;
    let mut entries = fs::read_dir(dir).map_err(failed)?;
    if entries.next().is_some() { Err(SimulateError::NotEmpty(dir.to_owned())) } else { Ok(()) }
}

fn document(path: &Path, text: &str, written: &mut Written) -> Result<(), SimulateError> {
    let mut file = ExportFile::create(path.to_owned())?;
    file.write(text.as_bytes())?;
    file.finish(written)
}

/// The answers of one hierarchy's provider.
struct SiteExport<'a> {
    hierarchy: &'a Hierarchy,
    discovery: Answer,
    console: Answer,
    state: Answer,
    memberships: Answer,
    member_counts: Vec<u32>,
    /// The start of a membership row, per collection.
    row_starts: Vec<String>,
}

impl<'a> SiteExport<'a> {
    fn create(hierarchy: &'a Hierarchy, dir: &Path) -> Result<Self, SimulateError> {
        let dir = folder(dir, hierarchy);
        fs::create_dir(&dir).map_err(|source| SimulateError::Write { path: dir.clone(), source })?;
        let provider = hierarchy.provider();
        let wmi = |class: &'static str, rows: u64| {
            Answer::create(
                &dir,
                class,
                &format!("https://{provider}/AdminService/wmi/$metadata#{class}"),
                rows,
            )
        };
        let console = format!("https://{provider}/AdminService/v1.0/$metadata#Device");
        Ok(Self {
            hierarchy,
            discovery: wmi("SMS_R_System", RECORDS_PER_ANSWER)?,
            console: Answer::create(&dir, "Device", &console, RECORDS_PER_ANSWER)?,
            state: wmi("SMS_Client_ComanagementState", RECORDS_PER_ANSWER)?,
            memberships: wmi("SMS_FullCollectionMembership", MEMBERSHIPS_PER_ANSWER)?,
            member_counts: vec![0; hierarchy.collections().len()],
            row_starts: hierarchy.collections().iter().map(collections::row_start).collect(),
        })
    }

    fn write(
        &mut self,
        fleet: &Fleet,
        device: &SimulatedDevice,
        record: &SiteRecord,
    ) -> Result<(), SimulateError> {
        self.discovery.row(&discovery::Discovery::of(fleet, self.hierarchy, device, record))?;
        self.console.row(&console::ConsoleDevice::of(fleet, self.hierarchy, device, record))?;
        if let Some(row) = &record.co_management {
            self.state.row(&state::State::of(self.hierarchy, device, record.resource_id, row))?;
        }
        for &position in &record.collections {
            let position = position as usize;
            self.member_counts[position] += 1;
            let row = collections::membership_row(&self.row_starts[position], record.resource_id);
            self.memberships.raw_row(row.as_bytes())?;
        }
        Ok(())
    }

    fn finish(self, fleet: &Fleet, dir: &Path, written: &mut Written) -> Result<(), SimulateError> {
        let dir = folder(dir, self.hierarchy);
        let context =
            |class| format!("https://{}/AdminService/wmi/$metadata#{class}", self.hierarchy.provider());
        written.site_records += self.discovery.finish(written)?;
        self.console.finish(written)?;
        written.co_management_rows += self.state.finish(written)?;
        written.memberships += self.memberships.finish(written)?;

        let class = "SMS_Collection";
        let mut answer = Answer::create(&dir, class, &context(class), RECORDS_PER_ANSWER)?;
        for (position, members) in self.member_counts.into_iter().enumerate() {
            answer.row(&collections::CollectionRow::of(fleet, self.hierarchy, position, members))?;
        }
        answer.finish(written)?;

        let class = "SMS_Site";
        let mut answer = Answer::create(&dir, class, &context(class), RECORDS_PER_ANSWER)?;
        answer.row(&documents::SiteRow::of(self.hierarchy))?;
        answer.finish(written)?;

        let policy = documents::policy(self.hierarchy);
        document(&dir.join("co-management-policy.toml"), &policy, written)
    }
}

fn folder(dir: &Path, hierarchy: &Hierarchy) -> PathBuf {
    dir.join(format!("configmgr-{}", hierarchy.code()))
}
