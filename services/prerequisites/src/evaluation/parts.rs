//! A fleet taken apart: how its hierarchies, sites and collections stand, or all of it on each path.

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
    /// The last part of the page before.
    pub(crate) after: Option<&'a str>,
    pub(crate) page_size: usize,
}

/// The parts that have devices, by name; and whether there are more.
pub(crate) fn summaries(index: &FleetIndex<Number>, asked: &PartsAsked<'_>) -> (Vec<PartSummary>, bool) {
    if asked.part == FleetPart::Path {
        // Five at most: they are one page, whatever its size.
        let of_path = |path| PartSummary {
            name: String::new(),
            path,
            summary: FleetSummary::of(path, &index.numbers_of(asked.within, of(path))),
        };
        return (Path::ALL.map(of_path).into(), false);
    }
    let mut parts = parts(index, asked);
    if let Some(after) = asked.after {
        parts.retain(|name, _| name.as_str() > after);
    }
    let more = parts.len() > asked.page_size;
    let page = parts.into_iter().take(asked.page_size).map(|(name, devices)| {
        let numbers = index.numbers_of(Some(&devices), of(asked.path));
        PartSummary { name, path: asked.path, summary: FleetSummary::of(asked.path, &numbers) }
    });
    (page.collect(), more)
}

/// Whether a number is one of a summary on that path.
fn of(path: Path) -> impl Fn(&Number) -> bool {
    move |number| match number {
        Number::Devices | Number::Eligibility(_) | Number::EligibleUnverified => true,
        Number::StoppedBy(..) => false,
        number => number.path() == Some(path),
    }
}

/// The devices of each part, none of them empty.
fn parts(index: &FleetIndex<Number>, asked: &PartsAsked<'_>) -> BTreeMap<String, RoaringBitmap> {
    let mut parts: BTreeMap<String, RoaringBitmap> = BTreeMap::new();
    match asked.part {
        FleetPart::Hierarchy | FleetPart::Site | FleetPart::Path => {
            for (traits, devices) in index.alike() {
                *parts.entry(name(asked, traits)).or_default() |= devices;
            }
        }
        FleetPart::Collection => {
            for (hierarchy, collection, devices) in index.memberships().collections() {
                let name = format!("hierarchies/{hierarchy}/collections/{collection}");
                // Who may not see a collection is not told that there is one by what they see of its members.
                if asked.tenant.reach().has_collection(Some(hierarchy.as_str()), &name) {
                    parts.insert(format!("{}/{name}", asked.tenant), devices.clone());
                }
            }
        }
    }
    if let Some(within) = asked.within {
        parts.values_mut().for_each(|devices| *devices &= within);
        parts.retain(|_, devices| !devices.is_empty());
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
