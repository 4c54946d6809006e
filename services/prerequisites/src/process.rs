//! The process: its listeners and tasks, from the first request to the last.

use tandem_client::Connection;
use tandem_prerequisites::config::Config;
use tandem_prerequisites::{Parts, Prerequisites};
use tandem_server::failure::BoxError;
use tandem_server::{ApiServer, Clock, LocalAuthenticator, Supervisor, listen, tasks};
use tandem_telemetry::metrics::Metrics;
use tandem_telemetry::operations;
use tokio::sync::oneshot;

/// Serves until the process is asked to end, then drains.
pub(crate) async fn serve(config: &Config, metrics: Metrics) -> Result<(), BoxError> {
    let api = listen::incoming(listen::bind_loopback(config.listen).await?);
    let operations = listen::bind_operations(config.operations).await?;
    let parts = Parts {
        inventory: Connection::connect_lazy(&config.inventory)?,
        authority: Connection::connect_lazy(&config.authority)?,
        // A process of its own has nobody to share an in-process cache with.
        cache: None,
        clock: Clock::system(),
    };
    let server =
        ApiServer::new(LocalAuthenticator::default()).add_service(Prerequisites::new(parts).service());

    let supervisor = Supervisor::new();
    let draining = || supervisor.draining().cancelled_owned();
    let readiness = operations::Readiness::new();
    let accepting = readiness.check("api");
    accepting.ready();
    // Probes are answered until the last request is: whether that went well or not, the sender is dropped.
    let (served, drained) = oneshot::channel::<()>();
    let until_drained = async { drop(drained.await) };
    let drain_begins = draining();
    supervisor.spawn("api", async move {
        let _served = served;
        let stop = async move {
            drain_begins.await;
            accepting.not_ready("draining");
        };
        server.serve(api, stop).await
    });
    supervisor.spawn("operations", operations::serve(operations, metrics.clone(), readiness, until_drained));
    let upkeep = supervisor.draining().run_until_cancelled_owned(metrics.upkeep());
    supervisor.spawn("metrics upkeep", async { upkeep.await.unwrap_or_default() });
    let mut asked = Ok(());
    supervisor.run(async { asked = tasks::shutdown_signal().await }).await?;
    Ok(asked?)
}
