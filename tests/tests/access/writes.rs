//! Whoever acts in one tenant changes nothing of another, whichever names they write to.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde_json::json;
use tandem_client::Connection;
use tandem_contracts::r#type::v1::Audit;
use tandem_server::permission::Permissions;
use tandem_tests::raw::{call, methods, path, request};
use tonic::Code;

use crate::estate::{CONTOSO, Estate, FABRIKAM};
use crate::isolation::mixed;
use crate::table::TABLE;

/// A change that its tenant's administrator can make.
struct Write {
    method: &'static str,
    request: &'static str,
    /// What its tenant's administrator is answered. Whatever is not `OK` changes nothing: a tenant that is there is not made again, and
    /// what only others can answer, or what was rejected, goes no further.
    answered: Code,
}

const fn change(method: &'static str, request: &'static str) -> Write {
    Write { method, request, answered: Code::Ok }
}

const fn unmet(method: &'static str, request: &'static str) -> Write {
    Write { method, request, answered: Code::FailedPrecondition }
}

/// Makes the plan of `{p}`, whose hash is `{h}`, before anything is asked: one that needs approvals.
const PREPARED: &str = r#"{"proposed": {"name": "tenants/{t}/hierarchies/PS1/coManagementPolicy", "enabled": true, "workloads": [
    {"workload": "WORKLOAD_RESOURCE_ACCESS_POLICIES", "slider": "SLIDER_POSITION_INTUNE"},
    {"workload": "WORKLOAD_CLIENT_APPS", "slider": "SLIDER_POSITION_INTUNE"}]}}"#;

/// A change by every RPC that makes any, in an order in which all of them can be made.
const WRITES: &[Write] = &[
    Write {
        method: "tandem.inventory.v1.TenantService/CreateTenant",
        request: r#"{"tenant": {"name": "tenants/{t}", "displayName": "changed"}}"#,
        answered: Code::AlreadyExists,
    },
    change(
        "tandem.inventory.v1.TenantService/UpdateTenant",
        r#"{"tenant": {"name": "tenants/{t}", "displayName": "changed"}}"#,
    ),
    change(
        "tandem.inventory.v1.HierarchyService/UpdateHierarchy",
        r#"{"hierarchy": {"name": "tenants/{t}/hierarchies/PS1", "displayName": "changed"}}"#,
    ),
    change(
        "tandem.inventory.v1.HierarchyService/UpdateSite",
        r#"{"site": {"name": "tenants/{t}/hierarchies/PS1/sites/PS1", "facts": {"version": "2509"}}}"#,
    ),
    change(
        "tandem.inventory.v1.DeviceService/ReportDevices",
        r#"{"parent": "tenants/{t}", "source": "configmgr/PS1", "sequence": 1, "sections": [
            {"key": "PS1/0", "observedAt": "2026-11-20T14:00:00Z",
             "discovery": {"name": "CHANGED", "smsUniqueIdentifier": "{k}", "client": true}}]}"#,
    ),
    change(
        "tandem.inventory.v1.CollectionService/ImportCollections",
        r#"{"parent": "tenants/{t}/hierarchies/PS1", "sequence": 1,
            "collections": [{"collection": "PS100015", "displayName": "changed"}],
            "members": [{"collection": "PS100015", "keys": ["PS1/1"], "replace": true, "complete": true}]}"#,
    ),
    change(
        "tandem.inventory.v1.CollectionService/CreateCollection",
        r#"{"collection": {"name": "tenants/{t}/collections/second", "displayName": "changed"}}"#,
    ),
    change(
        "tandem.inventory.v1.CollectionService/UpdateCollection",
        r#"{"collection": {"name": "tenants/{t}/collections/pilot", "displayName": "changed"}}"#,
    ),
    change(
        "tandem.inventory.v1.CollectionService/UpdateCollectionMembers",
        r#"{"name": "tenants/{t}/collections/pilot", "remove": ["tenants/{t}/devices/{d}"]}"#,
    ),
    change(
        "tandem.inventory.v1.CollectionService/DeleteCollection",
        r#"{"name": "tenants/{t}/collections/pilot"}"#,
    ),
    change(
        "tandem.prerequisites.v1.CustomRuleService/CreateCustomRule",
        r#"{"customRule": {"name": "tenants/{t}/customRules/second", "expression": "device.client_installed", "enabled": true}}"#,
    ),
    change(
        "tandem.prerequisites.v1.CustomRuleService/UpdateCustomRule",
        r#"{"customRule": {"name": "tenants/{t}/customRules/first", "expression": "false", "enabled": true}}"#,
    ),
    change(
        "tandem.prerequisites.v1.CustomRuleService/DeleteCustomRule",
        r#"{"name": "tenants/{t}/customRules/first"}"#,
    ),
    change(
        "tandem.prerequisites.v1.FleetEvaluationService/UpdateEvaluationSettings",
        r#"{"evaluationSettings": {"name": "tenants/{t}/evaluationSettings",
            "maximumAges": [{"source": "intune", "maximumAge": "2592000s"}]}}"#,
    ),
    change(
        "tandem.authority.v1.PlanService/CreatePlan",
        r#"{"proposed": {"name": "tenants/{t}/hierarchies/PS1/coManagementPolicy", "enabled": false}}"#,
    ),
    change(
        "tandem.authority.v1.ApprovalService/RequestApproval",
        r#"{"plan": "tenants/{t}/hierarchies/PS1/plans/{p}", "hash": "{h}"}"#,
    ),
    unmet(
        "tandem.authority.v1.ApprovalService/ApprovePlan",
        r#"{"plan": "tenants/{t}/hierarchies/PS1/plans/{p}", "hash": "{h}"}"#,
    ),
    change(
        "tandem.authority.v1.ApprovalService/RejectPlan",
        r#"{"plan": "tenants/{t}/hierarchies/PS1/plans/{p}", "hash": "{h}", "justification": {"reason": "changed"}}"#,
    ),
    unmet(
        "tandem.authority.v1.ApprovalService/BreakGlass",
        r#"{"plan": "tenants/{t}/hierarchies/PS1/plans/{p}", "hash": "{h}", "justification": {"reason": "changed"}}"#,
    ),
    change(
        "tandem.authority.v1.ApprovalService/UpdateApprovalRules",
        r#"{"rules": {"name": "tenants/{t}/approvalRules"}}"#,
    ),
    change(
        "tandem.authority.v1.PlanService/ApplyPlan",
        r#"{"name": "tenants/{t}/hierarchies/PS1/plans/{p}", "hash": "{h}", "configuredRevision": "{r}"}"#,
    ),
    change(
        "tandem.authority.v1.AuthorityService/UpdateCoManagementPolicy",
        r#"{"policy": {"name": "tenants/{t}/hierarchies/PS1/coManagementPolicy", "enabled": true, "workloads": [
            {"workload": "WORKLOAD_CLIENT_APPS", "slider": "SLIDER_POSITION_PILOT_INTUNE", "pilotCollection": "PS100014"}]}}"#,
    ),
    // Not started, so that nothing changes by itself meanwhile: of what moves, the tests of the service tell.
    change(
        "tandem.authority.v1.RolloutService/CreateRollout",
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/apps", "spec": {
            "workload": "WORKLOAD_CLIENT_APPS", "direction": "ROLLOUT_DIRECTION_TO_INTUNE", "pilotCollection": "PS100014",
            "waves": [{"upTo": 10000, "successGate": 9000, "failureGate": 1000}]}}"#,
    ),
    change(
        "tandem.authority.v1.RolloutService/SubmitRollout",
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/apps"}"#,
    ),
    change(
        "tandem.authority.v1.RolloutService/WithdrawRollout",
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/apps"}"#,
    ),
    unmet(
        "tandem.authority.v1.RolloutService/StartRollout",
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/apps"}"#,
    ),
    unmet(
        "tandem.authority.v1.RolloutService/ApproveRollout",
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/apps", "hash": "none"}"#,
    ),
    unmet(
        "tandem.authority.v1.RolloutService/BreakRolloutGlass",
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/apps", "hash": "none", "justification": {"reason": "changed"}}"#,
    ),
    unmet(
        "tandem.authority.v1.RolloutService/PauseRollout",
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/apps", "justification": {"reason": "changed"}}"#,
    ),
    unmet(
        "tandem.authority.v1.RolloutService/ResumeRollout",
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/apps"}"#,
    ),
    unmet(
        "tandem.authority.v1.RolloutService/ApproveRolloutWave",
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/apps", "justification": {"reason": "changed"}}"#,
    ),
    unmet(
        "tandem.authority.v1.RolloutService/RollBackRollout",
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/apps", "justification": {"reason": "changed"}}"#,
    ),
    Write {
        method: "tandem.authority.v1.RolloutService/ConfirmRolloutAction",
        request: r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/apps/actions/none"}"#,
        answered: Code::NotFound,
    },
    change(
        "tandem.authority.v1.RolloutService/FreezeTenant",
        r#"{"name": "tenants/{t}", "justification": {"reason": "changed"}}"#,
    ),
    change(
        "tandem.authority.v1.RolloutService/UnfreezeTenant",
        r#"{"name": "tenants/{t}", "justification": {"reason": "changed"}}"#,
    ),
    change(
        "tandem.authority.v1.RolloutService/CancelRollout",
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/apps", "justification": {"reason": "changed"}}"#,
    ),
];

/// What stands for the prepared plan of a tenant in requests.
struct Prepared {
    plan: String,
    hash: String,
    configured_revision: i64,
}

impl Prepared {
    /// Makes it, as that caller, who may.
    async fn make(estate: &Estate, tenant: &str, caller: &Connection) -> Self {
        let create = methods().into_iter().find(|method| method.name() == "CreatePlan").unwrap();
        let (_, status) = call(caller, &create, &request(&create, &estate.filled(PREPARED, tenant))).await;
        assert!(status.is_none(), "{status:?}");
        let postgres = &estate.processes.postgres;
        let of_plan =
            |column: &str| format!("SELECT {column} FROM authority.plans WHERE tenant = '{tenant}'");
        let revision = format!(
            "SELECT coalesce(max(revision), 0) FROM authority.policies WHERE tenant = '{tenant}' AND hierarchy = 'PS1'"
        );
        Self {
            plan: postgres.column::<String>("postgres", &of_plan("plan")).await.remove(0),
            hash: postgres.column::<String>("postgres", &of_plan("hash")).await.remove(0),
            configured_revision: postgres.column::<i64>("postgres", &revision).await.remove(0),
        }
    }

    fn filled(&self, text: &str) -> String {
        let revision = self.configured_revision.to_string();
        text.replace("{p}", &self.plan).replace("{h}", &self.hash).replace("{r}", &revision)
    }
}

/// Everything that the databases hold of a tenant, by table, but for the audit log, where calls of the estate's making still arrive, and for
/// what is kept of devices, which follows them by itself.
async fn state(estate: &Estate, tenant: &str) -> BTreeMap<String, String> {
    let postgres = &estate.processes.postgres;
    let tables = "SELECT table_schema || '.' || table_name FROM information_schema.columns
        WHERE column_name = 'tenant' AND table_schema IN ('inventory', 'prerequisites', 'authority') AND table_name NOT LIKE 'audit%'
        AND table_name NOT IN ('device_states', 'complete_collections', 'history_cursors')";
    let mut state = BTreeMap::new();
    for table in postgres.column::<String>("postgres", tables).await {
        let rows = format!(
            "SELECT coalesce(jsonb_agg(held ORDER BY held::text)::text, '[]')
             FROM (SELECT to_jsonb(row) AS held FROM {table} row WHERE row.tenant = '{tenant}') rows"
        );
        state.insert(table, postgres.column::<String>("postgres", &rows).await.remove(0));
    }
    state
}

/// Of each method the request that would change something, if there is one, or else the one of the table; in the order of [`WRITES`].
fn requests() -> Vec<(MethodDescriptor, &'static str)> {
    let place = |method: &MethodDescriptor| WRITES.iter().position(|write| write.method == path(method));
    let mut methods = methods();
    methods.sort_by_key(|method| place(method).unwrap_or(WRITES.len()));
    let request = |method: MethodDescriptor| {
        let row = TABLE.iter().find(|row| row.method == path(&method)).unwrap().request;
        let request = place(&method).map_or(row, |place| WRITES[place].request);
        (method, request)
    };
    methods.into_iter().map(request).collect()
}

async fn refused(caller: &Connection, method: &MethodDescriptor, message: &DynamicMessage) -> Option<Code> {
    let (_, status) = call(caller, method, message).await;
    status.map(|status| status.code())
}

pub(crate) async fn every_method_that_changes_something_has_a_write() {
    let permissions = Permissions::of_contracts().unwrap();
    let changing = permissions
        .iter()
        .filter(|(_, declared)| matches!(declared.audit, Audit::Writes | Audit::BulkWrites));
    let changing: BTreeSet<String> = changing.map(|(_, declared)| declared.method.to_string()).collect();
    let written: BTreeSet<String> = WRITES.iter().map(|write| write.method.to_owned()).collect();
    assert_eq!((written.len(), written), (WRITES.len(), changing));
}

/// Every RPC, asked by an administrator of fabrikam: of contoso, and with the names of both mixed in every way that one place allows, with
/// fabrikam's around contoso's and the other way round. Then contoso's own administrator makes the same changes, so that these are
/// known to be such.
pub(crate) async fn writes_to_another_tenant_change_nothing() {
    let estate = Estate::new().await;
    let named = estate.claims("full_administrator", &[FABRIKAM], &json!({ "sub": "of-fabrikam" }));
    let caller = estate.processes.connection_with(&estate.processes.credentials.signed(&named));
    let theirs = estate.caller("full_administrator", &[CONTOSO]);
    let of_contoso = Prepared::make(&estate, CONTOSO, &theirs).await;
    let of_fabrikam = Prepared::make(&estate, FABRIKAM, &caller).await;
    let before = state(&estate, CONTOSO).await;
    assert!(before.len() >= 14 && before["inventory.devices"].len() > 2, "{before:?}");
    let mut asked = 0;
    for (method, text) in requests() {
        let of = |tenant, plan: &Prepared| request(&method, &plan.filled(&estate.filled(text, tenant)));
        let (own, other) = (of(FABRIKAM, &of_fabrikam), of(CONTOSO, &of_contoso));
        if text.contains("{t}") {
            let code = refused(&caller, &method, &other).await;
            assert_eq!(code, Some(Code::PermissionDenied), "{}", path(&method));
        }
        for message in mixed(&own, &other).into_iter().chain(mixed(&other, &own)) {
            call(&caller, &method, &message).await;
            asked += 1;
        }
        assert_eq!(state(&estate, CONTOSO).await, before, "{}", path(&method));
    }
    assert!(asked > 2 * WRITES.len(), "{asked}");
    let create = methods().into_iter().find(|method| method.name() == "CreateTenant").unwrap();
    let third = request(&create, r#"{"tenant": {"name": "tenants/third"}}"#);
    assert_eq!(refused(&caller, &create, &third).await, Some(Code::PermissionDenied));
    assert_eq!(state(&estate, "third").await["inventory.tenants"], "[]");
    let in_log = "SELECT count(*) FROM authority.audit_records WHERE tenant = 'contoso' AND principal LIKE '%of-fabrikam%'";
    assert_eq!(estate.processes.postgres.column::<i64>("postgres", in_log).await, [0]);

    let unchanged = state(&estate, FABRIKAM).await;
    let mut last = before;
    for write in WRITES {
        let method = methods().into_iter().find(|method| path(method) == write.method).unwrap();
        let message = request(&method, &of_contoso.filled(&estate.filled(write.request, CONTOSO)));
        let (_, status) = call(&theirs, &method, &message).await;
        let code = status.as_ref().map_or(Code::Ok, |status| status.code());
        assert_eq!(code, write.answered, "{}: {status:?}", write.method);
        let now = state(&estate, CONTOSO).await;
        assert_eq!(now != last, write.answered == Code::Ok, "{}", write.method);
        last = now;
    }
    assert_eq!(state(&estate, FABRIKAM).await, unchanged);
}
