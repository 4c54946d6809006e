//! A process that serves: its logs, its listeners, its readiness, and how it ends.
//!
//! What a process is made of comes to life in any order: one whose database is away says so on its operations listener and tries again
//! until it is there.

use std::future::pending;
use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tandem_storage::StoreError;
use tandem_telemetry::metrics::Metrics;
use tandem_telemetry::operations::{self, NamedCheck, Readiness};
use tandem_telemetry::traces::Collector;
use tandem_telemetry::{Traces, logs};
use tokio::net::TcpListener;

use crate::access::issuer::TOKEN_ISSUER;
use crate::access::{Access, Doors};
use crate::audit::{AuditSink, Auditor};
use crate::failure::{BoxError, chain};
use crate::limits::Limits;
use crate::listen::{bind_guarded, bind_operations, incoming};
use crate::tasks::shutdown_signal;
use crate::{ApiServer, Supervisor, trace};

/// How often a database is asked whether it answers.
const LOOK: Duration = Duration::from_secs(2);

/// Pause after a database could not be opened; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Longest pause before the next attempt to open a database.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The keys that every service's configuration has.
#[derive(Debug, Clone)]
pub struct Settings<'a> {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Who is let in there.
    pub access: Access<'a>,
    /// What callers can take of it at most.
    pub limits: &'a Limits,
    /// Where metrics and probes are served, in plain HTTP.
    pub operations: SocketAddr,
    /// How logs are written: `text` or `json`.
    pub log_format: &'a str,
    /// Where traces go, and what the process is called there.
    pub traces: Collector<'a>,
}

/// Asks for no memory in huge pages, which mimalloc would: a process that mostly waits then holds three times what it uses. For programs that have
/// that allocator.
pub fn hold_little() {
    // Where the system has no such wish, it has no huge pages to give either.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_thp_disable(true);
}

/// A process that has its listeners and serves nothing yet.
#[derive(Debug)]
pub struct Process {
    supervisor: Supervisor,
    readiness: Readiness,
    accepting: NamedCheck,
    api: TcpListener,
    doors: Doors,
    limits: Limits,
    traces: Traces,
}

impl Process {
    /// Sets up logs, traces and metrics, listens, and answers on the operations listener.
    ///
    /// # Errors
    /// A format of logs that does not exist, a collector of traces that cannot be one, a file of certificates or keys that cannot be used,
    /// or an address that cannot be listened on.
    pub async fn start(settings: &Settings<'_>) -> Result<Self, BoxError> {
        let format = settings.log_format.parse().map_err(|error| format!("log_format: {error}"))?;
        let traces = Traces::to(&settings.traces)?;
        logs::init(format, "info", &traces, trace::describe)?;
        let (metrics, readiness, supervisor) = (Metrics::init()?, Readiness::new(), Supervisor::new());
        let doors = settings.access.open(settings.listen)?;
        let api = bind_guarded(settings.listen).await?;
        let listener = bind_operations(settings.operations).await?;
        let accepting = readiness.check("api");
        // Probes are answered until everything has ended.
        let ended = supervisor.ending().cancelled_owned();
        supervisor
            .spawn("operations", operations::serve(listener, metrics.clone(), readiness.clone(), ended));
        let ending = supervisor.ending();
        supervisor.spawn("metrics upkeep", async move {
            ending.run_until_cancelled(metrics.upkeep()).await;
        });
        if let Some(issuer) = &doors.issuer {
            let check = readiness.check(TOKEN_ISSUER);
            supervisor.spawn_endless(TOKEN_ISSUER, Arc::clone(issuer).keep(check));
        }
        let limits = settings.limits.clone();
        Ok(Self { supervisor, readiness, accepting, api, doors, limits, traces })
    }

    /// The supervisor of the process's tasks.
    #[must_use]
    pub const fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// A server that lets in whom the configuration says; for [`Self::serve`], once it has its services.
    #[must_use]
    pub fn server(&self) -> ApiServer {
        ApiServer::new(Arc::clone(&self.doors.authenticator)).limited(&self.limits)
    }

    /// The same, whose calls are put on record by that sink.
    #[must_use]
    pub fn audited_server(&self, sink: impl AuditSink) -> ApiServer {
        let (auditor, recorder) = Auditor::new();
        // Its last caller is answered before it ends.
        self.supervisor.spawn("audit recorder", recorder.run(sink, self.supervisor.ending()));
        self.server().audited(auditor)
    }

    /// Adds a check, without which the process is not ready.
    #[must_use]
    pub fn check(&self, name: &str) -> NamedCheck {
        self.readiness.check(name)
    }

    /// Opens the service's database, however often that takes while it is away, and from then on keeps the check `database` true.
    /// `None`: the process was asked to end before it was there.
    ///
    /// # Errors
    /// The database is there, and cannot be used.
    pub async fn open<S, O>(&self, mut open: impl FnMut() -> O) -> Result<Option<S>, StoreError>
    where
        S: Pinged,
        O: Future<Output = Result<S, StoreError>>,
    {
        let check = self.check("database");
        let mut pause = FIRST_PAUSE;
        let mut shutdown = std::pin::pin!(shutdown_signal());
        loop {
            let opened = tokio::select! {
                opened = open() => opened,
                _ = &mut shutdown => return Ok(None),
            };
            let error = match opened {
                Ok(service) => {
                    let ending = self.supervisor.ending();
                    let looking = look(service.clone(), check);
                    self.supervisor.spawn("database check", async move {
                        ending.run_until_cancelled(looking).await;
                    });
                    return Ok(Some(service));
                }
                Err(error @ (StoreError::Unavailable(_) | StoreError::Serialization(_))) => error,
                Err(error) => return Err(error),
            };
            tracing::warn!(error = chain(&error), "the database cannot be opened yet, trying again");
            check.not_ready(error.to_string());
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = &mut shutdown => return Ok(None),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Serves until the process is asked to end, or a task fails; then drains.
    ///
    /// # Errors
    /// The tasks that ended when they should not have.
    pub async fn serve(self, server: ApiServer) -> Result<(), BoxError> {
        let Self { supervisor, readiness: _, accepting, api, doors, limits, traces } = self;
        let listen = api.local_addr()?;
        let draining = supervisor.draining();
        let stop = {
            let accepting = accepting.clone();
            async move {
                draining.cancelled().await;
                accepting.not_ready("draining");
            }
        };
        match doors.tls {
            Some(tls) => {
                supervisor.spawn_serving("api", server.serve(Box::pin(tls.incoming(api, &limits)), stop));
            }
            None => supervisor.spawn_serving("api", server.serve(Box::pin(incoming(api, &limits)), stop)),
        }
        accepting.ready();
        tracing::info!(%listen, "serving");
        let ended = supervisor
            .run(async {
                if let Err(error) = shutdown_signal().await {
                    tracing::error!(%error, "signals cannot be listened to: only a failure ends this process");
                    pending::<()>().await;
                }
            })
            .await;
        traces.end().await;
        Ok(ended?)
    }
}

/// A service whose database can be asked whether it answers.
pub trait Pinged: Clone + Send + Sync + 'static {
    /// Whether the database answers.
    fn ping(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}

async fn look(service: impl Pinged, check: NamedCheck) {
    let mut period = tokio::time::interval(LOOK);
    loop {
        period.tick().await;
        match service.ping().await {
            Ok(()) => check.ready(),
            Err(error) => check.not_ready(error.to_string()),
        }
    }
}

/// Prints a configuration, as `--print-config` asks for.
///
/// # Errors
/// Standard output is closed.
pub fn print_config(config: &impl Serialize) -> Result<(), BoxError> {
    Ok(writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(config)?)?)
}

/// What the process answers to whoever started it; a failure is told with its causes.
#[must_use]
pub fn exit(name: &str, outcome: Result<(), BoxError>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    // Logs may not be set up yet. Without standard error nobody can be told.
    let _ = writeln!(std::io::stderr(), "{name}: {}", chain(&*error));
    ExitCode::FAILURE
}
