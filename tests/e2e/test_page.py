# SPDX-License-Identifier: Apache-2.0
"""The live page in a real browser: what it shows is what /metrics says."""
import json
import os
import pathlib
import subprocess

import pytest

from conftest import require
from harness import parents
from harness.agent import BUILD
from harness.live import EXECUTE, JOBS, wait_step

PLAYWRIGHT = BUILD / "playwright/node_modules/playwright-core"
LOOK = pathlib.Path(__file__).parent / "page/look.mjs"
SHOTS = BUILD / "page"
CALLS_MAX = 50  # that the C parent takes at once


@pytest.fixture
def agent(start_agent):
    """One of its own: what is looked at is all that it has seen."""
    return start_agent()


def look(agent, *directory):
    chromium = require("chromium")
    node = require("node")
    if not PLAYWRIGHT.exists():
        pytest.skip(f"{PLAYWRIGHT} is missing: run make e2e")
    SHOTS.mkdir(exist_ok=True)
    url = f"http://{agent.address[0]}:{agent.address[1]}/"
    done = subprocess.run([node, LOOK, PLAYWRIGHT, chromium, url, *directory], capture_output=True, text=True, timeout=150,
                          check=False, env={**os.environ, "HOME": "/tmp"})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def quantile(q, buckets):
    """As Prometheus does it. buckets: [(upper bound, cumulative count)], the last one +Inf."""
    rank, low, below = q * buckets[-1][1], 0.0, 0.0
    for bound, count in buckets[:-1]:
        if count >= rank and count > below:
            return low + (bound - low) * (rank - below) / (count - below)
        low, below = bound, count
    return buckets[-2][0]


def wanted_row(scrape, tool):
    bounds = {}
    for (name, labels), value in scrape.samples.items():
        labels = dict(labels)
        if name == f"{EXECUTE}_bucket" and labels["tool_id"] == tool:
            bounds[float(labels["le"])] = bounds.get(float(labels["le"]), 0) + value
    buckets = sorted(bounds.items())
    runs = scrape.total(f"{EXECUTE}_count", tool_id=tool)
    return {
        "runs": runs,
        "inFlight": scrape.total("runtime_tool_runs_in_flight", tool_id=tool),
        "errors": scrape.value(f"{EXECUTE}_count", tool_id=tool, outcome="error"),
        "timeouts": scrape.total("runtime_tool_timeouts_total", tool_id=tool),
        "p50": quantile(0.5, buckets), "p95": quantile(0.95, buckets), "p99": quantile(0.99, buckets),
        "cpu": scrape.total("runtime_tool_cpu_seconds_sum", tool_id=tool) / runs,
        "memory": scrape.total("runtime_tool_max_rss_bytes_sum", tool_id=tool) / runs,
    }


def test_the_page_shows_what_metrics_say(agent, start_parent, newest_bun):
    parent = start_parent(parents.c_parent, newest_bun)
    before = agent.scrape()
    truths = [truth for job in JOBS for truth in parent.run(**job)]
    scrape = agent.wait_runs(before, len(truths))
    wait_step(agent, len(truths))
    found = look(agent, SHOTS)

    assert found["complaints"] == [] and found["strangers"] == [] and found["overflows"] == []
    assert len(found["shots"]) == 12
    assert found["hidden"] == {"tools-empty": True, "tools-live": False, "executions-empty": False, "executions-live": True}
    assert "POST /api/v0/tasks/ID/executions/sync" in found["empty"]

    shown = {row["tool"]: {key: value for key, value in row.items() if key != "tool"} for row in found["table"]}
    assert set(shown) == {job["tool"] for job in JOBS}
    for tool, row in shown.items():
        assert row == pytest.approx(wanted_row(scrape, tool), rel=1e-9), tool
    assert [row["runs"] for row in found["table"]] == sorted((row["runs"] for row in found["table"]), reverse=True)

    assert int(found["tiles"]["Zombies"]) == scrape.total("runtime_bun_unreaped")
    assert found["tiles"]["Lost"] == "0" and found["tiles"]["Oldest run"] == "–"
    check_runs(found["runs"])
    check_charts(dict(found["charts"]))


def check_runs(runs):
    """Newest first: [when, tool, outcome, how it ended, how long]."""
    ends = {(tool, outcome, end) for _, tool, outcome, end, _ in runs}
    assert ends == {
        ("sum", "success", "exit 0"), ("slow", "success", "exit 0"), ("rejects", "error", "exit 0"),
        ("crash", "error", "SIGABRT by self"), ("sleep", "timeout", "SIGKILL by server"),
    }
    assert [run[1] for run in runs[:2]] == ["sleep", "sleep"]


def check_charts(charts):
    assert set(charts) == {"Latency, p95 by tool", "Errors by kind", "Runs by outcome", "Where the time goes", "Exit codes", "Output size"}
    for job in JOBS:
        assert job["tool"] in charts["Latency, p95 by tool"]
    assert all(kind in charts["Errors by kind"] for kind in ("parse", "wait", "timeout"))
    assert all(state in charts["Where the time goes"] for state in ("startup", "on a CPU", "waiting for something else"))
    assert all(end in charts["Exit codes"] for end in ("exit 0", "SIGABRT", "SIGKILL"))


def test_keyboard_filter_and_theme(agent, start_parent, newest_bun):
    parent = start_parent(parents.c_parent, newest_bun)
    truths = [truth for job in JOBS for truth in parent.run(**job)]
    wait_step(agent, len(truths))
    found = look(agent)
    assert found["tabByKey"] == ["tab-executions", False]
    assert found["sorted"] == ["p95", "p95", "descending"]
    assert found["byP95"] == sorted(found["byP95"], reverse=True)
    assert "first read of the request" in found["opened"] and "execution id" in found["opened"]
    assert found["filtered"] == [found["wanted"]]
    light, dark, after_reload = found["themes"]
    assert light != dark == after_reload


def test_empty_page_says_what_to_do(agent, tmp_path):
    found = look(agent, tmp_path)
    assert found["complaints"] == [] and found["strangers"] == [] and found["overflows"] == []
    assert found["hidden"] == {"tools-empty": False, "tools-live": True, "executions-empty": False, "executions-live": True}
    assert found["table"] == []


def test_a_thousand_tools(start_agent, start_parent, newest_bun):
    """The page stays quick: what a keystroke in the filter costs, with everything drawn anew."""
    agent = start_agent("--metrics.max-label-values=1000")
    parent = start_parent(parents.c_parent, newest_bun)
    count = 1000
    for first in range(0, count, CALLS_MAX):
        parent.run(calls=[{"tool": f"tool/{first + i}"} for i in range(CALLS_MAX)], concurrency=8)
    wait_step(agent, count)
    found = look(agent)
    assert found["complaints"] == [] and found["overflows"] == []
    assert len(found["table"]) == 50
    assert found["filtered"] and all(found["wanted"] in tool for tool in found["filtered"])
    assert found["typedMs"] < 250, found["typedMs"]
    print(f"a keystroke with {count} tools: {found['typedMs']:.0f} ms")


# ---- how it is served ----

@pytest.mark.parametrize("path", ["/", "/page/app.js", "/page/style.css", "/page/uPlot.iife.min.js"])
def test_assets(agent, path):
    plain = agent.get(path)
    packed = agent.get(path, headers={"Accept-Encoding": "gzip"})
    assert plain.status == packed.status == 200
    assert packed.getheader("Content-Encoding") == "gzip" and len(packed.content) < len(plain.content)
    policy = plain.getheader("Content-Security-Policy")
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';") and "unsafe" not in policy
    again = agent.get(path, headers={"If-None-Match": plain.getheader("ETag")})
    assert (again.status, again.content) == (304, b"")


def test_live_tells_only_what_is_new(agent, start_parent, newest_bun):
    parent = start_parent(parents.c_parent, newest_bun)
    parent.run(tool="sum", input={"a": 1, "b": 2})
    wait_step(agent, 1)
    whole = json.loads(agent.get("/api/live").content)
    last, rows = whole["steps"][-1][0], len(whole["rows"])
    rest = json.loads(agent.get(f"/api/live?after={last}&rows={rows}").content)
    assert rest["rows"] == [] and all(step[0] > last for step in rest["steps"])
    for nonsense in ("after=x", "after=-1", "after=99999999999999999999999", "rows=99999", "rows="):
        assert agent.get(f"/api/live?{nonsense}").status == 200


def test_runs_have_no_payload_and_no_pids(agent, start_parent, newest_bun):
    parent = start_parent(parents.c_parent, newest_bun)
    before = agent.scrape()
    (truth,) = parent.run(tool="rejects", input={"message": "secret-of-the-test"})
    agent.wait_runs(before, 1)
    text = agent.get("/api/runs").content.decode()
    (line,) = [json.loads(line) for line in text.splitlines()]
    assert (line["tool_id"], line["outcome"], line["error_kinds"], line["exit_code"]) == ("rejects", "error", ["parse"], 0)
    times = line["timeline"]
    assert 0 < times["exec"] < times["first_read"] < times["first_byte"] <= times["exit"] <= line["seconds"]
    assert times["eof"] <= line["seconds"] and "signal" not in times
    assert "secret-of-the-test" not in text and "pid" not in line and str(truth["pid"]) not in line["tool_exec_id"]
