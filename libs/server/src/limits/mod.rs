//! Limits of an API listener: what one caller can take from the others, and all of them from the machine.
//!
//! - [`Limits`] is the configuration, [`Bounds`] what requests hold on to, [`Connections`] the same for connections.
//! - [`places`]: how many at once. Requests and streams are counted apart, so that watches that wait leave room for questions.
//! - [`rates`]: how often: requests of a principal, refused logins of an address.
//! - [`arrival`]: how slowly a message may come, and how much of unfinished ones is held.
//!
//! What the libraries bound is set where the server is built ([`crate::builder`]): streams and requests of a connection, headers,
//! resets, silent connections. What a caller does not read stays unmade: HTTP/2 lets a server be one window ahead of each stream and of
//! each connection. An answer of one message holds its place until it is read, for which there is a time.
//!
//! Invariants: whoever is over a bound is answered at once and waits for nothing; who asks whether the server is well is always
//! answered; a place is given back with the request or connection that held it, however that ends. Every refusal is counted by the
//! name of its limit, which the caller is told too.
//!
//! Not for: limits of one service, such as those of a batch.

mod arrival;
mod config;
mod connections;
mod files;
mod kind;
mod places;
mod rates;

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::header::AUTHORIZATION;
use tandem_telemetry::messages::CountedBody;

pub(crate) use self::arrival::{Arriving, Unread};
pub use self::config::Limits;
use self::config::seconds;
pub use self::connections::{Admitted, Peer};
pub(crate) use self::connections::{Connections, Entry};
use self::connections::{Network, Open, Traffic};
pub(crate) use self::kind::Kind;
use self::kind::Pool;
use self::places::{Places, Share, Shares, Taken};
use self::rates::{Rates, Running};
use crate::failure::Failure;
use crate::principal::Principal;
use crate::trace::Ongoing;

/// When to ask again for a place: many requests end within a second.
const RETRY: Duration = Duration::from_secs(1);

/// The name of the limit of what is held of unfinished messages.
const RECEIVING_BYTES: &str = "receiving_bytes";

/// What the ids of services' principals begin with.
const SERVICE: &str = "service:";

/// The id of whoever sits at the machine.
const LOCAL: &str = "local";

/// Counts a refusal.
fn refused(limit: &'static str) {
    metrics::counter!("tandem_refused_total", "limit" => limit).increment(1);
}

/// Limits in use: what the requests of a server hold on to. Clones are the same.
#[derive(Clone)]
pub(crate) struct Bounds(Arc<Inner>);

struct Inner {
    requests: Arc<Places>,
    streams: Arc<Places>,
    open_streams: Arc<Places>,
    receiving: Arc<Places>,
    streams_of: Arc<Shares<ById>>,
    requests_of: Rates<ById>,
    refused_logins: Rates<Network>,
    limits: Limits,
}

impl std::fmt::Debug for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bounds").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}

/// A principal as one whom limits are for: known by its id, whatever its token of the moment allows.
#[derive(Debug, Clone)]
struct ById(Arc<Principal>);

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for ById {}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

/// What a request holds while it lasts.
#[derive(Debug)]
pub(crate) struct Place {
    kind: Kind,
    taken: Option<Taken>,
    share: Option<Share<ById>>,
    running: Option<Running>,
    open: Option<Open>,
}

impl Place {
    /// Of a request of that kind, which holds nothing yet.
    pub(crate) const fn new(kind: Kind) -> Self {
        Self { kind, taken: None, share: None, running: None, open: None }
    }

    /// What the request is.
    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// The answer is there, to be read.
    pub(crate) fn answered(&mut self) {
        if let (Some(open), Pool::Free | Pool::Requests) = (&mut self.open, self.kind.pool) {
            open.answered();
        }
    }
}

impl Bounds {
    pub(crate) fn new(limits: Limits) -> Self {
        let (minute, second) = (Duration::from_secs(60), Duration::from_secs(1));
        Self(Arc::new(Inner {
            requests: Places::new(limits.requests.get().into()),
            streams: Places::new(limits.streams.get().into()),
            open_streams: Places::new(limits.open_streams.get().into()),
            receiving: Places::new(limits.receiving_bytes.get()),
            streams_of: Shares::new(),
            requests_of: Rates::new(limits.requests_per_second, second, limits.requests_burst),
            refused_logins: Rates::new(limits.refused_logins_per_minute, minute, limits.refused_logins_burst),
            limits,
        }))
    }

    /// The body of a request whose messages must come in time.
    pub(crate) fn arriving<B>(&self, body: CountedBody<B>, kind: Kind, ongoing: Arc<Ongoing>) -> Arriving<B> {
        Arriving::new(body, kind, ongoing, seconds(self.0.limits.message_seconds), &self.0.receiving)
    }

    /// Takes a place for a request, whoever sent it.
    pub(crate) fn enter<B>(&self, place: &mut Place, request: &Request<B>) -> Result<(), Failure> {
        place.open = request.extensions().get::<Peer>().map(|peer| Open::on(&peer.traffic));
        let (limit, places) = match place.kind.pool {
            Pool::Free => return Ok(()),
            Pool::Requests => ("requests", &self.0.requests),
            Pool::Streams => ("streams", &self.0.streams),
            Pool::OpenStreams => ("open_streams", &self.0.open_streams),
        };
        place.taken = places.take();
        if place.taken.is_some() { Ok(()) } else { Err(refusal(limit, places.all(), RETRY)) }
    }

    /// Asks whether the caller of a request may try to say who it is.
    pub(crate) fn login<B>(&self, request: &Request<B>) -> Result<Login, Failure> {
        // A service shows what no guess makes.
        let guesses = |peer: &&Peer| !peer.is_certified() || request.headers().contains_key(AUTHORIZATION);
        let peer = request.extensions().get::<Peer>().filter(guesses);
        let from = peer.and_then(|peer| Some((Network::of(peer.address?), Arc::clone(&peer.traffic))));
        if let Some((network, traffic)) = &from
            // Callers who are known go on, whatever others at their address do.
            && !traffic.is_known()
            && let Some(wait) = self.0.refused_logins.known(network).and_then(|rate| rate.wait())
        {
            let allowed = self.0.limits.refused_logins_per_minute.get().into();
            return Err(refusal("refused_logins_per_minute", allowed, wait));
        }
        Ok(Login { bounds: self.clone(), from })
    }

    /// Counts a request for its caller.
    pub(crate) fn enter_as(&self, place: &mut Place, caller: &Arc<Principal>) -> Result<(), Failure> {
        if caller.id == LOCAL || caller.id.starts_with(SERVICE) {
            return Ok(());
        }
        let (limits, caller) = (&self.0.limits, ById(Arc::clone(caller)));
        let rate = self.0.requests_of.of(&caller);
        rate.once()
            .map_err(|wait| refusal("requests_per_second", limits.requests_per_second.get().into(), wait))?;
        let (limit, most) = match place.kind.pool {
            Pool::Free | Pool::OpenStreams => return Ok(()),
            Pool::Requests => ("requests_per_principal", limits.requests_per_principal.get().into()),
            Pool::Streams => ("streams_per_principal", limits.streams_per_principal.get().into()),
        };
        if place.kind.pool == Pool::Streams {
            place.share = self.0.streams_of.take(&caller, most);
        } else {
            place.running = rate.run(most);
        }
        let has_place = place.share.is_some() || place.running.is_some();
        if has_place { Ok(()) } else { Err(refusal(limit, most, RETRY)) }
    }
}

/// An attempt to say who calls.
#[derive(Debug)]
pub(crate) struct Login {
    bounds: Bounds,
    from: Option<(Network, Arc<Traffic>)>,
}

impl Login {
    /// How it ended, which is answered again.
    pub(crate) fn ended<T>(self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        let Some((network, traffic)) = &self.from else { return outcome };
        match &outcome {
            Ok(_) => traffic.set_known(true),
            Err(Failure::Unauthenticated(_)) => {
                traffic.set_known(false);
                self.bounds.0.refused_logins.of(network).happened();
            }
            Err(_) => {}
        }
        outcome
    }
}

fn refusal(limit: &'static str, allowed: u64, retry: Duration) -> Failure {
    refused(limit);
    Failure::Refused { limit, allowed, retry }
}
