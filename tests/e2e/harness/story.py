# SPDX-License-Identifier: Apache-2.0
"""A server, an agent that follows it, and what happened between two looks at both."""
import contextlib
import http.client
import shutil
import time

import pytest

from harness import agent as agents
from harness import servers
from harness.executions import verify
from harness.wait import wait_until

RUNS = "runtime_tool_execute_seconds_count"
EVENTS = "bunscope_kernel_events_total"
GIVEN_UP = ("http_gap", "http_syntax", "http_burst", "http_pipeline", "connections_full")


class Story:
    def __init__(self, agent, server):
        self.agent, self.server = agent, server
        self.begin()

    def begin(self):
        self.server.forget()
        self.before = self.agent.scrape()
        self.client_seconds = {}  # by execution id: how long the client waited

    def new(self, name):
        return self.server.truth()[name] or []

    def execute(self, kind, name, sync=True, headers=None, raw=None, **body):
        """The status, None for a connection that was closed without an answer."""
        path = f"/api/v0/{kind}/{name}/executions{'/sync' if sync else ''}"
        begin = time.monotonic()
        try:
            status, answer = self.server.ask("POST", path, body if raw is None else raw, headers)
        except http.client.RemoteDisconnected:
            return None
        data = answer.get("data") if isinstance(answer, dict) else None
        if data and "exec_id" in data:
            self.client_seconds[data["exec_id"]] = time.monotonic() - begin
        return status

    def polls(self):
        """The loops, where the agent has breakpoints in the server; otherwise it estimates them."""
        return self.new("polls") if self.counts_polls() else None

    def counts_polls(self):
        return f"counts polls of workflows in server {self.server.process.pid}" in self.agent.log

    def verify(self, *differences, clients_left=False):
        """As the server wrote down; with what the wire shows otherwise, in the order in which they ended.

        The connection of a client that left may end before its handler does: then that is no lower limit of a latency.
        """
        exchanges = self.new("exchanges")
        assert not differences or len(differences) == len(exchanges)
        for exchange, difference in zip(exchanges, differences):
            exchange.update(difference)
        if clients_left:
            exchanges = [{**exchange, "seconds": 0} for exchange in exchanges]
        after = verify(self.agent, self.before, exchanges, self.polls(),
                       lambda exchange: self.client_seconds.get(exchange["exec_id"], float("inf")))
        self.agent.wait_for(lambda now: now.total(RUNS) - self.before.total(RUNS) == len(self.new("runs")), "its runs")
        for event in GIVEN_UP:
            assert after.value(EVENTS, event=event) == self.before.value(EVENTS, event=event), event


def server_of(kind, bun, *flags):
    if kind == "node":
        if not shutil.which("node"):
            pytest.skip("node is not installed")
        return servers.node_server(bun, *flags)
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")
    return servers.go_server(bun, *flags)


@contextlib.contextmanager
def story_of(kind, bun, *flags):
    """An agent that knows the server by its port."""
    with contextlib.ExitStack() as stack:
        server = server_of(kind, bun, *flags)
        stack.callback(server.stop)
        agent = agents.Agent(f"--server.port={server.port}")
        stack.callback(agent.end)
        agent.wait_ready()
        story = Story(agent, server)
        if kind == "go":
            wait_until(story.counts_polls, "the agent is attached to the server" + agent.log_text())
        yield story
