"""Hierarchies and their sites."""

from table import answers, refuses
from world import HIERARCHIES, HIERARCHY, NOBODY, SITE, SITE_FACTS, TENANT


@answers(f"{HIERARCHIES}/GetHierarchy")
def hierarchy_has_its_name_for_people(check, world):
    hierarchy = world.ask(f"{HIERARCHIES}/GetHierarchy", {"name": HIERARCHY})["hierarchy"]
    check.assertTrue(hierarchy.pop("etag"))
    check.assertEqual(hierarchy, {"name": HIERARCHY, "display_name": "Nordics"})


@answers(f"{HIERARCHIES}/ListHierarchies")
def hierarchies_of_a_tenant_are_listed(check, world):
    listed = world.ask(f"{HIERARCHIES}/ListHierarchies", {"parent": TENANT})
    check.assertEqual([hierarchy["name"] for hierarchy in listed["hierarchies"]], [HIERARCHY])
    check.assertNotIn("next_page_token", listed)


@answers(f"{HIERARCHIES}/UpdateHierarchy")
def updated_hierarchy_has_its_new_name_for_people(check, world):
    name = f"{world.own_tenant('updated-hierarchy')}/hierarchies/PS1"
    before = world.ask(f"{HIERARCHIES}/GetHierarchy", {"name": name})["hierarchy"]
    change = {"name": name, "display_name": "Benelux", "etag": before["etag"]}
    after = world.ask(f"{HIERARCHIES}/UpdateHierarchy", {"hierarchy": change})["hierarchy"]
    check.assertEqual(after["display_name"], "Benelux")
    check.assertNotEqual(after["etag"], before["etag"])


@answers(f"{HIERARCHIES}/GetSite")
def site_has_the_facts_that_were_given(check, world):
    site = world.ask(f"{HIERARCHIES}/GetSite", {"name": SITE})["site"]
    check.assertTrue(site.pop("etag"))
    check.assertEqual(site, {"name": SITE, "facts": SITE_FACTS})


@answers(f"{HIERARCHIES}/ListSites")
def sites_of_a_hierarchy_are_listed_by_name_in_pages(check, world):
    first = world.ask(f"{HIERARCHIES}/ListSites", {"parent": HIERARCHY, "page_size": 1})
    second = world.ask(f"{HIERARCHIES}/ListSites", {"parent": HIERARCHY, "page_size": 1, "page_token": first["next_page_token"]})
    check.assertEqual([site["name"] for page in (first, second) for site in page["sites"]], [SITE, f"{HIERARCHY}/sites/PS2"])
    check.assertNotIn("next_page_token", second)


@answers(f"{HIERARCHIES}/UpdateSite")
def updated_site_is_made_where_it_is_missing_and_has_its_facts(check, world):
    name = f"{world.own_tenant('updated-site')}/hierarchies/PS1/sites/PS1"
    facts = {"version": "2509", "cmg_present": True}
    site = world.ask(f"{HIERARCHIES}/UpdateSite", {"site": {"name": name, "facts": facts}, "allow_missing": True})["site"]
    check.assertEqual((site["name"], site["facts"]), (name, facts))


refuses(f"{HIERARCHIES}/GetHierarchy", "RESOURCE_NOT_FOUND", {"name": f"{TENANT}/hierarchies/EU1"},
        resource=f"{TENANT}/hierarchies/EU1")
refuses(f"{HIERARCHIES}/ListHierarchies", "INVALID_FIELD", {"parent": "contoso"}, field="parent")
refuses(f"{HIERARCHIES}/UpdateHierarchy", "RESOURCE_NOT_FOUND",
        {"hierarchy": {"name": f"{NOBODY}/hierarchies/PS1"}, "allow_missing": True})
refuses(f"{HIERARCHIES}/GetSite", "RESOURCE_NOT_FOUND", {"name": f"{HIERARCHY}/sites/XX1"}, resource=f"{HIERARCHY}/sites/XX1")
refuses(f"{HIERARCHIES}/ListSites", "INVALID_PAGE_TOKEN", {"parent": HIERARCHY, "page_token": "damaged"})
refuses(f"{HIERARCHIES}/UpdateSite", "ETAG_MISMATCH", {"site": {"name": SITE, "facts": SITE_FACTS, "etag": "stale"}})
