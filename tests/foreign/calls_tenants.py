"""Tenants and what surrounds their devices."""

from table import answers, refuses
from world import HIERARCHY, NOBODY, SITE_FACTS, TENANT, TENANT_FACTS, TENANTS


@answers(f"{TENANTS}/CreateTenant")
def created_tenant_is_what_was_asked_for_and_a_repeated_request_answers_the_same(check, world):
    request = {"tenant": {"name": "tenants/created", "display_name": "Created"}, "request_id": "create-once"}
    first = world.ask(f"{TENANTS}/CreateTenant", request)
    check.assertEqual(first["tenant"]["name"], "tenants/created")
    check.assertEqual(first["tenant"]["display_name"], "Created")
    check.assertEqual(world.ask(f"{TENANTS}/CreateTenant", request), first)


@answers(f"{TENANTS}/GetTenant")
def tenant_has_the_facts_that_were_given(check, world):
    answer = world.ask(f"{TENANTS}/GetTenant", {"name": TENANT})
    check.assertTrue(answer["tenant"].pop("etag"))
    check.assertEqual(answer["tenant"], {"name": TENANT, "display_name": "Contoso", "facts": TENANT_FACTS})
    check.assertTrue(answer["consistency_token"])


@answers(f"{TENANTS}/ListTenants")
def tenants_are_listed_by_name_in_pages(check, world):
    world.own_tenant("listed-1")
    world.own_tenant("listed-2")
    names, token = [], ""
    while True:
        page = world.ask(f"{TENANTS}/ListTenants", {"page_size": 1, "page_token": token})
        names += [tenant["name"] for tenant in page["tenants"]]
        token = page.get("next_page_token", "")
        if not token:
            break
    check.assertEqual(names, sorted(set(names)))
    check.assertLessEqual({TENANT, "tenants/listed-1", "tenants/listed-2"}, set(names))


@answers(f"{TENANTS}/UpdateTenant")
def updated_tenant_has_its_new_facts_and_a_new_etag(check, world):
    name = world.own_tenant("updated")
    before = world.ask(f"{TENANTS}/GetTenant", {"name": name})["tenant"]
    change = {"name": name, "facts": {"entra_plan": "ENTRA_PLAN_P2"}, "etag": before["etag"]}
    after = world.ask(f"{TENANTS}/UpdateTenant", {"tenant": change})["tenant"]
    check.assertEqual(after["facts"], {"entra_plan": "ENTRA_PLAN_P2"})
    check.assertNotEqual(after["etag"], before["etag"])


@answers(f"{TENANTS}/GetSurroundings")
def surroundings_hold_facts_sites_and_complete_collections_or_that_nothing_changed(check, world):
    answer = world.ask(f"{TENANTS}/GetSurroundings", {"parent": TENANT})
    check.assertEqual(answer["tenant"], TENANT_FACTS)
    check.assertEqual(answer["hierarchies"], [{
        "hierarchy": "PS1",
        "sites": {"PS1": SITE_FACTS, "PS2": {"parent": "PS1", "version": "2309"}},
        "complete_collections": ["PS100042"],
    }])
    again = world.ask(f"{TENANTS}/GetSurroundings", {"parent": TENANT, "known_revision": answer["revision"]})
    check.assertTrue(again["unchanged"])
    check.assertNotIn("hierarchies", again)


refuses(f"{TENANTS}/CreateTenant", "RESOURCE_ALREADY_EXISTS", {"tenant": {"name": TENANT}}, resource=TENANT)
refuses(f"{TENANTS}/CreateTenant", "INVALID_FIELD", {"tenant": {"name": HIERARCHY}}, field="tenant.name")
refuses(f"{TENANTS}/GetTenant", "RESOURCE_NOT_FOUND", {"name": NOBODY}, resource=NOBODY)
refuses(f"{TENANTS}/ListTenants", "INVALID_FIELD", {"page_size": 1001}, field="page_size")
refuses(f"{TENANTS}/UpdateTenant", "ETAG_MISMATCH", {"tenant": {"name": TENANT, "etag": "stale"}})
refuses(f"{TENANTS}/GetSurroundings", "RESOURCE_NOT_FOUND", {"parent": NOBODY}, resource=NOBODY)
