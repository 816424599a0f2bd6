# SPDX-License-Identifier: Apache-2.0
"""One trace from the client's HTTP call to the Bun child: real client, Go server, real tools, the strict receiver."""
import concurrent.futures
import json
import secrets

import pytest

from harness import otlp, servers
from test_page import look
from test_spans import receiver, start_tracing, wait_totals  # noqa: F401 (fixtures)

SERVER, INTERNAL = 2, 1
ERROR = 2
SUM = {"with": {"a": 1, "b": 2}}
SECONDS = 60
# kind, id, body, status, outcomes of its runs
STORIES = {
    "success": ("tasks", "sum", SUM, 200, ["success"]),
    "tool error": ("tasks", "rejects", {}, None, ["error"]),
    "crash": ("tasks", "crash", {"with": {"signal": "SIGABRT"}}, None, ["error"]),
    "timeout": ("tasks", "sleep", {"timeout": 0.6}, 408, ["timeout"]),
    "several tools": ("agents", "x", {"action": "work", "tools": ["sum", "nothing", "sum"], **SUM}, 200, ["success"] * 3),
    "refused": ("tasks", "missing", {}, 404, []),
    "server error": ("tasks", "broken", {}, 500, []),
}


@pytest.fixture
def server(start_parent, newest_bun):
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")
    return start_parent(servers.go_server, newest_bun)


class Caller:
    """What a client with OpenTelemetry sends along."""

    def __init__(self, sampled=True):
        self.trace, self.span = secrets.token_hex(16), secrets.token_hex(8)
        self.headers = {"traceparent": f"00-{self.trace}-{self.span}-0{int(sampled)}", "tracestate": "who=test,a=1"}


def call(server, kind, name, body, caller=None, sync=True):
    path = f"/api/v0/{kind}/{name}/executions{'/sync' if sync else ''}"
    return server.ask("POST", path, body, caller.headers if caller else None)


def split(spans):
    """(the spans of exchanges, those of runs, those of what agents did before their first tool)"""
    return ([span for span in spans if span.kind == SERVER],
            [span for span in spans if span.kind == INTERNAL and span.name != "agent.prepare"],
            [span for span in spans if span.name == "agent.prepare"])


def check_tree(spans, caller):
    """One exchange, and below it its runs, within it in time."""
    (exchange,), runs, preparations = split(spans)
    assert (exchange.trace, exchange.parent, exchange.state) == (caller.trace, caller.span, "who=test,a=1")
    for run in runs:
        assert (run.name, run.trace, run.parent) == ("runtime.execute_tool", exchange.trace, exchange.id)
        assert run.state == exchange.state and run.flags == exchange.flags
        assert exchange.start <= run.start
        if run.status != ERROR:  # one that the server killed may end later than its answer
            assert run.end <= exchange.end
    for preparation in preparations:
        assert (preparation.trace, preparation.parent) == (exchange.trace, exchange.id)
        assert exchange.start <= preparation.start <= preparation.end <= min(run.start for run in runs)
    return exchange, runs, preparations


@pytest.mark.parametrize("story", STORIES)
def test_one_trace(start_tracing, server, receiver, story):  # noqa: F811
    kind, name, body, status, outcomes = STORIES[story]
    agent = start_tracing(receiver, f"--server.port={server.port}")
    caller = Caller()
    answered, _ = call(server, kind, name, body, caller)
    truth = server.truth()
    (known,) = truth["exchanges"]
    assert status is None or answered == status
    prepared = [{"action": body["action"]}] if kind == "agents" else []
    count = 1 + len(prepared) + len(outcomes)
    exchange, runs, preparations = check_tree(receiver.wait(count, SECONDS), caller)
    assert [preparation.attributes for preparation in preparations] == prepared

    one = kind[:-1]
    wanted = {
        f"{one}_id": name, "component": one, "http.request.method": "POST",
        "http.response.status_code": answered, "process.pid": server.process.pid,
    }
    if "timeout" in body:
        wanted["timeout_ms"] = body["timeout"] * 1000
    if "action" in body:
        wanted["action"] = body["action"]
    if known["outcome"] != "success":
        wanted["error_type"] = "timeout" if answered == 408 else str(answered)
    if answered >= 500:
        wanted["error.type"] = str(answered)
    attributes = dict(exchange.attributes)
    if attributes.pop("exec_id", None) is None:
        assert answered != 200, "a success names its execution"
    assert attributes == wanted
    assert exchange.name == f"{one}.execute_sync"
    assert (exchange.status == ERROR) == (answered >= 500)

    by_pid = {run["pid"]: run for run in truth["runs"] or []}
    assert [by_pid[run.attributes["process.pid"]]["outcome"] for run in sorted(runs, key=lambda run: run.start)] == outcomes
    now = wait_totals(agent, lambda now: now["queued"] == 0, "all are out")
    assert (now["created"], now["exported"]) == (count, count)


LONG = "x" * 9000
# What is sent, in so many pieces, and what the exchange's span says of it.
BODIES = [
    ({"action": "analyse", "prompt": "p", "timeout": 60}, 1, {"action": "analyse", "timeout_ms": 60000}),
    ({"timeout": 0.5, "with": {"timeout": 7, "action": "secret"}}, 1, {"timeout_ms": 500}),
    ({"with": {"timeout": 7, "action": "secret"}}, 1, {}),
    ({"action": "analyse", "prompt": LONG, "timeout": 60}, 1, {"action": "analyse", "timeout_ms": 60000}),
    ({"action": "analyse", "prompt": LONG, "timeout": 60}, 9, {"action": "analyse", "timeout_ms": 60000}),
    ({"prompt": LONG, "action": "too late"}, 1, {}),
]


def chunks(text, count):
    size = -(-len(text) // count)
    return [text[at:at + size].encode() for at in range(0, len(text), size)]


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_what_a_request_asks_for(start_tracing, server, receiver, chunked):  # noqa: F811
    start_tracing(receiver, f"--server.port={server.port}")
    for body, pieces, _ in BODIES:
        connection = server.connect()
        text = json.dumps(body)
        parts = iter(chunks(text, pieces)) if chunked else text
        headers = {} if chunked else {"Content-Length": str(len(text))}
        connection.request("POST", "/api/v0/agents/missing/executions/sync", parts, headers, encode_chunked=chunked)
        connection.getresponse().read()
        connection.close()
    spans = sorted(receiver.wait(len(BODIES), SECONDS), key=lambda span: span.start)
    found = [{key: value for key, value in span.attributes.items() if key in ("action", "timeout_ms")} for span in spans]
    assert found == [wanted for _, _, wanted in BODIES]


def test_workflow_with_polls(start_tracing, server, receiver):  # noqa: F811
    agent = start_tracing(receiver, f"--server.port={server.port}")
    agent.wait_for(lambda now: True, "ready")
    caller = Caller()
    status, answer = call(server, "workflows", "flow", {"input": {"ms": 700, "tools": ["sum"], **SUM}}, caller)
    (truth,) = server.truth()["polls"]
    assert status == 200
    spans = {span.name: span for span in receiver.wait(3, SECONDS)}
    exchange, polls, run = (spans[name] for name in (
        "workflow.execute_sync", "workflow.wait_completion", "runtime.execute_tool"))
    assert (exchange.trace, exchange.parent) == (caller.trace, caller.span)
    assert (polls.trace, polls.parent) == (exchange.trace, exchange.id)
    assert exchange.start <= polls.start <= polls.end <= exchange.end
    assert polls.attributes == {
        "workflow_id": "flow", "exec_id": answer["data"]["exec_id"], "total_iterations": truth["polls"]}
    assert [(event.name, event.attributes) for event in polls.events] == [
        ("poll_iteration", {"attempt": attempt}) for attempt in range(1, truth["polls"] + 1)]
    assert run.parent in (exchange.id, "")


# A client that leaves: what it asked for, what the server then records, and what becomes of what it had begun.
LEAVERS = {
    "task": ("tasks", "slow", {"with": {"ms": 20000}}, "500"),
    "workflow": ("workflows", "flow", {"input": {"ms": 1500}}, "timeout"),
}


@pytest.mark.parametrize("story", LEAVERS)
def test_client_leaves(start_tracing, server, receiver, story):  # noqa: F811
    kind, name, body, error = LEAVERS[story]
    agent = start_tracing(receiver, f"--server.port={server.port}")
    caller = Caller()
    connection = server.connect()
    connection.request("POST", f"/api/v0/{kind}/{name}/executions/sync", json.dumps(body), caller.headers)
    if story == "task":
        agent.wait_for(lambda now: now.total("runtime_tool_runs_in_flight") == 1, "the tool runs")
    else:
        otlp.wait_until(lambda: server.ask("GET", "/truth")[1]["in_flight"] > 0, "it is in hand")
    connection.close()
    (known,) = server.truth()["exchanges"]
    spans = receiver.wait(2, SECONDS)
    (exchange,) = [span for span in spans if span.kind == SERVER]
    (child,) = [span for span in spans if span is not exchange]
    assert (exchange.trace, exchange.parent) == (caller.trace, caller.span)
    assert (child.trace, child.parent) == (exchange.trace, exchange.id)
    assert exchange.start <= child.start
    assert exchange.attributes["error_type"] == error and known["code"] == (408 if error == "timeout" else 500)
    assert child.status == ERROR and (exchange.status == ERROR) == (known["code"] == 500)
    if story == "task":
        assert child.attributes["error_kind"] == "timeout" and child.attributes["signal"] == "SIGKILL"
        assert [event.attributes["sender"] for event in child.events if event.name == "signal"] == ["server"]
    else:
        (polls,) = server.truth()["polls"]
        assert (child.name, child.attributes["total_iterations"]) == ("workflow.wait_completion", polls["polls"])
        assert polls["outcome"] == "timeout" == child.attributes["error.type"]


def test_async_start(start_tracing, server, receiver):  # noqa: F811
    start_tracing(receiver, f"--server.port={server.port}")
    caller = Caller()
    status, answer = call(server, "tasks", "slow", {"with": {"ms": 400}}, caller, sync=False)
    assert status == 202
    spans = receiver.wait(2, SECONDS)
    (exchange,), (run,), _ = split(spans)
    assert exchange.name == "task.execute_async"
    assert exchange.attributes["exec_id"] == answer["data"]["exec_id"]
    assert exchange.trace == caller.trace and run.end > exchange.end
    # Another goroutine than the handler's starts it: whose it is may not be known, but then it is nobody's.
    assert (run.trace, run.parent) == (exchange.trace, exchange.id) or run.parent == ""


def test_malformed_headers(start_tracing, server, receiver):  # noqa: F811
    agent = start_tracing(receiver, f"--server.port={server.port}")
    for headers in ({"traceparent": "00-zz-01-01"}, {"traceparent": "00-" + "0" * 32 + "-" + "1" * 16 + "-01"}, {}):
        assert server.ask("POST", "/api/v0/tasks/missing/executions/sync", {}, headers)[0] == 404
    spans = receiver.wait(3, SECONDS)
    assert all(span.parent == "" and span.state == "" for span in spans)
    assert len({span.trace for span in spans}) == 3
    assert agent.scrape().value("bunscope_decode_errors_total", kind="traceparent") == 2


def test_unsampled_parents_are_obeyed(start_tracing, server, receiver):  # noqa: F811
    agent = start_tracing(receiver, f"--server.port={server.port}", "--otlp.keep-notable=off")
    call(server, "tasks", "sum", SUM, Caller(sampled=False))
    wait_totals(agent, lambda now: now["unsampled"] == 2, "neither is exported")
    assert receiver.spans == []


# What each of many clients at once asks for, in turns: kind, name, body, sync.
AT_ONCE = 64
TURNS = [
    ("tasks", "sum", SUM, True),
    ("agents", "x", {"tools": ["sum", "nothing"], **SUM}, True),
    ("tasks", "nothing", {}, True),
    ("tasks", "nothing", {}, False),
]


def test_many_at_once(start_tracing, start_parent, newest_bun, receiver):  # noqa: F811
    """64 at once, with a `bun --version` before each tool: every run is under its own exchange. Those that an async one
    started, on other goroutines, are under none."""
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")
    server = start_parent(servers.go_server, newest_bun, "--version-probe")
    agent = start_tracing(receiver, f"--server.port={server.port}")
    callers = [Caller() for _ in range(AT_ONCE)]
    turns = [TURNS[i % len(TURNS)] for i in range(AT_ONCE)]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(
            lambda caller, turn: call(server, *turn[:3], caller=caller, sync=turn[3]), callers, turns))
    truth = server.truth()
    agents = sum(exchange["kind"] == "agent" for exchange in truth["exchanges"])
    exchanges, runs, preparations = split(receiver.wait(AT_ONCE + len(truth["runs"]) + agents, SECONDS))
    exec_of = {caller.trace: answer["data"]["exec_id"] for caller, (_, answer) in zip(callers, answers)}
    assert {span.trace: span.attributes["exec_id"] for span in exchanges} == exec_of
    by_id = {span.id: span for span in exchanges}
    async_ids = {exchange["exec_id"] for exchange in truth["exchanges"] if exchange["operation"] == "async"}
    request_of = {run["pid"]: run["request_exec_id"] for run in truth["runs"]}
    assert len(runs) == len(request_of) == AT_ONCE + AT_ONCE // len(TURNS)
    for run in runs:
        request = request_of[run.attributes["process.pid"]]
        if not run.parent:
            assert request in async_ids, "under none"
            continue
        exchange = by_id[run.parent]
        assert run.trace == exchange.trace
        assert request == exchange.attributes["exec_id"], "under the wrong parent"
    assert {by_id[preparation.parent].name for preparation in preparations} == {"agent.execute_sync"}
    assert len({preparation.parent for preparation in preparations}) == agents
    wait_totals(agent, lambda now: now["queued"] == 0, "all are out")


def page_traces(agent):
    """What the live page opens with each run: [span, parent, begin, seconds] of each row of its trace."""
    rows = look(agent)["traces"]
    return [[(row["span"], row["parent"], float(row["begin"]), float(row["seconds"])) for row in run] for run in rows]


def test_the_page_opens_a_run_with_its_trace(start_tracing, server, receiver):  # noqa: F811
    agent = start_tracing(receiver, f"--server.port={server.port}")
    call(server, "agents", "x", {"tools": ["sum", "rejects"], **SUM}, Caller())
    spans = {span.id: span for span in receiver.wait(4, SECONDS)}
    (exchange,), runs, preparations = split(spans.values())
    below = sorted(preparations + runs, key=lambda span: span.start)
    traces = page_traces(agent)
    assert len(traces) == 2 and traces[0] == traces[1], "both runs are of one trace"
    first, *children = traces[0]
    assert first[:2] == (exchange.id, exchange.parent)
    assert [row[:2] for row in children] == [(span.id, exchange.id) for span in below]
    for row in traces[0]:
        span = spans[row[0]]
        assert row[2] == pytest.approx((span.start - exchange.start) / 1e9, abs=1e-5)
        assert row[3] == pytest.approx((span.end - span.start) / 1e9, abs=1e-9)
