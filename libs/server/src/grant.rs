//! What a principal was given: permissions, the tenants in which they hold, and what of these tenants they cover.
//!
//! As in Configuration Manager, whose users have an administrative scope: roles, limited to parts of the hierarchy and to collections.
//! Several grants add up; none takes anything away.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tandem_contracts::r#type::v1::Permission;

/// The tenants in which a principal may do what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tenants {
    /// Every one, also those that come later.
    All,
    /// Those with these ids.
    Only(BTreeSet<String>),
}

impl Tenants {
    /// Whether the tenant with that id is one of them, whether or not there is one.
    #[must_use]
    pub fn have(&self, tenant: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(tenants) => tenants.contains(tenant),
        }
    }

    /// Those of either.
    #[must_use]
    pub fn and(self, others: &Self) -> Self {
        match (self, others) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Only(mut tenants), Self::Only(others)) => {
                tenants.extend(others.iter().cloned());
                Self::Only(tenants)
            }
        }
    }
}

/// A part of a tenant: what is in one of the hierarchies and in one of the collections.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Ids of hierarchies. Empty: any, and devices of none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub hierarchies: BTreeSet<String>,
    /// Collections by what their names have after `tenants/{t}/`. Empty: any, and devices of none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub collections: BTreeSet<String>,
}

impl Scope {
    /// Whether it is the whole tenant.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.hierarchies.is_empty() && self.collections.is_empty()
    }

    /// How long its names are together, with what stands around them where they are written down.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.hierarchies.iter().chain(&self.collections).map(|name| name.len() + AROUND_A_NAME).sum()
    }

    /// Whether everything that is in the other is in it.
    fn covers(&self, other: &Self) -> bool {
        // Without names there is no limit.
        let within = |names: &BTreeSet<String>, limit: &BTreeSet<String>| {
            limit.is_empty() || (!names.is_empty() && names.is_subset(limit))
        };
        within(&other.hierarchies, &self.hierarchies) && within(&other.collections, &self.collections)
    }

    fn has_hierarchy(&self, hierarchy: &str) -> bool {
        self.hierarchies.is_empty() || self.hierarchies.contains(hierarchy)
    }

    fn has_collection(&self, hierarchy: Option<&str>, collection: &str) -> bool {
        match self.collections.is_empty() {
            true => hierarchy.is_none_or(|hierarchy| self.has_hierarchy(hierarchy)),
            false => self.collections.contains(collection),
        }
    }
}

/// Quotes and a comma.
const AROUND_A_NAME: usize = 3;

/// Permissions that hold somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    permissions: BTreeSet<i32>,
    tenants: Tenants,
    scope: Scope,
}

impl Grant {
    /// These permissions, in these tenants, over that part of each.
    pub fn new(permissions: impl IntoIterator<Item = Permission>, tenants: Tenants, scope: Scope) -> Self {
        Self { permissions: permissions.into_iter().map(i32::from).collect(), tenants, scope }
    }

    /// The tenants in which it holds.
    #[must_use]
    pub const fn tenants(&self) -> &Tenants {
        &self.tenants
    }

    /// What of a tenant it covers.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whether that permission is one of them. `PERMISSION_UNSPECIFIED` is none.
    #[must_use]
    pub fn has(&self, permission: Permission) -> bool {
        permission != Permission::Unspecified && self.permissions.contains(&permission.into())
    }

    /// The same, of no more than one tenant and a part of it.
    #[must_use]
    pub(crate) fn narrowed(&self, tenant: &str, scope: &Scope) -> Option<Self> {
        // Whoever acts for others may do so everywhere; a part of a part is not needed.
        (self.tenants.have(tenant) && self.scope.is_whole()).then(|| Self {
            permissions: self.permissions.clone(),
            tenants: Tenants::Only([tenant.to_owned()].into()),
            scope: scope.clone(),
        })
    }
}

/// What of a tenant a caller reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// All of it.
    Whole,
    /// What is in any of these parts; at least one.
    Parts(Arc<[Scope]>),
}

impl Reach {
    /// The parts, of which none is the whole; `None`: everything.
    #[must_use]
    pub fn parts(&self) -> Option<&[Scope]> {
        match self {
            Self::Whole => None,
            Self::Parts(parts) => Some(parts),
        }
    }

    /// Whether everything that is in the other is in it: each part of that in one of its parts. Parts that cover another only together
    /// do not count, so that it may say no where nothing is lost, and never yes where something is.
    #[must_use]
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self.parts(), other.parts()) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(parts), Some(others)) => {
                others.iter().all(|other| parts.iter().any(|part| part.covers(other)))
            }
        }
    }

    /// Whether anything of that hierarchy is in it.
    #[must_use]
    pub fn has_hierarchy(&self, hierarchy: &str) -> bool {
        self.parts().is_none_or(|parts| parts.iter().any(|part| part.has_hierarchy(hierarchy)))
    }

    /// Whether that collection is in it, by what its name has after `tenants/{t}/`. `hierarchy`: where it was imported from.
    #[must_use]
    pub fn has_collection(&self, hierarchy: Option<&str>, collection: &str) -> bool {
        let has = |part: &Scope| part.has_collection(hierarchy, collection);
        self.parts().is_none_or(|parts| parts.iter().any(has))
    }

    /// The hierarchies of which anything is in it; `None`: every one.
    #[must_use]
    pub fn hierarchies(&self) -> Option<BTreeSet<&str>> {
        let parts = self.parts()?;
        let named = parts.iter().map(|part| Some(&part.hierarchies).filter(|named| !named.is_empty()));
        Some(named.collect::<Option<Vec<_>>>()?.into_iter().flatten().map(String::as_str).collect())
    }

    /// The ids of the collections that are in it, of those imported from a hierarchy, or of Tandem's own; `None`: every one.
    #[must_use]
    pub fn collections(&self, hierarchy: Option<&str>) -> Option<BTreeSet<&str>> {
        let prefix = hierarchy.map_or_else(String::new, |id| format!("hierarchies/{id}/"));
        let parts = self.parts()?;
        let every = |part: &Scope| {
            part.collections.is_empty() && hierarchy.is_none_or(|hierarchy| part.has_hierarchy(hierarchy))
        };
        if parts.iter().any(every) {
            return None;
        }
        let named = parts.iter().flat_map(|part| &part.collections);
        Some(named.filter_map(|name| name.strip_prefix(&*prefix)?.strip_prefix("collections/")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(hierarchies: &[&str], collections: &[&str]) -> Scope {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Scope { hierarchies: owned(hierarchies), collections: owned(collections) }
    }

    #[test]
    fn reach_of_hierarchies_has_their_collections_and_those_of_none() {
        let reach = Reach::Parts([scope(&["PS1"], &[])].into());
        assert_eq!(["PS1", "PS2"].map(|id| reach.has_hierarchy(id)), [true, false]);
        let has = |hierarchy, name| reach.has_collection(hierarchy, name);
        assert_eq!(
            [
                has(Some("PS1"), "hierarchies/PS1/collections/SMS00001"),
                has(Some("PS2"), "hierarchies/PS2/collections/SMS00001"),
                has(None, "collections/pilot"),
            ],
            [true, false, true]
        );
    }

    #[test]
    fn reach_of_collections_has_those_alone_and_sees_every_hierarchy() {
        let reach = Reach::Parts([scope(&[], &["collections/pilot"])].into());
        assert!(reach.has_hierarchy("PS1"));
        assert_eq!(
            [
                (None, "collections/pilot"),
                (None, "collections/other"),
                (Some("PS1"), "hierarchies/PS1/collections/A")
            ]
            .map(|(hierarchy, name)| reach.has_collection(hierarchy, name)),
            [true, false, false]
        );
    }

    #[test]
    fn parts_add_up() {
        let reach = Reach::Parts([scope(&["PS1"], &[]), scope(&["PS2"], &["collections/pilot"])].into());
        assert_eq!(["PS1", "PS2", "PS3"].map(|id| reach.has_hierarchy(id)), [true, true, false]);
        assert!(Reach::Whole.has_hierarchy("PS3") && Reach::Whole.has_collection(None, "collections/any"));
    }

    #[test]
    fn reach_covers_what_it_has_all_of() {
        let parts = |parts: &[Scope]| Reach::Parts(parts.into());
        let ps1 = || parts(&[scope(&["PS1"], &[])]);
        let both = || parts(&[scope(&["PS1", "PS2"], &[])]);
        let pilot = || parts(&[scope(&[], &["collections/pilot"])]);
        let pilot_of_ps1 = || parts(&[scope(&["PS1"], &["collections/pilot"])]);
        for (now, before, covered) in [
            (Reach::Whole, Reach::Whole, true),
            (Reach::Whole, ps1(), true),
            (ps1(), Reach::Whole, false),
            (ps1(), ps1(), true),
            (both(), ps1(), true),
            (ps1(), both(), false),
            (ps1(), pilot(), false),
            (pilot(), ps1(), false),
            (ps1(), pilot_of_ps1(), true),
            (pilot(), pilot_of_ps1(), true),
            (pilot_of_ps1(), ps1(), false),
            (pilot_of_ps1(), pilot(), false),
            (parts(&[scope(&["PS1"], &[]), scope(&["PS2"], &[])]), ps1(), true),
            (ps1(), parts(&[scope(&["PS1"], &[]), scope(&["PS2"], &[])]), false),
        ] {
            assert_eq!(now.covers(&before), covered, "{now:?} of {before:?}");
        }
    }

    #[test]
    fn reach_lists_what_it_has_unless_it_has_everything() {
        let list = |parts: &[Scope], hierarchy: Option<&str>| {
            let reach = Reach::Parts(parts.into());
            let owned = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
            (reach.hierarchies().map(owned), reach.collections(hierarchy).map(owned))
        };
        let some = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let ps1 = scope(&["PS1"], &[]);
        let listed = scope(&["PS2"], &["hierarchies/PS2/collections/A", "collections/pilot"]);
        let both = [ps1.clone(), listed.clone()];
        assert_eq!(list(&both, Some("PS1")), (some(&["PS1", "PS2"]), None));
        assert_eq!(list(&both, Some("PS2")), (some(&["PS1", "PS2"]), some(&["A"])));
        assert_eq!(list(&[listed], None), (some(&["PS2"]), some(&["pilot"])));
        assert_eq!(list(&[ps1, scope(&[], &["collections/pilot"])], Some("PS9")), (None, some(&[])));
    }

    #[test]
    fn tenant_is_known_by_its_whole_id_alone() {
        let tenants = Tenants::Only(["contoso".to_owned()].into());
        let has = ["contoso", "Contoso", "fabrikam", "", "*"].map(|id| tenants.have(id));
        assert_eq!(has, [true, false, false, false, false]);
        assert!(Tenants::All.have("fabrikam"));
    }

    #[test]
    fn tenants_of_either_are_those_of_both() {
        let only = |ids: &[&str]| Tenants::Only(ids.iter().map(|id| (*id).to_owned()).collect());
        assert_eq!(only(&["a"]).and(&only(&["b"])), only(&["a", "b"]));
        assert_eq!(only(&["a"]).and(&Tenants::All), Tenants::All);
    }
}
