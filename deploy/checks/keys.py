"""Whether a service knows the keys that a deployment gives it: one that it does not know stops it at start. The service is asked."""

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
    return [] if answer.returncode == 0 else [answer.stderr.strip()]
