//! What can be configured of the limits: one table, `limits`, the same in each service.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The limits of a process and its API listener. Every key has a default, which no caller that means well reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests with one answer that run at once, of all callers. Default: 2048, many times what the database works on at once.
    pub requests: NonZeroU32,
    /// Requests with one answer that one principal may have running at once; services are not counted. Default: 1024, half of all.
    pub requests_per_principal: NonZeroU32,
    /// Streams (reports, imports, watches) that are open at once, of all callers. Default: 8192. Of the inventory above the number of tenants
    /// times the replicas of prerequisites and monitoring, since these watch each.
    pub streams: NonZeroU32,
    /// Streams that one principal may have open at once; services are not counted. Default: 4096, half of all.
    pub streams_per_principal: NonZeroU32,
    /// Streams that are open at once and need no credentials: reflection, and watches of health. Default: 256.
    pub open_streams: NonZeroU32,
    /// Requests a second of one principal, over some time; opening a stream is one. Services are not counted. Default: 5000.
    pub requests_per_second: NonZeroU32,
    /// Requests that a principal which was quiet may send at once before that counts. Default: 10000.
    pub requests_burst: NonZeroU32,
    /// Refused logins a minute of one address, over some time; then nobody at it is let in on a new connection. Default: 60.
    pub refused_logins_per_minute: NonZeroU32,
    /// Refused logins that an address may cause before that counts. Default: 100, some tens of programs with a token that has expired.
    pub refused_logins_burst: NonZeroU32,
    /// Connections in all; fewer where the process may not open so many files. Default: 8192.
    pub connections: NonZeroU32,
    /// Connections of one address (of IPv6 its first 64 bits), and four times as many of one on loopback. Default: 512. Raise it where a
    /// proxy brings every caller.
    pub connections_per_address: NonZeroU32,
    /// Seconds within which the first request of a connection must come. Default: 60.
    pub first_request_seconds: NonZeroU32,
    /// Seconds after which a connection without requests is closed. Default: 1800.
    pub idle_seconds: NonZeroU32,
    /// Seconds within which a message that was begun must have come. A stream may be silent between messages. Default: 30.
    pub message_seconds: NonZeroU32,
    /// Seconds within which the answer of a request with one must be read, at the latest after twice as many; otherwise its connection is
    /// closed. A stream may be read as slowly as its caller likes. Default: 60.
    pub answer_seconds: NonZeroU32,
    /// Bytes that are held of messages which have not come completely yet, of all callers; the first 64 KiB of each are not counted.
    /// Default: 268435456 (256 MiB), sixteen of the largest.
    pub receiving_bytes: NonZeroU64,
}

const fn count(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: count(2048),
            requests_per_principal: count(1024),
            streams: count(8192),
            streams_per_principal: count(4096),
            open_streams: count(256),
            requests_per_second: count(5000),
            requests_burst: count(10_000),
            refused_logins_per_minute: count(60),
            refused_logins_burst: count(100),
            connections: count(8192),
            connections_per_address: count(512),
            first_request_seconds: count(60),
            idle_seconds: count(30 * 60),
            message_seconds: count(30),
            answer_seconds: count(60),
            receiving_bytes: NonZeroU64::MIN.saturating_add((256 << 20) - 1),
        }
    }
}

/// So many seconds.
pub(super) fn seconds(number: NonZeroU32) -> Duration {
    Duration::from_secs(number.get().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_with_some_keys_leaves_the_others_at_their_defaults() {
        let read: Limits = serde_json::from_str(r#"{"streams": 7, "receiving_bytes": 1}"#).unwrap();
        let expected = Limits { streams: count(7), receiving_bytes: NonZeroU64::MIN, ..Limits::default() };
        assert_eq!(read, expected);
        assert_eq!(Limits::default().receiving_bytes.get(), 268_435_456);
    }

    #[test]
    fn limit_of_nothing_and_unknown_limit_are_errors() {
        for (text, named) in [(r#"{"streams": 0}"#, "nonzero"), (r#"{"stream": 7}"#, "stream")] {
            let error = serde_json::from_str::<Limits>(text).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
