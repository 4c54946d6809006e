//! Sends a request until it is answered, as often as its kind and the retry budget allow.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::transport::Channel;
use tonic::{Code, ConnectError, Status, TimeoutExpired};
use tonic_types::StatusExt;
use tower::ServiceExt;
use tower::retry::budget::{Budget, TpsBudget};

use crate::deadline::{exceeded, set_timeout};
use crate::methods::{Kind, Method};
use crate::outcome::Attempt;
use crate::trace;

/// Most times that a read is sent again: a replica that restarts is passed over, an outage is reported soon.
pub const MAX_RETRIES: u32 = 2;

/// The pause before the first retry; each further one is twice as long. Up to as much again is added at random, so that callers
/// who failed together do not return together.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Retries in the budget: a tenth of the calls of the last ten seconds, and one per second however few there are. An outage then
/// costs the servers at most a tenth more load.
const BUDGET_WINDOW: Duration = Duration::from_secs(10);
const BUDGET_PER_SECOND: u32 = 1;
const BUDGET_SHARE: f32 = 0.1;

/// A failure below gRPC.
pub(crate) type TransportError = Box<dyn Error + Send + Sync>;

type Answer = Result<Response<Body>, TransportError>;

/// The budget that all calls of a connection share.
pub(crate) fn retry_budget() -> TpsBudget {
    TpsBudget::new(BUDGET_WINDOW, BUDGET_PER_SECOND, BUDGET_SHARE)
}

/// What every attempt of a call needs.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) channel: Channel,
    pub(crate) method: &'static Method,
    pub(crate) trace_id: Option<u128>,
}

impl Sending {
    /// Opens a stream: waits no longer than that until the server has, and then as long as it takes.
    pub(crate) async fn open(&self, mut request: Request<Body>, longest: Duration) -> (Answer, Attempt) {
        let mut attempt = Attempt::start(self.method);
        trace::write(request.headers_mut(), attempt.span(), self.trace_id);
        let opening = tokio::time::timeout(longest, self.channel.clone().oneshot(attempt.send(request)));
        let answer = match opening.await {
            Ok(answer) => answer.map_err(Into::into),
            Err(_) => Ok(unopened(longest).into_http()),
        };
        attempt.see(&answer);
        (answer, attempt)
    }

    /// Sends a request once.
    pub(crate) async fn once(&self, mut request: Request<Body>, deadline: Instant) -> (Answer, Attempt) {
        set_timeout(request.headers_mut(), deadline.saturating_duration_since(Instant::now()));
        let mut attempt = Attempt::start(self.method);
        trace::write(request.headers_mut(), attempt.span(), self.trace_id);
        let answer =
            tokio::time::timeout_at(deadline, self.channel.clone().oneshot(attempt.send(request))).await;
        let answer = match answer {
            Ok(Err(error)) if timed_out(&error) => Ok(exceeded().into_http()),
            Ok(answer) => answer.map_err(Into::into),
            Err(_) => Ok(exceeded().into_http()),
        };
        attempt.see(&answer);
        (answer, attempt)
    }

    /// Sends a request, and again while the server is unavailable: a read, and a write that names itself; any other write only as long
    /// as it surely did not arrive.
    pub(crate) async fn repeatedly(
        &self,
        request: Request<Body>,
        deadline: Instant,
        budget: &TpsBudget,
    ) -> Result<(Answer, Attempt), TransportError> {
        budget.deposit();
        let (head, body) = request.into_parts();
        // One message, bounded by the client's encoder.
        let body: Bytes = body.collect().await?.to_bytes();
        let is_repeatable = self.method.kind == Kind::Read || self.method.is_named(&body);
        let mut retries = 0;
        loop {
            let request = Request::from_parts(head.clone(), Body::new(Full::new(body.clone())));
            let (mut answer, attempt) = self.once(request, deadline).await;
            if is_repeatable {
                answer = whole(answer, deadline).await;
            }
            let Some(asked) = retry_after(&answer, is_repeatable) else { return Ok((answer, attempt)) };
            let pause = pause(retries).max(asked);
            let in_time = Instant::now() + pause < deadline;
            if retries == MAX_RETRIES || !in_time || !budget.withdraw() {
                return Ok((answer, attempt));
            }
            drop(attempt);
            retries += 1;
            tracing::debug!(path = head.uri.path(), retries, pause_ms = pause.as_millis(), "retrying");
            tokio::time::sleep(pause).await;
        }
    }
}

/// The answer with its body, which is one message, read to its end: a connection that breaks within it is as one that breaks before it.
async fn whole(answer: Answer, deadline: Instant) -> Answer {
    let (head, body) = answer?.into_parts();
    match tokio::time::timeout_at(deadline, body.collect()).await {
        Ok(Ok(read)) => Ok(Response::from_parts(head, Body::new(read))),
        Ok(Err(broken)) => Err(broken.into()),
        Err(_) => Ok(exceeded().into_http()),
    }
}

/// What a stream says that the server did not open: it may be busy, or something between lets no more streams through.
fn unopened(longest: Duration) -> Status {
    Status::unavailable(format!("the server did not open the stream within {} s", longest.as_secs()))
}

/// How long to wait at least before the request is sent again; `None`: it is not to be sent again.
fn retry_after(answer: &Answer, is_repeatable: bool) -> Option<Duration> {
    match answer {
        // Below gRPC: no connection, or it broke.
        Err(error) => (is_repeatable || !may_have_arrived(&**error)).then_some(Duration::ZERO),
        Ok(_) if !is_repeatable => None,
        Ok(response) => {
            let status = Status::from_header_map(response.headers())?;
            let asked = || status.get_details_retry_info().and_then(|retry| retry.retry_delay);
            (status.code() == Code::Unavailable).then(|| asked().unwrap_or_default())
        }
    }
}

/// Whether the server may have begun to work on a request that ended with this.
pub(crate) fn may_have_arrived(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<ConnectError>()
            || error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled)
        {
            return false;
        }
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            // A server that drains says up to which request it works; this one came after.
            let left_out =
                error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR);
            return !left_out && error.reason() != Some(h2::Reason::REFUSED_STREAM);
        }
        cause = error.source();
    }
    true
}

fn pause(retries: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << retries).mul_f64(1.0 + rand::random::<f64>())
}

/// The channel has a timer of its own for the same deadline, and may notice first.
fn timed_out(error: &(dyn Error + 'static)) -> bool {
    error.is::<TimeoutExpired>() || error.source().is_some_and(timed_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_with_up_to_as_much_again_at_random() {
        for (retries, least) in [(0, 50), (1, 100)] {
            let pause = pause(retries).as_secs_f64() * 1000.0;
            assert!((f64::from(least)..=f64::from(2 * least)).contains(&pause), "{pause} ms");
        }
    }

    #[test]
    fn request_whose_connection_was_never_made_did_not_arrive() {
        let refused = || std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert!(!may_have_arrived(&ConnectError(Box::new(refused()))));
        assert!(!may_have_arrived(&h2::Error::from(h2::Reason::REFUSED_STREAM)));
        assert!(may_have_arrived(&h2::Error::from(h2::Reason::INTERNAL_ERROR)));
        assert!(may_have_arrived(&refused()));
    }

    #[tokio::test(start_paused = true)]
    async fn budget_without_traffic_is_ten_retries() {
        let budget = retry_budget();
        assert_eq!((0..100).filter(|_| budget.withdraw()).count(), 10);
    }
}
