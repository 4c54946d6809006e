//! Asks authority and prerequisites about a batch of devices, and says which figures count each.

use std::sync::Arc;

use tandem_contracts::authority::v1::{BatchGetEffectiveAuthorityRequest, EffectiveAuthority};
use tandem_contracts::convert::{self, Violation, enum_required, time};
use tandem_contracts::inventory::v1::Device;
use tandem_contracts::prerequisites::v1::{
    BatchCheckDevicesRequest, DeviceCheck, GetEvaluationSettingsRequest, Path,
};
use tandem_domain::filter::DeviceTraits;
use tandem_domain::state::ManagementState;
use tandem_domain::tenant::TenantFacts;
use tandem_fleet::follow::broken;
use tandem_fleet::{Counted, Own, World};
use tandem_server::ConsistencyToken;
use tandem_server::consistency::Service;
use tandem_server::failure::Failure;

use crate::clients::{AUTHORITY, PREREQUISITES, Upstream};
use crate::figures::{Evidence, Figure, contribution};

/// Judges devices by what authority and prerequisites answer about them.
#[derive(Debug, Clone)]
pub(crate) struct Judge {
    pub(crate) upstream: Upstream,
}

/// Which evaluation settings prerequisites judges a tenant's devices by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    etag: String,
    /// Of the database that has them, once anything was written.
    incarnation: Option<u64>,
}

impl tandem_fleet::Judge for Judge {
    type Key = Figure;
    type Own = Settings;
    const SERVICE: Option<Service> = None;

    /// What prerequisites judges devices by that is of no world of the other two.
    async fn own(&self, tenant: &str) -> Result<Own<Settings>, Failure> {
        let name = format!("{tenant}/evaluationSettings");
        let request = GetEvaluationSettingsRequest { name, ..GetEvaluationSettingsRequest::default() };
        let answer = self.upstream.evaluation().get_evaluation_settings(request).await;
        let answer = answer.map_err(|status| Failure::from_dependency(PREREQUISITES, status))?.into_inner();
        let token = ConsistencyToken::parse(&answer.consistency_token)?;
        let etag = answer.evaluation_settings.unwrap_or_default().etag;
        // Before anything was set it does not matter where.
        let mark = token.get(Service::Prerequisites).filter(|_| !etag.is_empty());
        let incarnation = mark.map(|mark| mark.incarnation);
        Ok(Own { value: Arc::new(Settings { etag, incarnation }), mark: None })
    }

    async fn judge(
        &self,
        tenant: &str,
        world: Arc<World<Settings>>,
        devices: Vec<Device>,
    ) -> Result<Vec<Counted<Figure>>, Failure> {
        let token = token_of(&world, &devices).to_string();
        let names: Vec<String> = devices.iter().map(|device| device.name.clone()).collect();
        let authority = async {
            let (parent, names, consistency_token) = (tenant.to_owned(), names.clone(), token.clone());
            let request = BatchGetEffectiveAuthorityRequest { parent, names, consistency_token };
            let answer = self.upstream.authority().batch_get_effective_authority(request).await;
            answer.map_err(|status| Failure::from_dependency(AUTHORITY, status))
        };
        let checks = async {
            let request = BatchCheckDevicesRequest {
                parent: tenant.to_owned(),
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
                counted.push(count(device, &world.surroundings.tenant, &decided, &check)?);
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
}

/// The world that holds the surroundings and every device of the batch at its revision.
fn token_of(world: &World<Settings>, devices: &[Device]) -> ConsistencyToken {
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
) -> Result<Counted<Figure>, Failure> {
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
        collections: Vec::new(),
        keys: figures,
        valid_until,
    })
}
