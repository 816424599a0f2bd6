# SPDX-License-Identifier: Apache-2.0
"""The live page in a real browser: what it shows is what /metrics says."""
import json
import os
import pathlib
import subprocess

import pytest

from conftest import BUN_VERSIONS, require, require_bun
from harness import parents, servers
from harness.agent import BUILD
from harness.live import EXECUTE, JOBS, wait_step

PLAYWRIGHT = BUILD / "playwright/node_modules/playwright-core"
LOOK = pathlib.Path(__file__).parent / "page/look.mjs"
SHOTS = BUILD / "page"
TINY_BUN = BUILD / "tests/bench/storm/bun"  # answers at once
SYNC = "http_exec_sync_latency_seconds"
POLLS = "workflow_sync_poll_duration_seconds"
TABS = ("tools", "executions")
CALLS_MAX = 50  # that the C parent takes at once


@pytest.fixture
def agent(start_agent):
    """One of its own: what is looked at is all that it has seen."""
    return start_agent()


def look(agent, *shots):
    """What the page shows. shots: a directory and tabs."""
    chromium = require("chromium")
    node = require("node")
    if not PLAYWRIGHT.exists():
        pytest.skip(f"{PLAYWRIGHT} is missing: run make e2e")
    SHOTS.mkdir(exist_ok=True)
    url = f"http://{agent.address[0]}:{agent.address[1]}/"
    done = subprocess.run([node, LOOK, PLAYWRIGHT, chromium, url, *shots], capture_output=True, text=True, timeout=150,
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


def buckets_of(scrape, histogram, **wanted):
    """[(upper bound, cumulative count)] of all series with these labels."""
    bounds = {}
    for (name, labels), value in scrape.samples.items():
        labels = dict(labels)
        if name == f"{histogram}_bucket" and wanted.items() <= labels.items():
            bounds[float(labels["le"])] = bounds.get(float(labels["le"]), 0) + value
    return sorted(bounds.items())


def wanted_row(scrape, tool):
    buckets = buckets_of(scrape, EXECUTE, tool_id=tool)
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


@pytest.fixture(scope="module")
def seen(start_agent_of_module, start_parent_of_module):
    """The agent, its last scrape, and what the page shows once the jobs have run."""
    agent = start_agent_of_module()
    parent = start_parent_of_module(parents.c_parent, require_bun(BUN_VERSIONS[0]))
    before = agent.scrape()
    truths = [truth for job in JOBS for truth in parent.run(**job)]
    scrape = agent.wait_runs(before, len(truths))
    wait_step(agent, len(truths))
    return agent, scrape, look(agent, SHOTS, "tools")


def test_the_page_shows_what_metrics_say(seen):
    agent, scrape, found = seen
    assert found["complaints"] == [] and found["strangers"] == [] and found["overflows"] == []
    assert len(found["shots"]) == 6
    assert found["hidden"] == {"tools-empty": True, "tools-live": False, "executions-empty": False, "executions-live": True}
    assert "POST /api/v0/tasks/ID/executions/sync" in found["empty"]

    shown = {row["tool"]: {key: value for key, value in row.items() if key != "tool"} for row in found["table"]}
    assert set(shown) == {job["tool"] for job in JOBS}
    for tool, row in shown.items():
        assert row == pytest.approx(wanted_row(scrape, tool), rel=1e-9), tool
    assert [row["runs"] for row in found["table"]] == sorted((row["runs"] for row in found["table"]), reverse=True)

    tiles = {name: value for name, (value, _) in found["tiles"].items()}
    assert int(tiles["Zombies"]) == scrape.total("runtime_bun_unreaped")
    assert tiles["Lost"] == "0" and tiles["Oldest run"] == "–"
    check_runs(found["runs"])
    check_timelines(found["timelines"], agent)
    check_charts(dict(found["charts"]))


def check_runs(runs):
    """Newest first: [when, tool, outcome, how it ended, how long]."""
    ends = {(tool, outcome, end) for _, tool, outcome, end, _ in runs}
    assert ends == {
        ("sum", "success", "exit 0"), ("slow", "success", "exit 0"), ("rejects", "error", "exit 0"),
        ("crash", "error", "SIGABRT by self"), ("sleep", "timeout", "SIGKILL by server"),
    }
    assert [run[1] for run in runs[:2]] == ["sleep", "sleep"]


STEPS = {"exec": "exec", "first_read": "first read of the request", "first_byte": "first byte of output",
         "eof": "end of output", "exit": "exit"}


def check_timelines(timelines, agent):
    """Each as /api/runs tells it, and with what such a run must have."""
    runs = [json.loads(line) for line in agent.get("/api/runs").content.splitlines()]
    assert len(timelines) == len(runs)
    for told, run in zip(timelines, reversed(runs)):
        names = {**STEPS, "signal": f"{run.get('signal')} by {run.get('sender')}"}
        assert dict(told) == {"fork": 0, **{names[step]: seconds for step, seconds in run["timeline"].items()}}
        assert [seconds for _, seconds in told] == sorted(seconds for _, seconds in told)
        assert set(run["timeline"]) == STEPS_OF[run["tool_id"]], run


ALL_STEPS = {"exec", "first_read", "exit", "eof"}
STEPS_OF = {
    "sum": ALL_STEPS | {"first_byte"}, "slow": ALL_STEPS | {"first_byte"}, "rejects": ALL_STEPS | {"first_byte"},
    "crash": ALL_STEPS | {"signal"}, "sleep": ALL_STEPS | {"signal"},
}


def test_the_page_shows_executions_as_metrics_do(agent, start_parent, newest_bun):
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")
    server = start_parent(servers.go_server, newest_bun)
    server.execute("tasks", "sum", **servers.SUM)
    agent.wait_for(polls_are_seen, "the agent is attached to the server")
    for _ in range(2):
        server.execute_all()
    runs = len(server.truth()["runs"])
    scrape = agent.wait_for(lambda now: now.total(f"{EXECUTE}_count") == runs and now.total(f"{POLLS}_count") == 4, "all is counted")
    wait_step(agent, runs)
    found = look(agent, SHOTS, "executions")

    assert found["complaints"] == [] and found["strangers"] == [] and found["overflows"] == []
    assert len(found["shots"]) == 6
    assert found["hidden"] == {"tools-empty": True, "tools-live": False, "executions-empty": True, "executions-live": False}
    check_execution_tiles(found["executionTiles"], scrape)
    charts = {title: dict(rows) for title, rows in found["executions"].items()}
    assert set(charts) == {"Latency by kind", "Asynchronous starts", "Errors by kind and code", "Poll time"}
    assert charts["Latency by kind"] == pytest.approx({
        f"{kind} p{q * 100:g}": quantile(q, buckets_of(scrape, SYNC, kind=kind))
        for kind in ("task", "agent", "workflow") for q in (0.5, 0.95, 0.99)}, rel=1e-9)
    starts = charts["Asynchronous starts"]
    assert set(starts) == {"task", "agent", "workflow"} and len(set(starts.values())) == 1 and starts["task"] > 0
    assert charts["Errors by kind and code"] == {
        f"{labels['kind']} {labels['code']}": value for labels, value in series(scrape, "http_exec_errors_total")}
    bounds = buckets_of(scrape, POLLS)
    each = [count - below for (_, count), below in zip(bounds, [0] + [count for _, count in bounds])]
    assert [value for value in reversed(charts["Poll time"].values()) if value] == [count for count in each if count]


def polls_are_seen(scraped):
    return any(scraped.total("bunscope_probe_info", hook="polls", state=state) for state in ("attached", "fallback"))


def series(scrape, family):
    return [(dict(labels), value) for (name, labels), value in scrape.samples.items() if name == family]


def check_execution_tiles(tiles, scrape):
    wanted = {
        "Synchronous": scrape.total(f"{SYNC}_count"), "Errors": scrape.total(f"{SYNC}_count", outcome="error"),
        "Timeouts": scrape.total("http_exec_timeouts_total"), "Asynchronous starts": scrape.total("http_exec_started_total"),
    }
    assert {name: more for name, (_, more) in tiles.items()} == {name: f"{count:.0f} in 15 min" for name, count in wanted.items()}
    assert all(count > 0 for count in wanted.values())
    shares = {name: float(tiles[name][0].removesuffix(" %")) for name in ("Errors", "Timeouts")}
    assert shares == {name: float(f"{100 * wanted[name] / wanted['Synchronous']:.1f}") for name in shares}


def check_charts(charts):
    assert set(charts) == {"Latency, p95 by tool", "Errors by kind", "Runs by outcome", "Where the time goes", "Exit codes", "Output size"}
    for job in JOBS:
        assert job["tool"] in charts["Latency, p95 by tool"]
    assert all(kind in charts["Errors by kind"] for kind in ("parse", "wait", "timeout"))
    assert all(state in charts["Where the time goes"] for state in ("startup", "on a CPU", "waiting for something else"))
    assert all(end in charts["Exit codes"] for end in ("exit 0", "SIGABRT", "SIGKILL"))


def test_keyboard_filter_and_theme(seen):
    _, _, found = seen
    assert found["tabByKey"] == ["tab-executions", False]
    assert found["sorted"] == ["p95", "p95", "descending"]
    assert found["byP95"] == sorted(found["byP95"], reverse=True)
    assert "first read of the request" in found["opened"] and "execution id" in found["opened"]
    assert found["filtered"] == [found["wanted"]]
    light, dark, after_reload = found["themes"]
    assert light != dark == after_reload


def test_empty_page_says_what_to_do(agent, tmp_path):
    found = look(agent, tmp_path, *TABS)
    assert found["complaints"] == [] and found["strangers"] == [] and found["overflows"] == []
    assert found["hidden"] == {"tools-empty": False, "tools-live": True, "executions-empty": False, "executions-live": True}
    assert found["table"] == []


def test_a_thousand_tools(start_agent, start_parent):
    """The page stays quick: what a keystroke in the filter costs, with everything drawn anew."""
    agent = start_agent("--metrics.max-label-values=1000")
    parent = start_parent(parents.c_parent, TINY_BUN)
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
