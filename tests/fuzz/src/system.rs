//! All services in this process, over SQLite in a scratch folder, called with bytes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use tandem::sandbox::{Options, Sandbox};
use tandem_authority::config::HistorySettings;
use tandem_monitoring::FollowMode;
use tandem_server::in_process::in_process;
use tandem_server::{Clock, LocalAuthenticator, MAX_MESSAGE_BYTES};
use tandem_storage::Durability;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_stream::Stream;
use tonic::Status;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};

use crate::TENANT;
use crate::calls::{Method, Methods};
use crate::draw::Draw;
use crate::wire::Raw;

/// Inputs of one system. Monitoring follows each tenant that was asked about, once a second, for as long as it runs: from some hundreds on
/// it does nothing else here.
const INPUTS: u32 = 200;

/// A call that takes longer hangs. The longest that the contract lets one wait is 30 s.
const HANG: Duration = Duration::from_secs(60);

/// A stream that is silent for so long waits for news.
const SILENCE: Duration = Duration::from_millis(50);

/// Messages of an answer that are read: more say nothing new.
const MESSAGES: usize = 32;

/// The calls of the input at work, which a panic prints: a state that several calls made is not seen in the last one.
static CALLS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn calls() -> MutexGuard<'static, Vec<String>> {
    CALLS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a call gave: messages, and how it ended if not well.
#[derive(Debug, Default)]
pub struct Answer {
    /// The messages, as bytes.
    pub messages: Vec<Bytes>,
    /// Why it failed.
    pub failed: Option<Status>,
}

/// The running services.
pub struct System {
    running: Option<Running>,
    inputs: u32,
    methods: Methods,
    tenant: String,
}

struct Running {
    sandbox: Sandbox,
    channel: Channel,
    folder: TempDir,
    runtime: Runtime,
}

impl System {
    /// Starts it.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start() -> Self {
        let aborting = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            eprintln!("after the calls\n{}", calls().join("\n"));
            aborting(panic);
        }));
        Self { running: None, inputs: 0, methods: Methods::of_contracts(), tenant: String::new() }
    }

    /// The RPCs of the contracts.
    #[must_use]
    pub const fn methods(&self) -> &Methods {
        &self.methods
    }

    /// A new tenant for the next input.
    ///
    /// # Panics
    /// It cannot be made.
    pub fn renew(&mut self) {
        if self.inputs.is_multiple_of(INPUTS) {
            if let Some(old) = self.running.take() {
                old.end();
            }
            self.running = Some(Running::start());
        }
        self.inputs += 1;
        self.tenant = format!("tenants/{:08x}", self.inputs);
        assert_eq!(self.tenant.len(), TENANT.len());
        calls().clear();
        for (service, method, message) in Draw::base() {
            let answer = self.call(self.methods.named(service, method), vec![message]);
            assert!(answer.failed.is_none(), "{method}: {answer:?}");
        }
    }

    /// Sends those messages to an RPC, after putting the input's tenant in the place of [`TENANT`].
    ///
    /// # Panics
    /// It hangs.
    pub fn call(&self, method: &Method, messages: Vec<Vec<u8>>) -> Answer {
        let running = self.running.as_ref().expect("an input begins with its tenant");
        let messages: Vec<_> = messages.into_iter().map(|message| self.of_tenant(message)).collect();
        calls().push(format!("{} {messages:?}", method.path()));
        let calling = ask(running.channel.clone(), method, tokio_stream::iter(messages));
        let ended = running.runtime.block_on(async { tokio::time::timeout(HANG, calling).await });
        ended.expect("a call ends")
    }

    fn of_tenant(&self, mut message: Vec<u8>) -> Bytes {
        let (alias, tenant) = (TENANT.as_bytes(), self.tenant.as_bytes());
        let mut at = 0;
        while let Some(found) = message[at..].windows(alias.len()).position(|window| window == alias) {
            at += found;
            message[at..at + alias.len()].copy_from_slice(tenant);
        }
        message.into()
    }

    /// A text of an answer as the next input would say it.
    pub fn aliased(&self, text: &str) -> String {
        text.replace(&self.tenant, TENANT)
    }
}

impl Running {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime can be made");
        let within = runtime.enter();
        let folder = tempfile::tempdir().expect("a folder can be made");
        let options = Options {
            data_folder: folder.path().to_owned(),
            durability: Durability::Scratch,
            clock: Clock::fixed(Draw::now()),
            follow: FollowMode::OnDemand,
            following: None,
            history: HistorySettings::default().kept(),
            cache_bytes: 1 << 20,
        };
        let sandbox = runtime.block_on(Sandbox::start(options)).expect("the sandbox starts");
        let (connector, incoming) = in_process();
        let channel =
            Endpoint::from_static("http://tandem.in-process").connect_with_connector_lazy(connector);
        let ending = sandbox.supervisor().ending().cancelled_owned();
        let server = sandbox.server(LocalAuthenticator::default());
        sandbox.supervisor().spawn("fuzzed api", server.serve(incoming, ending));
        drop(within);
        Self { sandbox, channel, folder, runtime }
    }

    /// At once: a drain would wait for its streams.
    fn end(self) {
        let Self { sandbox, channel, folder, runtime } = self;
        let within = runtime.enter();
        drop((channel, sandbox));
        drop(within);
        runtime.shutdown_timeout(Duration::from_secs(5));
        drop(folder);
    }
}

async fn ask(
    channel: Channel,
    method: &Method,
    messages: impl Stream<Item = Bytes> + Send + 'static,
) -> Answer {
    let mut answer = Answer::default();
    let mut client = Grpc::new(channel).max_decoding_message_size(2 * MAX_MESSAGE_BYTES);
    client.ready().await.expect("the server takes calls");
    let path = PathAndQuery::try_from(method.path()).expect("a path");
    let mut stream = match client.streaming(tonic::Request::new(messages), path, Raw).await {
        Ok(response) => response.into_inner(),
        Err(status) => return Answer { failed: Some(status), ..answer },
    };
    while answer.messages.len() < MESSAGES {
        match tokio::time::timeout(SILENCE, stream.message()).await {
            Ok(Ok(Some(message))) => answer.messages.push(message),
            Ok(Err(status)) => return Answer { failed: Some(status), ..answer },
            Ok(Ok(None)) => break,
            Err(_) if method.waits() => break,
            Err(_) => {}
        }
    }
    answer
}
