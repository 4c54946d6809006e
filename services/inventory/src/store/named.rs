//! The numbers of records that lists of members name. A record is in some fifteen lists, so that most of a list was looked up for
//! those before it.

use std::collections::HashMap;

use tokio::sync::OwnedSemaphorePermit;

use super::Store;
use super::lock::LockedTenant;

/// Records that are kept in mind: those of a hierarchy of nearly a million, in some 25 MB. What does not fit is looked up for each list.
const MOST: usize = 7 << 17;

/// Imports that keep numbers at once.
pub(crate) const AT_ONCE: usize = 4;

/// What an import knows of its hierarchy's records from its own batches, as long as nobody else writes to the tenant. Only of those whose
/// keys are resource ids of a site, as those of the exports are.
#[derive(Debug)]
pub(crate) struct Named {
    records: HashMap<Resource, Member>,
    /// The tenant's write by which it knows them.
    write: i64,
    /// `None`: enough others keep numbers.
    place: Option<OwnedSemaphorePermit>,
}

/// A record that a list of members names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) number: i64,
    /// It describes a device.
    pub(crate) is_placed: bool,
}

impl Named {
    /// Of an import that begins.
    pub(crate) fn new(store: &Store) -> Self {
        Self::with_place(store.named.clone().try_acquire_owned().ok())
    }

    fn with_place(place: Option<OwnedSemaphorePermit>) -> Self {
        Self { records: HashMap::new(), write: 0, place }
    }

    /// The records with those keys that are known.
    pub(crate) fn find<'a>(
        &self,
        locked: &LockedTenant,
        keys: impl Iterator<Item = &'a str>,
    ) -> HashMap<&'a str, Member> {
        if locked.write != self.write + 1 {
            return HashMap::new();
        }
        keys.filter_map(|key| Some((key, *self.records.get(&Resource::parse(key)?)?))).collect()
    }

    /// Takes note of records after the commit of the tenant's write of that number, which knew them so.
    pub(crate) fn note<'a>(&mut self, write: i64, records: impl Iterator<Item = (&'a str, Member)>) {
        if write != self.write + 1 {
            self.records.clear();
        }
        self.write = write;
        if self.place.is_none() {
            return;
        }
        for (key, member) in records {
            if self.records.len() == MOST {
                return;
            }
            if let Some(resource) = Resource::parse(key) {
                self.records.insert(resource, member);
            }
        }
    }
}

/// A key that is written `<site code>/<ResourceID>`, in the bytes that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Resource {
    site: [u8; 3],
    id: u32,
}

impl Resource {
    /// Reads a key, unless it would be written in another way.
    fn parse(key: &str) -> Option<Self> {
        let (site, id) = key.split_once('/')?;
        let is_plain = id.bytes().all(|byte| byte.is_ascii_digit()) && (id == "0" || !id.starts_with('0'));
        let resource = || Some(Self { site: site.as_bytes().try_into().ok()?, id: id.parse().ok()? });
        if is_plain { resource() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(named: &Named, write: i64) -> Vec<(&'static str, Member)> {
        let locked = LockedTenant::test(write);
        let keys = ["PS1/16777219", "PS1/16777220"];
        let mut found: Vec<_> = named.find(&locked, keys.into_iter()).into_iter().collect();
        found.sort_unstable_by_key(|(key, _)| *key);
        found
    }

    #[test]
    fn records_are_known_as_long_as_nobody_else_writes() {
        let places = std::sync::Arc::new(tokio::sync::Semaphore::new(1));
        let mut named = Named::with_place(places.try_acquire_owned().ok());
        let one = ("PS1/16777219", Member { number: 1, is_placed: false });
        let other = ("PS1/16777220", Member { number: 2, is_placed: true });
        named.note(5, [one].into_iter());
        assert_eq!(find(&named, 6), [one]);
        assert_eq!(find(&named, 7), [], "write 6 was somebody else's");
        assert_eq!(find(&named, 5), [], "that write was another one before");
        named.note(6, [other].into_iter());
        assert_eq!(find(&named, 7), [one, other]);
        named.note(8, [other].into_iter());
        assert_eq!(find(&named, 9), [other], "write 7 was somebody else's");
    }

    #[test]
    fn import_beyond_the_places_knows_nothing() {
        let mut named = Named::with_place(None);
        named.note(5, [("PS1/16777219", Member { number: 1, is_placed: false })].into_iter());
        assert_eq!(find(&named, 6), []);
    }

    #[test]
    fn only_resource_ids_of_sites_are_kept() {
        let resource = |site: &[u8; 3], id| Some(Resource { site: *site, id });
        for (key, expected) in [
            ("PS1/0", resource(b"PS1", 0)),
            ("XX1/4294967295", resource(b"XX1", u32::MAX)),
            ("PS1/4294967296", None),
            ("PS1/016777219", None),
            ("PS1/+1", None),
            ("PS1/", None),
            ("PS12/1", None),
            ("16777219", None),
            ("", None),
        ] {
            assert_eq!(Resource::parse(key), expected, "{key:?}");
        }
    }
}
