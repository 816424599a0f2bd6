# SPDX-License-Identifier: Apache-2.0
"""A collector of the tests' own: strict about what OTLP says, and able to answer as badly as a real one can."""
import base64
import collections
import gzip
import http.server
import json
import socket
import ssl
import struct
import sys
import threading

import pytest

from harness.agent import REPOSITORY
from harness.wait import wait_until

PACKAGES = REPOSITORY / "build/python"
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
NO_LINGER = struct.pack("ii", 1, 0)  # close() resets


def require_schema():
    """The published schema; the test is skipped where it could not be installed."""
    if str(PACKAGES) not in sys.path:
        sys.path.insert(0, str(PACKAGES))
    return pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2",
                               reason="opentelemetry-proto is not installed: run make e2e-python")


Span = collections.namedtuple(
    "Span", "name trace id parent state flags kind start end attributes events status message resource scope")
Event = collections.namedtuple("Event", "name time attributes")


def value_of(value):
    kind = value.WhichOneof("value")
    assert kind, "an attribute without a value"
    if kind == "array_value":
        return [value_of(item) for item in value.array_value.values]
    return getattr(value, kind)


def attributes_of(attributes):
    keys = [attribute.key for attribute in attributes]
    assert len(set(keys)) == len(keys), f"keys twice: {keys}"
    return {attribute.key: value_of(attribute.value) for attribute in attributes}


def check_known(message):
    """Every field that was sent is one of the published schema."""
    from google.protobuf.unknown_fields import UnknownFieldSet

    assert len(UnknownFieldSet(message)) == 0, f"unknown fields in {type(message).__name__}"
    for field, value in message.ListFields():
        if field.message_type:
            for item in value if field.is_repeated else [value]:
                check_known(item)


def span_of(span, resource, scope):
    assert len(span.trace_id) == 16 and any(span.trace_id)
    assert len(span.span_id) == 8 and any(span.span_id)
    assert len(span.parent_span_id) in (0, 8)
    assert span.name and 0 < span.start_time_unix_nano <= span.end_time_unix_nano
    assert span.dropped_attributes_count == span.dropped_events_count == 0
    events = [Event(event.name, event.time_unix_nano, attributes_of(event.attributes)) for event in span.events]
    assert events == sorted(events, key=lambda event: event.time), "events out of order"
    return Span(span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.trace_state,
                span.flags, span.kind, span.start_time_unix_nano, span.end_time_unix_nano,
                attributes_of(span.attributes), events, span.status.code, span.status.message, resource, scope)


def spans_of(request):
    check_known(request)
    found = []
    for group in request.resource_spans:
        resource = attributes_of(group.resource.attributes)
        assert resource.get("service.name")
        for scope_spans in group.scope_spans:
            assert scope_spans.scope.name == "bunscope" and scope_spans.scope.version
            found += [span_of(span, resource, scope_spans.scope.version) for span in scope_spans.spans]
    assert found, "a request without spans"
    return found


def ids_to_base64(node):
    """OTLP's JSON has ids in hexadecimal; protobuf's own mapping has base64."""
    if isinstance(node, list):
        return [ids_to_base64(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: base64.b64encode(bytes.fromhex(value)).decode() if key in ("traceId", "spanId", "parentSpanId")
            else ids_to_base64(value) for key, value in node.items()}


def decode(content_type, body):
    schema = require_schema()
    request = schema.ExportTraceServiceRequest()
    if content_type == JSON:
        from google.protobuf import json_format

        json_format.ParseDict(ids_to_base64(json.loads(body)), request)
    else:
        assert content_type == PROTOBUF, content_type
        request.ParseFromString(body)
    return spans_of(request)


class Fault:
    """An answer other than that all is well. `take`: whether the spans were taken nevertheless."""

    take = False

    def __init__(self, status=None, headers=(), body=b"", take=False):
        self.status, self.headers, self.body, self.take = status, dict(headers), body, take

    def answer(self, handler):
        handler.reply(self.status, self.body, self.headers)


class Hang(Fault):
    """No answer, until the client has had enough."""

    def answer(self, handler):
        handler.connection.settimeout(60)
        try:
            while handler.connection.recv(4096):
                pass
        except OSError:
            pass
        handler.close_connection = True


class Reset(Fault):
    def answer(self, handler):
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        handler.close_connection = True
        handler.connection.close()


class Half(Fault):
    """A status of success, and then only part of the body that was announced."""

    take = True

    def __init__(self):
        super().__init__(take=True)

    def answer(self, handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 50\r\n\r\nhalf")
        handler.close_connection = True


class Huge(Fault):
    """A hundred megabytes, as far as the client wants them."""

    SIZE = 100 << 20

    def __init__(self):
        super().__init__(take=True)

    def answer(self, handler):
        handler.server.receiver.huge_sent = 0
        handler.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Length: {self.SIZE}\r\n\r\n".encode())
        try:
            while handler.server.receiver.huge_sent < self.SIZE:
                handler.wfile.write(bytes(1 << 16))
                handler.server.receiver.huge_sent += 1 << 16
        except OSError:
            pass
        handler.close_connection = True


def partial(rejected, message):
    """Success, but for some spans."""
    answer = require_schema().ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = rejected
    answer.partial_success.error_message = message
    return Fault(200, {"Content-Type": PROTOBUF}, answer.SerializeToString(), take=True)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            fault = receiver.receive(self.path, self.headers, body)
        except Exception as wrong:  # a test asks for it: a thread's exception would be nobody's
            receiver.wrong.append(wrong)
            self.reply(400)
            return
        if fault:
            fault.answer(self)
        else:
            self.reply(200, b"{}" if self.headers["Content-Type"] == JSON else b"",
                       {"Content-Type": self.headers["Content-Type"]})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that leaves within TLS or an answer is what tests are about


class Receiver:
    """tls: (certificate, key, CA of clients or None). Faults are the answers to the next requests, one each."""

    def __init__(self, tls=None, address=("127.0.0.1", 0)):
        require_schema()
        self.spans = []
        self.refused = []  # spans of requests that were not taken
        self.requests = []  # (path, headers) of each
        self.wrong = []
        self.faults = collections.deque()
        self.huge_sent = None
        self.server = Server(address, Handler)
        self.server.receiver = self
        self.scheme = "http"
        if tls:
            self._start_tls(*tls)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def _start_tls(self, certificate, key, client_ca):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if client_ca:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        # The handshake belongs to the connection's own thread.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.scheme = "https"

    @property
    def port(self):
        return self.server.server_address[1]

    @property
    def url(self):
        return f"{self.scheme}://{self.server.server_address[0]}:{self.port}"

    def receive(self, path, headers, body):
        assert path == "/v1/traces", path
        if headers["Content-Encoding"]:
            assert headers["Content-Encoding"] == "gzip"
            body = gzip.decompress(body)
        spans = decode(headers["Content-Type"], body)
        self.requests.append((path, headers))
        fault = self.faults.popleft() if self.faults else None
        (self.spans if fault is None or fault.take else self.refused).extend(spans)
        return fault

    def wait(self, count, seconds=20):
        """So many spans in all have come; no more than that."""
        wait_until(lambda: len(self.spans) >= count or self.wrong, f"{count} spans have come", seconds)
        self.check()
        assert len(self.spans) == count, [span.name for span in self.spans]
        return self.spans

    def check(self):
        if self.wrong:
            raise self.wrong[0]
        ids = [(span.trace, span.id) for span in self.spans]
        assert len(set(ids)) == len(ids), "a span came twice"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.check()


def totals(scraped):
    """What became of the spans; the identity must hold in each scrape."""
    name = "bunscope_spans_total"
    found = {state: int(scraped.value(name, state=state)) for state in ("exported", "dropped", "unsampled", "retried")}
    found["queued"] = int(scraped.value("bunscope_spans_queued"))
    found["created"] = int(scraped.value("bunscope_spans_created_total"))
    assert found["created"] == found["exported"] + found["dropped"] + found["unsampled"] + found["queued"], found
    return found
