//! The import stream of a hierarchy's collections: each message is one transaction, acknowledged once it is durable.

use std::sync::{Arc, Mutex};

use futures::{Stream, StreamExt, stream};
use tandem_contracts::convert::time;
use tandem_contracts::inventory::v1::{ImportCollectionsRequest, ImportCollectionsResponse};
use tandem_domain::id::{CollectionId, HierarchyId};
use tandem_server::failure::Failure;
use tandem_server::names;
use tonic::{Status, Streaming};

use super::Handlers;
use super::convert::violations;
use super::tenants::check_display_name;
use crate::store::ingest::nanoseconds;
use crate::store::members::{Import, ImportedCollection, ImportedMembers, import_apply};
use crate::store::named::Named;

/// Most collections of one batch.
const MOST_COLLECTIONS: usize = 5000;

/// Most member keys of one batch: some 2 MB, one transaction of about a second.
const MOST_KEYS: usize = 100_000;

/// Longest key of a record, in characters, as in a section.
const LONGEST_KEY: usize = 256;

/// Where a stream stands.
struct Importing {
    handlers: Handlers,
    incoming: Streaming<ImportCollectionsRequest>,
    parent: Option<(String, HierarchyId)>,
    last_sequence: Option<u64>,
    named: Arc<Mutex<Named>>,
}

/// Answers an import stream, batch by batch, until it ends or breaks its contract.
pub(super) fn acknowledge(
    handlers: Handlers,
    incoming: Streaming<ImportCollectionsRequest>,
) -> impl Stream<Item = Result<ImportCollectionsResponse, Status>> {
    let named = Arc::new(Mutex::new(Named::new(&handlers.store)));
    let start = Importing { handlers, incoming, parent: None, last_sequence: None, named };
    stream::unfold(Some(start), |importing| async move {
        let mut importing = importing?;
        let request = match importing.incoming.next().await? {
            Ok(request) => request,
            Err(status) => {
                let failure = Failure::of_unread(&status)?;
                return Some((Err(failure.into()), None));
            }
        };
        match importing.take(request).await {
            Ok(answer) => Some((Ok(answer), Some(importing))),
            Err(failure) => Some((Err(failure.into()), None)),
        }
    })
}

impl Importing {
    async fn take(
        &mut self,
        request: ImportCollectionsRequest,
    ) -> Result<ImportCollectionsResponse, Failure> {
        let (tenant, hierarchy) = match &self.parent {
            Some(parent) => parent.clone(),
            None => {
                let [tenant, id] = names::parse("parent", "tenants/{t}/hierarchies/{h}", &request.parent)?;
                let id = HierarchyId::parse(id).map_err(|e| Failure::field("parent", e.to_string()))?;
                self.parent.insert((tenant.to_owned(), id)).clone()
            }
        };
        if self.last_sequence.is_some_and(|last| request.sequence <= last) {
            let found = request.sequence;
            return Err(Failure::field(
                "sequence",
                format!("expected more than the batch before; found {found}"),
            ));
        }
        self.last_sequence = Some(request.sequence);
        check_limits(&request)?;
        let sequence = request.sequence;
        let import = read(request, hierarchy)?;
        let store = &self.handlers.store;
        let revision = import_apply(store, &tenant, import, &self.named).await?;
        Ok(ImportCollectionsResponse { sequence, consistency_token: store.token(revision) })
    }
}

fn check_limits(request: &ImportCollectionsRequest) -> Result<(), Failure> {
    let keys = request.members.iter().map(|members| members.keys.len()).sum();
    let limits = [
        ("collections_per_batch", MOST_COLLECTIONS, request.collections.len()),
        ("member_lists_per_batch", MOST_COLLECTIONS, request.members.len()),
        ("member_keys_per_batch", MOST_KEYS, keys),
    ];
    match limits.into_iter().find(|(_, allowed, found)| found > allowed) {
        Some((limit, allowed, found)) => {
            Err(Failure::LimitExceeded { limit, allowed: allowed as u64, found: found as u64 })
        }
        None => Ok(()),
    }
}

fn read(request: ImportCollectionsRequest, hierarchy: HierarchyId) -> Result<Import, Failure> {
    let mut collections = Vec::with_capacity(request.collections.len());
    for (index, collection) in request.collections.into_iter().enumerate() {
        let field = format!("collections[{index}]");
        check_display_name(&format!("{field}.display_name"), &collection.display_name)?;
        let observed_at = collection
            .observed_at
            .map(|at| time::from_proto("observed_at", at))
            .transpose()
            .map_err(|violation| violations(&field, vec![violation]))?;
        collections.push(ImportedCollection {
            id: collection_id(&format!("{field}.collection"), &collection.collection)?,
            display_name: collection.display_name,
            limiting: collection.limiting_collection,
            member_count: collection.member_count,
            observed_at: observed_at.map(nanoseconds),
        });
    }
    let mut members = Vec::with_capacity(request.members.len());
    for (index, list) in request.members.into_iter().enumerate() {
        let field = format!("members[{index}]");
        if let Some(place) =
            list.keys.iter().position(|key| key.is_empty() || key.chars().count() > LONGEST_KEY)
        {
            let expected = format!("expected 1 to {LONGEST_KEY} characters");
            return Err(Failure::field(format!("{field}.keys[{place}]"), expected));
        }
        members.push(ImportedMembers {
            id: collection_id(&format!("{field}.collection"), &list.collection)?,
            keys: list.keys,
            replace: list.replace,
            complete: list.complete,
        });
    }
    Ok(Import { hierarchy, collections, members })
}

fn collection_id(field: &str, id: &str) -> Result<CollectionId, Failure> {
    CollectionId::parse(id).map_err(|e| Failure::field(field, e.to_string()))
}
