//! Two tenants whose every text has a mark of its own, and callers of all kinds.

use serde_json::Value;
use tandem_client::Connection;
use tandem_contracts::authority::v1::{GetEffectiveAuthorityRequest, UpdateCoManagementPolicyRequest};
use tandem_contracts::inventory::v1::{
    Collection, CreateCollectionRequest, CreateTenantRequest, Hierarchy, ImportCollectionsRequest,
    ImportedCollection, ImportedMembers, ListDevicesRequest, ReportDevicesRequest, Site, Tenant,
    UpdateCollectionMembersRequest, UpdateHierarchyRequest, UpdateSiteRequest,
};
use tandem_contracts::prerequisites::v1::{CreateCustomRuleRequest, CustomRule};
use tandem_contracts::r#type::v1::section::Body;
use tandem_contracts::r#type::v1::{CoManagementPolicy, Discovery, Section};
use tandem_tests::system::Processes;

pub(crate) const CONTOSO: &str = "contoso";
pub(crate) const FABRIKAM: &str = "fabrikam";

/// The system, with both tenants in it.
pub(crate) struct Estate {
    pub(crate) processes: Processes,
    pub(crate) administrator: Connection,
    /// The id of a device of each tenant, in the order above.
    pub(crate) devices: [String; 2],
}

/// What every text of a tenant holds that is not its name.
pub(crate) fn mark(tenant: &str) -> String {
    format!("mark-of-{tenant}")
}

/// The key of the device of that number.
pub(crate) fn key(tenant: &str, number: u32) -> String {
    let tenant = if tenant == CONTOSO { 1 } else { 2 };
    format!("GUID:00000000-0000-4000-800{tenant}-{number:012}")
}

impl Estate {
    pub(crate) async fn new() -> Self {
        Self::of(Processes::new().await).await
    }

    pub(crate) async fn of(mut processes: Processes) -> Self {
        processes.start_all();
        processes.ready().await;
        let administrator = processes.connection();
        let mut devices = Vec::new();
        for tenant in [CONTOSO, FABRIKAM] {
            make_tenant(&administrator, tenant).await;
            for hierarchy in ["PS1", "PS2"] {
                make_hierarchy(&administrator, tenant, hierarchy).await;
                let first = if hierarchy == "PS1" { 0 } else { 10 };
                report(&administrator, tenant, hierarchy, first..first + 3).await;
                import(&administrator, tenant, hierarchy, first).await;
            }
            devices.push(make_collection(&administrator, tenant).await);
            make_rule(&administrator, tenant).await;
        }
        let devices = devices.try_into().unwrap();
        Self { processes, administrator, devices }
    }

    /// The caller with those claims instead of the usual ones of a role in a tenant; `null` takes one away.
    pub(crate) fn claims(&self, role: &str, tenants: &[&str], changed: &Value) -> Value {
        let mut claims = self.processes.credentials.claims(role, tenants);
        for (claim, value) in changed.as_object().into_iter().flatten() {
            claims[claim] = value.clone();
        }
        claims
    }

    /// A caller of a role in some tenants.
    pub(crate) fn caller(&self, role: &str, tenants: &[&str]) -> Connection {
        let token = self.processes.credentials.signed(&self.claims(role, tenants, &Value::Null));
        self.processes.connection_with(&token)
    }

    /// A request of the table, in a tenant.
    pub(crate) fn filled(&self, request: &str, tenant: &str) -> String {
        let device = &self.devices[usize::from(tenant == FABRIKAM)];
        request.replace("{t}", tenant).replace("{d}", device).replace("{k}", &key(tenant, 0))
    }
}

async fn make_tenant(connection: &Connection, tenant: &str) {
    let message =
        Tenant { name: format!("tenants/{tenant}"), display_name: mark(tenant), ..Tenant::default() };
    let request = CreateTenantRequest { tenant: Some(message), request_id: String::new() };
    connection.tenants().create_tenant(request).await.unwrap();
}

async fn make_hierarchy(connection: &Connection, tenant: &str, hierarchy: &str) {
    let name = format!("tenants/{tenant}/hierarchies/{hierarchy}");
    let message = Hierarchy { name: name.clone(), display_name: mark(tenant), ..Hierarchy::default() };
    let request =
        UpdateHierarchyRequest { hierarchy: Some(message), allow_missing: true, request_id: String::new() };
    connection.hierarchies().update_hierarchy(request).await.unwrap();
    let site = Site { name: format!("{name}/sites/{hierarchy}"), ..Site::default() };
    let request = UpdateSiteRequest { site: Some(site), allow_missing: true, request_id: String::new() };
    connection.hierarchies().update_site(request).await.unwrap();
    let policy = CoManagementPolicy {
        name: format!("{name}/coManagementPolicy"),
        enabled: Some(true),
        ..CoManagementPolicy::default()
    };
    let request = UpdateCoManagementPolicyRequest { policy: Some(policy), ..Default::default() };
    connection.authority().update_co_management_policy(request).await.unwrap();
}

/// Reports devices of a hierarchy.
pub(crate) async fn report(
    connection: &Connection,
    tenant: &str,
    hierarchy: &str,
    numbers: std::ops::Range<u32>,
) -> String {
    let observed_at = "2026-11-20T12:00:00Z".parse().map(tandem_contracts::convert::time::to_proto).ok();
    let section = |number| Section {
        key: format!("{hierarchy}/{number}"),
        observed_at,
        sequence: 0,
        body: Some(Body::Discovery(discovery(tenant, number))),
    };
    send(connection, tenant, hierarchy, numbers.map(section).collect()).await
}

fn discovery(tenant: &str, number: u32) -> Discovery {
    Discovery {
        name: Some(format!("{}-{number}", mark(tenant))),
        sms_unique_identifier: Some(key(tenant, number)),
        client: Some(true),
        operating_system: Some("Microsoft Windows NT Workstation 10.0".into()),
        ..Discovery::default()
    }
}

async fn send(connection: &Connection, tenant: &str, hierarchy: &str, sections: Vec<Section>) -> String {
    let request = ReportDevicesRequest {
        parent: format!("tenants/{tenant}"),
        source: format!("configmgr/{hierarchy}"),
        sequence: 1,
        sections,
    };
    let answer = connection.devices().report_devices(tokio_stream::once(request)).await.unwrap();
    let answer = answer.into_inner().message().await.unwrap().unwrap();
    assert_eq!(answer.refused, []);
    answer.consistency_token
}

/// Reports that a device is called otherwise now.
pub(crate) async fn rename(connection: &Connection, tenant: &str, hierarchy: &str, number: u32) {
    let observed_at = "2026-11-20T13:00:00Z".parse().map(tandem_contracts::convert::time::to_proto).ok();
    let body = Discovery { name: Some("RENAMED".into()), ..discovery(tenant, number) };
    let section = Section {
        key: format!("{hierarchy}/{number}"),
        observed_at,
        sequence: 0,
        body: Some(Body::Discovery(body)),
    };
    send(connection, tenant, hierarchy, vec![section]).await;
}

/// Takes everybody out of the hierarchy's collection.
pub(crate) async fn leave(connection: &Connection, tenant: &str, hierarchy: &str) {
    import_members(connection, tenant, hierarchy, Vec::new()).await;
}

/// A collection of the hierarchy with its first device.
async fn import(connection: &Connection, tenant: &str, hierarchy: &str, first: u32) {
    import_members(connection, tenant, hierarchy, vec![format!("{hierarchy}/{first}")]).await;
}

async fn import_members(connection: &Connection, tenant: &str, hierarchy: &str, keys: Vec<String>) {
    // Two with the same members: who may see one is told nothing of the other.
    let collections = ["00014", "00015"].map(|number| format!("{hierarchy}{number}"));
    let imported = |collection: &String| ImportedCollection {
        collection: collection.clone(),
        display_name: mark(tenant),
        member_count: Some(1),
        ..ImportedCollection::default()
    };
    let members = |collection: &String| ImportedMembers {
        collection: collection.clone(),
        keys: keys.clone(),
        replace: true,
        complete: true,
    };
    let request = ImportCollectionsRequest {
        parent: format!("tenants/{tenant}/hierarchies/{hierarchy}"),
        sequence: 1,
        collections: collections.iter().map(imported).collect(),
        members: collections.iter().map(members).collect(),
    };
    let answer = connection.collections().import_collections(tokio_stream::once(request)).await.unwrap();
    answer.into_inner().message().await.unwrap().unwrap();
}

/// A rule of the tenant's own, by which its devices are judged.
async fn make_rule(connection: &Connection, tenant: &str) {
    let rule = CustomRule {
        name: format!("tenants/{tenant}/customRules/first"),
        display_name: mark(tenant),
        expression: format!("device.name.startsWith('{}')", mark(tenant)),
        remediation: mark(tenant),
        enabled: true,
        ..CustomRule::default()
    };
    let request = CreateCustomRuleRequest { custom_rule: Some(rule), request_id: String::new() };
    connection.custom_rules().create_custom_rule(request).await.unwrap();
}

/// A collection of Tandem's own with the tenant's first device, whose id is answered.
async fn make_collection(connection: &Connection, tenant: &str) -> String {
    let parent = format!("tenants/{tenant}");
    let request = ListDevicesRequest { parent: parent.clone(), ..ListDevicesRequest::default() };
    let devices = connection.devices().list_devices(request).await.unwrap().into_inner().devices;
    let first = format!("{}-0", mark(tenant));
    let named = |device: &&tandem_contracts::inventory::v1::Device| {
        device.facts.as_ref().and_then(|facts| facts.display_name.as_deref()) == Some(&first)
    };
    let device = devices.iter().find(named).unwrap().name.clone();
    let name = format!("{parent}/collections/pilot");
    let collection = Collection { name: name.clone(), display_name: mark(tenant), ..Collection::default() };
    let request = CreateCollectionRequest { collection: Some(collection), request_id: String::new() };
    connection.collections().create_collection(request).await.unwrap();
    let request = UpdateCollectionMembersRequest { name, add: vec![device.clone()], ..Default::default() };
    connection.collections().update_collection_members(request).await.unwrap();
    let request = GetEffectiveAuthorityRequest { name: device.clone(), ..Default::default() };
    connection.authority().get_effective_authority(request).await.unwrap();
    device.rsplit('/').next().unwrap().to_owned()
}
