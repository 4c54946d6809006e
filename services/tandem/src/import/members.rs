//! Collections and their members.

use jiff::Timestamp;
use tandem_client::{AckedStream, Connection};
use tandem_contracts::convert::time;
use tandem_contracts::inventory::v1::{
    ImportCollectionsRequest, ImportCollectionsResponse, ImportedCollection, ImportedMembers,
};
use tandem_domain::id::{CollectionId, HierarchyId, TenantId};
use tonic::Response;

use super::ImportError;

/// What is being done, where that fails.
const STREAM: &str = "importing collections";

/// Keys of one batch: the contract's limit. Each batch touches most pages of the index by record, so few large ones go faster.
const KEYS_AT_ONCE: usize = 100_000;

/// Collections of one batch.
const COLLECTIONS_AT_ONCE: usize = 2_000;

/// Member lists of one batch.
const LISTS_AT_ONCE: usize = 2_000;

/// Streams collections, hierarchy by hierarchy.
pub(super) struct MemberImport {
    connection: Connection,
    tenant: TenantId,
    observed_at: Timestamp,
    open: Option<(HierarchyId, AckedStream<ImportCollectionsRequest, ImportCollectionsResponse>)>,
    batch: ImportCollectionsRequest,
    keys: usize,
    sequence: u64,
    token: String,
}

impl MemberImport {
    pub(super) fn new(connection: &Connection, tenant: &TenantId, observed_at: Timestamp) -> Self {
        Self {
            connection: connection.clone(),
            tenant: tenant.clone(),
            observed_at,
            open: None,
            batch: ImportCollectionsRequest::default(),
            keys: 0,
            sequence: 0,
            token: String::new(),
        }
    }

    pub(super) async fn collection(
        &mut self,
        hierarchy: &HierarchyId,
        id: &CollectionId,
        name: Option<String>,
        limiting: Option<&CollectionId>,
        member_count: Option<u64>,
    ) -> Result<(), ImportError> {
        self.switch(hierarchy).await?;
        self.batch.collections.push(ImportedCollection {
            collection: id.to_string(),
            display_name: name.unwrap_or_default(),
            limiting_collection: limiting.map(ToString::to_string).unwrap_or_default(),
            member_count: member_count.and_then(|count| u32::try_from(count).ok()),
            observed_at: Some(time::to_proto(self.observed_at)),
        });
        if self.batch.collections.len() >= COLLECTIONS_AT_ONCE { self.send().await } else { Ok(()) }
    }

    pub(super) async fn members(
        &mut self,
        hierarchy: &HierarchyId,
        collection: &CollectionId,
        keys: Vec<String>,
        replace: bool,
        complete: bool,
    ) -> Result<(), ImportError> {
        self.switch(hierarchy).await?;
        if self.keys + keys.len() > KEYS_AT_ONCE {
            self.send().await?;
        }
        self.keys += keys.len();
        self.batch.members.push(ImportedMembers {
            collection: collection.to_string(),
            keys,
            replace,
            complete,
        });
        if self.batch.members.len() >= LISTS_AT_ONCE { self.send().await } else { Ok(()) }
    }

    /// Sends what is left. Answers the world that holds everything.
    pub(super) async fn finish(mut self) -> Result<String, ImportError> {
        self.close().await?;
        Ok(self.token)
    }

    async fn switch(&mut self, hierarchy: &HierarchyId) -> Result<(), ImportError> {
        if self.open.as_ref().is_some_and(|(open, _)| open == hierarchy) {
            return Ok(());
        }
        self.close().await?;
        let client = self.connection.collections();
        // A batch that replaces members, sent again after a later one, would take that one's out.
        let stream = AckedStream::open_once(move |requests| {
            let mut client = client.clone();
            async move { client.import_collections(requests).await.map(Response::into_inner) }
        });
        self.batch.parent = format!("tenants/{}/hierarchies/{hierarchy}", self.tenant);
        self.open = Some((hierarchy.clone(), stream));
        Ok(())
    }

    async fn send(&mut self) -> Result<(), ImportError> {
        let Some((_, stream)) = &mut self.open else { return Ok(()) };
        if self.batch.collections.is_empty() && self.batch.members.is_empty() {
            return Ok(());
        }
        self.sequence += 1;
        let parent = self.batch.parent.clone();
        let next = ImportCollectionsRequest { parent, ..ImportCollectionsRequest::default() };
        let batch =
            ImportCollectionsRequest { sequence: self.sequence, ..std::mem::replace(&mut self.batch, next) };
        self.keys = 0;
        let token = &mut self.token;
        stream
            .send(batch, |answer| *token = answer.consistency_token)
            .await
            .map_err(ImportError::of_stream(STREAM))
    }

    async fn close(&mut self) -> Result<(), ImportError> {
        self.send().await?;
        let Some((_, stream)) = self.open.take() else { return Ok(()) };
        let token = &mut self.token;
        stream
            .finish(|answer| *token = answer.consistency_token)
            .await
            .map_err(ImportError::of_stream(STREAM))
    }
}
