//! Resource names and page sizes, as handlers read them from requests.
//!
//! A name is checked against its documented pattern here; whether its ids have the shape of their kind is for the domain's types.

use std::fmt;

use crate::failure::Failure;
use crate::principal::caller_acts_in;

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
/// tenant in which the caller may not act.
pub fn parse<'a, const N: usize>(field: &str, pattern: &str, name: &'a str) -> Result<[&'a str; N], Failure> {
    let ids = ids(pattern, name).and_then(|ids| <[&'a str; N]>::try_from(ids).ok()).ok_or_else(|| {
        let mut shown: String = name.chars().take(MAX_SHOWN).collect();
        if shown.len() < name.len() {
            shown.push('…');
        }
        Failure::field(field, format!("expected `{pattern}`, found `{shown}`"))
    })?;
    match ids.first().filter(|_| pattern.starts_with(TenantName::PATTERN)) {
        Some(tenant) if !caller_acts_in(tenant) => {
            Err(Failure::TenantDenied { tenant: (*tenant).to_owned() })
        }
        _ => Ok(ids),
    }
}

fn ids<'a>(pattern: &str, name: &'a str) -> Option<Vec<&'a str>> {
    let mut found = Vec::new();
    let mut parts = name.split('/');
    for expected in pattern.split('/') {
        let part = parts.next()?;
        if expected.starts_with('{') && expected.ends_with('}') {
            if !is_id(part) {
                return None;
            }
            found.push(part);
        } else if part != expected {
            return None;
        }
    }
    parts.next().is_none().then_some(found)
}

fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// The name of a tenant, `tenants/{t}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantName(String);

impl TenantName {
    /// The pattern of the name.
    pub const PATTERN: &str = "tenants/{t}";

    /// Reads a name from a field of a request.
    ///
    /// # Errors
    /// A violation of `field`.
    pub fn parse(field: &str, name: &str) -> Result<Self, Failure> {
        let [_] = parse(field, Self::PATTERN, name)?;
        Ok(Self(name.to_owned()))
    }

    /// The tenant's id: `{t}`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, id)| id)
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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
    use crate::principal::{CALLER, Principal, Tenants};

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

    #[tokio::test]
    async fn name_in_a_tenant_of_others_is_refused_while_its_caller_is_served() {
        let tenants = Tenants::Only(["contoso".to_owned()].into());
        let caller = std::sync::Arc::new(Principal::of_tenants("reader", [], tenants));
        CALLER
            .scope(caller, async {
                assert!(parse::<2>("name", DEVICE, "tenants/contoso/devices/7f1c").is_ok());
                let refused = parse::<2>("name", DEVICE, "tenants/fabrikam/devices/7f1c").unwrap_err();
                assert_eq!(refused.to_string(), "the caller may not act in the tenant `fabrikam`");
                assert!(TenantName::parse("parent", "tenants/fabrikam").is_err());
            })
            .await;
        assert!(TenantName::parse("parent", "tenants/fabrikam").is_ok());
    }

    #[test]
    fn page_size_outside_its_bounds_is_a_violation() {
        assert_eq!([page_size(0).unwrap(), page_size(1).unwrap(), page_size(1000).unwrap()], [100, 1, 1000]);
        assert_eq!(page_size(1001).unwrap_err().to_string(), "page_size: expected 0 to 1000, found 1001");
        assert_eq!(page_size(-1).unwrap_err().to_string(), "page_size: expected 0 to 1000, found -1");
    }
}
