"""Checks rendered manifests, and that wrong ones are found.

    manifests.py --kubernetes VERSION... --definitions FILE... --rendered FILE...

Beside the schemas: what refers to what, since a selector that selects nothing is valid for every schema; and what every pod promises.
"""

import argparse
import copy
import os
import pathlib
import sys

import yaml

import keys
from schemas import Schemas

# In which a service drains and ends: `DRAIN_LIMIT` of the supervisor in libs/server.
DRAIN_SECONDS = 25


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubernetes", nargs="+", required=True)
    parser.add_argument("--definitions", nargs="+", type=pathlib.Path, required=True)
    parser.add_argument("--rendered", nargs="+", type=pathlib.Path, required=True)
    options = parser.parse_args()
    versions = [Schemas(version, options.definitions) for version in options.kubernetes]
    found = []
    for path in options.rendered:
        manifests = [m for m in yaml.safe_load_all(path.read_text()) if m]
        here = complaints(manifests, versions)
        print(f"{path.stem}: {len(manifests)} manifests, Kubernetes {', '.join(options.kubernetes)}: {len(here)} complaints")
        found += [f"{path.stem}, {line}" for line in here]
    # The last rendering is the full one.
    found += [f"not found with Kubernetes {v.version}: {name}" for v in versions for name in unnoticed(manifests, v)]
    if not os.environ.get("TANDEM_BIN"):
        print("not checked: whether the services know their keys (TANDEM_BIN names no folder of binaries)")
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


def complaints(manifests, versions):
    """What is wrong with the manifests of one rendering."""
    found = []
    for schemas in versions:
        for manifest in manifests:
            found += [f"Kubernetes {schemas.version}, {_name(manifest)}: {line}" for line in schemas.complaints(manifest)]
    names = [(m["kind"], m["metadata"]["name"]) for m in manifests]
    found += [f"{kind} {name} is there more than once" for kind, name in {n for n in names if names.count(n) > 1}]
    # What follows reads fields that the schemas vouch for.
    return found or references(manifests) + promises(manifests)


def references(manifests):
    """Selectors that do not select what they are for, and names that nobody has."""
    found = []
    pods = {m["metadata"]["name"]: m["spec"]["template"]["metadata"]["labels"] for m in _of(manifests, "Deployment")}
    ports = {
        m["metadata"]["name"]: {p["name"]: p["containerPort"] for c in m["spec"]["template"]["spec"]["containers"] for p in c["ports"]}
        for m in _of(manifests, "Deployment")
    }

    def selected(labels):
        return sorted(name for name, its in pods.items() if labels.items() <= its.items())

    for kind, path in (
        ("Deployment", ("selector", "matchLabels")),
        ("PodDisruptionBudget", ("selector", "matchLabels")),
        ("NetworkPolicy", ("podSelector", "matchLabels")),
        ("Service", ("selector",)),
    ):
        for manifest in _of(manifests, kind):
            labels = manifest["spec"]
            for key in path:
                labels = labels[key]
            wanted = [manifest["metadata"]["name"].removesuffix("-pods")]
            if selected(labels) != wanted:
                found.append(f"{_name(manifest)} selects {selected(labels)}, not {wanted}")
    for service in _of(manifests, "Service"):
        for port in service["spec"]["ports"]:
            its = ports.get(service["metadata"]["name"].removesuffix("-pods"), {})
            if its.get(port["targetPort"]) != port["port"]:
                found.append(f"{_name(service)}: port {port['name']} is {port['port']}, the container's {port['targetPort']} is not")
    for monitor in _of(manifests, "ServiceMonitor"):
        labels = monitor["spec"]["selector"]["matchLabels"].items()
        services = [s for s in _of(manifests, "Service") if labels <= s["metadata"]["labels"].items()]
        names = sorted(s["metadata"]["labels"][monitor["spec"]["jobLabel"]] for s in services)
        if names != sorted(pods):
            found.append(f"{_name(monitor)} scrapes {names}, not {sorted(pods)}")
    accounts = {m["metadata"]["name"] for m in _of(manifests, "ServiceAccount")}
    for deployment in _of(manifests, "Deployment"):
        if deployment["spec"]["template"]["spec"]["serviceAccountName"] not in accounts:
            found.append(f"{_name(deployment)}: there is no such service account")
    return found + conversations(manifests, ports)


def conversations(manifests, ports):
    """Services that are told an address which nobody has, or which the network policies keep from them."""
    found = []
    policies = {m["metadata"]["name"]: m["spec"] for m in _of(manifests, "NetworkPolicy")}
    for caller in _of(manifests, "Deployment"):
        name = caller["metadata"]["name"]
        environment = _environment(caller, manifests)
        asks_issuer = "TANDEM_TOKENS__ISSUER" in environment and "TANDEM_TOKENS__KEYS" not in environment
        if asks_issuer and policies and not any({"port": 443} in rule["ports"] for rule in policies[name]["egress"]):
            found.append(f"the network policies keep {name} from the token issuer")
        for key, value in environment.items():
            if not value.startswith("https://tandem-"):
                continue
            callee, port = value.removeprefix("https://").split(":")
            if ports.get(callee, {}).get("grpc") != int(port):
                found.append(f"{name}: {key} is {value}, where nobody listens")
            elif policies and not (
                _lets(policies[name]["egress"], "to", callee, int(port)) and _lets(policies[callee]["ingress"], "from", name, "grpc")
            ):
                found.append(f"the network policies keep {name} from {value}")
    return found


def _lets(rules, direction, peer, port):
    """Whether one of the rules has a pod of that name as a peer at that port."""
    return any(
        {"port": port} in rule["ports"] and other.get("podSelector", {}).get("matchLabels", {}).get("app.kubernetes.io/name") == peer
        for rule in rules
        for other in rule.get(direction, [])
    )


def promises(manifests):
    """What every pod promises: the `restricted` Pod Security Standard, a read-only root, probes, an orderly end, known keys."""
    found = []
    if _of(manifests, "Secret"):
        found.append("the chart makes a Secret: they come by reference alone")
    for deployment in _of(manifests, "Deployment"):
        spec = deployment["spec"]["template"]["spec"]
        container = spec["containers"][0]
        security, pod = container["securityContext"], spec["securityContext"]
        kept = {
            "runs as a user that is not root": pod.get("runAsNonRoot") is True and pod.get("runAsUser", 0) > 0,
            "has the runtime's seccomp profile": pod.get("seccompProfile") == {"type": "RuntimeDefault"},
            "has a read-only root": security.get("readOnlyRootFilesystem") is True,
            "gains no privileges": security.get("allowPrivilegeEscalation") is False and not security.get("privileged"),
            "has no capabilities": security.get("capabilities") == {"drop": ["ALL"]},
            "shares nothing of its node": not any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")),
            "mounts no token of the Kubernetes API": spec.get("automountServiceAccountToken") is False,
            "is told of no other Services": spec.get("enableServiceLinks") is False,
            "mounts Secrets alone": all(set(v) == {"name", "secret"} for v in spec.get("volumes", [])),
            "asks for cpu and memory": {"cpu", "memory"} <= set(container["resources"].get("requests", {})),
            "has its three probes": all(
                container.get(f"{probe}Probe", {}).get("httpGet") == {"path": path, "port": "operations"}
                for probe, path in (("startup", "/livez"), ("liveness", "/livez"), ("readiness", "/readyz"))
            ),
            "has time to drain": spec["terminationGracePeriodSeconds"]
            > DRAIN_SECONDS + container["lifecycle"]["preStop"]["sleep"]["seconds"],
            "is replaced before it goes": deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0,
        }
        found += [f"{_name(deployment)} breaks a promise: every pod {promise}" for promise, is_kept in kept.items() if not is_kept]
        environment = _environment(deployment, manifests)
        found += [f"{_name(deployment)}: {line}" for line in keys.complaints(environment, deployment["metadata"]["name"])]
    return found


def unnoticed(manifests, version):
    """Wrong manifests in which nothing is found: there must be none."""

    def broken(kind, change):
        wrong = copy.deepcopy(manifests)
        change(_of(wrong, kind)[0])
        return wrong

    def spec(deployment):
        return deployment["spec"]["template"]["spec"]

    wrongs = {
        "an unknown field of a container": ("Deployment", lambda m: spec(m)["containers"][0].update(livenesProbe={})),
        "an unknown field of a pod": ("Deployment", lambda m: spec(m).update(terminationGraceSeconds=40)),
        "a value of the wrong kind": ("Deployment", lambda m: m["spec"].update(replicas="two")),
        "a field that is missing": ("Deployment", lambda m: m["spec"].pop("selector")),
        "a version that is gone": ("PodDisruptionBudget", lambda m: m.update(apiVersion="policy/v1beta1")),
        "an unknown field of an operator's kind": ("ServiceMonitor", lambda m: m["spec"]["endpoints"][0].update(intervall="30s")),
        "an unknown field of a certificate": ("Certificate", lambda m: m["spec"].update(dnsName="tandem-inventory")),
        "a selector that selects nothing": ("Service", lambda m: m["spec"]["selector"].update({"app.kubernetes.io/name": "tandem"})),
        "a policy that keeps services apart": ("NetworkPolicy", lambda m: m["spec"].update(ingress=[], egress=[])),
        "a root that can be written to": (
            "Deployment",
            lambda m: spec(m)["containers"][0]["securityContext"].update(readOnlyRootFilesystem=False),
        ),
        "an end before the drain's": ("Deployment", lambda m: spec(m).update(terminationGracePeriodSeconds=30)),
    }
    if os.environ.get("TANDEM_BIN"):
        wrongs["a key that the service does not know"] = (
            "Deployment",
            lambda m: spec(m)["containers"][0].setdefault("env", []).append({"name": "TANDEM_LISTN", "value": "127.0.0.1:1"}),
        )
    return [name for name, (kind, change) in wrongs.items() if not complaints(broken(kind, change), [version])]


def _environment(deployment, manifests):
    """The variables of a deployment's container; a secret's value is made up."""
    maps = {m["metadata"]["name"]: m["data"] for m in _of(manifests, "ConfigMap")}
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    environment = {}
    for source in container.get("envFrom", []):
        environment |= maps[source["configMapRef"]["name"]]
    secrets = {"TANDEM_DATABASE_URL": "postgres://user:password@database/tandem", "TANDEM_CACHE_URL": "redis://cache"}
    for variable in container.get("env", []):
        environment[variable["name"]] = variable["value"] if "value" in variable else secrets[variable["name"]]
    return environment


def _of(manifests, kind):
    return [m for m in manifests if m["kind"] == kind]


def _name(manifest):
    return f"{manifest.get('kind')} {manifest.get('metadata', {}).get('name')}"


if __name__ == "__main__":
    sys.exit(main())
