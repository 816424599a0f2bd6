# SPDX-License-Identifier: Apache-2.0
"""A client of HTTP/1 whose bytes are the test's own."""
import http.client
import socket
import struct

from harness.servers import ANSWER_SECONDS

TCP_REPAIR = 19  # linux/tcp.h


class Client:
    def __init__(self, server):
        self.socket = socket.create_connection((server.host, server.port), timeout=ANSWER_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def send_in(self, size, data):
        for at in range(0, len(data), size):
            self.send(data[at : at + size])

    def answer(self, status, body=True):
        """Reads one response."""
        line = self.reader.readline()
        assert line.startswith(b"HTTP/1.") and (status is None or int(line[9:12]) == status), line
        headers = http.client.parse_headers(self.reader)
        if not body:
            return
        if headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.reader.readline(), 16):
                self.reader.read(size + 2)
            self.reader.readline()
        else:
            self.reader.read(int(headers.get("Content-Length", 0)))

    def ends(self):
        assert self.reader.read() == b""

    def close(self):
        self.reader.close()
        self.socket.close()

    def reset(self):
        """It goes without a goodbye: the server is told so with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def vanish(self):
        """As a machine that lost its power: nothing is sent, and the server's side is half-open."""
        self.socket.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        self.close()
