# SPDX-License-Identifier: Apache-2.0
"""bunscope tail under test: the lines that it prints."""
import queue
import signal
import subprocess
import threading

from harness.agent import BINARY, bpf_ids
from harness.wait import wait_until


def links(pid):
    return sum(kind == "link_id" for kind, _ in bpf_ids(pid))


class Tail:
    """`bunscope tail`, ready: it has attached as much as an agent does that says it is ready."""

    def __init__(self, wanted_links, *flags):
        self.process = subprocess.Popen(
            [str(BINARY), "tail", *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines = queue.Queue()
        self.log = []
        for stream, put in ((self.process.stdout, self.lines.put), (self.process.stderr, self.log.append)):
            threading.Thread(target=self.read, args=(stream, put), daemon=True).start()
        wait_until(lambda: self.has_links(wanted_links), "tail has attached its programs")

    @staticmethod
    def read(stream, put):
        for line in stream:
            put(line)

    def has_links(self, wanted):
        assert self.process.poll() is None, "".join(self.log)
        return links(self.process.pid) == wanted

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(5)
