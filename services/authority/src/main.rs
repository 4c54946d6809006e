//! `tandem-authority`: the authority service in a process of its own.

use std::process::ExitCode;

use clap::Parser;
use tandem_authority::config::{Arguments, NAME};
use tandem_authority::{Authority, Parts};
use tandem_cache::SharedRedis;
use tandem_client::Connection;
use tandem_server::process::{self, Process};
use tandem_server::{Clock, failure::BoxError, trace};

/// Requests allocate much, and briefly: the allocator of the C library took a sixth of the time of a check over Redis.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    process::exit(NAME, run(&Arguments::parse()).await)
}

async fn run(arguments: &Arguments) -> Result<(), BoxError> {
    let config = arguments.configuration()?;
    if arguments.print_config {
        return process::print_config(&config);
    }
    process::hold_little();
    let process = Process::start(&config.settings()).await?;
    let redis = config.redis()?;
    if let Some(SharedRedis { hints, .. }) = redis.clone() {
        process.supervisor().spawn_endless("hints", async move { hints.run().await });
    }
    let parts = Parts {
        database: config.database(),
        inventory: Connection::connect_lazy(&config.inventory, &config.peers)?
            .with_trace_source(trace::current_id),
        cache: redis.as_ref().map(SharedRedis::device_states),
        clock: Clock::system(),
        supervisor: process.supervisor().clone(),
        signing_key: config.signing_key()?,
        heads_file: config.audit.heads_file.clone(),
        history: config.history.kept(),
    };
    let Some(authority) = process.open(|| Authority::open(parts.clone())).await? else { return Ok(()) };
    authority.start_tasks();
    let server = authority.serve_on(process.audited_server(authority.audit_sink()));
    process.serve(server).await?;
    Ok(authority.close().await?)
}
