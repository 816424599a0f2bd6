# SPDX-License-Identifier: Apache-2.0
"""The agent ends when asked, at once, and leaves nothing in the kernel."""
import json
import signal
import socket
import subprocess

import pytest

from conftest import require
from harness import parents
from harness.agent import Agent
from harness.wait import wait_until

LISTS = {"prog_id": "prog", "map_id": "map", "link_id": "link"}


def existing_ids():
    bpftool = require("bpftool")
    ids = set()
    for kind, command in LISTS.items():
        objects = json.loads(subprocess.check_output([bpftool, "-j", command, "list"]))
        ids |= {(kind, str(item["id"])) for item in objects}
    return ids


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("state", ["idle", "runs in flight", "open connections"])
def test_ends_within_a_second(start_parent, newest_bun, number, state):
    agent = Agent().wait_ready()
    held = agent.bpf_ids()
    assert held & existing_ids() == held and len(held) > 5
    connections = []
    if state == "runs in flight":
        parent = start_parent(parents.c_parent, newest_bun)
        parent.begin(tool="slow", input={"ms": 1500}, count=4, concurrency=4)
        agent.wait_for(lambda now: now.total("runtime_tool_runs_in_flight") == 4, "four runs are in flight")
    if state == "open connections":
        connections = [socket.create_connection(agent.address) for _ in range(50)]
    code, seconds = agent.stop(number)
    for connection in connections:
        connection.close()
    assert code == 0
    assert seconds < 1
    wait_until(lambda: not held & existing_ids(), "nothing of the agent is left in the kernel")


def test_two_signals(agent):
    agent.process.send_signal(signal.SIGTERM)
    agent.process.send_signal(signal.SIGTERM)
    assert agent.process.wait(5) == 0


def test_many_starts_leave_nothing(start_agent):
    for _ in range(5):
        agent = start_agent()
        held = agent.bpf_ids()
        assert agent.stop()[0] == 0
        wait_until(lambda held=held: not held & existing_ids(), "nothing of the agent is left in the kernel")
