#!/usr/bin/env python3
"""Compare an assessment of the sample fleet with the hand-written expectations.

    tandem assess tests/sample/fleet -o json > found.json
    python3 tests/sample/check.py found.json

Prints every difference (device, field, expected, found, rule), then "N passed, M failed"; exits 1 on any difference.
An expectation of "open" is one that the fact pack leaves open: it is not compared, and the totals that it could raise may be
that much higher. Python 3.11, standard library only.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
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


class Comparison:
    """Counts what agrees, prints what does not."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def same(self, subject, field, expected, found, rules=()):
        if expected == "open":
            return
        self.judge(expected == found, subject, field, expected, found, rules)

    def within(self, subject, field, least, slack, found):
        """Counts: `least` are decided, `slack` more may be."""
        wanted = least if not slack else f"{least} to {least + slack}"
        self.judge(least <= found <= least + slack, subject, field, wanted, found, ())

    def judge(self, agrees, subject, field, expected, found, rules):
        if agrees:
            self.passed += 1
            return
        self.failed += 1
        rule = f" [{'; '.join(rules)}]" if rules else ""
        print(f"{subject}: {field}: expected {shown(expected)}, found {shown(found)}{rule}")


def shown(value):
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def nothing_is_null(value):
    """The printed object may leave a member out, or print it empty or null: all mean "none"."""
    return None if value in ("", None) else value


def rule_ids(entries):
    return sorted(e["rule"] if isinstance(e, dict) else e for e in entries or [])


# ---------------------------------------------------------------- devices


def device_index(found, c):
    index = {}
    for number, device in enumerate(found):
        for record in device.get("records", []):
            key = f"{record['source']}:{record['key']}".lower()
            if index.setdefault(key, number) != number:
                c.judge(False, key, "records", "one device", "two devices", ())
    return index


def check_devices(expected, found, c):
    index = device_index(found, c)
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
            c.judge(False, device.get("name"), "device", "no such device", device.get("records"), ())


def check_device(expected, found, subject, c):
    rules = expected["rules"]
    for field in PLAIN:
        c.same(subject, field, expected[field], nothing_is_null(found.get(field)), rules)
    for flag, value in expected["co_managed"].items():
        c.same(subject, f"co_managed.{flag}", value, (found.get("co_managed") or {}).get(flag), rules)
    categories = found.get("categories") or {}
    for field in CATEGORIES:
        c.same(subject, field, expected[field], nothing_is_null(categories.get(field)), rules)
    c.same(subject, "enrollment_error", expected["enrollment_error"], error_code(found.get("enrollment_error")), rules)
    for field in ("capability_value", "unknown_bits"):
        if field in expected:
            value = (found.get("reported") or {}).get(field)
            c.same(subject, f"reported.{field}", str(expected[field]), str(value), rules)
    check_authority(expected, found, subject, c)
    check_drift(expected, found, subject, c)
    for path in PATHS:
        check_path(expected["prerequisites"][path], (found.get("prerequisites") or {}).get(path), f"{subject}: {path}", rules, c)


def error_code(value):
    code = value.get("code") if isinstance(value, dict) else value
    return "0x" + code[2:].upper() if code else None


def check_authority(expected, found, subject, c):
    if expected["authority"] == "open":
        return
    answers = found.get("authority") or {}
    for workload, (authority, reason) in expected["authority"].items():
        answer = answers.get(workload) or {}
        c.same(subject, f"authority.{workload}", [authority, reason], [answer.get("authority"), answer.get("reason")], expected["rules"])


def check_drift(expected, found, subject, c):
    line = lambda d: [d.get("workload"), d.get("effective"), d.get("reported"), d.get("by")]
    c.same(subject, "drift", sorted(line(d) for d in expected["drift"]), sorted(line(d) for d in found.get("drift") or []), expected["rules"])


def check_path(expected, found, subject, rules, c):
    if expected == "open":
        return
    found = found or {}
    left_out = set(expected.get("open", []))
    c.same(subject, "verdict", expected["verdict"], found.get("verdict"), rules)
    for field in ("unsatisfied", "unknown"):
        if field in expected:
            ids = [r for r in rule_ids(found.get(field)) if r not in left_out]
            c.same(subject, field, sorted(expected[field]), ids, rules)


# ---------------------------------------------------------------- totals


def check_counter(name, expected, found, slack, c):
    for key in sorted((set(expected) | set(found)) - {"open"}):
        c.within("totals", f"{name}.{key}", expected.get(key, 0), slack, found.get(key, 0))


def flat(table):
    return {f"{outer}/{inner}": n for outer, inners in (table or {}).items() for inner, n in inners.items()}


def check_totals(expected, found, c):
    for field in ("devices", "eligible_unverified", "identity_conflicts"):
        c.same("totals", field, expected[field], found.get(field))
    for field, name in COUNTERS.items():
        wanted = expected.get(name, {})
        check_counter(field, wanted, found.get(field) or {}, wanted.get("open", 0), c)
    for reading in ("exclusive", "cumulative"):
        check_counter(f"funnel.{reading}", expected["funnel"][reading], (found.get("funnel") or {}).get(reading) or {}, 0, c)
    errors = {error_code(e): e["devices"] for e in found.get("enrollment_errors") or []}
    check_counter("enrollment_errors", expected["enrollment_errors"], errors, 0, c)
    undecided = expected["authority"].get("open", 0)
    for field in ("authority", "authority_reasons"):
        check_counter(field, expected[field], flat(found.get(field)), undecided, c)
    moved = {w: n["effective"] for w, n in (found.get("workload_transition") or {}).items()}
    check_counter("workload_transition.effective", expected["moved"], moved, undecided, c)
    check_blockers(expected, found.get("blockers") or [], c)


def check_blockers(expected, found, c):
    """Blocking rules of device scope; the list may carry warnings and other scopes, which it need not."""
    rows = {f"{b['path']}/{b['rule']}": b for b in found if b.get("scope") == "device"}
    undecided = expected["blockers_open"]
    for key in sorted(set(expected["blockers"]) | set(rows)):
        path, rule = key.split("/")
        row = rows.get(key)
        if row is None and rule in WARNINGS:
            continue
        slack = undecided.get(path, 0) + undecided.get(key, 0)
        c.within("totals", f"blockers.{key}", expected["blockers"].get(key, 0), slack, row["devices"] if row else 0)


# device-scope rules of severity warning (prerequisites.toml)
WARNINGS = {
    "cm.client_healthy",
    "cm.update_client_setting_off",
    "coex.third_party_detected",
    "lic.autopilot_reset_needs_intune",
    "win.device_token_1803",
    "win.push_service_present",
    "win.site_supports_windows_version",
}


# ---------------------------------------------------------------- the rest


def check_estate(expected, found, c):
    tenant = ((found.get("tenant") or {}).get("prerequisites")) or {}
    for path, result in expected["tenant"].items():
        check_path(result, tenant.get(path), f"tenant: {path}", ["prerequisites.toml, scope tenant"], c)
    sites = {(s.get("hierarchy"), s.get("site")): s for s in found.get("sites") or []}
    for site in expected["sites"]:
        subject = f"site {site['hierarchy']}/{site['site']}"
        answer = sites.get((site["hierarchy"], site["site"])) or {}
        c.same(subject, "version", site["version"], answer.get("version"))
        for path in ("path1", "path2"):
            if path in site:
                check_path(site[path], (answer.get("prerequisites") or {}).get(path), f"{subject}: {path}", ["prerequisites.toml, scope site"], c)


def check_inputs(expected, found, c):
    c.same("inputs", "as_of", expected["as_of"], found.get("as_of"))
    inputs = found.get("inputs") or {}
    c.same("inputs", "refused", [], inputs.get("refused") or [])
    skipped = {k: n for k, n in (inputs.get("skipped_records") or {}).items() if n}
    c.same("inputs", "skipped_records", expected["skipped_records"], skipped, ["admin_service.md 6.1"])


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    found = json.loads(pathlib.Path(arguments[0]).read_text(encoding="utf-8"))
    expected = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
    c = Comparison()
    check_inputs(expected, found, c)
    check_estate(expected, found, c)
    check_totals(expected["totals"], found.get("totals") or {}, c)
    c.same("totals", "identity_conflicts listed", expected["totals"]["identity_conflicts"], len(found.get("identity_conflicts") or []))
    check_devices(expected["devices"], found.get("devices") or [], c)
    print(f"{c.passed} passed, {c.failed} failed")
    return 1 if c.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
