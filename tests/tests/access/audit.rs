//! What callers do at any service is on record in the log of the tenant that it was done to, also after the log was away.

use std::collections::BTreeSet;

use tandem_client::Connection;
use tandem_contracts::authority::v1::{
    AuditFault, GetAuditHeadRequest, ListAuditRecordsRequest, VerifyAuditRequest,
};
use tandem_contracts::inventory::v1::{GetDeviceRequest, GetTenantRequest, Tenant, UpdateTenantRequest};
use tandem_contracts::monitoring::v1::GetDashboardRequest;
use tandem_contracts::prerequisites::v1::CheckTenantRequest;
use tandem_contracts::r#type::v1::{AuditEvent, AuditKind};
use tandem_testkit::wait::until;
use tonic::Code;

use crate::estate::{CONTOSO, Estate, FABRIKAM};

const TENANT: &str = "tenants/contoso";
const NO_TENANT: &str = "tenants/-";
const UPDATE_TENANT: &str = "tandem.inventory.v1.TenantService/UpdateTenant";

/// Everything of a log, oldest first.
async fn log(connection: &Connection, parent: &str) -> Vec<AuditEvent> {
    let request = ListAuditRecordsRequest { parent: parent.into(), page_size: 1000, ..Default::default() };
    let answer = connection.audit().list_audit_records(request).await.unwrap().into_inner();
    answer.records.into_iter().rev().map(|record| record.event.unwrap()).collect()
}

fn is(event: &AuditEvent, kind: AuditKind, principal: &str, method: &str, outcome: &str) -> bool {
    event.kind == i32::from(kind)
        && event.principal == principal
        && event.method == method
        && event.outcome == outcome
        && event.origin == "127.0.0.1"
        && event.trace_id.len() == 32
}

async fn update_tenant(connection: &Connection, tenant: &str) -> Result<(), tonic::Status> {
    let name = format!("tenants/{tenant}");
    let tenant = Tenant { name, display_name: "renamed".into(), ..Tenant::default() };
    let request = UpdateTenantRequest { tenant: Some(tenant), ..UpdateTenantRequest::default() };
    connection.tenants().update_tenant(request).await.map(drop)
}

pub(crate) async fn changes_of_every_service_are_in_the_log_of_their_tenant() {
    let estate = Estate::new().await;
    let auditor = estate.caller("auditor", &[CONTOSO]);
    let made: BTreeSet<&str> = BTreeSet::from([
        "tandem.authority.v1.AuthorityService/UpdateCoManagementPolicy",
        "tandem.inventory.v1.CollectionService/CreateCollection",
        "tandem.inventory.v1.CollectionService/ImportCollections",
        "tandem.inventory.v1.CollectionService/UpdateCollectionMembers",
        "tandem.inventory.v1.DeviceService/ReportDevices",
        "tandem.inventory.v1.HierarchyService/UpdateHierarchy",
        "tandem.inventory.v1.HierarchyService/UpdateSite",
        "tandem.inventory.v1.TenantService/CreateTenant",
        "tandem.prerequisites.v1.CustomRuleService/CreateCustomRule",
    ]);
    until("everything that made the tenant is on record", async || {
        let log = log(&auditor, TENANT).await;
        let administrator = "token:full_administrator";
        let done = log.iter().filter(|event| is(event, AuditKind::Write, administrator, &event.method, "OK"));
        let done: BTreeSet<&str> = done.map(|event| event.method.as_str()).collect();
        (done == made).then_some(())
    })
    .await;
    let log = log(&auditor, TENANT).await;
    let strange = log.iter().filter(|event| event.tenant != TENANT || event.resource.contains(FABRIKAM));
    assert_eq!(strange.count(), 0);
    let policies = "tandem.authority.v1.AuthorityService/UpdateCoManagementPolicy";
    let of_policies: Vec<_> = log.iter().filter(|event| event.method == policies).collect();
    let about: Vec<_> = of_policies.iter().map(|event| event.resource.as_str()).collect();
    assert_eq!(about, ["PS1", "PS2"].map(|id| format!("{TENANT}/hierarchies/{id}/coManagementPolicy")));
    assert!(
        of_policies.iter().all(|event| event.before.is_empty() && event.after.contains("\"enabled\":true"))
    );

    let head = auditor.audit().get_audit_head(GetAuditHeadRequest { parent: TENANT.into() }).await.unwrap();
    let heads = head.into_inner().head.into_iter().collect();
    let request = VerifyAuditRequest { parent: TENANT.into(), heads };
    let verified = auditor.audit().verify_audit(request).await.unwrap().into_inner();
    assert_eq!((verified.fault(), verified.verified >= log.len() as u64), (AuditFault::Unspecified, true));
}

pub(crate) async fn refusals_of_every_service_are_on_record() {
    let estate = Estate::new().await;
    let reader = estate.caller("reader", &[CONTOSO]);
    let stranger = estate.processes.connection_with("nonsense");
    let denied = update_tenant(&reader, CONTOSO).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
    let name = format!("tenants/{FABRIKAM}/devices/{}", estate.devices[1]);
    let request = GetDeviceRequest { name: name.clone(), ..Default::default() };
    assert_eq!(reader.devices().get_device(request).await.unwrap_err().code(), Code::PermissionDenied);
    let name = TENANT.to_owned();
    let request = GetTenantRequest { name: name.clone(), ..Default::default() };
    stranger.tenants().get_tenant(request).await.unwrap_err();
    let request = CheckTenantRequest { name: name.clone(), ..Default::default() };
    stranger.prerequisites().check_tenant(request).await.unwrap_err();
    let request = GetDashboardRequest { parent: name, ..Default::default() };
    stranger.monitoring().get_dashboard(request).await.unwrap_err();

    let refused = [
        ("token:reader", UPDATE_TENANT, "PERMISSION_DENIED", ""),
        (
            "token:reader",
            "tandem.inventory.v1.DeviceService/GetDevice",
            "PERMISSION_DENIED",
            "tenants/fabrikam",
        ),
        ("", "tandem.inventory.v1.TenantService/GetTenant", "UNAUTHENTICATED", ""),
        ("", "tandem.prerequisites.v1.PrerequisitesService/CheckTenant", "UNAUTHENTICATED", ""),
        ("", "tandem.monitoring.v1.MonitoringService/GetDashboard", "UNAUTHENTICATED", ""),
    ];
    for (principal, method, outcome, resource) in refused {
        until(&format!("{outcome} of {method} is on record"), async || {
            let log = log(&estate.administrator, NO_TENANT).await;
            let mut found = log.iter();
            found
                .any(|event| {
                    is(event, AuditKind::Refusal, principal, method, outcome) && event.resource == resource
                })
                .then_some(())
        })
        .await;
    }
    // Whoever acts in one tenant does not read what is of none.
    let auditor = estate.caller("auditor", &[CONTOSO]);
    let request = ListAuditRecordsRequest { parent: NO_TENANT.into(), ..Default::default() };
    assert_eq!(auditor.audit().list_audit_records(request).await.unwrap_err().code(), Code::PermissionDenied);
}

pub(crate) async fn change_is_made_while_the_log_is_away_and_on_record_afterwards() {
    let mut estate = Estate::new().await;
    let operator = estate.caller("full_administrator", &[CONTOSO]);
    estate.processes.take("authority").kill();
    update_tenant(&operator, CONTOSO).await.unwrap();
    // What waits outlasts the service that saw it.
    estate.processes.take("inventory").kill();
    estate.processes.start("inventory");
    estate.processes.start("authority");
    estate.processes.ready().await;
    let administrator = "token:full_administrator";
    until("the change is on record", async || {
        let log = log(&estate.administrator, TENANT).await;
        let mut done = log.iter();
        done.any(|event| is(event, AuditKind::Write, administrator, UPDATE_TENANT, "OK")).then_some(())
    })
    .await;
}
