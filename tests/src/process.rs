//! One service in a process of its own.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tandem_testkit::wait::until;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::binary::binary;

/// A running process. Dropped, it is killed.
#[derive(Debug)]
pub struct Process {
    /// The service's name, such as `inventory`.
    pub service: &'static str,
    /// Where its API listens.
    pub api: SocketAddr,
    operations: SocketAddr,
    child: Child,
    /// It runs under another program, which signals alone would end: both are a group of their own.
    is_group: bool,
    log: PathBuf,
}

/// What a process is started with.
#[derive(Debug, Clone)]
pub struct Start {
    /// The service's name.
    pub service: &'static str,
    /// Where its API listens.
    pub api: SocketAddr,
    /// Where its probes are answered.
    pub operations: SocketAddr,
    /// More of its configuration, as environment variables.
    pub environment: Vec<(String, String)>,
    /// Where its log goes.
    pub log: PathBuf,
    /// A program that runs it, with its first arguments, such as `faketime -1h`. Empty: it runs by itself.
    pub under: Vec<String>,
}

impl Process {
    /// Starts it, without waiting until it is ready.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start(start: &Start) -> Self {
        let Start { service, api, operations, environment, log, under } = start;
        let binary = binary(&format!("tandem-{service}"));
        let mut command = match under.split_first() {
            None => binary,
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(binary.get_program());
                for (name, _) in binary.get_envs() {
                    command.env_remove(name);
                }
                command.process_group(0);
                command
            }
        };
        let file = File::options().create(true).append(true).open(log).expect("the log can be written");
        command.arg("--listen").arg(api.to_string()).arg("--operations").arg(operations.to_string());
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let same = file.try_clone().expect("the log can be written");
        command.stdin(Stdio::null()).stdout(same).stderr(file);
        let child =
            command.spawn().unwrap_or_else(|error| panic!("tandem-{service} does not start: {error}"));
        let is_group = !under.is_empty();
        Self { service, api: *api, operations: *operations, child, is_group, log: log.clone() }
    }

    /// Waits until every one of its checks passes.
    ///
    /// # Panics
    /// They do not within a minute, or it ends.
    pub async fn ready(&mut self) {
        let service = self.service;
        until(&format!("tandem-{service} is ready"), async || {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("tandem-{service} ended with {status}: {}", self.log());
            }
            self.readiness().await.filter(|(code, _)| *code == 200)
        })
        .await;
    }

    /// What its probe answers: the code, and a line for each check. `None`: it does not answer.
    pub async fn readiness(&self) -> Option<(u16, String)> {
        self.get("/readyz").await
    }

    /// The value of a metric of its operations listener, by name and labels as it is written there. 0: it has none of that name.
    ///
    /// # Panics
    /// The listener does not answer.
    pub async fn metric(&self, metric: &str) -> f64 {
        let metrics = self.metrics().await;
        let value = metrics.lines().find_map(|line| line.strip_prefix(metric)?.trim().parse().ok());
        value.unwrap_or(0.0)
    }

    /// Every metric, as they are served.
    ///
    /// # Panics
    /// The listener does not answer.
    pub async fn metrics(&self) -> String {
        self.get("/metrics").await.expect("the operations listener answers").1
    }

    fn signal(&self, signal: Signal) -> nix::Result<()> {
        let process = Pid::from_raw(self.child.id().cast_signed());
        if self.is_group { killpg(process, signal) } else { kill(process, signal) }
    }

    async fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut connection = TcpStream::connect(self.operations).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// The address of its API.
    #[must_use]
    pub fn address(&self) -> String {
        format!("https://{}", self.api)
    }

    /// The memory that it holds.
    ///
    /// # Panics
    /// The system does not say.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let kibibytes =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next());
        1024 * kibibytes.and_then(|text| text.parse::<u64>().ok()).expect("the system says what it holds")
    }

    /// Kills it at once, and waits until it is gone.
    ///
    /// # Panics
    /// It cannot be killed.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL).expect("it can be killed");
        self.child.wait().expect("it is gone");
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Panics
    /// It cannot be asked.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM).expect("it can be asked");
        until("the process has ended", async || self.child.try_wait().expect("it can be waited for")).await
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended is no more; nobody else gets its number before it was waited for.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.signal(Signal::SIGKILL);
        }
        let _ = self.child.wait();
        if std::thread::panicking() {
            // The test failed: its reader wants to know what the process had to say.
            let log = self.log();
            let lines: Vec<&str> = log.lines().rev().take(30).collect();
            let lines: Vec<&str> = lines.into_iter().rev().collect();
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("--- log of tandem-{}\n{}\n", self.service, lines.join("\n")).as_bytes(),
            );
        }
    }
}

/// Ports that no system gives to the near end of a connection by itself (Linux starts at 32768, others at 49152). A process that was
/// killed finds its port free again, also where clients that look for it have connected meanwhile.
const PORTS: Range<u16> = 12_000..32_000;

/// An address of this machine that is free, and that no one else in this process is given.
///
/// # Panics
/// No port is free.
#[must_use]
pub fn free_address() -> SocketAddr {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let ports = u32::from(PORTS.end - PORTS.start);
    // Test programs that run at once look at different ports first.
    let first = std::process::id().wrapping_mul(97) % ports;
    (0..ports)
        .map(|_| {
            let given = u32::from(GIVEN.fetch_add(1, Ordering::Relaxed));
            let port = PORTS.start
                + u16::try_from((first + given) % ports).expect("it is below the number of ports");
            SocketAddr::from((Ipv4Addr::LOCALHOST, port))
        })
        .find(|address| TcpListener::bind(address).is_ok())
        .expect("a port is free")
}
