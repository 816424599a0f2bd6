# SPDX-License-Identifier: Apache-2.0
"""What a hostile client, or a hostile program that is taken for a server, can bring about: nothing but its own counts."""
import collections
import contextlib
import os
import shutil
import subprocess
import tempfile

import pytest

from conftest import BUN_VERSIONS, require, require_bun
from harness import servers
from harness.client import Client
from harness.executions import POLLS, counts_of, moved
from harness.story import server_of, story_of
from harness.wait import wait_until

MIB = 1 << 20
PATH = b"/api/v0/tasks/missing/executions/sync"


@pytest.fixture(scope="module")
def shared():
    with story_of("go", require_bun(BUN_VERSIONS[0])) as story:
        yield story


@pytest.fixture
def story(shared):
    shared.begin()
    return shared


HEADS = {
    "long path": b"POST " + PATH + b"?" + b"a" * MIB + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "long header": b"POST " + PATH + b" HTTP/1.1\r\nHost: x\r\nX: " + b"y" * MIB + b"\r\n\r\n",
    "many headers": b"POST " + PATH + b" HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * (MIB // 6) + b"\r\n",
    "length that is none": b"POST " + PATH + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "two lengths": b"POST " + PATH + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 99\r\n\r\n",
    "chunk of all there is": b"POST " + PATH + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    "noise": b"POST " + os.urandom(4096),
}


def of_agents(counts):
    return {name: count for name, count in counts.items() if ("kind", "agent") in name[1]}


@pytest.mark.parametrize("case", HEADS)
def test_neighbours_of_hostile_requests(story, case):
    """Whatever becomes of that connection, to a task: executions of agents are counted as they are."""
    for _ in range(3):
        hostile = Client(story.server)
        with contextlib.suppress(ConnectionError):
            hostile.send(HEADS[case])
        assert story.execute("agents", "unavailable") == 503
        hostile.close()
    expected = counts_of(exchange for exchange in story.new("exchanges") if exchange["kind"] == "agent")
    story.agent.wait_for(lambda now: of_agents(moved(story.before, now)) == expected, "the neighbours are counted")


def test_workflow_id_stays_a_label(story):
    """It comes from the path of a request; strict readers find one sample, and nothing besides."""
    name = 'a"} 1\nforged_total 7\n\x1b[2J'
    path = "a%22%7D%201%0Aforged_total%207%0A%1B%5B2J"
    assert story.execute("workflows", path, input={"ms": 0}) == 200
    story.verify()
    scrape = story.agent.scrape()
    assert scrape.value(POLLS, workflow_id=name, outcome="completed") > 0
    assert not any("forged" in family for family, _ in scrape.samples)


def test_more_workflow_ids_than_labels(start_agent, start_parent, newest_bun):
    server = start_parent(lambda *options: server_of("go", *options), newest_bun)
    agent = start_agent(f"--server.port={server.port}", "--metrics.max-label-values=4")
    agent.wait_for(lambda now: now.total("bunscope_probe_info", family="go", hook="polls", state="off") == 0, "it is attached")
    for number in range(12):
        assert server.execute("workflows", f"w{number:02}", input={"ms": 0})[0] == 200
    polls = collections.Counter()
    for number, loop in enumerate(server.truth()["polls"]):
        polls[loop["workflow_id"] if number < 4 else "_other"] += loop["polls"]
    scrape = agent.wait_for(lambda now: now.total(POLLS) == polls.total(), "all are counted")
    assert polls == {dict(labels)["workflow_id"]: value for (name, labels), value in scrape.samples.items() if name == POLLS}


# ---- executables ----


def section_of(path, directory):
    """The real table of functions, to be spoilt."""
    subprocess.run([require("objcopy"), "--dump-section", f".gopclntab={directory}/table", path, directory / "copy"], check=True)
    return (directory / "table").read_bytes()


def spoilt(table):
    return {
        "cut": table[: len(table) // 2],
        "shifted": table[64:] + table[:64],
        "counts": table[:8] + b"\xff" * 64 + table[72:],
        "offsets": table[:128] + b"\xff\xff\xff\x7f" * ((len(table) - 128) // 4),
        "noise": table[:8] + os.urandom(len(table) - 8),
        "empty": b"",
    }


@pytest.fixture
def impostors(tmp_path):
    """Running programs with what looks like Go's table of functions, and their directory."""
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")
    table = section_of(servers.GO_SERVER, tmp_path)
    processes = []
    with tempfile.TemporaryDirectory(prefix="hostile-", dir="/tmp") as directory:
        for name, data in spoilt(table).items():
            (tmp_path / "data").write_bytes(data)
            path = f"{directory}/{name}"
            subprocess.run(["objcopy", f"--add-section=.gopclntab={tmp_path / 'data'}", shutil.which("sleep"), path], check=True)
            processes.append(subprocess.Popen([path, "60"]))  # pylint: disable=consider-using-with
        yield directory, processes
        for process in processes:
            process.kill()
            process.wait()


def test_executables_that_are_no_go_servers(start_agent, start_parent, newest_bun, impostors):
    """They are read, and not believed; the one behind them that is a Go server is followed."""
    directory, processes = impostors
    agent = start_agent(f"--server.exe={directory}/*")
    real = start_parent(servers.go_server, newest_bun, exe=shutil.copy(servers.GO_SERVER, directory))
    wait_until(lambda: counts_polls_of(agent, real.process), "the real one is followed" + agent.log_text())
    assert not any(counts_polls_of(agent, process) for process in processes), agent.log
    assert real.execute("workflows", "flow", input={"ms": 0})[0] == 200
    (loop,) = real.truth()["polls"]
    agent.wait_for(lambda now: now.total(POLLS) == loop["polls"], "its polls are counted")


def counts_polls_of(agent, process):
    return f"counts polls of workflows in server {process.pid}" in agent.log
