//! Secrets are in nothing that a process tells: logs, metrics, traces, errors at start, the printed configuration, the words of a panic.

use std::fs::File;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use futures::FutureExt;
use serde_json::json;
use tandem_client::Connection;
use tandem_contracts::inventory::v1::{GetTenantRequest, ListDevicesRequest, Tenant, UpdateTenantRequest};
use tandem_contracts::monitoring::v1::GetDashboardRequest;
use tandem_contracts::prerequisites::v1::CheckTenantRequest;
use tandem_testkit::wait::until;
use tandem_tests::collector::Collector;
use tandem_tests::process::free_address;
use tandem_tests::system::{Processes, SERVICES};
use tonic::Code;

use crate::crash::{CRASHING, ENDS, PANICS};
use crate::estate::{CONTOSO, Estate};

const DATABASE_PASSWORD: &str = "recognised-database-password";
const CACHE_PASSWORD: &str = "recognised-cache-password";
const WRITTEN_KEY: &str = "recognised-key-that-is-none";

/// Secrets, and everything that was told.
#[derive(Default)]
struct Search {
    secrets: Vec<(String, String)>,
    told: Vec<(String, Vec<u8>)>,
}

impl Search {
    fn secret(&mut self, what: &str, text: impl Into<String>) {
        let text = text.into();
        assert!(text.len() >= 16, "{what} would be found anywhere");
        self.secrets.push((what.to_owned(), text));
    }

    /// Of a token what nobody else can make: its signature.
    fn token(&mut self, what: &str, token: &str) {
        self.secret(what, token.rsplit('.').next().unwrap());
    }

    /// Of a key in PEM some of the private part, wherever its form has it.
    fn key(&mut self, file: &Path) {
        let pem = std::fs::read_to_string(file).unwrap();
        let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        self.secret(&file.display().to_string(), &base64[48..64]);
    }

    /// `proof`: what is told there, so that the search is known to look at the right thing.
    fn told(&mut self, by: &str, text: impl Into<Vec<u8>>, proof: &str) {
        let text = text.into();
        assert!(has(&text, proof), "{by} does not tell `{proof}`: {}", String::from_utf8_lossy(&text));
        self.told.push((by.to_owned(), text));
    }

    fn output(&mut self, by: &str, output: Output, proof: &str) {
        self.told(by, [output.stdout, output.stderr].concat(), proof);
    }

    fn check(&self) {
        let found = self.told.iter().flat_map(|(by, text)| {
            let told = self.secrets.iter().filter(|(_, secret)| has(text, secret));
            told.map(move |(what, _)| format!("{by} tells {what}"))
        });
        assert_eq!(found.collect::<Vec<_>>(), Vec::<String>::new());
    }
}

fn has(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}

fn get(tenant: &str) -> GetTenantRequest {
    GetTenantRequest { name: format!("tenants/{tenant}"), ..Default::default() }
}

async fn code(connection: &Connection, tenant: &str) -> Code {
    connection.tenants().get_tenant(get(tenant)).await.map_or_else(|status| status.code(), |_| Code::Ok)
}

/// Services whose every address has a password that is recognised, and that tell all they can.
async fn talkative(collector: &Collector) -> Processes {
    let mut processes = Processes::new().await;
    let make = format!("CREATE ROLE keeper LOGIN PASSWORD '{DATABASE_PASSWORD}'");
    processes.postgres.execute("postgres", &make).await;
    processes.postgres.execute("postgres", "GRANT CREATE ON DATABASE postgres TO keeper").await;
    let allow = ["ACL", "SETUSER", "keeper", "on", &format!(">{CACHE_PASSWORD}"), "~*", "&*", "+@all"];
    processes.redis.command(&allow).await;
    let address = processes.database.address();
    let database = format!("postgres://keeper:{DATABASE_PASSWORD}@{address}/postgres");
    let cache = processes.redis.url().replace("redis://", &format!("redis://keeper:{CACHE_PASSWORD}@"));
    for service in ["inventory", "prerequisites", "authority"] {
        processes.configure_one(service, "TANDEM_DATABASE_URL", &database);
    }
    for service in ["inventory", "authority", "prerequisites"] {
        processes.configure_one(service, "TANDEM_CACHE_URL", &cache);
    }
    processes.configure("TANDEM_OTLP_ENDPOINT", &collector.endpoint());
    processes.configure("TANDEM_LOG", "trace");
    processes.configure("RUST_BACKTRACE", "full");
    processes
}

pub(crate) async fn secrets_are_in_nothing_that_processes_tell() {
    let collector = Collector::start().await;
    let mut search = Search::default();
    let mut estate = Estate::of(talkative(&collector).await).await;
    let credentials = &estate.processes.credentials;
    search.secret("the password of the database", DATABASE_PASSWORD);
    search.secret("the password of the cache", CACHE_PASSWORD);
    for service in SERVICES {
        search.key(&credentials.identity(service).key.unwrap());
    }
    for key in ["audit-signing.key", "token-signing.key", "ca.key"] {
        search.key(&credentials.ca().with_file_name(key));
    }
    search.token("the administrator's token", &credentials.token("full_administrator"));

    // Success, and each kind of refusal.
    let name = format!("tenants/{CONTOSO}");
    let request = CheckTenantRequest { name: name.clone(), ..Default::default() };
    estate.administrator.prerequisites().check_tenant(request).await.unwrap();
    let request = GetDashboardRequest { parent: name, ..Default::default() };
    estate.administrator.monitoring().get_dashboard(request).await.unwrap();
    let signed = |role, changed| credentials.signed(&estate.claims(role, &[CONTOSO], &changed));
    let (reader, expired) = (signed("reader", json!({})), signed("reader", json!({ "exp": 1 })));
    let forged = signed("reader", json!({})).replace('.', "x.");
    for (what, token, expected) in [
        ("a reader's token", reader, Code::Ok),
        ("an expired token", expired, Code::Unauthenticated),
        ("a forged token", forged, Code::Unauthenticated),
    ] {
        let caller = estate.processes.connection_with(&token);
        assert_eq!(code(&caller, CONTOSO).await, expected, "{what}");
        let tenant = Tenant { name: format!("tenants/{CONTOSO}"), ..Tenant::default() };
        let request = UpdateTenantRequest { tenant: Some(tenant), ..Default::default() };
        let refused = caller.tenants().update_tenant(request).await.unwrap_err().code();
        assert!(matches!(refused, Code::PermissionDenied | Code::Unauthenticated), "{what}");
        search.token(what, &token);
    }
    let refused = "tandem.inventory.v1.TenantService/UpdateTenant";
    until("the traces of all that are here", async || has(&collector.received(), refused).then_some(()))
        .await;
    // Failure: database and cache are gone.
    estate.processes.redis.kill().await;
    estate.processes.postgres.kill().await;
    let request = ListDevicesRequest { parent: format!("tenants/{CONTOSO}"), ..Default::default() };
    let failed = estate.administrator.devices().list_devices(request).await.unwrap_err();
    assert_eq!(failed.code(), Code::Unavailable);
    search.told("the answer", format!("{failed:?}"), "DEPENDENCY_UNAVAILABLE");
    for service in SERVICES {
        let process = estate.processes.running(service);
        search.told(&format!("metrics of {service}"), process.metrics().await, "grpc_server_call");
        let (_, readiness) = process.readiness().await.unwrap();
        search.told(&format!("probes of {service}"), readiness, "api");
    }
    for service in SERVICES {
        let mut process = estate.processes.take(service);
        process.kill();
        search.told(&format!("log of {service}"), process.log(), "request answered");
    }
    search.told("traces", collector.received(), refused);
    search.check();
}

/// What a program says that ends by itself.
async fn said(mut command: Command) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let files = ["stdout", "stderr"].map(|name| folder.path().join(name));
    let [out, err] = files.each_ref().map(|file| File::create(file).unwrap());
    let mut child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().unwrap();
    let ended =
        AssertUnwindSafe(until("it has ended", async || child.try_wait().unwrap())).catch_unwind().await;
    let [stdout, stderr] = files.map(|file| std::fs::read(file).unwrap());
    let Ok(status) = ended else {
        let _ = child.kill();
        panic!("it does not end: {}", String::from_utf8_lossy(&stderr));
    };
    Output { status, stdout, stderr }
}

/// What a service says that ends at its start.
async fn started(
    processes: &Processes,
    service: &str,
    changed: &[(&str, &str)],
    arguments: &[&str],
) -> Output {
    let mut command = processes.command(service);
    if arguments.contains(&"--config") {
        // It goes before the file.
        command.env_remove("TANDEM_DATABASE_URL");
    }
    command.envs(changed.iter().copied()).args(arguments);
    said(command).await
}

pub(crate) async fn secrets_are_not_in_the_words_of_a_start_that_fails() {
    let collector = Collector::start().await;
    let mut processes = talkative(&collector).await;
    let mut search = Search::default();
    search.secret("the password of the database", DATABASE_PASSWORD);
    search.secret("the password of the cache", CACHE_PASSWORD);
    search.secret("what is written as a key", WRITTEN_KEY);
    for service in SERVICES {
        search.key(&processes.credentials.identity(service).key.unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    for service in SERVICES {
        let output = started(&processes, service, &[], &["--print-config"]).await;
        assert!(output.status.success());
        search.output(&format!("the configuration of {service}"), output, "\"listen\"");
    }
    let garbage = file("garbage.key", WRITTEN_KEY);
    let pem = file(
        "broken.key",
        &format!("-----BEGIN PRIVATE KEY-----\n{WRITTEN_KEY}\n-----END PRIVATE KEY-----\n"),
    );
    let symmetric =
        file("keys.json", &json!({ "keys": [{ "kty": "oct", "kid": "s", "k": WRITTEN_KEY }] }).to_string());
    let database = |rest: &str| format!("postgres://keeper:{DATABASE_PASSWORD}@127.0.0.1{rest}");
    let unclosed =
        file("unclosed.toml", &format!("database_url = \"{}\nlisten = 5\n", database(":1/postgres")));
    let kind = file("kind.toml", &format!("database_url = [\"{}\"]\n", database(":1/postgres")));
    let unknown = file("unknown.toml", &format!("databaseurl = \"{}\"\n", database(":1/postgres")));
    let misplaced = file("misplaced.toml", &format!("limits = \"{}\"\n", database(":1/postgres")));
    for (what, changed, arguments, proof) in [
        (
            "no cache",
            vec![("TANDEM_CACHE_URL", format!("redis://keeper:{CACHE_PASSWORD}@127.0.0.1:none"))],
            vec![],
            "tandem-inventory: ",
        ),
        (
            "no key",
            vec![("TANDEM_TLS__KEY", garbage.clone())],
            vec![],
            "cannot be used as a private key in PEM",
        ),
        ("broken key", vec![("TANDEM_TLS__KEY", pem.clone())], vec![], "cannot be used as"),
        ("key of a peer", vec![("TANDEM_PEERS__KEY", pem)], vec![], "cannot be used as"),
        (
            "no key set",
            vec![("TANDEM_TOKENS__KEYS", garbage)],
            vec![],
            "cannot be used as a JSON Web Key Set",
        ),
        ("secret key", vec![("TANDEM_TOKENS__KEYS", symmetric)], vec![], "expected a public RSA"),
        ("broken file", vec![], vec!["--config", unclosed.as_str()], "tandem-inventory: "),
        ("wrong kind", vec![], vec!["--config", kind.as_str()], "tandem-inventory: "),
        ("unknown key", vec![], vec!["--config", unknown.as_str()], "tandem-inventory: "),
        ("wrong place", vec![], vec!["--config", misplaced.as_str()], "tandem-inventory: "),
    ] {
        let changed: Vec<(&str, &str)> =
            changed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let output = started(&processes, "inventory", &changed, &arguments).await;
        assert!(!output.status.success(), "{what}");
        search.output(what, output, proof);
    }
    let key = file("a.key", WRITTEN_KEY);
    let output = started(&processes, "authority", &[("TANDEM_AUDIT__SIGNING_KEY", &key)], &[]).await;
    assert!(!output.status.success());
    search.output("signing key", output, "tandem-authority: ");
    // An address that leads nowhere, and a password that is wrong, may be mended while the service waits.
    for (what, url) in [
        ("no port", database(":none/postgres")),
        (
            "wrong password",
            format!("postgres://keeper:{WRITTEN_KEY}@{}/postgres", processes.database.address()),
        ),
    ] {
        processes.configure_one("inventory", "TANDEM_DATABASE_URL", &url);
        let waiting = processes.replica("inventory", &[]);
        until("it cannot open its database", async || {
            waiting.log().contains("the database cannot be opened yet").then_some(())
        })
        .await;
        search.told(what, waiting.log(), "the database cannot be opened yet");
    }
    // A runtime needs more files than these: the process panics before it is anything.
    let mut limited = Command::new("prlimit");
    let command = processes.command("inventory");
    limited.arg("--nofile=4").arg(command.get_program());
    limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = said(limited).await;
    assert!(!output.status.success());
    search.output("a panic at the start", output, "panicked at");
    search.check();
}

pub(crate) async fn secrets_are_not_in_the_words_of_a_panic() {
    let mut search = Search::default();
    let folder = tempfile::tempdir().unwrap();
    let credentials = tandem_tests::credentials::Credentials::make(&folder.path().join("credentials"));
    search.key(&credentials.identity("monitoring").key.unwrap());
    let token = credentials.signed(&credentials.claims("full_administrator", &[CONTOSO]));
    search.token("the caller's token", &token);
    let (api, operations, log) = (free_address(), free_address(), folder.path().join("log"));
    let file = File::create(&log).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(CRASHING, "1").env("RUST_BACKTRACE", "full").env("TANDEM_LOG", "trace");
    command.env("TANDEM_LISTEN", api.to_string()).env("TANDEM_OPERATIONS", operations.to_string());
    command.envs(credentials.environment("monitoring"));
    command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
    let mut child = command.spawn().unwrap();
    let address = format!("https://{api}");
    let connection =
        Connection::connect_lazy(&address, &credentials.authority()).unwrap().with_token(&token).unwrap();
    until("it answers", async || (code(&connection, CONTOSO).await == Code::Ok).then_some(())).await;
    assert_eq!(code(&connection, PANICS).await, Code::Internal);
    assert_eq!(code(&connection, CONTOSO).await, Code::Ok, "others are answered");
    // A task panics, and the process ends of it.
    code(&connection, ENDS).await;
    let status = until("it has ended", async || child.try_wait().unwrap()).await;
    assert!(!status.success());
    let told = std::fs::read(&log).unwrap();
    for proof in ["a handler that panics", "a task that panics", "tandem-monitoring: "] {
        search.told("the crash", told.clone(), proof);
    }
    search.check();
}
