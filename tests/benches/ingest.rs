//! How fast a fleet is taken into PostgreSQL, against the fastest way to write the same final rows.
//!
//! Ours: `TANDEM_BENCH_DEVICES` generated devices (default 100,000), read from their export files and streamed into `tandem-inventory` over
//! gRPC, all indexes present, fsync on; from the first message to the last acknowledgement. Yardstick: `COPY … FROM` of the final rows of
//! every table of the inventory into tables with the same indexes, on the same server, in the same run. Last line:
//! `ingest ratio=R ours=X yardstick=Y unit=devices/s devices=N`.
//!
//! Needs a container engine, as the tests with containers do.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use tandem::import::import;
use tandem_connectors::Exports;
use tandem_domain::id::TenantId;
use tandem_simulator::{FleetSpec, write_exports};
use tandem_testkit::containers::Postgres;
use tandem_tests::system::Processes;

type Failure = Box<dyn Error>;

const DEFAULT_DEVICES: u64 = 100_000;

/// The server's settings: those of `deploy/compose.yaml`, and the same for both.
const SETTINGS: [&str; 2] = ["shared_buffers=1GB", "max_wal_size=8GB"];

/// The schema of the final rows, and that into which they are copied.
const OURS: &str = "inventory";
const YARDSTICK: &str = "yardstick";

fn main() -> ExitCode {
    let result = run();
    let printed = match &result {
        Ok(line) => writeln!(io::stdout(), "{line}"),
        Err(error) => writeln!(io::stderr(), "ingest bench failed: {error}"),
    };
    if result.is_ok() && printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run() -> Result<String, Failure> {
    tandem_testkit::containers::available()?;
    tokio::runtime::Runtime::new()?.block_on(bench())
}

async fn bench() -> Result<String, Failure> {
    let devices: u64 = match std::env::var("TANDEM_BENCH_DEVICES") {
        Ok(text) => text.parse().map_err(|error| format!("TANDEM_BENCH_DEVICES {text:?}: {error}"))?,
        Err(_) => DEFAULT_DEVICES,
    };
    let folder = tempfile::tempdir()?;
    let fleet = folder.path().join("exports");
    let spec = FleetSpec { devices, ..FleetSpec::default() };
    write_exports(&spec, &fleet, |_| {})?;

    let mut processes = Processes::new_with(&SETTINGS).await;
    // Straight to the server: what stands between them in tests would take part of the machine.
    processes.configure("TANDEM_DATABASE_URL", &processes.postgres.url("postgres"));
    processes.start("inventory");
    processes.start("authority");
    processes.ready().await;

    let exports = Exports::open(&fleet)?;
    let tenant = TenantId::parse("bench")?;
    let as_of = spec.as_of.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp();
    let started = Instant::now();
    let imported = import(&processes.connection(), &tenant, exports, as_of, &|_| {}).await?;
    let ours = started.elapsed().as_secs_f64();
    if imported.summary.refused.total() > 0 {
        return Err(format!("{} records were refused", imported.summary.refused.total()).into());
    }
    let yardstick = copy(&processes.postgres).await?;

    let found = processes.postgres.count("postgres", &format!("{OURS}.devices")).await;
    if found != devices {
        return Err(format!("expected {devices} devices, found {found}").into());
    }
    let rate = |seconds: f64| per_second(devices, seconds);
    Ok(format!(
        "ingest ratio={:.2} ours={:.0} yardstick={:.0} unit=devices/s devices={devices}",
        yardstick / ours,
        rate(ours),
        rate(yardstick)
    ))
}

#[allow(clippy::cast_precision_loss, reason = "numbers of devices are far below 2^53")]
fn per_second(devices: u64, seconds: f64) -> f64 {
    devices as f64 / seconds
}

/// Copies the final rows of every table out and into one with the same indexes. Answers the seconds of the latter.
async fn copy(postgres: &Postgres) -> Result<f64, Failure> {
    let tables = postgres.tables("postgres", OURS).await;
    postgres.execute("postgres", &format!("CREATE SCHEMA {YARDSTICK}")).await;
    for table in &tables {
        let statements = [
            format!("COPY {OURS}.{table} TO '/tmp/{table}.rows' (FORMAT binary)"),
            format!("CREATE TABLE {YARDSTICK}.{table} (LIKE {OURS}.{table} INCLUDING ALL)"),
        ];
        for statement in statements {
            postgres.execute("postgres", &statement).await;
        }
    }
    postgres.execute("postgres", "CHECKPOINT").await;
    let started = Instant::now();
    for table in &tables {
        let statement = format!("COPY {YARDSTICK}.{table} FROM '/tmp/{table}.rows' (FORMAT binary)");
        postgres.execute("postgres", &statement).await;
        note(&format!("{table}: copied by {:.1} s", started.elapsed().as_secs_f64()));
    }
    Ok(started.elapsed().as_secs_f64())
}

fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
