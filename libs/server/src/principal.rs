//! Who calls. Every request has a principal from the first day: embedded, the local one, who may do everything.

use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use futures::future::BoxFuture;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tandem_contracts::r#type::v1::Permission;

use crate::failure::Failure;
use crate::grant::{Grant, Scope, Tenants};

/// Who calls, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who, for logs and the audit trail. Unique among principals.
    pub id: String,
    /// When its credentials end, with the leeway that they have. Streams end then too. `None`: never.
    pub expires: Option<SystemTime>,
    grants: Grants,
    acts_for_others: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Grants {
    Everything,
    Only(Vec<Grant>),
}

/// The principal of a request that never went through a server's layer: may do nothing.
static NOBODY: LazyLock<Principal> = LazyLock::new(|| Principal::of_grants("nobody", Vec::new()));

impl Principal {
    /// Whoever sits at this machine: may do everything. Servers that accept it listen on loopback only.
    #[must_use]
    pub fn local() -> Self {
        // The services of one process are this principal too when they call one another.
        let local = Self::of_grants("local", Vec::new()).who_acts_for_others();
        Self { grants: Grants::Everything, ..local }
    }

    /// A principal with exactly these grants.
    pub fn of_grants(id: impl Into<String>, grants: Vec<Grant>) -> Self {
        Self { id: id.into(), expires: None, grants: Grants::Only(grants), acts_for_others: false }
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
        Self::of_grants(id, vec![Grant::new(permissions, tenants, Scope::default())])
    }

    /// The same, and it may call on behalf of others: a service of Tandem.
    #[must_use]
    pub(crate) fn who_acts_for_others(mut self) -> Self {
        self.acts_for_others = true;
        self
    }

    /// Whether it may say that it calls on behalf of somebody else.
    pub(crate) const fn acts_for_others(&self) -> bool {
        self.acts_for_others
    }

    /// The same, within what somebody else reaches: nothing, or of a tenant those parts.
    pub(crate) fn on_behalf(&self, caller: &str, tenant: Option<&str>, parts: &[Scope]) -> Self {
        let everything = || vec![Grant::new(every_permission(), Tenants::All, Scope::default())];
        let own = self.grants().map_or_else(everything, <[Grant]>::to_vec);
        let within = |tenant| {
            own.iter()
                .flat_map(move |grant| parts.iter().filter_map(move |part| grant.narrowed(tenant, part)))
        };
        let grants = tenant.map(|tenant| within(tenant).collect()).unwrap_or_default();
        Self { expires: self.expires, ..Self::of_grants(format!("{caller} via {}", self.id), grants) }
    }

    /// What it was given; `None`: everything.
    pub(crate) fn grants(&self) -> Option<&[Grant]> {
        match &self.grants {
            Grants::Everything => None,
            Grants::Only(grants) => Some(grants),
        }
    }

    /// Whether it holds that permission anywhere. Nobody holds `PERMISSION_UNSPECIFIED`, which is none.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        permission != Permission::Unspecified
            && self.grants().is_none_or(|grants| grants.iter().any(|grant| grant.has(permission)))
    }

    /// Where it holds that permission, over the whole of a tenant or a part of it.
    #[must_use]
    pub fn tenants_of(&self, permission: Permission) -> Tenants {
        let Some(grants) = self.grants() else { return Tenants::All };
        let holding = grants.iter().filter(|grant| grant.has(permission));
        holding.fold(Tenants::Only([].into()), |tenants, grant| tenants.and(grant.tenants()))
    }
}

/// Every permission of the contracts.
fn every_permission() -> impl Iterator<Item = Permission> {
    (1..).map_while(|number| Permission::try_from(number).ok())
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
    fn permission_holds_in_the_tenants_of_its_grants() {
        let tenants = Tenants::Only(["contoso".to_owned()].into());
        let reader = Principal::of_tenants("reader", [Permission::DevicesRead], tenants.clone());
        assert_eq!(reader.tenants_of(Permission::DevicesRead), tenants);
        assert_eq!(reader.tenants_of(Permission::DevicesReport), Tenants::Only([].into()));
        assert_eq!(Principal::local().tenants_of(Permission::DevicesReport), Tenants::All);
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
        assert_eq!(principal_of(&request), &Principal::of_grants("nobody", Vec::new()));
    }
}
