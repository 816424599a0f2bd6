# SPDX-License-Identifier: Apache-2.0
"""bunscope top: once through a pipe, live in a terminal of any size."""
import subprocess
import uuid

import pytest

from conftest import require
from harness import parents
from harness.agent import BINARY, run_agent
from harness.live import JOBS, wait_step
from harness.machine import free_port
from harness.wait import wait_until

ESCAPE = "\033"


@pytest.fixture
def agent(start_agent):
    """One of its own: what is looked at is all that it has seen."""
    return start_agent()


@pytest.fixture
def busy(agent, start_parent, newest_bun):
    parent = start_parent(parents.c_parent, newest_bun)
    truths = [truth for job in JOBS for truth in parent.run(**job)]
    wait_step(agent, len(truths))
    return agent


def address_of(agent):
    return f"{agent.address[0]}:{agent.address[1]}"


def test_once_through_a_pipe(busy):
    by_flag = run_agent("top", f"--web.listen-address={address_of(busy)}")
    by_url = run_agent("top", f"http://{address_of(busy)}/")
    assert (by_flag.returncode, by_flag.stderr) == (0, "") == (by_url.returncode, by_url.stderr)
    head, titles, *rows = by_flag.stdout.splitlines()
    assert head.startswith(f"{address_of(busy)}  5 tools in the last 1 min") and ESCAPE not in by_flag.stdout
    assert titles.split() == ["TOOL", "RUNS*", "RUN/S", "NOW", "ERROR", "TIMEOUT", "P50", "P95", "P99", "CPU/RUN", "MEM/RUN"]
    counts = {row.split()[0]: (int(row.split()[1]), int(row.split()[4]), int(row.split()[5])) for row in rows}
    assert counts == {"sum": (8, 0, 0), "slow": (4, 0, 0), "rejects": (3, 3, 0), "sleep": (2, 0, 2), "crash": (1, 1, 0)}
    assert [row.split()[0] for row in rows] == ["sum", "slow", "rejects", "sleep", "crash"]


def test_needs_no_privileges(busy):
    setpriv = require("setpriv")
    done = run_agent("top", f"--web.listen-address={address_of(busy)}", prefix=[setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"])
    assert (done.returncode, done.stderr) == (0, "") and "rejects" in done.stdout


def test_without_an_agent():
    done = run_agent("top", f"--web.listen-address=127.0.0.1:{free_port()}")
    assert done.returncode == 1 and done.stdout == ""
    assert "is an agent running there?" in done.stderr


class Terminal:
    """A tmux of our own, with one window in which top runs."""

    def __init__(self, width, height, *command):
        self.tmux = [require("tmux"), "-L", f"bunscope-{uuid.uuid4().hex}", "-f", "/dev/null"]
        words = " ".join(map(str, command))
        self.call("new-session", "-d", "-x", str(width), "-y", str(height), f"{words}; echo ended with $?; exec cat")

    def call(self, *words):
        return subprocess.run([*self.tmux, *words], capture_output=True, text=True, check=True, timeout=10).stdout

    def lines(self):
        return self.call("capture-pane", "-p").rstrip("\n").split("\n")

    def wait(self, condition, what):
        return wait_until(lambda: condition(lines := self.lines()) and lines, what, 15)

    def keys(self, *keys):
        self.call("send-keys", *keys)

    def stop(self):
        self.call("kill-server")


@pytest.fixture
def start_terminal():
    started = []

    def start(*arguments):
        started.append(Terminal(*arguments))
        return started[-1]

    yield start
    for terminal in started:
        terminal.stop()


def tools_of(lines):
    names = {job["tool"] for job in JOBS}
    return [word for word in (line.split(" ")[0] for line in lines) if word in names]


def test_live_in_a_terminal(busy, start_terminal):
    terminal = start_terminal(110, 20, BINARY, "top", f"--web.listen-address={address_of(busy)}")
    lines = terminal.wait(lambda lines: len(tools_of(lines)) == 5, "all tools are there")
    assert "RUNS*" in lines[1] and "MEM/RUN" in lines[1] and lines[-1].startswith("q quit")
    assert tools_of(lines) == ["sum", "slow", "rejects", "sleep", "crash"]

    terminal.keys("Left")
    lines = terminal.wait(lambda lines: "TOOL*" in lines[1], "sorted by name")
    assert tools_of(lines) == ["crash", "rejects", "sleep", "slow", "sum"]
    terminal.keys("r")
    terminal.wait(lambda lines: tools_of(lines) == ["sum", "slow", "sleep", "rejects", "crash"], "the other way round")

    terminal.keys("q")
    terminal.wait(lambda lines: lines[0] == "ended with 0" and not tools_of(lines), "the screen is as it was")


def test_any_width(busy, start_terminal):
    terminal = start_terminal(110, 20, BINARY, "top", f"--web.listen-address={address_of(busy)}")
    terminal.wait(lambda lines: "MEM/RUN" in lines[1] if len(lines) > 1 else False, "a wide one")
    for width, height, titles in ((60, 8, ["TOOL", "RUNS*", "RUN/S", "NOW", "ERROR", "TIMEOUT", "P95"]), (24, 5, ["TOOL", "RUNS*", "NOW"])):
        terminal.call("resize-window", "-x", str(width), "-y", str(height))

        def fits(lines, wanted=titles, tools=min(5, height - 3)):
            return len(lines) > 2 and lines[1].split() == wanted and len(tools_of(lines)) == tools

        lines = terminal.wait(fits, f"it fits into {width} x {height}")
        assert len(lines) == height and max(map(len, lines)) <= width
    terminal.keys("C-c")
    terminal.wait(lambda lines: lines[0] == "ended with 0", "Ctrl-C ends it")


def test_the_agent_goes_away(start_agent, start_terminal):
    agent = start_agent()
    terminal = start_terminal(100, 10, BINARY, "top", f"--web.listen-address={address_of(agent)}")
    terminal.wait(lambda lines: "no tool has run lately" in "".join(lines), "it is there")
    agent.stop()
    terminal.wait(lambda lines: "no answer" in lines[0], "it says so")
    terminal.keys("q")
    terminal.wait(lambda lines: lines[0] == "ended with 0", "q still ends it")
