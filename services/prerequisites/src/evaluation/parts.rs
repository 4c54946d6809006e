//! A fleet taken apart: how its hierarchies, sites and collections stand, or all of it on each path.

use std::borrow::Cow;
use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use tandem_domain::filter::DeviceTraits;
use tandem_domain::prerequisites::Path;
use tandem_fleet::FleetIndex;
use tandem_server::names::TenantName;

use super::number::Number;
use crate::summary::FleetSummary;

/// By what a fleet is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FleetPart {
    /// By managing hierarchy.
    Hierarchy,
    /// By assigned site.
    Site,
    /// By collection of the managing hierarchy.
    Collection,
    /// By path: the same devices on each.
    Path,
}

/// How a part stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartSummary {
    /// Its resource name. Empty: the devices of none, or by path.
    pub(crate) name: String,
    /// The path that is counted.
    pub(crate) path: Path,
    /// Its numbers.
    pub(crate) summary: FleetSummary,
}

/// Most parts of a page: the index is read, and not changed, while they are counted.
const MOST_PARTS: usize = 100;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct PartsAsked<'a> {
    /// Names parts, and says which collections may be seen.
    pub(crate) tenant: &'a TenantName,
    pub(crate) part: FleetPart,
    /// The path that is counted, unless by path.
    pub(crate) path: Path,
    /// The devices that are counted. `None`: every device.
    pub(crate) within: Option<&'a RoaringBitmap>,
    /// Where the page before ended: a part's name, or a path's id.
    pub(crate) after: Option<&'a str>,
    pub(crate) page_size: usize,
}

/// A page of the parts that have devices, by name; by path in the order of the paths. And where it ended, if there are more.
pub(crate) fn summaries(
    index: &FleetIndex<Number>,
    asked: &PartsAsked<'_>,
) -> (Vec<PartSummary>, Option<String>) {
    let size = asked.page_size.min(MOST_PARTS);
    if asked.part == FleetPart::Path {
        let from = Path::ALL.iter().position(|path| Some(path.id()) == asked.after).map_or(0, |at| at + 1);
        let mut paths = Path::ALL.into_iter().skip(from);
        let page = paths.by_ref().take(size).map(|path| {
            let summary = FleetSummary::of(path, &index.numbers_of(asked.within, of(path)));
            PartSummary { name: String::new(), path, summary }
        });
        let page: Vec<PartSummary> = page.collect();
        let ended = page.last().filter(|_| paths.next().is_some()).map(|last| last.path.id().to_owned());
        return (page, ended);
    }
    let parts = parts(index, asked);
    let within = |(name, devices): (String, Cow<'_, RoaringBitmap>)| {
        let devices = match asked.within {
            Some(within) => Cow::Owned(&*devices & within),
            None => devices,
        };
        (!devices.is_empty()).then(|| {
            let numbers = index.numbers_of(Some(&devices), of(asked.path));
            PartSummary { name, path: asked.path, summary: FleetSummary::of(asked.path, &numbers) }
        })
    };
    let rest = parts.into_iter().filter(|(name, _)| asked.after.is_none_or(|after| name.as_str() > after));
    let mut page: Vec<PartSummary> = rest.filter_map(within).take(size + 1).collect();
    let more = page.len() > size;
    page.truncate(size);
    let ended = page.last().filter(|_| more).map(|last| last.name.clone());
    (page, ended)
}

/// Whether a number is one of a summary on that path.
fn of(path: Path) -> impl Fn(&Number) -> bool {
    move |number| match number {
        Number::Devices | Number::Eligibility(_) | Number::EligibleUnverified => true,
        Number::StoppedBy(..) => false,
        number => number.path() == Some(path),
    }
}

/// The devices of each part, of the whole fleet.
fn parts<'a>(
    index: &'a FleetIndex<Number>,
    asked: &PartsAsked<'_>,
) -> BTreeMap<String, Cow<'a, RoaringBitmap>> {
    let mut parts: BTreeMap<String, Cow<'a, RoaringBitmap>> = BTreeMap::new();
    match asked.part {
        FleetPart::Hierarchy | FleetPart::Site | FleetPart::Path => {
            for (traits, devices) in index.alike() {
                *parts.entry(name(asked, traits)).or_default().to_mut() |= devices;
            }
        }
        FleetPart::Collection => {
            for (hierarchy, collection, devices) in index.memberships().collections() {
                let name = format!("hierarchies/{hierarchy}/collections/{collection}");
                // Who may not see a collection is not told that there is one by what they see of its members.
                if asked.tenant.reach().has_collection(Some(hierarchy.as_str()), &name) {
                    parts.insert(format!("{}/{name}", asked.tenant), Cow::Borrowed(devices));
                }
            }
        }
    }
    parts
}

fn name(asked: &PartsAsked<'_>, traits: &DeviceTraits) -> String {
    match (&traits.hierarchy, &traits.site, asked.part) {
        (Some(hierarchy), Some(site), FleetPart::Site) => {
            format!("{}/hierarchies/{hierarchy}/sites/{site}", asked.tenant)
        }
        (Some(hierarchy), _, FleetPart::Hierarchy) => format!("{}/hierarchies/{hierarchy}", asked.tenant),
        _ => String::new(),
    }
}
