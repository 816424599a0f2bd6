#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Requests a second, 99th percentile and CPU time a request of the tests' Go server under wrk, with an agent that follows it and without.

Beside it programs that do nothing, at the system calls that door B looks at: what is more than that is ours. All take turns,
so that what else the machine does hits all alike; medians of all rounds.
"""
import argparse
import contextlib
import pathlib
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))

from harness import agent as agents  # noqa: E402  pylint: disable=wrong-import-position
from harness import machine, servers  # noqa: E402  pylint: disable=wrong-import-position

SECONDS = 2
BENCH_DOORS = agents.BUILD / "tests/bench/doors/doors"
WRK = ["wrk", "-t2", "-c32", f"-d{SECONDS}s", "--latency", "-s", str(pathlib.Path(__file__).with_name("post.lua"))]
# Both are answered at once with 404.
PATHS = {"no route": "/nothing", "a route": "/api/v0/tasks/missing/executions/sync"}
DOORS = {"off": None, "empty": "classic_empty", "door A": "--probe.stdio=fentry", "door B": "--probe.stdio=syscall"}
UNIT_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def cpu_ns(pid):
    """Of all its threads: clock_getcpuclockid(3)."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def load(url, pids):
    """Requests a second, 99th percentile in milliseconds, and microseconds of CPU that each process took a request."""
    before = [cpu_ns(pid) for pid in pids]
    text = subprocess.run([*WRK, url], capture_output=True, text=True, check=True).stdout
    spent = [cpu_ns(pid) - began for pid, began in zip(pids, before)]
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", text).groups()
    requests = int(re.search(r"(\d+) requests in", text)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    return rate, float(number) * UNIT_MS[unit], *(ns / 1e3 / requests for ns in spent)


@contextlib.contextmanager
def empty_programs(form):
    """The programs of a form of `doors`; no process of theirs does anything."""
    with subprocess.Popen([BENCH_DOORS, "--hold", form], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline(), "doors could not attach them"
        yield []
        holder.stdin.close()


@contextlib.contextmanager
def following_agent(server, flag):
    agent = agents.Agent(flag, f"--server.port={server.port}").wait_ready()
    try:
        yield [agent.pid]
    finally:
        agent.stop()


def attached(server, what):
    """A context in which it is: yields the processes whose CPU time is of interest."""
    if not what:
        return contextlib.nullcontext([])
    return following_agent(server, what) if what.startswith("--") else empty_programs(what)


def measure(server, what):
    """A load of each path."""
    with attached(server, what) as pids:
        pids = [server.process.pid, *pids]
        return {name: load(f"http://127.0.0.1:{server.port}{path}", pids) for name, path in PATHS.items()}


def doors_here(server):
    """Those that can be attached on this kernel."""
    found = []
    for door, what in DOORS.items():
        try:
            measure(server, what)
            found.append(door)
        except Exception as reason:  # pylint: disable=broad-except
            print(f"skipped: {door}: {str(reason).splitlines()[0]}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bun", help="what the server would execute")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    lock = machine.lock_machine()
    server = servers.go_server(arguments.bun)
    doors = doors_here(server)
    found = {door: [] for door in doors}
    for round_ in range(arguments.rounds):
        for i in range(len(doors)):
            door = doors[(i + round_) % len(doors)]
            found[door].append(measure(server, DOORS[door]))
    server.stop()
    lock.close()
    print(f"    {'':19} {'requests/s':>11} {'ratio':>7} {'p99 ms':>11} {'ratio':>7} {'server us':>11} {'ratio':>7} {'agent us':>10}")
    for name in PATHS:
        off = None
        for door in doors:
            row = [statistics.median(values) for values in zip(*(each[name] for each in found[door]))]
            off = off or row
            cells = [f"{value:11,.2f} {value / base:7.2f}" for value, base in zip(row, off)]
            print(f"    {name:10} {door:8}", *cells, *(f"{value:10.2f}" for value in row[3:]))


if __name__ == "__main__":
    main()
