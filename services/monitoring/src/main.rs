//! `tandem-monitoring`: the monitoring service in a process of its own.

use std::process::ExitCode;

use clap::Parser;
use tandem_client::{Connection, audit};
use tandem_monitoring::{FollowMode, Monitoring, Parts, Upstream, config::Arguments, config::NAME};
use tandem_server::audit::outbox::Direct;
use tandem_server::process::{self, Process};
use tandem_server::{Clock, failure::BoxError, trace};

#[tokio::main]
async fn main() -> ExitCode {
    process::exit(NAME, run(&Arguments::parse()).await)
}

async fn run(arguments: &Arguments) -> Result<(), BoxError> {
    let config = arguments.configuration()?;
    if arguments.print_config {
        return process::print_config(&config);
    }
    let process = Process::start(&config.settings()).await?;
    let connect = |address| {
        let connection = Connection::connect_lazy(address, &config.peers)?;
        Ok::<_, BoxError>(connection.with_trace_source(trace::current_id))
    };
    let upstream = Upstream {
        inventory: connect(&config.inventory)?,
        authority: connect(&config.authority)?,
        prerequisites: connect(&config.prerequisites)?,
    };
    let to_log = audit::delivery(&upstream.authority);
    let monitoring = Monitoring::new(Parts {
        upstream,
        clock: Clock::system(),
        supervisor: process.supervisor().clone(),
        mode: FollowMode::AllTenants,
        readiness: Some(process.check("followers")),
    });
    let server = process.audited_server(Direct(to_log)).add_service(monitoring.service());
    process.serve(server).await
}
