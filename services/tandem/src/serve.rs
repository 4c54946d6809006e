//! `tandem serve`: the living system, all four services in one process.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tandem_authority::config::HistorySettings;
use tandem_monitoring::FollowMode;
use tandem_server::failure::{BoxError, chain};
use tandem_server::listen::{ListenError, bind_loopback, bind_operations, incoming};
use tandem_server::process;
use tandem_server::tasks::shutdown_signal;
use tandem_server::{Clock, Limits, TokenAuthenticator, config, trace};
use tandem_storage::Durability;
use tandem_telemetry::logs::{self, LogFormat};
use tandem_telemetry::metrics::Metrics;
use tandem_telemetry::operations::{self, NamedCheck, Readiness};
use tandem_telemetry::traces::{Collector, DEFAULT_RATIO, Traces};
use tokio_util::sync::CancellationToken;

use crate::printable::printable;
use crate::sandbox::{Options, Sandbox};

/// The token's file in the data folder.
const TOKEN_FILE: &str = "development-token";

/// The file in the data folder that a serving process holds locked.
const LOCK_FILE: &str = "lock";

/// How often readiness is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Environment variables of the client verbs, which are no keys of this configuration.
const CLIENT_VARIABLES: [&str; 4] = ["TANDEM_SERVER", "TANDEM_TOKEN_FILE", "TANDEM_CA", "TANDEM_TENANT"];

/// Serve the whole system from this process: four services, embedded databases, loopback only.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    /// A TOML file with the configuration.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the configuration that results from file, environment and flags as JSON, and end.
    #[arg(long)]
    pub print_config: bool,
    /// What the flags set.
    #[command(flatten)]
    pub overrides: Overrides,
}

/// Keys of the configuration that a flag can set; the flag goes before file and environment.
#[derive(Debug, Clone, Default, clap::Args, Serialize)]
pub struct Overrides {
    /// The folder of databases and token, made where missing.
    #[arg(long = "data", value_name = "DIR")]
    pub data_folder: Option<PathBuf>,
    /// Where the API listens: a loopback address; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Where metrics and probes are served, in plain HTTP.
    #[arg(long, value_name = "ADDRESS")]
    pub operations: Option<SocketAddr>,
    /// How many bytes of device states are kept in memory beside the databases; 0 keeps none.
    #[arg(long, value_name = "BYTES")]
    pub cache_bytes: Option<u64>,
    /// How logs are written: `text` or `json`.
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// The collector that traces are sent to: `http://host:port`.
    #[arg(long, value_name = "URL")]
    pub otlp_endpoint: Option<String>,
    /// The share of the requests without a trace of their caller's that are traced.
    #[arg(long, value_name = "RATIO")]
    pub trace_ratio: Option<f64>,
}

/// The configuration. Every key has a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folder of databases and token, made where missing. Default: `tandem-data` in the working directory.
    pub data_folder: PathBuf,
    /// Where the API listens: a loopback address. Default: `127.0.0.1:50051`.
    pub listen: SocketAddr,
    /// Where metrics and probes are served. Default: `127.0.0.1:9464`.
    pub operations: SocketAddr,
    /// How many bytes of device states are kept in memory beside the databases: those of devices that changed, and of others as
    /// long as there is room. 0 keeps none. Default: 33554432 (32 MiB), some twenty thousand devices.
    pub cache_bytes: u64,
    /// How long it is known what devices were.
    pub history: HistorySettings,
    /// What callers can take at most: requests, streams and connections at once, requests a second, slow messages.
    pub limits: Limits,
    /// How logs are written: `text` (default) or `json`.
    pub log_format: String,
    /// The collector that traces are sent to, as OTLP over gRPC: `http://host:port`. Unset: none are.
    pub otlp_endpoint: Option<String>,
    /// The share of the requests without a trace of their caller's that are traced, from 0 to 1; a caller's choice is followed. Default: 1.
    pub trace_ratio: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_folder: "tandem-data".into(),
            listen: (Ipv4Addr::LOCALHOST, 50051).into(),
            operations: (Ipv4Addr::LOCALHOST, 9464).into(),
            cache_bytes: 32 * 1024 * 1024,
            history: HistorySettings::default(),
            limits: Limits::default(),
            log_format: "text".into(),
            otlp_endpoint: None,
            trace_ratio: DEFAULT_RATIO,
        }
    }
}

/// The configuration cannot be followed.
const USAGE: u8 = 2;

/// Why the system does not serve.
#[derive(Debug)]
enum ServeError {
    /// It was configured wrongly.
    Configuration(BoxError),
    /// It failed.
    Failed(BoxError),
}

impl<E: Into<BoxError>> From<E> for ServeError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs until it is told to stop.
pub async fn run(arguments: ServeArgs) -> ExitCode {
    let (error, code) = match Box::pin(serve(arguments)).await {
        Ok(()) => return ExitCode::SUCCESS,
        Err(ServeError::Configuration(error)) => (error, ExitCode::from(USAGE)),
        Err(ServeError::Failed(error)) => (error, ExitCode::FAILURE),
    };
    let _ = writeln!(io::stderr(), "tandem: {}", printable(&chain(&*error)));
    code
}

/// The configuration of all its places, with a format of logs that exists.
fn configured(arguments: &ServeArgs) -> Result<(Config, LogFormat), BoxError> {
    let file = arguments.config.as_deref();
    let config: Config = config::load_except(file, &arguments.overrides, &CLIENT_VARIABLES)?;
    let format = config.log_format.parse().map_err(|error| format!("log_format: {error}"))?;
    Ok((config, format))
}

async fn serve(arguments: ServeArgs) -> Result<(), ServeError> {
    let (config, log_format) = configured(&arguments).map_err(ServeError::Configuration)?;
    if arguments.print_config {
        return Ok(writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&config)?)?);
    }
    process::hold_little();
    // Held until the databases are closed.
    let _claim = claim(&config.data_folder)?;
    let endpoint = config.otlp_endpoint.as_deref();
    let collector = Collector { endpoint, ratio: config.trace_ratio, service: "tandem" };
    let traces = Traces::to(&collector).map_err(|error| ServeError::Configuration(error.into()))?;
    logs::init(log_format, "info", &traces, trace::describe)?;
    let (metrics, readiness) = (Metrics::init()?, Readiness::new());
    let api = bind_loopback(config.listen).await.map_err(|error| match error {
        ListenError::Unprotected { .. } => ServeError::Configuration(error.into()),
        ListenError::Bind { .. } => ServeError::Failed(error.into()),
    })?;
    let probes = bind_operations(config.operations).await?;
    let (api_address, probes_address) = (api.local_addr()?, probes.local_addr()?);
    let token_file = config.data_folder.join(TOKEN_FILE);
    let limits = config.limits;
    let sandbox = Sandbox::start(Options {
        data_folder: config.data_folder,
        durability: Durability::Full,
        clock: Clock::system(),
        follow: FollowMode::AllTenants,
        following: Some(readiness.check("monitoring")),
        history: config.history.kept(),
        cache_bytes: config.cache_bytes,
    })
    .await?;
    let token = development_token(&token_file)
        .map_err(|error| format!("the token file {} cannot be used: {error}", token_file.display()))?;
    let supervisor = sandbox.supervisor().clone();
    let databases = readiness.check("databases");
    let ended = supervisor.ending().cancelled_owned();
    supervisor.spawn("operations", operations::serve(probes, metrics.clone(), readiness, ended));
    let ending = supervisor.ending();
    supervisor.spawn("metrics upkeep", async move {
        ending.run_until_cancelled(metrics.upkeep()).await;
    });
    supervisor.spawn("readiness", look(sandbox.clone(), databases, supervisor.draining()));
    let server = sandbox.server(TokenAuthenticator::new(&token)).limited(&limits);
    supervisor
        .spawn_serving("api", server.serve(incoming(api, &limits), supervisor.draining().cancelled_owned()));
    announce(api_address, probes_address, &token_file)?;
    let ended = supervisor
        .run(async {
            let _ = shutdown_signal().await;
        })
        .await;
    traces.end().await;
    ended?;
    Ok(sandbox.stop().await?)
}

/// Makes the data folder where missing, for its owner alone, and takes it for this process: two would write past each other's
/// memory. The system gives the lock back with the process, however that ends.
fn claim(folder: &Path) -> Result<File, BoxError> {
    let cannot = |error: io::Error| format!("the data folder {} cannot be used: {error}", folder.display());
    let mut make = std::fs::DirBuilder::new();
    make.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut make, 0o700);
    make.create(folder).map_err(cannot)?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let lock = options.open(folder.join(LOCK_FILE)).map_err(cannot)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(format!(
            "the data folder {} is in use by another process; stop that one, or name another folder with --data",
            folder.display()
        )
        .into()),
        Err(TryLockError::Error(error)) => Err(cannot(error).into()),
    }
}

/// Says where the system is, in lines that a script can read.
fn announce(api: SocketAddr, operations: SocketAddr, token_file: &Path) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "api http://{api}")?;
    writeln!(out, "operations http://{operations}")?;
    writeln!(out, "token-file {}", token_file.display())?;
    writeln!(out, "ready")?;
    out.flush()
}

/// Keeps the readiness of the databases true.
async fn look(sandbox: Sandbox, databases: NamedCheck, draining: CancellationToken) {
    let mut period = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = draining.cancelled() => return databases.not_ready("draining"),
            _ = period.tick() => {}
        }
        match sandbox.ping().await {
            Ok(()) => databases.ready(),
            Err(error) => databases.not_ready(error.to_string()),
        }
    }
}

/// The token of this data folder, made at the first start and readable by its owner alone.
fn development_token(file: &Path) -> io::Result<String> {
    match std::fs::read_to_string(file) {
        Ok(token) if !token.trim().is_empty() => return Ok(token.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let token = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(token.as_bytes())?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_folder_serves_one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new/data");
        let first = claim(&data).unwrap();
        let expected = format!(
            "the data folder {} is in use by another process; stop that one, or name another folder with --data",
            data.display()
        );
        assert_eq!(claim(&data).unwrap_err().to_string(), expected);
        drop(first);
        assert!(claim(&data).is_ok());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn data_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("file/data");
        std::fs::write(folder.path().join("file"), "").unwrap();
        let expected =
            format!("the data folder {} cannot be used: Not a directory (os error 20)", data.display());
        assert_eq!(claim(&data).unwrap_err().to_string(), expected);
    }

    #[tokio::test]
    async fn configuration_that_cannot_be_followed_is_told_from_a_failure() {
        let overrides = Overrides { log_format: Some("verse".into()), ..Overrides::default() };
        let arguments = ServeArgs { config: None, print_config: true, overrides };
        let Err(ServeError::Configuration(error)) = Box::pin(serve(arguments)).await else {
            panic!("it serves")
        };
        assert_eq!(error.to_string(), "log_format: expected `text` or `json`, found `verse`");
        let arguments = ServeArgs {
            config: Some("/no/such/file.toml".into()),
            print_config: true,
            overrides: Overrides::default(),
        };
        assert!(matches!(Box::pin(serve(arguments)).await, Err(ServeError::Configuration(_))));
    }

    #[test]
    fn token_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(TOKEN_FILE);
        let token = development_token(&file).unwrap();
        assert_eq!(token.len(), 64);
        assert_eq!(development_token(&file).unwrap(), token);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
