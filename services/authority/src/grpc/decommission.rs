//! The way out of co-management, and where it stands by what is read now.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use tandem_contracts::authority::v1::{GetDecommissionRequest, GetDecommissionResponse};
use tandem_contracts::convert::enum_optional;
use tandem_contracts::inventory::v1::Device;
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_domain::decommission::{DeviceCounts, Observations, Scope, decommission, observe};
use tandem_domain::id::{DeviceId, HierarchyId};
use tandem_domain::site::SiteFacts;
use tandem_domain::workload::Workload;
use tandem_server::Failure;
use tandem_server::names::{self, MAX_PAGE_SIZE};

use super::effective::{DEVICE, RESOURCE_TYPE};
use super::plans::{HIERARCHY, hierarchy_of};
use super::{Handlers, Tenant, convert};
use crate::judge::World;

impl Handlers {
    pub(super) async fn decommission_get(
        &self,
        request: GetDecommissionRequest,
    ) -> Result<GetDecommissionResponse, Failure> {
        let [tenant, hierarchy] = names::parse("parent", HIERARCHY, &request.parent)?;
        let (tenant, hierarchy) = hierarchy_of("parent", tenant, hierarchy)?;
        let scope = scope(&tenant, &request)?;
        let facts = convert::plan::facts(request.facts.clone().unwrap_or_default())?;
        self.check_hierarchy(&tenant, &hierarchy).await?;
        let world = self.world(&tenant, &request.consistency_token).await?;
        let counts = match scope {
            Scope::Devices(_) => self.named_counts(&tenant, &hierarchy, &world, &request).await?,
            Scope::Hierarchy | Scope::Workload(_) => {
                self.hierarchy_counts(&tenant, &hierarchy, &world, &request).await?
            }
        };
        let known = world.surroundings.hierarchies.get(&hierarchy);
        let sites: Vec<SiteFacts> =
            known.into_iter().flat_map(|known| known.sites.values().cloned()).collect();
        let configured = world.policies.of(Some(&hierarchy)).map(|known| &known.policy);
        let plan = decommission(scope, configured, &sites);
        let seen = Observations {
            desired: world.policies.desired_of(Some(&hierarchy)),
            configured,
            sites: &sites,
            devices: Some(&counts),
            tenant: &facts,
            keys_saved: request.keys_saved,
        };
        let standing = observe(&plan, &seen);
        Ok(GetDecommissionResponse {
            decommission: Some(convert::decommission::message(&plan, &standing, &seen)),
            consistency_token: self.token(&world.surroundings.consistency_token, &world)?,
        })
    }

    /// The devices that are named, each of which must be the hierarchy's.
    async fn named_counts(
        &self,
        tenant: &Tenant,
        hierarchy: &HierarchyId,
        world: &World,
        request: &GetDecommissionRequest,
    ) -> Result<DeviceCounts, Failure> {
        let names = request.devices.clone();
        let found = self.devices.named(&tenant.name, names, &request.consistency_token).await?;
        if let Some(missing) = found.not_found.into_iter().next() {
            return Err(Failure::NotFound { resource_type: RESOURCE_TYPE, name: missing });
        }
        let mut counts = DeviceCounts::default();
        for device in found.devices {
            let name = device.name.clone();
            if !add(&mut counts, world, hierarchy, device)? {
                let index = request.devices.iter().position(|asked| *asked == name).unwrap_or_default();
                let description =
                    format!("expected a device of hierarchy {hierarchy}, found {name} elsewhere");
                return Err(Failure::field(format!("devices[{index}]"), description));
            }
        }
        Ok(counts)
    }

    /// Every device of the hierarchy with the client.
    async fn hierarchy_counts(
        &self,
        tenant: &Tenant,
        hierarchy: &HierarchyId,
        world: &World,
        request: &GetDecommissionRequest,
    ) -> Result<DeviceCounts, Failure> {
        let filter = DeviceFilter {
            hierarchies: vec![hierarchy.to_string()],
            client_installed: Some(true),
            ..DeviceFilter::default()
        };
        let token = request.consistency_token.clone();
        let mut batches = self.devices.snapshot(&tenant.name, Some(filter), token).await?;
        let mut counts = DeviceCounts::default();
        while let Some(batch) = batches.try_next().await? {
            for device in batch.devices {
                add(&mut counts, world, hierarchy, device)?;
            }
        }
        Ok(counts)
    }
}

/// Counts a device of the hierarchy; answers whether it is one.
fn add(
    counts: &mut DeviceCounts,
    world: &World,
    hierarchy: &HierarchyId,
    device: Device,
) -> Result<bool, Failure> {
    let (_, facts) = convert::device(device)?;
    if facts.hierarchy.as_ref() != Some(hierarchy) {
        return Ok(false);
    }
    let policy = world.policies.of(Some(hierarchy)).map(|known| &known.policy);
    counts.add(&facts, &world.surroundings.of(&facts, policy));
    Ok(true)
}

fn scope(tenant: &Tenant, request: &GetDecommissionRequest) -> Result<Scope, Failure> {
    let workload = enum_optional::<Workload>("workload", request.workload).map_err(convert::invalid)?;
    match (workload, request.devices.is_empty()) {
        (Some(_), false) => Err(Failure::field("devices", "must be empty together with `workload`")),
        (Some(workload), true) => Ok(Scope::Workload(workload)),
        (None, true) => Ok(Scope::Hierarchy),
        (None, false) if request.devices.len() > MAX_PAGE_SIZE => {
            let description = format!("expected at most {MAX_PAGE_SIZE}, found {}", request.devices.len());
            Err(Failure::field("devices", description))
        }
        (None, false) => {
            let ids = request.devices.iter().enumerate().map(|(index, name)| {
                let field = format!("devices[{index}]");
                let [of, device] = names::parse(&field, DEVICE, name)?;
                if of != tenant.id.as_str() {
                    let description = format!("expected a device of {}, found {name}", tenant.name);
                    return Err(Failure::field(field, description));
                }
                DeviceId::parse(device).map_err(|e| Failure::field(field, e.to_string()))
            });
            Ok(Scope::Devices(ids.collect::<Result<BTreeSet<_>, _>>()?))
        }
    }
}
