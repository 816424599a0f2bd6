#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nanoseconds that a breakpoint takes in a Go server: poll loops of one fetch, which pass three, with the agent and without."""
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))

from harness import agent as agents  # noqa: E402  pylint: disable=wrong-import-position
from harness import machine, servers  # noqa: E402  pylint: disable=wrong-import-position

LOOPS = 20_000
ROUNDS = 7
HITS = 3
POLLS = "workflow_sync_polls_total"


def rounds_of(server):
    """Of several rounds; the first is warm-up."""
    found = [server.ask("GET", f"/bench?loops={LOOPS}")[1]["data"]["ns"] for _ in range(ROUNDS + 1)]
    return found[1:]


def attached(bun):
    agent = agents.Agent().wait_ready()
    server = servers.go_server(bun)
    try:
        server.execute("tasks", "sum", **{"with": {"a": 1, "b": 2}})
        agent.wait_for(lambda now: now.total("bunscope_probe_info", family="go", state="attached") == 1, "attached")
        found = rounds_of(server)
        counted = agent.wait_for(lambda now: now.total(POLLS) == LOOPS * (ROUNDS + 1), "all are counted").total(POLLS)
    finally:
        server.stop()
        agent.stop()
    return found, int(counted)


def main():
    bun = sys.argv[1]
    lock = machine.lock_machine()
    server = servers.go_server(bun)
    without = rounds_of(server)
    server.stop()
    with_agent, counted = attached(bun)
    lock.close()
    added = (min(with_agent) - min(without)) / HITS
    print("    poll loop of one fetch                  best   median")
    print(f"    without the agent                    {min(without):7}  {statistics.median(without):7.0f} ns")
    print(f"    with it                              {min(with_agent):7}  {statistics.median(with_agent):7.0f} ns")
    print(f"    added to each of {HITS} breakpoints         {added:7.0f} ns            goal 1,000")
    print(f"    counted                              {counted:,} of {LOOPS * (ROUNDS + 1):,}")


if __name__ == "__main__":
    main()
