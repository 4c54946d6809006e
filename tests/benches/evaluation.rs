//! How long a fleet takes to be judged by the whole catalogue on every path, from PostgreSQL; and how soon one changed device is seen.
//!
//! `TANDEM_BENCH_DEVICES` generated devices (default 1,000,000) are imported into `tandem-inventory` over PostgreSQL in a container, with
//! TLS and tokens, and an authority that keeps no history. Then `tandem-prerequisites` starts, and is asked how far it is until every device is judged: `seconds` from its start.
//! Then a fact of the tenant changes, and every device is judged again: `again`, from the change to the first summary of its world.
//! Then `TANDEM_BENCH_CHANGES` devices (default 500), one after the other, get a Windows that is too old: `visible_p99`, from the report to
//! the summary's list that has it. `peak_mib` is the most memory that `tandem-prerequisites` held until all was judged. Last line:
//! `evaluation seconds=S limit=60 again=S peak_mib=M visible_p99=MS limit_ms=1000 devices=N`.
//!
//! Needs a container engine, as the tests with containers do.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use tandem::import::import;
use tandem_client::Connection;
use tandem_connectors::Exports;
use tandem_contracts::convert::time;
use tandem_contracts::inventory::v1::{GetTenantRequest, ReportDevicesRequest, UpdateTenantRequest};
use tandem_contracts::prerequisites::v1::list_summary_devices_request::Number;
use tandem_contracts::prerequisites::v1::{
    FleetEvaluation, GetFleetEvaluationRequest, ListSummaryDevicesRequest, RuleNumber,
};
use tandem_contracts::r#type::v1::section::Body;
use tandem_contracts::r#type::v1::{ConsoleDevice, Section};
use tandem_domain::id::TenantId;
use tandem_simulator::{FleetSpec, write_exports};
use tandem_tests::system::Processes;
use tokio::time::Instant;
use tonic::Request;

type Failure = Box<dyn Error>;

/// The server's settings: those of `deploy/compose.yaml`.
const SETTINGS: [&str; 2] = ["shared_buffers=1GB", "max_wal_size=8GB"];

const TENANT: &str = "tenants/bench";

/// How often the process is asked how far it is.
const LOOK: Duration = Duration::from_millis(100);

/// What waits longest: a tenant judged again.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let result = run();
    let printed = match &result {
        Ok(line) => writeln!(io::stdout(), "{line}"),
        Err(error) => writeln!(io::stderr(), "evaluation bench failed: {error}"),
    };
    if result.is_ok() && printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run() -> Result<String, Failure> {
    tandem_testkit::containers::available()?;
    tokio::runtime::Runtime::new()?.block_on(bench())
}

fn setting(name: &str, default: u64) -> Result<u64, Failure> {
    match std::env::var(name) {
        Ok(text) => Ok(text.parse().map_err(|error| format!("{name} {text:?}: {error}"))?),
        Err(_) => Ok(default),
    }
}

async fn bench() -> Result<String, Failure> {
    let devices = setting("TANDEM_BENCH_DEVICES", 1_000_000)?.max(1);
    let changes = setting("TANDEM_BENCH_CHANGES", 500)?.max(1);
    let mut processes = Processes::new_with(&SETTINGS).await;
    // Straight to the server: what stands between them in tests would take part of the machine.
    let database = processes.postgres.url("postgres");
    for service in ["inventory", "prerequisites", "authority"] {
        processes.configure_one(service, "TANDEM_DATABASE_URL", &database);
    }
    // It would go on writing down what was imported while the fleet is judged.
    processes.configure_one("authority", "TANDEM_HISTORY__KEEP_DAYS", "0");
    let as_of = fill(&mut processes, devices).await?;

    let started = Instant::now();
    processes.start("prerequisites");
    processes.ready().await;
    let connection = processes.connection();
    let (mut peak, mut noted) = (0, started);
    let judged = loop {
        let evaluation = evaluation(&connection).await?;
        peak = peak.max(processes.running("prerequisites").resident_bytes());
        if evaluation.complete {
            break evaluation;
        }
        if noted.elapsed() >= Duration::from_secs(5) {
            noted = Instant::now();
            let judged = evaluation.run.unwrap_or_default().judged;
            note(&format!("{:.0} s: {judged} judged, {} MiB", started.elapsed().as_secs_f64(), peak >> 20));
        }
        tokio::time::sleep(LOOK).await;
    };
    let seconds = started.elapsed().as_secs_f64();
    if judged.devices != devices {
        return Err(format!("expected {devices} devices, found {}", judged.devices).into());
    }
    note(&format!("judged in {seconds:.1} s; the inventory holds {} MiB", {
        processes.running("inventory").resident_bytes() >> 20
    }));
    let again = change_the_tenant(&connection).await?;
    let mut visible = Vec::new();
    let before = too_old(&connection, String::new()).await?;
    for number in 0..changes {
        let changed = Instant::now();
        let token = age(&connection, number, as_of).await?;
        let found = too_old(&connection, token).await?;
        visible.push(changed.elapsed());
        if found != before + number + 1 {
            return Err(format!("expected {} devices, found {found}", before + number + 1).into());
        }
    }
    visible.sort_unstable();
    let at = |hundredths: usize| {
        let place = (visible.len() * hundredths).div_ceil(100).saturating_sub(1);
        visible.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    };
    note(&format!("visible after p50 {:.1} ms, p100 {:.1} ms", at(50), at(100)));
    Ok(format!(
        "evaluation seconds={seconds:.1} limit=60 again={again:.1} peak_mib={} visible_p99={:.1} limit_ms=1000 devices={devices}",
        peak >> 20,
        at(99)
    ))
}

/// Fills the inventory. Answers the day of the facts.
async fn fill(processes: &mut Processes, devices: u64) -> Result<jiff::Timestamp, Failure> {
    let folder = tempfile::tempdir()?;
    let fleet = folder.path().join("exports");
    let spec = FleetSpec { devices, ..FleetSpec::default() };
    write_exports(&spec, &fleet, |_| {})?;
    processes.start("inventory");
    processes.start("authority");
    processes.ready().await;
    let as_of = spec.as_of.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp();
    let started = Instant::now();
    let tenant = TenantId::parse("bench")?;
    let imported = import(&processes.connection(), &tenant, Exports::open(&fleet)?, as_of, &|_| {}).await?;
    if imported.summary.refused.total() > 0 {
        return Err(format!("{} records were refused", imported.summary.refused.total()).into());
    }
    note(&format!("imported in {:.0} s", started.elapsed().as_secs_f64()));
    Ok(as_of)
}

async fn evaluation(connection: &Connection) -> Result<FleetEvaluation, Failure> {
    let request = GetFleetEvaluationRequest { parent: TENANT.into(), ..Default::default() };
    let answer = connection.fleet_evaluation().get_fleet_evaluation(request).await?.into_inner();
    Ok(answer.evaluation.unwrap_or_default())
}

/// Changes what every device is judged by. Answers the seconds until all of them are judged again.
async fn change_the_tenant(connection: &Connection) -> Result<f64, Failure> {
    let request = GetTenantRequest { name: TENANT.into(), ..GetTenantRequest::default() };
    let mut tenant = connection.tenants().get_tenant(request).await?.into_inner().tenant.unwrap_or_default();
    let facts = tenant.facts.get_or_insert_default();
    facts.intune_license_count = Some(facts.intune_license_count.unwrap_or(0) + 1);
    let started = Instant::now();
    let request = UpdateTenantRequest { tenant: Some(tenant), request_id: String::new() };
    let token = connection.tenants().update_tenant(request).await?.into_inner().consistency_token;
    let mut noted = started;
    while too_old(connection, token.clone()).await.is_err() {
        if noted.elapsed() >= Duration::from_secs(5) {
            noted = Instant::now();
            let FleetEvaluation { pending, problem, .. } = evaluation(connection).await?;
            note(&format!("{pending} to be judged again {problem}"));
        }
        if started.elapsed() > 20 * PATIENCE {
            return Err("the fleet is not judged again".into());
        }
    }
    Ok(started.elapsed().as_secs_f64())
}

/// Devices that are too old, at least in the world of that token.
async fn too_old(connection: &Connection, consistency_token: String) -> Result<u64, Failure> {
    let rule = RuleNumber { rule: "win.minimum_1709".into(), ..RuleNumber::default() };
    let mut request = Request::new(ListSummaryDevicesRequest {
        parent: TENANT.into(),
        number: Some(Number::Rule(rule)),
        page_size: 1,
        consistency_token,
        ..ListSummaryDevicesRequest::default()
    });
    request.set_timeout(PATIENCE);
    Ok(connection.fleet_evaluation().list_summary_devices(request).await?.into_inner().total)
}

/// Reports a device with a Windows that is too old. Answers the token of the world that has it.
async fn age(connection: &Connection, number: u64, as_of: jiff::Timestamp) -> Result<String, Failure> {
    let console = ConsoleDevice {
        name: Some(format!("OLD-{number:06}")),
        sms_id: Some(format!("GUID:0d7b6c51-4a3f-4b18-8f2d-{number:012}")),
        device_os: Some("Microsoft Windows NT Workstation 10.0".into()),
        device_os_build: Some("10.0.15063.0".into()),
        is_client: Some(true),
        ..ConsoleDevice::default()
    };
    let section = Section {
        key: format!("PS1/old-{number}"),
        observed_at: Some(time::to_proto(as_of)),
        sequence: 0,
        body: Some(Body::CombinedDevice(console)),
    };
    let request = ReportDevicesRequest {
        parent: TENANT.into(),
        source: "configmgr/PS1".into(),
        sequence: 1,
        sections: vec![section],
    };
    let answers = connection.devices().report_devices(tokio_stream::iter([request])).await?;
    let answer = answers.into_inner().message().await?.ok_or("a report is not acknowledged")?;
    if answer.applied != 1 {
        return Err(format!("a report is refused: {:?}", answer.refused).into());
    }
    Ok(answer.consistency_token)
}

fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
