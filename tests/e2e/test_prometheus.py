# SPDX-License-Identifier: Apache-2.0
"""Dashboards and rules against a real Prometheus that scrapes the agent under load."""
import importlib.util
import json
import math
import re
import time
import uuid

import pytest

from conftest import BUN_VERSIONS, require_bun
from harness import parents, servers
from harness.agent import REPOSITORY
from harness.load import Load, tools
from harness.wait import wait_until
from test_identity import Container, remove, trees

GRAFANA = REPOSITORY / "deploy/grafana"
DASHBOARDS = ("runtime-tools.json", "execution-overview.json")
# What Grafana puts in for its variables.
VARIABLES = {"$__rate_interval": "10s", "$__range": "30s", "$cluster": ".*", "$node": ".*", "$tool": ".*", "$kind": ".*"}
JOBS = (
    {"tool": "sum", "input": {"a": 1, "b": 2}, "count": 6, "concurrency": 2},
    {"tool": "rejects", "count": 2},
    {"tool": "crash", "input": {"signal": "SIGABRT"}},
    {"tool": "sleep", "timeout_ms": 300, "count": 2, "concurrency": 2},
)


@pytest.fixture(scope="module")
def agent(start_agent_of_module):
    """One for all that can share it; what it watches are the tools of this file alone."""
    return start_agent_of_module()


@pytest.fixture(scope="module")
def prometheus(agent, start_prometheus_of_module):
    return start_prometheus_of_module(agent)


@pytest.fixture(scope="module")
def container():
    """A cgroup as docker makes it."""
    found = list(trees().values())
    if not found:
        pytest.skip("this machine has no cgroups that containers could be told by")
    top = found[0] / f"bunscope-e2e-{uuid.uuid4().hex[:8]}"
    top.mkdir()
    yield Container(top, "docker/{id}")
    remove(top)


@pytest.fixture(scope="module")
def load(agent, container, start_parent_of_module):
    """Tools under a server of pipes in a container, executions under one of HTTP: begins when it is entered."""
    bun = require_bun(BUN_VERSIONS[0])
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")
    server = start_parent_of_module(servers.go_server, bun)
    server.execute_all()
    agent.wait_for(polls_are_seen, "the agent is attached to the server")
    parent = start_parent_of_module(parents.c_parent, bun)
    container.take(parent.process.pid)
    return lambda: Load(tools(parent, JOBS), server.execute_all)


def polls_are_seen(scraped):
    return any(scraped.total("bunscope_probe_info", hook="polls", state=state) for state in ("attached", "fallback"))


def filled_in(expr):
    for variable, value in VARIABLES.items():
        expr = expr.replace(variable, value)
    assert "$" not in expr, expr
    return expr


def queries_of(name):
    """(panel, expression) of a dashboard, as Grafana would send them."""
    for panel in json.loads((GRAFANA / name).read_text())["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], filled_in(target["expr"])


def answer_as_frame(prometheus, target, now):
    """Rows of columns, as Grafana's data source makes them of one of several instant queries."""
    assert target["instant"] and target["format"] == "table"
    samples = prometheus.query(filled_in(target["expr"]), time=now)
    return [{"Time": now, **labels, f"Value #{target['refId']}": value} for labels, value in samples]


def merge(frames):
    """Rows that agree in the columns that all frames have become one."""
    shared = set.intersection(*({column for row in frame for column in row} for frame in frames))
    merged = {}
    for row in (row for frame in frames for row in frame):
        merged.setdefault(tuple(row[column] for column in sorted(shared)), {}).update(row)
    return list(merged.values())


def organize(rows, options):
    order, names = options["indexByName"], options["renameByName"]
    return [{names.get(column, column): row[column] for column in sorted(row, key=order.__getitem__)
             if not options["excludeByName"].get(column)} for row in rows]


def table_of(prometheus, name, title):
    """A panel's rows as Grafana shows them. Without "merge" it would show one of the answers alone."""
    (panel,) = [panel for panel in json.loads((GRAFANA / name).read_text())["panels"] if panel["title"] == title]
    now = time.time() - 2  # a scrape that comes between two of the queries changes none of their answers
    frames = [answer_as_frame(prometheus, target, now) for target in panel["targets"]]
    assert [step["id"] for step in panel["transformations"]] == ["merge", "organize"]
    rows = organize(merge(frames), panel["transformations"][1]["options"])
    with_units = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
    assert all(with_units == set(row) - {"Tool"} for row in rows), rows
    return {row["Tool"]: row for row in rows}


def label_values(prometheus, query):
    series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()
    return prometheus.get(f"label/{label}/values", **{"match[]": filled_in(series)})


def has_data(samples):
    return any(math.isfinite(value) for _, value in samples)


def wait_all(prometheus, queries, seconds=60):
    """Waits until each has returned data once; the rest is what never did."""
    left = list(queries)

    def asked():
        left[:] = [query for query in left if not has_data(prometheus.query(query[1]))]
        return not left

    try:
        wait_until(asked, "every query has returned data", seconds)
    except TimeoutError:
        pass
    return left


def test_every_query_returns_data(prometheus, load):
    wanted = [query for name in DASHBOARDS for query in queries_of(name)]
    assert len(wanted) > 35
    with load():
        assert wait_all(prometheus, wanted) == []
        check_table(wait_until(lambda: table_of_all(prometheus), "each tool has run"))
        found = {name: variables_of(prometheus, name) for name in DASHBOARDS}
    tools_of_all = sorted({job["tool"] for job in JOBS})
    assert found == {
        "runtime-tools.json": {"cluster": ["test"], "node": ["here"], "tool": tools_of_all},
        "execution-overview.json": {"cluster": ["test"], "node": ["here"], "kind": ["agent", "task", "workflow"], "tool": tools_of_all},
    }


def table_of_all(prometheus):
    shown = table_of(prometheus, "runtime-tools.json", "Tools")
    return shown if all(shown.get(job["tool"], {}).get("Runs", 0) > 0 for job in JOBS) else None


def check_table(shown):
    """One row a tool, with what each of the panel's queries says of it."""
    assert set(shown) == {job["tool"] for job in JOBS}
    for tool, row in shown.items():
        assert list(row) == ["Tool", "Runs", "Not successful", "p95", "CPU a run", "Memory a run"]
        assert row["Runs"] > 0 and 0 < row["p95"] <= 30 and 0 < row["CPU a run"] < 10 and row["Memory a run"] > 1 << 20, row
        assert row["Not successful"] == (0 if tool == "sum" else row["Runs"]), row


def variables_of(prometheus, dashboard):
    variables = json.loads((GRAFANA / dashboard).read_text())["templating"]["list"]
    return {v["name"]: label_values(prometheus, v["definition"]) for v in variables if v["type"] == "query"}


def test_recording_rules_return_data(prometheus, load):
    rules = [rule for group in prometheus.get("rules", type="record")["groups"] for rule in group["rules"]]
    assert len(rules) == 11
    with load():
        assert wait_all(prometheus, [(rule["name"], rule["name"]) for rule in rules]) == []
        (sample,) = prometheus.query('cluster_tool_outcome:runtime_tool_runs:rate5m{tool_id="sum", outcome="success"}')
    assert sample[0]["cluster"] == "test" and "node" not in sample[0]
    unhealthy = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"] if rule["health"] == "err"]
    assert unhealthy == []


def reference_queries():
    """(family, query) of the metric reference."""
    rows = re.findall(r"^\| `(\w+)` \| \w+ \|.*\| `([^|]*)` \|$", (REPOSITORY / "docs/metrics.md").read_text(), re.M)
    return [(family, query.replace("[5m]", "[10s]").replace("[1h]", "[30s]")) for family, query in rows]


def test_every_query_of_the_reference_returns_data(agent, prometheus, load):
    wanted = reference_queries()
    assert {family for family, _ in wanted} == set(agent.scrape().types)
    with load():
        assert wait_all(prometheus, wanted) == []


def test_an_alert_fires_and_resolves(prometheus, start_parent, newest_bun):
    """A tool fails, then works again."""
    parent = start_parent(parents.c_parent, newest_bun)
    good = {"tool": "sum", "input": {"a": 1, "b": 2}, "count": 4}
    assert not prometheus.alerts("HighToolErrorRate", tool_id="garbage_only")
    with Load(tools(parent, [{"tool": "garbage_only", "count": 4, "concurrency": 2}, good])):
        alert = prometheus.wait_alert("HighToolErrorRate", tool_id="garbage_only")
        assert (alert["cluster"], alert["severity"]) == ("test", "warning")
        assert not prometheus.alerts("HighToolErrorRate", tool_id="sum")
    with Load(tools(parent, [good])):
        prometheus.wait_quiet("HighToolErrorRate")


def test_agent_down(start_agent, start_prometheus):
    agent = start_agent()
    prometheus = start_prometheus(agent)
    wait_until(lambda: has_data(prometheus.query('up{job="bunscope"} == 1')), "the agent was scraped")
    assert not prometheus.alerts("BunscopeDown")
    agent.stop()
    prometheus.wait_alert("BunscopeDown")


# ---- the dashboards themselves ----

def dashboards_module():
    spec = importlib.util.spec_from_file_location("dashboards", GRAFANA / "dashboards.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", DASHBOARDS)
def test_dashboard_is_whole(name):
    dashboard = dashboards_module().files()[name]
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    cells = [
        (x, y) for panel in dashboard["panels"] for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells)), "panels overlap"
    assert max(x for x, _ in cells) < 24
    for panel in panels:
        assert panel["description"] and panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
    assert {v["name"] for v in dashboard["templating"]["list"]} >= {"datasource", "cluster", "node", "tool"}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_error_panels_link_on(name):
    dashboard = dashboards_module().files()[name]
    ids = {str(panel["id"]) for panel in dashboard["panels"]}
    for panel in dashboard["panels"]:
        if panel["type"] == "row" or "rror" not in panel["title"]:
            continue
        assert panel.get("links"), panel["title"]
        assert {re.search(r"viewPanel=(\d+)", link["url"]).group(1) for link in panel["links"]} <= ids
