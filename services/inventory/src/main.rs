//! `tandem-inventory`: the inventory service in a process of its own.

use std::process::ExitCode;

use clap::Parser;
use tandem_cache::SharedRedis;
use tandem_client::{Connection, audit};
use tandem_inventory::config::{Arguments, NAME};
use tandem_inventory::{Inventory, Parts};
use tandem_server::process::{self, Process};
use tandem_server::{Clock, failure::BoxError};

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
    let redis = config.redis()?;
    let parts = Parts {
        database: config.database(),
        clock: Clock::system(),
        cache: redis.as_ref().map(SharedRedis::device_states),
        hints: redis.map(|redis| redis.hints),
    };
    let Some(inventory) = process.open(|| Inventory::open(parts.clone())).await? else { return Ok(()) };
    inventory.start_tasks(process.supervisor());
    let outbox = inventory.audit_outbox();
    let authority = Connection::connect_lazy(&config.authority, &config.peers)?;
    let sending = outbox.clone().forward(audit::delivery(&authority), process.supervisor().ending());
    process.supervisor().spawn("audit outbox", sending);
    let server = inventory.serve_on(process.audited_server(outbox));
    process.serve(server).await?;
    Ok(inventory.close().await?)
}
