#!/usr/bin/env python3
"""Compare an assessment of the sample fleet with the hand-written expectations.

    tandem assess tests/sample/fleet -o json > found.json
    python3 tests/sample/check.py found.json

Prints every difference (device, field, expected, found, rule), then "N passed, M failed"; exits 1 on any difference.
Everything is compared whole: no tolerance, no field left open. What a rule weighs and advises is read from prerequisites.toml, what an
enrolment error means from enrollment_errors.csv. Python 3.11, standard library only.
"""

import csv
import json
import pathlib
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
FACTS = HERE.parents[1] / "libs/domain/data"
PATHS = ("path1", "path2", "coexistence")
CATEGORIES = ("os_group", "os_version", "funnel_stage", "enrollment_status")
PLAIN = ("name", "hierarchy", "site", "state", "leaving", "enrollment_conflict", "eligibility", "eligible_unverified")
COUNTERS = {
    "states": "states",
    "eligibility": "eligibility",
    "co_managed": "co_managed",
    "os_groups": "os_group",
    "os_versions": "os_version",
    "enrollment_status": "enrollment_status",
    "drift": "drift",
}
NESTED = ("authority", "authority_reasons", "workload_transition")


def rules_of_the_pack():
    document = tomllib.loads((FACTS / "prerequisites.toml").read_text(encoding="utf-8"))
    return {rule["id"]: rule for rule in document["rule"]}


def errors_of_the_pack():
    with (FACTS / "enrollment_errors.csv").open(encoding="utf-8", newline="") as file:
        return {row["hex"].lower(): row for row in csv.DictReader(file)}


RULES = rules_of_the_pack()
ERRORS = errors_of_the_pack()


class Comparison:
    """Counts what agrees, prints what does not."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def same(self, subject, field, expected, found, rules=()):
        self.judge(expected == found, subject, field, expected, found, rules)

    def judge(self, agrees, subject, field, expected, found, rules=()):
        if agrees:
            self.passed += 1
            return
        self.failed += 1
        rule = f" [{'; '.join(rules)}]" if rules else ""
        print(f"{subject}: {field}: expected {shown(expected)}, found {shown(found)}{rule}")

    def rows(self, subject, field, expected, found):
        """Tables of rows by key: each row that differs is a difference of its own."""
        for key in sorted(set(expected) | set(found)):
            self.same(subject, f"{field}.{key}", expected.get(key, "no row"), found.get(key, "no row"))


def shown(value):
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def at_least_one(table):
    """Maps hold every key that counts at least one device; absent means 0."""
    return {key: n for key, n in (table or {}).items() if n}


def flat(table):
    return {f"{outer}/{inner}": n for outer, inners in (table or {}).items() for inner, n in inners.items()}


# ---------------------------------------------------------------- devices


def device_index(found, c):
    index = {}
    for number, device in enumerate(found):
        for record in device.get("records", []):
            key = f"{record['source']}:{record['key']}".lower()
            if index.setdefault(key, number) != number:
                c.judge(False, key, "records", "one device", "two devices")
    return index


def check_devices(expected, found, index, c):
    met = {}
    for device in expected:
        subject = f"{device['name']} ({device['archetype']}, {device['match'][0]})"
        numbers = sorted({index.get(key.lower(), -1) for key in device["match"]})
        if len(numbers) != 1 or numbers[0] < 0:
            where = {key: index.get(key.lower(), "nowhere") for key in device["match"]}
            c.judge(False, subject, "records", "all in one device", where, device["rules"])
            continue
        number = numbers[0]
        if number in met:
            c.judge(False, subject, "device", "a device of its own", f"the same as {met[number]}", device["rules"])
            continue
        met[number] = subject
        c.passed += 1
        check_device(device, found[number], subject, c)
    for number, device in enumerate(found):
        if number not in met:
            c.judge(False, device.get("name"), "device", "no such device", device.get("records"))


def check_device(expected, found, subject, c):
    rules = expected["rules"]
    for field in PLAIN:
        c.same(subject, field, expected[field], found.get(field), rules)
    c.same(subject, "co_managed", expected["co_managed"], found.get("co_managed"), rules)
    categories = {field: expected[field] for field in CATEGORIES}
    c.same(subject, "categories", categories, found.get("categories"), rules)
    c.same(subject, "enrollment_error", expected["enrollment_error"], error_code(found.get("enrollment_error")), rules)
    answers = {w: [a.get("authority"), a.get("reason")] for w, a in (found.get("authority") or {}).items()}
    c.same(subject, "authority", expected["authority"], answers, rules)
    check_reported(expected["reported"], found.get("reported") or {}, subject, rules, c)
    line = lambda d: [d.get("workload"), d.get("effective"), d.get("reported"), d.get("by")]
    c.same(subject, "drift", sorted(map(line, expected["drift"])), sorted(map(line, found.get("drift") or [])), rules)
    check_paths(expected["prerequisites"], found.get("prerequisites") or {}, subject, rules, c)


def error_code(value):
    """Hexadecimal digits may be printed in either case."""
    return "0x" + value[2:].upper() if value else None


def check_reported(expected, found, subject, rules, c):
    """A report that says nothing of a workload leaves it out, or prints it null or "unknown"."""
    for side in ("site", "cloud"):
        said = {w: a for w, a in (found.get(side) or {}).items() if a not in (None, "unknown")}
        c.same(subject, f"reported.{side}", expected[side], said, rules)
    c.same(subject, "reported.capability_value", expected["capability_value"], found.get("capability_value"), rules)
    c.same(subject, "reported.unknown_bits", expected["unknown_bits"], found.get("unknown_bits"), rules)


def check_paths(expected, found, subject, rules, c):
    for path in PATHS:
        if path in expected:
            check_path(expected[path], found.get(path) or {}, f"{subject}: {path}", rules, c)
    c.same(subject, "paths", sorted(expected), sorted(found), rules)


def check_path(expected, found, subject, rules, c):
    c.same(subject, "verdict", expected["verdict"], found.get("verdict"), rules)
    c.same(subject, "unknown", sorted(expected["unknown"]), sorted(found.get("unknown") or []), rules)
    findings = found.get("unsatisfied") or []
    c.same(subject, "unsatisfied", sorted(expected["unsatisfied"]), sorted(f["rule"] for f in findings), rules)
    for finding in findings:
        rule = RULES[finding["rule"]]
        pack = {"severity": rule["severity"], "remediation": rule["remediation"]}
        said = {field: finding.get(field) for field in pack}
        c.same(subject, finding["rule"], pack, said, ["prerequisites.toml"])
        explained = bool(finding.get("expected") and finding.get("found"))
        c.judge(explained, subject, finding["rule"], "what was expected and what was found", finding, ["prerequisites.toml"])


# ---------------------------------------------------------------- totals


def check_totals(expected, found, c):
    for field in ("devices", "eligible_unverified", "identity_conflicts"):
        c.same("totals", field, expected[field], found.get(field))
    for field, name in COUNTERS.items():
        c.rows("totals", field, at_least_one(expected.get(name)), at_least_one(found.get(field)))
    c.same("totals", "funnel", expected["funnel"], found.get("funnel"))
    for field in NESTED:
        c.rows("totals", field, at_least_one(expected[field]), at_least_one(flat(found.get(field))))
    errors = {code: error_row(code, n) for code, n in expected["enrollment_errors"].items()}
    said = [{**row, "code": error_code(row.get("code"))} for row in found.get("enrollment_errors") or []]
    c.rows("totals", "enrollment_errors", errors, {row["code"]: row for row in said})
    c.same("totals", "enrollment_errors listed", len(errors), len(said))
    check_blockers(expected["blockers"], found.get("blockers") or [], c)


def error_row(code, devices):
    """What no published table says of a code is null."""
    known = ERRORS.get(code.lower(), {})
    texts = {field: known.get(field) or None for field in ("symbol", "class", "meaning", "remediation")}
    return {"code": code, "decimal": int(code, 16), **texts, "devices": devices}


def check_blockers(expected, found, c):
    """The unsatisfied rules of device scope for each path, warnings as well."""
    rows = {key: blocker_row(key, n) for key, n in expected.items()}
    c.rows("totals", "blockers", rows, {f"{b.get('path')}/{b.get('rule')}": b for b in found})
    c.same("totals", "blockers listed", len(rows), len(found))
    weights = [b.get("severity") for b in found if b.get("path") == "path1"]
    c.same("totals", "blockers: blocking ones first within path1", sorted(weights), weights)


def blocker_row(key, devices):
    path, rule = key.split("/")
    pack = {field: RULES[rule][field] for field in ("scope", "severity", "remediation")}
    return {"rule": rule, "path": path, "devices": devices, **pack}


# ---------------------------------------------------------------- the rest


def check_conflicts(expected, found, devices, index, c):
    numbers = {device["device"]: number for number, device in enumerate(devices)}
    wanted, said = {}, {}
    for conflict in expected:
        holders = sorted({index.get(key.lower(), -1) for key in conflict["holder"]})
        wanted[f"{conflict['kind']} {conflict['value']} {conflict['claimant']}"] = {"holder": holders}
    for conflict in found:
        claimant = conflict.get("claimant") or {}
        key = f"{conflict.get('kind')} {conflict.get('value')} {claimant.get('source')}:{claimant.get('key')}"
        said[key] = {"holder": [numbers.get(conflict.get("holder"), "no device")]}
    c.rows("identity", "conflicts", wanted, said)
    c.same("identity", "conflicts listed", len(expected), len(found))


def check_estate(expected, found, c):
    rules = ["prerequisites.toml, scope tenant"]
    check_paths(expected["tenant"], (found.get("tenant") or {}).get("prerequisites") or {}, "tenant", rules, c)
    sites = {f"{s.get('hierarchy')}/{s.get('site')}": s for s in found.get("sites") or []}
    wanted = {f"{s['hierarchy']}/{s['site']}": s for s in expected["sites"]}
    c.same("sites", "listed", sorted(wanted), sorted(f"{s.get('hierarchy')}/{s.get('site')}" for s in found.get("sites") or []))
    for name, site in wanted.items():
        answer = sites.get(name, {})
        c.same(f"site {name}", "version", site["version"], answer.get("version"))
        paths = {path: site[path] for path in PATHS if path in site}
        check_paths(paths, answer.get("prerequisites") or {}, f"site {name}", ["prerequisites.toml, scope site"], c)


def check_inputs(expected, found, c):
    c.same("inputs", "as_of", expected["as_of"], found.get("as_of"))
    inputs = found.get("inputs") or {}
    c.same("inputs", "refused", [], inputs.get("refused"))
    c.same("inputs", "unused", [], inputs.get("unused"))
    skipped = at_least_one(inputs.get("skipped_records"))
    c.same("inputs", "skipped_records", expected["skipped_records"], skipped, ["admin_service.md 6.1"])


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    found = json.loads(pathlib.Path(arguments[0]).read_text(encoding="utf-8"))
    expected = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
    c = Comparison()
    devices = found.get("devices") or []
    index = device_index(devices, c)
    check_inputs(expected, found, c)
    check_estate(expected, found, c)
    check_totals(expected["totals"], found.get("totals") or {}, c)
    check_conflicts(expected["identity_conflicts"], found.get("identity_conflicts") or [], devices, index, c)
    check_devices(expected["devices"], devices, index, c)
    print(f"{c.passed} passed, {c.failed} failed")
    return 1 if c.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
