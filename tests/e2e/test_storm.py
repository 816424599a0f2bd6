# SPDX-License-Identifier: Apache-2.0
"""Storms: tens of thousands of short runs of a tiny program named bun, all exact, and nothing of them is left."""
import json
import subprocess
import sys

import pytest

from conftest import require_small_pid_namespace
from harness.agent import REPOSITORY
from harness.machine import pid_namespace

STORM = REPOSITORY / "build/tests/bench/storm"
LABELS = 500  # the default of --metrics.max-label-values
MAPS = ("runs", "streams", "watched", "unreaped")
EXECUTE = "runtime_tool_execute_seconds_count"
MIB = 1 << 20
# With all labels taken: 500 tools of 125 series each, and room for their text twice.
MEMORY_BYTES = 64 * MIB
# A page here and there; a record that is kept is 3 KiB, a label 100 bytes.
MEMORY_GROWTH_BYTES = 2 * MIB


class Storm:
    """A launcher at work; its word on what it launched when it is done. prefix: a command that runs it."""

    def __init__(self, *flags, prefix=(), **options):
        options = {"bun": STORM / "bun", **options}
        words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        self.process = subprocess.Popen(
            [*prefix, str(STORM / "launcher"), *words, *flags], stdout=subprocess.PIPE, text=True
        )

    def is_over(self):
        return self.process.poll() is not None

    def finish(self):
        output, _ = self.process.communicate()
        assert self.process.returncode == 0
        launched = json.loads(output)
        assert launched["failed"] == 0 and launched["refused"] == 0, launched
        return launched


def entries(scraped):
    return {name: scraped.value("bunscope_map_entries", map=name) for name in MAPS}


def warm_up(agent, **options):
    """One run, so that this test's own ancestors are watched. The scrape after it, with what is left in the maps."""
    Storm(runs=1, **options).finish()
    return settled(agent)


def settled(agent):
    agent.wait_for(lambda now: now.total(EXECUTE) >= 1, "the first run is over")
    return agent.wait_for(lambda now: entries(now)["unreaped"] == entries(now)["runs"] == 0, "it is forgotten")


def check_storm(agent, before, launched, tool):
    """Every run is there once, nothing else is, and the maps are what they were."""
    ok, kept = launched["ok"], entries(before)
    assert kept["runs"] == kept["streams"] == kept["unreaped"] == 0
    agent.wait_for(lambda now: now.total(EXECUTE) >= before.total(EXECUTE) + ok, f"{ok} runs are over")
    held = []

    def as_before(now):
        held.append(entries(now))
        return held[-1] == kept

    try:
        after = agent.wait_for(as_before, "the maps are as they were")
    except TimeoutError:
        pytest.fail(f"the maps hold {held[-1]}, before it was {kept}")
    deltas = {
        name: after.total(name) - before.total(name)
        for name in (
            EXECUTE, "runtime_tool_errors_total", "runtime_tool_timeouts_total", "runtime_bun_process_exits_total",
            "runtime_bun_signals_total", "runtime_tool_output_bytes_count", "runtime_tool_output_bytes_sum",
            "runtime_tool_input_bytes_sum", "runtime_tool_stderr_bytes_sum", "bunscope_runs_lost_total",
            "bunscope_runs_started_total",
        )
    }
    assert deltas == {
        EXECUTE: ok,
        "runtime_tool_errors_total": 0,
        "runtime_tool_timeouts_total": 0,
        "runtime_bun_process_exits_total": ok,
        "runtime_bun_signals_total": 0,
        "runtime_tool_output_bytes_count": ok,
        "runtime_tool_output_bytes_sum": launched["reply_bytes"],
        "runtime_tool_input_bytes_sum": launched["request_bytes"],
        "runtime_tool_stderr_bytes_sum": 0,
        "bunscope_runs_lost_total": 0,
        "bunscope_runs_started_total": ok,
    }
    exits = "runtime_bun_process_exits_total"
    zero = {"status": "exit", "code": "0", "signal": ""}
    assert after.value(exits, **zero) - before.value(exits, **zero) == ok
    if tool:
        assert by_label(before, after) == {(tool, "success"): ok}
    return after


def by_label(before, after):
    """Runs that ended between two scrapes, by tool and outcome."""
    runs = {}
    for (name, labels), value in after.samples.items():
        delta = value - before.samples.get((name, labels), 0)
        if name == EXECUTE and delta:
            said = dict(labels)
            runs[said["tool_id"], said["outcome"]] = delta
    return runs


def test_fifty_thousand_runs_leave_nothing(agent, pytestconfig):
    """The identity is checked at each scrape of the storm."""
    before = warm_up(agent)
    storm = Storm(runs=pytestconfig.getoption("--storm-runs"), at_once=64, launchers=2)
    scrapes = 0
    while not storm.is_over():
        agent.scrape()
        scrapes += 1
    check_storm(agent, before, storm.finish(), "storm")
    assert scrapes > 10


def test_ring_of_one_page_in_a_storm(start_agent):
    """It is full again and again: its reader and the sweep share the records as it comes, and each is counted once."""
    agent = start_agent("--probe.ring-bytes=4096")
    before = warm_up(agent)
    after = check_storm(agent, before, Storm(runs=5000, at_once=64, launchers=2).finish(), "storm")
    assert after.total("bunscope_runs_lost_total") == 0
    assert after.total("bunscope_runs_rescued_total") > 0


def test_more_tool_ids_than_labels_in_a_storm(agent, pytestconfig):
    """Each run has a tool id of its own: the first come, later ones share a label, and memory stays as it is."""
    runs = pytestconfig.getoption("--storm-runs")
    before = warm_up(agent)
    half = check_storm(agent, before, Storm(runs=runs // 2, tools=runs, at_once=64, launchers=2).finish(), None)
    more = Storm(runs=runs // 2, tools=runs, tool="later", at_once=64, launchers=2)
    after = check_storm(agent, half, more.finish(), None)
    ids = {dict(labels)["tool_id"] for name, labels in after.samples if name == EXECUTE}
    own = [tool for tool in ids if tool.startswith("storm_")]
    # One may be seen before its request: it is unknown then, which takes no label from others.
    assert ids - set(own) - {"unknown"} == {"storm", "_other"}
    assert len(own) == LABELS - 1
    others = after.value(EXECUTE, tool_id="_other", outcome="success")
    assert others == 2 * (runs // 2) - len(own)
    assert after.value("bunscope_series_overflow_total", label="tool_id") >= others
    memory = [scraped.value("process_resident_memory_bytes") for scraped in (half, after)]
    assert memory[1] < MEMORY_BYTES
    assert memory[1] - memory[0] < MEMORY_GROWTH_BYTES


class Waiting:
    """Many of the tiny Bun, each waiting for the end of its request."""

    def __init__(self, count):
        command = [str(STORM / "bun"), "run", "storm/.compozy/bun_worker.ts"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.processes = [subprocess.Popen(command, **pipes) for _ in range(count)]

    def finish(self):
        """Lets them go on, one by one; bytes that they replied."""
        return sum(len(process.communicate()[0]) for process in self.processes)


# More than are adopted at a time; then with room for some of them.
@pytest.mark.parametrize("room", [4096, 100])
def test_agent_started_among_many(start_agent, room):
    """All that fit are followed, the rest are counted; each is over once it has ended."""
    count = 600
    waiting = Waiting(count)
    try:
        agent = start_agent(f"--probe.max-runs={room}")
        begun = agent.scrape()
    finally:
        replied = waiting.finish()
    followed = min(count, room)
    assert begun.total("bunscope_runs_started_total") == count
    assert begun.value("bunscope_map_entries", map="runs") == followed
    assert begun.value("bunscope_runs_lost_total", cause="map_full") == count - followed
    after = agent.wait_for(lambda now: now.total("bunscope_runs_finished_total") == followed, "all are over")
    assert after.total("bunscope_runs_lost_total") == count - followed
    assert after.value(EXECUTE, tool_id="unknown", outcome="success") == after.total(EXECUTE) == followed
    assert after.total("runtime_tool_output_bytes_sum") == replied // count * followed
    agent.wait_for(lambda now: sum(entries(now)[name] for name in ("runs", "streams", "unreaped")) == 0, "maps are empty")


def test_agents_started_in_a_storm(start_agent):
    """Runs that exit while they are adopted: none stays in flight, none is watched for ever."""
    storm = Storm(runs=20_000, at_once=64, launchers=2)
    started = [start_agent() for _ in range(4)]
    assert not storm.is_over()
    storm.finish()
    for agent in started:
        agent.wait_for(lambda now: entries(now)["runs"] == 0, "nothing is in flight")
        after = warm_up(agent)
        assert after.total("bunscope_runs_lost_total") == after.value("bunscope_runs_lost_total", cause="exit_unseen")
        assert after.total("runtime_tool_errors_total") == 0
    last = [entries(warm_up(agent)) for agent in [*started, start_agent()]]
    assert all(held == last[-1] for held in last), last


def test_pids_used_again(agent):
    """Four pids serve thousands of runs, each as soon as it is free again: a run is a pid and when it was forked."""
    before = warm_up(agent)
    storm = Storm("--same-pids", runs=4000, at_once=4)
    while not storm.is_over():
        agent.scrape()
    check_storm(agent, before, storm.finish(), "storm")


def test_small_pid_namespace(agent):
    """A hundred pids serve thousands of runs. To the kernel side they are those of its own namespace."""
    require_small_pid_namespace()
    prefix = pid_namespace(pids=400)
    before = warm_up(agent, prefix=prefix)
    storm = Storm(prefix=prefix, runs=4000, at_once=64, launchers=2)
    while not storm.is_over():
        agent.scrape()
    check_storm(agent, before, storm.finish(), "storm")


# Starts the waiting one, and holds so much memory that the kernel takes a while to tear it down.
DYING_SERVER = """
import mmap, os, signal, subprocess, sys
memory = mmap.mmap(-1, int(sys.argv[1]))
memory.madvise(mmap.MADV_NOHUGEPAGE)
for page in range(0, len(memory), mmap.PAGESIZE):
    memory[page] = 1
subprocess.Popen([sys.executable, "-c", sys.argv[2], *sys.argv[3:]], close_fds=False)
signal.pause()
"""
# Becomes Bun as soon as its parent has no memory any more: that one has exited, and is its parent still.
WAITING = """
import os, sys
parent = os.getppid()
print("ready", flush=True)
with open(f"/proc/{parent}/statm", "rb", buffering=0) as memory:
    while os.pread(memory.fileno(), 1, 0) != b"0":
        pass
os.execv(sys.argv[1], sys.argv[1:])
"""
SERVER_BYTES = 512 << 20
TRIES = 5


def run_of_dying_server():
    """A run whose parent dies while it is begun."""
    bun = [str(STORM / "bun"), "run", "storm/.compozy/bun_worker.ts"]
    command = [sys.executable, "-c", DYING_SERVER, str(SERVER_BYTES), WAITING, *bun]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout.readline() == b"ready\n"
        server.kill()
        server.stdin.close()
        assert server.stdout.read().startswith(b'{"result"')


def test_server_that_dies_while_it_starts_a_run(agent):
    """It is watched for the run's sake after its own exit was seen. It is found gone, and forgotten."""
    Waiting(1).finish()
    before = settled(agent)
    for tries in range(TRIES):
        run_of_dying_server()
        began = agent.wait_for(lambda now: now.total(EXECUTE) >= before.total(EXECUTE) + tries + 1, "the run is over")
        if entries(began)["watched"] > entries(before)["watched"]:
            break
    else:
        pytest.skip(f"the kernel tore the server down before its child could become Bun, {TRIES} times")
    agent.wait_for(lambda now: entries(now) == entries(before), "nothing is left of the server")
