//! Containers of the production engines, thrown away with the tests that started them.
//!
//! Images are those that `TANDEM_TEST_POSTGRES_IMAGE` and `TANDEM_TEST_REDIS_IMAGE` name, else the upstream ones. Where no registry can be
//! reached, `deploy/offline-images/build` makes some, which are taken where they are and the upstream ones are not.

mod redis;

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;

use futures::TryStreamExt;
use libtest_mimic::{Failed, Trial};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement, TryGetable};
use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::CreateImageOptionsBuilder;
use testcontainers::core::IntoContainerPort;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt, TestcontainersError};

pub use self::redis::{Redis, RedisCluster};
use crate::suite::common_runtime;
use crate::wait::until;

/// The variable that makes a missing engine a failure.
const REQUIRED: &str = "TANDEM_REQUIRE_CONTAINERS";

/// The password of the databases' owner, known to whoever can reach this machine's loopback while the tests run.
const PASSWORD: &str = "tandem";

/// A test that is ignored where containers cannot be had.
pub(crate) fn trial(name: &str, run: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    match images() {
        Ok(_) => Trial::test(name, run),
        Err(_) if env::var_os(REQUIRED).is_none_or(|required| required != "1") => {
            Trial::test(name, run).with_ignored_flag(true)
        }
        Err(why) => Trial::test(name, move || Err(why.into())),
    }
}

/// The images of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Images {
    postgres: String,
    redis: String,
}

/// Whether containers can be had, asked once: an engine answers and has or gets the images.
fn images() -> Result<&'static Images, &'static str> {
    static ANSWER: OnceLock<Result<Images, String>> = OnceLock::new();
    let asked = || {
        common_runtime().block_on(async {
            let silent = |error| format!("no container engine answers: {error}");
            let docker = Docker::connect_with_defaults().map_err(silent)?;
            docker.ping().await.map_err(silent)?;
            Ok(Images {
                postgres: image_of(
                    &docker,
                    "TANDEM_TEST_POSTGRES_IMAGE",
                    "postgres:17",
                    "tandem-offline/postgres:15",
                )
                .await?,
                redis: image_of(&docker, "TANDEM_TEST_REDIS_IMAGE", "redis:7", "tandem-offline/redis:7")
                    .await?,
            })
        })
    };
    ANSWER.get_or_init(asked).as_ref().map_err(String::as_str)
}

/// The image that the variable names, or the upstream one, or the offline one where only that is there. Pulls what is on no machine yet.
async fn image_of(docker: &Docker, variable: &str, upstream: &str, offline: &str) -> Result<String, String> {
    let named = env::var(variable).unwrap_or_else(|_| upstream.to_owned());
    if docker.inspect_image(&named).await.is_ok() {
        return Ok(named);
    }
    if named == upstream && docker.inspect_image(offline).await.is_ok() {
        return Ok(offline.to_owned());
    }
    let options = CreateImageOptionsBuilder::new().from_image(&named).build();
    let pulled: Result<Vec<_>, _> = docker.create_image(Some(options), None, None).try_collect().await;
    match pulled {
        Ok(_) => Ok(named),
        Err(error) => Err(format!(
            "the image {named} cannot be pulled: {error}; name another with {variable}, or make one with deploy/offline-images/build"
        )),
    }
}

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
        // Some suites open hundreds of databases, each with its pools.
        let all = ["max_connections=500"].iter().chain(settings);
        let arguments: Vec<String> = all.flat_map(|set| ["-c".to_owned(), (*set).to_owned()]).collect();
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
        server
    }

    /// The address of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The address of one of its databases, as reached through another address.
    #[must_use]
    pub fn url_through(&self, address: SocketAddr, database: &str) -> String {
        format!("postgres://postgres:{PASSWORD}@{address}/{database}")
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
        until("PostgreSQL answers", async || sea_orm::Database::connect(self.url("postgres")).await.ok())
            .await;
    }

    /// Runs a statement in one of its databases, as its owner.
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
        match sea_orm::Database::connect(self.url(database)).await {
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

/// # Panics
/// Containers cannot be had.
fn image(of: impl Fn(&Images) -> &String) -> GenericImage {
    match images() {
        Ok(images) => {
            let named = of(images);
            let (name, tag) = named.rsplit_once(':').unwrap_or((named, "latest"));
            GenericImage::new(name, tag)
        }
        Err(why) => panic!("{why}"),
    }
}

fn check(done: Result<(), TestcontainersError>) {
    if let Err(error) = done {
        panic!("the container does not do as it is told: {error}");
    }
}

fn started(
    container: Result<ContainerAsync<GenericImage>, TestcontainersError>,
) -> ContainerAsync<GenericImage> {
    match container {
        Ok(container) => container,
        Err(error) => panic!("the container cannot be started: {error}"),
    }
}

async fn port_of(container: &ContainerAsync<GenericImage>, inside: u16) -> u16 {
    match container.get_host_port_ipv4(inside.tcp()).await {
        Ok(port) => port,
        Err(error) => panic!("port {inside} of the container cannot be reached: {error}"),
    }
}
