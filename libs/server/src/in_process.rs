//! Real gRPC within one process: the same bytes and layers as over a network, without a port.
//!
//! ```no_run
//! # async fn demo(server: tandem_server::ApiServer) {
//! let (connector, incoming) = tandem_server::in_process::in_process();
//! let channel = tonic::transport::Endpoint::from_static("http://in-process").connect_with_connector_lazy(connector);
//! # drop((channel, server.serve(incoming, std::future::pending())));
//! # }
//! ```

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use futures::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tower::Service;

/// Connections that wait to be accepted. Every client holds one connection for its life, so a handful is plenty; more wait.
const ACCEPT_QUEUE: usize = 16;

/// Bytes that one side may be ahead of the other, in each direction: some HTTP/2 frames of 16 KiB.
const PIPE_BYTES: usize = 256 * 1024;

/// Two ends of a transport: clients connect through the first, one server accepts from the second.
#[must_use]
pub fn in_process() -> (InProcessConnector, InProcessIncoming) {
    let (connections, accepted) = mpsc::channel(ACCEPT_QUEUE);
    (InProcessConnector { connections }, InProcessIncoming { accepted })
}

/// Connects to the server that holds the other end, whatever the address says.
#[derive(Debug, Clone)]
pub struct InProcessConnector {
    connections: mpsc::Sender<DuplexStream>,
}

impl Service<Uri> for InProcessConnector {
    type Response = TokioIo<DuplexStream>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<TokioIo<DuplexStream>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connections = self.connections.clone();
        Box::pin(async move {
            let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
            let refused =
                |_| io::Error::new(io::ErrorKind::ConnectionRefused, "the in-process server has stopped");
            connections.send(theirs).await.map_err(refused)?;
            Ok(TokioIo::new(ours))
        })
    }
}

/// The connections that clients make; ends when no connector is left.
#[derive(Debug)]
pub struct InProcessIncoming {
    accepted: mpsc::Receiver<DuplexStream>,
}

impl Stream for InProcessIncoming {
    type Item = io::Result<DuplexStream>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.accepted.poll_recv(cx).map(|connection| connection.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn bytes_sent_into_a_connection_arrive_at_the_server() {
        let (mut connector, mut incoming) = in_process();
        let mut client = connector.call(Uri::from_static("http://anywhere")).await.unwrap().into_inner();
        let mut server = incoming.next().await.unwrap().unwrap();
        client.write_all(b"hello").await.unwrap();
        let mut received = [0; 5];
        server.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"hello");
    }

    #[tokio::test]
    async fn connection_to_a_stopped_server_is_refused() {
        let (mut connector, incoming) = in_process();
        drop(incoming);
        let error = connector.call(Uri::from_static("http://anywhere")).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn incoming_without_connectors_ends() {
        let (connector, mut incoming) = in_process();
        drop(connector);
        assert!(incoming.next().await.is_none());
    }
}
