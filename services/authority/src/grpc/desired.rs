//! What is desired of a hierarchy, and the work that carries it there.

use tandem_contracts::authority::v1::{
    DesiredPolicy, GetDesiredPolicyRequest, GetDesiredPolicyResponse, GetHandoverRequest, GetHandoverResponse,
};
use tandem_contracts::convert as contracts;
use tandem_domain::handover::handover;
use tandem_domain::id::HierarchyId;
use tandem_domain::site;
use tandem_server::{Failure, names};

use super::{Handlers, Tenant, convert};
use crate::store::plans::{DESIRED_TYPE, desired_fetch};

const DESIRED: &str = "tenants/{t}/hierarchies/{h}/desiredPolicy";

fn desired_of(field: &str, name: &str) -> Result<(Tenant, HierarchyId), Failure> {
    let [tenant, hierarchy] = names::parse(field, DESIRED, name)?;
    let tenant = Tenant::parse(field, &format!("tenants/{tenant}"))?;
    let hierarchy = HierarchyId::parse(hierarchy).map_err(|e| Failure::field(field, e.to_string()))?;
    Ok((tenant, hierarchy))
}

impl Handlers {
    /// The revision is read first: what comes after it is of that world or a later one.
    pub(super) async fn desired_get(
        &self,
        request: GetDesiredPolicyRequest,
    ) -> Result<GetDesiredPolicyResponse, Failure> {
        let (tenant, hierarchy) = desired_of("name", &request.name)?;
        let revision = self.at_least(&tenant, &request.consistency_token).await?;
        let desired = self.desired(&tenant, &hierarchy, request.name).await?;
        let consistency_token = self.store.world(revision).to_string();
        Ok(GetDesiredPolicyResponse { desired_policy: Some(desired), consistency_token })
    }

    pub(super) async fn handover_get(
        &self,
        request: GetHandoverRequest,
    ) -> Result<GetHandoverResponse, Failure> {
        let (tenant, hierarchy) = desired_of("name", &request.name)?;
        let world = self.world(&tenant, &request.consistency_token).await?;
        let desired = self.desired(&tenant, &hierarchy, request.name).await?;
        let policy = contracts::policy::from_proto(desired.policy.unwrap_or_default());
        let policy =
            policy.map_err(|violations| Failure::internal(format!("desired policy: {violations:?}")))?;
        let configured = world.policies.of(Some(&hierarchy));
        let known = world.surroundings.hierarchies.get(&hierarchy);
        let site = site::top(known.into_iter().flat_map(|known| known.sites.values()));
        // Which members a wave adds and removes is the rollout's to say.
        let work = handover(configured.map(|known| &known.policy), &policy, &[], site);
        let work = work.map_err(|error| Failure::internal(format!("desired policy: {error}")))?;
        Ok(GetHandoverResponse {
            handover: Some(convert::plan::handover(&work)),
            configured_revision: configured.map_or(0, |known| known.revision),
            desired_revision: desired.revision,
            consistency_token: self.token(&world.surroundings.consistency_token, &world)?,
        })
    }

    async fn desired(
        &self,
        tenant: &Tenant,
        hierarchy: &HierarchyId,
        name: String,
    ) -> Result<DesiredPolicy, Failure> {
        let found = desired_fetch(&self.store, &tenant.id, hierarchy).await?;
        found.ok_or(Failure::NotFound { resource_type: DESIRED_TYPE, name })
    }
}
