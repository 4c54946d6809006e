//! How long `tandem assess` takes over a generated fleet, and how much memory at most.
//!
//! `TANDEM_BENCH_DEVICES` devices (default 100,000) are generated into a temporary folder: about 4.5 kB each, not counted. The
//! release binary then runs as a child process and writes its answer into a file. Last line:
//! `assess seconds=S peak_mib=M devices=N`.
//!
//! The kernel counts peak memory over all children of a process together, and the compiler is a child too. So the bench starts
//! itself once more to run and measure the binary: that process has no other child.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use cargo_metadata::Message;
use nix::sys::resource::{UsageWho, getrusage};
use serde::Deserialize;
use tandem_simulator::{FleetSpec, write_exports};

type Failure = Box<dyn Error>;

/// First argument of the measuring process.
const MEASURE: &str = "measure-assess";
const DEFAULT_DEVICES: u64 = 100_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.as_slice() {
        [verb, binary, exports, answer] if verb == MEASURE => measure(binary, exports, answer),
        _ => bench(),
    };
    match result {
        Ok(line) => {
            let printed = writeln!(io::stdout(), "{line}");
            printed.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
        }
        Err(error) => {
            note(&format!("assess bench failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<String, Failure> {
    let devices = devices()?;
    let binary = build()?;
    let folder = tempfile::tempdir()?;
    let exports = folder.path().join("exports");
    let answer = folder.path().join("assessment.json");

    let started = Instant::now();
    let written = write_exports(&FleetSpec { devices, ..FleetSpec::default() }, &exports, |_| {})?;
    note(&format!(
        "generated {} files, {} MiB, {} memberships in {:.1} s",
        written.files,
        written.bytes >> 20,
        written.memberships,
        started.elapsed().as_secs_f64()
    ));

    let measured = Command::new(std::env::current_exe()?)
        .arg(MEASURE)
        .args([&binary, &exports, &answer])
        .stderr(Stdio::inherit())
        .output()?;
    if !measured.status.success() {
        return Err(format!("measuring process ended with {}", measured.status).into());
    }
    // A fast answer counts only if it is about every device.
    let assessed = assessed_devices(&answer)?;
    if assessed != devices {
        return Err(format!("expected {devices} assessed devices, found {assessed}").into());
    }
    let figures = String::from_utf8(measured.stdout)?;
    Ok(format!("assess {} devices={devices}", figures.trim()))
}

fn devices() -> Result<u64, Failure> {
    match std::env::var("TANDEM_BENCH_DEVICES") {
        Ok(text) => text.parse().map_err(|error| format!("TANDEM_BENCH_DEVICES {text:?}: {error}").into()),
        Err(_) => Ok(DEFAULT_DEVICES),
    }
}

/// Builds the release binary; cargo says where it is.
fn build() -> Result<PathBuf, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let built = Command::new(cargo)
        .args(["build", "--release", "-p", "tandem", "--message-format=json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(manifest)
        .stderr(Stdio::inherit())
        .output()?;
    if !built.status.success() {
        return Err(format!("building tandem ended with {}", built.status).into());
    }
    let mut binary = None;
    for message in Message::parse_stream(built.stdout.as_slice()) {
        if let Message::CompilerArtifact(artifact) = message?
            && artifact.target.name == "tandem"
            && let Some(executable) = artifact.executable
        {
            binary = Some(executable.into_std_path_buf());
        }
    }
    binary.ok_or_else(|| "cargo built no executable named tandem".into())
}

/// In the measuring process: runs the binary, its only child.
fn measure(binary: &str, exports: &str, answer: &str) -> Result<String, Failure> {
    let started = Instant::now();
    let status = Command::new(binary)
        .args(["assess", exports, "-o", "json"])
        .stdin(Stdio::null())
        .stdout(File::create(answer)?)
        .status()?;
    let seconds = started.elapsed().as_secs_f64();
    if !status.success() {
        return Err(format!("tandem assess ended with {status}").into());
    }
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
    // Kilobytes, except on Apple's systems.
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    let peak_mib = (peak * unit) >> 20;
    Ok(format!("seconds={seconds:.2} peak_mib={peak_mib}"))
}

/// Reads the one number without keeping the answer, which is large.
fn assessed_devices(answer: &Path) -> Result<u64, Failure> {
    #[derive(Deserialize)]
    struct Assessment {
        totals: Totals,
    }

    #[derive(Deserialize)]
    struct Totals {
        devices: u64,
    }

    let assessment: Assessment = serde_json::from_reader(BufReader::new(File::open(answer)?))?;
    Ok(assessment.totals.devices)
}

fn note(text: &str) {
    // Nobody to tell when standard error is gone.
    let _ = writeln!(io::stderr(), "{text}");
}
