//! The audit log: what every service saw its callers do, in one hash chain per tenant, with heads that are signed and given out.
//!
//! - [`Recorded`]: where the events of this process go.
//! - [`entry`]: an event as the text that is hashed. [`signing`]: who signs heads. [`heads`]: gives them out as chains go on.
//!
//! The chain itself is the domain's ([`tandem_domain::audit`]), its tables are [`crate::store::audit`].

pub(crate) mod entry;
pub(crate) mod heads;
pub(crate) mod signing;

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use tandem_contracts::r#type::v1::AuditEvent;
use tandem_server::audit::AuditSink;
use tandem_server::failure::BoxError;
use tandem_storage::StoreError;

use crate::store::Store;
use crate::store::audit::audit_record;

/// Puts events on record in this service's own database.
#[derive(Debug, Clone)]
pub(crate) struct Recorded(pub(crate) Store);

impl AuditSink for Recorded {
    fn append<'a>(&'a self, events: &'a [AuditEvent]) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(record(&self.0, events.to_vec()).await?) })
    }
}

/// Puts events on record: those of each tenant in one transaction, in their order.
pub(crate) async fn record(store: &Store, events: Vec<AuditEvent>) -> Result<(), StoreError> {
    let mut by_tenant: BTreeMap<String, Vec<AuditEvent>> = BTreeMap::new();
    for event in events {
        let tenant = event.tenant.strip_prefix("tenants/").unwrap_or(&event.tenant).to_owned();
        by_tenant.entry(tenant).or_default().push(event);
    }
    for (tenant, events) in by_tenant {
        audit_record(store, &tenant, events).await?;
    }
    Ok(())
}
