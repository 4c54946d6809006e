//! Messages on their way: one that was begun must end, and all of them together must not fill the memory.
//!
//! A caller who sends slowly, or begins and never ends, holds what has come so far. So the message of a request with one, and each
//! message of a stream once it was begun, has a time in which it must have come; and the bytes of unfinished messages are bounded for
//! the process. Between the messages of a stream a caller may be silent as long as it likes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tandem_telemetry::messages::CountedBody;
use tokio::time::{Sleep, sleep};
use tonic::Status;

use super::kind::Kind;
use super::places::{Places, Taken};
use super::{RECEIVING_BYTES, RETRY, refused};
use crate::failure::Failure;
use crate::trace::{CURRENT, Ongoing};

/// Bytes of each unfinished message that are not counted, so that small ones come through while large ones fill the room. As many
/// requests as may run at once hold little of this size.
const SMALL: u64 = 64 * 1024;

/// The name of the limit of a message's time.
const MESSAGE_SECONDS: &str = "message_seconds";

/// Why a message does not come through: the source of the status that a handler reads in its place.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the message was given up")]
pub(crate) enum Unread {
    /// It did not come in time.
    TooSlow { seconds: u64 },
    /// There is no room for it now.
    NoRoom { bytes: u64 },
}

impl Unread {
    /// What the caller is told.
    pub(crate) const fn failure(self) -> Failure {
        match self {
            Self::TooSlow { seconds } => Failure::MessageTooSlow { allowed: seconds },
            Self::NoRoom { bytes } => {
                Failure::Refused { limit: RECEIVING_BYTES, allowed: bytes, retry: RETRY }
            }
        }
    }

    /// What a handler of that request reads.
    fn status(self, ongoing: &Arc<Ongoing>) -> Status {
        refused(match self {
            Self::TooSlow { .. } => MESSAGE_SECONDS,
            Self::NoRoom { .. } => RECEIVING_BYTES,
        });
        let mut status = CURRENT.sync_scope(Arc::clone(ongoing), || Status::from(self.failure()));
        status.set_source(Arc::new(self));
        status
    }
}

/// The body of a request whose messages must come in time.
#[derive(Debug)]
pub(crate) struct Arriving<B> {
    inner: CountedBody<B>,
    ongoing: Arc<Ongoing>,
    asks_once: bool,
    within: Duration,
    /// Messages that had come when `due` was set.
    come: u64,
    /// When the message on its way must have come. `None`: nothing was waited for since it was begun.
    due: Option<Pin<Box<Sleep>>>,
    /// Bytes of the message on its way.
    received: u64,
    held: Taken,
    is_over: bool,
}

impl<B> Arriving<B> {
    pub(super) fn new(
        inner: CountedBody<B>,
        kind: Kind,
        ongoing: Arc<Ongoing>,
        within: Duration,
        room: &Arc<Places>,
    ) -> Self {
        let asks_once = kind.asks_once;
        let held = room.none();
        Self { inner, ongoing, asks_once, within, come: 0, due: None, received: 0, held, is_over: false }
    }

    /// Counts a part of a message, or of several. `Err`: there is no room for it.
    fn take(&mut self, bytes: usize) -> Result<(), Unread> {
        let come = self.inner.messages();
        if come != self.come || !self.inner.is_within_message() {
            self.come = come;
            self.received = 0;
            self.held.clear();
            if !self.asks_once {
                self.due = None;
            }
        }
        if self.inner.is_within_message() {
            self.received += bytes as u64;
            let more = self.received.saturating_sub(SMALL).saturating_sub(self.held.number());
            if more > 0 && !self.held.grow(more) {
                return Err(Unread::NoRoom { bytes: self.held.all() });
            }
        }
        Ok(())
    }

    /// Whether what is waited for is late.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Unread> {
        if !self.asks_once && !self.inner.is_within_message() {
            return Poll::Pending;
        }
        let due = self.due.get_or_insert_with(|| Box::pin(sleep(self.within)));
        due.as_mut().poll(cx).map(|()| Unread::TooSlow { seconds: self.within.as_secs() })
    }

    fn end(&mut self) {
        self.is_over = true;
        self.due = None;
        self.held.clear();
    }
}

impl<B: Body<Data = Bytes, Error = Status> + Unpin> Body for Arriving<B> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.is_over {
            return Poll::Ready(None);
        }
        let unread = match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => match this.take(frame.data_ref().map_or(0, Bytes::len)) {
                Ok(()) => return Poll::Ready(Some(Ok(frame))),
                Err(unread) => unread,
            },
            Poll::Ready(end) => {
                this.end();
                return Poll::Ready(end);
            }
            Poll::Pending => match this.poll_late(cx) {
                Poll::Ready(unread) => unread,
                Poll::Pending => return Poll::Pending,
            },
        };
        this.end();
        Poll::Ready(Some(Err(unread.status(&this.ongoing))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
