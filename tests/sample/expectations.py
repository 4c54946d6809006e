"""The text of expected.json: the archetypes' hand-written results, one per device, and their sums."""

import collections
import json

FLAGS = ("query", "prose", "cloud")
PATHS = ("path1", "path2", "coexistence")
CATEGORIES = ("os_group", "os_version", "funnel_stage", "enrollment_status")
STAGES = ("eligible", "scheduled", "enrollment_initiated", "enrolled")
GUIDS = ("entra_device_id", "smbios_guid")


def plain(value):
    return None if value == "none" else value


def device_result(archetype, device):
    e = archetype["expected"]
    result = {"name": device["name"], "archetype": archetype["id"], "rules": e["rules"], "match": device["match"]}
    for field in ("state", "leaving", "enrollment_conflict", "eligibility", "eligible_unverified", "authority", "reported"):
        result[field] = e[field]
    for field in ("hierarchy", "site", "enrollment_error", *CATEGORIES):
        result[field] = plain(e[field])
    result["co_managed"] = dict(zip(FLAGS, e["co_managed"]))
    result["drift"] = [dict(zip(("workload", "effective", "reported", "by"), d)) for d in e["drift"]]
    result["prerequisites"] = {p: e[p] for p in PATHS}
    return result


def count(counter, value):
    if value is not None:
        counter[value] += 1


def totals(devices):
    c = collections.defaultdict(collections.Counter)
    for d in devices:
        count(c["states"], d["state"])
        count(c["eligibility"], d["eligibility"])
        count(c["eligible_unverified"], d["eligible_unverified"])
        for flag in FLAGS:
            count(c["co_managed"], flag if d["co_managed"][flag] else None)
        for category in CATEGORIES:
            count(c[category], d[category])
        count(c["enrollment_errors"], d["enrollment_error"])
        for workload, (authority, reason) in d["authority"].items():
            c["authority"][f"{workload}/{authority}"] += 1
            c["authority_reasons"][f"{workload}/{reason}"] += 1
            count_transition(c, d, workload, authority)
        for workload in {entry["workload"] for entry in d["drift"]}:
            c["drift"][workload] += 1
        for path in PATHS:
            for rule in d["prerequisites"][path]["unsatisfied"]:
                c["blockers"][f"{path}/{rule}"] += 1
    exclusive = {s: c["funnel_stage"][s] for s in STAGES}
    cumulative = {s: sum(exclusive[t] for t in STAGES[i:]) for i, s in enumerate(STAGES)}
    out = {name: dict(sorted((str(k), n) for k, n in counter.items())) for name, counter in sorted(c.items())}
    out["devices"] = len(devices)
    out["eligible_unverified"] = c["eligible_unverified"][True]
    out["funnel"] = {"exclusive": exclusive, "cumulative": cumulative}
    return out


def count_transition(c, device, workload, authority):
    """Co-managed by the query rule and with the client: those are in the funnel."""
    if not (device["co_managed"]["query"] and device["funnel_stage"]):
        return
    reports = [device["reported"][side].get(workload) for side in ("site", "cloud")]
    for reading, answers in (("effective", [authority]), ("reported", reports)):
        if "intune" in answers:
            c["workload_transition"][f"{workload}/{reading}"] += 1


def identity_conflicts(members):
    """One for each device that claims what another holds: its archetype says which key, and who is the holder."""
    held = {(archetype["id"], device["words"]["index"]): device for archetype, device in members}
    out = []
    for archetype, device in members:
        index = device["words"]["index"]
        for conflict in archetype["expected"]["identity_conflicts"]:
            if conflict["holder"] == "first of pair":
                holder = held[archetype["id"], index - index % 2]
            else:
                holder = held[conflict["holder"], index]
            if holder is device:
                continue
            value = device["filled"](conflict["value"])
            value = value.lower() if conflict["kind"] in GUIDS else value  # DeviceKey: GUIDs in lower case
            out.append({"kind": conflict["kind"], "value": value, "holder": holder["match"], "claimant": device["match"][0]})
    return out


def expected_text(members, archetypes, sites):
    """The text of expected.json; `members` are (archetype, device)."""
    devices = [device_result(*entry) for entry in members]
    skipped = collections.Counter()
    for archetype in archetypes:
        if "skipped" in archetype["expected"]:
            skipped[archetype["expected"]["skipped"]] += archetype["count"]
    conflicts = identity_conflicts(members)
    head = {
        "as_of": "2026-11-20T23:59:59Z",
        "skipped_records": dict(sorted(skipped.items())),
        "totals": {**totals(devices), "identity_conflicts": len(conflicts)},
        "identity_conflicts": conflicts,
        "tenant": sites["tenant"],
        "sites": [{**site, "version": plain(site["version"])} for site in sites["sites"]],
    }
    text = json.dumps(head, indent=1)[:-2] + ',\n "devices": [\n'
    return text + ",\n".join(json.dumps(d, separators=(",", ":")) for d in devices) + "\n]}\n"
