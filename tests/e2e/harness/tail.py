# SPDX-License-Identifier: Apache-2.0
"""bunscope tail under test: the lines that it prints."""
import queue
import signal
import subprocess
import threading

from harness.agent import BINARY, bpf_ids, check_sandbox
from harness.machine import watching
from harness.wait import wait_until


def links(pid):
    return sum(kind == "link_id" for kind, _ in bpf_ids(pid))


class Tail:
    """`bunscope tail`, ready: it has attached as much as an agent does that says it is ready."""

    def __init__(self, wanted_links, *flags):
        self.process = subprocess.Popen(
            [str(BINARY), "tail", *watching(flags)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines = queue.Queue()
        self.log = []
        streams = ((self.process.stdout, self.lines.put), (self.process.stderr, self.log.append))
        self.readers = [threading.Thread(target=self.read, args=stream, daemon=True) for stream in streams]
        for reader in self.readers:
            reader.start()
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
        code = self.process.wait(5)
        for reader in self.readers:
            reader.join()
        check_sandbox("".join(self.log))
        return code
