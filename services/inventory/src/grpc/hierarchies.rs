//! Hierarchies and sites.

use tandem_contracts::convert;
use tandem_contracts::inventory::v1::hierarchy_service_server::HierarchyService;
use tandem_contracts::inventory::v1::{
    GetHierarchyRequest, GetHierarchyResponse, GetSiteRequest, GetSiteResponse, ListHierarchiesRequest,
    ListHierarchiesResponse, ListSitesRequest, ListSitesResponse, UpdateHierarchyRequest,
    UpdateHierarchyResponse, UpdateSiteRequest, UpdateSiteResponse,
};
use tandem_domain::id::{HierarchyId, SiteCode};
use tandem_server::failure::Failure;
use tandem_server::names::{self, TenantName};
use tonic::{Request, Response, Status};

use super::Handlers;
use super::convert::violations;
use super::page::{Page, last_part};
use super::tenants::check_display_name;
use crate::store::hierarchies;
use crate::store::once::Once;

const HIERARCHY: &str = "tenants/{t}/hierarchies/{h}";
const SITE: &str = "tenants/{t}/hierarchies/{h}/sites/{s}";

#[tonic::async_trait]
impl HierarchyService for Handlers {
    async fn get_hierarchy(
        &self,
        request: Request<GetHierarchyRequest>,
    ) -> Result<Response<GetHierarchyResponse>, Status> {
        let request = request.into_inner();
        let [tenant, id] = names::parse("name", HIERARCHY, &request.name)?;
        let revision = self.store.at_least(tenant, &request.consistency_token).await?;
        let hierarchy = hierarchies::hierarchy_fetch(&self.store, tenant, id).await?;
        let consistency_token = self.store.token(revision);
        Ok(Response::new(GetHierarchyResponse { hierarchy: Some(hierarchy), consistency_token }))
    }

    async fn list_hierarchies(
        &self,
        request: Request<ListHierarchiesRequest>,
    ) -> Result<Response<ListHierarchiesResponse>, Status> {
        let request = request.into_inner();
        let parent = TenantName::parse("parent", &request.parent)?;
        let of = [parent.id().as_bytes()];
        let page = Page::<String>::read("hierarchies", &of, request.page_size, &request.page_token)?;
        let revision = self.store.at_least(parent.id(), &request.consistency_token).await?;
        let mut hierarchies =
            hierarchies::hierarchy_list(&self.store, &parent, page.after.clone(), page.limit()).await?;
        let next_page_token = page.finish(&mut hierarchies, |hierarchy| last_part(&hierarchy.name));
        let consistency_token = self.store.token(revision);
        Ok(Response::new(ListHierarchiesResponse { hierarchies, next_page_token, consistency_token }))
    }

    async fn update_hierarchy(
        &self,
        request: Request<UpdateHierarchyRequest>,
    ) -> Result<Response<UpdateHierarchyResponse>, Status> {
        let request = request.into_inner();
        let hierarchy = request
            .hierarchy
            .as_ref()
            .ok_or_else(|| Failure::field("hierarchy", "expected a hierarchy; found nothing"))?;
        let [tenant, id] = names::parse("hierarchy.name", HIERARCHY, &hierarchy.name)?;
        HierarchyId::parse(id).map_err(|e| Failure::field("hierarchy.name", e.to_string()))?;
        check_display_name("hierarchy.display_name", &hierarchy.display_name)?;
        let once = Once::new(tenant, "UpdateHierarchy", &request.request_id, &request, self.clock.now())?;
        let answer =
            hierarchies::hierarchy_update(&self.store, tenant, id, hierarchy, request.allow_missing, once)
                .await?;
        Ok(Response::new(answer))
    }

    async fn get_site(&self, request: Request<GetSiteRequest>) -> Result<Response<GetSiteResponse>, Status> {
        let request = request.into_inner();
        let [tenant, hierarchy, id] = names::parse("name", SITE, &request.name)?;
        let revision = self.store.at_least(tenant, &request.consistency_token).await?;
        let site = hierarchies::site_fetch(&self.store, tenant, hierarchy, id).await?;
        let consistency_token = self.store.token(revision);
        Ok(Response::new(GetSiteResponse { site: Some(site), consistency_token }))
    }

    async fn list_sites(
        &self,
        request: Request<ListSitesRequest>,
    ) -> Result<Response<ListSitesResponse>, Status> {
        let request = request.into_inner();
        let [tenant, hierarchy] = names::parse("parent", HIERARCHY, &request.parent)?;
        let of = [tenant.as_bytes(), hierarchy.as_bytes()];
        let page = Page::<String>::read("sites", &of, request.page_size, &request.page_token)?;
        let revision = self.store.at_least(tenant, &request.consistency_token).await?;
        let mut sites =
            hierarchies::site_list(&self.store, tenant, hierarchy, page.after.clone(), page.limit()).await?;
        let next_page_token = page.finish(&mut sites, |site| last_part(&site.name));
        let consistency_token = self.store.token(revision);
        Ok(Response::new(ListSitesResponse { sites, next_page_token, consistency_token }))
    }

    async fn update_site(
        &self,
        request: Request<UpdateSiteRequest>,
    ) -> Result<Response<UpdateSiteResponse>, Status> {
        let request = request.into_inner();
        let site =
            request.site.as_ref().ok_or_else(|| Failure::field("site", "expected a site; found nothing"))?;
        let [tenant, hierarchy, id] = names::parse("site.name", SITE, &site.name)?;
        let code = SiteCode::parse(id).map_err(|e| Failure::field("site.name", e.to_string()))?;
        convert::site::from_proto(site.facts.clone().unwrap_or_default(), code)
            .map_err(|found| violations("site.facts", found))?;
        let once = Once::new(tenant, "UpdateSite", &request.request_id, &request, self.clock.now())?;
        let key = (tenant, hierarchy, id);
        let answer = hierarchies::site_update(&self.store, key, site, request.allow_missing, once).await?;
        Ok(Response::new(answer))
    }
}
