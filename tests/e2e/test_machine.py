# SPDX-License-Identifier: Apache-2.0
"""The machine against the run: a cold page cache, an OOM kill."""
import os
import signal

import pytest

from harness import machine
from harness.watch import watch_one


@pytest.mark.kernel
def test_row_07_oom_kill(agent, memory_cgroup, parent):
    row = {"outcome": "error", "error_kind": "wait", "signal": signal.SIGKILL}
    watch_one(agent, parent, row, {"sender": "oom"}, tool="eats_memory", cgroup=str(memory_cgroup.path))


@pytest.mark.kernel
def test_cold_page_cache_keeps_the_tool_id(agent, parent, bun):
    """exec is slow then, and the parent writes its request before exec's tracepoint."""
    binary = os.path.realpath(bun)

    def evicted():
        machine.evict(binary)
        return machine.resident_pages(binary) == 0

    machine.wait_until(evicted, f"{binary} is out of the page cache")
    watch_one(agent, parent, {"outcome": "success"}, tool="sum", input={"a": 1, "b": 2})
    assert machine.resident_pages(binary) > 0
