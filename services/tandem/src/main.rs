//! `tandem`: the command line and, as `tandem serve`, the four services in one process.

use std::process::ExitCode;

use clap::Parser;
use tandem::cli::{self, Cli};

/// Four services in one process make many small allocations on many threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    cli::run(Cli::parse()).await
}
