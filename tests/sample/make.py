#!/usr/bin/env python3
"""Multiply the archetypes into the sample fleet (fleet/) and its expected result (expected.json).

This script knows nothing of Tandem and decides nothing: every expected value is written by hand in archetypes/*.toml.
It copies, numbers and counts. Python 3.11, standard library only.

    python3 tests/sample/make.py            write fleet/ and expected.json
    python3 tests/sample/make.py --check    exit 1 unless the committed files are exactly these
"""

import collections
import copy
import hashlib
import json
import pathlib
import sys
import tomllib
import uuid

from expectations import expected_text

HERE = pathlib.Path(__file__).resolve().parent
GRAPH_PAGE = 100
SITE_PAGE = 150
RECORD_KINDS = ("discovery", "console", "state", "beta", "v1", "directory")
PATHS = ("path1", "path2", "coexistence")
WORKLOADS = (
    "compliance_policies",
    "windows_update_policies",
    "resource_access_policies",
    "endpoint_protection",
    "device_configuration",
    "office_click_to_run_apps",
    "client_apps",
)
WMI_CLASS = {
    "sites": "SMS_Site",
    "collections": "SMS_Collection",
    "members": "SMS_FullCollectionMembership",
    "discovery": "SMS_R_System",
    "console": "Device",
    "state": "SMS_Client_ComanagementState",
}


def merged(below, above):
    """Tables merge, everything else is replaced."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return copy.deepcopy(above)
    out = copy.deepcopy(below)
    for key, value in above.items():
        out[key] = merged(out[key], value) if key in out else copy.deepcopy(value)
    return out


class Archetypes:
    """The hand-written archetypes with their shared parts resolved."""

    def __init__(self):
        shared = {"record": {}, "base": {}, "authority": {}, "report": {}, "prerequisites": {}}
        raw = []
        for path in sorted((HERE / "archetypes").glob("*.toml")):
            document = tomllib.loads(path.read_text(encoding="utf-8"))
            for part in shared:
                shared[part].update(document.get(part, {}))
            raw += document.get("archetype", [])
        self.shared = shared
        self.all = [self.resolve(entry) for entry in raw]
        repeated = [k for k, n in collections.Counter(a["id"] for a in self.all).items() if n > 1]
        if repeated:
            raise SystemExit(f"archetype ids repeat: {repeated}")

    def base(self, name):
        entry = self.shared["base"][name]
        below = self.base(entry["from"]) if "from" in entry else {}
        return self.lay(below, entry)

    @staticmethod
    def lay(below, above):
        """Inputs merge deeply; an expected value replaces the one below it as a whole."""
        expected = {**below.get("expected", {}), **above.get("expected", {})}
        out = merged({k: v for k, v in below.items() if k != "expected"}, {k: v for k, v in above.items() if k != "expected"})
        out["expected"] = copy.deepcopy(expected)
        return out

    def resolve(self, entry):
        out = self.lay(self.base(entry["base"]), entry)
        for kind in RECORD_KINDS:
            out[kind] = merged(self.shared["record"][kind], out.get(kind, {}))
        if "skipped" in out["expected"]:
            return out
        out["expected"]["authority"] = self.authority(out["expected"]["authority"])
        out["expected"]["reported"] = self.reported(out["expected"])
        for path in PATHS:
            if isinstance(out["expected"][path], str):
                out["expected"][path] = self.shared["prerequisites"][out["expected"][path]]
        for field in ("story", "rules"):
            if not (out.get(field) or out["expected"].get(field)):
                raise SystemExit(f"{out['id']}: no {field}")
        return out

    def authority(self, name):
        table = self.shared["authority"][name]
        return {w: table.get("all") or table[w] for w in WORKLOADS}

    def reported(self, expected):
        out = {}
        for side in ("site", "cloud"):
            table = self.shared["report"][side][expected[f"{side}_report"]]
            silent = WORKLOADS if table.get("silent") == "all" else table.get("silent", [])
            out[side] = {w: "intune" if w in table["intune"] else "configuration_manager" for w in WORKLOADS if w not in silent}
            if side == "site":
                out["capability_value"] = table.get("value")
                out["unknown_bits"] = table.get("unknown_bits", 0)
        return out


# ---------------------------------------------------------------- ids


def digest(*parts):
    return hashlib.sha256("/".join(str(p) for p in parts).encode()).digest()


def guid(*parts):
    return str(uuid.UUID(bytes=digest(*parts)[:16], version=4))


def serial(*parts):
    letters = "23456789BCDFGHJKLMNPQRSTVWXYZ"
    return "".join(letters[b % len(letters)] for b in digest(*parts)[:8])


def identity(archetype_id, index):
    return {
        "entra": guid(archetype_id, index, "entra"),
        "intune": guid(archetype_id, index, "intune"),
        "smsid": "GUID:" + guid(archetype_id, index, "smsid").upper(),
        "serial": serial(archetype_id, index, "serial"),
        "smbios": guid(archetype_id, index, "smbios").upper(),
        "object": guid(archetype_id, index, "object"),
        "pair.serial": serial(archetype_id, index // 2, "pair"),
        "pair.smbios": guid(archetype_id, index // 2, "pair").upper(),
    }


def filled(value, words):
    """The value with its "@" words replaced; "@null" becomes null and "@absent" leaves its member out."""
    if isinstance(value, dict):
        pairs = ((k, filled(v, words)) for k, v in value.items() if v != "@absent")
        return dict(pairs)
    if isinstance(value, list):
        return [filled(v, words) for v in value]
    if not isinstance(value, str) or "@" not in value:
        return value
    if value == "@null":
        return None
    if value.startswith("@of:"):
        _, archetype_id, kind = value.split(":")
        return identity(archetype_id, words["index"])[kind]
    if value == "@entra.upper":
        return words["entra"].upper()
    if value == "@entra.braced":
        return "{" + words["entra"].upper() + "}"
    if value[1:] in words:
        return words[value[1:]]
    return value.replace("@name", words["name"])


# ---------------------------------------------------------------- records


class Fleet:
    """The records of every device, by the page they belong to."""

    def __init__(self, estate):
        self.hierarchies = {h["code"]: h for h in estate["hierarchy"]}
        self.next_resource = {c: h["first_resource"] for c, h in self.hierarchies.items()}
        self.site_records = {c: collections.defaultdict(list) for c in self.hierarchies}
        self.graph = {"beta": [], "v1": [], "directory": []}
        self.devices = []

    def add(self, archetype, index):
        words = identity(archetype["id"], index)
        number = index + 1 if not archetype.get("name_pairs") else index // 2 + 1
        words.update(index=index, name=f"{archetype['name']}-{number:02d}")
        match = []
        for code in [archetype["hierarchy"], *archetype.get("also", [])]:
            if code:
                match += self.add_at_site(archetype, code, words, index)
        home = self.hierarchies.get(archetype["hierarchy"], self.hierarchies["PS1"])
        words["client_version"] = home["client_version"]
        for kind in ("beta", "v1"):
            if kind in archetype["records"]:
                record = filled(archetype[kind], words)
                self.graph[kind].append(record)
                match.append(f"intune:{record['id']}")
        if "directory" in archetype["records"]:
            self.graph["directory"].append(filled(archetype["directory"], words))
        if "skipped" not in archetype["expected"]:
            device = {"name": words["name"], "match": sorted(set(match)), "words": words, "filled": lambda text: filled(text, words)}
            self.devices.append((archetype, device))

    def add_at_site(self, archetype, code, words, index):
        hierarchy = self.hierarchies[code]
        resource = archetype.get("resource") or self.next_resource[code]
        self.next_resource[code] += 1
        words = {**words, "site": code, "client_version": hierarchy["client_version"]}
        found = []
        for kind in ("discovery", "console", "state"):
            if kind not in archetype["records"]:
                continue
            said = archetype[kind] if code == archetype["hierarchy"] else merged(archetype[kind], archetype.get("elsewhere", {}).get(kind, {}))
            record = filled(said, words)
            key = "MachineId" if kind == "console" else "ResourceID"
            record = {key: resource, **record}
            self.site_records[code][kind].append(wmi(kind, resource, code, record))
            found = [f"configmgr/{code}:{code}/{resource}"]
        for collection in archetype["members"]:
            if collection.startswith(code[:2]):
                self.join(code, collection, resource, words, index)
        return found

    def join(self, code, collection, resource, words, index):
        record = {
            "CollectionID": collection,
            "ResourceID": resource,
            "ResourceType": 5,
            "Name": words["name"],
            "SMSID": words["smsid"],
            "SiteCode": code,
            "IsClient": True,
            "IsDirect": (True, False, None)[index % 3],
            "IsObsolete": False,
        }
        self.site_records[code]["members"].append(wmi("members", f"{collection},{resource}", code, record))

    def documents(self):
        for code, hierarchy in self.hierarchies.items():
            yield from self.site_documents(code, hierarchy)
        for kind, version in (("beta", "beta"), ("v1", "v1.0")):
            pages = split(self.graph[kind], GRAPH_PAGE)
            for number, page in enumerate(pages, 1):
                base = f"https://graph.microsoft.com/{version}"
                head = {
                    "@odata.context": f"{base}/$metadata#deviceManagement/managedDevices",
                    "@odata.count": len(page),
                }
                if number < len(pages):
                    last = page[-1]["id"]
                    head["@odata.nextLink"] = f"{base}/deviceManagement/managedDevices?$skiptoken=LastDeviceId%3d%2527{last}%2527"
                yield f"intune/{kind}-{number:03d}.json", page_text(head, page)
        head = {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#devices"}
        yield "entra/devices-001.json", page_text(head, self.graph["directory"])

    def site_documents(self, code, hierarchy):
        records = self.site_records[code]
        rows = records["members"]
        records["sites"] = [wmi("sites", s["SiteCode"], code, s) for s in hierarchy.get("site", [])]
        records["collections"] = [collection_record(c, code, rows) for c in hierarchy.get("collection", [])]
        for kind, class_name in WMI_CLASS.items():
            route = "v1.0" if kind == "console" else "wmi"
            head = {"@odata.context": f"https://{hierarchy['host']}/AdminService/{route}/$metadata#{class_name}"}
            pages = split(records[kind], SITE_PAGE)
            for number, page in enumerate(pages, 1):
                yield f"configmgr-{code}/{class_name}-{number:03d}.json", page_text(head, page)


def collection_record(collection, code, rows):
    count = sum(1 for r in rows if r["CollectionID"] == collection["id"])
    if collection.get("members") == "not_exported":
        count = 14
    record = {
        "CollectionID": collection["id"],
        "Name": collection["name"],
        "CollectionType": 2,
        "Comment": "",
        "CurrentStatus": 1,
        "IsBuiltIn": False,
        "LimitToCollectionID": "SMS00001",
        "LimitToCollectionName": "All Systems",
        "LocalMemberCount": count,
        "MemberCount": count,
        "LastChangeTime": "2026-06-02T10:00:00Z",
        "LastMemberChangeTime": "2026-11-18T14:05:00Z" if count else None,
        "LastRefreshTime": "2026-11-20T05:35:00.143Z",
        "RefreshType": None,
    }
    return wmi("collections", collection["id"], code, record)


def wmi(kind, key, code, record):
    """A record as its route answers it: the wmi route repeats WMI system fields (shortened here)."""
    if kind == "console":
        return record
    class_name = WMI_CLASS[kind]
    head = {
        "@odata.etag": str(key),
        "__LAZYPROPERTIES": [],
        "__CLASS": class_name,
        "__RELPATH": f"{class_name}.Key={key}",
        "__NAMESPACE": f"root\\sms\\site_{code}",
    }
    return {**head, **record}


def split(records, size):
    return [records[i : i + size] for i in range(0, len(records), size)]


def page_text(head, records):
    """One record a line, so that a change of one device is one line of the diff."""
    dump = lambda v: json.dumps(v, ensure_ascii=False, separators=(",", ":"))
    lines = ",\n".join(dump(r) for r in records)
    return dump(head)[:-1] + ',"value":[\n' + lines + "\n]}\n"


# ---------------------------------------------------------------- files


def generated():
    estate = tomllib.loads((HERE / "estate/hierarchies.toml").read_text(encoding="utf-8"))
    sites = tomllib.loads((HERE / "estate/expected.toml").read_text(encoding="utf-8"))
    archetypes = Archetypes().all
    fleet = Fleet(estate)
    for archetype in archetypes:
        for index in range(archetype["count"]):
            fleet.add(archetype, index)
    files = {f"fleet/{name}": text for name, text in fleet.documents()}
    for name in ("tenant.toml", "policy-PS1.toml", "policy-EU1.toml", "policy-LB1.toml", "policy-NO1.toml"):
        files[f"fleet/{name}"] = (HERE / "estate" / name).read_text(encoding="utf-8")
    files["expected.json"] = expected_text(fleet.devices, archetypes, sites)
    return files


def main(arguments):
    files = generated()
    present = {p.relative_to(HERE).as_posix() for p in (HERE / "fleet").rglob("*") if p.is_file()}
    stale = sorted(present - set(files))
    if arguments == ["--check"]:
        differ = [n for n, text in files.items() if not (HERE / n).is_file() or (HERE / n).read_text(encoding="utf-8") != text]
        for name in [*differ, *stale]:
            print(f"{name}: not what make.py writes")
        return 1 if differ or stale else 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    for name, text in files.items():
        (HERE / name).parent.mkdir(parents=True, exist_ok=True)
        (HERE / name).write_text(text, encoding="utf-8")
    for name in stale:
        (HERE / name).unlink()
    size = sum(len(t.encode()) for n, t in files.items() if n.startswith("fleet/"))
    print(f"{len(files)} files, fleet {size // 1024} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
