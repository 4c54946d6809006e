"""What a policy would do, its adoption, and the work that follows."""

from collections import Counter

from table import answers, refuses
from world import AUTHORITY, HIERARCHY, PILOT_POLICY, POLICY

PLANS = "tandem.authority.v1.PlanService"
DESIRED = f"{HIERARCHY}/desiredPolicy"
CLIENT_APPS = "WORKLOAD_CLIENT_APPS"

# Client apps leave their pilot behind. Resource access is where site version 2509 fixes it, and what device configuration carries follows it.
PROPOSED = {
    **PILOT_POLICY,
    "workloads": [
        *[each for each in PILOT_POLICY["workloads"] if each["workload"] != CLIENT_APPS],
        {"workload": CLIENT_APPS, "slider": "SLIDER_POSITION_INTUNE"},
        {"workload": "WORKLOAD_RESOURCE_ACCESS_POLICIES", "slider": "SLIDER_POSITION_INTUNE"},
    ],
}


def impact(plan, workload):
    """What a plan does to the devices, for a workload."""
    return next(each for each in plan["content"]["workloads"] if each["workload"] == workload)


@answers(
    f"{PLANS}/CreatePlan", f"{PLANS}/GetPlan", f"{PLANS}/ListPlans", f"{PLANS}/ApplyPlan", f"{PLANS}/GetDesiredPolicy", f"{PLANS}/GetHandover",
)
def plan_is_counted_kept_adopted_and_handed_over(check, world):
    plan = world.ask(f"{PLANS}/CreatePlan", {"proposed": PROPOSED, "consistency_token": world.token})["plan"]
    # Of the two devices that are co-managed in the hierarchy, one is in the pilot and at Intune already.
    apps = impact(plan, CLIENT_APPS)
    check.assertEqual(int(apps["changing"]), 1)
    rows = Counter()
    for each in apps["rows"]:
        rows[each["before_reason"].removeprefix("AUTHORITY_REASON_")] += int(each["devices"])
    check.assertEqual((rows["PILOT_MEMBER"], rows["PILOT_NOT_MEMBER"]), (1, 1))
    check.assertEqual(rows.total(), int(plan["content"]["devices"]))
    check.assertEqual(int(plan["content"]["devices_affected"]), 1)
    check.assertTrue(all(int(each.get("violations", 0)) == 0 for each in plan["content"]["invariants"]))
    check.assertEqual(world.ask(f"{PLANS}/GetPlan", {"name": plan["name"]})["plan"], plan)
    listed = world.ask(f"{PLANS}/ListPlans", {"parent": HIERARCHY})["plans"]
    check.assertIn(plan["name"], [each["name"] for each in listed])

    # A slider that moves to Intune needs two who agree.
    said = {"plan": plan["name"], "hash": plan["hash"], "justification": {"reason": "a check of the contract"}}
    world.ask("tandem.authority.v1.ApprovalService/RequestApproval", said)
    world.ask("tandem.authority.v1.ApprovalService/BreakGlass", said)
    read = {"name": plan["name"], "hash": plan["hash"], "configured_revision": plan["content"]["configured_revision"]}
    desired = world.ask(f"{PLANS}/ApplyPlan", read)["desired_policy"]
    check.assertEqual((desired["name"], desired["plan"]), (DESIRED, plan["name"]))
    check.assertEqual(world.ask(f"{PLANS}/GetDesiredPolicy", {"name": DESIRED})["desired_policy"], desired)
    work = world.ask(f"{PLANS}/GetHandover", {"name": DESIRED})["handover"]
    check.assertTrue(any("Client apps to Intune" in step["instruction"] for step in work["console"]), work["console"])
    # Nothing is configured by adopting it.
    check.assertEqual(world.ask(f"{AUTHORITY}/GetCoManagementPolicy", {"name": POLICY})["policy"]["enabled"], True)


@answers(f"{PLANS}/GetDecommission")
def way_out_names_who_does_what(check, world):
    answer = world.ask(f"{PLANS}/GetDecommission", {"parent": HIERARCHY, "consistency_token": world.token})
    steps = answer["decommission"]["steps"]
    check.assertEqual(steps[0]["id"], "adopt_policy")
    check.assertTrue({each["actor"] for each in steps} <= {"tandem", "person", "device"})
    check.assertTrue(all(each["source"] for each in steps))


refuses(f"{PLANS}/GetDecommission", "INVALID_FIELD", {"parent": HIERARCHY, "workload": CLIENT_APPS, "devices": ["x"]}, field="devices")
refuses(f"{PLANS}/CreatePlan", "INVALID_FIELD", {}, field="proposed")
refuses(f"{PLANS}/GetPlan", "RESOURCE_NOT_FOUND", {"name": f"{HIERARCHY}/plans/none"}, resource=f"{HIERARCHY}/plans/none")
refuses(f"{PLANS}/ListPlans", "INVALID_PAGE_TOKEN", {"parent": HIERARCHY, "page_token": "damaged"})
refuses(f"{PLANS}/ApplyPlan", "INVALID_FIELD", {"name": f"{HIERARCHY}/plans/none"}, field="hash")
refuses(f"{PLANS}/GetDesiredPolicy", "INVALID_FIELD", {"name": HIERARCHY}, field="name")
refuses(f"{PLANS}/GetHandover", "INVALID_FIELD", {"name": HIERARCHY}, field="name")
