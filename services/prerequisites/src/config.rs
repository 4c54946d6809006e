//! What can be configured of this service, and the command line.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Parser;
use serde::{Deserialize, Serialize};
use tandem_cache::{LocationError, NEAR_BYTES, RedisLocation, SharedRedis};
use tandem_client::TlsFiles;
use tandem_server::Limits;
use tandem_server::access::{Access, TlsFiles as ServerTlsFiles, TokenTrust};
use tandem_server::config::{ConfigError, Secret, load};
use tandem_server::process::Settings;
use tandem_storage::Location;
use tandem_telemetry::traces::{Collector, DEFAULT_RATIO};

/// What the process is called.
pub const NAME: &str = "tandem-prerequisites";

/// The port of this service where each service has a process of its own.
const PORT: u16 = 50052;

/// The port of the operations listener.
const OPERATIONS_PORT: u16 = 9464;

/// The service's file in the data folder.
const DATABASE: &str = "prerequisites.db";

/// The service's schema in a shared database.
const SCHEMA: &str = "prerequisites";

/// The configuration. Every key has a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the API listens: a loopback address, or any with `tls`, and `tokens` or `tls.client_ca`. Default: `127.0.0.1:50052`.
    pub listen: SocketAddr,
    /// Where metrics and probes are served, in plain HTTP. Default: `127.0.0.1:9464`.
    pub operations: SocketAddr,
    /// Address of the inventory service. Default: `http://127.0.0.1:50051`.
    pub inventory: String,
    /// Address of the authority service. Default: `http://127.0.0.1:50053`.
    pub authority: String,
    /// The folder of the database file, made where missing. Default: `tandem-data` in the working directory.
    pub data_folder: PathBuf,
    /// The PostgreSQL database that is used instead of a file, as `postgres://user:password@host:port/database`, with
    /// `?sslmode=verify-full&sslrootcert=FILE` for TLS with a server of that authority. The service keeps to the
    /// schema of its name. A secret: it has no flag, which other users of the machine could read. Unset: a file.
    pub database_url: Option<Secret>,
    /// The Redis that keeps the states of devices for all services and carries their hints, as `redis://user:password@host:port`; of a cluster some nodes,
    /// separated by commas. Unset: the database answers everything, and others' commits are looked for.
    pub cache_url: Option<Secret>,
    /// Whether that is a cluster. Default: no.
    pub cache_cluster: bool,
    /// The authority of the cache's certificate, in PEM, where it has an address `rediss://…`. Unset: those that the operating system trusts.
    pub cache_ca: Option<PathBuf>,
    /// How many bytes of device states from there this process answers again within the second in which they may be trusted. 0: each
    /// question asks the Redis. Default: 16777216 (16 MiB).
    pub cache_near_bytes: u64,
    /// TLS of the API listener. Unset: plain text, on loopback only.
    pub tls: Option<ServerTlsFiles>,
    /// Which access tokens are accepted; the keys of their issuer are in a file, or come from the issuer. Unset: none; and without
    /// `tls.client_ca` whoever reaches the loopback address may do everything.
    pub tokens: Option<TokenTrust>,
    /// TLS of the connections to other services at `https` addresses.
    pub peers: TlsFiles,
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
            listen: (Ipv4Addr::LOCALHOST, PORT).into(),
            operations: (Ipv4Addr::LOCALHOST, OPERATIONS_PORT).into(),
            inventory: "http://127.0.0.1:50051".into(),
            authority: "http://127.0.0.1:50053".into(),
            data_folder: "tandem-data".into(),
            database_url: None,
            cache_url: None,
            cache_cluster: false,
            cache_ca: None,
            cache_near_bytes: NEAR_BYTES,
            tls: None,
            tokens: None,
            peers: TlsFiles::default(),
            limits: Limits::default(),
            log_format: "text".into(),
            otlp_endpoint: None,
            trace_ratio: DEFAULT_RATIO,
        }
    }
}

impl Config {
    /// Where the database is.
    #[must_use]
    pub fn database(&self) -> Location {
        match &self.database_url {
            Some(url) => Location::Postgres { url: url.expose().to_owned(), schema: SCHEMA.to_owned() },
            None => Location::file(self.data_folder.join(DATABASE)),
        }
    }

    /// The Redis that the services share, which need not be reachable yet.
    ///
    /// # Errors
    /// Its address has the wrong form.
    pub fn redis(&self) -> Result<Option<SharedRedis>, LocationError> {
        let Some(url) = &self.cache_url else { return Ok(None) };
        let location = RedisLocation::configured(url.expose(), self.cache_cluster, self.cache_ca.as_deref());
        SharedRedis::with_near(&location, self.cache_near_bytes).map(Some)
    }

    /// What every process has.
    #[must_use]
    pub fn settings(&self) -> Settings<'_> {
        let endpoint = self.otlp_endpoint.as_deref();
        Settings {
            listen: self.listen,
            access: Access { tls: self.tls.as_ref(), tokens: self.tokens.as_ref() },
            limits: &self.limits,
            operations: self.operations,
            log_format: &self.log_format,
            traces: Collector { endpoint, ratio: self.trace_ratio, service: NAME },
        }
    }
}

/// Judges what stops co-management of devices, sites and tenants, rule by rule.
#[derive(Debug, Clone, Parser)]
#[command(name = NAME, version)]
pub struct Arguments {
    /// A TOML file with the configuration.
    #[arg(long)]
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
    /// Where the API listens.
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Where metrics and probes are served.
    #[arg(long)]
    pub operations: Option<SocketAddr>,
    /// Address of the inventory service.
    #[arg(long)]
    pub inventory: Option<String>,
    /// Address of the authority service.
    #[arg(long)]
    pub authority: Option<String>,
    /// The folder of the database file.
    #[arg(long)]
    pub data_folder: Option<PathBuf>,
    /// How logs are written: `text` or `json`.
    #[arg(long)]
    pub log_format: Option<String>,
    /// The collector that traces are sent to: `http://host:port`.
    #[arg(long)]
    pub otlp_endpoint: Option<String>,
    /// The share of the requests without a trace of their caller's that are traced.
    #[arg(long)]
    pub trace_ratio: Option<f64>,
}

impl Arguments {
    /// The configuration that results.
    ///
    /// # Errors
    /// The file cannot be read, a key is unknown, or a value is of the wrong kind.
    pub fn configuration(&self) -> Result<Config, ConfigError> {
        load(self.config.as_deref(), &self.overrides)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_goes_before_the_default() {
        let arguments = Arguments::parse_from([
            "tandem-prerequisites",
            "--listen",
            "127.0.0.1:7",
            "--inventory",
            "http://inventory:1",
            "--data-folder",
            "/var/lib/tandem",
        ]);
        let expected = Config {
            listen: "127.0.0.1:7".parse().unwrap(),
            inventory: "http://inventory:1".into(),
            data_folder: "/var/lib/tandem".into(),
            ..Config::default()
        };
        assert_eq!(arguments.configuration().unwrap(), expected);
        assert_eq!(expected.database(), Location::file("/var/lib/tandem/prerequisites.db"));
    }

    #[test]
    fn address_of_a_database_goes_before_the_folder_and_is_not_printed() {
        let url = "postgres://tandem:secret@db.example:5432/tandem";
        let config: Config = serde_json::from_value(serde_json::json!({ "database_url": url })).unwrap();
        let expected = Location::Postgres { url: url.into(), schema: "prerequisites".into() };
        assert_eq!(config.database(), expected);
        assert!(!format!("{config:?} {}", serde_json::to_string(&config).unwrap()).contains("secret"));
    }

    #[test]
    fn key_that_is_unknown_is_an_error() {
        let error = toml_like(r#"{"listn": "127.0.0.1:7"}"#).unwrap_err();
        assert!(error.to_string().contains("listn"), "{error}");
        assert_eq!(toml_like("{}").unwrap(), Config::default());
    }

    fn toml_like(json: &str) -> serde_json::Result<Config> {
        serde_json::from_str(json)
    }
}
