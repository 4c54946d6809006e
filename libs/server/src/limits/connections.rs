//! How many connections there are, of all and of one address, and how long one may stand without a use.
//!
//! Whoever is over a bound is turned away before anything is read of it or said to it, so that it costs an accept and a close. A place
//! is held from the accept on: handshakes take part of the same bounds, and no address can take the places of all.

use std::future::ready;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep};
use tonic::transport::server::{Connected, TcpIncoming};

use super::config::{Limits, seconds};
use super::places::{Places, Share, Shares, Taken};
use super::{files, refused};
use crate::access::ClientCertificate;

/// How many times as many connections an address on loopback may have: there it is as many programs as the machine runs.
const LOOPBACK: u64 = 4;

/// Pause after a connection could not be accepted: the process has no more files, or the system no more memory, and asking again at
/// once would change neither.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How often it is looked whether the certificate of a connection is acceptable. Longer than it takes streams to be told ([`crate::standing`]).
const CERTIFICATE_LOOK: Duration = Duration::from_secs(5);

/// The bounds of a listener.
#[derive(Debug)]
pub(crate) struct Connections {
    all: Arc<Places>,
    addresses: Arc<Shares<Network>>,
    per_address: u64,
    patience: Patience,
}

/// How long a connection may be of no use.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// Until its first request.
    first_request: Duration,
    /// After its last.
    idle: Duration,
    /// For an answer that is not read.
    answer: Duration,
}

impl Patience {
    /// How often a connection is looked at.
    fn period(self) -> Duration {
        self.first_request.min(self.idle).min(self.answer)
    }
}

/// What counts as one address: of IPv6 a whole subnet, since whoever has one address there has them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Network(IpAddr);

impl Network {
    pub(super) fn of(address: SocketAddr) -> Self {
        /// The bits of a subnet.
        const SUBNET: u128 = u128::MAX << 64;
        Self(match address.ip().to_canonical() {
            IpAddr::V6(ip) if !ip.is_loopback() => Ipv6Addr::from_bits(ip.to_bits() & SUBNET).into(),
            ip => ip,
        })
    }
}

impl Connections {
    pub(crate) fn new(limits: &Limits) -> Self {
        let wanted = limits.connections.get().into();
        Self {
            all: Places::new(files::room_for(wanted)),
            addresses: Shares::new(),
            per_address: limits.connections_per_address.get().into(),
            patience: Patience {
                first_request: seconds(limits.first_request_seconds),
                idle: seconds(limits.idle_seconds),
                answer: seconds(limits.answer_seconds),
            },
        }
    }

    /// How many there may be.
    pub(crate) fn all(&self) -> usize {
        usize::try_from(self.all.all()).unwrap_or(usize::MAX)
    }

    /// The connections of a listener that have a place. Small answers leave at once.
    pub(crate) fn accept(
        self: Arc<Self>,
        listener: TcpListener,
    ) -> impl Stream<Item = io::Result<(TcpStream, Entry)>> + Send {
        let accepted = TcpIncoming::from(listener).with_nodelay(Some(true)).then(|accepted| async {
            if let Err(error) = &accepted {
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            accepted
        });
        accepted.filter_map(move |accepted| {
            ready(match accepted {
                Ok(stream) => self.enter(stream).map(Ok),
                Err(error) => Some(Err(error)),
            })
        })
    }

    fn enter(&self, stream: TcpStream) -> Option<(TcpStream, Entry)> {
        // A caller that is gone already has no address.
        let address = stream.peer_addr().ok()?;
        let entry = self.entry(address)?;
        Some((stream, entry))
    }

    /// A place for a connection of that address.
    pub(crate) fn entry(&self, address: SocketAddr) -> Option<Entry> {
        let Some(place) = self.all.take() else {
            refused("connections");
            return None;
        };
        let of_loopback = if address.ip().to_canonical().is_loopback() { LOOPBACK } else { 1 };
        let Some(share) = self.addresses.take(&Network::of(address), self.per_address * of_loopback) else {
            refused("connections_per_address");
            return None;
        };
        Some(Entry { address, patience: self.patience, _place: place, _share: share })
    }
}

/// The place of a connection, given back with this.
#[derive(Debug)]
pub(crate) struct Entry {
    address: SocketAddr,
    patience: Patience,
    _place: Taken,
    _share: Share<Network>,
}

impl Entry {
    /// Whose it is.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Default)]
pub struct Peer {
    /// Its address.
    pub address: Option<SocketAddr>,
    /// The certificate that it has shown. `None`: it showed none.
    certificate: Option<Arc<ClientCertificate>>,
    pub(super) traffic: Arc<Traffic>,
}

impl Peer {
    /// The DNS names that its certificate proves, none without one; `None`: that certificate is acceptable no more.
    pub(crate) fn names(&self) -> Option<&[String]> {
        self.certificate.as_ref().map_or(Some(&[]), |certificate| certificate.names())
    }

    /// The certificate that it has shown.
    #[cfg(test)]
    pub(crate) fn certificate(&self) -> Option<&ClientCertificate> {
        self.certificate.as_deref()
    }

    /// Whether it has shown a certificate that was acceptable then.
    pub(super) const fn is_certified(&self) -> bool {
        self.certificate.is_some()
    }
}

/// What goes on on a connection.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// Requests that are not answered completely.
    open: AtomicU32,
    /// Some came since this was last looked at.
    came: AtomicBool,
    /// The last caller on it who had to be known was.
    known: AtomicBool,
    /// Answers that are not read, by the parity of the term in which they were given.
    unread: [AtomicU32; 2],
    term: AtomicUsize,
}

impl Traffic {
    pub(super) fn is_known(&self) -> bool {
        self.known.load(Ordering::Relaxed)
    }

    pub(super) fn set_known(&self, is_known: bool) {
        // What is written again and again would be fetched from another core each time.
        if self.is_known() != is_known {
            self.known.store(is_known, Ordering::Relaxed);
        }
    }

    /// Whether it is of use: something is open, or came since this was last asked.
    fn is_used(&self) -> bool {
        self.came.swap(false, Ordering::Relaxed) || self.open.load(Ordering::Relaxed) > 0
    }

    /// Ends a term. Whether an answer of the one before it is still not read.
    fn is_unread(&self) -> bool {
        let before = self.term.fetch_add(1, Ordering::Relaxed) + 1;
        self.unread[before % 2].load(Ordering::Relaxed) > 0
    }
}

/// A request on a connection, until this is dropped.
#[derive(Debug)]
pub(super) struct Open {
    traffic: Arc<Traffic>,
    /// The place in `unread` where its answer is counted.
    answered: Option<usize>,
}

impl Open {
    pub(super) fn on(traffic: &Arc<Traffic>) -> Self {
        traffic.open.fetch_add(1, Ordering::Relaxed);
        traffic.came.store(true, Ordering::Relaxed);
        Self { traffic: Arc::clone(traffic), answered: None }
    }

    /// Its answer is there, to be read within the next term.
    pub(super) fn answered(&mut self) {
        let place = self.traffic.term.load(Ordering::Relaxed) % 2;
        self.traffic.unread[place].fetch_add(1, Ordering::Relaxed);
        self.answered = Some(place);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // So that it counts as used up to here.
        self.traffic.came.store(true, Ordering::Relaxed);
        self.traffic.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(place) = self.answered {
            self.traffic.unread[place].fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Why a connection is closed.
#[derive(Debug)]
enum Useless {
    /// A limit of that name.
    Limit(&'static str),
    /// Its certificate is acceptable no more: whoever connects again shows a renewed one.
    Certificate,
}

/// A connection that has its place.
#[derive(Debug)]
pub struct Admitted<S> {
    stream: S,
    peer: Peer,
    entry: Entry,
    /// When it is next looked at.
    look: Pin<Box<Sleep>>,
    /// When it was last of use, or made.
    used: Instant,
    /// When the term of answers began.
    term: Instant,
    had_request: bool,
    /// Its certificate was acceptable no more at the last look.
    is_withdrawn: bool,
}

/// How often a connection is looked at.
fn period(entry: &Entry, peer: &Peer) -> Duration {
    let period = entry.patience.period();
    if peer.is_certified() { period.min(CERTIFICATE_LOOK) } else { period }
}

impl<S> Admitted<S> {
    /// That connection, whose other end has shown that certificate.
    pub(crate) fn new(stream: S, entry: Entry, certificate: Option<Arc<ClientCertificate>>) -> Self {
        let peer = Peer { address: Some(entry.address), certificate, traffic: Arc::default() };
        let now = Instant::now();
        let look = Box::pin(sleep(period(&entry, &peer)));
        Self { stream, peer, entry, look, used: now, term: now, had_request: false, is_withdrawn: false }
    }

    /// Waits until it is to be closed. Answers why.
    fn poll_useless(&mut self, cx: &mut Context<'_>) -> Poll<Useless> {
        let patience = self.entry.patience;
        while self.look.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if self.peer.traffic.is_used() {
                self.used = now;
                self.had_request = true;
            }
            let longest = if self.had_request { patience.idle } else { patience.first_request };
            if now.duration_since(self.used) >= longest {
                let limit = if self.had_request { "idle_seconds" } else { "first_request_seconds" };
                return Poll::Ready(Useless::Limit(limit));
            }
            if now.duration_since(self.term) >= patience.answer {
                self.term = now;
                if self.peer.traffic.is_unread() {
                    return Poll::Ready(Useless::Limit("answer_seconds"));
                }
            }
            // From one look to the next its streams have heard of it.
            if std::mem::replace(&mut self.is_withdrawn, self.peer.names().is_none()) && self.is_withdrawn {
                return Poll::Ready(Useless::Certificate);
            }
            self.look.as_mut().reset(now + period(&self.entry, &self.peer));
        }
        Poll::Pending
    }
}

impl<S> Connected for Admitted<S> {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Admitted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_pending()
            && let Poll::Ready(useless) = self.poll_useless(cx)
        {
            if let Useless::Limit(limit) = useless {
                refused(limit);
            }
            tracing::debug!(address = %self.entry.address, ?useless, "a connection is closed");
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Admitted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
