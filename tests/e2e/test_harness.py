# SPDX-License-Identifier: Apache-2.0
"""The comparison itself: it must see every difference. And how tests wait for each other."""
import concurrent.futures
import fcntl
import os

import pytest

from harness import machine
from harness.expect import Run, check, expected_of
from harness.exposition import parse
from harness.wait import wait_until

TYPES = """\
# HELP runtime_tool_execute_seconds x
# TYPE runtime_tool_execute_seconds histogram
# HELP runtime_tool_errors_total x
# TYPE runtime_tool_errors_total counter
# HELP runtime_bun_unreaped x
# TYPE runtime_bun_unreaped gauge
"""
FAILED_TO_START = Run(tool="unknown", outcome="error", error_kind="start", seconds=(0.2, 0.3))
GOOD = """\
runtime_tool_execute_seconds_bucket{tool_id="unknown",outcome="error",le="0.1"} 0
runtime_tool_execute_seconds_bucket{tool_id="unknown",outcome="error",le="1"} 1
runtime_tool_execute_seconds_bucket{tool_id="unknown",outcome="error",le="+Inf"} 1
runtime_tool_execute_seconds_sum{tool_id="unknown",outcome="error"} 0.25
runtime_tool_execute_seconds_count{tool_id="unknown",outcome="error"} 1
runtime_tool_errors_total{tool_id="unknown",error_kind="start"} 1
runtime_tool_errors_total{tool_id="unknown",error_kind="wait"} 0
runtime_bun_unreaped 0
"""


def differences(text):
    check(parse(TYPES), parse(TYPES + text), expected_of(FAILED_TO_START))


def test_equal():
    differences(GOOD)


@pytest.mark.parametrize(
    "old, new",
    [
        ('error_kind="start"} 1', 'error_kind="start"} 2'),
        ('error_kind="wait"} 0', 'error_kind="wait"} 1'),
        ('outcome="error"} 1\n', 'outcome="error"} 2\n'),
        ("0.25", "0.35"),
        ('le="0.1"} 0', 'le="0.1"} 1'),
        ('le="1"} 1', 'le="1"} 0'),
        ("unreaped 0", "unreaped 1"),
        ("runtime_bun_unreaped 0", 'runtime_tool_errors_total{tool_id="other",error_kind="wait"} 1'),
        ('tool_id="unknown",error_kind="start"', 'tool_id="sum",error_kind="start"'),
    ],
)
def test_each_difference_is_seen(old, new):
    assert old in GOOD
    with pytest.raises(AssertionError):
        differences(GOOD.replace(old, new))


@pytest.mark.parametrize(
    "line",
    [
        'runtime_bun_unreaped{a="b} 1\n',
        'runtime_bun_unreaped{a="b",a="c"} 1\n',
        "runtime_bun_unreaped\n",
        "runtime_bun_unreaped 1\nruntime_bun_unreaped 2\n",
        "untyped_series 1\n",
        "\nruntime_bun_unreaped 1\n",
        "runtime_bun_unreaped 1",
    ],
)
def test_malformed_text_is_an_error(line):
    with pytest.raises((AssertionError, ValueError)):
        parse(TYPES + line)


def test_labels_with_every_escape():
    text = parse(TYPES + 'runtime_bun_unreaped{a="q\\"}n\\n,b\\\\"} 1\n')
    assert text.value("runtime_bun_unreaped", a='q"}n\n,b\\') == 1


def test_who_waits_for_the_machine_says_for_whom(tmp_path, capfd):
    path = tmp_path / "lock"
    with open(path, "w", encoding="ascii") as held, concurrent.futures.ThreadPoolExecutor(1) as pool:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = pool.submit(machine.lock_machine, path, "or do this")
        said = wait_until(lambda: capfd.readouterr().out, "it says that it waits")
        assert f"until they let go of {path} (pid {os.getpid()}); or do this" in said
        assert not waiting.done()
        fcntl.flock(held, fcntl.LOCK_UN)
        waiting.result(10).close()
