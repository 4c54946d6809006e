//! How long single reports take: each about one device, on a stream of its own, as small connectors send them; each changes
//! the device's name.
//!
//! `TANDEM_BENCH_REPORTS` reports a second (default 2000) begin evenly for `TANDEM_BENCH_SECONDS` (default 60), whether or not those before
//! are answered; each is timed from the moment at which it was due to its acknowledgement, by `tandem-inventory` over PostgreSQL in a
//! container, with TLS and tokens. Devices are those of `TANDEM_BENCH_DEVICES` (default 20,000) in turn. Last line:
//! `reports p99=MS limit=100 unit=ms rate=N/s failed=N resident=MIB growth=R`: what `tandem-inventory` holds at the end, and that over what
//! it held after a third of the time.
//!
//! Needs a container engine, as the tests with containers do.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use tandem_client::Connection;
use tandem_contracts::inventory::v1::ReportDevicesRequest;
use tandem_contracts::r#type::v1::section::Body;
use tandem_tests::reports::{TENANT, make_tenant, report, sections};
use tandem_tests::system::Processes;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

type Failure = Box<dyn Error>;

/// What the slowest hundredth may take, in milliseconds.
const LIMIT: u32 = 100;

/// Connections that the reports are spread over, as over so many connectors.
const CONNECTIONS: usize = 16;

fn main() -> ExitCode {
    let result = run();
    let printed = match &result {
        Ok(line) => writeln!(io::stdout(), "{line}"),
        Err(error) => writeln!(io::stderr(), "reports bench failed: {error}"),
    };
    if result.is_ok() && printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run() -> Result<String, Failure> {
    tandem_testkit::containers::available()?;
    tokio::runtime::Runtime::new()?.block_on(bench())
}

fn setting(name: &str, default: u32) -> Result<u32, Failure> {
    match std::env::var(name) {
        Ok(text) => Ok(text.parse().map_err(|error| format!("{name} {text:?}: {error}"))?),
        Err(_) => Ok(default),
    }
}

async fn bench() -> Result<String, Failure> {
    let rate = setting("TANDEM_BENCH_REPORTS", 2000)?.max(1);
    let seconds = setting("TANDEM_BENCH_SECONDS", 60)?.max(3);
    let devices = setting("TANDEM_BENCH_DEVICES", 20_000)?.max(1);
    let mut processes = Processes::new().await;
    processes.start("inventory");
    processes.ready().await;
    let connections: Vec<Connection> = (0..CONNECTIONS).map(|_| processes.connection()).collect();
    make_tenant(&connections[0]).await;
    report(&connections[0], 0..devices, &watch::Sender::new(0)).await;

    let mut running = JoinSet::new();
    let (started, all) = (Instant::now(), rate * seconds);
    let mut resident = 0;
    for number in 0..all {
        let due = started + Duration::from_secs(1) * number / rate;
        tokio::time::sleep_until(due).await;
        let connection = connections[number as usize % CONNECTIONS].clone();
        let (device, time) = (number % devices, number / devices + 1);
        running.spawn(async move { single(&connection, device, time).await.then(|| due.elapsed()) });
        if number == all / 3 {
            resident = processes.running("inventory").resident_bytes();
        }
    }
    let grown = processes.running("inventory").resident_bytes();
    let answers = running.join_all().await;
    let took = started.elapsed();
    let mut times: Vec<Duration> = answers.iter().copied().flatten().collect();
    times.sort_unstable();
    let at = |share: f64| {
        times.get(place(times.len(), share)).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    };
    note(&format!("p50 {:.1} ms, p90 {:.1} ms, p99.9 {:.1} ms", at(0.5), at(0.9), at(0.999)));
    Ok(format!(
        "reports p99={:.1} limit={LIMIT} unit=ms rate={:.0}/s failed={} resident={:.0} growth={:.2}",
        at(0.99),
        count(times.len()) / took.as_secs_f64(),
        answers.len() - times.len(),
        bytes(grown) / 1024.0 / 1024.0,
        bytes(grown) / bytes(resident),
    ))
}

/// Reports a device. Whether it was acknowledged.
async fn single(connection: &Connection, device: u32, time: u32) -> bool {
    let [mut discovery, _] = sections(device);
    discovery.sequence = u64::from(time);
    if let Some(Body::Discovery(said)) = &mut discovery.body {
        said.name = Some(format!("OSL-{device}-{time}"));
    }
    let request = ReportDevicesRequest {
        parent: TENANT.into(),
        source: "configmgr/PS1".into(),
        sequence: 1,
        sections: vec![discovery],
    };
    let mut client = connection.devices();
    let Ok(answers) = client.report_devices(tokio_stream::iter([request])).await else { return false };
    matches!(answers.into_inner().message().await, Ok(Some(answer)) if answer.refused.is_empty())
}

#[allow(clippy::cast_precision_loss, reason = "numbers of reports are far below 2^53")]
fn count(number: usize) -> f64 {
    number as f64
}

#[allow(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^53")]
fn bytes(number: u64) -> f64 {
    number as f64
}

/// Where the value lies that so large a share of the others is not above.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a length is within it"
)]
fn place(length: usize, share: f64) -> usize {
    ((count(length) * share).ceil() as usize).saturating_sub(1)
}

fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
