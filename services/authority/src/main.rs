//! `tandem-authority`: the authority service in a process of its own.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use futures::FutureExt;
use tandem_authority::config::Arguments;
use tandem_authority::{Authority, Parts};
use tandem_client::Connection;
use tandem_server::listen::{bind_loopback, bind_operations, incoming};
use tandem_server::tasks::shutdown_signal;
use tandem_server::{ApiServer, Clock, LocalAuthenticator, Supervisor, failure::BoxError, trace};
use tandem_telemetry::{logs, metrics::Metrics, operations, operations::Readiness};

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = run(Arguments::parse()).await else { return ExitCode::SUCCESS };
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
    // Logs may not be set up yet. Without standard error nobody can be told.
    let _ = writeln!(std::io::stderr(), "tandem-authority: {text}");
    ExitCode::FAILURE
}

async fn run(arguments: Arguments) -> Result<(), BoxError> {
    let config = arguments.configuration()?;
    if arguments.print_config {
        return Ok(writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&config)?)?);
    }
    logs::init(config.log_format.parse()?, "info")?;
    let (metrics, readiness, supervisor) = (Metrics::init()?, Readiness::new(), Supervisor::new());
    let database = readiness.check("database");
    let api = bind_loopback(config.listen).await?;
    let listener = bind_operations(config.operations).await?;
    let drained = supervisor.draining().cancelled_owned();
    supervisor.spawn("operations", operations::serve(listener, metrics.clone(), readiness, drained));
    let draining = supervisor.draining();
    supervisor.spawn("metrics upkeep", async move {
        draining.run_until_cancelled(metrics.upkeep()).await;
    });

    let authority = Authority::open(Parts {
        database: config.database(),
        inventory: Connection::connect_lazy(&config.inventory)?.with_trace_source(trace::current_id),
        // A process of its own has nobody to share an in-process cache with.
        cache: None,
        clock: Clock::system(),
    });
    let authority = authority.await?;
    database.ready();
    authority.start_tasks(&supervisor);
    let server = ApiServer::new(LocalAuthenticator::default()).add_service(authority.service());
    supervisor.spawn("api", server.serve(incoming(api), supervisor.draining().cancelled_owned()));
    tracing::info!(listen = %config.listen, "serving");
    supervisor.run(shutdown_signal().map(drop)).await?;
    Ok(authority.close().await?)
}
