//! TCP listeners. An API or web listener that others than this machine can reach must have TLS and authentication; one without
//! refuses to start. The operations listener holds no tenant data and is plain.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use tokio::net::{TcpListener, TcpStream};

use crate::limits::{Admitted, Connections, Limits};

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is reachable from outside, the listener is unprotected.
    #[error(
        "the listener on {address} lacks TLS or authentication: expected a loopback address such as \
         127.0.0.1:{port}, found {ip}; others need `tls`, and `tokens` or `tls.client_ca`",
        port = .address.port(),
        ip = .address.ip()
    )]
    Unprotected {
        /// The address.
        address: SocketAddr,
    },
    /// The operating system refused.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// Listens for API or web clients without TLS and authentication: on loopback only.
///
/// # Errors
/// The address is not on loopback, or cannot be bound.
pub async fn bind_loopback(address: SocketAddr) -> Result<TcpListener, ListenError> {
    if !address.ip().to_canonical().is_loopback() {
        return Err(ListenError::Unprotected { address });
    }
    bind(address).await
}

/// Listens for API clients, whose TLS and authentication [`crate::access`] has seen to.
///
/// # Errors
/// The address cannot be bound.
pub(crate) async fn bind_guarded(address: SocketAddr) -> Result<TcpListener, ListenError> {
    bind(address).await
}

/// Listens for operations: metrics and probes, on any address.
///
/// # Errors
/// The address cannot be bound.
pub async fn bind_operations(address: SocketAddr) -> Result<TcpListener, ListenError> {
    bind(address).await
}

/// The connections of a listener that the limits let in, as [`crate::ApiServer::serve`] takes them.
pub fn incoming(
    listener: TcpListener,
    limits: &Limits,
) -> impl Stream<Item = io::Result<Admitted<TcpStream>>> + Send + use<> {
    let accepted = Arc::new(Connections::new(limits)).accept(listener);
    accepted.map(|accepted| accepted.map(|(stream, entry)| Admitted::new(stream, entry, None)))
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| ListenError::Bind { address, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn loopback_address_is_bound() {
        for address in ["127.0.0.1:0", "127.9.9.9:0", "[::ffff:127.0.0.1]:0"] {
            let listener = bind_loopback(address.parse().unwrap()).await.unwrap();
            assert_ne!(listener.local_addr().unwrap().port(), 0);
        }
    }

    #[tokio::test]
    async fn address_that_others_reach_is_refused() {
        for (address, ip) in
            [("0.0.0.0:50051", "0.0.0.0"), ("10.1.2.3:50051", "10.1.2.3"), ("[::]:50051", "::")]
        {
            let error = bind_loopback(address.parse().unwrap()).await.unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "the listener on {address} lacks TLS or authentication: expected a loopback address such as \
                     127.0.0.1:50051, found {ip}; others need `tls`, and `tokens` or `tls.client_ca`"
                )
            );
        }
    }

    #[tokio::test]
    async fn taken_address_is_named_in_the_error() {
        let taken = bind_loopback("127.0.0.1:0".parse().unwrap()).await.unwrap().local_addr();
        let first = TcpListener::bind(taken.unwrap()).await.unwrap();
        let address = first.local_addr().unwrap();
        let error = bind_operations(address).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen on {address}"));
    }
}
