"""The server under test: started in a temporary folder, read until it says that it is ready, ended at the end."""

import os
import pathlib
import queue
import stat
import subprocess
import sys
import tempfile
import threading
import time

START_SECONDS = 60
STOP_SECONDS = 30
STDERR_LINES = 200


class RunningServer:
    """`tandem serve` on ports of the system's choice."""

    def __init__(self, binary):
        self.folder = tempfile.TemporaryDirectory(prefix="tandem-foreign-")
        data = pathlib.Path(self.folder.name, "data")
        data.mkdir()
        self.stderr_path = pathlib.Path(self.folder.name, "stderr.txt")
        self.stderr_file = self.stderr_path.open("wb")
        # TANDEM_* is the server's configuration; what names the binary to us is none of it.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
        # Every RPC is called without a token once, from one address: more refusals than one is allowed by default.
        environment["TANDEM_LIMITS__REFUSED_LOGINS_BURST"] = "1000"
        self.process = subprocess.Popen(
            [str(binary), "serve", "--data", str(data), "--listen", "127.0.0.1:0", "--operations", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.stderr_file, env=environment, text=True,
        )
        self.lines = queue.Queue()
        threading.Thread(target=self._read_lines, daemon=True).start()
        self.said = {}

    def _read_lines(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def wait_until_ready(self):
        """Reads `api URL`, `operations URL`, `token-file PATH` and `ready`, in any order but for the last."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise RuntimeError(f"the server is not ready after {START_SECONDS} s; it said {self.said}") from None
            if line is None:
                raise RuntimeError(f"the server ended before it was ready, exit code {self.process.wait()}")
            if line == "ready":
                break
            word, _, rest = line.partition(" ")
            self.said[word] = rest
        missing = {"api", "operations", "token-file"} - self.said.keys()
        if missing:
            raise RuntimeError(f"the server is ready and did not say {sorted(missing)}; it said {self.said}")

    @property
    def address(self):
        """`host:port` of the API."""
        return self.said["api"].removeprefix("http://")

    @property
    def token_file(self):
        return pathlib.Path(self.said["token-file"])

    def token(self):
        return self.token_file.read_text(encoding="utf-8").strip()

    def token_file_mode(self):
        return stat.S_IMODE(self.token_file.stat().st_mode)

    def stop(self, show_stderr):
        """Ends the server, politely first, and shows the end of what it logged."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.stderr_file.close()
        if show_stderr:
            logged = self.stderr_path.read_text(encoding="utf-8", errors="replace").splitlines()
            shown = logged[-STDERR_LINES:]
            print(f"--- the server's standard error, last {len(shown)} of {len(logged)} lines", *shown, sep="\n", file=sys.stderr)
        self.folder.cleanup()
