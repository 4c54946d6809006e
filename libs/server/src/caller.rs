//! Who calls, as far as the work on their request can see: while a handler and its answer's stream run, the call is known to all that they do.
//!
//! A name of a tenant, hierarchy or collection that the call does not reach is refused where it is read ([`crate::names`]), so that no
//! handler can forget to ask. What of a tenant a call reaches comes with the tenant's name ([`crate::names::TenantName::reach`]).
//!
//! A service that asks another while it works on a call says for whom ([`on_behalf`]): it reaches there what its caller reaches here, of the
//! tenant that the call is about, and no more.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use tandem_contracts::r#type::v1::{Permission, Reach as DeclaredReach};

use crate::failure::Failure;
use crate::grant::{Grant, Reach, Scope, Tenants};
use crate::principal::Principal;

/// Longest that the names together may be which limit one caller in one tenant: they travel in a header, where they take a third more; all
/// headers together have 32 KiB, of which a token may take 16.
pub const MOST_SCOPE_BYTES: usize = 8 * 1024;

/// The header that says for whom a service calls.
pub const ON_BEHALF: HeaderName = HeaderName::from_static("tandem-on-behalf-of");

tokio::task_local! {
    /// The call that this task works on.
    pub(crate) static CALL: Arc<Call>;
}

/// A call of a caller who may make it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) principal: Arc<Principal>,
    permission: Permission,
    reach: DeclaredReach,
    /// The tenant that the call is about: that of the first name that was read.
    about: OnceLock<(String, Reach)>,
    /// How it came, for the audit log. `None`: it is not put on record.
    seen: Option<Seen>,
}

/// What the audit log is told of a call.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) method: Arc<str>,
    /// The address at the other end. `None`: the same process.
    pub(crate) origin: Option<IpAddr>,
    /// The first resource that was named.
    resource: OnceLock<String>,
    /// The handler has put it on record itself.
    is_recorded: AtomicBool,
}

impl Seen {
    pub(crate) fn new(method: Arc<str>, origin: Option<IpAddr>) -> Self {
        Self { method, origin, resource: OnceLock::new(), is_recorded: AtomicBool::new(false) }
    }

    pub(crate) fn resource(&self) -> String {
        self.resource.get().cloned().unwrap_or_default()
    }

    pub(crate) fn set_recorded(&self) {
        self.is_recorded.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_recorded(&self) -> bool {
        self.is_recorded.load(Ordering::Relaxed)
    }
}

/// What of a tenant is not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    /// Anything.
    Tenant,
    /// What the call needs: all of it, or all of a hierarchy.
    Part,
}

impl Call {
    /// A call that needs a permission over so much.
    ///
    /// # Errors
    /// The caller holds that permission nowhere.
    pub(crate) fn new(
        principal: Arc<Principal>,
        permission: Permission,
        reach: DeclaredReach,
    ) -> Result<Self, Failure> {
        if !principal.may(permission) || reach == DeclaredReach::Unspecified {
            return Err(Failure::PermissionDenied { permission });
        }
        Ok(Self { principal, permission, reach, about: OnceLock::new(), seen: None })
    }

    /// The same, to be put on record.
    #[must_use]
    pub(crate) fn seen_as(self, seen: Option<Seen>) -> Self {
        Self { seen, ..self }
    }

    pub(crate) const fn seen(&self) -> Option<&Seen> {
        self.seen.as_ref()
    }

    /// The id of the tenant that it is about; `None`: no name was read yet.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.about.get().map(|(tenant, _)| tenant.as_str())
    }

    /// Whether its caller reaches all that the caller of another call reaches of the tenant which that is about.
    ///
    /// # Errors
    /// It reaches nothing of that tenant, or less.
    pub(crate) fn covers(&self, other: &Self) -> Result<(), Failure> {
        let Some((tenant, reach)) = other.about.get() else { return Ok(()) };
        match self.reach_in(tenant)?.covers(reach) {
            true => Ok(()),
            false => Err(Failure::ScopeDenied { name: format!("tenants/{tenant}") }),
        }
    }

    /// What the caller reaches of a tenant, as far as the call can use it.
    fn reach_in(&self, tenant: &str) -> Result<Reach, Failure> {
        if let Some((about, reach)) = self.about.get()
            && about == tenant
        {
            return Ok(reach.clone());
        }
        let reach = match self.principal.grants() {
            None => Reach::Whole,
            Some(grants) => self.granted(grants, tenant)?,
        };
        let _ = self.about.set((tenant.to_owned(), reach.clone()));
        Ok(reach)
    }

    fn granted(&self, grants: &[Grant], tenant: &str) -> Result<Reach, Failure> {
        let mut lack = Lack::Tenant;
        let mut parts: Vec<&Scope> = Vec::new();
        for grant in grants.iter().filter(|grant| grant.has(self.permission) && grant.tenants().have(tenant))
        {
            let scope = grant.scope();
            if scope.is_whole() {
                return Ok(Reach::Whole);
            }
            lack = Lack::Part;
            let is_enough = match self.reach {
                DeclaredReach::Narrowed => true,
                DeclaredReach::Hierarchy => scope.collections.is_empty(),
                DeclaredReach::Tenant | DeclaredReach::Unspecified => false,
            };
            if is_enough {
                parts.push(scope);
            }
        }
        if parts.is_empty() {
            let tenant = tenant.to_owned();
            return Err(match lack {
                Lack::Tenant => Failure::TenantDenied { tenant },
                Lack::Part => Failure::ScopeDenied { name: format!("tenants/{tenant}") },
            });
        }
        parts.sort_unstable();
        parts.dedup();
        let found: usize = parts.iter().map(|part| part.bytes()).sum();
        if found > MOST_SCOPE_BYTES {
            return Err(Failure::LimitExceeded {
                limit: "scope_bytes",
                allowed: MOST_SCOPE_BYTES as u64,
                found: found as u64,
            });
        }
        Ok(Reach::Parts(parts.into_iter().cloned().collect()))
    }
}

/// What whoever this task works for reaches of a tenant. A task that works for no caller reaches everything: it is Tandem's own.
///
/// # Errors
/// Nothing of it, or less than the call needs; or the caller is limited by too many names.
pub(crate) fn reach_in(tenant: &str) -> Result<Reach, Failure> {
    CALL.try_with(|call| call.reach_in(tenant)).unwrap_or(Ok(Reach::Whole))
}

/// A name was read that is reached: the audit log is told of the first.
pub(crate) fn named(name: &str) {
    let _ = CALL.try_with(|call| {
        if let Some(seen) = &call.seen {
            seen.resource.get_or_init(|| name.to_owned());
        }
    });
}

/// The tenants in which whoever this task works for may do what it does.
#[must_use]
pub fn tenants() -> Tenants {
    CALL.try_with(|call| call.principal.tenants_of(call.permission)).unwrap_or(Tenants::All)
}

/// For whom a service calls, as the header says it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Behalf {
    /// The id of the caller's principal.
    caller: String,
    /// The tenant that the call is about. Unset: none, and nothing of any is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// The caller reaches all of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    whole: bool,
    /// The parts of it that the caller reaches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Scope>,
}

/// The header with which a service says for whom it calls; `None`: for nobody. Answers also whether that caller is limited to parts of
/// the tenant.
#[must_use]
pub fn on_behalf() -> Option<(HeaderName, HeaderValue, bool)> {
    let call = CALL.try_with(Arc::clone).ok()?;
    let (tenant, reach) = match call.about.get() {
        Some((tenant, reach)) => (Some(tenant.clone()), reach.clone()),
        None => (None, Reach::Whole),
    };
    let parts = reach.parts().map(<[Scope]>::to_vec);
    let whole = parts.is_none();
    let behalf =
        Behalf { caller: call.principal.id.clone(), tenant, whole, parts: parts.unwrap_or_default() };
    let json = serde_json::to_vec(&behalf).ok()?;
    let value = HeaderValue::from_str(&BASE64_URL_SAFE_NO_PAD.encode(json)).ok()?;
    Some((ON_BEHALF, value, !whole))
}

/// The principal of a call: who authenticated, or, where that is a service which calls for somebody, that service within what they reach.
///
/// # Errors
/// The header is damaged, or comes from somebody who may not act for others.
pub(crate) fn acting(authenticated: Arc<Principal>, headers: &HeaderMap) -> Result<Arc<Principal>, Failure> {
    let mut sent = headers.get_all(ON_BEHALF).iter();
    let Some(value) = sent.next() else { return Ok(authenticated) };
    if sent.next().is_some() || !authenticated.acts_for_others() {
        return Err(Failure::Unauthenticated("only services may call on behalf of others"));
    }
    let damaged = || Failure::Unauthenticated("the header tandem-on-behalf-of is damaged");
    let json = BASE64_URL_SAFE_NO_PAD.decode(value.as_bytes()).map_err(|_| damaged())?;
    let behalf: Behalf = serde_json::from_slice(&json).map_err(|_| damaged())?;
    let whole = behalf.whole.then(Scope::default);
    let parts = behalf.parts.into_iter().filter(|part| !part.is_whole()).chain(whole);
    let parts: Vec<Scope> = parts.collect();
    Ok(Arc::new(authenticated.on_behalf(&behalf.caller, behalf.tenant.as_deref(), &parts)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(hierarchies: &[&str], collections: &[&str]) -> Scope {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Scope { hierarchies: owned(hierarchies), collections: owned(collections) }
    }

    fn contoso() -> Tenants {
        Tenants::Only(["contoso".to_owned()].into())
    }

    fn call(grants: Vec<Grant>, reach: DeclaredReach) -> Call {
        let principal = Arc::new(Principal::of_grants("token:ada", grants));
        Call::new(principal, Permission::DevicesRead, reach).unwrap()
    }

    fn reader(scope: Scope) -> Grant {
        Grant::new([Permission::DevicesRead], contoso(), scope)
    }

    #[test]
    fn permission_of_another_tenant_is_of_no_use() {
        let fabrikam = Tenants::Only(["fabrikam".to_owned()].into());
        let grants = vec![
            Grant::new([Permission::DevicesRead], contoso(), Scope::default()),
            Grant::new([Permission::DevicesReport], fabrikam, Scope::default()),
        ];
        let call = call(grants, DeclaredReach::Narrowed);
        assert_eq!(call.reach_in("contoso").unwrap(), Reach::Whole);
        let refused = call.reach_in("fabrikam").unwrap_err();
        assert!(matches!(refused, Failure::TenantDenied { .. }), "{refused}");
        assert_eq!(call.principal.tenants_of(call.permission), contoso());
    }

    #[test]
    fn limited_caller_reaches_what_the_declared_reach_lets_it_use() {
        let hierarchy = || reader(scope(&["PS1"], &[]));
        let collection = || reader(scope(&[], &["collections/pilot"]));
        let both = || vec![hierarchy(), collection()];
        let narrowed = call(both(), DeclaredReach::Narrowed).reach_in("contoso").unwrap();
        let parts = [scope(&[], &["collections/pilot"]), scope(&["PS1"], &[])];
        assert_eq!(narrowed, Reach::Parts(parts.into()));
        let hierarchies = call(both(), DeclaredReach::Hierarchy).reach_in("contoso").unwrap();
        assert_eq!(hierarchies, Reach::Parts([scope(&["PS1"], &[])].into()));
        for (grants, reach) in
            [(both(), DeclaredReach::Tenant), (vec![collection()], DeclaredReach::Hierarchy)]
        {
            let refused = call(grants, reach).reach_in("contoso").unwrap_err();
            assert!(matches!(refused, Failure::ScopeDenied { .. }), "{refused}");
        }
        let whole = vec![hierarchy(), reader(Scope::default())];
        assert_eq!(call(whole, DeclaredReach::Tenant).reach_in("contoso").unwrap(), Reach::Whole);
    }

    #[test]
    fn caller_that_too_many_names_limit_is_refused_with_their_number() {
        let names: Vec<String> = (0..=MOST_SCOPE_BYTES / 8).map(|n| format!("H{n:04}")).collect();
        let scope = Scope { hierarchies: names.into_iter().collect(), ..Scope::default() };
        let refused = call(vec![reader(scope)], DeclaredReach::Narrowed).reach_in("contoso").unwrap_err();
        assert_eq!(refused.to_string(), "the limit scope_bytes is 8192, found 8200");
    }

    #[test]
    fn rpc_without_a_declared_reach_is_refused() {
        let principal = Arc::new(Principal::local());
        assert!(Call::new(principal, Permission::DevicesRead, DeclaredReach::Unspecified).is_err());
    }

    #[tokio::test]
    async fn service_reaches_what_its_caller_reaches_and_no_more() {
        let here = Arc::new(call(vec![reader(scope(&["PS1"], &[]))], DeclaredReach::Narrowed));
        here.reach_in("contoso").unwrap();
        let (name, value, is_limited) = CALL.scope(here, async { on_behalf() }).await.unwrap();
        assert!(is_limited);
        let headers = HeaderMap::from_iter([(name, value)]);
        let service = crate::access::roles::service_principal("tandem-authority").unwrap();
        let there = acting(Arc::clone(&service), &headers).unwrap();
        assert_eq!(there.id, "token:ada via service:tandem-authority");
        let asked = Call::new(there, Permission::TenantsRead, DeclaredReach::Narrowed).unwrap();
        assert_eq!(asked.reach_in("contoso").unwrap(), Reach::Parts([scope(&["PS1"], &[])].into()));
        assert!(asked.reach_in("fabrikam").is_err());
        let ada = Arc::new(Principal::with_permissions("token:eve", [Permission::DevicesRead]));
        assert!(acting(ada, &headers).is_err());
        assert_eq!(acting(Arc::clone(&service), &HeaderMap::new()).unwrap(), service);
    }

    #[tokio::test]
    async fn service_that_works_for_a_caller_without_a_tenant_reaches_none() {
        let here = Arc::new(call(vec![reader(Scope::default())], DeclaredReach::Narrowed));
        let (name, value, _) = CALL.scope(here, async { on_behalf() }).await.unwrap();
        let service = crate::access::roles::service_principal("tandem-authority").unwrap();
        let there = acting(service, &HeaderMap::from_iter([(name, value)])).unwrap();
        assert!(!there.may(Permission::DevicesRead));
    }

    #[test]
    fn damaged_header_is_refused() {
        let service = crate::access::roles::service_principal("tandem-authority").unwrap();
        for text in ["", "x", "e30", "bnVsbA"] {
            let headers = HeaderMap::from_iter([(ON_BEHALF, HeaderValue::from_static(text))]);
            assert!(acting(Arc::clone(&service), &headers).is_err(), "{text}");
        }
    }
}
