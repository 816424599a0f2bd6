# SPDX-License-Identifier: Apache-2.0
"""The systemd unit: what it grants is enough, what it takes away is not missed; readiness and signs of life."""
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from conftest import require
from harness.agent import BINARY, REPOSITORY, Agent
from harness.wait import wait_until

UNIT = REPOSITORY / "deploy/systemd/bunscope.service"
# Above this something was opened that need not be: 0 is a service that can do nothing, 10 one that can do all.
EXPOSURE_LIMIT = 2.5


def setting(name):
    return [line.partition("=")[2] for line in UNIT.read_text().splitlines() if line.startswith(name + "=")]


def test_exposure():
    analyze = require("systemd-analyze")
    done = subprocess.run([analyze, "security", "--offline=true", UNIT], capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for bunscope.service: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= EXPOSURE_LIMIT


@pytest.fixture
def readable_binary(tmp_path_factory):
    """A copy where every user can reach it."""
    directory = tmp_path_factory.mktemp("binary")
    for parent in (directory, directory.parent):
        os.chmod(parent, 0o755)
    os.chmod(directory.parent.parent, 0o755)
    return shutil.copy(BINARY, directory)


def test_its_user_and_capabilities_are_enough(readable_binary):
    """Nobody, with the unit's ambient capabilities and no way to more."""
    names = ",".join("+" + name.removeprefix("CAP_").lower() for name in setting("AmbientCapabilities")[0].split())
    assert setting("AmbientCapabilities") == setting("CapabilityBoundingSet")
    command = [require("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs",
               f"--inh-caps={names}", f"--ambient-caps={names}", f"--bounding-set=-all,{names}"]
    agent = Agent(prefix=command, binary=readable_binary)
    try:
        agent.wait_ready()
        assert agent.scrape().value("bunscope_up") == 1
        status = open(f"/proc/{agent.pid}/status", encoding="ascii").read()
        assert re.search(r"^Uid:\s+65534", status, re.M)
    finally:
        assert agent.stop()[0] == 0


def expand(analyze, words):
    calls = set()
    for word in words:
        if not word.startswith("@"):
            calls.add(word)
            continue
        text = subprocess.run([analyze, "syscall-filter", word], capture_output=True, text=True, check=True).stdout
        lines = [line.strip() for line in text.splitlines()[1:]]
        calls |= expand(analyze, [line for line in lines if line and not line.startswith("#")])
    return calls


def allowed_calls(analyze):
    """As systemd reads it: the first line allows, each later one adds, or takes away behind a ~."""
    allowed = set()
    for line in setting("SystemCallFilter"):
        words = line.removeprefix("~").split()
        allowed = allowed - expand(analyze, words) if line.startswith("~") else allowed | expand(analyze, words)
    return allowed


def test_its_system_call_filter_is_wide_enough(tmp_path):
    analyze, strace = require("systemd-analyze"), require("strace")
    trace = tmp_path / "trace"
    agent = Agent(prefix=[strace, "-f", "-qq", "-o", str(trace)])
    try:
        agent.wait_ready()
        agent.scrape()
    finally:
        tracee = subprocess.run(["ps", "-o", "pid=", "--ppid", str(agent.pid)], capture_output=True, text=True, check=True)
        for pid in tracee.stdout.split():
            os.kill(int(pid), signal.SIGTERM)
        agent.process.wait(20)
    used = set(re.findall(r"^\d+ +([a-z_0-9]+)\(", trace.read_text(), re.M))
    assert {"bpf", "epoll_wait"} <= used
    # Without CAP_SYS_ADMIN it is refused either way: the agent then makes do with the host's tracefs.
    mounts = {"fsopen", "fsconfig", "fsmount"}
    assert used - allowed_calls(analyze) - mounts == set()


class Listener:
    """What systemd listens on."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(20)
        self.said = []

    def wait(self, word):
        def heard():
            self.said.append(self.socket.recv(4096).decode())
            return word in self.said[-1]

        wait_until(heard, f"it says {word}, not {self.said}")


def test_readiness_life_reload_and_end(tmp_path, monkeypatch):
    listener = Listener(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "500000")
    agent = Agent()
    try:
        listener.wait("READY=1")
        agent.wait_ready()
        listener.wait("WATCHDOG=1")
        agent.process.send_signal(signal.SIGHUP)
        listener.wait("RELOADING=1")
        listener.wait("READY=1")
        agent.process.send_signal(signal.SIGSTOP)
        said = len(listener.said)
        listener.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            for _ in range(3):  # what was on its way
                listener.socket.recv(4096)
        assert len(listener.said) == said
        agent.process.send_signal(signal.SIGCONT)
        listener.socket.settimeout(20)
        listener.wait("WATCHDOG=1")
    finally:
        agent.stop()
    listener.wait("STOPPING=1")
