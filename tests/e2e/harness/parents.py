# SPDX-License-Identifier: Apache-2.0
"""Parents: small servers that run tools in Bun children, each in another language, all with one protocol."""
import json
import os
import pathlib
import queue
import select
import signal
import subprocess
import threading

from harness.agent import BUILD
from harness.machine import BUNS_UNDER, pid_namespace
from harness.wait import SLOWNESS

E2E = pathlib.Path(__file__).resolve().parents[1]
WORKER = E2E / "worker"
WORKER_BROKEN = E2E / "worker_broken"
WORKER_DEAF = E2E / "worker_deaf"
WORKER_LEAVES = E2E / "worker_leaves"
PARENT = BUILD / "tests/e2e/parent"
GO_PARENT = BUILD / "tests/e2e/go-parent"
LINE_SECONDS = 90
END_SECONDS = 20
BUN_NAMES = ("bun", "bun.exe")
# Bun's crash handler would report crashes to its makers; tests talk to nobody.
ENVIRONMENT = {**os.environ, "BUN_ENABLE_CRASH_REPORTING": "0", "DO_NOT_TRACK": "1"}


class Parent:
    """own_pids: the pids that it tells are of this pid namespace."""

    def __init__(self, command, own_pids=True):
        self.own_pids = own_pids
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT,
        )
        self.events = queue.Queue()
        self.pids = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))
        self.events.put(None)

    def begin(self, **job):
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()

    def next(self, *kinds):
        """The next event of one of these kinds; None when the parent has ended."""
        while True:
            event = self.events.get(timeout=LINE_SECONDS * SLOWNESS)
            if event and self.own_pids:
                self._remember(event)
            if event is None or event["event"] in kinds:
                return event

    def _remember(self, event):
        """Whose pid is not yet another's."""
        if event["event"] == "start":
            self.pids.append(event["pid"])
        elif event.get("waited") and event["pid"] in self.pids:
            self.pids.remove(event["pid"])

    def finish(self):
        """The truths of the job that was begun."""
        truths = []
        while True:
            event = self.next("run", "done")
            assert event is not None, "the parent ended before its job was done"
            if event["event"] == "done":
                return truths
            truths.append(event)

    def run(self, **job):
        self.begin(**job)
        return self.finish()

    def stop(self):
        """Ends the parent, and every Bun process of its that is left."""
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        while self.next() is not None:
            pass
        for pid in self.pids:
            end_bun(pid)

    def kill(self):
        self.process.kill()
        self.process.wait()


def end_bun(pid):
    """Kills a Bun process that outlived its parent, and waits until it is gone. The pid may be another's by now."""
    try:
        pidfd = os.pidfd_open(pid)
    except (ProcessLookupError, FileNotFoundError):  # the second while it is being reaped, from Linux 6.15 on
        return
    try:
        exe = os.readlink(f"/proc/{pid}/exe")
        if os.path.basename(exe) in BUN_NAMES and exe.startswith(BUNS_UNDER or "/"):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            wait_end(pidfd, f"the Bun process {pid}")
    except (FileNotFoundError, ProcessLookupError):
        pass
    finally:
        os.close(pidfd)


def wait_end(pidfd, what):
    """Until a process has exited, whether it was waited for or not."""
    ended = select.poll()
    ended.register(pidfd, select.POLLIN)
    assert ended.poll(END_SECONDS * 1000 * SLOWNESS), f"{what} has not ended"


def c_parent(bun, root=WORKER):
    return Parent([PARENT, "--exe", bun, "--root", root])


def c_parent_in_pid_namespace(bun, root=WORKER, pids=None):
    return Parent([*pid_namespace(pids), PARENT, "--exe", bun, "--root", root], own_pids=False)


def go_parent(bun, root=WORKER):
    return Parent([GO_PARENT, "--exe", bun, "--root", root])


def node_parent(bun, root=WORKER):
    return Parent(["node", E2E / "parents/node_parent.mjs", bun, root])


def python_parent(bun, root=WORKER):
    return Parent(["/usr/bin/python3", E2E / "parents/python_parent.py", bun, root])


def bun_parent(bun, root=WORKER):
    return Parent([bun, E2E / "parents/bun_parent.ts", bun, root])
