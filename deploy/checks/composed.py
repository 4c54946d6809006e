"""Checks the system that `compose.yaml` describes, from standard input as `docker compose config --format json` prints it: what every
container is kept from, that nothing is published beyond this machine, and that the services know their keys."""

import json
import sys

import keys


def main():
    services = json.load(sys.stdin)["services"]
    found = [f"{name}: {line}" for name, service in services.items() for line in complaints(service)]
    for name in services:
        if name.startswith("tandem-"):
            found += [f"{name}: {line}" for line in keys.complaints(services[name]["environment"], name)]
    # A service without a limit must be noticed, or this checks nothing.
    bare = {"ports": [{"published": "5432"}], "user": "root", "volumes": [{"type": "bind", "source": "/"}]}
    if len(complaints(bare | {"security_opt": ["seccomp=unconfined"]})) != 7:
        found.append("not found: a container without limits")
    print(f"compose.yaml: {len(services)} services, {len(found)} complaints")
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


def complaints(service):
    """What a container may do and should not."""
    kept = {
        "its root can be written to": service.get("read_only") is True,
        "it has capabilities": service.get("cap_drop") == ["ALL"] and not service.get("cap_add") and not service.get("privileged"),
        "its calls to the kernel are not filtered": not any("unconfined" in option for option in service.get("security_opt", [])),
        "it may gain privileges": "no-new-privileges:true" in service.get("security_opt", []),
        "it may run as root": service.get("user", "root").split(":")[0] not in ("root", "0"),
        "a port is published beyond this machine": all(p.get("host_ip") == "127.0.0.1" for p in service.get("ports", [])),
        "it may change files of this machine": all(v["type"] == "volume" or v.get("read_only") for v in service.get("volumes", [])),
    }
    return [complaint for complaint, fine in kept.items() if not fine]


if __name__ == "__main__":
    sys.exit(main())
