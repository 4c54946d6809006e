"""Who did what, and what governs a setting."""

from table import answers, refuses
from world import AUTHORITY, TENANT

AUDIT = "tandem.authority.v1.AuditService"
EVENT = {"id": "7" * 32, "tenant": TENANT, "kind": "AUDIT_KIND_WRITE", "principal": "foreign", "count": 1}


@answers(f"{AUDIT}/RecordAuditEvents")
@answers(f"{AUDIT}/ListAuditRecords")
@answers(f"{AUDIT}/ExportAuditRecords")
@answers(f"{AUDIT}/GetAuditHead")
@answers(f"{AUDIT}/VerifyAudit")
def event_that_is_told_is_on_record_once_in_a_chain_that_verifies(check, world):
    for _ in range(2):
        world.ask(f"{AUDIT}/RecordAuditEvents", {"events": [EVENT]})
    answer = world.ask(f"{AUDIT}/ListAuditRecords", {"parent": TENANT, "principal": "foreign"})
    check.assertEqual([record["event"]["id"] for record in answer["records"]], [EVENT["id"]])
    head = world.ask(f"{AUDIT}/GetAuditHead", {"parent": TENANT})["head"]
    check.assertEqual(head["tenant"], TENANT)
    verified = world.ask(f"{AUDIT}/VerifyAudit", {"parent": TENANT, "heads": [head]})
    check.assertGreaterEqual(int(verified["verified"]), int(head["sequence"]))


@answers(f"{AUTHORITY}/ListSettingKinds")
@answers(f"{AUTHORITY}/ResolveSetting")
def wifi_profile_is_governed_by_resource_access(check, world):
    kinds = world.ask(f"{AUTHORITY}/ListSettingKinds", {})["kinds"]
    check.assertIn("wifi_profile", [kind["id"] for kind in kinds])
    answer = world.ask(f"{AUTHORITY}/ResolveSetting", {"kind": "wifi_profile"})
    check.assertEqual(answer["kind"]["workload"], "WORKLOAD_RESOURCE_ACCESS_POLICIES")


refuses(f"{AUDIT}/RecordAuditEvents", "INVALID_FIELD", {"events": [{"id": "7", "tenant": TENANT}]}, field="events[0].id")
refuses(f"{AUDIT}/ListAuditRecords", "INVALID_PAGE_TOKEN", {"parent": TENANT, "page_token": "damaged"})
refuses(f"{AUDIT}/ExportAuditRecords", "INVALID_FIELD", {"parent": "contoso"}, field="parent")
refuses(f"{AUDIT}/GetAuditHead", "INVALID_FIELD", {"parent": "contoso"}, field="parent")
refuses(f"{AUDIT}/VerifyAudit", "INVALID_FIELD", {"parent": "contoso"}, field="parent")
refuses(f"{AUTHORITY}/ListSettingKinds", "INVALID_PAGE_TOKEN", {"page_token": "damaged"})
refuses(f"{AUTHORITY}/ResolveSetting", "INVALID_FIELD", {"kind": "wallpaper"}, field="kind")
