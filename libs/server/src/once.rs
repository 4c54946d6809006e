//! A request that is repeated with its `request_id` answers as the first did: the record commits with the effect.

use jiff::Timestamp;
use prost::Message;
use sea_orm::DatabaseTransaction;
use tandem_storage::requests::{self, Request};
use tandem_storage::{StoreError, fingerprint};

use crate::failure::Failure;

/// Longest request id, in characters, as the contract says.
const LONGEST: usize = 64;

/// A request, as far as repeating it goes. One without an id stands alone.
#[derive(Debug, Clone)]
pub struct Once {
    request_id: String,
    method: &'static str,
    request_hash: u64,
    at: Timestamp,
}

impl Once {
    /// `request`: what makes it the same request, without its id.
    ///
    /// # Errors
    /// The id is too long.
    pub fn new(
        request_id: &str,
        method: &'static str,
        request: &impl Message,
        at: Timestamp,
    ) -> Result<Self, Failure> {
        let found = request_id.chars().count();
        if found > LONGEST {
            let description = format!("expected at most {LONGEST} characters, found {found}");
            return Err(Failure::field("request_id", description));
        }
        let request_hash = fingerprint(&[&request.encode_to_vec()]);
        Ok(Self { request_id: request_id.to_owned(), method, request_hash, at })
    }

    /// The answer that this request got, if it was served before.
    ///
    /// # Errors
    /// The id was used for another request; the database does not answer.
    pub async fn answered<A: Message + Default>(
        &self,
        tx: &DatabaseTransaction,
        tenant: &str,
    ) -> Result<Option<A>, Failure> {
        let Some(request) = self.request(tenant) else { return Ok(None) };
        let known = requests::recall(tx, &request).await;
        let Some(answer) = known.map_err(|error| Failure::of_recall(&self.request_id, error))? else {
            return Ok(None);
        };
        let damaged = |error| StoreError::corrupt(format!("answer to request {}: {error}", self.request_id));
        Ok(Some(A::decode(answer.as_slice()).map_err(damaged)?))
    }

    /// Keeps the answer with the effect.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn remember(
        &self,
        tx: &DatabaseTransaction,
        tenant: &str,
        answer: &impl Message,
    ) -> Result<(), Failure> {
        if let Some(request) = self.request(tenant) {
            requests::remember(tx, &request, &answer.encode_to_vec(), self.at.as_millisecond()).await?;
        }
        Ok(())
    }

    fn request<'a>(&'a self, tenant: &'a str) -> Option<Request<'a>> {
        let Self { request_id, method, request_hash, .. } = self;
        let named = !request_id.is_empty();
        named.then_some(Request { tenant, request_id, method, request_hash: *request_hash })
    }
}
