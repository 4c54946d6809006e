"""Collections: those of the hierarchy, and Tandem's own."""

from table import answers, refuses
from world import COLLECTIONS, HIERARCHY, OBSERVED_AT, PILOT, TENANT, client, site_key

OWN = f"{TENANT}/collections/none"


@answers(f"{COLLECTIONS}/CreateCollection")
def created_collection_holds_the_devices_of_its_rule(check, world):
    tenant, device = world.own_device("created-collection")
    rule = {"display_name_contains": "ws-01"}
    request = {"collection": {"name": f"{tenant}/collections/mine", "display_name": "Mine", "rule": rule}}
    made = world.ask(f"{COLLECTIONS}/CreateCollection", request)["collection"]
    check.assertEqual((made["display_name"], made["rule"]), ("Mine", rule))
    members = world.ask(f"{COLLECTIONS}/ListCollectionMembers", {"parent": made["name"]})
    check.assertEqual(members["devices"], [device])


@answers(f"{COLLECTIONS}/GetCollection")
def imported_collection_is_as_the_site_described_it(check, world):
    collection = world.ask(f"{COLLECTIONS}/GetCollection", {"name": PILOT})["collection"]
    collection.pop("etag", None)
    check.assertEqual(collection, {
        "name": PILOT,
        "display_name": "Pilot client apps",
        "limiting_collection": "SMS00001",
        "site_member_count": 1,
        "members_complete": True,
        "observed_at": OBSERVED_AT,
    })


@answers(f"{COLLECTIONS}/ListCollections")
def collections_of_a_hierarchy_are_listed_by_name(check, world):
    listed = world.ask(f"{COLLECTIONS}/ListCollections", {"parent": HIERARCHY})
    check.assertEqual([each["name"] for each in listed["collections"]], [PILOT, f"{HIERARCHY}/collections/SMS00001"])
    check.assertEqual([each["display_name"] for each in listed["collections"]], ["Pilot client apps", "All Systems"])


@answers(f"{COLLECTIONS}/UpdateCollection")
def updated_collection_has_its_new_rule(check, world):
    name = f"{world.own_tenant('updated-collection')}/collections/mine"
    before = world.ask(f"{COLLECTIONS}/CreateCollection", {"collection": {"name": name}})["collection"]
    change = {"name": name, "display_name": "Servers", "rule": {"os_kinds": ["OS_KIND_SERVER"]}, "etag": before["etag"]}
    after = world.ask(f"{COLLECTIONS}/UpdateCollection", {"collection": change})["collection"]
    check.assertEqual((after["display_name"], after["rule"]), ("Servers", {"os_kinds": ["OS_KIND_SERVER"]}))


@answers(f"{COLLECTIONS}/DeleteCollection")
def deleted_collection_is_gone_from_its_list(check, world):
    tenant = world.own_tenant("deleted-collection")
    name = f"{tenant}/collections/mine"
    world.ask(f"{COLLECTIONS}/CreateCollection", {"collection": {"name": name}})
    check.assertTrue(world.ask(f"{COLLECTIONS}/DeleteCollection", {"name": name})["consistency_token"])
    check.assertEqual(list(world.ask(f"{COLLECTIONS}/ListCollections", {"parent": tenant})), ["consistency_token"])


@answers(f"{COLLECTIONS}/ListCollectionMembers")
def members_are_the_devices_whose_records_the_site_named(check, world):
    members = world.ask(f"{COLLECTIONS}/ListCollectionMembers", {"parent": PILOT})
    check.assertEqual(members["devices"], [world.device(1)])


@answers(f"{COLLECTIONS}/UpdateCollectionMembers")
def added_and_removed_devices_change_the_members(check, world):
    tenant, device = world.own_device("updated-members")
    name = f"{tenant}/collections/mine"
    world.ask(f"{COLLECTIONS}/CreateCollection", {"collection": {"name": name}})
    changed = world.ask(f"{COLLECTIONS}/UpdateCollectionMembers", {"name": name, "add": [device]})
    check.assertEqual(changed["collection"]["name"], name)
    check.assertEqual(world.ask(f"{COLLECTIONS}/ListCollectionMembers", {"parent": name})["devices"], [device])
    world.ask(f"{COLLECTIONS}/UpdateCollectionMembers", {"name": name, "remove": [device]})
    check.assertEqual(list(world.ask(f"{COLLECTIONS}/ListCollectionMembers", {"parent": name})), ["consistency_token"])


@answers(f"{COLLECTIONS}/ImportCollections")
def imported_batches_are_acknowledged_by_sequence_and_members_may_come_before_their_records(check, world):
    tenant = world.own_tenant("imported")
    hierarchy = f"{tenant}/hierarchies/PS1"
    acknowledged = world.ask(f"{COLLECTIONS}/ImportCollections", [
        {"parent": hierarchy, "sequence": 7, "collections": [{"collection": "PS100050", "display_name": "Pilot"}]},
        {"sequence": 8, "members": [{"collection": "PS100050", "keys": [site_key(1)], "replace": True, "complete": True}]},
    ])
    check.assertEqual([answer["sequence"] for answer in acknowledged], ["7", "8"])
    token = world.report(tenant, client(1))["consistency_token"]
    devices = world.ask("tandem.inventory.v1.DeviceService/ListDevices", {"parent": tenant, "consistency_token": token})["devices"]
    check.assertEqual([device["facts"]["collections"] for device in devices], [["PS100050"]])


def reused_request_id(world):
    """The id of an answered request, on a different one."""
    tenant = world.own_tenant("reused-request-id")
    create = {"collection": {"name": f"{tenant}/collections/a"}, "request_id": "once"}
    world.ask(f"{COLLECTIONS}/CreateCollection", create)
    return {**create, "collection": {"name": f"{tenant}/collections/b"}}


refuses(f"{COLLECTIONS}/CreateCollection", "REQUEST_ID_REUSED", reused_request_id)
refuses(f"{COLLECTIONS}/CreateCollection", "INVALID_FIELD", {"collection": {"name": OWN, "rule": {"collections": [PILOT]}}},
        field="collection.rule.collections")
refuses(f"{COLLECTIONS}/GetCollection", "RESOURCE_NOT_FOUND", {"name": OWN}, resource=OWN)
refuses(f"{COLLECTIONS}/ListCollections", "INVALID_PAGE_TOKEN", {"parent": HIERARCHY, "page_token": "damaged"})
refuses(f"{COLLECTIONS}/UpdateCollection", "RESOURCE_NOT_FOUND", {"collection": {"name": OWN}}, resource=OWN)
refuses(f"{COLLECTIONS}/DeleteCollection", "RESOURCE_NOT_FOUND", {"name": OWN}, resource=OWN)
refuses(f"{COLLECTIONS}/ListCollectionMembers", "RESOURCE_NOT_FOUND", {"parent": OWN}, resource=OWN)
refuses(f"{COLLECTIONS}/UpdateCollectionMembers", "INVALID_FIELD",
        lambda world: {"name": OWN, "add": [world.device(1).replace("contoso", "nobody")]}, field="add[0]")
refuses(f"{COLLECTIONS}/UpdateCollectionMembers", "RESOURCE_NOT_FOUND", lambda world: {"name": OWN, "add": [world.device(1)]},
        resource=OWN)
refuses(f"{COLLECTIONS}/ImportCollections", "RESOURCE_NOT_FOUND", [{"parent": f"{TENANT}/hierarchies/EU1", "sequence": 1}])
refuses(f"{COLLECTIONS}/ImportCollections", "LIMIT_EXCEEDED",
        [{"parent": HIERARCHY, "sequence": 1, "collections": [{"collection": "PS100042"}] * 5001}])
