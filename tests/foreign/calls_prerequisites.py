"""What is missing, and what mends it. Conditions and remedies are those of the fact pack's prerequisites."""

from table import answers, refuses
from world import CUSTOM_RULES, FLEET_EVALUATION, HIERARCHY, LICENSE_ERROR, NOBODY, PILOT, PREREQUISITES, SITE, TENANT, guid

RULES = 67
UPGRADE = "upgrade; automatic enrolment below it fails with 0x80070032"
SET_UP_GATEWAY = "set up a cloud management gateway; the console shows the client command line only afterwards"
# Tenant rules of path 1; the facts in `world` satisfy each.
TENANT_RULES = [
    "entra.connect_version",
    "entra.hybrid_identity_method",
    "intune.automatic_enrollment_path1",
    "intune.default_enrollment_restriction",
    "intune.mdm_authority",
    "intune.scopes_do_not_overlap",
    "intune.set_up",
    "lic.configmgr_rights",
    "lic.entra_premium",
]


def findings(report):
    return {finding["rule"]: finding for finding in report.get("findings", [])}


@answers(f"{PREREQUISITES}/ListRules")
def catalogue_is_listed_by_rule_id_and_filtered(check, world):
    rules = world.ask(f"{PREREQUISITES}/ListRules", {"page_size": 1000})["rules"]
    ids = [rule["rule"] for rule in rules]
    check.assertEqual((len(ids), ids), (RULES, sorted(ids)))
    chosen = world.ask(f"{PREREQUISITES}/ListRules", {"path": "PATH_PATH1", "scope": "SCOPE_TENANT"})["rules"]
    check.assertEqual([rule["rule"] for rule in chosen], TENANT_RULES)
    oldest = next(rule for rule in rules if rule["rule"] == "win.minimum_1709")
    check.assertEqual((oldest["severity"], oldest["scope"], oldest["area"]), ("SEVERITY_BLOCKING", "SCOPE_DEVICE", "windows"))
    check.assertEqual((oldest["remediation"], oldest["evaluated"]), (UPGRADE, True))


@answers(f"{PREREQUISITES}/CheckDevice")
def check_of_a_device_says_what_was_expected_and_found_and_what_mends_it(check, world):
    answer = world.ask(f"{PREREQUISITES}/CheckDevice", {
        "name": world.device(7), "paths": ["PATH_PATH1"], "problems_only": True, "consistency_token": world.token,
    })["check"]
    check.assertEqual((answer["device"], answer["eligibility"]), (world.device(7), "ELIGIBILITY_NEEDS_OS_UPDATE"))
    (report,) = answer["paths"]
    check.assertEqual((report["path"], report["verdict"]), ("PATH_PATH1", "VERDICT_BLOCKED"))
    found = findings(report)
    oldest = found["win.minimum_1709"]
    check.assertEqual((oldest["outcome"], oldest["severity"]), ("OUTCOME_UNSATISFIED", "SEVERITY_BLOCKING"))
    check.assertIn("1709", oldest["expected"])
    check.assertIn("15063", oldest["found"])
    check.assertEqual(oldest["remediation"], UPGRADE)
    # Only registered, by the directory's word.
    check.assertEqual(found["entra.not_registered_only"]["outcome"], "OUTCOME_UNSATISFIED")
    check.assertEqual(found["win.mdm_not_blocked"]["missing_facts"], ["device.mdm_blocked_by_policy"])
    check.assertLessEqual({finding["outcome"] for finding in found.values()}, {"OUTCOME_UNSATISFIED", "OUTCOME_UNKNOWN"})


@answers(f"{PREREQUISITES}/BatchCheckDevices")
def checks_come_in_the_order_asked_for_and_missing_names_apart(check, world):
    missing = f"{TENANT}/devices/{guid(404)}"
    numbers = [4, 1, 5, 6, 3]
    answer = world.ask(f"{PREREQUISITES}/BatchCheckDevices", {
        "parent": TENANT, "names": [missing, *map(world.device, numbers)], "consistency_token": world.token,
    })
    check.assertEqual([each["eligibility"].removeprefix("ELIGIBILITY_") for each in answer["checks"]],
                      ["ELIGIBLE", "COMANAGED", "INELIGIBLE", "INELIGIBLE", "SCHEDULED_FOR_ENROLLMENT"])
    # Its discovery record says nothing of a distinguished name.
    check.assertEqual(answer["checks"][0]["unverified_facts"],
                      ["device.ad_joined", "device.mdm_blocked_by_policy", "device.os_edition"])
    check.assertEqual([report["path"] for report in answer["checks"][0]["paths"]], ["PATH_PATH1", "PATH_PATH2", "PATH_COEXISTENCE"])
    check.assertEqual(answer["not_found"], [missing])


@answers(f"{PREREQUISITES}/CheckSite")
def check_of_a_site_names_its_missing_gateway(check, world):
    answer = world.ask(f"{PREREQUISITES}/CheckSite", {"name": SITE, "paths": ["PATH_PATH2"]})
    check.assertEqual(answer["site"], SITE)
    (report,) = answer["paths"]
    check.assertEqual((report["path"], report["verdict"]), ("PATH_PATH2", "VERDICT_BLOCKED"))
    found = findings(report)
    gateway = found["cm.cmg_present"]
    check.assertEqual((gateway["outcome"], gateway["remediation"]), ("OUTCOME_UNSATISFIED", SET_UP_GATEWAY))
    check.assertEqual(found["cm.co_management_enabled"]["outcome"], "OUTCOME_SATISFIED")
    check.assertEqual(found["cm.site_onboarded_entra"]["outcome"], "OUTCOME_SATISFIED")
    check.assertEqual(found["cm.mp_accepts_cmg"]["missing_facts"], ["site.mp_accepts_cmg"])
    # Support of 2309 ended on 2025-04-09 (fact pack, configmgr_versions.csv).
    old = world.ask(f"{PREREQUISITES}/CheckSite", {"name": f"{HIERARCHY}/sites/PS2", "paths": ["PATH_PATH1"]})
    version = findings(old["paths"][0])["cm.supported_version"]
    check.assertEqual(version["outcome"], "OUTCOME_UNSATISFIED")
    check.assertIn("2309", version["found"])
    check.assertIn("2025-04-09", version["found"])


@answers(f"{PREREQUISITES}/CheckHierarchy")
def hierarchy_shows_the_worst_of_its_sites(check, world):
    answer = world.ask(f"{PREREQUISITES}/CheckHierarchy", {"name": HIERARCHY, "paths": ["PATH_PATH1"]})
    (report,) = answer["paths"]
    check.assertEqual(report["verdict"], "VERDICT_BLOCKED")
    worst = {each["finding"]["rule"]: each for each in report["findings"]}["cm.supported_version"]
    # PS2 alone is too old.
    check.assertEqual((worst["finding"]["outcome"], worst["sites"]), ("OUTCOME_UNSATISFIED", [f"{HIERARCHY}/sites/PS2"]))
    check.assertEqual({each["site"] for each in report["sites"]}, {SITE, f"{HIERARCHY}/sites/PS2"})


@answers(f"{PREREQUISITES}/CheckTenant")
def check_of_a_tenant_whose_facts_satisfy_every_rule_is_ready(check, world):
    answer = world.ask(f"{PREREQUISITES}/CheckTenant", {"name": TENANT, "paths": ["PATH_PATH1"]})
    check.assertEqual(answer["tenant"], TENANT)
    (report,) = answer["paths"]
    check.assertEqual(report["verdict"], "VERDICT_READY")
    outcomes = {rule: finding["outcome"] for rule, finding in findings(report).items()}
    check.assertEqual(outcomes, dict.fromkeys(TENANT_RULES, "OUTCOME_SATISFIED"))


@answers(f"{PREREQUISITES}/SummarizeFleet")
def summary_counts_the_devices_that_each_rule_stops(check, world):
    summary = world.ask(f"{PREREQUISITES}/SummarizeFleet", {"parent": TENANT, "consistency_token": world.token})
    check.assertEqual(summary["devices"], "8")
    rules = {rule["rule"]: int(rule.get("unsatisfied", 0)) for rule in summary["rules"]}
    # WS-07 alone is older than 1709 and only registered; WS-05 and WS-08 lack the client.
    check.assertEqual((rules["win.minimum_1709"], rules["entra.not_registered_only"], rules["cm.client_installed"]), (1, 1, 2))
    eligibility = {each["eligibility"]: int(each["devices"]) for each in summary["eligibility"] if "devices" in each}
    check.assertEqual(eligibility, {
        "ELIGIBILITY_COMANAGED": 2,
        "ELIGIBILITY_ELIGIBLE": 1,
        "ELIGIBILITY_NEEDS_OS_UPDATE": 1,
        "ELIGIBILITY_INELIGIBLE": 3,
        "ELIGIBILITY_SCHEDULED_FOR_ENROLLMENT": 1,
    })
    check.assertEqual(summary["eligible_unverified"], "1")
    check.assertEqual(sum(int(each.get("devices", 0)) for each in summary["verdicts"]), 8)


@answers(f"{FLEET_EVALUATION}/ListSummaryDevices")
def devices_behind_a_number_are_as_many_as_it_says(check, world):
    summary = world.ask(f"{PREREQUISITES}/SummarizeFleet", {"parent": TENANT, "consistency_token": world.token})
    for counted in summary["rules"]:
        for outcome, word in (("OUTCOME_UNSATISFIED", "unsatisfied"), ("OUTCOME_UNKNOWN", "unknown")):
            page = world.ask(f"{FLEET_EVALUATION}/ListSummaryDevices", {
                "parent": TENANT, "rule": {"rule": counted["rule"], "outcome": outcome}, "consistency_token": world.token,
            })
            check.assertEqual((page.get("total", "0"), len(page.get("devices", []))),
                              (counted.get(word, "0"), int(counted.get(word, 0))), counted["rule"])
    oldest = world.ask(f"{FLEET_EVALUATION}/ListSummaryDevices", {
        "parent": TENANT, "rule": {"rule": "win.minimum_1709"}, "consistency_token": world.token,
    })["devices"]
    check.assertEqual(oldest, [{"device": world.device(7), "display_name": "WS-07"}])


@answers(f"{FLEET_EVALUATION}/ListFleetSummaries")
def parts_of_the_fleet_are_summarized_apart(check, world):
    def devices(part):
        answer = world.ask(f"{FLEET_EVALUATION}/ListFleetSummaries", {
            "parent": TENANT, "part": part, "consistency_token": world.token,
        })
        return {each.get("part", ""): int(each["devices"]) for each in answer["summaries"]}

    # WS-05 and WS-08 are known to Intune alone.
    check.assertEqual(devices("FLEET_PART_HIERARCHY"), {"": 2, HIERARCHY: 6})
    check.assertEqual(devices("FLEET_PART_COLLECTION")[PILOT], 1)
    check.assertEqual(devices("FLEET_PART_PATH"), {"": 8})


@answers(f"{FLEET_EVALUATION}/GetFleetEvaluation")
def evaluation_says_how_far_the_fleet_is_judged(check, world):
    # Answered once everything of that world is judged.
    world.ask(f"{FLEET_EVALUATION}/ListSummaryDevices", {"parent": TENANT, "consistency_token": world.token})
    evaluation = world.ask(f"{FLEET_EVALUATION}/GetFleetEvaluation", {"parent": TENANT})["evaluation"]
    check.assertEqual((evaluation["devices"], evaluation["complete"]), ("8", True))


@answers(f"{FLEET_EVALUATION}/GetEvaluationSettings", f"{FLEET_EVALUATION}/UpdateEvaluationSettings")
def word_of_a_source_is_believed_as_long_as_the_tenant_says(check, world):
    name = f"{TENANT}/evaluationSettings"

    def verdict(token):
        answer = world.ask(f"{PREREQUISITES}/CheckDevice", {
            "name": world.device(1), "paths": ["PATH_PATH1"], "as_of": "2027-11-20T00:00:00Z", "consistency_token": token,
        })
        return {rule: finding["outcome"] for rule, finding in findings(answer["check"]["paths"][0]).items()}["entra.joined"]

    check.assertEqual(verdict(world.token), "OUTCOME_SATISFIED")
    ages = [{"source": source, "maximum_age": "2592000s"} for source in ("configmgr", "intune", "entra", "probe")]
    set_ = world.ask(f"{FLEET_EVALUATION}/UpdateEvaluationSettings", {"evaluation_settings": {"name": name, "maximum_ages": ages}})
    # A year later, a month is over.
    check.assertEqual(verdict(set_["consistency_token"]), "OUTCOME_UNKNOWN")
    read = world.ask(f"{FLEET_EVALUATION}/GetEvaluationSettings", {"name": name})["evaluation_settings"]
    check.assertEqual(read, set_["evaluation_settings"])
    emptied = world.ask(f"{FLEET_EVALUATION}/UpdateEvaluationSettings", {"evaluation_settings": {"name": name}})
    # Who asks of the fleet next finds it judged as before.
    world.ask(f"{FLEET_EVALUATION}/ListSummaryDevices", {"parent": TENANT, "consistency_token": emptied["consistency_token"]})


@answers(f"{CUSTOM_RULES}/CheckCustomRule")
def rule_of_ones_own_is_tried_on_the_fleet(check, world):
    answer = world.ask(f"{CUSTOM_RULES}/CheckCustomRule", {
        "parent": TENANT, "expression": "device.os_build >= 16299", "consistency_token": world.token,
    })
    check.assertEqual(answer["facts"], ["os_build"])
    # WS-07 alone is older than 1709.
    check.assertEqual(answer["unsatisfied"], {
        "devices": "1", "named": [{"device": world.device(7), "display_name": "WS-07"}],
    })
    outcomes = ("satisfied", "unsatisfied", "unknown", "failed")
    check.assertEqual(sum(int(answer[outcome].get("devices", 0)) for outcome in outcomes), 8)


@answers(f"{CUSTOM_RULES}/CreateCustomRule", f"{CUSTOM_RULES}/GetCustomRule", f"{CUSTOM_RULES}/ListCustomRules",
         f"{CUSTOM_RULES}/UpdateCustomRule", f"{CUSTOM_RULES}/DeleteCustomRule")
def rules_of_ones_own_judge_every_device(check, world):
    name = f"{TENANT}/customRules/build-1709"

    def found(token):
        answer = world.ask(f"{FLEET_EVALUATION}/ListSummaryDevices", {
            "parent": TENANT, "custom_rule": {"rule": name}, "consistency_token": token,
        })
        return [device["display_name"] for device in answer.get("devices", [])]

    made = world.ask(f"{CUSTOM_RULES}/CreateCustomRule", {"custom_rule": {
        "name": name, "expression": "device.os_build >= 16299", "severity": "SEVERITY_BLOCKING", "enabled": True,
    }})
    # WS-07 alone is older than 1709.
    check.assertEqual(found(made["consistency_token"]), ["WS-07"])
    finding = world.ask(f"{PREREQUISITES}/CheckDevice", {
        "name": world.device(7), "paths": ["PATH_PATH1"], "consistency_token": made["consistency_token"],
    })["check"]
    check.assertEqual(finding["custom_verdict"], "VERDICT_BLOCKED")
    check.assertEqual(finding["custom_findings"][0]["outcome"], "CUSTOM_OUTCOME_UNSATISFIED")
    read = world.ask(f"{CUSTOM_RULES}/GetCustomRule", {"name": name})["custom_rule"]
    check.assertEqual(read, made["custom_rule"])
    listed = world.ask(f"{CUSTOM_RULES}/ListCustomRules", {"parent": TENANT})["custom_rules"]
    check.assertEqual([rule["name"] for rule in listed], [name])
    changed = world.ask(f"{CUSTOM_RULES}/UpdateCustomRule", {"custom_rule": {**read, "expression": "!device.client_installed || true"}})
    check.assertEqual(found(changed["consistency_token"]), [])
    world.ask(f"{CUSTOM_RULES}/DeleteCustomRule", {"name": name, "etag": changed["custom_rule"]["etag"]})
    check.assertEqual(world.ask(f"{CUSTOM_RULES}/ListCustomRules", {"parent": TENANT}).get("custom_rules", []), [])


@answers(f"{CUSTOM_RULES}/ListRuleFacts")
def facts_that_rules_read_have_types(check, world):
    facts = {fact["name"]: fact["type"] for fact in world.ask(f"{CUSTOM_RULES}/ListRuleFacts", {"page_size": 1000})["facts"]}
    check.assertEqual((facts["os_build"], facts["collections"], facts["last_intune_sync"]), ("int", "list(string)", "timestamp"))


@answers(f"{PREREQUISITES}/CheckDevice")
def whole_view_of_a_device_says_who_said_what_and_which_way_it_goes(check, world):
    answer = world.ask(f"{PREREQUISITES}/CheckDevice", {
        "name": world.device(1), "paths": ["PATH_PATH1"], "view": "VIEW_WHOLE", "consistency_token": world.token,
    })["check"]
    joined = findings(answer["paths"][0])["entra.joined"]["evidence"]
    check.assertEqual([each["fact"] for each in joined], ["device.join_type"])
    check.assertIn("observed_at", joined[0])
    # It is co-managed: no path is recommended any more.
    check.assertEqual(answer["journey"]["state"], "MANAGEMENT_STATE_CO_MANAGED")
    check.assertNotIn("steps", answer["journey"])
    benefits = {each["benefit"]: each["reach"] for each in answer["benefits"]}
    check.assertEqual(len(benefits), 7)
    check.assertEqual(benefits["BENEFIT_REMOTE_ACTIONS"], "BENEFIT_REACH_UNLOCKED")
    # WS-05 has no client: Intune knows it alone, and the way over the internet needs the gateway that its site lacks.
    other = world.ask(f"{PREREQUISITES}/CheckDevice", {
        "name": world.device(5), "view": "VIEW_WHOLE", "consistency_token": world.token,
    })["check"]["journey"]
    check.assertNotEqual(other.get("steps", []), [])


@answers(f"{PREREQUISITES}/ForecastFleet")
def forecast_says_what_leaves_support(check, world):
    answer = world.ask(f"{PREREQUISITES}/ForecastFleet", {
        "parent": TENANT, "from": "2020-01-01T00:00:00Z", "until": "2029-12-01T00:00:00Z", "step_days": 366,
        "consistency_token": world.token,
    })
    check.assertEqual(answer["devices"], "8")
    check.assertEqual((len(answer["points"]), answer["points"][-1]["at"]), (10 + 1, "2029-12-01T00:00:00Z"))
    for point in answer["points"]:
        check.assertEqual(sum(int(each["devices"]) for each in point["verdicts"]), 8)
    # Support of 2309 ended on 2025-04-09 (fact pack, configmgr_versions.csv).
    ends = {(end["kind"], end["version"]): end["last_day"] for end in answer["support_ends"]}
    days = [end["last_day"] for end in answer["support_ends"]]
    check.assertEqual(days, sorted(days))
    check.assertEqual({day for (kind, version), day in ends.items() if version == "2309"} - {"2025-04-09"}, set())


@answers(f"{PREREQUISITES}/CheckPerson")
def person_is_told_what_they_lack(check, world):
    person = {
        "entra_user": True,
        "roles": {"roles": [{"role": "configmgr:full_administrator", "all_scopes": False}]},
        "licenses": {"licenses": ["ems"]},
        "administrator": True,
    }
    answer = world.ask(f"{PREREQUISITES}/CheckPerson", {"parent": TENANT, "person": person, "paths": ["PATH_PATH1"]})
    acts = {act["action"]: act for act in answer["actions"]}
    check.assertEqual(len(acts), 12)
    enable = acts["enable_co_management"]
    check.assertEqual((enable["standing"], enable["lacking"], enable["rule"]), (
        "STANDING_LACKING", ["configmgr:full_administrator with the security scope All"], "perm.enable_co_management"))
    check.assertEqual(acts["import_entra_apps"]["standing"], "STANDING_ALLOWED")
    # How many licences the tenant has nobody said.
    check.assertEqual(findings(answer["user"][0])["lic.intune_admin"]["missing_facts"], ["tenant.intune_license_count"])
    check.assertEqual(findings(answer["action"][0])["perm.enable_co_management"]["outcome"], "OUTCOME_UNSATISFIED")
    # Of somebody unknown nothing is known, and nothing is passed.
    stranger = world.ask(f"{PREREQUISITES}/CheckPerson", {"parent": TENANT})
    check.assertEqual({act["standing"] for act in stranger["actions"]}, {"STANDING_UNKNOWN"})


@answers(f"{PREREQUISITES}/ExplainEnrollmentError")
def enrollment_error_is_explained_from_each_of_its_forms(check, world):
    for code in (str(LICENSE_ERROR), str(LICENSE_ERROR - 2**32), "0x80180018", "MENROLL_E_USERLICENSE"):
        (error,) = world.ask(f"{PREREQUISITES}/ExplainEnrollmentError", {"code": code})["errors"]
        check.assertEqual(error, {
            "code": LICENSE_ERROR,
            "hex": "0x80180018",
            "symbol": "MENROLL_E_USERLICENSE",
            "meaning": "the user's licence state blocks enrolment",
            "error_class": "license",
            "remediation": "assign an Intune licence to the user",
            "retryable": "no",
        })


MISSING = f"{TENANT}/devices/{guid(404)}"
MISSING_SITE = f"{HIERARCHY}/sites/XX1"

refuses(f"{PREREQUISITES}/ListRules", "INVALID_FIELD", {"path": 77}, field="path")
refuses(f"{PREREQUISITES}/ListRules", "INVALID_PAGE_TOKEN", {"page_token": "damaged"})
refuses(f"{PREREQUISITES}/CheckDevice", "RESOURCE_NOT_FOUND", {"name": MISSING}, resource=MISSING)
refuses(f"{PREREQUISITES}/BatchCheckDevices", "INVALID_FIELD", {"parent": TENANT, "names": [f"{NOBODY}/devices/{guid(1)}"]},
        field="names[0]")
refuses(f"{PREREQUISITES}/CheckSite", "RESOURCE_NOT_FOUND", {"name": MISSING_SITE}, resource=MISSING_SITE)
refuses(f"{PREREQUISITES}/CheckHierarchy", "RESOURCE_NOT_FOUND", {"name": f"{TENANT}/hierarchies/XX1"}, resource=f"{TENANT}/hierarchies/XX1")
refuses(f"{PREREQUISITES}/CheckTenant", "RESOURCE_NOT_FOUND", {"name": NOBODY}, resource=NOBODY)
refuses(f"{PREREQUISITES}/SummarizeFleet", "RESOURCE_NOT_FOUND", {"parent": NOBODY}, resource=NOBODY)
refuses(f"{CUSTOM_RULES}/CheckCustomRule", "INVALID_FIELD", {"parent": TENANT, "expression": "device.os_build >"}, field="expression")
MISSING_RULE = f"{TENANT}/customRules/nothing"
refuses(f"{CUSTOM_RULES}/CreateCustomRule", "INVALID_FIELD", {
    "custom_rule": {"name": MISSING_RULE, "expression": "device.os_build > 'old'"},
}, field="custom_rule.expression")
refuses(f"{CUSTOM_RULES}/GetCustomRule", "RESOURCE_NOT_FOUND", {"name": MISSING_RULE}, resource=MISSING_RULE)
refuses(f"{CUSTOM_RULES}/ListCustomRules", "RESOURCE_NOT_FOUND", {"parent": NOBODY}, resource=NOBODY)
refuses(f"{CUSTOM_RULES}/UpdateCustomRule", "RESOURCE_NOT_FOUND", {
    "custom_rule": {"name": MISSING_RULE, "expression": "true"},
}, resource=MISSING_RULE)
refuses(f"{CUSTOM_RULES}/DeleteCustomRule", "RESOURCE_NOT_FOUND", {"name": MISSING_RULE}, resource=MISSING_RULE)
refuses(f"{CUSTOM_RULES}/ListRuleFacts", "INVALID_FIELD", {"page_size": 1001}, field="page_size")
refuses(f"{FLEET_EVALUATION}/GetEvaluationSettings", "RESOURCE_NOT_FOUND", {"name": f"{NOBODY}/evaluationSettings"}, resource=NOBODY)
refuses(f"{FLEET_EVALUATION}/UpdateEvaluationSettings", "INVALID_FIELD", {
    "evaluation_settings": {"name": f"{TENANT}/evaluationSettings", "maximum_ages": [{"source": "intune", "maximum_age": "1s"}]},
}, field="evaluation_settings.maximum_ages[0].maximum_age")
refuses(f"{FLEET_EVALUATION}/GetFleetEvaluation", "RESOURCE_NOT_FOUND", {"parent": NOBODY}, resource=NOBODY)
refuses(f"{FLEET_EVALUATION}/ListFleetSummaries", "INVALID_FIELD", {"parent": TENANT}, field="part")
refuses(f"{FLEET_EVALUATION}/ListSummaryDevices", "INVALID_FIELD", {"parent": TENANT, "rule": {"rule": "win.nothing"}}, field="rule.rule")
refuses(f"{PREREQUISITES}/ForecastFleet", "INVALID_FIELD", {"parent": TENANT}, field="until")
refuses(f"{PREREQUISITES}/ForecastFleet", "RESOURCE_NOT_FOUND", {"parent": NOBODY, "until": "2030-01-01T00:00:00Z"}, resource=NOBODY)
refuses(f"{PREREQUISITES}/CheckPerson", "INVALID_FIELD", {
    "parent": TENANT, "person": {"roles": {"roles": [{"role": "global administrator"}]}},
}, field="person.roles.roles[0].role")
refuses(f"{PREREQUISITES}/CheckPerson", "RESOURCE_NOT_FOUND", {"parent": TENANT, "site": MISSING_SITE}, resource=MISSING_SITE)
refuses(f"{PREREQUISITES}/ExplainEnrollmentError", "RESOURCE_NOT_FOUND", {"code": "0xDEADBEEF"})
refuses(f"{PREREQUISITES}/ExplainEnrollmentError", "INVALID_FIELD", {"code": "banana"}, field="code")
