# SPDX-License-Identifier: Apache-2.0
"""A server in Go with os/exec, whose own in-process truth is compared with the agent's, run by run."""
import pytest

from harness import parents
from harness.expect import run_of
from harness.watch import settle_deadlines, verify_runs

CALLS = [
    {"tool": "sum", "input": {"a": 1, "b": 2}},
    {"tool": "nothing"},
    {"tool": "silent"},
    {"tool": "rejects"},
    {"tool": "no_such_tool"},
    {"tool": "garbage_before"},
    {"tool": "exit", "input": {"code": 5}},
    {"tool": "crash", "input": {"signal": "SIGABRT"}},
    {"tool": "sleep", "timeout_ms": 600},
    {"tool": "throws", "timeout_ms": 600},
    {"tool": "keeps_timer", "timeout_ms": 600},
    {"tool": "slow", "input": {"ms": 5000}, "cancel_after_ms": 300},
    {"tool": "big", "input": {"bytes": 11 << 20}},
    {"tool": "echo", "input_pad_bytes": 1 << 20},
    {"tool": "sum", "input": {"a": 1, "b": 2}, "version_probe": True},
]

# Thirty at once take their turns: a deadline must come while its tool runs, not while the server still starts it or has its
# answer already. Which it was then, the server's own goroutines and timers decide.
AT_ONCE = [{**call, **{name: 5 * call[name] for name in ("timeout_ms", "cancel_after_ms") if name in call}} for call in CALLS]


@pytest.fixture
def go_parent(start_parent, bun):
    if not parents.GO_PARENT.exists():
        pytest.skip("the Go parent is not built: go is not installed")
    return lambda: start_parent(parents.go_parent, bun)


def run_of_go(truth):
    """os/exec's Wait closes the stderr pipe, so what in-process code read of it is a matter of luck."""
    return run_of(truth, stderr_error=False, stderr_bytes=None if truth["stderr_failed"] else truth["stderr_bytes"])


def test_one_by_one(agent, go_parent):
    parent = go_parent()
    for call in CALLS:
        before = agent.scrape()
        (truth,) = parent.run(**call)
        verify_runs(agent, before, run_of_go(truth))


def test_row_20_child_gives_up_before_exec(agent, go_parent):
    """Its working directory is a file, and nobody outside knows the tool. After one good run: it makes a server known."""
    parent = go_parent()
    before = agent.scrape()
    (good,) = parent.run(**CALLS[0])
    (truth,) = parent.run(tool="sum", root="/etc/passwd")
    assert truth["error_kind"] == "start"
    verify_runs(agent, before, run_of_go(good), run_of(truth, tool="unknown", seconds=(0, 10)))


def test_row_21_refused_before_any_fork(agent, go_parent):
    """Go looks for the directory itself, and finds none: nothing happens that could be seen."""
    parent = go_parent()
    before = agent.scrape()
    (refused,) = parent.run(tool="sum", root="/no/such/directory")
    assert (refused["error_kind"], refused["pid"]) == ("start", 0)
    (truth,) = parent.run(**CALLS[0])
    verify_runs(agent, before, run_of_go(truth))


def test_thirty_at_once(agent, go_parent):
    before = agent.scrape()
    truths = go_parent().run(calls=AT_ONCE, count=6, concurrency=30)
    assert len(truths) == 6 * len(AT_ONCE)
    truths = [truth for truth in truths if truth["pid"]]  # row 21: cancelled before the fork, where that took so long
    settle_deadlines(before, agent.wait_runs(before, len(truths), seconds=60), truths)
    verify_runs(agent, before, *map(run_of_go, truths))
