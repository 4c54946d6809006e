//! All four services in one process, over their real gRPC contracts: what `tandem serve`, `tandem assess` and tests run.
//!
//! The services reach each other through an in-memory transport; whoever holds the sandbox reaches them the same way.
//! [`Sandbox::server`] serves the same services to somebody else, such as a TCP listener.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::SignedDuration;
use tandem_authority::config::SIGNING_KEY;
use tandem_authority::{Authority, SigningKey};
use tandem_cache::{DeviceStateCache, InProcessCache};
use tandem_client::Connection;
use tandem_inventory::Inventory;
use tandem_monitoring::{FollowMode, FollowerHealth, Monitoring, Upstream};
use tandem_prerequisites::Prerequisites;
use tandem_server::failure::BoxError;
use tandem_server::in_process::in_process;
use tandem_server::principal::Authenticator;
use tandem_server::process::Pinged;
use tandem_server::{ApiServer, Auditor, Clock, LocalAuthenticator, Supervisor, trace};
use tandem_storage::{Durability, Location};
use tandem_telemetry::operations::NamedCheck;

/// The file in the data folder that signed heads of the audit log are appended to: whoever copies it elsewhere finds out when the log was
/// rewritten.
const HEADS_FILE: &str = "audit-heads.jsonl";

/// What a sandbox is made of.
#[derive(Debug)]
pub struct Options {
    /// The folder of the databases, made where missing.
    pub data_folder: PathBuf,
    /// What survives a power cut.
    pub durability: Durability,
    /// The time of every service.
    pub clock: Clock,
    /// Which tenants prerequisites and monitoring count.
    pub follow: FollowMode,
    /// Passes while monitoring does not lag far behind. `None`: nobody asks.
    pub following: Option<NamedCheck>,
    /// How long it is known what devices were. `None`: nothing of it is kept.
    pub history: Option<SignedDuration>,
    /// How many bytes of device states the services keep in common beside the database. 0: none.
    pub cache_bytes: u64,
}

/// The cache of the services of this process.
fn shared_cache(bytes: u64) -> Option<Arc<dyn DeviceStateCache>> {
    (bytes > 0).then(|| Arc::new(InProcessCache::new(bytes)) as Arc<dyn DeviceStateCache>)
}

/// The running services.
#[derive(Debug, Clone)]
pub struct Sandbox {
    connection: Connection,
    supervisor: Supervisor,
    auditor: Auditor,
    inventory: Inventory,
    authority: Authority,
    prerequisites: Prerequisites,
    monitoring: Monitoring,
}

impl Sandbox {
    /// Opens the databases and starts the services.
    ///
    /// # Errors
    /// A database cannot be opened or migrated.
    pub async fn start(options: Options) -> Result<Self, BoxError> {
        let Options { data_folder, durability, clock, follow, following, history, cache_bytes } = options;
        tokio::fs::create_dir_all(&data_folder).await?;
        let supervisor = Supervisor::new();
        let (connector, incoming) = in_process();
        let endpoint = tandem_client::endpoint("http://tandem.in-process")?;
        let channels = move || endpoint.connect_with_connector_lazy(connector.clone());
        let connection = Connection::from_channels(channels).with_trace_source(trace::current_id);

        let embedded = |file| Location::Sqlite { file: data_folder.join(file), durability, most_bytes: None };
        let cache = shared_cache(cache_bytes);
        let inventory = Inventory::open(tandem_inventory::Parts {
            database: embedded("inventory.db"),
            clock,
            cache: cache.clone(),
            hints: None,
        })
        .await?;
        let authority = Authority::open(tandem_authority::Parts {
            database: embedded("authority.db"),
            inventory: connection.clone(),
            cache: cache.clone(),
            clock,
            supervisor: supervisor.clone(),
            signing_key: Some(SigningKey::read_or_make(&data_folder.join(SIGNING_KEY))?),
            heads_file: Some(data_folder.join(HEADS_FILE)),
            history,
        })
        .await?;
        let (auditor, recorder) = Auditor::new();
        supervisor.spawn("audit recorder", recorder.run(authority.audit_sink(), supervisor.ending()));
        let prerequisites = Prerequisites::open(tandem_prerequisites::Parts {
            database: embedded("prerequisites.db"),
            inventory: connection.clone(),
            authority: connection.clone(),
            cache,
            clock,
            supervisor: supervisor.clone(),
            mode: follow,
        })
        .await?;
        let upstream = Upstream {
            inventory: connection.clone(),
            authority: connection.clone(),
            prerequisites: connection.clone(),
        };
        let parts = tandem_monitoring::Parts {
            upstream,
            clock,
            supervisor: supervisor.clone(),
            mode: follow,
            readiness: following,
        };
        let monitoring = Monitoring::new(parts);
        let sandbox =
            Self { connection, supervisor, auditor, inventory, authority, prerequisites, monitoring };
        sandbox.inventory.start_tasks(&sandbox.supervisor);
        sandbox.authority.start_tasks();
        sandbox.prerequisites.start_tasks();
        let server = sandbox.server(LocalAuthenticator::default());
        // The services need each other until the last caller is served.
        let ending = sandbox.supervisor.ending().cancelled_owned();
        sandbox.supervisor.spawn("in-process api", server.serve(incoming, ending));
        Ok(sandbox)
    }

    /// A connection to every service, as the local principal.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Runs the services' tasks; drain it to stop them.
    #[must_use]
    pub const fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// A server of every contract, for callers that the authenticator knows.
    pub fn server(&self, authenticator: impl Authenticator) -> ApiServer {
        let server = ApiServer::new(authenticator).audited(self.auditor.clone());
        let server = self.authority.serve_on(self.inventory.serve_on(server));
        self.prerequisites.serve_on(server).add_service(self.monitoring.service())
    }

    /// How monitoring's followers are doing.
    #[must_use]
    pub fn followers(&self) -> Vec<FollowerHealth> {
        self.monitoring.health()
    }

    /// Whether the databases answer.
    ///
    /// # Errors
    /// One does not.
    pub async fn ping(&self) -> Result<(), BoxError> {
        self.inventory.ping().await?;
        self.authority.ping().await?;
        Ok(self.prerequisites.ping().await?)
    }

    /// Drains the services and closes the databases.
    ///
    /// # Errors
    /// A task had failed, or a database does not answer.
    pub async fn stop(self) -> Result<(), BoxError> {
        self.supervisor.drain();
        self.supervisor.join().await?;
        self.inventory.close().await?;
        self.authority.close().await?;
        Ok(self.prerequisites.close().await?)
    }
}
