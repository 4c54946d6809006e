"""Whether a service knows the keys that a deployment gives it, and is given those that it needs. The service is asked: a key that it does
not know stops it at start, and one that it was not given may be left at an address of its own machine, where nobody answers."""

import json
import os
import pathlib
import subprocess


def complaints(environment, service):
    """What `service` says to the variables of its container. `TANDEM_BIN` names the folder of the binaries; unset: nobody is asked."""
    folder = os.environ.get("TANDEM_BIN")
    if not folder:
        return []
    binary = pathlib.Path(folder) / service
    given = {key: value for key, value in environment.items() if key.startswith("TANDEM_")}
    answer = subprocess.run([binary, "--print-config"], env=given, capture_output=True, text=True, timeout=30, check=False)
    if answer.returncode != 0:
        return [answer.stderr.strip()]
    result = json.loads(answer.stdout)
    return [f"{key} is left at {value}" for key, value in result.items() if isinstance(value, str) and "127.0.0.1" in value]
