//! Plans: what a proposed policy would do, kept, read, and adopted.

use std::time::Duration;

use tandem_client::fleet::{TRUSTED_FOR, World};
use tandem_contracts::authority::v1::{
    ApplyPlanRequest, ApplyPlanResponse, CreatePlanRequest, CreatePlanResponse, GetPlanRequest,
    GetPlanResponse, ListPlansRequest, ListPlansResponse,
};
use tandem_domain::id::HierarchyId;
use tandem_domain::plan::{self, Impact, SortedFleet};
use tandem_domain::policy::CoManagementPolicy;
use tandem_server::consistency::Service;
use tandem_server::names::{self, page_size};
use tandem_server::{ConsistencyToken, Failure};
use tandem_storage::fingerprint;
use tandem_storage::page::PageToken;

use super::convert::plan::Planned;
use super::policies::{PolicyName, justification, one_more, paged};
use super::{Handlers, Tenant, convert};
use crate::devices::inventory_world_of;
use crate::fleet::Basis;
use crate::store::plans::{
    Application, NewPlan, PLAN_TYPE, Place, PlanKey, desired_fetch, place_after, plan_apply, plan_fetch,
    plan_keep, plan_list,
};
use tandem_server::once::Once;

const PLAN: &str = "tenants/{t}/hierarchies/{h}/plans/{p}";
pub(super) const HIERARCHY: &str = "tenants/{t}/hierarchies/{h}";
const APPLY: &str = "tandem.authority.v1.PlanService/ApplyPlan";

/// The kind of page tokens.
const PLANS: &str = "plans";

pub(super) fn plan_key(field: &str, name: &str) -> Result<PlanKey, Failure> {
    let [tenant, hierarchy, plan] = names::parse(field, PLAN, name)?;
    let (tenant, hierarchy) = hierarchy_of(field, tenant, hierarchy)?;
    Ok(PlanKey { tenant: tenant.id, hierarchy, plan: plan.to_owned() })
}

pub(super) fn hierarchy_of(
    field: &str,
    tenant: &str,
    hierarchy: &str,
) -> Result<(Tenant, HierarchyId), Failure> {
    let tenant = Tenant::parse(field, &format!("tenants/{tenant}"))?;
    let hierarchy = HierarchyId::parse(hierarchy).map_err(|e| Failure::field(field, e.to_string()))?;
    Ok((tenant, hierarchy))
}

impl Handlers {
    /// `limit`: how long the request may wait for the fleet to be counted.
    pub(super) async fn plan_create(
        &self,
        request: CreatePlanRequest,
        created_by: String,
        limit: Duration,
    ) -> Result<CreatePlanResponse, Failure> {
        let at = self.clock.now();
        let CreatePlanRequest { proposed, facts, consistency_token } = request;
        let proposed = proposed.ok_or_else(|| Failure::field("proposed", "must be set; found nothing"))?;
        let name = proposed.name.clone();
        let PolicyName { tenant, hierarchy } = PolicyName::parse("proposed.name", &name)?;
        let facts = convert::plan::facts(facts.unwrap_or_default())?;
        let asked = ConsistencyToken::parse(&consistency_token)?;
        self.check_hierarchy(&tenant, &hierarchy).await?;
        let policies = self.policies(&tenant, &consistency_token).await?;
        let read = self.surroundings_dated(&tenant, inventory_world_of(&asked), TRUSTED_FOR).await?;
        let surroundings = read.value;
        let sites =
            || surroundings.hierarchies.get(&hierarchy).into_iter().flat_map(|known| known.sites.values());
        let proposed = convert::plan::proposed(proposed, sites())?;

        let basis = Basis { surroundings: surroundings.clone(), policies };
        let world =
            read.world.ok_or_else(|| Failure::internal("GetSurroundings answered without a world"))?;
        let configured = basis.policies.of(Some(&hierarchy));
        let base = configured.map(|known| &known.policy);
        let fleet = self.fleets.of(&tenant.name, &tenant.id);
        let counted = fleet.when(world, &basis, limit, |fleet| {
            let counted = fleet.world().unwrap_or(world);
            (impact(fleet, &basis, &hierarchy, base, &proposed), counted)
        });
        let (impact, counted) = counted.await?;
        let desired = desired_fetch(&self.store, &tenant.id, &hierarchy).await?;
        let content = convert::plan::content(Planned {
            name: &name,
            proposed: &proposed,
            base,
            impact: &impact,
            warnings: &plan::warnings(base, &proposed, sites(), &facts),
            facts: &facts,
            configured_revision: configured.map_or(0, |known| known.revision),
            desired_revision: desired.map_or(0, |desired| desired.revision),
            inventory_revision: counted.revision,
        });
        let (content, hash) = convert::plan::hashed(&content);
        let new = NewPlan {
            tenant: tenant.id.clone(),
            hierarchy: hierarchy.clone(),
            content,
            hash,
            created_by,
            at,
        };
        let plan = plan_keep(&self.store, new).await?;
        Ok(CreatePlanResponse {
            plan: Some(plan),
            consistency_token: self.planned_in(counted, basis.policies.revision).to_string(),
        })
    }

    /// The world of a plan.
    fn planned_in(&self, inventory: World, policies: u64) -> ConsistencyToken {
        let World { incarnation, revision } = inventory;
        let inventory = ConsistencyToken::default().with(Service::Inventory, incarnation, revision);
        inventory.merge(&self.store.world(policies))
    }

    pub(super) async fn plan_get(&self, request: GetPlanRequest) -> Result<GetPlanResponse, Failure> {
        let key = plan_key("name", &request.name)?;
        match plan_fetch(&self.store, &key).await? {
            Some(plan) => Ok(GetPlanResponse { plan: Some(plan) }),
            None => Err(Failure::NotFound { resource_type: PLAN_TYPE, name: request.name }),
        }
    }

    pub(super) async fn plans_list(&self, request: ListPlansRequest) -> Result<ListPlansResponse, Failure> {
        let [tenant, hierarchy] = names::parse("parent", HIERARCHY, &request.parent)?;
        let (tenant, hierarchy) = hierarchy_of("parent", tenant, hierarchy)?;
        let size = page_size(request.page_size)?;
        let filter = fingerprint(&[request.parent.as_bytes()]);
        let after = PageToken::decode::<Place>(&request.page_token, PLANS, filter)?;
        let found = plan_list(&self.store, &tenant.id, &hierarchy, after, one_more(size)).await?;
        let next = |last: &_| PageToken::encode(PLANS, filter, &place_after(last));
        let (plans, next_page_token) = paged(found, size, next);
        Ok(ListPlansResponse { plans, next_page_token })
    }

    pub(super) async fn plan_apply(
        &self,
        request: ApplyPlanRequest,
        applied_by: String,
    ) -> Result<ApplyPlanResponse, Failure> {
        let at = self.clock.now();
        let content = ApplyPlanRequest { request_id: String::new(), ..request.clone() };
        let once = Once::new(&request.request_id, APPLY, &content, at)?;
        let why = justification(request.justification)?;
        let key = plan_key("name", &request.name)?;
        if request.hash.is_empty() {
            return Err(Failure::field(
                "hash",
                "must be set to that of the plan as it was read; found nothing",
            ));
        }
        let ApplyPlanRequest { hash, configured_revision, .. } = request;
        let application = Application { key, hash, configured_revision, applied_by, why, at };
        plan_apply(&self.store, application, once).await
    }
}

/// What the proposed policy does to a hierarchy's devices.
fn impact(
    fleet: &crate::fleet::Fleet,
    basis: &Basis,
    hierarchy: &HierarchyId,
    base: Option<&CoManagementPolicy>,
    proposed: &CoManagementPolicy,
) -> Impact {
    let nobody = roaring::RoaringBitmap::new();
    let complete = basis.surroundings.complete_collections(Some(hierarchy));
    let members = |collection: &_| plan::Members {
        devices: fleet.index.members(hierarchy, collection).unwrap_or(&nobody),
        complete: complete.contains(collection),
    };
    let cohorts = fleet.index.cohorts(hierarchy);
    let sorted = SortedFleet { cohorts: &cohorts, by: fleet.index.sorted_by_of(Some(hierarchy)) };
    plan::impact(sorted, &members, base, proposed)
}
