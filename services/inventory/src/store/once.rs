//! Requests that are repeated with the same `request_id` answer as the first did: the record commits with the effect.

use std::sync::Arc;

use jiff::Timestamp;
use prost::Message;
use sea_orm::DatabaseTransaction;
use tandem_server::failure::Failure;
use tandem_storage::BoxFuture;
use tandem_storage::requests::{self, Request};

use super::Store;
use super::lock::{Changed, LockedTenant, lock_tenant, unlock_tenant};

/// Longest request id, as the contract says.
const LONGEST_ID: usize = 64;

/// The request, as far as repeating it goes. An empty id remembers nothing.
#[derive(Debug, Clone)]
pub(crate) struct Once {
    tenant: String,
    method: &'static str,
    request_id: String,
    request_hash: u64,
    now: Timestamp,
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
        if request_id.len() > LONGEST_ID {
            let found = request_id.len();
            return Err(Failure::field(
                "request_id",
                format!("expected at most {LONGEST_ID} bytes; found {found}"),
            ));
        }
        Ok(Self {
            tenant: tenant.to_owned(),
            method,
            request_id: request_id.to_owned(),
            request_hash: tandem_storage::fingerprint(&[&request.encode_to_vec()]),
            now,
        })
    }

    fn request(&self) -> Option<Request<'_>> {
        let Self { tenant, method, request_id, request_hash, .. } = self;
        (!request_id.is_empty()).then_some(Request {
            tenant,
            request_id,
            method,
            request_hash: *request_hash,
        })
    }

    /// The answer that this request was given before.
    pub(crate) async fn answered<A: Message + Default>(
        &self,
        tx: &DatabaseTransaction,
    ) -> Result<Option<A>, Failure> {
        let Some(request) = self.request() else { return Ok(None) };
        match requests::recall(tx, &request).await {
            Ok(Some(bytes)) => A::decode(bytes.as_slice()).map(Some).map_err(Failure::internal),
            Ok(None) => Ok(None),
            Err(error) => Err(Failure::of_recall(&self.request_id, error)),
        }
    }

    /// Remembers the answer, with the effect.
    pub(crate) async fn remember(
        &self,
        tx: &DatabaseTransaction,
        answer: &impl Message,
    ) -> Result<(), Failure> {
        match self.request() {
            Some(request) => {
                let now = self.now.as_millisecond();
                Ok(requests::remember(tx, &request, &answer.encode_to_vec(), now).await?)
            }
            None => Ok(()),
        }
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
