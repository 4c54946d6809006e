//! Collections and their members.

use std::pin::Pin;

use futures::Stream;
use tandem_contracts::inventory::v1::collection_service_server::CollectionService;
use tandem_contracts::inventory::v1::{
    Collection, CreateCollectionRequest, CreateCollectionResponse, DeleteCollectionRequest,
    DeleteCollectionResponse, GetCollectionRequest, GetCollectionResponse, ImportCollectionsRequest,
    ImportCollectionsResponse, ListCollectionMembersRequest, ListCollectionMembersResponse,
    ListCollectionsRequest, ListCollectionsResponse, UpdateCollectionMembersRequest,
    UpdateCollectionMembersResponse, UpdateCollectionRequest, UpdateCollectionResponse,
};
use tandem_domain::id::CollectionId;
use tandem_server::failure::Failure;
use tandem_server::names::{self, TenantName};
use tonic::{Request, Response, Status, Streaming};

use super::devices::{check_filter, device_ids};
use super::page::{Page, last_part};
use super::tenants::check_display_name;
use super::{Handlers, import};
use crate::store::filter::CollectionName;
use crate::store::once::Once;
use crate::store::{collections, hierarchies};

/// Most devices of one change of members.
const MOST_MEMBERS: usize = 1000;

/// Reads one of Tandem's own collections from a mutation.
fn read_own(collection: Option<&Collection>) -> Result<(String, CollectionName, Collection), Failure> {
    let collection =
        collection.ok_or_else(|| Failure::field("collection", "expected a collection; found nothing"))?;
    let (tenant, name) = own_name("collection.name", &collection.name)?;
    check_display_name("collection.display_name", &collection.display_name)?;
    if let Some(rule) = &collection.rule {
        check_filter("collection.rule", rule)?;
        if !rule.collections.is_empty() {
            let expected = "expected no collections: a rule may not depend on another rule";
            return Err(Failure::field("collection.rule.collections", expected));
        }
    }
    Ok((tenant, name, collection.clone()))
}

/// Reads the name of one of Tandem's own collections.
fn own_name(field: &str, name: &str) -> Result<(String, CollectionName), Failure> {
    let [tenant, id] = names::parse(field, "tenants/{t}/collections/{c}", name)?;
    CollectionId::parse(id).map_err(|e| Failure::field(field, e.to_string()))?;
    Ok((tenant.to_owned(), CollectionName { hierarchy: String::new(), collection: id.to_owned() }))
}

#[tonic::async_trait]
impl CollectionService for Handlers {
    type ImportCollectionsStream =
        Pin<Box<dyn Stream<Item = Result<ImportCollectionsResponse, Status>> + Send>>;

    async fn create_collection(
        &self,
        request: Request<CreateCollectionRequest>,
    ) -> Result<Response<CreateCollectionResponse>, Status> {
        let request = request.into_inner();
        let (tenant, name, new) = read_own(request.collection.as_ref())?;
        let once = Once::new(&tenant, "CreateCollection", &request.request_id, &request, self.clock.now())?;
        let answer =
            collections::collection_create(&self.store, &tenant, &name.collection, &new, once).await?;
        Ok(Response::new(answer))
    }

    async fn get_collection(
        &self,
        request: Request<GetCollectionRequest>,
    ) -> Result<Response<GetCollectionResponse>, Status> {
        let request = request.into_inner();
        let (tenant, name) = CollectionName::parse("name", &request.name)?;
        let tenant = TenantName::of_id(&tenant)?;
        let revision = self.store.at_least(tenant.id(), &request.consistency_token).await?;
        let collection = collections::collection_fetch(&self.store, &tenant, &name).await?;
        let consistency_token = self.store.token(revision);
        Ok(Response::new(GetCollectionResponse { collection: Some(collection), consistency_token }))
    }

    async fn list_collections(
        &self,
        request: Request<ListCollectionsRequest>,
    ) -> Result<Response<ListCollectionsResponse>, Status> {
        let request = request.into_inner();
        let (tenant, hierarchy) = match request.parent.split('/').count() {
            4 => {
                let [tenant, hierarchy] =
                    names::parse("parent", "tenants/{t}/hierarchies/{h}", &request.parent)?;
                (tenant, hierarchy)
            }
            _ => {
                let [tenant] = names::parse("parent", "tenants/{t}", &request.parent)?;
                (tenant, "")
            }
        };
        let tenant = TenantName::of_id(tenant)?;
        let revision = self.store.at_least(tenant.id(), &request.consistency_token).await?;
        if !hierarchy.is_empty() {
            hierarchies::hierarchy_fetch(&self.store, tenant.id(), hierarchy).await?;
        }
        let of = [request.parent.as_bytes()];
        let page = Page::<String>::read("collections", &of, request.page_size, &request.page_token)?;
        let mut collections =
            collections::collection_list(&self.store, &tenant, hierarchy, page.after.clone(), page.limit())
                .await?;
        let next_page_token = page.finish(&mut collections, |collection| last_part(&collection.name));
        let consistency_token = self.store.token(revision);
        Ok(Response::new(ListCollectionsResponse { collections, next_page_token, consistency_token }))
    }

    async fn update_collection(
        &self,
        request: Request<UpdateCollectionRequest>,
    ) -> Result<Response<UpdateCollectionResponse>, Status> {
        let request = request.into_inner();
        let (tenant, name, new) = read_own(request.collection.as_ref())?;
        let once = Once::new(&tenant, "UpdateCollection", &request.request_id, &request, self.clock.now())?;
        Ok(Response::new(collections::collection_update(&self.store, &tenant, &name, &new, once).await?))
    }

    async fn delete_collection(
        &self,
        request: Request<DeleteCollectionRequest>,
    ) -> Result<Response<DeleteCollectionResponse>, Status> {
        let request = request.into_inner();
        let (tenant, name) = own_name("name", &request.name)?;
        let once = Once::new(&tenant, "DeleteCollection", &request.request_id, &request, self.clock.now())?;
        let answer = collections::collection_delete(&self.store, &tenant, &name, &request.etag, once).await?;
        Ok(Response::new(answer))
    }

    async fn list_collection_members(
        &self,
        request: Request<ListCollectionMembersRequest>,
    ) -> Result<Response<ListCollectionMembersResponse>, Status> {
        let request = request.into_inner();
        let (tenant, name) = CollectionName::parse("parent", &request.parent)?;
        let tenant = TenantName::of_id(&tenant)?;
        let of = [request.parent.as_bytes()];
        let page = Page::<String>::read("collection_members", &of, request.page_size, &request.page_token)?;
        let revision = self.store.at_least(tenant.id(), &request.consistency_token).await?;
        let mut ids =
            collections::member_list(&self.store, &tenant, &name, page.after.clone(), page.limit()).await?;
        let next_page_token = page.finish(&mut ids, String::clone);
        let devices = ids.into_iter().map(|id| format!("{tenant}/devices/{id}")).collect();
        let consistency_token = self.store.token(revision);
        Ok(Response::new(ListCollectionMembersResponse { devices, next_page_token, consistency_token }))
    }

    async fn update_collection_members(
        &self,
        request: Request<UpdateCollectionMembersRequest>,
    ) -> Result<Response<UpdateCollectionMembersResponse>, Status> {
        let request = request.into_inner();
        let (tenant, name) = own_name("name", &request.name)?;
        let found = request.add.len() + request.remove.len();
        if found > MOST_MEMBERS {
            let expected = format!("expected at most {MOST_MEMBERS} devices with `remove`; found {found}");
            return Err(Failure::field("add", expected).into());
        }
        let add = device_ids("add", &tenant, &request.add)?;
        let remove = device_ids("remove", &tenant, &request.remove)?;
        let once =
            Once::new(&tenant, "UpdateCollectionMembers", &request.request_id, &request, self.clock.now())?;
        let change = (add.as_slice(), remove.as_slice(), request.etag.as_str());
        Ok(Response::new(collections::members_update(&self.store, &tenant, &name, change, once).await?))
    }

    async fn import_collections(
        &self,
        request: Request<Streaming<ImportCollectionsRequest>>,
    ) -> Result<Response<Self::ImportCollectionsStream>, Status> {
        Ok(Response::new(Box::pin(import::acknowledge(self.clone(), request.into_inner()))))
    }
}
