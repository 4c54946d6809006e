//! The whole system, as it is embedded and as it runs in production, behind one connection.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;

use jiff::SignedDuration;
use tandem::sandbox::{Options, Sandbox};
use tandem_client::{Addresses, Connection};
use tandem_monitoring::FollowMode;
use tandem_server::Clock;
use tandem_storage::Durability;
use tandem_testkit::containers::{Postgres, Redis, Restart};
use tandem_testkit::proxy::Proxy;
use tempfile::TempDir;

use crate::binary::binary;
use crate::credentials::Credentials;
use crate::process::{Process, Start, free_address};

/// A running system. Dropped, it ends at once.
#[derive(Debug)]
pub struct System {
    connection: Connection,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Embedded { _sandbox: Box<Sandbox>, _folder: TempDir },
    Processes(Box<Processes>),
}

impl System {
    /// All services in this process, over SQLite.
    ///
    /// # Panics
    /// It cannot be started.
    pub async fn embedded(clock: Clock) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let sandbox = Sandbox::start(Options {
            data_folder: folder.path().to_owned(),
            durability: Durability::Scratch,
            clock,
            follow: FollowMode::OnDemand,
            following: None,
            history: Some(SignedDuration::from_hours(2 * 366 * 24)),
            cache_bytes: 1 << 20,
        })
        .await
        .expect("the sandbox starts");
        let connection = sandbox.connection().clone();
        Self { connection, kind: Kind::Embedded { _sandbox: Box::new(sandbox), _folder: folder } }
    }

    /// A process for each service, over a PostgreSQL and a Redis of their own.
    ///
    /// # Panics
    /// It cannot be started.
    pub async fn processes() -> Self {
        let mut processes = Processes::new().await;
        processes.start_all();
        processes.ready().await;
        Self { connection: processes.connection(), kind: Kind::Processes(Box::new(processes)) }
    }

    /// A connection to every service.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Its processes, if it has any.
    pub const fn as_processes(&mut self) -> Option<&mut Processes> {
        match &mut self.kind {
            Kind::Processes(processes) => Some(processes),
            Kind::Embedded { .. } => None,
        }
    }
}

/// The services, in the order in which they are started unless a test says otherwise.
pub const SERVICES: [&str; 4] = ["inventory", "prerequisites", "authority", "monitoring"];

/// The services as processes, each with its addresses, which it keeps over restarts. As in production they talk over TLS, know each other by
/// their certificates, and others by their tokens.
#[derive(Debug)]
pub struct Processes {
    /// Their database server.
    pub postgres: Postgres,
    /// Their cache of device states.
    pub redis: Redis,
    /// What leads them to it.
    pub database: Proxy,
    /// What leads them to each other, by the service that is asked.
    pub links: BTreeMap<&'static str, Proxy>,
    /// How they know their callers.
    pub credentials: Credentials,
    folder: TempDir,
    starts: Vec<Start>,
    running: Vec<Process>,
}

impl Processes {
    /// A database server, and services that are not started.
    ///
    /// # Panics
    /// The database server cannot be started.
    pub async fn new() -> Self {
        Self::new_with(&[]).await
    }

    /// The same, over a database server with those settings, such as `max_wal_size=8GB`.
    ///
    /// # Panics
    /// The database server cannot be started.
    pub async fn new_with(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let credentials = Credentials::make(&folder.path().join("credentials"));
        let (postgres, redis) = tokio::join!(Postgres::start_with(settings), Redis::start());
        let database = Proxy::start(postgres.address()).await;
        let apis: Vec<SocketAddr> = SERVICES.iter().map(|_| free_address()).collect();
        let mut links = BTreeMap::new();
        for (service, api) in SERVICES.into_iter().zip(&apis) {
            links.insert(service, Proxy::start(*api).await);
        }
        let upstream = |service: &&str| {
            (format!("TANDEM_{}", service.to_uppercase()), format!("https://{}", links[service].address()))
        };
        let database_url = postgres.url_through(database.address(), "postgres");
        let starts = SERVICES.iter().zip(&apis).map(|(service, api)| {
            // Each is told of those that it asks; an unknown key is an error.
            let asks: &[&str] = match *service {
                "inventory" => &["authority"],
                "authority" => &["inventory"],
                "prerequisites" => &["inventory", "authority"],
                _ => &["inventory", "authority", "prerequisites"],
            };
            let mut environment: Vec<(String, String)> = asks.iter().map(upstream).collect();
            environment.extend(credentials.environment(service));
            if *service != "monitoring" {
                environment.push(("TANDEM_DATABASE_URL".to_owned(), database_url.clone()));
            }
            if *service != "monitoring" {
                environment.push(("TANDEM_CACHE_URL".to_owned(), redis.url()));
            }
            Start {
                service,
                api: *api,
                operations: free_address(),
                environment,
                log: folder.path().join(format!("{service}.log")),
                under: Vec::new(),
            }
        });
        let starts = starts.collect();
        Self { postgres, redis, database, links, credentials, folder, starts, running: Vec::new() }
    }

    /// Sets a key of the configuration of every service that is started from now on.
    pub fn configure(&mut self, variable: &str, value: &str) {
        for start in &mut self.starts {
            start.environment.push((variable.to_owned(), value.to_owned()));
        }
    }

    /// Sets a key of the configuration of one service.
    ///
    /// # Panics
    /// There is none of that name.
    pub fn configure_one(&mut self, service: &str, variable: &str, value: &str) {
        let start = self.starts.iter_mut().find(|start| start.service == service);
        let start = start.unwrap_or_else(|| panic!("no service is named {service}"));
        start.environment.push((variable.to_owned(), value.to_owned()));
    }

    /// What would start a service, for whoever wants to see it end.
    ///
    /// # Panics
    /// There is none of that name.
    #[must_use]
    pub fn command(&self, service: &str) -> Command {
        let start = self.starts.iter().find(|start| start.service == service);
        let start = start.unwrap_or_else(|| panic!("no service is named {service}"));
        let mut command = binary(&format!("tandem-{service}"));
        command.envs(start.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Ends the database server and starts it again.
    ///
    /// # Panics
    /// It does not come back.
    pub async fn restart_postgres(&mut self, how: Restart) {
        self.postgres.restart(how).await;
        self.database.lead_to(self.postgres.address());
    }

    /// Leads the services to another database server.
    pub fn move_to(&mut self, postgres: Postgres) {
        self.database.lead_to(postgres.address());
        self.postgres = postgres;
    }

    /// Starts a service.
    ///
    /// # Panics
    /// There is none of that name.
    pub fn start(&mut self, service: &str) {
        let start = self.starts.iter().find(|start| start.service == service);
        let start = start.unwrap_or_else(|| panic!("no service is named {service}"));
        self.running.push(Process::start(start));
    }

    /// Starts every service.
    pub fn start_all(&mut self) {
        SERVICES.into_iter().for_each(|service| self.start(service));
    }

    /// Starts another replica of a service, at addresses of its own.
    ///
    /// # Panics
    /// There is no service of that name.
    #[must_use]
    pub fn replica(&self, service: &str, under: &[&str]) -> Process {
        let start = self.starts.iter().find(|start| start.service == service);
        let start = start.unwrap_or_else(|| panic!("no service is named {service}")).clone();
        Process::start(&Start {
            api: free_address(),
            operations: free_address(),
            log: self.folder.path().join(format!("{service}-replica.log")),
            under: under.iter().map(ToString::to_string).collect(),
            ..start
        })
    }

    /// Waits until every running service is ready.
    pub async fn ready(&mut self) {
        for process in &mut self.running {
            process.ready().await;
        }
    }

    /// A running service.
    ///
    /// # Panics
    /// It does not run.
    pub fn running(&mut self, service: &str) -> &mut Process {
        let found = self.running.iter_mut().find(|process| process.service == service);
        found.unwrap_or_else(|| panic!("{service} does not run"))
    }

    /// Takes a service out, to be ended.
    ///
    /// # Panics
    /// It does not run.
    pub fn take(&mut self, service: &str) -> Process {
        let place = self.running.iter().position(|process| process.service == service);
        self.running.remove(place.unwrap_or_else(|| panic!("{service} does not run")))
    }

    /// An administrator's connection to the services at their addresses.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.connection_as("full_administrator")
    }

    /// An administrator's connection over the links that the services use among each other.
    #[must_use]
    pub fn connection_over_links(&self) -> Connection {
        let [inventory, prerequisites, authority, monitoring] =
            SERVICES.map(|service| format!("https://{}", self.links[service].address()));
        let addresses = Addresses {
            inventory: &inventory,
            prerequisites: &prerequisites,
            authority: &authority,
            monitoring: &monitoring,
        };
        self.credentials.connection(&addresses, "full_administrator")
    }

    /// An administrator's connection to one process alone.
    #[must_use]
    pub fn connection_to(&self, process: &Process) -> Connection {
        let address = process.address();
        let [inventory, prerequisites, authority, monitoring] = [&*address; 4];
        let addresses = Addresses { inventory, prerequisites, authority, monitoring };
        self.credentials.connection(&addresses, "full_administrator")
    }

    /// The address of a service, such as `https://127.0.0.1:20001`.
    ///
    /// # Panics
    /// There is none of that name.
    #[must_use]
    pub fn address(&self, service: &str) -> String {
        let start = self.starts.iter().find(|start| start.service == service);
        format!("https://{}", start.unwrap_or_else(|| panic!("no service is named {service}")).api)
    }

    /// A connection of the holder of a token.
    ///
    /// # Panics
    /// The token is not one line.
    #[must_use]
    pub fn connection_with(&self, token: &str) -> Connection {
        let [inventory, prerequisites, authority, monitoring] = SERVICES.map(|service| self.address(service));
        let addresses = Addresses {
            inventory: &inventory,
            prerequisites: &prerequisites,
            authority: &authority,
            monitoring: &monitoring,
        };
        let connection = Connection::connect_lazy_each(&addresses, &self.credentials.authority());
        connection.expect("the addresses are of the right form").with_token(token).expect("it is one line")
    }

    /// A connection of the holder of a role's token.
    #[must_use]
    pub fn connection_as(&self, role: &str) -> Connection {
        let address = |place: usize| format!("https://{}", self.starts[place].api);
        let [inventory, prerequisites, authority, monitoring] = [0, 1, 2, 3].map(address);
        let addresses = Addresses {
            inventory: &inventory,
            prerequisites: &prerequisites,
            authority: &authority,
            monitoring: &monitoring,
        };
        self.credentials.connection(&addresses, role)
    }
}
