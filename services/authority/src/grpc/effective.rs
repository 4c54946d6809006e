//! The effective authority on devices asked for by name.

use tandem_client::fleet::NamedDevices;
use tandem_contracts::authority::v1::{
    BatchGetEffectiveAuthorityRequest, BatchGetEffectiveAuthorityResponse, GetEffectiveAuthorityRequest,
    GetEffectiveAuthorityResponse,
};
use tandem_server::Failure;
use tandem_server::failure::FieldViolation;
use tandem_server::names;

use super::{Handlers, Tenant, convert};
use crate::judge::World;

pub(super) const DEVICE: &str = "tenants/{t}/devices/{d}";
pub(super) const RESOURCE_TYPE: &str = "tandem.inventory.v1.Device";

/// Most devices of one batch, as the contract says.
const LARGEST_BATCH: usize = 1000;

impl Handlers {
    pub(super) async fn effective_get(
        &self,
        request: GetEffectiveAuthorityRequest,
    ) -> Result<GetEffectiveAuthorityResponse, Failure> {
        let GetEffectiveAuthorityRequest { name, consistency_token } = request;
        let [tenant, _] = names::parse("name", DEVICE, &name)?;
        let tenant = Tenant::parse("name", &format!("tenants/{tenant}"))?;
        let batch = self.effective_of(&tenant, vec![name.clone()], &consistency_token).await?;
        match batch.effective_authorities.into_iter().next() {
            Some(found) => Ok(GetEffectiveAuthorityResponse {
                effective_authority: Some(found),
                consistency_token: batch.consistency_token,
            }),
            None => Err(Failure::NotFound { resource_type: RESOURCE_TYPE, name }),
        }
    }

    pub(super) async fn effective_batch_get(
        &self,
        request: BatchGetEffectiveAuthorityRequest,
    ) -> Result<BatchGetEffectiveAuthorityResponse, Failure> {
        let tenant = Tenant::parse("parent", &request.parent)?;
        check_names(&tenant, &request.names)?;
        self.effective_of(&tenant, request.names, &request.consistency_token).await
    }

    async fn effective_of(
        &self,
        tenant: &Tenant,
        names: Vec<String>,
        token: &str,
    ) -> Result<BatchGetEffectiveAuthorityResponse, Failure> {
        let (found, world) = self.judgeable(tenant, names, token).await?;
        Ok(BatchGetEffectiveAuthorityResponse {
            consistency_token: self.token(&found.consistency_token, &world)?,
            effective_authorities: convert::judged_all(&world, found.devices)?,
            not_found: found.not_found,
        })
    }

    /// Devices, and the world to judge them in. A token is checked before anybody is asked; the devices come before their surroundings,
    /// since the inventory says more exactly why it cannot serve a token.
    pub(super) async fn judgeable(
        &self,
        tenant: &Tenant,
        names: Vec<String>,
        token: &str,
    ) -> Result<(NamedDevices, World), Failure> {
        let policies = self.policies(tenant, token).await?;
        let found = self.devices.named(&tenant.name, names, token).await?;
        Ok((
            found,
            World {
                policies,
                surroundings: self.surroundings(tenant, token).await?,
                as_of: self.clock.now(),
            },
        ))
    }
}

fn check_names(tenant: &Tenant, given: &[String]) -> Result<(), Failure> {
    if given.len() > LARGEST_BATCH {
        let found = given.len();
        return Err(Failure::field(
            "names",
            format!("expected at most {LARGEST_BATCH} names, found {found}"),
        ));
    }
    let mut violations = Vec::new();
    for (index, name) in given.iter().enumerate() {
        let field = format!("names[{index}]");
        match names::parse(&field, DEVICE, name) {
            Ok([other, _]) if other != tenant.name.id() => violations.push(FieldViolation {
                field,
                description: format!("expected a device of `{}`, found `{name}`", tenant.name),
            }),
            Ok(_) => {}
            Err(Failure::InvalidFields(found)) => violations.extend(found),
            Err(failure) => return Err(failure),
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(Failure::InvalidFields(violations)) }
}
