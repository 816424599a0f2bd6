# SPDX-License-Identifier: Apache-2.0
"""Servers with execution routes, whose own truth is compared with what the agent saw."""
import contextlib
import http.client
import json

from harness import parents
from harness.agent import BUILD
from harness.wait import wait_until

GO_SERVER = BUILD / "tests/e2e/go-server"
GO_SERVER_SYMBOLS = BUILD / "tests/e2e/go-server-symbols"
NODE_SERVER = parents.E2E / "servers/node/server.mjs"
ANSWER_SECONDS = 90
SUM = {"with": {"a": 1, "b": 2}}
# Executions of each kind that end in each way: (kind, id, synchronous, body), and the status that answers.
EXECUTIONS = {
    ("tasks", "sum", True): (SUM, 200),
    ("tasks", "rejects", True): ({}, 500),
    ("tasks", "missing", True): ({}, 404),
    ("tasks", "sum", False): (SUM, 202),
    ("agents", "writer", True): ({"tools": ["sum"], **SUM}, 200),
    ("agents", "sleeper", True): ({"tools": ["sleep"], "timeout": 0.3}, 408),
    ("agents", "writer", False): ({"tools": ["sum"], **SUM}, 202),
    ("workflows", "report", True): ({"input": {"ms": 150}}, 200),
    ("workflows", "late", True): ({"timeout": 0.3, "input": {"ms": 700}}, 408),
    ("workflows", "unavailable", True): ({}, 503),
    ("workflows", "report", False): ({"input": {"ms": 50}}, 202),
}


class Server(parents.Parent):
    """A server that says on its stdout where it listens, and at /truth what it did."""

    def __init__(self, command):
        super().__init__(command)
        self.stopped = False
        event = self.next("listening")
        assert event, "the server ended before it listened"
        self.host, _, port = event["address"].rpartition(":")
        self.port = int(port)

    def ask(self, method, path, body=None, headers=None, connection=None):
        """(status, answer) of one request; the connection is its own where none is given."""
        own = connection or self.connect()
        text = None if body is None else body if isinstance(body, (str, bytes)) else json.dumps(body)
        try:
            own.request(method, path, body=text, headers=headers or {})
            response = own.getresponse()
            content = response.read()
        finally:
            if not connection:
                own.close()
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return response.status, json.loads(content) if is_json and content else content

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_SECONDS)

    def execute(self, kind, name, sync=True, **body):
        """Starts an execution: kind is tasks, agents or workflows."""
        path = f"/api/v0/{kind}/{name}/executions{'/sync' if sync else ''}"
        return self.ask("POST", path, body)

    def execute_all(self):
        """One execution of each in EXECUTIONS, one after the other."""
        for (kind, name, sync), (body, wanted) in EXECUTIONS.items():
            status, answer = self.execute(kind, name, sync, **body)
            assert status == wanted, (kind, name, status, answer)

    def truth(self):
        """Everything since the start, once nothing is in flight."""

        def ask():
            _, truth = self.ask("GET", "/truth")
            return truth if truth["in_flight"] == 0 else None

        return wait_until(ask, "the server has nothing in flight", ANSWER_SECONDS)

    def forget(self):
        """What it did is over, and no longer told."""
        self.remember_bun(self.truth())
        self.ask("DELETE", "/truth")

    def remember_bun(self, truth):
        """Of those that were waited for, the pids are others' by now."""
        self.pids += [run["pid"] for run in truth["runs"] or [] if run["pid"] and not run["waited"]]

    def stop(self):
        if self.stopped:
            return
        self.stopped = True
        if self.process.poll() is None:
            with contextlib.suppress(OSError):  # whoever pressed Ctrl-C has ended it as well
                self.remember_bun(self.ask("GET", "/truth")[1])
        super().stop()


def node_server(bun, *flags, root=parents.WORKER):
    return Server(["node", NODE_SERVER, "--exe", bun, "--root", root, *flags])


def go_server(bun, *flags, root=parents.WORKER, exe=GO_SERVER):
    return Server([exe, "--exe", bun, "--root", root, *flags])
