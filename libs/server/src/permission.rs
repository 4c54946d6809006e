//! Which permission each RPC needs, read from the contracts themselves: generated code does not carry method options, the
//! encoded descriptor set does.

use std::collections::HashMap;
use std::sync::Arc;

use prost_reflect::{DescriptorPool, MethodDescriptor, Value};
use tandem_contracts::DESCRIPTOR_SET;
use tandem_contracts::r#type::v1::Permission;

/// The method option that names the permission.
const OPTION: &str = "tandem.type.v1.permission";

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
pub struct Permissions(Arc<HashMap<Box<str>, Declared>>);

/// The name of an RPC, and the permission that it needs.
type Declared = (Arc<str>, Permission);

/// What a server demands of the caller of an RPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Demand {
    /// An RPC of the contracts: its name, which is its path without the first slash, and the permission that it declares.
    Permission(Arc<str>, Permission),
    /// A protocol service: nothing.
    Open,
    /// No RPC that this server knows: the router answers it as unimplemented.
    Unknown,
}

impl Permissions {
    /// Reads them from the contracts.
    ///
    /// # Errors
    /// The descriptor set of this build is damaged or lacks the option.
    pub fn of_contracts() -> Result<Self, DescriptorError> {
        let pool = DescriptorPool::decode(DESCRIPTOR_SET).map_err(|e| DescriptorError(e.to_string()))?;
        let option = pool
            .get_extension_by_name(OPTION)
            .ok_or_else(|| DescriptorError(format!("there is no option {OPTION}")))?;
        let declared = |method: &MethodDescriptor| match method.options().get_extension(&option).as_ref() {
            Value::EnumNumber(number) => Permission::try_from(*number).unwrap_or(Permission::Unspecified),
            _ => Permission::Unspecified,
        };
        let by_path = pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .map(|method| {
                let name = name_of(&method);
                (format!("/{name}").into(), (name.into(), declared(&method)))
            })
            .collect();
        Ok(Self(Arc::new(by_path)))
    }

    /// The permission that the RPC at that path needs; `None` where the contracts have no such RPC.
    #[must_use]
    pub fn of_path(&self, path: &str) -> Option<Permission> {
        self.0.get(path).map(|(_, permission)| *permission)
    }

    /// Every RPC with its permission, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Permission)> {
        self.0.iter().map(|(path, (_, permission))| (&**path, *permission))
    }

    pub(crate) fn demand(&self, path: &str) -> Demand {
        match self.0.get(path) {
            Some((name, permission)) => Demand::Permission(Arc::clone(name), *permission),
            None if OPEN_SERVICES.iter().any(|service| path.starts_with(service)) => Demand::Open,
            None => Demand::Unknown,
        }
    }
}

fn name_of(method: &MethodDescriptor) -> String {
    format!("{}/{}", method.parent_service().full_name(), method.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rpc_of_every_tandem_service_declares_a_permission() {
        let permissions = Permissions::of_contracts().unwrap();
        let undeclared: Vec<_> =
            permissions.iter().filter(|(_, p)| *p == Permission::Unspecified).map(|(path, _)| path).collect();
        assert_eq!(undeclared, Vec::<&str>::new());
        let services: std::collections::BTreeSet<&str> =
            permissions.iter().filter_map(|(path, _)| path.split('/').nth(1)).collect();
        assert_eq!(
            services.into_iter().collect::<Vec<_>>(),
            [
                "tandem.authority.v1.AuthorityService",
                "tandem.inventory.v1.CollectionService",
                "tandem.inventory.v1.DeviceService",
                "tandem.inventory.v1.HierarchyService",
                "tandem.inventory.v1.TenantService",
                "tandem.monitoring.v1.MonitoringService",
                "tandem.prerequisites.v1.PrerequisitesService",
            ]
        );
    }

    #[test]
    fn demand_of_a_path_follows_the_contract() {
        let permissions = Permissions::of_contracts().unwrap();
        let report = "/tandem.inventory.v1.DeviceService/ReportDevices";
        let name = "tandem.inventory.v1.DeviceService/ReportDevices".into();
        assert_eq!(permissions.demand(report), Demand::Permission(name, Permission::DevicesReport));
        assert_eq!(permissions.demand("/grpc.health.v1.Health/Check"), Demand::Open);
        assert_eq!(permissions.demand("/grpc.health.v1.HealthX/Check"), Demand::Unknown);
        assert_eq!(permissions.demand("/tandem.inventory.v1.DeviceService/Reboot"), Demand::Unknown);
    }
}
