//! The answer of a stream that changes things: its first part waits until the call is on record.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tonic::Status;

use super::{Recording, Sighting};
use crate::outcome::RequestBody;

/// A sighting on its way from the call to the body of its answer; responses carry only what can be cloned.
#[derive(Debug, Clone)]
pub(crate) struct Pending(Arc<Mutex<Option<Sighting>>>);

impl Pending {
    pub(crate) fn of(sighting: Sighting) -> Self {
        Self(Arc::new(Mutex::new(Some(sighting))))
    }

    pub(crate) fn take(&self) -> Option<Sighting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The body of an answer that is put on record, or may be. Without a sighting, or with its first part sent, it is what it wraps.
pub(crate) struct AuditedBody {
    inner: RequestBody,
    /// Until the first part.
    sighting: Option<Sighting>,
    /// The first part, and what it waits for.
    recording: Option<(Recording, Frame<Bytes>)>,
}

impl AuditedBody {
    pub(crate) const fn new(inner: RequestBody, sighting: Option<Sighting>) -> Self {
        Self { inner, sighting, recording: None }
    }
}

impl Body for AuditedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.recording.is_none() {
            let polled = ready!(Pin::new(&mut this.inner).poll_frame(cx));
            let Some(Ok(frame)) = polled else { return Poll::Ready(polled) };
            let Some(sighting) = this.sighting.take() else {
                if let Some(trailers) = frame.trailers_ref() {
                    this.inner.note_refusal(trailers);
                }
                return Poll::Ready(Some(Ok(frame)));
            };
            let recording = match frame.trailers_ref() {
                // It ended before anything was answered: there is nothing to wait for.
                Some(trailers) => sighting.settle(trailers).and(None),
                None => sighting.settle(&HeaderMap::new()),
            };
            match recording {
                Some(recording) => this.recording = Some((recording, frame)),
                None => return Poll::Ready(Some(Ok(frame))),
            }
        }
        let Some((recording, _)) = &mut this.recording else { return Poll::Pending };
        let recorded = ready!(recording.as_mut().poll(cx));
        let frame = this.recording.take().map(|(_, frame)| frame);
        match recorded {
            Ok(()) => Poll::Ready(frame.map(Ok)),
            Err(failure) => Poll::Ready(Some(Ok(this.inner.give_up(failure)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.recording.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.recording {
            Some(_) => SizeHint::default(),
            None => self.inner.size_hint(),
        }
    }
}
