# SPDX-License-Identifier: Apache-2.0
"""What the live page and `bunscope top` show: some runs of each kind, and when they are there."""
import json

from harness.wait import wait_until

EXECUTE = "runtime_tool_execute_seconds"
STEP_SECONDS = 5
JOBS = (
    {"tool": "sum", "input": {"a": 1, "b": 2}, "count": 8, "concurrency": 2},
    {"tool": "slow", "input": {"ms": 120}, "count": 4, "concurrency": 2},
    {"tool": "rejects", "count": 3},
    {"tool": "crash", "input": {"signal": "SIGABRT"}},
    {"tool": "sleep", "timeout_ms": 300, "count": 2, "concurrency": 2},
)


def runs_of_steps(live):
    """How many runs ended in each step of an answer that has all rows."""
    family = [made["name"] for made in live["families"]].index(EXECUTE)
    rows = {number for number, row in enumerate(live["rows"]) if row[0] == family}
    return [sum(sum(entry[3::2]) for entry in step[1:] if entry[0] in rows) for step in live["steps"]]


def wait_step(agent, runs):
    """Until the page's last step has so many runs."""

    def counted():
        return sum(runs_of_steps(json.loads(agent.get("/api/live").content))) == runs

    wait_until(counted, f"a step has {runs} runs", 2 * STEP_SECONDS + 5)
