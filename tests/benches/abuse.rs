//! What an attacker costs an honest caller.
//!
//! `tandem-inventory` with TLS and tokens over SQLite has a core of its own, the attacker another, so that it takes nothing from the server but
//! what the server gives it. An honest caller beside the attacker, whom the system prefers, lists devices: `TANDEM_BENCH_RATE` times a
//! second (default 100) for `TANDEM_BENCH_SECONDS` (default 15) each time before, under and after the attack ([`tandem_tests::abuse`]); each
//! is timed from the moment at which it was due to its answer. One that fails counts as 10 s. Last line:
//! `abuse ratio=R quiet=MS attacked=MS after=MS resident_before=MIB resident_peak=MIB limit=3`: the slowest hundredth of each, the one under
//! attack over the quiet one, and what the server held before and at most.

use std::error::Error;
use std::io::{self, Write};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use tandem_client::{Addresses, Connection};
use tandem_contracts::inventory::v1::ListDevicesRequest;
use tandem_tests::abuse::{Target, attack};
use tandem_tests::credentials::Credentials;
use tandem_tests::process::{Process, Start, free_address};
use tandem_tests::reports::{TENANT, make_tenant, report};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

type Failure = Box<dyn Error + Send + Sync>;

/// How many times as long the slowest hundredth may take under attack.
const LIMIT: u32 = 3;

/// The server's core, and that of its callers.
const CORES: [usize; 2] = [0, 1];

/// Devices that there are.
const DEVICES: u32 = 500;

/// Devices of an answer.
const PAGE: i32 = 20;

/// What a failure counts as.
const FAILED: Duration = Duration::from_secs(10);

/// Tells this program, as JSON, that it is the attacker, and of whom.
const TARGET: &str = "TANDEM_BENCH_TARGET";

fn main() -> ExitCode {
    let result = match std::env::var(TARGET) {
        Ok(target) => attacker(&target),
        Err(_) => run(),
    };
    let printed = match &result {
        Ok(line) => writeln!(io::stdout(), "{line}"),
        Err(error) => writeln!(io::stderr(), "abuse bench failed: {error}"),
    };
    if result.is_ok() && printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn attacker(target: &str) -> Result<String, Failure> {
    let target: Target = serde_json::from_str(target)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(serde_json::to_string(&runtime.block_on(attack(target))?)?)
}

fn run() -> Result<String, Failure> {
    // Built before this process keeps to one core.
    let folder = tempfile::tempdir()?;
    let credentials = Credentials::make(&folder.path().join("credentials"));
    let mut mine = CpuSet::new();
    mine.set(CORES[1])?;
    sched_setaffinity(Pid::from_raw(0), &mine)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(bench(&folder, &credentials))
}

fn setting(name: &str, default: u32) -> Result<u32, Failure> {
    match std::env::var(name) {
        Ok(text) => Ok(text.parse().map_err(|error| format!("{name} {text:?}: {error}"))?),
        Err(_) => Ok(default),
    }
}

async fn bench(folder: &tempfile::TempDir, credentials: &Credentials) -> Result<String, Failure> {
    let rate = setting("TANDEM_BENCH_RATE", 100)?.max(1);
    let seconds = setting("TANDEM_BENCH_SECONDS", 15)?.max(1);
    let mut server = start(folder, credentials);
    server.ready().await;
    let address = server.address();
    let [inventory, prerequisites, authority, monitoring] = [&*address; 4];
    let addresses = Addresses { inventory, prerequisites, authority, monitoring };
    let connection = credentials.connection(&addresses, "full_administrator");
    make_tenant(&connection).await;
    report(&connection, 0..DEVICES, &watch::Sender::new(0)).await;
    phase(&connection, rate, 2).await;

    let quiet = phase(&connection, rate, seconds).await;
    let before = server.resident_bytes();
    let target = Target {
        api: server.api,
        ca: credentials.ca(),
        token: credentials.token("connector"),
        seconds: seconds.into(),
    };
    let (peak, over) = (AtomicU64::new(before), AtomicBool::new(false));
    let mut attacking = begin(&target)?;
    let (attacked, ()) = tokio::join!(
        async {
            let attacked = phase(&connection, rate, seconds).await;
            over.store(true, Ordering::Relaxed);
            attacked
        },
        async {
            while !over.load(Ordering::Relaxed) {
                peak.fetch_max(server.resident_bytes(), Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    );
    if !attacking.wait()?.success() {
        return Err("the attacker failed".into());
    }
    note_refusals(&server).await;
    let after = phase(&connection, rate, seconds).await;
    Ok(format!(
        "abuse ratio={:.2} quiet={:.2} attacked={:.2} after={:.2} resident_before={:.0} resident_peak={:.0} limit={LIMIT}",
        attacked / quiet,
        quiet,
        attacked,
        after,
        mebibytes(before),
        mebibytes(peak.into_inner()),
    ))
}

fn start(folder: &tempfile::TempDir, credentials: &Credentials) -> Process {
    let mut environment = credentials.environment("inventory");
    let data = folder.path().join("data").display().to_string();
    environment.push(("TANDEM_DATA_FOLDER".to_owned(), data));
    Process::start(&Start {
        service: "inventory",
        api: free_address(),
        operations: free_address(),
        environment,
        log: folder.path().join("inventory.log"),
        under: ["taskset", "-c", &CORES[0].to_string()].map(str::to_owned).to_vec(),
    })
}

/// The attacker is a process of its own, on the core of this one, which goes first there: what the honest caller waits for is the server.
fn begin(target: &Target) -> Result<std::process::Child, Failure> {
    let mut command = Command::new("nice");
    command.args(["-n", "19"]).arg(std::env::current_exe()?).env(TARGET, serde_json::to_string(target)?);
    // It says what it did; the last line of this program's output is another.
    Ok(command.stdin(Stdio::null()).stdout(io::stderr()).spawn()?)
}

/// Calls at a steady rate. Answers what the slowest hundredth took, in milliseconds.
async fn phase(connection: &Connection, rate: u32, seconds: u32) -> f64 {
    let (started, mut running) = (Instant::now(), JoinSet::new());
    let connection = Arc::new(connection.clone());
    for number in 0..rate * seconds {
        let due = started + Duration::from_secs(1) * number / rate;
        tokio::time::sleep_until(due).await;
        let connection = Arc::clone(&connection);
        running.spawn(async move {
            let request = ListDevicesRequest {
                parent: TENANT.into(),
                page_size: PAGE,
                ..ListDevicesRequest::default()
            };
            match connection.devices().list_devices(request).await {
                Ok(_) => due.elapsed(),
                Err(status) => {
                    note(&format!("an honest call failed: {status}"));
                    FAILED
                }
            }
        });
    }
    let mut times = running.join_all().await;
    times.sort_unstable();
    let at = |share: usize| times[times.len() * share / 1000].as_secs_f64() * 1000.0;
    note(&format!("p50 {:.2} ms, p90 {:.2} ms, p99.9 {:.2} ms", at(500), at(900), at(999)));
    at(990)
}

/// What the server refused, by the limits' names.
async fn note_refusals(server: &Process) {
    for limit in [
        "requests",
        "streams",
        "streams_per_principal",
        "requests_per_second",
        "refused_logins_per_minute",
        "connections",
        "connections_per_address",
        "message_seconds",
        "receiving_bytes",
    ] {
        let number = server.metric(&format!("tandem_refused_total{{limit=\"{limit}\"}}")).await;
        if number > 0.0 {
            note(&format!("refused for {limit}: {number}"));
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^53")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
