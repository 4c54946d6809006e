"""run_suite.py ADDRESS TOKEN_FILE SUITE_FILE...: runs the contract suite through the generated Python clients.

One line per call that fails, then `N passed, M failed`.
"""

import json
import pathlib
import sys

import grpc
from client import Clients, as_json, merged, refusal
from expect import difference, fill
from google.protobuf import json_format


def trouble(clients, row, kept):
    """What is wrong with the answer to a row's call; None if nothing is."""
    requests = fill(row["requests"] if "requests" in row else [row["request"]], kept)
    try:
        answers = clients.ask(row["call"], requests, not row.get("withoutToken", False))
    except grpc.RpcError as error:
        found = refusal(error)
        if "error" not in row:
            return f"refused: {found} {error.details()}"
        return difference({"domain": "tandem", **row["error"]}, found, kept, "error")
    if "error" in row:
        return f"expected {row['error']}, found an answer"
    if "answers" in row:
        return difference(row["answers"], [as_json(answer) for answer in answers], kept, "answers")
    return difference(row["answer"], as_json(merged(answers)), kept)


def main(address, token_file, *suite_files):
    clients = Clients(address, pathlib.Path(token_file).read_text(encoding="utf-8").strip())
    kept, passed, failed = {}, 0, 0
    for file in map(pathlib.Path, suite_files):
        for row in json.loads(file.read_text(encoding="utf-8"))["calls"]:
            try:
                wrong = trouble(clients, row, kept)
            except (LookupError, json_format.Error) as error:
                wrong = f"{type(error).__name__}: {error}"
            if wrong:
                failed += 1
                print(f"{file.name}: {row['call']}: {row['about']}: {wrong}")
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
