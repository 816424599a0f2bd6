# SPDX-License-Identifier: Apache-2.0
"""Hostile input: in requests, and on the agent's port."""
import concurrent.futures
import contextlib
import os
import resource
import socket

import pytest

from harness import parents
from harness.expect import run_of
from harness.watch import verify_runs, watch_one

BAD_REQUEST = {"outcome": "error", "error_kind": "wait", "exit": 1}
GOOD = {"tool": "sum", "input": {"a": 1, "b": 2}}
CONNECTIONS = 10_000
# A tenth of what the connections would take at 8 KiB each, and the agent itself.
MEMORY_BYTES = 24 << 20


def request_of(tool_id):
    return b'{"tool_id":"' + tool_id + b'","tool_exec_id":"34fQ0bZk1xYvT7mN2cR8sL5pWdA","input":{}}'


TOOL_IDS = {
    "quotes": (rb"a\"b\"", 'a"b"'),
    "newline": (rb"a\nb", "a\nb"),
    "backslash": (rb"a\\b", "a\\b"),
    "braces": (rb"a{b=\"c\"} 1", 'a{b="c"} 1'),
    "other script": ("größe".encode(), "größe"),
    "escaped": (rb"\u0073um!", "sum!"),
    "128 bytes": (b"a!" * 64, "a!" * 64),
    "129 bytes": (b"a!" * 64 + b"b", "_invalid"),
    "1 MiB": (b"a!" * (1 << 19), "_invalid"),
    "invalid UTF-8": (b"a\xff\xfeb", "_invalid"),
    "surrogate": (rb"a\ud800b", "_invalid"),
    "NUL": (rb"a\u0000b", "_invalid"),
}


@pytest.mark.parametrize("case", TOOL_IDS)
def test_tool_id(agent, parent, tmp_path, case):
    """The worker refuses all of these; the label is the id, or says that it is none."""
    raw, label = TOOL_IDS[case]
    (tmp_path / "request").write_bytes(request_of(raw))
    job = {"request_file": str(tmp_path / "request")}
    watch_one(agent, parent, BAD_REQUEST, {"tool": label}, tool=case, **job)


@pytest.mark.parametrize("case", ["quotes", "NUL", "1 MiB"])
def test_neighbours_of_hostile_requests(agent, start_parent, bun, tmp_path, case):
    """Side by side, many at once: the good ones stay exact."""
    raw, label = TOOL_IDS[case]
    (tmp_path / "request").write_bytes(request_of(raw))
    hostile, good = (start_parent(parents.c_parent, bun) for _ in range(2))
    before = agent.scrape()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        bad = pool.submit(hostile.run, tool=case, request_file=str(tmp_path / "request"), count=30, concurrency=10)
        truths = good.run(count=30, concurrency=10, **GOOD)
    assert {truth["outcome"] for truth in truths} == {"success"}
    runs = [run_of(truth, tool=label) for truth in bad.result()] + [run_of(truth) for truth in truths]
    verify_runs(agent, before, *runs)


def test_request_that_never_ends(agent, parent):
    """Killed at the deadline before its tool id and its timeout were written: a cancellation, from outside."""
    row = {"outcome": "timeout", "error_kind": "timeout"}
    differences = {"tool": "unknown", "outcome": "error", "error_kind": "stdin", "timed_out": False}
    job = {"chunk_bytes": 1, "chunk_pause_us": 100_000, "timeout_ms": 700}
    # The server reads stderr only once it has written the request.
    truth = watch_one(agent, parent, row, {**differences, "stderr_bytes": None}, **GOOD, **job)
    assert truth["input_bytes"] < 12


def test_more_tool_ids_than_labels(start_agent, parent):
    """The first come; later ones share a label, and a counter says so."""
    agent = start_agent("--metrics.max-label-values=10")
    before = agent.scrape()
    truths = []
    for number in range(25):
        truths += parent.run(tool=f"absent_{number:02}")
        agent.wait_runs(before, number + 1)
    labels = [f"absent_{number:02}" if number < 10 else "_other" for number in range(25)]
    runs = [run_of(truth, tool=label) for truth, label in zip(truths, labels)]
    after = verify_runs(agent, before, *runs)
    assert after.total("bunscope_series_overflow_total") > 0


@contextlib.contextmanager
def descriptors(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count:
        pytest.skip(f"no more than {hard} descriptors here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_silent_connections(agent, parent):
    """Ten thousand of them: the agent answers others, and counts."""
    before = agent.scrape()
    with descriptors(CONNECTIONS + 1000), contextlib.ExitStack() as stack:
        for _ in range(CONNECTIONS):
            stack.enter_context(socket.create_connection(agent.address, timeout=10))
        (truth,) = parent.run(**GOOD)
        after = verify_runs(agent, before, run_of(truth))
    assert after.value("process_resident_memory_bytes") < MEMORY_BYTES


def test_slow_requests(agent):
    """Twice as many as there is room for, each of which sends a byte now and then: scrapers are answered all the same."""
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(agent.address, timeout=10)) for _ in range(256)]
        for _ in range(30):
            for connection in slow:
                with contextlib.suppress(OSError):
                    connection.send(b"x")
            agent.scrape()


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 1000,
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
        os.urandom(4096),
    ],
    ids=["NULs", "long path", "many headers", "version", "huge body", "noise"],
)
def test_hostile_http(agent, data):
    with socket.create_connection(agent.address, timeout=5) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(65536)
    assert agent.get("/healthz").status == 200
    agent.scrape()
