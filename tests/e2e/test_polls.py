# SPDX-License-Identifier: Apache-2.0
"""Polls of synchronous workflows in a Go server, against what the server itself counted."""
import collections
import concurrent.futures
import contextlib
import http.client
import os
import shutil
import socket
import time

import pytest

from conftest import require
from harness import servers
from harness.story import RUNS, Story
from harness.wait import wait_until

POLLS = "workflow_sync_polls_total"
SECONDS = "workflow_sync_poll_duration_seconds"
PROBE = "bunscope_probe_info"
# What lies between the server's own clock and the breakpoints, on a busy machine.
SECONDS_SLACK = 0.05
AT_ONCE = 64
RESTARTS = 20


def is_attached(now):
    """Breakpoints of either kind; where the kernel has but the second one, that is a fallback."""
    return sum(now.total(PROBE, family="go", hook="polls", flavour=flavour, state=state)
               for flavour, state in (("uprobe_multi", "attached"), ("uprobe", "attached"), ("uprobe", "fallback"))) == 1


def run_a_tool(server):
    """A process that starts Bun is a server: from then on the agent knows it."""
    status, _ = server.execute("tasks", "sum", **{"with": {"a": 1, "b": 2}})
    assert status == 200


@pytest.fixture(params=[servers.GO_SERVER, servers.GO_SERVER_SYMBOLS], ids=["stripped", "symbols"])
def executable(request):
    if not request.param.exists():
        pytest.skip("the Go server is not built: go is not installed")
    return request.param


@pytest.fixture
def start_server(start_parent, newest_bun):
    def start(executable, *flags):
        server = start_parent(servers.go_server, newest_bun, *flags, exe=executable)
        run_a_tool(server)
        return server

    return start


@pytest.fixture
def server(agent, start_server, executable):
    started = start_server(executable)
    agent.wait_for(is_attached, "the agent is attached to the server")
    return started


def check(agent, before, truth, answered=None):
    """Every series of the two families, against the loops that the server wrote down. answered: seconds that the client of
    each workflow waited; the estimate is between that and what the server waited itself.
    """
    loops = truth["polls"]
    wanted, durations = collections.Counter(), collections.defaultdict(list)
    for loop in loops:
        wanted[loop["workflow_id"], loop["outcome"]] += loop["polls"]
        durations[loop["workflow_id"]].append(loop["seconds"])

    def arrived(now):
        return now.total(SECONDS + "_count") - before.total(SECONDS + "_count") >= len(loops)

    after = agent.wait_for(arrived, f"{len(loops)} poll loops are counted")
    assert counts(after) - counts(before) == wanted
    for name, seconds in durations.items():
        samples = difference(before, after, SECONDS + "_count", name)
        total = difference(before, after, SECONDS + "_sum", name)
        assert samples == len(seconds), name
        if answered:
            assert sum(seconds) <= total <= answered[name], name
        else:
            assert abs(total - sum(seconds)) < SECONDS_SLACK * len(seconds), name
    return after


def counts(scrape):
    """By workflow and outcome."""
    return collections.Counter({tuple(value for _, value in labels)[::-1]: int(count)
                                for (name, labels), count in scrape.samples.items() if name == POLLS})


def difference(before, after, name, workflow):
    return after.value(name, workflow_id=workflow) - before.value(name, workflow_id=workflow)


def test_each_outcome(agent, server):
    before = agent.scrape()
    assert server.execute("workflows", "at_once", input={"ms": 0})[0] == 200
    assert server.execute("workflows", "some", input={"ms": 700})[0] == 200
    assert server.execute("workflows", "failed", input={"ms": 300, "status": "FAILED"})[0] == 200
    assert server.execute("workflows", "late", timeout=0.5, input={"ms": 900})[0] == 408
    assert server.execute("workflows", "broken_store", input={"ms": 900, "store_error_at": 2})[0] == 500
    assert server.execute("workflows", "not_found", input={"ms": 300, "not_found_at": 1})[0] == 200
    truth = server.truth()
    outcomes = {loop["workflow_id"]: loop["outcome"] for loop in truth["polls"]}
    assert outcomes["late"] == "timeout" and outcomes["broken_store"] == "error"
    check(agent, before, truth)


@pytest.mark.kernel
def test_http_polls_and_runs_are_one_story(request, agent, start_server):
    """Executions of each kind that end in each way, as the server wrote them down: through both doors where there are two."""
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")
    doors = request.config.getoption("--both-doors")
    watching = request.getfixturevalue("doors").agents.values() if doors else [agent]
    server = start_server(servers.GO_SERVER)
    # Not by the hook: agents that watch other servers as well may estimate theirs.
    for each in watching:
        each.wait_for(lambda _, log=each: f'in server {server.process.pid}"' in log.log, "the agent is attached to the server")
    agent.wait_for(lambda now: now.value("runtime_tool_runs_in_flight", tool_id="sum") == 0, "nothing runs")
    story = Story(agent, server)
    for (kind, name, sync), (body, status) in servers.EXECUTIONS.items():
        assert story.execute(kind, name, sync, **body) == status, (kind, name)
    story.verify()
    ended = collections.Counter((run["tool"], run["outcome"]) for run in story.new("runs"))
    assert runs_of(agent.scrape()) - runs_of(story.before) == ended
    assert {outcome for _, outcome in ended} == {"success", "error", "timeout"}


def runs_of(scrape):
    """By tool and outcome."""
    return collections.Counter({(dict(labels)["tool_id"], dict(labels)["outcome"]): int(count)
                                for (name, labels), count in scrape.samples.items() if name == RUNS})


def is_estimated(now):
    return now.total(PROBE, family="go", hook="polls", flavour="estimated", state="fallback") == 1


@pytest.fixture(params=["inlined", "node"])
def server_without_functions(request, start_server, start_parent, newest_bun, tmp_path):
    """In one's table Go's linker has no function of that name, as where they are inlined; the other is not Go."""
    if request.param == "node":
        require("node")
        server = start_parent(servers.node_server, newest_bun)
        run_a_tool(server)
        return server
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")
    code = servers.GO_SERVER.read_bytes()
    assert b"waitForWorkflowCompletion" in code
    path = tmp_path / "server"
    path.write_bytes(code.replace(b"waitForWorkflowCompletion", b"waitForWorkflowCompletioN"))
    path.chmod(0o755)
    return start_server(path)


def test_estimate_where_the_functions_are_not_found(agent, server_without_functions):
    """Up to 6 s the schedule leaves no doubt, whatever the jitter."""
    server = server_without_functions
    before = agent.scrape()
    assert not is_estimated(before) and not is_attached(before)
    plots = {
        "some": ({"input": {"ms": 700}}, 200),
        "failed": ({"input": {"ms": 300, "status": "FAILED"}}, 200),
        "late": ({"timeout": 0.8, "input": {"ms": 1500}}, 408),
        "broken_store": ({"input": {"ms": 900, "store_error_at": 3}}, 500),
        "long": ({"input": {"ms": 1500}}, 200),
        "missing": ({}, 404),
        "unavailable": ({}, 503),
    }

    def seconds_of(name):
        body, wanted = plots[name]
        begin = time.monotonic()
        assert server.execute("workflows", name, **body)[0] == wanted, name
        return time.monotonic() - begin

    with concurrent.futures.ThreadPoolExecutor(len(plots)) as pool:
        answered = dict(zip(plots, pool.map(seconds_of, plots)))
    assert is_estimated(check(agent, before, server.truth(), answered))
    server.stop()
    agent.wait_for(lambda now: not is_estimated(now), "the server is forgotten")


def test_last_fetch_fails(agent, server):
    """At 0, 0.2 and 0.6 s; then, after the deadline, a fourth fetch that is no poll, and fails."""
    before = agent.scrape()
    status, _ = server.execute("workflows", "late", timeout=0.8, input={"ms": 1200, "store_error_at": 4})
    truth = server.truth()
    assert status == 500
    assert [(loop["outcome"], loop["polls"]) for loop in truth["polls"]] == [("timeout", 3)]
    check(agent, before, truth)


def test_client_that_leaves(agent, server):
    before = agent.scrape()
    body = '{"input": {"ms": 2000}}'
    with socket.create_connection((server.host, server.port)) as client:
        client.sendall(f"POST /api/v0/workflows/left/executions/sync HTTP/1.1\r\nHost: x\r\n"
                       f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        wait_until(lambda: server.ask("GET", "/truth")[1]["in_flight"] > 1, "the workflow runs")
    truth = server.truth()
    assert [loop["outcome"] for loop in truth["polls"]] == ["timeout"]
    check(agent, before, truth)


def test_other_fetches_are_no_polls(agent, server):
    """While a loop runs, other goroutines ask for the same execution's state."""
    before = agent.scrape()
    _, answer = server.execute("workflows", "asked", sync=False, input={"ms": 0})
    for _ in range(20):
        assert server.ask("GET", f"/api/v0/executions/workflows/{answer['data']['exec_id']}")[0] == 200
    server.execute("workflows", "some", input={"ms": 300})
    check(agent, before, server.truth())


def test_many_at_once(agent, server):
    before = agent.scrape()
    plots = [
        {"input": {"ms": 0}},
        {"input": {"ms": 450}},
        {"input": {"ms": 1000, "store_error_at": 3}},
        {"input": {"ms": 1500}, "timeout": 0.7},
    ]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [pool.submit(server.execute, "workflows", f"w{i % 8}", **plots[i % 4]) for i in range(4 * AT_ONCE)]
        for job in jobs:
            job.result()
    truth = server.truth()
    assert len(truth["polls"]) == 4 * AT_ONCE
    check(agent, before, truth)


def test_ring_of_one_page(start_agent, start_server, executable):
    """It is full most of the time: a loop waits for the sweep, and its goroutine's next ones do not take its place."""
    agent = start_agent("--probe.ring-bytes=4096")
    server = start_server(executable)
    agent.wait_for(is_attached, "the agent is attached to the server")
    before = agent.scrape()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [pool.submit(server.execute, "workflows", f"w{i % 8}", input={"ms": 0}) for i in range(16 * AT_ONCE)]
        for job in jobs:
            job.result()
    after = check(agent, before, server.truth())
    events = "bunscope_kernel_events_total"
    assert after.value(events, event="polls_ring_full") > before.value(events, event="polls_ring_full")
    assert after.value(events, event="polls_abandoned") == before.value(events, event="polls_abandoned")


def test_restart(agent, start_server, executable):
    """The same executable again: nothing is attached in between."""
    for _ in range(2):
        server = start_server(executable)
        agent.wait_for(is_attached, "the agent is attached to the server")
        before = agent.scrape()
        server.execute("workflows", "some", input={"ms": 300})
        check(agent, before, server.truth())
        server.stop()
        agent.wait_for(lambda now: not is_attached(now), "the agent has let go")


def test_upgrade(agent, start_server, tmp_path):
    """Another build at the same path, as an upgrade puts it there, while the old one still runs."""
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")
    path = tmp_path / "server"
    shutil.copy(servers.GO_SERVER, path)
    old = start_server(path)
    agent.wait_for(is_attached, "the agent is attached to the server")
    before = agent.scrape()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        # Under way while the file loses its name, and when the agent looks again what its servers execute.
        job = pool.submit(old.execute, "workflows", "long", input={"ms": 2200})
        shutil.copy(servers.GO_SERVER_SYMBOLS, tmp_path / "new")
        os.rename(tmp_path / "new", path)
        new = start_server(path, "--database", "sqlite")
        agent.wait_for(lambda _: f"in server {new.process.pid}" in agent.log, "the agent is attached to the new one")
        job.result()
    check(agent, before, old.truth())
    before = agent.scrape()
    new.execute("workflows", "some", input={"ms": 300})
    check(agent, before, new.truth())
    assert agent.log.count(f"in server {old.process.pid}") == 1, "it was let go in between"


def test_two_of_one_executable(agent, start_server):
    """What the one that ends leaves behind is the other's still."""
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")
    first, second = start_server(servers.GO_SERVER), start_server(servers.GO_SERVER)
    agent.wait_for(is_attached, "the agent is attached to them")
    before = agent.scrape()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        job = pool.submit(second.execute, "workflows", "long", input={"ms": 1200})
        first.execute("workflows", "short", input={"ms": 0})
        truth = first.truth()
        first.stop()
        job.result()
    truth["polls"] += second.truth()["polls"]
    assert is_attached(check(agent, before, truth))


def held_by(agent):
    """What its descriptors are of, but for sockets: each scrape has one."""
    directory = f"/proc/{agent.pid}/fd"
    names = []
    for fd in os.listdir(directory):
        with contextlib.suppress(FileNotFoundError):
            names.append(os.readlink(f"{directory}/{fd}"))
    return collections.Counter(name for name in names if not name.startswith("socket:"))


def entries(now):
    """By map, where there are any."""
    return {dict(labels)["map"]: count for (name, labels), count in now.samples.items()
            if name == "bunscope_map_entries" and count}


def test_twenty_restarts_leave_nothing(agent, start_server):
    """The two builds in turns."""
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")
    held, seen = [], []
    for i in range(RESTARTS):
        server = start_server((servers.GO_SERVER, servers.GO_SERVER_SYMBOLS)[i % 2])
        agent.wait_for(is_attached, "the agent is attached to the server")
        if i % 5 == 4:
            before = agent.scrape()
            server.execute("workflows", "short", input={"ms": 0})
            check(agent, before, server.truth())
        server.stop()
        agent.wait_for(lambda now: not is_attached(now), "the agent has let go")
        held.append(held_by(agent))
        seen.append(entries(agent.scrape()))
    assert held[0] == held[-1], "links or descriptors are left"
    # What is not the server's: its parents, and the control group that they are all in.
    lasting = {name: min(each[name] for each in seen) for name in ("watched", "cgroups")}
    agent.wait_for(lambda now: entries(now) == lasting, "nothing is left in the maps")


def test_server_that_dies(agent, server):
    """A loop that never returns is no sample, and does not stay."""
    before = agent.scrape()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        job = pool.submit(server.execute, "workflows", "cut", input={"ms": 5000})
        agent.wait_for(lambda now: now.value("bunscope_map_entries", map="poll_loops") == 1, "it polls")
        server.kill()
        with pytest.raises(http.client.RemoteDisconnected):
            job.result()
    after = agent.wait_for(lambda now: now.value("bunscope_map_entries", map="poll_loops") == 0, "it is forgotten")
    assert counts(after) == counts(before)
    abandoned = "bunscope_kernel_events_total"
    assert after.value(abandoned, event="polls_abandoned") == before.value(abandoned, event="polls_abandoned") + 1
