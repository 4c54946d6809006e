//! Callers who mean harm, each in its own way, over HTTP/2 as it is.
//!
//! All of them are bounded in number and time, and reach loopback alone, from addresses of their own there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, interval, sleep_until, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Connections that are opened and held, each with nothing to ask.
const CONNECTIONS: usize = 1000;

/// Streams of messages that are begun and not ended.
const UNFINISHED: usize = 500;

/// Bytes that are sent of each of those, of the [`ANNOUNCED`] that it says it has.
const PART: usize = 768 * 1024;

/// What those messages say that they have: less than the largest that is taken.
const ANNOUNCED: u32 = 15 << 20;

/// What messages that are too large say that they have.
const OVERSIZED: u32 = 17 << 20;

/// Streams that are opened and reset at once, before their connection is looked at again.
const RESETS: usize = 100;

/// How long a connection may take to be made.
const PATIENCE: Duration = Duration::from_secs(10);

const UNARY: &str = "/tandem.inventory.v1.TenantService/GetTenant";
const REPORT: &str = "/tandem.inventory.v1.DeviceService/ReportDevices";

/// Who is attacked, and what the attacker has: a token of the least of roles.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Target {
    /// Its API.
    pub api: SocketAddr,
    /// The authority of its certificate.
    pub ca: PathBuf,
    /// A token that it accepts.
    pub token: String,
    /// How long the attack lasts.
    pub seconds: u64,
}

/// How often each thing was done.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Done {
    /// Connections that were made, and those of them that stood at the end.
    pub connections: (usize, usize),
    /// Messages announced as larger than what is taken.
    pub oversized: u64,
    /// Messages begun and not ended, of which so many were refused.
    pub unfinished: (u64, u64),
    /// Streams opened and reset at once, over so many connections.
    pub resets: (u64, u64),
    /// Compressed messages.
    pub compressed: u64,
    /// Tokens that were guessed.
    pub guesses: u64,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Attacks in every way at once.
///
/// # Errors
/// The authority's certificate cannot be read.
pub async fn attack(target: Target) -> Result<Done, Failure> {
    let until = Instant::now() + Duration::from_secs(target.seconds);
    let tls = target.tls()?;
    let attacker = |last: u8| Attacker {
        target: target.clone(),
        tls: tls.clone(),
        address: Ipv4Addr::new(127, 0, 1, last),
        until,
    };
    let (holding, oversizing, beginning) = (attacker(1), attacker(2), attacker(3));
    let (resetting, compressing, guessing) = (attacker(4), attacker(5), attacker(6));
    let (connections, oversized, unfinished, resets, compressed, guesses) = tokio::join!(
        holding.holds(),
        oversizing.announces(),
        beginning.begins(),
        resetting.resets(),
        compressing.compresses(),
        guessing.guesses()
    );
    Ok(Done { connections, oversized, unfinished, resets, compressed, guesses })
}

impl Target {
    fn tls(&self) -> Result<TlsConnector, Failure> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(&self.ca)? {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

struct Attacker {
    target: Target,
    tls: TlsConnector,
    address: Ipv4Addr,
    until: Instant,
}

/// A connection, and what drives it until it is dropped.
struct Connected {
    requests: SendRequest<Bytes>,
    driving: JoinHandle<()>,
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.driving.abort();
    }
}

impl Attacker {
    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    async fn dial(&self) -> Result<TlsStream<TcpStream>, Failure> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((self.address, 0).into())?;
        let stream = socket.connect(self.target.api).await?;
        let name = ServerName::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
        Ok(self.tls.connect(name, stream).await?)
    }

    async fn connect(&self) -> Option<Connected> {
        let connecting = async {
            let (requests, connection) = h2::client::handshake(self.dial().await?).await?;
            let driving = tokio::spawn(async move {
                // The server may end it at any time.
                let _ = connection.await;
            });
            Ok::<_, Failure>(Connected { requests, driving })
        };
        timeout(PATIENCE, connecting).await.ok()?.ok()
    }

    /// A request whose message does not come with it. `None`: the connection takes none.
    async fn open(
        &self,
        connected: &Connected,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Option<(ResponseFuture, SendStream<Bytes>)> {
        let mut requests = connected.requests.clone().ready().await.ok()?;
        requests.send_request(self.request(path, headers)?, false).ok()
    }

    fn request(&self, path: &str, headers: &[(&str, &str)]) -> Option<http::Request<()>> {
        let mut request = http::Request::post(format!("https://{}{path}", self.target.api))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).ok()
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.target.token.trim())
    }

    /// Opens connections, and holds them.
    async fn holds(&self) -> (usize, usize) {
        let mut held = Vec::with_capacity(CONNECTIONS);
        let mut made = 0;
        while !self.is_over() && made < CONNECTIONS {
            if let Some(connected) = self.connect().await {
                held.push(connected);
            }
            made += 1;
        }
        sleep_until(self.until).await;
        let standing = held.iter().filter(|connected| !connected.driving.is_finished()).count();
        (made, standing)
    }

    /// Asks one thing so many times a second, each time with the same bytes.
    async fn repeats(&self, a_second: u32, headers: &[(&str, &str)], bytes: Bytes, ends: bool) -> u64 {
        let mut period = interval(Duration::from_secs(1) / a_second);
        let (mut done, mut connected) = (0, None);
        while !self.is_over() {
            period.tick().await;
            let Some(standing) = &connected else {
                connected = self.connect().await;
                continue;
            };
            let Some((answer, mut body)) = self.open(standing, UNARY, headers).await else {
                connected = None;
                continue;
            };
            let _ = body.send_data(bytes.clone(), ends);
            done += 1;
            // Nobody waits longer for an answer than for a connection.
            let _ = timeout(Duration::from_secs(1), answer).await;
        }
        done
    }

    async fn announces(&self) -> u64 {
        let authorization = self.authorization();
        let bytes = [&[0][..], &OVERSIZED.to_be_bytes(), &[0; 32 * 1024]].concat();
        self.repeats(100, &[("authorization", &authorization)], bytes.into(), false).await
    }

    async fn compresses(&self) -> u64 {
        let authorization = self.authorization();
        let headers = [("authorization", &*authorization), ("grpc-encoding", "gzip")];
        self.repeats(200, &headers, Bytes::from_static(b"\x01\0\0\0\x01x"), true).await
    }

    async fn guesses(&self) -> u64 {
        let empty = Bytes::from_static(&[0; 5]);
        self.repeats(1000, &[("authorization", "Bearer a.guess.signed")], empty, true).await
    }

    /// Begins messages, as much as the windows let through of each, and never ends one.
    async fn begins(&self) -> (u64, u64) {
        let authorization = self.authorization();
        let (mut begun, mut waiting, mut connections) = (0, JoinSet::new(), Vec::new());
        let mut connected = None;
        for number in 0..UNFINISHED {
            // Some streams a connection, whose window they share.
            if number % 5 == 0 {
                connections.extend(connected.take());
                connected = self.connect().await;
            }
            let Some(standing) = &connected else { continue };
            let headers = [("authorization", &*authorization)];
            let Some((answer, body)) = self.open(standing, REPORT, &headers).await else { continue };
            begun += 1;
            let until = self.until;
            waiting.spawn(async move { tokio::time::timeout_at(until, begin(answer, body)).await.is_ok() });
            if self.is_over() {
                break;
            }
        }
        let ended = waiting.join_all().await;
        (begun, ended.into_iter().filter(|ended| *ended).count() as u64)
    }

    /// Opens streams and resets them at once, over one connection after the other, as the server ends them.
    async fn resets(&self) -> (u64, u64) {
        let (mut reset, mut connections) = (0, 0);
        let mut period = interval(Duration::from_millis(20));
        while !self.is_over() {
            let Some(connected) = self.connect().await else { continue };
            connections += 1;
            while !connected.driving.is_finished() && !self.is_over() {
                period.tick().await;
                let Ok(mut requests) = connected.requests.clone().ready().await else { break };
                for _ in 0..RESETS {
                    let Some(request) = self.request(UNARY, &[]) else { break };
                    let Ok((_, mut body)) = requests.send_request(request, false) else { break };
                    body.send_reset(Reason::CANCEL);
                    reset += 1;
                }
            }
        }
        (reset, connections)
    }
}

/// Sends a part of a message. Ends when the server has ended the stream.
async fn begin(answer: ResponseFuture, mut body: SendStream<Bytes>) {
    let mut left = Bytes::from([&[0][..], &ANNOUNCED.to_be_bytes(), &vec![0; PART]].concat());
    while !left.is_empty() {
        body.reserve_capacity(left.len());
        let Some(Ok(ready)) = std::future::poll_fn(|cx| body.poll_capacity(cx)).await else { return };
        if body.send_data(left.split_to(ready.min(left.len())), false).is_err() {
            return;
        }
    }
    let Ok(answer) = answer.await else { return };
    let mut answers = answer.into_body();
    while let Some(Ok(_)) = answers.data().await {}
}
