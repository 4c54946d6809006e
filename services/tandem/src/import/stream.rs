//! An acknowledged stream: batches go out while acknowledgements come in, a few ahead of each other.

use std::future::Future;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::task::AbortOnDropHandle;
use tonic::{Response, Status, Streaming};

use super::ImportError;

/// Batches that may be under way: enough to keep both ends busy, few enough to bound memory.
const BATCHES_AHEAD: usize = 4;

/// The sending half of a stream, and the task that takes its acknowledgements.
pub(super) struct AckedStream<Q, A> {
    what: &'static str,
    requests: mpsc::Sender<Q>,
    answers: mpsc::Receiver<A>,
    call: AbortOnDropHandle<Result<(), Status>>,
    sent: u64,
    acknowledged: u64,
}

impl<Q: Send + 'static, A: Send + 'static> AckedStream<Q, A> {
    /// Opens a stream. `call` makes the RPC over the requests.
    pub(super) fn open<F>(
        what: &'static str,
        call: impl FnOnce(ReceiverStream<Q>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Response<Streaming<A>>, Status>> + Send,
    {
        let (requests, outgoing) = mpsc::channel(BATCHES_AHEAD);
        let (taken, answers) = mpsc::channel(BATCHES_AHEAD * 2);
        // Ends with the stream: dropping the handle aborts it.
        let call = AbortOnDropHandle::new(tokio::spawn(async move {
            let mut incoming = call(ReceiverStream::new(outgoing)).await?.into_inner();
            while let Some(answer) = incoming.message().await? {
                if taken.send(answer).await.is_err() {
                    break;
                }
            }
            Ok(())
        }));
        Self { what, requests, answers, call, sent: 0, acknowledged: 0 }
    }

    /// Sends a batch; `taken` gets the acknowledgements that came in meanwhile.
    pub(super) async fn send(&mut self, batch: Q, mut taken: impl FnMut(A)) -> Result<(), ImportError> {
        while let Ok(answer) = self.answers.try_recv() {
            self.acknowledged += 1;
            taken(answer);
        }
        while self.sent - self.acknowledged >= BATCHES_AHEAD as u64 {
            match self.answers.recv().await {
                Some(answer) => {
                    self.acknowledged += 1;
                    taken(answer);
                }
                None => return Err(self.broken().await),
            }
        }
        if self.requests.send(batch).await.is_err() {
            return Err(self.broken().await);
        }
        self.sent += 1;
        Ok(())
    }

    /// Ends the stream and waits for the remaining acknowledgements.
    pub(super) async fn finish(mut self, mut taken: impl FnMut(A)) -> Result<(), ImportError> {
        let (closed, _) = mpsc::channel(1);
        drop(std::mem::replace(&mut self.requests, closed));
        while let Some(answer) = self.answers.recv().await {
            self.acknowledged += 1;
            taken(answer);
        }
        match (&mut self.call).await {
            Ok(Ok(())) if self.acknowledged == self.sent => Ok(()),
            Ok(Err(status)) => Err(ImportError::during(self.what)(status)),
            Ok(Ok(())) | Err(_) => Err(ImportError::Unacknowledged(self.what)),
        }
    }

    /// Why the stream broke.
    async fn broken(&mut self) -> ImportError {
        match (&mut self.call).await {
            Ok(Err(status)) => ImportError::during(self.what)(status),
            Ok(Ok(())) | Err(_) => ImportError::Unacknowledged(self.what),
        }
    }
}
