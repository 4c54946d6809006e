//! `tandem simulate`: exports of a fleet that never existed.

use std::path::PathBuf;

use jiff::civil::Date;
use serde::Serialize;
use tandem_simulator::{FleetSpec, SimulateError, Written, write_exports};

use super::failure::CliError;
use super::json;
use super::progress;
use super::screen::Screen;

/// Which fleet, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct SimulateArgs {
    /// How many devices
    #[arg(long, value_name = "N", default_value_t = FleetSpec::default().devices)]
    devices: u64,
    /// Start of all chance: equal seeds give equal fleets
    #[arg(long, value_name = "S", default_value_t = FleetSpec::default().seed)]
    seed: u64,
    /// The day on which the exports were made
    #[arg(long, value_name = "DATE", default_value_t = FleetSpec::default().as_of)]
    as_of: Date,
    /// The folder to write: empty, or made anew
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// What was written, for programs.
#[derive(Debug, Serialize)]
struct Answer {
    devices: u64,
    intune_records: u64,
    site_records: u64,
    co_management_rows: u64,
    memberships: u64,
    files: u64,
    bytes: u64,
}

impl From<Written> for Answer {
    fn from(written: Written) -> Self {
        Self {
            devices: written.devices,
            intune_records: written.intune_records,
            site_records: written.site_records,
            co_management_rows: written.co_management_rows,
            memberships: written.memberships,
            files: written.files,
            bytes: written.bytes,
        }
    }
}

/// Writes the fleet. Nothing else runs in the process meanwhile, so it may block.
pub(crate) fn run(args: SimulateArgs, screen: &mut Screen<'_>) -> Result<(), CliError> {
    let spec =
        FleetSpec { devices: args.devices, seed: args.seed, as_of: args.as_of, ..FleetSpec::default() };
    let bar = progress::devices(spec.devices);
    let written = write_exports(&spec, &args.out, |devices| bar.set_position(devices));
    bar.finish_and_clear();
    let answer = Answer::from(written.map_err(|error| refused(&error))?);
    if screen.is_json() {
        return screen.line(&json::own(&answer)?);
    }
    screen.details(vec![
        ["Devices".to_owned(), answer.devices.to_string()],
        ["Intune records".to_owned(), answer.intune_records.to_string()],
        ["Site records".to_owned(), answer.site_records.to_string()],
        ["Co-management rows".to_owned(), answer.co_management_rows.to_string()],
        ["Memberships".to_owned(), answer.memberships.to_string()],
        ["Files".to_owned(), answer.files.to_string()],
        ["Bytes".to_owned(), answer.bytes.to_string()],
    ])
}

fn refused(error: &SimulateError) -> CliError {
    match error {
        SimulateError::Spec(_) | SimulateError::NotEmpty(_) => CliError::Usage(error.to_string()),
        SimulateError::Write { .. } => CliError::Failed(tandem_server::failure::chain(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::Output;

    fn simulate(devices: u64, out: PathBuf) -> Result<serde_json::Value, CliError> {
        let (mut written, mut notes) = (Vec::new(), Vec::new());
        let args = SimulateArgs { devices, seed: 7, as_of: FleetSpec::default().as_of, out };
        run(args, &mut Screen::new(Output::Json, &mut written, &mut notes))?;
        Ok(serde_json::from_slice(&written).unwrap())
    }

    #[test]
    fn fleet_of_the_asked_size_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let answer = simulate(20, folder.path().join("exports")).unwrap();
        assert_eq!(answer["devices"], 20);
        assert!(folder.path().join("exports/tenant-facts.toml").exists());
    }

    #[test]
    fn folder_with_files_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mine"), "").unwrap();
        let error = simulate(20, folder.path().to_owned()).unwrap_err();
        let expected =
            format!("expected an empty or a new folder, found files in {}", folder.path().display());
        assert_eq!((error.exit_code(), error.line()), (2, Some(expected)));
    }

    #[test]
    fn fleet_without_devices_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = simulate(0, folder.path().to_owned()).unwrap_err();
        let expected = "expected 1 to 10000000 devices, found 0";
        assert_eq!((error.exit_code(), error.line().as_deref()), (2, Some(expected)));
    }
}
