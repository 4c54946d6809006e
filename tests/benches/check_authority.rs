//! What `CheckAuthority` takes of a server, against an empty unary service of the same framework and message sizes.
//!
//! Ours is the server as it is run, warm and with the authentication, permissions, limits, metrics and traces that it has by default: about
//! devices at random out of `TANDEM_BENCH_DEVICES` (default 100,000), workloads and claimants at random. In the same run and on the same
//! core, in slices that alternate, the yardstick: `tests/src/empty.rs`. The generator is another process on another core; it checks the status of every
//! call, and keeps as many calls on their way as `TANDEM_BENCH_CONNECTIONS` (default 8) times `TANDEM_BENCH_AT_ONCE` (default 16). What is compared is the
//! processor time of the server's process, as the system counts it, per answer.
//!
//! - `cargo bench -p tandem-tests --bench check_authority`: `tandem serve`, device states in its own memory, its token.
//! - `… -- redis`: `tandem-authority` with access tokens, device states in a Redis in a container, and none in its own memory.
//!
//! `TANDEM_BENCH_ROUNDS` (default 10) slices of `TANDEM_BENCH_SECONDS` (default 2) each. Last line:
//! `check_authority ratio=R ours=X yardstick=Y unit=us/answer devices=N`, with R = Y / X.

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use tandem::import::import;
use tandem_client::{Addresses, Connection, TlsFiles};
use tandem_connectors::Exports;
use tandem_contracts::authority::v1::CheckAuthorityRequest;
use tandem_contracts::inventory::v1::ListDevicesRequest;
use tandem_domain::id::TenantId;
use tandem_simulator::{FleetSpec, write_exports};
use tandem_testkit::containers::Redis;
use tandem_tests::binary::tandem;
use tandem_tests::credentials::Credentials;
use tandem_tests::empty::{self, Empty};
use tandem_tests::pinned::Pinned;
use tandem_tests::process::{Process, Start, free_address, metric_of, processor_time};
use tandem_tests::unary::{Answers, Caller, Load, Target, framed};
use tempfile::TempDir;
use tonic::transport::Server;

type Failure = Box<dyn Error + Send + Sync>;

/// As `tandem` has it: the yardstick is to have no worse one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The servers' core.
const SERVERS: usize = 0;

/// That of this process, the generator.
const GENERATOR: usize = 1;

const CHECK: &str = "/tandem.authority.v1.AuthorityService/CheckAuthority";
const TENANT: &str = "bench";

/// Memory for the states of a device, with room to spare.
const BYTES_PER_DEVICE: u64 = 4 << 10;

/// Tells this program that it is the yardstick, and how many bytes it answers.
const ANSWER_BYTES: &str = "TANDEM_BENCH_ANSWER_BYTES";

fn main() -> ExitCode {
    let result = match std::env::var(ANSWER_BYTES) {
        Ok(bytes) => yardstick(&bytes),
        Err(_) => run(),
    };
    let printed = match &result {
        Ok(line) => writeln!(io::stdout(), "{line}"),
        Err(error) => writeln!(io::stderr(), "check_authority bench failed: {error}"),
    };
    if result.is_ok() && printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Serves the yardstick until it is killed, on a runtime as that of `tandem`.
fn yardstick(bytes: &str) -> Result<String, Failure> {
    let service = Empty { bytes: bytes.parse()? };
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        writeln!(io::stdout(), "api http://{}", listener.local_addr()?)?;
        writeln!(io::stdout(), "ready")?;
        let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
        Ok(Server::builder()
            .add_service(service)
            .serve_with_incoming(incoming)
            .await
            .map(|()| String::new())?)
    })
}

fn run() -> Result<String, Failure> {
    let is_redis = std::env::args().any(|argument| argument == "redis");
    if is_redis {
        tandem_testkit::containers::available()?;
    }
    // Built before this process keeps to one core.
    drop(tandem());
    let mut mine = CpuSet::new();
    mine.set(GENERATOR)?;
    sched_setaffinity(Pid::from_raw(0), &mine)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(bench(is_redis))
}

fn setting(name: &str, default: u64) -> Result<u64, Failure> {
    match std::env::var(name) {
        Ok(text) => Ok(text.parse().map_err(|error| format!("{name} {text:?}: {error}"))?),
        Err(_) => Ok(default),
    }
}

async fn bench(is_redis: bool) -> Result<String, Failure> {
    let devices = setting("TANDEM_BENCH_DEVICES", 100_000)?.max(1);
    let (rounds, seconds) = (setting("TANDEM_BENCH_ROUNDS", 10)?, setting("TANDEM_BENCH_SECONDS", 2)?);
    let load = Load {
        connections: usize::try_from(setting("TANDEM_BENCH_CONNECTIONS", 8)?)?,
        at_once: usize::try_from(setting("TANDEM_BENCH_AT_ONCE", 16)?)?,
    };
    let folder = tempfile::tempdir()?;
    let ours = match is_redis {
        true => Ours::over_redis(&folder).await?,
        false => Ours::embedded(&folder, devices * BYTES_PER_DEVICE)?,
    };
    let names = ours.fill(&folder, devices).await?;
    let questions = Questions(Arc::new(names));
    let caller = Caller::connect(ours.target.clone(), load).await?;
    let answers = warm(&caller, &questions).await?;
    let empty = Yardstick::start(usize::try_from(answers.bytes / answers.answered)?)?;
    let yardstick = Caller::connect(empty.target(), load).await?;

    let (time, hits) = (Duration::from_secs(seconds), ours.hits().await);
    let (mut spent, mut spent_empty) = (Spent::default(), Spent::default());
    for round in 0..rounds {
        let one = Spent::of(ours.process, &caller, time, questions.at(round)).await?;
        let other = Spent::of(empty.server.id(), &yardstick, time, questions.at(round)).await?;
        note(&format!("round {round}: ours {}, yardstick {}", one.line(), other.line()));
        spent.add(one);
        spent_empty.add(other);
    }
    note(&format!("found in the cache: {:.2} of all", (ours.hits().await - hits) / count(spent.answered)));
    let (ours, yardstick) = (spent.microseconds(), spent_empty.microseconds());
    Ok(format!(
        "check_authority ratio={:.2} ours={ours:.2} yardstick={yardstick:.2} unit=us/answer devices={devices}",
        yardstick / ours
    ))
}

/// Asks about every device, until each was answered before. Answers what the last time was answered.
async fn warm(caller: &Caller, questions: &Questions) -> Result<Answers, Failure> {
    let all = questions.0.len() as u64;
    let mut answers = Answers::default();
    for _ in 0..3 {
        answers = caller.each(all, questions.in_turn()).await?;
    }
    Ok(answers)
}

/// Processor time of a server, and what it answered for it.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    time: Duration,
    answered: u64,
    within: Duration,
}

impl Spent {
    async fn of(
        process: u32,
        caller: &Caller,
        within: Duration,
        draw: impl Fn(u64) -> Bytes + Clone + Send + 'static,
    ) -> Result<Self, Failure> {
        let before = processor_time(process);
        let answers = caller.run(within, draw).await?;
        Ok(Self { time: processor_time(process).saturating_sub(before), answered: answers.answered, within })
    }

    fn add(&mut self, more: Self) {
        self.time += more.time;
        self.answered += more.answered;
        self.within += more.within;
    }

    fn microseconds(self) -> f64 {
        self.time.as_secs_f64() * 1e6 / count(self.answered)
    }

    fn line(self) -> String {
        let rate = count(self.answered) / self.within.as_secs_f64();
        let busy = 100.0 * self.time.as_secs_f64() / self.within.as_secs_f64();
        format!("{:.2} us/answer at {rate:.0}/s, {busy:.0} % busy", self.microseconds())
    }
}

#[allow(clippy::cast_precision_loss, reason = "numbers of answers are far below 2^53")]
fn count(number: u64) -> f64 {
    number as f64
}

/// What is asked: the names of all devices.
#[derive(Clone)]
struct Questions(Arc<Vec<String>>);

impl Questions {
    fn question(&self, device: u64, claim: u64) -> Bytes {
        let device = usize::try_from(device % self.0.len() as u64).unwrap_or_default();
        let request = CheckAuthorityRequest {
            name: self.0[device].clone(),
            workload: 1 + i32::try_from(claim % 7).unwrap_or_default(),
            claimant: 1 + i32::try_from(claim / 7 % 2).unwrap_or_default(),
            consistency_token: String::new(),
        };
        framed(&prost_reflect::prost::Message::encode_to_vec(&request))
    }

    /// Each device once.
    fn in_turn(&self) -> impl Fn(u64) -> Bytes + Clone + Send + 'static {
        let all = self.clone();
        move |number| all.question(number, scattered(number))
    }

    /// Devices at random, others each round.
    fn at(&self, round: u64) -> impl Fn(u64) -> Bytes + Clone + Send + 'static {
        let all = self.clone();
        move |number| {
            let drawn = scattered(round << 40 | number);
            all.question(drawn >> 8, drawn & 0xff)
        }
    }
}

/// The number's place in a sequence that looks random (SplitMix64).
const fn scattered(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// The system that is measured.
struct Ours {
    /// The process whose time is counted.
    process: u32,
    target: Target,
    operations: SocketAddr,
    connection: Connection,
    _running: Running,
}

/// What runs as long as it is measured: one process, or several.
#[derive(Default)]
struct Running {
    _server: Option<Pinned>,
    _services: Vec<Process>,
    _redis: Option<Redis>,
}

impl Ours {
    fn embedded(folder: &TempDir, cache_bytes: u64) -> Result<Self, Failure> {
        let data = folder.path().join("data");
        let mut command = tandem();
        command.arg("serve").arg("--data").arg(&data).args(["--listen", "127.0.0.1:0"]);
        command.args(["--operations", "127.0.0.1:0", "--cache-bytes", &cache_bytes.to_string()]);
        let server = Pinned::start(&command, SERVERS)?;
        let token = std::fs::read_to_string(data.join("development-token"))?;
        let api = server.address("api")?;
        let connection = Connection::connect_lazy(&format!("http://{api}"), &TlsFiles::default())?;
        Ok(Self {
            process: server.id(),
            target: Target { address: api, path: CHECK, token: Some(token.clone()) },
            operations: server.address("operations")?,
            connection: connection.with_token(&token)?,
            _running: Running { _server: Some(server), ..Running::default() },
        })
    }

    async fn over_redis(folder: &TempDir) -> Result<Self, Failure> {
        let credentials = Credentials::make(&folder.path().join("credentials"));
        let redis = Redis::start().await;
        let (inventory, authority) = (free_address(), free_address());
        let start = |service: &'static str, api, operations| {
            // On loopback, and so without TLS: what is compared has none.
            let tokens = credentials.environment(service);
            let tokens = tokens.into_iter().filter(|(name, _)| name.starts_with("TANDEM_TOKENS"));
            let text = |name: &str, value: String| (name.to_owned(), value);
            let of_service = [
                text("TANDEM_DATA_FOLDER", folder.path().join(service).display().to_string()),
                text("TANDEM_CACHE_URL", redis.url()),
                text("TANDEM_CACHE_NEAR_BYTES", "0".to_owned()),
                text("TANDEM_INVENTORY", format!("http://{inventory}")),
                // One caller asks as much as many do; it is counted all the same.
                text("TANDEM_LIMITS__REQUESTS_PER_SECOND", "1000000".to_owned()),
                text("TANDEM_LIMITS__REQUESTS_BURST", "1000000".to_owned()),
            ];
            // The inventory knows nobody's certificate here, and lets whoever reaches it do everything.
            let own = of_service.into_iter().take(if service == "inventory" { 2 } else { 6 });
            let environment = match service {
                "inventory" => own.collect(),
                _ => own.chain(tokens).collect(),
            };
            let log = folder.path().join(format!("{service}.log"));
            let under = ["taskset", "-c", &SERVERS.to_string()].map(str::to_owned).to_vec();
            Process::start(&Start { service, api, operations, environment, log, under })
        };
        let operations = free_address();
        let mut services =
            vec![start("inventory", inventory, free_address()), start("authority", authority, operations)];
        for service in &mut services {
            service.ready().await;
        }
        let token = credentials.token("full_administrator").trim().to_owned();
        let [inventory, authority_url] = [inventory, authority].map(|api| format!("http://{api}"));
        let addresses = Addresses {
            inventory: &inventory,
            prerequisites: &inventory,
            authority: &authority_url,
            monitoring: &inventory,
        };
        let connection = Connection::connect_lazy_each(&addresses, &TlsFiles::default())?;
        Ok(Self {
            process: services[1].id(),
            target: Target { address: authority, path: CHECK, token: Some(token.clone()) },
            operations,
            connection: connection.with_token(&token)?,
            _running: Running { _services: services, _redis: Some(redis), ..Running::default() },
        })
    }

    /// Imports a generated fleet. Answers its devices' names.
    async fn fill(&self, folder: &TempDir, devices: u64) -> Result<Vec<String>, Failure> {
        let exports = folder.path().join("exports");
        let spec = FleetSpec { devices, ..FleetSpec::default() };
        write_exports(&spec, &exports, |_| {})?;
        let tenant = TenantId::parse(TENANT)?;
        let as_of = spec.as_of.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp();
        let imported = import(&self.connection, &tenant, Exports::open(&exports)?, as_of, &|_| {}).await?;
        if imported.summary.refused.total() > 0 {
            return Err(format!("{} records were refused", imported.summary.refused.total()).into());
        }
        let (mut names, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListDevicesRequest {
                parent: format!("tenants/{TENANT}"),
                page_size: 1000,
                page_token,
                ..ListDevicesRequest::default()
            };
            let page = self.connection.devices().list_devices(request).await?.into_inner();
            names.extend(page.devices.into_iter().map(|device| device.name));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        match names.len() as u64 == devices {
            true => Ok(names),
            false => Err(format!("expected {devices} devices, found {}", names.len()).into()),
        }
    }

    /// Answers out of the cache up to now.
    async fn hits(&self) -> f64 {
        metric_of(self.operations, "tandem_cache_reads_total{result=\"hit\"}").await
    }
}

/// The empty service, in a process of its own.
struct Yardstick {
    server: Pinned,
    api: SocketAddr,
}

impl Yardstick {
    fn start(bytes: usize) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        // Tag and length of the one field take a part of it.
        command.env(ANSWER_BYTES, bytes.saturating_sub(2).to_string());
        let server = Pinned::start(&command, SERVERS)?;
        Ok(Self { api: server.address("api")?, server })
    }

    /// It is asked with the same messages, whose first field is bytes to it; whoever asks need not be known.
    const fn target(&self) -> Target {
        Target { address: self.api, path: empty::PATH, token: None }
    }
}

fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
