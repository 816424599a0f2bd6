# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus of the test's own: configuration in, queries out."""
import json
import pathlib
import re
import signal
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from harness.wait import wait_until

LISTENING = re.compile(r"address=127\.0\.0\.1:([1-9]\d*)")


class PrometheusServer:
    """configuration: the text of prometheus.yml."""

    def __init__(self, program, configuration, *flags, prefix=()):
        self.directory = tempfile.TemporaryDirectory(prefix="bunscope-prometheus-")
        folder = pathlib.Path(self.directory.name)
        (folder / "prometheus.yml").write_text(configuration)
        self.log_path = folder / "log"
        self.port = None
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [*prefix, program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                 "--web.listen-address=127.0.0.1:0", "--log.level=info", *flags],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def _find_port(self):
        assert self.process.poll() is None, f"prometheus ended: {self.log}"
        match = LISTENING.search(self.log)
        return match and int(match.group(1))

    def wait_ready(self):
        self.port = wait_until(self._find_port, "prometheus listens")
        wait_until(self._is_ready, "prometheus is ready")
        return self

    def _is_ready(self):
        try:
            return self.get("/-/ready") is not None
        except urllib.error.URLError:
            return False

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
            return response.read()

    def query(self, expression):
        """The instant vector as {labels: value}, labels a frozenset of pairs."""
        answer = json.loads(self.get("/api/v1/query?" + urllib.parse.urlencode({"query": expression})))
        assert answer["status"] == "success", answer
        return {frozenset(s["metric"].items()): float(s["value"][1]) for s in answer["data"]["result"]}

    def scalar(self, expression):
        """The one value of a query; None when it has none."""
        values = list(self.query(expression).values())
        assert len(values) <= 1, values
        return values[0] if values else None

    def targets(self):
        """Active targets by job: (health, last error)."""
        active = json.loads(self.get("/api/v1/targets?state=active"))["data"]["activeTargets"]
        return {target["labels"]["job"]: (target["health"], target["lastError"]) for target in active}

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.directory.cleanup()
