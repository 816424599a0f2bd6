#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nanoseconds that breakpoints take in a Go server: fetches, which pass one, and poll loops of one fetch, which pass three.

Loops that last microseconds end faster than the ring takes them; real ones last for seconds.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))

from harness import agent as agents  # noqa: E402  pylint: disable=wrong-import-position
from harness import machine, servers  # noqa: E402  pylint: disable=wrong-import-position

TIMES = 20_000
ROUNDS = 7
POLLS = "workflow_sync_polls_total"


def rounds_of(server):
    """Of several rounds, the first being warm-up: the best."""
    found = [server.ask("GET", f"/bench?times={TIMES}")[1]["data"] for _ in range(ROUNDS + 1)][1:]
    return [min(each[name] for each in found) for name in ("fetch_ns", "loop_ns")]


def attached(bun):
    agent = agents.Agent().wait_ready()
    server = servers.go_server(bun)
    try:
        server.execute("tasks", "sum", **{"with": {"a": 1, "b": 2}})
        agent.wait_for(lambda now: now.total("bunscope_probe_info", family="go", hook="polls", state="attached") == 1, "attached")
        found = rounds_of(server)
        assert agent.scrape().total(POLLS) > 0
    finally:
        server.stop()
        agent.stop()
    return found


def main():
    bun = sys.argv[1]
    lock = machine.lock_machine()
    server = servers.go_server(bun)
    without = rounds_of(server)
    server.stop()
    with_agent = attached(bun)
    lock.close()
    print("    breakpoints, best of 7, ns                        without   with it     added")
    for name, off, on in zip(("a fetch that is no poll: one", "a loop of one fetch: three, one of them a return"), without, with_agent):
        print(f"    {name:48} {off:7,} {on:9,} {on - off:9,}")


if __name__ == "__main__":
    main()
