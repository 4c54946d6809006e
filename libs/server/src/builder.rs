//! The one server of every service: the gate before its handlers, health, reflection in both versions, limits, a graceful drain.
//!
//! Compression stays off: callers are on the same machine or in the same data centre, where it costs more than it saves.

use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use tandem_contracts::DESCRIPTOR_SET;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tonic::service::RoutesBuilder;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, HealthService};

use crate::audit::Auditor;
use crate::contract_service::ContractService;
use crate::failure::BoxError;
use crate::gate::Gate;
use crate::limits::{Bounds, Limits};
use crate::permission::{DescriptorError, Permissions};
use crate::principal::Authenticator;

pub use crate::contract_service::MAX_MESSAGE_BYTES;

/// Requests of one connection that run at once; more wait. A caller with more work opens connections, which spread over replicas.
pub const CONCURRENT_REQUESTS_PER_CONNECTION: usize = 256;

/// Streams that one connection may have open. Above the requests that run, since watches and ingests stay open without running.
pub const STREAMS_PER_CONNECTION: u32 = 1024;

/// Largest message of callers who need not be known: it names a service, a file or a symbol.
const QUESTION_BYTES: usize = 16 * 1024;

/// Bytes of a request's headers, as HTTP/2 counts them: the longest access token that is looked at, and as much for everything else.
const HEADER_BYTES: u32 = 2 * 16 * 1024;

/// Streams of a connection that its caller reset before the server came to them; one more ends the connection. Whoever opens and resets at
/// once gets no further than this ahead of the server, and callers that give up now and then stay far below it.
const PENDING_RESETS: usize = 20;

/// Streams of a connection that the server reset for what its caller did on them; one more ends the connection. A caller that did not yet
/// hear how many streams it may have open causes some at first.
const CAUSED_RESETS: usize = 1024;

/// How often a silent connection is probed: less than the idle limits of common load balancers (60 s and more).
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// How long a probe may stay unanswered before its connection counts as lost.
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes in flight per stream: some ingest batches, so that a stream does not wait a round trip for each.
const STREAM_WINDOW: u32 = 1024 * 1024;

/// Bytes in flight per connection: some streams at full speed.
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// After a stop, how long streams have to end by themselves before they are ended: their callers resume elsewhere.
const STREAM_GRACE: Duration = Duration::from_secs(2);

/// After a stop, how long running requests have in all: within the 30 s that Kubernetes leaves a process.
const DRAIN_LIMIT: Duration = Duration::from_secs(20);

const HEALTH: &str = "grpc.health.v1.Health";
const REFLECTION: [&str; 2] =
    ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

/// Why a server cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The contracts of this build cannot be read.
    #[error(transparent)]
    Descriptors(#[from] DescriptorError),
    /// Reflection cannot be built from the contracts.
    #[error("reflection cannot be built from the contracts")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The transport failed.
    #[error("the transport failed")]
    Transport(#[from] tonic::transport::Error),
}

/// A server of services of the contracts.
pub struct ApiServer {
    authenticator: Arc<dyn Authenticator>,
    limits: Limits,
    auditor: Option<Auditor>,
    routes: RoutesBuilder,
    services: Vec<&'static str>,
    reflects: bool,
}

impl std::fmt::Debug for ApiServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiServer").field("services", &self.services).finish_non_exhaustive()
    }
}

impl ApiServer {
    /// A server without services, whose callers are known by that authenticator.
    #[must_use]
    pub fn new(authenticator: impl Authenticator) -> Self {
        Self {
            authenticator: Arc::new(authenticator),
            limits: Limits::default(),
            auditor: None,
            routes: RoutesBuilder::default(),
            services: Vec::new(),
            reflects: true,
        }
    }

    /// The same server without reflection, which takes most of the time of its start: for one within a process that nobody explores.
    #[must_use]
    pub const fn without_reflection(mut self) -> Self {
        self.reflects = false;
        self
    }

    /// The same server with other limits than the default ones.
    #[must_use]
    pub fn limited(mut self, limits: &Limits) -> Self {
        self.limits = limits.clone();
        self
    }

    /// The same server, whose calls that auditor takes. Without one nothing is put on record.
    #[must_use]
    pub fn audited(mut self, auditor: Auditor) -> Self {
        self.auditor = Some(auditor);
        self
    }

    /// Adds a service, with the limits of every service.
    #[must_use]
    pub fn add_service<S: ContractService>(mut self, service: S) -> Self {
        self.routes.add_service(service.bounded());
        self.services.push(S::NAME);
        self
    }

    /// Serves the connections of `incoming` until `shutdown`, then drains: health says so at once, nothing new is accepted,
    /// running requests have 20 s, streams that wait for news 2 s.
    ///
    /// # Errors
    /// The contracts cannot be read, or the transport fails.
    pub async fn serve<I, C, E>(
        mut self,
        incoming: I,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), ServeError>
    where
        I: Stream<Item = Result<C, E>>,
        C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
        E: Into<BoxError>,
    {
        let health = self.add_health().await;
        if self.reflects {
            self.add_reflection()?;
        }
        let stopping = CancellationToken::new();
        let ending = CancellationToken::new();
        let gate = Gate {
            permissions: Permissions::of_contracts()?,
            authenticator: self.authenticator,
            limits: Bounds::new(self.limits),
            auditor: self.auditor,
            ending: ending.clone(),
        };
        let stop = async {
            shutdown.await;
            tracing::info!("draining");
            set_all(&health, &self.services, ServingStatus::NotServing).await;
            stopping.cancel();
        };
        let routes = self.routes.routes().prepare();
        let serving = bounded_server().layer(gate).serve_with_incoming_shutdown(routes, incoming, stop);
        let limit = async {
            stopping.cancelled().await;
            tokio::time::sleep(STREAM_GRACE).await;
            ending.cancel();
            tokio::time::sleep(DRAIN_LIMIT.saturating_sub(STREAM_GRACE)).await;
        };
        tokio::select! {
            served = serving => Ok(served?),
            () = limit => {
                tracing::warn!(seconds = DRAIN_LIMIT.as_secs(), "requests still running after the drain limit are given up");
                Ok(())
            }
        }
    }

    async fn add_health(&mut self) -> HealthReporter {
        let reporter = HealthReporter::new();
        set_all(&reporter, &self.services, ServingStatus::Serving).await;
        let service = HealthService::from_health_reporter(reporter.clone());
        let service = tonic_health::pb::health_server::HealthServer::new(service);
        self.routes.add_service(service.max_decoding_message_size(QUESTION_BYTES));
        reporter
    }

    /// In both versions: Python's `grpcio-reflection` speaks only the older one.
    fn add_reflection(&mut self) -> Result<(), ServeError> {
        let configured = || {
            let served = self.services.iter().chain(&[HEALTH]).chain(&REFLECTION);
            served.fold(
                tonic_reflection::server::Builder::configure()
                    .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
                    .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                    .register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
                    .register_encoded_file_descriptor_set(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET)
                    .include_reflection_service(false),
                |builder, name| builder.with_service_name(*name),
            )
        };
        let (v1, v1alpha) = (configured().build_v1()?, configured().build_v1alpha()?);
        self.routes
            .add_service(v1.max_decoding_message_size(QUESTION_BYTES))
            .add_service(v1alpha.max_decoding_message_size(QUESTION_BYTES));
        Ok(())
    }
}

/// The empty name stands for the whole server.
async fn set_all(reporter: &HealthReporter, services: &[&'static str], status: ServingStatus) {
    for service in services.iter().chain(&[""]) {
        reporter.set_service_status(*service, status).await;
    }
}

fn bounded_server() -> Server {
    Server::builder()
        .concurrency_limit_per_connection(CONCURRENT_REQUESTS_PER_CONNECTION)
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .http2_max_header_list_size(HEADER_BYTES)
        .http2_max_pending_accept_reset_streams(Some(PENDING_RESETS))
        .http2_max_local_error_reset_streams(Some(CAUSED_RESETS))
        // The windows are ours: one that adapts grows with what a caller sends, to 16 MiB for each.
        .http2_adaptive_window(Some(false))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
}
