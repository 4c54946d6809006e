//! Who calls. Every request has a principal from the first day: embedded, the local one, who may do everything.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use futures::future::BoxFuture;
use http::HeaderMap;
use tandem_contracts::r#type::v1::Permission;

use crate::failure::Failure;

/// Who calls, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who, for logs and the audit trail. Unique among principals.
    pub id: String,
    grants: Grants,
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
        Self { id: "local".into(), grants: Grants::Everything }
    }

    /// A principal with exactly these permissions.
    pub fn with_permissions(
        id: impl Into<String>,
        permissions: impl IntoIterator<Item = Permission>,
    ) -> Self {
        Self { id: id.into(), grants: Grants::Only(permissions.into_iter().map(i32::from).collect()) }
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
}

/// Tells who calls from what the call carries.
pub trait Authenticator: Send + Sync + 'static {
    /// The principal of a call with these headers.
    ///
    /// Errors: [`Failure::Unauthenticated`] without acceptable credentials; [`Failure::DependencyUnavailable`] when that cannot
    /// be told now.
    fn authenticate<'a>(&'a self, headers: &'a HeaderMap) -> BoxFuture<'a, Result<Arc<Principal>, Failure>>;
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
    fn authenticate<'a>(&'a self, _headers: &'a HeaderMap) -> BoxFuture<'a, Result<Arc<Principal>, Failure>> {
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
    fn request_without_principal_belongs_to_nobody() {
        let request = tonic::Request::new(());
        assert_eq!(principal_of(&request), &Principal::with_permissions("nobody", []));
    }
}
