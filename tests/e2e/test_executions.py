# SPDX-License-Identifier: Apache-2.0
"""Real servers with execution routes, in Go and in Node: the executions' series are what they did themselves."""
import concurrent.futures
import json
import subprocess
import threading

import pytest

from conftest import BUN_VERSIONS, require, require_bun
from harness.client import Client
from harness.executions import NONE
from harness.parents import E2E
from harness.story import story_of
from harness.wait import wait_until

SUM = {"with": {"a": 1, "b": 2}}


@pytest.fixture(scope="module", params=["go", "node"])
def shared(request):
    with story_of(request.param, require_bun(BUN_VERSIONS[0])) as story:
        yield story


@pytest.fixture
def story(shared):
    shared.begin()
    return shared


# ---- answers ----


def test_successes(story):
    assert story.execute("tasks", "sum", **SUM) == 200
    assert story.execute("agents", "x", tools=["sum", "nothing"], **SUM) == 200
    assert story.execute("workflows", "quick", input={"ms": 0}) == 200
    assert story.execute("workflows", "slow", input={"ms": 450, "tools": ["sum"], **SUM}) == 200
    assert story.execute("workflows", "failed", input={"ms": 0, "status": "FAILED"}) == 200
    story.verify()


def test_async_starts(story):
    for kind, name in (("tasks", "sum"), ("agents", "sum"), ("workflows", "flow"), ("tasks", "rejects")):
        assert story.execute(kind, name, sync=False, **SUM) == 202
    assert story.execute("agents", "missing", sync=False) == 404
    assert story.execute("tasks", "sum", sync=False, raw="{") == 400
    story.verify()


def test_errors(story):
    for kind in ("tasks", "agents", "workflows"):
        for name, code in (("missing", 404), ("broken", 500), ("unavailable", 503)):
            assert story.execute(kind, name) == code
    assert story.execute("tasks", "sum", timeout=301) == 400
    assert story.execute("workflows", "flow", raw='{"timeout": ') == 400
    assert story.execute("tasks", "rejects") == 500
    assert story.execute("agents", "x", tools=["sum", "rejects"], **SUM) == 500
    assert story.execute("workflows", "flow", input={"ms": 900, "store_error_at": 2}) == 500
    story.verify()


def test_timeouts(story):
    assert story.execute("tasks", "sleep", timeout=0.3) == 408
    assert story.execute("agents", "x", tools=["sum", "sleep"], timeout=0.4, **SUM) == 408
    assert story.execute("workflows", "late", timeout=0.3, input={"ms": 600}) == 408
    story.verify()


def test_refused_before_any_execution(story):
    """401, 403, 429: the server counts nothing, nor does the agent."""
    for kind in ("tasks", "agents", "workflows"):
        for code in (401, 403, 429):
            assert story.execute(kind, "sum", True, {"X-Deny": str(code)}) == code
            assert story.execute(kind, "sum", False, {"X-Deny": str(code)}) == code
    assert story.new("exchanges") == []
    story.verify()


def test_other_requests(story):
    _, answer = story.server.execute("workflows", "flow", sync=False, input={"ms": 0})
    found = f"/api/v0/executions/workflows/{answer['data']['exec_id']}"
    for method, path in (("GET", found), ("GET", found + "x"), ("GET", "/api/v0/tasks/sum/executions/sync"),
                         ("HEAD", "/api/v0/tasks/sum/executions/sync"), ("POST", "/api/v0/tasks/sum/executions/x")):
        story.server.ask(method, path)
    story.verify()


# ---- the wire, written by a client of the test's own ----

BODY = json.dumps(SUM).encode()
TASK = "/api/v0/tasks/sum/executions/sync"
MISSING = "/api/v0/agents/missing/executions/sync"


def head(path=TASK, version="1.1", **headers):
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/{version}\r\nHost: x\r\n{lines}\r\n".encode()


def whole(path=TASK, body=BODY, **more):
    return head(path, Content_Length=len(body), **more) + body


def chunks(data, size):
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def keep_alive(client):
    for _ in range(5):
        client.send(whole())
        client.answer(200)
    client.send(whole(MISSING))
    client.answer(404)


def pipelined(client):
    client.send((whole() + whole(MISSING)) * 5)
    for _ in range(5):
        client.answer(200)
        client.answer(404)


def byte_by_byte(client):
    for byte in whole():
        client.send(bytes([byte]))
    client.answer(200)


def head_over_many_segments(client):
    client.send_in(300, whole(**{f"X-{i}": "v" * 70 for i in range(150)}))
    client.answer(200)


def expects_continue(client):
    client.send(head(Content_Length=len(BODY), Expect="100-continue"))
    client.answer(100)
    client.send(BODY)
    client.answer(200)


def chunked(client):
    client.send(head(Transfer_Encoding="chunked") + chunks(BODY, 5))
    client.answer(200)
    client.send(whole(MISSING))
    client.answer(404)


def head_before(client):
    client.send(b"HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n" + whole(MISSING))
    client.answer(404, body=False)
    client.answer(404)


def http_1_0(client):
    client.send(whole(version="1.0"))
    client.answer(200)
    client.ends()


def http_1_0_keep_alive(client):
    for _ in range(2):
        client.send(whole(version="1.0", Connection="keep-alive"))
        client.answer(200)


def closed_when_asked(client):
    client.send(whole(Connection="close"))
    client.answer(200)
    client.ends()


def half_a_head(client):
    client.send(whole()[:40])


WIRE = (keep_alive, pipelined, byte_by_byte, head_over_many_segments, expects_continue, chunked, head_before, http_1_0,
        http_1_0_keep_alive, closed_when_asked, half_a_head)


@pytest.mark.parametrize("situation", WIRE, ids=lambda situation: situation.__name__)
def test_wire(story, situation):
    client = Client(story.server)
    situation(client)
    client.close()
    story.verify()


# ---- clients that leave, servers that are too late ----

LEAVING = {
    "tasks": {"timeout": 30}, "agents": {"tools": ["sleep"], "timeout": 30}, "workflows": {"input": {"ms": 1500}},
}


@pytest.mark.parametrize("way", ["close", "reset"])
def test_client_leaves(story, tmp_path, way):
    """What the server records then: a timeout of a workflow, an error 500 of the others."""
    clients = []
    for kind, body in LEAVING.items():
        marker = tmp_path / kind
        body = json.dumps({**body, "with": {"marker": str(marker)}}).encode()
        clients.append(Client(story.server))
        clients[-1].send(whole(f"/api/v0/{kind}/sleep/executions/sync", body))
        if kind != "workflows":
            wait_until(marker.exists, "the tool runs")
    wait_until(lambda: story.server.ask("GET", "/truth")[1]["in_flight"] == 4, "the workflow runs, and is waited for")
    for client in clients:
        getattr(client, way)()
    codes = {(exchange["kind"], exchange["outcome"], exchange["code"]) for exchange in story.new("exchanges")}
    assert codes == {("task", "error", 500), ("agent", "error", 500), ("workflow", "timeout", 408)}
    story.verify(clients_left=True)


def test_client_vanishes(story):
    """The server's side is half-open and cannot know: it answers, into the void."""
    client = Client(story.server)
    client.send(whole("/api/v0/tasks/slow/executions/sync", b'{"with": {"ms": 200}}'))
    wait_until(lambda: story.server.ask("GET", "/truth")[1]["in_flight"] == 1, "it is executed")
    client.vanish()
    assert [exchange["code"] for exchange in story.new("exchanges")] == [200]
    story.verify()


@pytest.mark.parametrize("kind", ["go", "node"])
def test_write_timeout(newest_bun, kind):
    """The connection is closed without a byte of response; what was in time is answered."""
    with story_of(kind, newest_bun, "--write-timeout", "700ms") as story:
        assert story.execute("tasks", "missing") == 404
        slow = {"with": {"ms": 900}}
        with concurrent.futures.ThreadPoolExecutor() as pool:
            answers = [pool.submit(story.execute, "tasks", "slow", **slow),
                       pool.submit(story.execute, "workflows", "flow", input={"ms": 900}),
                       pool.submit(story.execute, "agents", "x", tools=["slow"], timeout=0.9, **slow)]
        assert [answer.result() for answer in answers] == [None] * 3
        late = {"outcome": "error", "code": NONE}
        story.verify({}, late, late, late)


# ---- many at once, by clients that others made ----

CONNECTIONS = 64
LOAD = E2E / "servers/load.lua"


def load(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_64_connections_of_hey_with_real_tools(story):
    hey = require("hey")
    paths = {"/api/v0/tasks/sum/executions/sync": 50, "/api/v0/tasks/rejects/executions": 14}
    url = f"http://127.0.0.1:{story.server.port}"
    calls = [threading.Thread(target=load, args=(hey, "-n", n, "-c", n, "-m", "POST", "-d", BODY.decode(), url + path))
             for path, n in paths.items()]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    assert len(story.new("exchanges")) == len(story.new("runs")) == sum(paths.values())
    story.verify()


def test_64_connections_of_wrk(story):
    """Short executions of all outcomes. wrk hangs up in the middle of its last ones."""
    url = f"http://127.0.0.1:{story.server.port}/"
    load(require("wrk"), "-t2", f"-c{CONNECTIONS}", "-d1s", "-s", LOAD, url)
    assert len(story.new("exchanges")) > CONNECTIONS
    story.verify(clients_left=True)
