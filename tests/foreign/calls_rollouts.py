"""A workload moves in waves: drafted, started, done, held, frozen and taken back."""

import itertools

from table import answers, refuses
from world import AUTHORITY, COLLECTIONS, HIERARCHY, OBSERVED_AT, TENANT, co_managed, site_key

ROLLOUTS = "tandem.authority.v1.RolloutService"
NONE = f"{HIERARCHY}/rollouts/none"
WHY = {"reason": "because"}
TENANTS = itertools.count(1)


def piloted(world):
    """A tenant of its own with one co-managed device in the pilot of device configuration, and in that of client apps none."""
    name = world.own_tenant(f"rollouts-{next(TENANTS)}")
    hierarchy = f"{name}/hierarchies/PS1"
    world.ask("tandem.inventory.v1.TenantService/UpdateTenant", {
        "tenant": {"name": name, "facts": {"authority_texts": {"Microsoft Intune": "MDM_PROVIDER_INTUNE"}}},
    })
    collections = [{"collection": each, "display_name": each, "observed_at": OBSERVED_AT} for each in ("PS100050", "PS100051")]
    world.ask(f"{COLLECTIONS}/ImportCollections", [{
        "parent": hierarchy, "sequence": 1, "collections": collections,
        "members": [
            {"collection": "PS100050", "replace": True, "complete": True},
            {"collection": "PS100051", "keys": [site_key(1)], "replace": True, "complete": True},
        ],
    }])
    token = world.report(name, co_managed(1))["consistency_token"]
    pilot = {"slider": "SLIDER_POSITION_PILOT_INTUNE"}
    world.ask(f"{AUTHORITY}/UpdateCoManagementPolicy", {"policy": {
        "name": f"{hierarchy}/coManagementPolicy", "enabled": True,
        "workloads": [
            {"workload": "WORKLOAD_CLIENT_APPS", "pilot_collection": "PS100050", **pilot},
            {"workload": "WORKLOAD_DEVICE_CONFIGURATION", "pilot_collection": "PS100051", **pilot},
        ],
    }})
    return name, hierarchy, token


def everybody(workload, collection):
    """One wave of all devices."""
    return {
        "workload": workload, "direction": "ROLLOUT_DIRECTION_TO_INTUNE", "pilot_collection": collection,
        "waves": [{"up_to": 10000, "success_gate": 9000, "failure_gate": 1000}],
    }


@answers(f"{ROLLOUTS}/CreateRollout")
@answers(f"{ROLLOUTS}/GetRollout")
@answers(f"{ROLLOUTS}/ListRollouts")
@answers(f"{ROLLOUTS}/SubmitRollout")
@answers(f"{ROLLOUTS}/WithdrawRollout")
@answers(f"{ROLLOUTS}/StartRollout")
@answers(f"{ROLLOUTS}/ListRolloutDevices")
@answers(f"{ROLLOUTS}/ListRolloutActions")
@answers(f"{ROLLOUTS}/ConfirmRolloutAction")
@answers(f"{ROLLOUTS}/PauseRollout")
@answers(f"{ROLLOUTS}/ResumeRollout")
@answers(f"{ROLLOUTS}/RollBackRollout")
@answers(f"{ROLLOUTS}/CancelRollout")
@answers(f"{ROLLOUTS}/FreezeTenant")
@answers(f"{ROLLOUTS}/GetFreeze")
@answers(f"{ROLLOUTS}/UnfreezeTenant")
def rollout_is_drafted_started_held_and_taken_back(check, world):
    tenant, hierarchy, token = piloted(world)
    name = f"{hierarchy}/rollouts/apps"

    def told(command, **more):
        return world.ask(f"{ROLLOUTS}/{command}", {"name": name, **more})["rollout"]["phase"]

    spec = everybody("WORKLOAD_CLIENT_APPS", "PS100050")
    drafted = world.ask(f"{ROLLOUTS}/CreateRollout", {"name": name, "spec": spec, "consistency_token": token})["rollout"]
    check.assertEqual((drafted["phase"], int(drafted["devices"])), ("ROLLOUT_PHASE_DRAFT", 1))
    check.assertEqual(world.ask(f"{ROLLOUTS}/GetRollout", {"name": name})["rollout"], drafted)
    listed = world.ask(f"{ROLLOUTS}/ListRollouts", {"parent": hierarchy})["rollouts"]
    check.assertEqual([each["name"] for each in listed], [name])
    check.assertEqual(told("SubmitRollout", etag=drafted["etag"]), "ROLLOUT_PHASE_READY")
    check.assertEqual(told("WithdrawRollout"), "ROLLOUT_PHASE_DRAFT")
    check.assertEqual(told("SubmitRollout"), "ROLLOUT_PHASE_READY")
    check.assertEqual(told("StartRollout"), "ROLLOUT_PHASE_RUNNING")
    devices = world.ask(f"{ROLLOUTS}/ListRolloutDevices", {"parent": name})["devices"]
    check.assertEqual([each["standing"] for each in devices], ["DEVICE_STANDING_PENDING"])
    (action,) = world.ask(f"{ROLLOUTS}/ListRolloutActions", {"parent": name})["actions"]
    check.assertIn(f"add,{site_key(1).split('/')[1]},WS-01", action["csv"])
    check.assertIn("Add-Batch", action["script"])
    done = world.ask(f"{ROLLOUTS}/ConfirmRolloutAction", {"name": action["name"]})["action"]
    check.assertTrue(done["confirm_time"])
    check.assertEqual(told("PauseRollout", justification=WHY), "ROLLOUT_PHASE_PAUSED")
    check.assertEqual(told("ResumeRollout"), "ROLLOUT_PHASE_RUNNING")

    frozen = world.ask(f"{ROLLOUTS}/FreezeTenant", {"name": tenant, "justification": WHY})["freeze"]
    check.assertEqual(world.ask(f"{ROLLOUTS}/GetFreeze", {"name": f"{tenant}/freeze"})["freeze"], frozen)
    ended = world.ask(f"{ROLLOUTS}/UnfreezeTenant", {"name": tenant})["freeze"]
    check.assertEqual((frozen["frozen"], ended.get("frozen", False), ended["why"]), (True, False, "because"))
    check.assertEqual(told("RollBackRollout", justification=WHY), "ROLLOUT_PHASE_ROLLING_BACK")
    check.assertEqual(told("CancelRollout", justification=WHY), "ROLLOUT_PHASE_CANCELLED")


@answers(f"{ROLLOUTS}/BreakRolloutGlass")
@answers(f"{ROLLOUTS}/ApproveRolloutWave")
def rollout_is_let_pass_by_a_person(check, world):
    _, hierarchy, token = piloted(world)
    name = f"{hierarchy}/rollouts/settings"
    spec = everybody("WORKLOAD_DEVICE_CONFIGURATION", "PS100051")
    drafted = world.ask(f"{ROLLOUTS}/CreateRollout", {"name": name, "spec": spec, "consistency_token": token})["rollout"]
    waiting = world.ask(f"{ROLLOUTS}/SubmitRollout", {"name": name})["rollout"]
    check.assertEqual((waiting["phase"], waiting["approval"]["required"]), ("ROLLOUT_PHASE_PENDING_APPROVAL", 1))
    glass = {"name": name, "hash": drafted["hash"], "justification": WHY}
    ready = world.ask(f"{ROLLOUTS}/BreakRolloutGlass", glass)["rollout"]
    check.assertEqual(ready["approval"]["break_glass"]["why"], "because")
    # Its only device is in the pilot already.
    begun = world.ask(f"{ROLLOUTS}/StartRollout", {"name": name})["rollout"]
    check.assertEqual(begun["waves"][0]["phase"], "ROLLOUT_WAVE_PHASE_INCONCLUSIVE")
    passed = world.ask(f"{ROLLOUTS}/ApproveRolloutWave", {"name": name, "wave": 0, "justification": WHY})["rollout"]
    check.assertEqual(passed["phase"], "ROLLOUT_PHASE_COMPLETED")


for method in ("GetRollout", "SubmitRollout", "WithdrawRollout", "StartRollout", "ResumeRollout"):
    refuses(f"{ROLLOUTS}/{method}", "RESOURCE_NOT_FOUND", {"name": NONE}, resource=NONE)
for method in ("PauseRollout", "RollBackRollout", "CancelRollout", "ApproveRolloutWave"):
    refuses(f"{ROLLOUTS}/{method}", "INVALID_FIELD", {"name": NONE}, field="justification.reason")
for method in ("ListRolloutDevices", "ListRolloutActions"):
    refuses(f"{ROLLOUTS}/{method}", "RESOURCE_NOT_FOUND", {"parent": NONE}, resource=NONE)
refuses(f"{ROLLOUTS}/CreateRollout", "INVALID_FIELD", {"name": NONE}, field="spec")
refuses(f"{ROLLOUTS}/ListRollouts", "INVALID_PAGE_TOKEN", {"parent": HIERARCHY, "page_token": "damaged"})
for method in ("ApproveRollout", "BreakRolloutGlass"):
    refuses(f"{ROLLOUTS}/{method}", "INVALID_FIELD", {"name": NONE}, field="hash")
refuses(f"{ROLLOUTS}/ConfirmRolloutAction", "RESOURCE_NOT_FOUND", {"name": f"{NONE}/actions/none"}, resource=NONE)
refuses(f"{ROLLOUTS}/FreezeTenant", "INVALID_FIELD", {"name": TENANT}, field="justification.reason")
refuses(f"{ROLLOUTS}/UnfreezeTenant", "INVALID_FIELD", {"name": HIERARCHY}, field="name")
refuses(f"{ROLLOUTS}/GetFreeze", "INVALID_FIELD", {"name": TENANT}, field="name")
