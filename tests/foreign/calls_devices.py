"""Devices: reporting, reading, watching, and keys that two records claim."""

from reflected import as_dict
from table import answers, refuses
from world import DEVICES, NOBODY, OBSERVED_AT, TENANT, client, guid, section, site_key, sms_id

# What each device's two managers make of it, by the stories in `world` and states.md 5 of the fact pack.
STATES = {
    "WS-01": "MANAGEMENT_STATE_CO_MANAGED",
    "WS-02": "MANAGEMENT_STATE_CO_MANAGED",
    "WS-03": "MANAGEMENT_STATE_SCHEDULED",
    "WS-04": "MANAGEMENT_STATE_FAILED",
    "WS-05": "MANAGEMENT_STATE_MDM_ONLY",
    "WS-06": "MANAGEMENT_STATE_COEXISTENCE",
    "WS-07": "MANAGEMENT_STATE_CLIENT_ONLY",
    "WS-08": "MANAGEMENT_STATE_MDM_ONLY",
}


def states(devices):
    return {device["facts"]["display_name"]: device["state"] for device in devices}


@answers(f"{DEVICES}/ReportDevices")
def reported_batches_are_acknowledged_with_what_changed_and_what_was_refused(check, world):
    tenant = world.own_tenant("reported")
    nothing = {"key": site_key(9), "observed_at": OBSERVED_AT}
    first, second = world.ask(f"{DEVICES}/ReportDevices", [
        {"parent": tenant, "source": "configmgr/PS1", "sequence": 1, "sections": [nothing, *client(1)]},
        {"sequence": 2, "sections": client(1)},
    ])
    check.assertEqual((first["sequence"], first["applied"]), ("1", 3))
    check.assertEqual([(line.get("index", 0), line["field"]) for line in first["refused"]], [(0, "body")])
    check.assertEqual((second["sequence"], second.get("applied", 0), second["superseded"]), ("2", 0, 3))
    found = world.ask(f"{DEVICES}/ListDevices", {"parent": tenant, "consistency_token": second["consistency_token"]})
    check.assertEqual(states(found["devices"]), {"WS-01": "MANAGEMENT_STATE_CLIENT_ONLY"})


@answers(f"{DEVICES}/GetDevice")
def device_is_the_merge_of_what_its_sources_say(check, world):
    answer = world.ask(f"{DEVICES}/GetDevice", {"name": world.device(1), "consistency_token": world.token})
    device, facts = answer["device"], answer["device"]["facts"]
    check.assertEqual(device["state"], "MANAGEMENT_STATE_CO_MANAGED")
    check.assertEqual((facts["display_name"], facts["hierarchy"], facts["site"]), ("WS-01", "PS1", "PS1"))
    check.assertEqual((facts["join_type"], facts["os_kind"]), ("JOIN_TYPE_HYBRID_JOINED", "OS_KIND_CLIENT"))
    check.assertEqual((facts["os_version"]["major"], facts["os_version"]["build"]), (10, 26100))
    flags = ("client_installed", "mdm_enrolled", "mdm_provisioned", "policy_present", "cloud_co_managed", "ad_joined")
    check.assertEqual([facts.get(flag) for flag in flags], [True] * len(flags))
    check.assertEqual(facts["collections"], ["PS100042"])
    check.assertEqual({stamp["source"] for stamp in facts["sections"]}, {"configmgr/PS1", "intune"})
    keys = {key["kind"]: key["value"] for key in device["keys"]}
    check.assertEqual(keys["KEY_KIND_ENTRA_DEVICE_ID"], guid(1))
    check.assertEqual(keys["KEY_KIND_SMS_CLIENT_ID"], sms_id(1))
    check.assertEqual(keys["KEY_KIND_INTUNE_DEVICE_ID"], guid(1001))


@answers(f"{DEVICES}/LookupDevice")
def device_is_found_by_its_key_in_any_spelling(check, world):
    key = {"kind": "KEY_KIND_ENTRA_DEVICE_ID", "value": f"{{{guid(4).upper()}}}"}
    found = world.ask(f"{DEVICES}/LookupDevice", {"parent": TENANT, "key": key})["device"]
    check.assertEqual((found["name"], found["facts"]["display_name"]), (world.device(4), "WS-04"))


@answers(f"{DEVICES}/ListDevices")
def devices_are_listed_with_their_states_and_filtered(check, world):
    every = world.ask(f"{DEVICES}/ListDevices", {"parent": TENANT, "consistency_token": world.token})["devices"]
    check.assertEqual(states(every), STATES)
    check.assertEqual([device["name"] for device in every], sorted(device["name"] for device in every))
    chosen = {"states": ["MANAGEMENT_STATE_MDM_ONLY", "MANAGEMENT_STATE_FAILED"], "sources": ["intune"]}
    some = world.ask(f"{DEVICES}/ListDevices", {"parent": TENANT, "filter": chosen})["devices"]
    check.assertEqual(sorted(states(some)), ["WS-05", "WS-08"])


@answers(f"{DEVICES}/BatchGetDevices")
def devices_come_in_the_order_asked_for_and_missing_names_apart(check, world):
    missing = f"{TENANT}/devices/{guid(404)}"
    names = [world.device(7), missing, world.device(2)]
    answer = world.ask(f"{DEVICES}/BatchGetDevices", {"parent": TENANT, "names": names})
    check.assertEqual([device["facts"]["display_name"] for device in answer["devices"]], ["WS-07", "WS-02"])
    check.assertEqual(answer["not_found"], [missing])


@answers(f"{DEVICES}/WatchDevices")
def snapshot_holds_every_device_and_ends_with_its_bookmark(check, world):
    messages = world.ask(f"{DEVICES}/WatchDevices", {"parent": TENANT, "snapshot_only": True})
    changed = [device for message in messages for device in message.get("changed", [])]
    check.assertEqual(states(changed), STATES)
    bookmarks = [message["bookmark"] for message in messages if "bookmark" in message]
    check.assertEqual([bookmark["snapshot_complete"] for bookmark in bookmarks], [True])
    check.assertTrue(bookmarks[0]["resume_token"])


@answers(f"{DEVICES}/WatchDevices")
def watch_says_what_changed_and_what_left_after_its_snapshot(check, world):
    tenant, device = world.own_device("watched")
    watch = world.client.open(f"{DEVICES}/WatchDevices", {"parent": tenant})
    try:
        check.assertEqual(until_bookmark(watch), (["WS-01"], []))
        gone = section(site_key(1), "removed", {"reason": "obsolete"})
        world.report(tenant, [gone, *client(2)])
        check.assertEqual(until_bookmark(watch), (["WS-02"], [device]))
    finally:
        watch.cancel()


def until_bookmark(watch):
    """Names of the devices that changed, and resource names of those that left, up to the next bookmark."""
    changed, left = [], []
    for message in map(as_dict, watch):
        changed += [device["facts"]["display_name"] for device in message.get("changed", [])]
        left += [each["name"] for each in message.get("left", [])]
        if "bookmark" in message:
            return changed, left
    raise AssertionError("the watch ended without a bookmark")


@answers(f"{DEVICES}/ListIdentityConflicts")
def key_that_a_second_record_claimed_is_a_conflict_and_stays_with_its_holder(check, world):
    conflicts = world.ask(f"{DEVICES}/ListIdentityConflicts", {"parent": TENANT})["conflicts"]
    check.assertEqual(len(conflicts), 1)
    conflict = conflicts[0]
    check.assertEqual(conflict["key"], {"kind": "KEY_KIND_ENTRA_DEVICE_ID", "value": guid(5)})
    check.assertEqual((conflict["holder"], conflict["claimant"]), (world.device(5), world.device(8)))
    check.assertEqual((conflict["claimant_source"], conflict["claimant_record"]), ("intune", guid(1008)))
    check.assertIn(guid(1005), conflict["explanation"])


MISSING = f"{TENANT}/devices/{guid(404)}"
ZEROS = {"kind": "KEY_KIND_ENTRA_DEVICE_ID", "value": "00000000-0000-0000-0000-000000000000"}
TOO_MANY = [{"key": site_key(1), "observed_at": OBSERVED_AT, "discovery": {}}] * 5001

refuses(f"{DEVICES}/ReportDevices", "RESOURCE_NOT_FOUND", [{"parent": TENANT, "source": "configmgr/EU1", "sequence": 1}])
refuses(f"{DEVICES}/ReportDevices", "LIMIT_EXCEEDED",
        [{"parent": TENANT, "source": "configmgr/PS1", "sequence": 1, "sections": TOO_MANY}])
refuses(f"{DEVICES}/GetDevice", "RESOURCE_NOT_FOUND", {"name": MISSING}, resource=MISSING)
refuses(f"{DEVICES}/LookupDevice", "INVALID_FIELD", {"parent": TENANT, "key": ZEROS}, field="key.value")
refuses(f"{DEVICES}/LookupDevice", "RESOURCE_NOT_FOUND",
        {"parent": TENANT, "key": {"kind": "KEY_KIND_ENTRA_DEVICE_ID", "value": guid(404)}})
refuses(f"{DEVICES}/ListDevices", "INVALID_CONSISTENCY_TOKEN", {"parent": TENANT, "consistency_token": "damaged"})
refuses(f"{DEVICES}/BatchGetDevices", "INVALID_FIELD", {"parent": TENANT, "names": [f"{NOBODY}/devices/{guid(1)}"]}, field="names[0]")
refuses(f"{DEVICES}/WatchDevices", "RESOURCE_NOT_FOUND", {"parent": NOBODY}, resource=NOBODY)
refuses(f"{DEVICES}/ListIdentityConflicts", "INVALID_FIELD", {"parent": TENANT, "page_size": -1}, field="page_size")
