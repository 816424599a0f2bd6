# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus of the test's own; where it has the rules of deploy/, at a pace that tests can wait for."""
import json
import pathlib
import re
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from harness.agent import REPOSITORY
from harness.wait import wait_until

RULES = ("recording.yml", "alerts.yml")
LABELS = {"cluster": "test", "node": "here"}
SECONDS = {"s": 1, "m": 60, "h": 3600}
# What the rules call 5 minutes takes 6 seconds here.
PACE = 50
DURATION = re.compile(r"(\[|for: |interval: )(\d+)([smh])\b")
QUICK = {"scrape_interval": "500ms", "scrape_timeout": "400ms", "evaluation_interval": "500ms"}
LISTENING = re.compile(r"address=127\.0\.0\.1:([1-9]\d*)")


def quicken(text):
    """The rules with every duration PACE times as short; rates are a second's either way."""

    def shorter(match):
        milliseconds = int(match.group(2)) * SECONDS[match.group(3)] * 1000 // PACE
        return f"{match.group(1)}{max(milliseconds, 200)}ms"

    return DURATION.sub(shorter, text)


def quick_rules(changes=()):
    """{file: text}. changes: (text in the rules, what to put there), for bounds that a test cannot reach."""
    found = {}
    for name in RULES:
        text = (REPOSITORY / "deploy/prometheus" / name).read_text()
        for old, new in changes:
            text = text.replace(old, new)
        found[name] = quicken(text)
    return found


def target_of(agent):
    return f"{agent.address[0]}:{agent.address[1]}"


class Prometheus:
    """
    configuration: what prometheus.yml says, as text or as what JSON can say.
    files: {name: text} of those that it names. The first port that is free.
    """

    def __init__(self, binary, configuration, files=None, flags=()):
        # pylint: disable-next=consider-using-with; it lives as long as the process
        self.folder = tempfile.TemporaryDirectory(prefix="bunscope-prometheus-")
        self.directory = pathlib.Path(self.folder.name)
        text = configuration if isinstance(configuration, str) else json.dumps(configuration)  # JSON is YAML
        for name, content in {"prometheus.yml": text, **(files or {})}.items():
            (self.directory / name).write_text(content)
        self.log_path = self.directory / "log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [binary, f"--config.file={self.directory}/prometheus.yml", f"--storage.tsdb.path={self.directory}/data",
                 "--web.listen-address=127.0.0.1:0", "--log.level=info", *flags],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )
        self.url = f"http://127.0.0.1:{wait_until(self._find_port, 'Prometheus listens')}"
        wait_until(self._is_ready, "Prometheus is ready")

    @classmethod
    def of_agents(cls, binary, agents, changes=(), flags=()):
        """Scrapes these agents as one job, with the rules of deploy/."""
        rules = quick_rules(changes)
        configuration = {
            "global": QUICK,
            "rule_files": list(rules),
            "scrape_configs": [{"job_name": "bunscope", "static_configs": [
                {"targets": [target_of(agent) for agent in agents], "labels": LABELS}]}],
        }
        return cls(binary, configuration, rules, flags)

    def _find_port(self):
        log = self.log_path.read_text(errors="replace")
        assert self.process.poll() is None, f"Prometheus ended: {log}"
        match = LISTENING.search(log)
        return match and int(match.group(1))

    def _is_ready(self):
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as response:
                return response.status == 200
        except OSError:
            return False

    def get(self, path, **parameters):
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}", timeout=20) as response:
            answer = json.load(response)
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expr, **parameters):
        """The samples of an instant query: (labels, value)."""
        data = self.get("query", query=expr, **parameters)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(sample["metric"], float(sample["value"][1])) for sample in data["result"]]

    def targets(self):
        return self.get("targets", state="active")["activeTargets"]

    def alerts(self, name, **labels):
        """The labels of those that fire now and have these."""
        return [alert["labels"] for alert in self.get("alerts")["alerts"] if alert["state"] == "firing"
                and alert["labels"]["alertname"] == name and labels.items() <= alert["labels"].items()]

    def wait_alert(self, name, seconds=40, **labels):
        return wait_until(lambda: self.alerts(name, **labels), f"{name} fires", seconds)[0]

    def wait_quiet(self, name, seconds=60):
        wait_until(lambda: not self.alerts(name), f"{name} is resolved", seconds)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()
