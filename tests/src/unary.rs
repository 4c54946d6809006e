//! Unary calls as fast as they are answered, over HTTP/2 as it is: what a generator of load costs beside the work of encoding and reading
//! frames is not to be seen in what a server takes.
//!
//! So many calls are always on their way: whenever one was answered, the next is sent. Every call must end with the status OK.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderValue, Request};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Bytes before a message: whether it is compressed, and how long it is.
const FRAME: usize = 5;

/// How long a call may take before the run fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// A method that is called.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where.
    pub address: SocketAddr,
    /// Its path, such as `/tandem.authority.v1.AuthorityService/CheckAuthority`.
    pub path: &'static str,
    /// The caller's token, if it needs one.
    pub token: Option<String>,
}

/// How many calls are on their way at once.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Over so many connections.
    pub connections: usize,
    /// On each of them.
    pub at_once: usize,
}

/// What became of the calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answers {
    /// How many were answered, each with the status OK.
    pub answered: u64,
    /// Bytes of the messages of their answers.
    pub bytes: u64,
}

/// Connections to a method.
#[derive(Debug)]
pub struct Caller {
    target: Target,
    at_once: usize,
    connections: Vec<SendRequest<Bytes>>,
    driving: JoinSet<()>,
}

/// A message as gRPC frames it.
#[must_use]
pub fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(FRAME + message.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.put_slice(message);
    frame.freeze()
}

impl Caller {
    /// Connects.
    ///
    /// # Errors
    /// Nobody answers there.
    pub async fn connect(target: Target, load: Load) -> Result<Self, Failure> {
        let (mut connections, mut driving) = (Vec::new(), JoinSet::new());
        for _ in 0..load.connections {
            let stream = TcpStream::connect(target.address).await?;
            stream.set_nodelay(true)?;
            let (requests, connection) = h2::client::handshake(stream).await?;
            driving.spawn(async move {
                // Whoever waits for an answer hears of it too.
                let _ = connection.await;
            });
            connections.push(requests);
        }
        Ok(Self { target, at_once: load.at_once, connections, driving })
    }

    /// Calls with the messages in turn, from those that `draw` draws, for that time.
    ///
    /// # Errors
    /// A call did not end with OK.
    pub async fn run(
        &self,
        time: Duration,
        draw: impl Fn(u64) -> Bytes + Clone + Send + 'static,
    ) -> Result<Answers, Failure> {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let timer = async move {
            tokio::time::sleep(time).await;
            over.store(true, Ordering::Relaxed);
        };
        let (answers, ()) = tokio::join!(self.until(is_over, None, draw), timer);
        answers
    }

    /// Calls once with each of so many messages.
    ///
    /// # Errors
    /// A call did not end with OK.
    pub async fn each(
        &self,
        number: u64,
        draw: impl Fn(u64) -> Bytes + Clone + Send + 'static,
    ) -> Result<Answers, Failure> {
        self.until(Arc::new(AtomicBool::new(false)), Some(number), draw).await
    }

    async fn until(
        &self,
        is_over: Arc<AtomicBool>,
        most: Option<u64>,
        draw: impl Fn(u64) -> Bytes + Clone + Send + 'static,
    ) -> Result<Answers, Failure> {
        let (mut calling, next) = (JoinSet::new(), Arc::new(AtomicU64::new(0)));
        for requests in &self.connections {
            for _ in 0..self.at_once {
                let (requests, request) = (requests.clone(), self.request()?);
                let (is_over, next, draw) = (Arc::clone(&is_over), Arc::clone(&next), draw.clone());
                calling.spawn(async move {
                    let mut answers = Answers::default();
                    while !is_over.load(Ordering::Relaxed) {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if most.is_some_and(|most| number >= most) {
                            break;
                        }
                        let call = call(requests.clone(), request.clone(), draw(number));
                        answers.bytes += tokio::time::timeout(PATIENCE, call).await??;
                        answers.answered += 1;
                    }
                    Ok::<_, Failure>(answers)
                });
            }
        }
        let mut all = Answers::default();
        while let Some(answers) = calling.join_next().await {
            let answers = answers??;
            all.answered += answers.answered;
            all.bytes += answers.bytes;
        }
        Ok(all)
    }

    fn request(&self) -> Result<Request<()>, Failure> {
        let Target { address, path, token } = &self.target;
        let mut request = Request::post(format!("http://{address}{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        if let Some(token) = token {
            request = request.header("authorization", HeaderValue::try_from(format!("Bearer {token}"))?);
        }
        Ok(request.body(())?)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.driving.abort_all();
    }
}

/// One call. Answers the bytes of its answer's message.
async fn call(requests: SendRequest<Bytes>, request: Request<()>, message: Bytes) -> Result<u64, Failure> {
    let mut requests = requests.ready().await?;
    let (answer, mut sending) = requests.send_request(request, false)?;
    sending.send_data(message, true)?;
    let (head, mut body) = answer.await?.into_parts();
    let mut bytes = 0;
    while let Some(data) = body.data().await {
        let data = data?;
        bytes += data.len();
        body.flow_control().release_capacity(data.len())?;
    }
    let trailers = body.trailers().await?;
    let ended = trailers.as_ref().unwrap_or(&head.headers);
    match ended.get("grpc-status").map(HeaderValue::as_bytes) {
        Some(b"0") if bytes > FRAME => Ok((bytes - FRAME) as u64),
        _ => Err(format!("a call was not answered: {ended:?}").into()),
    }
}
