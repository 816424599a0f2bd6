# SPDX-License-Identifier: Apache-2.0
"""A real OpenTelemetry collector, built from the project's modules: takes spans, hands them to a Receiver."""
import json
import socket
import subprocess

from harness.agent import REPOSITORY
from harness.machine import free_port
from harness.wait import wait_until

BINARY = REPOSITORY / "build/tests/e2e/collector"


class Collector:
    def __init__(self, directory, receiver):
        self.port = free_port()
        self.log_path = directory / "collector.log"
        config = directory / "collector.yml"  # JSON is YAML
        config.write_text(json.dumps({
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{self.port}"}}}},
            "exporters": {"otlp_http": {"endpoint": receiver.url, "sending_queue": {"enabled": False}}},
            "service": {
                "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "warn"}},
                "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_http"]}},
            },
        }))
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([str(BINARY), "--config", str(config)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._listens, "the collector listens")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def _listens(self):
        assert self.process.poll() is None, self.log_path.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
