//! Who calls. Every request has a principal from the first day: embedded, the local one, who may do everything.
//!
//! While a handler and its answer's stream run, the caller is known to all that they do: a name of a tenant in which the caller may not
//! act is refused where it is read ([`crate::names`]), so that no handler can forget to ask.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use futures::future::BoxFuture;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tandem_contracts::r#type::v1::Permission;

use crate::failure::Failure;

/// Who calls, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who, for logs and the audit trail. Unique among principals.
    pub id: String,
    /// When its credentials end, with the leeway that they have. Streams end then too. `None`: never.
    pub expires: Option<SystemTime>,
    grants: Grants,
    tenants: Tenants,
}

/// The tenants in which a principal may do what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tenants {
    /// Every one, also those that come later.
    All,
    /// Those with these ids.
    Only(BTreeSet<String>),
}

tokio::task_local! {
    /// Whose request this task works on.
    pub(crate) static CALLER: Arc<Principal>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Grants {
    Everything,
    Only(BTreeSet<i32>),
}

/// The principal of a request that never went through a server's layer: may do nothing.
static NOBODY: LazyLock<Principal> = LazyLock::new(|| Principal::with_permissions("nobody", []));

impl Principal {
    /// Whoever sits at this machine: may do everything. Servers that accept it listen on loopback only.
    #[must_use]
    pub fn local() -> Self {
        Self { id: "local".into(), expires: None, grants: Grants::Everything, tenants: Tenants::All }
    }

    /// A principal with exactly these permissions, in every tenant.
    pub fn with_permissions(
        id: impl Into<String>,
        permissions: impl IntoIterator<Item = Permission>,
    ) -> Self {
        Self::of_tenants(id, permissions, Tenants::All)
    }

    /// A principal with exactly these permissions, in these tenants.
    pub fn of_tenants(
        id: impl Into<String>,
        permissions: impl IntoIterator<Item = Permission>,
        tenants: Tenants,
    ) -> Self {
        let permissions = permissions.into_iter().map(i32::from).collect();
        Self { id: id.into(), expires: None, grants: Grants::Only(permissions), tenants }
    }

    /// Whether it holds that permission. Nobody holds `PERMISSION_UNSPECIFIED`, which is none.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        permission != Permission::Unspecified
            && match &self.grants {
                Grants::Everything => true,
                Grants::Only(permissions) => permissions.contains(&permission.into()),
            }
    }

    /// Whether it may act in the tenant with that id, whether or not there is one.
    #[must_use]
    pub fn acts_in(&self, tenant: &str) -> bool {
        match &self.tenants {
            Tenants::All => true,
            Tenants::Only(tenants) => tenants.contains(tenant),
        }
    }

    /// Where it may act.
    #[must_use]
    pub const fn tenants(&self) -> &Tenants {
        &self.tenants
    }
}

/// Whether whoever this task works for may act in that tenant. A task that works for no caller may: it is Tandem's own.
pub(crate) fn caller_acts_in(tenant: &str) -> bool {
    CALLER.try_with(|caller| caller.acts_in(tenant)).unwrap_or(true)
}

/// What a call carries that tells who makes it.
#[derive(Debug, Clone, Copy)]
pub struct Credentials<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// The DNS names that the certificate of its connection proves.
    pub names: &'a [String],
}

/// How a token is announced. The scheme's name is not case-sensitive.
const BEARER: &str = "bearer ";

impl<'a> Credentials<'a> {
    /// The token of `authorization: Bearer <token>`; `None`: there is no such header.
    ///
    /// # Errors
    /// There are several such headers, or one of another form.
    pub fn bearer(&self) -> Result<Option<&'a str>, Failure> {
        let mut sent = self.headers.get_all(AUTHORIZATION).iter();
        let Some(value) = sent.next() else { return Ok(None) };
        let (scheme, token) = value
            .to_str()
            .ok()
            .and_then(|text| text.split_at_checked(BEARER.len()))
            .filter(|_| sent.next().is_none())
            .ok_or(MALFORMED)?;
        if scheme.eq_ignore_ascii_case(BEARER) { Ok(Some(token)) } else { Err(MALFORMED) }
    }
}

const MALFORMED: Failure =
    Failure::Unauthenticated("expected one header of the form `authorization: Bearer <token>`");

/// Tells who calls from what the call carries.
pub trait Authenticator: Send + Sync + 'static {
    /// The principal of a call with these credentials.
    ///
    /// Errors: [`Failure::Unauthenticated`] without acceptable credentials; [`Failure::DependencyUnavailable`] when that cannot
    /// be told now.
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Principal>, Failure>>;
}

impl Authenticator for Arc<dyn Authenticator> {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Principal>, Failure>> {
        (**self).authenticate(credentials)
    }
}

/// Everybody is [`Principal::local`]: for servers that only loopback or the same process can reach.
#[derive(Debug, Clone)]
pub struct LocalAuthenticator(Arc<Principal>);

impl Default for LocalAuthenticator {
    fn default() -> Self {
        Self(Arc::new(Principal::local()))
    }
}

impl Authenticator for LocalAuthenticator {
    fn authenticate<'a>(&'a self, _: Credentials<'a>) -> BoxFuture<'a, Result<Arc<Principal>, Failure>> {
        Box::pin(std::future::ready(Ok(Arc::clone(&self.0))))
    }
}

/// Who sent this request. Without the layer of [`crate::ApiServer`] before the handler: a principal that may do nothing.
#[must_use]
pub fn principal_of<T>(request: &tonic::Request<T>) -> &Principal {
    request.extensions().get::<Arc<Principal>>().map_or(&NOBODY, |principal| principal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_principal_may_do_everything_but_the_unspecified() {
        let local = Principal::local();
        assert!(local.may(Permission::TenantsWrite));
        assert!(!local.may(Permission::Unspecified));
    }

    #[test]
    fn principal_with_permissions_may_do_those_alone() {
        let reader =
            Principal::with_permissions("reader", [Permission::DevicesRead, Permission::Unspecified]);
        assert!(reader.may(Permission::DevicesRead));
        assert!(!reader.may(Permission::DevicesReport));
        assert!(!reader.may(Permission::Unspecified));
    }

    #[test]
    fn principal_of_some_tenants_acts_in_those_alone() {
        let tenants = Tenants::Only(["contoso".to_owned()].into());
        let reader = Principal::of_tenants("reader", [Permission::DevicesRead], tenants);
        assert_eq!(
            ["contoso", "Contoso", "fabrikam", "", "*"].map(|id| reader.acts_in(id)),
            [true, false, false, false, false]
        );
        assert!(Principal::local().acts_in("fabrikam"));
    }

    #[test]
    fn bearer_token_is_read_from_one_header_of_its_form() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            Credentials { headers: &headers, names: &[] }.bearer().map(|token| token.map(str::to_owned)).ok()
        };
        assert_eq!(of(&[]), Some(None));
        assert_eq!(of(&["Bearer abc"]), Some(Some("abc".to_owned())));
        assert_eq!(of(&["bearer abc"]), Some(Some("abc".to_owned())));
        for wrong in [&["Basic abc"][..], &["abc"], &["Bearer"], &[""], &["Bearer a", "Bearer b"]] {
            assert_eq!(of(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn request_without_principal_belongs_to_nobody() {
        let request = tonic::Request::new(());
        assert_eq!(principal_of(&request), &Principal::with_permissions("nobody", []));
    }
}
