//! The devices behind a figure, page by page in the order of their names, from the bitmap that is the figure's number.

use std::borrow::Cow;
use std::collections::BinaryHeap;
use std::ops::Bound;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::figure::Figure;
use super::fleet::FleetIndex;

/// A device behind a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedDevice {
    /// Its id.
    pub(crate) device: Arc<str>,
    /// What people call it.
    pub(crate) display_name: String,
}

/// A page of a figure's devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// By id.
    pub(crate) devices: Vec<ListedDevice>,
    /// How many devices the figure counts.
    pub(crate) total: u64,
    /// There are devices after these.
    pub(crate) more: bool,
}

impl FleetIndex {
    /// Up to `size` devices of a figure, within a selection or of the fleet, after the device `after`; `None` for a figure that has
    /// never counted a device.
    pub(crate) fn page(
        &self,
        figure: &Figure,
        within: Option<&RoaringBitmap>,
        after: Option<&str>,
        size: usize,
    ) -> Option<Page> {
        let (_, devices) = self.figures.get(*self.figure_ids.get(figure)? as usize)?;
        let devices = within.map_or(Cow::Borrowed(devices), |within| Cow::Owned(within & devices));
        let mut names = self.names_after(&devices, after, size + 1);
        let more = names.len() > size;
        names.truncate(size);
        let listed = names.into_iter().filter_map(|device| {
            let entry = self.entry(*self.ordinals.get(device)?)?;
            Some(ListedDevice {
                device: Arc::clone(device),
                display_name: entry.display_name.as_ref().into(),
            })
        });
        Some(Page { devices: listed.collect(), total: devices.len(), more })
    }

    /// The first `count` names after `after` of these devices.
    ///
    /// Two ways to the same answer. Walking the names in order meets one device of the figure in `fleet / figure` steps; looking at
    /// each device of the figure takes `figure` steps. The cheaper one needs at most √(count × fleet) steps: some 30,000 for a
    /// page of 1,000 in a fleet of a million.
    fn names_after(&self, devices: &RoaringBitmap, after: Option<&str>, count: usize) -> Vec<&Arc<str>> {
        let (figure, fleet) = (u128::from(devices.len()), self.ordinals.len() as u128);
        if figure * figure > fleet * count as u128 {
            let from = after.map_or(Bound::Unbounded, Bound::Excluded);
            let names = self.ordinals.range::<str, _>((from, Bound::Unbounded));
            let counted = names.filter(|(_, ordinal)| devices.contains(**ordinal));
            return counted.take(count).map(|(device, _)| device).collect();
        }
        let mut first: BinaryHeap<&Arc<str>> = BinaryHeap::with_capacity(count + 1);
        let names = devices.iter().filter_map(|ordinal| Some(&self.entry(ordinal)?.device));
        for name in names.filter(|name| after.is_none_or(|after| name.as_ref() > after)) {
            first.push(name);
            if first.len() > count {
                first.pop();
            }
        }
        first.into_sorted_vec()
    }
}
