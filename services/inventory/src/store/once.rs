//! Requests that are repeated with the same `request_id` answer as the first did: the record commits with the effect.

use std::sync::Arc;

use jiff::Timestamp;
use prost::Message;
use sea_orm::DatabaseTransaction;
use tandem_server::failure::Failure;
use tandem_server::once;
use tandem_storage::BoxFuture;

use super::Store;
use super::lock::{Changed, LockedTenant, lock_tenant, unlock_tenant};

/// The request, as far as repeating it goes, and where it belongs.
#[derive(Debug, Clone)]
pub(crate) struct Once {
    tenant: String,
    request: once::Once,
}

impl Once {
    /// Takes a request apart: where it belongs, its id, and what makes it the same request.
    pub(crate) fn new(
        tenant: &str,
        method: &'static str,
        request_id: &str,
        request: &impl Message,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let request = once::Once::new(request_id, method, request, now)?;
        Ok(Self { tenant: tenant.to_owned(), request })
    }

    /// The answer that this request was given before.
    pub(crate) async fn answered<A: Message + Default>(
        &self,
        tx: &DatabaseTransaction,
    ) -> Result<Option<A>, Failure> {
        self.request.answered(tx, &self.tenant).await
    }

    /// Remembers the answer, with the effect.
    pub(crate) async fn remember(
        &self,
        tx: &DatabaseTransaction,
        answer: &impl Message,
    ) -> Result<(), Failure> {
        self.request.remember(tx, &self.tenant, answer).await
    }
}

impl Store {
    /// Runs a mutation of a tenant: answers a repeated request as before, else changes what is to be changed under the tenant's
    /// lock and remembers the answer. `change` gets the token of the world that it makes.
    pub(crate) async fn mutate<A, F>(&self, once: Once, changed: Changed, change: F) -> Result<A, Failure>
    where
        A: Message + Default + Send + 'static,
        F: for<'c> Fn(
                &'c DatabaseTransaction,
                &'c mut LockedTenant,
                String,
            ) -> BoxFuture<'c, Result<A, Failure>>
            + Send
            + Sync
            + 'static,
    {
        let change = Arc::new(change);
        let tenant = once.tenant.clone();
        let (answer, revision) = self
            .write(&tenant, |tx| {
                let (store, once, change) = (self.clone(), once.clone(), change.clone());
                Box::pin(async move {
                    // Under the lock: a request and its repetition that arrive together have one effect.
                    let mut locked = lock_tenant(tx, &once.tenant).await?;
                    if let Some(answer) = once.answered::<A>(tx).await? {
                        return Ok((answer, 0));
                    }
                    let revision = locked.revision.unsigned_abs();
                    let answer = change(tx, &mut locked, store.token(revision)).await?;
                    unlock_tenant(tx, &locked, changed).await?;
                    once.remember(tx, &answer).await?;
                    Ok((answer, revision))
                })
            })
            .await?;
        self.hint(&tenant, revision);
        Ok(answer)
    }
}
