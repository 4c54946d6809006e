//! Asks authority and prerequisites about a batch of devices, and says which figures count each.

use std::sync::Arc;

use tandem_contracts::authority::v1::{BatchGetEffectiveAuthorityRequest, EffectiveAuthority};
use tandem_contracts::convert::{self, Violation, enum_required, time};
use tandem_contracts::inventory::v1::{BatchGetDevicesRequest, Device};
use tandem_contracts::prerequisites::v1::{BatchCheckDevicesRequest, DeviceCheck, Path};
use tandem_domain::filter::DeviceTraits;
use tandem_domain::state::ManagementState;
use tandem_domain::tenant::TenantFacts;
use tandem_server::ConsistencyToken;
use tandem_server::consistency::Service;
use tandem_server::failure::Failure;

use super::world::{World, broken};
use crate::clients::{AUTHORITY, INVENTORY, PREREQUISITES, Upstream};
use crate::index::{Counted, Evidence, contribution};

/// Judges the devices of one tenant.
#[derive(Debug, Clone)]
pub(crate) struct Judge {
    pub(crate) upstream: Upstream,
    /// `tenants/{t}`.
    pub(crate) tenant: String,
}

impl Judge {
    /// Judges devices as the inventory sent them. One that left meanwhile is not answered: its leaving follows.
    ///
    /// # Errors
    /// A service does not answer, or breaks its contract.
    pub(crate) async fn devices(&self, world: &World, devices: Vec<Device>) -> Result<Vec<Counted>, Failure> {
        if devices.is_empty() {
            return Ok(Vec::new());
        }
        let token = token_of(world, &devices).to_string();
        let names: Vec<String> = devices.iter().map(|device| device.name.clone()).collect();
        let authority = async {
            let (parent, names, consistency_token) = (self.tenant.clone(), names.clone(), token.clone());
            let request = BatchGetEffectiveAuthorityRequest { parent, names, consistency_token };
            let answer = self.upstream.authority().batch_get_effective_authority(request).await;
            answer.map_err(|status| Failure::from_dependency(AUTHORITY, status))
        };
        let checks = async {
            let request = BatchCheckDevicesRequest {
                parent: self.tenant.clone(),
                names: names.clone(),
                paths: vec![Path::Path1.into()],
                problems_only: true,
                consistency_token: token.clone(),
                ..BatchCheckDevicesRequest::default()
            };
            let answer = self.upstream.prerequisites().batch_check_devices(request).await;
            answer.map_err(|status| Failure::from_dependency(PREREQUISITES, status))
        };
        let (authority, checks) = tokio::try_join!(authority, checks)?;
        let mut authority = authority.into_inner().effective_authorities.into_iter().peekable();
        let mut checks = checks.into_inner().checks.into_iter().peekable();
        let mut counted = Vec::with_capacity(devices.len());
        for device in devices {
            // Both answer in the order asked for and leave out what they do not have.
            let decided = authority.next_if(|answer| answer.device == device.name);
            let check = checks.next_if(|answer| answer.device == device.name);
            if let Some((decided, check)) = decided.zip(check) {
                counted.push(count(device, &world.tenant, &decided, &check)?);
            }
        }
        if let Some(device) =
            authority.next().map(|answer| answer.device).or(checks.next().map(|check| check.device))
        {
            let found = format!("must be in the order asked for; found {device} elsewhere");
            return Err(broken(
                "BatchGetEffectiveAuthority or BatchCheckDevices",
                &[Violation::new("", found)],
            ));
        }
        Ok(counted)
    }

    /// Judges devices again, as they are now. One that is gone is not answered.
    ///
    /// # Errors
    /// A service does not answer, or breaks its contract.
    pub(crate) async fn again(&self, world: &World, ids: &[Arc<str>]) -> Result<Vec<Counted>, Failure> {
        let request = BatchGetDevicesRequest {
            parent: self.tenant.clone(),
            names: ids.iter().map(|id| format!("{}/devices/{id}", self.tenant)).collect(),
            consistency_token: inventory_of(&world.token).to_string(),
        };
        let answer = self.upstream.devices().batch_get_devices(request).await;
        let answer = answer.map_err(|status| Failure::from_dependency(INVENTORY, status))?;
        self.devices(world, answer.into_inner().devices).await
    }
}

/// The part of a world that the inventory knows about.
pub(super) fn inventory_of(world: &ConsistencyToken) -> ConsistencyToken {
    let mark = world.get(Service::Inventory);
    mark.map_or_else(ConsistencyToken::default, |mark| {
        ConsistencyToken::default().with(Service::Inventory, mark.incarnation, mark.revision)
    })
}

/// The world that holds the surroundings and every device of the batch at its revision.
fn token_of(world: &World, devices: &[Device]) -> ConsistencyToken {
    let newest = devices.iter().map(|device| device.revision).max().unwrap_or(0);
    match world.token.get(Service::Inventory) {
        Some(mark) if mark.revision < newest => {
            world.token.with(Service::Inventory, mark.incarnation, newest)
        }
        _ => world.token,
    }
}

fn count(
    device: Device,
    tenant: &TenantFacts,
    authority: &EffectiveAuthority,
    check: &DeviceCheck,
) -> Result<Counted, Failure> {
    let violations = |found: Vec<Violation>| {
        let found: Vec<Violation> =
            found.into_iter().map(|violation| violation.under(&device.name)).collect();
        broken("an answer about a device", &found)
    };
    let facts = convert::facts::from_proto(device.facts.unwrap_or_default()).map_err(violations)?;
    // The state that is counted, so that those in one state are counted in no other.
    let state: Result<ManagementState, Violation> = enum_required("state", authority.state);
    let state = state.map_err(|violation| violations(vec![violation]))?;
    let figures = contribution(Evidence { facts: &facts, tenant, authority, check });
    let figures = figures.map_err(|violation| violations(vec![violation]))?;
    // Of what was asked, prerequisites alone depend on the time.
    let valid_until =
        check.paths.iter().filter_map(|report| report.valid_until).map(|until| {
            time::from_proto("valid_until", until).map_err(|violation| violations(vec![violation]))
        });
    let valid_until = valid_until.collect::<Result<Vec<_>, _>>()?.into_iter().min();
    Ok(Counted {
        device: device.name.rsplit('/').next().unwrap_or_default().into(),
        traits: DeviceTraits::of(&facts, state),
        display_name: facts.name.map(|name| name.value).unwrap_or_default(),
        revision: device.revision,
        figures,
        valid_until,
    })
}
