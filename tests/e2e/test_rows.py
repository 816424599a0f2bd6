# SPDX-License-Identifier: Apache-2.0
"""Rows 1 to 9 and 25 of the situation table: real Bun under a parent that forks and kills as Go does."""
import os
import signal

import pytest

from harness.expect import run_of
from harness.wait import SLOWNESS
from harness.watch import begin_running, verify_runs, verify_truths, watch_one

pytestmark = pytest.mark.kernel

SUCCESS = {"outcome": "success", "error_kind": None, "exit": 0}
PARSE = {"outcome": "error", "error_kind": "parse", "exit": 0}
WAIT = {"outcome": "error", "error_kind": "wait"}
TIMEOUT = {"outcome": "timeout", "error_kind": "timeout", "timed_out": True}
KILLED = {"signal": signal.SIGKILL}

# By then Bun has read its request, in an emulated machine too.
DEADLINE_MS = int(500 * SLOWNESS)

# Bun 1.3.0 catches these itself and ends in an illegal instruction of its own.
CAUGHT_BY_OLD_BUN = {"SIGSEGV", "SIGBUS", "SIGILL"}


@pytest.mark.parametrize("tool", ["sum", "nothing", "slow"])
def test_row_01_result(agent, parent, tool):
    watch_one(agent, parent, SUCCESS, tool=tool, input={"a": 1, "b": 2, "ms": 100})


@pytest.mark.parametrize("mebibytes", [1, 9])
def test_row_01_large_output(agent, parent, mebibytes):
    truth = watch_one(agent, parent, SUCCESS, tool="big", input={"bytes": mebibytes << 20})
    assert truth["output_bytes"] > mebibytes << 20


@pytest.mark.parametrize("tool", ["silent", "exit"])
def test_row_02_nothing_on_stdout(agent, parent, tool):
    row = {**SUCCESS, "output_bytes": 0}
    watch_one(agent, parent, row, tool=tool, input={"code": 256})


@pytest.mark.parametrize("tool", ["rejects", "no_such_tool", "bigint", "cyclic"])
def test_row_03_failure_reply(agent, parent, tool):
    watch_one(agent, parent, PARSE, tool=tool)


def test_row_03_failure_reply_longer_than_what_is_captured(agent, parent):
    watch_one(agent, parent, PARSE, tool="rejects", input={"message": "m" * 5000})


@pytest.mark.parametrize("tool", ["garbage_before", "garbage_after", "garbage_only", "prints"])
def test_row_04_not_one_json_object(agent, parent, tool):
    watch_one(agent, parent, PARSE, tool=tool, input={"bytes": 200_000})


@pytest.mark.parametrize("tool", ["exit", "reply_then_exit"])
@pytest.mark.parametrize("code", [1, 7, 255])
def test_row_05_exit_code(agent, parent, tool, code):
    watch_one(agent, parent, {**WAIT, "exit": code}, tool=tool, input={"code": code})


def test_row_05_unhandled_rejection_after_the_reply(agent, parent):
    truth = watch_one(agent, parent, {**WAIT, "exit": 1}, tool="rejects_later")
    assert truth["output_bytes"] > 0


def test_row_05_exit_code_after_garbage(agent, parent):
    watch_one(agent, parent, {**WAIT, "exit": 1}, tool="bad..id")


def test_row_06_killed_by_somebody_else(agent, parent, tmp_path):
    before = agent.scrape()
    pid = begin_running(parent, tmp_path, tool="sleep")
    os.kill(pid, signal.SIGKILL)
    (truth,) = parent.finish()
    assert (truth["error_kind"], truth["signal"]) == ("wait", signal.SIGKILL)
    verify_runs(agent, before, run_of(truth, sender="other"))


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGILL", "SIGTRAP", "SIGBUS", "SIGTERM"])
def test_row_08_crash(agent, parent, bun, name):
    caught = bun.version == "1.3.0" and name in CAUGHT_BY_OLD_BUN
    number = signal.SIGILL if caught else signal.Signals[name]
    differences = {"sender": "kernel" if caught else "self"}
    watch_one(agent, parent, {**WAIT, "signal": number}, differences, tool="crash", input={"signal": name})


def test_row_08_memory_fault(agent, parent, bun):
    """Bun's crash handler sends the signal to itself again; the old one ends in an illegal instruction."""
    old = bun.version == "1.3.0"
    row = {**WAIT, "signal": signal.SIGILL if old else signal.SIGSEGV}
    watch_one(agent, parent, row, {"sender": "kernel" if old else "self"}, tool="faults")


@pytest.mark.parametrize("tool", ["sleep", "spin"])
def test_row_09_deadline_while_reading(agent, parent, tool):
    watch_one(agent, parent, {**TIMEOUT, **KILLED}, tool=tool, timeout_ms=DEADLINE_MS, input={"ms": 60_000})


def test_row_09_deadline_while_the_output_is_under_way(agent, parent):
    tool = {"tool": "prints_then_sleeps", "input": {"bytes": 100_000}}
    truth = watch_one(agent, parent, {**TIMEOUT, **KILLED}, timeout_ms=DEADLINE_MS, **tool)
    assert truth["output_bytes"] >= 100_000  # the worker's own timer may just have been as fast, with its reply


def test_row_25_version_probe_is_not_a_run(agent, parent):
    watch_one(agent, parent, SUCCESS, tool="sum", input={"a": 1, "b": 2}, version_probe=True)


def test_twenty_at_once(agent, parent):
    before = agent.scrape()
    truths = parent.run(tool="echo", count=100, concurrency=20)
    assert all(truth["outcome"] == "success" for truth in truths)
    verify_truths(agent, before, truths)
