//! Graph's pages: 1,000 records and a link to the next page, which the last page lacks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::file::ExportFile;
use super::managed_device::ManagedDevice;
use super::{SimulateError, Written};

/// Observed, not documented by the vendor (scale).
const RECORDS_PER_PAGE: usize = 1_000;
const CONTEXT: &str = "https://graph.microsoft.com/beta/$metadata#deviceManagement/managedDevices";
const LIST: &str = "https://graph.microsoft.com/beta/deviceManagement/managedDevices";

/// One page is held back, because its link stands before its records and only the next record tells whether there is one.
#[derive(Debug)]
pub(crate) struct GraphPages {
    dir: PathBuf,
    /// Records of the page, with commas.
    page: Vec<u8>,
    records: usize,
    last_id: String,
    complete: Written,
}

impl GraphPages {
    pub(crate) fn create(dir: &Path) -> Result<Self, SimulateError> {
        fs::create_dir(dir).map_err(|source| SimulateError::Write { path: dir.to_owned(), source })?;
        Ok(Self {
            dir: dir.to_owned(),
            page: Vec::new(),
            records: 0,
            last_id: String::new(),
            complete: Written::default(),
        })
    }

    pub(crate) fn write(&mut self, record: &ManagedDevice<'_>) -> Result<(), SimulateError> {
        if self.records == RECORDS_PER_PAGE {
            self.write_page(true)?;
        }
        self.page.extend_from_slice(if self.records == 0 { b"\n" } else { b",\n" });
        serde_json::to_writer(&mut self.page, record).map_err(|error| SimulateError::Write {
            path: self.dir.clone(),
            source: io::Error::from(error),
        })?;
        self.records += 1;
        self.last_id = record.id();
        Ok(())
    }

    fn write_page(&mut self, more: bool) -> Result<(), SimulateError> {
        let number = self.complete.files + 1;
        let mut file = ExportFile::create(self.dir.join(format!("managedDevices-{number:05}.json")))?;
        file.write(
            format!("{{\"@odata.context\":\"{CONTEXT}\",\"@odata.count\":{},", self.records).as_bytes(),
        )?;
        if more {
            let token = format!("LastDeviceId%3d%2527{}%2527", self.last_id);
            file.write(format!("\"@odata.nextLink\":\"{LIST}?$skiptoken={token}\",").as_bytes())?;
        }
        file.write(b"\"value\":[")?;
        file.write(&self.page)?;
        file.write(b"\n]}\n")?;
        file.finish(&mut self.complete)?;
        self.complete.intune_records += self.records as u64;
        self.page.clear();
        self.records = 0;
        Ok(())
    }

    pub(crate) fn finish(mut self, written: &mut Written) -> Result<(), SimulateError> {
        self.write_page(false)?;
        written.files += self.complete.files;
        written.bytes += self.complete.bytes;
        written.intune_records += self.complete.intune_records;
        Ok(())
    }
}
