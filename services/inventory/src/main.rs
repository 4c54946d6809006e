//! `tandem-inventory`: the inventory service in a process of its own.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use tandem_inventory::config::Arguments;
use tandem_inventory::{Inventory, Parts};
use tandem_server::listen::{bind_loopback, bind_operations, incoming};
use tandem_server::tasks::shutdown_signal;
use tandem_server::{ApiServer, Clock, LocalAuthenticator, Supervisor, failure::BoxError};
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
    let _ = writeln!(std::io::stderr(), "tandem-inventory: {text}");
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

    let inventory = Inventory::open(Parts {
        database: config.database(),
        clock: Clock::system(),
        // A process of its own has nobody to share an in-process cache with.
        cache: None,
    });
    let inventory = inventory.await?;
    database.ready();
    inventory.start_tasks(&supervisor);
    let server = inventory.serve_on(ApiServer::new(LocalAuthenticator::default()));
    supervisor.spawn("api", server.serve(incoming(api), supervisor.draining().cancelled_owned()));
    tracing::info!(listen = %config.listen, "serving");
    supervisor
        .run(async {
            let _ = shutdown_signal().await;
        })
        .await?;
    Ok(inventory.close().await?)
}
