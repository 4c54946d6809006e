//! Takes events to the audit log, which the authority keeps.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;

use tandem_contracts::authority::v1::RecordAuditEventsRequest;
use tandem_contracts::r#type::v1::AuditEvent;

use crate::Connection;

/// What becomes of a delivery: `Ok` once the events are on record.
pub type Delivered = Pin<Box<dyn Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send>>;

/// Delivers to the audit log at the other end. Events may be delivered again.
#[must_use]
pub fn delivery(authority: &Connection) -> Arc<dyn Fn(Vec<AuditEvent>) -> Delivered + Send + Sync> {
    let client = authority.on_own_behalf().audit();
    Arc::new(move |events| {
        let mut client = client.clone();
        Box::pin(async move {
            client.record_audit_events(RecordAuditEventsRequest { events }).await?;
            Ok(())
        })
    })
}
