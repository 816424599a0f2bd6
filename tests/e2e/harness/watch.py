# SPDX-License-Identifier: Apache-2.0
"""The usual shape of a test: scrape, run, wait until the agent has it, compare everything."""
import json
import os

import pytest

from harness.expect import check, expected_of, run_of
from harness.wait import wait_until

RUNS = "runtime_tool_execute_seconds_count"
ZOMBIES = "runtime_bun_unreaped"
DEADLINE_WINDOW_SECONDS = 0.05
ATTEMPTS = 3


def verify(agent, before, expected, seconds=20):
    """Waits until the agent has counted as many runs as expected, and compares everything.

    The kernel frees a reaped process some milliseconds after its parent knows: zombies are waited for as well.
    """
    runs = before.total(RUNS) + expected.runs
    zombies = before.total(ZOMBIES) + expected.unreaped

    def settled(now):
        return now.total(RUNS) >= runs and now.total(ZOMBIES) == zombies

    try:
        after = agent.wait_for(settled, f"{expected.runs} runs are over", seconds)
    except TimeoutError:
        after = agent.scrape()
    check(before, after, expected)
    return after


def verify_runs(agent, before, *runs, seconds=20):
    return verify(agent, before, expected_of(*runs), seconds)


def verify_truths(agent, before, truths, seconds=20):
    return verify(agent, before, expected_of(*map(run_of, truths)), seconds)


def forked_late(truth):
    """The server's clock starts before the fork: where more than the agent's window lies between, as on a busy machine it
    may, a kill at the deadline cannot be told from a cancellation."""
    return truth["timed_out"] and truth.get("gap_seconds_max", 0) > DEADLINE_WINDOW_SECONDS


def settle_deadlines(before, now, truths):
    """The server's clock starts before the fork. Where more than the agent's window lies between, a kill at the deadline
    cannot be told from a cancellation: the agent may say either, but must say the same in all series. Which of them it said it
    of is not known: the latencies of so many may be those of any so many.
    """
    late = [truth for truth in truths if forked_late(truth)]
    for tool in {truth["tool"] for truth in late}:
        # The sooner after its fork it was killed, the surer it was a cancellation.
        own = [truth for truth in late if truth["tool"] == tool]
        own.sort(key=lambda truth: (-truth["seconds_min"], truth["gap_seconds_max"]))
        certain = sum(truth["timed_out"] for truth in truths if truth["tool"] == tool) - len(own)
        name = "runtime_tool_timeouts_total"
        found = int(now.value(name, tool_id=tool) - before.value(name, tool_id=tool)) - certain
        assert 0 <= found <= len(own), f"{tool}: {certain} to {certain + len(own)} timeouts, not {certain + found}"
        lows = sorted(truth["seconds_min"] for truth in own)
        highs = sorted((truth["seconds_max"] for truth in own), reverse=True)
        for truth, *latency in zip(own[:found], lows, highs):
            truth.update(latency=latency)
        for truth, *latency in zip(own[found:], lows, highs):
            truth.update(outcome="error", timed_out=False, latency=latency)


def watch_one(agent, parent, row, differences=None, **job):
    """Runs one call; its truth must be as the row says, and the series as its truth says."""
    for _ in range(ATTEMPTS):
        before = agent.scrape()
        (truth,) = parent.run(**job)
        said = {name: truth.get(name) for name in row}
        assert said == row, f"the parent itself saw something else: {truth}"
        if not forked_late(truth):
            verify_runs(agent, before, run_of(truth, **(differences or {})))
            return truth
        agent.wait_runs(before, 1)
    pytest.skip(f"the machine took too long to fork, {ATTEMPTS} times")


def adopted_run(truth):
    """The run of a worker that was adopted while its tool ran: the request and the first line on stderr were over."""
    return run_of(truth, tool="unknown", startup=False, input_bytes=0, stderr_bytes=0)


def check_adopted(tail, truth):
    """It is flagged as adopted, where each run has a line."""
    line = json.loads(tail.lines.get(timeout=20))
    assert (line["pid"], line["adopted"], line["outcome"]) == (truth["pid"], True, truth["outcome"])


def begin_running(parent, directory, **job):
    """Begins a call of sleep, slow or waits; returns its pid once the tool runs, so that its request was read."""
    marker = directory / "runs"
    marker.unlink(missing_ok=True)
    parent.begin(**{**job, "input": {**job.get("input", {}), "marker": str(marker)}})
    pid = parent.next("start")["pid"]
    wait_until(lambda: os.path.exists(marker), "the tool runs")
    return pid
