//! A link that can be cut: a TCP proxy at an address that stays, to a server that may move.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// Where connections are led, and whether at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Link {
    target: SocketAddr,
    is_cut: bool,
}

/// A running proxy. Dropped, it ends with its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    link: Arc<watch::Sender<Link>>,
    accepting: AbortHandle,
}

impl Proxy {
    /// Leads to that server.
    ///
    /// # Panics
    /// No port is free.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = match TcpListener::bind("127.0.0.1:0").await {
            Ok(listener) => listener,
            Err(error) => panic!("no port for the proxy: {error}"),
        };
        let address = match listener.local_addr() {
            Ok(address) => address,
            Err(error) => panic!("no address of the proxy: {error}"),
        };
        let link = Arc::new(watch::Sender::new(Link { target, is_cut: false }));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&link))).abort_handle();
        Self { address, link, accepting }
    }

    /// Its address.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection, and each new one as soon as it is made.
    pub fn cut(&self) {
        self.link.send_modify(|link| link.is_cut = true);
    }

    /// Leads connections again.
    pub fn heal(&self) {
        self.link.send_modify(|link| link.is_cut = false);
    }

    /// Leads to another server. Connections to the former one end.
    pub fn lead_to(&self, target: SocketAddr) {
        self.link.send_modify(|link| link.target = target);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, link: Arc<watch::Sender<Link>>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(lead(client, link.subscribe()));
    }
}

/// Leads one connection until either side or the link ends it.
async fn lead(mut client: TcpStream, mut link: watch::Receiver<Link>) {
    let as_it_was = *link.borrow_and_update();
    if as_it_was.is_cut {
        return;
    }
    let Ok(mut server) = TcpStream::connect(as_it_was.target).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        // The sender is gone with the proxy.
        _ = link.wait_for(|link| *link != as_it_was) => {}
    }
}
