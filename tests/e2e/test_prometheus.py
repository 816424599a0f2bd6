# SPDX-License-Identifier: Apache-2.0
"""Dashboards and rules against a real Prometheus that scrapes the agent under load."""
import importlib.util
import json
import math
import re

import pytest

from harness import parents
from harness.agent import REPOSITORY
from harness.load import Load
from harness.wait import wait_until

GRAFANA = REPOSITORY / "deploy/grafana"
DASHBOARDS = ("runtime-tools.json", "execution-overview.json")
# What Grafana puts in for its variables.
VARIABLES = {"$__rate_interval": "10s", "$__range": "30s", "$cluster": ".*", "$node": ".*", "$tool": ".*", "$kind": ".*"}
EXECUTION_FAMILIES = re.compile(r"\b(http_exec|workflow_sync)_")
JOBS = (
    {"tool": "sum", "input": {"a": 1, "b": 2}, "count": 6, "concurrency": 2},
    {"tool": "rejects", "count": 2},
    {"tool": "crash", "input": {"signal": "SIGABRT"}},
    {"tool": "sleep", "timeout_ms": 300, "count": 2, "concurrency": 2},
)


@pytest.fixture
def agent(start_agent):
    """One of its own: what is looked at is all that it has seen."""
    return start_agent()


def queries_of(name):
    """(panel, expression) of a dashboard, as Grafana would send them."""
    for panel in json.loads((GRAFANA / name).read_text())["panels"]:
        for target in panel.get("targets", []):
            expr = target["expr"]
            for variable, value in VARIABLES.items():
                expr = expr.replace(variable, value)
            assert "$" not in expr, expr
            yield panel["title"], expr


def label_values(prometheus, query):
    series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()
    for variable, value in VARIABLES.items():
        series = series.replace(variable, value)
    return prometheus.get(f"label/{label}/values", **{"match[]": series})


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


def test_every_query_returns_data(agent, start_prometheus, start_parent, newest_bun):
    """But those of executions: they want a server with execution endpoints."""
    prometheus = start_prometheus(agent)
    wanted = [query for name in DASHBOARDS for query in queries_of(name) if not EXECUTION_FAMILIES.search(query[1])]
    assert len(wanted) > 20
    with Load(start_parent(parents.c_parent, newest_bun), JOBS):
        assert wait_all(prometheus, wanted) == []
        variables = json.loads((GRAFANA / DASHBOARDS[0]).read_text())["templating"]["list"]
        found = {v["name"]: label_values(prometheus, v["definition"]) for v in variables if v["type"] == "query"}
    assert found == {"cluster": ["test"], "node": ["here"], "tool": ["crash", "rejects", "sleep", "sum"]}


def test_recording_rules_return_data(agent, start_prometheus, start_parent, newest_bun):
    prometheus = start_prometheus(agent)
    rules = [rule for group in prometheus.get("rules", type="record")["groups"] for rule in group["rules"]]
    wanted = [(rule["name"], rule["name"]) for rule in rules if not EXECUTION_FAMILIES.search(rule["query"])]
    assert len(wanted) == 7
    with Load(start_parent(parents.c_parent, newest_bun), JOBS):
        assert wait_all(prometheus, wanted) == []
        (sample,) = prometheus.query('cluster_tool_outcome:runtime_tool_runs:rate5m{tool_id="sum", outcome="success"}')
    assert sample[0]["cluster"] == "test" and "node" not in sample[0]
    unhealthy = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"] if rule["health"] == "err"]
    assert unhealthy == []


def reference_queries():
    """(family, query) of the metric reference."""
    rows = re.findall(r"^\| `(\w+)` \| \w+ \|.*\| `([^|]*)` \|$", (REPOSITORY / "docs/metrics.md").read_text(), re.M)
    return [(family, query.replace("[5m]", "[10s]").replace("[1h]", "[30s]")) for family, query in rows]


def test_every_query_of_the_reference_returns_data(agent, start_prometheus, start_parent, newest_bun):
    prometheus = start_prometheus(agent)
    scrape = agent.scrape()
    wanted = [query for query in reference_queries() if not EXECUTION_FAMILIES.search(query[1])]
    assert {family for family, _ in wanted} >= {name for name in scrape.types if name.startswith("bunscope_")}
    with Load(start_parent(parents.c_parent, newest_bun), JOBS):
        assert wait_all(prometheus, wanted) == []


def test_an_alert_fires_and_resolves(agent, start_prometheus, start_parent, newest_bun):
    """A tool fails, then works again."""
    prometheus = start_prometheus(agent)
    parent = start_parent(parents.c_parent, newest_bun)
    broken = [{"tool": "rejects", "count": 4, "concurrency": 2}, {"tool": "sum", "input": {"a": 1, "b": 2}, "count": 4}]
    with Load(parent, broken):
        alert = prometheus.wait_alert("HighToolErrorRate")
        assert (alert["tool_id"], alert["cluster"], alert["severity"]) == ("rejects", "test", "warning")
        assert [other["tool_id"] for other in prometheus.alerts("HighToolErrorRate")] == ["rejects"]
    with Load(parent, broken[1:]):
        prometheus.wait_quiet("HighToolErrorRate")


def test_agent_down(start_agent, start_prometheus):
    agent = start_agent()
    prometheus = start_prometheus(agent)
    wait_until(lambda: has_data(prometheus.query('up{job="bunscope"} == 1')), "the agent was scraped")
    assert prometheus.alerts("BunscopeDown") == []
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
    assert {v["name"] for v in dashboard["templating"]["list"]} >= {"datasource", "cluster", "node"}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_error_panels_link_on(name):
    dashboard = dashboards_module().files()[name]
    ids = {str(panel["id"]) for panel in dashboard["panels"]}
    for panel in dashboard["panels"]:
        if panel["type"] == "row" or "rror" not in panel["title"]:
            continue
        assert panel.get("links"), panel["title"]
        assert {re.search(r"viewPanel=(\d+)", link["url"]).group(1) for link in panel["links"]} <= ids
