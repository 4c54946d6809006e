//! `tandem-prerequisites`: the prerequisites service in a process of its own.

use std::process::ExitCode;

use clap::Parser;
use tandem_client::Connection;
use tandem_prerequisites::config::{Arguments, NAME};
use tandem_prerequisites::{Parts, Prerequisites};
use tandem_server::process::{self, Process};
use tandem_server::{ApiServer, Clock, LocalAuthenticator, failure::BoxError, trace};

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
    let connect =
        |address| Ok::<_, BoxError>(Connection::connect_lazy(address)?.with_trace_source(trace::current_id));
    let prerequisites = Prerequisites::new(Parts {
        inventory: connect(&config.inventory)?,
        authority: connect(&config.authority)?,
        cache: config.cache()?,
        clock: Clock::system(),
    });
    process.serve(ApiServer::new(LocalAuthenticator::default()).add_service(prerequisites.service())).await
}
