//! Others must agree to a plan before it is applied.

use std::sync::Arc;

use futures::future::BoxFuture;
use tandem_contracts::authority::v1::approval_service_client::ApprovalServiceClient;
use tandem_contracts::authority::v1::plan_service_client::PlanServiceClient;
use tandem_contracts::authority::v1::{
    Approval, ApprovalRequest, ApprovalRules, ApprovalState, ApprovePlanRequest, ApprovePlanResponse,
    BreakGlassRequest, DeviceThreshold, FreezeTenantRequest, GetApprovalRequestRequest,
    GetApprovalRulesRequest, GetEffectiveAuthorityRequest, ListApprovalRequestsRequest,
    ListAuditRecordsRequest, ListCoManagementPoliciesRequest, Plan, RejectPlanRequest,
    RequestApprovalRequest, UpdateApprovalRulesRequest, WorkloadApprovals,
};
use tandem_contracts::convert::time;
use tandem_contracts::r#type::v1::{
    CoManagementPolicy, ErrorReason, Justification, Permission, SliderPosition, Workload,
};
use tandem_server::principal::{Authenticator, Credentials};
use tandem_server::{ApiServer, Failure, Principal};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::fleet;
use crate::plans::{apply, as_read, create, desired, planned, proposed, setting};
use crate::{Sandbox, TENANT, now, reason, sandbox_with_policy};

const RULES: &str = "tenants/contoso/approvalRules";
const HIERARCHY: &str = "tenants/contoso/hierarchies/PS1";

/// Everybody is that person.
struct Person(Arc<Principal>);

impl Authenticator for Person {
    fn authenticate<'a>(&'a self, _: Credentials<'a>) -> BoxFuture<'a, Result<Arc<Principal>, Failure>> {
        Box::pin(std::future::ready(Ok(Arc::clone(&self.0))))
    }
}

/// What a person asks through.
struct Clients {
    plans: PlanServiceClient<Channel>,
    approvals: ApprovalServiceClient<Channel>,
}

impl Sandbox {
    /// The same service, asked by somebody of that name.
    fn by(&self, name: &str) -> Clients {
        let may = [
            Permission::TenantsRead,
            Permission::DevicesRead,
            Permission::AuthorityRead,
            Permission::AuthorityPlan,
            Permission::AuthorityApprove,
        ];
        let person = Person(Arc::new(Principal::with_permissions(name, may)));
        let server = self.authority.serve_on(ApiServer::new(person));
        let channel = tandem_testkit::serve(&self.supervisor, name, server);
        self.channels.lock().unwrap().push(channel.clone());
        Clients {
            plans: PlanServiceClient::new(channel.clone()),
            approvals: ApprovalServiceClient::new(channel),
        }
    }

    async fn rules(&mut self, rules: ApprovalRules) -> Result<ApprovalRules, Status> {
        let request = UpdateApprovalRulesRequest { rules: Some(rules), ..Default::default() };
        Ok(self.approvals.update_approval_rules(request).await?.into_inner().rules.unwrap())
    }

    async fn request(&mut self, plan: &Plan) -> ApprovalRequest {
        let name = format!("{}/approvalRequest", plan.name);
        let request = GetApprovalRequestRequest { name };
        let answer = self.approvals.get_approval_request(request).await.unwrap();
        answer.into_inner().approval_request.unwrap()
    }
}

/// No rule asks for any approval; in revision 2.
pub(crate) async fn sandbox_without_approvals() -> Sandbox {
    let mut sandbox = sandbox_with_policy().await;
    sandbox.rules(ApprovalRules { name: RULES.into(), ..Default::default() }).await.unwrap();
    sandbox
}

fn because(reason: &str) -> Option<Justification> {
    Some(Justification { reason: reason.into(), ticket: "CHG-9".into() })
}

fn asking(plan: &Plan) -> RequestApprovalRequest {
    let (plan, hash) = (plan.name.clone(), plan.hash.clone());
    RequestApprovalRequest { plan, hash, justification: because("pilot went well"), ..Default::default() }
}

impl Clients {
    async fn ask(&mut self, request: RequestApprovalRequest) -> Result<ApprovalRequest, Status> {
        Ok(self.approvals.request_approval(request).await?.into_inner().approval_request.unwrap())
    }

    async fn approve(&mut self, plan: &Plan) -> Result<ApprovePlanResponse, Status> {
        let (plan, hash) = (plan.name.clone(), plan.hash.clone());
        let request = ApprovePlanRequest { plan, hash, ..Default::default() };
        Ok(self.approvals.approve_plan(request).await?.into_inner())
    }

    async fn reject(&mut self, plan: &Plan, why: &str) -> Result<ApprovalRequest, Status> {
        let (plan, hash) = (plan.name.clone(), plan.hash.clone());
        let request = RejectPlanRequest { plan, hash, justification: because(why), ..Default::default() };
        Ok(self.approvals.reject_plan(request).await?.into_inner().approval_request.unwrap())
    }

    async fn break_glass(&mut self, plan: &Plan, why: &str) -> Result<ApprovalRequest, Status> {
        let (plan, hash) = (plan.name.clone(), plan.hash.clone());
        let request = BreakGlassRequest { plan, hash, justification: because(why), ..Default::default() };
        Ok(self.approvals.break_glass(request).await?.into_inner().approval_request.unwrap())
    }
}

/// The plan of the sample fleet moves compliance to Intune for all: two must agree.
async fn asked(sandbox: &mut Sandbox) -> (Plan, Clients) {
    let plan = planned(sandbox).await;
    let mut ada = sandbox.by("ada");
    ada.ask(asking(&plan)).await.unwrap();
    (plan, ada)
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, ErrorReason) {
    let status = answer.unwrap_err();
    (status.code(), reason(status))
}

const fn unmet(reason: ErrorReason) -> (Code, ErrorReason) {
    (Code::FailedPrecondition, reason)
}

pub(crate) async fn tenant_has_the_default_rules_until_somebody_sets_others() {
    let mut sandbox = sandbox_with_policy().await;
    let request = GetApprovalRulesRequest { name: RULES.into() };
    let rules = sandbox.approvals.get_approval_rules(request.clone()).await.unwrap().into_inner().rules;
    let defaults = ApprovalRules {
        name: RULES.into(),
        devices: vec![
            DeviceThreshold { at_least: 100, approvals: 1 },
            DeviceThreshold { at_least: 10_000, approvals: 2 },
        ],
        workloads: vec![WorkloadApprovals { workload: Workload::DeviceConfiguration.into(), approvals: 1 }],
        full_switch: 2,
        ..Default::default()
    };
    assert_eq!(rules, Some(defaults));

    let mine = ApprovalRules { name: RULES.into(), full_switch: 1, ..Default::default() };
    let stored = ApprovalRules {
        etag: "1".into(),
        update_time: Some(time::to_proto(now())),
        updated_by: "local".into(),
        ..mine.clone()
    };
    assert_eq!(sandbox.rules(mine.clone()).await.unwrap(), stored);
    let rules = sandbox.approvals.get_approval_rules(request).await.unwrap().into_inner().rules;
    assert_eq!(rules, Some(stored));
    let stale = ApprovalRules { etag: "7".into(), ..mine };
    assert_eq!(refused(sandbox.rules(stale).await), (Code::Aborted, ErrorReason::EtagMismatch));
}

pub(crate) async fn rules_that_cannot_be_meant_are_refused() {
    let mut sandbox = sandbox_with_policy().await;
    let threshold = |at_least, approvals| DeviceThreshold { at_least, approvals };
    let rules = || ApprovalRules { name: RULES.into(), ..Default::default() };
    let twice = WorkloadApprovals { workload: Workload::ClientApps.into(), approvals: 1 };
    for (rules, expected) in [
        (
            ApprovalRules { devices: vec![threshold(10, 2), threshold(20, 1)], ..rules() },
            "rules.devices: expected thresholds whose devices and approvals both rise; found DeviceThreshold { at_least: 20, \
             approvals: 1 } after DeviceThreshold { at_least: 10, approvals: 2 }",
        ),
        (ApprovalRules { full_switch: 6, ..rules() }, "rules: expected at most 5 approvals; found 6"),
        (
            ApprovalRules { full_switch: 1000, ..rules() },
            "rules.full_switch: expected at most 5 approvals, found 1000",
        ),
        (
            ApprovalRules { workloads: vec![twice, twice], ..rules() },
            "rules.workloads[1].workload: must name each workload once; found client_apps again",
        ),
    ] {
        let status = sandbox.rules(rules).await.unwrap_err();
        assert_eq!((status.message(), status.code()), (expected, Code::InvalidArgument));
    }
}

pub(crate) async fn plan_that_nobody_approved_is_not_applied() {
    let mut sandbox = sandbox_with_policy().await;
    let plan = planned(&mut sandbox).await;
    let status = apply(&mut sandbox, as_read(&plan)).await.unwrap_err();
    assert_eq!(
        status.message(),
        "expected 2 approvals of the plan, since it moves a slider to intune, for every co-managed device; found 0: ask \
         for approval; in an emergency, ask and break the glass"
    );
    assert_eq!((status.code(), reason(status)), unmet(ErrorReason::ApprovalsMissing));
    assert_eq!(refused(desired(&mut sandbox).await), (Code::NotFound, ErrorReason::ResourceNotFound));
}

pub(crate) async fn plan_is_applied_once_enough_others_approved_it() {
    let mut sandbox = sandbox_with_policy().await;
    let plan = planned(&mut sandbox).await;
    let (mut ada, mut bo, mut cy) = (sandbox.by("ada"), sandbox.by("bo"), sandbox.by("cy"));
    let expected = ApprovalRequest {
        name: format!("{}/approvalRequest", plan.name),
        plan: plan.name.clone(),
        hash: plan.hash.clone(),
        state: ApprovalState::Pending.into(),
        required: 2,
        reasons: vec!["it moves a slider to intune, for every co-managed device: 2".into()],
        requested_by: "ada".into(),
        create_time: Some(time::to_proto(now())),
        expire_time: Some(time::to_proto("2026-11-27T08:00:00Z".parse().unwrap())),
        justification: because("pilot went well"),
        ..Default::default()
    };
    assert_eq!(ada.ask(asking(&plan)).await.unwrap(), expected);
    assert_eq!(refused(ada.ask(asking(&plan)).await), unmet(ErrorReason::ApprovalPending));

    let yes = |by: &str| Approval { by: by.into(), time: Some(time::to_proto(now())) };
    let once = ApprovalRequest { approvals: vec![yes("bo")], ..expected.clone() };
    let answer = bo.approve(&plan).await.unwrap();
    assert_eq!((answer.approval_request, answer.desired_policy), (Some(once), None));
    assert_eq!(refused(apply(&mut sandbox, as_read(&plan)).await), unmet(ErrorReason::ApprovalsMissing));
    cy.approve(&plan).await.unwrap();
    let approved = ApprovalRequest {
        approvals: vec![yes("bo"), yes("cy")],
        state: ApprovalState::Approved.into(),
        ..expected
    };
    assert_eq!(sandbox.request(&plan).await, approved);
    // Whoever may apply it.
    assert_eq!(apply(&mut sandbox, as_read(&plan)).await.unwrap().updated_by, "local");
    assert_eq!(sandbox.request(&plan).await.state(), ApprovalState::Applied);
    assert_eq!(refused(ada.ask(asking(&plan)).await), unmet(ErrorReason::PlanAlreadyApplied));
}

pub(crate) async fn last_approval_applies_the_plan_without_its_requester() {
    let mut sandbox = sandbox_with_policy().await;
    let plan = planned(&mut sandbox).await;
    let (mut ada, mut bo, mut cy) = (sandbox.by("ada"), sandbox.by("bo"), sandbox.by("cy"));
    ada.ask(RequestApprovalRequest { apply_when_approved: true, ..asking(&plan) }).await.unwrap();
    assert_eq!(bo.approve(&plan).await.unwrap().desired_policy, None);
    let answer = cy.approve(&plan).await.unwrap();
    let found = desired(&mut sandbox).await.unwrap();
    assert_eq!(answer.desired_policy, Some(found.clone()));
    assert_eq!((found.plan.as_str(), found.updated_by.as_str()), (plan.name.as_str(), "ada"));
    assert_eq!(found.policy, Some(proposed()));
    assert_eq!(sandbox.request(&plan).await.state(), ApprovalState::Applied);
}

pub(crate) async fn approval_that_does_not_count_is_refused_by_its_reason() {
    let mut sandbox = sandbox_with_policy().await;
    let plan = planned(&mut sandbox).await;
    let (mut ada, mut bo, mut cy) = (sandbox.by("ada"), sandbox.by("bo"), sandbox.by("cy"));
    let missing = (Code::NotFound, ErrorReason::ResourceNotFound);
    assert_eq!(refused(bo.approve(&plan).await), missing);
    let other = RequestApprovalRequest { hash: "0".repeat(64), ..asking(&plan) };
    assert_eq!(refused(ada.ask(other).await), unmet(ErrorReason::PlanHashMismatch));
    for seconds in [3599, 30 * 86_400 + 1] {
        let valid_for = Some(prost_types::Duration { seconds, nanos: 0 });
        let status = ada.ask(RequestApprovalRequest { valid_for, ..asking(&plan) }).await.unwrap_err();
        assert_eq!(status.message(), format!("valid_for: expected 1 hour to 30 days, found {seconds} s"));
    }
    ada.ask(asking(&plan)).await.unwrap();
    assert_eq!(refused(ada.approve(&plan).await), unmet(ErrorReason::SelfApproval));
    let unread = Plan { hash: "0".repeat(64), ..plan.clone() };
    assert_eq!(refused(bo.approve(&unread).await), unmet(ErrorReason::ApprovalPlanChanged));
    bo.approve(&plan).await.unwrap();
    assert_eq!(refused(bo.approve(&plan).await), unmet(ErrorReason::AlreadyApproved));
    cy.approve(&plan).await.unwrap();
    assert_eq!(refused(sandbox.by("di").approve(&plan).await), unmet(ErrorReason::NoApprovalNeeded));

    // Compliance as a pilot asks for nobody's approval.
    let mut small = fleet::policy();
    small.workloads.extend([
        setting(Workload::ResourceAccessPolicies, SliderPosition::Intune, ""),
        setting(Workload::EndpointProtection, SliderPosition::Intune, ""),
    ]);
    sandbox.record(small.clone()).await.unwrap();
    small.workloads[0] = setting(Workload::CompliancePolicies, SliderPosition::PilotIntune, "PS100020");
    let small = create(&mut sandbox, small).await.unwrap();
    assert_eq!(refused(ada.ask(asking(&small)).await), unmet(ErrorReason::NoApprovalNeeded));
    apply(&mut sandbox, as_read(&small)).await.unwrap();
}

pub(crate) async fn plan_that_was_rejected_is_not_applied() {
    let mut sandbox = sandbox_with_policy().await;
    let (plan, mut ada) = asked(&mut sandbox).await;
    let mut bo = sandbox.by("bo");
    assert_eq!(refused(bo.reject(&plan, "  ").await), unmet(ErrorReason::ApprovalReasonMissing));
    let rejected = bo.reject(&plan, "freeze until Monday").await.unwrap();
    assert_eq!(rejected.state(), ApprovalState::Rejected);
    assert_eq!(rejected.rejection.unwrap().reason, "freeze until Monday");
    assert_eq!(refused(sandbox.by("cy").approve(&plan).await), unmet(ErrorReason::ApprovalRejected));
    assert_eq!(refused(apply(&mut sandbox, as_read(&plan)).await), unmet(ErrorReason::ApprovalRejected));
    // On Monday they ask again.
    assert_eq!(ada.ask(asking(&plan)).await.unwrap().state(), ApprovalState::Pending);
}

pub(crate) async fn glass_is_broken_with_a_reason_and_stays_visible() {
    let mut sandbox = sandbox_with_policy().await;
    let (plan, mut ada) = asked(&mut sandbox).await;
    assert_eq!(refused(ada.break_glass(&plan, "").await), unmet(ErrorReason::ApprovalReasonMissing));
    let broken = ada.break_glass(&plan, "the gateway is down").await.unwrap();
    assert_eq!(broken.state(), ApprovalState::GlassBroken);
    apply(&mut sandbox, as_read(&plan)).await.unwrap();
    let request = sandbox.request(&plan).await;
    let glass = request.break_glass.clone().unwrap();
    assert_eq!((request.state(), glass.by.as_str()), (ApprovalState::Applied, "ada"));
    assert_eq!(glass.reason, "the gateway is down");
}

pub(crate) async fn plan_whose_base_changed_is_approved_and_not_applied() {
    let mut sandbox = sandbox_with_policy().await;
    let plan = planned(&mut sandbox).await;
    let (mut ada, mut bo, mut cy) = (sandbox.by("ada"), sandbox.by("bo"), sandbox.by("cy"));
    ada.ask(RequestApprovalRequest { apply_when_approved: true, ..asking(&plan) }).await.unwrap();
    bo.approve(&plan).await.unwrap();
    sandbox.record(fleet::policy()).await.unwrap();
    let answer = cy.approve(&plan).await.unwrap();
    let request = answer.approval_request.unwrap();
    assert_eq!((request.state(), answer.desired_policy), (ApprovalState::Approved, None));
    assert!(request.apply_problem.contains("make a new plan"), "{}", request.apply_problem);
    assert_eq!(sandbox.request(&plan).await.apply_problem, request.apply_problem);
    assert_eq!(refused(desired(&mut sandbox).await), (Code::NotFound, ErrorReason::ResourceNotFound));
}

pub(crate) async fn stricter_rules_hold_for_what_was_approved_before() {
    let mut sandbox = sandbox_with_policy().await;
    let (plan, mut ada) = asked(&mut sandbox).await;
    for name in ["bo", "cy"] {
        sandbox.by(name).approve(&plan).await.unwrap();
    }
    let stricter = ApprovalRules { name: RULES.into(), full_switch: 3, ..Default::default() };
    sandbox.rules(stricter).await.unwrap();
    assert_eq!(refused(apply(&mut sandbox, as_read(&plan)).await), unmet(ErrorReason::ApprovalsMissing));
    let again = ada.ask(asking(&plan)).await.unwrap();
    assert_eq!((again.state(), again.required, again.approvals), (ApprovalState::Pending, 3, Vec::new()));
}

/// Device configuration stands at Intune and carries both along, wherever their own sliders stand.
pub(crate) async fn slider_that_says_nothing_of_its_own_needs_nobody() {
    let mut sandbox = sandbox_with_policy().await;
    let mut carried = fleet::policy();
    carried.workloads.extend([
        setting(Workload::ResourceAccessPolicies, SliderPosition::Intune, ""),
        setting(Workload::EndpointProtection, SliderPosition::Intune, ""),
    ]);
    let plan = create(&mut sandbox, carried).await.unwrap();
    assert_eq!(plan.content.as_ref().unwrap().changes.len(), 2);
    assert_eq!(apply(&mut sandbox, as_read(&plan)).await.unwrap().plan, plan.name);
}

/// The sliders stand where they are to be, and decide nothing before co-management is set up.
pub(crate) async fn setting_co_management_up_moves_what_the_policy_keeps() {
    let mut sandbox = sandbox_with_policy().await;
    let off = CoManagementPolicy { enabled: Some(false), ..proposed() };
    sandbox.record(off).await.unwrap();
    let plan = planned(&mut sandbox).await;
    assert_eq!(plan.content.as_ref().unwrap().changes.len(), 1);
    assert_eq!(refused(apply(&mut sandbox, as_read(&plan)).await), unmet(ErrorReason::ApprovalsMissing));
}

pub(crate) async fn frozen_tenant_adopts_nothing() {
    let mut sandbox = sandbox_without_approvals().await;
    let plan = planned(&mut sandbox).await;
    let (name, justification) = (TENANT.to_owned(), because("year end"));
    let freeze = FreezeTenantRequest { name, justification, ..Default::default() };
    sandbox.rollouts.freeze_tenant(freeze).await.unwrap();
    assert_eq!(refused(apply(&mut sandbox, as_read(&plan)).await), unmet(ErrorReason::TenantFrozen));
    assert_eq!(refused(desired(&mut sandbox).await), (Code::NotFound, ErrorReason::ResourceNotFound));
}

/// Nobody recorded a policy yet.
pub(crate) async fn world_of_rules_alone_can_be_asked_for() {
    let mut sandbox = crate::sandbox().await;
    sandbox.rules(ApprovalRules { name: RULES.into(), ..Default::default() }).await.unwrap();
    let request = ListCoManagementPoliciesRequest { parent: TENANT.into(), ..Default::default() };
    let listed = sandbox.client.list_co_management_policies(request).await.unwrap().into_inner();
    let (name, consistency_token) = (fleet::DRIFTING.to_owned(), listed.consistency_token);
    let request = GetEffectiveAuthorityRequest { name, consistency_token };
    assert!(sandbox.client.get_effective_authority(request).await.is_ok());
}

pub(crate) async fn approval_is_on_record_with_who_and_what() {
    let mut sandbox = sandbox_with_policy().await;
    let (plan, _) = asked(&mut sandbox).await;
    sandbox.by("bo").approve(&plan).await.unwrap();
    let request = ListAuditRecordsRequest { parent: TENANT.into(), ..Default::default() };
    let records = sandbox.audit.list_audit_records(request).await.unwrap().into_inner().records;
    let events: Vec<_> = records.into_iter().map(|record| record.event.unwrap()).collect();
    let name = format!("{}/approvalRequest", plan.name);
    let by: Vec<_> = events.iter().take(2).map(|event| (event.principal.as_str(), &event.resource)).collect();
    assert_eq!(by, [("bo", &name), ("ada", &name)]);
    assert_eq!(events[0].before, events[1].after);
    assert_eq!(events[1].justification, because("pilot went well"));
}

pub(crate) async fn requests_are_listed_newest_first() {
    let mut sandbox = sandbox_with_policy().await;
    let (plan, mut ada) = asked(&mut sandbox).await;
    let mut other = proposed();
    other.workloads[6] = setting(Workload::ClientApps, SliderPosition::Intune, "");
    let other = create(&mut sandbox, other).await.unwrap();
    ada.ask(asking(&other)).await.unwrap();
    let mut expected = [plan.name, other.name];
    expected.sort_by(|one, other| other.cmp(one));
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListApprovalRequestsRequest { parent: HIERARCHY.into(), page_size: 1, page_token };
        let page = sandbox.approvals.list_approval_requests(request).await.unwrap().into_inner();
        found.extend(page.approval_requests.into_iter().map(|request| request.plan));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(found, expected);
    // Somebody else reads a plan as everybody does.
    let request = tandem_contracts::authority::v1::GetPlanRequest { name: expected[0].clone() };
    assert!(ada.plans.get_plan(request).await.is_ok());
}
