//! The prerequisites service as a process of its own.

mod process;

use std::error::Error;
use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

use clap::Parser;
use tandem_prerequisites::config::Arguments;
use tandem_server::failure::BoxError;
use tandem_telemetry::{logs, metrics::Metrics};

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = run(&Arguments::parse()).await else { return ExitCode::SUCCESS };
    let first: &(dyn Error + 'static) = &*error;
    let chain: Vec<String> =
        std::iter::successors(Some(first), |&error| error.source()).map(ToString::to_string).collect();
    // A closed standard error leaves nowhere to say so.
    let _ = writeln!(stderr(), "tandem-prerequisites: {}", chain.join(": "));
    ExitCode::FAILURE
}

async fn run(arguments: &Arguments) -> Result<(), BoxError> {
    let config = arguments.configuration()?;
    if arguments.print_config {
        serde_json::to_writer_pretty(stdout(), &config)?;
        return Ok(writeln!(stdout())?);
    }
    logs::init(config.log_format.parse()?, "info")?;
    process::serve(&config, Metrics::init()?).await
}
