"""Checks that alert rules and the dashboard speak of metrics that the services have; prints the dashboard's expressions as rules, so that
`promtool check rules` reads them too.

    metrics.py REPOSITORY
"""

import json
import pathlib
import re
import sys

import yaml

# What begins like a metric of ours, and the labels among them. `up` is Prometheus' own.
OURS = re.compile(r"\b(?:tandem|grpc)_[a-z_]+\b")
LABELS = {"grpc_method", "grpc_status"}
RECORDED = re.compile(r"\b(?:counter|gauge|histogram)!\(\s*\"([a-z_]+)\"")
RPC = re.compile(r"\brpc (\w+)\((stream )?\w+\) returns \((stream )?\w+\)")
# Methods whose calls last as long as their stream: their durations say nothing of how fast they answer.
STREAMS = re.compile(r"(?:Watch|Stream|Report|Import|Export)\w+")
VARIABLES = {"$__rate_interval": "5m", "$job": "tandem-.+", "$method": ".+"}


def main():
    repository = pathlib.Path(sys.argv[1])
    files = repository / "deploy/helm/tandem/files"
    rules = yaml.safe_load((files / "alerts.yaml").read_text())
    dashboard = json.loads((files / "dashboard.json").read_text())
    alerts = {rule["alert"]: rule["expr"] for group in rules["groups"] for rule in group["rules"]}
    panels = {f"{p['title']}, {t['refId']}": t["expr"] for p in dashboard["panels"] for t in p.get("targets", [])}
    found = unknown(alerts | panels, recorded(repository)) + misnamed(repository)
    if not unknown({"": "rate(tandem_no_such_metric_total[5m])"}, {"tandem_other_total"}):
        found.append("not found: a metric that no service has")
    for line in found:
        print(line, file=sys.stderr)
    json.dump({"groups": [{"name": "dashboard", "rules": as_rules(panels)}]}, sys.stdout, indent=1)
    return 1 if found else 0


def recorded(repository):
    """The metrics that the code records."""
    sources = [path for room in ("libs", "services") for path in (repository / room).rglob("*.rs")]
    return {name for path in sources for name in RECORDED.findall(path.read_text())}


def unknown(expressions, known):
    """Metrics in expressions that nobody records. A histogram is read by three names."""
    found = []
    for where, expression in expressions.items():
        for name in sorted(set(OURS.findall(expression)) - LABELS):
            if not {name, re.sub("_(bucket|sum|count)$", "", name)} & known:
                found.append(f"{where}: no service has the metric {name}")
    return found


def misnamed(repository):
    """Methods whose name does not say whether they stream, as the expressions take it to."""
    found = []
    for path in (repository / "proto").rglob("*.proto"):
        for name, asked, answered in RPC.findall(path.read_text()):
            if bool(asked or answered) != bool(STREAMS.fullmatch(name)):
                found.append(f"{path.name}: {name} streams or does not, other than its name says: see STREAMS")
    return found


def as_rules(panels):
    """Each expression as a rule that records it, with the dashboard's variables filled in."""
    rules = []
    for number, expression in enumerate(panels.values()):
        for variable, value in VARIABLES.items():
            expression = expression.replace(variable, value)
        rules.append({"record": f"dashboard:{number}", "expr": expression})
    return rules


if __name__ == "__main__":
    sys.exit(main())
