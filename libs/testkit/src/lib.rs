//! What tests of several crates share. Dev-only: nothing that ships depends on it.
//!
//! [`serve`] puts a server behind an in-memory transport; [`reason`] reads what a refusal published. Containers and the
//! databases that run in them join here when tests need them.

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
