//! `tandem-prerequisites`: the prerequisites service in a process of its own.

use std::process::ExitCode;

use clap::Parser;
use tandem_cache::SharedRedis;
use tandem_client::{Connection, audit};
use tandem_prerequisites::config::{Arguments, NAME};
use tandem_prerequisites::{FollowMode, Parts, Prerequisites};
use tandem_server::process::{self, Process};
use tandem_server::{Clock, failure::BoxError, trace};

/// Devices are many small values, made and dropped by the hundred thousand a second.
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
    let connect = |address| {
        let connection = Connection::connect_lazy(address, &config.peers)?;
        Ok::<_, BoxError>(connection.with_trace_source(trace::current_id))
    };
    let authority = connect(&config.authority)?;
    let to_log = audit::delivery(&authority);
    let parts = Parts {
        database: config.database(),
        inventory: connect(&config.inventory)?,
        authority,
        cache: redis.as_ref().map(SharedRedis::device_states),
        clock: Clock::system(),
        supervisor: process.supervisor().clone(),
        mode: FollowMode::AllTenants,
    };
    let Some(prerequisites) = process.open(|| Prerequisites::open(parts.clone())).await? else {
        return Ok(());
    };
    prerequisites.start_tasks();
    let outbox = prerequisites.audit_outbox();
    let sending = outbox.clone().forward(to_log, process.supervisor().ending());
    process.supervisor().spawn("audit outbox", sending);
    let server = prerequisites.serve_on(process.audited_server(outbox));
    process.serve(server).await?;
    Ok(prerequisites.close().await?)
}
