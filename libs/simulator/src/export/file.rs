//! A file that is being written.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use serde::Serialize;

use super::{SimulateError, Written};

/// Fewer, larger writes: a fleet has gigabytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// Counts what it was given and names itself when the disk refuses.
#[derive(Debug)]
pub(crate) struct ExportFile {
    path: PathBuf,
    out: BufWriter<File>,
    bytes: u64,
    /// A row on its way into the file.
    row: Vec<u8>,
}

impl ExportFile {
    /// A new file; one that is there already is refused.
    pub(crate) fn create(path: PathBuf) -> Result<Self, SimulateError> {
        match File::create_new(&path) {
            Ok(file) => {
                let out = BufWriter::with_capacity(BUFFER_BYTES, file);
                Ok(Self { path, out, bytes: 0, row: Vec::new() })
            }
            Err(source) => Err(SimulateError::Write { path, source }),
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), SimulateError> {
        self.bytes += bytes.len() as u64;
        self.out.write_all(bytes).map_err(|source| SimulateError::Write { path: self.path.clone(), source })
    }

    pub(crate) fn write_json(&mut self, value: &impl Serialize) -> Result<(), SimulateError> {
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        serde_json::to_writer(&mut row, value)
            .map_err(|error| SimulateError::Write { path: self.path.clone(), source: error.into() })?;
        let result = self.write(&row);
        self.row = row;
        result
    }

    pub(crate) fn finish(mut self, written: &mut Written) -> Result<(), SimulateError> {
        self.out.flush().map_err(|source| SimulateError::Write { path: self.path.clone(), source })?;
        written.files += 1;
        written.bytes += self.bytes;
        Ok(())
    }
}
