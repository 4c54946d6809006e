//! What an access token says of its holder.
//!
//! The claim `roles` holds the names of [`Role`]s (app roles, where Microsoft Entra issues the token), `tandem_tenants` the ids of the
//! tenants in which they hold; `*` is every tenant. Whoever has no role, or no tenant, and no assignment, may do nothing.
//!
//! Microsoft Entra leaves the claim `groups` out of the token of somebody who is in too many: their groups give them nothing then.

use std::time::{Duration, UNIX_EPOCH};

use serde::Deserialize;

use super::assignments::{Assignments, EVERY_TENANT};
use super::roles::Role;
use crate::grant::{Grant, Scope, Tenants};
use crate::principal::Principal;

/// The claims that matter here.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Claims {
    // The check says which claim is missing; reading must not fail before it.
    #[serde(default)]
    pub(super) sub: String,
    #[serde(default)]
    pub(super) exp: u64,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    tandem_tenants: Vec<String>,
    /// Microsoft Entra: the id of the user's or application's object, the same for every application.
    oid: Option<String>,
    /// Ids of groups.
    #[serde(default)]
    groups: Vec<String>,
    /// The application that asked for the token.
    azp: Option<String>,
}

impl Claims {
    /// Whose token it is, and what they may do.
    pub(super) fn principal(&self, assignments: Option<&Assignments>, leeway: u64) -> Principal {
        let mut grants = vec![self.own_grant()];
        grants.extend(assignments.map(|given| given.of(self.known_by())).unwrap_or_default());
        // A time beyond the clock's range is never reached.
        let expires = UNIX_EPOCH.checked_add(Duration::from_secs(self.exp.saturating_add(leeway)));
        let mut principal = Principal::of_grants(format!("token:{}", self.sub), grants);
        principal.expires = expires;
        principal
    }

    /// What the token itself says that its holder may do.
    fn own_grant(&self) -> Grant {
        let roles = self.roles.iter().filter_map(|role| Role::of_name(role));
        let tenants = match self.tandem_tenants.iter().any(|tenant| tenant == EVERY_TENANT) {
            true => Tenants::All,
            false => Tenants::Only(self.tandem_tenants.iter().cloned().collect()),
        };
        Grant::new(roles.flat_map(Role::permissions), tenants, Scope::default())
    }

    /// By what assignments know the holder.
    fn known_by(&self) -> impl Iterator<Item = String> {
        let one = [("sub", Some(&self.sub)), ("oid", self.oid.as_ref()), ("client", self.azp.as_ref())];
        let one = one.into_iter().filter_map(|(kind, value)| Some((kind, value?)));
        let many =
            self.groups.iter().map(|id| ("group", id)).chain(self.roles.iter().map(|role| ("role", role)));
        one.chain(many).map(|(kind, value)| format!("{kind}:{value}"))
    }
}
