# SPDX-License-Identifier: Apache-2.0
"""What the agent serves over HTTP."""
import gzip
import socket
import subprocess

import pytest

from conftest import require
from harness import parents
from harness.agent import OPENMETRICS
from harness.exposition import parse
from harness.watch import watch_one

PROMETHEUS_ACCEPT = (
    "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.1"
)
OUTCOMES = ("success", "error", "timeout")
ERROR_KINDS = ("start", "stdin", "stdout", "stderr", "wait", "parse", "timeout")


@pytest.fixture
def busy_agent(agent, start_parent, newest_bun):
    """An agent that has seen some runs."""
    parent = start_parent(parents.c_parent, newest_bun)
    for job in ({"tool": "sum", "input": {"a": 1, "b": 2}}, {"tool": "rejects"}, {"tool": "sleep", "timeout_ms": 200}):
        watch_one(agent, parent, {}, **job)
    return agent


def test_promtool_finds_nothing(busy_agent):
    promtool = require("promtool")
    text = busy_agent.get("/metrics").content
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_text_is_the_default(busy_agent):
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "text/plain"}):
        response = busy_agent.get("/metrics", headers=headers)
        assert response.status == 200
        assert response.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
        assert b"# EOF" not in response.content


@pytest.mark.parametrize("accept", [OPENMETRICS, PROMETHEUS_ACCEPT])
def test_openmetrics_by_accept(busy_agent, accept):
    response = busy_agent.get("/metrics", headers={"Accept": accept})
    assert response.getheader("Content-Type") == f"{OPENMETRICS}; charset=utf-8"
    assert response.content.endswith(b"# EOF\n")
    assert response.content.count(b"# EOF") == 1


def test_both_formats_have_the_same_series(busy_agent):
    text = parse(busy_agent.get("/metrics").content.decode())
    openmetrics = parse(busy_agent.get("/metrics", headers={"Accept": OPENMETRICS}).content.decode())
    created = {sample for sample in openmetrics.samples if sample[0].endswith("_created")}
    assert set(openmetrics.samples) - created == set(text.samples)


def test_every_family_has_help_and_type(busy_agent):
    text = parse(busy_agent.get("/metrics").content.decode())
    assert set(text.types) == set(text.helps)
    assert all(text.helps.values())


def test_closed_label_sets_are_complete(busy_agent):
    text = busy_agent.scrape()
    for outcome in OUTCOMES:
        labels = (("outcome", outcome), ("tool_id", "sum"))
        assert ("runtime_tool_execute_seconds_count", labels) in text.samples
    for kind in ERROR_KINDS:
        labels = (("error_kind", kind), ("tool_id", "sum"))
        assert ("runtime_tool_errors_total", labels) in text.samples
    assert ("runtime_tool_timeouts_total", (("tool_id", "sum"),)) in text.samples


def test_buckets_are_the_contract(busy_agent):
    bounds = {
        "runtime_tool_execute_seconds": (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
        "runtime_tool_output_bytes": (100, 1e3, 1e4, 1e5, 1e6, 1e7),
    }
    text = busy_agent.scrape()
    for family, wanted in bounds.items():
        found = {
            float(dict(labels)["le"])
            for name, labels in text.samples
            if name == f"{family}_bucket" and dict(labels)["tool_id"] == "sum"
        }
        assert found == {*map(float, wanted), float("inf")}


def test_histograms_are_cumulative(busy_agent):
    text = busy_agent.scrape()
    groups = {}
    for (name, labels), value in text.samples.items():
        if name.endswith("_bucket"):
            own = tuple(pair for pair in labels if pair[0] != "le")
            groups.setdefault((name[: -len("_bucket")], own), []).append((float(dict(labels)["le"]), value))
    assert groups
    for (family, own), buckets in groups.items():
        counts = [count for _, count in sorted(buckets)]
        assert counts == sorted(counts), family
        assert counts[-1] == text.samples[(f"{family}_count", own)], family


def test_gzip_when_asked(busy_agent):
    response = busy_agent.get("/metrics", headers={"Accept-Encoding": "gzip"})
    assert response.getheader("Content-Encoding") == "gzip"
    parse(gzip.decompress(response.content).decode())


@pytest.mark.parametrize("encoding", ["identity", "br", "gzip;q=0"])
def test_no_gzip_when_not_asked(busy_agent, encoding):
    response = busy_agent.get("/metrics", headers={"Accept-Encoding": encoding})
    assert response.getheader("Content-Encoding") is None
    parse(response.content.decode())


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/"])
def test_head_has_no_body(agent, path):
    response = agent.get(path, method="HEAD")
    assert response.status == 200
    assert response.content == b""
    assert int(response.getheader("Content-Length")) > 0


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health(agent, path):
    assert agent.get(path).status == 200


@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "/metricsx"])
def test_unknown_path(agent, path):
    assert agent.get(path).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods(agent, method):
    response = agent.get("/metrics", method=method)
    assert response.status == 405
    assert {word.strip() for word in response.getheader("Allow").split(",")} == {"GET", "HEAD"}


def test_keep_alive(agent):
    """Two requests on one connection."""
    request = b"GET /healthz HTTP/1.1\r\nHost: agent\r\n\r\n"
    with socket.create_connection(agent.address, timeout=10) as connection:
        for _ in range(2):
            connection.sendall(request)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_build_and_up(agent):
    text = agent.scrape()
    assert text.value("bunscope_up") == 1
    assert text.total("bunscope_build_info") == 1
    assert text.total("bunscope_probe_info", state="attached") > 0
    assert text.total("bunscope_probe_info", state="failed") == 0


def test_nothing_was_lost(busy_agent):
    text = busy_agent.scrape()
    assert text.total("bunscope_runs_lost_total") == 0
    assert text.total("bunscope_decode_errors_total") == 0
    assert text.total("bunscope_series_overflow_total") == 0
