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
from harness.live import EXECUTE, JOBS, STEP_SECONDS, runs_of_steps, wait_step

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

    check_tool_tiles(found, scrape)
    check_agent_tiles(found, scrape)
    check_runs(found["runs"])
    check_timelines(found["timelines"], agent)
    check_charts({title: dict(rows) for title, rows in found["charts"].items()}, scrape)


def digits(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def seconds(value):
    return f"{digits(value * 1000)} ms" if value < 1 else f"{digits(value)} s"


def megabytes(value):
    return f"{digits(value / 1e6)} MB"


def check_tool_tiles(found, scrape):
    tiles = found["tiles"]
    runs = scrape.total(f"{EXECUTE}_count")
    counts = {name: scrape.total(f"{EXECUTE}_count", outcome=outcome) for name, outcome in (("Errors", "error"), ("Timeouts", "timeout"))}
    assert all(counts.values())
    for name, count in counts.items():
        assert tiles[name] == [f"{digits(100 * count / runs)} %", f"{count:.0f} in 15 min"]
    rate, more = tiles["Runs"]
    assert more == f"{runs:.0f} in 15 min"
    assert rate in {f"{digits(sum(window) / (STEP_SECONDS * len(window)))}/s" for window in last_minutes(found["answers"])}
    assert tiles["In flight"] == ["0", "now"] and scrape.total("runtime_tool_runs_in_flight") == 0
    assert tiles["Oldest run"] == ["–", "none under way"]
    assert tiles["Zombies"] == [f"{scrape.total('runtime_bun_unreaped'):.0f}", "their server does not wait"]


def last_minutes(answers):
    """The runs of each step of the last minute, after each answer that the page got. All runs are in the first."""
    steps = runs_of_steps(answers[0])
    for answer in answers:
        steps += [0] * len(answer["steps"]) if answer is not answers[0] else []
        yield steps[-60 // STEP_SECONDS:]


def now_of(answer, family):
    return [values for shown in answer["now"] if shown["name"] == family for values in shown["series"]]


def check_agent_tiles(found, scrape):
    """What moves by itself is that of one of the answers that the page got."""
    tiles = {name: found["tiles"][name] for name in ("Probes", "Bun processes seen", "Lost", "Label overflow", "Fullest map")}
    probes = {labels["hook"]: labels["state"] for labels, _ in series(scrape, "bunscope_probe_info") if labels["state"] != "off"}
    capacity = {labels["map"]: value for labels, value in series(scrape, "bunscope_map_capacity")}
    fullest = max(value / capacity[labels["map"]] for labels, value in series(scrape, "bunscope_map_entries"))
    assert tiles == {
        "Probes": [f"{sum(state != 'failed' for state in probes.values())} of {len(probes)}", "attached"],
        "Bun processes seen": [f"{scrape.value('bunscope_runs_started_total'):.0f}", "tools and others"],
        "Lost": [f"{scrape.total('bunscope_runs_lost_total'):.0f}", "none"],
        "Label overflow": [f"{scrape.total('bunscope_series_overflow_total'):.0f}", "none"],
        "Fullest map": [f"{digits(100 * fullest)} %", "of its entries"],
    }
    shown = [found["tiles"][name][0] for name in ("Memory", "CPU", "Running for")]
    assert shown in [numbers_of_process(answer) for answer in found["answers"]]
    assert now_of(found["answers"][0], "process_start_time_seconds") == [[scrape.value("process_start_time_seconds")]]


def numbers_of_process(answer):
    [[memory]], [[cpu]], [[start]] = (now_of(answer, family) for family in (
        "process_resident_memory_bytes", "process_cpu_seconds_total", "process_start_time_seconds"))
    minutes, left = divmod(int(answer["time"] / 1000 - start), 60)
    return [megabytes(memory), seconds(cpu), f"{minutes} min {left} s" if minutes else f"{left} s"]


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
    assert [value for value in reversed(charts["Poll time"].values()) if value] == counts_by_bucket(scrape, POLLS)


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


def check_charts(charts, scrape):
    assert set(charts) == {"Latency, p95 by tool", "Errors by kind", "Runs by outcome", "Where the time goes", "Exit codes", "Output size"}
    assert charts["Latency, p95 by tool"] == pytest.approx(
        {job["tool"]: quantile(0.95, buckets_of(scrape, EXECUTE, tool_id=job["tool"])) for job in JOBS}, rel=1e-9)
    assert proportions(charts["Errors by kind"]) == pytest.approx(
        proportions(sums_by(scrape, "runtime_tool_errors_total", "{error_kind}")), rel=1e-9)
    assert proportions(charts["Runs by outcome"]) == pytest.approx(proportions(sums_by(scrape, f"{EXECUTE}_count", "{outcome}")), rel=1e-9)
    assert charts["Where the time goes"] == pytest.approx(where_the_time_goes(scrape), rel=1e-6)
    ends = sums_by(scrape, "runtime_bun_process_exits_total", "{status} {code} {signal}")
    assert charts["Exit codes"] == {end.split()[-1] if end.startswith("signal") else end.strip(): count for end, count in ends.items()}
    assert [count for count in reversed(charts["Output size"].values()) if count] == counts_by_bucket(scrape, "runtime_tool_output_bytes")


def sums_by(scrape, family, key):
    """Of the series that moved, the sums by their labels."""
    sums = {}
    for labels, value in series(scrape, family):
        if value:
            sums[key.format(**labels)] = sums.get(key.format(**labels), 0) + value
    return sums


def proportions(values):
    return {name: value / sum(values.values()) for name, value in values.items()}


def counts_by_bucket(scrape, histogram):
    """Of the buckets that are not empty, from the smallest on."""
    bounds = buckets_of(scrape, histogram)
    each = [count - below for (_, count), below in zip(bounds, [0] + [count for _, count in bounds])]
    return [count for count in each if count]


def where_the_time_goes(scrape):
    """Means of a run: the startup, and the rest of the main thread's life as its whole is shared out."""
    runs = scrape.total(f"{EXECUTE}_count")
    startup = scrape.total("runtime_tool_startup_seconds_sum")
    states = {name: scrape.total("runtime_tool_main_thread_seconds_total", state=state) for name, state in (
        ("on a CPU", "cpu"), ("waiting for a CPU", "runqueue"), ("waiting for something else", "wait"))}
    life = sum(states.values())
    return {"startup": startup / runs, **{name: value / runs * (1 - startup / life) for name, value in states.items()}}


def test_keyboard_filter_and_theme(seen):
    _, _, found = seen
    assert found["tabByKey"] == ["tab-executions", False]
    assert found["sorted"] == ["p95", "p95", "descending"]
    assert found["byP95"] == sorted(found["byP95"], reverse=True)
    assert "first read of the request" in found["opened"] and "execution id" in found["opened"]
    assert len(found["focused"]) == 2 and found["focused"][0][0] == "p95"
    assert all(before == after for before, after in found["focused"])
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
    assert found["focused"][1][0] == "Next" and len(found["focused"]) == 4
    assert all(before == after for before, after in found["focused"])
    assert found["lastPage"] == ["Next", "page 20 of 20", 50]
    assert found["allRuns"] == [25, 25, 100]
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
