//! `tandem`: the command line and, as `tandem serve`, the four services in one process.

use std::process::ExitCode;

use clap::Parser;
use tandem::cli::{self, Cli};

#[tokio::main]
async fn main() -> ExitCode {
    cli::run(Cli::parse()).await
}
