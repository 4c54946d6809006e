//! The devices behind a figure, page by page in the order of their names, from the bitmap that is the figure's number.

use std::borrow::Cow;
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
        let mut ordinals = self.first_after(&devices, after, size + 1);
        let more = ordinals.len() > size;
        ordinals.truncate(size);
        let listed = ordinals.into_iter().filter_map(|ordinal| {
            let (device, entry) = (self.roster.id(ordinal)?, self.entry(ordinal)?);
            Some(ListedDevice { device, display_name: entry.display_name.as_str().into() })
        });
        Some(Page { devices: listed.collect(), total: devices.len(), more })
    }

    /// How many of these devices a figure counts.
    pub(crate) fn number(&self, figure: &Figure, within: &RoaringBitmap) -> u64 {
        let id = self.figure_ids.get(figure).map(|id| *id as usize);
        let counted = id.and_then(|id| self.figures.get(id));
        counted.map_or(0, |(_, devices)| devices.intersection_len(within))
    }

    /// The first `count` of these devices in the order of their ids, after `after`.
    ///
    /// Two ways to the same answer. Walking the ids in order meets one device of the figure in `fleet / figure` steps; looking at
    /// each device of the figure takes `figure` steps. The cheaper one needs at most √(count × fleet) steps: some 30,000 for a
    /// page of 1,000 in a fleet of a million.
    fn first_after(&self, devices: &RoaringBitmap, after: Option<&str>, count: usize) -> Vec<u32> {
        let (figure, fleet) = (u128::from(devices.len()), self.len() as u128);
        let counted = |ordinal: &u32| devices.contains(*ordinal);
        if figure * figure > fleet * count as u128 {
            return self.roster.in_order(after).filter(counted).take(count).collect();
        }
        let mut first = self.roster.sorted(devices, after);
        first.truncate(count);
        first
    }
}
