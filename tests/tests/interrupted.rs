//! An assessment that is interrupted leaves nothing behind: its databases are scratch, and may be large.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tandem_simulator::{FleetSpec, write_exports};
use tandem_tests::binary::tandem;

/// So many that reading them takes far longer than noticing that it has begun.
const DEVICES: u64 = 20_000;

/// The binary has begun long before, and has ended long before.
const PATIENCE: Duration = Duration::from_secs(60);

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn interrupted_assessment_says_so_and_removes_its_databases() {
    let folder = tempfile::tempdir().unwrap();
    let (exports, scratch) = (folder.path().join("exports"), folder.path().join("scratch"));
    write_exports(&FleetSpec { devices: DEVICES, ..FleetSpec::default() }, &exports, |_| {}).unwrap();
    fs::create_dir(&scratch).unwrap();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut command = tandem();
        command.arg("assess").arg(&exports).env("TMPDIR", &scratch);
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let until = Instant::now() + PATIENCE;
        while entries(&scratch) == 0 {
            assert!(Instant::now() < until, "no database was made");
            std::thread::yield_now();
        }
        kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), stderr.as_str()),
            (Some(130), "tandem: interrupted, nothing was kept\n")
        );
        assert_eq!((output.stdout.as_slice(), entries(&scratch)), (&[][..], 0));
    }
}
