# SPDX-License-Identifier: Apache-2.0
"""How a server is found: by its executable, by its port, by the Bun that it starts; at once and when it comes later."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from conftest import require
from harness import parents, servers
from harness.executions import verify
from harness.machine import free_port
from harness.story import server_of

SUM = {"with": {"a": 1, "b": 2}}


@pytest.fixture
def directory():
    """A short path, of which a pattern's ends may have no more than 64 characters; its name is nobody else's."""
    with tempfile.TemporaryDirectory(prefix="served-", dir="/tmp") as path:
        yield pathlib.Path(path)


@pytest.fixture
def copies(directory, start_parent, newest_bun):
    """Starts copies of the Go server, by the names of the files."""
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")

    def start(name):
        return start_parent(servers.go_server, newest_bun, exe=shutil.copy(servers.GO_SERVER, directory / name))

    return start


def ask(server):
    """Executions that start no Bun: by that it would be found, too."""
    assert server.execute("tasks", "missing")[0] == 404
    assert server.execute("agents", "missing", sync=False)[0] == 404


def verify_only(agent, before, *followed):
    verify(agent, before, [exchange for server in followed for exchange in server.truth()["exchanges"] or []])


@pytest.mark.parametrize("glob", ["/tmp/{0}/a-*", "/tmp/{0}/a-{0}", "a-{0}", "*-{0}"],
                         ids=["path", "whole path", "name", "end of a name"])
def test_by_executable(start_agent, copies, directory, glob):
    """One that runs already and one that comes later, and not their neighbour."""
    own = directory.name
    early, neighbour = copies(f"a-{own}"), copies(f"b{own}")
    agent = start_agent("--server.exe=" + glob.format(own))
    before = agent.scrape()
    os.rename(directory / f"a-{own}", directory / "old")
    late = copies(f"a-{own}")
    for server in (early, neighbour, late):
        ask(server)
    verify_only(agent, before, early, late)


def test_by_several_executables(start_agent, copies, directory):
    agent = start_agent(f"--server.exe={directory}/one", f"--server.exe={directory}/two")
    before = agent.scrape()
    followed = [copies("one"), copies("two")]
    neighbour = copies("three")
    for server in (*followed, neighbour):
        ask(server)
    verify_only(agent, before, *followed)


def test_by_port(start_agent, start_parent, newest_bun):
    """At start, again when another process has the port, and not one with another port."""
    early = start_parent(lambda *options: server_of("node", *options), newest_bun)
    neighbour = start_parent(lambda *options: server_of("node", *options), newest_bun)
    agent = start_agent(f"--server.port={early.port}")
    before = agent.scrape()
    ask(early)
    ask(neighbour)
    verify_only(agent, before, early)
    early.stop()
    before = agent.scrape()
    late = start_parent(lambda *options: server_of("node", *options), newest_bun, "--listen", f"127.0.0.1:{early.port}")
    ask(late)
    verify_only(agent, before, late)


NAMESPACE = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


class Inside(servers.Server):
    """A server in a network namespace of its own."""

    def __init__(self, bun, port):
        super().__init__([*NAMESPACE, "node", servers.NODE_SERVER, "--exe", bun, "--root", parents.WORKER,
                          "--listen", f"127.0.0.1:{port}"])

    def ask(self, method, path, body=None, headers=None, connection=None):
        done = subprocess.run(
            ["nsenter", f"--net=/proc/{self.process.pid}/ns/net", "curl", "-s", "-w", "\n%{http_code}", "-X", method,
             *([] if body is None else ["-d", json.dumps(body)]), f"http://127.0.0.1:{self.port}{path}"],
            capture_output=True, text=True, timeout=servers.ANSWER_SECONDS, check=True)
        answer, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(answer)


def test_port_in_any_network_namespace(start_agent, start_parent, newest_bun):
    """Each pod of a node has the port to itself: all of them are servers, each counted for what it did."""
    for program in ("nsenter", "curl", "unshare", "ip"):
        require(program)
    port = free_port()
    early = start_parent(Inside, newest_bun, port)
    agent = start_agent(f"--server.port={port}")
    before = agent.scrape()
    here = start_parent(lambda *options: server_of("node", *options), newest_bun, "--listen", f"127.0.0.1:{port}")
    late = start_parent(Inside, newest_bun, port)
    elsewhere = start_parent(Inside, newest_bun, free_port())
    for server in (early, here, late, elsewhere):
        ask(server)
    verify_only(agent, before, early, here, late)


@pytest.mark.parametrize("kind", ["go", "node"])
def test_by_its_first_bun(start_agent, start_parent, newest_bun, kind):
    """Nothing was said of it: what it did before it started Bun is in no series; of that very exchange, too. Then all is."""
    server = start_parent(lambda *options: server_of(kind, *options), newest_bun)
    agent = start_agent()
    before = agent.scrape()
    for name, status in (("missing", 404), ("sum", 200), ("sum", 200), ("missing", 404)):
        assert server.execute("tasks", name, **SUM)[0] == status
    exchanges = server.truth()["exchanges"][2:]
    verify(agent, before, exchanges)
