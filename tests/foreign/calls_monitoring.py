"""The dashboard's figures, counted by hand from the stories in `world`."""

from reflected import as_dict
from table import answers, refuses
from world import MONITORING, NOBODY, TENANT, client

# Every figure of these tiles; states.md 4 of the fact pack says who is counted.
FIGURES = {
    "TILE_DEVICES": {"all": 8},
    "TILE_STATE": {
        "co_managed": 2, "mdm_only": 2, "scheduled": 1, "failed": 1, "coexistence": 1, "client_only": 1,
    },
    "TILE_CO_MANAGED": {"query": 2, "prose": 2, "cloud": 1},
    "TILE_ELIGIBILITY": {
        "comanaged": 2, "eligible": 1, "eligible_unverified": 1, "needsOsUpdate": 1, "ineligible": 3, "scheduledForEnrollment": 1,
    },
    "TILE_OS_GROUP": {"windows_10_1709_and_later": 5, "windows_10_lower_than_1709": 1},
    "TILE_OS_VERSION": {"Windows 11 24H2": 5, "Windows 10 1703": 1},
    "TILE_FUNNEL_EXCLUSIVE": {"enrolled": 2, "enrollment_initiated": 1, "scheduled": 1},
    "TILE_FUNNEL_CUMULATIVE": {"eligible": 4, "scheduled": 4, "enrollment_initiated": 3, "enrolled": 2},
    "TILE_ENROLLMENT_STATUS": {"success_hybrid_joined": 2, "enrolling_hybrid_joined": 1, "failure_joined": 1},
    "TILE_ENROLLMENT_ERROR": {"0x80180018": 1},
    "TILE_WORKLOAD_TRANSITION": {
        "compliance_policies": 2, "windows_update_policies": 2, "resource_access_policies": 2, "client_apps": 1,
    },
    "TILE_WORKLOAD_REPORTED": {
        "compliance_policies": 2, "windows_update_policies": 2, "resource_access_policies": 2, "client_apps": 2,
    },
    "TILE_DRIFT": {"client_apps": 1},
}
# Some figures of tiles with many.
SOME_FIGURES = {
    "TILE_AUTHORITY": {
        "compliance_policies/intune": 4, "compliance_policies/configuration_manager": 3, "compliance_policies/third_party_mdm": 1,
        "client_apps/intune": 3, "client_apps/configuration_manager": 4, "client_apps/third_party_mdm": 1,
    },
    "TILE_AUTHORITY_REASON": {
        "client_apps/pilot_member": 1, "client_apps/pilot_not_member": 1, "client_apps/not_enrolled": 3, "client_apps/mdm_only": 2,
    },
    "TILE_BLOCKER": {"win.minimum_1709": 1, "cm.client_installed": 2},
}


def dashboard(world, **more):
    return world.ask(f"{MONITORING}/GetDashboard", {"parent": TENANT, "consistency_token": world.token, **more})


def counts(answer):
    tiles = {}
    for figure in answer["figures"]:
        tiles.setdefault(figure["tile"], {})[figure["key"]] = int(figure["devices"])
    return tiles


@answers(f"{MONITORING}/GetDashboard")
def dashboard_counts_the_fleet(check, world):
    answer = dashboard(world)
    found = counts(answer)
    for tile, expected in FIGURES.items():
        check.assertEqual(found.get(tile), expected, tile)
    for tile, expected in SOME_FIGURES.items():
        check.assertEqual({key: found[tile].get(key) for key in expected}, expected, tile)
    check.assertTrue(answer["cursor"] and answer["counted_at"] and answer["consistency_token"])


@answers(f"{MONITORING}/GetDashboard")
def figures_come_by_tile_then_by_devices_and_errors_are_explained(check, world):
    figures = dashboard(world)["figures"]
    tiles = list(world.client.pool.FindEnumTypeByName("tandem.monitoring.v1.Tile").values_by_name)
    order = [(tiles.index(figure["tile"]), -int(figure["devices"]), figure["key"]) for figure in figures]
    check.assertEqual(order, sorted(order))
    (error,) = [figure for figure in figures if figure["tile"] == "TILE_ENROLLMENT_ERROR"]
    check.assertEqual(error["meaning"], "the user's licence state blocks enrolment")
    check.assertEqual(error["remediation"], "assign an Intune licence to the user")
    check.assertEqual(error["severity"], "license")


@answers(f"{MONITORING}/GetDashboard")
def dashboard_of_a_filter_counts_its_devices_alone(check, world):
    found = counts(dashboard(world, filter={"hierarchies": ["PS1"]}))
    check.assertEqual(found["TILE_DEVICES"], {"all": 6})
    check.assertEqual(found["TILE_STATE"], {"co_managed": 2, "scheduled": 1, "failed": 1, "coexistence": 1, "client_only": 1})
    found = counts(dashboard(world, filter={"hierarchies": ["PS1"], "states": ["MANAGEMENT_STATE_CO_MANAGED", "MANAGEMENT_STATE_FAILED"]}))
    check.assertEqual(found["TILE_STATE"], {"co_managed": 2, "failed": 1})


@answers(f"{MONITORING}/ListFigureDevices")
def devices_behind_a_figure_are_as_many_as_it_counts(check, world):
    cursor = dashboard(world)["cursor"]
    for tile, key, numbers in (
        ("TILE_STATE", "failed", [4]),
        ("TILE_DRIFT", "client_apps", [2]),
        ("TILE_ENROLLMENT_ERROR", "0x80180018", [4]),
        ("TILE_AUTHORITY", "client_apps/intune", [1, 5, 8]),
    ):
        listed = world.ask(f"{MONITORING}/ListFigureDevices", {"parent": TENANT, "tile": tile, "key": key, "cursor": cursor})
        expected = [{"device": world.device(number), "display_name": f"WS-{number:02}"} for number in numbers]
        check.assertEqual(sorted(listed["devices"], key=lambda device: device["display_name"]), expected)
        check.assertEqual(listed["total"], str(len(numbers)))
    names = [device["device"] for device in listed["devices"]]
    check.assertEqual(names, sorted(names))
    of_name = {"display_name_contains": "ws-05"}
    listed = world.ask(f"{MONITORING}/ListFigureDevices", {"parent": TENANT, "tile": tile, "key": key, "filter": of_name})
    check.assertEqual(listed["devices"], [{"device": world.device(5), "display_name": "WS-05"}])


@answers(f"{MONITORING}/WatchDashboard")
def watch_tells_the_dashboard_and_then_the_figures_that_changed(check, world):
    tenant = world.own_tenant("watched-figures")
    token = world.report(tenant, client(1))["consistency_token"]
    watch = world.client.open(f"{MONITORING}/WatchDashboard", {"parent": tenant, "consistency_token": token})
    try:
        messages = map(as_dict, watch)
        first = counts({"figures": next(messages)["changed"]})
        check.assertEqual(first["TILE_DEVICES"], {"all": 1})
        world.report(tenant, client(2))
        told = (counts({"figures": message.get("changed", [])}) for message in messages)
        check.assertEqual(next(found["TILE_DEVICES"] for found in told if "TILE_DEVICES" in found), {"all": 2})
    finally:
        watch.cancel()


refuses(f"{MONITORING}/WatchDashboard", "RESOURCE_NOT_FOUND", {"parent": NOBODY}, resource=NOBODY)
refuses(f"{MONITORING}/GetDashboard", "RESOURCE_NOT_FOUND", {"parent": NOBODY}, resource=NOBODY)
refuses(f"{MONITORING}/GetDashboard", "INVALID_CONSISTENCY_TOKEN", {"parent": TENANT, "consistency_token": "damaged"})
refuses(f"{MONITORING}/ListFigureDevices", "RESOURCE_NOT_FOUND", {"parent": TENANT, "tile": "TILE_STATE", "key": "nothing"})
refuses(f"{MONITORING}/GetDashboard", "INVALID_FIELD", {"parent": TENANT, "filter": {"sites": ["PS10"]}}, field="filter.sites[0]")
refuses(f"{MONITORING}/ListFigureDevices", "INVALID_FIELD", {"parent": TENANT, "tile": "TILE_STATE", "key": "failed", "page_size": -1},
        field="page_size")
