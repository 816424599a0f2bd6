# SPDX-License-Identifier: Apache-2.0
"""
What HTTP/1 may look like on the wire: both ends are scripted here, byte by byte and step by step, so that each situation is
that one and no other. The process of the tests is the server, known by its port.
"""
import collections
import socket
import struct
import threading

import pytest

from harness.machine import free_port
from harness.wait import wait_until

TASK = "/api/v0/tasks/sum/executions"
SYNC = TASK + "/sync"
WORKFLOW = "/api/v0/workflows/flow/executions/sync"
SERIES = ("http_exec_started_total", "http_exec_sync_latency_seconds_count", "http_exec_timeouts_total",
          "http_exec_errors_total")
GIVEN_UP = ("http_gap", "http_syntax", "http_burst", "http_pipeline")


def request(path=SYNC, headers="", body=b"", method="POST", version="1.1"):
    return f"{method} {path} HTTP/{version}\r\nHost: x\r\n{headers}\r\n".encode() + body


def sized(body, path=SYNC, **more):
    return request(path, f"Content-Length: {len(body)}\r\n", body, **more)


def response(status=200, body=b'{"data":{"exec_id":"34fQ0bZk1xYvT7mN2cR8sL5pWdA"}}', headers=None):
    headers = f"Content-Length: {len(body)}\r\n" if headers is None else headers
    return f"HTTP/1.1 {status} X\r\n{headers}\r\n".encode() + body


def chunks(*parts):
    return b"".join(b"%x;x=y\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\nT: railer\r\n\r\n"


class Wire:
    """A connection whose both ends are held here."""

    def __init__(self, listener):
        self.client = socket.create_connection(listener.getsockname())
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server, _ = listener.accept()

    def ask(self, data):
        """The client sends, the server reads exactly that in one call, or more if it does not fit."""
        self.client.sendall(data)
        self.read(len(data))

    def read(self, size):
        while size:
            size -= len(self.server.recv(size))

    def answer(self, *parts):
        """The server writes each part in a call of its own; the client reads all."""
        for part in parts:
            self.server.sendall(part)
            left = len(part)
            while left:
                left -= len(self.client.recv(left))

    def exchange(self, asked, answered):
        self.ask(asked)
        self.answer(answered)

    def close(self):
        self.server.close()
        self.client.close()

    def reset(self):
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.close()


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def watched(start_agent, listener):
    """An agent that follows this process, which listens already."""
    return start_agent(f"--server.port={listener.getsockname()[1]}")


def counted(scrape):
    """{series with its labels: value} of all that is not 0."""
    return {(name, *labels): value for (name, labels), value in scrape.samples.items() if name in SERIES and value}


def started(kind="task", n=1):
    return {("http_exec_started_total", ("kind", kind)): n}


def sync(outcome="success", kind="task", n=1):
    return {("http_exec_sync_latency_seconds_count", ("kind", kind), ("outcome", outcome)): n}


def error(code, kind="task", n=1):
    return {("http_exec_errors_total", ("code", str(code)), ("kind", kind)): n}


def timeout(kind="task", n=1):
    return {("http_exec_timeouts_total", ("kind", kind)): n, **sync("timeout", kind, n), **error(408, kind, n)}


def keep_alive(wire):
    for _ in range(3):
        wire.exchange(sized(b"{}"), response())
    wire.exchange(sized(b"{}", TASK), response(202))
    return {**sync(n=3), **started()}


def statuses(wire):
    for status in (400, 401, 403, 404, 408, 429, 500, 503):
        wire.exchange(sized(b"{}"), response(status))
    expected = timeout()
    for status in (400, 404, 500, 503):
        expected.update(error(status))
    return {**expected, **sync("error", n=4)}


def async_statuses(wire):
    for status in (202, 404, 500, 401):
        wire.exchange(sized(b"{}", TASK), response(status))
    return {**started(), **error(404), **error(500)}


def other_routes(wire):
    wire.exchange(request("/health", method="GET"), response())
    wire.exchange(request("/api/v0/tasks", method="GET"), response(500))
    wire.exchange(request("/api/v0/executions/tasks/abc", method="GET"), response(404))
    wire.exchange(sized(b"{}", SYNC + "?a=/b"), response())
    return sync()


def byte_by_byte(wire):
    for byte in sized(b'{"a":1}'):
        wire.ask(bytes([byte]))
    wire.answer(*(bytes([byte]) for byte in response()))
    wire.exchange(sized(b"{}"), response(404))
    return {**sync(), **sync("error"), **error(404)}


def in_pieces(wire, size):
    data = sized(b"b" * 100, SYNC) * 2 + request("/x", method="GET")
    for at in range(0, len(data), size):
        wire.ask(data[at : at + size])
    data = response() + response(500, b"c" * 700) + response()
    wire.answer(*(data[at : at + size] for at in range(0, len(data), size)))
    return {**sync(), **sync("error"), **error(500)}


def pipelined(wire):
    wire.ask(b"".join(sized(b"{}", TASK if i % 2 else SYNC) for i in range(20)))
    wire.answer(b"".join(response(202 if i % 2 else 200) for i in range(20)))
    return {**sync(n=10), **started(n=10)}


def answered_after_the_next_was_read(wire):
    wire.ask(sized(b"{}"))
    wire.ask(sized(b"{}", WORKFLOW))
    wire.answer(response(500), response())
    return {**sync("error"), **error(500), **sync(kind="workflow")}


def long_head(wire):
    many = "".join(f"X-{i}: {'v' * 60}\r\n" for i in range(200))
    wire.exchange(request(SYNC, many + "content-LENGTH: 3\r\n", b"abc"), response())
    wire.exchange(request(SYNC, f"Cookie: {'c' * 9000}\r\nContent-Length: 3\r\n", b"abc"), response(404))
    return {**sync(), **sync("error"), **error(404)}


def large_bodies(wire):
    body = b"POST /api/v0/tasks/x/executions HTTP/1.1\r\n\r\n" * 5000
    wire.exchange(sized(body), response(200, body))
    wire.exchange(sized(b"{}"), response(404))
    return {**sync(), **sync("error"), **error(404)}


def expect_continue(wire):
    wire.ask(request(SYNC, "Expect: 100-continue\r\nContent-Length: 2\r\n"))
    wire.answer(b"HTTP/1.1 100 Continue\r\n\r\n")
    wire.exchange(b"{}", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + response())
    return sync()


def chunked(wire):
    asked = request(SYNC, "Transfer-Encoding: chunked\r\n", chunks(b"x" * 5, b"HTTP/1.1 500 X\r\n\r\n"))
    answered = response(200, chunks(b"y" * 300, b"\r\n\r\n"), "Transfer-Encoding: gzip, Chunked\r\n")
    wire.exchange(asked, answered)
    for byte in asked:
        wire.ask(bytes([byte]))
    wire.answer(*(bytes([byte]) for byte in answered))
    wire.exchange(sized(b"{}"), response(404))
    return {**sync(n=2), **sync("error"), **error(404)}


def head_and_no_content(wire):
    wire.exchange(request("/x", method="HEAD"), response(200, b"", "Content-Length: 500\r\n"))
    wire.exchange(sized(b"{}"), response(204, b"", ""))
    wire.exchange(request("/x", method="GET"), response(304, b"", "Content-Length: 500\r\n"))
    wire.exchange(sized(b"{}"), response())
    return sync(n=2)


def http_1_0(wire):
    wire.exchange(sized(b"{}", version="1.0"), b"HTTP/1.0 200 OK\r\n\r\nto the end")
    wire.server.close()
    return sync()


def closed_without_a_byte(wire):
    wire.ask(sized(b"{}"))
    wire.ask(sized(b"{}", TASK))
    wire.server.close()
    return {**sync("error"), **error("none", n=2)}


def closed_within_the_response(wire):
    wire.exchange(sized(b"{}"), response()[:-10])
    wire.server.close()
    return sync()


def shut_down_without_a_byte(wire):
    wire.ask(sized(b"{}"))
    wire.server.shutdown(socket.SHUT_WR)
    return {**sync("error"), **error("none")}


def client_leaves(wire):
    wire.ask(sized(b"{}"))
    wire.client.close()
    wire.server.recv(1)
    wire.server.close()
    return {**sync("error"), **error(500)}


def client_has_left_when_it_is_read(wire):
    """The read that takes the request takes the end of the connection with it."""
    wire.exchange(sized(b"{}"), response())
    wire.client.sendall(sized(b"{}") * 2)
    wire.client.close()
    assert len(wire.server.recv(65536)) == 2 * len(sized(b"{}"))
    wire.server.sendall(response(404))
    wire.server.close()
    return {**sync(), **sync("error", n=2), **error(404), **error(500)}


def client_leaves_a_workflow(wire):
    wire.ask(sized(b"{}", WORKFLOW))
    wire.client.close()
    wire.server.recv(1)
    wire.server.close()
    return timeout("workflow")


def client_resets(wire):
    wire.ask(sized(b"{}"))
    wire.reset()
    with pytest.raises(ConnectionResetError):
        wire.server.recv(1)
    wire.server.close()
    return {**sync("error"), **error(500)}


def half_open(wire):
    wire.ask(sized(b"{}"))
    wire.client.shutdown(socket.SHUT_WR)
    assert wire.server.recv(1) == b""
    wire.answer(response())
    wire.server.close()
    return sync()


def head_that_never_ends(wire):
    wire.ask(sized(b"{}")[:-8])
    wire.client.close()
    wire.server.close()
    return {}


def many_pieces_in_one_call(wire):
    data = sized(b"{}") + sized(b"{}", TASK)
    wire.client.sendall(data)
    buffers = [bytearray(17) for _ in range(len(data) // 17 + 1)]
    assert wire.server.recvmsg_into(buffers)[0] == len(data)
    data = response() + response(202)
    assert wire.server.sendmsg([data[at : at + 19] for at in range(0, len(data), 19)]) == len(data)
    return {**sync(), **started()}


def peeked(wire):
    wire.client.sendall(sized(b"{}"))
    wire.server.recv(10, socket.MSG_PEEK)
    wire.read(len(sized(b"{}")))
    wire.answer(response())
    return sync()


def body_by_sendfile(wire):
    with open(__file__, "rb") as file:
        size = file.seek(0, 2)
        wire.ask(request("/file", method="GET"))
        wire.server.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        reader = threading.Thread(target=lambda: wire.client.recv(size * 2, socket.MSG_WAITALL))
        reader.start()
        assert wire.server.sendfile(file) == size
    wire.ask(sized(b"{}"))
    wire.server.sendall(response())
    wire.server.close()
    reader.join()
    return sync()


def answers_that_look_like_requests(wire):
    """The server is a client as well; who answers it does not decide what is counted."""
    wire.server.sendall(sized(b"{}") * 2)
    wire.client.recv(len(sized(b"{}")) * 2, socket.MSG_WAITALL)
    return {}


SITUATIONS = [
    keep_alive, statuses, async_statuses, other_routes, byte_by_byte, pipelined, answered_after_the_next_was_read, long_head,
    large_bodies, expect_continue, chunked, head_and_no_content, http_1_0, closed_without_a_byte, closed_within_the_response,
    shut_down_without_a_byte, client_leaves, client_has_left_when_it_is_read, client_leaves_a_workflow, client_resets, half_open, head_that_never_ends,
    many_pieces_in_one_call, peeked, body_by_sendfile, answers_that_look_like_requests,
]


def check(agent, listener, situation, *arguments):
    wire = Wire(listener)
    expected = situation(wire, *arguments)
    wire.close()
    # Sent when the connection ends: by then the agent has been told of all that came before.
    last = Wire(listener)
    last.exchange(sized(b"{}", "/api/v0/agents/last/executions"), response(202))
    last.close()
    expected.update(started("agent"))
    scrape = wait_until(lambda: is_counted(agent, expected), f"{situation.__name__}: {expected}", 5)
    for event in GIVEN_UP:
        assert scrape.value("bunscope_kernel_events_total", event=event) == 0
    begun = scrape.value("bunscope_kernel_events_total", event="exchanges_begun")
    assert begun == scrape.value("bunscope_kernel_events_total", event="exchanges_over")


def is_counted(agent, expected):
    scrape = agent.scrape()
    assert all(value <= expected.get(key, 0) for key, value in counted(scrape).items()), counted(scrape)
    return scrape if counted(scrape) == expected else None


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_situation(watched, listener, situation):
    check(watched, listener, situation)


@pytest.fixture
def all_agents(request, start_agent):
    """With --both-doors the two that all tests share, and the port that they follow; else one of this test's own."""
    if request.config.getoption("--both-doors"):
        both = request.getfixturevalue("doors")
        request.node.user_properties.append(("equal", " ".join(both.agents)))
        return both.agents.values(), both.port
    port = free_port()
    return [start_agent(f"--server.port={port}")], port


@pytest.mark.kernel
def test_all_situations_one_after_the_other(all_agents):
    """Before one agent, or one a door: what an emulated machine has time for."""
    agents, port = all_agents
    before = [collections.Counter(counted(agent.scrape())) for agent in agents]
    expected = collections.Counter()
    with socket.create_server(("127.0.0.1", port)) as listener:
        for situation in SITUATIONS:
            wire = Wire(listener)
            expected.update(situation(wire))
            wire.close()
    for agent, earlier in zip(agents, before):
        scrape = wait_until(lambda agent=agent, all_of=earlier + expected: is_counted(agent, all_of), f"all of {expected}", 5)
        for event in GIVEN_UP:
            assert scrape.value("bunscope_kernel_events_total", event=event) == 0


@pytest.mark.parametrize("size", [2, 3, 7, 8, 13, 64, 257])
def test_cut_anywhere(watched, listener, size):
    check(watched, listener, in_pieces, size)


def lost(agent, event):
    scrape = agent.scrape()
    return scrape.value("bunscope_kernel_events_total", event=event) == 1 and not counted(scrape) and scrape


@pytest.mark.parametrize("event, data", [
    ("http_syntax", request("/x", method="GET") + b"nonsense\r\n"),
    ("http_burst", request("/x", "a:b\r\n" * 6000, method="GET")),
    ("http_pipeline", request("/x", method="GET") * 200)], ids=lambda value: value if isinstance(value, str) else "")
def test_what_cannot_be_followed_is_counted_and_left_alone(watched, listener, event, data):
    wire = Wire(listener)
    wire.ask(sized(b"{}"))
    wire.client.sendall(data)
    wire.server.recv(len(data), socket.MSG_WAITALL)
    wire.server.sendall(response())
    wire.close()
    wait_until(lambda: lost(watched, event), event, 5)


def test_listener_that_comes_later_is_a_server(start_agent):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    agent = start_agent(f"--server.port={port}")
    with socket.create_server(("127.0.0.1", port)) as listener:
        wire = Wire(listener)
        wire.exchange(sized(b"{}"), response())
        wire.close()
        wait_until(lambda: is_counted(agent, sync()), "counted", 5)


def test_listener_on_a_port_that_connect_chose(start_agent, listener):
    """Of another address: bind() leaves the kernel's mark of such ports, listen() takes it away."""
    with socket.create_connection(listener.getsockname()) as client:
        address = ("127.0.0.2", client.getsockname()[1])
        with socket.create_server(address) as other:
            agent = start_agent(f"--server.port={address[1]}")
            wire = Wire(other)
            wire.exchange(sized(b"{}"), response())
            wire.close()
            wait_until(lambda: is_counted(agent, sync()), "counted", 5)


def other_routes(port):
    return [f"--server.port={port}", "--server.base-path=/v9", "--server.route=PUT /run/{id} workflow sync",
            "--server.route=PUT /start/{id}/now agent async"]


def other_routes_in_a_file(port, path):
    path.write_text(f"server.port: {port}\nserver.base-path: /v9\nserver.route:\n"
                    "  - PUT /run/{id} workflow sync\n  - PUT /start/{id}/now agent async\n")
    return [f"--config={path}"]


@pytest.mark.parametrize("by", ["flags", "file"])
def test_other_routes_can_be_described(start_agent, listener, tmp_path, by):
    port = listener.getsockname()[1]
    agent = start_agent(*(other_routes(port) if by == "flags" else other_routes_in_a_file(port, tmp_path / "bunscope.yml")))
    wire = Wire(listener)
    wire.exchange(sized(b"{}", "/v9/run/a", method="PUT"), response())
    wire.exchange(sized(b"{}", "/v9/start/a/now", method="PUT"), response(202))
    wire.exchange(sized(b"{}"), response())
    wire.close()
    wait_until(lambda: is_counted(agent, {**sync(kind="workflow"), **started("agent")}), "counted", 5)


CONNECTIONS = 64
REQUESTS = 40


def client_of(port, answers, failures):
    try:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            for i in range(REQUESTS):
                connection.sendall(sized(b"{}", TASK if i % 2 else SYNC))
                data = b""
                while b"}}" not in data:
                    data += connection.recv(4096)
                answers.append(int(data[9:12]))
    except OSError as failure:
        failures.append(failure)


def serve(connection, number):
    with connection:
        for i in range(REQUESTS):
            data = b""
            while not data.endswith(b"{}"):
                data += connection.recv(4096)
            connection.sendall(response(202 if i % 2 else (200, 404, 408, 500)[(i // 2 + number) % 4]))


def test_64_connections_at_once(watched, listener):
    answers, failures = [], []
    clients = [threading.Thread(target=client_of, args=(listener.getsockname()[1], answers, failures)) for _ in range(CONNECTIONS)]
    for client in clients:
        client.start()
    servers = [threading.Thread(target=serve, args=(listener.accept()[0], i)) for i in range(CONNECTIONS)]
    for thread in servers:
        thread.start()
    for thread in clients + servers:
        thread.join()
    assert not failures
    n = answers.count
    expected = {**started(n=n(202)), **sync(n=n(200)), **sync("error", n=n(404) + n(500)), **timeout(n=n(408)),
                **error(404, n=n(404)), **error(500, n=n(500))}
    assert sum(n(status) for status in (200, 202, 404, 408, 500)) == CONNECTIONS * REQUESTS
    wait_until(lambda: is_counted(watched, expected), "every exchange is counted", 5)
