//! The connections to one server, and which of them a stream goes over.
//!
//! A server lets a connection have so many streams; one more would wait without a word until another ends, and watches do not end. So streams
//! are counted, and connections added before one is full: calls with one answer share the first with some streams, and always have room there.
//! A connection without streams is closed again, but for the first.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Streams over one connection: the least that HTTP/2 asks every server and proxy to allow (RFC 9113, section 6.5.2). Tandem's own allow ten
/// times as many, so that there the calls of a connection find room beside its streams.
pub const STREAMS_PER_CONNECTION: usize = 100;

/// Connections to one server. All of their streams together are more than a server of Tandem lets everybody have by default (`limits.streams`),
/// which thus says first that there are too many; and fewer connections than it lets one address have (`limits.connections_per_address`).
pub const MOST_CONNECTIONS: usize = 100;

/// When to look for room again: some of so many streams end within a second.
const RETRY: Duration = Duration::from_secs(1);

/// The domain and reason of a refusal, as servers publish them, and what the limit is called.
const DOMAIN: &str = "tandem";
const REASON: &str = "LIMIT_EXCEEDED";
const LIMIT: &str = "streams_to_one_server";

/// Makes one more connection.
type Another = dyn Fn() -> Channel + Send + Sync;

/// The connections to one server. Clones share them.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Inner>);

struct Inner {
    first: Channel,
    /// `None`: the first is all there is.
    another: Option<Box<Another>>,
    /// Those that have streams, by their places. A place is taken again once its connection is closed.
    used: Mutex<Vec<Option<Connected>>>,
}

struct Connected {
    channel: Channel,
    streams: usize,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("most_streams", &self.most()).finish_non_exhaustive()
    }
}

/// Room for a stream on a connection, until this is dropped.
pub(crate) struct Room {
    pool: Arc<Inner>,
    place: usize,
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("connection", &self.place).finish_non_exhaustive()
    }
}

impl Pool {
    /// That connection, and more like it as `another` makes them. `None`: no more.
    pub(crate) fn new(first: Channel, another: Option<Box<Another>>) -> Self {
        let used = Mutex::new(Vec::new());
        Self(Arc::new(Inner { first, another, used }))
    }

    /// For calls with one answer.
    pub(crate) fn first(&self) -> &Channel {
        &self.0.first
    }

    /// How many streams there may be.
    fn most(&self) -> usize {
        STREAMS_PER_CONNECTION * self.0.most_connections()
    }

    /// A connection for a stream, with room for it.
    ///
    /// # Errors
    /// As many streams are open as there may be.
    pub(crate) fn stream(&self) -> Result<(Channel, Room), Box<Status>> {
        let found = self.0.take().ok_or_else(|| Box::new(full(self.most())))?;
        let (place, channel) = found;
        Ok((channel, Room { pool: Arc::clone(&self.0), place }))
    }
}

impl Inner {
    fn most_connections(&self) -> usize {
        if self.another.is_some() { MOST_CONNECTIONS } else { 1 }
    }

    /// Takes room on the first connection that has some, so that the later ones run empty and are closed.
    fn take(&self) -> Option<(usize, Channel)> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = |connected: &&mut Connected| connected.streams < STREAMS_PER_CONNECTION;
        let mut with_room = used.iter_mut().enumerate();
        let with_room =
            with_room.find_map(|(place, connected)| Some((place, connected.as_mut().filter(has_room)?)));
        if let Some((place, connected)) = with_room {
            connected.streams += 1;
            return Some((place, connected.channel.clone()));
        }
        let place = used.iter().position(Option::is_none).unwrap_or(used.len());
        let channel = match (place, &self.another) {
            (0, _) => self.first.clone(),
            (_, Some(another)) if place < MOST_CONNECTIONS => another(),
            _ => return None,
        };
        let connected = Connected { channel: channel.clone(), streams: 1 };
        match used.get_mut(place) {
            Some(closed) => *closed = Some(connected),
            None => used.push(Some(connected)),
        }
        Some((place, channel))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut used = self.pool.used.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(slot) = used.get_mut(self.place) else { return };
        if let Some(connected) = slot {
            connected.streams -= 1;
            if connected.streams == 0 {
                *slot = None;
            }
        }
    }
}

/// What a stream is refused with, as a server would say it: nothing was sent.
fn full(most: usize) -> Status {
    let facts =
        HashMap::from([("limit".to_owned(), LIMIT.to_owned()), ("allowed".to_owned(), most.to_string())]);
    let mut details = ErrorDetails::with_error_info(REASON, DOMAIN, facts);
    details.set_retry_info(Some(RETRY));
    let message = format!(
        "expected at most {most} streams to one server at once, found that many open: end some, or try again when some have ended"
    );
    Status::with_error_details(Code::ResourceExhausted, message, details)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::endpoint;

    /// A pool that never connects, and how many connections it has made beside the first.
    fn pool() -> (Pool, Arc<AtomicUsize>) {
        let channel = || endpoint("http://127.0.0.1:1").unwrap().connect_lazy();
        let made = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&made);
        let another = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            channel()
        };
        (Pool::new(channel(), Some(Box::new(another))), made)
    }

    fn rooms(pool: &Pool, streams: usize) -> Vec<Room> {
        (0..streams).map(|_| pool.stream().unwrap().1).collect()
    }

    fn streams(pool: &Pool) -> Vec<Option<usize>> {
        let used = pool.0.used.lock().unwrap();
        used.iter().map(|connected| connected.as_ref().map(|connected| connected.streams)).collect()
    }

    #[tokio::test]
    async fn connections_are_made_when_the_others_are_full_and_closed_when_they_are_empty() {
        let (pool, made) = pool();
        let mut first = rooms(&pool, STREAMS_PER_CONNECTION);
        assert_eq!((streams(&pool), made.load(Ordering::Relaxed)), (vec![Some(100)], 0));
        let (second, third) = (rooms(&pool, STREAMS_PER_CONNECTION), rooms(&pool, 1));
        assert_eq!(streams(&pool), [Some(100), Some(100), Some(1)]);
        drop(second);
        assert_eq!(streams(&pool), [Some(100), None, Some(1)]);
        first.truncate(99);
        let again = rooms(&pool, 100);
        assert_eq!((streams(&pool), made.load(Ordering::Relaxed)), (vec![Some(100), None, Some(100)], 2));
        let last = rooms(&pool, 1);
        assert_eq!((streams(&pool), made.load(Ordering::Relaxed)), (vec![Some(100), Some(1), Some(100)], 3));
        drop((first, again, third, last));
        assert_eq!(streams(&pool), [None, None, None]);
    }

    #[tokio::test]
    async fn stream_beyond_the_most_is_refused_until_another_ends() {
        let (pool, made) = pool();
        let mut all = rooms(&pool, STREAMS_PER_CONNECTION * MOST_CONNECTIONS);
        assert_eq!(made.load(Ordering::Relaxed), MOST_CONNECTIONS - 1);
        let status = *pool.stream().unwrap_err();
        let info = status.get_details_error_info().unwrap();
        assert_eq!((status.code(), info.reason.as_str()), (Code::ResourceExhausted, "LIMIT_EXCEEDED"));
        assert_eq!((info.metadata["limit"].as_str(), info.metadata["allowed"].as_str()), (LIMIT, "10000"));
        assert!(status.get_details_retry_info().is_some());
        all.pop();
        assert!(pool.stream().is_ok());
    }

    #[tokio::test]
    async fn pool_of_one_connection_refuses_what_would_wait_on_it() {
        let channel = endpoint("http://127.0.0.1:1").unwrap().connect_lazy();
        let pool = Pool::new(channel, None);
        let _all = rooms(&pool, STREAMS_PER_CONNECTION);
        let status = *pool.stream().unwrap_err();
        assert_eq!(status.get_details_error_info().unwrap().metadata["allowed"], "100");
    }
}
