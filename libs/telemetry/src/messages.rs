//! The sizes of a call's messages as gRPC's conventions count them: compressed or not, as they travel, without metadata and without the
//! five bytes that go before each.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Bytes before a message: a flag and its length.
const PREFIX: u8 = 5;

/// Bytes of the messages of one direction of a call. Clones are of the same call.
#[derive(Debug, Clone, Default)]
pub struct MessageBytes(Arc<AtomicU64>);

impl MessageBytes {
    /// How many there were up to now, as metrics take it.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        reason = "sizes of messages are far below the 2^53 up to which this is exact"
    )]
    pub fn total(&self) -> f64 {
        self.0.load(Ordering::Relaxed) as f64
    }
}

/// A body of a call whose messages are counted.
#[derive(Debug)]
pub struct CountedBody<B> {
    inner: B,
    place: Place,
    bytes: MessageBytes,
}

impl<B> CountedBody<B> {
    /// Counts what comes of that body.
    pub const fn new(inner: B, bytes: MessageBytes) -> Self {
        Self { inner, place: Place { prefix: 0, length: 0, ended: 0 }, bytes }
    }

    /// How many messages came to their end.
    pub const fn messages(&self) -> u64 {
        self.place.ended
    }

    /// Whether a message has begun and not come to its end.
    pub const fn is_within_message(&self) -> bool {
        self.place.prefix > 0
    }

    /// Goes on with another body.
    pub fn replace(&mut self, inner: B) {
        self.inner = inner;
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for CountedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            let counted = self.place.pass(data);
            self.bytes.0.fetch_add(counted, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Where a stream of bytes stands: messages and the frames that carry them begin and end as they like.
#[derive(Debug)]
struct Place {
    /// Bytes of a prefix that were seen.
    prefix: u8,
    /// The length that the prefix tells as far as it was seen; then what is left of the message.
    length: u32,
    /// Messages that were seen to their end.
    ended: u64,
}

impl Place {
    /// Goes over bytes. Answers how many of them are of messages.
    fn pass(&mut self, mut data: &[u8]) -> u64 {
        let mut counted = 0;
        while let Some((first, rest)) = data.split_first() {
            if self.prefix < PREFIX {
                // The flag goes first, and is shifted out by the last byte of the length.
                self.length = self.length << 8 | u32::from(*first);
                self.prefix += 1;
                data = rest;
            } else {
                let here = data.len().min(self.length as usize);
                counted += here as u64;
                self.length -= u32::try_from(here).unwrap_or(self.length);
                data = data.split_at(here).1;
            }
            if self.prefix == PREFIX && self.length == 0 {
                self.prefix = 0;
                self.ended += 1;
            }
        }
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: u32, fill: u8) -> Vec<u8> {
        let mut bytes = vec![fill];
        bytes.extend(length.to_be_bytes());
        bytes.extend(std::iter::repeat_n(fill, length as usize));
        bytes
    }

    #[test]
    fn messages_are_counted_wherever_frames_end() {
        let all = [message(3, 0), message(0, 1), message(70_000, 1), message(1, 0)].concat();
        for at_once in [1, 2, 4, 5, 6, 7, 1000, all.len()] {
            let mut place = Place { prefix: 0, length: 0, ended: 0 };
            let counted: u64 = all.chunks(at_once).map(|data| place.pass(data)).sum();
            assert_eq!(counted, 70_004, "{at_once}");
            assert_eq!((place.prefix, place.length, place.ended), (0, 0, 4));
        }
    }

    #[test]
    fn message_that_breaks_off_counts_as_far_as_it_came() {
        let mut place = Place { prefix: 0, length: 0, ended: 0 };
        assert_eq!(place.pass(message(10, 0).split_at(9).0), 4);
        assert_eq!((place.length, place.ended), (6, 0));
    }
}
