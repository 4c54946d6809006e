//! Which site and collections surround a device.

use std::collections::{BTreeSet, HashMap};

use tandem_domain::facts::{DeviceFacts, Fact};
use tandem_domain::id::{CollectionId, HierarchyId, SiteCode};
use tandem_domain::policy::CoManagementPolicy;
use tandem_domain::site::SiteFacts;

use crate::fleet::{HierarchySurroundings, TenantSurroundings};

fn site(code: &str) -> SiteFacts {
    SiteFacts::unknown(SiteCode::parse(code).unwrap())
}

fn collections() -> BTreeSet<CollectionId> {
    BTreeSet::from([CollectionId::parse("PS100014").unwrap()])
}

/// A tenant whose hierarchy `PS1` has those sites.
fn tenant(codes: &[&str]) -> TenantSurroundings {
    let sites = codes.iter().map(|code| (SiteCode::parse(code).unwrap(), site(code))).collect();
    let hierarchy = HierarchySurroundings { sites, complete_collections: collections() };
    let hierarchies = HashMap::from([(HierarchyId::parse("PS1").unwrap(), hierarchy)]);
    TenantSurroundings { hierarchies, ..TenantSurroundings::default() }
}

/// A device of that hierarchy, whose facts name that site.
fn device(hierarchy: Option<&str>, code: Option<&str>) -> DeviceFacts {
    DeviceFacts {
        hierarchy: hierarchy.map(|id| HierarchyId::parse(id).unwrap()),
        site: code.map(|code| Fact::new(SiteCode::parse(code).unwrap(), 0)),
        ..DeviceFacts::default()
    }
}

#[test]
fn site_is_the_one_that_the_device_names() {
    let tenant = tenant(&["PS1", "PS2"]);
    assert_eq!(tenant.of(&device(Some("PS1"), Some("PS2")), None).site, Some(&site("PS2")));
    assert_eq!(tenant.of(&device(Some("PS1"), None), None).site, None);
}

#[test]
fn site_of_a_device_that_names_none_is_the_only_one_of_its_hierarchy() {
    let tenant = tenant(&["PS1"]);
    assert_eq!(tenant.of(&device(Some("PS1"), None), None).site, Some(&site("PS1")));
    // A site that the inventory does not know is not replaced by another.
    assert_eq!(tenant.of(&device(Some("PS1"), Some("PS9")), None).site, None);
}

#[test]
fn device_without_a_known_hierarchy_has_no_site_and_no_known_collections() {
    let tenant = tenant(&["PS1"]);
    for hierarchy in [None, Some("EU1")] {
        let surroundings = tenant.of(&device(hierarchy, None), None);
        assert_eq!((surroundings.site, surroundings.complete_collections), (None, &BTreeSet::new()));
    }
}

#[test]
fn policy_and_collections_of_the_hierarchy_surround_the_device() {
    let (tenant, policy) = (tenant(&["PS1"]), CoManagementPolicy::default());
    let device = device(Some("PS1"), None);
    let surroundings = tenant.of(&device, Some(&policy));
    assert_eq!((surroundings.policy, surroundings.complete_collections), (Some(&policy), &collections()));
}
