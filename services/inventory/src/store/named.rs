//! The numbers of records that lists of members name. A record is in some fifteen lists, so that most of a list was looked up for
//! those before it.

use std::collections::HashMap;

use super::lock::LockedTenant;

/// Records that are kept in mind: those of a hierarchy of nearly a million, in some 25 MB. What does not fit is looked up for each list.
const MOST: usize = 7 << 17;

/// What an import knows of its hierarchy's records from its own batches. Only of those whose keys are resource ids of a site, as those of
/// the exports are.
#[derive(Debug, Default)]
pub(crate) struct Named {
    records: HashMap<Resource, Member>,
    /// The tenant's write by which it knows them.
    write: i64,
}

/// A record that a list of members names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) number: i64,
    /// It may describe a device.
    pub(crate) may_be_placed: bool,
}

impl Named {
    /// The records with those keys, as a transaction may rely on them.
    ///
    /// A record keeps its number. That it describes no device is known as long as nobody else wrote to the tenant.
    pub(crate) fn find<'a>(
        &self,
        locked: &LockedTenant,
        keys: impl Iterator<Item = &'a str>,
    ) -> HashMap<&'a str, Member> {
        if locked.write <= self.write {
            // The database was put back to an earlier state.
            return HashMap::new();
        }
        let is_alone = locked.write == self.write + 1;
        let find = |key: &'a str| {
            let Member { number, may_be_placed } = *self.records.get(&Resource::parse(key)?)?;
            Some((key, Member { number, may_be_placed: may_be_placed || !is_alone }))
        };
        keys.filter_map(find).collect()
    }

    /// Takes note of records after the commit of the tenant's write of that number, which knew them so.
    pub(crate) fn note<'a>(&mut self, write: i64, records: impl Iterator<Item = (&'a str, Member)>) {
        if write <= self.write {
            self.records.clear();
        } else if write > self.write + 1 {
            self.records.values_mut().for_each(|member| member.may_be_placed = true);
        }
        self.write = write;
        for (key, member) in records {
            if let Some(resource) = Resource::parse(key)
                && (self.records.len() < MOST || self.records.contains_key(&resource))
            {
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

    fn member(number: i64, may_be_placed: bool) -> Member {
        Member { number, may_be_placed }
    }

    fn find(named: &Named, write: i64, keys: &[&'static str]) -> Vec<(&'static str, Member)> {
        let locked = LockedTenant::test(write);
        let mut found: Vec<_> = named.find(&locked, keys.iter().copied()).into_iter().collect();
        found.sort_unstable_by_key(|(key, _)| *key);
        found
    }

    #[test]
    fn numbers_are_kept_and_places_only_while_nobody_else_writes() {
        let mut named = Named::default();
        named.note(5, [("PS1/16777219", member(1, false)), ("PS1/16777220", member(2, true))].into_iter());
        let keys = ["PS1/16777219", "PS1/16777220", "PS1/16777221"];
        let known = [("PS1/16777219", member(1, false)), ("PS1/16777220", member(2, true))];
        let placed = [("PS1/16777219", member(1, true)), ("PS1/16777220", member(2, true))];
        assert_eq!(find(&named, 6, &keys), known);
        assert_eq!(find(&named, 7, &keys), placed, "write 6 was somebody else's");
        assert_eq!(find(&named, 5, &keys), [], "that write was another one before");
        named.note(7, [("PS1/16777221", member(3, false))].into_iter());
        assert_eq!(find(&named, 8, &keys), [placed[0], placed[1], ("PS1/16777221", member(3, false))]);
        named.note(4, [("PS1/16777219", member(9, false))].into_iter());
        assert_eq!(find(&named, 5, &keys), [("PS1/16777219", member(9, false))]);
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
