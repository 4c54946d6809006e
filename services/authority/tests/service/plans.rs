//! A proposed policy is counted, kept, adopted, handed over.

use tandem_contracts::authority::v1::policy_change::Kind;
use tandem_contracts::authority::v1::{
    ApplyPlanRequest, CollectionImpact, CreatePlanRequest, DecommissionState, DesiredPolicy, EnabledChange,
    GetDecommissionRequest, GetDesiredPolicyRequest, GetEffectiveAuthorityRequest, GetHandoverRequest,
    GetPlanRequest, ImpactRow, ListAuditRecordsRequest, ListPlansRequest, Plan, PlanContent, PlanFacts,
    PolicyChange, WorkloadAuthority, WorkloadChange, WorkloadCount, WorkloadImpact,
};
use tandem_contracts::convert::time;
use tandem_contracts::r#type::v1::{
    AuthorityReason as Why, CoManagementPolicy, ErrorReason, Justification, ManagementAuthority as Who,
    ManagementState, SliderPosition, Workload, WorkloadSetting,
};
use tandem_domain::facts::DeviceFacts;
use tandem_domain::id::CollectionId;
use tonic::{Code, Status};

use crate::approvals::sandbox_without_approvals;
use crate::effective::WORKLOADS;
use crate::fleet::{self, DRIFTING, POLICY};
use crate::{Sandbox, now, reason, sandbox, sandbox_with_policy};

const HIERARCHY: &str = "tenants/contoso/hierarchies/PS1";
const DESIRED: &str = "tenants/contoso/hierarchies/PS1/desiredPolicy";

/// The sample policy with compliance at Intune, and what device configuration carries along there too.
pub(crate) fn proposed() -> CoManagementPolicy {
    let at = |workload: Workload| match workload {
        Workload::CompliancePolicies => (SliderPosition::Intune, "PS100014"),
        Workload::WindowsUpdatePolicies => (SliderPosition::PilotIntune, "PS100020"),
        Workload::DeviceConfiguration | Workload::ResourceAccessPolicies | Workload::EndpointProtection => {
            (SliderPosition::Intune, "")
        }
        _ => (SliderPosition::ConfigurationManager, ""),
    };
    let setting = |workload| {
        let (slider, pilot) = at(workload);
        setting(workload, slider, pilot)
    };
    CoManagementPolicy {
        name: POLICY.into(),
        enabled: Some(true),
        workloads: WORKLOADS.map(setting).into(),
        ..CoManagementPolicy::default()
    }
}

pub(crate) fn setting(workload: Workload, slider: SliderPosition, pilot: &str) -> WorkloadSetting {
    WorkloadSetting { workload: workload.into(), slider: slider.into(), pilot_collection: pilot.into() }
}

fn moved(workload: Workload, before: (SliderPosition, &str), after: (SliderPosition, &str)) -> PolicyChange {
    let change = WorkloadChange {
        before: Some(setting(workload, before.0, before.1)),
        after: Some(setting(workload, after.0, after.1)),
    };
    PolicyChange { kind: Some(Kind::Workload(change)) }
}

/// Devices that are co-managed.
fn row(before: (Who, Why), after: (Who, Why), devices: u64) -> ImpactRow {
    ImpactRow {
        state: ManagementState::CoManaged.into(),
        before: before.0.into(),
        before_reason: before.1.into(),
        after: after.0.into(),
        after_reason: after.1.into(),
        slider_reason: after.1.into(),
        blocked: false,
        devices,
    }
}

pub(crate) async fn create(sandbox: &mut Sandbox, proposed: CoManagementPolicy) -> Result<Plan, Status> {
    let request = CreatePlanRequest { proposed: Some(proposed), ..Default::default() };
    Ok(sandbox.plans.create_plan(request).await?.into_inner().plan.unwrap())
}

pub(crate) async fn planned(sandbox: &mut Sandbox) -> Plan {
    create(sandbox, proposed()).await.unwrap()
}

/// The application of a plan as it was read.
pub(crate) fn as_read(plan: &Plan) -> ApplyPlanRequest {
    let configured_revision = plan.content.as_ref().unwrap().configured_revision;
    let (name, hash) = (plan.name.clone(), plan.hash.clone());
    ApplyPlanRequest { name, hash, configured_revision, ..Default::default() }
}

pub(crate) async fn apply(sandbox: &mut Sandbox, request: ApplyPlanRequest) -> Result<DesiredPolicy, Status> {
    Ok(sandbox.plans.apply_plan(request).await?.into_inner().desired_policy.unwrap())
}

pub(crate) async fn desired(sandbox: &mut Sandbox) -> Result<DesiredPolicy, Status> {
    let request = GetDesiredPolicyRequest { name: DESIRED.into(), ..Default::default() };
    Ok(sandbox.plans.get_desired_policy(request).await?.into_inner().desired_policy.unwrap())
}

/// Of the two devices of PS1, one is in the pilot of compliance and stays at Intune, the other comes there. What device configuration carries
/// along was at Intune before.
pub(crate) async fn plan_counts_what_each_workload_does() {
    let mut sandbox = sandbox_with_policy().await;
    let plan = planned(&mut sandbox).await;
    let (manager, intune) = (Who::ConfigurationManager, Who::Intune);
    let bundled = (intune, Why::BundledWithDeviceConfiguration);
    let carried = |workload: Workload| WorkloadImpact {
        workload: workload.into(),
        changing: 0,
        held_back: 0,
        rows: vec![row(bundled, bundled, 2)],
    };
    let content = plan.content.unwrap();
    let expected = PlanContent {
        proposed: Some(proposed()),
        configured_revision: 1,
        desired_revision: 0,
        inventory_revision: 14,
        changes: vec![
            moved(
                Workload::CompliancePolicies,
                (SliderPosition::PilotIntune, "PS100014"),
                (SliderPosition::Intune, "PS100014"),
            ),
            moved(
                Workload::ResourceAccessPolicies,
                (SliderPosition::ConfigurationManager, ""),
                (SliderPosition::Intune, ""),
            ),
            moved(
                Workload::EndpointProtection,
                (SliderPosition::ConfigurationManager, ""),
                (SliderPosition::Intune, ""),
            ),
        ],
        devices: 2,
        devices_affected: 1,
        workloads: vec![
            WorkloadImpact {
                workload: Workload::CompliancePolicies.into(),
                changing: 1,
                held_back: 0,
                rows: vec![
                    row((intune, Why::PilotMember), (intune, Why::SliderIntune), 1),
                    row((manager, Why::PilotNotMember), (intune, Why::SliderIntune), 1),
                ],
            },
            carried(Workload::ResourceAccessPolicies),
            carried(Workload::EndpointProtection),
        ],
        collections: vec![
            CollectionImpact {
                collection: "PS100014".into(),
                members: 1,
                complete: true,
                changing: Vec::new(),
            },
            CollectionImpact {
                collection: "PS100020".into(),
                members: 0,
                complete: false,
                changing: Vec::new(),
            },
        ],
        warnings: content.warnings.clone(),
        invariants: content.invariants.clone(),
        facts: Some(PlanFacts::default()),
    };
    assert_eq!(content, expected);
    assert!(content.invariants.iter().all(|invariant| invariant.violations == 0));
    assert_eq!(content.invariants.len(), 2);
    assert_eq!((plan.created_by.as_str(), plan.applied_by.as_str()), ("local", ""));
    assert_eq!(plan.create_time, Some(time::to_proto(now())));
    assert_eq!(plan.name, format!("{HIERARCHY}/plans/{}", &plan.hash[..32]));
}

pub(crate) async fn plan_asked_for_again_is_the_same() {
    let mut sandbox = sandbox_with_policy().await;
    let plan = planned(&mut sandbox).await;
    assert_eq!(planned(&mut sandbox).await, plan);
    let request = GetPlanRequest { name: plan.name.clone() };
    assert_eq!(sandbox.plans.get_plan(request).await.unwrap().into_inner().plan, Some(plan.clone()));
    // The fleet was counted once.
    assert_eq!(sandbox.inventory.world().snapshots, 1);

    let missing = GetPlanRequest { name: format!("{HIERARCHY}/plans/0") };
    let status = sandbox.plans.get_plan(missing).await.unwrap_err();
    assert_eq!((status.code(), reason(status)), (Code::NotFound, ErrorReason::ResourceNotFound));
}

/// The device that the plan moves joins the pilot, so nobody is left to move.
pub(crate) async fn plan_of_a_device_that_changed_is_another() {
    let mut sandbox = sandbox_with_policy().await;
    let before = planned(&mut sandbox).await;
    let joined = DeviceFacts {
        collections: vec![CollectionId::parse("PS100014").unwrap()],
        ..fleet::co_managed("PS1")
    };
    sandbox.inventory.change(fleet::device(DRIFTING, 0, &joined));
    let request = CreatePlanRequest {
        proposed: Some(proposed()),
        consistency_token: sandbox.inventory.world().token(),
        ..Default::default()
    };
    let after = sandbox.plans.create_plan(request).await.unwrap().into_inner().plan.unwrap();
    let content = after.content.unwrap();
    assert_eq!((content.inventory_revision, content.devices, content.devices_affected), (15, 2, 0));
    assert_eq!(content.collections[0].members, 2);
    assert_ne!(after.hash, before.hash);
    assert_eq!(sandbox.inventory.world().snapshots, 1);
}

/// `workloads.toml switching.before_switch`: the matching policy of Intune comes first.
pub(crate) async fn what_the_operator_says_ends_a_warning() {
    let mut sandbox = sandbox_with_policy().await;
    let unconfirmed = |plan: &Plan| -> Vec<i32> {
        let warnings = plan.content.as_ref().unwrap().warnings.iter();
        let warnings = warnings.filter(|warning| warning.id == "intune_policy_not_confirmed");
        warnings.flat_map(|warning| warning.workloads.clone()).collect()
    };
    let plan = planned(&mut sandbox).await;
    let compliance = i32::from(Workload::CompliancePolicies);
    assert!(unconfirmed(&plan).contains(&compliance), "{:?}", unconfirmed(&plan));
    let warnings = &plan.content.as_ref().unwrap().warnings;
    let sources: Vec<_> = warnings.iter().filter(|warning| warning.source.is_empty()).collect();
    assert_eq!(sources, Vec::<&_>::new());

    let facts = PlanFacts { deployed_at_intune: vec![compliance], ..PlanFacts::default() };
    let request =
        CreatePlanRequest { proposed: Some(proposed()), facts: Some(facts.clone()), ..Default::default() };
    let plan = sandbox.plans.create_plan(request).await.unwrap().into_inner().plan.unwrap();
    assert!(!unconfirmed(&plan).contains(&compliance));
    assert_eq!(plan.content.unwrap().facts, Some(facts));
}

pub(crate) async fn policy_that_no_hierarchy_can_hold_names_its_rules() {
    let mut sandbox = sandbox_with_policy().await;
    let mut policy = proposed();
    policy.workloads[1].pilot_collection.clear();
    policy.workloads[3].slider = SliderPosition::ConfigurationManager.into();
    let status = create(&mut sandbox, policy).await.unwrap_err();
    assert_eq!(
        status.message(),
        "proposed.workloads[1].pilot_collection: pilot_needs_collection: windows_update_policies: expected a pilot \
         collection of its own, with the slider at pilot_intune, found none (workloads.toml \
         switching.scope_of_pilot_intune): name the workload's pilot collection, or set its slider to \
         configuration_manager or intune; proposed.workloads[3].slider: bundled_with_device_configuration: \
         endpoint_protection: expected intune, where device_configuration stands and carries it along, found \
         configuration_manager (workloads.toml device_configuration.on_switch_to_intune): set it to intune as well, or \
         take device_configuration back from intune"
    );
    assert_eq!(reason(status), ErrorReason::InvalidField);
    let status = sandbox.plans.create_plan(CreatePlanRequest::default()).await.unwrap_err();
    assert_eq!(status.message(), "proposed: must be set; found nothing");
}

pub(crate) async fn hierarchy_without_policy_counts_from_unknown() {
    let mut sandbox = sandbox().await;
    let plan = planned(&mut sandbox).await;
    let content = plan.content.unwrap();
    assert_eq!(content.configured_revision, 0);
    let enabled = EnabledChange { before: None, after: Some(true) };
    assert_eq!(content.changes[0], PolicyChange { kind: Some(Kind::Enabled(enabled)) });
    let compliance = &content.workloads[0];
    let (unknown, intune) = ((Who::Unknown, Why::PolicyUnknown), (Who::Intune, Why::SliderIntune));
    assert_eq!(compliance.rows, [row(unknown, intune, 2)]);
    assert_eq!((compliance.changing, content.devices_affected), (2, 2));
    let updates = &content.workloads[1];
    let members = WorkloadCount { workload: updates.workload, devices: 2 };
    assert_eq!(updates.rows, [row(unknown, (Who::Unknown, Why::MembershipUnknown), 2)]);
    assert!(!content.collections.iter().any(|collection| collection.changing.contains(&members)));
}

pub(crate) async fn plan_applied_is_what_is_desired() {
    let mut sandbox = sandbox_without_approvals().await;
    let status = desired(&mut sandbox).await.unwrap_err();
    assert_eq!((status.code(), reason(status)), (Code::NotFound, ErrorReason::ResourceNotFound));

    let plan = planned(&mut sandbox).await;
    let expected = DesiredPolicy {
        name: DESIRED.into(),
        policy: Some(proposed()),
        plan: plan.name.clone(),
        revision: 3,
        update_time: Some(time::to_proto(now())),
        updated_by: "local".into(),
    };
    assert_eq!(apply(&mut sandbox, as_read(&plan)).await.unwrap(), expected);
    assert_eq!(desired(&mut sandbox).await.unwrap(), expected);
    let read = sandbox.plans.get_plan(GetPlanRequest { name: plan.name.clone() }).await.unwrap().into_inner();
    let applied = Plan { applied_by: "local".into(), apply_time: Some(time::to_proto(now())), ..plan };
    assert_eq!(read.plan, Some(applied));
    // What is configured is what the hierarchy says, whatever is desired.
    assert_eq!(planned(&mut sandbox).await.content.unwrap().configured_revision, 1);
}

pub(crate) async fn application_repeated_with_its_id_answers_as_the_first_did() {
    let mut sandbox = sandbox_without_approvals().await;
    let plan = planned(&mut sandbox).await;
    let request = ApplyPlanRequest { request_id: "r-1".into(), ..as_read(&plan) };
    let first = apply(&mut sandbox, request.clone()).await.unwrap();
    assert_eq!(apply(&mut sandbox, request).await.unwrap(), first);
    let status = apply(&mut sandbox, as_read(&plan)).await.unwrap_err();
    assert_eq!((status.code(), reason(status)), (Code::FailedPrecondition, ErrorReason::PlanAlreadyApplied));
}

pub(crate) async fn application_is_on_record() {
    let mut sandbox = sandbox_without_approvals().await;
    let plan = planned(&mut sandbox).await;
    let why = Justification { reason: "pilot went well".into(), ticket: "CHG-9".into() };
    let request = ApplyPlanRequest { justification: Some(why.clone()), ..as_read(&plan) };
    apply(&mut sandbox, request).await.unwrap();
    let request = ListAuditRecordsRequest { parent: crate::TENANT.into(), ..Default::default() };
    let records = sandbox.audit.list_audit_records(request).await.unwrap().into_inner().records;
    let event = records[0].event.clone().unwrap();
    assert_eq!((event.resource.as_str(), event.before.as_str()), (DESIRED, ""));
    assert_eq!(event.justification, Some(why));
    let after: serde_json::Value = serde_json::from_str(&event.after).unwrap();
    assert_eq!(after["plan"], serde_json::Value::from(plan.name));
}

pub(crate) async fn anything_different_from_what_was_planned_is_refused() {
    let mut sandbox = sandbox_without_approvals().await;
    let plan = planned(&mut sandbox).await;
    let refusal = async |sandbox: &mut Sandbox, request| {
        let status = apply(sandbox, request).await.unwrap_err();
        (status.code(), reason(status))
    };
    let hash = ApplyPlanRequest { hash: "0".repeat(64), ..as_read(&plan) };
    let mismatch = (Code::FailedPrecondition, ErrorReason::PlanHashMismatch);
    assert_eq!(refusal(&mut sandbox, hash).await, mismatch);
    let unread = ApplyPlanRequest { hash: String::new(), ..as_read(&plan) };
    assert_eq!(refusal(&mut sandbox, unread).await, (Code::InvalidArgument, ErrorReason::InvalidField));
    let changed = (Code::FailedPrecondition, ErrorReason::PlanBaseChanged);
    let base = ApplyPlanRequest { configured_revision: 7, ..as_read(&plan) };
    assert_eq!(refusal(&mut sandbox, base).await, changed);
    let missing = ApplyPlanRequest { name: format!("{HIERARCHY}/plans/0"), ..as_read(&plan) };
    assert_eq!(refusal(&mut sandbox, missing).await, (Code::NotFound, ErrorReason::ResourceNotFound));

    // Somebody read the sliders meanwhile.
    sandbox.record(fleet::policy()).await.unwrap();
    assert_eq!(refusal(&mut sandbox, as_read(&plan)).await, changed);
    // Somebody else applied another plan meanwhile.
    let (mine, mut policy) = (planned(&mut sandbox).await, proposed());
    policy.workloads[6] = setting(Workload::ClientApps, SliderPosition::Intune, "");
    let other = create(&mut sandbox, policy).await.unwrap();
    let applied = apply(&mut sandbox, as_read(&other)).await.unwrap();
    assert_eq!(refusal(&mut sandbox, as_read(&mine)).await, changed);
    assert_eq!(desired(&mut sandbox).await.unwrap(), applied);
}

pub(crate) async fn plans_are_listed_newest_first_page_by_page() {
    let mut sandbox = sandbox_with_policy().await;
    let mut made = vec![planned(&mut sandbox).await];
    for slider in [SliderPosition::Intune, SliderPosition::PilotIntune] {
        let mut policy = proposed();
        policy.workloads[6] = setting(Workload::ClientApps, slider, "PS100014");
        made.push(create(&mut sandbox, policy).await.unwrap());
    }
    // Of one time, by their ids.
    made.sort_by(|one, other| other.name.cmp(&one.name));
    let (mut pages, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListPlansRequest { parent: HIERARCHY.into(), page_size: 2, page_token };
        let page = sandbox.plans.list_plans(request).await.unwrap().into_inner();
        pages.push(page.plans);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, [made[..2].to_vec(), made[2..].to_vec()]);
}

/// handover.md 4: sliders are set in the console; what stands as desired needs no step.
pub(crate) async fn handover_is_the_work_between_configured_and_desired() {
    let mut sandbox = sandbox_without_approvals().await;
    let plan = planned(&mut sandbox).await;
    apply(&mut sandbox, as_read(&plan)).await.unwrap();
    let get = async |sandbox: &mut Sandbox| {
        let request = GetHandoverRequest { name: DESIRED.into(), ..Default::default() };
        sandbox.plans.get_handover(request).await.unwrap().into_inner()
    };
    let answer = get(&mut sandbox).await;
    assert_eq!((answer.configured_revision, answer.desired_revision), (1, 3));
    let work = answer.handover.unwrap();
    let steps: Vec<&str> = work.console.iter().map(|step| step.instruction.as_str()).collect();
    assert_eq!(
        steps,
        [
            "set Compliance policies to Intune (now Pilot Intune)",
            "set Resource access policies to Intune (now Configuration Manager)",
            "set Endpoint Protection to Intune (now Configuration Manager)",
            "confirm with OK",
        ]
    );
    assert!(!work.done && !work.checks.is_empty() && work.creation_script.is_empty());

    // Somebody did it, and the sliders were read again.
    sandbox.record(proposed()).await.unwrap();
    let work = get(&mut sandbox).await.handover.unwrap();
    assert!(work.done && work.console.is_empty(), "{work:?}");
}

/// The site's version is one of the surroundings by which devices are put in classes.
pub(crate) async fn change_of_surroundings_counts_the_fleet_anew() {
    let mut sandbox = sandbox_with_policy().await;
    planned(&mut sandbox).await;
    let token = {
        let mut world = sandbox.inventory.world();
        world.revision += 1;
        world.surroundings_revision += 1;
        for site in world.hierarchies[1].sites.values_mut() {
            site.version = Some("2503".into());
        }
        world.token()
    };
    let request =
        CreatePlanRequest { proposed: Some(proposed()), consistency_token: token, ..Default::default() };
    let plan = sandbox.plans.create_plan(request).await.unwrap().into_inner().plan.unwrap();
    let workloads = plan.content.unwrap().workloads;
    let access =
        workloads.iter().find(|impact| impact.workload() == Workload::ResourceAccessPolicies).unwrap();
    // From 2403 on, resource access is at Intune wherever its slider stands.
    let fixed = (Who::Intune, Why::ResourceAccessFixed);
    assert_eq!(access.rows, [row(fixed, fixed, 2)]);
    assert_eq!(sandbox.inventory.world().snapshots, 2);
}

pub(crate) async fn inventory_that_is_away_counts_nothing() {
    let mut sandbox = sandbox_with_policy().await;
    sandbox.inventory.world().away = true;
    let status = create(&mut sandbox, proposed()).await.unwrap_err();
    assert_eq!((status.code(), reason(status)), (Code::Unavailable, ErrorReason::DependencyUnavailable));
}

/// Compliance goes to Intune for all: the device outside of the pilot is desired there, and decided by the site until it is done.
pub(crate) async fn device_is_told_where_it_is_desired() {
    let mut sandbox = sandbox_without_approvals().await;
    let compliance = async |sandbox: &mut Sandbox| {
        let request = GetEffectiveAuthorityRequest { name: DRIFTING.into(), ..Default::default() };
        let answer = sandbox.client.get_effective_authority(request).await.unwrap().into_inner();
        answer.effective_authority.unwrap().workloads[0]
    };
    let mut expected = WorkloadAuthority {
        workload: Workload::CompliancePolicies.into(),
        authority: Who::ConfigurationManager.into(),
        reason: Why::PilotNotMember.into(),
        ..WorkloadAuthority::default()
    };
    assert_eq!(compliance(&mut sandbox).await, expected);
    let plan = planned(&mut sandbox).await;
    apply(&mut sandbox, as_read(&plan)).await.unwrap();
    expected.desired = Who::Intune.into();
    expected.desired_reason = Why::SliderIntune.into();
    assert_eq!(compliance(&mut sandbox).await, expected);
}

/// leaving.md: sliders go back before devices leave Intune; what nobody said blocks.
pub(crate) async fn way_out_says_who_does_what_and_what_is_in_the_way() {
    let mut sandbox = sandbox_with_policy().await;
    let get = async |sandbox: &mut Sandbox, request| {
        let answer = sandbox.plans.get_decommission(request).await;
        answer.map(|answer| answer.into_inner().decommission.unwrap())
    };
    let request = GetDecommissionRequest { parent: HIERARCHY.into(), ..Default::default() };
    let whole = get(&mut sandbox, request.clone()).await.unwrap();
    assert_eq!((whole.state(), whole.devices), (DecommissionState::Blocked, 2));
    let steps: Vec<(&str, &str)> =
        whole.steps.iter().map(|step| (step.id.as_str(), step.actor.as_str())).collect();
    assert_eq!(steps.first(), Some(&("adopt_policy", "tandem")));
    let place = |id: &str| steps.iter().position(|(step, _)| *step == id).unwrap();
    assert!(place("stop_auto_enrollment") < place("retire") && place("return_slider") < place("retire"));
    assert_eq!(steps.last(), Some(&("confirm_out", "tandem")));
    assert!(!whole.steps[0].blocks.is_empty() && !whole.left_behind.is_empty());

    // Of one workload, devices stay co-managed.
    let compliance = GetDecommissionRequest {
        workload: Workload::CompliancePolicies.into(),
        facts: Some(PlanFacts {
            deployed_at_configuration_manager: vec![Workload::CompliancePolicies.into()],
            conditional_access: Some(false),
            ..PlanFacts::default()
        }),
        ..request.clone()
    };
    let compliance = get(&mut sandbox, compliance).await.unwrap();
    assert!(!compliance.steps.iter().any(|step| step.id == "retire"));

    let one = |devices: Vec<String>| GetDecommissionRequest { devices, ..request.clone() };
    let drifting = get(&mut sandbox, one(vec![DRIFTING.into()])).await.unwrap();
    assert_eq!(drifting.devices, 1);
    let elsewhere = get(&mut sandbox, one(vec![fleet::POLICY_UNKNOWN.into()])).await.unwrap_err();
    assert_eq!(
        elsewhere.message(),
        "devices[0]: expected a device of hierarchy PS1, found tenants/contoso/devices/d3 elsewhere"
    );
    let missing = get(&mut sandbox, one(vec!["tenants/contoso/devices/none".into()])).await.unwrap_err();
    assert_eq!(reason(missing), ErrorReason::ResourceNotFound);
}
