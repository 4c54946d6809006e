//! What a collector receives of four processes over PostgreSQL and Redis: one trace from the caller to every statement.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

use std::process::ExitCode;

use tandem_client::Connection;
use tandem_contracts::authority::v1::GetEffectiveAuthorityRequest;
use tandem_contracts::inventory::v1::{
    CreateTenantRequest, Hierarchy, ListDevicesRequest, ReportDevicesRequest, Tenant, UpdateHierarchyRequest,
};
use tandem_contracts::monitoring::v1::{GetDashboardRequest, Tile};
use tandem_contracts::prerequisites::v1::CheckDeviceRequest;
use tandem_testkit::suite::Suite;
use tandem_testkit::wait::until;
use tandem_tests::collector::Collector;
use tandem_tests::process::Process;
use tandem_tests::reports::sections;
use tandem_tests::system::Processes;
use tonic::Request;

/// The caller's own span.
const CALLER: &str = "00f067aa0ba902b7";

/// A request of that trace, made within the caller's span.
fn of_trace<T>(trace: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let header = format!("00-{trace}-{CALLER}-01");
    request.metadata_mut().insert("traceparent", header.parse().unwrap());
    request
}

/// A tenant with a hierarchy and one device, which was reported in that trace.
struct Reported {
    tenant: String,
    device: String,
    consistency_token: String,
}

async fn report(connection: &Connection, tenant: &str, trace: &str) -> Reported {
    let tenant = format!("tenants/{tenant}");
    let made = Tenant { name: tenant.clone(), ..Tenant::default() };
    let request = CreateTenantRequest { tenant: Some(made), request_id: String::new() };
    connection.tenants().create_tenant(request).await.unwrap();
    let hierarchy = Hierarchy { name: format!("{tenant}/hierarchies/PS1"), ..Hierarchy::default() };
    let request =
        UpdateHierarchyRequest { hierarchy: Some(hierarchy), allow_missing: true, request_id: String::new() };
    connection.hierarchies().update_hierarchy(request).await.unwrap();
    let batch = ReportDevicesRequest {
        parent: tenant.clone(),
        source: "configmgr/PS1".into(),
        sequence: 1,
        sections: sections(1).into(),
    };
    let request = of_trace(trace, tokio_stream::once(batch));
    let mut answers = connection.devices().report_devices(request).await.unwrap().into_inner();
    let consistency_token = answers.message().await.unwrap().unwrap().consistency_token;
    assert!(answers.message().await.unwrap().is_none());
    let request = ListDevicesRequest {
        parent: tenant.clone(),
        consistency_token: consistency_token.clone(),
        ..ListDevicesRequest::default()
    };
    let devices = connection.devices().list_devices(request).await.unwrap().into_inner().devices;
    Reported { tenant, device: devices[0].name.clone(), consistency_token }
}

/// Devices that a process found in the device-state cache.
const HITS: &str = r#"tandem_cache_reads_total{result="hit"}"#;

/// Waits until the cache holds a device, by asking the authority, which finds it there then.
async fn cached(authority: &Process, connection: &Connection, reported: &Reported) {
    until("the cache holds the device", async || {
        let before = authority.metric(HITS).await;
        let request = GetEffectiveAuthorityRequest {
            name: reported.device.clone(),
            consistency_token: reported.consistency_token.clone(),
        };
        connection.authority().get_effective_authority(request).await.unwrap();
        (authority.metric(HITS).await > before).then_some(())
    })
    .await;
}

/// Checks a device of a tenant that prerequisites was never asked about, until the check finds it in the device-state cache: the first one
/// only connects to it, and a reader waits no longer than some milliseconds. Answers the trace of the check.
async fn check(prerequisites: &Process, authority: &Process, connection: &Connection) -> String {
    let mut number = 0;
    until("a device is found in the cache", async || {
        number += 1;
        let reported = report(connection, &format!("fabrikam-{number}"), &format!("{number:032x}")).await;
        cached(authority, connection, &reported).await;
        let before = prerequisites.metric(HITS).await;
        let trace = format!("4bf92f3577b34da6a3ce{number:012x}");
        let Reported { device, consistency_token, .. } = reported;
        let request = CheckDeviceRequest { name: device, consistency_token, ..CheckDeviceRequest::default() };
        connection.prerequisites().check_device(of_trace(&trace, request)).await.unwrap();
        (prerequisites.metric(HITS).await > before).then_some(trace)
    })
    .await
}

/// Waits until the dashboard counts the device of a tenant.
async fn counted(connection: &Connection, tenant: &str) {
    until("the device is counted", async || {
        let request = GetDashboardRequest { parent: tenant.to_owned(), ..GetDashboardRequest::default() };
        let figures = connection.monitoring().get_dashboard(request).await.ok()?.into_inner().figures;
        figures.iter().any(|figure| figure.tile() == Tile::Devices && figure.devices == 1).then_some(())
    })
    .await;
}

/// A report: the stream, and the transaction of its one batch.
const REPORT: &str = "\
tandem-inventory SERVER tandem.inventory.v1.DeviceService/ReportDevices
  tandem-inventory INTERNAL ingest
    tandem-inventory CLIENT BEGIN
    tandem-inventory CLIENT SELECT
    tandem-inventory CLIENT UPDATE tenants
    tandem-inventory CLIENT SELECT hierarchies
    tandem-inventory CLIENT SELECT records
    tandem-inventory CLIENT SELECT device_keys
    tandem-inventory CLIENT SELECT device_keys
    tandem-inventory CLIENT SELECT tenants
    tandem-inventory CLIENT INSERT device_keys
    tandem-inventory CLIENT INSERT records
    tandem-inventory CLIENT INSERT devices
    tandem-inventory CLIENT UPDATE tenants
    tandem-inventory CLIENT COMMIT
";

/// Each query of a service runs in a transaction that first says whose rows it is for. A check of a device: its surroundings from the
/// inventory, the policies from the authority, what is kept of the tenant itself, the device from Redis.
const CHECK: &str = "\
tandem-prerequisites SERVER tandem.prerequisites.v1.PrerequisitesService/CheckDevice
  tandem-prerequisites CLIENT tandem.inventory.v1.TenantService/GetSurroundings
    tandem-inventory SERVER tandem.inventory.v1.TenantService/GetSurroundings
      tandem-inventory CLIENT BEGIN
      tandem-inventory CLIENT SELECT
      tandem-inventory CLIENT SELECT tenants
      tandem-inventory CLIENT COMMIT
      tandem-inventory CLIENT BEGIN
      tandem-inventory CLIENT SELECT
      tandem-inventory CLIENT SELECT tenants
      tandem-inventory CLIENT COMMIT
      tandem-inventory CLIENT BEGIN
      tandem-inventory CLIENT SELECT
      tandem-inventory CLIENT SELECT tenants
      tandem-inventory CLIENT COMMIT
      tandem-inventory CLIENT BEGIN
      tandem-inventory CLIENT SELECT
      tandem-inventory CLIENT SELECT hierarchies
      tandem-inventory CLIENT COMMIT
      tandem-inventory CLIENT BEGIN
      tandem-inventory CLIENT SELECT
      tandem-inventory CLIENT SELECT sites
      tandem-inventory CLIENT COMMIT
      tandem-inventory CLIENT BEGIN
      tandem-inventory CLIENT SELECT
      tandem-inventory CLIENT SELECT collections
      tandem-inventory CLIENT COMMIT
  tandem-prerequisites CLIENT tandem.authority.v1.AuthorityService/ListCoManagementPolicies
    tandem-authority SERVER tandem.authority.v1.AuthorityService/ListCoManagementPolicies
      tandem-authority CLIENT BEGIN
      tandem-authority CLIENT SELECT
      tandem-authority CLIENT SELECT tenants
      tandem-authority CLIENT COMMIT
      tandem-authority CLIENT BEGIN
      tandem-authority CLIENT SELECT
      tandem-authority CLIENT SELECT policies
      tandem-authority CLIENT COMMIT
  tandem-prerequisites CLIENT BEGIN
  tandem-prerequisites CLIENT SELECT
  tandem-prerequisites CLIENT SELECT tenants
  tandem-prerequisites CLIENT COMMIT
  tandem-prerequisites CLIENT BEGIN
  tandem-prerequisites CLIENT SELECT
  tandem-prerequisites CLIENT SELECT custom_rules
  tandem-prerequisites CLIENT COMMIT
  tandem-prerequisites CLIENT BEGIN
  tandem-prerequisites CLIENT SELECT
  tandem-prerequisites CLIENT SELECT evaluation_settings
  tandem-prerequisites CLIENT COMMIT
  tandem-prerequisites CLIENT MGET
";

async fn trace_leads_from_the_caller_to_every_statement() {
    let collector = Collector::start().await;
    let mut processes = Processes::new().await;
    processes.configure("TANDEM_OTLP_ENDPOINT", &collector.endpoint());
    processes.start_all();
    processes.ready().await;
    let connection = processes.connection();

    let reporting = "4bf92f3577b34da6a3ce929d0e0e4736";
    let contoso = report(&connection, "contoso", reporting).await;
    counted(&connection, &contoso.tenant).await;
    // It reads what others are asked about below, and would have them keep it. What a process has to say is sent when it ends.
    assert!(processes.take("monitoring").terminate().await.success());
    let [mut inventory, mut prerequisites, mut authority] =
        ["inventory", "prerequisites", "authority"].map(|service| processes.take(service));
    let checking = check(&prerequisites, &authority, &connection).await;
    for process in [&mut prerequisites, &mut authority, &mut inventory] {
        assert!(process.terminate().await.success());
    }

    assert_eq!(collector.tree(reporting, CALLER), REPORT);
    assert_eq!(collector.tree(&checking, CALLER), CHECK);
    let spans = collector.spans();
    let judged: Vec<_> = spans.iter().filter(|span| span.name == "judge devices").collect();
    assert!(!judged.is_empty(), "monitoring works in traces of its own");
    for judged in judged {
        assert_eq!((judged.parent.as_str(), judged.service.as_str()), ("", "tandem-monitoring"));
        let tree = collector.tree(&judged.trace, "");
        for asked in ["tandem-authority SERVER", "tandem-prerequisites SERVER"] {
            assert!(tree.contains(asked), "{tree}");
        }
    }
    for span in spans {
        assert!(span.kind != "CLIENT" || !span.parent.is_empty(), "nobody asked for {span:?}");
        for (key, value) in &span.attributes {
            let tells = ["contoso", "fabrikam", "OSL-", "GUID"].iter().any(|name| value.contains(name));
            assert!(!tells && !value.contains('$'), "{key} of {span:?}");
        }
    }
}

fn main() -> ExitCode {
    Suite::new()
        .with_containers(
            "trace_leads_from_the_caller_to_every_statement",
            trace_leads_from_the_caller_to_every_statement,
        )
        .run()
}
