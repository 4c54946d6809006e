//! What tests of several crates share. Dev-only: nothing that ships depends on it.
//!
//! - [`serve`] puts a server behind an in-memory transport; [`reason`] reads what a refusal published.
//! - [`suite`]: a harness for tests that run on both databases or need containers.
//! - [`containers`] of the production engines; [`database`]: empty databases on the engine that a test runs on.
//! - [`certificates`] for those that encrypt.
//! - [`proxy`]: links that can be cut.
//! - [`wait`]: for a condition, never for a time.

pub mod certificates;
pub mod containers;
pub mod database;
pub mod proxy;
pub mod suite;
pub mod wait;

use tandem_server::in_process::in_process;
use tandem_server::{ApiServer, Supervisor};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Serves within the process until the supervisor drains. Answers a channel to the server.
pub fn serve(supervisor: &Supervisor, name: &str, server: ApiServer) -> Channel {
    let (connector, incoming) = in_process();
    let served = server.serve(incoming, supervisor.draining().cancelled_owned());
    supervisor.spawn(name, async move { served.await.map_err(Box::new) });
    Endpoint::from_static("http://in-process").connect_with_connector_lazy(connector)
}

/// The code of a refusal and the reason of its `ErrorInfo`; an empty reason where it has none.
#[must_use]
pub fn reason(status: &Status) -> (Code, String) {
    (
        status.code(),
        status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default(),
    )
}
