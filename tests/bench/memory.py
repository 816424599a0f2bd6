#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What runs in flight hold: memory of the agent and of its maps, with none and with as many as the maps hold.

    memory.py --agent PATH --bun PATH [--runs N]
"""
import argparse
import pathlib
import re
import resource
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import agent as agents  # pylint: disable=wrong-import-position

KIB = 1024
DESCRIPTORS_A_RUN = 2
DESCRIPTORS_SPARE = 100


def map_bytes(pid):
    """What the kernel says that the maps of a process take, together."""
    total = 0
    for info in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            text = info.read_text()
        except FileNotFoundError:  # a scrape's connection, which was still being closed
            continue
        taken = re.search(r"^memlock:\s*(\d+)$", text, re.M)
        if taken and re.search(r"^map_id:", text, re.M):
            total += int(taken.group(1))
    return total


def measure(agent):
    """After three scrapes: the first makes room for its text."""
    for _ in range(3):
        scraped = agent.scrape()
    return {
        "in flight": scraped.value("bunscope_map_entries", map="runs"),
        "user": scraped.value("process_resident_memory_bytes"),
        "kernel": map_bytes(agent.pid),
    }


def start_runs(bun, count):
    command = [bun, "run", "storm/.compozy/bun_worker.ts"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return [subprocess.Popen(command, **pipes) for _ in range(count)]


def allow_descriptors(count):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count:
        sys.exit(f"memory: skipped: no more than {hard} descriptors here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def row(name, found):
    print(f"  {name:24}{found['in flight']:12,.0f}{found['user'] / KIB:14,.0f}{found['kernel'] / KIB:14,.0f}")


def compare(agent, bun, count):
    print(f"  {'':24}{'in flight':>12}{'user KiB':>14}{'kernel KiB':>14}")
    before = measure(agent)
    row("none", before)
    processes = start_runs(bun, count)
    try:
        during = measure(agent)
        row("all", during)
    finally:
        for process in processes:
            process.communicate()
    agent.wait_for(lambda now: now.value("bunscope_map_entries", map="runs") == 0, "all are over")
    row("none again", measure(agent))
    user, kernel = ((during[side] - before[side]) / count for side in ("user", "kernel"))
    print(f"  {'bytes a run':36}{user:14,.0f}{kernel:14,.0f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--agent", required=True)
    parser.add_argument("--bun", required=True)
    parser.add_argument("--runs", type=int, default=4096)
    options = parser.parse_args()
    agents.BINARY = pathlib.Path(options.agent)
    allow_descriptors(options.runs * DESCRIPTORS_A_RUN + DESCRIPTORS_SPARE)
    agent = agents.Agent().wait_ready()
    try:
        compare(agent, options.bun, options.runs)
    finally:
        agent.stop()


if __name__ == "__main__":
    main()
