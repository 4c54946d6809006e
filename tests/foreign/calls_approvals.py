"""Who must agree to a plan, and who has."""

from table import answers, refuses
from world import HIERARCHY, PILOT_POLICY, TENANT

APPROVALS = "tandem.authority.v1.ApprovalService"
PLANS = "tandem.authority.v1.PlanService"
RULES = f"{TENANT}/approvalRules"
NONE = f"{HIERARCHY}/plans/none"
OFFICE = "WORKLOAD_OFFICE_CLICK_TO_RUN_APPS"


def full_switch(world, workload):
    """A plan that moves a slider to Intune, for which two must agree."""
    workloads = [
        *PILOT_POLICY["workloads"],
        {"workload": workload, "slider": "SLIDER_POSITION_INTUNE"},
        {"workload": "WORKLOAD_RESOURCE_ACCESS_POLICIES", "slider": "SLIDER_POSITION_INTUNE"},
    ]
    request = {"proposed": {**PILOT_POLICY, "workloads": workloads}, "consistency_token": world.token}
    return world.ask(f"{PLANS}/CreatePlan", request)["plan"]


@answers(
    f"{APPROVALS}/GetApprovalRules", f"{APPROVALS}/UpdateApprovalRules",
)
def tenant_sets_its_own_rules(check, world):
    name = f"{world.own_tenant('approval-rules')}/approvalRules"
    rules = world.ask(f"{APPROVALS}/GetApprovalRules", {"name": name})["rules"]
    check.assertEqual(rules["full_switch"], 2)
    stored = world.ask(f"{APPROVALS}/UpdateApprovalRules", {"rules": {"name": name, "full_switch": 1}})["rules"]
    check.assertEqual((stored["full_switch"], stored.get("devices", [])), (1, []))
    check.assertEqual(world.ask(f"{APPROVALS}/GetApprovalRules", {"name": name})["rules"], stored)


@answers(
    f"{APPROVALS}/RequestApproval", f"{APPROVALS}/GetApprovalRequest", f"{APPROVALS}/ListApprovalRequests", f"{APPROVALS}/RejectPlan", f"{APPROVALS}/BreakGlass",
)
def plan_waits_for_others_until_it_is_rejected_or_the_glass_broken(check, world):
    plan = full_switch(world, OFFICE)
    said = {"plan": plan["name"], "hash": plan["hash"], "justification": {"reason": "after the pilot"}}
    asked = world.ask(f"{APPROVALS}/RequestApproval", said)["approval_request"]
    check.assertEqual((asked["state"], asked["required"]), ("APPROVAL_STATE_PENDING", 2))
    check.assertEqual(world.ask(f"{APPROVALS}/GetApprovalRequest", {"name": asked["name"]})["approval_request"], asked)
    listed = world.ask(f"{APPROVALS}/ListApprovalRequests", {"parent": HIERARCHY})["approval_requests"]
    check.assertIn(plan["name"], [each["plan"] for each in listed])
    rejected = world.ask(f"{APPROVALS}/RejectPlan", said)["approval_request"]
    check.assertEqual(rejected["state"], "APPROVAL_STATE_REJECTED")
    world.ask(f"{APPROVALS}/RequestApproval", said)
    broken = world.ask(f"{APPROVALS}/BreakGlass", said)["approval_request"]
    check.assertEqual((broken["state"], broken["break_glass"]["reason"]), ("APPROVAL_STATE_GLASS_BROKEN", "after the pilot"))


refuses(f"{APPROVALS}/GetApprovalRules", "INVALID_FIELD", {"name": TENANT}, field="name")
refuses(f"{APPROVALS}/UpdateApprovalRules", "INVALID_FIELD", {}, field="rules")
refuses(f"{APPROVALS}/RequestApproval", "INVALID_FIELD", {"plan": NONE}, field="hash")
refuses(f"{APPROVALS}/GetApprovalRequest", "RESOURCE_NOT_FOUND", {"name": f"{NONE}/approvalRequest"}, resource=f"{NONE}/approvalRequest")
refuses(f"{APPROVALS}/ListApprovalRequests", "INVALID_PAGE_TOKEN", {"parent": HIERARCHY, "page_token": "damaged"})
for rpc in ["ApprovePlan", "RejectPlan", "BreakGlass"]:
    refuses(f"{APPROVALS}/{rpc}", "RESOURCE_NOT_FOUND", {"plan": NONE, "hash": "none"}, resource=f"{NONE}/approvalRequest")
