//! Which devices: the conditions by which lists, watches, collections and figures choose devices.
//!
//! The inventory asks its database by the same conditions; its tests hold the two against each other. Membership of collections is
//! no trait of a device: whoever keeps the members says who they are.

use std::collections::BTreeSet;

use crate::facts::{DeviceFacts, JoinType, OsKind, copied};
use crate::id::{HierarchyId, SiteCode};
use crate::section::Source;
use crate::state::ManagementState;

/// What a filter looks at of a device, beside its name and the collections that it is in. Many devices share one value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeviceTraits {
    /// How it stands towards its two managers.
    pub state: ManagementState,
    /// The managing hierarchy.
    pub hierarchy: Option<HierarchyId>,
    /// The site that the client is assigned to.
    pub site: Option<SiteCode>,
    /// Who keeps a record of it.
    pub sources: BTreeSet<Source>,
    /// How the directory knows it; `None`: no source says.
    pub join_type: Option<JoinType>,
    /// What kind of system runs on it; `None`: no source says.
    pub os_kind: Option<OsKind>,
    /// The client is installed; `None`: no source says.
    pub client_installed: Option<bool>,
}

impl DeviceTraits {
    /// The traits of a device with these facts, in that state.
    #[must_use]
    pub fn of(facts: &DeviceFacts, state: ManagementState) -> Self {
        Self {
            state,
            hierarchy: facts.hierarchy.clone(),
            site: facts.site.as_ref().map(|site| site.value.clone()),
            sources: facts.sections.iter().map(|section| section.source.clone()).collect(),
            join_type: copied(&facts.join_type),
            os_kind: copied(&facts.os_kind),
            client_installed: copied(&facts.client_installed),
        }
    }
}

/// Conditions on devices. All that are set must hold; of a list's values any may. The default takes every device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceFilter {
    /// Management states. Empty: any.
    pub states: Vec<ManagementState>,
    /// Managing hierarchies. Empty: any, and none.
    pub hierarchies: Vec<HierarchyId>,
    /// Assigned sites. Empty: any, and none.
    pub sites: Vec<SiteCode>,
    /// Sources that keep a record. Empty: any.
    pub sources: Vec<Source>,
    /// The device's name contains this, whatever its case. Empty: whatever its name.
    pub display_name_contains: String,
    /// Join types, `None`: no source says. Empty: any.
    pub join_types: Vec<Option<JoinType>>,
    /// Kinds of system, `None`: no source says. Empty: any.
    pub os_kinds: Vec<Option<OsKind>>,
    /// Whether the client is installed. `None`: whether or not, or unknown.
    pub client_installed: Option<bool>,
}

impl DeviceFilter {
    /// Whether a device with these traits is taken, as far as they say.
    #[must_use]
    pub fn takes(&self, traits: &DeviceTraits) -> bool {
        any_of(&self.states, &traits.state)
            && (self.hierarchies.is_empty()
                || traits.hierarchy.as_ref().is_some_and(|hierarchy| self.hierarchies.contains(hierarchy)))
            && (self.sites.is_empty() || traits.site.as_ref().is_some_and(|site| self.sites.contains(site)))
            && (self.sources.is_empty() || self.sources.iter().any(|source| traits.sources.contains(source)))
            && any_of(&self.join_types, &traits.join_type)
            && any_of(&self.os_kinds, &traits.os_kind)
            && self.client_installed.is_none_or(|wanted| traits.client_installed == Some(wanted))
    }

    /// The condition on names, if there is one.
    #[must_use]
    pub fn name_search(&self) -> Option<NameSearch> {
        (!self.display_name_contains.is_empty()).then(|| NameSearch(folded(&self.display_name_contains)))
    }
}

fn any_of<T: PartialEq>(wanted: &[T], found: &T) -> bool {
    wanted.is_empty() || wanted.contains(found)
}

/// Finds names that contain a text, whatever its case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameSearch(String);

impl NameSearch {
    /// Whether a device of that name is taken. Without a name it is not.
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        folded(name).contains(&self.0)
    }
}

/// A name without its case: names that differ in it alone are alike to a search.
#[must_use]
pub fn folded(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fact;

    fn hierarchy(id: &str) -> HierarchyId {
        HierarchyId::parse(id).unwrap()
    }

    /// A co-managed client in PS1's site EU1 that PS1 and Intune know; nobody says how it is joined.
    fn traits() -> DeviceTraits {
        let facts = DeviceFacts {
            hierarchy: Some(hierarchy("PS1")),
            site: Some(Fact::new(SiteCode::parse("EU1").unwrap(), 0)),
            os_kind: Some(Fact::new(OsKind::Client, 0)),
            client_installed: Some(Fact::new(true, 0)),
            sections: ["configmgr/PS1", "intune", "intune"]
                .into_iter()
                .zip([
                    crate::section::SectionKind::Discovery,
                    crate::section::SectionKind::ManagedDeviceV1,
                    crate::section::SectionKind::ManagedDeviceBeta,
                ])
                .map(|(source, kind)| crate::facts::SectionStamp {
                    source: source.parse().unwrap(),
                    kind,
                    key: "k".into(),
                    observed_at: jiff::Timestamp::UNIX_EPOCH,
                })
                .collect(),
            ..DeviceFacts::default()
        };
        DeviceTraits::of(&facts, ManagementState::CoManaged)
    }

    #[test]
    fn traits_are_what_the_facts_say() {
        let expected = DeviceTraits {
            state: ManagementState::CoManaged,
            hierarchy: Some(hierarchy("PS1")),
            site: Some(SiteCode::parse("EU1").unwrap()),
            sources: BTreeSet::from([Source::ConfigMgr(hierarchy("PS1")), Source::Intune]),
            join_type: None,
            os_kind: Some(OsKind::Client),
            client_installed: Some(true),
        };
        assert_eq!(traits(), expected);
    }

    #[test]
    fn every_condition_that_is_set_must_hold_and_of_a_list_any_may() {
        let all = DeviceFilter::default;
        let site = |code| SiteCode::parse(code).unwrap();
        for (filter, expected) in [
            (all(), true),
            (
                DeviceFilter { states: vec![ManagementState::Failed, ManagementState::CoManaged], ..all() },
                true,
            ),
            (DeviceFilter { states: vec![ManagementState::Failed], ..all() }, false),
            (DeviceFilter { hierarchies: vec![hierarchy("EU1"), hierarchy("PS1")], ..all() }, true),
            (DeviceFilter { hierarchies: vec![hierarchy("EU1")], ..all() }, false),
            (DeviceFilter { sites: vec![site("EU1")], ..all() }, true),
            (DeviceFilter { sites: vec![site("PS1")], ..all() }, false),
            (DeviceFilter { sources: vec![Source::Entra, Source::Intune], ..all() }, true),
            (DeviceFilter { sources: vec![Source::ConfigMgr(hierarchy("EU1"))], ..all() }, false),
            (DeviceFilter { join_types: vec![Some(JoinType::HybridJoined), None], ..all() }, true),
            (DeviceFilter { join_types: vec![Some(JoinType::HybridJoined)], ..all() }, false),
            (DeviceFilter { os_kinds: vec![Some(OsKind::Client)], ..all() }, true),
            (DeviceFilter { os_kinds: vec![Some(OsKind::Server), None], ..all() }, false),
            (DeviceFilter { client_installed: Some(true), ..all() }, true),
            (DeviceFilter { client_installed: Some(false), ..all() }, false),
            (
                DeviceFilter {
                    states: vec![ManagementState::CoManaged],
                    hierarchies: vec![hierarchy("EU1")],
                    ..all()
                },
                false,
            ),
        ] {
            assert_eq!(filter.takes(&traits()), expected, "{filter:?}");
        }
    }

    #[test]
    fn condition_that_nobody_answers_is_not_met() {
        let unknown = DeviceTraits {
            hierarchy: None,
            site: None,
            sources: BTreeSet::new(),
            os_kind: None,
            client_installed: None,
            ..traits()
        };
        for filter in [
            DeviceFilter { hierarchies: vec![hierarchy("PS1")], ..DeviceFilter::default() },
            DeviceFilter { sites: vec![SiteCode::parse("EU1").unwrap()], ..DeviceFilter::default() },
            DeviceFilter { sources: vec![Source::Intune], ..DeviceFilter::default() },
            DeviceFilter { os_kinds: vec![Some(OsKind::Client)], ..DeviceFilter::default() },
            DeviceFilter { client_installed: Some(false), ..DeviceFilter::default() },
        ] {
            assert!(!filter.takes(&unknown), "{filter:?}");
        }
    }

    #[test]
    fn names_are_searched_whatever_their_case() {
        let search = |text: &str| {
            DeviceFilter { display_name_contains: text.into(), ..DeviceFilter::default() }.name_search()
        };
        assert_eq!(search(""), None);
        let takes = |text: &str, name: &str| search(text).unwrap().takes(name);
        assert!(takes("sL-2", "OSL-2417") && takes("TÜR", "Tür-1") && !takes("_", "OSL-1"));
        assert!(!takes("osl", ""));
    }
}
