//! Who may call what: decided here, row by row, apart from the program. A method without a row fails the tests, and so does a row without
//! its method.

/// A row: the method, the roles that may call it, and a request of it in the tenant `{t}`.
pub(crate) struct Row {
    pub(crate) method: &'static str,
    pub(crate) roles: &'static [&'static str],
    pub(crate) request: &'static str,
}

const EVERYBODY: &[&str] = &["reader", "connector", "operator", "approver", "auditor", "full_administrator"];
const READERS: &[&str] = &["reader", "operator", "approver", "auditor", "full_administrator"];
const CONNECTORS: &[&str] = &["connector", "full_administrator"];
const OPERATORS: &[&str] = &["operator", "full_administrator"];
const APPROVERS: &[&str] = &["approver", "full_administrator"];
const AUDITORS: &[&str] = &["auditor", "full_administrator"];
/// Services alone.
const NOBODY: &[&str] = &[];
const WHO_KNOWS_POLICIES: &[&str] = &["connector", "operator", "full_administrator"];

macro_rules! rows {
    ($($method:literal $roles:ident $request:literal)*) => {
        &[$(Row { method: $method, roles: $roles, request: $request }),*]
    };
}

pub(crate) const TABLE: &[Row] = rows! {
    "tandem.authority.v1.ApprovalService/ApprovePlan" APPROVERS
        r#"{"plan": "tenants/{t}/hierarchies/PS1/plans/none", "hash": "none"}"#
    "tandem.authority.v1.ApprovalService/BreakGlass" OPERATORS
        r#"{"plan": "tenants/{t}/hierarchies/PS1/plans/none", "hash": "none"}"#
    "tandem.authority.v1.ApprovalService/GetApprovalRequest" EVERYBODY
        r#"{"name": "tenants/{t}/hierarchies/PS1/plans/none/approvalRequest"}"#
    "tandem.authority.v1.ApprovalService/GetApprovalRules" EVERYBODY
        r#"{"name": "tenants/{t}/approvalRules"}"#
    "tandem.authority.v1.ApprovalService/ListApprovalRequests" EVERYBODY
        r#"{"parent": "tenants/{t}/hierarchies/PS1"}"#
    "tandem.authority.v1.ApprovalService/RejectPlan" APPROVERS
        r#"{"plan": "tenants/{t}/hierarchies/PS1/plans/none", "hash": "none"}"#
    "tandem.authority.v1.ApprovalService/RequestApproval" OPERATORS
        r#"{"plan": "tenants/{t}/hierarchies/PS1/plans/none", "hash": "none"}"#
    "tandem.authority.v1.ApprovalService/UpdateApprovalRules" APPROVERS
        r#"{"rules": {"name": "tenants/{t}/approvalRules", "etag": "none"}}"#
    "tandem.authority.v1.AuditService/ExportAuditRecords" AUDITORS
        r#"{"parent": "tenants/{t}"}"#
    "tandem.authority.v1.AuditService/GetAuditHead" AUDITORS
        r#"{"parent": "tenants/{t}"}"#
    "tandem.authority.v1.AuditService/ListAuditRecords" AUDITORS
        r#"{"parent": "tenants/{t}"}"#
    "tandem.authority.v1.AuditService/RecordAuditEvents" NOBODY
        r#"{"events": [{"id": "00000000000000000000000000000007", "tenant": "tenants/{t}"}]}"#
    "tandem.authority.v1.AuditService/VerifyAudit" AUDITORS
        r#"{"parent": "tenants/{t}"}"#
    "tandem.authority.v1.AuthorityService/BatchGetEffectiveAuthority" EVERYBODY
        r#"{"parent": "tenants/{t}", "names": ["tenants/{t}/devices/{d}"]}"#
    "tandem.authority.v1.AuthorityService/CheckAuthority" EVERYBODY
        r#"{"name": "tenants/{t}/devices/{d}", "workload": "WORKLOAD_CLIENT_APPS", "claimant": "MANAGEMENT_AUTHORITY_INTUNE"}"#
    "tandem.authority.v1.AuthorityService/DecodeCapabilityValue" EVERYBODY
        r#"{"value": "1"}"#
    "tandem.authority.v1.AuthorityService/GetAuthorityAt" EVERYBODY
        r#"{"name": "tenants/{t}/devices/{d}", "time": "2026-11-20T08:00:00Z"}"#
    "tandem.authority.v1.AuthorityService/GetCoManagementPolicy" EVERYBODY
        r#"{"name": "tenants/{t}/hierarchies/PS1/coManagementPolicy"}"#
    "tandem.authority.v1.AuthorityService/GetEffectiveAuthority" EVERYBODY
        r#"{"name": "tenants/{t}/devices/{d}"}"#
    "tandem.authority.v1.AuthorityService/ListAuthorityPeriods" EVERYBODY
        r#"{"parent": "tenants/{t}/devices/{d}"}"#
    "tandem.authority.v1.AuthorityService/ListCoManagementPolicies" EVERYBODY
        r#"{"parent": "tenants/{t}"}"#
    "tandem.authority.v1.AuthorityService/ListCoManagementPolicyRevisions" EVERYBODY
        r#"{"parent": "tenants/{t}/hierarchies/PS1/coManagementPolicy"}"#
    "tandem.authority.v1.AuthorityService/ListDrift" EVERYBODY
        r#"{"parent": "tenants/{t}", "filter": {"collections": ["tenants/{t}/collections/pilot"]}}"#
    "tandem.authority.v1.AuthorityService/ListSettingKinds" EVERYBODY
        "{}"
    "tandem.authority.v1.AuthorityService/ResolveSetting" EVERYBODY
        r#"{"kind": "wifi_profile", "device": "tenants/{t}/devices/{d}"}"#
    "tandem.authority.v1.AuthorityService/StreamEffectiveAuthority" EVERYBODY
        r#"{"parent": "tenants/{t}", "filter": {"collections": ["tenants/{t}/collections/pilot"]}}"#
    "tandem.authority.v1.AuthorityService/UpdateCoManagementPolicy" WHO_KNOWS_POLICIES
        r#"{"policy": {"name": "tenants/{t}/hierarchies/PS1/coManagementPolicy", "etag": "none"}}"#
    "tandem.authority.v1.PlanService/ApplyPlan" OPERATORS
        r#"{"name": "tenants/{t}/hierarchies/PS1/plans/none", "hash": "none"}"#
    "tandem.authority.v1.PlanService/CreatePlan" OPERATORS
        r#"{"proposed": {"name": "tenants/{t}/hierarchies/PS1/coManagementPolicy", "enabled": false}}"#
    "tandem.authority.v1.PlanService/GetDecommission" EVERYBODY
        r#"{"parent": "tenants/{t}/hierarchies/PS1"}"#
    "tandem.authority.v1.PlanService/GetDesiredPolicy" EVERYBODY
        r#"{"name": "tenants/{t}/hierarchies/PS1/desiredPolicy"}"#
    "tandem.authority.v1.PlanService/GetHandover" EVERYBODY
        r#"{"name": "tenants/{t}/hierarchies/PS1/desiredPolicy"}"#
    "tandem.authority.v1.PlanService/GetPlan" EVERYBODY
        r#"{"name": "tenants/{t}/hierarchies/PS1/plans/none"}"#
    "tandem.authority.v1.PlanService/ListPlans" EVERYBODY
        r#"{"parent": "tenants/{t}/hierarchies/PS1"}"#
    "tandem.authority.v1.RolloutService/ApproveRollout" APPROVERS
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/none", "hash": "none"}"#
    "tandem.authority.v1.RolloutService/ApproveRolloutWave" APPROVERS
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/none", "justification": {"reason": "none"}}"#
    "tandem.authority.v1.RolloutService/BreakRolloutGlass" OPERATORS
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/none", "hash": "none", "justification": {"reason": "none"}}"#
    "tandem.authority.v1.RolloutService/CancelRollout" OPERATORS
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/none", "justification": {"reason": "none"}}"#
    "tandem.authority.v1.RolloutService/ConfirmRolloutAction" WHO_KNOWS_POLICIES
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/none/actions/none"}"#
    "tandem.authority.v1.RolloutService/CreateRollout" OPERATORS
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/none", "spec": {}}"#
    "tandem.authority.v1.RolloutService/FreezeTenant" OPERATORS
        r#"{"name": "tenants/{t}"}"#
    "tandem.authority.v1.RolloutService/GetFreeze" EVERYBODY
        r#"{"name": "tenants/{t}/freeze"}"#
    "tandem.authority.v1.RolloutService/GetRollout" EVERYBODY
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/none"}"#
    "tandem.authority.v1.RolloutService/ListRolloutActions" EVERYBODY
        r#"{"parent": "tenants/{t}/hierarchies/PS1/rollouts/none"}"#
    "tandem.authority.v1.RolloutService/ListRolloutDevices" EVERYBODY
        r#"{"parent": "tenants/{t}/hierarchies/PS1/rollouts/none"}"#
    "tandem.authority.v1.RolloutService/ListRollouts" EVERYBODY
        r#"{"parent": "tenants/{t}/hierarchies/PS1"}"#
    "tandem.authority.v1.RolloutService/PauseRollout" OPERATORS
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/none", "justification": {"reason": "none"}}"#
    "tandem.authority.v1.RolloutService/ResumeRollout" OPERATORS
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/none"}"#
    "tandem.authority.v1.RolloutService/RollBackRollout" OPERATORS
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/none", "justification": {"reason": "none"}}"#
    "tandem.authority.v1.RolloutService/StartRollout" OPERATORS
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/none"}"#
    "tandem.authority.v1.RolloutService/SubmitRollout" OPERATORS
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/none"}"#
    "tandem.authority.v1.RolloutService/UnfreezeTenant" OPERATORS
        r#"{"name": "tenants/{t}"}"#
    "tandem.authority.v1.RolloutService/WithdrawRollout" OPERATORS
        r#"{"name": "tenants/{t}/hierarchies/PS1/rollouts/none"}"#
    "tandem.inventory.v1.CollectionService/CreateCollection" OPERATORS
        r#"{"collection": {"name": "tenants/{t}/collections/pilot"}}"#
    "tandem.inventory.v1.CollectionService/DeleteCollection" OPERATORS
        r#"{"name": "tenants/{t}/collections/pilot", "etag": "none"}"#
    "tandem.inventory.v1.CollectionService/GetCollection" READERS
        r#"{"name": "tenants/{t}/collections/pilot"}"#
    "tandem.inventory.v1.CollectionService/ImportCollections" CONNECTORS
        r#"{"parent": "tenants/{t}/hierarchies/PS1", "sequence": 1}"#
    "tandem.inventory.v1.CollectionService/ListCollectionMembers" READERS
        r#"{"parent": "tenants/{t}/collections/pilot"}"#
    "tandem.inventory.v1.CollectionService/ListCollections" READERS
        r#"{"parent": "tenants/{t}/hierarchies/PS1"}"#
    "tandem.inventory.v1.CollectionService/UpdateCollection" OPERATORS
        r#"{"collection": {"name": "tenants/{t}/collections/pilot", "etag": "none"}}"#
    "tandem.inventory.v1.CollectionService/UpdateCollectionMembers" OPERATORS
        r#"{"name": "tenants/{t}/collections/pilot", "add": ["tenants/{t}/devices/{d}"], "etag": "none"}"#
    "tandem.inventory.v1.DeviceService/BatchGetDevices" READERS
        r#"{"parent": "tenants/{t}", "names": ["tenants/{t}/devices/{d}"]}"#
    "tandem.inventory.v1.DeviceService/GetDevice" READERS
        r#"{"name": "tenants/{t}/devices/{d}"}"#
    "tandem.inventory.v1.DeviceService/ListDevices" READERS
        r#"{"parent": "tenants/{t}", "filter": {"collections": ["tenants/{t}/collections/pilot"]}}"#
    "tandem.inventory.v1.DeviceService/ListIdentityConflicts" READERS
        r#"{"parent": "tenants/{t}"}"#
    "tandem.inventory.v1.DeviceService/LookupDevice" READERS
        r#"{"parent": "tenants/{t}", "key": {"kind": "KEY_KIND_SMS_CLIENT_ID", "value": "{k}"}}"#
    "tandem.inventory.v1.DeviceService/ReportDevices" CONNECTORS
        r#"{"parent": "tenants/{t}", "source": "configmgr/PS1", "sequence": 1}"#
    "tandem.inventory.v1.DeviceService/WatchDevices" READERS
        r#"{"parent": "tenants/{t}", "snapshotOnly": true, "filter": {"collections": ["tenants/{t}/collections/pilot"]}}"#
    "tandem.inventory.v1.HierarchyService/GetHierarchy" EVERYBODY
        r#"{"name": "tenants/{t}/hierarchies/PS1"}"#
    "tandem.inventory.v1.HierarchyService/GetSite" EVERYBODY
        r#"{"name": "tenants/{t}/hierarchies/PS1/sites/PS1"}"#
    "tandem.inventory.v1.HierarchyService/ListHierarchies" EVERYBODY
        r#"{"parent": "tenants/{t}"}"#
    "tandem.inventory.v1.HierarchyService/ListSites" EVERYBODY
        r#"{"parent": "tenants/{t}/hierarchies/PS1"}"#
    "tandem.inventory.v1.HierarchyService/UpdateHierarchy" CONNECTORS
        r#"{"hierarchy": {"name": "tenants/{t}/hierarchies/PS1", "etag": "none"}}"#
    "tandem.inventory.v1.HierarchyService/UpdateSite" CONNECTORS
        r#"{"site": {"name": "tenants/{t}/hierarchies/PS1/sites/PS1", "etag": "none"}}"#
    "tandem.inventory.v1.TenantService/CreateTenant" CONNECTORS
        r#"{"tenant": {"name": "tenants/{t}"}}"#
    "tandem.inventory.v1.TenantService/GetSurroundings" EVERYBODY
        r#"{"parent": "tenants/{t}"}"#
    "tandem.inventory.v1.TenantService/GetTenant" EVERYBODY
        r#"{"name": "tenants/{t}"}"#
    "tandem.inventory.v1.TenantService/ListTenants" EVERYBODY
        r#"{}"#
    "tandem.inventory.v1.TenantService/UpdateTenant" CONNECTORS
        r#"{"tenant": {"name": "tenants/{t}", "etag": "none"}}"#
    "tandem.monitoring.v1.MonitoringService/GetDashboard" READERS
        r#"{"parent": "tenants/{t}", "filter": {"collections": ["tenants/{t}/collections/pilot"]}}"#
    "tandem.monitoring.v1.MonitoringService/ListFigureDevices" READERS
        r#"{"parent": "tenants/{t}", "tile": "TILE_DEVICES", "key": "all", "filter": {"collections": ["tenants/{t}/collections/pilot"]}}"#
    "tandem.monitoring.v1.MonitoringService/WatchDashboard" READERS
        r#"{"parent": "tenants/{t}", "filter": {"collections": ["tenants/{t}/collections/pilot"]}, "snapshotOnly": true}"#
    "tandem.prerequisites.v1.CustomRuleService/CheckCustomRule" READERS
        r#"{"parent": "tenants/{t}", "expression": "true", "filter": {"collections": ["tenants/{t}/collections/pilot"]}}"#
    "tandem.prerequisites.v1.CustomRuleService/CreateCustomRule" OPERATORS
        r#"{"customRule": {"name": "tenants/{t}/customRules/first", "expression": "true"}}"#
    "tandem.prerequisites.v1.CustomRuleService/DeleteCustomRule" OPERATORS
        r#"{"name": "tenants/{t}/customRules/first", "etag": "none"}"#
    "tandem.prerequisites.v1.CustomRuleService/GetCustomRule" READERS
        r#"{"name": "tenants/{t}/customRules/first"}"#
    "tandem.prerequisites.v1.CustomRuleService/ListCustomRules" READERS
        r#"{"parent": "tenants/{t}"}"#
    "tandem.prerequisites.v1.CustomRuleService/ListRuleFacts" READERS
        r#"{}"#
    "tandem.prerequisites.v1.CustomRuleService/UpdateCustomRule" OPERATORS
        r#"{"customRule": {"name": "tenants/{t}/customRules/first", "expression": "true", "etag": "none"}}"#
    "tandem.prerequisites.v1.FleetEvaluationService/GetEvaluationSettings" READERS
        r#"{"name": "tenants/{t}/evaluationSettings"}"#
    "tandem.prerequisites.v1.FleetEvaluationService/GetFleetEvaluation" READERS
        r#"{"parent": "tenants/{t}"}"#
    "tandem.prerequisites.v1.FleetEvaluationService/ListFleetSummaries" READERS
        r#"{"parent": "tenants/{t}", "part": "FLEET_PART_COLLECTION", "filter": {"collections": ["tenants/{t}/collections/pilot"]}}"#
    "tandem.prerequisites.v1.FleetEvaluationService/ListSummaryDevices" READERS
        r#"{"parent": "tenants/{t}", "filter": {"collections": ["tenants/{t}/collections/pilot"]}}"#
    "tandem.prerequisites.v1.FleetEvaluationService/UpdateEvaluationSettings" OPERATORS
        r#"{"evaluationSettings": {"name": "tenants/{t}/evaluationSettings", "etag": "none"}}"#
    "tandem.prerequisites.v1.PrerequisitesService/BatchCheckDevices" READERS
        r#"{"parent": "tenants/{t}", "names": ["tenants/{t}/devices/{d}"]}"#
    "tandem.prerequisites.v1.PrerequisitesService/CheckDevice" READERS
        r#"{"name": "tenants/{t}/devices/{d}"}"#
    "tandem.prerequisites.v1.PrerequisitesService/CheckHierarchy" READERS
        r#"{"name": "tenants/{t}/hierarchies/PS1"}"#
    "tandem.prerequisites.v1.PrerequisitesService/CheckPerson" READERS
        r#"{"parent": "tenants/{t}", "device": "tenants/{t}/devices/{d}", "site": "tenants/{t}/hierarchies/PS1/sites/PS1"}"#
    "tandem.prerequisites.v1.PrerequisitesService/CheckSite" READERS
        r#"{"name": "tenants/{t}/hierarchies/PS1/sites/PS1"}"#
    "tandem.prerequisites.v1.PrerequisitesService/CheckTenant" READERS
        r#"{"name": "tenants/{t}"}"#
    "tandem.prerequisites.v1.PrerequisitesService/ExplainEnrollmentError" READERS
        r#"{"code": "0x80180014"}"#
    "tandem.prerequisites.v1.PrerequisitesService/ForecastFleet" READERS
        r#"{"parent": "tenants/{t}", "until": "2030-01-01T00:00:00Z", "filter": {"collections": ["tenants/{t}/collections/pilot"]}}"#
    "tandem.prerequisites.v1.PrerequisitesService/ListRules" READERS
        r#"{}"#
    "tandem.prerequisites.v1.PrerequisitesService/SummarizeFleet" READERS
        r#"{"parent": "tenants/{t}", "filter": {"collections": ["tenants/{t}/collections/pilot"]}}"#
};
