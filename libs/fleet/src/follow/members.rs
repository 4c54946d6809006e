//! Who is in the collections that a reader names.
//!
//! The feed that is followed says that a device changed when it joins or leaves a collection, but not which: a device's facts name
//! the collections of its managing hierarchy alone, neither those of others nor Tandem's own. So the inventory is asked for the
//! members, by the same rule of membership as its own lists have, at least of the world that is counted. Names alone are asked
//! for, and kept for the next page or number while nothing changes.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tandem_contracts::inventory::v1::{ListCollectionMembersRequest, ListCollectionMembersResponse};
use tandem_server::ConsistencyToken;
use tandem_server::consistency::{Mark, Service};
use tandem_server::failure::Failure;

use super::INVENTORY;
use super::judge::{Sources, inventory_of};

/// Members asked for at once: the contract's most.
const PAGE: i32 = 1000;

/// Sets of collections whose members are kept: what is asked for, and what limits who asks. Some 60 MB each at most at a million devices.
const KEPT: usize = 4;

/// The members of some collections, each device once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Members {
    /// Their ids.
    pub(super) devices: BTreeSet<String>,
    /// At least of this world of the inventory.
    pub(super) read_at: Mark,
}

/// The members that were asked for last, the newest last.
#[derive(Debug, Default)]
pub(super) struct KeptMembers(Mutex<VecDeque<(BTreeSet<String>, Arc<Members>)>>);

impl KeptMembers {
    /// The members of those collections, at least of the world that is counted. A collection that nobody made has none.
    ///
    /// # Errors
    /// The inventory does not answer, or breaks its contract.
    pub(super) async fn of(
        &self,
        sources: &Sources,
        collections: &BTreeSet<String>,
        counted: &ConsistencyToken,
    ) -> Result<Arc<Members>, Failure> {
        if let Some(members) = self.kept(collections, counted) {
            return Ok(members);
        }
        let members = Arc::new(read(sources, collections, counted).await?);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(of, _)| of != collections);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back((collections.clone(), Arc::clone(&members)));
        Ok(members)
    }

    /// What is kept, unless more has been counted since it was read.
    fn kept(&self, collections: &BTreeSet<String>, counted: &ConsistencyToken) -> Option<Arc<Members>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, members) = kept.iter().find(|(of, _)| of == collections)?;
        counted.check(Service::Inventory, members.read_at).is_ok().then(|| Arc::clone(members))
    }
}

async fn read(
    sources: &Sources,
    collections: &BTreeSet<String>,
    counted: &ConsistencyToken,
) -> Result<Members, Failure> {
    let asked = inventory_of(counted);
    let mut devices = BTreeSet::new();
    let mut read_at: Option<Mark> = None;
    for collection in collections {
        let mut page_token = String::new();
        while let Some(page) = page(sources, collection, page_token, &asked).await? {
            let mark = ConsistencyToken::parse(&page.consistency_token)?.get(Service::Inventory);
            read_at = [read_at, mark].into_iter().flatten().min_by_key(|mark| mark.revision);
            let ids = page.devices.iter().filter_map(|name| name.rsplit('/').next());
            devices.extend(ids.map(str::to_owned));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
    }
    // None of them is there, or has said its world: it is the one that was asked for.
    let read_at = read_at.or(asked.get(Service::Inventory)).unwrap_or(Mark { incarnation: 0, revision: 0 });
    Ok(Members { devices, read_at })
}

/// A page of a collection's members; `None`: there is no such collection.
async fn page(
    sources: &Sources,
    collection: &str,
    page_token: String,
    asked: &ConsistencyToken,
) -> Result<Option<ListCollectionMembersResponse>, Failure> {
    let request = ListCollectionMembersRequest {
        parent: collection.to_owned(),
        page_size: PAGE,
        page_token,
        consistency_token: asked.to_string(),
    };
    match sources.collections().list_collection_members(request).await {
        Ok(page) => Ok(Some(page.into_inner())),
        Err(status) => match Failure::from_dependency(INVENTORY, status) {
            Failure::NotFound { .. } => Ok(None),
            failure => Err(failure),
        },
    }
}
