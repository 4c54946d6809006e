//! The connection to Redis: one, multiplexed, made in the background and made anew when it is of no more use.
//!
//! The library's own connection manager leaves a connection only when the socket fails, which takes a server that fell silent a
//! quarter of an hour; and a cluster has none. So connections are given up here, by those who wait on them in vain.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{Arg, AsyncConnectionConfig, Client, Cmd, RedisError, RedisResult, TlsCertificates, Value};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::field::Empty;

/// How long connecting may take: name, TCP, greeting, and in a cluster its map.
pub(super) const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// The target of spans that are for traces alone.
const TRACES: &str = "tandem_trace";

/// Requests that a cluster redirects or that meet a node which has just gone are made again so often.
const CLUSTER_RETRIES: u32 = 3;

/// Where the device states of all tenants are. Addresses may hold a password, so they are not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisLocation {
    servers: Servers,
    ca: Option<PathBuf>,
}

#[derive(Clone, PartialEq, Eq)]
enum Servers {
    One(String),
    Cluster(Vec<String>),
}

impl RedisLocation {
    /// One server: `redis://[user:password@]host[:port][/database]`, or `rediss://…` with TLS.
    #[must_use]
    pub fn server(address: impl Into<String>) -> Self {
        Self { servers: Servers::One(address.into()), ca: None }
    }

    /// A cluster: some of its nodes, from which the others are found.
    #[must_use]
    pub const fn cluster(addresses: Vec<String>) -> Self {
        Self { servers: Servers::Cluster(addresses), ca: None }
    }

    /// As a configuration says it: one address, or some nodes of a cluster separated by commas; and the authority of their certificates,
    /// in PEM, where it is none that the operating system trusts.
    #[must_use]
    pub fn configured(addresses: &str, is_cluster: bool, ca: Option<&Path>) -> Self {
        let location = match is_cluster {
            true => Self::cluster(addresses.split(',').map(|address| address.trim().to_owned()).collect()),
            false => Self::server(addresses.trim()),
        };
        Self { ca: ca.map(Path::to_owned), ..location }
    }

    /// What is trusted instead of what the operating system trusts, as read now: connections made later do not read it again.
    fn certificates(&self) -> Result<Option<TlsCertificates>, LocationError> {
        // The library takes the process's implementation of cryptography. Whoever set another one before meant it.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let Some(ca) = &self.ca else { return Ok(None) };
        let unreadable = |source| LocationError::Authority { ca: ca.clone(), source };
        Ok(Some(TlsCertificates {
            client_tls: None,
            root_cert: Some(std::fs::read(ca).map_err(unreadable)?),
        }))
    }

    /// Clients of the servers that are known, each by itself.
    pub(super) fn clients(&self) -> Result<Vec<Client>, LocationError> {
        let certificates = self.certificates()?;
        let urls = match &self.servers {
            Servers::One(url) => std::slice::from_ref(url),
            Servers::Cluster(urls) => urls,
        };
        urls.iter().map(|url| Ok(client(url, certificates.clone())?)).collect()
    }
}

fn client(url: &str, certificates: Option<TlsCertificates>) -> RedisResult<Client> {
    match certificates {
        Some(certificates) => Client::build_with_tls(url, certificates),
        None => Client::open(url),
    }
}

/// A location that nothing can be connected to.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// The address, or the authority, is none.
    #[error("the address of the device-state cache cannot be used")]
    Address(#[from] RedisError),
    /// The authority cannot be read.
    #[error("{} cannot be read as the authority of the device-state cache's certificate", .ca.display())]
    Authority {
        /// Its file.
        ca: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A connection to be had.
pub(super) struct Link {
    client: AnyClient,
    present: Arc<watch::Sender<Present>>,
    /// The attempt that is being made.
    attempt: Mutex<Option<JoinHandle<()>>>,
}

/// The connection, or why the last attempt to make one failed, if there was one.
type Present = Result<Live, Option<RedisError>>;

#[derive(Clone)]
enum AnyClient {
    Server(Box<(Client, AsyncConnectionConfig)>),
    Cluster(Arc<ClusterClient>),
}

/// A connection that worked when it was made. Clones share it.
#[derive(Clone)]
pub(super) struct Live {
    connection: AnyConnection,
    /// Which of the connections of its link it is.
    identity: Arc<()>,
}

#[derive(Clone)]
enum AnyConnection {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Link {
    /// Connects nowhere yet. `response_timeout`: how long any request may take.
    pub(super) fn new(location: &RedisLocation, response_timeout: Duration) -> Result<Self, LocationError> {
        let certificates = location.certificates()?;
        let client = match &location.servers {
            Servers::One(url) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(CONNECT_PATIENCE))
                    .set_response_timeout(Some(response_timeout));
                AnyClient::Server(Box::new((client(url, certificates)?, config)))
            }
            Servers::Cluster(urls) => {
                let builder = ClusterClient::builder(urls.iter().map(String::as_str))
                    .connection_timeout(CONNECT_PATIENCE)
                    .response_timeout(response_timeout)
                    .retries(CLUSTER_RETRIES);
                let builder = match certificates {
                    Some(certificates) => builder.certs(certificates),
                    None => builder,
                };
                AnyClient::Cluster(Arc::new(builder.build()?))
            }
        };
        Ok(Self { client, present: Arc::new(watch::Sender::new(Err(None))), attempt: Mutex::default() })
    }

    /// The connection, if there is one. Otherwise one is made meanwhile.
    pub(super) fn now(&self) -> Option<Live> {
        let present = self.present.borrow().as_ref().ok().cloned();
        if present.is_none() {
            self.connect();
        }
        present
    }

    /// The connection, as soon as one attempt to make one has ended.
    pub(super) async fn ready(&self) -> RedisResult<Live> {
        let mut present = self.present.subscribe();
        if let Some(live) = self.now() {
            return Ok(live);
        }
        // The link keeps the sender, so this waits and does not fail.
        let _ = present.changed().await;
        let made = present.borrow().clone();
        made.map_err(|why| why.unwrap_or_else(|| io::Error::from(io::ErrorKind::NotConnected).into()))
    }

    /// Nobody is to use that connection any more.
    pub(super) fn give_up(&self, live: &Live) {
        self.present.send_if_modified(|present| {
            let is_present = present.as_ref().is_ok_and(|p| Arc::ptr_eq(&p.identity, &live.identity));
            if is_present {
                *present = Err(None);
            }
            is_present
        });
    }

    /// Makes one attempt in the background unless one is being made. It ends by itself, and with the link.
    fn connect(&self) {
        let mut attempt = self.attempt.lock().unwrap_or_else(PoisonError::into_inner);
        if attempt.as_ref().is_some_and(|attempt| !attempt.is_finished()) || self.present.borrow().is_ok() {
            return;
        }
        let (client, present) = (self.client.clone(), self.present.clone());
        *attempt = Some(tokio::spawn(async move {
            let made = tokio::time::timeout(CONNECT_PATIENCE, client.connect()).await;
            let made = made.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()));
            drop(present.send_replace(made.map_err(Some)));
        }));
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let attempt = self.attempt.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(attempt) = attempt.take() {
            attempt.abort();
        }
    }
}

impl AnyClient {
    async fn connect(&self) -> RedisResult<Live> {
        let connection = match self {
            Self::Server(server) => {
                let (client, config) = &**server;
                AnyConnection::Server(client.get_multiplexed_async_connection_with_config(config).await?)
            }
            Self::Cluster(client) => AnyConnection::Cluster(client.get_async_connection().await?),
        };
        Ok(Live { connection, identity: Arc::default() })
    }
}

impl Live {
    /// Sends one command and waits for its answer, in a span for traces. Its keys are none of the span's attributes: they name devices.
    pub(super) async fn ask(&self, command: &Cmd) -> RedisResult<Value> {
        let span = tracing::info_span!(
            target: TRACES,
            "redis",
            otel.kind = "client",
            otel.name = verb(command),
            otel.status_code = Empty,
            db.system.name = "redis",
            db.operation.name = verb(command),
        );
        let answer = match self.connection.clone() {
            AnyConnection::Server(mut connection) => command.query_async(&mut connection).await,
            AnyConnection::Cluster(mut connection) => command.query_async(&mut connection).await,
        };
        if answer.is_err() {
            span.record("otel.status_code", "ERROR");
        }
        answer
    }
}

/// The name of a command.
fn verb(command: &Cmd) -> &str {
    match command.args_iter().next() {
        Some(Arg::Simple(verb)) => str::from_utf8(verb).unwrap_or_default(),
        _ => "",
    }
}

impl fmt::Debug for RedisLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.servers {
            Servers::One(_) => f.write_str("Server"),
            Servers::Cluster(urls) => write!(f, "Cluster of {} known nodes", urls.len()),
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("connected", &self.present.borrow().is_ok()).finish_non_exhaustive()
    }
}
