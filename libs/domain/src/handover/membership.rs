//! Who comes into a collection and who leaves it: checked once, then made into batches, a sheet and a script.

use std::collections::BTreeSet;

use super::cmdlets::{CmdletSupport, CmdletsUnsafe};
use super::{powershell, sheet};
use crate::id::CollectionId;

/// Rules per call of a cmdlet. Hundreds in one call failed before 1906 and thousands before 2107; 100 stays
/// below either figure, so that no batch rests on a repair, and a batch that fails leaves a list that a
/// person can look through \[derived\].
const BATCH: usize = 100;

/// A device as the site knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member {
    /// `ResourceID`: unique within the site only.
    pub resource_id: u32,
    /// Its name; not unique, and shown to people only.
    pub name: String,
}

/// What shall change in one collection, as a caller asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipChange {
    /// The collection's id.
    pub collection: CollectionId,
    /// Its name; shown to people only.
    pub collection_name: String,
    /// Devices that get a direct rule.
    pub add: Vec<Member>,
    /// Devices whose direct rule goes.
    pub remove: Vec<Member>,
}

/// A change of members that cannot be carried out as it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMembership {
    /// Direct rules cannot be added to built-in collections.
    #[error(
        "expected a collection of your own, found the built-in collection {collection}: its id starts \
     with SMS"
    )]
    BuiltInCollection {
        /// The collection.
        collection: CollectionId,
    },
    /// The cmdlet takes signed 32-bit numbers.
    #[error("{collection}: expected resource ids from 1 to {}, found {resource_id}", i32::MAX)]
    ResourceIdOutOfRange {
        /// The collection.
        collection: CollectionId,
        /// The number as given.
        resource_id: u32,
    },
    /// One device cannot come and go at once.
    #[error("{collection}: expected resource {resource_id} to be added or removed, found both")]
    AddedAndRemoved {
        /// The collection.
        collection: CollectionId,
        /// The device.
        resource_id: u32,
    },
    /// Two changes of one collection contradict each other or depend on their order.
    #[error("expected one change per collection, found two of {collection}")]
    CollectionTwice {
        /// The collection.
        collection: CollectionId,
    },
}

/// What happens to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MembershipAction {
    /// It gets a direct rule.
    Add,
    /// Its direct rule goes.
    Remove,
}

impl MembershipAction {
    /// Both, in the order of sheets and scripts.
    pub const ALL: [Self; 2] = [Self::Add, Self::Remove];

    /// The word that sheets use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
        }
    }
}

/// The work on one collection: at least one member, each of them once, by rising resource id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipWork {
    collection: CollectionId,
    collection_name: String,
    add: Vec<Member>,
    remove: Vec<Member>,
    cmdlets: CmdletSupport,
}

impl MembershipWork {
    fn new(change: &MembershipChange, cmdlets: &CmdletSupport) -> Result<Self, InvalidMembership> {
        let collection = change.collection.clone();
        let built_in = collection.as_str().get(..3).is_some_and(|site| site.eq_ignore_ascii_case("SMS"));
        if built_in {
            return Err(InvalidMembership::BuiltInCollection { collection });
        }
        let (add, remove) = (each_once(&change.add), each_once(&change.remove));
        let usable = |member: &&Member| (1..=i32::MAX.cast_unsigned()).contains(&member.resource_id);
        if let Some(member) = add.iter().chain(&remove).find(|member| !usable(member)) {
            let resource_id = member.resource_id;
            return Err(InvalidMembership::ResourceIdOutOfRange { collection, resource_id });
        }
        let added: BTreeSet<u32> = add.iter().map(|member| member.resource_id).collect();
        if let Some(member) = remove.iter().find(|member| added.contains(&member.resource_id)) {
            let resource_id = member.resource_id;
            return Err(InvalidMembership::AddedAndRemoved { collection, resource_id });
        }
        let collection_name = change.collection_name.clone();
        Ok(Self { collection, collection_name, add, remove, cmdlets: cmdlets.clone() })
    }

    /// The collection's id; never that of a built-in one.
    #[must_use]
    pub fn collection(&self) -> &CollectionId {
        &self.collection
    }

    /// The collection's name.
    #[must_use]
    pub fn collection_name(&self) -> &str {
        &self.collection_name
    }

    /// The members that this happens to, each once, by rising resource id.
    #[must_use]
    pub fn members(&self, action: MembershipAction) -> &[Member] {
        match action {
            MembershipAction::Add => &self.add,
            MembershipAction::Remove => &self.remove,
        }
    }

    /// The same members in calls of at most 100.
    pub fn batches(&self, action: MembershipAction) -> impl Iterator<Item = &[Member]> {
        self.members(action).chunks(BATCH)
    }

    /// One row per member: `collection_id,collection_name,action,resource_id,device_name`, with a header, by
    /// RFC 4180.
    ///
    /// A name that a spreadsheet would take for a formula has an apostrophe in front, and so has one that
    /// begins with an apostrophe: whoever reads the sheet back takes exactly one away.
    #[must_use]
    pub fn csv(&self) -> String {
        sheet::write(std::slice::from_ref(self))
    }

    /// A PowerShell script that does it; pure ASCII, with `-WhatIf`, and harmless when run again. It goes by
    /// resource ids: the names of devices are in [`Self::csv`] alone.
    ///
    /// # Errors
    /// [`CmdletsUnsafe`] on a site whose version is known to lose or refuse rules.
    pub fn script(&self) -> Result<String, CmdletsUnsafe> {
        self.cmdlets.require()?;
        Ok(powershell::membership_script(self))
    }
}

/// Checks every change; those that change nothing are left out.
pub(super) fn work(
    changes: &[MembershipChange],
    cmdlets: &CmdletSupport,
) -> Result<Vec<MembershipWork>, InvalidMembership> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for change in changes {
        if !seen.insert(&change.collection) {
            return Err(InvalidMembership::CollectionTwice { collection: change.collection.clone() });
        }
        let work = MembershipWork::new(change, cmdlets)?;
        if !(work.add.is_empty() && work.remove.is_empty()) {
            all.push(work);
        }
    }
    Ok(all)
}

/// Of a device that is named twice the first name stays.
fn each_once(members: &[Member]) -> Vec<Member> {
    let mut members = members.to_vec();
    members.sort_by_key(|member| member.resource_id);
    members.dedup_by_key(|member| member.resource_id);
    members
}
