//! An AdminService answer: one envelope per file, rows streamed into it.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::file::ExportFile;
use super::{SimulateError, Written};

/// The answers about one class, split into files of so many rows. Even a class without rows has a file: "none" is an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    dir: PathBuf,
    class: &'static str,
    /// What a file starts with.
    head: String,
    rows_per_file: u64,
    file: ExportFile,
    /// Files that are complete: their number, and what is in them.
    complete: Written,
    rows: u64,
}

impl Answer {
    pub(crate) fn create(
        dir: &Path,
        class: &'static str,
        context: &str,
        rows_per_file: u64,
    ) -> Result<Self, SimulateError> {
        let head = format!("{{\"@odata.context\":\"{context}\",\"value\":[");
        let mut file = ExportFile::create(path(dir, class, 1))?;
        file.write(head.as_bytes())?;
        Ok(Self {
            dir: dir.to_owned(),
            class,
            head,
            rows_per_file,
            file,
            complete: Written::default(),
            rows: 0,
        })
    }

    pub(crate) fn row(&mut self, row: &impl Serialize) -> Result<(), SimulateError> {
        self.start_row()?;
        self.file.write_json(row)
    }

    pub(crate) fn raw_row(&mut self, row: &[u8]) -> Result<(), SimulateError> {
        self.start_row()?;
        self.file.write(row)
    }

    fn start_row(&mut self) -> Result<(), SimulateError> {
        let is_first = self.rows.is_multiple_of(self.rows_per_file);
        if is_first && self.rows > 0 {
            let number = self.rows / self.rows_per_file + 1;
            let next = ExportFile::create(path(&self.dir, self.class, number))?;
            let full = std::mem::replace(&mut self.file, next);
            close(full, &mut self.complete)?;
            self.file.write(self.head.as_bytes())?;
        }
        self.rows += 1;
        self.file.write(if is_first { b"\n" } else { b",\n" })
    }

    /// Ends the last file; answers the number of rows.
    pub(crate) fn finish(mut self, written: &mut Written) -> Result<u64, SimulateError> {
        close(self.file, &mut self.complete)?;
        written.files += self.complete.files;
        written.bytes += self.complete.bytes;
        Ok(self.rows)
    }
}

fn close(mut file: ExportFile, complete: &mut Written) -> Result<(), SimulateError> {
    file.write(b"\n]}\n")?;
    file.finish(complete)
}

fn path(dir: &Path, class: &str, number: u64) -> PathBuf {
    dir.join(format!("{class}-{number:03}.json"))
}
