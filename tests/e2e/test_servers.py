# SPDX-License-Identifier: Apache-2.0
"""The servers of the tests themselves: their routes, and that the truth they tell is the truth."""
import pytest

from conftest import require
from harness import servers


@pytest.fixture(params=["go", "node"])
def server(request, start_parent, newest_bun):
    if request.param == "node":
        require("node")
        return start_parent(servers.node_server, newest_bun)
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")
    return start_parent(servers.go_server, newest_bun)


def exchange_of(truth):
    (exchange,) = truth["exchanges"]
    return {name: exchange[name] for name in ("kind", "operation", "id", "outcome", "code")}


def test_task_runs_its_tool(server):
    status, answer = server.execute("tasks", "sum", **{"with": {"a": 1, "b": 2}})
    truth = server.truth()
    assert status == 200
    assert exchange_of(truth) == {"kind": "task", "operation": "sync", "id": "sum", "outcome": "success", "code": 200}
    (run,) = truth["runs"]
    assert (run["tool"], run["outcome"], run["request_exec_id"]) == ("sum", "success", answer["data"]["exec_id"])


def test_agent_times_out(server):
    status, _ = server.execute("agents", "x", tools=["sum", "sleep"], timeout=0.5, **{"with": {"a": 1, "b": 2}})
    truth = server.truth()
    assert status == 408
    assert exchange_of(truth)["outcome"] == "timeout"
    assert [run["outcome"] for run in truth["runs"]] == ["success", "timeout"]


def test_workflow_is_polled(server):
    status, answer = server.execute("workflows", "flow", input={"ms": 500, "tools": ["sum"], "with": {"a": 1, "b": 2}})
    (polls,) = server.truth()["polls"]
    assert status == 200
    assert (polls["workflow_id"], polls["exec_id"]) == ("flow", answer["data"]["exec_id"])
    assert (polls["outcome"], polls["polls"] >= 3) == ("completed", True)


@pytest.mark.parametrize("name, body, code", [
    ("missing", {}, 404), ("broken", {}, 500), ("unavailable", {}, 503), ("sum", {"timeout": 301}, 400)])
def test_refusals(server, name, body, code):
    status, _ = server.execute("tasks", name, **body)
    assert status == code
    assert exchange_of(server.truth()) == {
        "kind": "task", "operation": "sync", "id": name, "outcome": "error", "code": code}


def test_async_start_and_status(server):
    status, answer = server.execute("workflows", "flow", sync=False, input={"ms": 0})
    exec_id = answer["data"]["exec_id"]
    assert status == 202
    assert server.ask("GET", f"/api/v0/executions/workflows/{exec_id}")[0] == 200
    assert server.ask("GET", "/api/v0/executions/workflows/none")[0] == 404


def test_middleware_denies(server):
    assert server.ask("POST", "/api/v0/tasks/sum/executions", {}, {"X-Deny": "429"})[0] == 429
    assert not server.truth()["exchanges"]
