//! Events of a service that does not keep the log: they wait in its own database, where it has one, until the log has them.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use metrics::gauge;
use prost::Message as _;
use tandem_contracts::r#type::v1::AuditEvent;
use tandem_storage::outbox::{self, Message};
use tandem_storage::{Database, Rows, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{AuditSink, BATCH};
use crate::failure::BoxError;

/// How often the outbox is looked at without being told: what another replica left behind waits so long.
const LOOK: Duration = Duration::from_secs(5);

/// Events that may wait: a day of a busy service's writes without a log. With more, nothing is put on record, and what must be is refused.
const MOST_WAITING: u64 = 1_000_000;

/// Takes events to the log: once it answers `Ok` they are there.
pub type Deliver = Arc<dyn Fn(Vec<AuditEvent>) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>;

/// Keeps events in the database of the service.
#[derive(Debug, Clone)]
pub struct Outbox {
    database: Database,
    put: Arc<Notify>,
    /// How many wait: as they were last counted, and what was put there since.
    waiting: Arc<AtomicU64>,
}

impl Outbox {
    /// The outbox of that database.
    #[must_use]
    pub fn of(database: &Database) -> Self {
        Self { database: database.clone(), put: Arc::default(), waiting: Arc::default() }
    }

    async fn put(&self, events: &[AuditEvent]) -> Result<(), BoxError> {
        let waiting = self.waiting.load(Ordering::Relaxed);
        if waiting >= MOST_WAITING {
            return Err(
                format!("{waiting} events wait for the audit log already, which does not take them").into()
            );
        }
        let put_at = Timestamp::now().as_microsecond();
        let message = |(event, at): (&AuditEvent, i64)| Message {
            id: event.id.clone(),
            put_at: at,
            body: event.encode_to_vec(),
        };
        // One after the other, so that they arrive in their order.
        let messages: Arc<[Message]> = events.iter().zip(put_at..).map(message).collect();
        let written = self.database.write(Rows::OfEveryTenant, |tx| {
            let messages = Arc::clone(&messages);
            Box::pin(async move { outbox::put(tx, &messages).await })
        });
        written.await.map_err(|error: StoreError| error)?;
        self.waiting.fetch_add(events.len() as u64, Ordering::Relaxed);
        self.put.notify_one();
        Ok(())
    }

    async fn count(&self) -> Result<(), StoreError> {
        let waiting = outbox::waiting(&self.database.reader(Rows::OfEveryTenant)).await?;
        self.waiting.store(waiting, Ordering::Relaxed);
        #[allow(clippy::cast_precision_loss, reason = "numbers of events are far below 2^53")]
        gauge!("tandem_audit_outbox_events").set(waiting as f64);
        Ok(())
    }

    /// Sends what waits, and what comes, until the process ends.
    pub async fn forward(self, deliver: Deliver, ending: CancellationToken) {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let is_ending = tokio::select! {
                _ = look.tick() => false,
                () = self.put.notified() => false,
                () = ending.cancelled() => true,
            };
            let sent = self.send_all(&deliver).await;
            if let Err(error) = self.count().await {
                tracing::warn!(
                    error = &error as &dyn Error,
                    "events that wait for the audit log cannot be counted"
                );
            }
            if let Err(error) = sent {
                tracing::warn!(error = &*error as &dyn Error, "events wait for the audit log");
                // Not at once again, however much comes.
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    () = ending.cancelled() => {}
                }
            }
            if is_ending {
                return;
            }
        }
    }

    async fn send_all(&self, deliver: &Deliver) -> Result<(), BoxError> {
        let reader = self.database.reader(Rows::OfEveryTenant);
        let at_most = u32::try_from(BATCH).unwrap_or(u32::MAX);
        loop {
            let messages: Arc<[Message]> = outbox::oldest(&reader, at_most).await?.into();
            if messages.is_empty() {
                return Ok(());
            }
            let events = messages.iter().map(|message| AuditEvent::decode(message.body.as_slice()));
            deliver(events.collect::<Result<_, _>>()?).await?;
            let removed = self.database.write(Rows::OfEveryTenant, |tx| {
                let messages = Arc::clone(&messages);
                Box::pin(async move { outbox::remove(tx, &messages).await })
            });
            removed.await.map_err(|error: StoreError| error)?;
        }
    }
}

impl AuditSink for Outbox {
    fn append<'a>(&'a self, events: &'a [AuditEvent]) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(self.put(events))
    }
}

/// The sink of a service without a database: events wait in memory until the log has them.
#[derive(Clone)]
pub struct Direct(pub Deliver);

impl std::fmt::Debug for Direct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Direct")
    }
}

impl AuditSink for Direct {
    fn append<'a>(&'a self, events: &'a [AuditEvent]) -> BoxFuture<'a, Result<(), BoxError>> {
        (self.0)(events.to_vec())
    }
}
