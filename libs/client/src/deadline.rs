//! The deadline of a call: of all its attempts together, and of its answer's last byte.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use tonic::Status;
use tonic::body::Body;

/// The deadline of a call that sets none, and of the opening of a stream: the longest answers (a summary of a fleet) take seconds.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

const GRPC_TIMEOUT: &str = "grpc-timeout";

/// The most that eight digits hold, as the protocol allows.
const EIGHT_DIGITS: u128 = 99_999_999;

/// What a call says that passed its deadline here.
pub(crate) fn exceeded() -> Status {
    Status::deadline_exceeded("the deadline passed before the answer was here")
}

/// How long the caller of these headers waits; `None`: it did not say.
pub(crate) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let amount: u64 = digits.parse().ok().filter(|amount| u128::from(*amount) <= EIGHT_DIGITS)?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

/// Tells the server how long is left.
pub(crate) fn set_timeout(headers: &mut HeaderMap, left: Duration) {
    let text = match (left.as_micros(), left.as_millis()) {
        (micros, _) if micros <= EIGHT_DIGITS => format!("{micros}u"),
        (_, millis) if millis <= EIGHT_DIGITS => format!("{millis}m"),
        _ => format!("{}S", u128::from(left.as_secs()).min(EIGHT_DIGITS)),
    };
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(GRPC_TIMEOUT, value);
    }
}

/// An answer's body that fails once the deadline has passed: a server that sent headers may still never end.
#[derive(Debug)]
pub(crate) struct DeadlineBody {
    inner: Body,
    deadline: Pin<Box<Sleep>>,
}

impl DeadlineBody {
    pub(crate) fn new(inner: Body, deadline: Instant) -> Self {
        Self { inner, deadline: Box::pin(tokio::time::sleep_until(deadline)) }
    }
}

impl http_body::Body for DeadlineBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Pending => self.deadline.as_mut().poll(cx).map(|()| Some(Err(exceeded()))),
            ready => ready,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, StreamBody};

    #[test]
    fn timeout_that_was_set_is_read_back() {
        for left in [
            Duration::from_micros(1),
            Duration::from_millis(1500),
            Duration::from_secs(99),
            Duration::from_secs(5000),
            Duration::from_secs(7 * 24 * 3600),
        ] {
            let mut headers = HeaderMap::new();
            set_timeout(&mut headers, left);
            assert_eq!(timeout(&headers), Some(left));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn body_that_does_not_end_fails_at_the_deadline() {
        let frames = futures::stream::pending::<Result<Frame<Bytes>, Status>>();
        let before = Instant::now();
        let body = DeadlineBody::new(Body::new(StreamBody::new(frames)), before + Duration::from_secs(2));
        let status = body.collect().await.unwrap_err();
        assert_eq!((status.code(), before.elapsed().as_secs()), (tonic::Code::DeadlineExceeded, 2));
    }
}
