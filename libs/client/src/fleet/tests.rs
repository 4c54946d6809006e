//! Readers against servers within the process that count how often they are asked.

mod devices;
mod policies;
mod site;
mod surroundings;

use tandem_server::consistency::{ConsistencyToken, Service};
use tandem_server::in_process::in_process;
use tandem_server::{ApiServer, ContractService, LocalAuthenticator, Supervisor};

use super::World;
use crate::{Connection, endpoint};

/// A connection to a server of that one service, which lives as long as the supervisor.
fn serve<S: ContractService>(service: S) -> (Supervisor, Connection) {
    let (connector, incoming) = in_process();
    let server = ApiServer::new(LocalAuthenticator::default()).add_service(service);
    let supervisor = Supervisor::new();
    let draining = supervisor.draining();
    supervisor.spawn("server", server.serve(incoming, draining.cancelled_owned()));
    let channel = endpoint("http://in-process").unwrap().connect_with_connector_lazy(connector);
    (supervisor, Connection::from_channel(channel))
}

fn token(service: Service, incarnation: u64, revision: u64) -> String {
    ConsistencyToken::default().with(service, incarnation, revision).to_string()
}

fn world_of(service: Service, token: &str) -> Option<World> {
    let mark = ConsistencyToken::parse(token).ok()?.get(service)?;
    Some(World { incarnation: mark.incarnation, revision: mark.revision })
}
