//! What a caller may do: a role is a set of permissions.

use std::sync::{Arc, LazyLock};

use tandem_contracts::r#type::v1::Permission;

use crate::grant::Tenants;
use crate::principal::Principal;

/// What every reader may do.
const READ: [Permission; 6] = [
    Permission::TenantsRead,
    Permission::DevicesRead,
    Permission::CollectionsRead,
    Permission::PrerequisitesRead,
    Permission::AuthorityRead,
    Permission::DashboardRead,
];

/// A role, as the claim `roles` of an access token names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees everything, changes nothing.
    Reader,
    /// Reports what the two systems export, and sees what it needs for that.
    Connector,
    /// Reads, and changes collections and policies.
    Operator,
    /// Reads, and approves changes of authority that others ask for.
    Approver,
    /// Reads, and reads the audit log.
    Auditor,
    /// May do everything that people may.
    FullAdministrator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [
        Self::Reader,
        Self::Connector,
        Self::Operator,
        Self::Approver,
        Self::Auditor,
        Self::FullAdministrator,
    ];

    /// As a token names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Connector => "connector",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Auditor => "auditor",
            Self::FullAdministrator => "full_administrator",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// What it may do.
    #[must_use]
    pub fn permissions(self) -> Vec<Permission> {
        let mut permissions = match self {
            Self::Connector => vec![Permission::TenantsRead, Permission::AuthorityRead],
            _ => READ.to_vec(),
        };
        permissions.extend_from_slice(match self {
            Self::Reader => &[],
            Self::Connector => {
                &[Permission::TenantsWrite, Permission::DevicesReport, Permission::AuthorityWrite]
            }
            Self::Operator => &[
                Permission::CollectionsWrite,
                Permission::AuthorityWrite,
                Permission::AuthorityPlan,
                Permission::PrerequisitesWrite,
            ],
            Self::Approver => &[Permission::AuthorityApprove],
            Self::Auditor => &[Permission::AuditRead],
            Self::FullAdministrator => &[
                Permission::TenantsWrite,
                Permission::DevicesReport,
                Permission::CollectionsWrite,
                Permission::AuthorityWrite,
                Permission::AuthorityPlan,
                Permission::PrerequisitesWrite,
                Permission::AuthorityApprove,
                Permission::AuditRead,
            ],
        });
        permissions
    }
}

/// The services that call others, by the DNS name of their certificates.
const SERVICES: [&str; 4] =
    ["tandem-inventory", "tandem-prerequisites", "tandem-authority", "tandem-monitoring"];

/// The service whose certificate has that DNS name. Services read one another, of every tenant, and tell the audit log
/// what happened; they change nothing else.
pub(crate) fn service_principal(name: &str) -> Option<Arc<Principal>> {
    static KNOWN: LazyLock<Vec<(&str, Arc<Principal>)>> = LazyLock::new(|| {
        let principal = |name| {
            let may = READ.into_iter().chain([Permission::AuditRecord]);
            let service = Principal::of_tenants(format!("service:{name}"), may, Tenants::All);
            service.who_acts_for_others()
        };
        SERVICES.iter().map(|name| (*name, Arc::new(principal(name)))).collect()
    });
    KNOWN.iter().find(|(known, _)| *known == name).map(|(_, principal)| Arc::clone(principal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn of(role: Role) -> BTreeSet<&'static str> {
        role.permissions().iter().map(|permission| permission.as_str_name()).collect()
    }

    #[test]
    fn reader_holds_what_reads_and_nothing_else() {
        let all: BTreeSet<&str> = of(Role::FullAdministrator);
        let is_read = |name: &&str| name.ends_with("_READ") && *name != "PERMISSION_AUDIT_READ";
        let reading: BTreeSet<&str> = all.iter().copied().filter(is_read).collect();
        assert_eq!(of(Role::Reader), reading);
    }

    #[test]
    fn full_administrator_holds_every_permission_that_people_can_have() {
        let every = (1..).map_while(|number| Permission::try_from(number).ok());
        // What services tell the audit log is theirs alone.
        let people = every.filter(|permission| *permission != Permission::AuditRecord);
        assert_eq!(of(Role::FullAdministrator), people.map(|permission| permission.as_str_name()).collect());
    }

    #[test]
    fn role_is_known_by_its_name_alone() {
        for role in Role::ALL {
            assert_eq!(Role::of_name(role.name()), Some(role));
        }
        assert_eq!([Role::of_name("Reader"), Role::of_name("root"), Role::of_name("")], [None; 3]);
    }

    #[test]
    fn service_is_known_by_its_whole_name_and_only_reads() {
        let service = service_principal("tandem-authority").unwrap();
        assert_eq!(service.id, "service:tandem-authority");
        assert!(service.may(Permission::DevicesRead) && !service.may(Permission::DevicesReport));
        assert_eq!(service.tenants_of(Permission::DevicesRead), Tenants::All);
        assert!(service.acts_for_others());
        for name in ["authority", "tandem-authority.example", "TANDEM-AUTHORITY", ""] {
            assert_eq!(service_principal(name), None, "{name}");
        }
    }
}
