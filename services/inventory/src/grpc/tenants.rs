//! Tenants.

use tandem_contracts::convert;
use tandem_contracts::inventory::v1::tenant_service_server::TenantService;
use tandem_contracts::inventory::v1::{
    CreateTenantRequest, CreateTenantResponse, GetSurroundingsRequest, GetSurroundingsResponse,
    GetTenantRequest, GetTenantResponse, ListTenantsRequest, ListTenantsResponse, Tenant,
    UpdateTenantRequest, UpdateTenantResponse,
};
use tandem_domain::id::TenantId;
use tandem_server::caller;
use tandem_server::failure::Failure;
use tandem_server::names::TenantName;
use tonic::{Request, Response, Status};

use super::Handlers;
use super::convert::violations;
use super::page::{Page, last_part};
use crate::store::hierarchies::surroundings_fetch;
use crate::store::once::Once;
use crate::store::tenants;

/// Longest name for people, in characters.
pub(super) const LONGEST_DISPLAY_NAME: usize = 256;

/// Checks a name for people.
pub(super) fn check_display_name(field: &str, name: &str) -> Result<(), Failure> {
    match name.chars().count() {
        found if found > LONGEST_DISPLAY_NAME => Err(Failure::field(
            field,
            format!("expected at most {LONGEST_DISPLAY_NAME} characters; found {found}"),
        )),
        _ => Ok(()),
    }
}

/// Reads the tenant of a mutation: its id, and the message with every field checked.
fn read_tenant(tenant: Option<Tenant>) -> Result<(TenantId, Tenant), Failure> {
    let tenant = tenant.ok_or_else(|| Failure::field("tenant", "expected a tenant; found nothing"))?;
    let name = TenantName::parse("tenant.name", &tenant.name)?;
    let id = TenantId::parse(name.id()).map_err(|e| Failure::field("tenant.name", e.to_string()))?;
    check_display_name("tenant.display_name", &tenant.display_name)?;
    convert::tenant::from_proto(tenant.facts.clone().unwrap_or_default())
        .map_err(|found| violations("tenant.facts", found))?;
    Ok((id, tenant))
}

#[tonic::async_trait]
impl TenantService for Handlers {
    async fn create_tenant(
        &self,
        request: Request<CreateTenantRequest>,
    ) -> Result<Response<CreateTenantResponse>, Status> {
        let request = request.into_inner();
        let (id, tenant) = read_tenant(request.tenant.clone())?;
        let once = Once::new(id.as_str(), "CreateTenant", &request.request_id, &request, self.clock.now())?;
        Ok(Response::new(tenants::tenant_create(&self.store, id.as_str(), &tenant, once).await?))
    }

    async fn get_tenant(
        &self,
        request: Request<GetTenantRequest>,
    ) -> Result<Response<GetTenantResponse>, Status> {
        let request = request.into_inner();
        let name = TenantName::parse("name", &request.name)?;
        self.store.at_least(name.id(), &request.consistency_token).await?;
        let (tenant, revision) = tenants::tenant_fetch(&self.store, name.id()).await?;
        let consistency_token = self.store.token(revision);
        Ok(Response::new(GetTenantResponse { tenant: Some(tenant), consistency_token }))
    }

    async fn list_tenants(
        &self,
        request: Request<ListTenantsRequest>,
    ) -> Result<Response<ListTenantsResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<String>::read("tenants", &[], request.page_size, &request.page_token)?;
        let mut tenants =
            tenants::tenant_list(&self.store, &caller::tenants(), page.after.clone(), page.limit()).await?;
        let next_page_token = page.finish(&mut tenants, |tenant| last_part(&tenant.name));
        Ok(Response::new(ListTenantsResponse { tenants, next_page_token }))
    }

    async fn update_tenant(
        &self,
        request: Request<UpdateTenantRequest>,
    ) -> Result<Response<UpdateTenantResponse>, Status> {
        let request = request.into_inner();
        let (id, tenant) = read_tenant(request.tenant.clone())?;
        let once = Once::new(id.as_str(), "UpdateTenant", &request.request_id, &request, self.clock.now())?;
        Ok(Response::new(tenants::tenant_update(&self.store, id.as_str(), &tenant, once).await?))
    }

    async fn get_surroundings(
        &self,
        request: Request<GetSurroundingsRequest>,
    ) -> Result<Response<GetSurroundingsResponse>, Status> {
        let request = request.into_inner();
        let parent = TenantName::parse("parent", &request.parent)?;
        self.store.at_least(parent.id(), &request.consistency_token).await?;
        Ok(Response::new(surroundings_fetch(&self.store, &parent, request.known_revision).await?))
    }
}
