"""Holds the suite to the contracts: every RPC of proto/ has a call that is answered and one that is refused."""

import json
import re

PACKAGE = re.compile(r"^package ([\w.]+);", re.MULTILINE)
SERVICE_OR_RPC = re.compile(r"^\s*(service|rpc) (\w+)", re.MULTILINE)


# What one caller cannot show: a plan is approved by somebody else than who asked for it. The suite calls as one.
ANSWERED_TO_OTHERS = {"tandem.authority.v1.ApprovalService/ApprovePlan", "tandem.authority.v1.RolloutService/ApproveRollout"}


def rpcs(proto):
    """`package.Service/Method` of every RPC under a folder of .proto files."""
    for file in sorted(proto.rglob("*.proto")):
        text = file.read_text(encoding="utf-8")
        service = None
        for kind, name in SERVICE_OR_RPC.findall(text):
            if kind == "service":
                service = f"{PACKAGE.search(text)[1]}.{name}"
            else:
                yield f"{service}/{name}"


def uncovered(proto, suite):
    """What the suite's files lack, one line each."""
    calls = [row for file in suite for row in json.loads(file.read_text(encoding="utf-8"))["calls"]]
    answered = {row["call"] for row in calls if "error" not in row}
    # Every RPC refuses a caller without the token; that says nothing of its own documented errors.
    refused = {row["call"] for row in calls if "error" in row and not row.get("withoutToken")}
    for path in rpcs(proto):
        if path not in answered | ANSWERED_TO_OTHERS:
            yield f"{path}: a call that is answered"
        if path not in refused:
            yield f"{path}: a call that is refused"
