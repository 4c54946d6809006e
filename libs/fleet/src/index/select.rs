//! Which devices a reader asks about, as a bitmap to intersect the sets of the keys with.
//!
//! A filter's conditions are decided once for each set of traits that devices share, by the domain; names are looked at one by one, of
//! the devices that the other conditions leave.

use std::hash::Hash;

use roaring::{MultiOps, RoaringBitmap};
use tandem_domain::filter::DeviceFilter;

use super::FleetIndex;

impl<K: Clone + Eq + Hash> FleetIndex<K> {
    /// The devices that a filter takes; `None`: every device. `members`: the ids of those who are in a collection that was asked for;
    /// `None`: no collection was.
    #[must_use]
    pub fn select<'a>(
        &self,
        filter: &DeviceFilter,
        members: Option<impl IntoIterator<Item = &'a str>>,
    ) -> Option<RoaringBitmap> {
        if *filter == DeviceFilter::default() && members.is_none() {
            return None;
        }
        let alike = self.alike.iter().filter(|(traits, _)| filter.takes(traits));
        let mut selected = alike.map(|(_, devices)| devices).union();
        if let Some(members) = members {
            selected &=
                members.into_iter().filter_map(|id| self.roster.ordinal(id)).collect::<RoaringBitmap>();
        }
        if let Some(search) = filter.name_search() {
            let named =
                |ordinal: &u32| self.entry(*ordinal).is_some_and(|entry| search.takes(&entry.display_name));
            selected = selected.iter().filter(named).collect();
        }
        Some(selected)
    }
}
