//! Resource names and page sizes, as handlers read them from requests.
//!
//! A name is checked against its documented pattern here; whether its ids have the shape of their kind is for the domain's types.

use std::fmt;

use crate::caller::{named, reach_in};
use crate::failure::Failure;
use crate::grant::Reach;

/// Items of a page when the request leaves `page_size` at 0.
pub const DEFAULT_PAGE_SIZE: usize = 100;

/// Most items of a page: a page of the largest resource stays well within the message limit.
pub const MAX_PAGE_SIZE: usize = 1000;

/// Longest id, in bytes: the longest ids of the field (GUIDs with a prefix) have under 50.
const MAX_ID: usize = 128;

/// Longest name repeated in an error, in characters.
const MAX_SHOWN: usize = 80;

/// Takes a resource name apart.
///
/// `pattern` is the documented one: literal parts and ids in braces, such as `tenants/{t}/devices/{d}`. `N` is the number of ids.
/// An id is 1 to 128 visible ASCII characters without `/`.
///
/// # Errors
/// A violation of `field` that says which pattern was expected and what was found; [`Failure::TenantDenied`] where the name is in a
/// tenant in which the caller may not act, [`Failure::ScopeDenied`] where it is in a part of the tenant that the caller does not reach.
pub fn parse<'a, const N: usize>(field: &str, pattern: &str, name: &'a str) -> Result<[&'a str; N], Failure> {
    let ids = ids::<N>(pattern, name).ok_or_else(|| {
        let mut shown: String = name.chars().take(MAX_SHOWN).collect();
        if shown.len() < name.len() {
            shown.push('…');
        }
        Failure::field(field, format!("expected `{pattern}`, found `{shown}`"))
    })?;
    if let Some(tenant) = ids.first().filter(|_| pattern.starts_with(TenantName::PATTERN)) {
        check_reach(&reach_in(tenant)?, pattern, name)?;
        named(name);
    }
    Ok(ids)
}

/// What whoever this task works for reaches of the tenant of that id.
///
/// # Errors
/// Nothing of it, or less than the call needs; or the caller is limited by too many names.
pub fn reach(tenant: &str) -> Result<Reach, Failure> {
    reach_in(tenant)
}

/// Refuses a name in a hierarchy, or of a collection, that is not reached.
fn check_reach(reach: &Reach, pattern: &str, name: &str) -> Result<(), Failure> {
    if *reach == Reach::Whole {
        return Ok(());
    }
    let after_tenant = name.splitn(3, '/').nth(2).unwrap_or_default();
    let part = |kind| {
        let at = pattern.split('/').position(|part| part == kind)?;
        name.split('/').nth(at + 1)
    };
    let hierarchy = part("hierarchies");
    let is_reached = match part("collections") {
        Some(_) => reach.has_collection(hierarchy, after_tenant),
        None => hierarchy.is_none_or(|hierarchy| reach.has_hierarchy(hierarchy)),
    };
    if is_reached { Ok(()) } else { Err(Failure::ScopeDenied { name: name.to_owned() }) }
}

fn ids<'a, const N: usize>(pattern: &str, name: &'a str) -> Option<[&'a str; N]> {
    let mut found = [""; N];
    let mut places = found.iter_mut();
    let mut parts = name.split('/');
    for expected in pattern.split('/') {
        let part = parts.next()?;
        if expected.starts_with('{') && expected.ends_with('}') {
            if !is_id(part) {
                return None;
            }
            *places.next()? = part;
        } else if part != expected {
            return None;
        }
    }
    (parts.next().is_none() && places.next().is_none()).then_some(found)
}

fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// The name of a tenant, `tenants/{t}`, and what of it is reached by whoever named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantName {
    name: String,
    reach: Reach,
}

impl TenantName {
    /// The pattern of the name.
    pub const PATTERN: &str = "tenants/{t}";

    /// Reads a name from a field of a request.
    ///
    /// # Errors
    /// A violation of `field`.
    pub fn parse(field: &str, name: &str) -> Result<Self, Failure> {
        let [id] = parse(field, Self::PATTERN, name)?;
        Ok(Self { name: name.to_owned(), reach: reach_in(id)? })
    }

    /// The name of the tenant of an id that was read of a longer name.
    ///
    /// # Errors
    /// The caller may not act in it.
    pub fn of_id(id: &str) -> Result<Self, Failure> {
        Ok(Self { name: format!("tenants/{id}"), reach: reach_in(id)? })
    }

    /// What of it is reached by the caller whose request named it; all of it where no caller did.
    #[must_use]
    pub const fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Refuses a hierarchy that is not reached.
    ///
    /// # Errors
    /// [`Failure::ScopeDenied`].
    pub fn check_hierarchy(&self, hierarchy: &str) -> Result<(), Failure> {
        match self.reach.has_hierarchy(hierarchy) {
            true => Ok(()),
            false => Err(Failure::ScopeDenied { name: format!("{self}/hierarchies/{hierarchy}") }),
        }
    }

    /// The tenant's id: `{t}`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.name.split_once('/').map_or("", |(_, id)| id)
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// How many items a page has: what the request asks for, [`DEFAULT_PAGE_SIZE`] for 0.
///
/// # Errors
/// A violation of `page_size` when it is negative or above [`MAX_PAGE_SIZE`].
pub fn page_size(asked: i32) -> Result<usize, Failure> {
    match usize::try_from(asked) {
        Ok(0) => Ok(DEFAULT_PAGE_SIZE),
        Ok(size) if size <= MAX_PAGE_SIZE => Ok(size),
        _ => Err(Failure::field("page_size", format!("expected 0 to {MAX_PAGE_SIZE}, found {asked}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use tandem_contracts::r#type::v1::{Permission, Reach as DeclaredReach};

    use crate::caller::{CALL, Call};
    use crate::grant::{Grant, Scope, Tenants};
    use crate::principal::Principal;

    const DEVICE: &str = "tenants/{t}/devices/{d}";

    #[test]
    fn name_of_the_pattern_gives_its_ids() {
        assert_eq!(parse("name", DEVICE, "tenants/contoso/devices/7f1c").unwrap(), ["contoso", "7f1c"]);
        assert_eq!(
            parse(
                "name",
                "tenants/{t}/hierarchies/{h}/coManagementPolicy",
                "tenants/a/hierarchies/PS1/coManagementPolicy"
            )
            .unwrap(),
            ["a", "PS1"]
        );
    }

    #[test]
    fn name_of_another_shape_is_a_violation_with_the_pattern() {
        for name in [
            "",
            "tenants/contoso",
            "tenants/contoso/devices/",
            "tenants//devices/7f1c",
            "tenants/contoso/devices/7f1c/",
            "tenants/contoso/device/7f1c",
            "tenants/con toso/devices/7f1c",
            "tenants/contoso/devices/é",
        ] {
            let failure = parse::<2>("name", DEVICE, name).unwrap_err();
            assert_eq!(
                failure.to_string(),
                format!("name: expected `tenants/{{t}}/devices/{{d}}`, found `{name}`")
            );
        }
    }

    #[test]
    fn name_of_any_length_is_repeated_in_part() {
        let failure = parse::<2>("name", DEVICE, &"x".repeat(1_000_000)).unwrap_err();
        let shown = "x".repeat(80);
        assert_eq!(failure.to_string(), format!("name: expected `{DEVICE}`, found `{shown}…`"));
    }

    #[test]
    fn tenant_name_gives_its_id_and_itself() {
        let tenant = TenantName::parse("parent", "tenants/contoso").unwrap();
        assert_eq!((tenant.id(), tenant.as_str()), ("contoso", "tenants/contoso"));
        assert!(TenantName::parse("parent", "tenants/contoso/devices/1").is_err());
    }

    /// A reader of the hierarchy PS1 of contoso, and of a collection of it.
    fn limited() -> Arc<Call> {
        let scope = |hierarchies: &[&str], collections: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            let scope = Scope { hierarchies: owned(hierarchies), collections: owned(collections) };
            Grant::new([Permission::DevicesRead], Tenants::Only(["contoso".to_owned()].into()), scope)
        };
        let grants = vec![scope(&["PS1"], &[]), scope(&["PS2"], &["hierarchies/PS2/collections/A"])];
        let principal = Arc::new(Principal::of_grants("reader", grants));
        Arc::new(Call::new(principal, Permission::DevicesRead, DeclaredReach::Narrowed).unwrap())
    }

    #[tokio::test]
    async fn name_that_its_caller_does_not_reach_is_refused_while_they_are_served() {
        let refused = CALL
            .scope(limited(), async {
                let names = [
                    (DEVICE, "tenants/contoso/devices/7f1c"),
                    (DEVICE, "tenants/fabrikam/devices/7f1c"),
                    ("tenants/{t}/hierarchies/{h}/sites/{s}", "tenants/contoso/hierarchies/PS1/sites/PS1"),
                    ("tenants/{t}/hierarchies/{h}/sites/{s}", "tenants/contoso/hierarchies/PS3/sites/PS1"),
                    (COLLECTION, "tenants/contoso/hierarchies/PS2/collections/A"),
                    (COLLECTION, "tenants/contoso/hierarchies/PS2/collections/B"),
                ];
                names.map(|(pattern, name)| ids_of(pattern, name).err().map(|failure| failure.to_string()))
            })
            .await;
        let outside = |name: &str| {
            Some(format!(
                "the caller's permission is limited to a part of the tenant that does not cover `{name}`"
            ))
        };
        let expected = [
            None,
            Some("the caller may not act in the tenant `fabrikam`".to_owned()),
            None,
            outside("tenants/contoso/hierarchies/PS3/sites/PS1"),
            None,
            outside("tenants/contoso/hierarchies/PS2/collections/B"),
        ];
        assert_eq!(refused, expected);
        assert!(TenantName::parse("parent", "tenants/fabrikam").is_ok());
    }

    const COLLECTION: &str = "tenants/{t}/hierarchies/{h}/collections/{c}";

    fn ids_of(pattern: &str, name: &str) -> Result<(), Failure> {
        match pattern.matches('{').count() {
            2 => parse::<2>("name", pattern, name).map(drop),
            _ => parse::<3>("name", pattern, name).map(drop),
        }
    }

    #[tokio::test]
    async fn tenant_name_knows_what_of_it_its_caller_reaches() {
        let tenant = CALL.scope(limited(), async { TenantName::parse("parent", "tenants/contoso") }).await;
        let tenant = tenant.unwrap();
        assert_eq!(tenant.reach().parts().map(<[Scope]>::len), Some(2));
        assert!(tenant.check_hierarchy("PS1").is_ok() && tenant.check_hierarchy("PS3").is_err());
        assert_eq!(TenantName::of_id("contoso").unwrap().reach(), &Reach::Whole);
    }

    #[test]
    fn page_size_outside_its_bounds_is_a_violation() {
        assert_eq!([page_size(0).unwrap(), page_size(1).unwrap(), page_size(1000).unwrap()], [100, 1, 1000]);
        assert_eq!(page_size(1001).unwrap_err().to_string(), "page_size: expected 0 to 1000, found 1001");
        assert_eq!(page_size(-1).unwrap_err().to_string(), "page_size: expected 0 to 1000, found -1");
    }
}
