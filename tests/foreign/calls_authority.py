"""Who decides which workload, as configured, as effective and as reported."""

from table import answers, refuses
from world import AUTHORITY, CAPABILITY, HIERARCHY, NOBODY, OBSERVED_AT, PILOT, PILOT_POLICY, POLICY, TENANT, guid

COMPLIANCE = "WORKLOAD_COMPLIANCE_POLICIES"
WINDOWS_UPDATE = "WORKLOAD_WINDOWS_UPDATE_POLICIES"
RESOURCE_ACCESS = "WORKLOAD_RESOURCE_ACCESS_POLICIES"
ENDPOINT_PROTECTION = "WORKLOAD_ENDPOINT_PROTECTION"
DEVICE_CONFIGURATION = "WORKLOAD_DEVICE_CONFIGURATION"
OFFICE = "WORKLOAD_OFFICE_CLICK_TO_RUN_APPS"
CLIENT_APPS = "WORKLOAD_CLIENT_APPS"

# Of a co-managed device by the policy in `world` and states.md 8 of the fact pack; resource access is fixed by site version 2509.
SLIDERS = {
    COMPLIANCE: ("INTUNE", "SLIDER_INTUNE"),
    WINDOWS_UPDATE: ("INTUNE", "SLIDER_INTUNE"),
    RESOURCE_ACCESS: ("INTUNE", "RESOURCE_ACCESS_FIXED"),
    ENDPOINT_PROTECTION: ("CONFIGURATION_MANAGER", "SLIDER_CONFIGURATION_MANAGER"),
    DEVICE_CONFIGURATION: ("CONFIGURATION_MANAGER", "SLIDER_CONFIGURATION_MANAGER"),
    OFFICE: ("CONFIGURATION_MANAGER", "SLIDER_CONFIGURATION_MANAGER"),
}
EXPECTED = {
    1: {**SLIDERS, CLIENT_APPS: ("INTUNE", "PILOT_MEMBER")},
    2: {**SLIDERS, CLIENT_APPS: ("CONFIGURATION_MANAGER", "PILOT_NOT_MEMBER")},
    3: dict.fromkeys([*SLIDERS, CLIENT_APPS], ("CONFIGURATION_MANAGER", "NOT_ENROLLED")),
    4: dict.fromkeys([*SLIDERS, CLIENT_APPS], ("CONFIGURATION_MANAGER", "NOT_ENROLLED")),
    5: dict.fromkeys([*SLIDERS, CLIENT_APPS], ("INTUNE", "MDM_ONLY")),
    6: dict.fromkeys([*SLIDERS, CLIENT_APPS], ("THIRD_PARTY_MDM", "COEXISTENCE")),
    7: dict.fromkeys([*SLIDERS, CLIENT_APPS], ("CONFIGURATION_MANAGER", "NOT_ENROLLED")),
    8: dict.fromkeys([*SLIDERS, CLIENT_APPS], ("INTUNE", "MDM_ONLY")),
}
DRIFT = {
    "workload": CLIENT_APPS,
    "effective": "MANAGEMENT_AUTHORITY_CONFIGURATION_MANAGER",
    "reported": "MANAGEMENT_AUTHORITY_INTUNE",
    "source": "configmgr/PS1",
    "observed_at": OBSERVED_AT,
    # The pilot's members decide, and nobody said since when.
    "cause": "DRIFT_CAUSE_UNKNOWN",
}


def known(drift):
    """What of a drift does not depend on when the policy was recorded."""
    return [{name: each[name] for name in DRIFT} for each in drift]


def decided(answer):
    """Authority and reason by workload."""
    return {
        each["workload"]: (
            each["authority"].removeprefix("MANAGEMENT_AUTHORITY_"),
            each["reason"].removeprefix("AUTHORITY_REASON_"),
        )
        for each in answer["workloads"]
    }


def settings(policy):
    """The entries of a policy that do not stand at Configuration Manager, by workload."""
    return {
        each["workload"]: (each["slider"], each.get("pilot_collection"))
        for each in policy.get("workloads", [])
        if each.get("slider", "SLIDER_POSITION_UNSPECIFIED") not in
        ("SLIDER_POSITION_UNSPECIFIED", "SLIDER_POSITION_CONFIGURATION_MANAGER")
    }


@answers(f"{AUTHORITY}/GetCoManagementPolicy")
def policy_is_what_was_recorded_last(check, world):
    policy = world.ask(f"{AUTHORITY}/GetCoManagementPolicy", {"name": POLICY})["policy"]
    check.assertEqual((policy["name"], policy["enabled"]), (POLICY, True))
    check.assertEqual(policy["auto_enrollment"]["mode"], "AUTO_ENROLLMENT_MODE_ALL")
    check.assertEqual(settings(policy), settings(PILOT_POLICY))
    check.assertTrue(policy["etag"] and policy["update_time"] and policy["updated_by"])


@answers(f"{AUTHORITY}/ListCoManagementPolicies")
def policies_of_a_tenant_are_listed(check, world):
    policies = world.ask(f"{AUTHORITY}/ListCoManagementPolicies", {"parent": TENANT})["policies"]
    check.assertEqual([(policy["name"], settings(policy)) for policy in policies], [(POLICY, settings(PILOT_POLICY))])


@answers(f"{AUTHORITY}/UpdateCoManagementPolicy")
def recorded_policy_takes_a_greater_revision_each_time(check, world):
    name = f"{world.own_tenant('updated-policy')}/hierarchies/PS1/coManagementPolicy"
    change = {"name": name, "enabled": True, "workloads": [{"workload": OFFICE, "slider": "SLIDER_POSITION_INTUNE"}]}
    first = world.ask(f"{AUTHORITY}/UpdateCoManagementPolicy", {"policy": change})["policy"]
    check.assertEqual(settings(first), {OFFICE: ("SLIDER_POSITION_INTUNE", None)})
    second = world.ask(f"{AUTHORITY}/UpdateCoManagementPolicy", {"policy": {"name": name, "etag": first["etag"]}})["policy"]
    check.assertEqual(settings(second), {})
    check.assertGreater(int(second["revision"]), int(first["revision"]))


@answers(f"{AUTHORITY}/ListCoManagementPolicyRevisions")
def revisions_of_a_policy_are_listed_newest_first(check, world):
    revisions = world.ask(f"{AUTHORITY}/ListCoManagementPolicyRevisions", {"parent": POLICY})["revisions"]
    check.assertEqual([settings(revision) for revision in revisions], [settings(PILOT_POLICY), {}])
    check.assertGreater(int(revisions[0]["revision"]), int(revisions[1]["revision"]))


@answers(f"{AUTHORITY}/GetEffectiveAuthority")
def authority_of_a_device_names_reasons_reports_and_drift(check, world):
    request = {"name": world.device(2), "consistency_token": world.token}
    answer = world.ask(f"{AUTHORITY}/GetEffectiveAuthority", request)["effective_authority"]
    check.assertEqual(decided(answer), EXPECTED[2])
    check.assertEqual((answer["device"], answer["state"]), (world.device(2), "MANAGEMENT_STATE_CO_MANAGED"))
    check.assertEqual((answer["co_managed_query"], answer["co_managed_prose"]), (True, True))
    check.assertFalse(answer.get("co_managed_cloud", False))
    check.assertEqual((answer["capability_value"], answer.get("unknown_bits", 0)), (str(CAPABILITY), 0))
    check.assertEqual(known(answer["drift"]), [DRIFT])
    moved = {each["workload"] for each in answer["reported"] if each["authority"] == "MANAGEMENT_AUTHORITY_INTUNE"}
    check.assertEqual(moved, {COMPLIANCE, WINDOWS_UPDATE, RESOURCE_ACCESS, CLIENT_APPS})
    check.assertTrue(int(answer["device_revision"]) > 0 and int(answer["policy_revision"]) > 0)


@answers(f"{AUTHORITY}/ListAuthorityPeriods")
def past_of_a_device_ends_with_its_present(check, world):
    request = {"parent": world.device(1), "workload": CLIENT_APPS, "consistency_token": world.token}
    newest = world.ask(f"{AUTHORITY}/ListAuthorityPeriods", request)["periods"][0]
    check.assertNotIn("to_time", newest)
    check.assertEqual((newest["hierarchy"], newest["state"]), (HIERARCHY, "MANAGEMENT_STATE_CO_MANAGED"))
    check.assertEqual([(said["authority"], said["reason"]) for said in newest["workloads"]],
                      [("MANAGEMENT_AUTHORITY_INTUNE", "AUTHORITY_REASON_PILOT_MEMBER")])


@answers(f"{AUTHORITY}/GetAuthorityAt")
def present_is_a_moment_of_the_past(check, world):
    request = {"parent": world.device(2), "consistency_token": world.token}
    newest = world.ask(f"{AUTHORITY}/ListAuthorityPeriods", request)["periods"][0]
    period = world.ask(f"{AUTHORITY}/GetAuthorityAt", {"name": world.device(2), "time": newest["from_time"]})["period"]
    check.assertEqual(len(period["workloads"]), 7)
    check.assertEqual(period["device_revision"], newest["device_revision"])


@answers(f"{AUTHORITY}/CheckAuthority")
def claim_on_a_workload_is_allowed_or_has_a_way_out(check, world):
    def ask(number, claimant):
        return world.ask(f"{AUTHORITY}/CheckAuthority", {
            "name": world.device(number), "workload": CLIENT_APPS, "claimant": f"MANAGEMENT_AUTHORITY_{claimant}",
            "consistency_token": world.token,
        })

    # By `world` the slider of client apps stands at Pilot Intune; device 1 is in its pilot collection, device 2 is not.
    allowed = ask(1, "INTUNE")
    check.assertEqual((allowed["allowed"], allowed["holder"], allowed["reason"]),
                      (True, "MANAGEMENT_AUTHORITY_INTUNE", "AUTHORITY_REASON_PILOT_MEMBER"))
    check.assertEqual(allowed.get("ways_out", []), [])
    refused = ask(2, "INTUNE")
    check.assertEqual((refused.get("allowed", False), refused["holder"], refused["reason"]),
                      (False, "MANAGEMENT_AUTHORITY_CONFIGURATION_MANAGER", "AUTHORITY_REASON_PILOT_NOT_MEMBER"))
    check.assertEqual(refused["ways_out"], [
        {"kind": "WAY_OUT_KIND_JOIN_PILOT", "workload": CLIENT_APPS, "collection": PILOT},
        {"kind": "WAY_OUT_KIND_MOVE_SLIDER", "workload": CLIENT_APPS, "slider": "SLIDER_POSITION_INTUNE"},
    ])
    check.assertTrue(int(refused["device_revision"]) > 0 and int(refused["policy_revision"]) > 0)
    # A third-party MDM manages device 6: neither claimant holds anything there, and nothing that they do changes that.
    for claimant in ("INTUNE", "CONFIGURATION_MANAGER"):
        stuck = ask(6, claimant)
        check.assertEqual((stuck.get("allowed", False), stuck["reason"], stuck.get("ways_out", [])),
                          (False, "AUTHORITY_REASON_COEXISTENCE", []))


@answers(f"{AUTHORITY}/BatchGetEffectiveAuthority")
def authorities_come_in_the_order_asked_for_and_missing_names_apart(check, world):
    missing = f"{TENANT}/devices/{guid(404)}"
    numbers = [6, 1, 5]
    names = [world.device(6), world.device(1), missing, world.device(5)]
    answer = world.ask(f"{AUTHORITY}/BatchGetEffectiveAuthority", {
        "parent": TENANT, "names": names, "consistency_token": world.token,
    })
    check.assertEqual([decided(each) for each in answer["effective_authorities"]], [EXPECTED[number] for number in numbers])
    check.assertEqual(answer["not_found"], [missing])


@answers(f"{AUTHORITY}/StreamEffectiveAuthority")
def stream_judges_every_device_that_the_filter_takes(check, world):
    def judged(request):
        batches = world.ask(f"{AUTHORITY}/StreamEffectiveAuthority", request)
        answers_of = [each for batch in batches for each in batch.get("effective_authorities", [])]
        return {each["device"]: decided(each) for each in answers_of}

    check.assertEqual(judged({"parent": TENANT}), {world.device(number): expected for number, expected in EXPECTED.items()})
    co_managed = {"parent": TENANT, "filter": {"states": ["MANAGEMENT_STATE_CO_MANAGED"]}}
    check.assertEqual(judged(co_managed), {world.device(number): EXPECTED[number] for number in (1, 2)})


@answers(f"{AUTHORITY}/ListDrift")
def drift_names_the_device_whose_report_contradicts_the_policy(check, world):
    listed = world.ask(f"{AUTHORITY}/ListDrift", {"parent": TENANT})
    (device,) = listed["devices"]
    check.assertEqual((device["device"], known(device["drift"])), (world.device(2), [DRIFT]))
    other = world.ask(f"{AUTHORITY}/ListDrift", {"parent": TENANT, "workload": COMPLIANCE})
    check.assertEqual(other.get("devices", []), [])


@answers(f"{AUTHORITY}/DecodeCapabilityValue")
def capability_value_is_taken_apart_bit_by_bit(check, world):
    answer = world.ask(f"{AUTHORITY}/DecodeCapabilityValue", {"value": hex(CAPABILITY)})
    check.assertEqual(answer["value"], CAPABILITY)
    check.assertEqual(set(answer["moved"]), {COMPLIANCE, WINDOWS_UPDATE, RESOURCE_ACCESS, CLIENT_APPS})
    check.assertEqual((answer["policy_present"], answer["encryption"], answer["layout"]),
                      (True, "ENCRYPTION_NOT_MOVED", "CAPABILITY_LAYOUT_CURRENT"))
    unknown = world.ask(f"{AUTHORITY}/DecodeCapabilityValue", {"value": str(8193 + 1024)})
    check.assertEqual(unknown["unknown_bits"], 1024)


MISSING = f"{TENANT}/devices/{guid(404)}"
OTHER_POLICY = f"{TENANT}/hierarchies/EU1/coManagementPolicy"
PILOT_WITHOUT_COLLECTION = {
    "name": POLICY,
    "enabled": True,
    "workloads": [{"workload": CLIENT_APPS, "slider": "SLIDER_POSITION_PILOT_INTUNE"}],
}

refuses(f"{AUTHORITY}/GetCoManagementPolicy", "RESOURCE_NOT_FOUND", {"name": OTHER_POLICY}, resource=OTHER_POLICY)
refuses(f"{AUTHORITY}/ListCoManagementPolicies", "INVALID_FIELD", {"parent": HIERARCHY}, field="parent")
refuses(f"{AUTHORITY}/UpdateCoManagementPolicy", "ETAG_MISMATCH", {"policy": {**PILOT_POLICY, "etag": "stale"}})
refuses(f"{AUTHORITY}/UpdateCoManagementPolicy", "INVALID_FIELD", {"policy": PILOT_WITHOUT_COLLECTION})
refuses(f"{AUTHORITY}/UpdateCoManagementPolicy", "RESOURCE_NOT_FOUND", {"policy": {"name": OTHER_POLICY}})
refuses(f"{AUTHORITY}/ListCoManagementPolicyRevisions", "INVALID_PAGE_TOKEN", {"parent": POLICY, "page_token": "damaged"})
refuses(f"{AUTHORITY}/GetEffectiveAuthority", "RESOURCE_NOT_FOUND", {"name": MISSING}, resource=MISSING)
refuses(f"{AUTHORITY}/ListAuthorityPeriods", "RESOURCE_NOT_FOUND", {"parent": MISSING}, resource=MISSING)
refuses(f"{AUTHORITY}/GetAuthorityAt", "INVALID_FIELD", {"name": MISSING}, field="time")
refuses(f"{AUTHORITY}/CheckAuthority", "RESOURCE_NOT_FOUND",
        {"name": MISSING, "workload": CLIENT_APPS, "claimant": "MANAGEMENT_AUTHORITY_INTUNE"}, resource=MISSING)
refuses(f"{AUTHORITY}/CheckAuthority", "INVALID_FIELD",
        {"name": MISSING, "workload": CLIENT_APPS, "claimant": "MANAGEMENT_AUTHORITY_NONE"}, field="claimant")
refuses(f"{AUTHORITY}/BatchGetEffectiveAuthority", "INVALID_FIELD", {"parent": TENANT, "names": [f"{NOBODY}/devices/{guid(1)}"]},
        field="names[0]")
refuses(f"{AUTHORITY}/StreamEffectiveAuthority", "RESOURCE_NOT_FOUND", {"parent": NOBODY})
refuses(f"{AUTHORITY}/ListDrift", "INVALID_PAGE_TOKEN", {"parent": TENANT, "page_token": "damaged"})
refuses(f"{AUTHORITY}/DecodeCapabilityValue", "INVALID_FIELD", {"value": "banana"}, field="value")
