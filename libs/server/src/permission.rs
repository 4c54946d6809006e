//! Which permission each RPC needs, and over how much of a tenant, read from the contracts themselves: generated code does not carry method options, the
//! encoded descriptor set does.
//!
//! With it is kept what else the gate asks of a path: one look-up a call answers all.

use std::collections::HashMap;
use std::sync::Arc;

use prost_reflect::{MethodDescriptor, Value};
use tandem_contracts::json::POOL;
use tandem_contracts::r#type::v1::{Audit, Permission, Reach};

use crate::limits::Kind;
use crate::measured::CallMetrics;

/// The method option that names the permission.
const PERMISSION: &str = "tandem.type.v1.permission";

/// The method option that says how much of a tenant it must cover.
const REACH: &str = "tandem.type.v1.reach";

/// The method option that says what of its calls is put on record.
const AUDIT: &str = "tandem.type.v1.audit";

/// Protocol services that answer everybody: they hold no tenant data.
const OPEN_SERVICES: [&str; 3] = [
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
];

/// The contracts of this build cannot be read: a defect of the build.
#[derive(Debug, thiserror::Error)]
#[error("the contracts' descriptor set cannot be used: {0}")]
pub struct DescriptorError(String);

/// The permission that every RPC of the contracts needs, by gRPC path (`/tandem.inventory.v1.TenantService/GetTenant`).
#[derive(Debug, Clone)]
pub struct Permissions(Arc<Rpcs>);

#[derive(Debug)]
struct Rpcs {
    by_path: HashMap<Box<str>, Rpc>,
    /// Of what is no RPC of the contracts.
    others: Arc<CallMetrics>,
}

/// An RPC of the contracts.
#[derive(Debug)]
struct Rpc {
    declared: Declared,
    kind: Kind,
    metrics: Arc<CallMetrics>,
}

/// What an RPC declares of its callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name, which is its path without the first slash.
    pub method: Arc<str>,
    /// The permission that a caller needs.
    pub permission: Permission,
    /// How much of the tenant that must cover.
    pub reach: Reach,
    /// What of its calls is put on record.
    pub audit: Audit,
}

/// What a server demands of the caller of an RPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Demand {
    /// What it declares, since it is one of the contracts.
    Declared(Declared),
    /// A protocol service: nothing.
    Open,
    /// No RPC that this server knows: the router answers it as unimplemented.
    Unknown,
}

impl Permissions {
    /// Reads them from the contracts.
    ///
    /// # Errors
    /// The descriptor set of this build lacks the option.
    pub fn of_contracts() -> Result<Self, DescriptorError> {
        let option = |name: &str| {
            POOL.get_extension_by_name(name)
                .ok_or_else(|| DescriptorError(format!("there is no option {name}")))
        };
        let (permission, reach, audit) = (option(PERMISSION)?, option(REACH)?, option(AUDIT)?);
        // What is not declared, or unknown to this build, is unspecified: 0.
        let number = |method: &MethodDescriptor, option| match method.options().get_extension(option).as_ref()
        {
            Value::EnumNumber(number) => *number,
            _ => 0,
        };
        let by_path = POOL
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .map(|method| {
                let name = name_of(&method);
                let permission = Permission::try_from(number(&method, &permission));
                let reach = Reach::try_from(number(&method, &reach));
                let audit = Audit::try_from(number(&method, &audit));
                let declared = Declared {
                    method: name.as_str().into(),
                    permission: permission.unwrap_or(Permission::Unspecified),
                    reach: reach.unwrap_or(Reach::Unspecified),
                    audit: audit.unwrap_or(Audit::Unspecified),
                };
                let path = format!("/{name}");
                let (kind, metrics) = (Kind::of_path(&path), CallMetrics::of(&declared.method));
                (path.into(), Rpc { declared, kind, metrics: Arc::new(metrics) })
            })
            .collect();
        Ok(Self(Arc::new(Rpcs { by_path, others: Arc::new(CallMetrics::of_others()) })))
    }

    /// The permission that the RPC at that path needs; `None` where the contracts have no such RPC.
    #[must_use]
    pub fn of_path(&self, path: &str) -> Option<Permission> {
        self.0.by_path.get(path).map(|rpc| rpc.declared.permission)
    }

    /// Every RPC, by its path, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Declared)> {
        self.0.by_path.iter().map(|(path, rpc)| (&**path, &rpc.declared))
    }

    /// What is demanded of the caller of a path, what a request to it is, and how its calls are measured.
    pub(crate) fn demand(&self, path: &str) -> (Demand, Kind, Arc<CallMetrics>) {
        if let Some(Rpc { declared, kind, metrics }) = self.0.by_path.get(path) {
            return (Demand::Declared(declared.clone()), *kind, Arc::clone(metrics));
        }
        let is_open = OPEN_SERVICES.iter().any(|service| path.starts_with(service));
        let demand = if is_open { Demand::Open } else { Demand::Unknown };
        (demand, Kind::of_path(path), Arc::clone(&self.0.others))
    }
}

fn name_of(method: &MethodDescriptor) -> String {
    format!("{}/{}", method.parent_service().full_name(), method.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rpc_of_every_tandem_service_declares_permission_reach_and_audit() {
        let permissions = Permissions::of_contracts().unwrap();
        let is_open = |declared: &Declared| {
            declared.permission == Permission::Unspecified
                || declared.reach == Reach::Unspecified
                || declared.audit == Audit::Unspecified
        };
        let undeclared: Vec<_> =
            permissions.iter().filter(|(_, declared)| is_open(declared)).map(|(path, _)| path).collect();
        assert_eq!(undeclared, Vec::<&str>::new());
        let services: std::collections::BTreeSet<&str> =
            permissions.iter().filter_map(|(path, _)| path.split('/').nth(1)).collect();
        assert_eq!(
            services.into_iter().collect::<Vec<_>>(),
            [
                "tandem.authority.v1.ApprovalService",
                "tandem.authority.v1.AuditService",
                "tandem.authority.v1.AuthorityService",
                "tandem.authority.v1.PlanService",
                "tandem.authority.v1.RolloutService",
                "tandem.inventory.v1.CollectionService",
                "tandem.inventory.v1.DeviceService",
                "tandem.inventory.v1.HierarchyService",
                "tandem.inventory.v1.TenantService",
                "tandem.monitoring.v1.MonitoringService",
                "tandem.prerequisites.v1.CustomRuleService",
                "tandem.prerequisites.v1.FleetEvaluationService",
                "tandem.prerequisites.v1.PrerequisitesService",
            ]
        );
    }

    #[test]
    fn rpc_that_changes_something_is_put_on_record() {
        let permissions = Permissions::of_contracts().unwrap();
        let changes = |declared: &Declared| {
            let name = declared.permission.as_str_name();
            ["_WRITE", "_REPORT", "_PLAN", "_APPROVE"].iter().any(|end| name.ends_with(end))
        };
        let on_record = |declared: &Declared| matches!(declared.audit, Audit::Writes | Audit::BulkWrites);
        for (path, declared) in permissions.iter() {
            assert_eq!(changes(declared), on_record(declared), "{path}");
        }
    }

    #[test]
    fn demand_of_a_path_follows_the_contract() {
        let permissions = Permissions::of_contracts().unwrap();
        let report = "/tandem.inventory.v1.DeviceService/ReportDevices";
        let declared = Declared {
            method: "tandem.inventory.v1.DeviceService/ReportDevices".into(),
            permission: Permission::DevicesReport,
            reach: Reach::Tenant,
            audit: Audit::BulkWrites,
        };
        assert_eq!(permissions.demand(report).0, Demand::Declared(declared));
        assert_eq!(permissions.demand("/grpc.health.v1.Health/Check").0, Demand::Open);
        assert_eq!(permissions.demand("/grpc.health.v1.HealthX/Check").0, Demand::Unknown);
        assert_eq!(permissions.demand("/tandem.inventory.v1.DeviceService/Reboot").0, Demand::Unknown);
    }
}
