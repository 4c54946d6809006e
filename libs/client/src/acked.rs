//! A stream of batches that the server acknowledges one by one, over as many connections as it takes.
//!
//! What is acknowledged is durable. Where a batch that is sent again changes nothing, as a report of devices, a stream that broke is
//! opened anew with what was not acknowledged, and its sender notices nothing but a pause ([`AckedStream::open`]). Where it may, as an
//! import of members that replaces those before it, a stream that broke has failed ([`AckedStream::open_once`]).

use std::collections::VecDeque;
use std::error::Error;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tokio_util::task::AbortOnDropHandle;
use tonic::{Code, Status};

/// Batches that may be under way: enough to keep both ends busy, few enough to bound memory.
const BATCHES_AHEAD: usize = 4;

/// Openings in a row without an acknowledgement, after which the stream is given up: with the pauses between them, half a minute.
const MOST_OPENINGS: u32 = 9;

/// The pause before the first opening anew; each further one is twice as long, up to the longest. Up to as much again is added at random.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// How long the next acknowledgement may take: batches wait for each other and for a database that is slow, not for one that is gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the end of a stream may take once everything is acknowledged.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// Acknowledgements as they come in.
type Answers<A> = Pin<Box<dyn Stream<Item = Result<A, Status>> + Send>>;

/// Makes the RPC over some batches.
type Open<Q, A> = dyn Fn(ReceiverStream<Q>) -> Opening<A> + Send + Sync;

type Opening<A> = Pin<Box<dyn Future<Output = Result<Answers<A>, Status>> + Send>>;

/// Why a stream was given up.
#[derive(Debug, thiserror::Error)]
pub enum AckedStreamError {
    /// The server refused a batch, or could not be reached for long.
    #[error(transparent)]
    Status(#[from] Status),
    /// The server ended the stream as if it had taken everything, and has not.
    #[error("the stream ended before everything was acknowledged")]
    Unacknowledged,
}

/// The sending half of a stream. Dropped, it ends.
pub struct AckedStream<Q, A> {
    open: Box<Open<Q, A>>,
    call: Call<Q, A>,
    unacknowledged: VecDeque<Q>,
    /// Openings since the last acknowledgement, and how many there may be.
    openings: u32,
    most_openings: u32,
}

impl<Q, A> std::fmt::Debug for AckedStream<Q, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unacknowledged = self.unacknowledged.len();
        f.debug_struct("AckedStream").field("unacknowledged", &unacknowledged).finish_non_exhaustive()
    }
}

/// One opening of the stream, and the task that takes its acknowledgements.
struct Call<Q, A> {
    requests: mpsc::Sender<Q>,
    answers: mpsc::Receiver<A>,
    task: AbortOnDropHandle<Result<(), Status>>,
}

impl<Q: Clone + Send + 'static, A: Send + 'static> AckedStream<Q, A> {
    /// Opens a stream that goes on where it broke. `call` makes the RPC over the batches, each of which must say by itself what it belongs to,
    /// and change nothing when it is sent again.
    pub fn open<F, S>(call: impl Fn(ReceiverStream<Q>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<S, Status>> + Send + 'static,
        S: Stream<Item = Result<A, Status>> + Send + 'static,
    {
        Self::opened(call, MOST_OPENINGS)
    }

    /// Opens a stream that fails where it breaks: what was not acknowledged may have been taken or not.
    pub fn open_once<F, S>(call: impl Fn(ReceiverStream<Q>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<S, Status>> + Send + 'static,
        S: Stream<Item = Result<A, Status>> + Send + 'static,
    {
        Self::opened(call, 0)
    }

    fn opened<F, S>(call: impl Fn(ReceiverStream<Q>) -> F + Send + Sync + 'static, most_openings: u32) -> Self
    where
        F: Future<Output = Result<S, Status>> + Send + 'static,
        S: Stream<Item = Result<A, Status>> + Send + 'static,
    {
        let open: Box<Open<Q, A>> = Box::new(move |requests| {
            let calling = call(requests);
            Box::pin(async move { Ok(Box::pin(calling.await?) as Answers<A>) })
        });
        let unacknowledged = VecDeque::new();
        let call = Call::start(&*open, &unacknowledged);
        Self { call, open, unacknowledged, openings: 0, most_openings }
    }

    /// Sends a batch; `taken` gets the acknowledgements that came in meanwhile, in the order of the batches.
    ///
    /// # Errors
    /// The server refuses a batch, or cannot be reached for long.
    pub async fn send(&mut self, batch: Q, mut taken: impl FnMut(A)) -> Result<(), AckedStreamError> {
        while let Ok(answer) = self.call.answers.try_recv() {
            self.acknowledged();
            taken(answer);
        }
        while self.unacknowledged.len() >= BATCHES_AHEAD {
            self.take_one(&mut taken).await?;
        }
        self.unacknowledged.push_back(batch.clone());
        // Where the stream broke, whoever waits for the next acknowledgement opens it again, once those before are taken.
        let _ = self.call.requests.send(batch).await;
        Ok(())
    }

    /// Waits until everything is acknowledged, and ends the stream.
    ///
    /// # Errors
    /// The server refuses a batch, or cannot be reached for long.
    pub async fn finish(mut self, mut taken: impl FnMut(A)) -> Result<(), AckedStreamError> {
        while !self.unacknowledged.is_empty() {
            self.take_one(&mut taken).await?;
        }
        // The server has to see the end of the batches, and to say its own: a call that is dropped was cancelled.
        self.call.requests = mpsc::channel(1).0;
        let _ = timeout(END_PATIENCE, &mut self.call.task).await;
        Ok(())
    }

    async fn take_one(&mut self, taken: &mut impl FnMut(A)) -> Result<(), AckedStreamError> {
        let status = match timeout(PATIENCE, self.call.answers.recv()).await {
            Ok(Some(answer)) => {
                self.acknowledged();
                taken(answer);
                return Ok(());
            }
            Ok(None) => match (&mut self.call.task).await {
                Ok(Err(status)) => status,
                Ok(Ok(())) | Err(_) => return Err(AckedStreamError::Unacknowledged),
            },
            Err(_) => Status::unavailable(format!("no acknowledgement within {} s", PATIENCE.as_secs())),
        };
        self.resume(status).await
    }

    fn acknowledged(&mut self) {
        self.unacknowledged.pop_front();
        self.openings = 0;
    }

    /// Opens the stream anew, unless why it ended would end it again.
    async fn resume(&mut self, status: Status) -> Result<(), AckedStreamError> {
        if self.openings == self.most_openings || !is_passing(&status) {
            return Err(status.into());
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.openings).min(LONGEST_PAUSE);
        let pause = pause.mul_f64(1.0 + rand::random::<f64>());
        tracing::debug!(%status, pause_ms = pause.as_millis(), "opening the stream again");
        tokio::time::sleep(pause).await;
        self.openings += 1;
        self.call = Call::start(&*self.open, &self.unacknowledged);
        Ok(())
    }
}

impl<Q: Clone, A: Send + 'static> Call<Q, A> {
    /// Makes the RPC, with these batches first.
    fn start(open: &Open<Q, A>, first: &VecDeque<Q>) -> Self {
        let (requests, outgoing) = mpsc::channel(BATCHES_AHEAD);
        for batch in first {
            // There is room for all that may be under way.
            let _ = requests.try_send(batch.clone());
        }
        let opening = open(ReceiverStream::new(outgoing));
        let (taken, answers) = mpsc::channel(BATCHES_AHEAD * 2);
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            let mut incoming = opening.await?;
            while let Some(answer) = incoming.next().await {
                if taken.send(answer?).await.is_err() {
                    break;
                }
            }
            Ok(())
        }));
        Self { requests, answers, task }
    }
}

/// Whether another opening may go better: the server was away, or the connection broke.
fn is_passing(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable => true,
        // With a cause of its own, the transport made it up.
        Code::Unknown | Code::Internal | Code::Cancelled => status.source().is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// A server that acknowledges as its script says, and remembers what it was sent.
    #[derive(Clone, Default)]
    struct Server(Arc<Mutex<State>>);

    #[derive(Default)]
    struct State {
        /// For each opening: how many batches are acknowledged, and how it ends.
        script: VecDeque<(usize, Result<(), Status>)>,
        openings: Vec<Vec<u32>>,
        /// Streams whose batches ended before they did.
        ended: usize,
    }

    /// A stream that was opened, with its answers.
    type Opened = std::future::Ready<Result<ReceiverStream<Result<u32, Status>>, Status>>;

    impl Server {
        fn with(script: impl IntoIterator<Item = (usize, Result<(), Status>)>) -> Self {
            let server = Self::default();
            server.0.lock().unwrap().script = script.into_iter().collect();
            server
        }

        /// What a stream of batches is answered with.
        fn answers(&self) -> impl Fn(ReceiverStream<u32>) -> Opened + Send + Sync + use<> {
            let server = self.clone();
            move |mut batches| {
                let state = Arc::clone(&server.0);
                let (acknowledged, end) = {
                    let mut state = state.lock().unwrap();
                    state.openings.push(Vec::new());
                    state.script.pop_front().unwrap_or((usize::MAX, Ok(())))
                };
                let place = state.lock().unwrap().openings.len() - 1;
                let (answers, answered) = mpsc::channel(1);
                tokio::spawn(async move {
                    for _ in 0..acknowledged {
                        let Some(batch) = batches.next().await else {
                            state.lock().unwrap().ended += 1;
                            return;
                        };
                        state.lock().unwrap().openings[place].push(batch);
                        if answers.send(Ok(batch)).await.is_err() {
                            return;
                        }
                    }
                    if let Err(status) = end {
                        let _ = answers.send(Err(status)).await;
                    }
                });
                std::future::ready(Ok(ReceiverStream::new(answered)))
            }
        }

        fn openings(&self) -> Vec<Vec<u32>> {
            self.0.lock().unwrap().openings.clone()
        }
    }

    /// Sends the batches 0 to 19. Answers what was acknowledged, and how it ended.
    async fn send_all(server: &Server) -> (Vec<u32>, Result<(), AckedStreamError>) {
        send_over(AckedStream::open(server.answers())).await
    }

    async fn send_over(mut stream: AckedStream<u32, u32>) -> (Vec<u32>, Result<(), AckedStreamError>) {
        let mut taken = Vec::new();
        for batch in 0..20 {
            if let Err(error) = stream.send(batch, |answer| taken.push(answer)).await {
                return (taken, Err(error));
            }
        }
        let end = stream.finish(|answer| taken.push(answer)).await;
        (taken, end)
    }

    #[tokio::test(start_paused = true)]
    async fn stream_that_breaks_goes_on_with_what_was_not_acknowledged() {
        let away = || Err(Status::unavailable("the server is stopping"));
        let broken = || Err(Status::from_error("connection reset".into()));
        let server = Server::with([(7, away()), (0, broken()), (5, away())]);
        let (taken, end) = send_all(&server).await;
        assert!(end.is_ok(), "{end:?}");
        assert_eq!(taken, (0..20).collect::<Vec<_>>());
        let expected: Vec<Vec<u32>> = vec![(0..7).collect(), vec![], (7..12).collect(), (12..20).collect()];
        assert_eq!(server.openings(), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn refusal_ends_the_stream_at_once() {
        let refused = || Err(Status::invalid_argument("sequence: expected more than the batch before"));
        let server = Server::with([(3, refused())]);
        let (taken, end) = send_all(&server).await;
        assert_eq!(taken, [0, 1, 2]);
        let Err(AckedStreamError::Status(status)) = end else { panic!("{end:?}") };
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(server.openings().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn server_that_stays_away_is_given_up() {
        let away = || Err(Status::unavailable("nobody is there"));
        let server = Server::with(std::iter::repeat_with(|| (0, away())).take(100));
        let (taken, end) = send_all(&server).await;
        assert_eq!(taken, [0; 0]);
        assert!(matches!(end, Err(AckedStreamError::Status(_))), "{end:?}");
        assert_eq!(server.openings().len(), 1 + MOST_OPENINGS as usize);
    }

    #[tokio::test(start_paused = true)]
    async fn stream_that_ends_early_without_an_error_is_one() {
        let server = Server::with([(3, Ok(()))]);
        let (taken, end) = send_all(&server).await;
        assert_eq!(taken, [0, 1, 2]);
        assert!(matches!(end, Err(AckedStreamError::Unacknowledged)), "{end:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn stream_is_ended_and_not_cancelled() {
        let server = Server::default();
        assert!(send_all(&server).await.1.is_ok());
        assert_eq!(server.0.lock().unwrap().ended, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn stream_that_is_not_to_be_repeated_fails_where_it_breaks() {
        let server = Server::with([(7, Err(Status::unavailable("the server is stopping")))]);
        let (taken, end) = send_over(AckedStream::open_once(server.answers())).await;
        assert_eq!(taken, (0..7).collect::<Vec<_>>());
        assert!(matches!(end, Err(AckedStreamError::Status(_))), "{end:?}");
        assert_eq!(server.openings().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn server_that_never_answers_is_given_up() {
        let silent = AckedStream::<u32, u32>::open(|batches| {
            // Holds the batches, and says nothing.
            let waiting = tokio_stream::pending::<Result<u32, Status>>().merge(batches.filter_map(|_| None));
            std::future::ready(Ok(waiting))
        });
        let (taken, end) = send_over(silent).await;
        assert_eq!(taken, [0; 0]);
        let Err(AckedStreamError::Status(status)) = end else { panic!("{end:?}") };
        assert_eq!(status.message(), "no acknowledgement within 60 s");
    }
}
