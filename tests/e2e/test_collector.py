# SPDX-License-Identifier: Apache-2.0
"""Spans through a real OpenTelemetry collector; exemplars in a real Prometheus; a collector that is down under load."""
import os
import time

import pytest

from harness import collector as collectors
from harness import otlp, parents, servers
from harness.agent import OPENMETRICS
from harness.collector import Collector
from harness.wait import wait_until
from harness.watch import verify_truths
from test_spans import AT_ONCE, CALLS, SUM, check_run, receiver, start_tracing, wait_exported  # noqa: F401 (fixtures)

# METRICS.md's table of spans: attributes, and events with theirs. Each line is looked for in what a collector took.
EXCHANGE = {"exec_id", "timeout_ms", "action", "component", "http.response.status_code", "error_type"}
CONTRACT = {
    "runtime.execute_tool": ({
        "tool_id", "tool_exec_id", "timeout_ms", "bun_version", "permissions", "exit_code", "signal", "output_bytes", "error_kind",
        "cpu_seconds", "runqueue_seconds", "wait_seconds", "major_faults", "max_rss_bytes",
    }, {"exec": set(), "first_read": set(), "first_byte": set(), "signal": {"signal", "sender"}, "exit": set(), "eof": set()}),
    "task.execute_sync": ({"task_id"} | EXCHANGE, {}),
    "agent.execute_sync": ({"agent_id"} | EXCHANGE, {}),
    "workflow.execute_sync": ({"workflow_id"} | EXCHANGE, {}),
    "workflow.wait_completion": ({"total_iterations"}, {"poll_iteration": {"attempt"}}),
    "agent.prepare": ({"action"}, {}),
}
# OpenTelemetry's own names beside them, and what says whose span it is.
BESIDE = {
    "runtime.execute_tool": {"process.pid", "process.parent_pid", "process.exit.code", "error.type"},
    "task.execute_sync": {"http.request.method", "process.pid", "error.type"},
    "agent.execute_sync": {"http.request.method", "process.pid", "error.type"},
    "workflow.execute_sync": {"http.request.method", "process.pid"},
    "workflow.wait_completion": {"workflow_id", "exec_id", "error.type"},
    "agent.prepare": set(),
}
# Every way to end that adds something: kind, name, body.
ASKED = {"action": "work", "timeout": 5}
EXECUTIONS = [
    ("tasks", "sum", {**ASKED, "with": {"a": 1, "b": 2}}),
    ("tasks", "crash", {**ASKED, "with": {"signal": "SIGABRT"}}),
    ("agents", "rejects", ASKED),
    ("workflows", "flow", {**ASKED, "input": {"tools": ["sum"], "with": {"a": 1, "b": 2}}}),
    ("workflows", "late", {**ASKED, "timeout": 0.4, "input": {"ms": 1500}}),
]

OUTAGE_SECONDS = float(os.environ.get("BUNSCOPE_OUTAGE_SECONDS", "8"))
EXECUTE = "runtime_tool_execute_seconds_bucket"
STARTUP = "runtime_tool_startup_seconds_bucket"
EXECUTION = "http_exec_sync_latency_seconds_bucket"


@pytest.fixture
def collector(tmp_path, receiver):  # noqa: F811
    if not collectors.BINARY.exists():
        pytest.skip("the collector is not built: go is not installed, or its modules cannot be had")
    collector = Collector(tmp_path, receiver)
    yield collector
    collector.stop()


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_a_real_collector_takes_every_span(start_tracing, start_parent, newest_bun, receiver, collector, protocol):  # noqa: F811
    agent = start_tracing(collector, f"--otlp.protocol={protocol}")
    parent = start_parent(parents.c_parent, newest_bun)
    parent.run(**SUM, version_probe=True)
    receiver.wait(1)
    truths = [parent.run(**call)[0] for call in CALLS]
    spans = {span.attributes["process.pid"]: span for span in receiver.wait(1 + len(truths))}
    for truth in truths:
        check_run(spans[truth["pid"]], truth, (newest_bun.version,))
    now = wait_exported(agent, 1 + len(truths))
    assert (now["dropped"], now["retried"]) == (0, 0)


def seen_in(spans):
    """By name: all attributes, and all events with theirs."""
    seen = {}
    for span in spans:
        attributes, events = seen.setdefault(span.name, (set(), {}))
        attributes |= set(span.attributes)
        for event in span.events:
            events.setdefault(event.name, set()).update(event.attributes)
    return seen


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_every_span_of_the_contract(start_tracing, start_parent, newest_bun, receiver, collector, protocol):  # noqa: F811
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")
    server = start_parent(servers.go_server, newest_bun, "--version-probe")
    agent = start_tracing(collector, f"--server.port={server.port}", f"--otlp.protocol={protocol}")
    agent.wait_for(lambda now: True, "ready")
    for kind, name, body in EXECUTIONS:
        server.execute(kind, name, **body)
    server.truth()
    agent.wait_for(lambda now: otlp.totals(now)["queued"] == 0 and otlp.totals(now)["created"] >= 12, "all are out")
    seen = seen_in(receiver.spans)
    receiver.check()
    assert {name: (attributes - BESIDE[name], events) for name, (attributes, events) in seen.items()} == CONTRACT
    assert {name: attributes & BESIDE[name] for name, (attributes, _) in seen.items()} == BESIDE


def exemplars_of(prometheus, query, count):
    """So many, by the ids of their span: the labels of their series, and the exemplar."""

    def stored():
        found = {}
        begin = time.time() - 300
        for series in prometheus.get("query_exemplars", query=query, start=begin, end=begin + 600):
            for exemplar in series["exemplars"]:
                ids = exemplar["labels"]
                found[ids["trace_id"], ids["span_id"]] = (series["seriesLabels"], exemplar)
        return found if len(found) >= count else None

    return wait_until(stored, "Prometheus has the exemplars")


def test_exemplars_reach_prometheus(start_tracing, start_parent, newest_bun, receiver, start_prometheus):  # noqa: F811
    prometheus = start_prometheus(start_tracing(receiver), flags=["--enable-feature=exemplar-storage"])
    parent = start_parent(parents.c_parent, newest_bun)
    truths = parent.run(**SUM) + parent.run(tool="rejects") + parent.run(tool="slow", input={"ms": 700})
    spans = {(span.trace, span.id): span for span in receiver.wait(len(truths))}
    found = exemplars_of(prometheus, EXECUTE, len(truths))
    assert set(found) == set(spans)
    for ids, (labels, exemplar) in found.items():
        span = spans[ids]
        assert labels["tool_id"] == span.attributes["tool_id"]
        assert float(exemplar["value"]) == pytest.approx((span.end - span.start) / 1e9, abs=1e-9)
        assert float(exemplar["timestamp"]) == pytest.approx(span.end / 1e9, abs=0.002)
    for ids, (labels, exemplar) in exemplars_of(prometheus, STARTUP, len(truths)).items():
        assert labels["tool_id"] == spans[ids].attributes["tool_id"]
        first_read = next(event.time for event in spans[ids].events if event.name == "first_read")
        assert float(exemplar["value"]) == pytest.approx((first_read - spans[ids].start) / 1e9, abs=1e-9)


def test_exemplars_of_executions_reach_prometheus(start_tracing, start_parent, newest_bun, receiver, start_prometheus):  # noqa: F811
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")
    server = start_parent(servers.go_server, newest_bun)
    agent = start_tracing(receiver, f"--server.port={server.port}")
    prometheus = start_prometheus(agent, flags=["--enable-feature=exemplar-storage"])
    asked = [("tasks", "missing"), ("agents", "broken"), ("workflows", "missing")]
    for kind, name in asked:
        server.execute(kind, name)
    spans = {(span.trace, span.id): span for span in receiver.wait(len(asked))}
    found = exemplars_of(prometheus, EXECUTION, len(asked))
    assert set(found) == set(spans)
    for ids, (labels, exemplar) in found.items():
        span = spans[ids]
        assert (labels["kind"], labels["outcome"]) == (span.attributes["component"], "error")
        assert 0 < float(exemplar["value"]) <= (span.end - span.start) / 1e9  # to the first byte of the response
        assert float(exemplar["timestamp"]) == pytest.approx(span.end / 1e9, abs=0.002)


def test_exemplars_of_polls(start_tracing, start_parent, newest_bun, receiver):  # noqa: F811
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")
    server = start_parent(servers.go_server, newest_bun)
    agent = start_tracing(receiver, f"--server.port={server.port}")
    assert server.execute("workflows", "flow", input={"ms": 0})[0] == 200
    (span,) = [span for span in receiver.wait(2) if span.name == "workflow.wait_completion"]
    text = agent.get("/metrics", headers={"Accept": OPENMETRICS}).content.decode()
    (line,) = [line for line in text.splitlines() if span.id in line]
    series, exemplar = line.split(" # ")
    assert series.startswith('workflow_sync_poll_duration_seconds_bucket{workflow_id="flow",')
    ids, value, _ = exemplar.rsplit(" ", 2)
    assert ids == f'{{trace_id="{span.trace}",span_id="{span.id}"}}'
    assert float(value) == pytest.approx((span.end - span.start) / 1e9, abs=1e-9)


def test_exemplars_are_openmetrics_alone(start_tracing, start_parent, newest_bun, receiver):  # noqa: F811
    agent = start_tracing(receiver)
    start_parent(parents.c_parent, newest_bun).run(**SUM)
    (span,) = receiver.wait(1)
    assert span.trace not in agent.get("/metrics").content.decode()
    text = agent.get("/metrics", headers={"Accept": OPENMETRICS}).content.decode()
    lines = [line for line in text.splitlines() if span.trace in line]
    assert [line.split("_bucket{")[0] for line in lines] == [EXECUTE.removesuffix("_bucket"), STARTUP.removesuffix("_bucket")]
    for line in lines:
        assert line.split(" # ")[1].startswith(f'{{trace_id="{span.trace}",span_id="{span.id}"}} ')


def test_a_collector_that_is_down_under_load(start_agent, start_parent, newest_bun):
    """Nothing of the metrics is late or wrong, memory has an end."""
    receiver = otlp.Receiver()  # noqa: F811
    address = receiver.server.server_address
    receiver.stop()
    agent = start_agent(f"--otlp.endpoint={receiver.url}", *AT_ONCE, "--otlp.queue-size=256", "--otlp.batch-size=64")
    parent = start_parent(parents.c_parent, newest_bun)
    before = agent.scrape()
    truths = parent.run(**SUM, count=300, concurrency=4)
    full = agent.wait_for(lambda now: otlp.totals(now)["created"] >= 300, "the queue is full")
    assert otlp.totals(full)["queued"] == 256 and otlp.totals(full)["dropped"] == 44
    memory = full.value("process_resident_memory_bytes")
    begin = time.monotonic()
    while time.monotonic() < begin + OUTAGE_SECONDS:
        truths += parent.run(**SUM, count=100, concurrency=4)
        scraped = agent.scrape()
        assert otlp.totals(scraped)["queued"] == 256
        assert scraped.value("process_resident_memory_bytes") < memory + (2 << 20)
    verify_truths(agent, before, truths)
    receiver = otlp.Receiver(address=address)
    try:
        wait_until(lambda: len(receiver.spans) == 256, "what was queued comes", 60)
        now = wait_exported(agent, 256)
        assert now["dropped"] == len(truths) - 256 and now["queued"] == 0
        assert {span.attributes["process.pid"] for span in receiver.spans} <= {truth["pid"] for truth in truths}
    finally:
        receiver.stop()
