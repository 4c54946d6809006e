//! Who is in which collection: gathered over all pages, because the rows of a collection may lie anywhere.
//!
//! Four bytes a row: a large fleet has some fifteen memberships per device.

use std::collections::{BTreeMap, BTreeSet};

use tandem_domain::id::{CollectionId, InvalidId};

use crate::ledger::SiteKey;

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
    /// Records, ascending, each once; those that are no devices among them.
    pub(crate) rows: Vec<SiteKey>,
    /// Every member is there.
    pub(crate) complete: bool,
}

/// The collections of all hierarchies, as every site's provider lists them.
#[derive(Debug, Default)]
pub(crate) struct MemberLists {
    /// By provider, then by id: its text, so that a row is placed without a copy.
    lists: BTreeMap<usize, BTreeMap<String, List>>,
    /// Providers whose membership pages are not known to be all: a row or a page was refused, more follows, or the records came
    /// without what was around them.
    in_part: BTreeSet<usize>,
}

impl MemberLists {
    fn list(&mut self, provider: usize, id: &str) -> &mut List {
        let lists = self.lists.entry(provider).or_default();
        if !lists.contains_key(id) {
            lists.insert(id.to_owned(), List::default());
        }
        lists.entry(id.to_owned()).or_default()
    }

    /// A collection record.
    pub(crate) fn collection(&mut self, provider: usize, id: &CollectionId, member_count: Option<u64>) {
        self.list(provider, id.as_str()).member_count = member_count;
    }

    /// A record of a collection whose members are no devices.
    pub(crate) fn other_collection(&mut self, provider: usize, id: &CollectionId) {
        self.list(provider, id.as_str()).is_other = true;
    }

    /// A membership. False: the collection's members are no devices.
    ///
    /// # Errors
    /// The id is none.
    pub(crate) fn row(&mut self, provider: usize, id: &str, resource: u32) -> Result<bool, InvalidId> {
        let known = self.lists.get_mut(&provider).and_then(|lists| lists.get_mut(id));
        let list = match known {
            Some(list) => list,
            None => {
                CollectionId::parse(id)?;
                self.list(provider, id)
            }
        };
        if !list.is_other {
            list.rows.push(resource);
        }
        Ok(!list.is_other)
    }

    /// Rows of that provider may be missing, nobody knows of which collection.
    pub(crate) fn in_part(&mut self, provider: usize) {
        self.in_part.insert(provider);
    }

    /// Every collection whose members were read, by hierarchy and id. One with members of which no row was read is not among
    /// them: nobody said who they are. `hierarchies`: of every provider, by its index.
    ///
    /// Several sites' providers each list what they keep: their lists together are complete when each of them is, and none of
    /// the hierarchy's providers lacks one \[derived\].
    pub(crate) fn drain(self, hierarchies: &[usize]) -> impl Iterator<Item = Members> {
        let Self { lists, in_part } = self;
        let mut gathered: BTreeMap<(usize, String), (u32, Members)> = BTreeMap::new();
        for (provider, lists) in lists {
            let hierarchy = hierarchies[provider];
            let whole = !in_part.contains(&provider);
            for (id, list) in lists {
                let Some(read) = Self::members((hierarchy, provider), &id, list, whole) else { continue };
                let (lists, members) = gathered.entry((hierarchy, id)).or_insert_with(|| {
                    (0, Members { hierarchy, collection: read.collection, rows: Vec::new(), complete: true })
                });
                *lists += 1;
                members.complete &= read.complete;
                members.rows.extend(read.rows);
            }
        }
        let providers = hierarchies.iter().fold(BTreeMap::new(), |mut counts, hierarchy| {
            *counts.entry(*hierarchy).or_insert(0_u32) += 1;
            counts
        });
        gathered.into_values().map(move |(lists, mut members)| {
            members.complete &= providers.get(&members.hierarchy) == Some(&lists);
            members
        })
    }

    fn members((hierarchy, provider): (usize, usize), id: &str, list: List, whole: bool) -> Option<Members> {
        let List { mut rows, member_count, is_other } = list;
        rows.sort_unstable();
        rows.dedup();
        if is_other || rows.is_empty() && member_count != Some(0) {
            return None;
        }
        let complete = member_count.map_or(whole, |count| rows.len() as u64 >= count);
        let rows = rows.into_iter().map(|resource| (provider, resource)).collect();
        Some(Members { hierarchy, collection: CollectionId::parse(id).ok()?, rows, complete })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> CollectionId {
        CollectionId::parse(text).unwrap()
    }

    fn read(in_part: bool) -> Vec<(String, Vec<u32>, bool)> {
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
        if in_part {
            lists.in_part(0);
        }
        let resources = |rows: Vec<SiteKey>| rows.into_iter().map(|(_, resource)| resource).collect();
        lists.drain(&[0]).map(|m| (m.collection.to_string(), resources(m.rows), m.complete)).collect()
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
    fn list_without_a_count_is_not_complete_where_pages_are_not_all_there() {
        let complete: Vec<bool> = read(true).into_iter().map(|(_, _, complete)| complete).collect();
        assert_eq!(complete, [false, true, true, false, false]);
    }

    #[test]
    fn lists_of_several_sites_are_one_and_complete_when_each_is() {
        let both = |second: &[u32], third: bool| {
            let mut lists = MemberLists::default();
            for (provider, resources) in [(0, &[1, 2][..]), (1, second)] {
                lists.collection(provider, &id("SMS00001"), Some(2));
                for resource in resources {
                    assert_eq!(lists.row(provider, "SMS00001", *resource), Ok(true));
                }
            }
            let hierarchies = if third { &[4, 4, 4][..] } else { &[4, 4, 5][..] };
            lists.drain(hierarchies).collect::<Vec<_>>()
        };
        let members = |rows: &[SiteKey], complete| {
            [Members { hierarchy: 4, collection: id("SMS00001"), rows: rows.to_vec(), complete }]
        };
        assert_eq!(both(&[2, 7], false), members(&[(0, 1), (0, 2), (1, 2), (1, 7)], true));
        assert_eq!(both(&[7], false), members(&[(0, 1), (0, 2), (1, 7)], false));
        assert_eq!(both(&[], false), members(&[(0, 1), (0, 2)], false));
        assert_eq!(both(&[2, 7], true), members(&[(0, 1), (0, 2), (1, 2), (1, 7)], false));
    }
}
