//! Tenants, hierarchies and sites: names, etags, pages, repeated requests.

use std::collections::HashMap;

use tandem_contracts::inventory::v1::{
    CreateTenantRequest, GetSiteRequest, GetTenantRequest, ListDevicesRequest, ListHierarchiesRequest, Site,
    Tenant, UpdateSiteRequest, UpdateTenantRequest,
};
use tandem_contracts::r#type::v1::section::Body;
use tandem_contracts::r#type::v1::{CoManagementState, ManagementState, MdmProvider, SiteFacts, TenantFacts};
use tonic::Code;

use crate::sandbox::*;

pub(crate) async fn tenant_is_made_once() {
    let mut sandbox = Sandbox::empty().await;
    let tenant = Tenant { name: "tenants/contoso".into(), ..Tenant::default() };
    let request = CreateTenantRequest { tenant: Some(tenant), request_id: String::new() };
    let made = sandbox.tenants.create_tenant(request.clone()).await.unwrap().into_inner().tenant.unwrap();
    assert_eq!((&*made.display_name, &*made.etag), ("contoso", "1"));
    let error = sandbox.tenants.create_tenant(request).await.unwrap_err();
    assert_eq!(reason(&error), (Code::AlreadyExists, "RESOURCE_ALREADY_EXISTS".into()));
    let missing = GetTenantRequest { name: "tenants/fabrikam".into(), ..Default::default() };
    let error = sandbox.tenants.get_tenant(missing).await.unwrap_err();
    assert_eq!(reason(&error), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
}

pub(crate) async fn site_is_changed_only_with_its_current_etag() {
    let mut sandbox = Sandbox::start().await;
    let name = "tenants/contoso/hierarchies/PS1/sites/PS1";
    let site = |version: &str, etag: &str| Site {
        name: name.into(),
        facts: Some(SiteFacts { version: Some(version.into()), ..SiteFacts::default() }),
        etag: etag.into(),
    };
    let update =
        |site| UpdateSiteRequest { site: Some(site), allow_missing: true, request_id: String::new() };
    sandbox.hierarchies.update_site(update(site("2409", ""))).await.unwrap();
    let changed = sandbox.hierarchies.update_site(update(site("2509", "1"))).await.unwrap().into_inner().site;
    assert_eq!(changed, Some(site("2509", "2")));
    let stale = sandbox.hierarchies.update_site(update(site("2603", "1"))).await.unwrap_err();
    assert_eq!(reason(&stale), (Code::Aborted, "ETAG_MISMATCH".into()));
    let read = sandbox
        .hierarchies
        .get_site(GetSiteRequest { name: name.into(), ..Default::default() })
        .await
        .unwrap()
        .into_inner()
        .site;
    assert_eq!(read, Some(site("2509", "2")));
}

pub(crate) async fn pages_hold_everything_once_and_tokens_belong_to_their_list() {
    let mut sandbox = Sandbox::start().await;
    let mut request = ListHierarchiesRequest {
        parent: "tenants/contoso".into(),
        page_size: 1,
        page_token: String::new(),
        ..Default::default()
    };
    let mut names = Vec::new();
    loop {
        let page = sandbox.hierarchies.list_hierarchies(request.clone()).await.unwrap().into_inner();
        names.extend(page.hierarchies.into_iter().map(|hierarchy| hierarchy.name));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(names, ["tenants/contoso/hierarchies/EU1", "tenants/contoso/hierarchies/PS1"]);
    let foreign = ListDevicesRequest {
        parent: "tenants/contoso".into(),
        page_token: request.page_token,
        ..ListDevicesRequest::default()
    };
    let error = sandbox.devices.list_devices(foreign).await.unwrap_err();
    assert_eq!(reason(&error), (Code::InvalidArgument, "INVALID_PAGE_TOKEN".into()));
}

pub(crate) async fn mapping_an_authority_text_moves_its_devices_into_coexistence() {
    let mut sandbox = Sandbox::start().await;
    let row = CoManagementState { authority: Some("AirWatch".into()), ..CoManagementState::default() };
    let sections =
        vec![discovery("PS1/1", "OSL-1", &sms(1)), section("PS1/1", NOW, Body::CoManagementState(row))];
    sandbox.report("configmgr/PS1", sections).await;
    assert_eq!(sandbox.all().await[0].state, i32::from(ManagementState::ClientOnly));
    let authority_texts = HashMap::from([("AirWatch".to_owned(), i32::from(MdmProvider::ThirdParty))]);
    let tenant = Tenant {
        name: "tenants/contoso".into(),
        facts: Some(TenantFacts { authority_texts, ..TenantFacts::default() }),
        ..Tenant::default()
    };
    let update = UpdateTenantRequest { tenant: Some(tenant), request_id: String::new() };
    sandbox.tenants.update_tenant(update).await.unwrap();
    assert_eq!(sandbox.all().await[0].state, i32::from(ManagementState::Coexistence));
}
