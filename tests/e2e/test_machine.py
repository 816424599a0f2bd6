# SPDX-License-Identifier: Apache-2.0
"""The machine against the run: a cold page cache, an OOM kill."""
import os
import shutil
import signal

import pytest

from harness import machine, parents
from harness.watch import watch_one


@pytest.mark.kernel
def test_row_07_oom_kill(agent, memory_cgroup, parent):
    row = {"outcome": "error", "error_kind": "wait", "signal": signal.SIGKILL}
    watch_one(agent, parent, row, {"sender": "oom"}, tool="eats_memory", cgroup=str(memory_cgroup.path))


@pytest.mark.kernel
def test_cold_page_cache_keeps_the_tool_id(agent, start_parent, bun, tmp_path):
    """exec is slow then, and the parent writes its request before exec's tracepoint."""
    # A file of the test's own, which nobody else runs, where it has a disk to go to.
    binary = os.path.realpath(bun)
    if not machine.is_in_memory(tmp_path):
        binary = shutil.copy(binary, tmp_path / "bun")

    def evicted():
        machine.evict(binary)
        return machine.resident_pages(binary) == 0

    machine.wait_until(evicted, f"{binary} is out of the page cache")
    parent = start_parent(parents.c_parent, binary)
    watch_one(agent, parent, {"outcome": "success"}, tool="sum", input={"a": 1, "b": 2})
    assert machine.resident_pages(binary) > 0
