//! Whether a change was made whose call failed.
//!
//! A refusal says that it was not. So does a request that surely never arrived. Everything else leaves it open: a connection that breaks, a deadline
//! that passes, a server that cannot tell whether its database took the change. Whoever asked must know which it is: to send such a change
//! again may make it twice, unless it names itself (`request_id`).

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body::{Frame, SizeHint};
use tonic::body::Body;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

use crate::attempt::{TransportError, may_have_arrived};
use crate::methods::{Kind, Method};
use crate::outcome::code_of;

/// With this a failed change says that it may have been made. Set by the client alone, within the process.
const EFFECT: &str = "tandem-effect";
const UNKNOWN: &str = "unknown";

/// Whether a status leaves open whether the change was made that it is about.
pub(crate) fn is_unknown(status: &Status) -> bool {
    status.metadata().get(EFFECT).is_some_and(|value| value == UNKNOWN)
}

/// Whether a call that ended with that code may have done what it was to do.
const fn may_be_done(code: Code) -> bool {
    matches!(
        code,
        Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

/// The answer to a call, which says so where it leaves open whether a change was made.
pub(crate) fn told(
    method: &Method,
    answer: Result<Response<Body>, TransportError>,
) -> Result<Response<Body>, TransportError> {
    if method.kind != Kind::Write {
        return answer;
    }
    match answer {
        Err(error) if may_have_arrived(&*error) => Err(Box::new(unknown(Status::from_error(error)))),
        Err(error) => Err(error),
        Ok(mut response) => {
            mark(response.headers_mut());
            Ok(response.map(|body| Body::new(ChangeBody(body))))
        }
    }
}

fn unknown(mut status: Status) -> Status {
    status.metadata_mut().insert(EFFECT, MetadataValue::from_static(UNKNOWN));
    status
}

/// Marks headers or trailers that say how a call ended, if they leave it open.
fn mark(headers: &mut HeaderMap) {
    if code_of(headers).is_some_and(may_be_done) {
        headers.insert(HeaderName::from_static(EFFECT), HeaderValue::from_static(UNKNOWN));
    }
}

/// The body of the answer to a change.
struct ChangeBody(Body);

impl http_body::Body for ChangeBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.0).poll_frame(cx).map(|frame| {
            frame.map(|frame| match frame {
                Ok(mut frame) => {
                    if let Some(trailers) = frame.trailers_mut() {
                        mark(trailers);
                    }
                    Ok(frame)
                }
                // The request arrived, and its answer did not come whole.
                Err(status) => Err(unknown(status)),
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
