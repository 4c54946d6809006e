"""The text of expected.json: the archetypes' hand-written results, one per device, and their sums."""

import collections
import json

FLAGS = ("query", "prose", "cloud")
PATHS = ("path1", "path2", "coexistence")
CATEGORIES = ("os_group", "os_version", "funnel_stage", "enrollment_status")
STAGES = ("eligible", "scheduled", "enrollment_initiated", "enrolled")


def plain(value):
    return None if value == "none" else value


def device_result(archetype, name, match):
    e = archetype["expected"]
    result = {"name": name, "archetype": archetype["id"], "rules": e["rules"], "match": match}
    for field in ("state", "leaving", "enrollment_conflict", "eligibility", "eligible_unverified", "authority"):
        result[field] = e[field]
    for field in ("hierarchy", "site", "enrollment_error", *CATEGORIES):
        result[field] = plain(e[field])
    for field in ("capability_value", "unknown_bits"):
        if field in e:
            result[field] = e[field]
    result["co_managed"] = dict(zip(FLAGS, e["co_managed"]))
    result["drift"] = [dict(zip(("workload", "effective", "reported", "by"), d)) for d in e["drift"]]
    result["prerequisites"] = {p: e[p] for p in PATHS}
    return result


def count(counter, value):
    """"open" answers are counted apart: the total of any key may be that much higher."""
    if value is not None:
        counter[value] += 1


def totals(devices, archetypes):
    c = collections.defaultdict(collections.Counter)
    for d in devices:
        count(c["states"], d["state"])
        count(c["eligibility"], d["eligibility"])
        count(c["eligible_unverified"], d["eligible_unverified"])
        for flag in FLAGS:
            count(c["co_managed"], flag if d["co_managed"][flag] is True else None)
        for category in CATEGORIES:
            count(c[category], d[category])
        count(c["enrollment_errors"], d["enrollment_error"])
        count_authority(c, d)
        for workload in {entry["workload"] for entry in d["drift"]}:
            c["drift"][workload] += 1
        for path in PATHS:
            count_rules(c, path, d["prerequisites"][path])
    exclusive = {s: c["funnel_stage"][s] for s in STAGES}
    cumulative = {s: sum(exclusive[t] for t in STAGES[i:]) for i, s in enumerate(STAGES)}
    out = {name: dict(sorted((str(k), n) for k, n in counter.items())) for name, counter in sorted(c.items())}
    out["devices"] = len(devices)
    out["eligible_unverified"] = c["eligible_unverified"][True]
    out["funnel"] = {"exclusive": exclusive, "cumulative": cumulative}
    out["identity_conflicts"] = sum(a["expected"].get("identity_conflicts", 0) for a in archetypes)
    return out


def count_authority(c, device):
    if device["authority"] == "open":
        c["authority"]["open"] += 1
        return
    for workload, (authority, reason) in device["authority"].items():
        c["authority"][f"{workload}/{authority}"] += 1
        c["authority_reasons"][f"{workload}/{reason}"] += 1
        if authority == "intune" and reason != "mdm_only":
            c["moved"][workload] += 1


def count_rules(c, path, result):
    if result == "open":
        c["blockers_open"][path] += 1
        return
    for rule in result["unsatisfied"]:
        c["blockers"][f"{path}/{rule}"] += 1
    for rule in result.get("open", []):
        c["blockers_open"][f"{path}/{rule}"] += 1


def expected_text(members, archetypes, sites):
    """The text of expected.json; `members` are (archetype, device name, record keys)."""
    devices = [device_result(*entry) for entry in members]
    skipped = collections.Counter()
    for archetype in archetypes:
        if "skipped" in archetype["expected"]:
            skipped[archetype["expected"]["skipped"]] += archetype["count"]
    head = {
        "as_of": "2026-11-20T23:59:59Z",
        "skipped_records": dict(sorted(skipped.items())),
        "totals": totals(devices, archetypes),
        **sites,
    }
    text = json.dumps(head, indent=1)[:-2] + ',\n "devices": [\n'
    return text + ",\n".join(json.dumps(d, separators=(",", ":")) for d in devices) + "\n]}\n"
