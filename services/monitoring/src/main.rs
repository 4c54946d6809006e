//! `tandem-monitoring`: the monitoring service in a process of its own.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use tandem_client::Connection;
use tandem_monitoring::{FollowMode, Monitoring, Parts, Upstream, config::Arguments};
use tandem_server::listen::{bind_loopback, bind_operations, incoming};
use tandem_server::tasks::shutdown_signal;
use tandem_server::{ApiServer, Clock, LocalAuthenticator, Supervisor, failure::BoxError, trace};
use tandem_telemetry::{logs, metrics::Metrics, operations, operations::Readiness};

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = run(Arguments::parse()).await else { return ExitCode::SUCCESS };
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    // Logs may not be set up yet. Without standard error nobody can be told.
    let _ = writeln!(std::io::stderr(), "tandem-monitoring: {text}");
    ExitCode::FAILURE
}

async fn run(arguments: Arguments) -> Result<(), BoxError> {
    let config = arguments.configuration()?;
    if arguments.print_config {
        return Ok(writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&config)?)?);
    }
    logs::init(config.log_format.parse()?, "info")?;
    let (metrics, readiness, supervisor) = (Metrics::init()?, Readiness::new(), Supervisor::new());
    let (api, operations) = (bind_loopback(config.listen).await?, bind_operations(config.operations).await?);
    let followers = Some(readiness.check("followers"));
    let drained = || supervisor.draining().cancelled_owned();
    supervisor.spawn("operations", operations::serve(operations, metrics.clone(), readiness, drained()));
    let draining = supervisor.draining();
    supervisor.spawn("metrics upkeep", async move {
        draining.run_until_cancelled(metrics.upkeep()).await;
    });
    let connect =
        |address| Ok::<_, BoxError>(Connection::connect_lazy(address)?.with_trace_source(trace::current_id));
    let upstream = Upstream {
        inventory: connect(&config.inventory)?,
        authority: connect(&config.authority)?,
        prerequisites: connect(&config.prerequisites)?,
    };
    let (clock, mode) = (Clock::system(), FollowMode::AllTenants);
    let monitoring = Monitoring::new(Parts {
        upstream,
        clock,
        supervisor: supervisor.clone(),
        mode,
        readiness: followers,
    });
    let server = ApiServer::new(LocalAuthenticator::default()).add_service(monitoring.service());
    supervisor.spawn("api", server.serve(incoming(api), drained()));
    tracing::info!(listen = %config.listen, "serving");
    let shutdown = async { shutdown_signal().await.unwrap_or_default() };
    Ok(supervisor.run(shutdown).await?)
}
