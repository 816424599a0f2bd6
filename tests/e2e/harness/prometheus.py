# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus that scrapes agents and evaluates the rules of deploy/, at a pace that tests can wait for."""
import json
import re
import subprocess
import urllib.parse
import urllib.request

import yaml

from harness.agent import REPOSITORY
from harness.machine import free_port
from harness.wait import wait_until

RULES = ("recording.yml", "alerts.yml")
LABELS = {"cluster": "test", "node": "here"}
SECONDS = {"s": 1, "m": 60, "h": 3600}
# What the rules call 5 minutes takes 6 seconds here.
PACE = 50
DURATION = re.compile(r"(\[|for: |interval: )(\d+)([smh])\b")


def quicken(text):
    """The rules with every duration PACE times as short; rates are a second's either way."""

    def shorter(match):
        milliseconds = int(match.group(2)) * SECONDS[match.group(3)] * 1000 // PACE
        return f"{match.group(1)}{max(milliseconds, 200)}ms"

    return DURATION.sub(shorter, text)


class Prometheus:
    """changes: (text in the rules, what to put there), for bounds that a test cannot reach."""

    def __init__(self, binary, directory, agent_address, changes=(), features=()):
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log_path = directory / "prometheus.log"
        for name in RULES:
            text = (REPOSITORY / "deploy/prometheus" / name).read_text()
            for old, new in changes:
                text = text.replace(old, new)
            (directory / name).write_text(quicken(text))
        self._write_config(directory, agent_address)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [binary, f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data",
                 f"--web.listen-address={self.url.removeprefix('http://')}", f"--enable-feature={','.join(features)}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        wait_until(self._is_ready, "Prometheus is ready")

    @staticmethod
    def _write_config(directory, agent_address):
        target = {"targets": [f"{agent_address[0]}:{agent_address[1]}"], "labels": LABELS}
        config = {
            "global": {"scrape_interval": "500ms", "scrape_timeout": "400ms", "evaluation_interval": "500ms"},
            "rule_files": list(RULES),
            "scrape_configs": [{"job_name": "bunscope", "static_configs": [target]}],
        }
        (directory / "prometheus.yml").write_text(yaml.safe_dump(config))

    def _is_ready(self):
        assert self.process.poll() is None, self.log_path.read_text()
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

    def query(self, expr):
        """The samples of an instant query: (labels, value)."""
        data = self.get("query", query=expr)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(sample["metric"], float(sample["value"][1])) for sample in data["result"]]

    def alerts(self, name):
        """The labels of those that fire now."""
        return [alert["labels"] for alert in self.get("alerts")["alerts"]
                if alert["labels"]["alertname"] == name and alert["state"] == "firing"]

    def wait_alert(self, name, seconds=40, **labels):
        def firing():
            return [found for found in self.alerts(name) if labels.items() <= found.items()]

        return wait_until(firing, f"{name} fires", seconds)[0]

    def wait_quiet(self, name, seconds=60):
        wait_until(lambda: not self.alerts(name), f"{name} is resolved", seconds)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
