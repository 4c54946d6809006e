"""The table of calls: for each RPC what it answers, and how it refuses bad input.

The modules `calls_*` fill it; `test_foreign_client` turns each row into a check and refuses to pass while an RPC that
reflection names has no row.
"""

import functools
from dataclasses import dataclass
from typing import Any

# The status of each reason, as `tandem.type.v1.ErrorReason` documents it.
CODES = {
    "INVALID_FIELD": "INVALID_ARGUMENT",
    "INVALID_PAGE_TOKEN": "INVALID_ARGUMENT",
    "INVALID_CONSISTENCY_TOKEN": "INVALID_ARGUMENT",
    "RESOURCE_NOT_FOUND": "NOT_FOUND",
    "RESOURCE_ALREADY_EXISTS": "ALREADY_EXISTS",
    "ETAG_MISMATCH": "ABORTED",
    "REQUEST_ID_REUSED": "FAILED_PRECONDITION",
    "APPROVALS_MISSING": "FAILED_PRECONDITION",
    "LIMIT_EXCEEDED": "RESOURCE_EXHAUSTED",
    "UNAUTHENTICATED": "UNAUTHENTICATED",
}

# path -> functions of (check, world)
ANSWERS = {}
# path -> refusals
REFUSALS = {}


@dataclass(frozen=True)
class Refusal:
    """A request that must be refused: with that reason, and for INVALID_FIELD naming that field."""

    reason: str
    # A request, or a function of the world that makes one.
    request: Any
    field: str | None = None
    # The resource that ResourceInfo names.
    resource: str | None = None


def answers(*paths):
    """Marks a check of what RPCs answer. Of several it is one story, which is gone through once, whichever asks first."""

    def add(function):
        told = []

        @functools.wraps(function)
        def once(check, world):
            if not told:
                told.append("did not get to its end")
                function(check, world)
                told[0] = None
            check.assertIsNone(told[0])

        for path in paths:
            ANSWERS.setdefault(path, []).append(once if len(paths) > 1 else function)
        return function

    return add


def refuses(path, reason, request, field=None, resource=None):
    """Adds a request that an RPC must refuse."""
    REFUSALS.setdefault(path, []).append(Refusal(reason, request, field, resource))
