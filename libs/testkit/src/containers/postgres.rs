//! PostgreSQL: a server, and a standby that takes over.

use std::net::{Ipv4Addr, SocketAddr};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement, TryGetable};
use testcontainers::bollard::Docker;
use testcontainers::core::{CmdWaitFor, ExecCommand, IntoContainerPort};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};

use super::{check, image, port_of, started};
use crate::certificates::Certificates;
use crate::wait::until;

/// The passwords of the server's superuser and of the services' user, known to whoever can reach this machine's loopback while the tests
/// run.
const PASSWORD: &str = "tandem";

/// The services' user: as in production no superuser, for whom row-level security would not hold. It owns the databases that tests make
/// for it, and may make schemas in the server's own.
pub(crate) const USER: &str = "tandem";

/// What every server is started with. Some suites open hundreds of databases, each with its pools.
const SETTINGS: [&str; 1] = ["max_connections=500"];

/// Copies a primary, named by the first argument, and runs as its standby with the settings that follow. The image's own user for it
/// exists in every image.
const STANDBY: &str = r#"
primary=$1; shift
mkdir -p "$PGDATA" /var/run/postgresql
chown -R postgres:postgres "$PGDATA" /var/run/postgresql
chmod 700 "$PGDATA"
run() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
run pg_basebackup --dbname="$primary" --pgdata="$PGDATA" --wal-method=stream --write-recovery-conf --checkpoint=fast
exec setpriv --reuid=postgres --regid=postgres --init-groups postgres -c 'listen_addresses=*' "$@"
"#;

/// How a server ends before it is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// It is asked to.
    Stopped,
    /// It is killed.
    Killed,
}

/// A PostgreSQL server of its own.
#[derive(Debug)]
pub struct Postgres {
    container: ContainerAsync<GenericImage>,
    port: u16,
}

impl Postgres {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// It cannot be started.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with settings of the server, such as `max_connections=20`.
    ///
    /// # Panics
    /// It cannot be started.
    pub async fn start_with(settings: &[&str]) -> Self {
        let arguments = arguments(SETTINGS.iter().chain(settings));
        let container = image(|images| &images.postgres)
            .with_exposed_port(5432.tcp())
            .with_env_var("POSTGRES_PASSWORD", PASSWORD)
            .with_cmd(arguments)
            .start()
            .await;
        let container = started(container);
        let port = port_of(&container, 5432).await;
        let server = Self { container, port };
        server.answers().await;
        server.execute("postgres", &format!("CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")).await;
        server.execute("postgres", &format!("GRANT CREATE ON DATABASE postgres TO {USER}")).await;
        server
    }

    /// The address of one of its databases, for a service.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.url_through(self.address(), database)
    }

    fn url_of_superuser(&self, database: &str) -> String {
        format!("postgres://postgres:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// Lets its clients encrypt, and none in without that who come over the network.
    ///
    /// # Panics
    /// It cannot be told.
    pub async fn encrypt(&self, certificates: &Certificates) {
        // It writes as its own user, who alone may read the key.
        for (file, text) in [("certificate", &certificates.certificate), ("key", &certificates.key)] {
            let file = format!("/tmp/{file}.pem");
            let write = format!(
                "COPY (SELECT unnest(string_to_array($${text}$$, E'\\n'))) TO PROGRAM 'umask 077; cat > {file}'"
            );
            self.execute("postgres", &write).await;
        }
        for statement in [
            "ALTER SYSTEM SET ssl_cert_file = '/tmp/certificate.pem'",
            "ALTER SYSTEM SET ssl_key_file = '/tmp/key.pem'",
            "ALTER SYSTEM SET ssl = on",
            "COPY (SELECT 'hostssl all all all scram-sha-256') TO PROGRAM 'cat > $PGDATA/pg_hba.conf'",
            "SELECT pg_reload_conf()",
        ] {
            self.execute("postgres", statement).await;
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The address of one of its databases for a service, as reached through another address.
    #[must_use]
    pub fn url_through(&self, address: SocketAddr, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@{address}/{database}")
    }

    /// Stops it, as its operator does, or kills it; and starts it again, which may give it another port. Waits until it answers.
    ///
    /// # Panics
    /// It does not come back.
    pub async fn restart(&mut self, how: Restart) {
        let seconds = match how {
            Restart::Stopped => 10,
            Restart::Killed => 0,
        };
        check(self.container.stop_with_timeout(Some(seconds)).await);
        check(self.container.start().await);
        self.port = port_of(&self.container, 5432).await;
        self.answers().await;
    }

    /// Stops its clock: connections stay, and nothing answers.
    ///
    /// # Panics
    /// It cannot be paused.
    pub async fn pause(&self) {
        check(self.container.pause().await);
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// It is not paused.
    pub async fn unpause(&self) {
        check(self.container.unpause().await);
    }

    async fn answers(&self) {
        until("PostgreSQL answers", async || {
            sea_orm::Database::connect(self.url_of_superuser("postgres")).await.ok()
        })
        .await;
    }

    /// Starts a copy of it that follows it, and from then on acknowledges nothing that the copy does not have.
    ///
    /// # Panics
    /// The copy cannot be made.
    pub async fn synchronous_standby(&self) -> Self {
        // The upstream image lets nobody replicate.
        let allow = r#"echo 'host replication all all scram-sha-256' >> "$PGDATA/pg_hba.conf""#;
        let allow = ExecCommand::new(["sh", "-c", allow]).with_cmd_ready_condition(CmdWaitFor::exit_code(0));
        if let Err(error) = self.container.exec(allow).await {
            panic!("the primary lets nobody replicate: {error}");
        }
        self.execute("postgres", "SELECT pg_reload_conf()").await;
        let address = address_within(self.container.id()).await;
        let primary = format!("postgresql://postgres:{PASSWORD}@{address}:5432/");
        let run = ["bash", "-euc", STANDBY, "standby", &primary].map(str::to_owned);
        let container = image(|images| &images.postgres)
            .with_exposed_port(5432.tcp())
            .with_cmd(run.into_iter().chain(arguments(&SETTINGS)))
            .start()
            .await;
        let container = started(container);
        let port = port_of(&container, 5432).await;
        let standby = Self { container, port };
        standby.answers().await;
        self.execute("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'").await;
        self.execute("postgres", "SELECT pg_reload_conf()").await;
        until("the standby is synchronous", async || {
            let states = "SELECT sync_state FROM pg_stat_replication";
            self.column::<String>("postgres", states).await.contains(&"sync".to_owned()).then_some(())
        })
        .await;
        standby
    }

    /// Makes a standby the primary.
    ///
    /// # Panics
    /// It is none.
    pub async fn promote(&self) {
        self.execute("postgres", "SELECT pg_promote()").await;
    }

    /// Kills it for good.
    ///
    /// # Panics
    /// It cannot be killed.
    pub async fn kill(&self) {
        check(self.container.stop_with_timeout(Some(0)).await);
    }

    /// Runs a statement in one of its databases, as the superuser, who sees every row.
    ///
    /// # Panics
    /// The statement fails.
    pub async fn execute(&self, database: &str, statement: &str) {
        let connection = self.connect(database).await;
        if let Err(error) = connection.execute_unprepared(statement).await {
            panic!("{statement} failed: {error}");
        }
    }

    /// How many rows a table has.
    ///
    /// # Panics
    /// It cannot be read.
    pub async fn count(&self, database: &str, table: &str) -> u64 {
        let rows = self.column::<i64>(database, &format!("SELECT count(*) FROM {table}")).await;
        rows.first().map_or(0, |count| count.unsigned_abs())
    }

    /// The tables of a schema, by name.
    ///
    /// # Panics
    /// It cannot be read.
    pub async fn tables(&self, database: &str, schema: &str) -> Vec<String> {
        let sql =
            format!("SELECT tablename::text FROM pg_tables WHERE schemaname = '{schema}' ORDER BY tablename");
        self.column(database, &sql).await
    }

    /// The first column of what a query finds.
    ///
    /// # Panics
    /// It fails, or the column has another type.
    pub async fn column<V: TryGetable>(&self, database: &str, query: &str) -> Vec<V> {
        let connection = self.connect(database).await;
        let query = Statement::from_string(connection.get_database_backend(), query);
        let read = async {
            let rows = connection.query_all_raw(query.clone()).await?;
            rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<V>, DbErr>>()
        };
        match read.await {
            Ok(values) => values,
            Err(error) => panic!("{} failed: {error}", query.sql),
        }
    }

    async fn connect(&self, database: &str) -> DatabaseConnection {
        match sea_orm::Database::connect(self.url_of_superuser(database)).await {
            Ok(connection) => connection,
            Err(error) => panic!("PostgreSQL does not answer: {error}"),
        }
    }

    /// Its container.
    #[must_use]
    pub const fn container(&self) -> &ContainerAsync<GenericImage> {
        &self.container
    }

    /// Removes it now instead of with its last reference.
    pub(crate) async fn remove(self) {
        let _ = self.container.rm().await;
    }
}

fn arguments<'a>(settings: impl IntoIterator<Item = &'a &'a str>) -> Vec<String> {
    settings.into_iter().flat_map(|set| ["-c".to_owned(), (*set).to_owned()]).collect()
}

/// The address at which other containers reach that one, on whatever network it is.
async fn address_within(container: &str) -> String {
    let inspected = async {
        let docker = Docker::connect_with_defaults()?;
        docker.inspect_container(container, None).await
    };
    let inspected = match inspected.await {
        Ok(inspected) => inspected,
        Err(error) => panic!("the container cannot be inspected: {error}"),
    };
    let networks = inspected.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
    let address = networks.into_values().find_map(|network| network.ip_address.filter(|ip| !ip.is_empty()));
    address.unwrap_or_else(|| panic!("the container is on no network"))
}
