//! The port of the audit log: what the gate sees of calls, put on record by whoever keeps the log.
//!
//! What of an RPC's calls goes on record is declared in its contract (the option `audit`); refusals always do. A call that changed something is on
//! record before it is answered, or answered as unavailable; one whose caller is gone is noted as cancelled. Everything else is put on record soon
//! after, counted together where it is alike, so that whoever is refused a million times leaves as few records as minutes.
//!
//! - [`Auditor`]: takes events. One per server.
//! - [`Recorder`]: the task that gathers them and gives them to the [`AuditSink`] of the process.
//! - [`outbox`]: the sink of a service with a database of its own: events wait there until the log has them.
//!
//! Not for: the log itself, which is the authority's; and what a single handler knows beyond its call, which it puts on record itself
//! ([`recorded`]).

mod alike;
mod body;
mod event;
pub mod outbox;

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use metrics::counter;
use tandem_contracts::r#type::v1::AuditEvent;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::failure::{BoxError, Failure};
use alike::Alike;

pub(crate) use body::{AuditedBody, Pending};
pub(crate) use event::Sighting;
pub use event::{event, recorded};

/// Events that wait for the recorder: some seconds of what a busy server sees. Beyond, changes wait and everything else is counted and lost.
const WAITING: usize = 4096;

/// Events of one batch: one transaction of some tens of milliseconds.
pub const BATCH: usize = 500;

/// How long a call waits until it is on record: a database that takes longer does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often counted events are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Pause after events could not be put on record; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Longest of these pauses.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The tenant of what is of none that its caller reaches.
pub const NO_TENANT: &str = "tenants/-";

/// What becomes of putting a call on record.
pub(crate) type Recording = BoxFuture<'static, Result<(), Failure>>;

/// What the log is called in errors.
const AUDIT_LOG: &str = "audit log";

/// Where events are put on record.
pub trait AuditSink: Send + Sync + 'static {
    /// Puts them on record, in their order; `Ok` when they will outlast the process. The same events may come again.
    fn append<'a>(&'a self, events: &'a [AuditEvent]) -> BoxFuture<'a, Result<(), BoxError>>;
}

/// Takes events. Clones share their recorder.
#[derive(Debug, Clone)]
pub struct Auditor(mpsc::Sender<Queued>);

/// An event on its way.
#[derive(Debug)]
struct Queued {
    event: AuditEvent,
    /// Counted together with others like it.
    is_alike: bool,
    /// Told when it is on record.
    done: Option<oneshot::Sender<()>>,
}

impl Auditor {
    /// An auditor, and the recorder that must run for it.
    #[must_use]
    pub fn new() -> (Self, Recorder) {
        let (sender, queue) = mpsc::channel(WAITING);
        (Self(sender), Recorder { queue, alike: Alike::default() })
    }

    /// Puts an event on record, and waits until it is.
    pub(crate) async fn record(&self, event: AuditEvent, is_alike: bool) -> Result<(), Failure> {
        let (done, is_done) = oneshot::channel();
        let recorded = async {
            self.0.send(Queued { event, is_alike, done: Some(done) }).await.map_err(drop)?;
            is_done.await.map_err(drop)
        };
        match tokio::time::timeout(PATIENCE, recorded).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(())) => Err(Failure::unavailable(AUDIT_LOG, "its recorder has ended")),
            Err(_) => Err(Failure::unavailable(AUDIT_LOG, "the record was not made in time")),
        }
    }

    /// Puts an event on record soon. Where too many wait already it is lost, and counted.
    pub(crate) fn note(&self, event: AuditEvent, is_alike: bool) {
        if self.0.try_send(Queued { event, is_alike, done: None }).is_err() {
            counter!("tandem_audit_events_lost_total").increment(1);
        }
    }
}

/// Gathers events and gives them to the sink.
#[derive(Debug)]
pub struct Recorder {
    queue: mpsc::Receiver<Queued>,
    alike: Alike,
}

impl Recorder {
    /// Runs until the server has answered its last call, and what was noted is on record.
    pub async fn run(mut self, sink: impl AuditSink, ending: CancellationToken) {
        let mut look = tokio::time::interval(LOOK);
        let mut queued = Vec::with_capacity(BATCH);
        loop {
            let is_ending = tokio::select! {
                biased;
                received = self.queue.recv_many(&mut queued, BATCH) => received == 0,
                _ = look.tick() => false,
                () = ending.cancelled() => true,
            };
            if is_ending {
                self.queue.close();
                while let Ok(more) = self.queue.try_recv() {
                    queued.push(more);
                }
            }
            let counted = if is_ending { self.alike.all() } else { self.alike.ended(Timestamp::now()) };
            let (mut events, mut waiting) = (Vec::new(), Vec::new());
            for Queued { event, is_alike, done } in queued.drain(..) {
                events.extend(if is_alike { self.alike.count(event) } else { Some(event) });
                waiting.extend(done);
            }
            events.extend(counted);
            if !append(&sink, &events, &ending).await {
                tracing::error!(events = events.len(), "the process ends before these were on record");
                counter!("tandem_audit_events_lost_total").increment(events.len() as u64);
                waiting.clear();
            }
            for done in waiting {
                // Whoever waited may have given up.
                let _ = done.send(());
            }
            if is_ending {
                return;
            }
        }
    }
}

/// Whether the events are on record: tried until the process ends.
async fn append(sink: &impl AuditSink, events: &[AuditEvent], ending: &CancellationToken) -> bool {
    let mut pause = FIRST_PAUSE;
    for batch in events.chunks(BATCH) {
        while let Err(error) = sink.append(batch).await {
            tracing::warn!(error = &*error, "events cannot be put on record yet, trying again");
            if ending.is_cancelled() {
                return false;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
    true
}
