//! Who is in which collection: gathered over all pages, because the rows of a collection may lie anywhere.
//!
//! Four bytes a row: a large fleet has some fifteen memberships per device.

use std::collections::{BTreeMap, BTreeSet};

use tandem_domain::id::{CollectionId, InvalidId};

/// One collection.
#[derive(Debug, Default)]
struct List {
    rows: Vec<u32>,
    /// `MemberCount`, where a collection record says it.
    member_count: Option<u64>,
    /// A user collection, or another that can be no pilot.
    is_other: bool,
}

/// A collection's members as read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Members {
    pub(crate) hierarchy: usize,
    pub(crate) collection: CollectionId,
    /// ResourceIDs, ascending, each once; records that are no devices among them.
    pub(crate) rows: Vec<u32>,
    /// Every member is there.
    pub(crate) complete: bool,
}

/// The collections of all hierarchies.
#[derive(Debug, Default)]
pub(crate) struct MemberLists {
    /// By hierarchy, then by id: its text, so that a row is placed without a copy.
    lists: BTreeMap<usize, BTreeMap<String, List>>,
    /// Hierarchies of which a membership row or page was refused.
    damaged: BTreeSet<usize>,
}

impl MemberLists {
    fn list(&mut self, hierarchy: usize, id: &str) -> &mut List {
        let lists = self.lists.entry(hierarchy).or_default();
        if !lists.contains_key(id) {
            lists.insert(id.to_owned(), List::default());
        }
        lists.entry(id.to_owned()).or_default()
    }

    /// A collection record.
    pub(crate) fn collection(&mut self, hierarchy: usize, id: &CollectionId, member_count: Option<u64>) {
        self.list(hierarchy, id.as_str()).member_count = member_count;
    }

    /// A record of a collection whose members are no devices.
    pub(crate) fn other_collection(&mut self, hierarchy: usize, id: &CollectionId) {
        self.list(hierarchy, id.as_str()).is_other = true;
    }

    /// A membership. False: the collection's members are no devices.
    ///
    /// # Errors
    /// The id is none.
    pub(crate) fn row(&mut self, hierarchy: usize, id: &str, resource: u32) -> Result<bool, InvalidId> {
        let known = self.lists.get_mut(&hierarchy).and_then(|lists| lists.get_mut(id));
        let list = match known {
            Some(list) => list,
            None => {
                CollectionId::parse(id)?;
                self.list(hierarchy, id)
            }
        };
        if !list.is_other {
            list.rows.push(resource);
        }
        Ok(!list.is_other)
    }

    /// Rows of that hierarchy are missing, nobody knows of which collection.
    pub(crate) fn damaged(&mut self, hierarchy: usize) {
        self.damaged.insert(hierarchy);
    }

    /// Every collection whose members were read, by hierarchy and id. One with members of which no row was read is not among
    /// them: nobody said who they are.
    pub(crate) fn drain(self) -> impl Iterator<Item = Members> {
        let Self { lists, damaged } = self;
        lists.into_iter().flat_map(move |(hierarchy, lists)| {
            let whole = !damaged.contains(&hierarchy);
            lists.into_iter().filter_map(move |(id, list)| Self::members(hierarchy, &id, list, whole))
        })
    }

    fn members(hierarchy: usize, id: &str, list: List, whole: bool) -> Option<Members> {
        let List { mut rows, member_count, is_other } = list;
        rows.sort_unstable();
        rows.dedup();
        if is_other || rows.is_empty() && member_count != Some(0) {
            return None;
        }
        let complete = member_count.map_or(whole, |count| rows.len() as u64 >= count);
        Some(Members { hierarchy, collection: CollectionId::parse(id).ok()?, rows, complete })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> CollectionId {
        CollectionId::parse(text).unwrap()
    }

    fn read(damaged: bool) -> Vec<(String, Vec<u32>, bool)> {
        let mut lists = MemberLists::default();
        lists.collection(0, &id("PS100042"), Some(3));
        lists.collection(0, &id("PS100043"), Some(0));
        lists.collection(0, &id("PS10003F"), Some(431));
        lists.collection(0, &id("PS1000A1"), None);
        lists.collection(0, &id("SMS00001"), Some(612));
        lists.other_collection(0, &id("SMS00002"));
        for (collection, resource) in [
            ("PS100042", 9),
            ("PS10003F", 7),
            ("PS100042", 3),
            ("PS100099", 7),
            ("PS100042", 5),
            ("PS100042", 3),
            ("PS1000A1", 1),
        ] {
            assert_eq!(lists.row(0, collection, resource), Ok(true));
        }
        assert_eq!(lists.row(0, "SMS00002", 1), Ok(false));
        assert!(lists.row(0, "a/b", 1).is_err());
        if damaged {
            lists.damaged(0);
        }
        lists.drain().map(|m| (m.collection.to_string(), m.rows, m.complete)).collect()
    }

    #[test]
    fn list_is_complete_when_as_many_rows_as_members_were_read() {
        let expected = [
            ("PS10003F", vec![7], false),
            ("PS100042", vec![3, 5, 9], true),
            ("PS100043", vec![], true),
            ("PS100099", vec![7], true),
            ("PS1000A1", vec![1], true),
        ];
        assert_eq!(read(false), expected.map(|(c, rows, complete)| (c.to_owned(), rows, complete)));
    }

    #[test]
    fn list_without_a_count_is_not_complete_beside_a_damaged_page() {
        let complete: Vec<bool> = read(true).into_iter().map(|(_, _, complete)| complete).collect();
        assert_eq!(complete, [false, true, true, false, false]);
    }
}
