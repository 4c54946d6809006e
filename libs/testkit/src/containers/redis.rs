//! Redis: one server or a small cluster, that tests may break and mend. Addresses stay the same throughout.

use testcontainers::core::{CmdWaitFor, ExecCommand, IntoContainerPort};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};

use super::{image, port_of, started};
use crate::certificates::Certificates;
use crate::wait::until;

const PORT: u16 = 6379;

/// The port for those who encrypt, where there is one.
const ENCRYPTED_PORT: u16 = 6380;

/// The masters of a cluster. Their bus ports are 10,000 above.
const CLUSTER_PORTS: [u16; 3] = [7001, 7002, 7003];

/// Runs a server on each of the ports that the first argument lists, with the settings that follow, and again whenever it ends; but
/// not while there is a file `PORT.down`. A container that ended instead would come back at another address.
const SUPERVISE: &str = r#"
ports=$1; shift
serve() {
    port=$1; shift
    mkdir -p /data/$port; cd /data/$port
    while :; do
        if [ ! -e /data/$port.down ]; then
            redis-server --port $port --dir /data/$port --protected-mode no "$@" & echo $! > /data/$port.pid
            wait $!
        fi
        sleep 0.05
    done
}
for port in $ports; do serve $port "$@" & done
wait
"#;

/// A Redis server of its own.
#[derive(Debug)]
pub struct Redis {
    container: ContainerAsync<GenericImage>,
    port: u16,
}

impl Redis {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// It cannot be started.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with settings of the server, such as `["--maxmemory", "4mb"]`.
    ///
    /// # Panics
    /// It cannot be started.
    pub async fn start_with(settings: &[&str]) -> Self {
        let command = supervised(&[PORT], settings);
        let container =
            image(|images| &images.redis).with_exposed_port(PORT.tcp()).with_cmd(command).start().await;
        let container = started(container);
        let port = port_of(&container, PORT).await;
        let server = Self { container, port };
        server.answers().await;
        server
    }

    /// Starts one whose clients may also encrypt, and waits until it answers. Answers its encrypted address too.
    ///
    /// # Panics
    /// It cannot be started.
    pub async fn start_encrypted(certificates: &Certificates) -> (Self, String) {
        let encrypted = ENCRYPTED_PORT.to_string();
        let mut settings = vec!["--tls-port", &encrypted, "--tls-auth-clients", "no"];
        settings.extend(["--tls-cert-file", "/certificate.pem", "--tls-key-file", "/key.pem"]);
        settings.extend(["--tls-ca-cert-file", "/certificate.pem"]);
        let container = image(|images| &images.redis)
            .with_exposed_port(PORT.tcp())
            .with_exposed_port(ENCRYPTED_PORT.tcp())
            .with_copy_to("/certificate.pem", certificates.certificate.clone().into_bytes())
            .with_copy_to("/key.pem", certificates.key.clone().into_bytes())
            .with_cmd(supervised(&[PORT], &settings))
            .start()
            .await;
        let container = started(container);
        let port = port_of(&container, PORT).await;
        let address = format!("rediss://127.0.0.1:{}", port_of(&container, ENCRYPTED_PORT).await);
        let server = Self { container, port };
        server.answers().await;
        (server, address)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its container.
    #[must_use]
    pub const fn container(&self) -> &ContainerAsync<GenericImage> {
        &self.container
    }

    /// What `redis-cli` prints for a command.
    ///
    /// # Panics
    /// It cannot be run.
    pub async fn command(&self, words: &[&str]) -> String {
        cli(&self.container, PORT, words).await
    }

    /// Kills the server, which loses whatever it has not saved. It does not come back before [`Self::revive`].
    ///
    /// # Panics
    /// It cannot be killed.
    pub async fn kill(&self) {
        kill(&self.container, PORT).await;
    }

    /// Starts the server that was killed, and waits until it answers.
    ///
    /// # Panics
    /// It does not answer within a minute.
    pub async fn revive(&self) {
        revive(&self.container, PORT).await;
        self.answers().await;
    }

    /// Stops the server in its tracks: connections stay open, and nothing is answered.
    ///
    /// # Panics
    /// It cannot be paused.
    pub async fn pause(&self) {
        done("pause", self.container.pause().await);
    }

    /// Lets the server that was paused go on.
    ///
    /// # Panics
    /// It cannot go on.
    pub async fn resume(&self) {
        done("resume", self.container.unpause().await);
    }

    async fn answers(&self) {
        until("Redis answers", async || answers_ping(self.port).await.ok().filter(|answers| *answers)).await;
    }
}

/// A Redis cluster of three masters without replicas, in one container.
#[derive(Debug)]
pub struct RedisCluster {
    container: ContainerAsync<GenericImage>,
    /// Where this machine and the masters themselves reach them. Nodes tell clients where others are, so ports cannot be mapped.
    address: String,
}

impl RedisCluster {
    /// Starts one and waits until it serves every slot.
    ///
    /// # Panics
    /// It cannot be started.
    pub async fn start() -> Self {
        let settings = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
        let command = supervised(&CLUSTER_PORTS, &settings);
        let container = image(|images| &images.redis).with_cmd(command).start().await;
        let container = started(container);
        let address = run(&container, &["hostname", "-i"]).await.trim().to_owned();
        let cluster = Self { container, address };
        for port in CLUSTER_PORTS {
            let pong = async || (cluster.command(port, &["PING"]).await == "PONG").then_some(());
            until("a node answers", pong).await;
        }
        let nodes: Vec<String> =
            CLUSTER_PORTS.iter().map(|port| format!("{}:{port}", cluster.address)).collect();
        let mut create = vec!["redis-cli", "--cluster", "create"];
        create.extend(nodes.iter().map(String::as_str));
        create.push("--cluster-yes");
        run(&cluster.container, &create).await;
        cluster.serves().await;
        cluster
    }

    /// The addresses of its masters.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        CLUSTER_PORTS.iter().map(|port| format!("redis://{}:{port}", self.address)).collect()
    }

    /// What `redis-cli` prints for a command to the master with the key.
    ///
    /// # Panics
    /// It cannot be run, or the key's slot is not served.
    pub async fn command_at(&self, key: &str, words: &[&str]) -> String {
        let port = self.port_of(key).await;
        self.command(port, words).await
    }

    /// Kills the master with the key. It does not come back before [`Self::revive`].
    ///
    /// # Panics
    /// It cannot be killed, or the key's slot is not served.
    pub async fn kill(&self, key: &str) {
        kill(&self.container, self.port_of(key).await).await;
    }

    /// Kills the master at that address, which is one of [`Self::urls`]. It does not come back before [`Self::revive`].
    ///
    /// # Panics
    /// It cannot be killed, or there is none.
    pub async fn kill_node(&self, url: &str) {
        let port = CLUSTER_PORTS.into_iter().zip(self.urls()).find(|(_, known)| known == url);
        let (port, _) = port.unwrap_or_else(|| panic!("no master is at {url}"));
        kill(&self.container, port).await;
    }

    /// Starts the masters that were killed, and waits until every slot is served.
    ///
    /// # Panics
    /// They do not serve within a minute.
    pub async fn revive(&self) {
        for port in CLUSTER_PORTS {
            revive(&self.container, port).await;
        }
        self.serves().await;
    }

    /// How many keys each master holds.
    ///
    /// # Panics
    /// One does not tell.
    pub async fn key_counts(&self) -> Vec<u64> {
        let mut counts = Vec::new();
        for port in CLUSTER_PORTS {
            let count = self.command(port, &["DBSIZE"]).await;
            match count.parse() {
                Ok(count) => counts.push(count),
                Err(_) => panic!("a master tells {count} instead of its number of keys"),
            }
        }
        counts
    }

    async fn command(&self, port: u16, words: &[&str]) -> String {
        cli(&self.container, port, words).await
    }

    async fn serves(&self) {
        for port in CLUSTER_PORTS {
            let ok = async || {
                let info = self.command(port, &["CLUSTER", "INFO"]).await;
                (info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")).then_some(())
            };
            until("a node finds the cluster whole", ok).await;
        }
    }

    async fn port_of(&self, key: &str) -> u16 {
        for port in CLUSTER_PORTS {
            // A node names another one for keys that are not its own.
            if !self.command(port, &["GET", key]).await.contains("MOVED") {
                return port;
            }
        }
        panic!("no node has the slot of {key}")
    }
}

fn supervised(ports: &[u16], settings: &[&str]) -> Vec<String> {
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    let fixed = ["sh", "-c", SUPERVISE, "supervise", &ports.join(" ")];
    fixed.iter().chain(settings).map(|word| (*word).to_owned()).collect()
}

async fn cli(container: &ContainerAsync<GenericImage>, port: u16, words: &[&str]) -> String {
    let port = port.to_string();
    let command: Vec<&str> = ["redis-cli", "-p", &port].iter().chain(words).copied().collect();
    run(container, &command).await.trim_end().to_owned()
}

async fn kill(container: &ContainerAsync<GenericImage>, port: u16) {
    let script = format!("touch /data/{port}.down; kill -9 $(cat /data/{port}.pid)");
    run(container, &["sh", "-c", &script]).await;
}

async fn revive(container: &ContainerAsync<GenericImage>, port: u16) {
    let script = format!("rm -f /data/{port}.down");
    run(container, &["sh", "-c", &script]).await;
}

async fn run(container: &ContainerAsync<GenericImage>, command: &[&str]) -> String {
    let command = ExecCommand::new(command.iter().copied()).with_cmd_ready_condition(CmdWaitFor::exit());
    let mut result = done("use", container.exec(command).await);
    String::from_utf8_lossy(&done("use", result.stdout_to_vec().await)).into_owned()
}

fn done<T>(what: &str, result: Result<T, testcontainers::TestcontainersError>) -> T {
    match result {
        Ok(done) => done,
        Err(error) => panic!("the container cannot be brought to {what}: {error}"),
    }
}

async fn answers_ping(port: u16) -> std::io::Result<bool> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut connection = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    connection.write_all(b"PING\r\n").await?;
    let mut answer = [0; 5];
    connection.read_exact(&mut answer).await?;
    Ok(&answer == b"+PONG")
}
