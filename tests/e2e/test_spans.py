# SPDX-License-Identifier: Apache-2.0
"""Spans of runs, as a collector gets them: exact, sampled, and whatever the collector does."""
import platform
import signal
import time

import pytest

from harness import otlp, parents
from harness.agent import Agent
from harness.certificates import Authority
from harness.watch import verify_truths

INTERNAL = 1
ERROR = 2
SUM = {"tool": "sum", "input": {"a": 1, "b": 2}}
CALLS = [
    SUM,
    {"tool": "nothing"},
    {"tool": "rejects"},
    {"tool": "exit", "input": {"code": 5}},
    {"tool": "crash", "input": {"signal": "SIGABRT"}},
    {"tool": "sleep", "timeout_ms": 600},
    {"tool": "slow", "input": {"ms": 5000}, "cancel_after_ms": 300},
    {"tool": "big", "input": {"bytes": 11 << 20}},
    {"tool": "sum", "input": {"a": 1, "b": 2}, "version_probe": True},
]
AT_ONCE = ("--otlp.batch-delay=20ms",)
EPOCH_SLACK_NS = 10_000_000  # the parent's clock is read around the fork, the agent's offset later
NS = 1_000_000_000


@pytest.fixture
def receiver():
    receiver = otlp.Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def start_tracing(start_agent):
    def start(receiver, *flags):
        return start_agent(f"--otlp.endpoint={receiver.url}", *AT_ONCE, *flags)

    return start


def wait_totals(agent, condition, what, seconds=20):
    now = agent.wait_for(lambda now: condition(otlp.totals(now)), what, seconds)
    assert now.total("bunscope_denied_syscalls_total") == 0, agent.log
    return otlp.totals(now)


def wait_exported(agent, count, seconds=20):
    return wait_totals(agent, lambda now: now["exported"] >= count, f"{count} spans are exported", seconds)


def check_events(span, truth):
    events = {event.name: event for event in span.events}
    assert len(events) == len(span.events), "an event twice"
    assert all(span.start <= event.time <= span.end for event in span.events)
    wanted = {"exec", "exit"}
    if truth["input_bytes"] and truth["outcome"] != "cancelled":
        wanted.add("first_read")
    if truth["output_bytes"]:
        wanted.add("first_byte")
    if truth.get("signal"):
        wanted.add("signal")
    if truth["output_ended"]:
        wanted.add("eof")
    assert wanted <= set(events) <= wanted | {"first_byte", "eof"}, (truth["tool"], list(events))
    if "signal" in events:
        sender = "server" if truth["killed"] else "self"
        name = signal.Signals(truth["signal"]).name
        assert events["signal"].attributes == {"signal": name, "sender": sender}


def check_attributes(span, truth, versions):
    attributes = dict(span.attributes)
    assert attributes.pop("tool_id") == truth["tool"]
    assert attributes.pop("tool_exec_id") == truth["exec_id"]
    assert attributes.pop("timeout_ms") > 0
    assert attributes.pop("permissions") == ["--allow-read"]
    assert attributes.pop("process.pid") == truth["pid"]
    assert attributes.pop("process.parent_pid") > 1
    assert attributes.pop("bun_version", None) in versions
    if truth.get("signal"):
        assert attributes.pop("signal") == signal.Signals(truth["signal"]).name
    else:
        assert attributes.pop("exit_code") == attributes.pop("process.exit.code") == truth["exit"]
    if truth["output_ended"]:
        assert attributes.pop("output_bytes") == truth["output_bytes"]
    attributes.pop("output_bytes", None)
    if truth["error_kind"]:
        assert attributes.pop("error_kind") == attributes.pop("error.type") == truth["error_kind"]
    assert 0 < attributes.pop("cpu_seconds") <= truth.get("cpu_seconds", 60) + 0.002
    seconds = (span.end - span.start) / NS
    assert 0 <= attributes.pop("runqueue_seconds") <= seconds
    assert 0 < attributes.pop("wait_seconds") <= seconds
    assert attributes.pop("major_faults") >= 0
    assert attributes.pop("max_rss_bytes") > 8 << 20
    assert attributes == {}, "more than the contract says"


def check_run(span, truth, versions=(None,)):
    assert (span.name, span.kind, span.parent) == ("runtime.execute_tool", INTERNAL, "")
    assert span.flags & 1
    assert (span.status == ERROR) == (truth["outcome"] != "success")
    assert bool(span.message) == (span.status == ERROR)
    low, high = truth.get("seconds_min", 0), truth.get("seconds_max", 60)
    assert low <= (span.end - span.start) / NS <= high
    check_attributes(span, truth, versions)
    check_events(span, truth)


@pytest.mark.parametrize("protocol, compression", [("http/protobuf", "gzip"), ("http/json", "none")])
def test_every_way_to_end(start_tracing, start_parent, newest_bun, receiver, protocol, compression):
    agent = start_tracing(receiver, f"--otlp.protocol={protocol}", f"--otlp.compression={compression}")
    parent = start_parent(parents.c_parent, newest_bun)
    before = agent.scrape()
    begin = time.time_ns()
    truths = [parent.run(**call)[0] for call in CALLS]
    end = time.time_ns()
    verify_truths(agent, before, truths)
    spans = {span.attributes["process.pid"]: span for span in receiver.wait(len(truths))}
    assert wait_exported(agent, len(truths))["dropped"] == 0
    for truth in truths:
        # Known from the last call on, whose server asked for it; a zombie's record may come later still.
        versions = (newest_bun.version,) if truth is truths[-1] else (None, newest_bun.version)
        check_run(spans[truth["pid"]], truth, versions)
        assert begin - EPOCH_SLACK_NS <= spans[truth["pid"]].start
        assert spans[truth["pid"]].end <= end + EPOCH_SLACK_NS
    assert len({span.trace for span in spans.values()}) == len(truths)
    _, headers = receiver.requests[0]
    assert headers["User-Agent"].startswith("bunscope/")
    assert headers["Content-Encoding"] == ("gzip" if compression == "gzip" else None)


def test_a_run_that_failed_to_start(start_tracing, start_parent, newest_bun, receiver):
    agent = start_tracing(receiver)
    start_parent(parents.c_parent, newest_bun).run(tool="sum", env_bytes=4 << 20)
    (span,) = receiver.wait(1)
    assert span.attributes["error_kind"] == span.attributes["error.type"] == "start"
    assert span.status == ERROR and span.events == []
    assert "exit_code" not in span.attributes and "cpu_seconds" not in span.attributes
    wait_exported(agent, 1)


def test_resource_and_headers(start_agent, start_parent, newest_bun, receiver, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url + "/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20secret,X-Scope=a%2Cb")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=not_this,deployment.environment.name=test,k8s.node.name=n1")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "tools")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    agent = start_agent()
    start_parent(parents.c_parent, newest_bun).run(**SUM)
    (span,) = receiver.wait(1)
    assert span.resource.pop("host.name")
    assert span.resource.pop("host.arch") == {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    assert span.resource == {"service.name": "tools", "deployment.environment.name": "test", "k8s.node.name": "n1"}
    _, headers = receiver.requests[0]
    assert (headers["Authorization"], headers["X-Scope"]) == ("Bearer secret", "a,b")
    assert "secret" not in agent.log


def test_off_without_an_endpoint(agent, start_parent, newest_bun):
    before = agent.scrape()
    verify_truths(agent, before, start_parent(parents.c_parent, newest_bun).run(**SUM))
    assert otlp.totals(agent.scrape())["created"] == 0


# ---- sampling ----


def test_what_is_notable_is_kept(start_tracing, start_parent, newest_bun, receiver):
    agent = start_tracing(receiver, "--otlp.sampler=always_off")
    parent = start_parent(parents.c_parent, newest_bun)
    truths = parent.run(tool="rejects", count=3) + parent.run(tool="sleep", timeout_ms=400)
    spans = receiver.wait(len(truths))
    assert all(span.flags & 1 == 0 for span in spans)
    (slow,) = parent.run(tool="slow", input={"ms": 500})
    receiver.wait(len(truths) + 1)
    assert receiver.spans[-1].attributes["process.pid"] == slow["pid"]
    parent.run(tool="slow", input={"ms": 10}, count=5)
    now = wait_totals(agent, lambda now: now["created"] == len(truths) + 6, "all are made")
    assert now["unsampled"] == 5
    receiver.wait(len(truths) + 1)


def test_nothing_is_kept_that_should_not(start_tracing, start_parent, newest_bun, receiver):
    agent = start_tracing(receiver, "--otlp.sampler=traceidratio", "--otlp.sampler-arg=0", "--otlp.keep-notable=off")
    start_parent(parents.c_parent, newest_bun).run(tool="rejects", count=4)
    now = wait_totals(agent, lambda now: now["created"] == 4, "all are made")
    assert now["unsampled"] == 4 and receiver.requests == []


# ---- what a collector can do ----

FAULTS = {
    "429": lambda: otlp.Fault(429),
    "502": lambda: otlp.Fault(502),
    "503": lambda: otlp.Fault(503, body=b"x" * 1000),
    "504": lambda: otlp.Fault(504),
    "reset": otlp.Reset,
    "hang": otlp.Hang,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_is_tried_again(start_tracing, start_parent, newest_bun, receiver, fault):
    agent = start_tracing(receiver, "--otlp.timeout=300ms")
    receiver.faults.append(FAULTS[fault]())
    (truth,) = start_parent(parents.c_parent, newest_bun).run(**SUM)
    (span,) = receiver.wait(1)
    check_run(span, truth)
    now = wait_exported(agent, 1)
    assert (now["retried"], now["dropped"]) == (1, 0)
    assert [span.id for span in receiver.refused] == [span.id]


def test_retry_after_is_obeyed(start_tracing, start_parent, newest_bun, receiver):
    start_tracing(receiver)
    receiver.faults.append(otlp.Fault(429, {"Retry-After": "3"}))
    start_parent(parents.c_parent, newest_bun).run(**SUM)
    receiver_seen = otlp.wait_until(lambda: receiver.requests and time.monotonic(), "the first try")
    receiver.wait(1)
    assert time.monotonic() - receiver_seen >= 2.9


@pytest.mark.parametrize("status", [400, 401, 404, 413, 500, 501, 307])
def test_is_dropped(start_tracing, start_parent, newest_bun, receiver, status):
    agent = start_tracing(receiver)
    receiver.faults.append(otlp.Fault(status, {"Location": "http://127.0.0.1:1/", "Retry-After": "1"}))
    parent = start_parent(parents.c_parent, newest_bun)
    parent.run(**SUM)
    wait_totals(agent, lambda now: now["dropped"] == 1, "it is dropped")
    (truth,) = parent.run(**SUM)
    (span,) = receiver.wait(1)
    check_run(span, truth)
    assert wait_exported(agent, 1) == {"created": 2, "exported": 1, "dropped": 1, "unsampled": 0, "retried": 0, "queued": 0}
    assert f"status {status}" in agent.log and "again" in agent.log


def test_partial_success_is_counted(start_tracing, start_parent, newest_bun, receiver):
    agent = start_tracing(receiver, "--otlp.batch-delay=2s")
    receiver.faults.append(otlp.partial(2, "too old\nfake=line"))
    start_parent(parents.c_parent, newest_bun).run(**SUM, count=5)
    receiver.wait(5)
    now = wait_exported(agent, 3)
    assert (now["exported"], now["dropped"], now["queued"]) == (3, 2, 0)
    assert "refused 2 of 5" in agent.log and "\nfake" not in agent.log


@pytest.mark.parametrize("fault", [otlp.Half, otlp.Huge])
def test_a_strange_answer_is_an_answer(start_tracing, start_parent, newest_bun, receiver, fault):
    agent = start_tracing(receiver)
    before = agent.scrape().value("process_resident_memory_bytes")
    receiver.faults.append(fault())
    parent = start_parent(parents.c_parent, newest_bun)
    parent.run(**SUM)
    assert wait_exported(agent, 1)["retried"] == 0
    parent.run(**SUM)
    receiver.wait(2)
    if receiver.huge_sent is not None:
        assert receiver.huge_sent < 16 << 20, "the agent read all of it"
    assert agent.scrape().value("process_resident_memory_bytes") < before + (8 << 20)


def test_a_collector_that_comes_later(start_agent, start_parent, newest_bun):
    receiver = otlp.Receiver()
    address = receiver.server.server_address
    receiver.stop()
    agent = start_agent(f"--otlp.endpoint={receiver.url}", *AT_ONCE)
    parent = start_parent(parents.c_parent, newest_bun)
    truths = parent.run(**SUM, count=3)
    otlp.wait_until(lambda: "spans wait" in agent.log, "it says so")
    receiver = otlp.Receiver(address=address)
    try:
        spans = receiver.wait(3, seconds=30)
        assert {span.attributes["process.pid"] for span in spans} == {truth["pid"] for truth in truths}
        assert wait_exported(agent, 3)["dropped"] == 0
        assert "again" in agent.log
    finally:
        receiver.stop()


def test_a_full_queue_drops_and_counts(start_tracing, start_parent, newest_bun, receiver):
    agent = start_tracing(receiver, "--otlp.queue-size=10", "--otlp.batch-size=4", "--otlp.timeout=60s")
    receiver.faults.append(otlp.Hang())
    start_parent(parents.c_parent, newest_bun).run(tool="nothing", count=30, concurrency=4)
    now = wait_totals(agent, lambda now: now["created"] == 30, "all are made")
    assert (now["queued"], now["dropped"], now["exported"]) == (10, 20, 0)


# ---- TLS ----


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def test_tls_with_a_client_certificate(start_agent, start_parent, newest_bun, authority):
    receiver = otlp.Receiver(tls=(*authority.sign("collector"), authority.ca))
    certificate, key = authority.sign("agent", purpose="clientAuth")
    agent = start_agent(f"--otlp.endpoint={receiver.url}", f"--otlp.certificate={authority.ca}",
                        f"--otlp.client-certificate={certificate}", f"--otlp.client-key={key}", *AT_ONCE)
    (truth,) = start_parent(parents.c_parent, newest_bun).run(**SUM)
    (span,) = receiver.wait(1)
    check_run(span, truth)
    wait_exported(agent, 1)
    receiver.stop()


@pytest.mark.parametrize("wrong", ["name", "authority", "client"])
def test_tls_with_somebody_else(start_agent, start_parent, newest_bun, authority, tmp_path, wrong):
    """Not who was asked for, or not asked by whom it wants: nothing is sent, it is tried again, and said."""
    address = ("127.0.0.2" if wrong == "name" else "127.0.0.1", 0)
    receiver = otlp.Receiver(tls=(*authority.sign("collector"), authority.ca if wrong == "client" else None), address=address)
    (tmp_path / "other").mkdir()
    trusted = Authority(tmp_path / "other").ca if wrong == "authority" else authority.ca
    agent = start_agent(f"--otlp.endpoint={receiver.url}", f"--otlp.certificate={trusted}", *AT_ONCE,
                        "--shutdown-timeout=100ms")
    start_parent(parents.c_parent, newest_bun).run(**SUM)
    now = wait_totals(agent, lambda now: now["retried"] >= 1, "it is tried again")
    assert (now["queued"], now["exported"], now["dropped"]) == (1, 0, 0)
    assert "spans wait" in agent.log and receiver.requests == []
    receiver.stop()


# ---- the end ----


def test_sends_what_is_left_at_the_end(start_parent, newest_bun, receiver):
    agent = Agent(f"--otlp.endpoint={receiver.url}", "--otlp.batch-delay=60s").wait_ready()
    truths = start_parent(parents.c_parent, newest_bun).run(**SUM, count=5)
    agent.wait_for(lambda now: otlp.totals(now)["queued"] == 5, "five wait")
    code, seconds = agent.stop()
    assert code == 0 and seconds < 2
    spans = receiver.wait(5)
    assert {span.attributes["process.pid"] for span in spans} == {truth["pid"] for truth in truths}


def test_the_end_does_not_wait_for_ever(start_parent, newest_bun, receiver):
    agent = Agent(f"--otlp.endpoint={receiver.url}", "--otlp.batch-delay=60s", "--shutdown-timeout=1s").wait_ready()
    receiver.faults.append(otlp.Hang())
    start_parent(parents.c_parent, newest_bun).run(**SUM)
    agent.wait_for(lambda now: otlp.totals(now)["queued"] == 1, "one waits")
    code, seconds = agent.stop()
    assert code == 0 and 1 <= seconds < 2
