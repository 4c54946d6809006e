//! Rollouts: drafted, read, and drilled through.

mod actions;
mod commands;
mod freeze;
mod service;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use tandem_client::fleet::TRUSTED_FOR;
use tandem_contracts::authority::v1::{
    CreateRolloutRequest, CreateRolloutResponse, GetRolloutRequest, GetRolloutResponse,
    ListRolloutDevicesRequest, ListRolloutDevicesResponse, ListRolloutsRequest, ListRolloutsResponse,
    RolloutDevice, rollout_wave_spec::Choice,
};
use tandem_contracts::convert::{Violation, enum_optional};
use tandem_contracts::r#type::v1::ErrorReason;
use tandem_domain::id::{CollectionId, HierarchyId, PlanHash, PrincipalId, RolloutId};
use tandem_domain::rollout::{Rollout, RolloutName, RolloutSpec, WaveChoice, wave_sizes};
use tandem_domain::workload::Workload;
use tandem_server::failure::FieldViolation;
use tandem_server::names::{self, page_size};
use tandem_server::{ConsistencyToken, Failure};
use tandem_storage::fingerprint;
use tandem_storage::page::PageToken;

use super::convert::invalid;
use super::convert::rollout::{device, invalid_rollout, phase_of, spec_from, wanted_standing};
use super::plans::hierarchy_of;
use super::policies::{justification, one_more, paged};
use super::{Handlers, Tenant};
use crate::devices::inventory_world_of;
use crate::fleet::{Basis, Fleet};
use crate::rollouts::Asked;
use crate::store::rollouts::devices::{WantedDevices, devices_list};
use crate::store::rollouts::draft::{NewRollout, rollout_keep};
use crate::store::rollouts::{
    Place, ROLLOUT_TYPE, RolloutKey, Wanted, place_after, rollout_fetch, rollout_list,
};
use tandem_server::once::Once;

const ROLLOUT: &str = "tenants/{t}/hierarchies/{h}/rollouts/{r}";
const HIERARCHY: &str = "tenants/{t}/hierarchies/{h}";
const CREATE: &str = "tandem.authority.v1.RolloutService/CreateRollout";

/// Kinds of page tokens.
const ROLLOUTS: &str = "rollouts";
const DEVICES: &str = "rollout_devices";

/// A rollout by its name, with its tenant.
fn rollout_key(field: &str, name: &str) -> Result<(Tenant, RolloutKey), Failure> {
    let [tenant, hierarchy, rollout] = names::parse(field, ROLLOUT, name)?;
    let (tenant, hierarchy) = hierarchy_of(field, tenant, hierarchy)?;
    let rollout = RolloutId::parse(rollout).map_err(|error| Failure::field(field, error.to_string()))?;
    let key = RolloutKey { tenant: tenant.id.clone(), hierarchy, rollout };
    Ok((tenant, key))
}

/// Who calls, as the domain knows them.
fn principal(id: &str) -> Result<PrincipalId, Failure> {
    PrincipalId::parse(id).map_err(Failure::internal)
}

/// The content that approvals are given for: the name and the spec.
fn hash_of(key: &RolloutKey, spec: &RolloutSpec) -> Result<PlanHash, Failure> {
    let content = serde_json::to_vec(&(key.name(), spec)).map_err(Failure::internal)?;
    let digest = digest::digest(&digest::SHA256, &content);
    let hash: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    PlanHash::parse(&hash).map_err(Failure::internal)
}

fn not_found(key: &RolloutKey) -> Failure {
    Failure::NotFound { resource_type: ROLLOUT_TYPE, name: key.name() }
}

fn under_spec(violations: Vec<Violation>) -> Failure {
    let under = violations.into_iter().map(|violation| violation.under("spec"));
    let fields = under.map(|Violation { field, description }| FieldViolation { field, description });
    Failure::InvalidFields(fields.collect())
}

impl Handlers {
    /// `limit`: how long the request may wait for the fleet to be counted.
    async fn rollout_create(
        &self,
        request: CreateRolloutRequest,
        created_by: String,
        limit: Duration,
    ) -> Result<CreateRolloutResponse, Failure> {
        let at = self.clock.now();
        let content = CreateRolloutRequest { request_id: String::new(), ..request.clone() };
        let once = Once::new(&request.request_id, CREATE, &content, at)?;
        let why = justification(request.justification)?;
        let (tenant, key) = rollout_key("name", &request.name)?;
        let spec = request.spec.ok_or_else(|| Failure::field("spec", "must be set; found nothing"))?;
        let spec = spec_from(spec, &tenant.id).map_err(under_spec)?;
        let invalid = |errors: Vec<_>| invalid_rollout(key.name(), &errors);
        // What no fleet could make good is told before anybody is asked.
        spec.validate(&[]).map_err(invalid)?;
        self.check_hierarchy(&tenant, &key.hierarchy).await?;
        self.check_collections(&key, &spec).await?;
        let sizes =
            self.wave_sizes(&tenant, &key.hierarchy, &spec, &request.consistency_token, limit).await?;
        let plan = hash_of(&key, &spec)?;
        let RolloutKey { tenant, hierarchy, rollout } = key.clone();
        let name = RolloutName { tenant, hierarchy, id: rollout, plan };
        let rollout = Rollout::draft(name, spec, &sizes).map_err(invalid)?;
        let new = NewRollout { key: key.clone(), rollout, sizes, created_by, why, at };
        let rollout = rollout_keep(&self.store, new, once).await?;
        Ok(CreateRolloutResponse { rollout: Some(rollout) })
    }

    /// Collections are the inventory's: only it can say whether there are such.
    async fn check_collections(&self, key: &RolloutKey, spec: &RolloutSpec) -> Result<(), Failure> {
        let chosen = spec.waves.iter().filter_map(|wave| match &wave.choice {
            WaveChoice::Collection(id) => Some(id),
            WaveChoice::Percentage { .. } | WaveChoice::Group(_) => None,
        });
        let named: BTreeSet<&CollectionId> = chosen.chain([&spec.pilot_collection]).collect();
        for id in named {
            if !self.collections.has(&key.tenant, &key.hierarchy, id).await? {
                let hierarchy = &key.hierarchy;
                return Err(Failure::Unmet {
                    reason: ErrorReason::RolloutCollectionUnknown,
                    name: key.name(),
                    description: format!(
                        "expected a collection of the hierarchy {hierarchy}, found `{id}`, which it does not have: import its \
                         collections, or name another"
                    ),
                    expected: String::new(),
                    found: id.to_string(),
                });
            }
        }
        Ok(())
    }

    /// How many devices each wave would take as the fleet stands.
    async fn wave_sizes(
        &self,
        tenant: &Tenant,
        hierarchy: &HierarchyId,
        spec: &RolloutSpec,
        token: &str,
        limit: Duration,
    ) -> Result<Vec<Option<u64>>, Failure> {
        let asked = ConsistencyToken::parse(token)?;
        let policies = self.policies(tenant, token).await?;
        let read = self.surroundings_dated(tenant, inventory_world_of(&asked), TRUSTED_FOR).await?;
        let world =
            read.world.ok_or_else(|| Failure::internal("GetSurroundings answered without a world"))?;
        let basis = Basis { surroundings: read.value, policies };
        let asked = Arc::new(Asked::of(hierarchy, spec, &basis));
        let fleet = self.fleets.of(&tenant.name, &tenant.id);
        let (looking, tenant) = (Arc::clone(&asked), tenant.id.clone());
        let look = move |fleet: &Fleet| looking.look(&fleet.index);
        let sizes = fleet.when_apart(world, &basis, limit, look, move |look| {
            wave_sizes(&asked.spec, &tenant, &asked.observations(look, None))
        });
        sizes.await
    }

    async fn rollout_get(&self, request: GetRolloutRequest) -> Result<GetRolloutResponse, Failure> {
        let (_, key) = rollout_key("name", &request.name)?;
        let rollout = rollout_fetch(&self.store, &key).await?.ok_or_else(|| not_found(&key))?;
        Ok(GetRolloutResponse { rollout: Some(rollout) })
    }

    async fn rollouts_list(&self, request: ListRolloutsRequest) -> Result<ListRolloutsResponse, Failure> {
        let [tenant, hierarchy] = names::parse("parent", HIERARCHY, &request.parent)?;
        let (tenant, hierarchy) = hierarchy_of("parent", tenant, hierarchy)?;
        let size = page_size(request.page_size)?;
        let wanted = Wanted {
            workload: enum_optional::<Workload>("workload", request.workload).map_err(invalid)?,
            phase: phase_of("phase", request.phase).map_err(invalid)?,
        };
        let numbers = [request.workload.to_be_bytes(), request.phase.to_be_bytes()];
        let filter = fingerprint(&[request.parent.as_bytes(), &numbers[0], &numbers[1]]);
        let after = PageToken::decode::<Place>(&request.page_token, ROLLOUTS, filter)?;
        let of = (&tenant.id, &hierarchy);
        let found = rollout_list(&self.store, of, wanted, after, one_more(size)).await?;
        let next = |last: &_| PageToken::encode(ROLLOUTS, filter, &place_after(last));
        let (mut rollouts, next_page_token) = paged(found, size, next);
        let waves = rollouts.iter_mut().filter_map(|rollout| rollout.spec.as_mut());
        for wave in waves.flat_map(|spec| &mut spec.waves) {
            if let Some(Choice::Devices(group)) = &mut wave.choice {
                group.devices.clear();
            }
        }
        Ok(ListRolloutsResponse { rollouts, next_page_token })
    }

    async fn rollout_devices_list(
        &self,
        request: ListRolloutDevicesRequest,
    ) -> Result<ListRolloutDevicesResponse, Failure> {
        let (tenant, key) = rollout_key("parent", &request.parent)?;
        let size = page_size(request.page_size)?;
        let standing = wanted_standing("standing", request.standing).map_err(invalid)?;
        let wave = request.wave.map_or_else(String::new, |wave| wave.to_string());
        let filter =
            fingerprint(&[request.parent.as_bytes(), wave.as_bytes(), &request.standing.to_be_bytes()]);
        let after = PageToken::decode::<(u32, String)>(&request.page_token, DEVICES, filter)?;
        if rollout_fetch(&self.store, &key).await?.is_none() {
            return Err(not_found(&key));
        }
        let wanted = WantedDevices { wave: request.wave, standing };
        let after = after.as_ref().map(|(wave, device)| (*wave, device.as_str()));
        let found = devices_list(&self.store, &key, wanted, after, one_more(size)).await?;
        let found: Vec<RolloutDevice> = found.iter().map(|row| device(&key.tenant, row)).collect();
        let prefix = format!("{}/devices/", tenant.name);
        let next = |last: &RolloutDevice| {
            let id = last.device.strip_prefix(&prefix).unwrap_or_default();
            PageToken::encode(DEVICES, filter, &(last.wave, id))
        };
        let (devices, next_page_token) = paged(found, size, next);
        Ok(ListRolloutDevicesResponse { devices, next_page_token })
    }
}
